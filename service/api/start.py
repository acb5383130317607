"""`GET /`: where to go from here. A browser gets the overview, a program gets the addresses it may need."""

from typing import Literal

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, Field

import engine
from service.api.decision_pages import DAYS, overview, pages
from service.api.operations import operation
from service.api.parameters import single, word
from service.callers.entrance import is_page
from service.service import Service

_LANG = word("lang", "for a browser: the language of the overview", list(engine.LANGUAGES), default="en")
_OVERVIEW = pages.answering(overview)


class Links(BaseModel, frozen=True):
    """Addresses of this service, as paths."""

    openapi: str = Field(default="/openapi.json", description="the description of all operations, OpenAPI 3.1")
    documentation: str = Field(default="/docs", description="the same as pages for a browser")
    pages: str = Field(default="/log", description="the decision log, for a browser; this address is the overview for one")
    evaluate: str = Field(default="/v1/evaluate", description="decides an exchange")
    facts: str = Field(default="/v1/facts", description="the facts that an exchange may state")
    exchange_schema: str = Field(default="/v1/schemas/exchange", description="the JSON Schema of an exchange")
    alive: str = Field(default="/livez", description="whether the process is alive")
    ready: str = Field(default="/readyz", description="whether the service can decide and record now")


class Start(BaseModel, frozen=True):
    """What this service is, and where its parts are."""

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
            *("unauthenticated", "forbidden", "rate-limited", "not-ready"),
            parameters=[DAYS.documented, _LANG.documented],
            answers={
                200: {"content": {"text/html": {"schema": {"type": "string", "description": "the overview"}}}},
                303: {"description": "a browser without a session goes to the page to sign in"},
            },
        ),
    )
    async def start(request: Request) -> Response:
        """Needs no key. A request that accepts `text/html` gets the overview of the log, which needs the scope `read`."""
        if is_page(request.scope):
            answer = await _OVERVIEW(request)
        else:
            # A value that a parameter cannot have is refused, though a program's answer rests on none.
            for each in (DAYS, _LANG):
                each.of(single(request))
            answer = Response(Start().model_dump_json(), media_type="application/json")
        answer.headers["Vary"] = "Accept"
        return answer
