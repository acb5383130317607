"""
The HTTP protocol of the server, with limits on the head of a request.

uvicorn limits neither the size of a head nor the time it takes: it keeps all bytes until a line ends. INVARIANT (bounded): outside
of bodies, at most MOST_BYTES and the bytes of one read are kept for a connection. The first byte must arrive within `seconds`, and
then so must the whole head.

INVARIANT (a body is a body): no protocol but HTTP/1.1 is spoken here, so the offer of another one (`Upgrade`) is ignored (RFC 9110, section
7.8). The parser would end such a request at its head, and take its body for the next request.
"""

import asyncio

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_BYTES = 64 * 1024
SECONDS = 30.0
_MOMENT = 0.05


class BoundedHeads(HttpToolsProtocol):
    """Answers a head that is too long with a plain 400, and closes a connection whose head does not arrive in time."""

    seconds = SECONDS
    _kept = 0
    _in_head = False
    _moved = False
    _late: asyncio.TimerHandle | None = None
    _framing: bytes = b""  # of the body of a request that offers another protocol, while the parser has not begun to read it
    _unheard = False  # what the parser reads now is such a framing

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
        self._unset_keepalive_if_required()
        try:
            self._read(data)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        self._kept = 0 if self._moved else self._kept + len(data)
        if self.transport.is_closing():
            return
        if self._kept > MOST_BYTES:
            self.send_400_response(f"A head may have at most {MOST_BYTES} bytes.")
        elif self._in_head and self._late is None:
            self._wait()

    def _read(self, data: bytes) -> None:
        """Have the parser read some bytes. Where a request offers another protocol, another parser reads on behind its head."""
        while True:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as ended:
                data = data[ended.args[0] :]
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            if self._framing:
                framing, self._framing = self._framing, b""
                self._unheard, headers, self.headers = True, self.headers, []
                self.parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % framing)
                self._unheard, self.headers = False, headers

    def timeout_keep_alive_handler(self) -> None:
        """
        The connection was idle for long enough: it is closed in a moment, unless a request has come.

        After a process stood still, this is called before what came meanwhile is read, and a request would be lost.
        """
        self.timeout_keep_alive_task = self.loop.call_later(_MOMENT, super().timeout_keep_alive_handler)

    def on_url(self, url: bytes) -> None:
        """
        A piece of the target. A fragment is no part of one (RFC 9112, section 3.2), and the path would be read without it.

        The parser answers whatever is raised here with a 400.
        """
        if b"#" in url:
            raise ValueError("a target has no fragment")
        if not self._unheard:
            super().on_url(url)

    def on_message_begin(self) -> None:
        """A head begins."""
        if self._unheard:
            return
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is complete."""
        if self._unheard:
            return
        self._in_head, self._moved = False, True
        self._wait_no_more()
        if self.parser.should_upgrade():
            lengths = [b"%b: %b\r\n" % each for each in self.headers if each[0] in (b"content-length", b"transfer-encoding")]
            self._framing = b"".join(lengths)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body. Reading the body limits its size."""
        self._moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a body."""
        if self._framing:
            return  # the parser takes a request that offers another protocol for one without a body
        self._moved = True
        super().on_message_complete()

    def _wait(self) -> None:
        self._late = self.loop.call_later(self.seconds, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._late:
            self._late.cancel()
            self._late = None
