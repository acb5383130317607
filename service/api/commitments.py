"""
`/v1/commitments`: commit a decided exchange, withdraw a commitment, or amend it.

An answer leaves once its commitment is durable. A refusal because the decision no longer holds carries the new decision, which is
recorded.
"""

import re
from dataclasses import replace
from typing import Annotated, TypeVar

import sqlalchemy as sa
from fastapi import FastAPI, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

import engine
from service.api import schemas
from service.api.sent import Plain, body
from service.callers.caller import Caller, caller_of
from service.decisions.idempotency import KeptAnswer, once
from service.decisions.recording import Outgoing, record_and_answer
from service.ledger.committing import Commitment, Done, Ledger, Moved, State
from service.problems import MEDIA_TYPE, PLACES_SHOWN, ProblemPlace, RequestRefused
from service.service import Service
from service.telemetry.log_lines import note

_LIMIT = 16 * 1024
_PAGE = 100
_MOST = 2**53 - 1
_ID = r"^[!-~]{1,64}$"

Sent = TypeVar("Sent", bound=BaseModel)
# PostgreSQL cannot store a text with a zero byte.
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]


class Sending(BaseModel):
    """A body sent to the ledger. Unknown members are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class CommitSent(Sending):
    decision: str = Field(pattern=_ID, description="the id of the decision")


class WithdrawSent(Sending):
    reason: Reason


class AmendSent(Sending):
    decision: str = Field(pattern=_ID, description="the id of the decision on the exchange as it really happens")
    reason: Reason


class Commitments(BaseModel):
    """A page of commitments. `next` is the `after` of the next page; the last page has none."""

    commitments: list[Commitment]
    next: int | None = None


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    ledger = Ledger(service)

    async def attempt(
        request: Request, caller: Caller, raw: bytes, decision: str, old: str = "", reason: str | None = None
    ) -> Response:
        request_id: str = request.scope["request_id"]

        def work(transaction: sa.Connection) -> KeptAnswer:
            return committed(request, ledger.commit(transaction, decision, caller, request_id, old, reason))

        try:
            return await once(service, request, caller, raw, work)
        except Moved as found:
            tell = found.tell

        async def moved() -> Outgoing:
            async with service.turns:
                decided = tell()
            made = decided.told
            refused = RequestRefused(
                "decision-moved",
                "decided again with the current counters, policies and day, it may not proceed",
                decision={"id": made.id, "outcome": made.outcome, "answer": made.answer},
            )
            problem = refused.response(request.scope["path"], request_id)
            status, body = problem.status_code, bytes(problem.body)
            return Outgoing.of(decided, body, _noted(made), status=status, media_type=MEDIA_TYPE, refused=refused.kind)

        return await record_and_answer(service, request, caller, raw, moved)

    async def commit(request: Request) -> Response:
        """Decides the exchange of a decision again with the current counters, and commits it if it may still proceed."""
        caller = caller_of(request.scope, "commit")
        raw, sent = await read(request, CommitSent)
        return await attempt(request, caller, raw, sent.decision)

    async def amend(request: Request) -> Response:
        """Replaces a commitment by one for another decision. The old one no longer counts; both are kept."""
        caller = caller_of(request.scope, "commit")
        raw, sent = await read(request, AmendSent)
        return await attempt(request, caller, raw, sent.decision, _named(request.path_params["id"]), sent.reason)

    async def withdraw(request: Request) -> Response:
        """Ends a commitment whose exchange does not happen. It no longer counts, but is kept."""
        caller: Caller = caller_of(request.scope, "commit")
        raw, sent = await read(request, WithdrawSent)
        id = _named(request.path_params["id"])

        def work(transaction: sa.Connection) -> KeptAnswer:
            told = ledger.withdraw(transaction, id, caller, sent.reason)
            return KeptAnswer(written(told), after=lambda: note(request.scope, commitment_id=id))

        return await once(service, request, caller, raw, work)

    def committed(request: Request, done: Done) -> KeptAnswer:
        """The answer to an attempt that succeeded."""
        noted = {**_noted(done.decided.written), "commitment_id": done.commitment.id}
        made = Outgoing.of(done.decided, written(done.commitment), noted, status=201)
        records = range(done.sequence, done.sequence + 1)
        return replace(made.kept(service, request, records), records=range(0))  # the answer holds no value of the records

    for path, function, model, status, summary in (
        ("/v1/commitments", commit, CommitSent, 201, "Commit a decision"),
        ("/v1/commitments/{id}/amend", amend, AmendSent, 201, "Replace a commitment"),
        ("/v1/commitments/{id}/withdraw", withdraw, WithdrawSent, 200, "End a commitment"),
    ):
        app.router.add_api_route(
            path,
            function,
            methods=["POST"],
            status_code=status,
            summary=summary,
            response_model=Commitment,
            responses=schemas.problems(400, 403, 404, 409, 413, 415, 503),
            openapi_extra={**schemas.needs("commit"), **sent_body(model, "id" if "{id}" in path else "")},
            route_class_override=Plain,
        )

    @app.get(
        "/v1/commitments",
        summary="Commitments, oldest first",
        response_model=Commitments,
        responses=schemas.problems(400, 403, 503),
        openapi_extra=schemas.needs("read"),
    )
    def commitments(
        request: Request,
        exporter: str | None = Query(None, min_length=1, max_length=256, description="the exporter's id"),
        state: State | None = None,
        after: int = Query(-1, ge=-1, le=_MOST, description="the `next` of the previous page"),
        limit: int = Query(_PAGE, ge=1, le=_PAGE),
    ) -> Response:
        """A page of commitments, filtered by exporter or state if the query names one."""
        caller_of(request.scope, "read")
        found, following = service.read(lambda connection: ledger.page(connection, exporter, state, after, limit), "ledger")
        return answer(Commitments(commitments=found, next=following))

    @app.get(
        "/v1/commitments/{id}",
        summary="A commitment",
        response_model=Commitment,
        responses=schemas.problems(403, 404, 503),
        openapi_extra=schemas.needs("read"),
    )
    def one(id: str, request: Request) -> Response:
        """A commitment, the counters that it moved, and its history."""
        caller_of(request.scope, "read")
        named = _named(id)
        found = service.read(lambda connection: ledger.read(connection, named), "ledger")
        if found is None:
            raise RequestRefused("not-found", "there is no commitment with this id")
        return answer(found)


async def read(request: Request, model: type[Sent]) -> tuple[bytes, Sent]:
    """The body as bytes, and its content, read strictly. Raises RequestRefused."""
    raw = await body(request, _LIMIT)
    try:
        return raw, model.model_validate_json(raw)
    except ValidationError as failed:
        errors = failed.errors(include_url=False, include_input=False, include_context=False)[:PLACES_SHOWN]
    places = tuple(
        ProblemPlace(
            pointer="".join(f"/{step}"[:120] for step in each["loc"]), code=each["type"].replace("_", "-"), detail=each["msg"]
        )
        for each in errors
    )
    raise RequestRefused("bad-request", "the body does not have the documented shape", errors=places)


def answer(document: BaseModel, status: int = 200) -> Response:
    """The answer with a document of the ledger; members without a value are left out."""
    return Response(written(document), status, media_type="application/json")


def written(document: BaseModel) -> bytes:
    """The bytes of a document of the ledger."""
    return document.model_dump_json(exclude_none=True).encode()


def sent_body(model: type[BaseModel], path_parameter: str = "") -> dict[str, object]:
    """For an endpoint's documentation: its body, and the header that makes the call safe to repeat."""
    schema = {"required": True, "content": {"application/json": {"schema": model.model_json_schema()}}}
    parameter = {"name": path_parameter, "in": "path", "required": True, "schema": {"type": "string"}}
    return {"requestBody": schema, "parameters": [*([parameter] if path_parameter else []), schemas.IDEMPOTENCY_KEY]}


def _named(id: str) -> str:
    """The id in an address. Raises RequestRefused where it cannot be one."""
    if not re.fullmatch(_ID, id):
        raise RequestRefused("not-found", "there is no commitment with this id")
    return id


def _noted(made: engine.Written) -> dict[str, object]:
    return {"decision_id": made.id, "outcome": made.outcome, "proceed": made.proceed}
