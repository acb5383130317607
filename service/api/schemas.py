"""`GET /v1/schemas/…`: the JSON Schemas of an exchange, a decision and a record."""

import json
from typing import Any

from fastapi import FastAPI, Response

from service.api.operations import operation
from service.api.shapes import Shapes
from service.service import Service

_CONTENT = {"application/schema+json": {"schema": {"type": "object"}}}


def add(app: FastAPI, service: Service, shapes: Shapes) -> None:
    """Put the endpoints on the application."""

    def written(name: str) -> Response:
        return Response(json.dumps(shapes.of(service.live)[name], ensure_ascii=False), media_type="application/schema+json")

    def described(name: str, of: str) -> dict[str, Any]:
        answer = {"description": "JSON Schema, 2020-12", "content": _CONTENT}
        return operation(name, "schemas", f"The JSON Schema of {of}", answers={200: answer})

    # These are not `async`: the first call decides the example, so each call runs in a thread.
    @app.get("/v1/schemas/exchange", response_class=Response, **described("getExchangeSchema", "an exchange"))
    def exchange() -> Response:
        """The facts of the loaded vocabulary, each with the question that asks for it."""
        return written("exchange")

    @app.get("/v1/schemas/decision", response_class=Response, **described("getDecisionSchema", "a decision"))
    def decision() -> Response:
        """The answer to an exchange."""
        return written("decision")

    @app.get("/v1/schemas/record", response_class=Response, **described("getRecordSchema", "a record"))
    def record() -> Response:
        """A record as the log keeps it."""
        return written("record")
