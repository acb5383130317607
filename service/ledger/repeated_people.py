"""
People who are counted already: what an exchange says of an earlier data set, and whether that holds (semantics 2.8).

An exchange goes in; out comes what its commitment says of its data set, or whether the earlier data set that it names counts. A data set is
a keyed hash of its id and of the places of its people, so one whose people are elsewhere is another.

INVARIANT (once at least): a movement that says so adds nobody only while an earlier one of the same key, with at least as many people,
counts in the same window. The earlier one comes first in the log, so no two rest on each other, and the first of a chain counts in full.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

import engine
from service.ledger.counter_sums import NOTHING, CounterQuery, FoundCounts
from service.policies.live import Live
from service.problems import ProblemPlace, RequestRefused
from service.store.tables import commitment, movement

if TYPE_CHECKING:
    from service.ledger.counter_book import Book

DATA_SET, PEOPLE_IN = "data.id", "data.people_in"
_LAST = 2**62  # above the number of every record

_chained = movement.c.same_as.is_not(None)
_CHAINED = (
    sa.select(movement.c.meaning, movement.c.key)
    .where(
        movement.c.meaning.in_(sa.bindparam("meanings", expanding=True)),
        movement.c.key.in_(sa.bindparam("keys", expanding=True)),
        _chained,
        movement.c.live.is_(sa.true()),
    )
    .distinct()
)
_earlier = movement.alias("earlier")
_in_window = (
    movement.c.meaning == sa.bindparam("meaning"),
    movement.c.key == sa.bindparam("key"),
    movement.c.day.between(sa.bindparam("first"), sa.bindparam("last")),
    movement.c.live.is_(sa.true()),
)
_covers = sa.exists().where(
    _earlier.c.meaning == movement.c.meaning,
    _earlier.c.key == movement.c.key,
    _earlier.c.fact == movement.c.fact,
    _earlier.c.data_set == movement.c.same_as,
    _earlier.c.sequence < movement.c.sequence,
    _earlier.c.low >= movement.c.high,
    _earlier.c.day.between(sa.bindparam("first"), sa.bindparam("last")),
    _earlier.c.live.is_(sa.true()),
)
_UNCOVERED = sa.select(movement.c.fact, movement.c.day, movement.c.high).where(
    *_in_window, _chained, movement.c.commitment != sa.bindparam("without"), ~_covers.correlate(movement)
)
_OF_DATA_SET = (
    sa.select(movement.c.commitment, movement.c.fact, movement.c.low)
    .join(commitment, commitment.c.id == movement.c.commitment)
    .where(*_in_window, movement.c.data_set == sa.bindparam("data_set"), movement.c.sequence < sa.bindparam("before"))
)
_OF_PARTY = _OF_DATA_SET.where(commitment.c.exporter == sa.bindparam("party"))


@dataclass(frozen=True, slots=True)
class DataSet:
    """
    What an exchange says of its data set: the hash of its own, None where it is not named; and the hash of the earlier one that has the
    same people, by the fact that says so.
    """

    own: str | None = None
    same_as: Mapping[str, str] | None = None

    def columns(self, counter: engine.Counter) -> dict[str, str]:
        """The columns of a movement of a counter."""
        same = (self.same_as or {}).get(counter.same)
        columns = {"data_set": self.own, "same_as": same}
        return {name: value for name, value in columns.items() if value is not None} if counter.same else {}


UNNAMED = DataSet()


def data_set(connection: sa.Connection, book: "Book", live: Live, exchange: engine.Exchange) -> DataSet:
    """What an exchange says of its data set."""
    facts = {each.same for each in live.counting.counters if each.same}
    if not facts:
        return UNNAMED
    same_as = {fact: hashed for fact in facts if (hashed := _hashed(connection, book, live, exchange, fact))}
    return DataSet(_hashed(connection, book, live, exchange, DATA_SET), same_as)


def says_so(counter: engine.Counter, exchange: engine.Exchange) -> bool:
    """Whether an exchange names an earlier data set with the same people."""
    return bool(counter.same) and not isinstance(exchange.value(counter.same), engine.Missing)


def counts(
    connection: sa.Connection,
    wanted: CounterQuery,
    data: DataSet,
    own: Mapping[str, engine.Range],
    before: int | None = None,
    party: str | None = None,
) -> bool:
    """
    Whether the earlier data set that an exchange names counts for a counter, with at least as many people of each kind as its `own`.

    `before` is the number of the record of the exchange, if it is committed. `party` is the hash of the only exporter whose commitments the
    caller may read, None where it may read all.
    """
    hashed = (data.same_as or {}).get(wanted.counter.same)
    if hashed is None or not wanted.own:
        return False
    given = _place(wanted) | {"data_set": hashed, "before": _LAST if before is None else before}
    query = _OF_DATA_SET if party is None else _OF_PARTY
    earlier: dict[str, dict[str, int]] = {}
    for row in connection.execute(query, given if party is None else given | {"party": party}):
        earlier.setdefault(row.commitment, {})[row.fact] = row.low
    return any(
        all(count.high is not None and count.high <= lows.get(fact, 0) for fact, count in own.items())
        for lows in earlier.values()
    )


def refused(fact: str) -> RequestRefused:
    """The answer to an exchange that names an earlier data set which does not count, in the same words whatever the reason."""
    detail = (
        "names no data set of an exchange that was committed, counts by the same parties in the same window, has at least as many people"
        " of each kind in the same places, and that you may read: leave it out, and the people count in full"
    )
    place = ProblemPlace(pointer="/" + fact.replace(".", "/"), code="no-such-people", detail=detail)
    return RequestRefused("exchange-refused", "1 place in the body is wrong", errors=(place,))


def add_uncovered(
    connection: sa.Connection, asked: Mapping[int, CounterQuery], without: str | None, found: list[FoundCounts]
) -> None:
    """Add the movements that name an earlier data set which no longer counts: each counts in full."""
    some = [each for each in asked.values() if each.counter.same]
    if not some:
        return
    given = {"meanings": [each.counter.meaning for each in some], "keys": [each.own[0] for each in some if each.own]}
    chained = {(row.meaning, row.key) for row in connection.execute(_CHAINED, given)}
    for place, each in asked.items():
        if not each.own or (each.counter.meaning, each.own[0]) not in chained:
            continue
        rows = connection.execute(_UNCOVERED, _place(each) | {"without": without or ""}).all()
        opened = found[place].opening
        since = [row for row in rows if opened is not None and row.day >= opened.day.isoformat()]
        sums = found[place]
        found[place] = replace(sums, window=_with(sums.window, rows), since=_with(sums.since, since))


def number(connection: sa.Connection, id: str) -> int:
    """The number of the record of a commitment."""
    return int(connection.execute(sa.select(commitment.c.sequence).where(commitment.c.id == id)).scalar_one())


def _place(wanted: CounterQuery) -> dict[str, Any]:
    first, last = wanted.first.isoformat(), wanted.last
    return {"meaning": wanted.counter.meaning, "key": wanted.own[0], "first": first, "last": last}


def _with(sums: Mapping[str, engine.Tally], rows: Sequence[Any]) -> dict[str, engine.Tally]:
    """Sums with movements that count in full; how many they are for certain is in the sums already."""
    added = dict(sums)
    for row in rows:
        added[row.fact] = added.get(row.fact, NOTHING) + engine.Tally(most=row.high)
    return added


def _hashed(connection: sa.Connection, book: "Book", live: Live, exchange: engine.Exchange, named: str) -> str | None:
    """The hash of the data set that a fact names; None where that, or where its people are, is not known for certain."""
    counting = live.counting
    id = exchange.value(named) if counting.part(named, exchange) is not None else None
    places = counting.part(PEOPLE_IN, exchange)
    if not isinstance(id, str) or (places is None and PEOPLE_IN in live.bundle.vocabulary.facts):
        return None
    return book.hashed(connection, (DATA_SET, PEOPLE_IN), (engine.folded_id(id), places))
