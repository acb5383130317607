"""What an administrator sees and changes of callers: keys, the persons who are known, and the sessions at the pages."""

from collections.abc import Sequence
from datetime import UTC, date, timedelta
from typing import Annotated, Self

import sqlalchemy as sa
from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from service.callers import keys, known_persons, sessions
from service.callers.caller import MOST_OF_A_PARTY, OF_A_PARTY, SCOPES, Scope, is_party
from service.callers.context import Administering
from service.callers.keys import Key
from service.callers.known_persons import KnownPerson
from service.callers.person import MOST_OF_A_NAME, MOST_OF_AN_ISSUER, Person, is_person
from service.callers.sending import Sending
from service.callers.sessions import Session
from service.problems import ProblemPlace, RequestRefused
from service.store.writer import Writer

Place = tuple[str, str]  # a moment and an id, after which a page begins


class PersonSent(Sending):
    """A person, as an issuer of identities names her."""

    model_config = ConfigDict(frozen=True, title="Person")

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


class NewKey(Sending, frozen=True):
    """The key to make."""

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


def make_key(context: Administering, sent: NewKey, transaction: sa.Connection) -> tuple[Key, str]:
    """Make a key. Gives its row, and the key itself, which cannot be shown again. Raises RequestRefused if its last day is over."""
    if sent.expires_on is not None and sent.expires_on < context.now.astimezone(UTC).date():
        place = ProblemPlace(pointer="/expires_on", code="past", detail="this day is over")
        raise RequestRefused("bad-request", "the body does not describe a key to make", errors=(place,))
    person = None if sent.person is None else Person(**sent.person.model_dump())
    by, now = context.caller.id, context.now
    return keys.create(transaction, sent.name, sent.scopes, sent.expires_on, by, now, sent.party, person)


def every_key(
    context: Administering, after: Place | None, limit: int, connection: sa.Connection
) -> tuple[Sequence[Key], Place | None]:
    """At most `limit` keys that were ever made, the oldest first; and the place to go on after, None at the end."""
    found = keys.listed(connection, after, limit + 1)
    return found[:limit], (found[limit - 1].created_at, found[limit - 1].id) if len(found) > limit else None


def revoke_key(context: Administering, id: str, transaction: sa.Connection) -> Key:
    """Revoke a key for good. Raises RequestRefused if there is none."""
    key = keys.revoke(transaction, id, context.caller.id, context.now)
    if key is None:
        raise RequestRefused("not-found", "there is no key with this id")
    return key


def persons(
    context: Administering, after: Place | None, limit: int, connection: sa.Connection
) -> tuple[Sequence[KnownPerson], Place | None]:
    """At most `limit` persons, the first one first; and the place to go on after, None at the end."""
    found = known_persons.listed(connection, after, limit + 1)
    return found[:limit], (found[limit - 1].known_at, found[limit - 1].id) if len(found) > limit else None


def erase_person(context: Administering, id: str, writer: Writer, transaction: sa.Connection) -> Sequence[str]:
    """Erase who a person is. Gives the ids of her sessions, which have ended. Raises KeysLeft, and RequestRefused if there is none."""
    hers = sessions.of_person(transaction, id)
    if not known_persons.forget(writer, transaction, id, context.caller.id, context.now):
        raise RequestRefused("not-found", "there is no person with this id, or she was erased before")
    return hers


def running_sessions(
    context: Administering, after: Place | None, limit: int, connection: sa.Connection
) -> tuple[Sequence[Session], Place | None]:
    """At most `limit` sessions that run, the newest first; and the place to go on after, None at the end."""
    idle = timedelta(minutes=context.settings.session_idle_minutes)
    found = sessions.running(connection, context.now, idle, after, limit + 1)
    return found[:limit], (found[limit - 1].created_at, found[limit - 1].id) if len(found) > limit else None


def end_session(context: Administering, id: str, transaction: sa.Connection) -> Session:
    """End a session. Raises RequestRefused if there is none."""
    ended = sessions.end(transaction, id, context.now)
    if ended is None:
        raise RequestRefused("not-found", "there is no session with this id")
    return ended
