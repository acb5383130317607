"""
Days as literals: the day of the law, the dates of facts and documents, and how far each lies from the day (2.9, 3.6).

A date is on a line of its own thresholds. Whether it lies after the day, and whether a length of time since it is over, are literals of
their own, which `finish` ties to the thresholds of both lines.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from engine.analysis.gates import TRUE, Gates
from engine.analysis.number_lines import NumberLine, Threshold
from engine.rules import RegisterEntry
from engine.values import Duration

ONE_DAY = timedelta(days=1)


def threshold(day: date) -> Threshold:
    """The threshold of a day."""
    return (Decimal(day.toordinal()), 0)


class LawDay:
    """The day of the law; it is always known."""

    def __init__(self, gates: Gates) -> None:
        self.gates = gates
        self.line = NumberLine(gates, ("as_of",))

    def from_(self, day: date) -> int:
        """The literal of the days from one on."""
        return TRUE if day == date.min else self.line.from_(threshold(day))

    def after(self, day: date) -> int:
        """The literal of the days after one."""
        return -TRUE if day == date.max else self.from_(day + ONE_DAY)

    def within(self, window: RegisterEntry) -> int:
        """The literal of the days of an entry of a register."""
        begun = TRUE if window.from_ is None else self.from_(window.from_)
        return begun if window.until is None else self.gates.both((begun, -self.after(window.until)))


class DatedFact:
    """
    A date of an exchange: `known`, and if so `later` than the day of the law or not.

    `over` has for a length of time whether the day is that length after the date, or (`late`) beyond it.
    """

    def __init__(self, gates: Gates, name: str, law: LawDay, known: int | None = None) -> None:
        self.gates = gates
        self.name = name
        self.law = law
        self.known = gates.variable((name, "known")) if known is None else known
        self.later = gates.variable((name, "later"), seldom=True)
        self.today = gates.variable((name, "today"), seldom=True)
        self.line = NumberLine(gates, (name, "date"))
        self.over: dict[tuple[Duration, bool], int] = {}

    def from_(self, day: date) -> int:
        """The literal of the date being a day or a later one."""
        return self.line.from_(threshold(day))

    def has_run(self, length: Duration, late: bool) -> int:
        """Whether the day is a whole length of time after the date; with `late`, whether it is beyond that day."""
        key = length, late
        if key not in self.over:
            self.over[key] = self.gates.variable((self.name, "over", length, late))
        return self.over[key]

    def finish(self) -> None:
        """Say how the date, the day and the lengths between them hang together."""
        say, law = self.gates.say, self.law
        say(-self.later, -self.today)
        for over in self.over.values():
            say(-over, -self.later)
        ordered = sorted(self.over, key=lambda each: (each[0].months, each[0].hours, each[1]))
        for shorter, longer in pairwise(ordered):
            comparable = shorter[0].months <= longer[0].months and shorter[0].hours <= longer[0].hours
            # A day beyond the shorter length may lie before the end of the longer one, or not.
            if comparable and shorter[1] <= longer[1]:
                say(-self.over[longer], self.over[shorter])
        for at, here in list(self.line.at.items()):
            day = date.fromordinal(int(at[0]))
            begun = law.from_(day)
            say(-here, begun, self.later)
            say(-self.later, -begun, here)
            say(-self.today, -here, begun)
            say(-self.today, here, -begun)
            for (length, late), over in self.over.items():
                first, last = length.after(day), length.after(day - ONE_DAY)
                if date.min < last and first < date.max:
                    say(-here, -over, law.after(first) if late else law.from_(first))
                    say(here, -(law.after(last) if late else law.from_(last)), over)
        self.line.finish()
