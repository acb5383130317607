"""
The outcome of a draft: a draft goes in; the judgement on its exchange and the next question come out.

Nothing is recorded here but the decision that the owner of a draft asks for (`DraftJudge.record`).
"""

import asyncio
import json
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sqlalchemy as sa

import engine
from service.callers.context import Committing, ReadingAll
from service.decisions.answer_options import AnswerOptions
from service.decisions.commitment_writer import CommitmentWriter, NoLongerPermitted
from service.decisions.decider import Decider
from service.decisions.exchange_bodies import ExchangeBodies
from service.decisions.exchange_judge import ExchangeJudge, JudgedExchange
from service.decisions.present_outcome import PresentDecider, PresentOutcome
from service.decisions.recording import Outgoing
from service.drafts import draft_documents, draft_store
from service.drafts.answers import with_fact, with_implied
from service.drafts.draft_store import Draft
from service.log.durable_record import durable
from service.policies.live import Live
from service.problems import RequestRefused
from service.reviews.recorded_case import REVIEW
from service.service import Service
from service.telemetry.log_lines import note

PARTS = ("reasons", "remedies")
REFUSED = (*PARTS, "ways")  # of a draft that is refused whatever the open facts are
ID = "draft"  # in place of the id of a decision, in an answer that is not recorded


class DraftContext(ReadingAll, scope="evaluate", of_party=False, also=("read",)):
    """Asks about an exchange in drafts of her own, and sees what the register says of all parties."""


@dataclass(frozen=True, slots=True)
class DraftOutcome:
    """How a draft stands: its outcome, its bounds, and how many facts are open. A draft keeps the last one as a text of these four."""

    outcome: str
    lowest: str
    highest: str
    open: int

    def __str__(self) -> str:
        return f"{self.outcome} {self.lowest} {self.highest} {self.open}"

    @classmethod
    def read(cls, text: str | None) -> "DraftOutcome | None":
        """How a draft stood; None where it keeps nothing of it."""
        match (text or "").split():
            case [outcome, lowest, highest, number] if number.isascii() and number.isdigit():
                return cls(outcome, lowest, highest, int(number))
        return None


@dataclass(frozen=True)
class JudgedDraft:
    """A draft as it stands: the judgement on its exchange, and its answer in a language."""

    draft: Draft
    live: Live
    judged: JudgedExchange
    lang: str

    @cached_property
    def answer(self) -> Mapping[str, Any]:
        """The answer, with its explanation: the provisions that stand, and the remedies."""
        judged = self.judged
        parts = REFUSED if judged.judgement.outcome.bounds.low.refused else PARTS
        written = self.live.pdp.answer(judged.judgement, today=judged.today, id=ID, parts=parts, lang=self.lang)
        told: Mapping[str, Any] = json.loads(written.canonical())
        return told

    @property
    def outcome(self) -> str:
        """The outcome, as a code."""
        return self.judged.judgement.outcome.word

    @property
    def standing(self) -> DraftOutcome:
        """How the draft stands, to be compared with how it stands after the next answer."""
        outcome = self.judged.judgement.outcome
        return DraftOutcome(
            outcome.word, outcome.bounds.low.word, outcome.bounds.high.word, len(self.judged.judgement.open_facts)
        )

    @property
    def open(self) -> list[str]:
        """The facts that are open, the best to ask for first; those that the owner does not know are left out."""
        return [fact for fact in self.judged.judgement.open_facts if fact not in self.draft.skipped]

    @cached_property
    def documents(self) -> dict[str, Mapping[str, Any]]:
        """The documents and claims that the owner may tick, each with what a way says of it."""
        return draft_documents.documents_to_tick(self.answer, self.judged.filled.exchange.document)

    @cached_property
    def counted_by(self) -> list[str]:
        """
        The facts that are not stated and by which a law counts such exchanges: without them a permit cannot be committed.

        Under a review they are asked for too: a sign-off is bound to them, so that they cannot be stated once it is given.
        """
        judgement, counting = self.judged.judgement, self.live.counting
        if not judgement.outcome.permits and judgement.outcome.word != REVIEW:
            return []
        defined = self.live.pdp.defined(judgement.exchange, judgement.as_of, counting.definitions)
        per = {each.name: each.per for each in counting.counters}
        keys = (
            zip(per[each.counter], each.key, strict=True)
            for each in counting.contributions(judgement.exchange, judgement.verdict, defined)
        )
        unsaid = dict.fromkeys(fact for key in keys for fact, part in key if part is None)
        return [fact for fact in unsaid if not judgement.exchange.is_of_everyone(fact)]

    def question(self) -> engine.QuestionPart | None:
        """The question to ask now: the one that the owner wants if it is open, or the next one; None where nothing is left to ask."""
        if self.draft.asking in self.open:
            return self.asks(self.draft.asking)
        asking = self.live.pdp.asking(self.judged.judgement, self.lang, self.draft.skipped, listed=False)
        return next((each for each in asking if each.fact not in self.draft.skipped), None)

    def asks(self, fact: str | None) -> engine.QuestionPart:
        """The question for an open fact as the page has it, perhaps one that stands for others too. Raises RequestRefused."""
        judgement, pdp = self.judged.judgement, self.live.pdp
        if fact is None or fact not in judgement.open_facts:
            raise RequestRefused("bad-request", "this question is not open any more: open the page again")
        if fact != self.draft.asking:
            for each in pdp.asking(judgement, self.lang, self.draft.skipped, listed=False):
                if each.fact == fact:
                    return each
        return pdp.question(judgement, fact, self.lang, listed=False)

    @property
    def remedies(self) -> Sequence[Mapping[str, Any]]:
        """What would let the exchange proceed."""
        explained = self.answer.get("explanation") or {}
        found: Sequence[Mapping[str, Any]] = (explained.get("remedies") or {}).get("remedies") or ()
        return found

    def remedied(self, number: int | None) -> dict[str, Any]:
        """The exchange with the changes of a remedy, by its place from 0. Raises RequestRefused."""
        if number is None or number >= len(self.remedies):
            raise RequestRefused("bad-request", "this remedy is not found any more: open the page again")
        document = dict(self.draft.document)
        for each in self.remedies[number]["changes"]:
            document = with_fact(document, each["fact"], each["to"])
        return document


