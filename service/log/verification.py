"""
Verifying a log: each record's bytes, hash and commitments, the numbers of the records, the index, and the tree.

A service may write meanwhile; records that are made after the beginning are not checked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from service.log.search_index import unindexed
from service.log.store import scan
from service.log.tree_verification import counted, tree_faults
from service.store.database import Database
from service.store.log_key import LogKey, LogKeyRefused, LogRefused
from service.store.log_tree import TreeBroken
from service.store.tables import HEADS, entry, head
from service.transparency.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a record, or of the whole log if `sequence` is None. `id` is None if there is no such record."""

    sequence: int | None
    id: str | None
    fault: str


def verify(
    connection: sa.Connection, progress: Callable[[int, int], None], key: LogKey | None = None, kept: Sequence[Checkpoint] = ()
) -> tuple[int, list[Fault]]:
    """
    The number of records, and every fault in record order, then those of the index and of the tree.

    `kept` are earlier checkpoints of the log, which are compared. Without the log's key the seal of the tree is not verified.
    `progress` is called with the number of records checked so far, and the number of all.
    """
    faults: list[Fault] = []
    expected = 0
    if {*connection.execute(sa.select(head.c.name)).scalars()} != HEADS:
        return 0, [Fault(None, None, "the rows that say how far the log goes are missing, or there are others")]
    upto, miscounted = counted(connection)
    lowest = unindexed(connection)
    for stored in scan(connection):
        if stored.sequence >= upto:
            break  # recorded since
        if stored.sequence != expected:
            faults.append(Fault(expected, None, "there is no record of this number"))
        faults += (Fault(stored.sequence, stored.entry.id, fault) for fault in stored.faults())
        expected = stored.sequence + 1
        progress(expected, upto)
    if expected < upto:
        faults.append(Fault(expected, None, "there is no record of this number"))
    held = connection.execute(sa.select(sa.func.count()).where(entry.c.sequence.between(lowest, upto - 1))).scalar_one()
    if held != upto - min(lowest, upto):
        faults.append(Fault(None, None, "the index lacks records, or has records that are not in the log"))
    if miscounted:
        faults.append(Fault(None, None, miscounted))
    faults += (Fault(None, None, fault) for fault in tree_faults(connection, key, kept))
    return upto, faults


def put_back(database: Database, connection: sa.Connection) -> list[Fault]:
    """A fault if the log is not the one of the last checkpoint beside its key. Without the key nothing is compared."""
    try:
        database.sealed(connection)
    except (LogKeyRefused, TreeBroken):
        pass  # the tree's own check says so
    except LogRefused as fault:
        return [Fault(None, None, str(fault))]
    return []
