"""`GET /v1/events` and `…/stream`: decisions, commitments and what the watch tells, as CloudEvents in the order of the log."""

import asyncio
import re
from typing import Literal

import sqlalchemy as sa
from fastapi import Response
from pydantic import Field
from pydantic_core import to_json

from service.api import paging
from service.api.event_response import EventStreamResponse
from service.api.operations import Shown, in_header
from service.api.parameters import Parameter, whole, word
from service.api.router import Call, Router
from service.api.watch import WatchTold
from service.callers.context import ReadingAll
from service.outbox import event_feed
from service.outbox.event_feed import FeedListeners, FeedSubscription
from service.outbox.places import place_of
from service.outbox.sink_settings import start_of
from service.outbox.stream_event import CLASSES
from service.problems import RequestRefused
from service.watch.event_stream import MOST_SECONDS

_EVENTS = paging.Listing[object]("events", "events", (int,), 100, 1_000)
_FROM = Parameter(
    "from",
    "where to begin: `beginning`, `now`, a day (UTC), or a number, like `position` of an answer; `cursor` goes on instead",
    {"type": "string", "pattern": r"^(beginning|now|\d{4}-\d{2}-\d{2}|\d{1,18})$"},
    "`beginning`, `now`, a day like 2026-03-31, or a number",
    start_of,
)
_KIND = word("kind", "only events of this class", CLASSES)
_SECONDS = whole(
    "seconds", "how long the stream lasts at most; then come back with `Last-Event-ID`", MOST_SECONDS, default=MOST_SECONDS
)
_LAST = in_header(
    "Last-Event-ID", "the `id` of the last event that was received; it counts more than `from`", {"type": "string"}
)
_STREAM = {200: {"description": "Server-sent events", "content": {"text/event-stream": {"schema": {"type": "string"}}}}}

router = Router("ledger", "ledger")


class EventCounts(Shown):
    """How many there are in a decision."""

    provisions: int = Field(description="provisions that stand")
    requirements: int = Field(description="requirements that are not certainly met")
    advice: int = Field(description="provisions that only advise")


class DecisionTold(Shown):
    """A decision that was recorded. It names no party, no key and no value of the exchange."""

    decision: str = Field(description="the id of the decision")
    day: str = Field(description="the day whose law decided")
    outcome: str = Field(description="the outcome")
    proceed: bool = Field(description="whether the exchange may proceed")
    hypothetical: bool = Field(description="whether it was asked for a day that is not today")
    jurisdictions: list[str] = Field(description="whose law applies or may apply")
    provisions: list[str] = Field(description="the provisions that stand")
    counts: EventCounts = Field(description="how many there are")
    policies: str = Field(description="digest of the policies' bytes")
    meaning: str = Field(description="digest of what the policies mean")
    record: str = Field(description="hash of the record's leaf in the log")


class CommitmentTold(Shown):
    """What happened to a commitment."""

    commitment: str = Field(description="the id of the commitment")
    decision: str | None = Field(description="the decision that the caller committed")
    evaluation: str | None = Field(description="the decision of the commitment itself")
    event: str = Field(
        description="what happened, like `committed`, `amended`, `withdrawn`, `ended`, or the stage that was reached"
    )
    number: int = Field(description="its place among what happened to this commitment")
    other: str | None = Field(description="the commitment that takes its place, or whose place it takes")
    day: str | None = Field(description="the day of the exchange or of the stage")


class StreamCloudEvent(Shown):
    """An event of the log in CloudEvents 1.0."""

    specversion: Literal["1.0"] = Field(description="the version of CloudEvents")
    id: str = Field(description="the id of the event; it is the same wherever the event is read")
    source: str = Field(description="the log of the service")
    type: str = Field(
        description="`org.fifthfactor.decision.v1`, `org.fifthfactor.commitment.v1` or `org.fifthfactor.watch.KIND.v1`"
    )
    subject: str = Field(description="the id of the decision or of the commitment")
    time: str = Field(description="when it was recorded")
    datacontenttype: Literal["application/json"] = Field(description="the media type of `data`")
    sequence: str = Field(description="the number of its leaf in the log, with leading zeros; events are in this order")
    partitionkey: str | None = Field(
        default=None, description="a keyed hash of the exporter; left out where there is none, or it was erased"
    )
    data: DecisionTold | CommitmentTold | WatchTold = Field(description="what is told")


class StreamEvents(paging.Page):
    """A page of events, in the order of the log."""

    events: list[StreamCloudEvent] = Field(description="the events")
    position: int = Field(description="where the page ended: with it as `from` another reading goes on there, also days later")
    next: str | None = Field(description=paging.NEXT)


@router.get(
    "/v1/events",
    "listEvents",
    "Decisions, commitments and what the watch tells, in the order of the log",
    parameters=[_FROM, _KIND, *_EVENTS.parameters],
)
def listed(context: ReadingAll, call: Call[None], connection: sa.Connection) -> StreamEvents | Response:
    """A page of events. It may have fewer than `limit` although there are more: go on while `next` is not null."""
    start, kind = _FROM.of(call.query), _KIND.of(call.query)
    batches = []

    def find(place: int | None, limit: int) -> tuple[list[object], int | None]:
        batch = event_feed.listing(context, "beginning" if start is None else start, kind, place, limit, connection)
        batches.append(batch)
        return [*batch.events], batch.position if batch.position < batch.size else None

    _, following = _EVENTS.page(call.query, find, (kind,))
    source = call.shared(FeedListeners).source
    told = [each.cloud_event(source) for each in batches[0].events]
    return Response(
        to_json({"events": told, "position": batches[0].position, "next": following}), media_type="application/json"
    )


@router.get(
    "/v1/events/stream",
    "followEvents",
    "The events of the log, as they are recorded",
    parameters=[_FROM, _KIND, _SECONDS, _LAST],
    answers=_STREAM,
    response_class=EventStreamResponse,
)
async def followed(context: ReadingAll, call: Call[None]) -> Response:
    """
    Server-sent events: `data` is a CloudEvent, `id` its place in the log, `event` its class. Without a place the stream begins now.

    A 503 says that enough callers follow already.
    """
    start, kind, seconds = _FROM.of(call.query), _KIND.of(call.query), _SECONDS.of(call.query)
    last, listeners = call.request.headers.get("last-event-id"), call.shared(FeedListeners)
    if last is not None:
        if not re.fullmatch(r"\d{1,18}", last):
            raise RequestRefused("bad-request", "`Last-Event-ID` takes the id of an event of this stream, which is a number")
        start = int(last) + 1
    begin = "now" if start is None else start
    position = await asyncio.to_thread(call.service.read, lambda connection: place_of(connection, begin), "ledger")
    if listeners.full:
        raise RequestRefused("busy", "enough callers follow the events already", headers={"Retry-After": "30"})
    wanted = FeedSubscription(position, kind, MOST_SECONDS if seconds is None else seconds)
    return EventStreamResponse(listeners.follow(wanted), wanted.seconds)
