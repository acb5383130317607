"""
The reviews that wait, as a reviewer looks for them: what she asks for goes in, a page of them and the place of the next come out.

What waits is in `queue`; here it is seen by somebody: what is assigned to `me`, and who has to do something about it.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

import sqlalchemy as sa
from pydantic import BaseModel, Field

from service.callers.context import Reviewing
from service.log.leaf import with_personal_values
from service.log.store import find
from service.reviews import notes, queue
from service.reviews.notes import Who
from service.reviews.queue import Order, Place, QueueFilter, ReviewQueue, WaitingCase
from service.reviews.reviewer import Group, Reviewer

MOST_PAGES = 20  # that are looked through for the next review that waits for a reader
_AT_ONCE = 25


class ReviewBounds(BaseModel, frozen=True):
    """The mildest and the strictest level."""

    lowest: str
    highest: str


class FirstSigned(BaseModel, frozen=True):
    """A provision that somebody has signed, and that waits for another person."""

    provision: str
    by: tuple[str, ...]


class Review(BaseModel, frozen=True):
    """A decision that waits for a person."""

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


def page(
    context: Reviewing, wanted: QueueFilter, order: Order, after: Place | None, limit: int, connection: sa.Connection
) -> tuple[list[Review], Place | None]:
    """At most `limit` reviews in an order, after a place, and the place to go on after; None at the end."""
    reviewer = reviewer_of(context, connection)
    cases, following = cases_page(context, reviewer, wanted, order, after, limit, connection)
    named = notes.who_are(connection, [each.assignee for each in cases if each.assignee])
    reviews = [_review(context, each, named, reviewer, connection) for each in cases]
    return [each for each in reviews if each], following


def cases_page(
    context: Reviewing,
    reviewer: Reviewer,
    wanted: QueueFilter,
    order: Order,
    after: Place | None,
    limit: int,
    connection: sa.Connection,
) -> tuple[list[WaitingCase], Place | None]:
    """The same as `reviewer_of` sees it, of each no more than what the queue has of it."""
    if wanted.assignee == notes.ME:
        wanted = replace(wanted, assignee=notes.person_to_name(connection, context.caller))
    live, now, today, issuer = context.live, context.now, context.today, context.token_issuer
    found = queue.page(connection, live, now, today, issuer, wanted, order, after, limit + 1, reviewer)
    return found[:limit], queue.place_of(found[limit - 1], order) if len(found) > limit else None


def whole(context: Reviewing, connection: sa.Connection) -> ReviewQueue:
    """The whole queue, for its counts."""
    return queue.read(connection, context.live, context.today, context.token_issuer)


def next_for(
    context: Reviewing, reviewer: Reviewer, wanted: QueueFilter, order: Order, but: str, connection: sa.Connection
) -> WaitingCase | None:
    """The first review after that of a decision of which the caller can sign something, else the first of all."""
    here = queue.of_decision(connection, context.live, but, context.today, context.token_issuer)
    for place in dict.fromkeys((None if here is None else queue.place_of(here[0], order), None)):
        for _ in range(MOST_PAGES):
            cases, place = cases_page(context, reviewer, wanted, order, place, _AT_ONCE, connection)
            for each in cases:
                if each.id != but and reviewer.may_take(each):
                    return each
            if place is None:
                break
    return None


def left_for(context: Reviewing, reviewer: Reviewer, but: str, connection: sa.Connection) -> int:
    """Of how many other reviews the caller can sign something, of those that are counted."""
    return sum(reviewer.may_take(each) for each in whole(context, connection).waiting if each.id != but)


def reviewer_of(context: Reviewing, connection: sa.Connection) -> Reviewer:
    """Who asks, as the one who works the queue off."""
    return Reviewer.of(connection, context.caller, context.live, context.token_issuer)


def _review(
    context: Reviewing, case: WaitingCase, named: Mapping[str, Who], reviewer: Reviewer, connection: sa.Connection
) -> Review | None:
    stored = find(connection, case.id)
    if stored is None:
        return None
    record = with_personal_values(stored.entry.leaf, stored.entry.openings)
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
        current=record["bundle"]["meaning"] == context.live.digests.meaning,
        kinds=case.kinds,
        group=reviewer.group(case),
        second=tuple(FirstSigned(provision=name, by=by) for name, by in case.signed.items()),
        due=case.due,
        assignee=named[case.assignee] if case.assignee else None,
    )
