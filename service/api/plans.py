"""
`POST /v1/plans`: several exchanges in order, decided one by one and as a whole. Nothing is recorded.

A plan takes seconds and its decision megabytes, so plans are decided one at a time, and each in many turns.
"""

import asyncio
from functools import partial

from fastapi import FastAPI, Request, Response

import engine
from service.api.operations import json_body, operation
from service.api.parameters import single
from service.api.sent import LANG, Plain, body, language
from service.callers.caller import caller_of
from service.decisions.decider import TellingAsked
from service.decisions.large_requests import LargeRequests
from service.decisions.plans import MOST_LEGS, Plans
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
            "maxItems": MOST_LEGS,
            "items": _LEG,
        },
    },
    "required": ["legs"],
    "additionalProperties": False,
}


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""
    plans = Plans(service)
    places = LargeRequests(service.load, "plans")

    async def decide_plan(request: Request) -> Response:
        """
        Decides each leg after those before it, and what the legs do together, with the register and the ledger in view.

        Nothing is recorded and nothing can be committed: evaluate each leg before it happens. The caller needs the scope `read` too.
        """
        caller = caller_of(request.scope, "evaluate")
        caller_of(request.scope, "read")  # the decisions on the legs say what the register told
        lang = language(single(request).get("lang", TellingAsked().lang))
        with places.place(caller):
            raw = await body(request, service.settings.body_limit)
            with places.holding(request) as holding:
                await holding.be_alone()
                work = partial(plans.decide, raw, caller, request.scope["request_id"], lang)
                decision = await service.turns.run(caller.id, work, long=True)
                answer = await asyncio.to_thread(decision.model_dump_json, by_alias=True)
        note(request.scope, plan=decision.id, outcome=decision.outcome, proceed=decision.proceed)
        return Response(answer, media_type="application/json")

    app.router.add_api_route(
        "/v1/plans",
        decide_plan,
        methods=["POST"],
        response_model=engine.PlanDecision,
        route_class_override=Plain,
        **operation(
            "decidePlan",
            "decisions",
            "Decide several exchanges in order",
            "exchange-refused",
            needs="evaluate",
            parameters=[LANG],
            body=json_body(_PLAN),
        ),
    )
