"""
The settings of the service.

Every setting has a default, so nothing needs to be set. A wrong setting stops the start with one sentence. Where they come from is in
`settings_sources`, and what each may hold in `setting_values`.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, Field, SecretStr, model_validator

from service.settings import setting_values as values
from service.settings.setting_values import is_loopback

_MOST_OF_A_SECRET = 1000

# The settings that say what is decided, who may call and what an answer holds: the log records them. None may hold a secret.
RECORDED = (
    "access_requests", "authentication", "batch_body_limit", "batch_limit", "body_limit", "callers_counts", "commit_within_days",
    "document_limit", "evaluations_context", "failure_burst", "hosts", "idempotency_hours", "jwt_audience", "jwt_issuer", "keep_at_most",
    "ledger_since", "mode", "norms", "oidc_client_id", "oidc_issuer", "oidc_roles", "oidc_roles_claim", "oidc_scopes", "public_url",
    "rate_burst", "rate_limit", "receipt_hours", "session_hours", "session_idle_minutes", "sign_off_persons", "trust", "watch_commitments",
    "watch_days", "webhook_private", "zone",
)  # fmt: skip
# The ids of the keys, of signers with what they may sign; the address without user, password and query.
RECORDED_IN_PART = ("bundle_keys", "document_signers", "jwks_url")
# They say how or where a process runs, or name files, whose names may be personal. `database` and `webhooks` may hold a secret.
NOT_RECORDED = (
    "acceptances", "database", "database_password_file", "draft_days", "drain_seconds", "event_listeners", "host", "log_key",
    "log_level", "most_under_way", "oidc_client_secret", "oidc_client_secret_file", "organisation", "policies", "port", "shadow",
    "shed_seconds", "sinks", "tls_certificate", "tls_key", "tls_minimum", "watch",
    "watch_listeners", "webhook_authorities", "webhook_secret", "webhooks", "witness_logs", "witnesses", "workers",
)  # fmt: skip


class SettingRefused(Exception):
    """A setting is wrong; the message is one sentence for the operator."""


class Settings(BaseModel, frozen=True, extra="forbid"):
    """All settings. The README's table has a row for each."""

    policies: values.Policies = Field(
        default=(),
        description="folders of policies, or bundle files, separated by `:` in the environment; `bundled` names the policies that"
        " come with Fifth Factor, which are the default",
    )
    acceptances: Path | None = Field(
        default=None,
        description="the organisation's own folder, one of `policies`, into which callers with `review` and `administer` may write what is"
        " accepted of the law that was not read",
    )
    bundle_keys: values.KeyFiles = Field(
        default=(), description="public keys, separated by `:` in the environment; one of them must have signed the policies"
    )
    watch: bool = Field(default=True, description="whether policies are reloaded when they change on the disk")
    shadow: values.BundlePaths = Field(
        default=(),
        description="folders or bundle files, given like `policies`; they are evaluated beside the policies and decide nothing",
    )
    database: values.DatabaseAddress = Field(
        default="fifthfactor.db", description="file of the decision log, or postgresql://…"
    )
    database_password_file: Path | None = Field(
        default=None, description="file with the password for that server, in its place in the address"
    )
    log_key: Path | None = Field(
        default=None,
        description="file of the log's key, if the database is on a server; without it `fifthfactor.log-key` in the current folder. The"
        " key of a database file lies beside it",
    )
    witnesses: Path | None = Field(
        default=None,
        description="file with the witnesses that cosign the log's checkpoints, one a line: the verifier key, a space, and the address",
    )
    witness_logs: Path | None = Field(
        default=None, description="file with the verifier keys of other logs whose checkpoints this service cosigns, one a line"
    )
    host: values.Address = Field(
        default="127.0.0.1", description="address to listen on; callers need a key unless it is a loopback address"
    )
    port: int = Field(default=8080, ge=0, le=65_535, description="port to listen on; 0 takes a free one")
    tls_certificate: Path | None = Field(
        default=None,
        description="PEM file of the certificate of the service with those that certify it; with it the port speaks TLS only",
    )
    tls_key: Path | None = Field(
        default=None, description="PEM file of the private key of that certificate, without a passphrase"
    )
    tls_minimum: Literal["1.2", "1.3"] = Field(default="1.2", description="oldest version of TLS that callers may use")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="lowest level of the lines that are written; those of the audit are written at every level",
    )
    workers: int = Field(
        default=1, ge=1, le=64, description="number of processes that answer; they share one port and one database"
    )
    most_under_way: int = Field(
        default=256,
        ge=1,
        le=100_000,
        description="most requests that one worker handles at the same time, and most whose body it awaits besides; further requests"
        " get a 503. Callers without a key get a quarter of both, and no caller with a key gets more than three quarters",
    )
    shed_seconds: float = Field(
        default=2.0, ge=0.05, le=60, description="how long a record may wait for the disk before new requests get a 503"
    )
    drain_seconds: float = Field(
        default=0.0,
        ge=0,
        le=600,
        description="how long requests are still accepted after the signal to stop, while /readyz says `draining`",
    )
    mode: str = Field(
        default="checked",
        description="which engines decide: `checked` (two, compared), `bitset`, `durable`, `lanes` or `reference`",
    )
    organisation: str = Field(
        default="",
        max_length=200,
        description="name of the organisation on the cover of its reports; without it, that of the one whose folder is loaded",
    )
    zone: values.ZoneName = Field(
        default="UTC", description="time zone of today's date, which is the day of an exchange that names no day"
    )
    body_limit: int = Field(default=256 * 1024, ge=1024, le=256 * 1024, description="largest body of a request, in bytes")
    batch_limit: int = Field(default=1000, ge=1, le=1000, description="most exchanges in a batch")
    batch_body_limit: int = Field(
        default=4 * 1024 * 1024, ge=1024, le=16 * 1024 * 1024, description="largest body of a batch, in bytes"
    )
    document_limit: int = Field(
        default=10 * 1024 * 1024, ge=1024, le=64 * 1024 * 1024, description="most bytes of a document that is attached"
    )
    document_signers: Path | None = Field(
        default=None,
        description="file with the signers whose signatures on documents count, in TOML: for each a key, what it may sign and a last day",
    )
    evaluations_context: bool = Field(
        default=False,
        description="whether each answer to several access evaluations says why; otherwise it has the decision and what is owed",
    )
    access_requests: bool = Field(
        default=False,
        description="whether a caller may ask for the review of an access evaluation that was denied (AuthZEN profile, draft)",
    )
    public_url: values.PublicUrl = Field(
        default="", description="address of the service as callers know it; if not set, the address in the request"
    )
    trust: Literal["confirmed", "from-memory"] = Field(
        default="confirmed", description="lowest mark with which a provision lifts another one without review"
    )
    norms: Literal["bind", "advise"] = Field(default="bind", description="whether norms bind, or only advise")
    callers_counts: Literal["combine", "refuse", "trust"] = Field(
        default="combine", description="what the service does with counters that an exchange states"
    )
    ledger_since: values.FirstDay = Field(default="never", description="the day since which every exchange is committed here")
    commit_within_days: int = Field(
        default=1, ge=0, le=31, description="for how many days after its own day a decision may be committed"
    )
    sign_off_persons: int = Field(
        default=1,
        ge=1,
        le=2,
        description="how many persons must sign off a provision of whose sign-off its author says nothing, or a law that was not read",
    )
    draft_days: int = Field(
        default=30, ge=1, le=3650, description="for how many days after its last change the draft of an exchange is kept"
    )
    watch_commitments: bool = Field(
        default=True,
        description="whether what was committed is decided again each day and with new policies",
    )
    watch_days: int = Field(
        default=30,
        ge=0,
        le=366,
        description="how many days ahead the watch tells that an outcome will move or a duty falls due",
    )
    watch_listeners: int = Field(
        default=16,
        ge=0,
        le=1_000,
        description="how many callers one worker lets follow the events of the watch at the same time",
    )
    webhooks: values.WebhookAddresses = Field(
        default=(),
        description="https:// addresses that events of the watch are sent to, separated by spaces in the environment",
    )
    webhook_secret: Path | None = Field(
        default=None,
        description="file with the secret that signs what is sent to webhooks, like `whsec_…`; needed for `webhooks`",
    )
    webhook_private: bool = Field(
        default=False, description="whether webhooks may be on this machine, in private networks or on a link"
    )
    webhook_authorities: Path | None = Field(
        default=None,
        description="PEM file of the authorities that may certify webhooks; without it, those of the system",
    )
    sinks: Path | None = Field(
        default=None, description="YAML file with the sinks that the events of the log are sent to: webhooks, files and others"
    )
    event_listeners: int = Field(
        default=16, ge=0, le=1_000, description="how many callers one worker lets follow the events of the log at the same time"
    )
    hosts: values.HostNames = Field(
        default="",
        description="further host names that requests may be addressed to, separated by commas; callers then need a key",
    )
    authentication: Literal["auto", "required"] = Field(
        default="auto",
        description="with `auto`, callers need no key while only this machine can call and no key was ever made",
    )
    jwks_url: values.SafeUrl = Field(default="", description="address of the token issuer's public keys (a JWKS)")
    jwt_issuer: str = Field(default="", description="the issuer of tokens, as in their claim `iss`")
    jwt_audience: str = Field(default="", description="the name of this service in the claim `aud` of tokens")
    oidc_issuer: values.IssuerUrl = Field(
        default="",
        description="the issuer of identities with whom persons sign in at the pages (OpenID Connect), by its address",
    )
    oidc_client_id: str = Field(default="", max_length=500, description="the id by which that issuer knows this service")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="the secret of this service there, if it has one; it is shown nowhere"
    )
    oidc_client_secret_file: Path | None = Field(default=None, description="file with that secret, in its place")
    oidc_scopes: values.OAuthScopes = Field(
        default="openid profile", description="what the issuer is asked for, separated by spaces; `openid` is always among it"
    )
    oidc_roles_claim: str = Field(
        default="roles",
        min_length=1,
        max_length=200,
        description="the claim that holds the roles of a person; dots lead into it, like `realm_access.roles`",
    )
    oidc_roles: values.RoleScopes = Field(
        default="",
        max_length=10_000,
        description="roles and the scopes that each gives, like `privacy-desk=read review; platform=administer`; a role"
        " `fifthfactor:SCOPE` gives that scope without being named here",
    )
    session_hours: float = Field(default=8, ge=0.25, le=168, description="how long a session lasts after signing in")
    session_idle_minutes: float = Field(default=30, ge=5, le=10_080, description="after how long without a page a session ends")
    rate_limit: float = Field(
        default=0, ge=0, le=1_000_000, description="calls per second that a caller may make; 0 is no limit"
    )
    rate_burst: int = Field(
        default=100, ge=1, le=1_000_000, description="calls that a caller may make at once where `rate_limit` is set"
    )
    failure_burst: int = Field(
        default=30, ge=1, le=1_000_000, description="calls without a valid key that one address may make at once"
    )
    keep_at_most: int = Field(
        default=300,
        ge=0,
        le=86_400,
        description="for how many seconds a caller may keep a permit that nothing can change but the day and the policies; 0 is none",
    )
    idempotency_hours: int = Field(default=24, ge=1, le=720, description="how long answers are kept for repeated calls")
    receipt_hours: int = Field(
        default=24,
        ge=1,
        le=720,
        description="for how long a receipt is good after its commitment, or else its decision, was made",
    )

    @model_validator(mode="after")
    def _both_files(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("set both FIFTHFACTOR_TLS_CERTIFICATE and FIFTHFACTOR_TLS_KEY, or none")
        return self

    @model_validator(mode="after")
    def _with_the_password(self) -> Self:
        parts = urlsplit(self.database)
        if self.database_password_file is None or not parts.scheme.startswith("postgres"):
            return self
        user, at, host = parts.netloc.rpartition("@")
        if not at or ":" in user:
            raise ValueError("with FIFTHFACTOR_DATABASE_PASSWORD_FILE, name in the database's address a user and no password")
        secret = quote(_secret_in(self.database_password_file), safe="")
        # The model is frozen, and this is its last step.
        object.__setattr__(self, "database", parts._replace(netloc=f"{user}:{secret}@{host}").geturl())
        return self

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if self.webhooks and self.webhook_secret is None:
            raise ValueError("to send to FIFTHFACTOR_WEBHOOKS, set FIFTHFACTOR_WEBHOOK_SECRET to the file with a secret")
        return self

    @model_validator(mode="after")
    def _written_into(self) -> Self:
        if self.acceptances and self.acceptances.resolve() not in {each.resolve() for each in self.policies}:
            raise ValueError("FIFTHFACTOR_ACCEPTANCES names a folder that is one of FIFTHFACTOR_POLICIES")
        if self.acceptances and self.bundle_keys:
            raise ValueError("with FIFTHFACTOR_BUNDLE_KEYS only signed bundles are loaded: leave out FIFTHFACTOR_ACCEPTANCES")
        return self

    @model_validator(mode="after")
    def _together(self) -> Self:
        given = [name for name in ("jwks_url", "jwt_issuer", "jwt_audience") if getattr(self, name)]
        if len(given) in (1, 2):
            raise ValueError(
                "set all three of FIFTHFACTOR_JWKS_URL, FIFTHFACTOR_JWT_ISSUER and FIFTHFACTOR_JWT_AUDIENCE, or none"
            )
        if bool(self.oidc_issuer) != bool(self.oidc_client_id):
            raise ValueError("set both FIFTHFACTOR_OIDC_ISSUER and FIFTHFACTOR_OIDC_CLIENT_ID, or none")
        if self.oidc_client_secret and self.oidc_client_secret_file:
            raise ValueError("set one of FIFTHFACTOR_OIDC_CLIENT_SECRET and FIFTHFACTOR_OIDC_CLIENT_SECRET_FILE")
        if self.oidc_issuer and not self.public_url and not all(map(is_loopback, (self.host, *self.host_names))):
            raise ValueError("for signing in, set FIFTHFACTOR_PUBLIC_URL: the issuer sends browsers back to that address")
        if not is_loopback(self.host) and not self.host_names:
            raise ValueError(f"to listen on {self.host}, set FIFTHFACTOR_HOSTS to the names that requests will be addressed to")
        return self

    def recorded(self, bundle_keys: Iterable[str], document_signers: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
        """
        The settings that the log records, as JSON without a secret.

        `bundle_keys` has the ids of the trusted keys, `document_signers` what `TrustedSigners.recorded` gives.
        """
        told = self.model_dump(mode="json", include=set(RECORDED))
        jwks = urlsplit(self.jwks_url)
        address = jwks._replace(netloc=jwks.netloc.rpartition("@")[2], query="", fragment="").geturl()
        return {**told, "bundle_keys": sorted(bundle_keys), "document_signers": [*document_signers], "jwks_url": address}

    def oidc_secret(self) -> str:
        """The secret of this service at the issuer of identities; empty if it has none. Raises SettingRefused."""
        path = self.oidc_client_secret_file
        if path is None:
            return self.oidc_client_secret.get_secret_value() if self.oidc_client_secret else ""
        return _secret_in(path)

    @property
    def host_names(self) -> frozenset[str]:
        """The names of `hosts`, in lower case."""
        return frozenset(values.names_in(self.hosts))

    @property
    def key_required(self) -> bool:
        """Whether callers need a key even if none was ever made."""
        # Another name means that a proxy on this machine passes on requests from elsewhere.
        return self.authentication == "required" or not all(map(is_loopback, (self.host, *self.host_names)))

    @property
    def tzinfo(self) -> tzinfo:
        """The zone of today."""
        return values.time_zone(self.zone)

    def day_of(self, moment: datetime) -> date:
        """The day of a moment in that zone."""
        return moment.astimezone(self.tzinfo).date()


def webhook_secrets(path: Path) -> tuple[bytes, ...]:
    """The secrets in a file, one a line, like `whsec_…` (base64 of 24 to 64 bytes). Each of them signs. Raises SettingRefused."""
    try:
        lines = path.read_text("ascii").split()
        found = tuple(base64.b64decode(line.removeprefix("whsec_"), validate=True) for line in lines)
    except OSError as failed:
        raise SettingRefused(f"the webhooks' secret `{path}` cannot be read: {failed.strerror}") from None
    except ValueError:
        found = ()
    if not found or not all(24 <= len(each) <= 64 for each in found):
        raise SettingRefused(f"the webhooks' secret `{path}` is not `whsec_` and the base64 of 24 to 64 bytes, one a line")
    return found


def _secret_in(path: Path) -> str:
    """The one line of a file. Raises SettingRefused, which never quotes it."""
    try:
        secret = path.read_text("utf-8").strip()
    except (OSError, ValueError) as failed:
        raise SettingRefused(
            f"the file `{path}` cannot be read: {getattr(failed, 'strerror', None) or 'it is not UTF-8'}"
        ) from None
    if not 0 < len(secret) <= _MOST_OF_A_SECRET or not secret.isprintable():
        raise SettingRefused(f"the file `{path}` must hold one line of at most {_MOST_OF_A_SECRET} characters")
    return secret
