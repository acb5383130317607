"""
The persons whom the database knows: those to whom a key belongs, and those who signed in.

A person has one row. Her id there is random, so that records and leaves, which stay for good, name nobody. Who she is stands in the leaf
`person` as salted commitments, and is erased with the subject `person/<id>`. A later leaf gives a new name.
"""

import secrets
from datetime import datetime

import sqlalchemy as sa

from service.callers.person import Person
from service.log.tree_leaves import Happening, append
from service.store.moments import moment_text
from service.store.tables import caller, person

PREFIX = "person:"  # of the id of a caller who signed in


def known(transaction: sa.Connection, who: Person, now: datetime) -> str:
    """The id of a person, in a writing transaction. A person who is new, or has another name than before, is written down."""
    here = sa.select(person.c.id, person.c.name).where(person.c.issuer == who.issuer, person.c.subject == who.subject)
    row = transaction.execute(here).one_or_none()
    if row is not None and who.name in (None, row.name):
        return str(row.id)
    at = moment_text(now)
    if row is None:
        id = secrets.token_hex(8)
        row_of = {"id": id, "issuer": who.issuer, "subject": who.subject, "name": who.name, "known_at": at}
        transaction.execute(sa.insert(person).values(row_of))
    else:
        id = str(row.id)
        transaction.execute(sa.update(person).where(person.c.id == id).values(name=who.name))
    hidden = {"issuer": who.issuer, "subject": who.subject, "name": who.name}
    append(transaction, Happening("person", at, {"person": id}, hidden, f"person/{id}", frozenset(hidden)))
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
