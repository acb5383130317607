"""
`POST /access/v1/requests`, `GET /access/v1/requests/{id}`: a caller asks for the review of a denial that it got, and for what became of it.

They answer only where `FIFTHFACTOR_ACCESS_REQUESTS` is set. A caller asks about its own evaluations, and reads its own requests.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response

import engine
from service.api.operations import in_path, json_body, operation
from service.api.request_bodies import Plain, body
from service.authzen import access_requests, requests
from service.authzen.access_requests import PATH, TaskAnswer, refused
from service.authzen.decision_point import AccessDecisionPoint
from service.callers import known_persons
from service.callers.caller import Caller, caller_of
from service.decisions.idempotency import KeptAnswer, Work, once_prepared
from service.log.leaf import with_personal_values
from service.problems import RequestRefused
from service.reviews import notes, own_requests, sign_off, standing_sign_off
from service.service import Service

_LIMIT = 64 * 1024
_TEXT = {"type": "string"}
_BODY: dict[str, Any] = {
    "type": "object",
    "required": ["subject", "action", "resource", "denial"],
    "properties": {
        "subject": {"type": "object", "description": "as in the evaluation that was denied"},
        "action": {"type": "object", "description": "as in the evaluation"},
        "resource": {"type": "object", "description": "as in the evaluation"},
        "context": {"type": "object", "description": "as in the evaluation; `business_justification` says why in plain text"},
        "denial": {
            "type": "object",
            "required": ["evaluation_id", "expires_at"],
            "properties": {
                "evaluation_id": _TEXT,
                "expires_at": {**_TEXT, "format": "date-time", "description": "as the denial told it"},
            },
        },
    },
}


def add(app: FastAPI, service: Service, current: Callable[[], AccessDecisionPoint]) -> None:
    """Put the endpoints on the application. `current` gives the access of the policies that decide now."""

    async def ask(request: Request) -> Response:
        """
        Asks a person to review an access evaluation that was denied to the caller. Asking permits nothing.

        The request is the same as the one that was evaluated, with the `denial` as its context told it.
        """
        caller = _caller(service, request)
        raw = await body(request, _LIMIT)
        document = requests.document(raw, _LIMIT)
        asked = requests.evaluation(document)
        denial, why = access_requests.denial_of(document), access_requests.justification_of(document)

        async def prepare() -> Work:
            now, live, access = service.clock(), service.live, current()
            try:
                stored = await asyncio.to_thread(service.stored, denial.evaluation_id)
            except RequestRefused as unknown:
                if unknown.kind != "not-found":
                    raise
                raise _not_own() from None
            record = with_personal_values(stored.entry.leaf, stored.entry.openings)
            names = await asyncio.to_thread(
                service.read, lambda connection: known_persons.names_of(connection, caller, service.token_issuer)
            )
            if record.get("asked_by") not in names:
                raise _not_own()
            sign_off.check_whole(stored)
            expires = access_requests.expires(datetime.fromisoformat(record["recorded_at"]))
            if denial.expires_at != expires:
                raise refused("/denial/expires_at", "invalid_denial_binding", "must be the `expires_at` of the denial")
            if now > expires:
                raise refused("/denial/expires_at", "expired_denial", "the denial is too old: evaluate again")
            if not record.get("signable"):
                raise refused("/denial/evaluation_id", "invalid_denial_binding", "no person can lift this denial")
            facts = await access.facts(asked, access.known(), now, request.scope["request_id"], caller)
            if facts != engine.facts_digest(live.bundle, record["request"]):
                raise refused("", "invalid_denial_binding", "this is not the request that was denied")

            def work(transaction: sa.Connection) -> KeptAnswer:
                note = notes.requested(transaction, stored.entry.id, why, caller, now)
                counting = own_requests.Counting(transaction, service.token_issuer)
                said = counting.for_decision(standing_sign_off.said_of_stored(transaction, live, stored), stored)
                found = access_requests.review_state(live, record["signable"], said, service.settings.day_of(now))
                answer = access_requests.answer(note.id, note.at, _base(service, request), found, now)
                return KeptAnswer(_written(answer), 202, location=answer.task.status_endpoint)

            return work

        return await once_prepared(service, request, caller, raw, prepare)

    def status(request: Request) -> Response:
        """What became of a request for a review: pending, approved, denied or expired. Evaluate again once it is approved."""
        caller = _caller(service, request)
        now, live = service.clock(), service.live

        def look(connection: sa.Connection) -> TaskAnswer:
            names = known_persons.names_of(connection, caller, service.token_issuer)
            found = notes.request_of(connection, request.path_params["id"], names)
            if found is None:
                raise RequestRefused("not-found", "no request of the caller has this id")
            decision, note = found
            stored = service.stored(decision)
            if any(opening.value is None for opening in stored.entry.openings):
                return access_requests.answer(note.id, note.at, _base(service, request), ("expired", None), now)
            record = with_personal_values(stored.entry.leaf, stored.entry.openings)
            counting = own_requests.Counting(connection, service.token_issuer)
            said = counting.for_decision(standing_sign_off.said_of(connection, live, record["request"]), stored)
            became = access_requests.review_state(live, record.get("signable") or (), said, service.settings.day_of(now))
            return access_requests.answer(note.id, note.at, _base(service, request), became, now)

        return Response(_written(service.read(look)), media_type="application/json")

    described = operation(
        "askForReview",
        "access requests",
        "Ask for the review of a denial",
        "access-refused",
        "not-found",
        "not-signable",
        needs="evaluate",
        body=json_body(_BODY),
        repeatable=True,
    )
    app.router.add_api_route(
        PATH,
        ask,
        methods=["POST"],
        status_code=202,
        response_model=TaskAnswer,
        response_model_exclude_none=True,
        route_class_override=Plain,
        **described,
    )
    app.get(
        PATH + "/{id}",
        response_model=TaskAnswer,
        response_model_exclude_none=True,
        **operation(
            "readAccessRequest",
            "access requests",
            "What became of a request for a review",
            "not-found",
            needs="evaluate",
            parameters=[in_path("id", "the id of the task")],
        ),
    )(status)


def _caller(service: Service, request: Request) -> Caller:
    """The caller. Raises RequestRefused, also where nobody can ask for a review here."""
    caller = caller_of(request.scope, "evaluate")
    if not service.settings.access_requests:
        raise RequestRefused("not-found", "nobody can ask for a review here: `FIFTHFACTOR_ACCESS_REQUESTS` is not set")
    return caller


def _not_own() -> RequestRefused:
    """The same for an evaluation of somebody else and for one that does not exist."""
    return refused("/denial/evaluation_id", "invalid_denial_binding", "the caller got no such evaluation")


def _base(service: Service, request: Request) -> str:
    return service.settings.public_url or f"{request.url.scheme}://{request.headers['host']}"


def _written(answer: TaskAnswer) -> bytes:
    return answer.model_dump_json(exclude_none=True).encode()
