"""
`/ext_authz/{name}/{path}`: a gateway asks whether a request of its client may go on, in the form of Envoy's filter `ext_authz` over HTTP.

The call has the method, the path and the query of the client's request, and the headers that the gateway was told to send on. 200 lets the
request go on; any other status denies it.

- INVARIANT (no permit by repetition): an `Idempotency-Key` counts for nothing here. A gateway sends on its client's, and a kept answer
  would be the answer to another request.
- INVARIANT (durable first): no 200 leaves before the record of its decision is on the disk.
"""

from typing import NoReturn

from fastapi import FastAPI, Request, Response
from pydantic import Field
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

import engine
from service.api.operations import Shown, in_path, operation
from service.api.router import Operation, enter, service_of, shared
from service.callers.caller import Caller
from service.callers.context import EvaluatingAll
from service.callers.entrance import GATEWAYS
from service.doors.ext_authz.gateway_mapping import GatewayMapping
from service.doors.ext_authz.gateway_request import address_of, read_request
from service.mappings.mapped_decisions import MappedDecisions, mapping_of
from service.problems import RequestRefused
from service.service import Service
from service.telemetry.log_lines import note

DOOR = "ext_authz"
DECISION = "x-fifthfactor-decision"
NOTHING_DECIDED = "none"
PATH = GATEWAYS + "{name}/{path:path}"
_ANSWER = {"$ref": "#/components/schemas/GatewayAnswer"}


class GatewayAnswer(Shown):
    """The answer to a gateway. It has no reasons: a gateway may hand it to its client."""

    allow: bool = Field(description="whether the request may go on; the status says the same")
    decision: str | None = Field(default=None, description="the id of the recorded decision, if one was made")


class GatewayChecks:
    """Answers gateways by the mappings of the live policies. One for each application."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._decisions = MappedDecisions(service)
        self._made: dict[str, GatewayMapping] = {}

    async def check(self, request: Request, caller: Caller) -> Response:
        """The answer to a request that a caller asks about. Raises RequestRefused."""
        scope = request.scope
        name, path = address_of(scope)
        live = self._service.live
        mapping = self._mapping(mapping_of(live, name, DOOR))
        asked = read_request(scope, path)
        query = mapping.query(asked)
        if query is None:
            self._deny(request, name, f"the mapping `{name}` names no operation of this method and path")
        if unknown := next((each for each in asked.target.query if each not in query), None):
            self._deny(request, name, f"the operation takes no parameter `{unknown}`")
        document = asked.document(mapping.headers, query)
        found = await self._decisions.answer(name, DOOR, document, caller, scope["request_id"], live=live)
        note(scope, **found.noted)
        answer = GatewayAnswer(allow=found.allow, decision=found.decision)
        status = 200 if found.allow else 403
        headers = {DECISION: found.decision or NOTHING_DECIDED}
        return Response(answer.model_dump_json(), status, headers, media_type="application/json")

    def _mapping(self, mapping: engine.RequestMapping) -> GatewayMapping:
        """The mapping made ready, once for each that is loaded."""
        made = self._made.get(mapping.name)
        if made is None or made.mapping is not mapping:
            made = self._made[mapping.name] = GatewayMapping.of(mapping)
        return made

    def _deny(self, request: Request, name: str, detail: str) -> NoReturn:
        """Raises RequestRefused: the mapping does not say that the request may go on. No caller is refused: it is the gateway's client."""
        note(request.scope, mapping=name, allow=False)
        raise RequestRefused("forbidden", detail, headers={DECISION: NOTHING_DECIDED})


class GatewayRoute(Operation):
    """
    A route that answers every method, and is described with one. The method and the query are those of the gateway's client: the mapping
    says which may come.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the address is that of the route, whatever the method."""
        found, child = super().matches(scope)
        return Match.FULL if found is Match.PARTIAL else found, child

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, whatever its method and its query."""
        await self.app(scope, receive, send)


async def check_request(request: Request) -> Response:
    """
    Says whether a request of a gateway's client may go on: 200 lets it go on, any other status denies it.

    The method, the path behind the name, and the query are those of the client's request; every method is answered. The mapping says which
    exchange the request is. It is decided and recorded, and the header `x-fifthfactor-decision` has the id of the decision.
    """
    service = service_of(request)
    context = enter(EvaluatingAll, request, service)
    return await shared(request, GatewayChecks, service).check(request, context.caller)


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""
    described = operation(
        "checkRequest",
        "gateways",
        "Ask whether a request of a gateway's client may go on",
        "mapping-refused",
        "not-found",
        needs=EvaluatingAll.scope,
        writes=True,
        parameters=[
            in_path("name", "the name of a mapping with `door: ext_authz`"),
            in_path("path", "the path of the request"),
        ],
        answers={403: {"description": "It may not go on", "content": {"application/json": {"schema": _ANSWER}}}},
    )
    given = {"methods": ["GET"], "response_model": GatewayAnswer, **described}
    app.router.routes.append(GatewayRoute.of(PATH, check_request, EvaluatingAll, **given))
