"""
`GET /v1/persons` and `POST /v1/persons/{id}/erase`: who is known by which id, and erasing it. `GET /v1/sessions` and
`POST /v1/sessions/{id}/end`: the sessions of those who signed in at the pages.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import FastAPI, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from service.api import paging
from service.api.operations import operation
from service.callers import known_persons, sessions
from service.callers.caller import Scope, caller_of
from service.decisions.idempotency import KeptAnswer, once
from service.problems import RequestRefused
from service.service import Service
from service.telemetry.log_lines import audit

LIMIT, MOST = 100, 1000  # on a page


class PersonShown(BaseModel):
    """A person to whom a key belongs, or who signed in. After an erasure only the id and the moment are left."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="random; records name her as `person:` and this id")
    issuer: str | None = Field(description="the issuer of her identity")
    subject: str | None = Field(description="who she is there")
    name: str | None = Field(description="what the issuer calls her")
    known_at: str = Field(description="since when she is known")


class PersonList(BaseModel):
    """A page of all persons who were ever known, the first one first."""

    model_config = ConfigDict(frozen=True)

    persons: tuple[PersonShown, ...] = Field(description="those on this page")
    next: str | None = Field(description=paging.NEXT)


class ErasedPerson(BaseModel):
    """A person who was just erased."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="her id, which stays")


class RunningSession(BaseModel):
    """A session without its secret; only a hash of the secret is kept."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="by which it can be ended")
    caller: str = Field(description="who acts in it: `person:` or `key:` and an id")
    name: str | None = Field(description="what to call her; null for a session of a key")
    scopes: tuple[Scope, ...] = Field(description="those that her roles gave when she signed in; those of a key are its own")
    party: str | None = Field(description="the party to which she belongs; null for an operator's")
    created_at: str = Field(description="when she signed in")
    seen_at: str = Field(description="her last page, to the minute or so")
    expires_at: str = Field(description="when it ends at the latest")
    ended_at: str | None = Field(description="when it was ended; null if it runs")


class SessionList(BaseModel):
    """A page of the sessions that run, the newest first; a thousand in all at most."""

    model_config = ConfigDict(frozen=True)

    sessions: tuple[RunningSession, ...] = Field(description="those on this page")
    next: str | None = Field(description=paging.NEXT)


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""

    # Reading is not `async`: it waits for the disk, so each call runs in a thread.
    @app.get(
        "/v1/persons",
        response_model=PersonList,
        **operation(
            "listPersons",
            "callers",
            "The persons who are known",
            needs="administer",
            parameters=paging.parameters(LIMIT, MOST, "persons"),
        ),
    )
    def persons(request: Request) -> Response:
        """Everybody to whom a key belongs or who signed in, by the id that records have."""
        caller_of(request.scope, "administer")
        found = service.read(known_persons.listed, "persons")
        page, cursor = paging.Asked.of(request, LIMIT, MOST).cut(found, lambda each: each.id, "persons")
        return _answer({"persons": [each.shown() for each in page], "next": cursor})

    @app.post(
        "/v1/persons/{id}/erase",
        response_model=ErasedPerson,
        **operation(
            "erasePerson",
            "callers",
            "Erase who a person is",
            *("not-found", "not-erasable"),
            needs="administer",
            repeatable=True,
        ),
    )
    async def erase(id: Annotated[str, Path(description="the id of the person")], request: Request) -> Response:
        """
        Erases issuer, subject and name of a person for good, and ends her sessions. Her id stays in records.

        Her keys must be revoked first.
        """
        caller = caller_of(request.scope, "administer")

        def work(transaction: sa.Connection) -> KeptAnswer:
            hers = sessions.of_person(transaction, id)
            try:
                erased = known_persons.forget(service.store.writer, transaction, id, caller.id, service.clock())
            except known_persons.KeysLeft as left:
                raise RequestRefused("not-erasable", str(left)) from None
            if not erased:
                raise RequestRefused("not-found", "there is no person with this id, or she was erased before")
            return KeptAnswer(_written({"id": id}), after=lambda: told(hers))

        def told(hers: list[str]) -> None:
            service.sessions.changed(*hers)
            audit(service.say, "person-erased", caller=caller.id, person=id, request_id=request.scope["request_id"])

        return await once(service, request, caller, b"", work)

    @app.get(
        "/v1/sessions",
        response_model=SessionList,
        **operation(
            "listSessions",
            "callers",
            "The sessions at the pages",
            needs="administer",
            parameters=paging.parameters(LIMIT, MOST, "sessions"),
        ),
    )
    def listing(request: Request) -> Response:
        """The sessions that run. Secrets are not shown, since only their hashes are kept."""
        caller_of(request.scope, "administer")
        idle = timedelta(minutes=service.settings.session_idle_minutes)
        found = service.read(lambda connection: sessions.running(connection, service.clock(), idle), "sessions")
        page, cursor = paging.Asked.of(request, LIMIT, MOST).cut(found, lambda each: each.id, "sessions")
        return _answer({"sessions": [each.shown() for each in page], "next": cursor})

    @app.post(
        "/v1/sessions/{id}/end",
        response_model=RunningSession,
        **operation("endSession", "callers", "End a session", "not-found", needs="administer", repeatable=True),
    )
    async def end(id: Annotated[str, Path(description="the id of the session")], request: Request) -> Response:
        """Ends a session. This process refuses it at once, other processes within five seconds. A second call changes nothing."""
        caller = caller_of(request.scope, "administer")

        def work(transaction: sa.Connection) -> KeptAnswer:
            ended = sessions.end(transaction, id, service.clock())
            if ended is None:
                raise RequestRefused("not-found", "there is no session with this id")
            of = None if ended.person_id is None else known_persons.subject(ended.person_id)
            return KeptAnswer(_written(ended.shown()), subject=of, after=lambda: told(ended.caller_id))

        def told(of: str) -> None:
            service.sessions.changed(id)
            audit(service.say, "session-ended", caller=caller.id, of=of, request_id=request.scope["request_id"])

        return await once(service, request, caller, b"", work)


def _answer(document: Mapping[str, Any]) -> Response:
    return Response(_written(document), media_type="application/json")


def _written(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
