"""
`POST /v1/decisions/{id}/sign-off`, `GET /v1/decisions/{id}/sign-offs`: a person approves a review, or refuses to.

A sign-off changes no recorded decision. The next evaluation of the same facts takes valid approvals into account and names them.
"""

import asyncio
from contextlib import suppress

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from service.api import paging
from service.api.operations import DecisionId, in_path, json_body, operation
from service.api.sent import Plain, body
from service.callers.caller import caller_of
from service.decisions.idempotency import KeptAnswer, Work, once_prepared
from service.log.search import CursorRefused
from service.reviews import queue, sign_offs
from service.reviews.queue import Waiting
from service.reviews.sign_offs import SignOff, SignOffAsked
from service.service import Service
from service.settings import time_zone
from service.telemetry.log_lines import note

BODY_LIMIT = 32 * 1024
LIMIT = 20  # reviews on a page
MOST_GIVEN = 1_000  # sign-offs on a page


class Then(BaseModel):
    """The outcome that the same exchange gets if it is evaluated again on the day of the decision."""

    model_config = ConfigDict(frozen=True)

    outcome: str
    answer: str


class SignOffsGiven(BaseModel):
    """The sign-offs of a call, one per provision, and their effect."""

    model_config = ConfigDict(frozen=True)

    sign_offs: tuple[SignOff, ...]
    then: Then


class SignOffs(BaseModel):
    """Every sign-off given for a decision, in order. The last one for each provision counts."""

    model_config = ConfigDict(frozen=True)

    sign_offs: tuple[SignOff, ...]
    next: str | None = Field(description=paging.NEXT)


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    zone = time_zone(service.settings.zone)

    async def sign(request: Request) -> Response:
        """
        Signs off provisions of a recorded decision, or refuses to.

        An approval settles a provision's review, or accepts a doubtful lift. It holds for the same facts, until its last day, and only
        while the provision means the same. A provision that cannot be signed off is refused with the reason.
        """
        caller = caller_of(request.scope, "review")
        id = request.path_params["id"]
        raw = await body(request, BODY_LIMIT)
        asked = sign_offs.read(raw)
        stored = await asyncio.to_thread(service.stored, id)

        async def prepare() -> Work:
            now, live = service.clock(), service.live
            today = now.astimezone(zone).date()
            async with service.turns:
                signed = sign_offs.bind(live, stored, asked, today)
            said = await asyncio.to_thread(service.read, lambda connection: sign_offs.said_of(connection, signed.facts))
            async with service.turns:
                draft = sign_offs.draft(live, stored, signed, asked, said, today, now, caller.id)

            def work(transaction: sa.Connection) -> KeptAnswer:
                given = sign_offs.keep(transaction, live, draft, today)
                told = SignOffsGiven(sign_offs=tuple(given), then=Then(outcome=draft.then.outcome, answer=draft.then.answer))
                return KeptAnswer(
                    told.model_dump_json().encode(),
                    201,
                    records=range(stored.sequence, stored.sequence + 1),
                    after=lambda: note(request.scope, decision_id=id, verdict=asked.verdict, sign_offs=len(given)),
                )

            return work

        for _ in range(sign_offs.MOST_TRIES):
            with suppress(sign_offs.Overtaken):
                return await once_prepared(service, request, caller, raw, prepare)
        raise sign_offs.contested()

    app.router.add_api_route(
        "/v1/decisions/{id}/sign-off",
        sign,
        methods=["POST"],
        status_code=201,
        response_model=SignOffsGiven,
        route_class_override=Plain,
        **operation(
            "signOff",
            "reviews",
            "Sign off a review, or refuse to",
            "sign-off-refused",
            "not-found",
            "not-signable",
            needs="review",
            parameters=[in_path("id", "the id of the decision")],
            body=json_body(SignOffAsked.model_json_schema()),
            repeatable=True,
        ),
    )

    @app.get(
        "/v1/decisions/{id}/sign-offs",
        response_model=SignOffs,
        **operation(
            "listSignOffs",
            "reviews",
            "The sign-offs of a decision",
            "not-found",
            needs="read",
            parameters=paging.parameters(MOST_GIVEN, MOST_GIVEN, "sign-offs"),
        ),
    )
    def given(id: DecisionId, request: Request) -> Response:
        """Every sign-off given for the decision: by whom, when, for what reason and until what day."""
        caller_of(request.scope, "read")
        service.stored(id)
        found = service.read(lambda connection: sign_offs.given(connection, id))
        shown, cursor = paging.Asked.of(request, MOST_GIVEN, MOST_GIVEN).cut(found, lambda each: each.id, id)
        return Response(SignOffs(sign_offs=tuple(shown), next=cursor).model_dump_json(), media_type="application/json")

    @app.get(
        "/v1/reviews",
        response_model=Waiting,
        **operation(
            "listReviews",
            "reviews",
            "The reviews that wait for a person",
            needs="review",
            parameters=paging.parameters(LIMIT, queue.MOST, "reviews"),
        ),
    )
    def waiting(request: Request) -> Response:
        """Decisions whose outcome is a review that can be signed off and that have no sign-off yet; newest first, one per set of facts."""
        caller_of(request.scope, "review")
        today, page = service.clock().astimezone(zone).date(), paging.Asked.of(request, LIMIT, queue.MOST)
        try:
            found = service.read(lambda connection: queue.waiting(connection, service.live, today, page.limit, page.cursor))
        except CursorRefused:
            raise paging.unknown() from None
        return Response(found.model_dump_json(), media_type="application/json")
