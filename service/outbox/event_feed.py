"""
The events of the log for whoever reads them: pages by cursor, and a stream as they are recorded. Both have the closed list only.

Of both a reader says where it begins: at the beginning, now, on a day, at a number. Afterwards it goes on where it was.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import sqlalchemy as sa

from service.callers.context import ReadingAll
from service.outbox.event_choice import EventChoice
from service.outbox.log_reader import EventBatch, LogReader
from service.outbox.places import place_of
from service.outbox.sink_settings import Start
from service.outbox.stream_event import CLASSES, EventClass, StreamEvent
from service.service import Service
from service.watch.event_stream import Listeners, StreamPart, server_sent
from service.watch.events import source_of

_AT_ONCE = 500
_READINGS = 20  # so many readings of a page look for events, where most of the log are none; then the page ends with fewer


def listing(
    context: ReadingAll, start: Start, kind: EventClass | None, place: int | None, limit: int, connection: sa.Connection
) -> EventBatch:
    """At most `limit` events from a place on, or from where the reader begins if it has none yet."""
    reader, choice = LogReader(), choice_of(kind)
    position = place_of(connection, start) if place is None else place
    found: list[StreamEvent] = []
    for _ in range(_READINGS):
        batch = reader.read(connection, position, limit - len(found), choice)
        found += batch.events
        position = batch.position
        if position >= batch.size or len(found) == limit:
            break
    return EventBatch(tuple(found), position, batch.size)


def choice_of(kind: EventClass | None) -> EventChoice:
    """The events of one class, or all."""
    return EventChoice(frozenset(CLASSES if kind is None else (kind,)))


@dataclass(frozen=True, slots=True)
class FeedSubscription:
    """What a listener wants: the events from a place on, of one class if given, for so many seconds."""

    position: int
    kind: EventClass | None
    seconds: float


class FeedListeners(Listeners):
    """The listeners to the events of the log, and the `source` of the events that they get."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, service.settings.event_listeners)
        self.source = source_of(service.store.database.log_key().origin)

    def follow(self, wanted: FeedSubscription) -> AsyncGenerator[str, None]:
        """The events as they are recorded, until the time is over or the service stops."""
        reader, choice = LogReader(), choice_of(wanted.kind)

        def read(position: int) -> StreamPart:
            with self._service.store.database.reading.connect() as connection:
                batch = reader.read(connection, position, _AT_ONCE, choice)
            told = [server_sent(str(each.sequence), each.kind, each.cloud_event(self.source)) for each in batch.events]
            mark = f"id: {batch.position - 1}\n\n" if batch.position else ": alive\n\n"  # no event, only a place
            return StreamPart(told, batch.position, batch.position < batch.size, mark)

        return self.listen(read, wanted.position, wanted.seconds)
