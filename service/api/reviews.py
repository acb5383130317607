"""
`GET /v1/reviews`: what waits for a person. `GET /v1/decisions/{id}/review`: one review, with what was said and signed.
`POST …/review/assign` and `…/review/comments` say something of it.
"""

from collections.abc import Mapping
from dataclasses import astuple
from typing import Any, get_args

import sqlalchemy as sa
from pydantic import Field

from service.api import paging
from service.api.operations import in_path
from service.api.parameters import Parameter, text, whole, word
from service.api.router import Call, Router
from service.callers.context import Reviewing
from service.log.store import record_of
from service.reviews import notes, queue, review_list, review_thread
from service.reviews.notes import AssignmentRequest, CommentRequest, ReviewNote
from service.reviews.queue import Order, QueueFilter
from service.reviews.recorded_case import KINDS
from service.reviews.review_list import Review
from service.reviews.review_thread import ReviewThread
from service.reviews.reviewer import GROUPS

BODY_LIMIT = 32 * 1024

ORDER = word("order", "by age, or by the day on which a duty falls due", get_args(Order), default="newest")
FILTERS: Mapping[str, Parameter[Any]] = {
    "kind": word("kind", "what waits", (*KINDS, queue.SECOND)),
    "group": word("group", "who has to do something about it, as seen by the caller", GROUPS),
    "assignee": text("assignee", "`me`, `none`, or the id of a caller", 300),
    "older_than": whole("older_than", "at least so many days old", 3_660),
    **{
        name: text(name, f"the {name.replace('_', ' ')}", 300)
        for name in ("exporter_country", "recipient_country", "provision")
    },
}
_REVIEWS = paging.Listing[Review]("reviews", "reviews", (str, int, str), 20, 100)
_ID = in_path("id", "the id of the decision")

router = Router("reviews")


class Waiting(paging.Page):
    """Reviews that wait, and the cursor of the next page."""

    reviews: tuple[Review, ...]
    next: str | None = Field(description=paging.NEXT)


@router.get(
    "/v1/reviews",
    "listReviews",
    "The reviews that wait for a person",
    parameters=[ORDER, *FILTERS.values(), *_REVIEWS.parameters],
    nulls=True,
)
def waiting(context: Reviewing, call: Call[None], connection: sa.Connection) -> Waiting:
    """
    Decisions whose outcome is a review, or that have a doubtful lift, that can be signed off and are not; and gaps that an acceptance
    would close. One for each set of facts: the newest.
    """
    order: Order = ORDER.of(call.query) or "newest"
    wanted = filter_of(call.query)
    found, following = _REVIEWS.page(
        call.query,
        lambda after, limit: review_list.page(context, wanted, order, after, limit, connection),
        (order, *astuple(wanted)),
    )
    return Waiting(reviews=tuple(found), next=following)


@router.get(
    "/v1/decisions/{id}/review",
    "readReview",
    "One review, with what was said and signed",
    "not-found",
    parameters=[_ID],
    nulls=True,
)
def thread(context: Reviewing, call: Call[None], connection: sa.Connection) -> ReviewThread:
    """What waits of a decision, who signed, to whom it is assigned, and the comments."""
    return review_thread.thread(context, call.path["id"], connection)


@router.post(
    "/v1/decisions/{id}/review/assign",
    "assignReview",
    "Assign a review",
    "bad-request",
    "not-found",
    "not-signable",
    parameters=[_ID],
    body=AssignmentRequest,
    limit=BODY_LIMIT,
    status=201,
    nulls=True,
)
def assign(context: Reviewing, call: Call[AssignmentRequest], transaction: sa.Connection) -> ReviewNote:
    """Assigns the review of a decision to the caller, to a person whom the service knows, or to nobody any more."""
    return _said(call, notes.assign(context, call.path["id"], call.sent, transaction), transaction)


@router.post(
    "/v1/decisions/{id}/review/comments",
    "commentReview",
    "Comment on a review",
    "bad-request",
    "not-found",
    "not-signable",
    "not-attachable",
    parameters=[_ID],
    body=CommentRequest,
    limit=BODY_LIMIT,
    status=201,
    nulls=True,
)
def comment(context: Reviewing, call: Call[CommentRequest], transaction: sa.Connection) -> ReviewNote:
    """Adds a comment to a decision, and a file if one is named: kept in the log until the decision is erased."""
    return _said(call, notes.comment(context, call.path["id"], call.sent, transaction), transaction)


def filter_of(sent: Mapping[str, str]) -> QueueFilter:
    """The filters that an address asks for. Raises RequestRefused."""
    return QueueFilter(**{name: parameter.of(sent) for name, parameter in FILTERS.items()})


def _said(call: Call[AssignmentRequest] | Call[CommentRequest], said: ReviewNote, transaction: sa.Connection) -> ReviewNote:
    """What was said of a decision. The answer that is kept of it goes with the decision's values."""
    call.erased_with(record_of(transaction, call.path["id"]).sequence)
    call.note(decision_id=call.path["id"], note=said.kind)
    return said
