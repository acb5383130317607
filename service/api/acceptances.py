"""
`GET /v1/reviews/coverage`: the law that was not read and for which decisions wait, by country and subject matter. `POST` to it says that an
organisation accepts some of it for a time: the YAML for its policies comes out, or is put into its own folder where a setting names that.
"""

import asyncio
from typing import Any

import sqlalchemy as sa
from fastapi import Response

from service.api.router import Call, Router, answer
from service.callers.context import Reviewing
from service.policies.acceptances import AcceptanceRequest, reload_with
from service.reviews import coverage_to_accept
from service.reviews.coverage_to_accept import AcceptanceMade, CoverageToAccept
from service.telemetry.log_lines import note

BODY_LIMIT = 64 * 1024

router = Router("reviews")


@router.get("/v1/reviews/coverage", "listCoverage", "The law that was not read and for which decisions wait", nulls=True)
def listed(context: Reviewing, call: Call[None], connection: sa.Connection) -> CoverageToAccept:
    """By country and subject matter. Whoever has read such a law signs it for one exchange; an acceptance is for all of them."""
    return coverage_to_accept.waiting_for(context, connection)


@router.post(
    "/v1/reviews/coverage",
    "acceptCoverage",
    "Accept law that was not read",
    "policies-refused",
    body=AcceptanceRequest,
    limit=BODY_LIMIT,
    repeatable=False,
    answers={
        201: {
            "description": "It was put into the organisation's folder",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AcceptanceMade"}}},
        }
    },
)
async def accept(context: Reviewing, call: Call[AcceptanceRequest]) -> AcceptanceMade | Response:
    """
    Says what the organisation accepts, in YAML to be copied into its policies.

    With `write`, it is put into the organisation's own folder: it is checked with everything that is loaded, and decides from then on.
    That needs the scope `administer` too, and the setting `acceptances`.
    """
    made = await accepted(context, call, call.sent)
    return answer(made, 201 if made.written else 200, nulls=True)


async def accepted(context: Reviewing, call: Call[Any], asked: AcceptanceRequest) -> AcceptanceMade:
    """Accept what was asked; once it is written, it decides. Raises RequestRefused."""
    policies = call.service.policies
    made = await asyncio.to_thread(coverage_to_accept.accept, context, asked, policies.origin)
    if made.written:
        note(call.request.scope, verdict="accepted", written=made.written)
        await reload_with(policies, made.written)
    return made
