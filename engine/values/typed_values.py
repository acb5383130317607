"""
The types of facts, and the values they take.

A type reads two spellings: the text of a YAML file (`read`) and the JSON of an exchange (`accept`). Both give the same frozen
values, so that a rule's operand and a caller's fact can be compared. Both raise BadValue with one sentence in the author's
words. Source: semantics 1.2, 1.9, 2.4, 2.8, 2.9.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias

from engine.values.amounts import MONEY_TEXT, Amount, AmountRange, Units, accept_amount, read_money
from engine.values.bad_value import BadValue
from engine.values.exact_ratio import FRACTION, ExactRatio, Number, exact_ratio
from engine.values.id_spellings import Spellings, id_form
from engine.values.multilingual import NO_WORDS, Words

MAX_COUNT = 2**53 - 1  # RFC 8785: larger integers have no canonical JSON
MAX_TEXT = 256
MAX_MEMBERS = 512
PERPETUAL = "perpetual"  # the length of time without an end
MONTHS_WITHOUT_END = 12 * 1_000_000  # longer than any length that can be written
# The days that an exchange may name. Who writes a day beyond them means "always", "for ever" or nothing.
FIRST_DAY, LAST_DAY = date(1800, 1, 1), date(2999, 12, 31)
MOST_LISTED = 12  # values of a set, in a sentence
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_NUMBER = re.compile(r"(\d{1,3}(?:[_,]\d{3})+|\d{1,15})(?: (thousand|million|billion))?", re.ASCII)
_DECIMAL = re.compile(r"\d{1,15}(\.\d{1,12})?", re.ASCII)
_FRACTION = re.compile(FRACTION, re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DURATION = re.compile(r"(\d{1,6}) (hour|day|week|month|year|working day)s?(?: in ([A-Z]{2}))?", re.ASCII)
_DAY_OF_YEAR = re.compile(r"(\d{1,2}) ([A-Z][a-z]+)", re.ASCII)
_SCALE = {None: 1, "thousand": 10**3, "million": 10**6, "billion": 10**9}
# How authors spell a value, for their editors. A text that fits may still be refused, like `2026-02-31` or an unknown calendar.
SPELLINGS = {
    "count": _NUMBER.pattern,
    "ratio": f"{_NUMBER.pattern}|{_DECIMAL.pattern}",
    "date": _DATE.pattern,
    "day of the year": _DAY_OF_YEAR.pattern,
    "duration": f"{_DURATION.pattern}|{PERPETUAL}",
    "money": MONEY_TEXT.pattern,
}
_HOURS = {"hour": 1, "day": 24, "week": 168}
_MONTHS = {"month": 1, "year": 12}


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


class ValueSet:
    """
    The values a fact may take: flat, ordered or a hierarchy; always closed.

    In a hierarchy a value that is sent may turn out to be one of those below it (semantics 2.5), unless it is one of `exact`. Below each
    other value that has values below it lies one of `rest`, which is none of the others there; so everything can be said. `narrower`
    maps such a value to all that it may turn out to be, said as closely as the values allow.

    A set of places lies `inside` the set of the countries. `country` has the country of each place; a value without one says "in none of
    these places". In the countries that are `complete`, every spot lies in one of the places.

    `turns_out` has of each value all that it may turn out to be, itself included.
    """

    def __init__(
        self,
        name: str,
        parents: Mapping[str, tuple[str, ...]],
        ordered: bool = False,
        exact: frozenset[str] = frozenset(),
        rest: frozenset[str] = frozenset(),
        titles: Mapping[str, Words] | None = None,
        title: str = "",
        also: Mapping[str, Sequence[str]] | None = None,
        inside: str = "",
        country: Mapping[str, str] | None = None,
        complete: frozenset[str] = frozenset(),
        nothing: str = "",
        everything: str = "",
        since: Mapping[str, int] | None = None,
        dpv: Mapping[str, str] | None = None,
        dpv_broader: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.title = title
        self.values = tuple(parents)
        self.exact = exact
        self.rest = rest
        self.nothing = nothing  # the value that says that no other applies; it stands alone in a set
        self.everything = everything  # the value that says that all others apply; it stands alone in a set
        self.since = dict(since or {})  # the shape of exchanges that first knows a value, where it is not the first shape
        self.dpv = dict(dpv or {})  # the term of the Data Privacy Vocabulary that means the same as a value
        self.dpv_broader = dict(dpv_broader or {})  # the one that means more, where none means the same
        self.titles = dict(titles or {})
        self.also = dict(also or {})
        self.inside = inside
        self.country = dict(country or {})
        self.complete = complete
        self.rank = {value: rank for rank, value in enumerate(parents)} if ordered else {}
        self.lineage = {value: _lineage(value, parents) for value in parents}
        below: dict[str, list[str]] = {}
        for value, line in self.lineage.items():
            for above in line - {value}:
                below.setdefault(above, []).append(value)
        self.turns_out = {value: (value,) if value in exact else (value, *below.get(value, ())) for value in parents}
        self.narrower = {
            value: tuple(each for each in found if each in exact or each not in below)
            for value, found in below.items()
            if value not in exact
        }
        self._spellings = Spellings(
            {value: (*filter(None, astuple(self.titles.get(value, NO_WORDS))), *self.also.get(value, ())) for value in parents}
        )

    def __repr__(self) -> str:
        return f"ValueSet({self.name})"

    def ancestors(self, value: str) -> frozenset[str]:
        """The value itself and all values that it lies under."""
        return self.lineage.get(value, frozenset((value,)))

    def may_lie(self, place: str, country: str) -> bool:
        """Whether a value of a set of places can be said of somebody in a country."""
        return self.country[place] == country if place in self.country else country not in self.complete

    def of_country(self, country: str) -> tuple[str, ...]:
        """What can be said of somebody in a country; nothing where none of the places lies there."""
        return tuple(v for v in self.values if self.may_lie(v, country)) if country in self.country.values() else ()

    def accept(self, word: str) -> str:
        if word in self.lineage:
            return word
        near = self.did_you_mean(word)
        known = ", ".join(f"`{value}`" for value in self.values[:MOST_LISTED])
        if len(self.values) > MOST_LISTED:
            known = f"the {len(self.values)} values of `{self.name}`"
        raise BadValue(f"`{word[:40]}` is not one of {known}", near)

    def spelt(self, word: str) -> tuple[str, ...]:
        """The values that are spelt so."""
        return self._spellings.exact(word)

    def nearest(self, word: str) -> tuple[str, ...]:
        """At most three values that a text may mean (semantics 1.6)."""
        return self._spellings.nearest(word)

    def did_you_mean(self, word: str) -> str:
        """A suggestion for a text that is no value, in any spelling (semantics 1.6); empty if nothing is near."""
        near = [self.told(value) for value in self.nearest(word)]
        return f"did you mean {' or '.join(near)}?" if near else ""

    def told(self, value: str) -> str:
        """A value for a sentence: its code, and its title if it has one."""
        return f"`{value}`" + (f" ({self.titles[value].en})" if value in self.titles else "")


def _lineage(value: str, parents: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    seen: set[str] = set()
    todo = [value]
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo += parents.get(node, ())
    return frozenset(seen)


@dataclass(frozen=True, slots=True)
class Type:
    """
    The type of a fact.

    `kind` is one of yes/no, value (of `values`; countries are a value set too), count, ratio, money, quantity (in `units`), date, duration,
    id; `many` makes it a set of such values. `name` is how an author writes it.
    """

    kind: str
    many: bool = False
    values: ValueSet | None = None
    units: Units | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        base = (
            self.values.name
            if self.values
            else f"{self.kind} in {self.units.name}"
            if self.units and self.units.name
            else self.kind
        )
        return f"set of {base}" if self.many else base

    @property
    def one(self) -> Type:
        """The type of one member of a set; of one value the type itself."""
        return Type(self.kind, False, self.values, self.units) if self.many else self

    def like(self, other: Type) -> bool:
        """Whether values of both compare, one by one: they are of one kind and one set, and of quantities some are in one base unit."""
        apart = self.units and other.units and set(self.units.bases).isdisjoint(other.units.bases)
        return (self.kind, self.values) == (other.kind, other.values) and not apart

    def includes(self, other: Type) -> bool:
        """Whether each value of the other is a value of this one too, as countries are of territories."""
        return self.values is not None and other.values is not None and set(other.values.values) <= set(self.values.values)

    @property
    def ordered(self) -> bool:
        """Whether the operators of order, such as `at_least`, fit it."""
        return self.kind in ("count", "ratio", "money", "quantity", "duration") or bool(self.values and self.values.rank)

    def read(self, text: str) -> Operand:
        """One value from the text of a YAML file."""
        match self.kind:
            case "yes/no":
                if text in ("yes", "true", "no", "false"):
                    return text in ("yes", "true")
                raise BadValue(f"`{text[:40]}` is neither `yes` nor `no`")
            case "value":
                assert self.values
                return self.values.accept(text)
            case "count" | "ratio":
                return read_number(text, whole=self.kind == "count")
            case "money":
                return read_money(text)
            case "quantity":
                assert self.units
                return self.units.read(text)
            case "date":
                return read_date(text)
            case "duration":
                return read_duration(text)
        return _id(text)

    def accept(self, json: Any) -> Value:
        """One fact from the JSON of an exchange. `null` is refused; a fact that is left out is never passed here."""
        if json is None:
            raise BadValue("`null` is not a value", 'leave the fact out, or send "unknown"')
        if json == "unknown":
            return Missing.UNKNOWN
        if self.many:
            return self._accept_set(json)
        match self.kind:
            case "yes/no":
                if json is True or json is False:
                    return bool(json)
                raise BadValue("must be true or false")
            case "count":
                return _accept_count(json)
            case "ratio":
                if isinstance(json, str) and _DECIMAL.fullmatch(json):
                    return Range.exact(Decimal(json))
                if isinstance(json, str) and _FRACTION.fullmatch(json):
                    return Range.exact(exact_ratio(json))
                raise BadValue('must be a decimal in a string, like "0.25", or a fraction, like "1/3"')
            case "money":
                return accept_amount(json, read_money, "20000000 USD")
            case "quantity":
                assert self.units
                return accept_amount(json, self.units.read, "120 kWh")
        if not isinstance(json, str):
            raise BadValue(f"must be text ({self.kind})")
        value = self.read(json)
        _within_reason(value)
        return Range.exact(value) if isinstance(value, Decimal) else value

    def _accept_set(self, json: Any) -> SetOf:
        if not isinstance(json, list):
            raise BadValue(f"must be a list ({self.name})", "write [] for none")
        if len(json) > MAX_MEMBERS:
            raise BadValue(f"has more than {MAX_MEMBERS} members")
        if not json:
            return SetOf(frozenset())
        members = set()
        for member in json:
            if not isinstance(member, str):
                raise BadValue("every member must be text")
            if member != "unknown":
                members.add(str(self.read(member)))
        nothing = self.values.nothing if self.values else ""
        if nothing in members and len(members) > 1:
            raise BadValue(f"`{nothing}` says that nothing else applies", "leave it out, or send it alone")
        everything = self.values.everything if self.values else ""
        if everything in members and len(members) > 1:
            raise BadValue(f"`{everything}` includes all others", "send it alone, or leave it out")
        return SetOf(frozenset(members), open="unknown" in json)


def read_number(text: str, whole: bool) -> Decimal:
    """A count (`100 thousand`, `1_000_000`, `12000`) or a ratio (`0.25`)."""
    if match := _NUMBER.fullmatch(text):
        digits = match.group(1).replace("_", "").replace(",", "")
        return Decimal(int(digits) * _SCALE[match.group(2)])
    if not whole and _DECIMAL.fullmatch(text):
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


def _within_reason(value: Operand) -> None:
    """Refuse what no exchange can state: no time at all, a day in the year 1 or 9999."""
    match value:
        case Duration() if value == Duration(calendar=value.calendar):
            raise BadValue("no time at all is no length of time", "the shortest is `1 hour`")
        case date() if not FIRST_DAY <= value <= LAST_DAY:
            help = "leave it out where there is no such day, as for what does not expire"
            raise BadValue(f"`{value}` does not lie between {FIRST_DAY} and {LAST_DAY}", help)


def _id(text: str) -> str:
    """An id in the form in which it is compared (semantics 1.9)."""
    if "\x00" in text:  # no database has it in a text, and no id has it by mistake
        raise BadValue("must not have the character U+0000")
    form = id_form(text) if len(text) <= MAX_TEXT else text
    if not 0 < len(form) <= MAX_TEXT:
        raise BadValue(f"must have 1 to {MAX_TEXT} characters that can be seen")
    if form == "unknown":
        raise BadValue("`unknown` is no id", 'leave the fact out, or send "unknown"')
    return form


def _accept_count(json: Any) -> Range:
    def whole(number: Any) -> Decimal:
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= MAX_COUNT:
            raise BadValue('must be a whole number from 0, or {"at_least": a, "at_most": b}')
        return Decimal(number)

    if not isinstance(json, dict):
        return Range.exact(whole(json))
    if not json or set(json) - {"at_least", "at_most"}:
        raise BadValue('a range is {"at_least": a, "at_most": b}, with one or both of them')
    low = whole(json.get("at_least", 0))
    high = whole(json["at_most"]) if "at_most" in json else None
    if high is not None and high < low:
        raise BadValue("`at_most` is below `at_least`")
    return Range(low, high)


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
