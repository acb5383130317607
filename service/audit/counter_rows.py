"""
The sums of counters, made from their movements once more: as a view of a temporary database while leaves are read, and as rows at the end.

A row of a month has the sums of its days, one of a year those of its months, and one of all years those of the years.
"""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from service.audit.row_comparison import Values
from service.store.tables import counter_sum, movement

_PLACE = (movement.c.meaning, movement.c.key, movement.c.day, movement.c.fact)
_PERIODS = {"substr(day, 1, 7)": "day", "substr(day, 1, 4)": "substr(day, 1, 7)", "'all'": "substr(day, 1, 4)"}
_OF_PERIOD = """
SELECT meaning, "key", period, json_group_object(part, json(facts)) AS sums FROM (
  SELECT meaning, "key", period, part, json_group_object(fact, json_array(largest, least, most, endless)) AS facts FROM (
    SELECT meaning, "key", {period} AS period, {part} AS part, fact,
      max(CASE WHEN live THEN low ELSE 0 END) AS largest,
      sum(CASE WHEN live THEN low ELSE 0 END) AS least,
      sum(CASE WHEN live AND same_as IS NULL THEN coalesce(high, 0) ELSE 0 END) AS most,
      sum(CASE WHEN live AND same_as IS NULL AND high IS NULL THEN 1 ELSE 0 END) AS endless
    FROM movement GROUP BY 1, 2, 3, 4, 5
  ) GROUP BY 1, 2, 3, 4
) GROUP BY 1, 2, 3
"""
# No row of it could be wrong while leaves are read.
VIEW = f"CREATE VIEW {counter_sum.name} AS " + " UNION ALL ".join(
    _OF_PERIOD.format(period=period, part=part) for period, part in _PERIODS.items()
)


def counter_sums(connection: sa.Connection) -> Iterator[Values]:
    """The rows as they must be, for each counter of a key."""
    for (meaning, key), days in groupby(_days(connection), key=lambda row: (row.meaning, row.key)):
        sums: dict[str, dict[str, dict[str, list[int]]]] = {}
        for row in days:
            for period, part in ((row.day[:7], row.day), (row.day[:4], row.day[:7]), ("all", row.day[:4])):
                held = sums.setdefault(period, {}).setdefault(part, {}).setdefault(row.fact, [0, 0, 0, 0])
                held[0] = max(held[0], int(row.largest))
                for at, name in enumerate(("least", "most", "endless"), 1):
                    held[at] += int(getattr(row, name))
        for period, parts in sums.items():
            packed = json.dumps(parts, sort_keys=True, separators=(",", ":"))
            yield {"meaning": meaning, "key": key, "period": period, "sums": packed}


def _days(connection: sa.Connection) -> Iterator[Any]:
    """The sums of each day, those of a counter of one key one after another."""

    def counting(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.case((movement.c.live.is_(sa.true()), column), else_=0)

    low, high, new = movement.c.low, movement.c.high, movement.c.same_as.is_(None)
    sums = {
        "largest": sa.func.max(counting(low)),
        "least": sa.func.sum(counting(low)),
        "most": sa.func.sum(counting(sa.case((new, sa.func.coalesce(high, 0)), else_=0))),
        "endless": sa.func.sum(counting(sa.case((sa.and_(new, high.is_(None)), 1), else_=0))),
    }
    chosen = sa.select(*_PLACE, *(column.label(name) for name, column in sums.items())).group_by(*_PLACE).order_by(*_PLACE)
    yield from connection.execute(chosen.execution_options(yield_per=1000))
