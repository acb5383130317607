"""
From an exchange to its judgement by the engines: with what the ledger counts, with the documents that count as shown, and with the
approvals that stand for it.

Nothing is recorded here. What decides goes on from a `JudgedExchange`; a search, a plan and the watch look at a judgement, and drop it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from time import perf_counter

import sqlalchemy as sa
from uuid_utils import uuid7

import engine
from service.callers.caller import Caller
from service.decisions.ledger_counts import LedgerCounts
from service.documents.shown_documents import ShownDocuments, until_days
from service.ledger.exchange_counters import FilledExchange
from service.log.record import ShownDocument
from service.policies.live import Live
from service.reviews import own_requests, sign_off, standing_sign_off
from service.service import Service


@dataclass(frozen=True, slots=True)
class JudgedExchange:
    """
    A judged exchange, with all that its decision needs: `id` and `now` belong to the decision, and `today` is the day of `now`.

    `filled` is the exchange with its counters. `unsigned` is its judgement without approvals, `judgement` that with those that stand.
    `shown` are the documents and claims that somebody checked, by name.
    """

    id: str
    live: Live
    now: datetime
    today: date
    filled: FilledExchange
    unsigned: engine.Judgement
    judgement: engine.Judgement
    shown: Mapping[str, ShownDocument]
    seconds: float

    @property
    def proceeds(self) -> bool:
        """Whether the exchange may proceed."""
        return self.judgement.proceeds(self.today)


class ExchangeJudge:
    """
    Judges exchanges for one service.

    `asker` is who asks for the decision: what she confirmed or approved herself does not count. Approvals and what is shown are looked up
    in `transaction`, if one is under way.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._ledger = LedgerCounts(service)
        self._showing = ShownDocuments(service.store.database, service.verifier)

    def judge(
        self,
        live: Live,
        exchange: engine.Exchange,
        now: datetime,
        request_id: str,
        filled: FilledExchange | None = None,
        transaction: sa.Connection | None = None,
        asker: Caller | None = None,
    ) -> JudgedExchange:
        """
        The judgement of the engines on an exchange; `now` is the moment of the record, and its day is today. Raises RequestRefused.

        `live` has the policies that the exchange was read by. `filled` is the exchange with its counters, if they are known already. If
        all engines fail, this is an incident and not a permit.
        """
        today, id = self._service.settings.day_of(now), str(uuid7())
        filled = filled or self._ledger.fill(live, exchange, now)
        as_of = filled.exchange.as_of or today
        shown = self._showing.shown(live.bundle, filled.exchange.document, max(as_of, today), transaction, asker)
        if shown:
            filled = replace(filled, exchange=until_days(filled.exchange, shown))
        began = perf_counter()
        try:
            unsigned, judgement = self.judgements(live, filled.exchange, as_of, today, transaction, asker)
        except engine.EnginesFailed as failed:
            raise self._service.incidents.failure(live.pdp, request_id, id, as_of, failed) from None
        return JudgedExchange(id, live, now, today, filled, unsigned, judgement, shown, perf_counter() - began)

    def look(
        self, live: Live, exchange: engine.Exchange, now: datetime, request_id: str, asker: Caller | None = None
    ) -> engine.Judgement:
        """The same judgement, for searches. If all engines fail, this is an incident too. Raises RequestRefused."""
        filled, as_of = self.filled_on(live, exchange, now, asker)
        try:
            return self.look_on(live, filled, as_of, now, asker)
        except engine.EnginesFailed as failed:
            raise self._service.incidents.failure(live.pdp, request_id, None, as_of, failed) from None

    def filled_on(
        self, live: Live, exchange: engine.Exchange, now: datetime, asker: Caller | None = None
    ) -> tuple[engine.Exchange, date]:
        """An exchange with its counters, what the books say and what is shown, and the day whose law counts. Raises RequestRefused."""
        today = self._service.settings.day_of(now)
        filled = self._ledger.fill(live, exchange, now)
        as_of = filled.exchange.as_of or today
        return self.with_shown(live, filled.exchange, max(as_of, today), None, asker), as_of

    def look_on(
        self, live: Live, exchange: engine.Exchange, as_of: date, now: datetime, asker: Caller | None = None
    ) -> engine.Judgement:
        """The judgement on an exchange that has its counters. Raises engine.EnginesFailed."""
        return self.judgements(live, exchange, as_of, self._service.settings.day_of(now), None, asker)[1]

    def with_shown(
        self,
        live: Live,
        exchange: engine.Exchange,
        day: date,
        transaction: sa.Connection | None,
        asker: Caller | None = None,
    ) -> engine.Exchange:
        """The exchange with documents and claims marked as shown if they count on that day for this caller."""
        return until_days(exchange, self._showing.shown(live.bundle, exchange.document, day, transaction, asker))

    def judgements(
        self,
        live: Live,
        exchange: engine.Exchange,
        as_of: date,
        today: date,
        transaction: sa.Connection | None,
        asker: Caller | None = None,
    ) -> tuple[engine.Judgement, engine.Judgement]:
        """The judgements on an exchange with its counters, without approvals and with those that stand. Raises engine.EnginesFailed."""
        unsigned = live.pdp.judge(exchange, as_of=as_of)
        # Sign-offs are looked up only if one could change the outcome. The judgement without them shows whether one could.
        if unsigned.signable and unsigned.outcome.word in sign_off.OPEN:
            signed = self._approvals(live, exchange, max(as_of, today), transaction, asker)
            if signed:
                return unsigned, live.pdp.judge(exchange, as_of=as_of, signed=signed)
        return unsigned, unsigned

    def _approvals(
        self, live: Live, exchange: engine.Exchange, day: date, transaction: sa.Connection | None, asker: Caller | None
    ) -> list[engine.Approval]:
        """The approvals that stand for an exchange; none if the log cannot be read, since they are unknown then."""

        def standing(connection: sa.Connection) -> list[engine.Approval]:
            said = standing_sign_off.said_of(connection, live, exchange.document)
            counting = own_requests.Counting(connection, self._service.token_issuer).for_caller(said, asker)
            return standing_sign_off.approvals_on(live, counting, day)

        if transaction is not None:
            return standing(transaction)
        database = self._service.store.database
        try:
            if not standing_sign_off.any_sign_off(database):
                return []
            with database.reading.connect() as connection:
                return standing(connection)
        except sa.exc.SQLAlchemyError:
            return []
