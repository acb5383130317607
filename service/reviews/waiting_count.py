"""
How many reviews wait, and since when the oldest does: a connection goes in, two numbers for the metrics come out.

The queue asks the sign-offs of each case whether it waits. That is dear where many do, so here only the states of the rows are counted,
up to MOST_COUNTED. A case whose approval new policies have ended counts once that is noted in its row.
"""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from service.log.review_cases import APPROVED, WAITS
from service.store.tables import review_case

MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class WaitingReviews:
    """How many wait, and the moment of the oldest one, in microseconds since 1970; None if none waits by its state."""

    count: int
    oldest: int | None


def waiting_reviews(connection: sa.Connection, today: date) -> WaitingReviews:
    """The reviews that wait on a day by their rows: those that were never approved, and those whose approval has ended."""
    ended = sa.and_(review_case.c.state == APPROVED, review_case.c.until < today.isoformat())
    count = 0
    for each in (review_case.c.state == WAITS, ended):
        few = sa.select(sa.literal(1)).select_from(review_case).where(each).limit(MOST_COUNTED).subquery()
        count += connection.execute(sa.select(sa.func.count()).select_from(few)).scalar_one()
    first = sa.select(review_case.c.moment).where(review_case.c.state == WAITS).order_by(review_case.c.moment).limit(1)
    return WaitingReviews(min(count, MOST_COUNTED), connection.execute(first).scalar_one_or_none())
