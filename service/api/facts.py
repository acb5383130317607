"""`GET /v1/facts`: the facts that an exchange may state, from the loaded vocabulary."""

from functools import lru_cache

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict

import engine
from service.api import schemas
from service.callers.caller import caller_of
from service.log.record import PolicyDigests
from service.policies.live import Live
from service.service import Service


class FactsShown(BaseModel):
    """The facts of the loaded vocabulary."""

    model_config = ConfigDict(frozen=True)

    bundle: PolicyDigests
    facts: tuple[engine.FactEntry, ...]


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""

    @lru_cache(maxsize=1)
    def listed(live: Live) -> str:
        return FactsShown(bundle=live.digests, facts=tuple(live.bundle.facts())).model_dump_json()

    @app.get(
        "/v1/facts",
        summary="The facts an exchange may state",
        response_model=FactsShown,
        responses=schemas.problems(403),
        openapi_extra=schemas.needs("evaluate"),
    )
    async def facts(request: Request) -> Response:
        """Every fact with its type, its title, the question that asks for it, and whether it is personal."""
        caller_of(request.scope, "evaluate")
        return Response(listed(service.live), media_type="application/json")
