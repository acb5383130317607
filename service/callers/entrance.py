"""
The entrance: a request's head in, its caller out.

A caller sends an API key or a token of the issuer as `Authorization: Bearer …`. A browser, for `/` and the pages (PAGES), sends the cookie
of a session, or the key as the password of HTTP Basic; one that sends nothing is sent to the page to sign in. Where no key was ever made
and no issuer is set, every caller on this machine is let in as `local`, with all scopes.

- INVARIANT (fail closed): where the keys cannot be looked up, the answer is a 503, never a pass.
- INVARIANT (no cookie for programs): a session opens pages only, so no other site can make a browser use the API for her.
- INVARIANT (no secret leaves): no part of an Authorization header or a cookie is in a problem, a log line or an error.
"""

import base64
import binascii
import ipaddress
import math
import re
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import quote, urlsplit

import sqlalchemy as sa
from starlette.types import Scope

from service.callers.caller import LOCAL, Caller
from service.callers.keys import KeyRing, Presented
from service.callers.rate_limits import Buckets
from service.callers.sessions import Sessions
from service.callers.sign_in import local_page
from service.callers.tokens import TokenRefused, Tokens
from service.problems import RequestRefused
from service.settings import Settings
from service.settings.setting_values import is_loopback
from service.store.row_seals import SealBroken

# Paths that need no key: the start, the probes, the shapes and their documentation, and the hashes of the log, which tell nothing. What is
# sent to a witness is signed by a log that it knows.
PUBLIC = (
    *("/", "/livez", "/readyz", "/openapi.json", "/docs"),
    *("/checkpoint", "/checkpoint/witnessed", "/add-checkpoint", "/v1/withdrawals"),
)
PUBLIC_UNDER = ("/v1/schemas/", "/.well-known/", "/docs/", "/tile/")
NOT_PUBLIC = "/tile/entries/"
# Public paths that answer known callers with more.
TELLS_MORE = "/readyz"
PAGES = ("/log", "/ask", "/review", "/register", "/ledger", "/policies", "/reports", "/workbench", "/story")
SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
STYLE = "/log/style.css"
PUBLIC_PAGES = (
    SIGN_IN,
    f"{SIGN_IN}/start",
    f"{SIGN_IN}/return",
    SIGN_OUT,
    STYLE,
)  # for whoever has no session yet, or none any more
# Where a gateway asks about a request of its client: with that request's method and path, and with the host that the client named.
GATEWAYS = "/ext_authz/"
# Where a GET adds to the log: the first receipt of a decision is a leaf, and what a gateway asks is decided and recorded.
ADDS_WHEN_READ = re.compile(r"(/log|/v1/decisions)/[^/]+/receipt(/[a-z-]+)?|/ext_authz/[\s\S]*")
START = "/"  # a page for whoever accepts HTML, and public addresses for a program

FAILURES_A_SECOND = 1.0  # failed calls that one address may make per second, after its `failure_burst`

MOST_BYTES = 8400  # in an Authorization header: the longest token and its scheme


def is_public(path: str) -> bool:
    """Whether a path needs no key."""
    return path in PUBLIC or path in PUBLIC_PAGES or (path.startswith(PUBLIC_UNDER) and not path.startswith(NOT_PUBLIC))


def is_page(scope: Scope) -> bool:
    """Whether a request asks for a page for a browser, which may send a session, or the key as a password."""
    path: str = scope["path"]
    return takes_html(scope) if path == START else is_page_path(path)


def is_page_path(path: str) -> bool:
    """Whether a path is one of the pages that somebody may go to, which those to sign in and out are not."""
    return path == START or any(path == each or path.startswith(f"{each}/") for each in PAGES)


def takes_html(scope: Scope) -> bool:
    """Whether a request says that it accepts a page."""
    return any(b"text/html" in value for name, value in scope["headers"] if name == b"accept")


