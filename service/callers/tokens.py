"""
Bearer tokens of an issuer: a JWT in, its caller out.

PyJWT checks tokens (RFC 7519) that are signed by a key of the issuer's JWKS (RFC 7517). Only signatures that a public key verifies are
accepted: a token with a shared secret, or without a signature, is never accepted. INVARIANT (fail closed): where the issuer's keys
cannot be fetched, no caller gets in, and the answer says that the token is not the cause.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
from structlog.typing import FilteringBoundLogger

from service.callers import issuer_keys
from service.callers.caller import OF_A_PARTY, SCOPES, Caller, is_party
from service.callers.person import Person
from service.problems import RequestRefused

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
SCOPE_PREFIX = "fifthfactor:"
PARTY = "fifthfactor_party"  # the claim with the id of the party to which the caller belongs
LEEWAY_SECONDS = 30  # clocks differ
KEYS_SECONDS = 300  # how long the issuer's keys are used
UNKNOWN_KEY_SECONDS = 30  # the least time between two fetches because of an unknown key id
FETCH_SECONDS = 3  # how long a fetch may take
WAIT_SECONDS = 6  # how long a caller waits for it, also where the issuer answers more slowly than anything should
QUIET_SECONDS = 5  # how long no fetch is tried after a failed one
MOST_CHARACTERS = 8192

_SUBJECT = re.compile(r"[!-~]{1,128}")
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (jwt.ExpiredSignatureError, "the token has expired"),
    (jwt.ImmatureSignatureError, "the token is not valid yet"),
    (jwt.InvalidAudienceError, "the token is for another audience"),
    (jwt.InvalidIssuerError, "the token is from another issuer"),
    (jwt.MissingRequiredClaimError, "the token lacks one of the claims `exp`, `iss`, `aud`, `sub`"),
)
_reader = jwt.PyJWT(options={"enforce_minimum_key_length": True})


class TokenRefused(Exception):
    """The token is not valid. The message says why and quotes nothing of the token."""


class _IssuerKeys(jwt.PyJWKClient):
    """The keys of an issuer. PyJWT keeps them; `issuer_keys` fetches and bounds them. A fetch that changes them has a line."""

    say: FilteringBoundLogger | None = None
    _known: frozenset[str] | None = None  # digests of the keys that were fetched last
    _refused: str | None = None

    def fetch_data(self) -> Any:
        try:
            keys = issuer_keys.fetch(self.uri, self.timeout)
        except issuer_keys.KeysRefused as refused:
            if self.say and str(refused) != self._refused:
                self.say.warning("issuer_keys_refused", reason=str(refused))
            self._refused = str(refused)
            raise jwt.PyJWKClientConnectionError(str(refused)) from None
        self._last_successful_fetch = time.monotonic()
        found = frozenset(map(issuer_keys.digest, keys))
        if self.say and (found != self._known or self._refused is not None):
            before = self._known or frozenset()
            self.say.info("issuer_keys_reloaded", keys=len(found), new=len(found - before), gone=len(before - found))
        self._known, self._refused = found, None
        return {"keys": keys}


class SignedTokens:
    """The tokens that are signed by the keys at an address: a token in, its checked header and claims out."""

    def __init__(self, jwks_url: str, most_characters: int = MOST_CHARACTERS, say: FilteringBoundLogger | None = None) -> None:
        self._most = most_characters
        self._keys = _IssuerKeys(jwks_url, lifespan=KEYS_SECONDS, cooldown_duration=UNKNOWN_KEY_SECONDS, timeout=FETCH_SECONDS)
        self._keys.say = say
        # Fetching has its own thread: an issuer that does not answer must not block the threads that read the database.
        self._fetching = ThreadPoolExecutor(1, "jwks")
        self._quiet_until = 0.0

    async def read(self, token: str, issuer: str, audience: str) -> tuple[Mapping[str, Any], dict[str, Any]]:
        """
        The header and the claims of a token that the issuer signed for an audience, and that is valid now.

        Raises TokenRefused; RequestRefused where the issuer's keys cannot be fetched.
        """
        if len(token) > self._most:
            raise TokenRefused("the token is too long")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, ValueError):
            raise TokenRefused("this is neither a key nor a token") from None
        name = header.get("kid")
        if header.get("alg") not in ALGORITHMS or not isinstance(name, str):
            raise TokenRefused("the token must name its key (`kid`) and be signed by RS, PS, ES or EdDSA")
        key = self._held(name)
        if key is None:
            fetching = asyncio.get_running_loop().run_in_executor(self._fetching, self._fetched, name)
            try:
                key = await asyncio.wait_for(fetching, WAIT_SECONDS)
            except TimeoutError:
                raise _unreachable() from None
        return header, _checked(token, key, issuer, audience)

    def close(self) -> None:
        """Stop fetching."""
        self._fetching.shutdown(wait=False, cancel_futures=True)

    def _held(self, name: str) -> jwt.PyJWK | None:
        """The key with this name, if it was fetched recently."""
        cached = self._keys.jwk_set_cache.get() if self._keys.jwk_set_cache else None
        return None if cached is None else self._keys.match_kid(cached.keys, name)

    # --- the fetching thread -----------------------------------------------------------------------------------------

    def _fetched(self, name: str) -> jwt.PyJWK:
        """The key with this name, fetched from the issuer if necessary. Raises TokenRefused, RequestRefused."""
        if time.monotonic() < self._quiet_until:
            raise _unreachable()
        try:
            return self._keys.get_signing_key(name)
        except jwt.PyJWKClientConnectionError:
            pass
        except Exception:  # noqa: BLE001 - whatever the issuer sends instead of keys
            # The library has the same error for an unknown key and for an answer without keys.
            if self._keys.jwk_set_cache and self._keys.jwk_set_cache.get() is not None:
                raise TokenRefused("the token is signed by a key that the issuer does not have") from None
        self._quiet_until = time.monotonic() + QUIET_SECONDS
        raise _unreachable()


class Tokens:
    """The tokens of one issuer, for one audience."""

    def __init__(self, jwks_url: str, issuer: str, audience: str, say: FilteringBoundLogger | None = None) -> None:
        self._issuer = issuer
        self._audience = audience
        self._signed = SignedTokens(jwks_url, say=say)

    async def caller(self, token: str) -> Caller:
        """The caller that a token stands for. Raises TokenRefused; RequestRefused where the issuer's keys cannot be fetched."""
        _, claims = await self._signed.read(token, self._issuer, self._audience)
        return _meant(claims, self._issuer)

    def close(self) -> None:
        """Stop fetching keys."""
        self._signed.close()


