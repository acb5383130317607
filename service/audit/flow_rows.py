"""
The sums of the statistics, made from their lines once more: by the database, in one statement a view, and not one by one as they came.

The lines are compared with the leaves first.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import sqlalchemy as sa

from service.audit.row_comparison import Values
from service.store.tables import FLOW_MEASURES, flow, flow_party

_DIMENSIONS = (flow.c.pair, flow.c.venue, flow.c.grade, flow.c.sector, flow.c.kind)
_NONE: sa.ColumnElement[str] = sa.literal_column("''")
_YEAR = sa.func.substr(flow.c.month, 1, 4)


def flow_sums(connection: sa.Connection) -> Iterator[Values]:
    """The sums of each month or year by none, every one and every two dimensions, and the lanes that were used."""
    for size in range(3):
        for view in combinations(_DIMENSIONS, size):
            first, second = [*view, _NONE, _NONE][:2]
            period = _YEAR if size == 2 and flow.c.pair in view else flow.c.month
            key = {"meaning": flow.c.meaning, "period": period, "first_value": first, "second_value": second}
            named = {"dimensions": ",".join(each.name for each in view)}
            for row in _summed(connection, {**key, "currency": flow.c.currency}, FLOW_MEASURES):
                yield {**row, **named, "lane": ""}
            lanes: dict[tuple[str, ...], int] = {}
            for row in _summed(connection, {**key, "lanes": flow.c.lanes}, ()):
                for lane in row["lanes"].split():
                    place = (*(row[name] for name in key), lane)
                    lanes[place] = lanes.get(place, 0) + row["exchanges"]
            for place, exchanges in lanes.items():
                told = dict(zip((*key, "lane"), place, strict=True))
                yield {**told, **named, "currency": "", "exchanges": exchanges, **dict.fromkeys(FLOW_MEASURES, 0)}


def flow_parties(connection: sa.Connection) -> Iterator[Values]:
    """The sums of each party on each side: of each month in all, and of each year by every one dimension."""
    money = [name for name in FLOW_MEASURES if name in flow_party.c]
    for value in (None, *_DIMENSIONS):
        for side in (flow.c.supplier, flow.c.recipient):
            period: sa.ColumnElement[str] = flow.c.month if value is None else _YEAR
            key: dict[str, sa.ColumnElement[Any]] = {
                "meaning": flow.c.meaning,
                "period": period,
                "party": sa.func.coalesce(side, ""),
            }
            key |= {"value": _NONE if value is None else value, "currency": flow.c.currency}
            for row in _summed(connection, key, money):
                yield {**row, "dimension": "" if value is None else value.name, "side": side.name}


def _summed(connection: sa.Connection, key: dict[str, Any], measures: Sequence[str]) -> Iterator[dict[str, Any]]:
    columns = [column.label(name) for name, column in key.items()]
    sums = [sa.func.count().label("exchanges"), *(sa.func.sum(flow.c[name]).label(name) for name in measures)]
    places: list[sa.ColumnElement[Any]] = [sa.literal_column(str(place)) for place in range(1, len(columns) + 1)]
    chosen = sa.select(*columns, *sums).where(flow.c.live.is_(sa.true())).group_by(*places)
    for row in connection.execute(chosen.execution_options(yield_per=1000)):
        yield {**row._mapping, **{each.name: int(row._mapping[each.name]) for each in sums}}
