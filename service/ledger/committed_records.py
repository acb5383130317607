"""
The commitments among some records: the numbers of records go in, the commitments that were made with them come out.

Each comes with how it ended, if it did: a commitment that was withdrawn or amended still happened until then, and a register shows it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

import sqlalchemy as sa

from service.store.tables import commitment, commitment_event

_AT_ONCE = 400
ENDINGS = ("withdrawn", "amended", "ended")  # the kinds of events by which a commitment, or what it granted, ends


@dataclass(frozen=True, slots=True)
class CommittedRecord:
    """
    A commitment, its record (`sequence`, and the id of its decision, `evaluation`), and its last ending: a kind, a moment, a reason.

    `decision` is the one that the caller named; `other` is the commitment that replaces it.
    """

    id: str
    sequence: int
    decision: str
    evaluation: str
    day: str
    committed_at: str
    state: str
    ended: str | None = None
    ended_at: str | None = None
    reason: str | None = None
    other: str | None = None

    def ended_on(self, zone: tzinfo) -> str:
        """The day, in a time zone, on which it ended; empty where it did not."""
        return datetime.fromisoformat(self.ended_at).astimezone(zone).date().isoformat() if self.ended and self.ended_at else ""


def of_records(connection: sa.Connection, sequences: Sequence[int]) -> dict[int, CommittedRecord]:
    """The commitments made with some records, by the numbers of the records."""
    found: dict[int, CommittedRecord] = {}
    for start in range(0, len(sequences), _AT_ONCE):
        some = sequences[start : start + _AT_ONCE]
        found |= {each.sequence: each for each in _committed(connection, commitment.c.sequence.in_(some))}
    return found


def of_decision(connection: sa.Connection, decision: str) -> CommittedRecord | None:
    """The commitment of a decision, whether the caller named it or it was recorded with the commitment; the last one of several."""
    named = sa.or_(commitment.c.decision == decision, commitment.c.evaluation == decision)
    return max(_committed(connection, named), key=lambda each: each.sequence, default=None)


def _committed(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Iterator[CommittedRecord]:
    rows = connection.execute(sa.select(commitment).where(which)).all()
    endings = _endings(connection, [row.id for row in rows])
    for row in rows:
        last = endings.get(row.id)
        yield CommittedRecord(
            row.id,
            row.sequence,
            row.decision,
            row.evaluation,
            row.as_of,
            row.committed_at,
            row.state,
            *((last.kind, last.at, last.reason, last.other) if last else ()),
        )


def _endings(connection: sa.Connection, ids: Sequence[str]) -> dict[str, sa.Row[tuple[object, ...]]]:
    """The last ending of each commitment that has one."""
    if not ids:
        return {}
    events = sa.select(commitment_event).where(commitment_event.c.commitment.in_(ids), commitment_event.c.kind.in_(ENDINGS))
    return {row.commitment: row for row in connection.execute(events.order_by(commitment_event.c.number))}
