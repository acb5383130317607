"""
How many promises of a party are overdue on a day, and how many reports on them are in dispute, from sealed sums: promises go in when
they change, numbers come out.

The meaning of a promise is that of its sums, and its party is the key (service.ledger.sealed_sums). A promise that runs is counted as
OVERDUE on its last day, unless it was kept by then, and as KEPT on the day on which it was kept late. So those that are overdue on a day
are the first ones before that day, without the others until that day. Reports in dispute count as DISPUTED on the last day of their
promise. What a commitment promised that ended counts for nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.ledger import sealed_sums
from service.ledger.sealed_sums import Numbers, Place
from service.store.tables import commitment, promise

OVERDUE, KEPT, DISPUTED = "overdue", "kept", "disputed"

_runs = commitment.c.state == "committed"
_late = promise.c.kept_on > promise.c.due
_of_some = (
    promise.c.meaning.in_(sa.bindparam("meanings", expanding=True)),
    promise.c.by.in_(sa.bindparam("parties", expanding=True)),
)


class PartyPromises(NamedTuple):
    """How many promises are overdue, and how many reports are in dispute."""

    overdue: int
    disputed: int


def _added_up(
    day: sa.Column[Any], counts: sa.ColumnElement[bool], *where: sa.ColumnElement[bool], each: Any = 1
) -> sa.Select[Any]:
    number = sa.func.sum(sa.case((sa.and_(_runs, counts), each), else_=0))
    on = day.in_(sa.bindparam("days", expanding=True))
    chosen = sa.select(promise.c.meaning, promise.c.by, day, number).join(commitment, commitment.c.id == promise.c.commitment)
    return chosen.where(*_of_some, on, *where).group_by(promise.c.meaning, promise.c.by, day)


_BY_FACT = {
    OVERDUE: _added_up(promise.c.due, sa.or_(promise.c.kept_on.is_(None), _late)),
    KEPT: _added_up(promise.c.kept_on, sa.true(), _late),
    DISPUTED: _added_up(promise.c.due, sa.true(), promise.c.disputed > 0, each=promise.c.disputed),
}


def add(transaction: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Count promises that are new."""
    added: dict[Place, int] = {}
    for row in rows:
        for place, number in _places(row).items():
            added[place] = added.get(place, 0) + number

    def of_day(place: Place, before: Numbers) -> Numbers:
        return 0, before[1] + added[place], before[2] + added[place], 0

    if added:
        sealed_sums.change(transaction, added, of_day)


def changed(transaction: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Count the days of promises again, as they were before a change and as they are."""
    places = {place for row in rows for place in _places(row)}
    found: dict[Place, int] = {}
    for fact, query in _BY_FACT.items():
        of_fact = [place for place in places if place[3] == fact]
        if not of_fact:
            continue
        meanings, parties, days = (sorted({place[at] for place in of_fact}) for at in range(3))
        for meaning, by, day, number in transaction.execute(query, {"meanings": meanings, "parties": parties, "days": days}):
            found[meaning, by, day, fact] = int(number)

    def of_day(place: Place, before: Numbers) -> Numbers | None:
        return (0, found[place], found[place], 0) if place in found else None

    if places:
        sealed_sums.change(transaction, places, of_day)


def numbers(connection: sa.Connection, by: str, meanings: Collection[str], day: date) -> dict[str, PartyPromises]:
    """How many promises of a party are overdue on a day, and how many reports are in dispute, by their meanings. Raises SealBroken."""
    before = day - timedelta(days=1) if day > date.min else day
    lasts = {OVERDUE: before.isoformat(), KEPT: day.isoformat(), DISPUTED: date.max.isoformat()}
    found = sealed_sums.until(connection, {(meaning, by): lasts for meaning in meanings})
    return {meaning: PartyPromises(sums[OVERDUE] - sums[KEPT], sums[DISPUTED]) for (meaning, _), sums in found.items()}


def _places(row: Mapping[str, Any]) -> dict[Place, int]:
    """Where a promise that runs counts, and how often; nowhere if nobody knows whose it is."""
    meaning, by, due, kept_on, disputed = (row[name] for name in ("meaning", "by", "due", "kept_on", "disputed"))
    if by is None:
        return {}
    late = kept_on is not None and kept_on > due
    found = {(meaning, by, due, OVERDUE): int(kept_on is None or late)}
    if late:
        found[meaning, by, kept_on, KEPT] = 1
    if disputed:
        found[meaning, by, due, DISPUTED] = disputed
    return found
