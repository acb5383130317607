"""
Commitments that no party is recorded to count by: those made before the policies asked by whom an exchange counts.

The running commitments of a database go in; those whose movements have a key with an unknown part come out, each with the facts that it
does not say. Such a commitment may belong to any party, so it counts for each, until it is amended or withdrawn. Nothing is changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from service.ledger.counter_book import Book
from service.ledger.recorded_exchange import exchange_again
from service.ledger.running_commitments import running
from service.policies.live import Live


@dataclass(frozen=True, slots=True)
class Unattributed:
    """A commitment that counts for nobody knows whom: the decision that was committed, its day, and the facts that it lacks."""

    commitment: str
    decision: str
    as_of: date
    lacks: tuple[str, ...]


def unattributed(connection: sa.Connection, live: Live) -> Iterator[Unattributed]:
    """The running commitments that do not say by whom they count, in the order of the log."""
    counting, book = live.counting, Book()
    counters = {each.meaning: each for each in counting.counters}
    for each in running(connection):
        exchange = exchange_again(live, each.stored)
        if exchange is None:
            continue  # what it was counted by is read from its record by the policies of that time
        lacks: dict[str, None] = {}
        for moved in each.moved:
            counter = counters.get(moved.meaning)
            if counter is None or moved.high == 0:
                continue
            # An id that was erased since is in the key all the same.
            if book.key(connection, counter, counting.key(counter, exchange)) == moved.key:
                lacks |= dict.fromkeys(counting.unsaid(counter, exchange))
        if lacks:
            yield Unattributed(each.id, each.decision, each.as_of, tuple(lacks))
