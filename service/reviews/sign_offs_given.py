"""
The sign-offs that were given in a time, newest first: two moments go in, sign-offs come out.

Sign-offs are numbered in the order in which they are given, and persons give them, so there are few: they are read from the newest back.
"""

from datetime import datetime

import sqlalchemy as sa

from service.reviews.sign_offs import WITH_PERSONS, SignOff, shown
from service.store.moments import moment_text
from service.store.tables import sign_off


def given_between(connection: sa.Connection, since: datetime, until: datetime, most: int) -> list[SignOff]:
    """At most so many sign-offs given from a moment on and before another."""
    within = (sign_off.c.given_at >= moment_text(since), sign_off.c.given_at < moment_text(until))
    rows = connection.execute(WITH_PERSONS.where(*within).order_by(sign_off.c.number.desc()).limit(most)).mappings()
    return [shown(row) for row in rows]
