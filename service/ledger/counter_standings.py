"""
How near counters are to the thresholds of the policies.

A counter, or the counters that were moved last, go in. Each comes out with its counts of today and a bar for each threshold that
provisions compare it with: what is counted for certain, and what may be counted at most. For whom a counter is kept is read from the
record of a commitment that moved it, since the rows of the ledger name nobody; where that value was erased it is not known.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

import engine
from service.ledger.commitment_list import CountPart
from service.ledger.counter_balances import CounterPart, Counters
from service.ledger.counter_book import Book
from service.ledger.counter_sums import FoundCounts
from service.ledger.recorded_exchange import exchange_again
from service.ledger.sealed_sums import ALL_YEARS, unpacked
from service.ledger.share_book import OF_COUNTERS
from service.log.store import of_numbers
from service.policies.live import Live
from service.service import Service
from service.store.tables import counter_sum, movement, opening

MOVEMENTS, RECENT = 1_500, 60  # rows that are looked at for the counters that were moved last, and how many counters are told
_MANY = 2  # a threshold below this is whether there is anybody at all, and no bar fills up to it


@dataclass(frozen=True, slots=True)
class ThresholdBar:
    """
    A threshold with the count of its fact: certainly `at_least`, and `at_most`, None without an end.

    `here` is the most that the commitments of this ledger add up to, whether or not the ledger is complete.
    """

    threshold: engine.CounterThreshold
    number: Decimal
    at_least: Decimal
    at_most: Decimal | None
    here: Decimal

    @property
    def passed(self) -> bool:
        """Whether the count certainly reaches it."""
        return self._reached(self.at_least)

    @property
    def perhaps(self) -> bool:
        """Whether what is in this ledger may reach it, and does not certainly."""
        return not self.passed and self._reached(self.here if self.at_most is None else self.at_most)

    @property
    def open(self) -> bool:
        """Whether nothing in this ledger says that it is not reached, although what is in it does not reach it."""
        return self.at_most is None and not self.passed and not self.perhaps

    def _reached(self, count: Decimal) -> bool:
        return count > self.number if self.threshold.above else count >= self.number

    @property
    def certain_share(self) -> float:
        """The certain part of the bar, from 0 to 1."""
        return float(min(Decimal(1), self.at_least / self.number)) if self.number else 1.0

    @property
    def share(self) -> float:
        """How full the bar is by what may be counted of what is in this ledger, from 0 to 1."""
        filled = max(self.here, self.at_least)
        return float(min(Decimal(1), filled / self.number)) if self.number else 1.0


@dataclass(frozen=True, slots=True)
class CounterStanding:
    """
    A counter for one key: for whom it is kept, None where that is not known, as it is today, and its bars.

    `hash` is the keyed hash of the key, which names nobody. `part` is None for an entity that has no period today.
    """

    counter: engine.Counter
    hash: str
    per: Mapping[str, Any] | None
    part: CounterPart | None
    bars: Sequence[ThresholdBar]

    @property
    def nearest(self) -> ThresholdBar | None:
        """The fullest bar of those that are not certainly passed; the highest that is passed where all are; None without a bar."""
        many = [bar for bar in self.bars if bar.number >= _MANY]
        ahead = [bar for bar in many if not bar.passed]
        return max(ahead, key=lambda bar: bar.share, default=None) or max(many, key=lambda bar: bar.number, default=None)


@dataclass(frozen=True, slots=True)
class DayOfCounter:
    """
    What was counted on a day of one fact: the largest certain number of one commitment, the certain sum, and the most; None without an end.
    """

    day: date
    fact: str
    largest: int
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class CounterMovement:
    """What a commitment adds to a counter on a day; `high` is None without an end. `live`: it counts."""

    commitment: str
    fact: str
    day: date
    low: int
    high: int | None
    live: bool
    counter: str
    hash: str
    meaning: str


class CounterStandings:
    """The counters of one service with their thresholds."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._book = Book()

    @property
    def _counters(self) -> Counters:
        return Counters(self._service.live, self._service.settings, self._service.clock())

    def recent(self, connection: sa.Connection, most: int | None = None) -> tuple[list[CounterStanding], bool]:
        """
        The counters that the newest commitments moved, the fullest first, and whether these are all that any commitment moved.

        Only so many movements are looked at, however many the ledger has, and at most `most` counters (RECENT).
        """
        most = RECENT if most is None else most
        live = self._service.live
        counters = {each.meaning: each for each in live.counting.counters}
        rows = connection.execute(
            sa.select(movement.c.meaning, movement.c.key, movement.c.sequence)
            .where(movement.c.live.is_(sa.true()), OF_COUNTERS)
            .order_by(movement.c.sequence.desc())
            .limit(MOVEMENTS)
        ).all()
        newest: dict[tuple[str, str], int] = {}
        for row in rows:
            if row.meaning in counters:
                newest.setdefault((row.meaning, row.key), row.sequence)
        places = [(counters[meaning], key, sequence) for (meaning, key), sequence in newest.items()]
        found = self._standings(connection, live, places[:most])
        whole = len(rows) < MOVEMENTS and len(places) <= most
        return sorted(found, key=_fullness, reverse=True), whole

    def page(
        self, connection: sa.Connection, counter: engine.Counter, after: str, limit: int
    ) -> tuple[list[CounterStanding], str | None]:
        """The keys of a counter in the order of their hashes, after a hash, and the hash to go on after, None at the end."""
        whole = (counter_sum.c.meaning == counter.meaning, counter_sum.c.period == ALL_YEARS)
        moved = sa.select(counter_sum.c.key).where(*whole, counter_sum.c.key > after)
        begun = (
            sa.select(opening.c.key)
            .where(opening.c.counter == counter.name, opening.c.meaning == counter.meaning, opening.c.key > after)
            .distinct()
        )
        keys: set[str] = set()
        for query in (moved, begun):
            keys.update(connection.execute(query.order_by(sa.literal_column("key")).limit(limit + 1)).scalars())
        hashes = sorted(keys)
        places = [(counter, hash, self._moved_by(connection, counter, hash)) for hash in hashes[:limit]]
        found = self._standings(connection, self._service.live, places)
        return found, hashes[limit - 1] if len(hashes) > limit else None

    def one(self, connection: sa.Connection, counter: engine.Counter, hash: str) -> CounterStanding | None:
        """A counter by the hash of its key; None where nothing moved or opened it."""
        sequence = self._moved_by(connection, counter, hash)
        if sequence is None:
            here = (opening.c.counter == counter.name, opening.c.meaning == counter.meaning, opening.c.key == hash)
            if connection.execute(sa.select(opening.c.id).where(*here).limit(1)).first() is None:
                return None
        return self._standings(connection, self._service.live, [(counter, hash, sequence)])[0]

    def of(self, connection: sa.Connection, name: str, per: Mapping[str, Any]) -> CounterStanding:
        """A counter by the values of the facts that it is kept per, whether or not anything moved it. Raises RequestRefused."""
        live = self._service.live
        counter, key = self._counters.key(name, per)
        hash = self._book.key(connection, counter, key)
        return self._told(connection, live, [(counter, hash, key)])[0]

    def days(self, connection: sa.Connection, standing: CounterStanding) -> list[DayOfCounter]:
        """What was counted on each day of the window, the first day first."""
        part = standing.part
        first = "" if part is None else part.window.first.isoformat()
        here = (counter_sum.c.meaning == standing.counter.meaning, counter_sum.c.key == standing.hash)
        months = sa.select(counter_sum.c.sums).where(
            *here, counter_sum.c.period.like("____-__"), counter_sum.c.period >= first[:7]
        )
        return [
            DayOfCounter(date.fromisoformat(day), fact, largest, least, None if endless else most)
            for month in connection.execute(months.order_by(counter_sum.c.period)).scalars()
            for day, facts in sorted(unpacked(month).items())
            for fact, (largest, least, most, endless) in sorted(facts.items())
            if day >= first
        ]

    def movements(self, connection: sa.Connection, standing: CounterStanding, limit: int) -> list[CounterMovement]:
        """What moved a counter, the latest day first."""
        here = (movement.c.meaning == standing.counter.meaning, movement.c.key == standing.hash)
        newest = sa.select(movement).where(*here).order_by(movement.c.day.desc(), movement.c.sequence.desc()).limit(limit)
        return [_movement(row) for row in connection.execute(newest)]

    def _moved_by(self, connection: sa.Connection, counter: engine.Counter, hash: str) -> int | None:
        """The number of a record whose commitment moved a counter."""
        here = (movement.c.meaning == counter.meaning, movement.c.key == hash)
        newest = sa.select(movement.c.sequence).where(*here).order_by(movement.c.day.desc()).limit(1)
        return connection.execute(newest).scalars().first()

    def _standings(
        self, connection: sa.Connection, live: Live, places: Sequence[tuple[engine.Counter, str, int | None]]
    ) -> list[CounterStanding]:
        """Counters by their hashes, each with the number of a record whose commitment moved it."""
        numbers = sorted({sequence for *_, sequence in places if sequence is not None})
        exchanges = {stored.sequence: exchange_again(live, stored) for stored in of_numbers(connection, numbers)}
        asked: list[tuple[engine.Counter, str, engine.Key | None]] = []
        for counter, hash, sequence in places:
            exchange = None if sequence is None else exchanges.get(sequence)
            key = None if exchange is None else live.counting.key(counter, exchange)
            same = key is not None and hash in self._book.keys(connection, counter, key)[0]
            asked.append((counter, hash, key if same else None))
        return self._told(connection, live, asked)

    def _told(
        self, connection: sa.Connection, live: Live, asked: Sequence[tuple[engine.Counter, str, engine.Key | None]]
    ) -> list[CounterStanding]:
        known = [(counter, key) for counter, _, key in asked if key is not None and None not in key]
        found = iter(self._counters.several(connection, known))
        told = []
        for counter, hash, key in asked:
            if key is None:
                told.append(CounterStanding(counter, hash, None, None, ()))
                continue
            per = {fact: None if part is None else json.loads(part) for fact, part in zip(counter.per, key, strict=True)}
            part, sums = (None, FoundCounts()) if None in key else next(found)
            bars = () if part is None else tuple(_bars(thresholds_of(live), part, sums))
            told.append(CounterStanding(counter, hash, per, part, bars))
        return told


