"""
Deadlines of promises: a connection and a day go in; the promises that fall due within the round's horizon, and those overdue, become
events.

In: a writing transaction and a day. Out: events, `due` before the last day is over and `overdue` after it, once each. What was kept is not
told, nor what is void because its commitment was withdrawn or replaced: the transaction that tells sees what was reported until then.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from service.store.tables import commitment, promise, watch_event
from service.watch import events
from service.watch.findings import EventKind, OutcomeExplanation, WatchFinding

AT_ONCE = 200  # promises: what is told of them is written in one transaction
PROMISE = "promise"
_KINDS: tuple[EventKind, ...] = ("due", "overdue")


def any_to_tell(connection: sa.Connection, today: date, until: date) -> bool:
    """Whether a promise is due until a day or overdue, and was not told."""
    return any(_found(connection, kind, today, until, 1) for kind in _KINDS)


def tell(transaction: sa.Connection, today: date, until: date, at: str, addresses: Sequence[str]) -> int:
    """Tell of some promises that they are due until a day, or overdue; how many were told, 0 once there are no more."""
    told = 0
    for kind in _KINDS:
        rows = _found(transaction, kind, today, until, AT_ONCE)
        events.tell(transaction, today, [(row, _finding(kind, row)) for row in rows], at, addresses)
        told += len(rows)
    return told


def _found(connection: sa.Connection, kind: EventKind, today: date, until: date, most: int) -> Sequence[Any]:
    """Promises that an event of a kind has to report, earliest due date first."""
    ends = (
        promise.c.due < today.isoformat() if kind == "overdue" else promise.c.due.between(today.isoformat(), until.isoformat())
    )
    cause = sa.literal(f"{kind}:{PROMISE}:", sa.String) + promise.c.name
    same = (
        watch_event.c.commitment == promise.c.commitment,
        watch_event.c.cause == cause,
        watch_event.c.since == promise.c.due,
    )
    query = (
        sa.select(
            commitment.c.id, commitment.c.decision, commitment.c.evaluation, promise.c.name, promise.c.number, promise.c.due
        )
        .join(commitment, commitment.c.id == promise.c.commitment)
        .where(promise.c.kept_on.is_(None), commitment.c.state == "committed", ends, ~sa.exists().where(*same))
        .order_by(promise.c.due, promise.c.commitment, promise.c.number)
        .limit(most)
    )
    return connection.execute(query).all()


def _finding(kind: EventKind, row: Any) -> WatchFinding:
    remedy = {"do": "perform", PROMISE: row.name, "number": row.number}
    cause, last = f"{kind}:{PROMISE}:{row.name}", date.fromisoformat(row.due)
    return WatchFinding(kind, cause, last, None, None, (PROMISE,), explained=OutcomeExplanation(remedy=remedy))
