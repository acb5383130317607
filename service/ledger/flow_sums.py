"""
The sums of flows: lines of committed exchanges go in, the sums of each month move.

`flow_sum` has the sums by every one and every two of the DIMENSIONS, so that a question by at most two of them reads few rows, however
many lines there are. `flow_party` has those of each supplier and recipient by one dimension, for concentration and for how many parties
a sum is of. Both are made from the lines alone, in the transaction that moves them; a row without an exchange is not there.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import combinations
from typing import Any

import sqlalchemy as sa

from service.store.tables import FLOW_MEASURES, MONEY_PARTS, flow_party, flow_sum

DIMENSIONS = ("pair", "venue", "grade", "sector", "kind")
VIEWS: tuple[tuple[str, ...], ...] = ((), *((each,) for each in DIMENSIONS), *combinations(DIMENSIONS, 2))
ONE_DIMENSION = VIEWS[: 1 + len(DIMENSIONS)]
SIDES = ("supplier", "recipient")
PRICE = tuple(f"price_{part}" for part in MONEY_PARTS)
NO_PARTY = ""  # the party of exchanges whose party on a side is not known

Line = Mapping[str, Any]  # a row of `flow`, by the names of its columns


def add(transaction: sa.Connection, lines: Iterable[Line], sign: int = 1) -> None:
    """Add lines to the sums, or take them out where `sign` is -1."""
    sums: dict[tuple[str, ...], list[int]] = {}
    parties: dict[tuple[str, ...], list[int]] = {}
    for line in lines:
        measures = [sign, *(sign * line[name] for name in FLOW_MEASURES)]
        for view in VIEWS:
            _count(sums, sum_key(line, view), measures)
        measures = [sign, *(sign * line[name] for name in PRICE)]
        for view in ONE_DIMENSION:
            for side in SIDES:
                _count(parties, party_key(line, view, side), measures)
    _move(transaction, flow_sum, sums, sign)
    _move(transaction, flow_party, parties, sign)


def sum_key(line: Line, view: Sequence[str]) -> tuple[str, ...]:
    """The key of the row of `flow_sum` that a line belongs to, by some dimensions."""
    first, second = [*(line[name] for name in view), "", ""][:2]
    return line["meaning"], ",".join(view), line["month"], first, second, line["lanes"], line["exclusive"], line["currency"]


def party_key(line: Line, view: Sequence[str], side: str) -> tuple[str, ...]:
    """The key of the row of `flow_party` that a line belongs to, by one dimension or none, for the party on a side."""
    value = line[view[0]] if view else ""
    return line["meaning"], ",".join(view), value, side, line["month"], line[side] or NO_PARTY, line["currency"]


def _count(sums: dict[tuple[str, ...], list[int]], key: tuple[str, ...], measures: Sequence[int]) -> None:
    found = sums.get(key)
    sums[key] = list(measures) if found is None else [a + b for a, b in zip(found, measures, strict=True)]


def _move(transaction: sa.Connection, table: sa.Table, sums: Mapping[tuple[str, ...], Sequence[int]], sign: int) -> None:
    names = [column.name for column in table.columns]
    rows = [dict(zip(names, (*key, *measures), strict=True)) for key, measures in sorted(sums.items())]
    if rows:
        transaction.execute(_addition(table), rows)
    if rows and sign < 0:
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
