"""
Decides what a program asks by a mapping: its input goes in, yes or no comes out with the decision to be recorded before it is told.

The exchange is decided and recorded like any other; the record names the mapping, its digest and the operation. `allow` is `proceed`. Where
a duty is owed that the mapping does not say its program carries out, the answer is no, and the record says why: such a decision cannot be
committed. An operation that the mapping names as one that moves no data is allowed, and nothing is decided.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

import engine
from service.callers.caller import Caller
from service.decisions.answer_options import AnswerOptions
from service.decisions.decider import DecidedNow, Decider
from service.decisions.exchange_judge import ExchangeJudge, JudgedExchange
from service.decisions.ledger_counts import LedgerCounts
from service.log.durable_record import durable
from service.mappings.entity_store import Entities, EntityNotValid, KnownEntities
from service.mappings.registered_entities import EntityRegister
from service.mappings.request_reading import ReadRequest, RequestReading, refusal
from service.policies.live import Live
from service.problems import RequestRefused, no_such, not_readable
from service.register.stated_facts import stating
from service.service import Service


@dataclass(frozen=True, slots=True)
class MappedAnswer:
    """
    The answer to what a program asks: whether it may go on, and why, in a sentence.

    `proceed` is that of the decision. `decided` is the decision, None where none was made: the operation moves no data, or an entity is not
    valid today. `not_carried` are the duties that are owed and that the program does not carry out.
    """

    mapping: engine.RequestMapping
    read: ReadRequest | None
    allow: bool
    proceed: bool
    reason: str
    decided: DecidedNow | None = None
    not_carried: tuple[str, ...] = ()

    @property
    def decision(self) -> str | None:
        """The id of the decision, if one was made."""
        return self.decided.id if self.decided else None

    @property
    def noted(self) -> dict[str, object]:
        """What the log line of the request says."""
        found: dict[str, object] = {"mapping": self.mapping.name, "allow": self.allow}
        if self.decided:
            found |= {"decision_id": self.decided.id, "outcome": self.decided.outcome, "proceed": self.proceed}
        return found


def mapping_of(live: Live, name: str, door: str) -> engine.RequestMapping:
    """The mapping of a name that a door reads. Raises RequestRefused."""
    here = {name: each for name, each in live.bundle.mappings.items() if each.door == door}
    if name not in here:
        raise RequestRefused("not-found", no_such("mapping for this door", name, here))
    found = here[name]
    assert isinstance(found.text, engine.RequestMappingText)
    return found


class MappedDecisions:
    """Decides what programs ask by the mappings of the live policies. One for each application."""

    def __init__(self, service: Service, entities: Entities | None = None) -> None:
        self._service = service
        self._entities = entities or EntityRegister(service.store.database)
        self._decider = Decider(service)
        self._judge = ExchangeJudge(service)
        self._ledger = LedgerCounts(service)
        self._readings: tuple[Live | None, dict[tuple[str, str], RequestReading]] = None, {}

    async def answer(
        self,
        name: str,
        door: str,
        sent: Mapping[str, Any],
        caller: Caller,
        request_id: str,
        at: str = "",
        live: Live | None = None,
    ) -> MappedAnswer:
        """
        The answer, once its decision is recorded. `at` is the pointer to the input in the body. Raises RequestRefused.

        `live` are the policies by whose mapping `sent` was put together, where it was.
        """
        live = live or self._service.live
        found = await self._decided(live, mapping_of(live, name, door), sent, caller, request_id, at)
        if found.decided is not None:
            (sequence,) = await durable(self._service.store.append_many((found.decided.entry,)))
            self._service.compare(sequence, found.decided.given)
        return found

    async def _decided(
        self,
        live: Live,
        mapping: engine.RequestMapping,
        sent: Mapping[str, Any],
        caller: Caller,
        request_id: str,
        at: str,
    ) -> MappedAnswer:
        """The answer with its decision, which is not recorded yet. Raises RequestRefused."""
        service, now = self._service, self._service.clock()
        reading, known = self._reading(live, mapping, at), KnownEntities(self._entities)
        today = service.settings.day_of(now)
        try:
            read = await asyncio.to_thread(reading.read, sent, known, today, caller.reads)
        except EntityNotValid as reason:
            return MappedAnswer(mapping, None, False, False, str(reason))
        except sa.exc.SQLAlchemyError:
            raise not_readable("register") from None
        if read.exchange is None:
            return MappedAnswer(mapping, read, True, True, read.why_not)
        async with service.turns.of(caller.id):
            self._check(live, read, now, caller, at)
            judged = self._judge.judge(live, read.exchange, now, request_id, asker=caller)
            return self._told(mapping, read, judged, request_id, caller)

    def _reading(self, live: Live, mapping: engine.RequestMapping, at: str) -> RequestReading:
        """What reads by a mapping; it is made once for the policies that decide."""
        if self._readings[0] is not live:
            self._readings = live, {}
        readings = self._readings[1]
        if (mapping.name, at) not in readings:
            readings[mapping.name, at] = RequestReading(live.bundle, stating(live), mapping, at)
        return readings[mapping.name, at]

    def _check(self, live: Live, read: ReadRequest, now: datetime, caller: Caller, at: str) -> None:
        """An earlier data set that a request names must count wherever the exchange does. Raises RequestRefused, at its place."""
        assert read.exchange is not None
        try:
            self._ledger.check_same_people(live, read.exchange, now, caller)
        except RequestRefused as refused:
            if refused.kind != "exchange-refused":
                raise
            placed = {f"/{each.fact.replace('.', '/')}": each.pointer for each in read.statements}
            places = [each.model_copy(update={"pointer": placed.get(each.pointer, at)}) for each in refused.errors or ()]
            raise refusal(places) from None

    def _told(
        self, mapping: engine.RequestMapping, read: ReadRequest, judged: JudgedExchange, request_id: str, caller: Caller
    ) -> MappedAnswer:
        """The answer to a judged exchange."""
        open_duties = not_carried(judged.live.bundle, mapping, judged.judgement)
        why = why_denied(open_duties)
        recorded = {
            "name": mapping.name,
            "digest": mapping.digest,
            "operation": read.operation,
            "from_client": list(read.by_client),
        }
        decided = self._decider.tell(
            judged, AnswerOptions(), request_id, caller, lambda written: why if written.proceed else "", recorded
        )
        allow = decided.written.proceed and not why
        reason = (
            f"{why[:1].upper()}{why[1:]}. {decided.told.answer}" if decided.written.proceed and why else decided.told.answer
        )
        return MappedAnswer(mapping, read, allow, decided.written.proceed, reason, decided, open_duties)


def why_denied(open_duties: Sequence[str]) -> str:
    """Why a program is told no although the exchange may proceed, if duties are owed that it does not carry out."""
    return f"duties are owed that the program does not carry out: {', '.join(open_duties)}" if open_duties else ""


def not_carried(bundle: engine.Bundle, mapping: engine.RequestMapping, judgement: engine.Judgement) -> tuple[str, ...]:
    """The duties that an exchange brings, or may bring, and that the program does not carry out, by their keys."""
    carried = frozenset(mapping.text.carries)
    owed = (key for key in judgement.verdict.owed if bundle.duties[key].arises == "exchange")
    return tuple(sorted(key for key in owed if carried.isdisjoint((key, engine.owner_of(key)))))
