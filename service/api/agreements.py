"""
`/v1/assets/{id}/agreements` and `/v1/agreements/{id}`: who has a share in what an asset earns; proposed, accepted or opened, ended.
"""

import sqlalchemy as sa
from pydantic import BaseModel, Field

from service.api import paging
from service.api.operations import in_path
from service.api.parameters import AnyParameter, day
from service.api.router import Call, Router
from service.callers.context import Administering, Committing, Reading
from service.ledger import agreement_readings, agreements
from service.ledger.agreement_readings import AgreementPart, AgreementQuery
from service.ledger.agreement_terms import AcceptAgreementSent, EndAgreementSent, OpenAgreementSent, TermsSent
from service.ledger.rights_openings import ABOUT_ASSET
from service.problems import Kind

_ON = day("on", "the day on which they stand; today if it is left out")
_KNOWN = day("known", "agreements as they were at the end of this day; as they are now if it is left out")
_LISTING = paging.Listing[AgreementPart]("agreements", "agreements", (str,), 100, 100)
_ASSET, _ID = in_path("id", ABOUT_ASSET), in_path("id", "the id of the agreement")
_READING: list[AnyParameter] = [_ON, _KNOWN]
_CHANGED: tuple[Kind, ...] = ("not-found", "agreement-refused")

router = Router("ledger", "ledger")


class AgreementList(BaseModel):
    """A page of agreements, the oldest first."""

    agreements: list[AgreementPart] = Field(description="the agreements")
    next: str | None = Field(description=paging.NEXT)


@router.post(
    "/v1/assets/{id:path}/agreements",
    "proposeAgreement",
    "Propose an agreement on who benefits from an asset",
    parameters=[_ASSET],
    body=TermsSent,
    status=201,
    nulls=True,
)
def propose(context: Committing, call: Call[TermsSent], transaction: sa.Connection) -> AgreementPart:
    """
    Proposes who pays whom which part of the price, or of the income, of exchanges of an asset. It counts for nothing until it stands.

    A caller who belongs to a party must be among those who pay or are paid.
    """
    return agreements.propose(context, call.path["id"], call.sent, transaction)


@router.get(
    "/v1/assets/{id:path}/agreements",
    "listAgreementsOfAsset",
    "The agreements on who benefits from an asset",
    parameters=[_ASSET, *_READING, *_LISTING.parameters],
    nulls=True,
)
def of_asset(context: Reading, call: Call[None], connection: sa.Connection) -> AgreementList:
    """Agreements with all their versions. A caller who belongs to a party gets those that name it, with its own shares."""
    asset, asked = call.path["id"], _asked(context, call)
    found, following = _LISTING.page(
        call.query,
        lambda after, limit: agreement_readings.page(context, asset, asked, after, limit, connection),
        (asset, asked),
    )
    return AgreementList(agreements=found, next=following)


@router.get("/v1/agreements/{id}", "getAgreement", "An agreement", "not-found", parameters=[_ID, *_READING], nulls=True)
def one(context: Reading, call: Call[None], connection: sa.Connection) -> AgreementPart:
    """An agreement with all its versions. To a caller who belongs to a party that it does not name, there is none."""
    return agreement_readings.one(context, call.path["id"], _asked(context, call), connection)


@router.post(
    "/v1/agreements/{id}/amend",
    "amendAgreement",
    "Propose other terms",
    *_CHANGED,
    parameters=[_ID],
    body=TermsSent,
    nulls=True,
)
def amend(context: Committing, call: Call[TermsSent], transaction: sa.Connection) -> AgreementPart:
    """Proposes all terms anew. They count for exchanges that are committed once they stand; whoever is left out must accept, too."""
    return agreements.amend(context, call.path["id"], call.sent, transaction)


@router.post(
    "/v1/agreements/{id}/end",
    "endAgreement",
    "Propose that an agreement ends",
    *_CHANGED,
    parameters=[_ID],
    body=EndAgreementSent,
    nulls=True,
)
def end(context: Committing, call: Call[EndAgreementSent], transaction: sa.Connection) -> AgreementPart:
    """Proposes the first day on which the agreement no longer stands. What was booked stays."""
    return agreements.end(context, call.path["id"], call.sent, transaction)


@router.post(
    "/v1/agreements/{id}/accept",
    "acceptAgreement",
    "Accept an agreement for a party",
    *_CHANGED,
    parameters=[_ID],
    body=AcceptAgreementSent,
    nulls=True,
)
def accept(context: Committing, call: Call[AcceptAgreementSent], transaction: sa.Connection) -> AgreementPart:
    """Accepts the newest version, by its digest, for the party to which the caller belongs. It stands once all have."""
    return agreements.accept(context, call.path["id"], call.sent, transaction)


@router.post(
    "/v1/agreements/{id}/open",
    "openAgreement",
    "Let an agreement stand by what was shown",
    *_CHANGED,
    parameters=[_ID],
    body=OpenAgreementSent,
    nulls=True,
)
def open_version(context: Administering, call: Call[OpenAgreementSent], transaction: sa.Connection) -> AgreementPart:
    """Lets the newest version stand. Nobody here looks at the evidence; it is the only way where a role is paid and no party."""
    return agreements.open_version(context, call.path["id"], call.sent, transaction)


def _asked(context: Reading, call: Call[None]) -> AgreementQuery:
    return AgreementQuery(_ON.of(call.query) or context.today, _KNOWN.of(call.query))
