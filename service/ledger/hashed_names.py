"""
The names of parties and assets as the ledger's rows hold them: an id goes in, its keyed hash comes out.

The secret of the hash is that of the counters' keys (service.ledger.book), so a hash confirms no guess at a name without the log's key.
"""

import sqlalchemy as sa

from service.ledger.book import Book
from service.log.canonical_json import canonical


def party(book: Book, connection: sa.Connection, id: str) -> str:
    """The hash of a party's id."""
    return book.hashed(connection, ("party",), (canonical(id).decode(),))


def asset(book: Book, connection: sa.Connection, id: str) -> str:
    """The hash of an asset's id."""
    return book.hashed(connection, ("data.id",), (canonical(id).decode(),))