@lru_cache(maxsize=2)
def thresholds_of(live: Live) -> tuple[engine.CounterThreshold, ...]:
    """The thresholds of the counters by the live policies."""
    return engine.counter_thresholds(live.bundle, live.counting)


def moved_by(connection: sa.Connection, commitment: str, limit: int) -> list[CounterMovement]:
    """What a commitment adds to each counter, by counter and fact."""
    rows = connection.execute(
        sa.select(movement)
        .where(movement.c.commitment == commitment, OF_COUNTERS)
        .order_by(movement.c.counter, movement.c.fact, movement.c.meaning)
        .limit(limit)
    )
    return [_movement(row) for row in rows]


def _movement(row: Any) -> CounterMovement:
    day = date.fromisoformat(row.day)
    return CounterMovement(row.commitment, row.fact, day, row.low, row.high, row.live, row.counter, row.key, row.meaning)


def _bars(thresholds: Iterable[engine.CounterThreshold], part: CounterPart, sums: FoundCounts) -> Iterable[ThresholdBar]:
    """The bars of a counter. Of money there is one: up to the maximum that the register states for the period."""
    for each in thresholds:
        if each.counter != part.counter:
            continue
        if each.number is None:
            yield from _money_bar(each, part)
            continue
        counts = [part.counts.get(fact) for fact in each.members]
        ranges = [count for count in counts if isinstance(count, CountPart)]
        if len(ranges) < len(counts):
            continue
        lows = [Decimal(count.at_least) for count in ranges]
        highs = [None if count.at_most is None else Decimal(count.at_most) for count in ranges]
        known = [high for high in highs if high is not None]
        here = sum((Decimal(sums.window[fact].most or 0) for fact in each.members if fact in sums.window), Decimal(0))
        yield ThresholdBar(
            each,
            each.number,
            max(lows) if each.distinct else sum(lows, Decimal(0)),
            sum(known, Decimal(0)) if len(known) == len(highs) else None,
            here if len(known) < len(highs) else sum(known, Decimal(0)),
        )


def _money_bar(threshold: engine.CounterThreshold, part: CounterPart) -> Iterable[ThresholdBar]:
    maximum = part.period.maximum if part.period else None
    count = part.counts.get(threshold.fact)
    if maximum is None or count is None or isinstance(count, CountPart):
        return
    number, currency = maximum.split(" ")
    least = count.at_least.split(" ")
    most = None if count.at_most is None else count.at_most.split(" ")
    if least[1] != currency:
        return
    high = None if most is None else Decimal(most[0])
    yield ThresholdBar(threshold, Decimal(number), Decimal(least[0]), high, Decimal(least[0]) if high is None else high)


def _fullness(standing: CounterStanding) -> tuple[bool, float, str]:
    bar = standing.nearest
    return (bar is not None and not bar.passed, 0.0 if bar is None else bar.share, standing.hash)
