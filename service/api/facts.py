"""`/v1/facts`: the facts that an exchange may state, from the loaded vocabulary; all of them, or those that matter for one exchange."""

import json
from typing import Literal

from fastapi import Response
from pydantic import BaseModel, Field

import engine
from service.api import paging
from service.api.operations import EXCHANGE_BODY
from service.api.parameters import AnyParameter, text
from service.api.request_bodies import body
from service.api.router import Call, Router
from service.callers.context import Evaluating
from service.decisions import fact_list
from service.decisions.exchange_bodies import ExchangeBodies
from service.decisions.exchange_judge import ExchangeJudge
from service.decisions.fact_list import AskingForRecorded, FactList
from service.decisions.replay import Replayer
from service.log.record import PolicyDigests

LIMIT = 1_000  # facts on a page
PREFIX = text("prefix", "only facts whose name begins so", 100, examples=["exporter."])
WORD = text(
    "word", "only facts that people call so, in English or Chinese, or of which a value says it", 100, examples=["salary"]
)
FOR = text(
    "for",
    "the id of a decision: only the facts that matter for its exchange. The caller needs the scope `read` too",
    64,
)
_PAGE: list[AnyParameter] = [WORD, *paging.parameters(LIMIT, LIMIT, "facts")]

router = Router("facts")


class FactShown(engine.FactEntry):
    """A fact, and whether it is still open where the facts of one exchange are asked for."""

    state: Literal["open", "stated"] | None = Field(
        default=None,
        description="`open`: it is not known, and may change the outcome; `stated`: the exchange has it. Only for one exchange",
    )
    says: tuple[str, ...] = Field(default=(), description="the values of the fact that the word says which was asked for")


class FactsShown(BaseModel, frozen=True):
    """Facts of the loaded vocabulary. For one exchange: first those that are open, the best to ask for first, then those it states."""

    bundle: PolicyDigests
    facts: tuple[FactShown, ...]
    next: str | None = Field(description=paging.NEXT)


@router.get(
    "/v1/facts",
    "listFacts",
    "The facts an exchange may state",
    "not-found",
    "cannot-replay",
    parameters=[PREFIX, FOR, *_PAGE],
)
def facts(context: Evaluating, call: Call[None]) -> FactsShown | Response:
    """
    Every fact with its type, its title, the question that asks for it, and whether it is personal.

    With `for`, the exchange of that decision is judged again, on its day and by its policies.
    """
    id = FOR.of(call.query)
    if id is None:
        return _page(call, fact_list.of_vocabulary(context))
    return _page(call, fact_list.of_decision(call.context(AskingForRecorded), id, call.shared(Replayer)), id)


@router.post(
    "/v1/facts",
    "listFactsForExchange",
    "The facts that matter for an exchange",
    "exchange-refused",
    parameters=[PREFIX, *_PAGE],
    body=EXCHANGE_BODY,
    repeatable=False,
)
async def facts_for(context: Evaluating, call: Call[None]) -> FactsShown | Response:
    """
    The facts that matter for the exchange in the body: those that are open, and those that it states.

    Nothing is recorded. A fact in an address could be logged on its way, so the exchange is in the body.
    """
    service, caller = call.service, context.caller
    raw = await body(call.request, service.settings.body_limit)
    async with service.turns.of(caller.id):
        context = call.context(Evaluating)
        exchange = call.shared(ExchangeBodies).read(context.live, raw, context.now, caller)
        judgement = call.shared(ExchangeJudge).look(context.live, exchange, context.now, context.request_id, caller)
        found = fact_list.of_judgement(context, judgement)
    return _page(call, found, "sent")


def _page(call: Call[None], found: FactList, of: str = "") -> Response:
    """A page of those facts that the query asks for; `of` is the exchange they matter for. Raises RequestRefused."""
    prefix, word = PREFIX.of(call.query) or "", WORD.of(call.query) or ""
    page, cursor = paging.Asked.in_query(call.query, LIMIT, LIMIT).cut(
        found.named(prefix, word), lambda each: str(each["name"]), f"facts {prefix} {word} {of}"
    )
    document = {"bundle": found.digests.model_dump(mode="json"), "facts": page, "next": cursor}
    return Response(json.dumps(document, ensure_ascii=False), media_type="application/json")
