"""
`/v1/commitments`: commit a decided exchange, withdraw a commitment, or amend it.

An answer leaves once its commitment is durable. A refusal because the decision no longer holds carries the new decision, which is
recorded.
"""

import json
import re
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, TypeVar, get_args

import sqlalchemy as sa
from fastapi import FastAPI, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

import engine
from service.api import paging
from service.api.operations import in_path, json_body, operation, schema_of
from service.api.parameters import parameter, single, wrong
from service.api.sent import Plain, body
from service.callers.caller import Caller, caller_of
from service.decisions.idempotency import KeptAnswer, once
from service.decisions.recording import Outgoing, record_and_answer
from service.ledger import party_view
from service.ledger.committing import Commitment, Done, Ledger, Moved, State
from service.problems import MEDIA_TYPE, Kind, RequestRefused, wrong_members
from service.service import Service
from service.telemetry.log_lines import note

_LIMIT = 16 * 1024
_PAGE = 100
_ID = r"^[!-~]{1,64}$"

_ABOUT_ID = "the id of the commitment"
_LISTED = [
    parameter("exporter", "the exporter's id", {"type": "string", "minLength": 1, "maxLength": 256}),
    parameter("state", "the state of the commitment", {"type": "string", "enum": list(get_args(State))}),
    *paging.parameters(_PAGE, _PAGE, "commitments"),
]

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]
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


class EndSent(Sending):
    from_: date = Field(alias="from", description="the first day on which the rights no longer stand")
    reason: Reason = Field(description="why they end")


class AmendSent(Sending):
    decision: str = Field(pattern=_ID, description="the id of the decision on the exchange as it really happens")
    reason: Reason


class Commitments(BaseModel):
    """A page of commitments, the oldest first."""

    commitments: list[Commitment]
    next: str | None = Field(description=paging.NEXT)


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
            async with service.turns.of(caller.id):
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
        caller = caller_of(request.scope, "commit", of_party=True)
        raw, sent = await read(request, CommitSent)
        return await attempt(request, caller, raw, sent.decision)

    async def amend(request: Request) -> Response:
        """Replaces a commitment by one for another decision. The old one no longer counts; both are kept."""
        caller = caller_of(request.scope, "commit", of_party=True)
        raw, sent = await read(request, AmendSent)
        return await attempt(request, caller, raw, sent.decision, named(request.path_params["id"]), sent.reason)

    async def withdraw(request: Request) -> Response:
        """Ends a commitment whose exchange does not happen. It no longer counts, but is kept."""
        caller: Caller = caller_of(request.scope, "commit", of_party=True)
        raw, sent = await read(request, WithdrawSent)
        id = named(request.path_params["id"])

        def work(transaction: sa.Connection) -> KeptAnswer:
            told = ledger.withdraw(transaction, id, caller, sent.reason)
            return KeptAnswer(written(told), after=lambda: note(request.scope, commitment_id=id))

        return await once(service, request, caller, raw, work)

    async def end(request: Request) -> Response:
        """Ends the rights that a commitment granted, from a day on. It stays committed, and its counters stay as they are."""
        caller: Caller = caller_of(request.scope, "commit", of_party=True)
        raw, sent = await read(request, EndSent)
        id = named(request.path_params["id"])

        def work(transaction: sa.Connection) -> KeptAnswer:
            told = ledger.end_rights(transaction, id, caller, sent.from_, sent.reason)
            return KeptAnswer(written(told), after=lambda: note(request.scope, commitment_id=id))

        return await once(service, request, caller, raw, work)

    def committed(request: Request, done: Done) -> KeptAnswer:
        """The answer to an attempt that succeeded."""
        noted = {**_noted(done.decided.written), "commitment_id": done.commitment.id}
        made = Outgoing.of(done.decided, written(done.commitment), noted, status=201)
        records = range(done.sequence, done.sequence + 1)
        return replace(made.kept(service, request, records), records=range(0))  # the answer holds no value of the records

    def add_change(
        path: str, function: Endpoint, body: type[Sending], status: int, name: str, summary: str, *kinds: Kind
    ) -> None:
        """Put an endpoint on the application that changes commitments."""
        app.router.add_api_route(
            path,
            function,
            methods=["POST"],
            status_code=status,
            response_model=Commitment,
            route_class_override=Plain,
            **operation(
                name,
                "ledger",
                summary,
                "not-found",
                *kinds,
                needs="commit",
                parameters=[in_path("id", _ABOUT_ID)] if "{id}" in path else [],
                body=json_body(schema_of(body)),
                repeatable=True,
            ),
        )

    one_id = "/v1/commitments/{id}"
    deciding: tuple[Kind, ...] = ("exchange-refused", "not-committable", "decision-moved")
    add_change("/v1/commitments", commit, CommitSent, 201, "commit", "Commit a decision", *deciding)
    add_change(
        f"{one_id}/amend", amend, AmendSent, 201, "amendCommitment", "Replace a commitment", *deciding, "commitment-ended"
    )
    add_change(
        f"{one_id}/withdraw", withdraw, WithdrawSent, 200, "withdrawCommitment", "Withdraw a commitment", "commitment-ended"
    )
    endable: tuple[Kind, ...] = ("commitment-ended", "not-endable")
    add_change(f"{one_id}/end", end, EndSent, 200, "endCommitment", "End the rights that a commitment granted", *endable)

    @app.get(
        "/v1/commitments",
        response_model=Commitments,
        **operation("listCommitments", "ledger", "Commitments, oldest first", needs="read", parameters=_LISTED),
    )
    def commitments(request: Request) -> Response:
        """
        A page of commitments, filtered by exporter or state if the query names one.

        A caller who belongs to a party gets that exporter's.
        """
        caller = caller_of(request.scope, "read", of_party=True)
        page = paging.Asked.of(request, _PAGE, _PAGE)
        exporter, state = _filters(single(request))
        exporter = party_view.of_exporter(exporter, caller)
        after = page.after("commitments", int, filters=(exporter, state)) or [-1]
        found, following = service.read(
            lambda connection: ledger.page(connection, exporter, state, after[0], page.limit), "ledger"
        )
        shown = [each.model_dump(mode="json", exclude_none=True) for each in found]
        cursor = None if following is None else paging.written("commitments", following, filters=(exporter, state))
        text = json.dumps({"commitments": shown, "next": cursor}, ensure_ascii=False)
        return Response(text, media_type="application/json")

    @app.get(
        "/v1/commitments/{id}",
        response_model=Commitment,
        **operation("getCommitment", "ledger", "A commitment", "not-found", needs="read"),
    )
    def one(id: Annotated[str, Path(description=_ABOUT_ID)], request: Request) -> Response:
        """A commitment, the counters that it moved, and its history."""
        caller = caller_of(request.scope, "read", of_party=True)
        known = named(id)
        found = service.read(lambda connection: ledger.seen(connection, known, caller), "ledger")
        if found is None:
            raise RequestRefused("not-found", "there is no commitment with this id")
        return answer(found)


