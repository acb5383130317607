"""
The HTTP protocol of the server, with a bound on what comes before anybody looks at it.

uvicorn bounds neither how long the head of a request is nor how long it takes: it would keep whatever comes until the line ends.
INVARIANT (bounded): of a connection at most MOST_BYTES, and what one read brings, are kept that are not a body; the first byte and
then the whole head have to come within `seconds`.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_BYTES = 64 * 1024
SECONDS = 30.0


class BoundedHeads(HttpToolsProtocol):
    """Answers a head that is too long with a plain 400, and closes a connection whose head does not come."""

    seconds = SECONDS
    _kept = 0
    _in_head = False
    _moved = False
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody is there; they have to say something."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """They have gone."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes: of a head, of a body, or of what stands around its pieces."""
        self._moved = False
        super().data_received(data)
        self._kept = 0 if self._moved else self._kept + len(data)
        if self.transport.is_closing():
            return
        if self._kept > MOST_BYTES:
            self.send_400_response(f"A head has at most {MOST_BYTES} bytes.")
        elif self._in_head and self._late is None:
            self._wait()

    def on_message_begin(self) -> None:
        """The first byte of a head."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The last."""
        self._in_head, self._moved = False, True
        self._wait_no_more()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body, which is bounded where it is read."""
        self._moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a body."""
        self._moved = True
        super().on_message_complete()

    def _wait(self) -> None:
        self._late = self.loop.call_later(self.seconds, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._late:
            self._late.cancel()
            self._late = None
