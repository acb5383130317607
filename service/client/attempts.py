"""
One call and its attempts: the request, the options, the answer as it came, and the rules for repeating. Nothing here waits or sends.

All attempts of a call share one time-out and, if the call writes, one `Idempotency-Key`. So the service does a repeated call only once,
whatever went wrong on the way.
"""

import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Generic, TypeVar
from uuid import uuid4

import httpx

from . import answers
from .errors import ClientError, Malformed, Unavailable

TIMEOUT_SECONDS = 5.0
RETRIES = 2
MOST_BYTES = 128 * 1024 * 1024  # in an answer: a full batch has 64 MiB
FIRST_PAUSE_SECONDS = 0.1
KEY_VARIABLE = "FIFTHFACTOR_KEY"
JSON, BYTES, TEXT = "application/json", "application/octet-stream", "text/plain"  # media types of bodies
LINKED, TURTLE = "application/ld+json", "text/turtle"
MARKDOWN, DOCX = "text/markdown", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Call(Generic[Read]):
    """
    One call: the request to send, and how to read its answer. `sends` and `takes` are the media types of the two bodies; an answer may have
    any that `takes` lists. `headers` go with it besides those of every call.
    """

    method: str
    path: str
    read: "Callable[[Came], Read]"
    body: bytes | None = None
    sends: str = JSON
    takes: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Came:
    """An answer as it came: status, headers and bytes. `verdict` is the header of an explanation."""

    status: int
    kind: str
    wait: str | None
    verdict: str | None
    body: bytes

    def document(self) -> dict[str, Any]:
        """The JSON object in the body. Raises Malformed."""
        return answers.document(self.body)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a client. Its repr does not show the key."""

    address: str
    key: str | None = field(repr=False)
    timeout: float
    retries: int

    @classmethod
    def of(cls, address: str, key: str | None, timeout: float, retries: int) -> "Options":
        """Checked options. If no key is given, it is taken from the environment. Raises ValueError."""
        url = httpx.URL(address)
        if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
            raise ValueError("the address must be like https://host:port, without a user, a query or a fragment")
        if not 0 < timeout <= 600 or not 0 <= retries <= 10:
            raise ValueError("the time-out may be up to 600 seconds, and the retries up to 10")
        key = key or os.environ.get(KEY_VARIABLE) or None
        if key and not (key.isascii() and key.isprintable()):
            raise ValueError("the key has characters that a header cannot carry")
        return cls(address.rstrip("/"), key, timeout, retries)

    def headers(self, attempts: "Attempts[Any]") -> dict[str, str]:
        """The headers of one attempt."""
        found = {"Accept": attempts.call.takes, "Accept-Encoding": "identity", "User-Agent": "fifthfactor-client"}
        found.update(attempts.call.headers)
        if self.key:
            found["Authorization"] = f"Bearer {self.key}"
        if attempts.call.body is not None:
            found["Content-Type"] = attempts.call.sends
        if attempts.call.method != "GET":
            found["Idempotency-Key"] = attempts.name
        return found


class Attempts(Generic[Read]):
    """The attempts of one call. They share one idempotency key and one time-out."""

    def __init__(self, call: Call[Read], options: Options) -> None:
        self.call = call
        self.name = str(uuid4())
        self._made = 0
        self._most = options.retries + 1
        self._until = monotonic() + options.timeout

    @property
    def left(self) -> float:
        """The seconds left until the time-out. Raises Unavailable."""
        left = self._until - monotonic()
        if left <= 0:
            raise Unavailable("there was no answer in time")
        return left

    def read(self, came: Came) -> Read:
        """The content of an answer. Raises Again, Refused, Malformed, Unavailable."""
        if came.status in (200, 201) and came.kind in self.call.takes.split(", "):
            return self.call.read(came)
        if came.kind != "application/problem+json":
            if came.status in (502, 503, 504):  # a proxy in between
                raise Again(
                    Unavailable(f"the service cannot be reached: status {came.status}", came.status), _seconds(came.wait)
                )
            raise Malformed(f"the answer with status {came.status} is not from the service")
        refused = answers.refusal(came.document(), came.status)
        if came.status != 503:
            raise refused
        raise Again(Unavailable(f"{refused.kind}: {refused.detail}", 503), _seconds(came.wait))

    def pause(self, failed: "Again") -> float:
        """The seconds to wait before the next attempt. Raises the error of the last attempt where there is no next."""
        self._made += 1
        wait = failed.wait + random.uniform(0, FIRST_PAUSE_SECONDS * 2**self._made)
        if self._made >= self._most or wait >= self._until - monotonic():
            raise failed.error from None
        return wait


class Again(Exception):
    """An attempt failed, and another may succeed after at least this many seconds."""

    def __init__(self, error: ClientError, wait: float = 0.0) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait


def failure(failed: httpx.HTTPError) -> Again:
    """The error of a request that got no answer."""
    if isinstance(failed, httpx.TimeoutException):
        return Again(Unavailable("there was no answer in time"))
    return Again(Unavailable(f"the service cannot be reached: {type(failed).__name__}"))


def came(response: httpx.Response, body: bytes) -> Came:
    """An answer with its whole body."""
    headers = response.headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return Came(response.status_code, kind, headers.get("retry-after"), headers.get("verdict"), body)


class Gathered:
    """Collects the body of an answer piece by piece, up to MOST_BYTES."""

    def __init__(self, attempts: Attempts[Any]) -> None:
        self._attempts = attempts
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> None:
        """Raises Malformed, Unavailable."""
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > MOST_BYTES:
            raise Malformed(f"the answer has more than {MOST_BYTES} bytes")
        _ = self._attempts.left

    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self._pieces)


def _seconds(wait: str | None) -> float:
    return float(wait) if wait and len(wait) < 6 and wait.isascii() and wait.isdigit() else 0.0