class DraftJudge:
    """Judges drafts and records decisions on them, for one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._decider = Decider(service)
        self._bodies = ExchangeBodies(service)
        self._judge = ExchangeJudge(service)
        self._ledger = CommitmentWriter(service)
        self._again = PresentDecider(service)

    def look(self, context: ReadingAll, draft: Draft, lang: str) -> JudgedDraft:
        """A draft as it stands. It takes as long as deciding. Raises RequestRefused where the exchange cannot be read."""
        _, judged = self._judged(context, draft, lang)
        return JudgedDraft(draft, context.live, judged, lang)

    def _judged(self, context: ReadingAll, draft: Draft, lang: str) -> tuple[bytes, JudgedExchange]:
        """
        The exchange of a draft with what follows from it, which is not asked, and the judgement on it. Raises RequestRefused.

        What follows is not kept in the draft, because another answer may stand tomorrow where it came from.
        """
        live, now, caller, id = context.live, context.now, context.caller, context.request_id
        raw = draft.raw
        judged = self._judge.judge(live, self._bodies.read(live, raw, now, caller, lang), now, id, asker=caller)
        stated = with_implied(live.pdp, judged.judgement, draft.document)
        if stated != draft.document:
            raw = json.dumps(stated, ensure_ascii=False).encode()
            judged = self._judge.judge(live, self._bodies.read(live, raw, now, caller, lang), now, id, asker=caller)
        return raw, judged

    def check(self, context: ReadingAll, document: Mapping[str, Any], lang: str) -> None:
        """Raises RequestRefused, with each place, where a document is no exchange."""
        raw = json.dumps(document, ensure_ascii=False).encode()
        self._bodies.read(context.live, raw, context.now, context.caller, lang)

    async def record(self, context: DraftContext, draft: Draft, lang: str, scope: MutableMapping[str, Any]) -> str:
        """
        Decide a draft and record the decision, in the transaction that empties the draft; returns the id of the decision.

        Raises RequestRefused, also where the draft was changed meanwhile; then nothing is recorded.
        """
        service, live, now, caller = self._service, context.live, context.now, context.caller
        async with service.turns.of(caller.id):
            raw, _ = self._judged(context, draft, lang)
            made = self._decider.answer(live, raw, AnswerOptions(lang=lang), now, context.request_id, caller)

        def work(transaction: sa.Connection) -> range:
            records = service.store.record(transaction, (made.entry,))
            if not draft_store.close_draft(service, transaction, draft, made.id):
                raise RequestRefused("changed-meanwhile", "the draft was changed meanwhile: open the page again")
            draft_documents.attach(transaction, live.bundle, made.id, draft.document, now, caller.id)
            return records

        records = await durable(service.store.do(work))
        note(scope, decision_id=made.id, outcome=made.outcome, proceed=made.proceed)
        for sequence in records:
            service.compare(sequence, made.given)
        return made.id

    async def again(self, context: DraftContext, draft: Draft, lang: str, scope: MutableMapping[str, Any]) -> None:
        """Decide the exchange of a decided draft again, with what was signed since; the draft then leads to the new decision."""
        service = self._service
        stored = await asyncio.to_thread(service.stored, draft.decision or "")
        made = await self._again.record(stored, context.caller, lang, scope)
        await durable(
            service.store.do(lambda transaction: draft_store.change(service, transaction, replace(draft, decision=made)))
        )

    def now(self, context: ReadingAll, draft: Draft, lang: str) -> PresentOutcome | None:
        """What the decision of a draft would be now; None where nothing happened since that a person could settle."""
        stored = self._service.stored(draft.decision or "")
        if not self._service.read(lambda connection: self._again.moved(connection, stored)):
            return None
        return self._again.look(stored, context.caller, lang, context.request_id)

    async def commit(self, context: Committing, draft: Draft, scope: MutableMapping[str, Any]) -> str:
        """
        Commit the decision of a draft, once; returns the id of the commitment.

        Where it may not proceed any more, the decision that says so is recorded, and the refusal names it. Raises RequestRefused.
        """
        service, decision = self._service, draft.decision or ""

        def work(transaction: sa.Connection) -> Any:
            now = service.context(Committing, context.caller, context.request_id)
            done = self._ledger.commit(now, decision, transaction)
            draft_store.change(service, transaction, replace(draft, commitment=done.commitment.id))
            return done

        try:
            done = await durable(service.store.do(work))
        except NoLongerPermitted as found:
            async with service.turns.of(context.caller.id):
                decided = found.tell()
            outgoing = Outgoing.of(decided, decided.answer, {"decision_id": decided.id, "outcome": decided.outcome})
            records = await durable(service.store.append_many(outgoing.entries))
            note(scope, **outgoing.noted)
            for sequence in records:
                service.compare(sequence, decided.given)
            raise RequestRefused(
                "decision-moved", "decided again with the current counters, policies and day, it may not proceed",
                decision={"id": decided.id, "outcome": decided.outcome},
            ) from None  # fmt: skip
        note(scope, decision_id=done.decided.id, commitment_id=done.commitment.id)
        service.compare(done.sequence, done.decided.given)
        commitment: str = done.commitment.id
        return commitment
