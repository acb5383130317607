"""
What authors write for a number, a day or a length of time, to its value.

The same text means the same wherever it stands, in a policy or in an exchange. What cannot be read raises BadValue with one sentence in the
words of the author. Source: semantics 2.8, 2.9.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from decimal import Decimal

from engine.values.amounts import MONEY_TEXT
from engine.values.bad_value import BadValue
from engine.values.fact_values import MONTHS_WITHOUT_END, PERPETUAL, Duration

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_NUMBER = re.compile(r"(\d{1,3}(?:[_,]\d{3})+|\d{1,15})(?: (thousand|million|billion))?", re.ASCII)
DECIMAL = re.compile(r"\d{1,15}(\.\d{1,12})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DURATION = re.compile(r"(\d{1,6}) (hour|day|week|month|year|working day)s?(?: in ([A-Z]{2}))?", re.ASCII)
_DAY_OF_YEAR = re.compile(r"(\d{1,2}) ([A-Z][a-z]+)", re.ASCII)
_SCALE = {None: 1, "thousand": 10**3, "million": 10**6, "billion": 10**9}
# How authors spell a value, for their editors. A text that fits may still be refused, like `2026-02-31` or an unknown calendar.
SPELLINGS = {
    "count": _NUMBER.pattern,
    "ratio": f"{_NUMBER.pattern}|{DECIMAL.pattern}",
    "date": _DATE.pattern,
    "day of the year": _DAY_OF_YEAR.pattern,
    "duration": f"{_DURATION.pattern}|{PERPETUAL}",
    "money": MONEY_TEXT.pattern,
}
_HOURS = {"hour": 1, "day": 24, "week": 168}
_MONTHS = {"month": 1, "year": 12}


def read_number(text: str, whole: bool) -> Decimal:
    """A count (`100 thousand`, `1_000_000`, `12000`) or a ratio (`0.25`)."""
    if match := _NUMBER.fullmatch(text):
        digits = match.group(1).replace("_", "").replace(",", "")
        return Decimal(int(digits) * _SCALE[match.group(2)])
    if not whole and DECIMAL.fullmatch(text):
        return Decimal(text)
    raise BadValue(
        f"`{text[:40]}` is not a {'whole number' if whole else 'number'}",
        "write it like `100 thousand`, `1 million` or `250`",
    )


def read_date(text: str) -> date:
    """A day as ISO 8601, `2024-03-22`."""
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise BadValue(f"`{text[:40]}` is not a date", "write it as year-month-day, like `2024-03-22`") from None


def read_duration(text: str) -> Duration:
    """A length of time: `3 years`, `33 months`, `24 hours`, `10 working days in CN`, or `perpetual`."""
    if text == PERPETUAL:
        return Duration(months=MONTHS_WITHOUT_END)
    match = _DURATION.fullmatch(text)
    if not match or (match.group(2) == "working day") != bool(match.group(3)) or (match.group(3) and not int(match.group(1))):
        raise BadValue(
            f"`{text[:40]}` is not a length of time",
            "write it like `3 years`, `90 days`, `10 working days in CN`, or `perpetual` where it has no end",
        )
    number, unit = int(match.group(1)), match.group(2)
    if unit == "working day":
        return Duration(working_days=number, calendar=match.group(3))
    return Duration(months=number * _MONTHS.get(unit, 0), hours=number * _HOURS.get(unit, 0))


def read_day_of_year(text: str) -> tuple[int, int]:
    """A day that comes every year, `1 March`, as month and day."""
    match = _DAY_OF_YEAR.fullmatch(text)
    month = MONTHS.index(match.group(2)) + 1 if match and match.group(2) in MONTHS else 0
    # 2000 was a leap year, so 29 February is a day.
    if not match or not month or not 1 <= int(match.group(1)) <= monthrange(2000, month)[1]:
        raise BadValue(
            f"`{text[:40]}` is not a day of the year", "write it like `1 March`; a fixed day like `2026-03-01` takes no `after`"
        )
    return month, int(match.group(1))
