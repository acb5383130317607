"""
The hashes that stand for a party and for an asset in the rows of the ledger, one for each in whichever role.
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
