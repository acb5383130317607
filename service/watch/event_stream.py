"""
The stream of the watch's events: the number of the last event read goes in, server-sent events come out.

INVARIANT (bounded): a process has at most `most` listeners, and each is let go after a while, so that it comes back with its key and is
admitted anew. It says where it was (`Last-Event-ID`), and misses nothing. A listener costs one small query a second.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import Any

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


@dataclass(frozen=True, slots=True)
class StreamPart:
    """
    Some events, written; the place to go on after; and whether there is more already.

    `mark` is sent behind them at the beginning and now and then: with it a listener that got no event knows its place too.
    """

    events: Sequence[str]
    after: int
    more: bool
    mark: str = ": alive\n\n"


class Listeners:
    """The listeners of one process to one stream. Belongs to its event loop."""

    def __init__(self, service: Service, most: int) -> None:
        self._service = service
        self._most = most
        self.count = 0

    @property
    def full(self) -> bool:
        """Whether there is no room for another."""
        return self.count >= self._most

    async def listen(
        self, read: Callable[[int], StreamPart], after: int, seconds: float, clock: Callable[[], float] = monotonic
    ) -> AsyncGenerator[str, None]:
        """
        What `read` finds, in the form of server-sent events, until the time is over or the service stops.

        `read` gets the place that it gave last, at first `after`. It runs in a thread. A listener that has much to catch up with rests as
        long as each reading took.
        """
        if self.full:
            return
        self.count += 1
        try:
            until, alive = clock() + seconds, -inf
            yield "retry: 3000\n\n"
            while True:
                last, begun = self._service.load.draining or clock() >= until, monotonic()
                part = await asyncio.to_thread(read, after)
                after = part.after
                for each in part.events:
                    yield each
                if part.events and alive > -inf:
                    alive = clock()
                if clock() - alive > ALIVE_SECONDS:
                    yield part.mark
                    alive = clock()
                if last:
                    return
                pause = monotonic() - begun if part.more else LOOK_SECONDS
                await asyncio.sleep(min(pause, max(until - clock(), 0)))
        except sa.exc.SQLAlchemyError:
            return  # the listener comes back
        finally:
            self.count -= 1


class WatchListeners(Listeners):
    """The listeners to the events of the watch, and the `source` of the events that they get."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, service.settings.watch_listeners)
        self.source = events.source_of(service.store.database.log_key().origin)

    def follow(self, wanted: EventSubscription, clock: Callable[[], float] = monotonic) -> AsyncGenerator[str, None]:
        """The events as they are told, until the time is over or the service stops."""

        def read(after: int) -> StreamPart:
            with self._service.store.database.reading.connect() as connection:
                found = events.page(connection, after, _AT_ONCE, wanted.commitment, wanted.kind)
            told = [server_sent(each.id, each.kind, each.cloud_event(self.source)) for each in found]
            return StreamPart(told, found[-1].number if found else after, len(found) == _AT_ONCE)

        return self.listen(read, wanted.after, wanted.seconds, clock)


def server_sent(id: str, name: str, event: Mapping[str, Any]) -> str:
    """An event in the form of server-sent events."""
    data = json.dumps(event, ensure_ascii=False)  # on one line, as the form wants it
    return f"id: {id}\nevent: {name}\ndata: {data}\n\n"
