"""
`POST /v1/evaluate`: an exchange in, a decision out. The record is on the disk before the answer leaves.

The body is read once, as bytes, up to a limit. Only the engine validates these bytes.
"""

from fastapi import FastAPI, Request, Response

import engine
from service.api.operations import EXCHANGE_BODY, operation
from service.api.sent import PARAMETERS, Plain, asked, body
from service.callers.caller import caller_of
from service.decisions.decider import Decider
from service.decisions.recording import Outgoing, record_and_answer
from service.service import Service


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""
    decider = Decider(service)
    limit = service.settings.body_limit

    async def evaluate(request: Request) -> Response:
        """Decides the exchange in the body, records the decision, and answers with it."""
        scope = request.scope
        caller = caller_of(scope, "evaluate")
        wanted = asked(request)
        raw = await body(request, limit)

        async def decide() -> Outgoing:
            async with service.turns:
                live, now = service.live, service.clock()
                decided = decider.answer(live, raw, wanted, now, scope["request_id"], caller)
            noted = {"decision_id": decided.id, "outcome": decided.outcome, "proceed": decided.proceed}
            return Outgoing.of(decided, decided.answer, noted)

        return await record_and_answer(service, request, caller, raw, decide)

    app.router.add_api_route(
        "/v1/evaluate",
        evaluate,
        methods=["POST"],
        response_model=engine.Answer,
        route_class_override=Plain,
        **operation(
            "evaluate",
            "decisions",
            "Decide an exchange",
            "exchange-refused",
            needs="evaluate",
            parameters=PARAMETERS,
            body=EXCHANGE_BODY,
            repeatable=True,
        ),
    )
