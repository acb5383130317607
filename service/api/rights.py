"""
`/v1/assets/{id}/rights` and `/v1/parties/{id}/rights`: read the book of rights. `/v1/rights/openings`: state what a party had before.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from fastapi import Response
from pydantic import BaseModel, Field

from service.api import paging
from service.api.csv_tables import CONTENT, FORMAT, as_csv, csv_answer, next_page
from service.api.operations import in_path
from service.api.parameters import AnyParameter, day, text, word
from service.api.router import Call, Router
from service.callers.context import Administering, Reading, ReadingAll
from service.ledger import rights_openings, rights_readings
from service.ledger.rights_openings import (
    ABOUT_ASSET,
    ABOUT_PARTY,
    RightsOpening,
    RightsOpeningSent,
    WithdrawOpeningSent,
)
from service.ledger.rights_readings import RightsLinePart, RightsPart, RightsQuery

ON = day("on", "the day on which the rights stand; today if it is left out")
KNOWN = day("known", "the book as it was at the end of this day; as it is now if it is left out")
HISTORY = word("history", "with `true`, lines that do not stand on the day, too", ("true", "false"))
ID = text("id", "the id in the address")
PARTY, ASSET = text("party", ABOUT_PARTY), text("asset", ABOUT_ASSET)
_LINES = {
    each: paging.Listing[RightsLinePart](f"rights of {each}", "lines", (str, str, int), 100, 1_000)
    for each in ("asset", "party")
}
_OPENINGS = paging.Listing[RightsOpening]("rights openings", "openings", (str,), 100, 100)
_READING: list[AnyParameter] = [ON, KNOWN, HISTORY, FORMAT, *_LINES["asset"].parameters]
_OPENING = in_path("id", "the id of the opening")
_TABLE = {200: {"content": CONTENT}}

router = Router("ledger", "ledger")


class RightsOpeningList(BaseModel):
    """A page of openings, the oldest first."""

    openings: list[RightsOpening] = Field(description="the openings")
    next: str | None = Field(description=paging.NEXT)


@router.get(
    "/v1/assets/{id:path}/rights",
    "listRightsOfAsset",
    "Who may do what with an asset on a day",
    parameters=[in_path("id", ABOUT_ASSET), *_READING],
    answers=_TABLE,
    nulls=True,
)
def of_asset(context: Reading, call: Call[None], connection: sa.Connection) -> RightsPart | Response:
    """
    The rights in an asset that stand on a day: whose they are, since and until when, by which chain, and what is missing.

    A caller who belongs to a party gets what this party has, and what it granted.
    """
    return _lines(context, call, connection, "asset")


@router.get(
    "/v1/parties/{id:path}/rights",
    "listRightsOfParty",
    "What a party has, and what it granted",
    parameters=[in_path("id", ABOUT_PARTY), *_READING],
    answers=_TABLE,
    nulls=True,
)
def of_party(context: Reading, call: Call[None], connection: sa.Connection) -> RightsPart | Response:
    """The rights that a party has on a day, and those that it granted."""
    return _lines(context, call, connection, "party")


@router.post(
    "/v1/rights/openings",
    "openRights",
    "State what a party has of an asset",
    "not-found",
    body=RightsOpeningSent,
    status=201,
    nulls=True,
)
def begin(context: Administering, call: Call[RightsOpeningSent], transaction: sa.Connection) -> RightsOpening:
    """Records what a party has of an asset, with what was shown for it. It counts as registered: nobody here looks at the evidence."""
    return rights_openings.begin(context, call.sent, transaction)


@router.post(
    "/v1/rights/openings/{id}/withdraw",
    "withdrawRightsOpening",
    "Withdraw an opening of rights",
    "not-found",
    "not-endable",
    parameters=[_OPENING],
    body=WithdrawOpeningSent,
    nulls=True,
)
def withdraw(context: Administering, call: Call[WithdrawOpeningSent], transaction: sa.Connection) -> RightsOpening:
    """Withdraws an opening: what it stated never counted. Grants that hang on it are no longer proven."""
    return rights_openings.withdraw(context, call.path["id"], call.sent, transaction)


@router.get(
    "/v1/rights/openings",
    "listRightsOpenings",
    "What parties had before",
    parameters=[PARTY, ASSET, *_OPENINGS.parameters],
    nulls=True,
)
def listing(context: ReadingAll, call: Call[None], connection: sa.Connection) -> RightsOpeningList:
    """Openings, also those that were withdrawn; of a party or an asset, if the query names one."""
    party, asset = PARTY.of(call.query), ASSET.of(call.query)
    found, following = _OPENINGS.page(
        call.query,
        lambda after, limit: rights_openings.page(context, party, asset, after, limit, connection),
        (party, asset),
    )
    return RightsOpeningList(openings=found, next=following)


@router.get(
    "/v1/rights/openings/{id}", "getRightsOpening", "An opening of rights", "not-found", parameters=[_OPENING], nulls=True
)
def one(context: ReadingAll, call: Call[None], connection: sa.Connection) -> RightsOpening:
    """An opening, with what was shown for it."""
    return rights_openings.one(context, call.path["id"], connection)


def _lines(context: Reading, call: Call[None], connection: sa.Connection, of: str) -> RightsPart | Response:
    """The lines of the asset or the party in the address. Raises RequestRefused."""
    id = ID.of(call.path)
    asked = RightsQuery(
        ON.of(call.query) or context.today,
        asset=id if of == "asset" else None,
        party=id if of == "party" else None,
        known=KNOWN.of(call.query),
        history=HISTORY.of(call.query) == "true",
    )
    found, following = _LINES[of].page(
        call.query,
        lambda after, limit: rights_readings.page(context, replace(asked, after=after, limit=limit), connection),
        (asked,),
    )
    if as_csv(call.query):
        return csv_answer(tuple(RightsLinePart.model_fields), map(_row, found), next_page(call.request, following))
    return RightsPart(on=asked.on, known=asked.known, lines=found, next=following)


def _row(line: RightsLinePart) -> Iterator[Any]:
    """A line as the cells of a table: lists with semicolons, and of how far it reaches the chains."""
    for name, value in line.model_dump(mode="json").items():
        if name == "reaches":
            yield "; ".join(" < ".join(each["chain"]) + ("" if each["sure"] else " (not proven)") for each in value)
        else:
            yield "; ".join(value) if isinstance(value, list) else value
