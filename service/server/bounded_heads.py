"""
The HTTP protocol of the server, with limits on the head of a request.

uvicorn limits neither the size of a head nor the time it takes: it keeps all bytes until a line ends. INVARIANT (bounded): outside
of bodies, at most MOST_BYTES and the bytes of one read are kept for a connection. The first byte must arrive within `seconds`, and
then so must the whole head.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_BYTES = 64 * 1024
SECONDS = 30.0


class BoundedHeads(HttpToolsProtocol):
    """Answers a head that is too long with a plain 400, and closes a connection whose head does not arrive in time."""

    seconds = SECONDS
    _kept = 0
    _in_head = False
    _moved = False
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection opens; its first byte must arrive in time."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes: of a head, of a body, or of the framing of its chunks."""
        self._moved = False
        super().data_received(data)
        self._kept = 0 if self._moved else self._kept + len(data)
        if self.transport.is_closing():
            return
        if self._kept > MOST_BYTES:
            self.send_400_response(f"A head may have at most {MOST_BYTES} bytes.")
        elif self._in_head and self._late is None:
            self._wait()

    def on_url(self, url: bytes) -> None:
        """
        A piece of the target. A fragment is no part of one (RFC 9112, section 3.2), and the path would be read without it.

        The parser answers whatever is raised here with a 400.
        """
        if b"#" in url:
            raise ValueError("a target has no fragment")
        super().on_url(url)

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._in_head, self._moved = False, True
        self._wait_no_more()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body. Reading the body limits its size."""
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
