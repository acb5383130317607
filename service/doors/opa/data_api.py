"""
`POST /v1/data/{name}` and `POST /v1/data/{name}/allow`: the question that programs ask an Open Policy Agent, answered by a mapping.

The input goes in as the program sends it; `{"result": …}` comes out, an object or a boolean. What cannot be read is a problem, and never an
answer without a result: OPA answers `{}` for a policy that it does not have, and some programs take that for a yes.
"""

from typing import Any

from fastapi import Request
from pydantic import BaseModel, Field

import engine
from service.api.operations import in_path, json_body
from service.api.parameters import parameter
from service.api.request_bodies import body
from service.api.router import Call, Router
from service.callers.context import EvaluatingAll
from service.mappings.mapped_decisions import MappedAnswer, MappedDecisions
from service.mappings.request_reading import refusal
from service.problems import ProblemPlace, no_such
from service.telemetry.log_lines import note

DOOR = "opa"
INPUT = "input"
DECISION_HEADER = "x-fifthfactor-decision"

# What OPA documents of a query of its Data API. It asks for more about the evaluation of a program in Rego, of which there is none here.
_ABOUT_REGO = ("explain", "instrument", "metrics", "pretty", "provenance", "strict-builtin-errors")
_PARAMETERS = [parameter(name, "taken for clients of OPA; it changes nothing", {"type": "string"}) for name in _ABOUT_REGO]
_BODY: dict[str, Any] = {
    "type": "object",
    "properties": {INPUT: {"type": "object", "description": "what the program sends, read by the mapping"}},
    "required": [INPUT],
    "additionalProperties": False,
}
_NAME = in_path("name", "the name of a mapping with `door: opa`")


class DataResult(BaseModel, frozen=True):
    """Whether the program may go on, and what it can tell its client."""

    allow: bool = Field(description="whether the program may go on: `proceed`, and no duty is owed that it does not carry out")
    reason: str = Field(description="the answer in a sentence")
    status_code: int = Field(description="200 where it may go on, 403 where not")
    headers: dict[str, str] = Field(description="headers for the answer of the program")
    proceed: bool = Field(description="whether the exchange may proceed; `true` for an operation that moves no data")
    decision: str | None = Field(default=None, description="the id of the recorded decision, where one was made")

    @classmethod
    def of(cls, answer: MappedAnswer) -> "DataResult":
        """The result of an answer."""
        headers = {DECISION_HEADER: answer.decision} if answer.decision else {}
        status = 200 if answer.allow else 403
        return cls(
            allow=answer.allow,
            reason=answer.reason,
            status_code=status,
            headers=headers,
            proceed=answer.proceed,
            decision=answer.decision,
        )


class DataAnswer(BaseModel, frozen=True):
    """The answer to a question in OPA's shape."""

    result: DataResult = Field(description="whether the program may go on, and why")
    decision_id: str | None = Field(default=None, description="the id of the recorded decision, where OPA has it")


class AllowAnswer(BaseModel, frozen=True):
    """The answer to a question in OPA's shape, as yes or no."""

    result: bool = Field(description="whether the program may go on")
    decision_id: str | None = Field(default=None, description="the id of the recorded decision, where OPA has it")


router = Router("gateways")


@router.post(
    "/v1/data/{name}",
    "decideMapped",
    "Decide what a program asks in OPA's shape",
    "mapping-refused",
    "not-found",
    parameters=[_NAME, *_PARAMETERS],
    body=json_body(_BODY),
    repeatable=False,
)
async def decide_mapped(context: EvaluatingAll, call: Call[None]) -> DataAnswer:
    """
    Reads the input by the mapping `name`, decides and records it like an exchange, and answers with an object.

    An operation that the mapping names as one that moves no data is allowed and not recorded; one that it does not name is refused.
    """
    answer = await _answer(context, call)
    return DataAnswer(result=DataResult.of(answer), decision_id=answer.decision)


@router.post(
    "/v1/data/{name}/allow",
    "allowMapped",
    "Decide what a program asks in OPA's shape, as yes or no",
    "mapping-refused",
    "not-found",
    parameters=[_NAME, *_PARAMETERS],
    body=json_body(_BODY),
    repeatable=False,
)
async def allow_mapped(context: EvaluatingAll, call: Call[None]) -> AllowAnswer:
    """Does the same, and answers with `allow` alone."""
    answer = await _answer(context, call)
    return AllowAnswer(result=answer.allow, decision_id=answer.decision)


async def _answer(context: EvaluatingAll, call: Call[None]) -> MappedAnswer:
    """The answer to the input in the body. Raises RequestRefused, ClientDisconnect."""
    sent = await _input(call.request, call.service.settings.body_limit)
    found = await call.shared(MappedDecisions).answer(
        call.path["name"], DOOR, sent, context.caller, context.request_id, f"/{INPUT}"
    )
    note(call.request.scope, **found.noted)
    return found


async def _input(request: Request, limit: int) -> dict[str, Any]:
    """The input in the body, a JSON object. Raises RequestRefused, ClientDisconnect."""
    raw = await body(request, limit)
    try:
        document = engine.read_object(raw, limit, "request")
    except engine.ExchangeRefused as refused:
        raise refusal(
            [ProblemPlace(pointer=each.pointer, code=each.code, detail=each.detail) for each in refused.problems]
        ) from None
    strange = [each for each in document if each != INPUT]
    if strange:
        named = no_such("member", strange[0], [INPUT])
        raise refusal([ProblemPlace(pointer="", code="unknown-key", detail=f'the body is `{{"{INPUT}": …}}`; {named}')])
    if INPUT not in document:
        raise refusal([ProblemPlace(pointer="", code="missing", detail=f'`{INPUT}` is missing; send `{{"{INPUT}": …}}`')])
    found = document[INPUT]
    if not isinstance(found, dict):
        raise refusal([ProblemPlace(pointer=f"/{INPUT}", code="wrong-type", detail="must be an object")])
    return found
