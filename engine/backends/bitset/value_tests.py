"""
How one value answers one test, for the bitset back end.

It is written apart from the other back ends. A value of a value set becomes what it certainly names (itself and all above it) and what
it may name (all below it), and tests become intersections; amounts become intervals. Each answer is computed once for a class of
values and then kept as a mask, so this code can be plain.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from engine.exchange import Exchange
from engine.rules import AS_OF, Atom, Calendar, Due, Earliest, OnDate, OnDay, Period, RegisterEntry, RuleSet, Truth
from engine.values import (
    Amount,
    AmountRange,
    Disputed,
    Document,
    Duration,
    Missing,
    Number,
    Range,
    SetOf,
    Value,
    ValueSet,
    sum_of,
)

NO, UNKNOWN, YES = Truth.NO, Truth.UNKNOWN, Truth.YES
ENDLESS = Decimal("Infinity")
MOST_LISTED = 1_024  # registers on a day of which the words are kept
NOT_NEGATIVE = Range(Decimal(0), None)  # any number of something


class ValuesBelow:
    """What lies below each value of a value set."""

    def __init__(self, values: ValueSet) -> None:
        self.values = values
        self.below: dict[str, set[str]] = {}
        for value, line in values.lineage.items():
            for above in line - {value}:
                self.below.setdefault(above, set()).add(value)

    def may_be(self, value: str) -> frozenset[str]:
        """The narrower values that a sent value may turn out to be."""
        return frozenset() if value in self.values.exact else frozenset(self.below.get(value, ()))


class AtomReader:
    """Reads atoms of one rule set on values."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self._below: dict[int, ValuesBelow] = {}
        self._listed: dict[tuple[str, date], frozenset[str]] = {}
        self._workdays = {name: Workdays(calendar) for name, calendar in rules.calendars.items()}

    def truth(self, atom: Atom, value: Value, day: date) -> Truth:
        """
        How the value of a fact answers a test; a missing value answers UNKNOWN.

        A document's fields are read by `of_document`, because a field that is not shown reads by its place.
        """
        if isinstance(value, Missing):
            return UNKNOWN
        if atom.op in ("within", "older_than"):
            return self._age(atom, value, day)
        match value:
            case SetOf():
                return self._set(atom, value, day)
            case str():
                if atom.op in ("is", "in"):
                    return self._names(atom, value, self._wanted(atom, day))
                return self._rank(atom, value, str(atom.operands[0]))
            case bool():
                return YES if value in atom.operands else NO
        return order(atom.op, *ends(value, self._against(atom, day)))

    def of_document(self, atom: Atom, document: Value, day: date) -> Truth:
        """A test of a document: whether it counts (2.3), or of a field of it (2.2, 2.9)."""
        assert atom.not_shown is not None
        if document is Missing.UNKNOWN or atom.op == "open":
            return UNKNOWN
        if not isinstance(document, Document) or document.state != "shown":
            return atom.not_shown
        fields = document.fields
        if atom.op == "counts":
            dated, expires, covers = (fields.get(name, Missing.UNKNOWN) for name in ("dated", "expires", "covers"))
            if dated is not Missing.UNKNOWN and isinstance(dated, date) and dated > day:
                return NO
            if isinstance(expires, date) and expires < day:
                return NO
            if covers is False:
                return NO
            expiry_told = isinstance(expires, date) or "expires" not in fields
            return YES if isinstance(dated, date) and expiry_told and covers is True else UNKNOWN
        name = atom.fact.rpartition(".")[2]
        value = fields.get(name, Missing.UNKNOWN)
        if isinstance(value, date) and value > day and name != "expires":
            return atom.not_shown  # a date after the day is no evidence
        return self.truth(atom, value, day)

    def against(self, atom: Atom, value: Value, other: Value, day: date) -> Truth:
        """One fact against another of its type (2.10)."""
        if isinstance(value, Missing) or isinstance(other, Missing):
            return UNKNOWN
        if isinstance(value, SetOf) and isinstance(other, str):
            other = SetOf(frozenset({other}))
        if isinstance(value, SetOf) and isinstance(other, SetOf):
            return self._within(atom, value, other) if atom.op == "only" else self._holding(atom, value, other)
        if atom.op == "is":
            return self._same(atom, value, other)
        if isinstance(value, str) and isinstance(other, str):
            return self._rank(atom, value, other)
        return order(atom.op, *ends(value, other))

    # Words

    def _wanted(self, atom: Atom, day: date) -> frozenset[str]:
        if not atom.register:
            return frozenset(str(word) for word in atom.operands)
        listed = self._listed.get((atom.register, day))
        if listed is None:
            if len(self._listed) >= MOST_LISTED:
                self._listed.clear()
            listed = self._listed[atom.register, day] = in_register(self.rules.registers[atom.register], day)
        return listed

    def _kin(self, values: ValueSet | None) -> ValuesBelow | None:
        if values is None:
            return None
        if id(values) not in self._below:
            self._below[id(values)] = ValuesBelow(values)
        return self._below[id(values)]

    def _names(self, atom: Atom, value: str, wanted: frozenset[str]) -> Truth:
        kin = self._kin(atom.type.values)
        if kin is None:
            return YES if value in wanted else NO
        if kin.values.ancestors(value) & wanted:
            return YES
        return UNKNOWN if kin.may_be(value) & wanted else NO

    def _set(self, atom: Atom, value: SetOf, day: date) -> Truth:
        if atom.op == "only":
            wanted = self._wanted(atom, day)
            answers = {self._names(atom, member, wanted) for member in value.members}
            return NO if NO in answers else UNKNOWN if UNKNOWN in answers or value.open else YES
        if atom.op != "has":
            answers = {self._rank(atom, member, str(atom.operands[0])) for member in value.members}
            return YES if YES in answers else UNKNOWN if UNKNOWN in answers or value.open else NO
        wanted = self._wanted(atom, day)
        kin = self._kin(atom.type.values)
        named = _union(kin.values.ancestors(member) for member in value.members) if kin else value.members
        if named & wanted:
            return YES
        may = kin is not None and any(kin.may_be(member) & wanted for member in self._vague(kin, value))
        return UNKNOWN if value.open or may else NO

    def _rank(self, atom: Atom, value: str, limit: str) -> Truth:
        assert atom.type.values
        rank = atom.type.values.rank
        return order(atom.op, rank[value], rank[value], rank[limit], rank[limit])

    def _same(self, atom: Atom, value: Value, other: Value) -> Truth:
        if isinstance(value, str) and isinstance(other, str):
            kin = self._kin(atom.type.values)
            if kin is None:
                return YES if value == other else NO
            # Both may turn out to be narrower values: yes or no only where all of these agree.
            lines = [kin.values.ancestors(each) for each in (value, *kin.may_be(value))]
            others = {other, *kin.may_be(other)}
            return YES if all(line >= others for line in lines) else UNKNOWN if any(line & others for line in lines) else NO
        return YES if value == other else NO

    def _within(self, atom: Atom, value: SetOf, other: SetOf) -> Truth:
        """`only`: whether each member of a set is one of another."""
        reads = YES if not value.open else UNKNOWN
        for member in value.members:
            answers = {self._same(atom, member, each) for each in other.members}
            if YES not in answers:
                if UNKNOWN not in answers and not other.open:
                    return NO
                reads = UNKNOWN
        return reads

    def _holding(self, atom: Atom, value: SetOf, other: SetOf) -> Truth:
        """`has`: whether a set holds some member of another. `has_all`: whether it holds every one."""
        kin = self._kin(atom.type.values)
        certain = _union(kin.values.ancestors(member) for member in value.members) if kin else value.members
        possible = _union(kin.may_be(member) for member in self._vague(kin, value)) if kin else frozenset()
        found, left = 0, 0  # members of the other set that are certainly held, and that may not be
        for member in other.members:
            means = {member} | (kin.may_be(member) if kin else frozenset())
            if means <= certain:
                found += 1
            elif value.open or means & (certain | possible):
                left += 1
        if atom.op == "has_all":
            if found + left < len(other.members):
                return NO
            return UNKNOWN if left or other.open else YES
        if found:
            return YES
        return UNKNOWN if left or (other.open and (value.open or value.members)) else NO

    @staticmethod
    def _vague(kin: ValuesBelow, value: SetOf) -> list[str]:
        """The members that may turn out narrower. One says nothing more where the set also holds a value below it."""
        return [member for member in value.members if not kin.below.get(member, set()) & value.members]

    # Amounts

    def _against(self, atom: Atom, day: date) -> Any:
        return day if atom.operands[0] == AS_OF else atom.operands[0]

    def _age(self, atom: Atom, value: Value, day: date) -> Truth:
        length = atom.operands[0]
        if not isinstance(value, date) or not isinstance(length, Duration):
            return UNKNOWN
        if value > day:
            return NO
        old = self.reached(length, value, day)
        return old if atom.op == "older_than" else ~old

    def reached(self, length: Duration, start: date, day: date) -> Truth:
        """Whether a length of time that began on `start` has run out by `day`: from the anniversary on (2.9)."""
        if length.working_days:
            least, most = self._workdays[length.calendar].between(start, day)
            return YES if least >= length.working_days else UNKNOWN if most >= length.working_days else NO
        whole, rest = divmod(length.hours, 24)
        if rest:
            # Times of day never enter: the time between two days may be up to a day less or more than their difference.
            spare = (day - start).days - whole
            return NO if spare < 0 else UNKNOWN if spare < 2 else YES
        return YES if length.after(start) <= day else NO

    def late(self, due: Due | None, exchange: Exchange, day: date) -> Truth:
        """Whether the last day of a duty has passed (3.6)."""
        match due:
            case None:
                return NO
            case OnDate(day=last):
                return YES if day > last else NO
            case Earliest(parts=parts):
                return max(self.late(part, exchange, day) for part in parts)
        start = day if due.after == AS_OF else exchange.value(due.after)
        if isinstance(start, Disputed):
            return same(self._late_since(due, start.stated, day), self._late_since(due, start.registered, day))
        return self._late_since(due, start, day)

    def _late_since(self, due: Period | OnDay, start: Value, day: date) -> Truth:
        if not isinstance(start, date):
            return UNKNOWN
        if isinstance(due, OnDay):
            return YES if _comes(due, start) < day else NO
        length = due.within
        if length.working_days or length.hours % 24:
            return self.reached(length, start, day)
        return YES if day > length.after(start) else NO


