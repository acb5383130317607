"""`GET /v1/decisions/{id}`: the record of a decision, as the log holds it."""

import json
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response

from service.api import schemas
from service.callers import caller_of
from service.log.leaf import clear, commitments
from service.log.record import KeptRecord
from service.log.store import Stored
from service.problems import Refused
from service.service import Service


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""

    # Not `async`: reading waits for the disk, so it gets a thread.
    @app.get(
        "/v1/decisions/{id}",
        summary="The record of a decision",
        response_model=KeptRecord,
        responses=schemas.problems(403, 404, 503),
        openapi_extra=schemas.needs("read"),
    )
    def decision(id: str, request: Request) -> Response:
        """The record, with personal values in clear where they were not erased, and its place in the log."""
        caller_of(request.scope, "read")
        try:
            stored = service.store.read(id)
        except sa.exc.SQLAlchemyError:
            raise Refused("not-ready", "the log cannot be read", headers={"Retry-After": "1"}) from None
        if stored is None:
            raise Refused("not-found", "no decision of this id is recorded")
        return Response(json.dumps(kept(stored), ensure_ascii=False), media_type="application/json")


def kept(stored: Stored) -> dict[str, Any]:
    """A stored record as it is shown. The record itself may be of an older shape, so it passes through no model."""
    entry = stored.entry
    held = commitments(entry.leaf)
    return {
        "record": clear(entry.leaf, entry.openings),
        "log": {
            "sequence": stored.sequence,
            "leaf_hash": entry.leaf_hash.hex(),
            "personal": [
                {
                    "pointer": opening.pointer,
                    "commitment": held[opening.pointer],
                    "salt": None if opening.salt is None else opening.salt.hex(),
                }
                for opening in entry.openings
            ],
        },
    }
