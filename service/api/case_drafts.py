"""`POST /v1/cases`: drafts a test case of a policy from an exchange and the outcome that is expected. Nothing is written."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

import engine
from service.api.operations import Shown, json_body
from service.api.request_bodies import body, read_body
from service.api.router import Call, Router
from service.callers.context import EvaluatingAll
from service.callers.sending import Sending
from service.decisions.exchange_bodies import refusal
from service.log.record import PolicyDigests
from service.log.search import OUTCOMES
from service.policies.case_drafts import draft_case
from service.problems import RequestRefused

_POLICY: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 200, "description": "the id of the policy under test"}
_CASE: dict[str, Any] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 200,
    "description": "what the case shows, as a sentence",
}
_BODY = {
    "type": "object",
    "properties": {
        "policy": _POLICY,
        "case": _CASE,
        "outcome": {"type": "string", "enum": list(OUTCOMES), "description": "the outcome that is expected"},
        "exchange": {"$ref": "#/components/schemas/Exchange", "description": "the exchange that the case states"},
    },
    "required": ["policy", "case", "outcome", "exchange"],
    "additionalProperties": False,
}
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$")]

router = Router("policies")


class CaseSent(Sending):
    """A case to draft."""

    policy: Line
    case: Line
    outcome: str = Field(json_schema_extra={"enum": list(OUTCOMES)})
    exchange: dict[str, Any]


class CaseDraftShown(Shown):
    """The draft of a test file, and what the loaded policies make of its exchange."""

    bundle: PolicyDigests
    yaml: str = Field(description="the test file, to be pasted beside the policy")
    outcome: str = Field(description="the outcome to which the loaded policies come")
    passes: bool = Field(description="whether this is the outcome that was expected")


@router.post(
    "/v1/cases", "draftCase", "Draft a test case of a policy", "exchange-refused", body=json_body(_BODY), repeatable=False
)
async def draft(context: EvaluatingAll, call: Call[None]) -> CaseDraftShown:
    """
    A test file with one case, from an exchange and the outcome that is expected, and whether it passes now.

    The policies alone decide it, as they decide the cases beside them: the register and the ledger are not read. Nothing is written.
    """
    service = call.service
    raw = await body(call.request, service.settings.body_limit)
    try:
        engine.read_object(raw, engine.MAX_BYTES)  # no key twice, and not too deep
    except engine.ExchangeRefused as refused:
        raise refusal(refused, "en") from None
    sent = read_body(raw, CaseSent)
    if sent.outcome not in OUTCOMES:
        said = f"there is no outcome `{sent.outcome[:40]}`; there are {', '.join(OUTCOMES)}"
        raise RequestRefused("bad-request", said)
    async with service.turns.of(context.caller.id):
        live, as_of = context.live, context.today
        try:
            exchange = engine.accept_exchange(live.bundle, sent.exchange)
            as_of = exchange.as_of or as_of
            drafted = draft_case(live, sent.policy, sent.case, sent.outcome, exchange, as_of)
        except engine.ExchangeRefused as refused:
            wrong = refusal(refused, "en")
            wrong.errors = tuple(each.model_copy(update={"pointer": f"/exchange{each.pointer}"}) for each in wrong.errors or ())
            raise wrong from None
        except engine.EnginesFailed as failed:
            raise service.incidents.failure(live.pdp, context.request_id, None, as_of, failed) from None
    return CaseDraftShown(bundle=live.digests, yaml=drafted.yaml, outcome=drafted.outcome, passes=drafted.passes)
