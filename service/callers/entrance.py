"""
The entrance: a request's head in, its caller out.

A caller sends an API key or a token of the issuer as `Authorization: Bearer …`. A browser, for `/` and the pages under `/log` and `/ask`,
sends the key as the password of HTTP Basic. Where no key was ever made and no issuer is set, every caller on this machine is let in as
`local`, with all scopes.

- INVARIANT (fail closed): where the keys cannot be looked up, the answer is a 503, never a pass.
- INVARIANT (no secret leaves): no part of an Authorization header is in a problem, a log line or an error.
"""

import base64
import binascii
import ipaddress
import math
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import urlsplit

import sqlalchemy as sa
from starlette.types import Scope

from service.callers.caller import LOCAL, Caller
from service.callers.keys import KeyRing, Presented
from service.callers.rate_limits import Buckets
from service.callers.tokens import TokenRefused, Tokens
from service.problems import RequestRefused
from service.settings import Settings

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
PAGES = ("/log", "/ask", "/reports")
START = "/"  # a page for whoever accepts HTML, and public addresses for a program

FAILURES_A_SECOND = 1.0  # failed calls that one address may make per second, after its `failure_burst`

MOST_BYTES = 8400  # in an Authorization header: the longest token and its scheme


def is_public(path: str) -> bool:
    """Whether a path needs no key."""
    return path in PUBLIC or (path.startswith(PUBLIC_UNDER) and not path.startswith(NOT_PUBLIC))


def is_page(scope: Scope) -> bool:
    """Whether a request asks for a page for a browser, which may send the key as a password."""
    path: str = scope["path"]
    if path == START:
        return any(b"text/html" in value for name, value in scope["headers"] if name == b"accept")
    return any(path == each or path.startswith(f"{each}/") for each in PAGES)


class Entrance:
    """The entrance of one service, with its settings, its keys, and the tokens of its issuer if one is set."""

    def __init__(self, settings: Settings, keys: KeyRing, tokens: Tokens | None) -> None:
        self._keys = keys
        self._tokens = tokens
        self._required = settings.key_required or tokens is not None
        self._calls = Buckets(settings.rate_limit, settings.rate_burst)
        self._failures = Buckets(FAILURES_A_SECOND, settings.failure_burst)

    async def admit(self, scope: Scope) -> None:
        """
        Put the caller of a request into its scope, as `caller`; a public path gets none. Raises RequestRefused.

        On a public path that answers known callers with more, a known caller is put there, and no caller is refused.
        """
        path: str = scope["path"]
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        page = is_page(scope)
        if is_public(path) and not page:
            if path == TELLS_MORE:
                with suppress(RequestRefused, sa.exc.SQLAlchemyError):
                    scope["caller"], _ = await self._caller(sent, page=False)
            return
        try:
            caller, ambient = await self._caller(sent, page)
        except sa.exc.SQLAlchemyError:
            raise RequestRefused("not-ready", "the keys cannot be looked up", headers={"Retry-After": "1"}) from None
        except RequestRefused as refused:
            if refused.kind == "unauthenticated" and (wait := self._failures.take(_peer(scope))):
                raise _too_often(wait, "too many calls without a valid key came from this address") from None
            raise
        scope["caller"] = caller
        if wait := self._calls.take(caller.id):
            raise _too_often(wait, "this caller calls more often than it may")
        if ambient and scope["method"] not in ("GET", "HEAD", "OPTIONS") and _from_another_site(scope["headers"]):
            raise RequestRefused("forbidden", "a page of another site may not do this for the user of the browser")

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

    async def _bearer(self, text: str, page: bool) -> Caller:
        tokens = self._tokens
        if tokens is None or text.startswith("ff_"):
            return await self._key(text, page)
        try:
            return await tokens.caller(text)
        except TokenRefused as refused:
            raise _unknown(str(refused), page) from None

    async def _key(self, text: str, page: bool) -> Caller:
        presented = Presented.read(text)
        caller = None if presented is None else await self._keys.caller(presented)
        if caller is None:
            raise _unknown("the key is unknown, expired or revoked", page)
        return caller


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
