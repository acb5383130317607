"""
The sign-offs that were given in a time, newest first: two moments go in, sign-offs come out.

Sign-offs are numbered in the order in which they are given, and persons give them, so there are few: they are read from the newest back.
"""

from datetime import datetime

import sqlalchemy as sa

from service.reviews.sign_offs import SignOff
from service.store.moments import moment_text
from service.store.tables import sign_off

_SHOWN = ("id", "decision", "provision", "verdict", "reason", "until", "given_at", "given_by")


def given_between(connection: sa.Connection, since: datetime, until: datetime, most: int) -> list[SignOff]:
    """At most so many sign-offs given from a moment on and before another."""
    columns = [sign_off.c[name] for name in _SHOWN]
    within = (sign_off.c.given_at >= moment_text(since), sign_off.c.given_at < moment_text(until))
    rows = connection.execute(sa.select(*columns).where(*within).order_by(sign_off.c.number.desc()).limit(most)).mappings()
    return [SignOff.model_validate({**row, "at": row["given_at"], "by": row["given_by"]}) for row in rows]
