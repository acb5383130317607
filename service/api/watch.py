"""`GET /v1/watch/events` and `…/stream`: what the watch over commitments has told, as CloudEvents, and as it is told."""

import asyncio
import re
from typing import Any, Literal

import sqlalchemy as sa
from fastapi import Response
from pydantic import Field

from service.api import paging
from service.api.event_response import EventStreamResponse
from service.api.operations import Shown, in_header
from service.api.parameters import matching, whole, word
from service.api.router import Call, Router
from service.callers.context import ReadingAll
from service.problems import RequestRefused
from service.watch import events
from service.watch.event_stream import MOST_SECONDS, EventSubscription, WatchListeners
from service.watch.events import WatchEvent

_EVENTS = paging.Listing[WatchEvent]("watch-events", "events", (int,), 100, 500)
_ID = r"^[!-~]{1,64}$"
_COMMITMENT = matching("commitment", "the id of a commitment", _ID, "the id of a commitment")
_KIND = word("kind", "the kind of the events", events.KINDS)
_SECONDS = whole(
    "seconds",
    "how long the stream lasts at most; then come back with `Last-Event-ID`",
    MOST_SECONDS,
    default=MOST_SECONDS,
)
_LAST = in_header(
    "Last-Event-ID", "the `id` of the last event that was received; without it, the stream begins now", {"type": "string"}
)
_STREAM = {200: {"description": "Server-sent events", "content": {"text/event-stream": {"schema": {"type": "string"}}}}}

router = Router("ledger", "ledger")


class WatchTold(Shown):
    """
    What happened to a commitment, or will.

    `cause` and `since` name it: it is told once. `before` and `after` are outcomes, null where there is none. `because` and `changes` may
    quote the exchange; they are gone once the decision's personal values are erased.
    """

    commitment: str = Field(description="the id of the commitment")
    decision: str = Field(description="the decision that the caller committed")
    cause: str = Field(description="what moved it, and by which provisions; the same whenever the same moves it")
    since: str = Field(description="the day from which on it is so, or for a duty its last day")
    day: str = Field(description="the day of the round that found it")
    before: str | None = Field(description="the outcome until then; null where there was none")
    after: str | None = Field(description="the outcome from then on; null where there is none")
    causes: list[str] = Field(description="what changes, in general words, like `ends`, `document` or `bundle`")
    provisions: list[str] = Field(description="the provisions by which it is so")
    remedy: dict[str, Any] = Field(description="what to do: `do`, and what belongs to it")
    why: str | None = Field(default=None, description="why it cannot be decided any more")
    counters: list[str] | None = Field(default=None, description="the counters that moved")
    because: list[str] | None = Field(default=None, description="what changes on that day, in sentences")
    changes: list[Any] | None = Field(default=None, description="the changes in `remedy` with their values")


class WatchCloudEvent(Shown):
    """An event of the watch in CloudEvents 1.0."""

    specversion: Literal["1.0"] = Field(description="the version of CloudEvents")
    id: str = Field(description="the id of the event")
    source: str = Field(description="the log of the service")
    type: str = Field(description="`org.fifthfactor.watch.KIND.v1`")
    subject: str = Field(description="the id of the commitment")
    time: str = Field(description="when it was told")
    datacontenttype: Literal["application/json"] = Field(description="the media type of `data`")
    data: WatchTold = Field(description="what is told")


class WatchEvents(Shown):
    """A page of events, the oldest first."""

    events: list[WatchCloudEvent] = Field(description="the events")
    next: str | None = Field(description=paging.NEXT)


@router.get(
    "/v1/watch/events",
    "listWatchEvents",
    "What the watch over commitments has told, oldest first",
    parameters=[_COMMITMENT, _KIND, *_EVENTS.parameters],
)
def listed(context: ReadingAll, call: Call[None], connection: sa.Connection) -> WatchEvents | Response:
    """A page of events, filtered by commitment or kind if the query names one."""
    commitment, kind = _COMMITMENT.of(call.query), _KIND.of(call.query)
    found, following = _EVENTS.page(
        call.query,
        lambda after, limit: events.listing(context, commitment, kind, after, limit, connection),
        (commitment, kind),
    )
    source = call.shared(WatchListeners).source
    told = [WatchCloudEvent.model_validate(each.cloud_event(source)) for each in found]
    answer = WatchEvents(events=told, next=following)
    return Response(answer.model_dump_json(exclude_unset=True), media_type="application/json")


@router.get(
    "/v1/watch/stream",
    "followWatchEvents",
    "What the watch tells, as it tells it",
    parameters=[_COMMITMENT, _KIND, _SECONDS, _LAST],
    answers=_STREAM,
    response_class=EventStreamResponse,
)
async def followed(context: ReadingAll, call: Call[None]) -> Response:
    """Server-sent events: `data` is a CloudEvent, `id` its id, `event` its kind. A 503 says that enough callers follow already."""
    commitment, kind, seconds = _COMMITMENT.of(call.query), _KIND.of(call.query), _SECONDS.of(call.query)
    last, listeners = call.request.headers.get("last-event-id"), call.shared(WatchListeners)
    after = await asyncio.to_thread(call.service.read, lambda connection: _place(connection, last), "ledger")
    if listeners.full:
        raise RequestRefused("busy", "enough callers follow the events already", headers={"Retry-After": "30"})
    wanted = EventSubscription(after, commitment, kind, MOST_SECONDS if seconds is None else seconds)
    return EventStreamResponse(listeners.follow(wanted), wanted.seconds)


def _place(connection: sa.Connection, last: str | None) -> int:
    """The number of the event after which a stream begins. Raises RequestRefused."""
    if last is None:
        return events.last_number(connection)
    number = events.number_of(connection, last) if re.fullmatch(_ID, last) else None
    if number is None:
        raise RequestRefused("bad-request", "`Last-Event-ID` takes the id of an event of this log")
    return number
