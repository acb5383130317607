"""
How the value of a fact answers a test: no, perhaps or yes, as a small integer.

An exchange, a test and a day go in; FALSE, MAYBE or TRUE comes out. This code is written apart from the reference's tests on purpose,
because the two are compared on every decision. Source: semantics 2.4 to 2.10.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from engine.exchange import Exchange
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.rules import Atom, Calendar, RuleSet
from engine.values import Amount, AmountRange, Disputed, Duration, Missing, Number, Range, SetOf, Value, sum_of

# How a fact answers a test. Where the answer is MAYBE, "not FALSE" and "not TRUE" are both possible, and neither is certain.
FALSE, MAYBE, TRUE = 0, 1, 2
MOST_LISTED = 1_024  # registers on a day of which the words are kept


class RegisterWords:
    """The words that each register has on a day, and those that a value may name. Many tests of a value want the same."""

    def __init__(self, rules: RuleSet) -> None:
        self._registers = rules.registers
        self._listed: dict[tuple[str, date], frozenset[str]] = {}
        self._kin: dict[int, dict[str, frozenset[str]]] = {}  # by the lineage of a value set, which the rules keep

    def listed(self, register: str, day: date) -> frozenset[str]:
        """The words that a register has on a day."""
        found = self._listed.get((register, day))
        if found is None:
            if len(self._listed) >= MOST_LISTED:
                self._listed.clear()
            entries = self._registers.get(register, {}).items()
            found = frozenset(
                word for word, windows in entries if any((w.from_ or day) <= day <= (w.until or day) for w in windows)
            )
            self._listed[register, day] = found
        return found

    def kin(self, lines: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        """For each value of a value set: itself, and all that lies above it or below it."""
        if id(lines) not in self._kin:
            found = {value: {value, *line} for value, line in lines.items()}
            for value, line in lines.items():
                for above in line:
                    found.setdefault(above, {above}).add(value)
            self._kin[id(lines)] = {value: frozenset(words) for value, words in found.items()}
        return self._kin[id(lines)]


class ValueAnswer:
    """How one fact answers one test: FALSE, MAYBE or TRUE."""

    def __init__(self, rules: RuleSet, atom: Atom, words: RegisterWords) -> None:
        self.atom = atom
        self.words = words
        self.operands = frozenset(str(word) for word in atom.operands)
        self.calendars = rules.calendars
        self.families = rules.families
        values = atom.type.values
        self.lines = values.lineage if values else {}
        self.kin = words.kin(self.lines) if values else {}
        self.exact = values.exact if values else frozenset()
        self.rank = values.rank if values else {}

    def __call__(self, exchange: Exchange, day: date) -> int:
        atom = self.atom
        if atom.other:
            return self._pair(self._told(exchange, atom.fact), self._other(exchange, day))
        value = exchange.value(atom.fact)
        if isinstance(value, Missing):
            return MAYBE
        if atom.op in ("within", "older_than"):
            return self._age(value, day)
        if isinstance(value, Duration):
            return self._duration(value, atom.operands[0])
        if isinstance(value, SetOf):
            return self._set(value, self._wanted(day))
        if isinstance(value, str):
            return self._any(value, self._wanted(day))
        return TRUE if value in atom.operands else FALSE

    def _wanted(self, day: date) -> frozenset[str]:
        return self.words.listed(self.atom.register, day) if self.atom.register else self.operands

    def _any(self, sent: str, wanted: frozenset[str]) -> int:
        """Whether a sent value names one of some words. None but its kin can be named."""
        return max((self._names(sent, word) for word in self.kin.get(sent, frozenset((sent,))) & wanted), default=FALSE)

    def _names(self, sent: str, word: str) -> int:
        """Whether a sent value names the word. The word itself and a value below it do; a value above it may."""
        if sent == word or word in self.lines.get(sent, ()):
            return TRUE
        return MAYBE if sent in self.lines.get(word, ()) and sent not in self.exact else FALSE

    def _set(self, value: SetOf, wanted: frozenset[str]) -> int:
        more = MAYBE if value.open else None
        if self.atom.op == "only":
            inside = (self._any(member, wanted) for member in value.members)
            return min([*inside, MAYBE if value.open else TRUE])
        if self.atom.op != "has":
            return self._any_rank(value)
        named = wanted & self._union(value.members)
        return max([FALSE if more is None else MAYBE, *(self._found(value, word) for word in named)])

    def _union(self, members: Iterable[str]) -> frozenset[str]:
        """All that some values may name."""
        return frozenset().union(*(self.kin.get(member, (member,)) for member in members))

    def _found(self, value: SetOf, word: str) -> int:
        """Whether a member of a set names the word."""
        best = FALSE
        for member in value.members:
            answer = self._names(member, word)
            if answer == MAYBE and any(member in self.lines.get(other, ()) for other in value.members if other != member):
                answer = FALSE  # a value below it was sent too, so it says nothing more
            best = max(best, answer)
        return best

    def _any_rank(self, value: SetOf) -> int:
        limit = self.rank[str(self.atom.operands[0])]
        if any(_holds(self.atom.op, self.rank[member], limit) for member in value.members):
            return TRUE
        return MAYBE if value.open else FALSE

    def _age(self, value: Value, day: date) -> int:
        length = self.atom.operands[0]
        if not isinstance(value, date) or not isinstance(length, Duration):
            return MAYBE
        if value > day:
            return FALSE
        if length.working_days:
            over = days_over(self.calendars[length.calendar], length.working_days, value, day)
            return over if self.atom.op == "older_than" else TRUE - over
        if length.hours % 24:
            # The time between two days may be up to a day less or more than their difference.
            days = (day - value).days
            if (days - 1) * 24 < length.hours < (days + 1) * 24:
                return MAYBE
            return TRUE if ((days - 1) * 24 >= length.hours) is (self.atom.op == "older_than") else FALSE
        ripe = length.after(value) <= day
        return TRUE if ripe is (self.atom.op == "older_than") else FALSE

    # One fact against another

    def _told(self, exchange: Exchange, fact: str) -> Value:
        family = self.families.get(fact)
        return family_total(exchange, *family) if family else exchange.value(fact)

    def _other(self, exchange: Exchange, day: date) -> Value:
        """The value of the other fact; a date in a document that is after the day is unknown."""
        value = self._told(exchange, self.atom.other)
        group, _, field_ = self.atom.other.partition(".")
        if group in DOCUMENT_GROUPS and not field_.endswith(".expires") and isinstance(value, date) and value > day:
            return Missing.UNKNOWN
        return value

    def _pair(self, mine: Value, theirs: Value) -> int:
        """How two values compare. Each may lie between two ends or be any of several words: certain is what holds for every pair."""
        if isinstance(mine, Missing) or isinstance(theirs, Missing):
            return MAYBE
        if isinstance(mine, Duration):
            return self._duration(mine, theirs)
        if isinstance(mine, bool):
            return TRUE if mine is theirs else FALSE
        if isinstance(mine, SetOf):
            return self._sets(mine, theirs if isinstance(theirs, SetOf) else SetOf(frozenset({str(theirs)})))
        if self.atom.op == "is":
            return self._means(str(mine), str(theirs))
        if (ends := self._ends(mine)) and (others := self._ends(theirs)) and ends[2] == others[2]:
            return self._surely(TRUE if _holds(self.atom.op, a, b) else FALSE for a in ends[:2] for b in others[:2])
        return MAYBE

    def _sets(self, mine: SetOf, theirs: SetOf) -> int:
        """How two sets compare. A word that is not known to be among the others may still be, where those are open."""
        if self.atom.op == "only":
            answers = [max((self._means(word, each) for each in theirs.members), default=FALSE) for word in mine.members]
            if theirs.open:
                answers = [max(answer, MAYBE) for answer in answers]
            return min([*answers, MAYBE if mine.open else TRUE])
        answers = [self._surely(self._found(mine, word) for word in self._closer(each)) for each in theirs.members]
        if mine.open:
            answers = [max(answer, MAYBE) for answer in answers]
        if self.atom.op == "has_all":
            return min([*answers, MAYBE if theirs.open else TRUE])
        empty = mine == SetOf(frozenset())
        return max([*answers, MAYBE if theirs.open and not empty else FALSE])

    def _means(self, word: str, other: str) -> int:
        return self._surely(self._names(a, b) for a in self._closer(word) for b in self._closer(other))

    @staticmethod
    def _surely(answers: Iterable[int]) -> int:
        """The answer that holds whatever the words mean."""
        each = set(answers)
        return each.pop() if len(each) == 1 else MAYBE

    def _closer(self, word: str) -> set[str]:
        """The words that a word may mean: itself and, unless it is exact, those below it."""
        below = {value for value, line in self.lines.items() if word in line and word not in self.exact}
        return below | {word}

    def _ends(self, value: Value) -> tuple[Any, Any, str] | None:
        """The least and the most that a value can be, and its unit; None where it has no place in an order."""
        match value:
            case Range(low=low, high=high):
                return low, Decimal("Infinity") if high is None else high, ""
            case Amount(amount=amount, unit=unit):
                return amount, amount, unit
            case AmountRange(low=low, high=high, unit=unit):
                return low, Decimal("Infinity") if high is None else high, unit
            case date():
                return value.toordinal(), value.toordinal(), ""
            case str():
                return self.rank[value], self.rank[value], ""
        return None

    def _duration(self, value: Duration, limit: object) -> int:
        if not isinstance(limit, Duration) or value.working_days or limit.working_days:
            return MAYBE
        if not value.hours and not limit.hours:
            return TRUE if _holds(self.atom.op, value.months, limit.months) else FALSE
        mine, theirs = value.hours_between(), limit.hours_between()
        answers = {_holds(self.atom.op, a, b) for a in mine for b in theirs}
        return MAYBE if len(answers) > 1 else TRUE if answers == {True} else FALSE


def days_over(calendar: Calendar, count: int, start: date, day: date) -> int:
    """
    Whether the last of so many working days after `start` has passed by `day`.

    The last of them is earliest where every day that the calendar does not know is worked, and latest where none is.
    """
    days = _days_worked(calendar)
    begin, known_from = start.toordinal(), calendar.known_from.toordinal()
    next_ = bisect_right(days, begin)
    latest = days[next_ + count - 1] if next_ + count <= len(days) else None
    dark = max(0, known_from - 1 - begin)  # days before the calendar begins
    if count <= dark:
        earliest = begin + count
    elif next_ + count - dark <= len(days):
        earliest = days[next_ + count - dark - 1]
    else:
        earliest = max(begin, calendar.known_until.toordinal()) + count - dark - (len(days) - next_)
    if earliest >= day.toordinal():
        return FALSE
    return TRUE if latest is not None and latest < day.toordinal() else MAYBE


@lru_cache(maxsize=64)
def _days_worked(calendar: Calendar) -> tuple[int, ...]:
    """The working days that a calendar knows, as ordinals of dates, in order."""
    span = range(calendar.known_from.toordinal(), calendar.known_until.toordinal() + 1)
    off = {day.toordinal() for day in calendar.holidays}
    instead = {day.toordinal() for day in calendar.workdays}
    # Day 1 was a Monday.
    return tuple(day for day in span if day in instead or not ((day - 1) % 7 in calendar.weekend or day in off))


def _holds(op: str, a: Any, b: Any) -> bool:
    return bool({"at_least": a >= b, "more_than": a > b, "at_most": a <= b, "less_than": a < b}[op])


def family_total(exchange: Exchange, how: str, members: tuple[str, ...]) -> Value:
    """
    The total of a family's members, from the least to the most. Amounts have a total only where every member is in one unit.

    A disputed member may be any number from one value to the other; disputed amounts have no total.
    """
    if any(isinstance(exchange.values.get(member), Disputed) for member in members):
        exchange = exchange.with_values({member: _hull(exchange.values.get(member)) for member in members})
    amounts = [value for member in members if isinstance(value := exchange.values.get(member), Amount)]
    if amounts:
        mixed = len(amounts) < len(members) or any(each.unit != amounts[0].unit for each in amounts)
        return Missing.UNKNOWN if mixed else sum_of(amounts)
    least: Number = Decimal(0)
    most: Number = Decimal(0)
    closed = True
    for member in members:
        value = exchange.values.get(member)
        low, high = (value.low, value.high) if isinstance(value, Range) else (Decimal(0), None)
        least = max(least, low) if how == "distinct" else least + low
        closed = closed and high is not None
        most += high or 0
    return Range(least, most if closed else None)


def _hull(value: Value | None) -> Value:
    match value:
        case Disputed(stated=Range(low=low, high=high), registered=Range(low=other_low, high=other_high)):
            return Range(min(low, other_low), None if high is None or other_high is None else max(high, other_high))
        case None | Disputed():
            return Missing.UNKNOWN
    return value
