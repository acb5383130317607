"""
Signed policies do not go back: a folder whose signed version is not higher than the one that decided is refused.

Input: the digests and signed versions of folders that are to decide. The database keeps the highest version that decided, of each folder,
whichever key signed it, and the digest of its content.

- INVARIANT (no way back unnoticed): content that is not the newest decides again only with a higher version, or where an administrator
  allowed this very content; then a leaf of the log says so. The permission ends when the newest content, or newer content, decides.
- A folder that was signed without a version decides only while the folder never had one. A folder that never decided is not compared.
"""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from service.log.tree_leaves import LogEvent, append
from service.policies.loading import LoadedBundle, SourceRefused
from service.store.moments import moment_text
from service.store.tables import bundle_version


class OlderPolicies(SourceRefused):
    """Signed policies are older than those that decided before; the message is one sentence."""


Versioned = Mapping[str, tuple[int | None, str]]  # of each folder its signed version and the digest of its content


def advance(transaction: sa.Connection, loaded: LoadedBundle, now: datetime) -> bool:
    """
    Note the versions of policies that decide from now on, in a writing transaction; returns whether this is new. Raises OlderPolicies.
    """
    folders = loaded.bundle.digests.folders
    signed = {folder: (version, folders[folder]) for folder, version in loaded.versions.items()}
    before = _before(transaction, signed)
    for folder, known in before.items():
        if _is_older(known, *signed[folder]) and signed[folder][1] != known.allowed:
            raise OlderPolicies(_refusal(folder, signed[folder][0], known))
    changed = False
    for folder, (version, source) in signed.items():
        if version is None:
            continue
        here = bundle_version.c.folder == folder
        if (row := before.get(folder)) is None:
            values = {"folder": folder, "version": version, "source": source, "activated_at": moment_text(now)}
            transaction.execute(sa.insert(bundle_version).values(values))
            changed = True
        elif version > row.version:
            newer = {"version": version, "source": source, "activated_at": moment_text(now), "allowed": None}
            transaction.execute(sa.update(bundle_version).where(here).values(newer))
            changed = True
        elif source == row.source and row.allowed is not None:
            transaction.execute(sa.update(bundle_version).where(here).values(allowed=None))
            changed = True
    return changed


def allow(transaction: sa.Connection, signed: Versioned, by: str, reason: str, now: datetime) -> dict[str, int]:
    """
    Let older policies decide again, in a writing transaction, as a leaf of the log.

    Returns the folders that are older, each with the version that decided; none if none is older.
    """
    before = _before(transaction, signed)
    older = {folder: row for folder, row in before.items() if _is_older(row, *signed[folder])}
    new = [folder for folder, row in older.items() if row.allowed != signed[folder][1]]
    for folder in new:
        here = bundle_version.c.folder == folder
        transaction.execute(sa.update(bundle_version).where(here).values(allowed=signed[folder][1]))
    if new:
        folders = {
            folder: {"version": signed[folder][0], "source": signed[folder][1], "instead_of": older[folder].version}
            for folder in new
        }
        append(
            transaction, LogEvent("older-bundle-allowed", moment_text(now), {"folders": folders}, {"by": by, "reason": reason})
        )
    return {folder: row.version for folder, row in older.items()}


def _before(connection: sa.Connection, signed: Versioned) -> dict[str, sa.Row[tuple[str, int, str, str, str | None]]]:
    rows = connection.execute(sa.select(bundle_version).where(bundle_version.c.folder.in_(list(signed))))
    return {row.folder: row for row in rows}


def _is_older(row: sa.Row[tuple[str, int, str, str, str | None]], version: int | None, source: str) -> bool:
    return source != row.source and (version is None or version <= row.version)


def _refusal(folder: str, version: int | None, row: sa.Row[tuple[str, int, str, str, str | None]]) -> str:
    if version is None:
        what = f"the policies `{folder}` were signed without a version, and version {row.version} decided"
    elif version == row.version:
        what = f"the policies `{folder}` have version {version}, and other policies of this version decided"
    else:
        what = f"the policies `{folder}` have version {version}, and version {row.version} decided"
    return (
        f"{what} from {row.activated_at[:10]} on: sign them again with a higher version, or let an administrator allow these with"
        " `fifthfactor bundle allow-older`"
    )
