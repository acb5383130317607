"""
From the bytes of an exchange to a decision that is ready to be recorded and sent.

The endpoints share this. Deciding does not wait: an endpoint takes a turn first, and sends nothing before the record is durable.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from time import perf_counter
from typing import Any, TypeVar

import sqlalchemy as sa
from uuid_utils import uuid7

import engine
from service.callers.caller import Caller
from service.ledger.book import Book
from service.ledger.counts import Counts, Filled, Moment
from service.log.canonical_json import NotCanonical
from service.log.leaf import SealedRecord, seal
from service.log.record import answered
from service.log.summary import Summary
from service.policies.live import Live
from service.policies.shadow import GivenToShadow
from service.problems import PLACES_SHOWN, ProblemPlace, RequestRefused
from service.register import named_exchanges
from service.reviews import sign_offs
from service.service import Service
from service.settings import time_zone
from service.store.writer import LogBusy, NotRecorded
from service.telemetry import tracing

Recorded = TypeVar("Recorded")


@dataclass(frozen=True, slots=True)
class TellingAsked:
    """How a caller wants to be answered: with parts of the explanation, of engine.PARTS, and in one of engine.LANGUAGES."""

    include: frozenset[str] = frozenset()
    lang: str = "en"


@dataclass(frozen=True, slots=True)
class Judged:
    """
    A judged exchange, with all that its decision needs: `id` and `now` belong to the decision, and `today` is the day of `now`.

    `filled` is the exchange with its counters. `unsigned` is its judgement without approvals, `judgement` that with those that stand.
    """

    id: str
    live: Live
    now: datetime
    today: date
    filled: Filled
    unsigned: engine.Judgement
    judgement: engine.Judgement
    seconds: float

    @property
    def proceeds(self) -> bool:
        """Whether the exchange may proceed."""
        return self.judgement.proceeds(self.today)


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision: as it is recorded, as the caller gets it, and the two as bytes."""

    written: engine.Written
    told: engine.Written
    answer: bytes
    entry: SealedRecord
    given: GivenToShadow | None  # for the shadow, if there is one, once the record is durable


