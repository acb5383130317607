"""
`GET /v1/decisions`: a search of the log. `GET /v1/decisions/{id}`: one record as the log holds it. `…/replay`: decide it again.
`…/erase`: erase its personal values.
"""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from pydantic import Field

from service.api import schemas
from service.api.schemas import Shown
from service.callers.caller import caller_of
from service.decisions.idempotency import KeptAnswer, once
from service.decisions.replay import CannotReplay, Replaying
from service.log.query import ABOUT, FIELDS, MOST_WORDS, Query, moment
from service.log.record import KeptRecord
from service.log.search import OUTCOMES, CursorRefused, find
from service.log.shown import kept, written_page
from service.log.store import find as find_one
from service.problems import RequestRefused
from service.service import Service
from service.telemetry.log_lines import audit

LIMIT, MOST_ROWS = 50, 200
MOST_TEXT = 256  # characters in a value
NOT_RECORDED = "no decision with this id is recorded"

_ONCE: dict[str, tuple[str, dict[str, Any]]] = {
    "since": (
        ABOUT["since"],
        {"type": "string", "examples": ["2026-11-24", "2026-11-24T09:30:00Z"]},
    ),
    "until": (ABOUT["until"], {"type": "string"}),
    "proceed": (ABOUT["proceed"], {"type": "boolean"}),
    "limit": ("most decisions on a page", {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": LIMIT}),
    "cursor": ("`next` of the previous page", {"type": "string"}),
}


def _parameters() -> list[dict[str, Any]]:
    def one(name: str, about: str, schema: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, "in": "query", "required": False, "description": about, "schema": schema}

    text: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": MOST_TEXT}
    many = [
        one(
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
    return [*many, *(one(name, about, schema) for name, (about, schema) in _ONCE.items())]


class DecisionRow(Shown):
    """The summary of a decision."""

    sequence: int = Field(description="the record's place in the log")
    id: str
    recorded_at: datetime
    as_of: str
    outcome: str
    proceed: bool
    hypothetical: bool
    answer: str
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
        description="the cursor of the next page, null on the last; a page may have fewer decisions than `limit` and still have a next one"
    )
    unindexed: int = Field(
        description="older records that are not in the index; no search finds them until `fifthfactor log reindex` has run"
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
        summary="Search the decisions",
        response_model=Decisions,
        responses=schemas.problems(400, 403, 503),
        openapi_extra={**schemas.needs("read"), "parameters": _parameters()},
    )
    def decisions(request: Request) -> Response:
        """The decisions that match all parameters, newest first, in pages."""
        caller_of(request.scope, "read")
        query, cursor, limit = asked(request.scope["query_string"])
        try:
            page = service.read(lambda connection: find(connection, query, cursor, limit))
        except CursorRefused as refused:
            raise RequestRefused("bad-request", str(refused)) from None
        return Response(json.dumps(written_page(page), ensure_ascii=False), media_type="application/json")

    @app.get(
        "/v1/decisions/{id}",
        summary="The record of a decision",
        response_model=KeptRecord,
        responses=schemas.problems(403, 404, 503),
        openapi_extra=schemas.needs("read"),
    )
    def decision(id: str, request: Request) -> Response:
        """The record and its place in the log. Personal values are in clear, unless they were erased."""
        caller_of(request.scope, "read")
        return Response(json.dumps(kept(service.stored(id)), ensure_ascii=False), media_type="application/json")

    @app.post(
        "/v1/decisions/{id}/erase",
        summary="Erase the personal values of a decision",
        response_model=Erased,
        responses=schemas.problems(400, 403, 404, 503),
        openapi_extra={**schemas.needs("administer"), "parameters": [schemas.IDEMPOTENCY_KEY]},
    )
    async def erase(id: str, request: Request) -> Response:
        """
        Erases the personal values of the record, and their salts, for good. The record and its hash stay.

        Answers that are kept for retries and hold these values are emptied. Searches no longer find the decision by the ids of its parties.
        Its sign-offs end. A value that was erased before is not counted again.
        """
        caller = caller_of(request.scope, "administer")

        def work(transaction: sa.Connection) -> KeptAnswer:
            if find_one(transaction, id) is None:
                raise RequestRefused("not-found", NOT_RECORDED)
            erased = service.store.erase_in(transaction, id)

            def tell() -> None:
                audit(service.say, "decision-erased", caller=caller.id, decision_id=id, values=erased, request_id=request_id)

            return KeptAnswer(json.dumps({"id": id, "erased": erased}).encode(), after=tell)

        request_id = request.scope["request_id"]
        return await once(service, request, caller, b"", work)

    @app.get(
        "/v1/decisions/{id}/replay",
        summary="Replay a decision",
        openapi_extra=schemas.needs("read"),
        response_model=Replayed,
        responses=schemas.problems(403, 404, 409, 503),
    )
    def replayed(id: str, request: Request) -> Response:
        """Decides the request of a record again, on its day and by its policies, and compares the two decisions. Nothing is recorded."""
        caller_of(request.scope, "read")
        try:
            found = replaying.of(service.stored(id))
        except CannotReplay as cannot:
            raise RequestRefused("cannot-replay", str(cannot)) from None
        return Response(json.dumps(asdict(found), ensure_ascii=False), media_type="application/json")


def asked(query: bytes) -> tuple[Query, str | None, int]:
    """The search, the cursor and the size of a page that a query asks for. Raises RequestRefused."""
    try:
        text = query.decode("ascii")
        sent = (
            parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=MOST_WORDS, errors="strict")
            if text
            else []
        )
    except ValueError:
        raise RequestRefused(
            "bad-request", f"write the query as at most {MOST_WORDS} parameters, like `?outcome=review`"
        ) from None
    many: dict[str, list[str]] = {}
    once: dict[str, Any] = {}
    for name, value in sent:
        if not 0 < len(value) <= MOST_TEXT:
            raise RequestRefused("bad-request", f"`{name[:40]}` takes 1 to {MOST_TEXT} characters")
        if name in FIELDS:
            many.setdefault(name, []).append(value)
        elif name not in _ONCE:
            known = ", ".join(f"`{each}`" for each in (*FIELDS, *_ONCE))
            raise RequestRefused("bad-request", f"there is no parameter `{name[:40]}`; there are {known}")
        elif name in once:
            raise RequestRefused("bad-request", f"the query has `{name}` twice")
        else:
            once[name] = _read(name, value)
    for outcome in many.get("outcome", ()):
        if outcome not in OUTCOMES:
            raise RequestRefused("bad-request", f"there is no outcome `{outcome[:40]}`; there are {', '.join(OUTCOMES)}")
    cursor, limit = once.pop("cursor", None), once.pop("limit", LIMIT)
    once |= {name: tuple(values) for name, values in many.items()}
    return Query(**once), cursor, limit


def _read(name: str, value: str) -> Any:
    match name:
        case "since" | "until":
            try:
                return moment(value, end=name == "until")
            except (ValueError, OverflowError):
                raise RequestRefused(
                    "bad-request", f"`{name}` takes a day like 2026-11-24, or a moment like 2026-11-24T09:30:00Z"
                ) from None
        case "proceed":
            if value not in ("true", "false"):
                raise RequestRefused("bad-request", "`proceed` takes `true` or `false`")
            return value == "true"
        case "limit":
            if not (value.isascii() and value.isdigit() and 1 <= int(value) <= MOST_ROWS):
                raise RequestRefused("bad-request", f"`limit` takes a number from 1 to {MOST_ROWS}")
            return int(value)
        case _:
            return value
