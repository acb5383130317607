"""`/v1/ledger/promises` and `…/promises/{number}/…`: what was promised by a day, reports that it was kept, and what is said of them."""

import json
from typing import Any, get_args

import sqlalchemy as sa
from fastapi import Response
from pydantic import BaseModel, Field

from service.api import csv_tables, paging
from service.api.commitments import named
from service.api.operations import in_path
from service.api.parameters import text, word
from service.api.router import Call, Router
from service.callers.context import Administering, Committing, Reading
from service.ledger import promise_countries, promise_list
from service.ledger.promise_countries import PromisedForCountries
from service.ledger.promise_list import AnswerSent, KeptSent, PromiseCounts, PromiseFilter, PromisePart, SettlementSent
from service.problems import RequestRefused

PARTY = text("party", "the id of the party that promises")
TO = text("to", "the id of the party to which it is promised")
STATE = word(
    "state", "the state of the promise; `late` if it was kept late, `disputed` if a report is", get_args(PromiseFilter)
)
_OF_COMMITMENT = in_path("id", "the id of the commitment")
_NUMBER = in_path("number", "the number of the promise, from 0")
_REPORT = in_path("report", "the number of the report on the promise, from 0")
_PROMISES = paging.Listing[PromisePart]("promises", "promises", (str, str, int), 100, 100)
_TABLE = {"text/csv": {"schema": {"type": "string", "description": "a table with a header; a cell of terms is JSON"}}}

router = Router("ledger", "ledger")


class PromisesShown(paging.Page):
    """A page of promises, those with the earliest last day first."""

    promises: list[PromisePart] = Field(description="the promises of the page")
    counts: PromiseCounts = Field(description="of all promises that these parties give, in whichever state")
    next: str | None = Field(description=paging.NEXT)


class PromisedCountries(BaseModel, frozen=True):
    """What was promised by country, the largest number first."""

    countries: list[PromisedForCountries] = Field(description="a line for each promise and the countries that it is for")


@router.get(
    "/v1/ledger/promises",
    "listPromises",
    "Promises, by their last days",
    parameters=[PARTY, TO, STATE, csv_tables.FORMAT, *_PROMISES.parameters],
    answers={200: {"content": _TABLE}},
    nulls=True,
)
def listed(context: Reading, call: Call[None], connection: sa.Connection) -> PromisesShown | Response:
    """
    What committed exchanges promised, until a last day, and whether it was kept. Those of commitments that ended are void and left out.

    A caller who belongs to a party gets what this party promised, and what was promised to it.
    """
    party, to, state = PARTY.of(call.query), TO.of(call.query), STATE.of(call.query)
    wants_csv = csv_tables.as_csv(call.query)
    found, following = _PROMISES.page(
        call.query,
        lambda after, limit: promise_list.page(context, party, to, state, after, limit, connection),
        (party, to, state),
    )
    if wants_csv:
        rows = (map(_cell, each.model_dump(mode="json").values()) for each in found)
        return csv_tables.csv_answer(tuple(PromisePart.model_fields), rows, csv_tables.next_page(call.request, following))
    counts = promise_list.counts(context.today, promise_list.asked(context, party, to, state), connection)
    return PromisesShown(promises=found, counts=counts, next=following)


@router.get(
    "/v1/ledger/promises/countries",
    "getPromisesByCountry",
    "What was promised for the people of each country, and what was reported",
    parameters=[PARTY, TO, csv_tables.FORMAT],
    answers={200: {"content": _TABLE}},
)
def countries(context: Reading, call: Call[None], connection: sa.Connection) -> PromisedCountries | Response:
    """
    Promises added up by the countries that they are for, with what was reported, confirmed and overdue of them.

    A promise for several countries is in a line of these countries together. A caller who belongs to a party gets what this party promised,
    and what was promised to it.
    """
    found = promise_countries.by_country(context, PARTY.of(call.query), TO.of(call.query), connection)
    if csv_tables.as_csv(call.query):
        rows = ([" ".join(cell) if isinstance(cell, list) else cell for _, cell in each] for each in found)
        return csv_tables.csv_answer(tuple(PromisedForCountries.model_fields), rows)
    return PromisedCountries(countries=found)


@router.post(
    "/v1/commitments/{id}/promises/{number}/kept",
    "keepPromise",
    "Report a promise as kept",
    "not-found",
    "commitment-ended",
    "promise-kept",
    parameters=[_OF_COMMITMENT, _NUMBER],
    body=KeptSent,
)
def kept(context: Committing, call: Call[KeptSent], transaction: sa.Connection) -> PromisePart:
    """
    Reports that a promise was kept, or some of it, by a document. The document stays with the caller; only its hash is recorded.

    Reports add up. The promise is kept on the day of the document with which they reach what was promised.
    """
    return _bare(promise_list.keep(context, named(call.path["id"]), _number(call, "number"), call.sent, transaction))


@router.post(
    "/v1/commitments/{id}/promises/{number}/reports/{report}/answer",
    "answerPromiseReport",
    "Confirm or dispute a report on a promise",
    "not-found",
    "commitment-ended",
    "not-answerable",
    parameters=[_OF_COMMITMENT, _NUMBER, _REPORT],
    body=AnswerSent,
)
def answered(context: Committing, call: Call[AnswerSent], transaction: sa.Connection) -> PromisePart:
    """
    Confirms a report or disputes it, once, with a reason. The caller belongs to the party that it was promised to.

    A report in dispute counts until that is settled.
    """
    id, number, report = named(call.path["id"]), _number(call, "number"), _number(call, "report")
    return _bare(promise_list.answer(context, id, number, report, call.sent, transaction))


@router.post(
    "/v1/commitments/{id}/promises/{number}/reports/{report}/settle",
    "settlePromiseDispute",
    "Settle a dispute over a report on a promise",
    "not-found",
    "commitment-ended",
    "not-answerable",
    parameters=[_OF_COMMITMENT, _NUMBER, _REPORT],
    body=SettlementSent,
)
def settled(context: Administering, call: Call[SettlementSent], transaction: sa.Connection) -> PromisePart:
    """Settles whether a report in dispute counts or is dropped, with a reason."""
    id, number, report = named(call.path["id"]), _number(call, "number"), _number(call, "report")
    return _bare(promise_list.settle(context, id, number, report, call.sent, transaction))


def _number(call: Call[Any], name: str) -> int:
    """The number of a promise or of a report in the address."""
    number = call.path[name]
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        raise RequestRefused("not-found", "the commitment has no such promise, or the promise no such report")
    return int(number)


def _bare(told: PromisePart) -> PromisePart:
    """Without what the record and the parties say, so that nothing of it is kept for retries."""
    reports = [each.model_copy(update={"reason": None, "ruling": None}) for each in told.reports]
    return told.model_copy(update={"by": None, "to": None, "terms": {}, "reports": reports})


def _cell(value: Any) -> csv_tables.Cell:
    """A cell of a table: of terms JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
