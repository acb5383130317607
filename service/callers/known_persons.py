"""
The persons whom the database knows: those to whom a key belongs, and those who signed in.

A person has one row. Her id there is random, so that records and leaves, which stay for good, name nobody. Who she is stands in the leaf
`person` as salted commitments, and is erased with the subject `person/<id>`. A later leaf gives a new name.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.callers.caller import Caller
from service.callers.person import Person, one_spelling
from service.log import tree_leaves
from service.log.tree_leaves import LogEvent, append
from service.problems import RequestRefused
from service.store import answer_seals
from service.store.admissions import changing_admissions
from service.store.moments import moment_text
from service.store.row_seals import PERSON, changing
from service.store.tables import caller, idempotency, person, session
from service.store.writer import Writer

PREFIX = "person:"  # of the id of a caller who signed in


def subject(id: str) -> str:
    """The subject with which who a person is can be erased, by her id."""
    return f"person/{id}"


def known(transaction: sa.Connection, who: Person, now: datetime) -> str:
    """The id of a person, in a writing transaction. A person who is new, or has another name than before, is written down."""
    row = next(iter(_rows_of(transaction, who)), None)
    if row is not None and who.name in (None, row.name):
        return str(row.id)
    at = moment_text(now)
    id = secrets.token_hex(8) if row is None else str(row.id)
    hidden = {"issuer": who.issuer, "subject": who.subject, "name": who.name}
    with changing(transaction, PERSON, id):
        if row is None:
            transaction.execute(sa.insert(person).values({"id": id, **hidden, "known_at": at}))
        else:
            transaction.execute(sa.update(person).where(person.c.id == id).values(name=who.name))
        append(transaction, LogEvent("person", at, {"person": id}, hidden, subject(id), frozenset(hidden)))
    return id


def find(connection: sa.Connection, id: str) -> Person | None:
    """The person with an id; None if there is none, or if she was erased."""
    row = connection.execute(sa.select(person).where(person.c.id == id)).one_or_none()
    return None if row is None or row.issuer is None else Person(row.issuer, row.subject, row.name)


def behind(connection: sa.Connection, caller_id: str, token_issuer: str | None) -> Person | None:
    """
    The person behind the id of a caller, as records name it (`asked_by`); None if the service does not know one.

    `token_issuer` is the issuer of tokens that is set: the subject of `sub:…` is one of its subjects.
    """
    kind, _, rest = caller_id.partition(":")
    match kind:
        case "key":
            of = connection.execute(sa.select(caller.c.person).where(caller.c.id == rest)).scalar_one_or_none()
            return None if of is None else find(connection, of)
        case "person":
            return find(connection, rest)
        case "sub" if token_issuer is not None:
            here = sa.select(person.c.name).where(person.c.issuer == token_issuer, person.c.subject == rest)
            return Person(token_issuer, rest, connection.execute(here).scalar_one_or_none())
        case _:
            return None


def names_of(connection: sa.Connection, who: Caller, token_issuer: str | None) -> frozenset[str]:
    """Every id under which records name a caller, or the person behind it: her keys, her tokens, and her signing in."""
    found = {who.id}
    if who.person is not None:
        for row in _rows_of(connection, who.person):
            found |= _ids_of(connection, row.id)
        if token_issuer is not None and one_spelling(who.person.issuer) == one_spelling(token_issuer):
            found.add(f"sub:{who.person.subject}")
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Identity:
    """
    What the service knows of who a caller is: every id under which records name her, whether she is a person, and since which moment
    the service knows her as one; None if it does not yet.
    """

    names: frozenset[str]
    is_person: bool
    since: str | None

    def may_be(self, ids: Iterable[str], erased: Mapping[str, str]) -> bool:
        """
        Whether she is, or may be, one of the callers with some ids. `erased` has the moments of erasures (`erasures`).

        Whoever was erased and comes back is somebody new, and nothing tells who she was. So a person who was not known before an erasure
        may be the one who was erased.
        """
        for id in ids:
            if id in self.names:
                return True
            if self.is_person and id in erased and (self.since is None or self.since >= erased[id]):
                return True
        return False


def identity(connection: sa.Connection, who: Caller, token_issuer: str | None) -> Identity:
    """Who a caller is."""
    names = names_of(connection, who, token_issuer)
    if who.person is None:
        return Identity(names, False, None)
    since = min((row.known_at for row in _rows_of(connection, who.person)), default=None)
    return Identity(names, True, since)


def identity_of(connection: sa.Connection, caller_id: str, token_issuer: str | None) -> Identity:
    """Who the caller with an id is, as records name it; also a person who was erased."""
    who = behind(connection, caller_id, token_issuer)
    if who is not None:
        return identity(connection, Caller(caller_id, frozenset(), person=who), token_issuer)
    kind, _, rest = caller_id.partition(":")
    of = rest if kind == "person" else None
    if kind == "key":
        of = connection.execute(sa.select(caller.c.person).where(caller.c.id == rest)).scalar_one_or_none()
    if of is None:
        return Identity(frozenset({caller_id}), False, None)
    since = connection.execute(sa.select(person.c.known_at).where(person.c.id == of)).scalar_one_or_none()
    return Identity(frozenset({caller_id, *_ids_of(connection, of)}), True, since)


def erasures(connection: sa.Connection) -> dict[str, str]:
    """When the person behind an id of a caller was erased, by each id of the persons who were."""
    gone = sa.select(person.c.id, person.c.erased_at).where(person.c.erased_at.is_not(None))
    found = {row.id: row.erased_at for row in connection.execute(gone)}
    keys = sa.select(caller.c.id, person.c.erased_at).join(person, person.c.id == caller.c.person)
    of_keys = {f"key:{key}": at for key, at in connection.execute(keys.where(person.c.erased_at.is_not(None)))} if found else {}
    return {**{PREFIX + id: at for id, at in found.items()}, **of_keys}


def _rows_of(connection: sa.Connection, who: Person) -> list[Any]:
    """The rows of a person, in whichever spelling they have her issuer; the one with her own first."""
    columns = (person.c.id, person.c.issuer, person.c.name, person.c.known_at)
    rows = connection.execute(sa.select(*columns).where(person.c.subject == who.subject).order_by(person.c.known_at))
    issuer = one_spelling(who.issuer)
    return sorted((row for row in rows if one_spelling(row.issuer) == issuer), key=lambda row: row.issuer != who.issuer)


def _ids_of(connection: sa.Connection, id: str) -> set[str]:
    """The ids under which a person signs in, and calls with her keys, by her id."""
    keys = connection.execute(sa.select(caller.c.id).where(caller.c.person == id)).scalars()
    return {PREFIX + id, *(f"key:{key}" for key in keys)}


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person as the database has her: `person` is None after an erasure."""

    id: str
    person: Person | None
    known_at: str

    def shown(self) -> dict[str, str | None]:
        """The person as she may be shown."""
        who = {name: None if self.person is None else getattr(self.person, name) for name in ("issuer", "subject", "name")}
        return {"id": self.id, **who, "known_at": self.known_at}


