"""
`POST /v1/evaluate`: an exchange in, a decision out. The record is on the disk before the answer leaves.

The body is read once, as bytes, up to a limit. Only the engine validates these bytes. A receipt is made after the record is on the disk;
it is added to the answer that was recorded and kept for retries, and is no part of it.
"""

import json
from contextlib import suppress

from fastapi import FastAPI, Request, Response
from pydantic import Field

from service.api.operations import EXCHANGE_BODY, operation
from service.api.receipts import ReceiptShown
from service.api.request_bodies import INCLUDE_RECEIPT, LANG, Plain, asked_with_receipt, body
from service.api.router import enter
from service.callers.caller import caller_of
from service.callers.context import Reading
from service.decisions.decider import DecidedExchange, Decider
from service.decisions.kept_permits import KeepableAnswer, with_keep_until
from service.decisions.receipt_issuer import ReceiptIssuer
from service.decisions.recording import Outgoing, record_and_answer
from service.decisions.replay import Replayer
from service.problems import RequestRefused
from service.service import Service


class Evaluated(KeepableAnswer):
    """The answer to an exchange, with its receipt if that was asked for."""

    receipt: ReceiptShown | None = Field(default=None, description="the receipt of this decision, if `include` asked for it")


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""
    decider = Decider(service)
    issuer = ReceiptIssuer(service, Replayer.shared(app, service))
    limit = service.settings.body_limit

    async def evaluate(request: Request) -> Response:
        """Decides the exchange in the body, records the decision, and answers with it."""
        scope = request.scope
        caller = caller_of(scope, "evaluate", of_party=True)
        wanted, with_receipt = asked_with_receipt(request)
        # The receipt has what the register may have told.
        reading = enter(Reading, request, service) if with_receipt else None
        raw = await body(request, limit)

        async def decide() -> Outgoing:
            def work() -> DecidedExchange:
                return decider.answer(service.live, raw, wanted, service.clock(), scope["request_id"], caller)

            decided = await service.turns.run(caller.id, work, long=wanted.long)
            noted = {"decision_id": decided.id, "outcome": decided.outcome, "proceed": decided.proceed}
            return Outgoing.of(decided, with_keep_until(decided.answer, decided.keep_until), noted)

        response = await record_and_answer(service, request, caller, raw, decide)
        return response if reading is None else await receipted(response, reading)

    async def receipted(response: Response, context: Reading) -> Response:
        """The answer with its receipt, or as it is where no receipt can be made now: the decision is recorded all the same."""
        answer = bytes(response.body)
        with suppress(RequestRefused):
            id = json.loads(answer)["id"]
            receipt = (await issuer.receipt(context, id)).to_bytes()
            response.body = b'%b,"receipt":%b}' % (answer.removesuffix(b"}"), receipt)
            response.headers["content-length"] = str(len(response.body))
        return response

    app.router.add_api_route(
        "/v1/evaluate",
        evaluate,
        methods=["POST"],
        response_model=Evaluated,
        route_class_override=Plain,
        **operation(
            "evaluate",
            "decisions",
            "Decide an exchange",
            "exchange-refused",
            needs="evaluate",
            parameters=[INCLUDE_RECEIPT, LANG],
            body=EXCHANGE_BODY,
            repeatable=True,
        ),
    )