class Workdays:
    """The working days of one calendar as running sums, so that the number between two days is a difference."""

    def __init__(self, calendar: Calendar) -> None:
        self.first = calendar.known_from.toordinal()
        self.sums = [0]
        for ordinal in range(self.first, calendar.known_until.toordinal() + 1):
            day = date.fromordinal(ordinal)
            rest = day.weekday() in calendar.weekend or day in calendar.holidays
            self.sums.append(self.sums[-1] + (not rest or day in calendar.workdays))

    def between(self, start: date, end: date) -> tuple[int, int]:
        """The least and the most working days after `start` and before `end`; any day outside the calendar may be one."""
        low, high = start.toordinal() + 1, end.toordinal()
        inside = max(low, self.first), min(high, self.first + len(self.sums) - 1)
        known = self.sums[inside[1] - self.first] - self.sums[inside[0] - self.first] if inside[0] < inside[1] else 0
        return known, known + max(0, high - low) - max(0, inside[1] - inside[0])


def in_register(entries: Mapping[str, tuple[RegisterEntry, ...]], day: date) -> frozenset[str]:
    """The values a register lists on a day."""
    return frozenset(value for value, windows in entries.items() if any(window.on(day) for window in windows))


def _comes(due: OnDay, start: date) -> date:
    """The first day after `start` that has the month and the number of `due`."""
    year = start.year + ((due.month, due.day) <= (start.month, start.day))
    if year > date.max.year:
        return date.max
    found = date(year, due.month, min(due.day, monthrange(year, due.month)[1]))
    return found if found > start else _comes(due, date(year, 12, 31))


