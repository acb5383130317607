"""
`GET /v1/reviews/coverage`: the law that was not read and for which decisions wait, by country and subject matter. `POST` to it says that an
organisation accepts some of it for a time: the YAML for its policies comes out, or is put into its own folder where a setting names that.
"""

import asyncio
from datetime import date

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from service.api.operations import json_body, operation, schema_of
from service.api.sent import Plain, body, read_body
from service.callers.caller import Caller, caller_of
from service.policies import acceptances
from service.policies.acceptances import AcceptanceAsked, Folder
from service.policies.reloading import PoliciesRefused
from service.problems import RequestRefused, places_of
from service.reviews import coverage_to_accept, queue
from service.reviews.coverage_to_accept import MOST_CELLS, CellToAccept
from service.reviews.reviewer import Reviewer
from service.service import Service
from service.settings import time_zone
from service.telemetry.log_lines import note

BODY_LIMIT = 64 * 1024


class CellShown(BaseModel):
    """A subject matter of a country of which the law was not read, or does not say that it reaches the data."""

    model_config = ConfigDict(frozen=True)

    country: str
    subject: str
    decisions: int = Field(description="how many decisions wait for it")
    alone: int = Field(description="how many of these wait for no other signature")
    example: str = Field(description="the id of the oldest of these decisions")


class CoverageToAccept(BaseModel):
    """The cells for which decisions wait, those with most decisions first."""

    model_config = ConfigDict(frozen=True)

    cells: tuple[CellShown, ...] = Field(description=f"at most {MOST_CELLS}")
    more: bool = Field(description="whether there are more cells, or more decisions than were counted")
    writes: bool = Field(description="whether the caller may have an acceptance put into the organisation's folder")


class AcceptanceMade(BaseModel):
    """What an organisation's policies say, or have to say."""

    model_config = ConfigDict(frozen=True)

    yaml: str = Field(description="the entries for `accepts:` in the organisation's document")
    written: str | None = Field(description="the file that has them now; null where they are to be copied")


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application. They stand before those of one review."""

    @app.get(
        "/v1/reviews/coverage",
        response_model=CoverageToAccept,
        **operation("listCoverage", "reviews", "The law that was not read and for which decisions wait", needs="review"),
    )
    def listed(request: Request) -> Response:
        """By country and subject matter. Whoever has read such a law signs it for one exchange; an acceptance is for all of them."""
        caller = caller_of(request.scope, "review")
        cells, more = service.read(lambda connection: waiting(connection, service, caller))
        shown = tuple(CellShown.model_validate(each, from_attributes=True) for each in cells)
        found = CoverageToAccept(cells=shown, more=more, writes=may_write(service, caller))
        return Response(found.model_dump_json(), media_type="application/json")

    async def accept(request: Request) -> Response:
        """
        Says what the organisation accepts, in YAML to be copied into its policies.

        With `write`, it is put into the organisation's own folder: it is checked with everything that is loaded, and decides from then on.
        That needs the scope `administer` too, and the setting `acceptances`.
        """
        caller = caller_of(request.scope, "review")
        asked = read_body(await body(request, BODY_LIMIT), AcceptanceAsked)
        made = await accepted(service, request, asked, caller)
        return Response(made.model_dump_json(), 201 if made.written else 200, media_type="application/json")

    app.router.add_api_route(
        "/v1/reviews/coverage",
        accept,
        methods=["POST"],
        response_model=AcceptanceMade,
        route_class_override=Plain,
        **operation(
            "acceptCoverage",
            "reviews",
            "Accept law that was not read",
            "policies-refused",
            needs="review",
            body=json_body(schema_of(AcceptanceAsked)),
            answers={
                201: {
                    "description": "It was put into the organisation's folder",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AcceptanceMade"}}},
                }
            },
        ),
    )


def waiting(connection: sa.Connection, service: Service, caller: Caller) -> tuple[list[CellToAccept], bool]:
    """The cells for which decisions wait, at most MOST_CELLS, and whether there are more."""
    live, issuer = service.live, service.token_issuer
    found = queue.read(connection, live, today_of(service), issuer)
    cells = coverage_to_accept.to_accept(connection, live, found.waiting, Reviewer.of(connection, caller, live, issuer))
    return cells[:MOST_CELLS], found.more or len(cells) > MOST_CELLS


async def accepted(service: Service, request: Request, asked: AcceptanceAsked, caller: Caller) -> AcceptanceMade:
    """Accept what was asked; once it is written, it decides. Raises RequestRefused."""
    today, live = today_of(service), service.live.bundle
    asked = acceptances.checked(live, asked, today)
    yaml = acceptances.laid_out(asked, today)
    if not asked.write:
        return AcceptanceMade(yaml=yaml, written=None)
    folder = service.settings.acceptances
    if folder is None:
        raise RequestRefused(
            "bad-request", "no setting names a folder for acceptances: copy the YAML into the organisation's policies"
        )
    caller_of(request.scope, "administer")
    place = Folder(folder, service.policies.origin)
    name = await asyncio.to_thread(acceptances.put_in_place, place, live, asked, today)
    note(request.scope, verdict="accepted", written=name)
    try:
        await service.policies.reload()
    except PoliciesRefused as refused:
        places = places_of(refused.refusal.diagnostics)
        raise RequestRefused("policies-refused", f"`{name}` is written, but: {refused}", errors=places or None) from None
    return AcceptanceMade(yaml=yaml, written=name)


def may_write(service: Service, caller: Caller) -> bool:
    """Whether a caller may have an acceptance put into the organisation's folder."""
    return service.settings.acceptances is not None and "administer" in caller.scopes


def today_of(service: Service) -> date:
    """Today, in the zone of the service."""
    return service.clock().astimezone(time_zone(service.settings.zone)).date()
