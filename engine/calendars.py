"""
Days on a calendar: which are worked, which day of a year comes next, and so the last day of a duty.

Goes from the dates in the rules to dates; no clock and no library is read. The reference back end and the explanations share it,
durable-rules has arithmetic of its own. Source: semantics 2.9, 3.6.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from engine.rules import Calendar, Due, Earliest, OnDate, OnDay


def due_day(due: Due | None, start: Callable[[str], date | None], calendars: Mapping[str, Calendar]) -> date | None:
    """
    The last day of a duty, or None where it is not known.

    `start` gives the day of the date fact, or of `as_of`, that a last day hangs on; None where it is not known.
    """
    match due:
        case None:
            return None
        case OnDate(day=day):
            return day
        case Earliest(parts=parts):
            days = [due_day(part, start, calendars) for part in parts]
            known = [day for day in days if day is not None]
            return min(known) if len(known) == len(days) else None
    begin = start(due.after)
    if begin is None:
        return None
    if isinstance(due, OnDay):
        return first_after(begin, due.month, due.day)
    length = due.within
    if length.working_days:
        return last_working_day(calendars[length.calendar], length.working_days, begin)
    return length.after(begin)


def last_working_day(calendar: Calendar, count: int, start: date) -> date | None:
    """The last of so many working days after `start`; None where it depends on a day that the calendar does not know."""
    day = start
    while count:
        if day >= calendar.known_until:
            return None
        day += timedelta(days=1)
        if day < calendar.known_from:
            return None
        count -= is_worked(calendar, day)
    return day


def is_worked(calendar: Calendar, day: date) -> bool:
    """Whether a day is worked, by a calendar that knows it."""
    return day in calendar.workdays or (day.weekday() not in calendar.weekend and day not in calendar.holidays)


def first_after(start: date, month: int, day: int) -> date:
    """The first such day of a year after `start`; the last day there is where none comes."""
    for year in range(start.year, min(start.year + 2, date.max.year + 1)):
        found = date(year, month, min(day, monthrange(year, month)[1]))
        if found > start:
            return found
    return date.max