class Decider:
    """Reads and decides exchanges for the endpoints of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._zone = time_zone(service.settings.zone)
        self._counts = Counts(service.settings, Book())

    def read(self, live: Live, raw: bytes, now: datetime, caller: Caller, lang: str = TellingAsked().lang) -> engine.Exchange:
        """
        The exchange in these bytes, with what the register says of its parties and data `now`. Raises RequestRefused.

        What the vocabulary says of a contradiction is told in `lang`.
        """
        reading = self._service.store.database.reading
        try:
            return named_exchanges.read(live, raw, reading, self._today(now), caller.reads)
        except engine.ExchangeRefused as refused:
            problems = refused.problems
        except sa.exc.SQLAlchemyError:
            raise RequestRefused("not-ready", "the register cannot be read", headers={"Retry-After": "1"}) from None
        places = tuple(
            ProblemPlace(pointer=each.pointer, code=each.code, detail=each.told(lang)) for each in problems[:PLACES_SHOWN]
        )
        match len(problems):
            case 1:
                detail = "1 place in the body is wrong"
            case count if count < PLACES_SHOWN:
                detail = f"{count} places in the body are wrong"
            case _:
                detail = f"at least {PLACES_SHOWN} places in the body are wrong; {PLACES_SHOWN} are listed"
        raise RequestRefused("exchange-refused", detail, errors=places)

    def decide(
        self,
        live: Live,
        exchange: engine.Exchange,
        asked: TellingAsked,
        now: datetime,
        request_id: str,
        caller: Caller,
        denied: Callable[[engine.Written], str] = lambda written: "",
    ) -> Decided:
        """The decision on an exchange: `judge`, then `tell`. Raises RequestRefused."""
        return self.tell(self.judge(live, exchange, now, request_id), asked, request_id, caller, denied)

    def judge(
        self,
        live: Live,
        exchange: engine.Exchange,
        now: datetime,
        request_id: str,
        filled: Filled | None = None,
        transaction: sa.Connection | None = None,
    ) -> Judged:
        """
        The judgement of the engines on an exchange; `now` is the moment of the record, and its day is today. Raises RequestRefused.

        `live` has the policies that the exchange was read by. `filled` is the exchange with its counters, if they are known already.
        Approvals are looked up in `transaction`, if one is under way. If all engines fail, this is an incident and not a permit.
        """
        today, id = self._today(now), str(uuid7())
        filled = filled or self._filled(live, exchange, now)
        as_of = filled.exchange.as_of or today
        began = perf_counter()
        try:
            unsigned, judgement = self._judged(live, filled.exchange, as_of, today, transaction)
        except engine.EnginesFailed as failed:
            self._service.incidents.failure(live.pdp, request_id, id, as_of, failed)
            raise RequestRefused("internal", "no engine could decide; the log has the details under this request id") from None
        return Judged(id, live, now, today, filled, unsigned, judgement, perf_counter() - began)

    def tell(
        self,
        judged: Judged,
        asked: TellingAsked,
        request_id: str,
        caller: Caller,
        denied: Callable[[engine.Written], str] = lambda written: "",
    ) -> Decided:
        """
        The decision on a judged exchange, to be answered and recorded. The exchange is not evaluated again. Raises RequestRefused.

        `caller` asked for it, and is told no reasons that rest on the register if it may not read the register. `denied` gives the reason
        if the caller is answered no although the exchange may proceed, otherwise "". If the engines disagree, this is an incident and not
        a permit.
        """
        began = perf_counter()
        live, exchange = judged.live, judged.filled.exchange
        telling = partial(live.pdp.answer, parts=asked.include) if asked.include else live.decisions.answer
        written: engine.Written = telling(judged.judgement, today=judged.today, id=judged.id, lang=asked.lang)
        if not written.engine.agreed:
            self._service.incidents.disagreement(live.pdp, request_id, written)
        try:
            no = denied(written)
            members = live.records.write(written, judged.now, caller.id, _more(judged, written, no))
            told = written if caller.reads else live.pdp.withheld(written)
            answer = answered(told)
            summary = Summary.of(written, judged.now, caller.id, live.digests.source, denied=bool(no))
            entry = seal({"id": judged.id, "request": exchange.document}, exchange.personal, written=members, summary=summary)
        except NotCanonical:
            raise RequestRefused(
                "exchange-refused", "the body holds a number or a text that JSON cannot carry safely"
            ) from None
        took = judged.seconds + perf_counter() - began
        self._service.metrics.decided(written.outcome, took)
        revision = live.digests.source
        tracing.done("decide", took, decision_id=judged.id, decision_outcome=written.outcome, policy_revision=revision)
        # A shadow has no sign-offs, so it is compared with the judgement without them.
        given = GivenToShadow.of(judged.unsigned, judged.id, judged.today) if self._service.shadow else None
        return Decided(written, told, answer, entry, given)

    def look(self, live: Live, exchange: engine.Exchange, now: datetime) -> engine.Judgement:
        """The judgement that `decide` would make, for searches. Nothing is recorded. Raises RequestRefused, engine.EnginesFailed."""
        today = self._today(now)
        filled = self._filled(live, exchange, now)
        return self._judged(live, filled.exchange, filled.exchange.as_of or today, today, None)[1]

    def _judged(
        self, live: Live, exchange: engine.Exchange, as_of: date, today: date, transaction: sa.Connection | None
    ) -> tuple[engine.Judgement, engine.Judgement]:
        """The judgements on an exchange without approvals, and with those that stand. Raises engine.EnginesFailed."""
        unsigned = live.decisions.judge(exchange, as_of=as_of)
        # Sign-offs are looked up only if one could change the outcome. The judgement without them shows whether one could.
        if unsigned.signable and unsigned.outcome.word in sign_offs.OPEN:
            signed = self._signed(live, exchange, max(as_of, today), transaction)
            if signed:
                return unsigned, live.pdp.judge(exchange, as_of=as_of, signed=signed)
        return unsigned, unsigned

    def _signed(
        self, live: Live, exchange: engine.Exchange, day: date, transaction: sa.Connection | None
    ) -> list[engine.Approval]:
        """The approvals that stand for an exchange; none if the log cannot be read, since they are unknown then."""
        if transaction is not None:
            return sign_offs.standing(transaction, live, exchange, day)
        try:
            with self._service.store.database.reading.connect() as connection:
                return sign_offs.standing(connection, live, exchange, day)
        except sa.exc.SQLAlchemyError:
            return []

    def _today(self, now: datetime) -> date:
        return now.astimezone(self._zone).date()

    def _filled(self, live: Live, exchange: engine.Exchange, now: datetime) -> Filled:
        """The exchange with its counters as they are now. A commitment looks them up again."""
        if not live.counting.counters:
            return Filled(exchange, {}, {})
        today = self._today(now)
        as_of = exchange.as_of or today
        moment = Moment(as_of, now if as_of == today else None)
        database = self._service.store.database
        try:
            if (filled := self._counts.of_nothing(database, live, exchange)) is not None:
                return filled
            with database.reading.connect() as connection:
                return self._counts.fill(connection, live, exchange, moment)
        except sa.exc.SQLAlchemyError:
            raise RequestRefused("not-ready", "the ledger cannot be read", headers={"Retry-After": "1"}) from None


def _more(judged: Judged, written: engine.Written, no: str) -> dict[str, Any]:
    """The optional members that the record of a decision has."""
    members = {
        "counted": judged.filled.marks or None,
        "denied": no or None,
        "lang": None if written.lang == TellingAsked().lang else written.lang,
        "signable": list(written.signable) if written.outcome == sign_offs.REVIEW else None,
        "signed_off": [each.model_dump(mode="json") for each in judged.judgement.signed_off] or None,
    }
    return {name: value for name, value in members.items() if value is not None}


async def durable(recording: Awaitable[Recorded]) -> Recorded:
    """Wait until a recording is durable. Raises RequestRefused if it fails, since nothing may be answered then."""
    began = perf_counter()
    failed = ""
    try:
        return await recording
    except LogBusy:
        failed = "busy"
        raise RequestRefused("busy", "try again in a moment", headers={"Retry-After": "1"}) from None
    except NotRecorded:
        failed = "not-recorded"
        raise RequestRefused("not-recorded", "try again in a moment", headers={"Retry-After": "1"}) from None
    finally:
        tracing.done("record", perf_counter() - began, failed)
