"""
The values that a fact may have, frozen, so that an operand of a rule and the fact of a caller can be compared.

In: what the types read (`typed_values`). Out: the values, as the JSON of an exchange and in words. Source: semantics 1.2, 1.8, 2.4, 2.9.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias

from engine.values.amounts import Amount, AmountRange
from engine.values.exact_ratio import ExactRatio, Number

PERPETUAL = "perpetual"  # the length of time without an end
MONTHS_WITHOUT_END = 12 * 1_000_000  # longer than any length that can be written


class Missing(Enum):
    """Why a fact has no value: the sender left it out, or said that it is not known."""

    LEFT_OUT = "left out"
    UNKNOWN = "unknown"

    __hash__ = object.__hash__  # as good as that of an enumeration, which is a function of Python and slow


@dataclass(frozen=True, slots=True)
class Range:
    """A number known to lie in [low, high], both ends inclusive; without an upper end, `high` is None."""

    low: Number
    high: Number | None

    @classmethod
    def exact(cls, number: Number | int) -> Range:
        same = number if isinstance(number, ExactRatio) else Decimal(number)
        return cls(same, same)


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time. Months and hours are kept apart, since a month has no fixed number of days."""

    months: int = 0
    hours: int = 0
    working_days: int = 0
    calendar: str = ""

    @property
    def perpetual(self) -> bool:
        """Whether it has no end."""
        return self.months >= MONTHS_WITHOUT_END

    def __str__(self) -> str:
        if self.perpetual:
            return PERPETUAL
        if self.working_days:
            return f"{self.working_days} working day{'s' if self.working_days != 1 else ''} in {self.calendar}"
        for number, unit in (
            (self.months / 12, "year"),
            (self.months, "month"),
            (self.hours / 24, "day"),
            (self.hours, "hour"),
        ):
            if number and number == int(number):
                return f"{int(number)} {unit}{'s' if number != 1 else ''}"
        return "0 days"

    def hours_between(self) -> tuple[int, int]:
        """The least and the most hours it can be: a month has 28 to 31 days, twelve months have 365 or 366."""
        years, months = divmod(self.months, 12)
        return (years * 365 + months * 28) * 24 + self.hours, (years * 366 + months * 31) * 24 + self.hours

    def after(self, day: date) -> date:
        """The day that is this length after `day`. If the month is too short, it is the month's last day (semantics 2.9)."""
        total = day.year * 12 + day.month - 1 + self.months
        year, month = divmod(total, 12)
        try:
            last = monthrange(year, month + 1)[1]
            return date(year, month + 1, min(day.day, last)) + timedelta(days=self.hours // 24)
        except (ValueError, OverflowError):
            return date.max if total > day.year * 12 or self.hours > 0 else date.min

    def before(self, day: date) -> date:
        """The day that is this length before `day`."""
        return Duration(months=-self.months, hours=-self.hours).after(day)


@dataclass(frozen=True, slots=True)
class SetOf:
    """The members that are known; `open` is true if the sender said that there may be others (semantics 2.4)."""

    members: frozenset[str]
    open: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """
    One document of a kind, as presented.

    `state` is "shown", "none" (there is none) or "unknown". `fields` maps a field's name to its value. A missing field
    is unknown, except `expires`: without it, the document does not expire (semantics 2.3).
    """

    state: str
    fields: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Disputed:
    """A fact of which the register says another value than the sender states: it is open between both (semantics 1.8)."""

    stated: Value
    registered: Value


Value: TypeAlias = bool | str | Range | Amount | AmountRange | Duration | date | SetOf | Document | Disputed | Missing
Operand: TypeAlias = bool | str | Decimal | Amount | Duration | date


def either(value: Value) -> tuple[Value, ...]:
    """The values that a fact may have by what is stated and by what is registered: one, or two where they differ."""
    return (value.stated, value.registered) if isinstance(value, Disputed) else (value,)


def to_json(value: Value) -> Any:
    """A value as it is written in an exchange; a value that is left out becomes None, a disputed one both of its values."""
    match value:
        case Disputed(stated=stated, registered=registered):
            return {"stated": to_json(stated), "registered": to_json(registered)}
        case Range(low=ExactRatio() as low, high=high) if low == high:
            return str(low)
        case Range(low=Decimal() as low, high=high) if low == high:
            return int(low) if low == low.to_integral_value() and "." not in str(low) else str(low)
        case Range(low=low, high=high):
            return {"at_least": int(low)} | ({"at_most": int(high)} if high is not None else {})
        case AmountRange(ends=(least, most)):
            return {"at_least": least} | ({"at_most": most} if most is not None else {})
        case SetOf(members=members, open=open_):
            return sorted(members) + (["unknown"] if open_ else [])
        case Document(state=state, fields=fields):
            return {name: to_json(inner) for name, inner in fields.items()} if state == "shown" else state
        case bool() | str():
            return value
        case date():
            return value.isoformat()
        case Missing():
            return "unknown" if value is Missing.UNKNOWN else None
    return spell(value)


def spell(value: Value | Decimal) -> str:
    """A value in words, for sentences."""
    match value:
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return f"{value:,}"
        case Range(low=low, high=high) if low == high:
            return f"{low:,}"
        case Range(low=low, high=high):
            return f"{low:,} or more" if high is None else f"{low:,} to {high:,}"
        case SetOf(members=members, open=open_):
            return ", ".join(sorted(members) + (["perhaps others"] if open_ else [])) or "none"
        case Document(state=state):
            return state
        case Missing():
            return "not known"
    return str(value)