def _checked(token: str, key: jwt.PyJWK, issuer: str, audience: str) -> dict[str, Any]:
    """The claims of a token. Raises TokenRefused."""
    try:
        claims: dict[str, Any] = _reader.decode(
            token,
            key,
            algorithms=list(ALGORITHMS),
            audience=audience,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, ValueError, OverflowError, TypeError) as refused:
        reasons = (words for kind, words in _REASONS if isinstance(refused, kind))
        raise TokenRefused(next(reasons, "the token is not signed by the issuer")) from None
    return claims


def party_in(claims: Mapping[str, Any]) -> str | None:
    """The party to which the caller of some claims belongs. Raises TokenRefused: a claim that names no party is not an operator's."""
    if PARTY not in claims:
        return None
    party = claims[PARTY]
    if not isinstance(party, str) or not is_party(party):
        raise TokenRefused(f"the claim `{PARTY}` must be the id of a party")
    return party


def _meant(claims: Mapping[str, Any], issuer: str) -> Caller:
    """The caller of checked claims. Raises TokenRefused."""
    subject, scopes = claims["sub"], claims.get("scope", "")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise TokenRefused("the claim `sub` must be 1 to 128 visible ASCII characters")
    if not isinstance(scopes, str):
        raise TokenRefused("the claim `scope` must be a text: scopes separated by spaces")
    granted = {each.removeprefix(SCOPE_PREFIX) for each in scopes.split(" ") if each.startswith(SCOPE_PREFIX)}
    # A program that asks for itself gets a token whose subject is its own client id (RFC 9068, section 2.2).
    person = None if subject in (claims.get("client_id"), claims.get("azp")) else Person(issuer, subject)
    party = party_in(claims)  # INVARIANT (fail closed): see there
    return Caller(f"sub:{subject}", frozenset(granted & set(SCOPES if party is None else OF_A_PARTY)), party, person)


def _unreachable() -> RequestRefused:
    return RequestRefused(
        "not-ready", "the keys of the token issuer cannot be fetched; try again in a moment", headers={"Retry-After": "5"}
    )
