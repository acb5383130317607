"""`GET /v1/schemas/…`: the JSON Schemas of an exchange, a decision and a record."""

import json
from typing import Any

from fastapi import FastAPI, Request, Response

from service.api.operations import operation
from service.api.parameters import parameter, single, wrong
from service.api.shapes import RECORD_SHAPES, Shapes
from service.service import Service

_CONTENT = {"application/schema+json": {"schema": {"type": "object"}}}
_SHAPE = parameter(
    "shape",
    "the number of the shape; the log keeps each record in the shape that it was made in",
    {"type": "string", "enum": list(RECORD_SHAPES), "default": RECORD_SHAPES[0]},
)


def add(app: FastAPI, service: Service, shapes: Shapes) -> None:
    """Put the endpoints on the application."""

    def written(name: str) -> Response:
        return Response(json.dumps(shapes.of(service.live)[name], ensure_ascii=False), media_type="application/schema+json")

    def described(name: str, of: str, *parameters: dict[str, Any]) -> dict[str, Any]:
        answer = {"description": "JSON Schema, 2020-12", "content": _CONTENT}
        return operation(name, "schemas", f"The JSON Schema of {of}", parameters=parameters, answers={200: answer})

    # These are not `async`: the first call decides the example, so each call runs in a thread.
    @app.get("/v1/schemas/exchange", response_class=Response, **described("getExchangeSchema", "an exchange"))
    def exchange() -> Response:
        """The facts of the loaded vocabulary, each with the question that asks for it."""
        return written("exchange")

    @app.get("/v1/schemas/decision", response_class=Response, **described("getDecisionSchema", "a decision"))
    def decision() -> Response:
        """The answer to an exchange."""
        return written("decision")

    @app.get("/v1/schemas/record", response_class=Response, **described("getRecordSchema", "a record", _SHAPE))
    def record(request: Request) -> Response:
        """A record as the log keeps it. Earlier versions made records of other shapes, which are kept and read for good."""
        shape = single(request).get("shape", RECORD_SHAPES[0])
        if shape not in RECORD_SHAPES:
            raise wrong("shape", f"`shape` takes {', '.join(f'`{each}`' for each in RECORD_SHAPES)}, not `{shape[:40]}`")
        return written(f"record/{shape}")
