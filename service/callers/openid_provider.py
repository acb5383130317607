"""
The issuer of identities with whom persons sign in (OpenID Connect): the one door of Authlib.

Authlib makes the address to which the browser goes (code flow, PKCE with S256), asks for the tokens, and checks the claims of the ID token
(`nonce`, `azp`, `at_hash`, `iat`). `service.callers.tokens` checks its signature, `iss`, `aud` and `exp`, and takes the same signatures as
for other tokens. `service.callers.issuer_documents` bounds what the issuer answers.

- INVARIANT (fail closed): whatever is missing, or is not as it must be, signs nobody in.
- INVARIANT (no secret leaves): no code, no token and no secret is in an error.

Sources: OpenID Connect Core 1.0 (section 3.1.3.7) and Discovery 1.0, RFC 7636, RFC 9207, RFC 9700.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from structlog.typing import FilteringBoundLogger

from service.callers import issuer_documents, roles
from service.callers.caller import OF_A_PARTY
from service.callers.person import MOST_OF_A_NAME, Person, is_person
from service.callers.sign_in import SignInAttempt
from service.callers.tokens import LEEWAY_SECONDS, SignedTokens, TokenRefused, party_in
from service.settings import Settings
from service.settings.setting_values import is_loopback, scopes_of_roles

METADATA_SECONDS = 300  # how long the issuer's metadata are used
QUIET_SECONDS = 5  # how long no metadata are fetched after a failure
CALL_SECONDS = 5  # how long one call to the issuer may take
WAIT_SECONDS = 8  # how long a browser waits for it
MOST_OF_A_TOKEN = 32 * 1024
MOST_OF_A_CODE = 4_096
_THREADS = 4

Result = TypeVar("Result")


class ProviderRefused(Exception):
    """The issuer did not sign anybody in. `code` says why, in a word that the pages have words for."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the issuer says of itself. An address is None if the issuer has none."""

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    end_session: str | None
    authentication: str  # of this service, where it has a secret
    names_itself: bool  # in each answer that a browser brings (RFC 9207)

    @classmethod
    def of(cls, document: Any, issuer: str) -> Self:
        """The metadata in a document. Raises ProviderRefused."""
        if not isinstance(document, dict) or document.get("issuer") != issuer:
            raise ProviderRefused("provider_wrong")
        local = urlsplit(issuer).scheme == "http"

        def address(name: str) -> str | None:
            url = document.get(name)
            if url is None:
                return None
            if not isinstance(url, str) or not _is_sound(url, local):
                raise ProviderRefused("provider_wrong")
            return url

        def needed(name: str) -> str:
            url = address(name)
            if url is None:
                raise ProviderRefused("provider_wrong")
            return url

        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        challenges = document.get("code_challenge_methods_supported", ["S256"])
        responses = document.get("response_types_supported", ["code"])
        if not all(isinstance(each, list) for each in (methods, challenges, responses)):
            raise ProviderRefused("provider_wrong")
        if "S256" not in challenges or "code" not in responses:
            raise ProviderRefused("provider_wrong")
        return cls(
            authorization=needed("authorization_endpoint"),
            token=needed("token_endpoint"),
            keys=needed("jwks_uri"),
            userinfo=address("userinfo_endpoint"),
            end_session=address("end_session_endpoint"),
            authentication="client_secret_basic" if "client_secret_basic" in methods else "client_secret_post",
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        )


@dataclass(frozen=True, slots=True)
class Returned:
    """What a browser brings back from the issuer. Each is empty where it is not there."""

    code: str = field(default="", repr=False)
    issuer: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class ProvenIdentity:
    """Who signed in, with the scopes of her roles, and the party to which she belongs if she belongs to one."""

    person: Person
    scopes: frozenset[str]
    party: str | None


