"""
Compressed answers, for callers that accept them.

This is Starlette's GZip with three differences. An answer with an `ETag` is not compressed, since a strong tag names exact bytes
(RFC 9110, section 8.8.3). A coding refused with `q=0` is not used (section 12.5.3). The level takes less time than its saved bytes.
"""

import re

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEAST_BYTES = 1_024  # a shorter answer fits into one packet either way
LEVEL = 4

_REFUSED = re.compile(r"q=0(\.0{0,3})?")


class Compression:
    """Compresses the bodies of answers (pure ASGI). It stands inside the gate, so every answer of an endpoint passes it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and accepts_gzip(Headers(scope=scope).get("accept-encoding", "")):
            await _Compressing(self._app, LEAST_BYTES, LEVEL)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def accepts_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` names gzip, and does not refuse it."""
    for each in accepted.lower().split(","):
        coding, *parameters = (part.strip() for part in each.split(";"))
        if coding in ("gzip", "x-gzip"):
            return not any(_REFUSED.fullmatch(parameter) for parameter in parameters)
    return False


class _Compressing(GZipResponder):
    async def send_with_compression(self, message: Message) -> None:
        """An answer that has an `ETag` is passed on; every other is compressed."""
        if message["type"] == "http.response.start" and any(name.lower() == b"etag" for name, _ in message["headers"]):
            self.content_encoding_set = True
            await self.send(message)
            return
        await super().send_with_compression(message)
