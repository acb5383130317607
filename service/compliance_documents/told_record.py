"""
The record that a draft is made from: the id of a decision goes in; its record, its commitment, its documents, what persons confirmed of
them, and the policies that decided it come out.

A caller gets what the page of the record would give it. Names of persons and the commitment are for callers who belong to no party.
The policies are those that decided. Where they are not kept here, or this version comes to another verdict, titles come from the policies
that are loaded, and the draft says so.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

import sqlalchemy as sa

import engine
from service.callers.caller_names import CallerName, caller_names
from service.callers.context import Reading
from service.decisions import log_access
from service.decisions.replay import CannotReplay, Replayer
from service.documents import confirmations, document_signatures
from service.documents.confirmations import Confirmation
from service.documents.document_signatures import DocumentSignature
from service.ledger.committed_records import CommittedRecord, of_decision
from service.log.leaf import with_personal_values
from service.log.store import Stored
from service.service import Service

_PARTS = ("reasons", "duties", "coverage")


@dataclass(frozen=True, slots=True)
class ShownBy:
    """
    What was confirmed, withdrawn and signed of the documents of a decision, in order, and the names of the persons who did.

    `withdrawn`: a confirmation that counted in the decision was withdrawn afterwards.
    """

    confirmed: Sequence[Confirmation] = ()
    signed: Sequence[DocumentSignature] = ()
    names: Mapping[str, CallerName] = field(default_factory=dict)
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class ToldRecord:
    """
    A record with what a draft says of it beside.

    `explanation` has the duties and gaps in the language of the draft; it is empty, and `untold` says why in a word, where the decision
    cannot be judged again as it was. `commitment` is None where there is none, or where the caller may not see it (`withheld`).
    """

    record: Mapping[str, Any]
    bundle: engine.Bundle
    explanation: Mapping[str, Any]
    untold: str
    commitment: CommittedRecord | None
    shown: ShownBy
    withheld: bool
    zone: tzinfo  # of the days of the service

    @property
    def request(self) -> Mapping[str, Any]:
        """The exchange as it was decided."""
        found: Mapping[str, Any] = self.record.get("request") or {}
        return found

    @property
    def recorded_at(self) -> datetime:
        """When the record was made."""
        return datetime.fromisoformat(self.record["recorded_at"])

    @property
    def standing(self) -> tuple[str, ...]:
        """The keys of the rules that stand for certain."""
        verdict = self.record["verdict"]
        return (*verdict["stands"], *verdict["advises"])


def told_record(context: Reading, id: str, lang: str, replayer: Replayer, service: Service) -> ToldRecord:
    """The record of a decision, as a caller may see it. Raises RequestRefused."""

    def read(connection: sa.Connection) -> tuple[Stored, CommittedRecord | None, ShownBy]:
        stored = log_access.shown(context, id, connection)
        if context.party is not None:
            return stored, None, ShownBy()
        return stored, of_decision(connection, id), _shown_by(context, stored, connection, service)

    stored, commitment, shown = service.read(read)
    record = with_personal_values(stored.entry.leaf, stored.entry.openings)
    bundle, explanation, untold = context.live.bundle, {}, ""
    try:
        again = replayer.reopened(stored, request_id=context.request_id)
        bundle = again.pdp.bundle
        if again.same_verdict:
            explanation = json.loads(again.explanation(_PARTS, lang))
        else:
            untold = "verdict"
    except CannotReplay as why:
        untold = why.cause
    return ToldRecord(
        record, bundle, explanation, untold, commitment, shown, context.party is not None, context.settings.tzinfo
    )


def _shown_by(context: Reading, stored: Stored, connection: sa.Connection, service: Service) -> ShownBy:
    """Those for this decision, and those for other decisions that counted in it, with what was withdrawn of them."""
    id, record = stored.entry.id, json.loads(stored.entry.leaf)
    counted = {each["id"]: name for name, each in (record.get("shown") or {}).items()}
    confirmed = confirmations.confirmations_of(connection, id)
    for given in confirmations.confirmations_by_id(connection, counted):
        name = counted[given.id]
        if given.decision != id:
            others = confirmations.confirmations_of(connection, given.decision)
            confirmed += [each for each in others if each.name == name and each not in confirmed]
    withdrawn = any(
        each.until is None and each.at >= given.at and each.name == given.name
        for given in confirmed
        if given.id in counted
        for each in confirmed
    )
    signed = document_signatures.signatures_of(connection, id, service.verifier, context.today)
    said_by = [*(each.by for each in confirmed), *(each["by"] for each in record.get("signed_off") or ())]
    in_order = sorted(confirmed, key=lambda each: (each.at, each.until is None))
    return ShownBy(in_order, signed, caller_names(connection, said_by), withdrawn)