class Provider:
    """The issuer of identities of one service."""

    def __init__(self, settings: Settings, say: FilteringBoundLogger) -> None:
        """Raises SettingRefused where the secret cannot be read."""
        self._say = say
        self.issuer = settings.oidc_issuer
        self._id = settings.oidc_client_id
        self._secret = settings.oidc_secret()
        self._scope = settings.oidc_scopes
        self._claim = settings.oidc_roles_claim
        self._roles = scopes_of_roles(settings.oidc_roles)
        # Calls to the issuer have their own threads: one that does not answer must not block those that read the database.
        self._calling = ThreadPoolExecutor(_THREADS, "openid")
        self._metadata: Metadata | None = None
        self._good_until = 0.0
        self._quiet_until = 0.0
        self._signed: tuple[str, SignedTokens] | None = None

    @property
    def host(self) -> str:
        """The issuer in a word that a person knows: its host."""
        return urlsplit(self.issuer).netloc

    async def address(self, attempt: SignInAttempt, redirect: str) -> str:
        """The address at the issuer to which the browser goes; it comes back to `redirect`. Raises ProviderRefused."""
        metadata = await self._known()
        client = self._client(metadata, redirect, None)
        url, _ = client.create_authorization_url(
            metadata.authorization, state=attempt.state, code_verifier=attempt.verifier, nonce=attempt.nonce
        )
        return str(url)

    async def identity(self, attempt: SignInAttempt, returned: Returned, redirect: str) -> ProvenIdentity:
        """Who comes back from the issuer. The state of the attempt was checked before. Raises ProviderRefused."""
        metadata = await self._known()
        # RFC 9207, section 2.4: who got its request answered by another issuer than it asked must not go on.
        # A refusal carries nothing that could go to the wrong one, and some issuers leave their name out of it.
        if returned.issuer not in ("", self.issuer):
            raise ProviderRefused("wrong_issuer")
        if returned.error:
            raise ProviderRefused(returned.error)
        if metadata.names_itself and not returned.issuer:
            raise ProviderRefused("wrong_issuer")
        if not 0 < len(returned.code) <= MOST_OF_A_CODE:
            raise ProviderRefused("no_code")
        answer = await self._in_time(lambda: self._tokens(metadata, returned.code, attempt.verifier, redirect))
        token, access = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str) or not isinstance(access, str):
            raise ProviderRefused("no_token")
        claims = await self._claims(metadata, token, access, attempt.nonce)
        # Always: a claim that narrows what she may do, like her party, may be there alone.
        if metadata.userinfo:
            claims = {**await self._in_time(lambda: self._userinfo(metadata, access, claims["sub"])), **claims}
        return self._identity(claims)

    async def goodbye(self, after: str) -> str | None:
        """The address at which one signs out at the issuer too, and comes back to `after`; None if there is none, or it is not known."""
        try:
            metadata = await self._known()
        except ProviderRefused:
            return None
        if metadata.end_session is None:
            return None
        sent = urlencode({"client_id": self._id, "post_logout_redirect_uri": after})
        return f"{metadata.end_session}{'&' if urlsplit(metadata.end_session).query else '?'}{sent}"

    def close(self) -> None:
        """Stop calling."""
        self._calling.shutdown(wait=False, cancel_futures=True)
        if self._signed is not None:
            self._signed[1].close()

    # --- the claims --------------------------------------------------------------------------------------------------

    async def _claims(self, metadata: Metadata, token: str, access: str, nonce: str) -> dict[str, Any]:
        from authlib.oidc.core import CodeIDToken

        if self._signed is None or self._signed[0] != metadata.keys:
            if self._signed is not None:
                self._signed[1].close()
            self._signed = metadata.keys, SignedTokens(metadata.keys, MOST_OF_A_TOKEN, self._say)
        try:
            header, claims = await self._signed[1].read(token, self.issuer, self._id)
        except TokenRefused:
            raise ProviderRefused("wrong_token") from None
        wanted = {"iss": {"essential": True, "value": self.issuer}}
        known = {"nonce": nonce, "client_id": self._id, "access_token": access}
        try:
            CodeIDToken(claims, header, wanted, known).validate(leeway=LEEWAY_SECONDS)
        except Exception:  # noqa: BLE001 - whatever the claims hold that the library does not expect
            raise ProviderRefused("wrong_token") from None
        return claims

    def _identity(self, claims: Mapping[str, Any]) -> ProvenIdentity:
        subject = claims.get("sub")
        if not isinstance(subject, str) or not is_person(self.issuer, subject):
            raise ProviderRefused("no_person")
        try:
            party = party_in(claims)
        except TokenRefused:
            raise ProviderRefused("wrong_party") from None
        held = roles.scopes(roles.held(claims, self._claim) or frozenset(), self._roles)
        scopes = held if party is None else held & set(OF_A_PARTY)
        if not scopes:
            raise ProviderRefused("no_role")
        return ProvenIdentity(Person(self.issuer, subject, _name(claims)), scopes, party)

    # --- calls to the issuer -----------------------------------------------------------------------------------------

    async def _known(self) -> Metadata:
        if self._metadata is not None and time.monotonic() < self._good_until:
            return self._metadata
        if time.monotonic() < self._quiet_until:
            raise ProviderRefused("provider_away")
        try:
            self._metadata = await self._in_time(self._discovered)
        except ProviderRefused:
            self._quiet_until = time.monotonic() + QUIET_SECONDS
            raise
        self._good_until = time.monotonic() + METADATA_SECONDS
        return self._metadata

    async def _in_time(self, work: Callable[[], Result]) -> Result:
        """What work in a thread of its own returns. Raises ProviderRefused where the issuer does not answer in time, or not as it must."""
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._calling, work), WAIT_SECONDS)
        except (TimeoutError, issuer_documents.IssuerDocumentRefused):
            raise ProviderRefused("provider_away") from None

    def _discovered(self) -> Metadata:
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        return Metadata.of(issuer_documents.fetch(url, CALL_SECONDS), self.issuer)

    def _tokens(self, metadata: Metadata, code: str, verifier: str, redirect: str) -> Mapping[str, Any]:
        from authlib.common.errors import AuthlibBaseError

        client = self._client(metadata, redirect, _TokenCalls())
        # RFC 6749, section 2.3.1: both are encoded before they are sent by HTTP Basic.
        if client.token_endpoint_auth_method == "client_secret_basic":
            client.client_id, client.client_secret = quote(self._id, safe=""), quote(self._secret, safe="")
        try:
            answer = client.fetch_token(metadata.token, code=code, code_verifier=verifier)
        except (AuthlibBaseError, AttributeError, KeyError, TypeError, ValueError):
            raise ProviderRefused("code_refused") from None
        return dict(answer) if isinstance(answer, Mapping) else {}

    def _userinfo(self, metadata: Metadata, access: str, subject: str) -> dict[str, Any]:
        assert metadata.userinfo is not None
        if not access.isascii() or not access.isprintable():
            raise ProviderRefused("wrong_token")
        answer = issuer_documents.call(
            metadata.userinfo, CALL_SECONDS, {"Authorization": f"Bearer {access}", "Accept": "application/json"}
        )
        # OpenID Connect Core 1.0, section 5.3.2: claims about somebody else must not be used.
        if answer.status != 200 or not isinstance(answer.document, dict) or answer.document.get("sub") != subject:
            raise ProviderRefused("wrong_token")
        return answer.document

    def _client(self, metadata: Metadata, redirect: str, session: "_TokenCalls | None") -> Any:
        from authlib.oauth2.client import OAuth2Client

        return OAuth2Client(
            session,
            client_id=self._id,
            client_secret=self._secret,
            token_endpoint_auth_method=metadata.authentication if self._secret else "none",
            scope=self._scope,
            redirect_uri=redirect,
            code_challenge_method="S256",
        )


