"""
The names of parties and assets as the ledger's rows hold them: an id goes in, its keyed hash comes out.

The id is folded, so that ids which look alike are one name (semantics 1.9). A database whose rows are older than that keeps them as they
are spelt: a hash cannot be folded. The secret of the hash is that of the counters' keys (service.ledger.book), so a hash confirms no
guess at a name without the log's key.
"""

from weakref import WeakKeyDictionary

import sqlalchemy as sa

import engine
from service.ledger.book import Book
from service.log.canonical_json import canonical
from service.store.tables import NAMES, about

_AS_SPELT = sa.select(about.c.value).where(about.c.name == NAMES)
_FOLDS: WeakKeyDictionary[Book, bool] = WeakKeyDictionary()


def party(book: Book, connection: sa.Connection, id: str) -> str:
    """The hash of a party's id."""
    return book.hashed(connection, ("party",), (_name(book, connection, id),))


def asset(book: Book, connection: sa.Connection, id: str) -> str:
    """The hash of an asset's id."""
    return book.hashed(connection, ("data.id",), (_name(book, connection, id),))


def _name(book: Book, connection: sa.Connection, id: str) -> str:
    """The JSON of a name as the rows of a database have it; a book belongs to one database, of which this never changes."""
    if book not in _FOLDS:
        _FOLDS[book] = connection.execute(_AS_SPELT).first() is None
    return canonical(engine.folded_id(id) if _FOLDS[book] else id).decode()