async def read(request: Request, model: type[Sent]) -> tuple[bytes, Sent]:
    """The body as bytes, and its content, read strictly. Raises RequestRefused."""
    raw = await body(request, _LIMIT)
    try:
        return raw, model.model_validate_json(raw)
    except ValidationError as failed:
        places = wrong_members(failed, model)
    raise RequestRefused("bad-request", "the body does not have the documented shape", errors=places)


def answer(document: BaseModel, status: int = 200) -> Response:
    """The answer with a document of the ledger; members without a value are left out."""
    return Response(written(document), status, media_type="application/json")


def written(document: BaseModel) -> bytes:
    """The bytes of a document of the ledger."""
    return document.model_dump_json(exclude_none=True).encode()


def _filters(sent: dict[str, str]) -> tuple[str | None, State | None]:
    """The exporter and the state that a query asks for. Raises RequestRefused."""
    exporter, state = sent.get("exporter"), sent.get("state")
    if exporter is not None and not 0 < len(exporter) <= 256:
        raise wrong("exporter", "`exporter` takes 1 to 256 characters")
    found = next((each for each in get_args(State) if each == state), None)
    if state is not None and found is None:
        raise wrong("state", f"`state` takes {', '.join(f'`{each}`' for each in get_args(State))}, not `{state[:40]}`")
    return exporter, found


def named(id: str) -> str:
    """The id in an address. Raises RequestRefused where it cannot be one."""
    if not re.fullmatch(_ID, id):
        raise RequestRefused("not-found", "there is no commitment with this id")
    return id


def _noted(made: engine.Written) -> dict[str, object]:
    return {"decision_id": made.id, "outcome": made.outcome, "proceed": made.proceed}
