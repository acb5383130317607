"""
`POST /v1/plans`: several exchanges in order, decided one by one and as a whole. Nothing is recorded.

A plan takes seconds and its decision megabytes, so plans are decided one at a time, and each in many turns.
"""

import asyncio
from functools import partial

from fastapi import Response

import engine
from service.api.operations import json_body
from service.api.request_bodies import LANG, body, language
from service.api.router import Call, Router
from service.callers.context import EvaluatingAll
from service.decisions.answer_options import AnswerOptions
from service.decisions.batch_limits import LargeRequests
from service.decisions.plans import Plans
from service.limits import PLAN_LEGS
from service.service import Service
from service.telemetry.log_lines import note

_LEG = {
    "type": "object",
    "description": "one exchange of the plan",
    "properties": {
        "id": {
            "type": "string",
            "minLength": 1,
            "maxLength": 80,
            "description": "what the leg is called; its place, counted from 1, if it is left out",
        },
        "after": {
            "type": ["string", "integer"],
            "description": "the id or the place of the earlier leg that brings the data to this one's exporter",
        },
        "exchange": {"$ref": "#/components/schemas/Exchange", "description": "the exchange of the leg"},
    },
    "required": ["exchange"],
    "additionalProperties": False,
}
_PLAN = {
    "type": "object",
    "properties": {
        "schema": {"const": "fifthfactor/plan/1", "description": "the name of this shape, with its version"},
        "legs": {
            "type": "array",
            "description": "the legs, in their order",
            "minItems": 1,
            "maxItems": PLAN_LEGS,
            "items": _LEG,
        },
    },
    "required": ["legs"],
    "additionalProperties": False,
}


router = Router("decisions")


class Planning(EvaluatingAll, scope="evaluate", of_party=False, also=("read",)):
    """Has a plan decided; the decisions on its legs say what the register told."""


@router.post(
    "/v1/plans",
    "decidePlan",
    "Decide several exchanges in order",
    "exchange-refused",
    parameters=[LANG],
    body=json_body(_PLAN),
    repeatable=False,
)
async def decide_plan(context: Planning, call: Call[None]) -> engine.PlanDecision | Response:
    """
    Decides each leg after those before it, and what the legs do together, with the register and the ledger in view.

    Nothing is recorded and nothing can be committed: evaluate each leg before it happens. The caller needs the scope `read` too.
    """
    service, request, caller = call.service, call.request, context.caller
    plans, places = call.shared(Plans), call.shared(_places)
    lang = language(call.query.get("lang", AnswerOptions().lang))
    with places.place(caller):
        raw = await body(request, service.settings.body_limit)
        with places.holding(request) as holding:
            await holding.be_alone()
            work = partial(plans.decide, raw, caller, context.request_id, lang)
            decision = await service.turns.run(caller.id, work, long=True)
            answer = await asyncio.to_thread(decision.model_dump_json, by_alias=True)
    note(request.scope, plan=decision.id, outcome=decision.outcome, proceed=decision.proceed)
    return Response(answer, media_type="application/json")


def _places(service: Service) -> LargeRequests:
    return LargeRequests(service.load, "plans")
