"""
The sums of counters under the seals of the log's key: places of movements go in when they change, sums come out.

A counter of one key has a row for each month, with the sums of its days, one for each year, with those of its months, and one with those of
all years, which has its seal. A window is made of whole years, of months where it begins or ends within a year, and of days where it
begins or ends within a month. So a decision reads and checks at most five rows of a key, however long the window and the history are; where
the counter was opened within the window, at most two more.

INVARIANT (one seal for all): the row of all years has a digest of the row of each year, and that of a year of the row of each month. So a
row of these that was changed is noticed, and one that is not there is missed.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any, TypeAlias

import sqlalchemy as sa

import engine
from service.ledger.counter_sums import NOTHING, CounterQuery
from service.store.row_seals import COUNTER, SealBroken, changing, checks, put_rows, seal_rows, sealed_rows
from service.store.tables import counter_sum

PLACE = ("meaning", "key", "day", "fact")  # of a movement
ALL_YEARS = "all"
Place: TypeAlias = tuple[str, str, str, str]
Row: TypeAlias = tuple[str, str, str]  # the meaning, the key and the period
Numbers: TypeAlias = Sequence[int]  # the largest, the least and the most of a sum, and how many have no end
Sums: TypeAlias = dict[str, engine.Tally]
Packed: TypeAlias = Mapping[str, Mapping[str, Numbers]]  # by the part of a period, and by the fact
_NONE: Numbers = (0, 0, 0, 0)
_FIRST = date.min.isoformat()


def change(transaction: sa.Connection, places: Collection[Place], of_day: Callable[[Place, Numbers], Numbers | None]) -> None:
    """
    Change the sums of some days, and add up their months and years again. Raises SealBroken where a row has not its seal.

    `of_day` gives the sums of a place, from what they were; None where nothing belongs there any more.
    """
    asked: dict[tuple[str, str], set[str]] = {}
    for meaning, key, day, _ in places:
        asked.setdefault((meaning, key), {ALL_YEARS}).update((day[:4], day[:7]))
    rows = _read(transaction, asked)
    sums: dict[Row, dict[str, dict[str, Numbers]]] = {}
    below: dict[Row, dict[str, str]] = {}
    for meaning, key in asked:
        for period in asked[meaning, key]:
            row, at = rows[meaning, key].get(period), (meaning, key, period)
            sums[at], below[at] = ({}, {}) if row is None else (json.loads(row.sums), json.loads(row.below))
    for place in sorted(places):
        meaning, key, day, fact = place
        month = sums[meaning, key, day[:7]]
        _put(month, day, fact, of_day(place, month.get(day, {}).get(fact, _NONE)))
    for shorter, longer in ((7, 4), (4, 0)):
        for meaning, key, day, fact in sorted(places):
            at, above = (meaning, key, day[:shorter]), (meaning, key, day[:longer] or ALL_YEARS)
            parts = [part[fact] for part in sums[at].values() if fact in part]
            _put(sums[above], day[:shorter], fact, _added_up(parts) if parts else None)
            below[above].pop(day[:shorter], None)
            if sums[at]:
                below[above][day[:shorter]] = digest(packed(sums[at]), packed(below[at]))
    changed = [(*at, packed(each), packed(below[at])) for at, each in sums.items() if each]
    gone = [at for at, each in sums.items() if not each]
    put_rows(transaction, counter_sum, changed)
    seal_rows(transaction, {COUNTER.subject(row[1], row[:1]): [(counter_sum, row)] for row in changed if row[2] == ALL_YEARS})
    for meaning, key, period in gone:
        with changing(transaction, COUNTER, *([key] if period == ALL_YEARS else []), within=(meaning,)):
            here = (counter_sum.c.meaning == meaning, counter_sum.c.key == key, counter_sum.c.period == period)
            transaction.execute(sa.delete(counter_sum).where(*here))


def digest(sums: str, below: str) -> str:
    """What the row of a longer period says of a row."""
    return sha256(f"{sums}\n{below}".encode()).hexdigest()


def _put(sums: dict[str, dict[str, Numbers]], part: str, fact: str, numbers: Numbers | None) -> None:
    """Put the numbers of a fact in their place, or take them away."""
    facts = sums.setdefault(part, {})
    if numbers is None:
        facts.pop(fact, None)
    else:
        facts[fact] = numbers
    if not facts:
        del sums[part]


def packed(sums: Mapping[str, Any]) -> str:
    """Sums, or digests, as a row has them."""
    return json.dumps(sums, sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=64)
def unpacked(text: str) -> Packed:
    """The sums of a row, which nobody changes."""
    found: Packed = json.loads(text)
    return found


def of_windows(
    connection: sa.Connection, asked: Mapping[int, CounterQuery], since: Mapping[int, str]
) -> dict[int, tuple[Sums, Sums]]:
    """
    The sums of some counters in their windows, and from a day on, which `since` has for those that were opened. Raises SealBroken.

    A row of another key, which may be the same key, adds nothing for certain.
    """
    windows: dict[int, list[tuple[str, str]]] = {}
    read: dict[tuple[str, str], set[str]] = {}
    for number, each in asked.items():
        first, opened = each.first.isoformat(), since.get(number)
        windows[number] = [(first, each.last), *([] if opened is None else [(max(opened, first), each.last)])]
        for key in each.keys:
            read.setdefault((each.counter.meaning, key), {ALL_YEARS}).update(*(_cut(*window) for window in windows[number]))
    rows = _read(connection, read)
    found: dict[int, tuple[Sums, Sums]] = {}
    for number, each in asked.items():
        window, *from_then = (_sum(each, *window, rows) for window in windows[number])
        found[number] = window, from_then[0] if from_then else {}
    return found


def until(
    connection: sa.Connection, asked: Mapping[tuple[str, str], Mapping[str, str]]
) -> dict[tuple[str, str], dict[str, int]]:
    """What some facts of counters come to at least, each until a last day, by the meaning and the key. Raises SealBroken."""
    rows = _read(connection, {at: {ALL_YEARS}.union(*(_cut(_FIRST, last) for last in of.values())) for at, of in asked.items()})
    return {
        at: {fact: sum(part.get(fact, _NONE)[1] for part in _parts(rows[at], _FIRST, last)) for fact, last in of.items()}
        for at, of in asked.items()
    }


def _read(connection: sa.Connection, asked: Mapping[tuple[str, str], set[str]]) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows of some periods of counters, by their keys. Raises SealBroken, also where a longer period says otherwise of one."""
    found: dict[tuple[str, str], dict[str, Any]] = {place: {} for place in asked}
    if not asked:
        return found
    meanings, keys = ([*dict.fromkeys(place[at] for place in asked)] for at in (0, 1))
    wanted = {'"meaning"': meanings, '"key"': keys, '"period"': sorted(set().union(*asked.values()))}
    for row in sealed_rows(connection, COUNTER, wanted, beside=True):
        place = row.meaning, row.key
        if row.period in asked.get(place, ()):
            found[place][row.period] = row
    if checks(connection):
        for place, periods in asked.items():
            for period in periods - {ALL_YEARS}:
                if not _is_told(found[place], period):
                    raise SealBroken(f"`{COUNTER.subject(place[1], place[:1])[:120]}`")
    return found


