"""`/v1/counters`: read a counter. `/v1/ledger`: open a counter with a count, and count again under changed policies."""

from datetime import date
from functools import partial
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from pydantic import Field

from service.api.commitments import Reason, Sending, answer, read, written
from service.api.operations import Shown, json_body, operation, schema_of
from service.api.parameters import parameter, single, wrong
from service.api.sent import Plain
from service.callers.caller import caller_of
from service.decisions.decider import durable
from service.decisions.idempotency import KeptAnswer, once
from service.ledger import party_view
from service.ledger.balances import CounterPart, Counters, Opened
from service.ledger.committing import Ledger
from service.ledger.counter_table import MEDIA_TYPE, table
from service.service import Service

_PARAMETERS = [
    parameter("counter", "the name of the counter", {"type": "string", "examples": ["counts.cn"]}, required=True),
    parameter(
        "per",
        "each fact that the counter is kept per, as a parameter of its own, like `exporter.id=org-1`",
        {"type": "object", "additionalProperties": {"type": "string"}, "examples": [{"exporter.id": "org-1"}]},
        style="form",
        explode=True,
    ),
    parameter("format", "the form of the answer", {"type": "string", "enum": ["json", "csv"], "default": "json"}),
]


class OpeningSent(Sending):
    counter: str = Field(max_length=160, examples=["counts.cn"])
    per: dict[str, Any] = Field(max_length=16, description="the facts that the counter is kept per, with their values")
    on: date = Field(description="the counts are those at the beginning of this day")
    counts: dict[str, Any] = Field(max_length=64, description="the counted facts, written as in an exchange")
    reason: Reason = Field(description="where the counts come from")


class Recounted(Shown):
    """The number of commitments counted again, and the ids of those that the policies can no longer read."""

    recounted: int
    left: list[str]


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    counters = Counters(service)
    ledger = Ledger(service)

    @app.get(
        "/v1/counters",
        response_model=CounterPart,
        **operation(
            "getCounter",
            "ledger",
            "A counter as of today",
            "not-found",
            needs="read",
            parameters=_PARAMETERS,
            answers={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
        ),
    )
    def counter(request: Request) -> Response:
        """What the ledger holds for a counter. The query names `counter` and each fact that the counter is kept per."""
        caller = caller_of(request.scope, "read", of_party=True)
        per = single(request)
        name = per.pop("counter", None)
        if name is None:
            raise wrong("counter", "name a counter, like `?counter=counts.cn`, and each fact that it is kept per")
        form = per.pop("format", "json")
        if form not in ("json", "csv"):
            raise wrong("format", "must be `json` or `csv`")
        party_view.check_counter(service.live, name, per, caller)
        found = service.read(lambda connection: counters.read(connection, name, dict(per)), "ledger")
        return answer(found) if form == "json" else Response(table(found, per), media_type=MEDIA_TYPE)

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
        response_model=Opened,
        route_class_override=Plain,
        **operation(
            "openCounter",
            "ledger",
            "Open a counter with a count",
            "not-found",
            needs="administer",
            body=json_body(schema_of(OpeningSent)),
            repeatable=True,
        ),
    )
    app.router.add_api_route(
        "/v1/ledger/recount",
        recount,
        methods=["POST"],
        response_model=Recounted,
        route_class_override=Plain,
        **operation("recount", "ledger", "Count again under changed policies", needs="administer", writes=True),
    )
