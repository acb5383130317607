"""
How an endpoint is described: its name, its group, its problems, its parameters and its body, for the OpenAPI document.

Each endpoint calls `operation` once. What every operation has in common is added here, so that no endpoint has to repeat it.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict

from service.callers import caller
from service.problems import KINDS, MEDIA_TYPE, Kind, type_of

Tag = Literal[
    "decisions",
    "facts",
    "log",
    "reviews",
    "ledger",
    "register",
    "policies",
    "access requests",
    "gateways",
    "callers",
    "schemas",
    "service",
]

TAGS: Mapping[Tag, str] = {
    "decisions": "Decide exchanges, one or many in a call.",
    "facts": "The facts that an exchange may state, and those that matter for one.",
    "log": "Search the recorded decisions, read and explain them, decide them again, erase personal values.",
    "reviews": "Sign off what a person must decide, and list what waits.",
    "ledger": "Commit what really happens, and read the counters that laws set limits to.",
    "register": "State parties, data assets and other entities once, and name them by id in exchanges.",
    "policies": "The policies that decide, those that decided, and the shadow beside them.",
    "access requests": "The AuthZEN Authorization API 1.0.",
    "gateways": "What gateways and other programs ask in their own forms, read by mappings.",
    "callers": "API keys, and the persons who sign in.",
    "schemas": "The shapes of exchanges, decisions and records.",
    "service": "Where things are, whether the service can decide now, and its figures.",
}

IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "a name for this call that makes it safe to repeat: the same call with the same name gets the first answer"
    " and does nothing else",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
EXCHANGE_BODY = {"application/json": {"schema": {"$ref": "#/components/schemas/Exchange"}}}
DecisionId = Annotated[str, Path(description="the id of the decision")]

_EVERYWHERE: tuple[Kind, ...] = ("bad-request", "misdirected", "internal")
_GUARDED: tuple[Kind, ...] = ("unauthenticated", "forbidden", "rate-limited", "not-ready", "seal-broken", "busy")
_WITH_BODY: tuple[Kind, ...] = ("body-too-large", "body-too-slow", "unsupported-media-type")
_WRITING: tuple[Kind, ...] = ("not-recorded", "busy")
_REPEATABLE: tuple[Kind, ...] = ("idempotency-erased", "idempotency-mismatch")


class Shown(BaseModel):
    """The base of the shapes that endpoints answer with."""

    model_config = ConfigDict(frozen=True)


def operation(
    name: str,
    tag: Tag,
    summary: str,
    *kinds: Kind,
    needs: caller.Scope | Literal["any"] | None = None,
    parameters: Sequence[Mapping[str, Any]] = (),
    body: Mapping[str, Any] | None = None,
    writes: bool = False,
    repeatable: bool = False,
    answers: Mapping[int, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """
    The description of an endpoint, as keyword arguments for its route.

    `kinds` are the problems of its own, `needs` the scope of its caller (`any`: a key with any scope), `body` the content of its request by
    media type. It `writes`, or can be repeated with an Idempotency-Key (then it writes too). `answers` are statuses besides the first that
    are no problem.
    """
    found = list(dict.fromkeys((*kinds, *_EVERYWHERE, *(_GUARDED if needs else ()), *(_WITH_BODY if body else ()))))
    listed = list(parameters)
    more: dict[str, Any] = {}
    responses: dict[int | str, Any] = {status: dict(answer) for status, answer in (answers or {}).items()}
    if writes or repeatable:
        found += _WRITING
    if repeatable:
        found += _REPEATABLE
        listed.append(IDEMPOTENCY_KEY)
    if needs:
        more["security"] = [{"bearer": [] if needs == "any" else [needs]}]
    if listed:
        more["parameters"] = listed
    if body:
        more["requestBody"] = {"required": True, "content": dict(body)}
    for status, problem in _problems(found).items():
        beside = responses.get(status, {"content": {}})["content"]
        responses[status] = {**problem, "content": {**problem["content"], **beside}}
    return {
        "operation_id": name,
        "tags": [tag],
        "summary": summary,
        "responses": responses,
        "openapi_extra": more,
    }


@cache
def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a body, with all the definitions it refers to inside."""
    schema = model.model_json_schema(mode="validation")
    parts = schema.pop("$defs", {})

    def inlined(value: Any) -> Any:
        match value:
            case {"$ref": str(reference)}:
                name = reference.rpartition("/")[2]
                return inlined(parts[name]) if name != "JsonValue" else {}
            case dict():
                return {key: inlined(each) for key, each in value.items()}
            case list():
                return [inlined(each) for each in value]
        return value

    result: dict[str, Any] = inlined(schema)
    return result


def json_body(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a request that is JSON of this schema."""
    return {"application/json": {"schema": schema}}


def in_path(name: str, about: str, schema: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A parameter of the path, for a route whose function does not take it as an argument."""
    return {"name": name, "in": "path", "required": True, "description": about, "schema": dict(schema or {"type": "string"})}


DECISION_ID = in_path("id", "the id of the decision")


def in_header(name: str, about: str, schema: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A header that may be left out."""
    return {"name": name, "in": "header", "required": False, "description": about, "schema": dict(schema or {"type": "string"})}


def _problems(kinds: Iterable[Kind]) -> dict[int | str, dict[str, Any]]:
    """The statuses of refusals, each with the kinds of problems that have it."""
    by_status: dict[int, list[Kind]] = {}
    for kind in dict.fromkeys(kinds):
        by_status.setdefault(KINDS[kind][0], []).append(kind)
    return {status: _problem(tuple(by_status[status])) for status in sorted(by_status)}


@cache
def _problem(kinds: tuple[Kind, ...]) -> dict[str, Any]:
    schema = {
        "allOf": [{"$ref": "#/components/schemas/Problem"}],
        "type": "object",
        "properties": {"type": {"enum": [type_of(each) for each in kinds], "description": "the kind of problem"}},
    }
    examples = {each: {"$ref": f"#/components/examples/{each}"} for each in kinds}
    return {
        "description": "; ".join(f"`{each}`: {KINDS[each][1]}" for each in kinds),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }
