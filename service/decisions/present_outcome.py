"""
The present outcome of a recorded exchange: decided again today by the loaded policies, register, counters and sign-offs.

A record goes in; what would be decided now comes out, or, where a caller asks for it, a new decision that is recorded. What she approved
herself does not count in it (`own_requests`).
"""

import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

import engine
from service.callers import known_persons
from service.callers.caller import LOCAL, Caller
from service.decisions.answer_options import AnswerOptions
from service.decisions.decider import Decider
from service.decisions.exchange_bodies import ExchangeBodies
from service.decisions.exchange_judge import ExchangeJudge
from service.ledger.counter_marks import bare
from service.log.durable_record import durable
from service.log.leaf import with_personal_values
from service.log.record import exchange_of
from service.log.store import Stored
from service.problems import RequestRefused
from service.reviews import queue, sign_off, standing_sign_off
from service.service import Service
from service.telemetry.log_lines import note


@dataclass(frozen=True, slots=True)
class PresentOutcome:
    """
    What would be decided now: its outcome, whether the exchange may proceed, and its answer.

    `may_ask`: a caller who looks at it would get the same. Otherwise what she approved herself does not count for her, or she may not ask.
    """

    outcome: str
    proceed: bool
    answer: str
    may_ask: bool


def sent_again(record: Mapping[str, Any]) -> dict[str, Any]:
    """The exchange of a record as its caller sent it, without its day and without what the register said then."""
    request = bare(exchange_of(record), record.get("counted", {}))
    return {name: value for name, value in request.items() if name not in (engine.REGISTER, "as_of")}


class PresentDecider:
    """Decides the exchanges of records again, for one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._decider = Decider(service)
        self._bodies = ExchangeBodies(service)
        self._judge = ExchangeJudge(service)

    def moved(self, connection: sa.Connection, stored: Stored) -> bool:
        """
        Whether something may have changed since a record that a person could settle: it was signed, or other policies are loaded. False
        where a newer decision took its place, and where values were erased.
        """
        if any(opening.value is None for opening in stored.entry.openings):
            return False
        record, live = with_personal_values(stored.entry.leaf, stored.entry.openings), self._service.live
        if record.get("decision", {}).get("outcome") not in sign_off.OPEN:
            return False
        newest = queue.newest_of(connection, standing_sign_off.facts_of(live, record))
        if newest not in (None, stored.entry.id):
            return False
        other = record.get("bundle", {}).get("meaning") != live.digests.meaning
        return other or any(each.verdict == "approve" for each in sign_off.sign_offs_of(connection, stored.entry.id))

    def look(self, stored: Stored, viewer: Caller, lang: str, request_id: str) -> PresentOutcome | None:
        """
        What would be decided now for who asked for a record; None where its exchange cannot be read any
        more. It takes as long as deciding, and opens connections of its own.
        """
        try:
            record, raw = self._read(stored)
            live, now = self._service.live, self._service.clock()
            exchange = self._bodies.read(live, raw, now, viewer, lang)
            issuer = self._service.token_issuer
            asker = self._service.read(lambda connection: _asker(connection, record, issuer))
            judged = self._judge.judge(live, exchange, now, request_id, asker=asker)
            hers = judged
            if judged.judgement.signed_off and asker.id != viewer.id:
                hers = self._judge.judge(live, exchange, now, request_id, asker=viewer)
        except RequestRefused:
            return None
        written = live.pdp.answer(judged.judgement, today=judged.today, id=stored.entry.id, lang=lang)
        same = hers.judgement.outcome.word == judged.judgement.outcome.word
        return PresentOutcome(written.outcome, judged.proceeds, written.answer, same and "evaluate" in viewer.scopes)

    async def record(self, stored: Stored, caller: Caller, lang: str, scope: MutableMapping[str, Any]) -> str:
        """Decide the exchange of a record again for a caller, and record it; returns the id of the decision. Raises RequestRefused."""
        service = self._service
        _, raw = self._read(stored)
        async with service.turns.of(caller.id):
            made = self._decider.answer(
                service.live, raw, AnswerOptions(lang=lang), service.clock(), scope["request_id"], caller
            )
        for sequence in await durable(service.store.append_many((made.entry,))):
            service.compare(sequence, made.given)
        note(scope, decision_id=made.id, outcome=made.outcome, proceed=made.proceed)
        return made.id

    def _read(self, stored: Stored) -> tuple[dict[str, Any], bytes]:
        """A record, and the bytes of its exchange. Raises RequestRefused where values were erased."""
        sign_off.check_whole(stored)
        record = with_personal_values(stored.entry.leaf, stored.entry.openings)
        if "request" not in record:
            raise RequestRefused("not-signable", "the record holds no exchange")
        return record, json.dumps(sent_again(record), ensure_ascii=False).encode()


def _asker(connection: sa.Connection, record: Mapping[str, Any], token_issuer: str | None) -> Caller:
    """Who asked for a decision."""
    id = record.get("asked_by")
    if id is None:
        return LOCAL
    return Caller(id, frozenset(), person=known_persons.behind(connection, id, token_issuer))
