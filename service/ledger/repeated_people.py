"""
People counted already: the earlier data set that an exchange names, and whether it counts (semantics 2.8).

An exchange goes in; out comes what its commitment says of its data set, or whether the earlier data set that it names counts. A data set is
a keyed hash of its id and of the places of its people, so one whose people are elsewhere is another.

INVARIANT (once at least): a movement that says so adds nobody only while an earlier one of the same key, with at least as many people,
counts in the same window. The earlier one comes first in the log, so no two rest on each other, and the first of a chain counts in full.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

import engine
from service.ledger.counter_sums import NOTHING, CounterQuery, FoundCounts
from service.policies.live import Live
from service.problems import ProblemPlace, RequestRefused, wrong_places
from service.store.row_seals import AGAIN, MOVED, changing, check, seal_rows, sealed_rows
from service.store.tables import commitment, movement

if TYPE_CHECKING:
    from service.ledger.counter_book import Book

DATA_SET, PEOPLE_IN = "data.id", "data.people_in"
_LAST = 2**62  # above the number of every record

_in_window = (
    movement.c.meaning == sa.bindparam("meaning"),
    movement.c.key == sa.bindparam("key"),
    movement.c.day.between(sa.bindparam("first"), sa.bindparam("last")),
    movement.c.live.is_(sa.true()),
)
_NAMED = sa.select(*(movement.c[name] for name in ("commitment", "fact", "data_set", "sequence", "low"))).where(
    *_in_window, movement.c.data_set.in_(sa.bindparam("data_sets", expanding=True))
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
    for id, lows in earlier.items():
        if all(count.high is not None and count.high <= lows.get(fact, 0) for fact, count in own.items()):
            check(connection, MOVED, [id])
            return True
    return False


def refused(fact: str) -> RequestRefused:
    """The answer to an exchange that names an earlier data set which does not count, in the same words whatever the reason."""
    detail = (
        "names no data set of an exchange that was committed, counts by the same parties in the same window, has at least as many people"
        " of each kind in the same places, and that you may read: leave it out, and the people count in full"
    )
    place = ProblemPlace(pointer="/" + fact.replace(".", "/"), code="no-such-people", detail=detail)
    return RequestRefused("exchange-refused", wrong_places(1), errors=(place,))


def add_uncovered(
    connection: sa.Connection, asked: Mapping[int, CounterQuery], without: str | None, found: list[FoundCounts]
) -> None:
    """
    Add the movements that name an earlier data set which no longer counts: each counts in full. Raises SealBroken.

    All of them are read, under one seal for a counter and key; of the earlier ones, those that are found, each under its own.
    """
    some = [each for each in asked.values() if each.counter.same]
    meanings, keys = (
        [*dict.fromkeys(each)] for each in ([one.counter.meaning for one in some], [k for one in some for k in one.own[:1]])
    )
    chained: dict[tuple[str, str], list[Any]] = {}
    for row in sealed_rows(connection, AGAIN, {'"meaning"': meanings, '"key"': keys}) if keys else ():
        chained.setdefault((row.meaning, row.key), []).append(row)
    for place, each in asked.items():
        of_key = chained.get((each.counter.meaning, each.own[0]), ()) if each.own else ()
        first = each.first.isoformat()
        rows = [row for row in of_key if row.live and first <= row.day <= each.last and row.commitment != without]
        if not rows:
            continue
        rows = _uncovered(connection, each, rows)
        opened = found[place].opening
        since = [row for row in rows if opened is not None and row.day >= opened.day.isoformat()]
        sums = found[place]
        found[place] = replace(sums, window=_with(sums.window, rows), since=_with(sums.since, since))


def _uncovered(connection: sa.Connection, wanted: CounterQuery, rows: Sequence[Any]) -> list[Any]:
    """Those movements of a counter in its window that no earlier one counts for."""
    named = connection.execute(_NAMED, _place(wanted) | {"data_sets": sorted({row.same_as for row in rows})}).all()
    left, used = [], set()
    for row in rows:
        for other in named:
            same = (other.data_set, other.fact) == (row.same_as, row.fact)
            if same and other.sequence < row.sequence and row.high is not None and other.low >= row.high:
                used.add(other.commitment)
                break
        else:
            left.append(row)
    check(connection, MOVED, sorted(used))
    return left


@contextmanager
def sealing(
    transaction: sa.Connection, commitment: str, rows: Sequence[Mapping[Any, Any]], *, first: bool = False
) -> Iterator[None]:
    """
    A change of movements of a commitment, in a writing transaction; only those of a data set that is named have seals.

    `first`: these are the first of the commitment, as they will be.
    """
    named = [row for row in rows if row["data_set"] is not None or row["same_as"] is not None]
    again: dict[str, set[str]] = {}
    for row in rows:
        if row["same_as"] is not None:
            again.setdefault(row["meaning"], set()).add(row["key"])
    with ExitStack() as stack:
        if named and not first:
            stack.enter_context(changing(transaction, MOVED, commitment))
        for meaning, keys in sorted(again.items()):
            stack.enter_context(changing(transaction, AGAIN, *sorted(keys), within=(meaning,)))
        yield
    if named and first:
        names = [column.name for column in movement.columns]
        seal_rows(transaction, {MOVED.subject(commitment): [(movement, [row[name] for name in names]) for row in named]})


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
