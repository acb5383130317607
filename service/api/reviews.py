"""
`GET /v1/reviews`: what waits for a person. `GET /v1/decisions/{id}/review`: one review, with what was said and signed.
`POST …/review/assign` and `…/review/comments` say something of it.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, get_args

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from service.api import paging
from service.api.operations import DecisionId, in_path, json_body, operation, schema_of
from service.api.parameters import number, parameter, single, wrong
from service.api.sent import Plain, body, read_body
from service.callers.caller import Caller, caller_of
from service.decisions.idempotency import KeptAnswer, once
from service.documents import attachments
from service.documents.attachments import AttachedDocument
from service.log.leaf import clear
from service.log.store import Stored, find
from service.reviews import approvals, notes, own_requests, queue
from service.reviews.notes import AssignAsked, CommentAsked, ReviewNote, Who
from service.reviews.queue import Order, QueueFilter, WaitingCase
from service.reviews.recorded_case import KINDS, gaps_of, kind_of
from service.reviews.reviewer import GROUPS, Group, Reviewer
from service.service import Service
from service.settings import time_zone
from service.telemetry.log_lines import note

BODY_LIMIT = 32 * 1024
LIMIT = 20  # reviews on a page
MOST = 100
MOST_DAYS = 3_660
LONGEST = 300  # characters of a filter


class ReviewBounds(BaseModel):
    """The mildest and the strictest level."""

    model_config = ConfigDict(frozen=True)

    lowest: str
    highest: str


class FirstSigned(BaseModel):
    """A provision that somebody has signed, and that waits for another person."""

    model_config = ConfigDict(frozen=True)

    provision: str
    by: tuple[str, ...]


class Review(BaseModel):
    """A decision that waits for a person."""

    model_config = ConfigDict(frozen=True)

    id: str
    recorded_at: datetime
    as_of: date
    exporter_country: str | None
    recipient_country: str | None
    answer: str
    beneath: ReviewBounds = Field(
        description="the bounds without the reviews that may be signed off; doubtful lifts are not accepted in them"
    )
    provisions: tuple[str, ...] = Field(description="what may be signed off: reviews, and lifts that are in doubt")
    current: bool = Field(
        description="whether the loaded policies decided it; if not, the exchange must be evaluated again first"
    )
    kinds: tuple[str, ...] = Field(
        default=(),
        description="what waits: `review`, `lift` (in doubt), `reach`, `gap` (an acceptance would close it), `second` (another person)",
    )
    group: Group = Field(
        description="who has to do something about it: `yours` (the caller can sign something), `others` (somebody else can),"
        " `coverage` (nobody can sign, an acceptance closes the gaps), `again` (other policies decided it: evaluate it again first)",
    )
    second: tuple[FirstSigned, ...] = Field(default=(), description="what waits for the signature of another person")
    due: date | None = Field(default=None, description="the first day on which a duty of the decision falls due")
    assignee: Who | None = Field(default=None, description="to whom it is assigned")


class Waiting(BaseModel):
    """Reviews that wait, and the cursor of the next page."""

    model_config = ConfigDict(frozen=True)

    reviews: tuple[Review, ...]
    next: str | None = Field(description=paging.NEXT)


class ProvisionAsked(BaseModel):
    """A provision of a review: how many persons have to sign it off, and who has. `given` are the ids of the sign-offs that count."""

    model_config = ConfigDict(frozen=True)

    provision: str
    kind: str = Field(description="`review`, `lift` or `reach`")
    needed: int
    given: tuple[str, ...]
    refused: bool


class GapShown(BaseModel):
    """A gap that an acceptance in the organisation's policies would close; nobody can sign it off."""

    model_config = ConfigDict(frozen=True)

    place: str
    subject: str


