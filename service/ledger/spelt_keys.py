"""
Counters that were written under the spellings of an id, before ids were folded: joined once, at the start after the upgrade.

The rows of the ledger hold hashes of keys, which cannot be folded. So the records of the commitments are read again: each says which key it
counted under, and the rows of that hash are moved to the hash of the folded key (semantics 1.9). A leaf says so of each counter's key.

INVARIANT (never too few): an opening states the count of one spelling. Where several are joined it has no upper end any more.
"""

import asyncio
from dataclasses import dataclass

import sqlalchemy as sa

from service.ledger.book import Book
from service.ledger.committing import exchange_again
from service.log import tree_leaves
from service.log.store import of_numbers
from service.log.tree_leaves import Happening
from service.service import Service
from service.store.moments import now_text
from service.store.tables import COUNTER_KEYS, about, movement, opening, tally

_AT_ONCE = 200  # records
_HERE = about.c.name == COUNTER_KEYS


async def join_spelt_keys(service: Service) -> None:
    """Join the counters of a database whose rows may be older than folded ids; a second time it finds nothing to do."""
    if await asyncio.to_thread(service.read, waits, "ledger"):
        left = await service.store.do(_Join(service))
        if left:
            service.say.warning("counters_not_joined", commitments=left, do="they count under the id as it was spelt")


def waits(connection: sa.Connection) -> bool:
    """Whether the counters of a database are still to be joined."""
    return connection.execute(sa.select(about.c.value).where(_HERE)).first() is not None


@dataclass(frozen=True, slots=True)
class _Join:
    """
    The work of one transaction. Returns of how many commitments the record does not say the key any more, since a value was erased or the
    policies cannot read it: these stay under their spelling.
    """

    service: Service

    def __call__(self, transaction: sa.Connection) -> int:
        if not waits(transaction):
            return 0  # another process was first
        folds, left = self._folds(transaction)
        joined: dict[str, list[str]] = {}
        for spelt, folded in sorted(folds.items()):
            joined.setdefault(folded, []).append(spelt)
        for folded, spellings in joined.items():
            _join(transaction, folded, spellings)
        transaction.execute(sa.delete(about).where(_HERE))
        return left

    def _folds(self, transaction: sa.Connection) -> tuple[dict[str, str], int]:
        """The hash of each key as commitments spelt it, with that of the folded key; and how many commitments do not say theirs."""
        live, book = self.service.live, Book()
        counters = {each.meaning: each for each in live.counting.counters if each.ids}
        folds: dict[str, str] = {}
        left, after = 0, -1
        numbers = sa.select(movement.c.sequence).distinct().order_by(movement.c.sequence).limit(_AT_ONCE)
        while some := transaction.execute(numbers.where(movement.c.sequence > after)).scalars().all():
            after = some[-1]
            counted: dict[int, set[str]] = {}
            rows = sa.select(movement.c.sequence, movement.c.key)
            rows = rows.where(movement.c.sequence.in_(some), movement.c.meaning.in_(counters))
            for sequence, key in transaction.execute(rows):
                counted.setdefault(sequence, set()).add(key)
            for stored in of_numbers(transaction, some):
                exchange = exchange_again(live, stored)
                keys = [] if exchange is None else [(each, live.counting.key(each, exchange)) for each in counters.values()]
                here = {book.hashed(transaction, each.per, key): book.key(transaction, each, key) for each, key in keys}
                left += not counted.get(stored.sequence, set()) <= {*here, *here.values()}
                folds |= {spelt: folded for spelt, folded in here.items() if spelt != folded}
        return folds, left


def _join(transaction: sa.Connection, folded: str, spellings: list[str]) -> None:
    """Move the rows of some spellings of a key to the folded key, and add its days up again."""
    every = (*spellings, folded)
    queries = (sa.select(table.c.key).where(table.c.key.in_(every)).distinct() for table in (movement, opening))
    found = {key for query in queries for key in transaction.execute(query).scalars()}
    if found <= {folded}:
        return
    joined = len(found) > 1
    for table in (movement, opening):
        transaction.execute(sa.update(table).where(table.c.key.in_(spellings)).values(key=folded))
    if joined:
        transaction.execute(sa.update(opening).where(opening.c.key == folded).values(high=None))
    transaction.execute(sa.delete(tally).where(tally.c.key.in_(every)))
    Book().add_up(transaction, folded)
    hidden = {"key": folded, "spelt": sorted(found - {folded})}
    tree_leaves.append(transaction, Happening("counter-keys-joined", now_text(), {"joined": joined}, hidden))
