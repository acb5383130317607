"""
The sums of flows: lines of committed exchanges go in, the sums of each month or year move.

`flow_sum` has the sums by none, by every one of the DIMENSIONS and by every two of the first, so that such a question reads few rows,
however many lines there are. A line that was written before a dimension was there is in no sum by it. Those by the pair of countries and
another dimension are many, and kept by the year; the others by the month.
`flow_party` has the sums of each supplier and recipient by one dimension and year, and in all by month: for concentration, and for how many
parties a sum is of. Both are made from the lines alone, in the transaction that moves them; a row without an exchange is not there.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import combinations
from typing import Any

import sqlalchemy as sa

from service.store.tables import FLOW_MEASURES, MONEY_PARTS, flow_party, flow_sum

_PAIRED = ("pair", "venue", "grade", "sector", "kind")  # of which there are sums by two
DIMENSIONS = (*_PAIRED, "purpose", "source_register", "destination_register", "reached")
VIEWS: tuple[tuple[str, ...], ...] = ((), *((each,) for each in DIMENSIONS), *combinations(_PAIRED, 2))
SIDES = ("supplier", "recipient")
PRICE = tuple(f"price_{part}" for part in MONEY_PARTS)
NO_PARTY = ""  # the party of exchanges whose party on a side is not known

Line = Mapping[str, Any]  # a row of `flow`, by the names of its columns
_NOTHING = [0] * len(FLOW_MEASURES)


def by_year(view: Sequence[str]) -> bool:
    """Whether the sums of a view are kept by the year and not by the month."""
    return len(view) == 2 and view[0] == "pair"


def add(transaction: sa.Connection, lines: Iterable[Line], sign: int = 1) -> None:
    """Add lines to the sums, or take them out where `sign` is -1."""
    sums: dict[tuple[str, ...], list[int]] = {}
    parties: dict[tuple[str, ...], list[int]] = {}
    for line in lines:
        meaning, month, currency = line["meaning"], line["month"], line["currency"]
        measures = [sign, *(sign * line[name] for name in FLOW_MEASURES)]
        lanes = line["lanes"].split()
        known = {name for name in DIMENSIONS if line[name] is not None}
        for view in VIEWS:
            if not known.issuperset(view):
                continue
            first, second = [*(line[name] for name in view), "", ""][:2]
            place = meaning, ",".join(view), month[:4] if by_year(view) else month, first, second
            _count(sums, (*place, "", currency), measures)
            for lane in lanes:
                _count(sums, (*place, lane, ""), [sign, *_NOTHING])
        measures = [sign, *(sign * line[name] for name in PRICE)]
        for side in SIDES:
            party = line[side] or NO_PARTY
            _count(parties, (meaning, "", "", side, month, party, currency), measures)
            for name in known:
                _count(parties, (meaning, name, line[name], side, month[:4], party, currency), measures)
    _move(transaction, flow_sum, sums, sign)
    _move(transaction, flow_party, parties, sign)


def _count(sums: dict[tuple[str, ...], list[int]], key: tuple[str, ...], measures: Sequence[int]) -> None:
    found = sums.get(key)
    sums[key] = list(measures) if found is None else list(map(int.__add__, found, measures))


def _move(transaction: sa.Connection, table: sa.Table, sums: Mapping[tuple[str, ...], Sequence[int]], sign: int) -> None:
    names = [column.name for column in table.columns]
    rows = [dict(zip(names, (*key, *measures), strict=True)) for key, measures in sorted(sums.items())]
    if not rows:
        return
    transaction.execute(_addition(table), rows)
    if sign < 0:
        keys = [column.name for column in table.primary_key]
        transaction.execute(_removal(table), [{f"of_{name}": row[name] for name in keys} for row in rows])


@cache
def _addition(table: sa.Table) -> sa.TextClause:
    """The statement that adds a row to the one of the same key; both databases write it the same way."""
    names = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key]
    added = ", ".join(f"{name} = {table.name}.{name} + excluded.{name}" for name in names if name not in keys)
    return sa.text(
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
        f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {added}"
    )


@cache
def _removal(table: sa.Table) -> sa.Delete:
    here = [column == sa.bindparam(f"of_{column.name}") for column in table.primary_key]
    return sa.delete(table).where(*here, table.c.exchanges == 0)
