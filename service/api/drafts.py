"""
`POST /v1/drafts`: an exchange goes in, a draft of it comes out, which a person opens and answers at `/ask/{id}`.

Nothing is decided or recorded by it. It is for programs that bring exchanges of which much is not known yet, such as an inventory.
"""

import asyncio
import json
from functools import partial

import sqlalchemy as sa
from fastapi import Response
from pydantic import BaseModel

from service.api.operations import EXCHANGE_BODY
from service.api.request_bodies import body
from service.api.router import Call, Router, written
from service.decisions.exchange_bodies import ExchangeBodies
from service.decisions.idempotency import KeptAnswer
from service.drafts import draft_changes, draft_store
from service.drafts.draft_judgement import DraftContext, DraftJudge
from service.telemetry.log_lines import note

router = Router("decisions", "draft")


class DraftMade(BaseModel):
    """The draft of an exchange: the page on which a person goes on with it, and how it stands."""

    id: str
    address: str
    outcome: str


@router.post(
    "/v1/drafts",
    "makeDraft",
    "Make a draft of an exchange",
    "exchange-refused",
    body=EXCHANGE_BODY,
    status=201,
)
async def make(context: DraftContext, call: Call[None]) -> DraftMade | Response:
    """
    Keeps the exchange in the body as a draft of the caller, which a person opens at `address`: facts that are not stated are asked there.

    Nothing is recorded. The outcome is how it stands now. The caller needs the scope `read` too. Whoever opens the draft with another key
    goes on in a copy.
    """
    service, asking, caller = call.service, call.shared(DraftJudge), context.caller
    call.raw = await body(call.request, service.settings.body_limit)
    async with service.turns.of(caller.id):
        await asyncio.to_thread(call.shared(ExchangeBodies).read, context.live, call.raw, context.now, caller)
        draft = draft_changes.new_draft(context, json.loads(call.raw))
        judged = await asyncio.to_thread(asking.look, context, draft, "en")
    made = DraftMade(id=draft.id, address=f"/ask/{draft.id}", outcome=judged.outcome)

    def work(transaction: sa.Connection) -> KeptAnswer:
        draft_store.make(service, transaction, draft)
        return KeptAnswer(written(made), 201, after=partial(note, call.request.scope, outcome=made.outcome))

    return await call.once(context, work)
