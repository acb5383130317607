"""`/v1/counters`: read a counter. `/v1/ledger`: open a counter with a count, and count again under changed policies."""

from functools import partial

import sqlalchemy as sa
from fastapi import Response

from service.api.operations import Shown
from service.api.parameters import parameter, wrong
from service.api.router import Call, Router
from service.callers.context import Administering, Reading
from service.decisions.commitment_writer import CommitmentWriter
from service.ledger import counter_balances
from service.ledger.counter_balances import CounterOpening, CounterPart, OpeningSent
from service.ledger.counter_table import MEDIA_TYPE, table
from service.log.durable_record import durable

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

router = Router("ledger", "ledger")


class Recounted(Shown):
    """The number of commitments counted again, and the ids of those that the policies can no longer read."""

    recounted: int
    left: list[str]


@router.get(
    "/v1/counters",
    "getCounter",
    "A counter as of today",
    "not-found",
    parameters=_PARAMETERS,
    answers={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
)
def counter(context: Reading, call: Call[None], connection: sa.Connection) -> CounterPart | Response:
    """What the ledger holds for a counter. The query names `counter` and each fact that the counter is kept per."""
    per = call.query
    name = per.pop("counter", None)
    if name is None:
        raise wrong("counter", "name a counter, like `?counter=counts.cn`, and each fact that it is kept per")
    form = per.pop("format", "json")
    if form not in ("json", "csv"):
        raise wrong("format", "must be `json` or `csv`")
    found = counter_balances.counter(context, name, per, connection)
    return found if form == "json" else Response(table(found, per), media_type=MEDIA_TYPE)


@router.post("/v1/ledger/openings", "openCounter", "Open a counter with a count", "not-found", body=OpeningSent, status=201)
def begin(context: Administering, call: Call[OpeningSent], transaction: sa.Connection) -> CounterOpening:
    """Records the counts at the beginning of a day. From that day on the ledger is complete for this counter."""
    return counter_balances.open_counter(context, call.sent, transaction)


@router.post("/v1/ledger/recount", "recount", "Count again under changed policies", repeatable=False, writes=True)
async def recount(context: Administering, call: Call[None]) -> Recounted:
    """Counts again every commitment that was counted under another meaning of the counters, a few in each transaction."""
    done, left, after = 0, list[str](), -1
    while True:
        step = partial(call.shared(CommitmentWriter).recount, context, after)
        count, failed, following = await durable(call.service.store.do(step))
        done, left = done + count, left + failed
        if following is None:
            return Recounted(recounted=done, left=left)
        after = following
