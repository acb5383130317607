"""Places in the log: where a reader wants to begin goes in, the number of a leaf comes out; and when a leaf was written."""

import json
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from service.outbox.log_reader import first_record, log_size
from service.outbox.sink_settings import Start
from service.store.moments import moment_text
from service.store.tables import record, tree_leaf

# The moment of a record is taken before its leaf is numbered, so moments may be out of order by as long as a record waits.
_OUT_OF_ORDER = timedelta(minutes=1)


def place_of(connection: sa.Connection, start: Start) -> int:
    """
    The place at which a reader begins. Of a day: so early that no event of it is missed; some of the minute before may come too.

    A number behind the end of the log is the end.
    """
    size = log_size(connection)
    match start:
        case "now":
            return size
        case "beginning":
            return 0
        case date():
            midnight = datetime(start.year, start.month, start.day, tzinfo=UTC)
            before = datetime.min.replace(tzinfo=UTC)
            return _first_at(connection, size, moment_text(midnight - min(_OUT_OF_ORDER, midnight - before)))
        case int():
            return min(start, size)


def moment_at(connection: sa.Connection, place: int) -> str | None:
    """When the leaf at a place was made, as ISO text in UTC; None where nobody can read it, of which `log verify` says what is wrong."""
    try:
        found = _written_at(connection, place)
        datetime.fromisoformat(found)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return found


def _written_at(connection: sa.Connection, place: int) -> str:
    leaf = connection.execute(
        sa.select(sa.cast(tree_leaf.c.leaf, sa.LargeBinary)).where(tree_leaf.c.index == place)
    ).scalar_one_or_none()
    if leaf is not None and (at := json.loads(leaf).get("at")) is not None:
        return str(at)
    number = first_record(connection, place)
    leaf = connection.execute(sa.select(sa.cast(record.c.leaf, sa.LargeBinary)).where(record.c.sequence == number)).scalar_one()
    return str(json.loads(leaf)["recorded_at"])


def _first_at(connection: sa.Connection, size: int, moment: str) -> int:
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        # A leaf that cannot be read counts as later, so that none is missed before it.
        at = moment_at(connection, middle)
        if at is not None and at < moment:
            low = middle + 1
        else:
            high = middle
    return low
