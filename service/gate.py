"""
What every request passes on its way in and out.

In: an id for the request, and the check that it is addressed to this machine (a page in a browser that rebinds a name
to 127.0.0.1 still sends that name). Out: the id, headers that keep answers from being cached or misread, a problem
document in place of whatever failed unforeseen, and one log line.
"""

import re
from collections.abc import Iterable, MutableMapping
from functools import lru_cache
from time import perf_counter
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger
from uuid_utils import uuid7

from service.problems import Refused
from service.settings import is_loopback
from service.telemetry import described

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")
_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,255})(:[0-9]{1,5})?")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)


class Gate:
    """The outermost layer of the application (pure ASGI: one call in, one wrapped `send` out)."""

    def __init__(self, app: ASGIApp, say: FilteringBoundLogger) -> None:
        self._app = app
        self._say = say

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        request_id = _request_id(scope["headers"])
        scope["request_id"] = request_id
        scope["said"] = said = {}
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # What a response says itself wins: a page lets its own style in, which nothing else needs.
                own = {name.lower() for name, _ in message["headers"]}
                ours = (each for each in _HEADERS if each[0] not in own)
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode("ascii")), *ours]
            await send(message)

        try:
            if refused := _misdirected(scope["headers"]):
                await refused.response(scope["path"], request_id)(scope, receive, answer)
            else:
                await self._app(scope, receive, answer)
        except ClientDisconnect:
            said["gone"] = True  # the caller left before the whole body came; there is nobody to answer
        except Exception as failed:  # noqa: BLE001 - whatever fails, the caller gets no answer and no details
            self._say.error("internal", request_id=request_id, **described(failed))
            if not status:
                refused = Refused("internal", "the log has the details under this request id")
                await refused.response(scope["path"], request_id)(scope, receive, answer)
        finally:
            self._say.info(
                "request",
                request_id=request_id,
                method=scope["method"],
                route=getattr(scope.get("route"), "path", None),
                status=status,
                duration_ms=round((perf_counter() - began) * 1000, 3),
                **said,
            )


def note(scope: MutableMapping[str, Any], **what: object) -> None:
    """Add to the log line of a request: ids and outcomes only, never a fact."""
    scope["said"].update(what)


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The caller's id for the request where it is short and plain, else a new one."""
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode("ascii")
    return str(uuid7())


def _misdirected(headers: Iterable[tuple[bytes, bytes]]) -> Refused | None:
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1:
        return Refused("bad-request", "a request has one Host header")
    if not _is_this_machine(hosts[0]):
        return Refused(
            "misdirected", "callers cannot be told apart yet, so only 127.0.0.1, [::1] and localhost are answered for"
        )
    return None


@lru_cache(maxsize=64)
def _is_this_machine(authority: bytes) -> bool:
    host = _HOST.fullmatch(authority)
    return host is not None and is_loopback(host[1].decode("ascii").strip("[]"))
