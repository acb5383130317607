"""
Delivery: the events behind a sink's cursor go in, the sink gets them, and the cursor moves.

At least once: first the events are read, then they are sent, then the cursor is moved; a kill in between sends them again. One process at a
time sends to a sink (a lease), and moves its cursor in a transaction that finds its own name in the lease.

While a sink is sent to, no connection to the database is held and no lock. So a sink that is slow or dead delays itself only.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
from structlog.typing import FilteringBoundLogger

from service.log.store import Store
from service.outbox import cursors
from service.outbox.cursors import CursorMoved, SinkCursor
from service.outbox.event_choice import EventChoice
from service.outbox.log_reader import EventBatch, LogReader, log_size
from service.outbox.sink_settings import AnySink, Start
from service.outbox.sinks import SEND_SECONDS, DailySink, Sink, SinkSlow, SinkUnreachable
from service.telemetry.log_lines import described
from service.watch.lease import Lease, LeaseLost
from service.watch.transactions import Write

TURN_SECONDS = 30.0  # a process that was killed holds its turn so long
PLACE_SECONDS = 60.0  # a receiver that nobody sends to any more keeps the name of a sink so long
_MOST_OPENED = 100  # events at once, where whole records are opened
_MARGIN = timedelta(
    seconds=TURN_SECONDS - SEND_SECONDS - 2
)  # when this much of a turn is over, it is taken anew before the next batch
# What the operator is told, who alone knows which of the two is right.
ELSEWHERE = (
    "a running service sends this sink to another receiver: give both the same one, or this one another name; it goes on when the other has"
    " stopped, or after `fifthfactor events move` with these settings"
)
_LATE = timedelta(minutes=1)  # after midnight a record of the day before may still come


def turn_at(name: str, seconds: float = TURN_SECONDS) -> Lease:
    """The turn of this process at the sink of a name."""
    return Lease.of(f"sink/{name}", seconds)


class ReceiverOther(LeaseLost):
    """Under the name of the sink a running service sends to another receiver."""


def place_at(settings: AnySink) -> Lease:
    """
    The place of a receiver at the name of a sink. Its holder is the receiver, so all processes that send to it share the place.

    INVARIANT (one receiver): two services with one name and two receivers would each send a part of the events. So whoever sends has the
    place of its receiver, and keeps it while it runs, whether or not there is something to send.
    """
    return Lease(f"sink-receiver/{settings.name}", settings.receiver, PLACE_SECONDS)


def put(transaction: sa.Connection, settings: AnySink, start: Start, now: datetime) -> SinkCursor:
    """Put a sink at a place of the log, and its receiver at the name of the sink, whoever sends to another one meanwhile."""
    place_at(settings).seize(transaction, now)
    return cursors.put(transaction, settings.name, start, now)


class OpenLog(Protocol):
    """A service, or a process that only delivers: its log, its lines, its clock."""

    @property
    def store(self) -> Store:
        """The log."""

    @property
    def say(self) -> FilteringBoundLogger:
        """Where it says what happens."""

    @property
    def clock(self) -> Callable[[], datetime]:
        """What time it is."""


class Delivery:
    """Sends the events of one log to one sink. Belongs to one thread."""

    def __init__(self, log: OpenLog, settings: AnySink, sink: Sink, write: Write, seconds: float = TURN_SECONDS) -> None:
        self.sent = self.failures = 0  # by this process
        self._log, self._settings, self._sink, self._write = log, settings, sink, write
        self._choice = EventChoice(frozenset(settings.events), settings.members)
        self._most = min(settings.most, _MOST_OPENED) if self._choice.opens_records else settings.most
        self._reader = LogReader()
        self._lease = turn_at(settings.name, seconds)
        self._place = place_at(settings)
        self._elsewhere = False  # the events go to another receiver, and this was said
        self._mine_since: datetime | None = None
        self._idle = False  # everything was sent when last looked, and it is nobody else's turn
        self._told: date | None = None

    @property
    def name(self) -> str:
        """The sink's name."""
        return self._settings.name

    def step(self) -> bool:
        """
        Send the next events that are due; whether there may be more. It waits for the sink, so call it in a thread.

        Raises LeaseLost where another process sends, ReceiverOther where one sends to another receiver, NotRecorded and
        sqlalchemy.exc.SQLAlchemyError where the database does not answer.
        """
        self._keep_place()
        if not self._due():
            self._day_over()
            return False
        self._take_turn()
        cursor, batch = self._next()
        if cursor.position > batch.size or cursor.failure == cursors.AHEAD:
            self._failed(cursor, cursors.AHEAD)
            return False
        if batch.position == cursor.position:
            return False
        arrived, reason = self._send(batch)
        if arrived == len(batch.events):
            self._moved(cursor, batch.position, arrived)
        elif arrived:
            self._moved(cursor, batch.events[arrived].sequence, arrived)
        if reason is None:
            return arrived < len(batch.events) or batch.position < batch.size
        self._failed(cursor, reason, arrived)
        return arrived > 0

    def close(self) -> None:
        """Let go of the sink, and let another process send."""
        self._sink.close()
        if self._mine_since is not None:
            self._mine_since = None
            self._write(self._lease.give_back)

    def _keep_place(self) -> None:
        """Have the place of the receiver at the name of the sink. Raises ReceiverOther."""
        now = self._log.clock()
        with self._log.store.database.reading.connect() as connection:
            other = self._place.held(connection, now)
            runs_out = other is None and self._place.runs_out(connection, now)
        if other is not None:
            raise self._taken(other.until)
        if runs_out:
            try:
                self._write(lambda transaction: self._place.take(transaction, now))
            except LeaseLost as lost:
                raise self._taken(lost.until) from None
        if self._elsewhere:
            self._elsewhere = False
            self._log.say.info("sink_receiver_here", sink=self.name)

    def _taken(self, until: str | None) -> ReceiverOther:
        if not self._elsewhere:
            self._elsewhere = True
            self._log.say.error("sink_receiver_other", sink=self.name, until=until, do=ELSEWHERE)
        return ReceiverOther(until)

    def _due(self) -> bool:
        """Whether something is to be sent by this process now. Costs no write while there is nothing."""
        now = self._log.clock()
        self._idle = False
        with self._log.store.database.reading.connect() as connection:
            cursor = cursors.cursor_of(connection, self.name)
            if cursor is None:
                return True
            if cursors.waits(cursor, now):
                return False
            behind = log_size(connection) != cursor.position or cursor.failure == cursors.AHEAD
            if self._lease.another_works(connection, now):
                if behind:
                    raise LeaseLost
                return False
            self._idle = not behind
            return behind

    def _day_over(self) -> None:
        """Everything was sent: tell a sink that keeps days apart, once a day, which day it is."""
        today = (self._log.clock() - _LATE).astimezone(UTC).date()
        if not self._idle or self._told == today or not isinstance(self._sink, DailySink):
            return
        self._take_turn()
        try:
            self._sink.over(today)
        except SinkUnreachable as failed:
            self._log.say.warning("sink_failed", sink=self.name, attempt=1, reason=str(failed), arrived=0)
        else:
            self._told = today

    def _take_turn(self) -> None:
        """Have a turn that lasts for the next batch, and a cursor."""
        now = self._log.clock()
        if self._mine_since is not None and now - self._mine_since < _MARGIN:
            return

        def take(transaction: sa.Connection) -> None:
            self._place.keep(transaction, now)
            self._lease.take(transaction, now)
            cursors.begin(transaction, self.name, self._settings.start, now)

        self._mine_since = None
        self._write(take)
        self._mine_since = now

    def _next(self) -> tuple[SinkCursor, EventBatch]:
        """The cursor, and what is behind it: the next events, or the end of the log."""
        with self._log.store.database.reading.connect() as connection:
            cursor = cursors.cursor_of(connection, self.name)
            assert cursor is not None
            batch = self._reader.read(connection, cursor.position, self._most, self._choice)
            while not batch.events and batch.position < batch.size:
                batch = self._reader.read(connection, batch.position, self._most, self._choice)
            return cursor, batch

    def _send(self, batch: EventBatch) -> tuple[int, str | None]:
        """How many of the events arrived, and why not all of them did."""
        if not batch.events:
            return 0, None
        try:
            self._sink.send(batch.events)
        except SinkSlow as slow:
            return slow.arrived, None
        except SinkUnreachable as failed:
            return min(failed.arrived, len(batch.events) - 1), str(failed)
        except Exception as failed:  # noqa: BLE001 - a fault of a sink is a failure like another: it is tried again
            self._log.say.error("sink_fault", sink=self.name, **described(failed))
            return 0, type(failed).__name__
        return len(batch.events), None

    def _failed(self, cursor: SinkCursor, reason: str, arrived: int = 0) -> None:
        self.failures += 1
        if not arrived:
            self._in_turn(lambda transaction, now: cursors.fail(transaction, cursor, reason, now))
        self._log.say.warning("sink_failed", sink=self.name, attempt=cursor.attempts + 1, reason=reason, arrived=arrived)

    def _moved(self, cursor: SinkCursor, position: int, sent: int) -> None:
        self._in_turn(lambda transaction, now: cursors.move(transaction, cursor, position, sent, now))
        self.sent += sent

    def _in_turn(self, change: Callable[[sa.Connection, datetime], None]) -> None:
        """Change the cursor, if it is this process's turn still. Raises LeaseLost."""
        now = self._log.clock()

        def work(transaction: sa.Connection) -> None:
            self._lease.keep(transaction, now)
            change(transaction, now)

        try:
            self._write(work)
        except CursorMoved:
            self._mine_since = None  # it was set elsewhere: the next step reads it again
        except LeaseLost:
            self._mine_since = None
            raise
        else:
            self._mine_since = now
