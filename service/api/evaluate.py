"""
`POST /v1/evaluate`: an exchange in, a decision out, its record on the disk before the answer leaves.

The body is read once, as bytes, up to a limit; the engine validates these bytes and nothing else does.
"""

from fastapi import FastAPI, Request, Response

import engine
from service.api import schemas
from service.api.sent import PARAMETERS, Plain, asked, body
from service.callers import caller_of
from service.deciding import Decider, durable
from service.gate import note
from service.service import Service


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""
    decider = Decider(service)
    limit = service.settings.body_limit

    async def evaluate(request: Request) -> Response:
        """Decides the exchange in the body, records the decision, and answers with it."""
        scope = request.scope
        caller = caller_of(scope, "evaluate")
        wanted = asked(scope["query_string"])
        raw = await body(request, limit)
        async with service.turns:
            live = service.live
            decided = decider.decide(live, decider.read(live, raw), wanted, service.clock(), scope["request_id"], caller)
        written = decided.written
        note(scope, decision_id=written.id, outcome=written.outcome, proceed=written.proceed)
        service.compare(await durable(service.store.append(decided.entry)), decided.given)
        return Response(decided.answer, media_type="application/json")

    app.router.add_api_route(
        "/v1/evaluate",
        evaluate,
        methods=["POST"],
        summary="Decide an exchange",
        response_model=engine.Decision,
        responses=schemas.problems(400, 403, 413, 415, 503),
        openapi_extra={**schemas.needs("evaluate"), **schemas.EXCHANGE_BODY, "parameters": PARAMETERS},
        route_class_override=Plain,
    )
