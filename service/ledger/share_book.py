"""
Shares of the ledger: an exchange goes in, and comes out with how much of what was committed this year is its parties' and its states'.

Shares are kept as counters are: a committed exchange moves the counts behind them (`engine.ShareCounts`), under the seals of the log's key.
How many parties a cell has is counted at the first exchange of each in a year. If that one ends, it is counted at another of the party's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

import engine
from service.ledger.counter_book import Book
from service.ledger.counter_sums import ALWAYS, NOTHING, CounterQuery, FoundCounts
from service.policies.live import Live
from service.store.counter_secret import LOST
from service.store.tables import commitment, counted, movement

TOO_FEW, NONE, UNKNOWN = "too-few", "none", "unknown"
OF_COUNTERS = movement.c.counter.not_like(f"{engine.SHARE_COUNTER}%")  # movements of what is shown as a counter

_OWN = sa.select(movement).where(movement.c.commitment == sa.bindparam("id"), movement.c.live.is_(sa.true()))
_OTHER = (
    sa.select(movement.c.commitment, movement.c.sequence, movement.c.day)
    .where(
        movement.c.meaning == sa.bindparam("meaning"),
        movement.c.key == sa.bindparam("key"),
        movement.c.day.between(sa.bindparam("first"), sa.bindparam("last")),
        movement.c.live.is_(sa.true()),
        movement.c.commitment != sa.bindparam("id"),
    )
    .order_by(movement.c.day, movement.c.sequence)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class _Sums:
    """The sums of the counts behind the shares of an exchange, by what is counted; `left_out` exchanges are in none of them."""

    found: Mapping[str, FoundCounts]
    left_out: int

    def of(self, count: engine.ShareCount, fact: str = "") -> int:
        """How many exchanges a count has, or what another fact of the same place has."""
        return self.found[count.fact].window.get(fact or count.fact, NOTHING).least


class Shares:
    """The shares in one database. Its methods take the connection to work on; those that write take a writing transaction."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def filled(
        self, connection: sa.Connection, live: Live, exchange: engine.Exchange, as_of: date, last: str = ALWAYS
    ) -> engine.Exchange:
        """The exchange with its shares in the year of a day, until a last day."""
        shares = [*live.shares.of(exchange)]
        if not shares:
            return exchange
        sums = self._sums(connection, shares, as_of, last)
        return engine.with_shares(live.bundle, exchange, {each.share.fact: _said(each, sums) for each in shares})

    def moved(
        self, connection: sa.Connection, live: Live, exchange: engine.Exchange, day: date
    ) -> list[tuple[engine.Contribution, engine.Counter, date]]:
        """What an exchange that is committed on a day adds to the counts, each once."""
        shares = [*live.shares.of(exchange)]
        sums = self._sums(connection, shares, day, ALWAYS) if shares else None
        found: dict[tuple[str, str], engine.ShareCount] = {}
        for each in shares:
            for count in _counts(each):
                found[count.counter.meaning, count.fact] = count
            for cell in each.cells or ():
                if cell.own is not None and sums is not None and not sums.of(cell.own):
                    first = engine.ShareCount(cell.parties, cell.whole.counter, cell.whole.key)
                    found[first.counter.meaning, first.fact] = first
        return [(count.contribution, count.counter, day) for count in found.values()]

    def pass_on(self, transaction: sa.Connection, id: str) -> None:
        """Count the parties that were counted at a commitment, which is about to end, at others that they have in the same year."""
        mine = {(row.meaning, row.fact): row for row in transaction.execute(_OWN, {"id": id})}
        for (meaning, fact), row in mine.items():
            own = mine.get((meaning, fact.removesuffix(engine.PARTIES))) if fact.endswith(engine.PARTIES) else None
            if own is None:
                continue
            year = {"first": f"{row.day[:4]}-01-01", "last": f"{row.day[:4]}-12-31"}
            other = transaction.execute(_OTHER, {"id": id, "meaning": meaning, "key": own.key, **year}).one_or_none()
            if other is not None:
                named = {"meaning": meaning, "key": row.key, "day": other.day, "fact": fact, "counter": row.counter}
                self._book.put(transaction, other.commitment, other.sequence, [{**named, "low": 1, "high": 1}], first=False)

    def _sums(self, connection: sa.Connection, shares: Sequence[engine.ExchangeShare], day: date, last: str) -> _Sums:
        queries: dict[str, CounterQuery] = {}
        for each in shares:
            for count in _counts(each):
                if count.fact not in queries:
                    key = (self._book.key(connection, count.counter, count.key),)
                    queries[count.fact] = CounterQuery(count.counter, key, key, count.counter.window.first(day), last)
        found = dict(zip(queries, self._book.find_each(connection, [*queries.values()]), strict=True))
        foreign = any(each.foreign for each in found.values())
        meanings = {each.share.meaning for each in shares}
        return _Sums(found, _left_out(connection, meanings, day, last) if foreign else 0)


def _counts(each: engine.ExchangeShare) -> Iterator[engine.ShareCount]:
    """The counts that a share is found by, and that its exchange moves."""
    yield each.every
    for cell in each.cells or ():
        yield cell.whole
        if cell.own is not None:
            yield cell.own


def _said(each: engine.ExchangeShare, sums: _Sums) -> Any:
    """What is said of a share: its two whole numbers, or why there are none. Of several cells the highest counts."""
    share, left = each.share, sums.left_out
    if each.public or each.cells == ():
        return NONE
    if each.cells is None:
        return TOO_FEW if sums.of(each.every) + 1 + left < share.least_exchanges else UNKNOWN
    found: list[tuple[int, int]] = []
    for cell in each.cells:
        # The exchange itself is one more, and its party may be.
        own, whole = 0 if cell.own is None else sums.of(cell.own), sums.of(cell.whole) + 1
        parties = sums.of(cell.whole, cell.parties) + (not own)
        if whole + left < share.least_exchanges or (parties < share.least_parties and not left):
            continue
        if cell.own is None:
            return UNKNOWN
        found.append((own + 1, whole))
    if not found:
        return TOO_FEW
    numerator, denominator = max(found, key=lambda of: Fraction(of[0] + left, of[1] + left))
    return {"numerator": numerator, "denominator": denominator} | ({"left_out": left} if left else {})


def _left_out(connection: sa.Connection, meanings: set[str], day: date, last: str) -> int:
    """How many running commitments of the year are not counted under the present meanings, or with a secret that is lost."""
    here = sa.select(counted.c.counting).where(counted.c.meaning.in_(meanings)).group_by(counted.c.counting)
    known = here.having(sa.func.count() == len(meanings))
    lost = sa.select(sa.cast(counted.c.meaning, sa.BigInteger)).where(counted.c.counting == LOST)
    query = (
        sa.select(sa.func.count())
        .select_from(commitment)
        .where(
            commitment.c.state == "committed",
            commitment.c.as_of.between(date(day.year, 1, 1).isoformat(), last),
            sa.or_(commitment.c.counting.not_in(known), commitment.c.sequence < sa.func.coalesce(lost.scalar_subquery(), 0)),
        )
    )
    return connection.execute(query).scalar_one()
