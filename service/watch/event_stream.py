"""
The stream of the watch's events: the number of the last event read goes in, server-sent events come out.

INVARIANT (bounded): a process has at most `most` listeners, and each is let go after a while, so that it comes back with its key and is
admitted anew. It says where it was (`Last-Event-ID`), and misses nothing. A listener costs one small query a second.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from time import monotonic

import sqlalchemy as sa

from service.service import Service
from service.watch import events

MOST_SECONDS = 900
LOOK_SECONDS = 1.0
ALIVE_SECONDS = 15.0
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class EventSubscription:
    """What a listener wants: the events after a number, of one commitment or of one kind if given, for so many seconds."""

    after: int
    commitment: str | None
    kind: str | None
    seconds: float


class Listeners:
    """The listeners of one process, and the `source` of the events that they get. Belongs to its event loop."""

    def __init__(self, service: Service) -> None:
        self.source = events.source_of(service.store.database.log_key().origin)
        self._service = service
        self._most = service.settings.watch_listeners
        self.count = 0

    @property
    def full(self) -> bool:
        """Whether there is no room for another."""
        return self.count >= self._most

    async def follow(self, wanted: EventSubscription, clock: Callable[[], float] = monotonic) -> AsyncIterator[str]:
        """The events as they are told, in the form of server-sent events, until the time is over or the service stops."""
        if self.full:
            return
        self.count += 1
        try:
            after, until, alive = wanted.after, clock() + wanted.seconds, clock()
            yield "retry: 3000\n\n"
            while True:
                last = self._service.load.draining or clock() >= until
                for each in await asyncio.to_thread(self._read, after, wanted):
                    after = each.number
                    yield _written(each, self.source)
                    alive = clock()
                if last:
                    return
                if clock() - alive > ALIVE_SECONDS:
                    yield ": alive\n\n"
                    alive = clock()
                await asyncio.sleep(min(LOOK_SECONDS, max(until - clock(), 0)))
        except sa.exc.SQLAlchemyError:
            return  # the listener comes back
        finally:
            self.count -= 1

    def _read(self, after: int, wanted: EventSubscription) -> list[events.WatchEvent]:
        with self._service.store.database.reading.connect() as connection:
            return events.page(connection, after, _AT_ONCE, wanted.commitment, wanted.kind)


def _written(event: events.WatchEvent, source: str) -> str:
    data = json.dumps(event.cloud_event(source), ensure_ascii=False)  # on one line, as the form wants it
    return f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n"
