"""
The committed exchanges that still run: read from the database in the order of the log, with their records.

A commitment runs from its decision on until it is withdrawn, or replaced by an amendment. Its record is the one of the decision that was
made when it was committed (`evaluation`). Reading changes nothing, and a service may write to the database at the same time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from service.ledger.share_book import OF_COUNTERS
from service.log.store import Stored, of_numbers
from service.store.tables import commitment, movement

_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class CountedMovement:
    """
    What a commitment adds to one counted fact: a number of people or exchanges, without an upper end where `high` is None.

    `meaning` is the digest of what the counter counts, `key` a keyed hash of whom it is counted for.
    """

    counter: str
    fact: str
    meaning: str
    key: str
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class RunningCommitment:
    """A commitment that runs, with its record and what it adds to counters now."""

    id: str
    decision: str
    evaluation: str
    as_of: date
    committed_at: datetime
    stored: Stored
    moved: tuple[CountedMovement, ...]


_RUNNING = commitment.c.state == "committed"


def how_many(connection: sa.Connection, after: int = -1) -> int:
    """How many commitments run whose record has a number above `after`."""
    query = sa.select(sa.func.count()).select_from(commitment).where(_RUNNING, commitment.c.sequence > after)
    return int(connection.execute(query).scalar_one())


def parts(connection: sa.Connection, size: int, after: int = -1) -> list[tuple[int, int]]:
    """
    The running commitments in parts of at most `size`, each as the first and the last number of its records.

    `after`: only those whose record has a number above it.
    """
    query = sa.select(commitment.c.sequence).where(_RUNNING, commitment.c.sequence > after).order_by(commitment.c.sequence)
    found: list[tuple[int, int]] = []
    numbers = connection.execute(query.execution_options(yield_per=10_000)).scalars()
    for part in numbers.partitions(size):
        found.append((part[0], part[-1]))
    return found


def running(connection: sa.Connection, first: int = 0, last: int | None = None) -> Iterator[RunningCommitment]:
    """The commitments that run and whose records have numbers from `first` to `last`, in the order of these numbers."""
    query = sa.select(commitment).where(_RUNNING).order_by(commitment.c.sequence).limit(_AT_ONCE)
    if last is not None:
        query = query.where(commitment.c.sequence <= last)
    after = first - 1
    while rows := connection.execute(query.where(commitment.c.sequence > after)).all():
        records = {each.sequence: each for each in of_numbers(connection, [row.sequence for row in rows])}
        moved = _moved(connection, [row.id for row in rows])
        for row in rows:
            # A commitment and its record are written in one transaction: one without a record is a fault that `log verify` names.
            if row.sequence in records:
                yield RunningCommitment(
                    row.id,
                    row.decision,
                    row.evaluation,
                    date.fromisoformat(row.as_of),
                    datetime.fromisoformat(row.committed_at),
                    records[row.sequence],
                    tuple(moved.get(row.id, ())),
                )
        after = rows[-1].sequence


def _moved(connection: sa.Connection, ids: list[str]) -> dict[str, list[CountedMovement]]:
    """What some commitments add now, by their ids."""
    query = sa.select(movement).where(movement.c.commitment.in_(ids), movement.c.live.is_(sa.true()), OF_COUNTERS)
    found: dict[str, list[CountedMovement]] = {}
    for row in connection.execute(query.order_by(movement.c.commitment, movement.c.fact, movement.c.meaning)):
        found.setdefault(row.commitment, []).append(_movement(row))
    return found


def _movement(row: Any) -> CountedMovement:
    return CountedMovement(row.counter, row.fact, row.meaning, row.key, row.low, row.high)
