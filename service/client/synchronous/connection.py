# Made from `asynchronous/connection.py`: change that file, then run RECORD=1 pytest tests/service/test_synchronous_client.py
"""One client's way to its service: each call with its attempts, within its time-out, and each list page by page."""

import ssl
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import httpx

from ..answers import Answer
from ..attempts import (
    FIRST_PAUSE_SECONDS,
    RETRIES,
    TIMEOUT_SECONDS,
    Again,
    Attempts,
    Call,
    Gathered,
    Options,
    Read,
    came,
    failure,
)
from ..deadline import connections, pause, within
from ..errors import Refused, Unavailable
from ..kept_permits import KeptPermits
from ..pages import Item, Pages
from ..stream import LONGEST_PAUSE_SECONDS, SILENT_SECONDS, EventStream, StreamEvent


class Connection:
    """What the methods of a client are added to."""

    def __init__(
        self,
        address: str = "http://127.0.0.1:8080",
        *,
        key: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        retries: int = RETRIES,
        tls: ssl.SSLContext | None = None,
        keep_permits: int = 0,
    ) -> None:
        self._options = Options.of(address, key, timeout, retries)
        self._permits = KeptPermits(keep_permits)
        self._http = connections(tls or ssl.create_default_context())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._options.address!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def _each(self, pages: Pages[Item]) -> Iterator[Item]:
        while pages.more:
            yield from self._call(pages.call())

    def _call(self, call: Call[Read]) -> Read:
        attempts = Attempts(call, self._options)
        while True:
            try:
                return self._attempt(attempts)
            except Again as failed:
                pause(attempts.pause(failed))
            except Refused as refused:
                self._permits.refused(refused)
                raise

    def _permit(self, call: Call[Answer]) -> Answer:
        """The permit that is kept of a call, otherwise its answer."""
        if not self._permits.most:
            return self._call(call)
        kept = self._permits.find(call)
        if kept is not None:
            return kept
        asked = self._permits.asked(call)
        answered, answer = self._call(asked.call)
        self._permits.keep(asked, answered, answer)
        return answer

    def _listen(self, stream: EventStream) -> Iterator[StreamEvent]:
        """The events of a stream, for as long as the caller wants. A service that was there once is waited for."""
        heard, wait = False, FIRST_PAUSE_SECONDS
        while True:
            try:
                response = self._opened(Attempts(stream.call(), self._options))
            except Unavailable:
                if not heard:
                    raise
                pause(wait)
                wait = min(2 * wait, LONGEST_PAUSE_SECONDS)
                continue
            heard, wait = True, FIRST_PAUSE_SECONDS
            try:
                pieces = response.iter_raw()
                while (piece := self._piece(pieces)) is not None:
                    yield from stream.events(piece)
            finally:
                response.close()
            pause(wait)

    def _opened(self, attempts: Attempts[None]) -> httpx.Response:
        """The answer to a call, whose body is still to come. Raises Unavailable, Refused, Malformed."""
        while True:
            try:
                with within(attempts.left):
                    headers = self._options.headers(attempts)
                    request = self._http.build_request("GET", self._options.address + attempts.call.path, headers=headers)
                    response = self._http.send(request, stream=True, follow_redirects=False)
                    if response.status_code == 200 and came(response, b"").kind == attempts.call.takes:
                        return response
                    gathered = Gathered(attempts)
                    for piece in response.iter_raw():
                        gathered.add(piece)
                    attempts.read(came(response, gathered.body()))
            except httpx.HTTPError as failed:
                pause(attempts.pause(failure(failed)))
            except Again as failed:
                pause(attempts.pause(failed))

    def _piece(self, pieces: Iterator[bytes]) -> bytes | None:
        """The next piece of a stream; None where it ended or broke."""
        try:
            with within(SILENT_SECONDS):
                return next(pieces, None)
        except (httpx.HTTPError, Unavailable):
            return None

    def _attempt(self, attempts: Attempts[Read]) -> Read:
        call = attempts.call
        gathered = Gathered(attempts)
        try:
            with (
                within(attempts.left),
                self._http.stream(
                    call.method,
                    self._options.address + call.path,
                    content=call.body,
                    headers=self._options.headers(attempts),
                    follow_redirects=False,
                ) as response,
            ):
                for piece in response.iter_raw():
                    gathered.add(piece)
        except httpx.HTTPError as failed:
            raise failure(failed) from None
        answered = came(response, gathered.body())
        found = attempts.read(answered)
        self._permits.saw(found, answered)
        return found
