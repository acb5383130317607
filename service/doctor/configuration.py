"""
The settings: an environment goes in; settings, if they can be read, and findings come out.

What the service refuses at its start is a fault with the same sentence. Beside it is what the service accepts and what has no effect, and
each file that a setting names and that cannot be read.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from service.doctor.diagnosis import Examination
from service.settings import SettingRefused, Settings
from service.settings.settings_sources import FILE, PREFIX, settings_from
from service.store.database import file_of

AREA = "configuration"
# The settings that name files, each with what it is.
FILES = {
    "policies": "policies",
    "shadow": "policies of the shadow",
    "bundle_keys": "a key that signs policies",
    "acceptances": "the folder of acceptances",
    "log_key": "the log's key",
    "witnesses": "the list of witnesses",
    "witness_logs": "the list of logs to cosign",
    "document_signers": "the list of signers",
    "webhook_secret": "the secret of webhooks",
    "webhook_authorities": "the authorities of webhooks",
    "oidc_client_secret_file": "the secret at the issuer of identities",
    "database_password_file": "the password of the database",
    "sinks": "the sinks of events",
    "tls_certificate": "the certificate",
    "tls_key": "the key of the certificate",
}
_MADE_AT_THE_START = ("log_key",)
# A setting that has no effect without another one.
WITHOUT_EFFECT = {
    "rate_burst": ("rate_limit", "no limit of calls is set"),
    "webhook_private": ("webhooks", "there is no webhook"),
    "webhook_authorities": ("webhooks", "there is no webhook"),
    "webhook_secret": ("webhooks", "there is no webhook"),
    "oidc_client_secret_file": ("oidc_issuer", "there is no issuer of identities"),
    "oidc_roles": ("oidc_issuer", "there is no issuer of identities"),
    "session_hours": ("oidc_issuer", "nobody signs in with an issuer of identities"),
    "webhooks": ("watch_commitments", "the watch is turned off, so nothing is sent"),
    "watch_days": ("watch_commitments", "the watch is turned off"),
}


def examine_settings(found: Examination, environment: Mapping[str, str], given: Mapping[str, Any]) -> Settings | None:
    """The settings, or None where they are refused."""
    try:
        settings = settings_from(environment, **given)
    except SettingRefused as refused:
        found.fault(AREA, "setting-refused", str(refused), "correct this setting; `service/docs/settings.md` lists them all")
        return None
    _files(found, settings)
    stated = settings.model_fields_set
    for name, (other, why) in WITHOUT_EFFECT.items():
        if name in stated and getattr(settings, name) and not getattr(settings, other):
            found.warn(
                AREA,
                "setting-without-effect",
                f"`{PREFIX}{name.upper()}` is set, and {why}",
                f"set `{PREFIX}{other.upper()}` too, or remove it",
            )
    if settings.log_key is not None and file_of(settings.database) is not None:
        found.warn(
            AREA,
            "setting-without-effect",
            "`FIFTHFACTOR_LOG_KEY` is set, and the key of a database file lies beside it",
            "remove it",
        )
    if settings.session_idle_minutes > settings.session_hours * 60:
        found.warn(
            AREA,
            "setting-without-effect",
            f"a session ends after {settings.session_hours:g} hours, before it could be idle for {settings.session_idle_minutes:g} minutes",
            "set `FIFTHFACTOR_SESSION_IDLE_MINUTES` below `FIFTHFACTOR_SESSION_HOURS`",
        )
    if settings.shadow and set(settings.shadow) == set(settings.policies):
        found.warn(
            AREA,
            "shadow-is-the-same",
            "the shadow has the policies that decide, so it tells nothing",
            "name the policies to be tried, or remove it",
        )
    _secrets_by_value(found, settings, environment)
    return settings


def _files(found: Examination, settings: Settings) -> None:
    for name, what in FILES.items():
        value = getattr(settings, name, None)
        for path in value if isinstance(value, tuple) else [value]:
            if not isinstance(path, Path):
                continue
            setting = f"{PREFIX}{name.upper()}"
            if not path.exists():
                if name in _MADE_AT_THE_START:
                    continue
                found.fault(
                    AREA,
                    "file-missing",
                    f"`{path}` does not exist, and `{setting}` names it as {what}",
                    f"put it there, or correct `{setting}`",
                )
            elif not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
                found.fault(
                    AREA,
                    "file-unreadable",
                    f"`{path}` cannot be read by the user {_user()}: {what}",
                    f"give this user the right to read it, or correct `{setting}`",
                )
    if settings.acceptances and settings.acceptances.is_dir() and not os.access(settings.acceptances, os.W_OK):
        found.fault(
            AREA,
            "folder-not-writable",
            f"`{settings.acceptances}` cannot be written: acceptances would be refused",
            "give this user the right to write there",
        )


def _secrets_by_value(found: Examination, settings: Settings, environment: Mapping[str, str]) -> None:
    if settings.oidc_client_secret is not None:
        found.warn(
            AREA,
            "secret-by-value",
            "the secret at the issuer of identities is given by its value, which others on the machine may read",
            "put it into a file, and name the file in `FIFTHFACTOR_OIDC_CLIENT_SECRET_FILE`",
        )
    if file_of(settings.database) is None and _has_password(settings.database):
        found.warn(
            AREA,
            "secret-by-value",
            "the address of the database holds a password, which whoever sees the settings reads",
            "leave it out, and put it into `~/.pgpass` or a file that `PGPASSFILE` names",
        )


def _has_password(address: str) -> bool:
    parameters = dict(parse_qsl(address.partition("?")[2]))
    return ":" in address.partition("://")[2].rpartition("@")[0] or "password" in parameters


def settings_file(environment: Mapping[str, str], given: Mapping[str, Any]) -> Path | None:
    """The file of settings, if there is one."""
    name = given.get("settings") or environment.get(FILE)
    return Path(name) if name else None


def _user() -> str:
    return str(os.geteuid())
