"""
The events of the log: what each says, and how a stream of them is read and resumed. Nothing here waits or sends.

A stream ends now and then, when the service lets its listeners go or a connection breaks. The next connection says which event came last
(`Last-Event-ID`), so none is missed and none comes twice.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from .attempts import Call, Came
from .calls import at
from .errors import Malformed
from .shapes import read as shaped

EVENTS = "text/event-stream"
SILENT_SECONDS = 40.0  # the service says every 15 seconds that it is there
LONGEST_PAUSE_SECONDS = 30.0  # before a service that was there is asked again
_MOST_BYTES = 16 * 1024 * 1024  # of one event

Start = Literal["beginning", "now"] | date | int
EventClass = Literal["decision", "commitment", "watch"]


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """
    A CloudEvent about a decision or a commitment, its `subject`. `sequence` is its place in the log.

    Events with the same `partitionkey` are about exchanges of the same exporter, whom it does not name.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    sequence: str
    specversion: Literal["1.0"] = field(repr=False)
    datacontenttype: Literal["application/json"] = field(repr=False)
    data: Mapping[str, Any] = field(repr=False, hash=False)
    partitionkey: str | None = None

    @property
    def number(self) -> int:
        """Its place in the log, as a number. To go on behind it later, begin at this number and one."""
        return int(self.sequence)


class EventStream:
    """One stream, over as many connections as it takes: the call of each connection, and the events in what it brings."""

    def __init__(self, start: Start, kind: EventClass | None) -> None:
        self._query = {"from": start, "kind": kind}
        self._last: str | None = None
        self._rest = b""

    def call(self) -> Call[None]:
        """The call of the next connection. Its answer is read by `events`."""
        self._rest = b""
        headers = {} if self._last is None else {"Last-Event-ID": self._last}
        return Call("GET", at("events", "stream", query=self._query), _read_by_pieces, takes=EVENTS, headers=headers)

    def events(self, piece: bytes) -> Iterator[StreamEvent]:
        """The events that a piece of the answer completes. Raises Malformed."""
        *blocks, self._rest = (self._rest + piece).split(b"\n\n")
        if len(self._rest) > _MOST_BYTES:
            raise Malformed(f"an event has more than {_MOST_BYTES} bytes")
        for block in blocks:
            lines = dict(line.partition(b": ")[::2] for line in block.split(b"\n"))
            try:
                last = lines[b"id"].decode("ascii") if b"id" in lines else self._last
                found = shaped(StreamEvent, json.loads(lines[b"data"])) if b"data" in lines else None
            except (ValueError, RecursionError):
                raise Malformed("the stream has something that is no event") from None
            if found is not None:
                yield found
            self._last = last  # also of a block without an event, which only says how far the stream is


def _read_by_pieces(came: Came) -> None:
    raise Malformed("the stream ended before it began")
