"""The names of parties and assets in the rows of the ledger: keyed hashes, so that no row holds a name."""

import sqlalchemy as sa

from service.ledger.book import Book
from service.log.canonical_json import canonical


def party(book: Book, connection: sa.Connection, id: str) -> str:
    """The hash of a party's id, the same in whichever role."""
    return book.hashed(connection, ("party",), (canonical(id).decode(),))


def asset(book: Book, connection: sa.Connection, id: str) -> str:
    """The hash of an asset's id."""
    return book.hashed(connection, ("data.id",), (canonical(id).decode(),))
