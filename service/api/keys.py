"""`/v1/keys`: make, list and revoke API keys over HTTP. Callers need the scope `administer`."""

import json
from datetime import UTC, date
from functools import partial
from typing import Annotated, Any, Self

import sqlalchemy as sa
from fastapi import FastAPI, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from service.api import paging
from service.api.operations import json_body, operation, schema_of
from service.api.sent import Plain, body
from service.callers import keys, known_persons
from service.callers.caller import MOST_OF_A_PARTY, OF_A_PARTY, SCOPES, Caller, Scope, caller_of, is_party
from service.callers.person import MOST_OF_A_NAME, MOST_OF_AN_ISSUER, Person, is_person
from service.decisions.idempotency import KeptAnswer, once
from service.problems import ProblemPlace, RequestRefused, wrong_members
from service.service import Service
from service.telemetry.log_lines import audit

MOST_BYTES = 4096  # in a body
LIMIT, MOST = 100, 1_000  # keys on a page


class PersonSent(BaseModel):
    """A person, as an issuer of identities names her."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Person")

    issuer: Annotated[str, StringConstraints(max_length=MOST_OF_AN_ISSUER)] = Field(description="the address of the issuer")
    subject: Annotated[str, StringConstraints(max_length=255)] = Field(description="who she is there, as in its claim `sub`")
    name: Annotated[str, StringConstraints(min_length=1, max_length=MOST_OF_A_NAME)] | None = Field(
        default=None, description="what to call her; the name that the issuer says when she signs in replaces it"
    )

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not is_person(self.issuer, self.subject):
            raise ValueError("an issuer is an address, and a subject has 1 to 255 visible ASCII characters")
        if self.name is not None and not self.name.isprintable():
            raise ValueError("a name may have printable characters only")
        return self


class NewKey(BaseModel):
    """The key to make."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(min_length=1, max_length=keys.MOST_CHARACTERS)] = Field(
        description="what the key is for"
    )
    scopes: tuple[Scope, ...] = Field(min_length=1, max_length=len(SCOPES), description="what the key may do")
    expires_on: date | None = Field(default=None, description="the last day, in UTC, on which the key is valid")
    party: Annotated[str, StringConstraints(min_length=1, max_length=MOST_OF_A_PARTY)] | None = Field(
        default=None,
        description="the id of the party to which the key belongs: it acts as that exporter and reads what belongs to it,"
        " with the scopes `evaluate`, `commit` and `read` only",
    )

    person: PersonSent | None = Field(
        default=None, description="to whom the key belongs: what it does, this person does; null for a program's key"
    )

    @field_validator("party")
    @classmethod
    def _a_party(cls, party: str | None) -> str | None:
        if party is not None and not is_party(party):
            raise ValueError("the id of a party may have printable characters only")
        return party

    @field_validator("name")
    @classmethod
    def _printable(cls, name: str) -> str:
        if not name.isprintable():
            raise ValueError("a name may have printable characters only")
        return name

    @model_validator(mode="after")
    def _of_a_party(self) -> Self:
        if self.party is not None and not set(self.scopes) <= set(OF_A_PARTY):
            raise ValueError("a party's key may have the scopes `evaluate`, `commit` and `read` only")
        return self