def listed(connection: sa.Connection, after: tuple[str, str] | None = None, limit: int | None = None) -> list[KnownPerson]:
    """Every person who was ever known, the first one first; at most `limit` of them, `after` a moment and an id, if these are given."""
    query = sa.select(person).order_by(person.c.known_at, person.c.id).limit(limit)
    if after is not None:
        query = query.where(sa.tuple_(person.c.known_at, person.c.id) > sa.tuple_(*map(sa.literal, after)))
    return [
        KnownPerson(row.id, None if row.issuer is None else Person(row.issuer, row.subject, row.name), row.known_at)
        for row in connection.execute(query)
    ]


class KeysLeft(RequestRefused):
    """A person cannot be erased while keys of hers are good; the detail names them."""

    def __init__(self, keys: Iterable[str]) -> None:
        super().__init__("not-erasable", f"revoke her keys first: {', '.join(keys)}")


def forget(writer: Writer, transaction: sa.Connection, id: str, by: str, now: datetime) -> bool:
    """
    Erase who a person is, in a writing transaction, and end her sessions; false where there is no such person, or she was erased before.

    Her id stays, in records and in leaves. If she comes back, she is somebody new (see `Identity.may_be`). Raises KeysLeft: a key that
    belongs to nobody would count as a program's, so her keys are revoked first.
    """
    if "\x00" in id:  # PostgreSQL cannot store such a text
        return False
    if transaction.execute(sa.select(person.c.id).where(person.c.id == id, person.c.issuer.is_not(None))).first() is None:
        return False
    at = moment_text(now)
    of_her = (caller.c.person == id, caller.c.revoked_at.is_(None))
    left = list(transaction.execute(sa.select(caller.c.id).where(*of_her).order_by(caller.c.id)).scalars())
    if left:
        raise KeysLeft(left)
    gone = {"issuer": None, "subject": None, "name": None, "erased_at": at}
    hers = (session.c.person == id, session.c.ended_at.is_(None))
    with changing(transaction, PERSON, id), changing_admissions(transaction):
        ended = transaction.execute(sa.select(session.c.id).where(*hers).order_by(session.c.id)).scalars().all()
        transaction.execute(sa.update(session).where(*hers).values(ended_at=at))
        transaction.execute(sa.update(person).where(person.c.id == id).values(gone))
        openings = tree_leaves.erase(transaction, subject(id), at)
        append(transaction, *(LogEvent("session-ended", at, {"session": each}) for each in ended))
        append(transaction, *tree_leaves.erased({"of": "person", "person": id}, at, by, (), openings))
    answer_seals.empty(transaction, idempotency.c.subject == subject(id))
    writer.erased()
    return True