def cookie_name(scope: Scope, public_url: str, name: str) -> tuple[str, bool]:
    """
    The name of a cookie for a request, and whether it is sent over TLS only.

    It is `__Host-…`, which no other host can set (RFC 6265bis, section 4.1.3.2), unless a browser on this machine calls without TLS.
    """
    host = next((value.decode("latin-1") for key, value in scope["headers"] if key == b"host"), "")
    secure = public_url.startswith("https:") or not is_loopback(_without_port(host))
    return (f"__Host-{name}" if secure else name), secure


def cookies(scope: Scope, name: str) -> list[str]:
    """The values of a cookie in a request. More than one cannot be ours."""
    pairs = (pair for key, value in scope["headers"] if key == b"cookie" for pair in value.decode("latin-1").split(";"))
    return [value.strip() for key, equals, value in (pair.partition("=") for pair in pairs) if equals and key.strip() == name]


SESSION = "fifthfactor-session"  # the name of the cookie


class SignInFirst(Exception):
    """A browser that brings nothing asks for a page: it is sent to the page to sign in, and comes back to `next`."""

    def __init__(self, next: str) -> None:
        super().__init__()
        self.next = next


class Entrance:
    """The entrance of one service, with its settings, its keys, and the tokens of its issuer if one is set."""

    def __init__(self, settings: Settings, keys: KeyRing, tokens: Tokens | None, sessions: Sessions) -> None:
        self._keys = keys
        self._tokens = tokens
        self._sessions = sessions
        self._public_url = settings.public_url
        self._required = settings.key_required or tokens is not None or bool(settings.oidc_issuer)
        self._calls = Buckets(settings.rate_limit, settings.rate_burst)
        self._failures = Buckets(FAILURES_A_SECOND, settings.failure_burst)

    async def admit(self, scope: Scope) -> None:
        """
        Put the caller of a request into its scope, as `caller`; a public path gets none. Raises RequestRefused, SignInFirst.

        On a public path that answers known callers with more, a known caller is put there, and no caller is refused. The caller of a
        session comes with its id, as `session`.
        """
        path: str = scope["path"]
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        if path in PUBLIC_PAGES:
            await self._admit_to_sign_in(scope)
            return
        page = is_page(scope)
        if is_public(path) and not page:
            if path == TELLS_MORE:
                with suppress(RequestRefused, sa.exc.SQLAlchemyError):
                    scope["caller"], _ = await self._caller(sent, page=False)
            return
        try:
            caller, ambient = await self._caller_of_page(scope, sent) if page else await self._caller(sent, page)
        except sa.exc.SQLAlchemyError:
            raise RequestRefused("not-ready", "the keys cannot be looked up", headers={"Retry-After": "1"}) from None
        except RequestRefused as refused:
            if refused.kind == "unauthenticated":
                self.failed(scope)
            raise
        scope["caller"] = caller
        if wait := self._calls.take(caller.id):
            raise _too_often(wait, "this caller calls more often than it may")
        if ambient:
            _check_site(scope)

    def failed(self, scope: Scope) -> None:
        """Count a call that brought no good key. Raises RequestRefused where too many came from its address."""
        if wait := self._failures.take(_peer(scope)):
            raise _too_often(wait, "too many calls without a valid key came from this address") from None

    async def _admit_to_sign_in(self, scope: Scope) -> None:
        """Whoever signs in or out is let in, but no page of another site does it for her. Raises RequestRefused."""
        _check_site(scope)
        if scope["path"] == STYLE:
            return
        scope["entrance"] = self
        with suppress(sa.exc.SQLAlchemyError, SealBroken):
            if not await self._by_session(scope) and not self._required and not await self._keys.any_made():
                scope["caller"] = LOCAL

    async def _caller_of_page(self, scope: Scope, sent: list[bytes]) -> tuple[Caller, bool]:
        """The caller of a page. Raises SignInFirst, RequestRefused."""
        if sent:
            return await self._caller(sent, page=True)
        if await self._by_session(scope):
            return scope["caller"], True
        try:
            return await self._caller(sent, page=True)
        except RequestRefused:
            # Nothing is sent a second time: what a form holds is not kept while she signs in.
            if not takes_html(scope):
                raise
            if scope.get("no_session"):
                self.failed(scope)
            raise SignInFirst(_asked_for(scope)) from None

    async def _by_session(self, scope: Scope) -> bool:
        """Whether the request brings the cookie of a session; then its caller is put into the scope."""
        name, _ = cookie_name(scope, self._public_url, SESSION)
        sent = cookies(scope, name)
        found = await self._sessions.caller(sent[0]) if len(sent) == 1 else None
        if found is not None:
            scope["caller"], scope["session"] = found
        elif sent:
            scope["no_session"] = True
        return found is not None

    async def _caller(self, sent: list[bytes], page: bool) -> tuple[Caller, bool]:
        """The caller, and whether a browser may have sent the credentials by itself, for another site's page."""
        if not sent and not self._required and not await self._keys.any_made():
            return LOCAL, True
        if len(sent) != 1 or len(sent[0]) > MOST_BYTES:
            raise _unknown("this needs a key: send one header `Authorization: Bearer …`", page)
        scheme, _, rest = sent[0].partition(b" ")
        match scheme.lower():
            case b"bearer":
                return await self._bearer(rest.strip().decode("latin-1"), page), False
            case b"basic" if page:
                return await self._key(_password(rest.strip()), page), True
            case _:
                raise _unknown("send the key as `Authorization: Bearer …`", page)

    async def key(self, text: str) -> Caller | None:
        """The caller whose key a text is, None if it is none. Passes on errors of the database."""
        presented = Presented.read(text)
        return None if presented is None else await self._keys.caller(presented)

    async def _bearer(self, text: str, page: bool) -> Caller:
        tokens = self._tokens
        if tokens is None or text.startswith("ff_"):
            return await self._key(text, page)
        try:
            return await tokens.caller(text)
        except TokenRefused as refused:
            raise _unknown(str(refused), page) from None

    async def _key(self, text: str, page: bool) -> Caller:
        caller = await self.key(text)
        if caller is None:
            raise _unknown("the key is unknown, expired or revoked", page)
        return caller


