"""
Days on a calendar: working days, the next day of a year, and the last day of a duty.

Dates in, dates out; no clock and no library is read. The reference back end, the questions and the explanations use this module;
the durable-rules back end has its own arithmetic. Source: semantics 2.9, 3.6.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from engine.rules import Calendar, Due, Earliest, OnDate, OnDay


def due_day(due: Due | None, start: Callable[[str], date | None], calendars: Mapping[str, Calendar]) -> date | None:
    """
    The last day of a duty, or None if it is not known.

    `start` takes the name of a date fact, or `as_of`, and returns its day, or None if the day is not known.
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
    """The last of `count` working days after `start`; None if it depends on a day that the calendar does not know."""
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
    """Whether a day is a working day. The calendar must know the day."""
    return day in calendar.workdays or (day.weekday() not in calendar.weekend and day not in calendar.holidays)


def first_after(start: date, month: int, day: int) -> date:
    """The first day after `start` with this month and day; `date.max` if there is none."""
    for year in range(start.year, min(start.year + 2, date.max.year + 1)):
        found = date(year, month, min(day, monthrange(year, month)[1]))
        if found > start:
            return found
    return date.max