def order(op: str, low: Any, high: Any, least: Any, most: Any) -> Truth:
    """How one interval compares with another: yes or no where all of their values agree (2.8). Incomparable ends are None."""
    if low is None:
        return UNKNOWN
    always, ever = {
        "at_least": (low >= most, high >= least),
        "more_than": (low > most, high > least),
        "at_most": (high <= least, low <= most),
        "less_than": (high < least, low < most),
    }[op]
    return YES if always else UNKNOWN if ever else NO


def total(members: Iterable[Value], how: str) -> Value:
    """The total of a family, from the least to the most (2.7). Amounts have a total only where every member is in one unit."""
    ranges: list[Range] = []
    amounts: list[Amount] = []
    unbounded = False
    for member in members:
        value = member if type(member) is Range else _span(member)
        if isinstance(value, Amount):
            amounts.append(value)
            continue
        ranges.append(value if isinstance(value, Range) else NOT_NEGATIVE)
        unbounded = unbounded or ranges[-1].high is None
    if amounts:
        if ranges or len({each.unit for each in amounts}) > 1:
            return Missing.UNKNOWN
        return sum_of(amounts)
    least = [each.low for each in ranges]
    most = None if unbounded else sum([each.high for each in ranges if each.high is not None])
    return Range(max(least) if how == "distinct" else sum(least), most)  # type: ignore[arg-type]


def _span(value: Value) -> Value:
    """A member of a family: of a disputed number, all from one value to the other; no other disputed value adds up (1.8)."""
    if not isinstance(value, Disputed):
        return value
    one, other = value.stated, value.registered
    if not isinstance(one, Range) or not isinstance(other, Range):
        return Missing.UNKNOWN
    open_ = one.high is None or other.high is None
    return Range(min(one.low, other.low), None if open_ else max(one.high, other.high))  # type: ignore[type-var]


def same(one: Truth, other: Truth) -> Truth:
    """How a test of a disputed fact reads: as under both values, if they give one answer (1.8)."""
    return one if one is other else UNKNOWN


def ends(value: Value, against: Any) -> tuple[Any, Any, Any, Any]:
    """Both sides as intervals; None where they cannot be compared."""
    match value, against:
        case Range(), Range():
            return value.low, _top(value), against.low, _top(against)
        case Range(), Decimal():
            return value.low, _top(value), against, against
        case date(), date():
            return value, value, against, against
        case Amount(), Amount() if value.unit == against.unit:
            return value.amount, value.amount, against.amount, against.amount
        case Amount() | AmountRange(), Amount() | AmountRange() if value.unit == against.unit:
            return *_purse(value), *_purse(against)
        case Duration(), Duration() if not value.working_days and not against.working_days:
            if not value.hours and not against.hours:
                return value.months, value.months, against.months, against.months
            return *value.hours_between(), *against.hours_between()
    return None, None, None, None


def _purse(value: Amount | AmountRange) -> tuple[Decimal, Decimal]:
    """The least and the most that an amount may be."""
    if isinstance(value, Amount):
        return value.amount, value.amount
    return value.low, ENDLESS if value.high is None else value.high


def _top(value: Range) -> Number:
    return ENDLESS if value.high is None else value.high


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)
