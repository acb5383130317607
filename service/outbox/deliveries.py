"""
The deliveries of a running process: each sink of the settings gets a thread, which sends what is due until the process stops.

A thread for each, so that a sink that waits keeps no other sink waiting, and no thread in which requests are answered. In a process that
answers requests each thread rests as long as it computed: one that catches up with millions of events takes no more than half of the time.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from service.outbox import cursors, sink_settings
from service.outbox.cursors import SinkCursor, SinkLag
from service.outbox.delivery import Delivery
from service.outbox.sink_opening import open_sink
from service.outbox.sink_settings import AnySink
from service.outbox.sinks import Sink
from service.service import Service
from service.telemetry.log_lines import described
from service.watch.events import source_of
from service.watch.lease import LeaseLost
from service.watch.transactions import Write, writing

LOOK_SECONDS = 1.0
AGAIN_SECONDS = 5.0  # after another process was found at work, or the database did not answer
STOP_SECONDS = 3.0  # at the end of a process a sink that waits is left; what it was sent comes again


class SinkThread:
    """The thread of one sink."""

    def __init__(self, service: Service, delivery: Delivery, sink: Sink, resting: bool) -> None:
        self.delivery = delivery
        self._service, self._sink, self._resting = service, sink, resting
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
                    self._service.say.error("sink_delivery_failed", sink=self.delivery.name, **described(failed))
                wait = AGAIN_SECONDS
            self._stop.wait(max(wait, time.thread_time() - begun if self._resting else 0.0))
        with suppress(Exception):
            self.delivery.give_back()
        with suppress(Exception):
            self._sink.close()


@contextmanager
def opened(service: Service, write: Write, names: Sequence[str] = ()) -> Iterator[list[tuple[Delivery, Sink]]]:
    """The sinks of the settings, or those with some names, each with its delivery. Raises SettingRefused."""
    source = source_of(service.store.database.log_key().origin)
    chosen = [each for each in sink_settings.read(service.settings.sinks) if not names or each.name in names]
    sinks: list[tuple[AnySink, Sink]] = []
    try:
        for each in chosen:
            sinks.append((each, open_sink(each, source, service.clock)))
        yield [(Delivery(service, each, sink, write), sink) for each, sink in sinks]
    finally:
        for _, sink in sinks:
            with suppress(Exception):
                sink.close()


@asynccontextmanager
async def delivering(service: Service, names: Sequence[str] = (), *, resting: bool = True) -> AsyncIterator[list[Delivery]]:
    """Send to the sinks of a service while its event loop runs. Raises SettingRefused."""
    if service.settings.sinks is None:
        yield []
        return
    with opened(service, writing(service, asyncio.get_running_loop()), names) as found:
        threads = [SinkThread(service, delivery, sink, resting) for delivery, sink in found]
        for each in threads:
            each.start()
        try:
            yield [each.delivery for each in threads]
        finally:
            until = time.monotonic() + STOP_SECONDS
            for each in threads:
                each.stop()
            for each in threads:
                await asyncio.to_thread(each.join, until)


def standings(service: Service) -> list[tuple[AnySink, SinkCursor | None, SinkLag | None]]:
    """Each sink of the settings with its cursor and its lag, None where it has not begun. Raises SettingRefused."""
    found: list[tuple[AnySink, SinkCursor | None, SinkLag | None]] = []
    with service.store.database.reading.connect() as connection:
        for each in sink_settings.read(service.settings.sinks):
            cursor = cursors.cursor_of(connection, each.name)
            lag = None if cursor is None else cursors.lag_of(connection, cursor, service.clock())
            found.append((each, cursor, lag))
    return found


def register(service: Service, deliveries: Callable[[], Sequence[Delivery]]) -> None:
    """Have the metrics of a service show its sinks. Only names of the settings are labels."""
    if service.settings.sinks is None:
        return
    tell = service.metrics.tell

    def of_lags(read: Callable[[SinkLag], float]) -> Callable[[], list[tuple[dict[str, str], float]]]:
        return lambda: [({"sink": each.name}, read(lag)) for each, _, lag in standings(service) if lag is not None]

    def of_deliveries(read: Callable[[Delivery], float]) -> Callable[[], list[tuple[dict[str, str], float]]]:
        return lambda: [({"sink": each.name}, read(each)) for each in deliveries()]

    lagging: Any = of_lags(lambda lag: lag.leaves)
    tell("gauge", "fifthfactor_sink_lag_events", "Entries of the log that a sink has not passed yet.", lagging)
    lagging = of_lags(lambda lag: lag.seconds)
    tell("gauge", "fifthfactor_sink_lag_seconds", "Age of the first entry of the log that a sink has not passed yet.", lagging)
    tell(
        "counter",
        "fifthfactor_sink_events_total",
        "Events that sinks were sent by this service.",
        of_deliveries(lambda each: each.sent),
    )
    tell(
        "counter",
        "fifthfactor_sink_failures_total",
        "Attempts to send to a sink that failed.",
        of_deliveries(lambda each: each.failures),
    )
