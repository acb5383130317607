"""Moments as the rows of every table and the leaves of the log hold them."""

from datetime import UTC, datetime


def now_text() -> str:
    """This moment, as rows hold it."""
    return moment_text(datetime.now(UTC))


def moment_text(moment: datetime) -> str:
    """A moment as rows hold it: UTC, microseconds, `Z`, so that the order of the texts is the order in time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