class ReviewThread(BaseModel):
    """One review: what waits of it, who signed, to whom it is assigned, and what was said, in order."""

    model_config = ConfigDict(frozen=True)

    decision: str
    waits: bool = Field(
        description="whether it waits: false once it is settled, or if a newer decision on the same facts took its place"
    )
    own: bool = Field(description="whether the caller asked for it, and so may not approve it")
    provisions: tuple[ProvisionAsked, ...]
    gaps: tuple[GapShown, ...]
    assignee: Who | None
    notes: tuple[ReviewNote, ...]
    files: tuple[AttachedDocument, ...] = Field(default=(), description="the files that are attached to the review, in order")


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    zone = time_zone(service.settings.zone)

    @app.get(
        "/v1/reviews",
        response_model=Waiting,
        **operation(
            "listReviews",
            "reviews",
            "The reviews that wait for a person",
            needs="review",
            parameters=[
                parameter("order", "by age, or by the day on which a duty falls due", _one_of(get_args(Order), "newest")),
                parameter("kind", "what waits", _one_of((*KINDS, queue.SECOND))),
                parameter("group", "who has to do something about it, as seen by the caller", _one_of(GROUPS)),
                parameter("assignee", "`me`, `none`, or the id of a caller", {"type": "string", "maxLength": LONGEST}),
                parameter("older_than", "at least so many days old", {"type": "integer", "minimum": 0, "maximum": MOST_DAYS}),
                *(
                    parameter(name, f"the {name.replace('_', ' ')}", {"type": "string", "maxLength": LONGEST})
                    for name in ("exporter_country", "recipient_country", "provision")
                ),
                *paging.parameters(LIMIT, MOST, "reviews"),
            ],
        ),
    )
    def waiting(request: Request) -> Response:
        """
        Decisions whose outcome is a review, or that have a doubtful lift, that can be signed off and are not; and gaps that an acceptance
        would close. One for each set of facts: the newest.
        """
        caller = caller_of(request.scope, "review")
        now = service.clock()
        page = paging.Asked.of(request, LIMIT, MOST)

        def look(connection: sa.Connection) -> Waiting:
            wanted, order = filter_of(connection, single(request), caller)
            filters = (order, *(getattr(wanted, name) for name in QueueFilter.__slots__))
            after = page.after("reviews", str, int, str, filters=filters)
            place = (after[0], after[1], after[2]) if after else None
            today = now.astimezone(zone).date()
            live, issuer = service.live, service.token_issuer
            reviewer = Reviewer.of(connection, caller, live, issuer)
            cases = queue.page(connection, live, now, today, issuer, wanted, order, place, page.limit + 1, reviewer)
            shown = cases[: page.limit]
            more = len(cases) > page.limit
            following = paging.written("reviews", *queue.place_of(shown[-1], order), filters=filters) if more else None
            named = notes.who_are(connection, [each.assignee for each in shown if each.assignee])
            reviews = [_review(connection, service, each, named, reviewer) for each in shown]
            return Waiting(reviews=tuple(each for each in reviews if each), next=following)

        return Response(service.read(look).model_dump_json(), media_type="application/json")

    @app.get(
        "/v1/decisions/{id}/review",
        response_model=ReviewThread,
        **operation("readReview", "reviews", "One review, with what was said and signed", "not-found", needs="review"),
    )
    def thread(id: DecisionId, request: Request) -> Response:
        """What waits of a decision, who signed, to whom it is assigned, and the comments."""
        caller = caller_of(request.scope, "review")
        stored = service.stored(id)
        today = service.clock().astimezone(zone).date()
        found = service.read(lambda connection: thread_of(connection, service, stored, caller, today))
        return Response(found.model_dump_json(), media_type="application/json")

    async def assign(request: Request) -> Response:
        """Assigns the review of a decision to the caller, to a person whom the service knows, or to nobody any more."""

        def keep(transaction: sa.Connection, id: str, raw: bytes, caller: Caller, now: datetime) -> ReviewNote:
            return notes.assign(transaction, id, read_body(raw, AssignAsked).to, caller, now)

        return await say(request, keep)

    async def comment(request: Request) -> Response:
        """Adds a comment to a decision, and a file if one is named: kept in the log until the decision is erased."""

        def keep(transaction: sa.Connection, id: str, raw: bytes, caller: Caller, now: datetime) -> ReviewNote:
            asked = read_body(raw, CommentAsked)
            return notes.comment(transaction, id, asked.text, caller, now, asked.file)

        return await say(request, keep)

    async def say(request: Request, keep: Callable[[sa.Connection, str, bytes, Caller, datetime], ReviewNote]) -> Response:
        caller = caller_of(request.scope, "review")
        id = request.path_params["id"]
        raw = await body(request, BODY_LIMIT)
        stored = await asyncio.to_thread(service.stored, id)

        def work(transaction: sa.Connection) -> KeptAnswer:
            said = keep(transaction, id, raw, caller, service.clock())
            return KeptAnswer(
                said.model_dump_json().encode(),
                201,
                records=range(stored.sequence, stored.sequence + 1),
                after=lambda: note(request.scope, decision_id=id, note=said.kind),
            )

        return await once(service, request, caller, raw, work)

    described: tuple[tuple[str, Any, str, str, type[BaseModel]], ...] = (
        ("assign", assign, "assignReview", "Assign a review", AssignAsked),
        ("comments", comment, "commentReview", "Comment on a review", CommentAsked),
    )
    for path, function, name, summary, model in described:
        app.router.add_api_route(
            f"/v1/decisions/{{id}}/review/{path}",
            function,
            methods=["POST"],
            status_code=201,
            response_model=ReviewNote,
            route_class_override=Plain,
            **operation(
                name,
                "reviews",
                summary,
                "bad-request",
                "not-found",
                "not-signable",
                *(("not-attachable",) if model is CommentAsked else ()),
                needs="review",
                parameters=[in_path("id", "the id of the decision")],
                body=json_body(schema_of(model)),
                repeatable=True,
            ),
        )


