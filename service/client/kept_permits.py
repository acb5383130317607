"""
The permits that a client keeps: a call goes in, and the answer to the same call before comes out, as long as the service lets it be kept.

Kept is the answer as it came. It may be kept from its decision, whose moment is in its id (a UUID of version 7), to `keep_until`: so long,
counted from the moment at which the client asked, by the clock that only goes forward and by that of the machine, whichever went further.
So a clock that is behind lengthens nothing. One that was set back ends what is kept.

- INVARIANT (never a wrong permit): kept is only a permit without duties, of which the service said so. What the client cannot tell is a
  reason not to keep it.
- INVARIANT (one law): an answer that names other policies ends all that is kept, and so does one that refuses the key. An answer that was
  asked for before that is not kept.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from threading import Lock
from time import monotonic, time
from typing import Any
from uuid import UUID

from .answers import Answer
from .attempts import JSON, Call, Came
from .errors import Refused

MOST = 100_000  # permits of one client
MOST_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class AskedCall:
    """A call that is sent now, and gives its answer also as it came. `round` is how often all was dropped before."""

    name: bytes
    call: Call[tuple[Came, Answer]]
    round: int
    began: float
    began_at: float


@dataclass(frozen=True, slots=True)
class _Kept:
    came: Came
    began: float
    began_at: float
    seconds: float
    until: float

    def holds(self, now: float, now_at: float) -> bool:
        """Whether it may still be given, by both clocks."""
        since = now_at - self.began_at
        return since >= 0 and max(since, now - self.began) < self.seconds and now_at < self.until


class KeptPermits:
    """At most so many permits of one client; none with `most` of zero. Threads may share it."""

    def __init__(self, most: int) -> None:
        if not 0 <= most <= MOST:
            raise ValueError(f"a client keeps up to {MOST} permits, or 0 for none")
        self.most = most
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._policies: tuple[Any, Any] | None = None
        self._round = 0
        self._lock = Lock()

    def find(self, call: Call[Answer]) -> Answer | None:
        """The permit that is kept of a call, which says that it was kept; None where there is none. Raises Malformed."""
        name = _name(call)
        with self._lock:
            kept = self._kept.get(name)
            if kept is None:
                return None
            if not kept.holds(monotonic(), time()):
                del self._kept[name]
                return None
            self._kept.move_to_end(name)
        return replace(call.read(kept.came), kept=True)

    def asked(self, call: Call[Answer]) -> AskedCall:
        """A call that is about to be sent."""

        def read(came: Came) -> tuple[Came, Answer]:
            return came, call.read(came)

        sent: Call[tuple[Came, Answer]] = Call(call.method, call.path, read, call.body, call.sends, call.takes, call.headers)
        return AskedCall(_name(call), sent, self._round, monotonic(), time())

    def keep(self, asked: AskedCall, came: Came, answer: Answer) -> None:
        """Keep an answer, if it is a permit that may be kept."""
        until, decided = answer.keep_until, _moment(answer.id)
        if not answer.proceed or answer.owed or until is None or until.tzinfo is None or decided is None:
            return
        seconds = until.timestamp() - decided
        if not 0 < seconds <= MOST_SECONDS:
            return
        with self._lock:
            if self._policies is None or self._policies != _deciding(answer.document) or asked.round != self._round:
                return
            self._kept[asked.name] = _Kept(came, asked.began, asked.began_at, seconds, until.timestamp())
            self._kept.move_to_end(asked.name)
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)

    def saw(self, found: object, came: Came | None = None) -> None:
        """
        Drop all if what a call found names other policies than the answers before. `came` is its answer, which may name them beside that.
        """
        if not self.most:
            return
        several = found if isinstance(found, list | tuple) else (found,)
        named = [each for part in several if (each := _named(part)) is not None]
        if not named and came is not None and came.kind == JSON and b'"bundle"' in came.body:
            whole = came.document()
            legs: object = whole.get("legs")  # of `plan`
            decided = (each.get("decision") for each in legs if isinstance(each, Mapping)) if isinstance(legs, list) else ()
            named = [each for part in (whole, *decided) if (each := _named(part)) is not None]
        for each in named:
            with self._lock:
                if self._policies is not None and each != self._policies:
                    self._drop()
                self._policies = each

    def refused(self, refused: Refused) -> None:
        """Drop all if the service takes the key no more."""
        if refused.status in (401, 403):
            with self._lock:
                self._drop()

    def _drop(self) -> None:
        self._kept.clear()
        self._round += 1


def _named(found: object) -> tuple[Any, Any] | None:
    """The digests that a part of an answer names, which may be a dataclass with its document."""
    document = found if isinstance(found, Mapping) else getattr(found, "document", None)
    return _deciding(document) if isinstance(document, Mapping) else None


def _deciding(document: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """The digests of the policies that decide, as an answer names them; None where it names none."""
    if "reloads" in document:  # of `bundle`
        named: Any = document
    else:
        named = (
            document.get("after") if "changed" in document else document.get("bundle")
        )  # of `reload_bundle`, or of a decision
    return (named.get("source"), named.get("meaning")) if isinstance(named, Mapping) else None


def _name(call: Call[Answer]) -> bytes:
    """
    What a permit is kept under: the address with its language and options, and the exchange, however its members are ordered.

    Members with the same name, as of the keys 1 and "1" in Python, all count.
    """
    read = json.loads(call.body or b"null", object_pairs_hook=lambda pairs: {"": sorted(pairs, key=lambda pair: pair[0])})
    exchange = json.dumps(read, separators=(",", ":"))
    return sha256(f"{call.method} {call.path}\n{exchange}".encode()).digest()


def _moment(id: str) -> float | None:
    """The moment in the id of a decision, in seconds since 1970; None where it has none."""
    try:
        found = UUID(id)
    except ValueError:
        return None
    return (found.int >> 80) / 1000 if found.version == 7 else None
