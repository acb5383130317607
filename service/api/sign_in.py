"""
`GET /sign-in`, `GET /sign-in/start` and `GET /sign-in/return`: signing in with the issuer of identities; `POST /sign-in`: with an API key;
`POST /sign-out`: signing out, and `GET /sign-out` the page after it.

They are open to everybody: who signs in has no session yet. A session is a row (`service.callers.sessions`), and its cookie opens pages
only. What is tried too often without success is refused, like any call without a good key.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, urlencode

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response

from service.api.page_answers import html, language
from service.api.request_bodies import Plain, body
from service.callers import sessions
from service.callers.caller import LOCAL, Caller
from service.callers.entrance import SESSION, START, Entrance, cookie_name, cookies, is_page_path
from service.callers.openid_provider import ProvenIdentity, ProviderRefused, Returned
from service.callers.sessions import SessionGrant, SignedInBefore
from service.callers.sign_in import MINUTES, SignInAttempt, local_page
from service.console.reader import PageReader
from service.console.sign_in_pages import Ways, failed_page, sign_in_page, signed_out_page
from service.drafts import form_token
from service.problems import RequestRefused
from service.service import Service
from service.store.writer import NotRecorded
from service.telemetry.log_lines import audit

ATTEMPT = "fifthfactor-sign-in"  # the name of the cookie
FORM = "application/x-www-form-urlencoded"
MOST_BYTES = 8 * 1024
_MOST_FIELDS = 8
_STATUS: Mapping[str, int] = {
    "provider_away": 503,
    "provider_wrong": 502,
    "no_role": 403,
    "access_denied": 403,
    "not_recorded": 503,
}


def add(app: FastAPI, service: Service) -> None:
    """Put the pages on the application."""
    pages = _SignIn(service)
    for path, method, function in (
        ("/sign-in", "GET", pages.offered),
        ("/sign-in", "POST", pages.with_key),
        ("/sign-in/start", "GET", pages.start),
        ("/sign-in/return", "GET", pages.back),
        ("/sign-out", "GET", pages.signed_out),
        ("/sign-out", "POST", pages.sign_out),
    ):
        app.router.add_api_route(path, function, methods=[method], include_in_schema=False, route_class_override=Plain)


class _SignIn:
    """The pages of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def offered(self, request: Request) -> Response:
        """The page on which one chooses how to sign in."""
        next = _next(request.query_params.getlist("next"))
        if _caller(request) is not None and _caller(request) is not LOCAL:
            return self._to(request, next)
        return self._offer(request, next)

    async def with_key(self, request: Request) -> Response:
        """Begin a session that belongs to the key in the form."""
        fields = await _fields(request)
        next = _next(fields.get("next", ()))
        attempt = self._attempt(request)
        if attempt is None or not attempt.sent_form(_first(fields, "token")):
            return self._offer(request, next, "old_form", 403)
        try:
            caller = await _entrance(request).key(_first(fields, "key").strip())
        except sa.exc.SQLAlchemyError:
            raise RequestRefused("not-ready", "the keys cannot be looked up", headers={"Retry-After": "1"}) from None
        if caller is None:
            _entrance(request).failed(request.scope)
            self._tell("sign-in-refused", request, reason="wrong_key")
            return self._offer(request, next, "wrong_key", 401)
        id = caller.id.partition(":")[2]
        return await self._begin(request, SessionGrant((), key=id, replaces=request.scope.get("session")), next)

    async def start(self, request: Request) -> Response:
        """Send the browser to the issuer."""
        provider = self._service.provider
        if provider is None:
            return self._to(request, "/sign-in")
        attempt = self._service.attempts.begin(_next(request.query_params.getlist("next")))
        try:
            address = await provider.address(attempt, self._here(request, "/sign-in/return"))
        except ProviderRefused as refused:
            return self._failed(request, refused.code)
        answer = Response(status_code=303, headers={"Location": address})
        self._keep(request, answer, ATTEMPT, attempt.cookie, MINUTES * 60)
        return answer

    async def back(self, request: Request) -> Response:
        """The browser comes back from the issuer. Whatever it brings, its attempt is over."""
        try:
            identity, attempt = await self._identity(request)
        except ProviderRefused as refused:
            _entrance(request).failed(request.scope)
            self._tell("sign-in-refused", request, reason=refused.code[:64])
            answer = self._failed(request, refused.code)
            self._drop(request, answer, ATTEMPT)
            return answer
        grant = SessionGrant(
            sorted(identity.scopes),
            person=identity.person,
            party=identity.party,
            sign_in=attempt.digest,
            replaces=request.scope.get("session"),
        )
        return await self._begin(request, grant, attempt.next)

    async def signed_out(self, request: Request) -> Response:
        """The page after signing out."""
        if "session" in request.scope:
            return self._to(request, START)
        provider = self._service.provider
        there = None if provider is None else await provider.goodbye(self._here(request, "/sign-in"))
        return html(signed_out_page(None if provider is None else provider.host, there, self._reader(request)))

    async def sign_out(self, request: Request) -> Response:
        """End the session. Who has none is signed out already."""
        fields = await _fields(request)
        caller, id = _caller(request), request.scope.get("session")
        if caller is not None and id is not None:
            form_token.check(self._service, caller.id, _first(fields, "token"))
            now = self._service.clock()
            try:
                await self._service.store.do(lambda transaction: sessions.end(transaction, id, now))
            except NotRecorded:
                raise RequestRefused("not-ready", "the session cannot be ended now", headers={"Retry-After": "1"}) from None
            self._service.sessions.changed(id)
            self._tell("signed-out", request, caller=caller.id)
        answer = self._to(request, "/sign-out")
        self._drop(request, answer, SESSION)
        return answer

    # --- inside ------------------------------------------------------------------------------------------------------

    async def _identity(self, request: Request) -> tuple[ProvenIdentity, SignInAttempt]:
        """Who came back from the issuer, by the attempt of this browser. Raises ProviderRefused."""
        provider, attempt = self._service.provider, self._attempt(request)
        sent = {name: request.query_params.getlist(name) for name in ("state", "code", "iss", "error")}
        if provider is None or attempt is None:
            raise ProviderRefused("no_attempt")
        if any(len(values) > 1 for values in sent.values()):
            raise ProviderRefused("wrong_answer")
        state, code, issuer, error = ("".join(values) for values in sent.values())
        if not attempt.is_of(state):
            raise ProviderRefused("wrong_state")
        returned = Returned(code, issuer, error)
        return await provider.identity(attempt, returned, self._here(request, "/sign-in/return")), attempt

    async def _begin(self, request: Request, grant: SessionGrant, next: str) -> Response:
        """Begin a session, and go to a page."""
        service, now = self._service, self._service.clock()
        try:
            session, cookie = await service.store.do(
                lambda transaction: sessions.begin(transaction, grant, service.sessions.lifetime, now)
            )
        except SignedInBefore:
            return self._failed(request, "used")
        except NotRecorded:
            return self._failed(request, "not_recorded")
        service.sessions.changed(grant.replaces)
        self._tell("signed-in", request, caller=session.caller_id)
        answer = self._to(request, next)
        self._drop(request, answer, ATTEMPT)
        self._keep(request, answer, SESSION, cookie, int(service.sessions.lifetime.whole.total_seconds()))
        return answer

    def _offer(self, request: Request, next: str, wrong: str = "", status: int = 200) -> Response:
        provider = self._service.provider
        ways = Ways(None if provider is None else provider.host, needed=_caller(request) is not LOCAL)
        attempt = self._service.attempts.begin(next)
        answer = html(sign_in_page(ways, next, attempt.form_token, self._reader(request), wrong), status)
        self._keep(request, answer, ATTEMPT, attempt.cookie, MINUTES * 60)
        return answer

    def _failed(self, request: Request, code: str) -> Response:
        return html(failed_page(code, self._reader(request)), _STATUS.get(code, 400))

    def _attempt(self, request: Request) -> SignInAttempt | None:
        name, _ = cookie_name(request.scope, self._service.settings.public_url, ATTEMPT)
        sent = cookies(request.scope, name)
        return self._service.attempts.read(sent[0]) if len(sent) == 1 else None

    def _here(self, request: Request, path: str) -> str:
        """An address of this service as the browser knows it. Without a public address, it is the one that was called, on this machine."""
        return (self._service.settings.public_url or f"{request.url.scheme}://{request.headers['host']}") + path

    def _keep(self, request: Request, answer: Response, name: str, value: str, seconds: int) -> None:
        full, secure = cookie_name(request.scope, self._service.settings.public_url, name)
        answer.set_cookie(full, value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax")

    def _drop(self, request: Request, answer: Response, name: str) -> None:
        full, secure = cookie_name(request.scope, self._service.settings.public_url, name)
        answer.delete_cookie(full, path="/", secure=secure, httponly=True, samesite="lax")

    def _to(self, request: Request, path: str) -> Response:
        """Go to a page, in the same language."""
        lang = language(request)
        if lang != "en" and "lang=" not in path:
            path += ("&" if "?" in path else "?") + urlencode({"lang": lang})
        return Response(status_code=303, headers={"Location": path})

    def _reader(self, request: Request) -> PageReader:
        return PageReader(self._service.live.bundle, language(request))

    def _tell(self, action: str, request: Request, **what: object) -> None:
        audit(self._service.say, action, request_id=request.scope["request_id"], **what)


def _caller(request: Request) -> Caller | None:
    return request.scope.get("caller")


def _entrance(request: Request) -> Entrance:
    found: Entrance = request.scope["entrance"]
    return found


def _next(values: Sequence[str]) -> str:
    """The page to go to that an address or a form names; the start if it names none, or something else than a page here."""
    return (local_page(values[0], is_page_path) if len(values) == 1 else None) or START


async def _fields(request: Request) -> Mapping[str, Sequence[str]]:
    """The members of a form. Raises RequestRefused."""
    raw = await body(request, MOST_BYTES, FORM)
    try:
        return parse_qs(raw.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise RequestRefused("bad-request", "the form cannot be read") from None


def _first(fields: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(fields.get(name, ())), "")