class _TokenCalls:
    """By what Authlib sends a call: bounded, and without redirects."""

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> "_TokenAnswer":
        sent = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        url, sent, body = auth.prepare("POST", url, sent, urlencode(data))
        return _TokenAnswer(issuer_documents.call(url, CALL_SECONDS, sent, body.encode()))


class _TokenAnswer:
    """An answer as Authlib reads it."""

    def __init__(self, answer: issuer_documents.IssuerAnswer) -> None:
        self.status_code = answer.status
        self._document = answer.document

    def json(self) -> Any:
        return self._document

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise ProviderRefused("provider_away")


def _is_sound(url: str, local: bool) -> bool:
    """Whether an address of the issuer may be called: by TLS, or on this machine if the issuer is there too."""
    try:
        parts = urlsplit(url)
        sound = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    if not sound or "@" in parts.netloc or "#" in url or not url.isascii() or not url.isprintable() or " " in url:
        return False
    return parts.scheme == "https" or (local and parts.scheme == "http" and is_loopback(str(parts.hostname)))


def _name(claims: Mapping[str, Any]) -> str | None:
    """What to call a person. A name that cannot be shown is none."""
    for each in ("name", "preferred_username"):
        claim = claims.get(each)
        name = " ".join(claim.split()) if isinstance(claim, str) else ""  # a wide space between two names becomes a plain one
        if 0 < len(name) <= MOST_OF_A_NAME and name.isprintable():
            return name
    return None
