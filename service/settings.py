"""
The settings of the service.

They come from the options of `fifthfactor serve`, from environment variables `FIFTHFACTOR_…`, and from a TOML file; the first
of these wins. Every setting has a default, so nothing needs to be set. A wrong setting stops the start with one sentence.
"""

import base64
import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator

from service.store.database import file_of

PREFIX = "FIFTHFACTOR_"
FILE = "FIFTHFACTOR_SETTINGS"  # names the file

_OF_OTHERS = frozenset(
    (FILE, "FIFTHFACTOR_KEY", "FIFTHFACTOR_INHERITED")
)  # read by service.client, by service.server.generations
_MOST_BYTES = 64 * 1024
_PLACE = re.compile(r"line \d+, column \d+|end of document")

_SCOPES = ("evaluate", "commit", "read", "review", "administer")  # those of service.callers.caller, which stands above
_OAUTH_SCOPE = re.compile(r"[!#-\[\]-~]{1,100}")
_ISSUER = re.compile(r"https?://[!-~]{1,500}")
_MOST_OF_A_SECRET = 1000
_NAME = re.compile(r"[a-z0-9.-]{1,255}|[0-9a-f:.]{2,45}")


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


class Settings(BaseModel):
    """All settings. The README's table has a row for each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policies: tuple[Path, ...] = Field(
        default=(),
        description="folders of policies, or bundle files, separated by `:` in the environment; `bundled` names the policies that"
        " come with Fifth Factor, which are the default",
    )
    acceptances: Path | None = Field(
        default=None,
        description="the organisation's own folder, one of `policies`, into which callers with `review` and `administer` may write what is"
        " accepted of the law that was not read",
    )
    bundle_keys: tuple[Path, ...] = Field(
        default=(), description="public keys, separated by `:` in the environment; one of them must have signed the policies"
    )
    watch: bool = Field(default=True, description="whether policies are reloaded when they change on the disk")
    shadow: tuple[Path, ...] = Field(
        default=(),
        description="folders or bundle files, given like `policies`; they are evaluated beside the policies and decide nothing",
    )
    database: str = Field(default="fifthfactor.db", description="file of the decision log, or postgresql://…")
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
    host: str = Field(
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
    zone: str = Field(default="UTC", description="time zone of today's date, which is the day of an exchange that names no day")
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
    public_url: str = Field(
        default="", description="address of the service as callers know it; if not set, the address in the request"
    )
    trust: Literal["confirmed", "from-memory"] = Field(
        default="confirmed", description="lowest mark with which a provision lifts another one without review"
    )
    norms: Literal["bind", "advise"] = Field(default="bind", description="whether norms bind, or only advise")
    callers_counts: Literal["combine", "refuse", "trust"] = Field(
        default="combine", description="what the service does with counters that an exchange states"
    )
    ledger_since: date | Literal["never"] = Field(
        default="never", description="the day since which every exchange is committed here"
    )
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
    webhooks: tuple[str, ...] = Field(
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
    hosts: str = Field(
        default="",
        description="further host names that requests may be addressed to, separated by commas; callers then need a key",
    )
    authentication: Literal["auto", "required"] = Field(
        default="auto",
        description="with `auto`, callers need no key while only this machine can call and no key was ever made",
    )
    jwks_url: str = Field(default="", description="address of the token issuer's public keys (a JWKS)")
    jwt_issuer: str = Field(default="", description="the issuer of tokens, as in their claim `iss`")
    jwt_audience: str = Field(default="", description="the name of this service in the claim `aud` of tokens")
    oidc_issuer: str = Field(
        default="",
        description="the issuer of identities with whom persons sign in at the pages (OpenID Connect), by its address",
    )
    oidc_client_id: str = Field(default="", max_length=500, description="the id by which that issuer knows this service")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="the secret of this service there, if it has one; it is shown nowhere"
    )
    oidc_client_secret_file: Path | None = Field(default=None, description="file with that secret, in its place")
    oidc_scopes: str = Field(
        default="openid profile", description="what the issuer is asked for, separated by spaces; `openid` is always among it"
    )
    oidc_roles_claim: str = Field(
        default="roles",
        min_length=1,
        max_length=200,
        description="the claim that holds the roles of a person; dots lead into it, like `realm_access.roles`",
    )
    oidc_roles: str = Field(
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

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], **given: Any) -> Self:
        """
        Settings from the given values that are not None, then from the environment, then from the file.

        `settings` names the file, or else FIFTHFACTOR_SETTINGS in the environment. Raises SettingRefused.
        """
        file = given.pop("settings", None) or environment.get(FILE)
        found: dict[str, Any] = _read(Path(file)) if file else {}
        spelled = {name: f"`{name}` in `{file}`" for name in found}
        for name in found:
            if name not in cls.model_fields:
                raise SettingRefused(f"`{name}` in `{file}` is not a setting{_nearest(name, cls.model_fields)}")
        for variable, value in environment.items():
            if not variable.startswith(PREFIX) or variable in _OF_OTHERS:
                continue
            name = variable.removeprefix(PREFIX).lower()
            if name not in cls.model_fields:
                variables = (PREFIX + each.upper() for each in cls.model_fields)
                raise SettingRefused(f"there is no setting `{variable}`{_nearest(variable, variables)}")
            found[name] = value
            spelled[name] = f"`{variable}`"
        for name, value in given.items():
            if value is not None:
                found[name] = value
                spelled[name] = f"`--{name.replace('_', '-')}`"
        try:
            return cls.model_validate(found)
        except ValidationError as refused:
            raise SettingRefused(_sentence(refused, spelled)) from None

    @field_validator("policies", "shadow", "bundle_keys", mode="before")
    @classmethod
    def _several(cls, paths: Any, setting: ValidationInfo) -> Any:
        if isinstance(paths, Path):
            return (paths,)
        given = tuple(filter(None, paths.split(os.pathsep))) if isinstance(paths, str) else paths
        if setting.field_name == "bundle_keys" or not isinstance(given, Iterable):
            return given
        return [_meant(each) for each in given]

    @field_validator("policies")
    @classmethod
    def _named(cls, policies: tuple[Path, ...]) -> tuple[Path, ...]:
        # An empty value is probably a mistake, so it must not select the bundled policies.
        if not policies:
            raise ValueError("name a folder or a bundle file, or leave it unset")
        return policies

    @field_validator("database", mode="before")
    @classmethod
    def _written(cls, database: Any) -> Any:
        return str(database) if isinstance(database, Path) else database

    @field_validator("database")
    @classmethod
    def _an_address(cls, database: str) -> str:
        file = file_of(database)
        if "\x00" in database or (file is not None and not file.name):
            raise ValueError("name a file, or a server like postgresql://user@host/name")
        return database

    @field_validator("host")
    @classmethod
    def _an_address_to_listen_on(cls, host: str) -> str:
        if host.lower() != "localhost":
            try:
                ipaddress.ip_address(host)
            except ValueError:
                raise ValueError("give an address, such as 127.0.0.1, ::1 or 0.0.0.0") from None
        return host

    @field_validator("public_url")
    @classmethod
    def _for_callers(cls, url: str) -> str:
        if not url:
            return url
        try:
            parts = urlsplit(url)
            sound = parts.port is None or parts.port > 0
        except ValueError:
            sound = False
        if (
            not sound
            or not parts.hostname
            or parts.query
            or parts.fragment
            or "@" in parts.netloc
            or url.endswith(("/", "?", "#"))
        ):
            raise ValueError("it must be like https://pdp.example.com, without a query and without a slash at the end")
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
            raise ValueError("it must begin with https://; http:// is for this machine's own addresses only")
        return url

    @field_validator("hosts")
    @classmethod
    def _names(cls, hosts: str) -> str:
        for name in _names_in(hosts):
            if not _NAME.fullmatch(name):
                raise ValueError("give names as in a Host header, without a port, separated by commas")
        return hosts

    @field_validator("jwks_url")
    @classmethod
    def _safe_to_fetch(cls, url: str) -> str:
        if url:
            parts = urlsplit(url)
            if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
                raise ValueError("give an https:// address; http:// is for this machine's own addresses only")
        return url

    @field_validator("oidc_issuer")
    @classmethod
    def _an_issuer(cls, url: str) -> str:
        parts = urlsplit(cls._safe_to_fetch(url))
        if url and ("@" in parts.netloc or "?" in url or "#" in url or not _ISSUER.fullmatch(url)):
            raise ValueError("give the address of the issuer as its documents have it, without a user, a query and a fragment")
        return url

    @field_validator("oidc_scopes")
    @classmethod
    def _scopes(cls, scopes: str) -> str:
        if not all(_OAUTH_SCOPE.fullmatch(each) for each in scopes.split()) or "openid" not in scopes.split():
            raise ValueError("give scopes separated by spaces, with `openid` among them")
        return scopes

    @field_validator("oidc_roles")
    @classmethod
    def _roles(cls, roles: str) -> str:
        scopes_of_roles(roles)
        return roles

    @field_validator("webhooks", mode="before")
    @classmethod
    def _separated(cls, addresses: Any) -> Any:
        return tuple(addresses.split()) if isinstance(addresses, str) else addresses

    @field_validator("webhooks")
    @classmethod
    def _safe_to_send_to(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        for address in addresses:
            try:
                parts = urlsplit(address)
                sound = parts.scheme == "https" and bool(parts.hostname) and (parts.port is None or parts.port > 0)
            except ValueError:
                sound = False
            if not sound or "@" in parts.netloc or "#" in address or not address.isascii() or not address.isprintable():
                raise ValueError("give https:// addresses without a user and without a fragment")
        return tuple(dict.fromkeys(addresses))

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
        return frozenset(_names_in(self.hosts))

    @property
    def key_required(self) -> bool:
        """Whether callers need a key even if none was ever made."""
        # Another name means that a proxy on this machine passes on requests from elsewhere.
        return self.authentication == "required" or not all(map(is_loopback, (self.host, *self.host_names)))

    @property
    def tzinfo(self) -> tzinfo:
        """The zone of today."""
        return time_zone(self.zone)

    def day_of(self, moment: datetime) -> date:
        """The day of a moment in that zone."""
        return moment.astimezone(self.tzinfo).date()

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            time_zone(zone)
        except (LookupError, ValueError, OSError):
            raise ValueError("it must name a time zone, such as UTC or Asia/Shanghai") from None
        return zone


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


def scopes_of_roles(text: str) -> dict[str, frozenset[str]]:
    """The scopes that each role gives, by a text like `desk=read review; platform=administer`. Raises ValueError."""
    found: dict[str, frozenset[str]] = {}
    for each in filter(None, map(str.strip, text.split(";"))):
        role, equals, scopes = each.rpartition("=")
        role, given = role.strip(), frozenset(scopes.split())
        if not equals or not role or not role.isprintable() or not given or role in found:
            raise ValueError("give each role once, with its scopes, like `desk=read review; platform=administer`")
        if unknown := sorted(given - set(_SCOPES)):
            raise ValueError(f"there is no scope `{unknown[0]}`; use some of {', '.join(_SCOPES)}")
        found[role] = given
    return found


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: 127.0.0.0/8, ::1 or `localhost`."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback and (address.version == 4 or address == ipaddress.IPv6Address("::1"))


def _names_in(hosts: str) -> list[str]:
    return [name.strip().strip("[]").lower() for name in hosts.split(",") if name.strip()]


def time_zone(name: str) -> tzinfo:
    """The zone of this name. UTC works without a table of zones on the machine."""
    return UTC if name == "UTC" else ZoneInfo(name)


def _meant(path: Any) -> Any:
    if path != "bundled":
        return path
    from engine import policies_at  # imported here, since it takes a second that most commands do not need

    return policies_at(path)


def _read(file: Path) -> dict[str, Any]:
    """The content of a file of settings. Raises SettingRefused, which never quotes the content: it may hold a password."""
    try:
        with file.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as refused:
        raise SettingRefused(f"the settings `{file}` cannot be read: {getattr(refused, 'strerror', None) or refused}") from None
    if len(content) > _MOST_BYTES:
        raise SettingRefused(f"the settings `{file}` have more than {_MOST_BYTES} bytes")
    try:
        return tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise SettingRefused(f"the settings `{file}` are not UTF-8") from None
    except tomllib.TOMLDecodeError as refused:
        place = _PLACE.search(str(refused))
        raise SettingRefused(f"the settings `{file}` are not TOML{f': see {place[0]}' if place else ''}") from None


def _nearest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), 1)
    return f"; did you mean `{near[0]}`?" if near else ""


def _sentence(refused: ValidationError, spelled: Mapping[str, str]) -> str:
    first = refused.errors(include_url=False)[0]
    if not first["loc"]:  # an error of several settings together
        return first["msg"].removeprefix("Value error, ")
    name = str(first["loc"][0])
    reason = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    # An address, or a table given in its place, may hold a password, so it is not quoted.
    hidden = (
        name == "oidc_client_secret"
        or "://" in str(first["input"])
        or (name == "database" and not isinstance(first["input"], str))
    )
    setting = spelled.get(name, name)
    return f"{setting} has a wrong value: {reason}" if hidden else f"{setting} cannot be `{first['input']}`: {reason}"
