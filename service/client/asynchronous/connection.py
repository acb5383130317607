"""One client's way to its service: each call with its attempts, within its time-out, and each list page by page."""

import ssl
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

import httpx

from ..answers import Answer
from ..async_deadline import connections, pause, within
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

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def _each(self, pages: Pages[Item]) -> AsyncIterator[Item]:
        while pages.more:
            for each in await self._call(pages.call()):
                yield each

    async def _call(self, call: Call[Read]) -> Read:
        attempts = Attempts(call, self._options)
        while True:
            try:
                return await self._attempt(attempts)
            except Again as failed:
                await pause(attempts.pause(failed))
            except Refused as refused:
                self._permits.refused(refused)
                raise

    async def _permit(self, call: Call[Answer]) -> Answer:
        """The permit that is kept of a call, otherwise its answer."""
        if not self._permits.most:
            return await self._call(call)
        kept = self._permits.find(call)
        if kept is not None:
            return kept
        asked = self._permits.asked(call)
        answered, answer = await self._call(asked.call)
        self._permits.keep(asked, answered, answer)
        return answer

    async def _listen(self, stream: EventStream) -> AsyncIterator[StreamEvent]:
        """The events of a stream, for as long as the caller wants. A service that was there once is waited for."""
        heard, wait = False, FIRST_PAUSE_SECONDS
        while True:
            try:
                response = await self._opened(Attempts(stream.call(), self._options))
            except Unavailable:
                if not heard:
                    raise
                await pause(wait)
                wait = min(2 * wait, LONGEST_PAUSE_SECONDS)
                continue
            heard, wait = True, FIRST_PAUSE_SECONDS
            try:
                pieces = response.aiter_raw()
                while (piece := await self._piece(pieces)) is not None:
                    for each in stream.events(piece):
                        yield each
            finally:
                await response.aclose()
            await pause(wait)

    async def _opened(self, attempts: Attempts[None]) -> httpx.Response:
        """The answer to a call, whose body is still to come. Raises Unavailable, Refused, Malformed."""
        while True:
            try:
                async with within(attempts.left):
                    headers = self._options.headers(attempts)
                    request = self._http.build_request("GET", self._options.address + attempts.call.path, headers=headers)
                    response = await self._http.send(request, stream=True, follow_redirects=False)
                    if response.status_code == 200 and came(response, b"").kind == attempts.call.takes:
                        return response
                    gathered = Gathered(attempts)
                    async for piece in response.aiter_raw():
                        gathered.add(piece)
                    attempts.read(came(response, gathered.body()))
            except httpx.HTTPError as failed:
                await pause(attempts.pause(failure(failed)))
            except Again as failed:
                await pause(attempts.pause(failed))

    async def _piece(self, pieces: AsyncIterator[bytes]) -> bytes | None:
        """The next piece of a stream; None where it ended or broke."""
        try:
            async with within(SILENT_SECONDS):
                return await anext(pieces, None)
        except (httpx.HTTPError, Unavailable):
            return None

    async def _attempt(self, attempts: Attempts[Read]) -> Read:
        call = attempts.call
        gathered = Gathered(attempts)
        try:
            async with (
                within(attempts.left),
                self._http.stream(
                    call.method,
                    self._options.address + call.path,
                    content=call.body,
                    headers=self._options.headers(attempts),
                    follow_redirects=False,
                ) as response,
            ):
                async for piece in response.aiter_raw():
                    gathered.add(piece)
        except httpx.HTTPError as failed:
            raise failure(failed) from None
        answered = came(response, gathered.body())
        found = attempts.read(answered)
        self._permits.saw(found, answered)
        return found
