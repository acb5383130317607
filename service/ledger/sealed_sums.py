"""
The sums of counters, by day and by month, under the seals of the log's key: places of movements go in when they change, sums come out.

A counter of one key has one seal over its sums by month, and one over the days of each month. A window is made of whole months, and of days
where it begins or ends within a month: so a window of a year that goes on until now reads and checks at most 12 months and 30 days of each
fact.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

import engine
from service.ledger.counter_sums import NOTHING, CounterQuery
from service.store.row_seals import COUNTER, COUNTER_DAYS, MONTH, changing, check_rows, rows_in
from service.store.tables import tally, tally_month

Subjects = Mapping[str, tuple[sa.Table, Sequence[Any]]]
NO_SUBJECTS: Subjects = MappingProxyType({})
PLACE = ("meaning", "key", "day", "fact")  # of a movement, and of the tally that includes it
Sums = dict[str, engine.Tally]

_OF_MONTH = sa.select(
    sa.func.max(tally.c.largest).label("largest"),
    *(sa.func.sum(tally.c[name]).label(name) for name in ("least", "most", "endless")),
).where(
    tally.c.meaning == sa.bindparam("meaning"),
    tally.c.key == sa.bindparam("key"),
    tally.c.fact == sa.bindparam("fact"),
    tally.c.day.between(sa.bindparam("first"), sa.bindparam("last")),
)


@contextmanager
def adding(transaction: sa.Connection, places: Iterable[Mapping[str, Any]]) -> Iterator[None]:
    """A change of the tallies of some days: their seals are checked before it; then their months are added up again, and sealed."""
    months = {(each["meaning"], each["day"][:7], each["key"], each["fact"]) for each in places}
    by_meaning: dict[str, set[str]] = {}
    by_month: dict[tuple[str, str], set[str]] = {}
    for meaning, month, key, _ in months:
        by_meaning.setdefault(meaning, set()).add(key)
        by_month.setdefault((meaning, month), set()).add(key)
    with ExitStack() as counters:
        for meaning, keys in sorted(by_meaning.items()):
            counters.enter_context(changing(transaction, COUNTER, *sorted(keys), within=(meaning,)))
        with ExitStack() as days:
            for place, keys in sorted(by_month.items()):
                days.enter_context(changing(transaction, COUNTER_DAYS, *sorted(keys), within=place))
            yield
        for meaning, month, key, fact in sorted(months):
            place_of = {"meaning": meaning, "key": key, "fact": fact}
            row = transaction.execute(_OF_MONTH, {**place_of, "first": f"{month}-01", "last": f"{month}-31"}).one()
            sums = {name: int(value or 0) for name, value in row._mapping.items()}
            here = [tally_month.c[name] == value for name, value in {**place_of, "month": month}.items()]
            if not transaction.execute(sa.update(tally_month).where(*here).values(sums)).rowcount:
                transaction.execute(sa.insert(tally_month).values(**place_of, month=month, **sums))


def of_windows(
    connection: sa.Connection, asked: Mapping[int, CounterQuery], since: Mapping[int, str], beside: Subjects = NO_SUBJECTS
) -> dict[int, tuple[Sums, Sums]]:
    """
    The sums of some counters in their windows, and from a day on, which `since` has for those that were opened.

    The seals of subjects `beside` are checked with those of the sums, in one query. Raises SealBroken.

    A row of another key, which may be the same key, adds nothing for certain.
    """
    meanings = sorted({each.counter.meaning for each in asked.values()})
    keys = sorted({key for each in asked.values() for key in each.keys})
    months: dict[tuple[str, str], list[Any]] = {(meaning, key): [] for meaning in meanings for key in keys}
    for row in rows_in(connection, tally_month, {'"meaning"': meanings, '"key"': keys}):
        months[row.meaning, row.key].append(row)
    cut: dict[tuple[str, str, str], list[Any]] = {}
    for number, each in asked.items():
        for first in (each.first.isoformat(), since.get(number)):
            for key in each.keys if first is not None else ():
                for row in months[each.counter.meaning, key]:
                    if first is not None and _is_cut(row.month, first, each.last):
                        cut.setdefault((each.counter.meaning, key, row.month), [])
    if cut:
        parts = [sorted(set(each)) for each in zip(*cut, strict=True)]
        for row in rows_in(connection, tally, dict(zip(('"meaning"', '"key"', MONTH), parts, strict=True))):
            place = row.meaning, row.key, row.day[:7]
            if place in cut:
                cut[place].append(row)
    wanted = {(each.counter.meaning, key) for each in asked.values() for key in each.keys}
    subjects = {COUNTER.subject(key, (meaning,)): (tally_month, months[meaning, key]) for meaning, key in wanted}
    subjects |= {COUNTER_DAYS.subject(key, (meaning, month)): (tally, rows) for (meaning, key, month), rows in cut.items()}
    check_rows(connection, {**subjects, **beside})
    found: dict[int, tuple[Sums, Sums]] = {}
    for number, each in asked.items():
        opened = since.get(number)
        window = _sum(each, each.first.isoformat(), months, cut)
        found[number] = window, {} if opened is None else _sum(each, max(opened, each.first.isoformat()), months, cut)
    return found


def _sum(
    wanted: CounterQuery, first: str, months: Mapping[tuple[str, str], list[Any]], cut: Mapping[tuple[str, str, str], list[Any]]
) -> Sums:
    """The sums of a counter from a day on, until its last day."""
    sums: Sums = {}
    for key in wanted.keys:
        exact = key in wanted.own
        for month in months[wanted.counter.meaning, key]:
            if not first[:7] <= month.month <= wanted.last[:7]:
                continue
            rows: Iterable[Any] = (month,)
            if _is_cut(month.month, first, wanted.last):
                days = cut[wanted.counter.meaning, key, month.month]
                rows = (row for row in days if row.fact == month.fact and first <= row.day <= wanted.last)
            for row in rows:
                most = None if row.endless else int(row.most)
                tallied = engine.Tally(int(row.largest), int(row.least), most) if exact else engine.Tally(most=most)
                sums[row.fact] = sums.get(row.fact, NOTHING) + tallied
    return sums


def _is_cut(month: str, first: str, last: str) -> bool:
    """Whether a month lies in a window only in part."""
    begins = month == first[:7] and first[8:] != "01"
    return begins or (month == last[:7] and last != date.max.isoformat() and not _ends_month(last))


def _ends_month(day: str) -> bool:
    return (date.fromisoformat(day) + timedelta(days=1)).day == 1
