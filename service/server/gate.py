"""
The outermost layer: every request passes it on its way in, and every answer on its way out.

In: the request gets an id. The gate checks that it is addressed to this machine: a page in a browser that rebinds a name to 127.0.0.1
still sends that name, while a probe by address sends no name. The entrance then finds out who calls. An encoded slash (`%2F`) belongs to
an id and ends no step of an address: so reads it a proxy in front that guards addresses. Out: the answer gets the id, and
headers that prevent caching and misreading. An unforeseen failure becomes a problem document. Each request gets one log line, and a
refused caller one more for the audit. Requests that watch the service come every few seconds: those that succeed are logged and traced at
the level `debug` only.
"""

import asyncio
import ipaddress
import re
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from time import perf_counter
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

import sqlalchemy as sa
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

import engine
from service.callers.caller import SCOPES, Caller
from service.callers.entrance import GATEWAYS, SIGN_IN, START, Entrance, SignInFirst, is_page
from service.callers.shedding import WATCHING, Place, has_body
from service.console.page_frame import NOW, SIGNED_IN, STORY, WAITING, SignedIn
from service.drafts import form_token
from service.problems import RequestRefused
from service.reviews import queue
from service.reviews.reviewer import Reviewer
from service.service import Service
from service.settings.setting_values import is_loopback
from service.telemetry.log_lines import audit, described
from service.telemetry.tracing import parent_of

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")
_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,255})(:[0-9]{1,5})?")
_SLASH = re.compile(rb"%2[Ff]")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)

_CLOSE = (b"connection", b"close")  # while draining: the next request reaches another process
# Refusals that the audit shows: callers that were not let in, and actions that a caller may not do.
_AUDITED = frozenset({401, 403, 409, 421, 429})


class Gate:
    """The outermost layer of the application (pure ASGI: it wraps the call and its `send`)."""

    def __init__(self, app: ASGIApp, service: Service, entrance: Entrance) -> None:
        self._app = app
        self._service = service
        self._say = service.say
        self._load = service.load
        self._metrics = service.metrics
        self._tracing = service.tracing
        self._watched = service.settings.log_level == "debug"  # requests that watch the service are shown too
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
        watching = scope["path"] in WATCHING
        span = self._tracing.begin(scope["method"], parent) if self._tracing and (self._watched or not watching) else None
        if span:
            said["trace_id"] = f"{span.get_span_context().trace_id:032x}"
        elif parent:
            said["trace_id"] = parent.trace
        load = self._load
        # A gateway asks with the method of its client. The decision is recorded, whatever the method.
        method = "POST" if scope["path"].startswith(GATEWAYS) else scope["method"]
        place = None if watching else Place(load, method)

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # A response's own headers win: a page allows its own style sheet, which no other answer needs.
                own = {name.lower() for name, _ in message["headers"]}
                ours = (each for each in _HEADERS if each[0] not in own)
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode("ascii")), *ours]
                if load.draining:
                    message["headers"].append(_CLOSE)
            await send(message)

        try:
            try:
                _check_host(scope["headers"], self._hosts, scope["path"])
                if place:
                    place.take()
                await self._entrance.admit(scope)
                _check_slashes(scope)
                if place:
                    place.belongs_to(scope.get("caller"))
                    if has_body(scope["headers"]):
                        receive = place.awaiting(receive)
                NOW.set(self._service.clock())
                STORY.set(self._service.story)
                SIGNED_IN.set(self._signed_in(scope))
                WAITING.set(await self._waiting(scope))
            except SignInFirst as first:
                await _to_sign_in(first, scope)(scope, receive, answer)
            except RequestRefused as turned_away:
                scope["refused"] = turned_away.kind
                await turned_away.response(scope["path"], request_id)(scope, receive, answer)
            else:
                await self._app(scope, receive, answer)
        except ClientDisconnect:
            said["gone"] = True  # the caller left before the whole body arrived, so nobody waits for an answer
        except Exception as failed:  # noqa: BLE001 - after any failure the caller gets no details
            self._say.error("internal", request_id=request_id, **described(failed))
            if not status:
                scope["refused"] = "internal"
                refused = RequestRefused("internal", "the log has the details under this request id")
                await refused.response(scope["path"], request_id)(scope, receive, answer)
        finally:
            if place:
                place.leave()
            took = perf_counter() - began
            route: str | None = _route(scope)
            self._metrics.answered(route, status, took, scope.get("refused"))
            if span and self._tracing:
                self._tracing.end(span, scope["method"], route, status, said)
            caller = scope["caller"].id if "caller" in scope else None
            if status in _AUDITED and "allow" not in said:  # a gateway was answered for its client, and no caller refused
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
            if "refused" in scope:
                said["kind"] = scope["refused"]
            say = self._say.debug if watching and status == 200 else self._say.info
            say(
                "request",
                request_id=request_id,
                method=scope["method"],
                route=route,
                status=status,
                caller=caller,
                duration_ms=round(took * 1000, 3),
                **said,
            )

    async def _waiting(self, scope: Scope) -> int | None:
        """How many reviews a caller can sign, for the frame of a page; None for whoever may not review, or where none can be counted."""
        caller: Caller | None = scope.get("caller")
        if caller is None or caller.party is not None or not caller.scopes >= {"read", "review"} or not is_page(scope):
            return None
        service = self._service

        def count(connection: sa.Connection) -> int:
            live, issuer = service.live, service.token_issuer
            return queue.for_frame(connection, live, service.today, issuer, Reviewer.of(connection, caller, live, issuer))

        with suppress(RequestRefused):
            return await asyncio.to_thread(service.read, count)
        return None

    def _signed_in(self, scope: Scope) -> SignedIn | None:
        """Who looks at a page with a session, for the frame of the page."""
        if "session" not in scope:
            return None
        caller: Caller = scope["caller"]
        scopes = [each for each in SCOPES if each in caller.scopes]
        return SignedIn(caller.shown, scopes, form_token.token(self._service, caller.id))


