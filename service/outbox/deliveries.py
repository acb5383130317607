"""
The deliveries of a running process: each sink of the settings gets a thread, which sends what is due until the process stops.

A thread for each, so that a sink that waits keeps no other sink waiting, and no thread in which requests are answered. In a process that
answers requests each thread rests as long as it computed: one that catches up with millions of events takes no more than half of the time.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.outbox import cursors
from service.outbox.cursors import SinkCursor, SinkLag
from service.outbox.delivery import Delivery, OpenLog, place_at, turn_at
from service.outbox.sink_opening import open_sink
from service.outbox.sink_settings import AnySink
from service.outbox.sinks import Sink
from service.telemetry.log_lines import described
from service.telemetry.metrics import Metrics
from service.watch.events import source_of
from service.watch.lease import LeaseHolder, LeaseLost
from service.watch.transactions import Write, writing

LOOK_SECONDS = 1.0
AGAIN_SECONDS = 5.0  # after another process was found at work, or the database did not answer
STOP_SECONDS = 3.0  # at the end of a process a sink that waits is left; what it was sent comes again


Labelled = list[tuple[dict[str, str], float]]


@dataclass(frozen=True, slots=True)
class SinkStanding:
    """
    A sink of the settings with its cursor and its lag, None where it has not begun, and the process that sends to it, if one does.

    `other` is there while the name is held by another receiver than that of the settings.
    """

    settings: AnySink
    cursor: SinkCursor | None
    lag: SinkLag | None
    holder: LeaseHolder | None
    other: LeaseHolder | None = None

    def shown(self) -> dict[str, Any]:
        """As JSON, without an address."""
        known: dict[str, Any] = {} if self.cursor is None else {"position": self.cursor.position, "sent": self.cursor.sent}
        if self.cursor is not None and self.cursor.attempts:
            known |= {"attempts": self.cursor.attempts, "failure": self.cursor.failure, "next_at": self.cursor.next_at}
        behind = {} if self.lag is None else {"lag_events": self.lag.leaves, "lag_seconds": round(self.lag.seconds, 3)}
        held = {} if self.holder is None else {"held_by": self.holder.shown()}
        other = {} if self.other is None else {"other_receiver_until": self.other.until}
        return {"name": self.settings.name, "kind": self.settings.kind, **known, **behind, **held, **other}


class SinkThread:
    """The thread of one sink."""

    def __init__(self, log: OpenLog, delivery: Delivery, resting: bool) -> None:
        self.delivery = delivery
        self._log, self._resting = log, resting
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sink-{delivery.name}", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no other batch."""
        self._stop.set()

    def join(self, until: float) -> None:
        """Wait for the batch that is under way, until a moment of `time.monotonic`."""
        self._thread.join(max(until - time.monotonic(), 0))

    def _run(self) -> None:
        while not self._stop.is_set():
            begun = time.thread_time()
            try:
                wait = 0.0 if self.delivery.step() else LOOK_SECONDS
            except LeaseLost:
                wait = AGAIN_SECONDS
            except Exception as failed:  # noqa: BLE001 - no error may prevent the next attempt
                if not self._stop.is_set():
                    self._log.say.error("sink_delivery_failed", sink=self.delivery.name, **described(failed))
                wait = AGAIN_SECONDS
            self._stop.wait(max(wait, time.thread_time() - begun if self._resting else 0.0))
        with suppress(Exception):
            self.delivery.close()


class SinkDeliveries:
    """The sinks of a log, opened: nothing is sent before `running`. Raises SettingRefused if one cannot be used."""

    def __init__(self, log: OpenLog, sinks: Sequence[AnySink]) -> None:
        self._log, self._settings = log, sinks
        self._sinks: list[Sink] = []
        if sinks:
            source = source_of(log.store.database.log_key().origin)
            self._sinks = [open_sink(each, source, log.clock) for each in sinks]
        self._deliveries: tuple[Delivery, ...] = ()

    def made(self, write: Write) -> tuple[Delivery, ...]:
        """The delivery of each sink, which writes in some way."""
        pairs = zip(self._settings, self._sinks, strict=True)
        self._deliveries = tuple(Delivery(self._log, each, sink, write) for each, sink in pairs)
        return self._deliveries

    @asynccontextmanager
    async def running(self, *, resting: bool = True) -> AsyncIterator[None]:
        """Send while the event loop of the service runs."""
        made = self.made(writing(self._log, asyncio.get_running_loop())) if self._sinks else ()
        threads = [SinkThread(self._log, each, resting) for each in made]
        for each in threads:
            each.start()
        try:
            yield
        finally:
            until = time.monotonic() + STOP_SECONDS
            for each in threads:
                each.stop()
            for each in threads:
                await asyncio.to_thread(each.join, until)

    def standings(self) -> list[SinkStanding]:
        """How far each sink is."""
        with self._log.store.database.reading.connect() as connection:
            return standings(connection, self._settings, self._log.clock())

    def register(self, metrics: Metrics) -> None:
        """Have the metrics of a service show the sinks. Only names of the settings are labels."""
        if not self._sinks:
            return
        tell = metrics.tell

        def lags(read: Callable[[SinkLag], float]) -> Callable[[], Labelled]:
            return lambda: [({"sink": each.settings.name}, read(each.lag)) for each in self._readable() if each.lag is not None]

        def counts(read: Callable[[Delivery], int]) -> Callable[[], Labelled]:
            return lambda: [({"sink": each.name}, read(each)) for each in self._deliveries]

        tell(
            "gauge",
            "fifthfactor_sink_lag_events",
            "Entries of the log that a sink has not passed.",
            lags(lambda lag: lag.leaves),
        )
        tell(
            "gauge",
            "fifthfactor_sink_lag_seconds",
            "Age of the first entry of the log that a sink has not passed.",
            lags(lambda lag: lag.seconds),
        )
        tell("counter", "fifthfactor_sink_events_total", "Events that arrived at a sink.", counts(lambda each: each.sent))
        tell(
            "counter",
            "fifthfactor_sink_failures_total",
            "Attempts to send to a sink that failed.",
            counts(lambda each: each.failures),
        )

    def _readable(self) -> list[SinkStanding]:
        try:
            return self.standings()
        except sa.exc.SQLAlchemyError:
            return []  # the page of metrics has the other figures


def standings(connection: sa.Connection, sinks: Iterable[AnySink], now: datetime) -> list[SinkStanding]:
    """How far some sinks are."""
    found = []
    for each in sinks:
        cursor = cursors.cursor_of(connection, each.name)
        lag = None if cursor is None else cursors.lag_of(connection, cursor, now)
        holder, other = turn_at(each.name).held(connection, now), place_at(each).held(connection, now)
        found.append(SinkStanding(each, cursor, lag, holder, other))
    return found
