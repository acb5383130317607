"""
From the bytes of an exchange to a decision that is ready to be recorded and sent.

The endpoints share this. Deciding does not wait: an endpoint takes a turn first, and sends nothing before the record is durable.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from time import perf_counter
from types import MappingProxyType
from typing import Any, TypeVar

import sqlalchemy as sa
from uuid_utils import uuid7

import engine
from service.callers.caller import Caller
from service.decisions.kept_permits import KeepingTime, stands_without_ledger
from service.decisions.record_members import awaited, optional_members, shown_members
from service.documents.shown_documents import ShownDocuments, until_days
from service.ledger import party_view, repeated_people
from service.ledger.counter_book import Book
from service.ledger.exchange_counters import ANY_NUMBER, CounterFiller, FilledExchange, Moment
from service.log.canonical_json import NotCanonical, canonical
from service.log.leaf import SealedRecord, seal
from service.log.record import RecordedDecision, ShownDocument, answered
from service.log.record_summary import Summary
from service.log.review_cases import ReviewCase
from service.policies.decision_cache import CachedDecision, NewDecision
from service.policies.live import Live
from service.policies.shadow import GivenToShadow
from service.problems import PLACES_SHOWN, ProblemPlace, RequestRefused
from service.register import named_exchanges
from service.reviews import own_requests, sign_off, standing_sign_off
from service.reviews.recorded_case import case_of
from service.service import Service
from service.settings import time_zone
from service.store import kept_reads
from service.store.writer import LogBusy, NotRecorded
from service.telemetry import tracing

Recorded = TypeVar("Recorded")


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How a caller wants to be answered: with parts of the explanation, of engine.PARTS, and in one of engine.LANGUAGES."""

    include: frozenset[str] = frozenset()
    lang: str = "en"

    @property
    def long(self) -> bool:
        """Whether the exchange is evaluated many times for the answer."""
        return not self.include.isdisjoint(engine.SEARCHED)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedExchange:
    """
    A decision, made now or kept: its answer as bytes, and what is recorded of it. `given` is for the shadow, once this is durable.

    `keep_until` is the moment until which its caller may keep it, None where it may not.
    """

    id: str
    outcome: str
    proceed: bool
    answer: bytes
    entry: SealedRecord
    given: GivenToShadow | None = None  # None where there is no shadow
    keep_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedNow(DecidedExchange):
    """
    A decision that was made now: as it is recorded, and as the caller gets it.

    `counted` has the sources of the counters that were filled in, as canonical JSON; nothing where none was.
    """

    written: engine.WrittenDecision
    told: engine.WrittenDecision
    recorded: RecordedDecision
    counted: bytes


