"""
Plans: several exchanges in order. The bytes of a plan go in, and the decision on its legs and on the whole comes out.

Each leg is read as a single exchange is, with what the register says. It is judged with the counters and the books of the ledger, to which
what the earlier legs add and convey is added, and with the documents that somebody checked. Nothing is recorded, so nothing can be
committed: each leg is evaluated by itself before it happens. Sign-offs count in no plan.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import sqlalchemy as sa
from uuid_utils import uuid7

import engine
from service.callers.caller import Caller
from service.decisions.exchange_bodies import ExchangeBodies, refusal
from service.decisions.exchange_judge import ExchangeJudge
from service.ledger.benefit_reading import benefits_of
from service.ledger.counter_book import Book
from service.ledger.counter_totals import Moment
from service.ledger.exchange_counters import CounterFiller
from service.limits import PLAN_LEGS
from service.policies.live import Live
from service.problems import RequestRefused, not_readable
from service.service import Service


class Plans:
    """Decides the plans of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._bodies = ExchangeBodies(service)
        self._judge = ExchangeJudge(service)
        self._counts = CounterFiller(service.settings, Book())

    def decide(self, raw: bytes, caller: Caller, request_id: str, lang: str) -> engine.PlanDecision:
        """The decision on the plan in these bytes. It takes seconds, so call it in a thread. Raises RequestRefused."""
        live, now, id = self._service.live, self._service.clock(), str(uuid7())

        def read(exchange: bytes) -> engine.Exchange:
            try:
                return self._bodies.read(live, exchange, now, caller, lang)
            except RequestRefused as refused:
                raise _of_leg(refused) from None

        try:
            legs = engine.read_plan(live.bundle, raw, read, PLAN_LEGS)
        except engine.ExchangeRefused as refused:
            raise refusal(refused, lang) from None
        today = self._service.settings.day_of(now)
        as_of = legs[0].exchange.as_of or today
        moment = Moment.of(as_of, now, today)
        try:
            with self._service.store.database.reading.connect() as connection:
                filled: list[engine.Leg] = []
                for number, leg in enumerate(legs):
                    with _in_leg(number):
                        filled.append(self._filled(connection, live, leg, moment, max(as_of, today), caller))

                def pages(exchange: engine.Exchange, before: Sequence[engine.Exchange]) -> dict[str, engine.BookPage]:
                    rights = self._counts.rights.pages(connection, live, exchange, as_of, before=before)
                    return {**rights, **benefits_of(live, exchange)}

                decision = engine.decide_plan(live.pdp, filled, as_of=as_of, today=today, id=id, lang=lang, pages=pages)
        except sa.exc.SQLAlchemyError:
            raise not_readable("ledger") from None
        except engine.EnginesFailed as failed:
            raise self._service.incidents.failure(live.pdp, request_id, id, as_of, failed) from None
        for told in (each.decision for each in decision.legs if not each.decision.engine.agreed):
            self._service.incidents.disagreement(live.pdp, request_id, told, recorded=False)
        return decision

    def _filled(
        self, connection: sa.Connection, live: Live, leg: engine.Leg, moment: Moment, shown_on: date, caller: Caller
    ) -> engine.Leg:
        """A leg with what the ledger counts, and with the documents and claims that somebody checked. Raises RequestRefused."""
        exchange = self._counts.fill(connection, live, leg.exchange, moment).exchange
        return replace(leg, exchange=self._judge.with_shown(live, exchange, shown_on, connection, caller))


@contextmanager
def _in_leg(number: int) -> Iterator[None]:
    """The places of a refusal are in this leg, counted from 0."""
    try:
        yield
    except RequestRefused as refused:
        at = f"/legs/{number}/exchange"
        refused.errors = tuple(each.model_copy(update={"pointer": at + each.pointer}) for each in refused.errors or ()) or None
        raise


def _of_leg(refused: RequestRefused) -> Exception:
    """The refusal of one exchange as that of a leg: the plan names its places. What is not the sender's fault stays as it is."""
    if refused.kind != "exchange-refused":
        return refused
    places = [(each.pointer, each.code, each.detail) for each in refused.errors or ()] or [("", "wrong-value", refused.detail)]
    return engine.ExchangeRefused(tuple(engine.ExchangeProblem(*place) for place in places))
