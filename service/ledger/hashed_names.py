"""
The names of parties and assets as the ledger's rows hold them: an id goes in, its keyed hash comes out.

The id is folded, so that ids which look alike are one name (semantics 1.9). The secret of the hash is that of the counters' keys
(service.ledger.counter_book), so a hash confirms no guess at a name without the log's key.
"""

import sqlalchemy as sa

import engine
from service.ledger.counter_book import Book
from service.log.canonical_json import canonical


def party(book: Book, connection: sa.Connection, id: str) -> str:
    """The hash of a party's id."""
    return book.hashed(connection, ("party",), (_name(id),))


def asset(book: Book, connection: sa.Connection, id: str) -> str:
    """The hash of an asset's id."""
    return book.hashed(connection, ("data.id",), (_name(id),))


def _name(id: str) -> str:
    return canonical(engine.folded_id(id)).decode()
