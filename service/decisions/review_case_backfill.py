"""
Rebuilds the cases of reviews at an administrator's request, in the background, newest records first.

A place in `about` says how far this has come. Of several reviews on the same facts the newest has its case already. What was decided
otherwise later is not known, so such a case may still be listed; a sign-off looks at the exchange itself.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa

import engine
from service.log import review_cases
from service.log.leaf import with_personal_values
from service.log.review_cases import EARLIER, RecordedCase, ReviewCase
from service.log.search import CursorRefused, RecordRow
from service.log.search import find as search
from service.log.search_index import moment_of
from service.log.search_query import Query
from service.log.store import find
from service.reviews import notes, sign_off, standing_sign_off
from service.reviews.own_requests import Counting
from service.reviews.recorded_case import REVIEW, kinds_of
from service.service import Service
from service.store.tables import about, review_case
from service.store.writer import NotRecorded

AT_ONCE = 20  # records in a transaction: others wait for the lock
PAUSE_SECONDS = 0.05


async def take_in_earlier_cases(service: Service) -> None:
    """Take in the cases of recorded reviews until there are no more, or until cancelled."""
    with suppress(NotRecorded, sa.exc.SQLAlchemyError):  # the next start goes on
        while await asyncio.to_thread(service.read, is_unfinished):
            await service.store.do(_Some(service))
            await asyncio.sleep(PAUSE_SECONDS)


def is_unfinished(connection: sa.Connection) -> bool:
    """Whether there are records whose cases are still to be found."""
    return connection.execute(sa.select(about.c.value).where(about.c.name == EARLIER)).first() is not None


@dataclass(frozen=True, slots=True)
class _Some:
    """The work of one transaction."""

    service: Service

    def __call__(self, transaction: sa.Connection) -> None:
        here = about.c.name == EARLIER
        place = transaction.execute(sa.select(about.c.value).where(here)).scalar_one_or_none()
        if place is None:
            return
        try:
            page = search(transaction, Query(outcome=(REVIEW,)), place or None, AT_ONCE)
        except CursorRefused:
            page = search(transaction, Query(outcome=(REVIEW,)), None, AT_ONCE)
        for row in page.rows:
            self._take_in(transaction, row)
        if page.next is None:
            transaction.execute(sa.delete(about).where(here))
        else:
            transaction.execute(sa.update(about).where(here).values(value=page.next))

    def _take_in(self, transaction: sa.Connection, row: RecordRow) -> None:
        live, stored = self.service.live, find(transaction, row.id)
        if stored is None or any(opening.value is None for opening in stored.entry.openings):
            return  # nobody can review erased values
        record = with_personal_values(stored.entry.leaf, stored.entry.openings)
        facts = engine.facts_digest(live.bundle, record["request"])
        if transaction.execute(sa.select(review_case.c.facts).where(review_case.c.facts == facts)).first() is not None:
            return
        provisions = tuple(record.get("signable", ()))
        case = ReviewCase(facts, kinds_of(live, record["decision"], provisions), provisions)
        moment = moment_of(row.recorded_at)
        review_cases.add_cases(transaction, [RecordedCase(case, row.sequence, row.id, moment, record.get("asked_by"))])
        if assignee := notes.assigned_to(transaction, row.id):
            review_cases.assign(transaction, row.id, assignee)
        said = standing_sign_off.said_of(transaction, live, record["request"])
        if said:
            today = self.service.today
            counting = Counting(transaction, self.service.token_issuer).for_decision(said, stored)
            review_cases.settle(transaction, facts, *sign_off.standing_approvals(live, said, counting, today))
