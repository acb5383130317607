"""`/v1/counters`: read a counter. `/v1/ledger`: open a counter with a count, and count again under changed policies."""

from datetime import date
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, Field

from service.api import schemas
from service.api.commitments import Reason, Sending, answer, read, sent_body, written
from service.api.sent import Plain
from service.callers.caller import caller_of
from service.decisions.decider import durable
from service.decisions.idempotency import KeptAnswer, once
from service.ledger.balances import CounterPart, Counters, Opened
from service.ledger.committing import Ledger
from service.problems import RequestRefused
from service.service import Service

_MOST_PARAMETERS = 16


class OpeningSent(Sending):
    counter: str = Field(max_length=160, examples=["counts.cn"])
    per: dict[str, Any] = Field(max_length=16, description="the facts that the counter is kept per, with their values")
    on: date = Field(description="the counts are those at the beginning of this day")
    counts: dict[str, Any] = Field(max_length=64, description="the counted facts, written as in an exchange")
    reason: Reason = Field(description="where the counts come from")


class Recounted(BaseModel):
    """The number of commitments counted again, and the ids of those that the policies can no longer read."""

    recounted: int
    left: list[str]


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    counters = Counters(service)
    ledger = Ledger(service)

    @app.get(
        "/v1/counters",
        summary="A counter as of today",
        response_model=CounterPart,
        responses=schemas.problems(400, 403, 404, 503),
        openapi_extra={
            **schemas.needs("read"),
            "parameters": [{"name": "counter", "in": "query", "required": True, "schema": {"type": "string"}}],
        },
    )
    def counter(request: Request) -> Response:
        """What the ledger holds for a counter. The query names `counter` and each fact that the counter is kept per."""
        caller_of(request.scope, "read")
        name, per = _query(request.scope["query_string"])
        return answer(service.read(lambda connection: counters.read(connection, name, per), "ledger"))

    async def begin(request: Request) -> Response:
        """Records the counts at the beginning of a day. From that day on the ledger is complete for this counter."""
        caller = caller_of(request.scope, "administer")
        raw, sent = await read(request, OpeningSent)

        def work(transaction: sa.Connection) -> KeptAnswer:
            opened = counters.begin(transaction, sent.counter, sent.per, sent.on, sent.counts, caller, sent.reason)
            return KeptAnswer(written(opened), 201)

        return await once(service, request, caller, raw, work)

    async def recount(request: Request) -> Response:
        """Counts again every commitment that was counted under another meaning of the counters, a few in each transaction."""
        caller = caller_of(request.scope, "administer")
        done, left, after = 0, list[str](), -1
        while True:
            work = partial(ledger.recount, caller=caller, after=after)
            count, failed, following = await durable(service.store.do(work))
            done, left = done + count, left + failed
            if following is None:
                return answer(Recounted(recounted=done, left=left))
            after = following

    app.router.add_api_route(
        "/v1/ledger/openings",
        begin,
        methods=["POST"],
        status_code=201,
        summary="Open a counter with a count",
        response_model=Opened,
        responses=schemas.problems(400, 403, 404, 413, 415, 503),
        openapi_extra={**schemas.needs("administer"), **sent_body(OpeningSent)},
        route_class_override=Plain,
    )
    app.router.add_api_route(
        "/v1/ledger/recount",
        recount,
        methods=["POST"],
        summary="Count again under changed policies",
        response_model=Recounted,
        responses=schemas.problems(403, 503),
        openapi_extra=schemas.needs("administer"),
        route_class_override=Plain,
    )


def _query(query: bytes) -> tuple[str, dict[str, Any]]:
    """The counter, and the facts it is kept per with their values. Raises RequestRefused."""
    try:
        sent = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=_MOST_PARAMETERS)
        values = dict(sent)
    except ValueError:
        raise RequestRefused("bad-request", "write the query like `?counter=counts.cn&exporter.id=org-1`") from None
    if len(values) < len(sent) or "counter" not in values:
        raise RequestRefused("bad-request", "the query must name `counter` once, and once each fact that it is kept per")
    return values.pop("counter"), values