class Decider:
    """Reads and decides exchanges for the endpoints of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._zone = time_zone(service.settings.zone)
        self._counts = CounterFiller(service.settings, Book())
        self._showing = ShownDocuments(service.store.database, service.verifier)
        self._keeping = KeepingTime.of(service.settings, self._zone, bool(service.shadow))

    def answer(
        self,
        live: Live,
        raw: bytes,
        asked: AnswerOptions,
        now: datetime,
        request_id: str,
        caller: Caller,
        contract: Mapping[str, Any] = MappingProxyType({}),
    ) -> DecidedExchange:
        """
        The decision on the exchange in these bytes, or the answer that was given to the same before. Raises RequestRefused.

        `contract` is the contract that was read into the exchange, as a record has it. INVARIANT (nothing kept was read): the decision has
        a `keep_until` only where nothing was read for it but the ledger, and no ledger could change it.
        """
        with kept_reads.noted() as reads:
            decided = self._answered(live, raw, asked, now, request_id, caller, contract, reads)
        return replace(decided, keep_until=None) if decided.keep_until is not None and reads.other else decided

    def _answered(
        self,
        live: Live,
        raw: bytes,
        asked: AnswerOptions,
        now: datetime,
        request_id: str,
        caller: Caller,
        contract: Mapping[str, Any],
        reads: kept_reads.KeptReads,
    ) -> DecidedExchange:
        """The decision, made now or found. `reads` has what was read for it so far. Raises RequestRefused."""
        body = self._body(live, raw, now, caller, asked.lang)
        key = self._key(live, body, asked, now, caller)
        kept = live.decisions.find(key) if key else None
        if kept is not None and self._may_be_signed(kept):
            kept = None
        self._service.metrics.looked_up(kept is not None if key else None)
        if kept is not None:
            return self._again(live, body, asked, kept, now, caller, contract, reads)
        exchange = self._accepted(body, now, asked.lang, caller)
        # An answer has a key only where the ledger counts nothing and the books are silent.
        filled = self._without_ledger(live, exchange, now) if key else None
        judged = self.judge(live, exchange, now, request_id, filled, asker=caller)
        decided: DecidedNow = self.tell(judged, asked, request_id, caller, contract=contract)
        alone = self._stands_alone(exchange, judged, reads)
        if key and judged.judgement is judged.unsigned and (case := decided.entry.case):
            filled = judged.filled
            made = NewDecision(
                decided.written,
                decided.recorded,
                decided.answer,
                filled.exchange,
                case,
                filled.marks.keys(),
                decided.counted,
                alone,
            )
            other = live.decisions.keep(key, made)
            if other is not None:
                text = "the same exchange was decided otherwise before"
                judgement = live.pdp.disagreeing(judged.judgement, other.highest, text)
                return self.tell(replace(judged, judgement=judgement), asked, request_id, caller, contract=contract)
        return replace(decided, keep_until=self._keep_until(now, caller, reads)) if alone else decided

    def _keep_until(self, now: datetime, caller: Caller, reads: kept_reads.KeptReads) -> datetime | None:
        """Until when a caller may keep a permit that stands alone."""
        return None if self._keeping.nothing or reads.other or caller.party is not None else self._keeping.until(now)

    def _stands_alone(self, exchange: engine.Exchange, judged: JudgedExchange, reads: kept_reads.KeptReads) -> bool:
        """Whether nothing that the service keeps could change a permit. It is not asked where something was read that could."""
        if self._keeping.nothing or reads.other or judged.judgement is not judged.unsigned or judged.shown:
            return False
        return stands_without_ledger(judged.live, self._counts, exchange, judged.judgement, judged.today)

    def read(self, live: Live, raw: bytes, now: datetime, caller: Caller, lang: str = AnswerOptions().lang) -> engine.Exchange:
        """
        The exchange in these bytes, with what the register says of its parties and data `now`. Raises RequestRefused.

        What the vocabulary says of a contradiction is told in `lang`.
        """
        return self._accepted(self._body(live, raw, now, caller, lang), now, lang, caller)

    def _body(self, live: Live, raw: bytes, now: datetime, caller: Caller, lang: str) -> named_exchanges.Body:
        """The body of an exchange with what the register says. Raises RequestRefused."""
        try:
            body = named_exchanges.read(live, raw, self._service.store.database.reading, self._today(now), caller.reads)
        except engine.ExchangeRefused as refused:
            raise refusal(refused, lang) from None
        except sa.exc.SQLAlchemyError:
            raise RequestRefused("not-ready", "the register cannot be read", headers={"Retry-After": "1"}) from None
        party_view.check_sent(body.document, caller)
        return body

    def _accepted(self, body: named_exchanges.Body, now: datetime, lang: str, caller: Caller) -> engine.Exchange:
        """The exchange in a body. Raises RequestRefused."""
        try:
            exchange = body.accept()
        except engine.ExchangeRefused as refused:
            raise refusal(refused, lang) from None
        party_view.check_counted(body.live, exchange, caller)
        self.check_same_people(body.live, exchange, now, caller)
        return exchange

    def check_same_people(self, live: Live, exchange: engine.Exchange, now: datetime, caller: Caller) -> None:
        """The earlier data set that an exchange names must count wherever the exchange does. Raises RequestRefused."""
        if not any(repeated_people.says_so(each, exchange) for each in live.counting.counters):
            return
        try:
            with self._service.store.database.reading.connect() as connection:
                self._counts.check_again(connection, live, exchange, self._moment(exchange, now), caller)
        except sa.exc.SQLAlchemyError:
            raise RequestRefused("not-ready", "the ledger cannot be read", headers={"Retry-After": "1"}) from None

    def _key(self, live: Live, body: named_exchanges.Body, asked: AnswerOptions, now: datetime, caller: Caller) -> bytes:
        """
        The key of the answer to an exchange in the decision cache; none where the answer depends on more than the exchange.

        It does where a part of the explanation is asked for, where a shadow decides beside, where the ledger counts or a book may have the
        asset, where a document may be shown, and where the caller may not be told what is in the register.
        """
        hidden = engine.REGISTER in body.document and not caller.reads
        if asked.include or self._service.shadow or hidden or not body.sound:
            return b""
        try:
            database = self._service.store.database
            with kept_reads.of_ledger():
                if not self._counts.unused(database, live) or not self._counts.silent(database, live, body.document):
                    return b""
            if self._showing.possible(body.document):
                return b""
        except sa.exc.SQLAlchemyError:
            return b""  # who decides finds the error again, and says it
        try:
            return live.decisions.key(body.document, self._today(now), asked.lang)
        except ValueError:
            return b""  # a number that JSON cannot carry; the engine refuses it at its place

    def _may_be_signed(self, kept: CachedDecision) -> bool:
        """Whether an approval could change an answer, and approvals were given."""
        if not kept.signable or kept.outcome not in sign_off.OPEN:
            return False
        try:
            return standing_sign_off.any_sign_off(self._service.store.database)
        except sa.exc.SQLAlchemyError:
            return True

    def _again(
        self,
        live: Live,
        body: named_exchanges.Body,
        asked: AnswerOptions,
        kept: CachedDecision,
        now: datetime,
        caller: Caller,
        contract: Mapping[str, Any],
        reads: kept_reads.KeptReads,
    ) -> DecidedExchange:
        """An answer that was given before, to be answered and recorded under an id of its own. Raises RequestRefused."""
        began = perf_counter()
        answer, recorded, counted = kept.under(str(uuid7()), live.pdp.naming.parties(body.document))
        more = optional_members(recorded.outcome, asked.lang, kept.signable, counted, contract=contract)
        document = kept.filled(body.document)
        until = self._keep_until(now, caller, reads) if kept.stands_alone else None
        return self._sealed(live, recorded, answer, document, kept.personal, now, caller, more, kept.case, began, until)

    def decide(
        self,
        live: Live,
        exchange: engine.Exchange,
        asked: AnswerOptions,
        now: datetime,
        request_id: str,
        caller: Caller,
        denied: Callable[[engine.WrittenDecision], str] = lambda written: "",
    ) -> DecidedNow:
        """The decision on an exchange: `judge`, then `tell`. Raises RequestRefused."""
        return self.tell(self.judge(live, exchange, now, request_id, asker=caller), asked, request_id, caller, denied)

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

        `live` has the policies that the exchange was read by. `filled` is the exchange with its counters, if they are known already.
        Approvals and what is shown are looked up in `transaction`, if one is under way. `asker` is who asks for the decision: what she
        confirmed or approved herself does not count. If all engines fail, this is an incident and not a permit.
        """
        today, id = self._today(now), str(uuid7())
        filled = filled or self._filled(live, exchange, now)
        as_of = filled.exchange.as_of or today
        shown = self._showing.shown(live.bundle, filled.exchange.document, max(as_of, today), transaction, asker)
        if shown:
            filled = replace(filled, exchange=until_days(filled.exchange, shown))
        began = perf_counter()
        try:
            unsigned, judgement = self.judged(live, filled.exchange, as_of, today, transaction, asker)
        except engine.EnginesFailed as failed:
            self._service.incidents.failure(live.pdp, request_id, id, as_of, failed)
            raise RequestRefused("internal", "no engine could decide; the log has the details under this request id") from None
        return JudgedExchange(id, live, now, today, filled, unsigned, judgement, shown, perf_counter() - began)

    def tell(
        self,
        judged: JudgedExchange,
        asked: AnswerOptions,
        request_id: str,
        caller: Caller,
        denied: Callable[[engine.WrittenDecision], str] = lambda written: "",
        mapping: Mapping[str, Any] = MappingProxyType({}),
        contract: Mapping[str, Any] = MappingProxyType({}),
    ) -> DecidedNow:
        """
        The decision on a judged exchange, to be answered and recorded. The exchange is not evaluated again. Raises RequestRefused.

        `caller` asked for it, and is told no reasons that rest on the register if it may not read the register. `denied` gives the reason
        if the caller is answered no although the exchange may proceed, otherwise "". `mapping` says by which mapping the exchange was read,
        and `contract` which contract was read into it, as a record has them. If the engines disagree, this is an incident and not a permit.
        """
        began = perf_counter()
        live, exchange = judged.live, judged.filled.exchange
        written = live.pdp.answer(judged.judgement, today=judged.today, id=judged.id, parts=asked.include, lang=asked.lang)
        if not written.engine.agreed:
            self._service.incidents.disagreement(live.pdp, request_id, written)
        no = denied(written)
        told = written if caller.reads else live.pdp.withheld(written)
        told = told if caller.party is None else engine.with_own_settlement(told, written)
        filled, signed, shown = judged.filled, judged.judgement.signed_off, shown_members(judged.judgement, judged.shown)
        marks: Any = filled.marks
        try:
            recorded, answer = RecordedDecision.of(written), answered(told)
            counted = canonical(marks) if marks else b""
        except NotCanonical:
            raise _not_carried() from None
        document = dict(exchange.document)
        shares = document.pop(engine.SHARES, {})  # a member of its own, which not everybody sees who sees the request
        more = optional_members(
            written.outcome,
            written.lang,
            written.signable,
            counted,
            no,
            signed,
            filled.overdue,
            shown,
            shares,
            mapping,
            contract,
        )
        since = began - judged.seconds
        case = case_of(live, recorded, document, awaited(judged.judgement))
        decided = self._sealed(live, recorded, answer, document, exchange.personal, judged.now, caller, more, case, since)
        # A shadow has no sign-offs, so it is compared with the judgement without them.
        given = GivenToShadow.of(judged.unsigned, judged.id, judged.today) if self._service.shadow else None
        return DecidedNow(
            id=decided.id,
            outcome=decided.outcome,
            proceed=decided.proceed,
            answer=answer,
            entry=decided.entry,
            given=given,
            written=written,
            told=told,
            recorded=recorded,
            counted=counted,
        )

    def _sealed(
        self,
        live: Live,
        recorded: RecordedDecision,
        answer: bytes,
        document: Mapping[str, Any],
        personal: Sequence[str],
        now: datetime,
        caller: Caller,
        more: Mapping[str, Any],
        case: ReviewCase,
        began: float,
        keep_until: datetime | None = None,
    ) -> DecidedExchange:
        """A decision on a document, sealed. `more` are the optional members of the record. Raises RequestRefused."""
        revision = live.digests.source
        try:
            members = live.records.write(recorded, now, caller.id, more)
            summary = Summary.of(recorded, now, caller.id, revision, denied="denied" in more)
            entry = seal({"id": recorded.id, "request": document}, personal, written=members, summary=summary, case=case)
        except NotCanonical:
            raise _not_carried() from None
        took = perf_counter() - began
        self._service.metrics.decided(recorded.outcome, took)
        tracing.done("decide", took, decision_id=recorded.id, decision_outcome=recorded.outcome, policy_revision=revision)
        return DecidedExchange(
            id=recorded.id,
            outcome=recorded.outcome,
            proceed=recorded.proceed,
            answer=answer,
            entry=entry,
            keep_until=keep_until,
        )

    def look(self, live: Live, exchange: engine.Exchange, now: datetime, asker: Caller | None = None) -> engine.Judgement:
        """The judgement that `decide` would make, for searches. Nothing is recorded. Raises RequestRefused, engine.EnginesFailed."""
        return self.look_on(live, *self.filled_on(live, exchange, now, asker), now, asker)

    def filled_on(
        self, live: Live, exchange: engine.Exchange, now: datetime, asker: Caller | None = None
    ) -> tuple[engine.Exchange, date]:
        """An exchange with its counters, what the books say and what is shown, and the day whose law counts. Raises RequestRefused."""
        today = self._today(now)
        filled = self._filled(live, exchange, now)
        as_of = filled.exchange.as_of or today
        return self.showing(live, filled.exchange, max(as_of, today), None, asker), as_of

    def look_on(
        self, live: Live, exchange: engine.Exchange, as_of: date, now: datetime, asker: Caller | None = None
    ) -> engine.Judgement:
        """The judgement on an exchange that has its counters. Raises engine.EnginesFailed."""
        return self.judged(live, exchange, as_of, self._today(now), None, asker)[1]

    def showing(
        self,
        live: Live,
        exchange: engine.Exchange,
        day: date,
        transaction: sa.Connection | None,
        asker: Caller | None = None,
    ) -> engine.Exchange:
        """The exchange with documents and claims marked as shown if they count on that day for this caller."""
        return until_days(exchange, self._showing.shown(live.bundle, exchange.document, day, transaction, asker))

    def judged(
        self,
        live: Live,
        exchange: engine.Exchange,
        as_of: date,
        today: date,
        transaction: sa.Connection | None,
        asker: Caller | None = None,
    ) -> tuple[engine.Judgement, engine.Judgement]:
        """
        The judgements on an exchange with its counters, without approvals and with those that stand. Raises engine.EnginesFailed.

        Approvals are looked up in `transaction`, if one is under way; those that `asker` signed are left out.
        """
        unsigned = live.pdp.judge(exchange, as_of=as_of)
        # Sign-offs are looked up only if one could change the outcome. The judgement without them shows whether one could.
        if unsigned.signable and unsigned.outcome.word in sign_off.OPEN:
            signed = self._signed(live, exchange, max(as_of, today), transaction, asker)
            if signed:
                return unsigned, live.pdp.judge(exchange, as_of=as_of, signed=signed)
        return unsigned, unsigned

    def _signed(
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

    def _today(self, now: datetime) -> date:
        return now.astimezone(self._zone).date()

    def _filled(self, live: Live, exchange: engine.Exchange, now: datetime) -> FilledExchange:
        """The exchange with its counters and what the books say, as they are now. A commitment looks them up again."""
        database = self._service.store.database
        try:
            with kept_reads.of_ledger():
                silent = self._counts.silent(database, live, exchange.document)
                if silent and self._counts.unused(database, live):
                    return self._without_ledger(live, exchange, now)
                with database.reading.connect() as connection:
                    return self._counts.fill(connection, live, exchange, self._moment(exchange, now))
        except sa.exc.SQLAlchemyError:
            raise RequestRefused("not-ready", "the ledger cannot be read", headers={"Retry-After": "1"}) from None

    def _without_ledger(self, live: Live, exchange: engine.Exchange, now: datetime) -> FilledExchange:
        """The exchange with its counters where the ledger counts nothing and the books are silent."""
        if not self._counts.sent(live, exchange.document):
            return FilledExchange(exchange, {}, dict.fromkeys(live.counting.facts, ANY_NUMBER))
        return self._counts.fill(None, live, exchange, self._moment(exchange, now))

    def _moment(self, exchange: engine.Exchange, now: datetime) -> Moment:
        today = self._today(now)
        as_of = exchange.as_of or today
        return Moment(as_of, now if as_of == today else None)


def refusal(refused: engine.ExchangeRefused, lang: str) -> RequestRefused:
    """The answer to an exchange that cannot be read. What the vocabulary says of a contradiction is told in a language."""
    problems = refused.problems
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
    return RequestRefused("exchange-refused", detail, errors=places)


def _not_carried() -> RequestRefused:
    return RequestRefused("exchange-refused", "the body holds a number or a text that JSON cannot carry safely")


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
