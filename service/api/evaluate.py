"""
`POST /v1/evaluate`: an exchange in, a decision out, its record on the disk before the answer leaves.

The body is read once, as bytes, up to a limit; the engine validates these bytes and nothing else does.
"""

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response

import engine
from service.api import schemas
from service.api.sent import PARAMETERS, Plain, asked, body
from service.callers.caller import caller_of
from service.decisions.decider import Decided, Decider, durable
from service.decisions.idempotency import Answer, Work, key_of, once_prepared
from service.service import Service
from service.telemetry.log_lines import note


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""
    decider = Decider(service)
    limit = service.settings.body_limit

    async def evaluate(request: Request) -> Response:
        """Decides the exchange in the body, records the decision, and answers with it."""
        scope = request.scope
        caller = caller_of(scope, "evaluate")
        wanted = asked(scope["query_string"])
        repeatable = key_of(request) is not None
        raw = await body(request, limit)

        async def decide() -> Decided:
            async with service.turns:
                live, now = service.live, service.clock()
                sent = decider.read(live, raw, now)
                return decider.decide(live, sent.exchange, wanted, now, scope["request_id"], caller, register=sent.register)

        def tell(decided: Decided, sequence: int) -> None:
            written = decided.written
            note(scope, decision_id=written.id, outcome=written.outcome, proceed=written.proceed)
            service.compare(sequence, decided.given)

        async def prepare() -> Work:
            decided = await decide()

            def work(transaction: sa.Connection) -> Answer:
                records = service.store.record(transaction, [decided.entry])
                return Answer(decided.answer, records=records, after=lambda: tell(decided, records.start))

            return work

        if repeatable:
            return await once_prepared(service, request, caller, raw, prepare)
        decided = await decide()
        tell(decided, await durable(service.store.append(decided.entry)))
        return Response(decided.answer, media_type="application/json")

    app.router.add_api_route(
        "/v1/evaluate",
        evaluate,
        methods=["POST"],
        summary="Decide an exchange",
        response_model=engine.Decision,
        responses=schemas.problems(400, 403, 408, 413, 415, 503),
        openapi_extra={
            **schemas.needs("evaluate"),
            **schemas.EXCHANGE_BODY,
            "parameters": [*PARAMETERS, schemas.IDEMPOTENCY_KEY],
        },
        route_class_override=Plain,
    )
