"""`/v1/ledger/promises` and `…/promises/{number}/kept`: what was promised until a last day, and the report that it was kept."""

import json
from typing import Any, get_args

import sqlalchemy as sa
from fastapi import Response
from pydantic import Field

from service.api import csv_tables, paging
from service.api.commitments import named
from service.api.operations import in_path
from service.api.parameters import text, word
from service.api.router import Call, Router
from service.callers.context import Committing, Reading
from service.ledger import promise_list
from service.ledger.promise_list import KeptSent, PromisePart, PromiseState
from service.problems import RequestRefused

PARTY = text("party", "the id of the party that promises")
STATE = word("state", "the state of the promise", get_args(PromiseState))
_PROMISES = paging.Listing[PromisePart]("promises", "promises", (str, str, int), 100, 100)
_TABLE = {"text/csv": {"schema": {"type": "string", "description": "a table with a header; a cell of terms is JSON"}}}

router = Router("ledger", "ledger")


class PromisesShown(paging.Page):
    """A page of promises, those with the earliest last day first."""

    promises: list[PromisePart] = Field(description="the promises of the page")
    next: str | None = Field(description=paging.NEXT)


@router.get(
    "/v1/ledger/promises",
    "listPromises",
    "Promises, by their last days",
    parameters=[PARTY, STATE, csv_tables.FORMAT, *_PROMISES.parameters],
    answers={200: {"content": _TABLE}},
    nulls=True,
)
def listed(context: Reading, call: Call[None], connection: sa.Connection) -> PromisesShown | Response:
    """
    What committed exchanges promised, until a last day, and whether it was kept. Those of commitments that ended are void and left out.

    A caller who belongs to a party gets what this party promised.
    """
    party, state = PARTY.of(call.query), STATE.of(call.query)
    wants_csv = csv_tables.as_csv(call.query)
    found, following = _PROMISES.page(
        call.query,
        lambda after, limit: promise_list.page(context, party, state, after, limit, connection),
        (party, state),
    )
    if wants_csv:
        rows = (map(_cell, each.model_dump(mode="json").values()) for each in found)
        return csv_tables.csv_answer(tuple(PromisePart.model_fields), rows, csv_tables.next_page(call.request, following))
    return PromisesShown(promises=found, next=following)


@router.post(
    "/v1/commitments/{id}/promises/{number}/kept",
    "keepPromise",
    "Report a promise as kept",
    "not-found",
    "commitment-ended",
    "promise-kept",
    parameters=[in_path("id", "the id of the commitment"), in_path("number", "the number of the promise, from 0")],
    body=KeptSent,
)
def kept(context: Committing, call: Call[KeptSent], transaction: sa.Connection) -> PromisePart:
    """Reports that a promise was kept, by a document. The document stays with the caller; only its hash is recorded."""
    id, number = named(call.path["id"]), call.path["number"]
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        raise RequestRefused("not-found", "the commitment has no such promise")
    told = promise_list.keep(context, id, int(number), call.sent, transaction)
    # Without what the record says, so that nothing of it is kept for retries.
    return told.model_copy(update={"by": None, "to": None, "terms": {}})


def _cell(value: Any) -> csv_tables.Cell:
    """A cell of a table: of terms JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
