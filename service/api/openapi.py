"""
`GET /openapi.json`: all operations as OpenAPI 3.1, with the shape of an exchange from the loaded vocabulary.

The document is made from the routes. What it needs besides is added here: the shapes of exchanges and problems, a description of each
member, examples, and the scopes in words. What operations repeat is said once (`shared_components`).
"""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi

from service.api.members import describe
from service.api.operations import TAGS, operation
from service.api.shapes import Shapes
from service.api.shared_components import share, with_named_types
from service.policies.live import Live
from service.problems import KINDS, MEDIA_TYPE, Kind, Problem, type_of
from service.service import Service

EXAMPLES = Path(__file__).with_name("examples.json")
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "an API key, `ff_…`, or a JWT of the configured issuer; not needed while no key was ever made and the"
    " service listens only on its own machine. Each operation names the scopes that its caller needs.",
}
_HEADERS = {
    "X-Request-ID": {
        "description": "the id of the request: the caller's own if it sent one that is short and plain, or a new one",
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "after how many seconds to try again", "schema": {"type": "string"}},
}
_LINKED = "application/ld+json"  # an answer that has an example where there is none in JSON
_SHOWN = (
    "application/json",
    "application/schema+json",
    "text/plain",
    "text/markdown",
    "text/event-stream",
)  # answers that have an example
_UNUSED = ("HTTPValidationError", "ValidationError")  # FastAPI's own refusals, which the service never sends


def add(app: FastAPI, service: Service, shapes: Shapes) -> Callable[[Live], str]:
    """
    Put the endpoint on the application, and give the document of some policies as JSON. The document lists the endpoints of the
    application, whenever they are added.
    """

    @lru_cache(maxsize=1)
    def written(live: Live) -> str:
        return json.dumps(_document(app, shapes, live), ensure_ascii=False, separators=(",", ":"))

    # Made at the first request, which makes the start a tenth of a second shorter. Not `async`, so it runs in a thread.
    @app.get(
        "/openapi.json",
        response_class=Response,
        **operation(
            "getOpenApi",
            "schemas",
            "All operations, as OpenAPI 3.1",
            answers={200: {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}}},
        ),
    )
    def openapi() -> Response:
        """This document."""
        return Response(written(service.live), media_type="application/json")

    return written


@cache
def examples() -> Mapping[str, Mapping[str, Any]]:
    """By operation: an example of its request and of its answer, recorded from the service with the bundled policies."""
    found: Mapping[str, Mapping[str, Any]] = json.loads(EXAMPLES.read_text())
    return found


def _document(app: FastAPI, shapes: Shapes, live: Live) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        openapi_version="3.1.0",
        tags=[{"name": name, "description": about} for name, about in TAGS.items()],
    )
    components = document["components"]
    schemas = components["schemas"]
    for name in _UNUSED:
        schemas.pop(name, None)
    types = {fact.name: fact.type for fact in live.bundle.facts.values()}
    exchange = with_named_types(deepcopy(shapes.of(live)["exchange"]), types)
    for name, schema in (("Exchange", exchange), ("Problem", Problem.model_json_schema(mode="serialization"))):
        local = _pointing_into_components(schema, name)
        for inner, definition in local.pop("$defs", {}).items():
            schemas[f"{name}-{inner}"] = definition
        local.pop("$schema", None)
        schemas[name] = local
    components["examples"] = {kind: _refusal(kind) for kind in KINDS}
    components["headers"] = _HEADERS
    components["securitySchemes"] = {"bearer": _BEARER}
    for name, schema in schemas.items():
        schema.pop("$id", None)  # with a name of its own, its references to other components would lead nowhere
        describe(schema, name.rpartition("-")[2])
    sent = exchange["examples"][0]
    own = {
        "evaluate": {"request": sent, "answer": shapes.of(live)["decision"]["examples"][0]},
        "evaluateBatch": {
            "request": {"exchanges": [sent]},
            "answer": {"results": [{"decision": shapes.of(live)["decision"]["examples"][0]}]},
        },
        "listFactsForExchange": {"request": sent},
    }
    for operations in document["paths"].values():
        for found in operations.values():
            _complete(found, {**examples().get(found["operationId"], {}), **own.get(found["operationId"], {})})
    share(document)
    return document


def _complete(operation: dict[str, Any], example: Mapping[str, Any]) -> None:
    """Adds to an operation the descriptions of the members of its bodies, its examples, and its scope in words."""
    responses = operation["responses"]
    if "422" in responses and MEDIA_TYPE not in responses["422"]["content"]:
        del responses["422"]  # FastAPI's own refusal, which the service never sends
    for status, response in responses.items():
        names = ("X-Request-ID", "Retry-After") if status in ("429", "503") else ("X-Request-ID",)
        response["headers"] = {
            **response.get("headers", {}),
            **{name: {"$ref": f"#/components/headers/{name}"} for name in names},
        }
        for kind, content in response.get("content", {}).items():
            describe(content.get("schema", {}))
            alone = kind == _LINKED and "application/json" not in response["content"]
            if status.startswith("2") and (kind in _SHOWN or alone) and "answer" in example:
                content["example"] = example["answer"]
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        describe(content["schema"])
        if kind in ("application/json", "application/ld+json") and "request" in example:
            content["example"] = example["request"]
    for scheme in operation.get("security", ()):
        needs = f"the scope `{scheme['bearer'][0]}`" if scheme["bearer"] else "a key, with any scope"
        operation["description"] = f"{operation.get('description', '')}\n\nNeeds {needs}.".strip()


def _refusal(kind: Kind) -> dict[str, Any]:
    """An example of a problem document."""
    status, title = KINDS[kind]
    problem = Problem(
        type=type_of(kind),
        title=title,
        status=status,
        detail="what is wrong here, and what to do",
        instance="/v1/evaluate",
        request_id="019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
    )
    return {"summary": title, "value": problem.model_dump(mode="json", exclude_none=True)}


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
