"""
Looking through the commitments: filters go in, rows come out, the newest first, each with the parties as the index of the log has them.

An exporter is found by the keyed hash of its id. A recipient is found by that in its line of the statistics, or in the index of the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from service.callers.context import ReadingAll
from service.ledger import hashed_names
from service.ledger.commitment_events import Stage
from service.ledger.commitment_list import CommitmentsWanted, State
from service.ledger.counter_book import Book
from service.ledger.party_view import EXPORTER
from service.log.canonical_json import canonical
from service.log.search import RecordRow, of_numbers
from service.store.tables import commitment, entry, flow, movement, settlement, term

NEWEST = 2**62  # above the number of every record


@dataclass(frozen=True, slots=True)
class CommitmentFilter:
    """
    What is looked for: those that are `wanted`, the recipient's id, days of the law by which it was committed, both included, and a counter
    that it moved; None for any.
    """

    wanted: CommitmentsWanted
    recipient: str | None = None
    first: date | None = None
    last: date | None = None
    counter: str | None = None


@dataclass(frozen=True, slots=True)
class CommitmentRow:
    """A commitment in short. `entry` is its evaluation in the index of the log, None if that is not indexed yet."""

    id: str
    decision: str
    evaluation: str
    sequence: int
    as_of: str
    committed_at: str
    state: State
    stage: Stage | None
    entry: RecordRow | None


def page(
    context: ReadingAll, wanted: CommitmentFilter, before: int | None, limit: int, connection: sa.Connection
) -> tuple[list[CommitmentRow], int | None]:
    """At most `limit` commitments, the newest first, `before` the number of a record; and the number to go on before, None at the end."""
    book = Book()
    query = sa.select(commitment).where(commitment.c.sequence < (NEWEST if before is None else before))
    if (exporter := wanted.wanted.exporter) is not None:
        part = canonical(exporter).decode()
        query = query.where(commitment.c.exporter == book.hashed(connection, (EXPORTER,), (part,)))
    if wanted.recipient is not None:
        named = sa.select(term.c.id).where(term.c.kind == "recipient", term.c.value == wanted.recipient).scalar_subquery()
        hashed = hashed_names.party(book, connection, wanted.recipient)
        indexed = sa.exists().where(entry.c.sequence == commitment.c.sequence, entry.c.recipient == named)
        summed = sa.exists().where(flow.c.commitment == commitment.c.id, flow.c.recipient == hashed)
        query = query.where(sa.or_(indexed.correlate(commitment), summed.correlate(commitment)))
    query = query.where(*wanted.wanted.conditions())
    if wanted.first is not None:
        query = query.where(commitment.c.as_of >= wanted.first.isoformat())
    if wanted.last is not None:
        query = query.where(commitment.c.as_of <= wanted.last.isoformat())
    if wanted.counter is not None:
        query = query.where(
            sa.exists()
            .where(movement.c.commitment == commitment.c.id, movement.c.counter == wanted.counter)
            .correlate(commitment)
        )
    rows = connection.execute(query.order_by(commitment.c.sequence.desc()).limit(limit + 1)).all()
    return _rows(connection, rows[:limit]), rows[limit - 1].sequence if len(rows) > limit else None


def one(connection: sa.Connection, id: str) -> CommitmentRow | None:
    """A commitment by its id."""
    found = _rows(connection, connection.execute(sa.select(commitment).where(commitment.c.id == id)).all())
    return found[0] if found else None


def settled(connection: sa.Connection, id: str) -> Any | None:
    """The row of the settlement of a commitment: its day, its state and its price; None where there was nothing to divide."""
    return connection.execute(sa.select(settlement).where(settlement.c.commitment == id)).one_or_none()


def _rows(connection: sa.Connection, rows: Sequence[Any]) -> list[CommitmentRow]:
    entries = of_numbers(connection, [row.sequence for row in rows])
    return [
        CommitmentRow(
            row.id,
            row.decision,
            row.evaluation,
            row.sequence,
            row.as_of,
            row.committed_at,
            row.state,
            row.stage,
            entries.get(row.sequence),
        )
        for row in rows
    ]
