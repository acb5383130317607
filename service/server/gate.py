"""
What every request passes on its way in and out.

In: an id for the request, the check that it is addressed to this machine (a page in a browser that rebinds a name to 127.0.0.1 still
sends that name; a probe by the machine's address sends no name), and the entrance, which finds out who calls. Out: the id, headers that
keep answers from being cached or misread, a problem document in place of whatever failed unforeseen, one log line, and one more for the
audit where a call was turned away.
"""

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from time import perf_counter
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from service.callers.entrance import Entrance
from service.callers.shedding import WATCHING
from service.problems import RequestRefused
from service.service import Service
from service.settings import is_loopback
from service.telemetry.log_lines import audit, described
from service.telemetry.tracing import parent_of

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")
_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,255})(:[0-9]{1,5})?")
PROBES = frozenset(("/livez", "/readyz"))
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)

_CLOSE = (b"connection", b"close")  # while draining: the next request finds another process
# Refusals that somebody who watches over the service wants to see: who was not let in, and who could not have it done.
_AUDITED = frozenset({401, 403, 409, 421, 429})


class Gate:
    """The outermost layer of the application (pure ASGI: one call in, one wrapped `send` out)."""

    def __init__(self, app: ASGIApp, service: Service, entrance: Entrance) -> None:
        self._app = app
        self._say = service.say
        self._load = service.load
        self._metrics = service.metrics
        self._tracing = service.tracing
        self._entrance = entrance
        self._hosts = service.settings.host_names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        request_id = _request_id(scope["headers"])
        scope["request_id"] = request_id
        said: dict[str, Any] = {}
        scope["said"] = said
        status = 0
        parent = parent_of(scope["headers"])
        span = self._tracing.begin(scope["method"], parent) if self._tracing else None
        if span:
            said["trace_id"] = f"{span.get_span_context().trace_id:032x}"
        elif parent:
            said["trace_id"] = parent.trace
        load = self._load
        counted = scope["path"] not in WATCHING
        shed = load.refusal(scope["method"]) if counted else None
        load.under_way += counted

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # What a response says itself wins: a page lets its own style in, which nothing else needs.
                own = {name.lower() for name, _ in message["headers"]}
                ours = (each for each in _HEADERS if each[0] not in own)
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode("ascii")), *ours]
                if load.draining:
                    message["headers"].append(_CLOSE)
            await send(message)

        try:
            try:
                _check_host(scope["headers"], self._hosts, scope["path"])
                if shed:
                    raise shed
                await self._entrance.admit(scope)
            except RequestRefused as turned_away:
                scope["refused"] = turned_away.kind
                await turned_away.response(scope["path"], request_id)(scope, receive, answer)
            else:
                await self._app(scope, receive, answer)
        except ClientDisconnect:
            said["gone"] = True  # the caller left before the whole body came; there is nobody to answer
        except Exception as failed:  # noqa: BLE001 - whatever fails, the caller gets no answer and no details
            self._say.error("internal", request_id=request_id, **described(failed))
            if not status:
                refused = RequestRefused("internal", "the log has the details under this request id")
                await refused.response(scope["path"], request_id)(scope, receive, answer)
        finally:
            load.under_way -= counted
            took = perf_counter() - began
            route: str | None = _route(scope)
            self._metrics.answered(route, status, took)
            if span and self._tracing:
                self._tracing.end(span, scope["method"], route, status, said)
            caller = scope["caller"].id if "caller" in scope else None
            if status in _AUDITED:
                audit(
                    self._say,
                    "refused",
                    request_id=request_id,
                    caller=caller,
                    method=scope["method"],
                    route=route,
                    status=status,
                    kind=scope.get("refused"),
                )
            self._say.info(
                "request",
                request_id=request_id,
                method=scope["method"],
                route=route,
                status=status,
                caller=caller,
                duration_ms=round(took * 1000, 3),
                **said,
            )


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The caller's id for the request where it is short and plain, else a new one."""
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode("ascii")
    return str(uuid7())


def _check_host(headers: Iterable[tuple[bytes, bytes]], hosts: frozenset[str], path: str) -> None:
    """
    Raises RequestRefused where a request is not addressed to this machine or to one of the names it answers for.

    A probe may come by any address of the machine: no browser can be tricked into sending an address in place of a name.
    """
    sent = [value for name, value in headers if name == b"host"]
    if len(sent) != 1:
        raise RequestRefused("bad-request", "a request has one Host header")
    if not _is_ours(sent[0], hosts) and not (path in PROBES and _is_address(sent[0])):
        raise RequestRefused("misdirected", "127.0.0.1, [::1], localhost and the names in FIFTHFACTOR_HOSTS are answered for")


@lru_cache(maxsize=64)
def _is_ours(authority: bytes, hosts: frozenset[str]) -> bool:
    found = _HOST.fullmatch(authority)
    if found is None:
        return False
    host = found[1].decode("ascii").strip("[]").lower()
    return host in hosts or is_loopback(host)


def _is_address(authority: bytes) -> bool:
    """Whether a Host header is an address, and no name."""
    found = _HOST.fullmatch(authority)
    try:
        return found is not None and bool(ipaddress.ip_address(found[1].decode("ascii").strip("[]")))
    except ValueError:
        return False


def _route(scope: Scope) -> str | None:
    """The route of a request, also of one that was turned away before there was one: never the path, which may hold a value."""
    if "route" in scope:
        return getattr(scope["route"], "path", None)
    for route in scope["app"].router.routes:
        if route.matches(scope)[0] is Match.FULL:
            return getattr(route, "path", None)
    return None
