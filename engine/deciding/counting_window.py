"""The days that a counter counts, as its author writes them: a length of time, calendar years, or a period that the register has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

from engine.values import Duration, read_duration

_CALENDAR = re.compile(r"calendar year( and the one before)?(?: in (.+))?")
_PERIOD = "period of "


@dataclass(frozen=True, slots=True)
class CountingWindow:
    """
    The days that count. `zone` names the time zone of the days; "" is any time zone.

    `years` is the number of calendar years, the current one included. Where it is 0, `length` is how long a day counts: it counts while
    it is `within` that length (semantics 2.9). The day itself is the first day, and a month that is too short ends on its last day.

    `of` is a kind of entities: the window is then the period that the register has of the entity on the day, which whoever reads the
    counter knows. Here every day counts.
    """

    zone: str
    years: int
    length: Duration
    of: str = ""

    @classmethod
    def read(cls, text: str) -> Self:
        """The window of a checked counter."""
        if match := _CALENDAR.fullmatch(text):
            return cls(match[2] or "", 2 if match[1] else 1, Duration())
        if text.startswith(_PERIOD):
            return cls("", 0, Duration(), text.removeprefix(_PERIOD))
        return cls("", 0, read_duration(text.removeprefix("preceding ")))

    def first(self, day: date) -> date:
        """The first day that counts; `day` is the last one."""
        if self.of:
            return date.min
        if self.years:
            return date(max(day.year - self.years + 1, 1), 1, 1)
        first = self.length.before(day)
        # The day that lies exactly `length` before no longer counts. At the end of a month several days can end together.
        while first <= day and self.length.after(first) <= day:
            first += timedelta(days=1)
        return first

    def last(self, day: date) -> date:
        """The last day on which a day still counts."""
        if self.of:
            return date.max
        if self.years:
            return date(min(day.year + self.years - 1, date.max.year), 12, 31)
        return max(day, self.length.after(day) - timedelta(days=1))