def filter_of(
    connection: sa.Connection, sent: Mapping[str, str], caller: Caller, default: Order = "newest"
) -> tuple[QueueFilter, Order]:
    """The filters that an address asks for, and the order. Raises RequestRefused."""
    for name in ("kind", "assignee", "exporter_country", "recipient_country", "provision"):
        if len(sent.get(name, "")) > LONGEST:
            raise wrong(name, f"`{name}` is too long")
    order, kind, assignee = sent.get("order", default), sent.get("kind"), sent.get("assignee")
    if order not in get_args(Order):
        raise wrong("order", f"`order` is one of {', '.join(get_args(Order))}")
    if kind is not None and kind not in (*KINDS, queue.SECOND):
        raise wrong("kind", f"`kind` is one of {', '.join((*KINDS, queue.SECOND))}")
    group = sent.get("group")
    if group is not None and group not in GROUPS:
        raise wrong("group", f"`group` is one of {', '.join(GROUPS)}")
    older = number("older_than", sent["older_than"], 0, MOST_DAYS) if "older_than" in sent else None
    if assignee == notes.ME:
        assignee = notes.name_of(connection, caller)
    places = (sent.get("exporter_country"), sent.get("recipient_country"), sent.get("provision"))
    return QueueFilter(kind, assignee, older, *places, group), order  # type: ignore[return-value]


def thread_of(connection: sa.Connection, service: Service, stored: Stored, caller: Caller, today: date) -> ReviewThread:
    """One review as a caller sees it."""
    live, id = service.live, stored.entry.id
    record = clear(stored.entry.leaf, stored.entry.openings)
    case = queue.of_decision(connection, live, id, today, service.token_issuer)
    erased = any(opening.value is None for opening in stored.entry.openings)
    facts = "" if erased else approvals.facts_of(live, record)
    said = approvals.said_of(connection, live, record["request"]) if facts else []
    counting = own_requests.Counting(connection, service.token_issuer).for_decision(said, stored)
    under = {each.provision: each for each in approvals.signatures(live, counting, today)}
    last = {row["provision"]: row["verdict"] for row in said}
    names = tuple(dict.fromkeys((*(record.get("signable") or ()), *last)))
    asked = tuple(
        ProvisionAsked(
            provision=name,
            kind=kind_of(live, name),
            needed=approvals.persons_needed(live, name),
            given=tuple(row["id"] for row in under[name].given) if name in under else (),
            refused=last.get(name) == "refuse",
        )
        for name in names
    )
    found = notes.of_decision(connection, id)
    assignee = (
        case[0].assignee
        if case
        else next((each.to.id for each in reversed(found) if each.kind == "assigned" and each.to), None)
    )
    gaps = gaps_of(record.get("decision") or {}) if record.get("decision", {}).get("outcome") == "review" else []
    return ReviewThread(
        decision=id,
        waits=case is not None and case[1],
        own=bool(facts) and own_requests.is_own(connection, stored, facts, caller, service.token_issuer),
        provisions=asked,
        gaps=tuple(GapShown(place=each["place"], subject=each["subject"]) for each in gaps),
        assignee=notes.who_are(connection, [assignee])[assignee] if assignee else None,
        notes=tuple(found),
        files=tuple(attachments.of_review(connection, id)),
    )


def _review(
    connection: sa.Connection, service: Service, case: WaitingCase, named: dict[str, Who], reviewer: Reviewer
) -> Review | None:
    stored = find(connection, case.id)
    if stored is None:
        return None
    record = clear(stored.entry.leaf, stored.entry.openings)
    decision = record["decision"]
    return Review(
        id=case.id,
        recorded_at=case.recorded_at,
        as_of=case.as_of,
        exporter_country=case.exporter_country,
        recipient_country=case.recipient_country,
        answer=case.answer,
        beneath=ReviewBounds.model_validate(decision.get("beneath", decision["bounds"])),
        provisions=case.provisions,
        current=record["bundle"]["meaning"] == service.live.digests.meaning,
        kinds=case.kinds,
        group=reviewer.group(case),
        second=tuple(FirstSigned(provision=name, by=by) for name, by in case.signed.items()),
        due=case.due,
        assignee=named[case.assignee] if case.assignee else None,
    )


def _one_of(values: tuple[str, ...], default: str | None = None) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)} | ({} if default is None else {"default": default})
