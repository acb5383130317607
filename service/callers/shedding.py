"""
The requests that a process has under way, and whether it accepts more. Under load it refuses early, and says when to try again.

A request is under way from its head on, but not while its body is awaited: a slow body keeps nobody out. Callers that nobody knows get
a share of the places, and no caller with a key gets all.

- INVARIANT (bounded): at most `most` requests are under way, besides those that watch the service, and the bodies of at most `most`
  others and of a share of strangers are awaited. So their memory is at most that number times the memory of one request.
- Once the oldest record has waited for the disk longer than `patience` seconds, a request that would write is refused before it is
  decided.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from starlette.types import Message, Receive

from service.callers.caller import LOCAL, Caller
from service.problems import RequestRefused

# The paths that watch the service. They must be answered above all under load.
WATCHING = frozenset(("/livez", "/readyz", "/metrics"))
SHARE = 4  # callers without a key get one place in so many, and one caller with a key leaves one in so many to others

_READING = frozenset(("GET", "HEAD", "OPTIONS"))
_STRANGERS = ""  # in place of a caller's id


@dataclass(slots=True)
class Load:
    """The load of one process. Belongs to its event loop. `behind` returns the seconds that the oldest record has waited."""

    most: int
    patience: float
    behind: Callable[[], float]
    under_way: int = 0
    shed: int = 0
    draining: bool = False  # each answer closes its connection
    replaced: bool = False  # while draining: another worker of this service takes the next connection
    of_caller: dict[str, int] = field(default_factory=dict)  # the requests under way, by caller
    awaited: dict["Place", None] = field(default_factory=dict)  # whose bodies are awaited, the oldest first
    awaited_of_strangers: dict["Place", None] = field(default_factory=dict)

    @property
    def arriving(self) -> int:
        """The requests whose body is awaited."""
        return len(self.awaited) + len(self.awaited_of_strangers)

    def refusal(self, method: str) -> RequestRefused | None:
        """The refusal of a request if it is not accepted now. The reason is the load, never the request itself."""
        if self.under_way >= self.most:
            return self.turn_away(f"{self.most} requests are under way already")
        if method not in _READING and self.behind() > self.patience:
            return self.turn_away("the log has fallen behind")
        return None

    def turn_away(self, reason: str, **headers: str) -> RequestRefused:
        """A refusal because of the load. It is counted."""
        self.shed += 1
        return RequestRefused("busy", f"{reason}; try again in a moment", headers={"Retry-After": "1", **headers})

    def share(self, caller: str) -> int:
        """How many requests of a caller, or of all strangers together, may be under way."""
        if caller == LOCAL.id:  # everybody where no key was ever made
            return self.most
        strangers = max(1, self.most // SHARE)
        return strangers if caller == _STRANGERS else max(1, self.most - self.most // SHARE)


class Place:
    """
    The place of one request: among those under way, and while its body arrives among those that are awaited.

    Where too many bodies are awaited, the request that is awaited longest is turned away for the newest.
    """

    __slots__ = ("_caller", "_gives_up", "_load", "_method", "_taken", "_until")

    def __init__(self, load: Load, method: str) -> None:
        self._load = load
        self._method = method
        self._caller: str | None = None  # it is not known yet who calls
        self._taken = False
        self._gives_up = False
        self._until: asyncio.Timeout | None = None

    def take(self) -> None:
        """Come under way. Raises RequestRefused."""
        load, caller = self._load, self._caller
        if refused := load.refusal(self._method):
            raise refused
        if caller is not None:
            self._count(caller)
        load.under_way += 1
        self._taken = True

    def belongs_to(self, caller: Caller | None) -> None:
        """Count for the caller that was found, or for the strangers. Raises RequestRefused."""
        name = _STRANGERS if caller is None else caller.id
        self._count(name)
        self._caller = name

    def leave(self) -> None:
        """Be under way no more."""
        load = self._load
        self._awaited.pop(self, None)
        if not self._taken:
            return
        self._taken = False
        load.under_way -= 1
        if self._caller is not None and self._caller in load.of_caller:
            load.of_caller[self._caller] -= 1
            if not load.of_caller[self._caller]:
                del load.of_caller[self._caller]

    def awaiting(self, receive: Receive) -> Receive:
        """What receives the messages of a request that has a body: until the whole body is there, it is not under way."""
        whole = False

        async def received() -> Message:
            nonlocal whole
            if whole:
                return await receive()
            if self._taken:
                self._await()
            try:
                async with asyncio.timeout(0 if self._gives_up else None) as self._until:
                    message = await receive()
            except TimeoutError:
                raise self._load.turn_away("the body came too slowly, and others need its place", Connection="close") from None
            finally:
                self._until = None
            whole = message["type"] == "http.request" and not message.get("more_body", False)
            if whole:
                self.leave()
                self.take()
            return message

        return received

    @property
    def _awaited(self) -> dict["Place", None]:
        return self._load.awaited_of_strangers if self._caller == _STRANGERS else self._load.awaited

    def _await(self) -> None:
        """From those under way to those that are awaited."""
        self.leave()
        awaited, load = self._awaited, self._load
        if len(awaited) >= (load.share(_STRANGERS) if self._caller == _STRANGERS else load.most):
            next(iter(awaited))._give_up()
        awaited[self] = None

    def _give_up(self) -> None:
        self._gives_up = True
        self._awaited.pop(self, None)
        if self._until is not None:
            self._until.reschedule(0)

    def _count(self, caller: str) -> None:
        load = self._load
        count, most = load.of_caller.get(caller, 0), load.share(caller)
        if count >= most:
            whose = "callers without a key have" if caller == _STRANGERS else "this caller has"
            raise load.turn_away(f"{whose} {most} requests under way already")
        load.of_caller[caller] = count + 1


def has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a body comes after a head."""
    return any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers)
