"""
The sums of the statistics, made from their lines once more: by the database, in one statement a view, and not one by one as they came.

The lines are compared with the leaves first.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import sqlalchemy as sa

from service.audit.row_comparison import Values
from service.store.tables import FLOW_MEASURES, flow, flow_party

_DIMENSIONS = (flow.c.pair, flow.c.venue, flow.c.grade, flow.c.sector, flow.c.kind)
_NONE: sa.ColumnElement[str] = sa.literal_column("''")


def flow_sums(connection: sa.Connection) -> Iterator[Values]:
    """The sums of each month by every one and every two dimensions."""
    for size in range(3):
        for view in combinations(_DIMENSIONS, size):
            first, second = [*view, _NONE, _NONE][:2]
            key = {"meaning": flow.c.meaning, "month": flow.c.month, "first_value": first, "second_value": second}
            key |= {name: flow.c[name] for name in ("lanes", "exclusive", "currency")}
            for row in _summed(connection, key, FLOW_MEASURES):
                yield {**row, "dimensions": ",".join(each.name for each in view)}


def flow_parties(connection: sa.Connection) -> Iterator[Values]:
    """The sums of each month of each party on each side, by none and by every one dimension."""
    money = [name for name in FLOW_MEASURES if name in flow_party.c]
    for value in (None, *_DIMENSIONS):
        for side in (flow.c.supplier, flow.c.recipient):
            key = {"meaning": flow.c.meaning, "month": flow.c.month, "party": sa.func.coalesce(side, "")}
            key |= {"value": _NONE if value is None else value, "currency": flow.c.currency}
            for row in _summed(connection, key, money):
                yield {**row, "dimension": "" if value is None else value.name, "side": side.name}


def _summed(connection: sa.Connection, key: dict[str, Any], measures: Any) -> Iterator[dict[str, Any]]:
    columns = [column.label(name) for name, column in key.items()]
    sums = [sa.func.count().label("exchanges"), *(sa.func.sum(flow.c[name]).label(name) for name in measures)]
    numbers = [str(place) for place in range(1, len(columns) + 1)]
    chosen = sa.select(*columns, *sums).where(flow.c.live.is_(sa.true())).group_by(*map(sa.literal_column, numbers))
    for row in connection.execute(chosen.execution_options(yield_per=1000)):
        yield {**row._mapping, **{each.name: int(row._mapping[each.name]) for each in sums}}
