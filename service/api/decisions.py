"""
`GET /v1/decisions`: a search of the log. `GET /v1/decisions/{id}`: one record as the log holds it. `…/replay`: decide it again.
`…/erase`: erase its personal values.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any, Literal

import sqlalchemy as sa
from fastapi import Response
from pydantic import Field

import engine
from service.api import paging
from service.api.operations import DECISION_ID, Shown
from service.api.parameters import Parameter, parameter, repeated, text, wrong
from service.api.router import Call, Router, written
from service.callers.context import Administering, Reading
from service.decisions import log_access, retention
from service.decisions.idempotency import KeptAnswer, once_prepared
from service.decisions.replay import Replayer
from service.log.record import KeptRecord
from service.log.record_views import record_json, written_page
from service.log.search import OUTCOMES, CursorRefused
from service.log.search_query import ABOUT, FIELDS, MOST_WORDS, Query, moment
from service.telemetry.log_lines import audit

LIMIT, MOST_ROWS = 50, 200
MOST_TEXT = 256  # characters in a value
_TRUE_OR_FALSE = {"true": True, "false": False}


def _moment(name: str, **schema: Any) -> Parameter[datetime]:
    def read(sent: str) -> datetime:
        try:
            return moment(sent, end=name == "until")
        except OverflowError:
            raise ValueError from None

    takes = "a day like 2026-11-24, or a moment like 2026-11-24T09:30:00Z"
    return Parameter(name, ABOUT[name], {"type": "string", **schema}, takes, read)


def _proceed(sent: str) -> bool:
    if sent not in _TRUE_OR_FALSE:
        raise ValueError
    return _TRUE_OR_FALSE[sent]


_ONCE: tuple[Parameter[Any], ...] = (
    _moment("since", examples=["2026-11-24", "2026-11-24T09:30:00Z"]),
    _moment("until"),
    Parameter("proceed", ABOUT["proceed"], {"type": "boolean"}, "`true` or `false`", _proceed),
    text("text", f"{ABOUT['text']}; a page looks through some thousand decisions", MOST_TEXT),
)


def _field(name: str) -> dict[str, Any]:
    word = {"enum": list(OUTCOMES)} if name == "outcome" else {"minLength": 1, "maxLength": MOST_TEXT}
    return parameter(
        name,
        f"{ABOUT[name]}; may be repeated, and then any of the values matches",
        {"type": "array", "maxItems": MOST_WORDS, "items": {"type": "string", **word}},
    )


router = Router("log")


class DecisionRow(Shown):
    """The summary of a decision."""

    sequence: int = Field(description="the record's place in the log")
    id: str
    recorded_at: datetime
    as_of: str
    outcome: str
    proceed: bool
    hypothetical: bool
    answer: str = Field(description="the decision in a sentence; empty for a caller who belongs to a party")
    exporter: str | None = Field(description="the exporter's id; null where it was not sent or was erased")
    recipient: str | None
    exporter_country: str | None
    recipient_country: str | None
    caller: str | None
    bundle: str = Field(description="the source digest of the policies")


class Decisions(Shown):
    """A page of decisions, newest first."""

    decisions: tuple[DecisionRow, ...]
    next: str | None = Field(
        description=f"{paging.NEXT}; a page may have fewer decisions than `limit` and still have a next one"
    )
    unindexed: int = Field(
        description="records that are not in the index; no search finds them until `fifthfactor log reindex` has run"
    )


class Erased(Shown):
    """A decision whose personal values are erased."""

    id: str
    erased: int = Field(description="number of values that this call erased")


class DifferenceShown(Shown):
    """A place where the two decisions differ; null where one has no value there."""

    pointer: str
    recorded: Any
    replayed: Any


class Replayed(Shown):
    """The result of deciding the request of a record again."""

    id: str
    holds: bool = Field(
        description="whether the result is as expected, given the two versions of the engine and of the semantics, and the erased values"
    )
    same: Literal["bytes", "meaning", "nothing"]
    recorded_by: str = Field(description="the version of the engine that made the recorded decision")
    replayed_by: str
    recorded_under: int = Field(
        description="the version of the semantics that the recorded decision was made under; under another one no difference is a fault"
    )
    replayed_under: int
    bundle: str = Field(description="the source digest of the policies")
    erased: tuple[str, ...] = Field(
        description="JSON Pointers into the request: the erased values, which the replay leaves out"
    )
    differences: tuple[DifferenceShown, ...]
    refused: str | None = Field(
        description="why the exchange would be refused now, where the recorded decision was made under other semantics; otherwise null"
    )


@router.get(
    "/v1/decisions",
    "searchDecisions",
    "Search the decisions",
    parameters=[*map(_field, FIELDS), *_ONCE, *paging.parameters(LIMIT, MOST_ROWS, "decisions")],
)
def decisions(context: Reading, call: Call[None], connection: sa.Connection) -> Decisions | Response:
    """The decisions that match all parameters, newest first, in pages."""
    query, page = query_of(repeated(call.request)), paging.Asked.of(call.request, LIMIT, MOST_ROWS)
    try:
        found = log_access.search(context, query, page.cursor, page.limit, connection)
    except CursorRefused:
        raise paging.unknown() from None
    return _json(written_page(found))


@router.get("/v1/decisions/{id}", "getDecision", "The record of a decision", "not-found", parameters=[DECISION_ID])
def decision(context: Reading, call: Call[None], connection: sa.Connection) -> KeptRecord | Response:
    """The record and its place in the log. Personal values are in clear, unless they were erased."""
    return _json(record_json(log_access.shown(context, call.path["id"], connection)))


@router.post(
    "/v1/decisions/{id}/erase",
    "eraseDecision",
    "Erase the personal values of a decision",
    "not-found",
    "not-erasable",
    parameters=[DECISION_ID],
)
async def erase(context: Administering, call: Call[None]) -> Erased | Response:
    """
    Erases the personal values of the record, and their salts, for good. The record and its hash stay.

    Answers that are kept for retries and hold these values are emptied. Searches no longer find the decision by the ids of its parties.
    A value that was erased before is not counted again. Nothing is erased while a law asks to keep the proof, or while an open
    commitment, counter, duty or approval rests on the record: the refusal lists the reasons, each with its last day.
    """
    id, service, replaying = call.path["id"], call.service, call.shared(Replayer)

    def work(law: retention.RetentionTerm, transaction: sa.Connection) -> KeptAnswer:
        erased = retention.erase(call.context(Administering), id, law, service.store, transaction)
        said = {"caller": context.caller.id, "decision_id": id, "values": erased, "request_id": context.request_id}
        return KeptAnswer(written(Erased(id=id, erased=erased)), after=lambda: audit(service.say, "decision-erased", **said))

    async def prepare() -> Callable[[sa.Connection], KeptAnswer]:
        stored = await asyncio.to_thread(service.stored, id)
        reopened = partial(replaying.reopened, request_id=context.request_id)
        return partial(work, await asyncio.to_thread(retention.bound, stored, reopened))

    return await once_prepared(service, call.request, context.caller, call.raw, prepare)


@router.get(
    "/v1/decisions/{id}/replay",
    "replayDecision",
    "Replay a decision",
    "not-found",
    "cannot-replay",
    parameters=[DECISION_ID],
)
def replayed(context: Reading, call: Call[None]) -> Replayed | Response:
    """Decides the request of a record again, on its day and by its policies, and compares the two decisions. Nothing is recorded."""
    return _json(asdict(call.shared(Replayer).replay_of(context, call.path["id"])))


def query_of(sent: Mapping[str, Sequence[str]]) -> Query:
    """The search that the parameters of a request ask for. Raises RequestRefused."""
    for name in FIELDS:
        if not all(0 < len(value) <= MOST_TEXT for value in sent.get(name, ())):
            raise wrong(name, f"`{name}` takes 1 to {MOST_TEXT} characters")
    for outcome in sent.get("outcome", ()):
        if outcome not in OUTCOMES:
            meant = engine.did_you_mean(outcome[:40], OUTCOMES)
            known = f"there is no outcome `{outcome[:40]}`; there are {', '.join(OUTCOMES)}"
            raise wrong("outcome", "; ".join(filter(None, (known, meant))))
    once = {name: values[0] for name, values in sent.items()}
    found: dict[str, Any] = {each.name: each.of(once) for each in _ONCE if each.name in once}
    found |= {name: tuple(sent[name]) for name in FIELDS if name in sent}
    return Query(**found)


def _json(document: Mapping[str, Any]) -> Response:
    """The answer with what passes through no model."""
    return Response(json.dumps(document, ensure_ascii=False), media_type="application/json")
