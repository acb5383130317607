"""
The names of parties and assets as the ledger's rows hold them: an id goes in, its keyed hash comes out.

The id is folded, so that ids which look alike are one name (semantics 1.9). The secret of the hash is that of the counters' keys
(service.ledger.counter_book), so a hash confirms no guess at a name without the log's key.
"""

import sqlalchemy as sa

import engine
from service.ledger.counter_book import Book
from service.log.canonical_json import canonical
from service.register import entity_versions
from service.register.entity import PARTY


def party(book: Book, connection: sa.Connection, id: str) -> str:
    """The hash of a party's id."""
    return book.hashed(connection, ("party",), (_name(id),))


def account(book: Book, connection: sa.Connection, name: str) -> str:
    """The account of a party in the book of benefits, whom the register may know under another id."""
    known = entity_versions.newest(connection, PARTY, name)
    return party(book, connection, name if known is None else known.id)


def accounts(book: Book, connection: sa.Connection, name: str) -> set[str]:
    """The accounts of a party: under this name, and under the id that the register knows it by."""
    return {party(book, connection, name), account(book, connection, name)}


def asset(book: Book, connection: sa.Connection, id: str) -> str:
    """The hash of an asset's id."""
    return book.hashed(connection, ("data.id",), (_name(id),))


def _name(id: str) -> str:
    return canonical(engine.folded_id(id)).decode()
