"""
The bundles that decided, stored by their digests, so that their decisions can be replayed.

INVARIANT (no record without its bundle): a bundle is kept, durably, before it decides the first exchange.
A row also has the settings, since the meaning of the sources depends on them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

import engine
from service.log import settings_leaves
from service.log.canonical_json import canonical
from service.log.tree_leaves import LogEvent, append
from service.policies import archive, rollback
from service.policies.loading import LoadedBundle
from service.store import row_seals
from service.store.database import Database, DatabaseRefused, plain
from service.store.log_key import LogRefused
from service.store.log_tree import growth_of
from service.store.moments import moment_text
from service.store.tables import about, bundle

DIGEST = re.compile(r"[0-9a-f]{8,64}")

_ABOUT = (bundle.c.source, bundle.c.meaning, bundle.c.trust, bundle.c.norms, bundle.c.engine, bundle.c.first_used_at)


class NotKept(LookupError):
    """No bundle with this digest is kept, or this version cannot read it; the message says which."""


ACTIVE = "active_bundle"  # a row of `about`: the policies that were activated last


@dataclass(frozen=True, slots=True)
class StoredBundle:
    """What is known of a kept bundle, without its bytes; `engine` and `first_used_at` belong to its first use."""

    source: str
    meaning: str
    trust: str
    norms: str
    engine: str
    first_used_at: str
    size: int


def to_keep(connection: sa.Connection, loaded: LoadedBundle) -> bytes | None:
    """
    The archive of a bundle that is not kept yet; None of one that is. It is written before `keep` takes the writing lock.

    An archive has megabytes, and while it is written under the lock no process records anything.
    """
    return None if _is_kept(connection, loaded) else loaded.archive


def _is_kept(connection: sa.Connection, loaded: LoadedBundle) -> bool:
    digests = loaded.bundle.digests
    known = sa.select(sa.literal(1)).where(bundle.c.source == digests.source, bundle.c.meaning == digests.meaning)
    return connection.execute(known).first() is not None


def keep(
    transaction: sa.Connection, loaded: LoadedBundle, written: bytes | None, recorded: Mapping[str, Any], now: datetime
) -> int:
    """
    Keep a bundle that decides from now on, and note it and the settings that the log records, in a writing transaction.

    `written` is what `to_keep` gave.

    Returns the number of the last leaf, at which these are what the log notes. Raises OlderPolicies where one of the folders is older than
    what decided before; then nothing is kept.
    """
    digests, settings = loaded.bundle.digests, loaded.bundle.settings
    _activated(transaction, loaded, now, rollback.advance(transaction, loaded, now))
    if not _is_kept(transaction, loaded):
        row = {
            "source": digests.source,
            "meaning": digests.meaning,
            "trust": settings.trust,
            "norms": settings.norms,
            "engine": engine.__version__,
            "first_used_at": moment_text(now),
            "archive": loaded.archive if written is None else written,
        }
        transaction.execute(sa.insert(bundle), row)  # apart from the statement, which SQLAlchemy keeps with its values
    settings_leaves.note(transaction, recorded, now)
    return growth_of(transaction).last()


def _activated(transaction: sa.Connection, loaded: LoadedBundle, now: datetime, advanced: bool) -> None:
    """Append a leaf for policies that decide from now on, unless those that were activated last are the same, and their versions too."""
    digests, settings = loaded.bundle.digests, loaded.bundle.settings
    versions: dict[str, Any] = {
        folder: {"version": version, "source": digests.folders[folder]}
        for folder, version in loaded.versions.items()
        if version is not None
    }
    active = " ".join(
        [digests.source, digests.meaning, engine.__version__, *([canonical(versions).decode()] if versions else [])]
    )
    if row_seals.noted(transaction, ACTIVE, "bundle-activated") == active and not advanced:
        return
    shown = {"source": digests.source, "meaning": digests.meaning, "engine": engine.__version__}
    members: dict[str, Any] = {**shown, "trust": settings.trust, "norms": settings.norms}
    if versions:
        members["versions"] = versions
    append(transaction, LogEvent("bundle-activated", moment_text(now), members))
    row_seals.note(transaction, ACTIVE, active)


def keep_now(database: Database, loaded: LoadedBundle, recorded: Mapping[str, Any], now: datetime) -> int:
    """
    The same before there is an event loop.

    Raises DatabaseRefused, and OlderPolicies as `keep` does.
    """
    try:
        with database.reading.connect() as connection:
            written = to_keep(connection, loaded)
        with database.transaction() as transaction:
            return keep(transaction, loaded, written, recorded, now)
    except LogRefused as refused:
        raise DatabaseRefused(f"the policies cannot be kept in the database `{database.shown}`: {refused}") from None
    except (OSError, sa.exc.SQLAlchemyError) as failed:
        raise DatabaseRefused(f"the policies cannot be kept in the database `{database.shown}`: {plain(failed)}") from None


def list_bundles(connection: sa.Connection) -> list[StoredBundle]:
    """All bundles that are kept, the latest first."""
    found = sa.select(*_ABOUT, sa.func.length(bundle.c.archive)).order_by(bundle.c.first_used_at.desc(), bundle.c.source)
    return [StoredBundle(*row) for row in connection.execute(found)]


def sources_of(connection: sa.Connection, meaning: str) -> frozenset[str]:
    """The digests of the sources of all kept bundles with a meaning."""
    return frozenset(connection.execute(sa.select(bundle.c.source).where(bundle.c.meaning == meaning)).scalars())


def active_bundle(connection: sa.Connection) -> StoredBundle:
    """What is known of the policies that were activated last. Raises NotKept where none ever were."""
    value = connection.execute(sa.select(about.c.value).where(about.c.name == ACTIVE)).scalar_one_or_none()
    if value is None:
        raise NotKept("no policies were ever activated in this database")
    source, meaning, *_ = value.split(" ")
    return _first(connection, (bundle.c.source == source) & (bundle.c.meaning == meaning), source)[0]


def archive_of(connection: sa.Connection, digest: str) -> tuple[StoredBundle, bytes]:
    """
    The archive of a bundle, found by one of its digests; the first 8 hexadecimal digits are enough.

    If several bundles match, the latest is given. Raises NotKept.
    """
    digest = digest.lower()
    if not DIGEST.fullmatch(digest):
        raise NotKept(f"`{digest[:80]}` is not a digest of at least 8 hexadecimal digits")
    begins = sa.or_(bundle.c.source.startswith(digest), bundle.c.meaning.startswith(digest))
    return _first(connection, begins, digest)


def load_kept(connection: sa.Connection, source: str, meaning: str | None = None) -> engine.Bundle:
    """
    A kept bundle, found by the digest `source` of a record, and loaded under the settings with which it decided.

    The same sources may have decided under several settings. The digest `meaning` of the record shows which; without it the latest is
    taken. Raises NotKept, also if this version of the engine refuses the policies. A bundle of earlier semantics is for a replay only.
    """
    wanted = bundle.c.source == source
    kept, data = _first(connection, wanted if meaning is None else wanted & (bundle.c.meaning == meaning), source)
    try:
        return engine.load_sources(archive.read(data), settings_of(kept), engine.semantics_of(kept.engine), replay=True)
    except (archive.ArchiveRefused, engine.BundleRefused) as refused:
        raise NotKept(f"the bundle {source[:12]} of engine {kept.engine} cannot be loaded any more: {refused}") from None


def settings_of(kept: StoredBundle) -> engine.PolicySettings:
    """The settings with which a kept bundle decided."""
    return engine.PolicySettings(trust=kept.trust, norms=kept.norms)


def _first(connection: sa.Connection, wanted: sa.ColumnElement[bool], digest: str) -> tuple[StoredBundle, bytes]:
    found = sa.select(*_ABOUT, bundle.c.archive).where(wanted).order_by(bundle.c.first_used_at.desc(), bundle.c.meaning)
    row = connection.execute(found.limit(1)).first()
    if row is None:
        raise NotKept(f"no bundle with the digest `{digest}` is kept")
    about = StoredBundle(row.source, row.meaning, row.trust, row.norms, row.engine, row.first_used_at, len(row.archive))
    return about, bytes(row.archive)
