"""
Whether a log is sound: each record's bytes, hash and commitments, their numbers without a gap, and that the index has them all.

A service may be writing meanwhile; what is recorded after the beginning is not looked at.
"""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from service.log.index import unindexed
from service.log.store import scan
from service.store.tables import entry, head


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a record, or with the log where `sequence` is None; `id` is None where there is no record."""

    sequence: int | None
    id: str | None
    fault: str


def verify(connection: sa.Connection, progress: Callable[[int, int], None]) -> tuple[int, list[Fault]]:
    """How many records there are, and every fault in their order; `progress` is told how many of how many were looked at."""
    faults: list[Fault] = []
    expected = 0
    lowest = unindexed(connection)
    upto: int = connection.execute(sa.select(head.c.next).where(head.c.name == "record")).scalar_one()
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
        faults.append(Fault(None, None, "the index lacks records, or has some that are not there"))
    return upto, faults
