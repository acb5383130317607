"""
`POST /v1/decisions/{id}/sign-off`, `…/preview`, `GET /v1/decisions/{id}/sign-offs`: a person approves a review, or refuses to.

A sign-off changes no recorded decision. The next evaluation of the same facts takes valid approvals into account and names them.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Annotated

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from service.api import paging
from service.api.operations import DecisionId, in_path, json_body, operation, schema_of
from service.api.sent import Plain, body, read_body
from service.callers.caller import Caller, caller_of
from service.decisions.idempotency import KeptAnswer, Work, once_prepared
from service.log.store import Stored
from service.reviews import approvals, own_requests, preview, sign_offs
from service.reviews.approvals import Row
from service.reviews.sign_offs import Awaited, Draft, Name, SignOff, SignOffAsked
from service.service import Service
from service.settings import time_zone
from service.telemetry.log_lines import note

BODY_LIMIT = 32 * 1024
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
    awaits: tuple[Awaited, ...] = Field(
        default=(), description="the provisions of the call that count only once another person has signed too"
    )


class SignOffs(BaseModel):
    """Every sign-off given for a decision, in order. The last one for each provision counts."""

    model_config = ConfigDict(frozen=True)

    sign_offs: tuple[SignOff, ...]
    next: str | None = Field(description=paging.NEXT)


class PreviewAsked(BaseModel):
    """Of which provisions the approval is looked at; without them, of all that may be signed off."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="SignOffPreview")

    provisions: Annotated[tuple[Name, ...], Field(min_length=1, max_length=preview.MOST_PREVIEWED)] | None = None


class ChangeShown(BaseModel):
    """The decision on the same facts with the approval of some provisions beside those that stand. It is recorded nowhere."""

    model_config = ConfigDict(frozen=True)

    provisions: tuple[str, ...]
    outcome: str
    answer: str
    still: tuple[str, ...] = Field(description="the provisions that a person would still have to sign off")


class PreviewShown(BaseModel):
    """What approvals would change, as if all persons who have to sign had signed."""

    model_config = ConfigDict(frozen=True)

    now: ChangeShown = Field(description="the decision as approvals stand")
    each: tuple[ChangeShown, ...] = Field(description="with one provision more")
    all: ChangeShown = Field(description="with all of them")
    needed: dict[str, int] = Field(description="how many persons have to sign, by provision")
    given: dict[str, int] = Field(description="how many have signed, by provision")
    more: int = Field(description="how many provisions are not looked at one by one")


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    zone = time_zone(service.settings.zone)

    async def sign(request: Request) -> Response:
        """
        Signs off provisions of a recorded decision, or refuses to.

        An approval settles a provision's review, or accepts a doubtful lift. It holds for the same facts, until its last day, and only
        while the provision means the same. Where two persons have to sign, it counts once both have. A provision that cannot be signed
        off is refused with the reason, and so is an approval by who asked for the decision.
        """
        caller = caller_of(request.scope, "review")
        id = request.path_params["id"]
        raw = await body(request, BODY_LIMIT)
        asked = sign_offs.read(raw)
        stored = await asyncio.to_thread(service.stored, id)

        async def prepare() -> Work:
            draft, keep = await prepared(service, stored, asked, caller)

            def work(transaction: sa.Connection) -> KeptAnswer:
                given = keep(transaction)
                then = Then(outcome=draft.then.outcome, answer=draft.then.answer)
                told = SignOffsGiven(sign_offs=tuple(given), then=then, awaits=tuple(draft.awaits))
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
            "own-request",
            needs="review",
            parameters=[in_path("id", "the id of the decision")],
            body=json_body(schema_of(SignOffAsked)),
            repeatable=True,
        ),
    )

    async def look_ahead(request: Request) -> Response:
        """What each approval would change, before it is given: the decision with each alone, and with all. Nothing is recorded."""
        caller = caller_of(request.scope, "review")
        asked = read_body(await body(request, BODY_LIMIT), PreviewAsked)
        stored = await asyncio.to_thread(service.stored, request.path_params["id"])
        live, today = service.live, service.clock().astimezone(zone).date()
        sign_offs.check_whole(stored)

        def look(connection: sa.Connection) -> Sequence[Row]:
            said = approvals.said_of_stored(connection, live, stored)
            return own_requests.Counting(connection, service.token_issuer).for_decision(said, stored)

        said = await asyncio.to_thread(service.read, look)
        async with service.turns.of(caller.id):
            found = preview.preview(live, stored, said, today, asked.provisions)
        shown = PreviewShown.model_validate(found, from_attributes=True)
        return Response(shown.model_dump_json(), media_type="application/json")

    app.router.add_api_route(
        "/v1/decisions/{id}/sign-off/preview",
        look_ahead,
        methods=["POST"],
        response_model=PreviewShown,
        route_class_override=Plain,
        **operation(
            "previewSignOff",
            "reviews",
            "What an approval would change",
            "bad-request",
            "not-found",
            "not-signable",
            needs="review",
            parameters=[in_path("id", "the id of the decision")],
            body=json_body(schema_of(PreviewAsked)),
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


async def prepared(
    service: Service, stored: Stored, asked: SignOffAsked, caller: Caller
) -> tuple[Draft, Callable[[sa.Connection], list[SignOff]]]:
    """A sign-off that is ready to be kept, and what keeps it in a writing transaction (see `sign_offs.keep`). Raises RequestRefused."""
    now, live = service.clock(), service.live
    today = now.astimezone(time_zone(service.settings.zone)).date()
    async with service.turns.of(caller.id):
        signed = sign_offs.bind(live, stored, asked, today)

    def look(connection: sa.Connection) -> tuple[Sequence[Row], Sequence[Row]]:
        said = approvals.said_of_stored(connection, live, stored)
        return said, own_requests.Counting(connection, service.token_issuer).for_decision(said, stored)

    said, counting = await asyncio.to_thread(service.read, look)
    work = partial(sign_offs.draft, live, stored, signed, asked, said, counting, today, now, caller)
    draft = await service.turns.run(caller.id, work, long=True)

    def keep(transaction: sa.Connection) -> list[SignOff]:
        return sign_offs.keep(transaction, live, draft, today, now, service.token_issuer)

    return draft, keep
