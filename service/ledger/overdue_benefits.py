"""
How many lines of the book of benefits a payer has left unpaid past their due day, from sealed sums: lines go in when they change, a
number comes out.

A line counts on its due day while less than its amount is paid, for the account of its payer (service.ledger.sealed_sums). A line without
a payer or a due day counts for nobody, and whoever would pay itself owes nothing. A report counts as paid until it is disputed.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from service.ledger import hashed_names, sealed_sums
from service.ledger.counter_book import Book
from service.ledger.sealed_sums import Numbers, Place
from service.store.counter_secret import LOST
from service.store.tables import benefit, commitment, counted

MEANING, OVERDUE = "benefits", "overdue"  # of the sums

_UNPAID = (benefit.c.kind == "payable", benefit.c.paid < benefit.c.net, benefit.c.payer != benefit.c.account)
_OF_COMMITMENT = (
    sa.select(sa.func.count())
    .select_from(benefit)
    .where(
        *_UNPAID,
        benefit.c.commitment == sa.bindparam("without"),
        benefit.c.due < sa.bindparam("day"),
        benefit.c.payer.in_(sa.bindparam("payers", expanding=True)),
    )
)
_LOST = sa.select(sa.func.max(sa.cast(counted.c.meaning, sa.BigInteger))).where(counted.c.counting == LOST)
_OF_BEFORE = (
    sa.select(sa.literal(1))
    .select_from(benefit.join(commitment, commitment.c.id == benefit.c.commitment))
    .where(*_UNPAID, benefit.c.due < sa.bindparam("day"), commitment.c.sequence < sa.bindparam("records"))
    .limit(1)
)


def overdue_lines(connection: sa.Connection, book: Book, payer: str, day: date, without: str | None = None) -> int | None:
    """
    How many lines of a payer, by its id, are past their due day on a day and not paid in full. Raises SealBroken.

    `without` is the id of a commitment whose lines are left out. None where nobody knows: the key of the log was lost, and lines of before
    are unpaid whose payers nobody can tell.
    """
    lost = connection.execute(_LOST).scalar()
    given = {"day": day.isoformat(), "records": lost}
    if lost is not None and connection.execute(_OF_BEFORE, given).first() is not None:
        return None
    if day == date.min:
        return 0
    payers = hashed_names.accounts(book, connection, payer)
    last = {OVERDUE: (day - timedelta(days=1)).isoformat()}
    found = sealed_sums.until(connection, {(MEANING, each): last for each in payers})
    number = sum(each[OVERDUE] for each in found.values())
    if number and without is not None:
        own = {"without": without, "day": day.isoformat(), "payers": sorted(payers)}
        number -= connection.execute(_OF_COMMITMENT, own).scalar_one()
    return number


def changed(transaction: sa.Connection, before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> None:
    """Count lines that changed, as they were (none where they are new) and as they are. Raises SealBroken."""
    moved: dict[Place, int] = {}
    for rows, sign in ((before, -1), (after, 1)):
        for row in rows:
            if row["payer"] is None or row["due"] is None or row["payer"] == row["account"]:
                continue
            place = (MEANING, row["payer"], row["due"], OVERDUE)
            moved[place] = moved.get(place, 0) + (sign if row["paid"] < row["net"] else 0)

    def of_day(place: Place, held: Numbers) -> Numbers:
        return 0, held[1] + moved[place], held[2] + moved[place], 0

    if moved:
        sealed_sums.change(transaction, moved, of_day)
