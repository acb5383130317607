"""`GET /v1/facts`: what an exchange may say, from the loaded vocabulary."""

from fastapi import FastAPI, Response
from pydantic import BaseModel, ConfigDict

import engine
from service.log.record import Digests
from service.service import Service


class Facts(BaseModel):
    """The facts of the loaded vocabulary."""

    model_config = ConfigDict(frozen=True)

    bundle: Digests
    facts: tuple[engine.FactEntry, ...]


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""
    digests = Digests(meaning=service.bundle.digests.meaning, source=service.bundle.digests.source)
    listed = Facts(bundle=digests, facts=tuple(service.bundle.facts())).model_dump_json()

    @app.get("/v1/facts", summary="The facts an exchange may state", response_model=Facts)
    async def facts() -> Response:
        """Every fact with its type, its title, the question that asks for it, and whether it is personal."""
        return Response(listed, media_type="application/json")
