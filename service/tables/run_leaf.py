"""
A run as one leaf of a log: its manifest's digest, its root, its policies and how many rows it has go in; where the leaf is comes out.

The leaf says when the manifest was there, and that it was not replaced. It makes no row a commitment, and no row is recorded.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from service.log.canonical_json import canonical
from service.log.tree_leaves import LogEvent, append
from service.store.moments import moment_text
from service.store.tables import tree_leaf
from service.tables.manifest import RunLog, RunManifest

KIND = "table-run"


def note_run(transaction: sa.Connection, manifest: RunManifest, by: str, now: datetime, origin: str) -> RunManifest:
    """Append the leaf of a run, and give its manifest with the place of the leaf. `origin` is the name of the log."""
    at = moment_text(now)
    [leaf] = append(transaction, LogEvent(KIND, at, members(manifest), {"by": by}))
    return manifest.model_copy(update={"log": RunLog(origin=origin, leaf=leaf, at=at)})


def members(manifest: RunManifest) -> dict[str, Any]:
    """What the leaf of a run says of it."""
    bare = manifest.model_copy(update={"log": None})
    return {
        "manifest": sha256(canonical(bare.members())).hexdigest(),
        "root": manifest.tree.root,
        "rows": manifest.rows,
        "source": manifest.decided_by.source,
        "program": manifest.decided_by.program,
        "counters": manifest.decided_by.counters,
        "register": manifest.decided_by.register_of is not None,
    }


def leaf_faults(connection: sa.Connection, manifest: RunManifest) -> Iterator[str]:
    """What is wrong with the leaf that a manifest names; the tree itself is verified by `log verify`."""
    if manifest.log is None:
        yield "the run is in no log"
        return
    row = connection.execute(
        sa.select(tree_leaf.c.kind, tree_leaf.c.leaf).where(tree_leaf.c.index == manifest.log.leaf)
    ).one_or_none()
    if row is None or row.kind != KIND:
        yield f"leaf {manifest.log.leaf} of this log is not one of a run"
        return
    told = json.loads(row.leaf)
    if any(told.get(name) != value for name, value in members(manifest).items()):
        yield f"leaf {manifest.log.leaf} of this log is that of another run, or the manifest was changed"
