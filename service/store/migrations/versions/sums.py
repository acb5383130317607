"""
Sums of counters and promises by years, months and days; and which leaf let somebody in or out last, in the head of the tree.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0.14.0"
down_revision = "0.13.0"

_ADMITTING = "('key-made', 'key-revoked', 'session-ended')"
_AT_ONCE = 500
_TALLIED = 'SELECT meaning, "key", day, fact, largest, least, most, endless FROM tally'
_PROMISED = """
SELECT p.meaning, p."by", p.{day}, '{fact}', 0, sum(CASE WHEN c.state = 'committed' AND {counts} THEN 1 ELSE 0 END),
  sum(CASE WHEN c.state = 'committed' AND {counts} THEN 1 ELSE 0 END), 0
FROM promise p JOIN commitment c ON c.id = p."commitment" WHERE p."by" IS NOT NULL AND {where} GROUP BY 1, 2, 3
"""


def upgrade() -> None:
    """Make the table from the sums of days. What is there is sealed as it is, when the tables are complete."""
    op.create_table(
        "counter_sum",
        *(sa.Column(name, sa.String(), primary_key=True, nullable=False) for name in ("meaning", "key", "period")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("sums", "below")),
    )
    connection = op.get_bind()
    put = sa.text(
        'INSERT INTO counter_sum (meaning, "key", period, sums, below) VALUES (:meaning, :key, :period, :sums, :below)'
    )
    some: list[dict[str, str]] = []
    for row in _counters(connection):
        some.append(row)
        if len(some) == _AT_ONCE:
            connection.execute(put, some)
            some.clear()
    if some:
        connection.execute(put, some)
    op.drop_table("tally_month")
    op.drop_table("tally")
    op.add_column("head", sa.Column("admitting", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=True))
    last = f'SELECT max("index") FROM tree_leaf WHERE kind IN {_ADMITTING}'
    op.execute(f"UPDATE head SET admitting = ({last}) WHERE name = 'leaf'")


def _counters(connection: sa.Connection) -> Iterator[dict[str, str]]:
    """The rows of each counter of a key."""
    late = _PROMISED.format(day="kept_on", fact="kept", counts="TRUE", where="p.kept_on > p.due")
    overdue = _PROMISED.format(day="due", fact="overdue", counts="(p.kept_on IS NULL OR p.kept_on > p.due)", where="TRUE")
    days = sa.text(f"{_TALLIED} UNION ALL {overdue} UNION ALL {late} ORDER BY 1, 2, 3, 4")
    place: tuple[str, str] | None = None
    sums: dict[str, dict[str, dict[str, list[int]]]] = {}
    for row in connection.execute(days).all():
        if place is not None and place != (row[0], row[1]):
            yield from _rows(place, sums)
            sums = {}
        place = row[0], row[1]
        day, fact, numbers = row[2], row[3], row[4:]
        for period, part in ((day[:7], day), (day[:4], day[:7]), ("all", day[:4])):
            held = sums.setdefault(period, {}).setdefault(part, {}).setdefault(fact, [0, 0, 0, 0])
            held[:] = [max(held[0], int(numbers[0])), *(held[at] + int(numbers[at]) for at in (1, 2, 3))]
    if place is not None:
        yield from _rows(place, sums)


def _rows(place: Sequence[str], sums: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    below: dict[str, dict[str, str]] = {}
    for period in sorted(sums, key=len, reverse=True):  # months, years, and last all of them, which has three letters
        told, digests = (
            json.dumps(each, sort_keys=True, separators=(",", ":")) for each in (sums[period], below.get(period, {}))
        )
        if period != "all":
            above = below.setdefault(period[:4] if len(period) > 4 else "all", {})
            above[period] = sha256(f"{told}\n{digests}".encode()).hexdigest()
        yield {"meaning": place[0], "key": place[1], "period": period, "sums": told, "below": digests}
