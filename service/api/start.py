"""`GET /`: where to go from here. A browser is sent to the pages of the log, a program gets the addresses it may need."""

from typing import Literal

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse

import engine
from service.api.operations import operation
from service.service import Service

_PAGES = "/log"


class Links(BaseModel):
    """Addresses of this service, as paths."""

    model_config = ConfigDict(frozen=True)

    openapi: str = Field(default="/openapi.json", description="the description of all operations, OpenAPI 3.1")
    documentation: str = Field(default="/docs", description="the same as a page on which operations can be tried")
    pages: str = Field(default=_PAGES, description="the decision log, for a browser")
    evaluate: str = Field(default="/v1/evaluate", description="decides an exchange")
    facts: str = Field(default="/v1/facts", description="the facts that an exchange may state")
    exchange_schema: str = Field(default="/v1/schemas/exchange", description="the JSON Schema of an exchange")
    alive: str = Field(default="/livez", description="whether the process is alive")
    ready: str = Field(default="/readyz", description="whether the service can decide and record now")


class Start(BaseModel):
    """What this service is, and where its parts are."""

    model_config = ConfigDict(frozen=True)

    service: Literal["Fifth Factor"] = "Fifth Factor"
    version: str = Field(default=engine.__version__, description="the version of the service and its engine")
    links: Links = Links()


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""

    @app.get(
        "/",
        response_model=Start,
        **operation(
            "getStart",
            "service",
            "Where to go from here",
            answers={303: {"description": "For a browser: the pages of the log"}},
        ),
    )
    async def start(request: Request) -> Response:
        """Needs no key. A request that accepts `text/html` is sent to the pages of the log, which ask for a key where one is needed."""
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(_PAGES, 303, headers={"Vary": "Accept"})
        return Response(Start().model_dump_json(), media_type="application/json", headers={"Vary": "Accept"})