class KeyInfo(BaseModel):
    """A key without its secret; only a hash of the secret is kept."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="the part of the key after `ff_`; records name the caller as `key:` and this id")
    name: str
    scopes: tuple[Scope, ...]
    created_at: str
    created_by: str = Field(description="the caller who made it, or `command-line`")
    expires_on: str | None
    revoked_at: str | None
    revoked_by: str | None
    party: str | None = Field(
        default=None, description="the id of the party to which the key belongs; null for an operator's key"
    )
    person: PersonSent | None = Field(default=None, description="to whom the key belongs; null for a program's key")


class MadeKey(KeyInfo):
    """A key that was just made."""

    key: str | None = Field(description="the whole key; it is shown only once")


class KeyList(BaseModel):
    """A page of all keys that were ever made, the oldest first."""

    model_config = ConfigDict(frozen=True)

    keys: tuple[KeyInfo, ...]
    next: str | None = Field(description=paging.NEXT)


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""

    async def create(request: Request) -> Response:
        """
        Makes a key. Only this answer shows it.

        A retry with the same Idempotency-Key makes no second key, and gets the first answer with `key` null.
        """
        caller = caller_of(request.scope, "administer")
        raw = await body(request, MOST_BYTES)
        wanted = _read(raw)

        def work(transaction: sa.Connection) -> KeptAnswer:
            now = service.clock()
            if wanted.expires_on is not None and wanted.expires_on < now.astimezone(UTC).date():
                raise _wrong(ProblemPlace(pointer="/expires_on", code="past", detail="this day is over"))
            key, told = keys.create(
                transaction, wanted.name, wanted.scopes, wanted.expires_on, caller.id, now, wanted.party, _person(wanted)
            )
            answer, kept = (_written({**key.shown(), "key": each}) for each in (told, None))
            done = partial(changed, "key-created", caller, key, request)
            return KeptAnswer(answer, 201, kept=kept, subject=subject(transaction, key), after=done)

        return await once(service, request, caller, raw, work)

    # This is not `async`: reading waits for the disk, so each call runs in a thread.
    @app.get(
        "/v1/keys",
        response_model=KeyList,
        **operation(
            "listKeys",
            "callers",
            "The API keys",
            needs="administer",
            parameters=paging.parameters(LIMIT, MOST, "keys"),
        ),
    )
    def listing(request: Request) -> Response:
        """All keys that were ever made, with their scopes. Secrets are not shown, since only their hashes are kept."""
        caller_of(request.scope, "administer")
        found = service.read(keys.listed, "keys")
        page, cursor = paging.Asked.of(request, LIMIT, MOST).cut(found, lambda key: key.id, "keys")
        return Response(_written({"keys": [key.shown() for key in page], "next": cursor}), media_type="application/json")

    @app.post(
        "/v1/keys/{id}/revoke",
        response_model=KeyInfo,
        **operation("revokeKey", "callers", "Revoke an API key", "not-found", needs="administer", repeatable=True),
    )
    async def revoke(id: Annotated[str, Path(description="the id of the key")], request: Request) -> Response:
        """Revokes a key for good. This process refuses it at once, other processes within five seconds. A second call changes nothing."""
        caller = caller_of(request.scope, "administer")

        def work(transaction: sa.Connection) -> KeptAnswer:
            key = keys.revoke(transaction, id, caller.id, service.clock())
            if key is None:
                raise RequestRefused("not-found", "there is no key with this id")
            done = partial(changed, "key-revoked", caller, key, request)
            return KeptAnswer(_written(key.shown()), subject=subject(transaction, key), after=done)

        return await once(service, request, caller, b"", work)

    def subject(transaction: sa.Connection, key: keys.Key) -> str | None:
        """What the answer is erased with: the person who is in it."""
        return (
            None if key.person is None else known_persons.subject(known_persons.known(transaction, key.person, service.clock()))
        )

    def changed(action: str, caller: Caller, key: keys.Key, request: Request) -> None:
        service.keys.changed(key.id)
        request_id = request.scope["request_id"]
        audit(service.say, action, caller=caller.id, key=key.id, scopes=key.scopes, request_id=request_id)

    app.router.add_api_route(
        "/v1/keys",
        create,
        methods=["POST"],
        status_code=201,
        response_model=MadeKey,
        route_class_override=Plain,
        **operation(
            "createKey",
            "callers",
            "Make an API key",
            needs="administer",
            body=json_body(schema_of(NewKey)),
            repeatable=True,
        ),
    )


def _person(wanted: NewKey) -> Person | None:
    return None if wanted.person is None else Person(**wanted.person.model_dump())


def _read(raw: bytes) -> NewKey:
    try:
        return NewKey.model_validate_json(raw)
    except ValidationError as refused:
        raise _wrong(*wrong_members(refused, NewKey)) from None


def _wrong(*places: ProblemPlace) -> RequestRefused:
    return RequestRefused("bad-request", "the body does not describe a key to make", errors=places)


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
