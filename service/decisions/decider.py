"""
From the bytes of an exchange to a decision that is ready to be recorded and sent.

The endpoints share this. Deciding does not wait: an endpoint takes a turn first, and sends nothing before the record is durable.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from uuid_utils import uuid7

import engine
from service.callers.caller import Caller
from service.decisions.answer_options import AnswerOptions
from service.decisions.exchange_bodies import ExchangeBodies
from service.decisions.exchange_judge import ExchangeJudge, JudgedExchange
from service.decisions.kept_permits import KeepingTime, stands_alone
from service.decisions.ledger_counts import LedgerCounts
from service.decisions.record_members import awaited, optional_members, shown_members
from service.documents.shown_documents import ShownDocuments
from service.log.canonical_json import NotCanonical, canonical
from service.log.leaf import SealedRecord, seal
from service.log.record import RecordedDecision, answered
from service.log.record_summary import Summary
from service.log.review_cases import ReviewCase
from service.policies.decision_cache import CachedDecision, NewDecision
from service.policies.live import Live
from service.policies.shadow import GivenToShadow
from service.problems import RequestRefused
from service.register import named_exchanges
from service.reviews import sign_off, standing_sign_off
from service.reviews.recorded_case import case_of
from service.service import Service
from service.store import kept_reads
from service.telemetry import tracing


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
        self._ledger = LedgerCounts(service)
        self._bodies = ExchangeBodies(service)
        self._judge = ExchangeJudge(service)
        self._showing = ShownDocuments(service.store.database, service.verifier)
        self._keeping = KeepingTime.of(service.settings, bool(service.shadow))

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
        body = self._bodies.body(live, raw, now, caller, asked.lang)
        key = self._key(live, body, asked, now, caller)
        kept = live.decisions.find(key) if key else None
        if kept is not None and self._may_be_signed(kept):
            kept = None
        self._service.metrics.looked_up(kept is not None if key else None)
        if kept is not None:
            return self._again(live, body, asked, kept, now, caller, contract, reads)
        exchange = self._bodies.accept(body, now, caller, asked.lang)
        # An answer has a key only where the ledger counts nothing and the books are silent.
        filled = self._ledger.without(live, exchange, now) if key else None
        judged = self._judge.judge(live, exchange, now, request_id, filled, asker=caller)
        decided: DecidedNow = self.tell(judged, asked, request_id, caller, contract=contract)
        alone = self._keeping.allows(reads) and stands_alone(judged, exchange, self._ledger)
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
        return replace(decided, keep_until=self._keeping.of_caller(now, caller, reads)) if alone else decided

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
            if not self._ledger.nothing(live, body.document) or self._showing.possible(body.document):
                return b""
        except sa.exc.SQLAlchemyError:
            return b""  # who decides finds the error again, and says it
        try:
            return live.decisions.key(body.document, self._service.settings.day_of(now), asked.lang)
        except ValueError:
            return b""  # a number that JSON cannot carry; the engine refuses it at its place

    def _may_be_signed(self, kept: CachedDecision) -> bool:
        """Whether an approval could change an answer, and approvals were given."""
        return (
            bool(kept.signable) and kept.outcome in sign_off.OPEN and standing_sign_off.may_be_any(self._service.store.database)
        )

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
        until = self._keeping.of_caller(now, caller, reads) if kept.stands_alone else None
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
        """The decision on an exchange: it is judged, then told. Raises RequestRefused."""
        return self.tell(self._judge.judge(live, exchange, now, request_id, asker=caller), asked, request_id, caller, denied)

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


def _not_carried() -> RequestRefused:
    return RequestRefused("exchange-refused", "the body holds a number or a text that JSON cannot carry safely")
