"""`/v1/ledger/promises` and `…/promises/{number}/kept`: what was promised until a last day, and the report that it was kept."""

import json
from datetime import date
from typing import Any, get_args

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, Field

from service.api import csv_tables, paging
from service.api.commitments import Sending, named, read, written
from service.api.operations import in_path, json_body, operation, schema_of
from service.api.parameters import parameter, single, wrong
from service.api.sent import Plain
from service.callers.caller import caller_of
from service.decisions.idempotency import KeptAnswer, once
from service.ledger import party_view
from service.ledger.promise_list import PromiseList, PromisePart, PromiseState
from service.problems import RequestRefused
from service.service import Service

_PAGE = 100
_LIST = "promises"
_STATES = get_args(PromiseState)
_FORMULA = ("=", "+", "-", "@")  # a spreadsheet program takes a cell that begins so for a formula
_LISTED = [
    parameter("party", "the id of the party that promises", {"type": "string", "minLength": 1, "maxLength": 256}),
    parameter("state", "the state of the promise", {"type": "string", "enum": list(_STATES)}),
    csv_tables.FORMAT,
    *paging.parameters(_PAGE, _PAGE, "promises"),
]
_TABLE = {"text/csv": {"schema": {"type": "string", "description": "a table with a header; a cell of terms is JSON"}}}


class KeptSent(Sending):
    """The report that a promise was kept."""

    evidence: str = Field(max_length=160, description="the kind of the document, as the vocabulary names it")
    dated: date = Field(description="the day of the document")
    document: str = Field(pattern="^[0-9a-f]{64}$", description="the SHA-256 of the document, in hexadecimal")


class PromisesShown(BaseModel):
    """A page of promises, those with the earliest last day first."""

    promises: list[PromisePart] = Field(description="the promises of the page")
    next: str | None = Field(description=paging.NEXT)


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    promises = PromiseList(service)

    @app.get(
        "/v1/ledger/promises",
        response_model=PromisesShown,
        **operation(
            "listPromises",
            "ledger",
            "Promises, by their last days",
            needs="read",
            parameters=_LISTED,
            answers={200: {"content": _TABLE}},
        ),
    )
    def listed(request: Request) -> Response:
        """
        What committed exchanges promised, until a last day, and whether it was kept. Those of commitments that ended are void and left out.

        A caller who belongs to a party gets what this party promised.
        """
        caller = caller_of(request.scope, "read", of_party=True)
        asked, query = paging.Asked.of(request, _PAGE, _PAGE), single(request)
        party, wants_csv = party_view.of_exporter(query.get("party"), caller), csv_tables.as_csv(query)
        state = next((each for each in _STATES if each == query.get("state")), None)
        if party is not None and not 0 < len(party) <= 256:
            raise wrong("party", "`party` takes 1 to 256 characters")
        if "state" in query and state is None:
            raise wrong("state", f"`state` takes {', '.join(f'`{each}`' for each in _STATES)}, not `{query['state'][:40]}`")
        place = asked.after(_LIST, str, str, int, filters=(party, state))
        after = None if place is None else (place[0], place[1], place[2])
        page, last = service.read(lambda connection: promises.page(connection, party, state, after, asked.limit), "ledger")
        cursor = None if last is None else paging.written(_LIST, *last, filters=(party, state))
        if wants_csv:
            rows = (map(_cell, each.model_dump(mode="json").values()) for each in page)
            return csv_tables.csv_answer(tuple(PromisePart.model_fields), rows, csv_tables.next_page(request, cursor))
        shown = [each.model_dump(mode="json") for each in page]
        return Response(json.dumps({"promises": shown, "next": cursor}, ensure_ascii=False), media_type="application/json")

    async def kept(request: Request) -> Response:
        """Reports that a promise was kept, by a document. The document stays with the caller; only its hash is recorded."""
        caller = caller_of(request.scope, "commit", of_party=True)
        raw, sent = await read(request, KeptSent)
        id, number = named(request.path_params["id"]), request.path_params["number"]
        if not (number.isascii() and number.isdigit() and len(number) < 6):
            raise RequestRefused("not-found", "the commitment has no such promise")

        def work(transaction: sa.Connection) -> KeptAnswer:
            told = promises.keep(transaction, id, int(number), sent.evidence, sent.dated, sent.document, caller)
            # Without what the record says, so that nothing of it is kept for retries.
            return KeptAnswer(written(told.model_copy(update={"by": None, "to": None, "terms": {}})))

        return await once(service, request, caller, raw, work)

    app.router.add_api_route(
        "/v1/commitments/{id}/promises/{number}/kept",
        kept,
        methods=["POST"],
        response_model=PromisePart,
        route_class_override=Plain,
        **operation(
            "keepPromise",
            "ledger",
            "Report a promise as kept",
            "not-found",
            "commitment-ended",
            "promise-kept",
            needs="commit",
            parameters=[in_path("id", "the id of the commitment"), in_path("number", "the number of the promise, from 0")],
            body=json_body(schema_of(KeptSent)),
            repeatable=True,
        ),
    )


def _cell(value: Any) -> csv_tables.Cell:
    """A cell of a table: of terms JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
