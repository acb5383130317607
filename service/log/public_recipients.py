"""
Which records have the public as their recipient: the ids of records go in, and those of which it is so come out.

The index of the log has no word for it: no party and no country is stated. So the few records without a recipient on a page are opened.
"""

from collections.abc import Iterable
from contextlib import suppress

import sqlalchemy as sa

import engine
from service.log.leaf import with_personal_values
from service.log.store import of_ids


def public_recipients(connection: sa.Connection, ids: Iterable[str], recipient: str) -> frozenset[str]:
    """Those of some records, at most some hundred; `recipient` is the group of a recipient's facts."""
    found = set()
    for stored in of_ids(connection, list(ids)):
        with suppress(ValueError, LookupError, TypeError, AttributeError):  # bytes that are not a record; `log verify` says so
            request = with_personal_values(stored.entry.leaf, stored.entry.openings)["request"]
            if request.get(recipient) in engine.EVERYONE:
                found.add(stored.entry.id)
    return frozenset(found)
