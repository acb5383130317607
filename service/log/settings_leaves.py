"""
The settings of the service in the log: those that matter go in, and a leaf comes out whenever they changed.

The database keeps the settings of the last leaf. So a start with the same settings adds no leaf, and of several processes that start with
new ones the first adds it. Services that share a database and have different settings add a leaf at each start, and whenever they
load policies.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.log.canonical_json import canonical
from service.log.tree_leaves import LogEvent, append
from service.store import row_seals
from service.store.moments import moment_text

LAST = "settings"  # a row of `about`


def note(transaction: sa.Connection, settings: Mapping[str, Any], now: datetime) -> bool:
    """Append a leaf, in a writing transaction, unless these are the settings of the last one. `settings` holds no secret."""
    told = canonical(dict(settings)).decode()
    if row_seals.noted(transaction, LAST, "settings") == told:
        return False
    append(transaction, LogEvent("settings", moment_text(now), {"settings": dict(settings)}))
    row_seals.note(transaction, LAST, told)
    return True
