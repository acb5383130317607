"""`GET /v1/caller`: who the caller is to the service, and what it may do. It takes any key, since it tells nothing of others."""

from fastapi import FastAPI, Request, Response
from pydantic import Field

from service.api.operations import Shown, operation
from service.api.request_bodies import Plain
from service.api.router import answer
from service.callers.caller import SCOPES, Scope, known_caller
from service.service import Service


class CallerShown(Shown):
    """The caller of this call."""

    caller: str = Field(description="the caller's id, as records have it")
    scopes: tuple[Scope, ...]
    party: str | None = Field(
        default=None, description="the id of the party to which the caller belongs; left out for an operator's"
    )


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""

    async def caller_info(request: Request) -> Response:
        """The caller's id, its scopes, and the party to which it belongs. A program learns here what it may offer."""
        caller = known_caller(request.scope)
        scopes = tuple(each for each in SCOPES if each in caller.scopes)
        return answer(CallerShown(caller=caller.id, scopes=scopes, party=caller.party))

    app.router.add_api_route(
        "/v1/caller",
        caller_info,
        methods=["GET"],
        response_model=CallerShown,
        route_class_override=Plain,
        **operation("getCaller", "callers", "Who the caller is, and what it may do", needs="any"),
    )
