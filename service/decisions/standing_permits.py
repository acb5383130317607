"""
What a recorded decision permits today: the id of a decision or of a commitment goes in, what a contract may say of it comes out.

A decision that was not committed permits while it could still be committed: it is judged again, and must still proceed. One that was
committed permits while its commitment and the rights that this granted stand. Both end on the last day on which the same facts certainly
have the same outcome. An exchange that may not proceed comes out with what would let it proceed.

- INVARIANT (never a permit from a no): a `StandingPermit` is made only of a record that says `proceed`, whose values are all there, and
  on a day on which it still holds. What cannot be said for certain is refused.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

import engine
from service.callers.context import Reading
from service.decisions import log_access
from service.decisions.commitment_writer import CommitmentWriter
from service.decisions.replay import CannotReplay, ReopenedRecord, Replayer
from service.ledger import commitment_list
from service.ledger.commitment_list import Commitment
from service.ledger.commitment_term import term_ends
from service.ledger.ended_commitments import commitment_of
from service.log.leaf import with_personal_values
from service.log.store import Stored
from service.problems import RequestRefused
from service.service import Service

PERMITTED = ("reasons", "duties", "coverage", "rests_on")  # the parts of the explanation that a contract says
REFUSED = ("ways", "remedies")
YEARS = 10  # for which the law of later days is looked at


@dataclass(frozen=True, slots=True)
class StandingPermit:
    """
    A permit that holds today, until the end of `last_day`: its record, its exchange, and parts of its explanation.

    `commitment` is that of the exchange, None where it was only decided. `day` is the day from which its term runs.
    """

    record: Mapping[str, Any]
    sequence: int
    leaf_hash: bytes
    bundle: engine.Bundle
    exchange: engine.Exchange
    explanation: Mapping[str, Any]
    day: date
    last_day: date
    commitment: Commitment | None

    @property
    def decision(self) -> str:
        """The id of the decision."""
        return str(self.record["id"])


@dataclass(frozen=True, slots=True)
class RefusedExchange:
    """An exchange that may not proceed: its record, and the parts of the explanation that say what would let it."""

    record: Mapping[str, Any]
    explanation: Mapping[str, Any]


class PermitReader:
    """Reads what the decisions of one service permit. It takes as long as searches do, so it runs in a thread."""

    def __init__(self, service: Service, replaying: Replayer) -> None:
        self._service = service
        self._replaying = replaying
        self._ledger = CommitmentWriter(service)

    def of_decision(self, context: Reading, id: str) -> StandingPermit | RefusedExchange:
        """What a decision permits today, as the caller may see its record. Raises RequestRefused."""

        def look(connection: sa.Connection) -> tuple[Stored, Commitment | None]:
            stored = log_access.record(context, id, connection)
            committed = commitment_of(connection, id)
            return stored, None if committed is None else commitment_list.one(context, committed, connection)

        stored, committed = self._service.read(look)
        if committed is not None:
            return self._committed(context, committed)
        record = with_personal_values(stored.entry.leaf, stored.entry.openings)
        if record["decision"].get("proceed") is not True:
            return RefusedExchange(record, self._ways(context, stored))
        _check_whole(stored)
        again = self._replaying.reopened(stored, request_id=context.request_id)
        day = date.fromisoformat(again.record["as_of"])
        committable = day + timedelta(days=self._service.settings.commit_within_days)
        permit = self._permit(stored, again, day, min(committable, self._last_day_now(context, id)), None)
        if permit.last_day < context.today:
            raise _none(f"what was decided held until {permit.last_day}: evaluate the exchange again")
        return permit

    def of_commitment(self, context: Reading, id: str) -> StandingPermit:
        """What a commitment permits today. Raises RequestRefused."""
        return self._committed(context, self._service.read(lambda connection: commitment_list.one(context, id, connection)))

    def _committed(self, context: Reading, commitment: Commitment) -> StandingPermit:
        if commitment.state != "committed":
            after = f"; {commitment.replaced_by} is in its place" if commitment.replaced_by else ""
            raise RequestRefused("commitment-ended", f"the commitment {commitment.id} was {commitment.state}{after}")
        stored = self._service.read(lambda connection: log_access.record(context, commitment.evaluation, connection))
        _check_whole(stored)
        again = self._replaying.reopened(stored, request_id=context.request_id)
        ends = [term_ends(again.judgement.exchange, commitment.as_of)]
        ends += [each.first_day_without - timedelta(days=1) for each in commitment.events if each.first_day_without]
        last = min((each for each in ends if each is not None), default=date.max)
        permit = self._permit(stored, again, commitment.as_of, last, commitment)
        if permit.last_day < context.today:
            raise _none(f"what was committed as {commitment.id} ended on {permit.last_day}: decide the exchange again")
        return permit

    def _last_day_now(self, context: Reading, id: str) -> date:
        """The last day of the outcome of a decision by the loaded policies, if it could be committed now. Raises RequestRefused."""
        try:
            judged = self._service.read(lambda connection: self._ledger.judged_now(context, id, connection))
        except RequestRefused as refused:
            raise (_none(refused.detail) if refused.kind == "not-committable" else refused) from None
        if not judged.proceeds:
            detail = (
                "decided again with the present counters, policies and day, it may not proceed: evaluate the exchange again"
            )
            raise _none(detail)
        pdp, judgement = judged.live.pdp, judged.judgement
        told = json.loads(pdp.explain(judgement, today=judged.today, id=id, parts=("holds_until",), lang="en"))
        last: str | None = told["holds_until"]["holds_until"]
        return date.max if last is None else date.fromisoformat(last)

    def _permit(
        self, stored: Stored, again: ReopenedRecord, day: date, until: date, commitment: Commitment | None
    ) -> StandingPermit:
        record = again.record
        if "denied" in record:
            raise _none(f"the caller was answered no: {record['denied']}")
        if record["decision"].get("proceed") is not True:
            raise _none("the decision does not let the exchange proceed")
        if not again.same_verdict:
            raise _none("this version of the engine comes to another verdict: evaluate the exchange again")
        if again.judgement.exchange.disputed:
            named = ", ".join(f"`{each}`" for each in again.judgement.exchange.disputed)
            raise _none(f"the register says something else of {named} than the exchange, so no contract can name it")
        last = again.last_day() or _years_after(day)
        approved = [date.fromisoformat(each["until"]) for each in record.get("signed_off", ())]
        return StandingPermit(
            record=record,
            sequence=stored.sequence,
            leaf_hash=stored.entry.leaf_hash,
            bundle=again.pdp.bundle,
            exchange=again.judgement.exchange,
            explanation=_explained(again, PERMITTED),
            day=day,
            last_day=min([last, until, *approved]),
            commitment=commitment,
        )

    def _ways(self, context: Reading, stored: Stored) -> Mapping[str, Any]:
        """What would let an exchange proceed; nothing beyond its answer where it cannot be decided again as it was."""
        try:
            again = self._replaying.reopened(stored, request_id=context.request_id)
        except CannotReplay:
            return {}
        return _explained(again, REFUSED) if again.same_verdict else {}


def _explained(again: ReopenedRecord, parts: tuple[str, ...]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(again.explanation(parts))
    return found


def _check_whole(stored: Stored) -> None:
    if any(opening.value is None for opening in stored.entry.openings):
        raise _none("personal values of the decision were erased, so its parties cannot be named: evaluate the exchange again")


def _years_after(day: date) -> date:
    """The last day up to which the law of later days is looked at."""
    return date(min(day.year + YEARS, date.max.year), day.month, min(day.day, 28))


def _none(detail: str) -> RequestRefused:
    return RequestRefused("no-contract", detail)
