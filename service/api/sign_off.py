"""
`POST /v1/decisions/{id}/sign-off`, `…/preview`, `GET /v1/decisions/{id}/sign-offs`: a person approves a review, or refuses to.

A sign-off changes no recorded decision. The next evaluation of the same facts takes valid approvals into account and names them.
"""

import asyncio
from contextlib import suppress
from functools import partial

import sqlalchemy as sa
from fastapi import Response
from pydantic import BaseModel, Field

from service.api import paging
from service.api.operations import in_path, json_body, schema_of
from service.api.request_bodies import body
from service.api.router import Call, Router
from service.callers.context import ReadingAll, Reviewing
from service.decisions.idempotency import KeptAnswer, Work, once_prepared
from service.log.store import Stored
from service.reviews import preview, sign_off
from service.reviews.preview import PreviewRequest, PreviewShown
from service.reviews.sign_off import Awaited, SignOff, SignOffDraft, SignOffRequest
from service.service import Service
from service.telemetry.log_lines import note

BODY_LIMIT = 32 * 1024
MOST_GIVEN = 1_000  # sign-offs on a page
_ID = in_path("id", "the id of the decision")

router = Router("reviews")


class Then(BaseModel, frozen=True):
    """The outcome that the same exchange gets if it is evaluated again on the day of the decision."""

    outcome: str
    answer: str


class SignOffsGiven(BaseModel, frozen=True):
    """The sign-offs of a call, one per provision, and their effect."""

    sign_offs: tuple[SignOff, ...]
    then: Then
    awaits: tuple[Awaited, ...] = Field(
        default=(), description="the provisions of the call that count only once another person has signed too"
    )


class SignOffs(paging.Page):
    """Every sign-off given for a decision, in order. The last one for each provision counts."""

    sign_offs: tuple[SignOff, ...]
    next: str | None = Field(description=paging.NEXT)


@router.post(
    "/v1/decisions/{id}/sign-off",
    "signOff",
    "Sign off a review, or refuse to",
    "sign-off-refused",
    "not-found",
    "not-signable",
    "own-request",
    parameters=[_ID],
    body=json_body(schema_of(SignOffRequest)),
    status=201,
)
async def sign(context: Reviewing, call: Call[None]) -> SignOffsGiven | Response:
    """
    Signs off provisions of a recorded decision, or refuses to.

    An approval settles a provision's review, or accepts a doubtful lift. It holds for the same facts, until its last day, and only
    while the provision means the same. Where two persons have to sign, it counts once both have. A provision that cannot be signed
    off is refused with the reason, and so is an approval by who asked for the decision.
    """
    service, request, id = call.service, call.request, call.path["id"]
    raw = await body(request, BODY_LIMIT)
    asked = sign_off.read(raw)
    stored = await asyncio.to_thread(service.stored, id)

    async def prepare() -> Work:
        context = call.context(Reviewing)
        draft = await drafted(context, service, stored, asked)

        def work(transaction: sa.Connection) -> KeptAnswer:
            given = sign_off.keep(context, draft, transaction)
            then = Then(outcome=draft.then.outcome, answer=draft.then.answer)
            found = SignOffsGiven(sign_offs=tuple(given), then=then, awaits=tuple(draft.awaits))
            return KeptAnswer(
                found.model_dump_json().encode(),
                201,
                records=range(stored.sequence, stored.sequence + 1),
                after=lambda: note(request.scope, decision_id=id, verdict=asked.verdict, sign_offs=len(given)),
            )

        return work

    for _ in range(sign_off.MOST_TRIES):
        with suppress(sign_off.SignOffOvertaken):
            return await once_prepared(service, request, context.caller, raw, prepare)
    raise sign_off.contested_refusal()


@router.post(
    "/v1/decisions/{id}/sign-off/preview",
    "previewSignOff",
    "What an approval would change",
    "bad-request",
    "not-found",
    "not-signable",
    parameters=[_ID],
    body=PreviewRequest,
    limit=BODY_LIMIT,
    nulls=True,
    repeatable=False,
)
async def look_ahead(context: Reviewing, call: Call[PreviewRequest]) -> PreviewShown:
    """What each approval would change, before it is given: the decision with each alone, and with all. Nothing is recorded."""
    service = call.service
    stored = await asyncio.to_thread(service.stored, call.path["id"])
    sign_off.check_whole(stored)
    before = await asyncio.to_thread(service.read, partial(sign_off.earlier_sign_offs, context, stored))
    async with service.turns.of(context.caller.id):
        return preview.preview(context, stored, before.counting, call.sent.provisions)


@router.get(
    "/v1/decisions/{id}/sign-offs",
    "listSignOffs",
    "The sign-offs of a decision",
    "not-found",
    parameters=[_ID, *paging.parameters(MOST_GIVEN, MOST_GIVEN, "sign-offs")],
    nulls=True,
)
def given(context: ReadingAll, call: Call[None], connection: sa.Connection) -> SignOffs:
    """Every sign-off given for the decision: by whom, when, for what reason and until what day."""
    id = call.path["id"]
    found = sign_off.of_decision(context, id, connection)
    shown, cursor = paging.Asked.in_query(call.query, MOST_GIVEN, MOST_GIVEN).cut(found, lambda each: each.id, id)
    return SignOffs(sign_offs=tuple(shown), next=cursor)


async def drafted(context: Reviewing, service: Service, stored: Stored, asked: SignOffRequest) -> SignOffDraft:
    """A sign-off that is ready to be kept (see `sign_off.keep`). It takes turns, since it decides. Raises RequestRefused."""
    async with service.turns.of(context.caller.id):
        signed = sign_off.bind(context, stored, asked)
    before = await asyncio.to_thread(service.read, partial(sign_off.earlier_sign_offs, context, stored))
    work = partial(sign_off.draft, context, stored, signed, asked, before)
    return await service.turns.run(context.caller.id, work, long=True)