def _asked_for(scope: Scope) -> str:
    """The page that a browser asked for; the start where it sent a form, or asked for what is no page."""
    query: bytes = scope["query_string"]
    address = quote(scope["path"]) + (f"?{query.decode('latin-1')}" if query else "")
    return (local_page(address, is_page_path) if scope["method"] in ("GET", "HEAD") else None) or START


def _check_site(scope: Scope) -> None:
    """Raises RequestRefused where a page of another origin makes a browser change something, or ask for what the log adds to."""
    adds = scope["method"] not in ("GET", "HEAD", "OPTIONS") or ADDS_WHEN_READ.fullmatch(scope["path"])
    if adds and _from_another_site(scope["headers"]):
        raise RequestRefused("forbidden", "a page of another site may not do this for the user of the browser")


def _without_port(host: str) -> str:
    return host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]


def _unknown(detail: str, page: bool) -> RequestRefused:
    challenge = 'Basic realm="Fifth Factor", charset="UTF-8"' if page else 'Bearer realm="Fifth Factor"'
    return RequestRefused("unauthenticated", detail, headers={"WWW-Authenticate": challenge})


def _too_often(wait: float, detail: str) -> RequestRefused:
    return RequestRefused("rate-limited", detail, headers={"Retry-After": str(max(1, math.ceil(wait)))})


def _password(encoded: bytes) -> str:
    """The password of HTTP Basic (RFC 7617). The user name is not read."""
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _peer(scope: Scope) -> str:
    """The address that a call comes from. For IPv6 it is the network, since one machine may have all its addresses."""
    host = (scope.get("client") or ("", 0))[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "elsewhere"
    return str(address) if address.version == 4 else str(ipaddress.ip_network((int(address), 64), strict=False))


def _from_another_site(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a browser reports that a page of another origin makes this call. Programs report nothing."""
    said = {name: value for name, value in headers if name in (b"origin", b"sec-fetch-site", b"host")}
    if said.get(b"sec-fetch-site", b"none") not in (b"none", b"same-origin"):
        return True
    if b"origin" not in said:
        return False
    try:
        return urlsplit(said[b"origin"].decode("latin-1")).netloc.lower() != said[b"host"].decode("latin-1").lower()
    except ValueError:
        return True
