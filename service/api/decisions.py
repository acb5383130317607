"""
`GET /v1/decisions`: a search of the log. `GET /v1/decisions/{id}`: one record as the log holds it. `…/replay`: decide it again.
`…/erase`: erase its personal values.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from pydantic import Field

import engine
from service.api import paging
from service.api.operations import DecisionId, Shown, operation
from service.api.parameters import parameter, repeated, wrong
from service.callers.caller import caller_of
from service.decisions import retention
from service.decisions.idempotency import KeptAnswer, once_prepared
from service.decisions.replay import CannotReplay, Replaying
from service.ledger import party_view
from service.log.query import ABOUT, FIELDS, MOST_WORDS, Query, moment
from service.log.record import KeptRecord
from service.log.search import OUTCOMES, CursorRefused, find
from service.log.shown import kept, written_page
from service.problems import RequestRefused
from service.service import Service
from service.telemetry.log_lines import audit

LIMIT, MOST_ROWS = 50, 200
MOST_TEXT = 256  # characters in a value
_OF_PARTY = ("outcome", "exporter", "recipient")  # the fields that a caller who belongs to a party may search by

_ONCE: dict[str, tuple[str, dict[str, Any]]] = {
    "since": (
        ABOUT["since"],
        {"type": "string", "examples": ["2026-11-24", "2026-11-24T09:30:00Z"]},
    ),
    "until": (ABOUT["until"], {"type": "string"}),
    "proceed": (ABOUT["proceed"], {"type": "boolean"}),
    "text": (
        f"{ABOUT['text']}; a page looks through some thousand decisions",
        {"type": "string", "minLength": 1, "maxLength": MOST_TEXT},
    ),
}


def _parameters() -> list[dict[str, Any]]:
    text: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": MOST_TEXT}
    many = [
        parameter(
            name,
            f"{ABOUT[name]}; may be repeated, and then any of the values matches",
            {
                "type": "array",
                "maxItems": MOST_WORDS,
                "items": {"type": "string", "enum": list(OUTCOMES)} if name == "outcome" else text,
            },
        )
        for name in FIELDS
    ]
    once = (parameter(name, about, schema) for name, (about, schema) in _ONCE.items())
    return [*many, *once, *paging.parameters(LIMIT, MOST_ROWS, "decisions")]


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


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    replaying = Replaying.shared(app, service)

    # This is not `async`: reading waits for the disk, so each call runs in a thread.
    @app.get(
        "/v1/decisions",
        response_model=Decisions,
        **operation("searchDecisions", "log", "Search the decisions", needs="read", parameters=_parameters()),
    )
    def decisions(request: Request) -> Response:
        """The decisions that match all parameters, newest first, in pages."""
        caller = caller_of(request.scope, "read", of_party=True)
        query, page_asked = asked(repeated(request)), paging.Asked.of(request, LIMIT, MOST_ROWS)
        if caller.party is not None:
            query = _of_party(query, caller.party)
        try:
            page = service.read(lambda connection: find(connection, query, page_asked.cursor, page_asked.limit))
        except CursorRefused:
            raise paging.unknown() from None
        if caller.party is not None:
            # These may hold what the register says of others.
            page = replace(page, rows=tuple(replace(row, answer="", recipient_country=None) for row in page.rows))
        return Response(json.dumps(written_page(page), ensure_ascii=False), media_type="application/json")

    @app.get(
        "/v1/decisions/{id}",
        response_model=KeptRecord,
        **operation("getDecision", "log", "The record of a decision", "not-found", needs="read"),
    )
    def decision(id: DecisionId, request: Request) -> Response:
        """The record and its place in the log. Personal values are in clear, unless they were erased."""
        caller = caller_of(request.scope, "read", of_party=True)
        stored = service.stored(id)
        party_view.check_record(stored, caller)
        return Response(json.dumps(kept(stored), ensure_ascii=False), media_type="application/json")

    @app.post(
        "/v1/decisions/{id}/erase",
        response_model=Erased,
        **operation(
            "eraseDecision",
            "log",
            "Erase the personal values of a decision",
            "not-found",
            "not-erasable",
            needs="administer",
            repeatable=True,
        ),
    )
    async def erase(id: DecisionId, request: Request) -> Response:
        """
        Erases the personal values of the record, and their salts, for good. The record and its hash stay.

        Answers that are kept for retries and hold these values are emptied. Searches no longer find the decision by the ids of its parties.
        A value that was erased before is not counted again. Nothing is erased while a law asks to keep the proof, or while an open
        commitment, counter, duty or approval rests on the record: the refusal lists the reasons, each with its last day.
        """
        caller = caller_of(request.scope, "administer")

        def work(transaction: sa.Connection, law: retention.Bound) -> KeptAnswer:
            now, zone = service.clock(), service.settings.zone
            if found := retention.holds(transaction, id, law, lambda: service.live.counting, now, zone):
                raise retention.refusal(found)
            erased = service.store.erase_in(transaction, id, caller.id)

            def tell() -> None:
                audit(service.say, "decision-erased", caller=caller.id, decision_id=id, values=erased, request_id=request_id)

            return KeptAnswer(json.dumps({"id": id, "erased": erased}).encode(), after=tell)

        async def prepare() -> Callable[[sa.Connection], KeptAnswer]:
            stored = await asyncio.to_thread(service.stored, id)
            law = await asyncio.to_thread(retention.bound, stored, replaying.reopened)
            return lambda transaction: work(transaction, law)

        request_id = request.scope["request_id"]
        return await once_prepared(service, request, caller, b"", prepare)

    @app.get(
        "/v1/decisions/{id}/replay",
        response_model=Replayed,
        **operation("replayDecision", "log", "Replay a decision", "not-found", "cannot-replay", needs="read"),
    )
    def replayed(id: DecisionId, request: Request) -> Response:
        """Decides the request of a record again, on its day and by its policies, and compares the two decisions. Nothing is recorded."""
        caller = caller_of(request.scope, "read", of_party=True)
        stored = service.stored(id)
        party_view.check_record(stored, caller)
        try:
            found = replaying.of(stored)
        except CannotReplay as cannot:
            raise RequestRefused("cannot-replay", str(cannot)) from None
        return Response(json.dumps(asdict(found), ensure_ascii=False), media_type="application/json")


def _of_party(query: Query, party: str) -> Query:
    """The search of a caller who belongs to a party. Raises RequestRefused where it asks for what may be of others."""
    for name in (*FIELDS, "text"):
        if name not in _OF_PARTY and getattr(query, name):
            raise RequestRefused(
                "forbidden", f"a search by `{name}` may tell what the register says of others: it needs an operator's key"
            )
    if any(exporter != party for exporter in query.exporter):
        raise RequestRefused("forbidden", "the caller's key belongs to another party than the query names")
    return replace(query, exporter=(party,))


def asked(sent: Mapping[str, Sequence[str]]) -> Query:
    """The search that the parameters of a request ask for. Raises RequestRefused."""
    for name, values in sent.items():
        if name in (*FIELDS, *_ONCE) and not all(0 < len(value) <= MOST_TEXT for value in values):
            raise wrong(name, f"`{name}` takes 1 to {MOST_TEXT} characters")
    for outcome in sent.get("outcome", ()):
        if outcome not in OUTCOMES:
            meant = engine.did_you_mean(outcome[:40], OUTCOMES)
            known = f"there is no outcome `{outcome[:40]}`; there are {', '.join(OUTCOMES)}"
            raise wrong("outcome", "; ".join(filter(None, (known, meant))))
    found: dict[str, Any] = {name: _read(name, sent[name][0]) for name in _ONCE if name in sent}
    found |= {name: tuple(values) for name, values in sent.items() if name in FIELDS}
    return Query(**found)


def _read(name: str, value: str) -> Any:
    match name:
        case "since" | "until":
            try:
                return moment(value, end=name == "until")
            except (ValueError, OverflowError):
                raise wrong(name, f"`{name}` takes a day like 2026-11-24, or a moment like 2026-11-24T09:30:00Z") from None
        case "text":
            return value
        case _:
            if value not in ("true", "false"):
                raise wrong(name, f"`{name}` takes `true` or `false`")
            return value == "true"
