"""
The cursors of sinks: how far each is in the log. Whoever holds the turn of a sink moves its cursor, in a writing transaction.

INVARIANT (never ahead): a cursor is moved after the receiver has the events before it, never sooner. So what happens at a kill is that
events are sent again, and never that one is passed over.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from service.outbox.log_reader import log_size
from service.outbox.places import moment_at, place_of
from service.outbox.sink_settings import Start
from service.store.moments import moment_text
from service.store.tables import sink_cursor

# After the first failure in a row, the second, … A sink is never given up.
PAUSES = tuple(timedelta(seconds=each) for each in (1, 2, 5, 10, 30, 60, 120, 300))
_MOST_WORDS = 200
# INVARIANT (no gap after a restoration): such a cursor waits for a person, also when the log has grown past it.
AHEAD = "its cursor is beyond the end of the log, which was restored: say where it goes on with `fifthfactor events move`"


@dataclass(frozen=True, slots=True)
class SinkCursor:
    """How far a sink is: the leaves below `position` are behind it. The other members are those of the row."""

    name: str
    position: int
    attempts: int
    next_at: str | None
    failure: str | None
    sent: int
    failures: int
    at: str


@dataclass(frozen=True, slots=True)
class SinkLag:
    """
    How far a sink is behind: leaves of the log that it has not passed, and the seconds since the first of them was written.

    Where nobody can read when it was, they are those since the cursor moved last.
    """

    leaves: int
    seconds: float


def waits(cursor: SinkCursor, now: datetime) -> bool:
    """Whether the next attempt is due later. What a clock that was ahead has put off further than any pause is due now."""
    return cursor.next_at is not None and moment_text(now) < cursor.next_at <= moment_text(now + PAUSES[-1])


class CursorMoved(Exception):
    """Somebody else moved the cursor."""


def cursor_of(connection: sa.Connection, name: str) -> SinkCursor | None:
    """The cursor of a sink; None if it never began."""
    row = connection.execute(sa.select(sink_cursor).where(sink_cursor.c.name == name)).one_or_none()
    return None if row is None else SinkCursor(**row._mapping)


def begin(transaction: sa.Connection, name: str, start: Start, now: datetime) -> None:
    """Let a sink begin, unless it has."""
    if cursor_of(transaction, name) is None:
        place = place_of(transaction, start)
        row = SinkCursor(name, place, 0, None, None, 0, 0, moment_text(now))
        transaction.execute(sa.insert(sink_cursor).values({each: getattr(row, each) for each in SinkCursor.__slots__}))


def move(transaction: sa.Connection, cursor: SinkCursor, position: int, sent: int, now: datetime) -> None:
    """Move a cursor on, behind so many events that arrived. Raises CursorMoved where it is not where it was."""
    values = {"position": position, "attempts": 0, "next_at": None, "failure": None, "at": moment_text(now)}
    _change(transaction, cursor, values | {"sent": sink_cursor.c.sent + sent})


def put(transaction: sa.Connection, name: str, place: Start, now: datetime) -> SinkCursor:
    """Put the cursor of a sink, which may be new, at a place; events behind it are sent, again or for the first time."""
    begin(transaction, name, place, now)
    values = {"position": place_of(transaction, place), "attempts": 0, "next_at": None, "failure": None, "at": moment_text(now)}
    transaction.execute(sa.update(sink_cursor).where(sink_cursor.c.name == name).values(values))
    moved = cursor_of(transaction, name)
    assert moved is not None
    return moved


def fail(transaction: sa.Connection, cursor: SinkCursor, reason: str, now: datetime) -> None:
    """Note a failure, and when the next attempt is due. Raises CursorMoved."""
    again = now + PAUSES[min(cursor.attempts, len(PAUSES) - 1)]
    values = {"attempts": cursor.attempts + 1, "next_at": moment_text(again), "failure": reason[:_MOST_WORDS]}
    _change(transaction, cursor, values | {"failures": sink_cursor.c.failures + 1})


def lag_of(connection: sa.Connection, cursor: SinkCursor, now: datetime) -> SinkLag:
    """How far a sink is behind."""
    leaves = log_size(connection) - cursor.position
    if leaves <= 0:
        return SinkLag(0, 0.0)
    since = datetime.fromisoformat(moment_at(connection, cursor.position) or cursor.at)
    return SinkLag(leaves, max((now - since).total_seconds(), 0.0))


def _change(transaction: sa.Connection, cursor: SinkCursor, values: dict[str, object]) -> None:
    mine = sa.and_(sink_cursor.c.name == cursor.name, sink_cursor.c.position == cursor.position)
    if transaction.execute(sa.update(sink_cursor).where(mine).values(values)).rowcount != 1:
        raise CursorMoved
