"""
The whole examination: an environment goes in, what was found comes out.

Each part is examined by itself. What cannot be examined, since another part is broken, is a note, and the others go on. It writes nothing:
a database that is not there is not made. No network is used but the database's, unless a clock is named.
"""

import email.utils
import http.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from service.doctor import configuration, machine
from service.doctor.database_health import clocks_apart, examine_database
from service.doctor.diagnosis import Examination
from service.doctor.policy_health import examine_policies
from service.documents.trusted_signers import TrustedSigners
from service.server.tls_certificate import CertificateFiles, CertificateRefused
from service.settings import SettingRefused, Settings, webhook_secrets
from service.store.database import DatabaseRefused, file_of, missing_file, plain
from service.store.upgrade import open_any

EXPIRES_DAYS = 30
_CLOCK_SECONDS = 5.0


def examine(
    environment: Mapping[str, str],
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    *,
    clock_of: str | None = None,
    load_policies: bool = True,
    **given: Any,
) -> Examination:
    """Examine a service by its settings; `clock_of` is an https:// address whose clock is compared."""
    found = Examination()
    with _part(found, "versions"):
        machine.examine_versions(found)
    settings = None
    with _part(found, "configuration"):
        settings = configuration.examine_settings(found, environment, given)
    if clock_of:
        with _part(found, "clock"):
            _clock(found, clock_of, clock)
    if settings is None:
        found.note(
            "configuration",
            "not-examined",
            "nothing that depends on the settings was examined",
            "correct them, and run this again",
        )
        return found
    with _part(found, "permissions"):
        machine.examine_permissions(found, settings, configuration.settings_file(environment, given))
    growth = None
    with _part(found, "schema"):
        growth = _database(found, settings, clock())
    with _part(found, "disk"):
        machine.examine_disk(found, settings, growth)
    with _part(found, "keys"):
        _secrets(found, settings, clock())
    if load_policies:
        with _part(found, "policies"):
            examine_policies(found, settings)
    return found


@contextmanager
def _part(found: Examination, area: str) -> Iterator[None]:
    """One part. An error in it is a finding, and says nothing that a row, a file or a request may have said."""
    found.examined.append(area)
    try:
        yield
    except Exception as failed:  # noqa: BLE001 - a doctor who falls ill over one part must examine the others
        found.fault(
            area,
            "examination-failed",
            f"this part could not be examined: {type(failed).__name__}",
            "report it, with the output of `--json`",
        )


def _database(found: Examination, settings: Settings, now: datetime) -> float | None:
    file = file_of(settings.database)
    if file is not None and (missing := missing_file(file.absolute())):
        found.fault("schema", "database-missing", missing, "see whether its disk is mounted, and where the file was moved to")
        return None
    if file is not None and not file.exists():
        found.note(
            "schema",
            "no-database",
            f"the database `{file}` does not exist",
            "the first start makes it; if there was one, correct `FIFTHFACTOR_DATABASE`",
        )
        return None
    try:
        database = open_any(settings.database, settings.log_key)
    except DatabaseRefused as refused:
        found.fault("schema", "database-refused", str(refused), "correct `FIFTHFACTOR_DATABASE`, or the rights of its file")
        return None
    try:
        return examine_database(found, database, settings, now)
    except DatabaseRefused as refused:
        found.fault("schema", "database-refused", str(refused), "correct `FIFTHFACTOR_DATABASE`")
    except (OSError, sa.exc.SQLAlchemyError) as failed:
        found.fault(
            "schema",
            "database-unreachable",
            f"the database `{database.shown}` cannot be read: {plain(failed)}",
            "see whether its server runs and lets this user in, and whether the file is a database",
        )
    finally:
        database.close()
    return None


def _secrets(found: Examination, settings: Settings, now: datetime) -> None:
    for read in (
        lambda: settings.webhook_secret and webhook_secrets(settings.webhook_secret),
        lambda: settings.oidc_client_secret_file and settings.oidc_secret(),
    ):
        try:
            read()
        except SettingRefused as refused:
            found.fault(
                "keys", "secret-refused", str(refused), "write the file anew; `service/docs/settings.md` says what is in it"
            )
    _certificate(found, settings, now)
    try:
        signers = TrustedSigners.read(settings.document_signers)
    except SettingRefused as refused:
        found.fault("keys", "signers-refused", str(refused), "correct the file; the service does not start with it")
        return
    for each in signers:
        left = (each.until - now.date()).days
        if left < 0:
            found.warn(
                "keys",
                "signer-over",
                f"the signer `{each.name}` is trusted until {each.until}, which is over",
                "give it a later last day, or remove it",
            )
        elif left <= EXPIRES_DAYS:
            found.warn(
                "keys",
                "signer-expires",
                f"the signer `{each.name}` is trusted for {left} more days",
                "give it a later last day if that is meant",
            )


def _certificate(found: Examination, settings: Settings, now: datetime) -> None:
    if settings.tls_certificate is None or settings.tls_key is None:
        return
    try:
        served = CertificateFiles(settings.tls_certificate, settings.tls_key, settings.tls_minimum).read()
    except CertificateRefused as refused:
        found.fault(
            "keys",
            "certificate-refused",
            str(refused),
            "put a certificate and its key there; a running service goes on with the one before",
        )
        return
    left = (served.until - now).days
    if not served.valid(now):
        found.fault(
            "keys",
            "certificate-expires",
            f"the certificate is valid until {served.until.date()} only",
            "put the next one into its place; it is reloaded",
        )
    elif left <= EXPIRES_DAYS:
        found.warn(
            "keys",
            "certificate-expires",
            f"the certificate is valid for {left} more days",
            "put the next one into its place; it is reloaded",
        )


def _clock(found: Examination, address: str, clock: Callable[[], datetime]) -> None:
    parts = urlsplit(address)
    asked = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=_CLOCK_SECONDS)
    try:
        asked.request("HEAD", parts.path or "/")
        at = email.utils.parsedate_to_datetime(asked.getresponse().headers["date"])
    except (OSError, http.client.HTTPException, ValueError, TypeError) as failed:
        said = f"`{parts.hostname}` did not tell its time: {type(failed).__name__}"
        found.note("clock", "clock-not-told", said, "name another https:// address with `--clock`")
        return
    finally:
        asked.close()
    clocks_apart(found, at.astimezone(UTC), clock(), f"`{parts.hostname}`")
