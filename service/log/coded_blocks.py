"""
Blocks of coded exchanges beside the log: what is kept of the exchanges of some records that follow each other, so that a what-if over the
whole log need not read each record again.

A block is made from records, whenever somebody reads them, and may be lost. No decision and no proof rests on it. What is in it is not for
this module: it keeps bytes.

INVARIANT (nothing erased stays): the erasure of a record removes its block in the same transaction. A block is kept only if nothing was
erased from its records since they were read, which is looked up under the writing lock.
"""

import sqlalchemy as sa

from service.store.database import Database
from service.store.tables import coded_block, head, personal

BLOCK = 4_096  # records; the first of a block has a number that is a multiple


def numbers_of(first: int) -> range:
    """The numbers of the records of a block."""
    return range(first, first + BLOCK)


def records_in(connection: sa.Connection, first: int) -> int:
    """How many records there are of a block now."""
    upto = int(connection.execute(sa.select(head.c.next).where(head.c.name == "record")).scalar_one())
    return max(0, min(BLOCK, upto - first))


def erased_in(connection: sa.Connection, first: int) -> int:
    """How many openings of the records of a block are erased."""
    mine = (personal.c.sequence >= first, personal.c.sequence < first + BLOCK, personal.c.erased_at.is_not(None))
    return int(connection.execute(sa.select(sa.func.count()).select_from(personal).where(*mine)).scalar_one())


def kept_block(connection: sa.Connection, first: int, words: str) -> bytes | None:
    """A block that has all its records and was coded by these words."""
    found = connection.execute(sa.select(coded_block).where(coded_block.c.first == first)).one_or_none()
    if found is None or found.words != words or found.records != records_in(connection, first):
        return None
    return bytes(found.content)


def keep_block(database: Database, first: int, records: int, words: str, content: bytes, erased: int) -> bool:
    """
    Keep a block of so many records, whose openings were `erased` so often before they were read; whether it was kept.

    Raises SQLAlchemyError.
    """
    with database.writing.connect() as transaction, transaction.begin():
        database.lock(transaction)
        if erased_in(transaction, first) != erased:
            return False
        transaction.execute(sa.delete(coded_block).where(coded_block.c.first == first))
        transaction.execute(sa.insert(coded_block).values(first=first, records=records, words=words, content=content))
    return True


def forget_block(transaction: sa.Connection, sequence: int) -> None:
    """Remove the block of a record, of which something is erased."""
    transaction.execute(sa.delete(coded_block).where(coded_block.c.first == sequence // BLOCK * BLOCK))
