"""
`/v1/commitments`: commit a decided exchange, withdraw a commitment, or amend it.

An answer leaves once its commitment is durable. A refusal because the decision no longer holds carries the new decision, which is
recorded.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import sqlalchemy as sa
from fastapi import Response
from pydantic import Field

import engine
from service.api import csv_tables, paging
from service.api.operations import in_path
from service.api.parameters import text, word
from service.api.router import Call, Router, Sent, written
from service.callers.context import Committing, Reading
from service.decisions.commitment_writer import (
    ID,
    AmendSent,
    CommitmentWriter,
    CommitSent,
    EndSent,
    NoLongerPermitted,
    WithdrawSent,
)
from service.decisions.idempotency import KeptAnswer
from service.decisions.recording import Outgoing, record_and_answer
from service.ledger import benefit_refunds, commitment_events, commitment_list, commitment_references
from service.ledger.benefit_refunds import RefundPart, RefundSent
from service.ledger.commitment_events import STAGES, StageSent
from service.ledger.commitment_list import Commitment, CommitmentsWanted, StageWanted, State
from service.ledger.commitment_references import KINDS, MOST_LETTERS, CommitmentReference, ReferencesSent
from service.problems import MEDIA_TYPE, Kind, RequestRefused

EXPORTER = text("exporter", "the exporter's id")
STATE = word("state", "the state of the commitment", get_args(State))
STAGE = word("stage", "the last stage that the exchange reached; `none` of those before the first", get_args(StageWanted))
REFERENCE = text("reference", "a number by which others know the exchange, of whatever kind", MOST_LETTERS)
_COMMITMENTS = paging.Listing[Commitment]("commitments", "commitments", (int,), 100, 100)
_ID = in_path("id", "the id of the commitment")
_DECIDING: tuple[Kind, ...] = ("not-found", "exchange-refused", "not-committable", "decision-moved")

router = Router("ledger", "ledger")


class Commitments(paging.Page):
    """A page of commitments, the oldest first."""

    commitments: list[Commitment]
    next: str | None = Field(description=paging.NEXT)


@router.post("/v1/commitments", "commit", "Commit a decision", *_DECIDING, body=CommitSent, status=201)
async def commit(context: Committing, call: Call[CommitSent]) -> Commitment | Response:
    """Decides the exchange of a decision again with the current counters, and commits it if it may still proceed."""
    return await _attempt(context, call, call.sent.decision, references=call.sent.references)


@router.post(
    "/v1/commitments/{id}/amend",
    "amendCommitment",
    "Replace a commitment",
    *_DECIDING,
    "commitment-ended",
    parameters=[_ID],
    body=AmendSent,
    status=201,
)
async def amend(context: Committing, call: Call[AmendSent]) -> Commitment | Response:
    """Replaces a commitment by one for another decision. The old one no longer counts; both are kept."""
    sent = call.sent
    return await _attempt(context, call, sent.decision, named(call.path["id"]), sent.reason, sent.references)


@router.post(
    "/v1/commitments/{id}/withdraw",
    "withdrawCommitment",
    "Withdraw a commitment",
    "not-found",
    "commitment-ended",
    parameters=[_ID],
    body=WithdrawSent,
)
def withdraw(context: Committing, call: Call[WithdrawSent], transaction: sa.Connection) -> Commitment:
    """Ends a commitment whose exchange does not happen. It no longer counts, but is kept."""
    id = named(call.path["id"])
    call.note(commitment_id=id)
    return _erasable(call, call.shared(CommitmentWriter).withdraw(context, id, call.sent, transaction), transaction)


@router.post(
    "/v1/commitments/{id}/refund",
    "refundCommitment",
    "Refund a part of the price",
    "not-found",
    "commitment-ended",
    "not-payable",
    parameters=[_ID],
    body=RefundSent,
)
def refund(context: Committing, call: Call[RefundSent], transaction: sa.Connection) -> RefundPart:
    """Divides the price less all refunds anew, and books the difference. What was paid of it and is no longer payable is owed back."""
    id = named(call.path["id"])
    call.note(commitment_id=id)
    return benefit_refunds.refund(context, id, call.sent, transaction)


@router.post(
    "/v1/commitments/{id}/end",
    "endCommitment",
    "End the rights that a commitment granted",
    "not-found",
    "commitment-ended",
    "not-endable",
    parameters=[_ID],
    body=EndSent,
)
def end(context: Committing, call: Call[EndSent], transaction: sa.Connection) -> Commitment:
    """Ends the rights that a commitment granted, from a day on. It stays committed, and its counters stay as they are."""
    id = named(call.path["id"])
    call.note(commitment_id=id)
    return _erasable(call, call.shared(CommitmentWriter).end_rights(context, id, call.sent, transaction), transaction)


@router.post(
    "/v1/commitments/{id}/references",
    "addReferences",
    "Add the numbers by which others know a commitment",
    "not-found",
    "commitment-ended",
    parameters=[_ID],
    body=ReferencesSent,
)
def refer(context: Committing, call: Call[ReferencesSent], transaction: sa.Connection) -> Commitment:
    """Adds numbers of orders, contracts and invoices. Those that it has stay, and count once."""
    id = named(call.path["id"])
    call.note(commitment_id=id)
    commitment_references.refer(context, id, call.sent, transaction)
    return _erasable(call, commitment_list.known(id, transaction), transaction)


@router.post(
    "/v1/commitments/{id}/stages",
    "reachStage",
    "Note a stage that the exchange of a commitment reached",
    "not-found",
    "commitment-ended",
    "stage-reached",
    parameters=[_ID],
    body=StageSent,
)
def reach(context: Committing, call: Call[StageSent], transaction: sa.Connection) -> Commitment:
    """Notes a stage with its day: listed, signed, delivered, settled, in this order. A stage may be passed over."""
    id = named(call.path["id"])
    call.note(commitment_id=id)
    commitment_events.reach(context, id, call.sent, transaction)
    return _erasable(call, commitment_list.known(id, transaction), transaction)


@router.get(
    "/v1/commitments",
    "listCommitments",
    "Commitments, oldest first",
    parameters=[EXPORTER, STATE, STAGE, REFERENCE, csv_tables.FORMAT, *_COMMITMENTS.parameters],
    answers={200: {"content": csv_tables.CONTENT}},
)
def listing(context: Reading, call: Call[None], connection: sa.Connection) -> Commitments | Response:
    """
    A page of commitments, filtered by exporter, state, stage or reference if the query names one.

    A caller who belongs to a party gets that exporter's.
    """
    sent, as_csv = call.query, csv_tables.as_csv(call.query)
    wanted = CommitmentsWanted(EXPORTER.of(sent), STATE.of(sent), STAGE.of(sent), REFERENCE.of(sent))
    found, following = _COMMITMENTS.page(
        sent, lambda after, limit: commitment_list.page(context, wanted, after, limit, connection), (wanted,)
    )
    if as_csv:
        header = ("id", "state", "stage", *STAGES, *KINDS, "as_of", "committed_at", "decision", "evaluation", "replaces")
        return csv_tables.csv_answer(header, map(_cells, found), csv_tables.next_page(call.request, following))
    return Commitments(commitments=found, next=following)


@router.get("/v1/commitments/{id}", "getCommitment", "A commitment", "not-found", parameters=[_ID])
def one(context: Reading, call: Call[None], connection: sa.Connection) -> Commitment:
    """A commitment, the counters that it moved, and its history."""
    return commitment_list.one(context, named(call.path["id"]), connection)


def named(id: str) -> str:
    """The id in an address. Raises RequestRefused where it cannot be one."""
    if not re.fullmatch(ID, id):
        raise RequestRefused("not-found", "there is no commitment with this id")
    return id


def _cells(made: Commitment) -> list[csv_tables.Cell]:
    """The line of a commitment in a table. Several numbers of a kind stand in one cell, with `; ` between them."""
    numbers = ["; ".join(each.number for each in made.references if each.kind == kind and each.number) for kind in KINDS]
    days = [made.stages.get(stage) for stage in STAGES]
    rest = (made.as_of, made.committed_at, made.decision, made.evaluation, made.replaces)
    return [made.id, made.state, made.stage, *days, *numbers, *rest]


def _erasable(call: Call[Sent], made: Commitment, transaction: sa.Connection) -> Commitment:
    """An answer with references or reasons: what is kept of it for a retry is erased with the record, as they are."""
    if _is_erasable(made):
        call.erased_with(commitment_list.record_number(transaction, made.id))
    return made


def _is_erasable(made: Commitment) -> bool:
    return bool(made.references) or any(each.reason is not None for each in made.events)


async def _attempt(
    context: Committing,
    call: Call[Sent],
    decision: str,
    old: str = "",
    reason: str | None = None,
    references: Sequence[CommitmentReference] = (),
) -> Response:
    """Commit a decision, in the place of an old commitment if one is named; or record and tell why it may not proceed."""
    service, request, ledger = call.service, call.request, call.shared(CommitmentWriter)

    def work(transaction: sa.Connection) -> KeptAnswer:
        done = ledger.commit(call.context(Committing), decision, transaction, old, reason, references)
        noted = {**_noted(done.decided.written), "commitment_id": done.commitment.id}
        made = Outgoing.of(done.decided, written(done.commitment), noted, status=201)
        records = range(done.sequence, done.sequence + 1)
        # Of what is erased with the record the answer holds the references and the reason, and nothing else.
        return replace(made.kept(service, request, records), records=records if _is_erasable(done.commitment) else range(0))

    try:
        return await call.once(context, work)
    except NoLongerPermitted as found:
        tell = found.tell

    async def moved() -> Outgoing:
        async with service.turns.of(context.caller.id):
            decided = tell()
        made = decided.told
        refused = RequestRefused(
            "decision-moved",
            "decided again with the current counters, policies and day, it may not proceed",
            decision={"id": made.id, "outcome": made.outcome, "answer": made.answer},
        )
        problem = refused.response(request.scope["path"], context.request_id)
        status, body = problem.status_code, bytes(problem.body)
        return Outgoing.of(decided, body, _noted(made), status=status, media_type=MEDIA_TYPE, refused=refused.kind)

    return await record_and_answer(service, request, context.caller, call.raw, moved)


def _noted(made: engine.WrittenDecision) -> dict[str, object]:
    return {"decision_id": made.id, "outcome": made.outcome, "proceed": made.proceed}
