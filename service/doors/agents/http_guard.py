"""
Who may speak to the server over HTTP: a request goes in, and on to the server, or a refusal comes out.

Where the server can be reached from elsewhere, every call must send a key of the service, and its own key is never lent. On this machine
alone a call may come without one. A header that is no key, and two of them, are refused everywhere.
"""

import asyncio
import json

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.client import ClientError, Refused
from service.doors.agents.asking import KeyHolders
from service.doors.agents.keys_sent import bearer
from service.doors.agents.said_twice import said_twice

MOST_BODY = 512 * 1024  # bytes of a message
BODY_SECONDS = 30
_CHALLENGE = (b"www-authenticate", b"Bearer")


class HttpGuard:
    """In front of the server. With `demanded` every call must send a key, and the service must know it."""

    def __init__(self, app: ASGIApp, holders: KeyHolders, demanded: bool) -> None:
        self._app = app
        self._holders = holders
        self._demanded = demanded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
        key = bearer(sent[0]) if len(sent) == 1 else ""
        if sent and not key:
            await _refuse(send, 401, "send one header `Authorization: Bearer KEY` with a key of the service")
        elif self._demanded and not key:
            await _refuse(
                send, 401, "this server is open to other machines: send `Authorization: Bearer KEY` with a key of the service"
            )
        elif key and (refusal := await self._unknown(key)):
            await _refuse(send, *refusal)
        else:
            try:
                body = await asyncio.wait_for(_body(receive), BODY_SECONDS)
            except TimeoutError:
                await _refuse(send, 408, f"a message must arrive within {BODY_SECONDS} seconds")
                return
            await self._pass(scope, receive, send, body)

    async def _pass(self, scope: Scope, receive: Receive, send: Send, body: bytes | None) -> None:
        """Pass a call on, if its body is not too large and says nothing twice; None is one that is too large."""
        if body is None:
            await _refuse(send, 413, f"a message may have at most {MOST_BODY} bytes")
            return
        if name := said_twice(body):
            await _refuse(send, 400, f"`{name[:80]}` appears twice in one object; say it once")
            return
        first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return first.pop() if first else await receive()

        await self._app(scope, again, send)

    async def _unknown(self, key: str) -> tuple[int, str] | None:
        """Why a key does not open the server; None where the service knows it."""
        try:
            await self._holders.asking(key)
        except Refused as refused:
            if refused.status == 429:
                return 429, "too many calls with keys that the service does not know; wait a minute"
            return 401, "the service does not know this key"
        except ClientError:
            return 503, "the service cannot be asked whose key this is"
        return None


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where it is too large. Of a caller who has left it is what came."""
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > MOST_BODY:
            return None
        if not message.get("more_body", False):
            return b"".join(pieces)


async def _refuse(send: Send, status: int, detail: str) -> None:
    # As an error of the protocol, which clients show.
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": detail}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [_CHALLENGE] if status == 401 else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
