"""`GET /v1/watch/events` and `…/stream`: what the watch over commitments has told, as CloudEvents, and as it is told."""

import asyncio
import re
from typing import Any, Literal

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from service.api import paging
from service.api.operations import Shown, in_header, operation
from service.api.parameters import number, parameter, single, wrong
from service.callers.caller import caller_of
from service.problems import RequestRefused
from service.service import Service
from service.watch import events
from service.watch.listeners import MOST_SECONDS, Followed, Listeners

_PAGE, _MOST = 100, 500
_ID = r"^[!-~]{1,64}$"
_FILTERS = [
    parameter("commitment", "the id of a commitment", {"type": "string", "pattern": _ID}),
    parameter("kind", "the kind of the events", {"type": "string", "enum": list(events.KINDS)}),
]
_STREAMED = [
    *_FILTERS,
    parameter(
        "seconds",
        "how long the stream lasts at most; then come back with `Last-Event-ID`",
        {"type": "integer", "minimum": 0, "maximum": MOST_SECONDS, "default": MOST_SECONDS},
    ),
    in_header(
        "Last-Event-ID", "the `id` of the last event that was received; without it, the stream begins now", {"type": "string"}
    ),
]
_STREAM = {200: {"description": "Server-sent events", "content": {"text/event-stream": {"schema": {"type": "string"}}}}}


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


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    source = events.source_of(service.store.database.log_key().origin)

    @app.get(
        "/v1/watch/events",
        response_model=WatchEvents,
        **operation(
            "listWatchEvents",
            "ledger",
            "What the watch over commitments has told, oldest first",
            needs="read",
            parameters=[*_FILTERS, *paging.parameters(_PAGE, _MOST, "events")],
        ),
    )
    def listed(request: Request) -> Response:
        """A page of events, filtered by commitment or kind if the query names one."""
        caller_of(request.scope, "read")
        page = paging.Asked.of(request, _PAGE, _MOST)
        commitment, kind = _filters(single(request))
        after = page.after("watch-events", int, filters=(commitment, kind)) or [-1]
        found = service.read(lambda connection: events.page(connection, after[0], page.limit + 1, commitment, kind), "ledger")
        shown = found[: page.limit]
        more = len(found) > page.limit
        cursor = paging.written("watch-events", shown[-1].number, filters=(commitment, kind)) if more else None
        told = [WatchCloudEvent.model_validate(each.cloud_event(source)) for each in shown]
        return Response(
            WatchEvents(events=told, next=cursor).model_dump_json(exclude_unset=True), media_type="application/json"
        )

    listeners = Listeners(service, source)

    @app.get(
        "/v1/watch/stream",
        response_class=StreamingResponse,
        **operation(
            "followWatchEvents",
            "ledger",
            "What the watch tells, as it tells it",
            needs="read",
            parameters=_STREAMED,
            answers=_STREAM,
        ),
    )
    async def followed(request: Request) -> Response:
        """Server-sent events: `data` is a CloudEvent, `id` its id, `event` its kind. A 503 says that enough callers follow already."""
        caller_of(request.scope, "read")
        sent = single(request)
        commitment, kind = _filters(sent)
        seconds = number("seconds", sent["seconds"], 0, MOST_SECONDS) if "seconds" in sent else MOST_SECONDS
        last = request.headers.get("last-event-id")
        after = await asyncio.to_thread(service.read, lambda connection: _place(connection, last), "ledger")
        if listeners.full:
            raise RequestRefused("busy", "enough callers follow the events already", headers={"Retry-After": "30"})
        wanted = Followed(after, commitment, kind, seconds)
        return StreamingResponse(listeners.follow(wanted), media_type="text/event-stream")


def _place(connection: sa.Connection, last: str | None) -> int:
    """The number of the event after which a stream begins. Raises RequestRefused."""
    if last is None:
        return events.last_number(connection)
    number = events.number_of(connection, last) if re.fullmatch(_ID, last) else None
    if number is None:
        raise RequestRefused("bad-request", "`Last-Event-ID` takes the id of an event of this log")
    return number


def _filters(sent: dict[str, str]) -> tuple[str | None, str | None]:
    """The commitment and the kind that a query asks for. Raises RequestRefused."""
    commitment, kind = sent.get("commitment"), sent.get("kind")
    if commitment is not None and not re.fullmatch(_ID, commitment):
        raise wrong("commitment", "`commitment` takes the id of a commitment")
    if kind is not None and kind not in events.KINDS:
        raise wrong("kind", f"`kind` takes {', '.join(f'`{each}`' for each in events.KINDS)}, not `{kind[:40]}`")
    return commitment, kind