def _is_told(rows: Mapping[str, Any], period: str) -> bool:
    """Whether the row of the longer period says that the row of a period is as it is, or that there is none."""
    row, above = rows.get(period), rows.get(period[:4] if len(period) > 4 else ALL_YEARS)
    if row is None:
        return above is None or f'"{period}":' not in above.below
    return above is not None and f'"{period}":"{digest(row.sums, row.below)}"' in above.below


def _sum(wanted: CounterQuery, first: str, last: str, rows: Mapping[tuple[str, str], Mapping[str, Any]]) -> Sums:
    """The sums of a counter from a day on, until another."""
    sums: Sums = {}
    for key in wanted.keys:
        exact = key in wanted.own
        for part in _parts(rows[wanted.counter.meaning, key], first, last):
            for fact, (largest, least, most, endless) in part.items():
                end = None if endless else most
                tallied = engine.Tally(largest, least, end) if exact else engine.Tally(most=end)
                sums[fact] = sums.get(fact, NOTHING) + tallied
    return sums


def _parts(rows: Mapping[str, Any], first: str, last: str) -> Iterator[Mapping[str, Numbers]]:
    """The sums that a window is made of: of years, of months and of days."""
    cut = _cut(first, last)

    def within(period: str) -> Iterator[Mapping[str, Numbers]]:
        row = rows.get(period)
        for part, sums in {} if row is None else unpacked(row.sums).items():
            if first[: len(part)] <= part <= last[: len(part)]:
                yield from within(part) if part in cut else (sums,)

    return within(ALL_YEARS)


@lru_cache(maxsize=1024)
def _cut(first: str, last: str) -> frozenset[str]:
    """The years and months that lie in a window only in part."""
    found = set()
    if first[5:] != "01-01":
        found.add(first[:4])
        if first[8:] != "01":
            found.add(first[:7])
    if last[5:] != "12-31":
        found.add(last[:4])
        if not _ends_month(last):
            found.add(last[:7])
    return frozenset(found)


def _ends_month(day: str) -> bool:
    return (date.fromisoformat(day) + timedelta(days=1)).day == 1


def _added_up(each: Sequence[Numbers]) -> Numbers:
    """The sums of a longer period, from those of its parts."""
    return max(one[0] for one in each), *(sum(one[at] for one in each) for at in (1, 2, 3))
