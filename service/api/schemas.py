"""
`GET /openapi.json` and `GET /v1/schemas/…`: the shapes of what goes in and out.

The shapes come from the models and, for an exchange, from the loaded vocabulary; none is written by hand. The examples
are one exchange, the decision of the loaded policies on it, and the record of both, made at the first request for a shape.
"""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict

import engine
from service.callers import caller
from service.callers.entrance import is_public
from service.log.record import EngineVersion, Record, RecordedVerdict
from service.policies.live import Live
from service.problems import Problem
from service.register import named_exchanges
from service.service import Service

API_VERSION = "1"
DESCRIPTION = (
    "Decides proposed cross-border exchanges of data against policies written in YAML, and records every decision. "
    "The policies are engineering research; the decisions are not legal advice."
)
EXCHANGE_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Exchange"}}},
    }
}
IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "a name for this call that makes it safe to repeat: the same call with the same name gets the first answer"
    " and does nothing else",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
_DAY = date(2026, 11, 24)
_ID = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"
_CANDIDATES: tuple[dict[str, Any], ...] = (
    {
        "exporter": {"country": "CN"},
        "recipient": {"country": "US"},
        "data": {"personal": True, "people": {"sensitive": 12_000}},
    },
    {"exporter": {"country": "CN"}, "recipient": {"country": "US"}},
    {},
)
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "an API key, `ff_…`, or a JWT of the configured issuer; not needed while no key was ever made and the"
    " service listens only on its own machine. Each operation names the scopes that its caller needs.",
}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Shown(BaseModel):
    """The base of the shapes that endpoints answer with."""

    model_config = ConfigDict(frozen=True)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For an endpoint's documentation: the statuses of its refusals, each with a problem document."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": "A problem document", "content": content} for status in statuses}


def needs(scope: caller.Scope) -> dict[str, Any]:
    """For an endpoint's documentation (`openapi_extra`): the scope that its caller needs. Every endpoint that is not public has it."""
    return {"security": [{"bearer": [scope]}]}


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application. Call this last: the OpenAPI document lists the endpoints added before."""

    @lru_cache(maxsize=1)
    def shapes(live: Live) -> dict[str, dict[str, Any]]:
        found = {
            "exchange": named_exchanges.schema(live.bundle.exchange_schema()),
            "decision": engine.Answer.model_json_schema(mode="serialization"),
            "record": Record.model_json_schema(mode="serialization"),
        }
        examples = _examples(live)
        return {name: {"$schema": _DIALECT, "examples": [examples[name]], **found[name]} for name in found}

    # Made at the first request, which makes the start a tenth of a second shorter. Not `async`, so it runs in a thread.
    @app.get("/openapi.json", include_in_schema=False)
    def openapi() -> Response:
        return Response(_written(_openapi(app, shapes(service.live)["exchange"])), media_type="application/json")

    for name in ("exchange", "decision", "record"):
        _serve(app, name, lambda: shapes(service.live))


def _serve(app: FastAPI, name: str, shapes: Callable[[], dict[str, dict[str, Any]]]) -> None:
    content = {"application/schema+json": {"schema": {"type": "object"}}}

    @app.get(
        f"/v1/schemas/{name}",
        summary=f"The JSON Schema for `{name}`",
        response_class=Response,
        responses={200: {"description": "JSON Schema, 2020-12", "content": content}},
    )
    def schema() -> Response:
        return Response(_written(shapes()[name]), media_type="application/schema+json")


def _written(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False)


def _examples(live: Live) -> dict[str, Any]:
    """An exchange that the loaded vocabulary accepts, the decision on it, and the record of both."""
    for candidate in _CANDIDATES:
        try:
            exchange = engine.parse_exchange(live.bundle, json.dumps(candidate).encode())
            break
        except engine.ExchangeRefused:
            continue  # another vocabulary
    written = live.pdp.answer(live.pdp.judge(exchange, as_of=_DAY), today=_DAY, id=_ID)
    decision = engine.Answer.model_validate_json(written.json())
    record = Record(
        id=_ID,
        recorded_at=datetime(_DAY.year, _DAY.month, _DAY.day, 9, 30, 0, 123456, UTC),
        asked_by="gateway",
        as_of=_DAY,
        request=dict(exchange.document),
        decision=decision,
        verdict=RecordedVerdict.model_validate_json(written.verdict),
        bundle=live.digests,
        engine=EngineVersion.of_this_one(),
    ).document()
    return {"exchange": candidate, "decision": record["decision"], "record": record}


def _openapi(app: FastAPI, exchange: dict[str, Any]) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, openapi_version="3.1.0"
    )
    components = document.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in (("Exchange", exchange), ("Problem", Problem.model_json_schema(mode="serialization"))):
        local = _pointing_into_components(schema, name)
        for inner, definition in local.pop("$defs", {}).items():
            components[f"{name}-{inner}"] = definition
        local.pop("$schema", None)
        components[name] = local
    document["components"]["securitySchemes"] = {"bearer": _BEARER}
    for path, operations in document["paths"].items():
        if not is_public(path):
            for operation in operations.values():
                _guarded(operation)
    return document


def _guarded(operation: dict[str, Any]) -> None:
    """Adds the answers that the entrance may give in place of the endpoint, and the scope in words."""
    repeatable = IDEMPOTENCY_KEY in operation.get("parameters", ())
    for status, response in problems(401, 403, 429, 503, *((400, 410, 422) if repeatable else ())).items():
        operation["responses"][str(status)] = response
    for scheme in operation.get("security", ()):
        operation["description"] = f"{operation.get('description', '')}\n\nNeeds the scope `{scheme['bearer'][0]}`.".strip()


def _pointing_into_components(value: Any, name: str) -> Any:
    """The schema, with references to its own `$defs` changed to OpenAPI's components."""
    match value:
        case {"$ref": str(reference), **rest} if reference.startswith("#/$defs/"):
            moved = f"#/components/schemas/{name}-{reference.removeprefix('#/$defs/')}"
            return {"$ref": moved, **_pointing_into_components(rest, name)}
        case dict():
            return {key: _pointing_into_components(inner, name) for key, inner in value.items()}
        case list():
            return [_pointing_into_components(inner, name) for inner in value]
        case _:
            return value
