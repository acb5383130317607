"""
The sums of counters, promises and unpaid lines, recomputed from their rows: a view of a temporary database while leaves are read, rows at
the end.

A row of a month has the sums of its days, one of a year those of its months with digests of their rows, one of all years the same of years.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from service.audit.row_comparison import Values
from service.store.tables import counter_sum

_PERIODS = {"substr(day, 1, 7)": "day", "substr(day, 1, 4)": "substr(day, 1, 7)", "'all'": "substr(day, 1, 4)"}
_MOVED = """
SELECT meaning, "key", day, fact,
  CASE WHEN live THEN low ELSE 0 END AS least,
  CASE WHEN live AND same_as IS NULL THEN coalesce(high, 0) ELSE 0 END AS most,
  CASE WHEN live AND same_as IS NULL AND high IS NULL THEN 1 ELSE 0 END AS endless,
  CASE WHEN live THEN low ELSE 0 END AS largest
FROM movement
"""
# A promise that runs is overdue after its last day, unless it was kept by then, and until the day on which it is kept late.
_PROMISED = """
SELECT p.meaning, p."by" AS "key", p.{day} AS day, '{fact}' AS fact,
  CASE WHEN c.state = 'committed' AND {counts} THEN {number} ELSE 0 END AS least,
  CASE WHEN c.state = 'committed' AND {counts} THEN {number} ELSE 0 END AS most,
  0 AS endless,
  0 AS largest
FROM promise p JOIN commitment c ON c.id = p."commitment" WHERE p."by" IS NOT NULL AND {where}
"""
_LATE = "(p.kept_on IS NULL OR p.kept_on > p.due)"
_OVERDUE = _PROMISED.format(day="due", fact="overdue", counts=_LATE, number="1", where="TRUE")
_KEPT = _PROMISED.format(day="kept_on", fact="kept", counts="TRUE", number="1", where="p.kept_on > p.due")
_DISPUTED = _PROMISED.format(day="due", fact="disputed", counts="TRUE", number="p.disputed", where="p.disputed > 0")
# A line of the book of benefits is overdue after its due day while less than its amount is paid.
_OWED = """
SELECT 'benefits' AS meaning, payer AS "key", due AS day, 'overdue' AS fact,
  CASE WHEN paid < net THEN 1 ELSE 0 END AS least,
  CASE WHEN paid < net THEN 1 ELSE 0 END AS most,
  0 AS endless,
  0 AS largest
FROM benefit WHERE kind = 'payable' AND payer IS NOT NULL AND due IS NOT NULL AND payer <> account
"""
_ROWS = (_MOVED, f"{_OVERDUE} UNION ALL {_KEPT} UNION ALL {_DISPUTED}", _OWED)
_DAYS = """
SELECT meaning, "key", day, fact,
  max(largest) AS largest, sum(least) AS least, sum(most) AS most, sum(endless) AS endless
FROM ({rows}) AS r GROUP BY 1, 2, 3, 4
"""
# The sums are asked for by each row: so the rows of one counter of a key are found by an index, and not by reading all movements.
_OF_PERIOD = """
SELECT k.meaning, k."key", k.period, '{{}}' AS below, (
  SELECT json_group_object(part, json(facts)) FROM (
    SELECT part, json_group_object(fact, json_array(largest, least, most, endless)) AS facts FROM (
      SELECT {part} AS part, fact, max(largest) AS largest, sum(least) AS least, sum(most) AS most, sum(endless) AS endless
      FROM ({rows}) AS r WHERE r.meaning = k.meaning AND r."key" = k."key" AND {period} = k.period GROUP BY 1, 2
    ) GROUP BY 1
  )
) AS sums
FROM (SELECT DISTINCT meaning, "key", {period} AS period FROM ({rows})) AS k
"""
# No row of it could be wrong while leaves are read.
VIEW = f"CREATE VIEW {counter_sum.name} AS " + " UNION ALL ".join(
    _OF_PERIOD.format(period=period, part=part, rows=rows) for rows in _ROWS for period, part in _PERIODS.items()
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
        below: dict[str, dict[str, str]] = {}
        for period in sorted(sums, key=len, reverse=True):  # months, years, and last all of them, which has three letters
            told, digests = (
                json.dumps(each, sort_keys=True, separators=(",", ":")) for each in (sums[period], below.get(period, {}))
            )
            if period != "all":
                above = below.setdefault(period[:4] if len(period) > 4 else "all", {})
                above[period] = sha256(f"{told}\n{digests}".encode()).hexdigest()
            yield {"meaning": meaning, "key": key, "period": period, "sums": told, "below": digests}


def _days(connection: sa.Connection) -> Iterator[Any]:
    """The sums of each day, those of a counter of one key one after another."""
    for rows in _ROWS:
        days = _DAYS.format(rows=rows)
        yield from connection.exec_driver_sql(
            f'SELECT meaning, "key", day, fact, largest, least, most, endless FROM ({days}) AS d ORDER BY 1, 2'
        )
