# Made from `asynchronous/connection.py`: change that file, then run RECORD=1 pytest tests/service/test_synchronous_client.py
"""One client's way to its service: each call with its attempts, within its time-out, and each list page by page."""

import ssl
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import httpx

from ..answers import Answer
from ..attempts import RETRIES, TIMEOUT_SECONDS, Again, Attempts, Call, Gathered, Options, Read, came, failure
from ..deadline import connections, pause, within
from ..errors import Refused
from ..kept_permits import KeptPermits
from ..pages import Item, Pages


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
                found = self._attempt(attempts)
                self._permits.saw(found)
                return found
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
        return attempts.read(came(response, gathered.body()))
