"""
How many decisions of each outcome were recorded on each day, or in a period, in UTC. What a commitment decided again is none of its own.

Counting a day reads the rows of its decisions in the index. The days that are over are therefore counted once in a process and
remembered: no decision is recorded on them any more. Where older records are taken into the index, all is counted again. Of a period, the
part that is over is remembered as a whole.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from threading import Lock

import sqlalchemy as sa

from service.log.outcome_counts import decision_counts
from service.log.search_index import unindexed

_REMEMBERED = 400  # days
_PERIODS = 100
_DAY = timedelta(days=1)

Day = tuple[date, dict[str, int]]


class DailyOutcomes:
    """The counts of the days of one log. Several threads may ask."""

    def __init__(self) -> None:
        self._counted: dict[date, dict[str, int]] = {}
        self._unindexed = 0
        self._lock = Lock()

    def counts(self, connection: sa.Connection, first: date, last: date) -> list[Day]:
        """Each day from the first to the last, with its number of decisions by outcome. Only the last two may still change."""
        left = unindexed(connection)
        with self._lock:
            if left != self._unindexed or len(self._counted) > _REMEMBERED:
                self._counted, self._unindexed = {}, left
            known = self._counted  # of this index: another thread may replace it meanwhile
        found = []
        for day in _days(first, last):
            counts = known.get(day)
            if counts is None:
                begin = datetime.combine(day, time.min, UTC)
                counts = decision_counts(connection, begin, begin + _DAY)
                if day < last - _DAY:  # a decision just before midnight may be recorded just after it
                    known[day] = counts
            found.append((day, counts))
        return found


class PeriodOutcomes:
    """The counts of periods of one log. Several threads may ask."""

    def __init__(self) -> None:
        self._counted: dict[tuple[datetime, datetime, int], Counter[str]] = {}

    def counts(self, connection: sa.Connection, since: datetime, until: datetime, today: date) -> Counter[str]:
        """The number of decisions by outcome from a moment on and before another. What was recorded before yesterday is over."""
        over = min(until, datetime.combine(today - _DAY, time.min, UTC))
        found = Counter(decision_counts(connection, max(since, over), until)) if until > over else Counter[str]()
        if since < over:
            period = since, over, unindexed(connection)
            counted = self._counted.get(period)
            if counted is None:
                counted = Counter(decision_counts(connection, since, over))
                if len(self._counted) >= _PERIODS:
                    self._counted = {}
                self._counted[period] = counted
            found = found + counted
        return found


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + number * _DAY