def _to_sign_in(first: SignInFirst, scope: Scope) -> Response:
    """Send a browser to the page to sign in, in the language of the page that it asked for."""
    asked = dict(parse_qsl(scope["query_string"].decode("latin-1")))
    query = {"next": first.next} if first.next != START else {}
    if asked.get("lang") in engine.LANGUAGES and asked["lang"] != "en":
        query["lang"] = asked["lang"]
    return Response(
        status_code=303, headers={"Location": SIGN_IN + (f"?{urlencode(query)}" if query else ""), "Vary": "Accept, Cookie"}
    )


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The caller's id for the request if it is short and plain, or else a new id."""
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode("ascii")
    return str(uuid7())


def _check_host(headers: Iterable[tuple[bytes, bytes]], hosts: frozenset[str], path: str) -> None:
    """
    Raises RequestRefused where a request is addressed neither to this machine nor to one of `hosts`.

    Probes and Prometheus may use any address of the machine: no page can make a browser send an address in place of a name. A gateway that
    sends a key may name the host that its client asked for: no page of another site has a key.
    """
    sent = [value for name, value in headers if name == b"host"]
    if len(sent) != 1:
        raise RequestRefused("bad-request", "send exactly one Host header")
    if path.startswith(GATEWAYS) and any(name == b"authorization" for name, _ in headers):
        return
    if not _is_ours(sent[0], hosts) and not (path in WATCHING and _is_address(sent[0])):
        raise RequestRefused(
            "misdirected", "the service answers only for 127.0.0.1, [::1], localhost and the names in FIFTHFACTOR_HOSTS"
        )


@lru_cache(maxsize=64)
def _is_ours(authority: bytes, hosts: frozenset[str]) -> bool:
    found = _HOST.fullmatch(authority)
    if found is None:
        return False
    host = found[1].decode("ascii").strip("[]").lower()
    return host in hosts or is_loopback(host)


def _is_address(authority: bytes) -> bool:
    """Whether a Host header holds an address and not a name."""
    found = _HOST.fullmatch(authority)
    try:
        return found is not None and bool(ipaddress.ip_address(found[1].decode("ascii").strip("[]")))
    except ValueError:
        return False


def _route(scope: Scope) -> str | None:
    """The declared route of a request, also if the request was refused before routing. It is never the path, which may hold a value."""
    return getattr(scope["route"] if "route" in scope else _route_of(scope), "path_format", None)


def _route_of(scope: Scope) -> BaseRoute | None:
    """The route that answers a request, None where none does."""
    routes: list[BaseRoute] = scope["app"].router.routes
    return next((route for route in routes if route.matches(scope)[0] is Match.FULL), None)


def _check_slashes(scope: Scope) -> None:
    """Raises RequestRefused where a request has another route, or none, if its encoded slashes end no step of its path."""
    raw: bytes = scope.get("raw_path") or b""
    if _SLASH.search(raw) is None or (found := _route_of(scope)) is None:
        return
    kept = unquote(_SLASH.sub(b"%252F", raw).decode("latin-1"))
    if _route_of({**scope, "path": kept}) is not found:
        raise RequestRefused(
            "not-found", "an encoded slash (`%2F`) ends no step of an address: write `/`, and `%2F` within an id"
        )
