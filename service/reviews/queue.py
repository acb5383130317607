"""
The reviews that wait for a person: decisions whose outcome is a review that a person may sign off, and that nobody has signed off.

They are found with the log's index. Their records say what may be signed off. An older record does not: its exchange is judged again, if
the loaded policies decided it. Of several decisions on the same facts only the newest is shown. Source: semantics 4.6.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field

import engine
from service.log.leaf import clear
from service.log.query import Query
from service.log.search import Row
from service.log.search import find as search
from service.log.store import Stored, find
from service.policies.live import Live
from service.problems import RequestRefused
from service.reviews import sign_offs

MOST_EXAMINED = 200  # records a page
MOST = 100  # reviews a page


class ReviewBounds(BaseModel):
    """The mildest and the strictest level."""

    model_config = ConfigDict(frozen=True)

    lowest: str
    highest: str


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


class Waiting(BaseModel):
    """Reviews that wait, newest first, and the cursor of the next page. A page may be short and still not be the last."""

    model_config = ConfigDict(frozen=True)

    reviews: tuple[Review, ...]
    next: str | None


def waiting(connection: sa.Connection, live: Live, today: date, limit: int = 20, cursor: str | None = None) -> Waiting:
    """The reviews that wait on a day. Raises CursorRefused."""
    found: dict[str, Review] = {}
    seen: set[str] = set()
    examined = 0
    while True:
        page = search(connection, Query(outcome=(sign_offs.REVIEW,)), cursor, limit - len(found))
        for row in page.rows:
            facts, review = _judged(connection, live, row)
            if not review or facts in seen:
                continue
            seen.add(facts)
            if not sign_offs.closed(connection, live, row.id, facts, review.provisions, today):
                found[facts] = review
        examined += len(page.rows)
        cursor = page.next
        if cursor is None or len(found) >= limit or examined >= MOST_EXAMINED:
            return Waiting(reviews=tuple(found.values()), next=cursor)


def _judged(connection: sa.Connection, live: Live, row: Row) -> tuple[str, Review | None]:
    """The digest of a record's facts, and its review, None if nothing in the record may be signed off."""
    stored = find(connection, row.id)
    if stored is None or any(opening.value is None for opening in stored.entry.openings):
        return "", None  # nobody can review erased values
    record = clear(stored.entry.leaf, stored.entry.openings)
    decision = record["decision"]
    provisions = _signable(live, stored, record)
    if not provisions:
        return "", None
    review = Review(
        id=row.id,
        recorded_at=row.recorded_at,
        as_of=date.fromisoformat(row.as_of),
        exporter_country=row.exporter_country,
        recipient_country=row.recipient_country,
        answer=row.answer,
        beneath=ReviewBounds.model_validate(decision.get("beneath", decision["bounds"])),
        provisions=provisions,
        current=record["bundle"]["meaning"] == live.digests.meaning,
    )
    return engine.facts_digest(live.bundle, record["request"]), review


def _signable(live: Live, stored: Stored, record: Mapping[str, Any]) -> tuple[str, ...]:
    """
    The provisions of a record that may be signed off.

    An older record does not name them. Then its exchange is judged by the policies of today. If these are other policies, the reviews
    that its decision lists stand in: nobody can sign them off before the exchange is evaluated again, but somebody still waits.
    """
    named = sign_offs.offered(record)
    if named is not None:
        return named
    try:
        return sign_offs.signable(live, stored)
    except RequestRefused:
        if "verdict" in record:
            return ()
        listed = (
            part for part in record["decision"]["reasons"] if part["effect"] == "review" and part["standing"] == "certain"
        )
        return tuple(dict.fromkeys(part["provision"] for part in listed))
