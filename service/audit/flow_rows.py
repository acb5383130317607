"""
The sums of the statistics, recomputed from their lines: the database does each view in one statement.

The lines are compared with the leaves first.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations
from typing import Any

import sqlalchemy as sa

from service.audit.row_comparison import Values
from service.store.tables import FLOW_MEASURES, flow, flow_party

_PAIRED = (flow.c.pair, flow.c.venue, flow.c.grade, flow.c.sector, flow.c.kind)
_DIMENSIONS = (*_PAIRED, flow.c.purpose, flow.c.source_register, flow.c.destination_register, flow.c.reached)
_VIEWS: tuple[tuple[sa.ColumnElement[Any], ...], ...] = ((), *((each,) for each in _DIMENSIONS), *combinations(_PAIRED, 2))
_NONE: sa.ColumnElement[str] = sa.literal_column("''")
_YEAR = sa.func.substr(flow.c.month, 1, 4)
_KEY = ("meaning", "period", "first_value", "second_value")
_SUMS = frozenset(("exchanges", *FLOW_MEASURES))


def flow_sums(connection: sa.Connection) -> Iterator[Values]:
    """The sums of each month or year by none, every one and every two of the first dimensions, and the lanes that were used."""
    for view in _VIEWS:
        named = {"dimensions": ",".join(each.name for each in view)}
        sums, by_lanes = _of_view(view)
        for row in _rows(connection, sums):
            yield {**row, **named, "lane": ""}
        lanes: dict[tuple[str, ...], int] = {}
        for row in _rows(connection, by_lanes):
            for lane in row["lanes"].split():
                place = (*(row[name] for name in _KEY), lane)
                lanes[place] = lanes.get(place, 0) + row["exchanges"]
        for place, exchanges in lanes.items():
            told = dict(zip((*_KEY, "lane"), place, strict=True))
            yield {**told, **named, "currency": "", "exchanges": exchanges, **dict.fromkeys(FLOW_MEASURES, 0)}


def flow_parties(connection: sa.Connection) -> Iterator[Values]:
    """The sums of each party on each side: of each month in all, and of each year by every one dimension."""
    for value in (None, *_DIMENSIONS):
        for side in (flow.c.supplier, flow.c.recipient):
            for row in _rows(connection, _of_side(value, side)):
                yield {**row, "dimension": "" if value is None else value.name, "side": side.name}


# --- the statements, which are the same for every database ------------------------------------------------------------


@cache
def _of_view(view: tuple[sa.ColumnElement[Any], ...]) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """The sums of a view: by currency, and by the lanes of an exchange."""
    first, second = [*view, _NONE, _NONE][:2]
    period = _YEAR if len(view) == 2 and flow.c.pair in view else flow.c.month
    key = dict(zip(_KEY, (flow.c.meaning, period, first, second), strict=True))
    known = [each.is_not(None) for each in view]
    return (
        _summed({**key, "currency": flow.c.currency}, FLOW_MEASURES).where(*known),
        _summed({**key, "lanes": flow.c.lanes}, ()).where(*known),
    )


@cache
def _of_side(value: sa.ColumnElement[Any] | None, side: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """The sums of the parties of one side: of each month, or of each year by a dimension."""
    key: dict[str, sa.ColumnElement[Any]] = {
        "meaning": flow.c.meaning,
        "period": flow.c.month if value is None else _YEAR,
        "party": sa.func.coalesce(side, ""),
        "value": _NONE if value is None else value,
        "currency": flow.c.currency,
    }
    summed = _summed(key, [name for name in FLOW_MEASURES if name in flow_party.c])
    return summed if value is None else summed.where(value.is_not(None))


def _summed(key: dict[str, Any], measures: Sequence[str]) -> sa.Select[Any]:
    columns = [column.label(name) for name, column in key.items()]
    sums = [sa.func.count().label("exchanges"), *(sa.func.sum(flow.c[name]).label(name) for name in measures)]
    places: list[sa.ColumnElement[Any]] = [sa.literal_column(str(place)) for place in range(1, len(columns) + 1)]
    chosen = sa.select(*columns, *sums).where(flow.c.live.is_(sa.true())).group_by(*places)
    return chosen.execution_options(yield_per=1000)


def _rows(connection: sa.Connection, chosen: sa.Select[Any]) -> Iterator[dict[str, Any]]:
    """The rows of sums, as whole numbers whatever the database makes of a sum."""
    for row in connection.execute(chosen):
        yield {name: int(value) if name in _SUMS else value for name, value in row._mapping.items()}
