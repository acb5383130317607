"""
`GET /v1/persons` and `POST /v1/persons/{id}/erase`: who is known by which id, and erasing it. `GET /v1/sessions` and
`POST /v1/sessions/{id}/end`: the sessions of those who signed in at the pages.
"""

import sqlalchemy as sa
from pydantic import BaseModel, Field

from service.api import paging
from service.api.operations import in_path
from service.api.router import Call, Router, written
from service.callers import administration, known_persons
from service.callers.caller import Scope
from service.callers.context import Administering
from service.callers.known_persons import KnownPerson
from service.callers.sessions import Session
from service.decisions.idempotency import KeptAnswer
from service.telemetry.log_lines import audit

_PERSONS = paging.Listing[KnownPerson]("persons", "persons", (str, str), 100, 1000)
_SESSIONS = paging.Listing[Session]("sessions", "sessions", (str, str), 100, 1000)

router = Router("callers", "callers")


class PersonShown(BaseModel, frozen=True):
    """A person to whom a key belongs, or who signed in. After an erasure only the id and the moment are left."""

    id: str = Field(description="random; records name her as `person:` and this id")
    issuer: str | None = Field(description="the issuer of her identity")
    subject: str | None = Field(description="who she is there")
    name: str | None = Field(description="what the issuer calls her")
    known_at: str = Field(description="since when she is known")


class PersonList(BaseModel, frozen=True):
    """A page of all persons who were ever known, the first one first."""

    persons: tuple[PersonShown, ...] = Field(description="those on this page")
    next: str | None = Field(description=paging.NEXT)


class ErasedPerson(BaseModel, frozen=True):
    """A person who was just erased."""

    id: str = Field(description="her id, which stays")


class RunningSession(BaseModel, frozen=True):
    """A session without its secret; only a hash of the secret is kept."""

    id: str = Field(description="by which it can be ended")
    caller: str = Field(description="who acts in it: `person:` or `key:` and an id")
    name: str | None = Field(description="what to call her; null for a session of a key")
    scopes: tuple[Scope, ...] = Field(description="those that her roles gave when she signed in; those of a key are its own")
    party: str | None = Field(description="the party to which she belongs; null for an operator's")
    created_at: str = Field(description="when she signed in")
    seen_at: str = Field(description="her last page, to the minute or so")
    expires_at: str = Field(description="when it ends at the latest")
    ended_at: str | None = Field(description="when it was ended; null if it runs")


class SessionList(BaseModel, frozen=True):
    """A page of the sessions that run, the newest first."""

    sessions: tuple[RunningSession, ...] = Field(description="those on this page")
    next: str | None = Field(description=paging.NEXT)


@router.get("/v1/persons", "listPersons", "The persons who are known", parameters=_PERSONS.parameters, nulls=True)
def persons(context: Administering, call: Call[None], connection: sa.Connection) -> PersonList:
    """Everybody to whom a key belongs or who signed in, by the id that records have."""
    found, following = _PERSONS.page(call.query, lambda after, limit: administration.persons(context, after, limit, connection))
    return PersonList(persons=tuple(PersonShown(**each.shown()) for each in found), next=following)


@router.post(
    "/v1/persons/{id}/erase",
    "erasePerson",
    "Erase who a person is",
    "not-found",
    "not-erasable",
    parameters=[in_path("id", "the id of the person")],
)
def erase(context: Administering, call: Call[None], transaction: sa.Connection) -> ErasedPerson | KeptAnswer:
    """
    Erases issuer, subject and name of a person for good, and ends her sessions. Her id stays in records.

    Her keys must be revoked first.
    """
    id, service = call.path["id"], call.service
    hers = administration.erase_person(context, id, service.store.writer, transaction)

    def tell() -> None:
        service.sessions.changed(*hers)
        audit(service.say, "person-erased", caller=context.caller.id, person=id, request_id=context.request_id)

    return KeptAnswer(written(ErasedPerson(id=id)), after=tell)


@router.get("/v1/sessions", "listSessions", "The sessions at the pages", parameters=_SESSIONS.parameters, nulls=True)
def listing(context: Administering, call: Call[None], connection: sa.Connection) -> SessionList:
    """The sessions that run. Secrets are not shown, since only their hashes are kept."""
    found, following = _SESSIONS.page(
        call.query, lambda after, limit: administration.running_sessions(context, after, limit, connection)
    )
    return SessionList(sessions=tuple(RunningSession(**each.shown()) for each in found), next=following)


@router.post(
    "/v1/sessions/{id}/end",
    "endSession",
    "End a session",
    "not-found",
    parameters=[in_path("id", "the id of the session")],
)
def end(context: Administering, call: Call[None], transaction: sa.Connection) -> RunningSession | KeptAnswer:
    """Ends a session. This process refuses it at once, other processes within five seconds. A second call changes nothing."""
    id, service = call.path["id"], call.service
    ended = administration.end_session(context, id, transaction)
    of = None if ended.person_id is None else known_persons.subject(ended.person_id)

    def tell() -> None:
        service.sessions.changed(id)
        audit(service.say, "session-ended", caller=context.caller.id, of=ended.caller_id, request_id=context.request_id)

    return KeptAnswer(written(RunningSession(**ended.shown()), nulls=True), subject=of, after=tell)
