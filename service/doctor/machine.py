"""
The machine: versions, who runs the service, who may read its files, and how much room there is on its disks.
"""

import os
import platform
import re
import shutil
import sqlite3
import stat
import tempfile
from importlib import metadata
from pathlib import Path

import engine
from service.doctor.diagnosis import Examination
from service.settings import Settings
from service.store.database import file_of
from service.store.log_key import OF_A_SERVER, key_file
from service.store.tables import REVISION

LIBRARIES = ("fastapi", "uvicorn", "pydantic", "SQLAlchemy", "psycopg", "cryptography", "prometheus-client")
OLDEST_SQLITE = (3, 35, 0)  # RETURNING
SERVES_MEGABYTES = 256  # a service needs beside what the log grows by
ALMOST_FULL_DAYS, SOON_FULL_DAYS = 2, 30


def examine_versions(found: Examination) -> None:
    """What runs here, and whether the durable rules can be imported."""
    found.versions |= {
        "fifthfactor": engine.__version__,
        "tables": REVISION,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.release()}",
    }
    for name in LIBRARIES:
        try:
            found.versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found.fault(
                "versions",
                "library-missing",
                f"the library `{name}` is not installed",
                "install the service again, with its dependencies",
            )
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        found.fault(
            "versions",
            "sqlite-old",
            f"SQLite is {sqlite3.sqlite_version}",
            f"use a Python with SQLite {'.'.join(map(str, OLDEST_SQLITE))} or newer",
        )
    try:
        engine.need_engines("checked")
        found.versions["durable-rules"] = _durable_rules()
    except engine.EngineUnavailable as refused:
        found.fault("versions", "durable-rules-broken", str(refused), "do what the sentence says")


def _durable_rules() -> str:
    """Its version. From Python 3.13 on, the wheel of Fifth Factor brings the one that it names, and no distribution has its name."""
    try:
        return metadata.version("durable-rules")
    except metadata.PackageNotFoundError:
        named = (re.match(r"durable-rules==([\w.]+)", each) for each in metadata.requires("fifthfactor") or ())
        return next((each[1] for each in named if each), "unknown")


def examine_permissions(found: Examination, settings: Settings, settings_file: Path | None) -> None:
    """Who runs the service, and who may read and write what it keeps."""
    if os.geteuid() == 0:
        found.warn(
            "permissions",
            "runs-as-root",
            "this user is root, who may do everything on this machine",
            "run the service as a user of its own (`service/deploy` has a unit)",
        )
    database = file_of(settings.database)
    key = key_file(database.absolute()) if database is not None else settings.log_key or OF_A_SERVER
    secret = {
        "the log's key": key,
        "the key of this witness": key.with_name(key.name + ".witness"),
        "the key before": key.with_name(key.name + ".before"),
        "the secret of webhooks": settings.webhook_secret,
        "the secret at the issuer of identities": settings.oidc_client_secret_file,
        "the database": database,
        "the file of settings": settings_file,
        "the key of the certificate": settings.tls_key,
        "the password of the database": settings.database_password_file,
    }
    for what, path in secret.items():
        if path is None or not path.exists():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077 and not (what == "the file of settings" and not mode & 0o022):
            found.fault(
                "permissions",
                "file-open-to-others",
                f"others may read or write `{path}` ({mode:o}): {what}",
                f"`chmod 600 {path}`",
            )
    for path in {key.absolute().parent, *([database.absolute().parent] if database is not None else [])}:
        if not path.is_dir():
            found.fault(
                "permissions", "folder-missing", f"the folder `{path}` does not exist", "make it, and give it to this user"
            )
            continue
        mode = path.stat().st_mode
        if mode & 0o022 and not mode & stat.S_ISVTX:
            found.fault(
                "permissions",
                "folder-open-to-others",
                f"others may write in `{path}`, and so replace the database or its key",
                f"`chmod 700 {path}`",
            )
        if not os.access(path, os.W_OK | os.X_OK):
            found.fault(
                "permissions",
                "folder-not-writable",
                f"`{path}` cannot be written, and the last checkpoint is kept there",
                "give this user the right to write there",
            )
    if database is not None and database.exists() and not os.access(database, os.R_OK | os.W_OK):
        found.fault(
            "permissions",
            "database-not-writable",
            f"`{database}` cannot be written by this user",
            f"`chown` it to the user of the service, and `chmod 600 {database}`",
        )
    for path in settings.policies:
        if (
            path.exists()
            and not settings.bundle_keys
            and path.stat().st_mode & 0o022
            and not path.stat().st_mode & stat.S_ISVTX
        ):
            found.fault(
                "permissions",
                "policies-open-to-others",
                f"others may write in `{path}`, and no signature is asked of policies: they would decide",
                f"`chmod go-w {path}`, or sign bundles and set `FIFTHFACTOR_BUNDLE_KEYS`",
            )


def examine_disk(found: Examination, settings: Settings, bytes_a_day: float | None) -> None:
    """The room on the disks of the database and of temporary files; `bytes_a_day` is what the log grew by lately."""
    database = file_of(settings.database)
    if database is None:
        found.note("disk", "disk-of-a-server", "the disk of the database's server is not seen from here", "watch it there")
    elif database.absolute().parent.is_dir():
        free = shutil.disk_usage(database.absolute().parent).free
        found.facts["disk_free_bytes"] = free
        days = free / bytes_a_day if bytes_a_day else None
        told = f"`{database.absolute().parent}` has {_megabytes(free)} free" + (
            f", which is {days:,.0f} days of the log's growth" if days is not None and days < SOON_FULL_DAYS * 10 else ""
        )
        if free < SERVES_MEGABYTES * 2**20 or (days is not None and days < ALMOST_FULL_DAYS):
            found.fault(
                "disk",
                "disk-full",
                told,
                "make room, or move the database: without room nothing is recorded, and so nothing is decided",
            )
        elif days is not None and days < SOON_FULL_DAYS:
            found.warn("disk", "disk-soon-full", told, "make room before then; `service/docs/sizing.md` says how much")
    temporary = Path(tempfile.gettempdir())
    free = shutil.disk_usage(temporary).free
    if free < SERVES_MEGABYTES * 2**20:
        found.warn(
            "disk", "no-room-for-temporary-files", f"`{temporary}` has {_megabytes(free)} free", "make room, or set `TMPDIR`"
        )


def _megabytes(size: float) -> str:
    return f"{size / 2**20:,.0f} MB"
