"""
Intern an exchange: facts go in, small integers come out, with the tests on them that stand for each atom.

A caller's text or number never reaches durable-rules. A code does, for what the rules can tell apart: a place among the cuts of an
ordered fact, or how a value, a set, a register or a document answers. One test stands for an atom and one for its negation. The same
two tests show what is certain and what is possible; only the message differs. This code is written apart from the reference's tests on
purpose, because the two are compared on every decision.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias

from engine.backends.durable.network import PropertyTest
from engine.exchange import Exchange
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.rules import AS_OF, Atom, Calendar, RuleSet, Truth
from engine.values import (
    AMOUNTS,
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
    sum_of,
)

# How a fact answers a test. Where the answer is MAYBE, "not FALSE" and "not TRUE" are both possible, and neither is certain.
FALSE, MAYBE, TRUE = 0, 1, 2
HIDDEN, UNTOLD, PRESENTED = 0, 1, 2
MOST_LISTED = 1_024  # registers on a day of which the words are kept
TOP = 30_000  # above every place among cuts
UPWARD = ("at_least", "more_than")

Span: TypeAlias = tuple[int, int]  # the places of the least and the most that a fact can be
Codes: TypeAlias = tuple[int | None, int]  # of a property: a test that holds of the first is certain, of the second possible
Coder: TypeAlias = Callable[[Exchange, date], Codes]
Join: TypeAlias = Callable[[Codes, Codes], Codes]  # of the codes by either value of a disputed fact


@dataclass(slots=True)
class Source:
    """Facts that are read together, and the properties made from them. `dated`: a coder looks at the day too."""

    facts: tuple[str, ...]
    coders: dict[str, Coder] = field(default_factory=dict)
    dated: bool = False

    def codes(self, exchange: Exchange, day: date) -> dict[str, Codes]:
        """The codes of every property. Coders see only what the source names, so nothing else can matter."""
        view = Exchange({}, {fact: exchange.values[fact] for fact in self.facts if fact in exchange.values})
        shown = day if self.dated else date.min
        return {prop: coder(view, shown) for prop, coder in self.coders.items()}


@dataclass(frozen=True, slots=True)
class TestMeaning:
    """What a test asks: whether an atom holds, or is `denied`."""

    atom: Atom
    denied: bool


@dataclass(slots=True)
class Encoder:
    """
    Hands out properties and remembers how each is computed.

    An atom has two tests: one holds where it does, the other where it does not. `sources` turn exchanges into codes.
    """

    rules: RuleSet
    sources: dict[tuple[str, ...], Source] = field(default_factory=dict)
    meaning: dict[PropertyTest, TestMeaning] = field(default_factory=dict)
    _props: dict[tuple[Any, ...], str] = field(default_factory=dict)
    _cuts: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    _words: _Words = field(init=False)

    def __post_init__(self) -> None:
        self._words = _Words(self.rules)

    def learn(self, atoms: Iterable[Atom]) -> None:
        """Collect the cuts of ordered facts before any test is made."""
        for atom in atoms:
            key = _scale(atom)
            if key is not None:
                cuts = self._cuts.setdefault(key, [])
                point = _point(atom)
                if point not in cuts:
                    cuts.append(point)
                    cuts.sort()

    def test(self, atom: Atom, denied: bool = False) -> PropertyTest:
        """The test that holds where the atom does, or where it is denied."""
        graded = _scale(atom) is None
        test = PropertyTest(self._graded(atom), "!=", TRUE if denied else FALSE) if graded else self._ordered(atom)[denied]
        self.meaning.setdefault(test, TestMeaning(atom, denied))
        return test

    def _prop(self, atom: Atom, key: tuple[Any, ...], coder: Coder, join: Join) -> str:
        if key not in self._props:
            self._props[key] = prop = f"f{len(self._props)}"
            facts = self._facts(atom)
            source = self.sources.setdefault(facts, Source(facts))
            single = tuple(
                fact
                for name in (atom.fact, atom.other)
                for fact in self._told_by(atom, name)
                if name not in self.rules.families
            )
            source.coders[prop] = _by_either(single, coder, join)
            source.dated |= _dated(atom)
        return self._props[key]

    def _facts(self, atom: Atom) -> tuple[str, ...]:
        """The facts that an atom reads: for a document's field the whole document, for a total its members, for the day none."""
        return tuple(dict.fromkeys(fact for name in (atom.fact, atom.other) for fact in self._told_by(atom, name)))

    def _told_by(self, atom: Atom, name: str) -> tuple[str, ...]:
        """The facts that an exchange states for one of the facts of an atom."""
        if name in self.rules.families:
            return self.rules.families[name][1]
        if name.partition(".")[0] in DOCUMENT_GROUPS:
            return (name if atom.op in ("counts", "open") else name.rpartition(".")[0],)
        return () if name in ("", AS_OF) else (name,)

    # Ordered facts: places among cuts

    def _ordered(self, atom: Atom) -> tuple[PropertyTest, PropertyTest]:
        """
        The test that holds where the atom does, and the one that holds where it does not.

        A test with a lower limit is certain where the least that the fact can be passes it, and possible where the most does. With an
        upper limit it is the other way round.
        """
        scale = _scale(atom)
        assert scale is not None
        cuts = self._cuts[scale]
        span = self._shown_span(atom, self._span(atom, scale, cuts))
        upward = atom.op in UPWARD
        key = (*scale, atom.not_shown, atom.not_shown is not None and upward)
        up = self._prop(atom, ("up", *key), span, _wider)
        down = self._prop(atom, ("down", *key), lambda x, day: span(x, day)[::-1], _wider_down)
        place = 2 * cuts.index(_point(atom)) + 1
        if upward:
            least = place if atom.op == "at_least" else place + 1
            return PropertyTest(up, ">=", least), PropertyTest(down, "<=", least - 1)
        most = place if atom.op == "at_most" else place - 1
        return PropertyTest(down, "<=", most), PropertyTest(up, ">=", most + 1)

    def _shown_span(self, atom: Atom, inner: Callable[[Exchange, date], Span]) -> Callable[[Exchange, date], Span]:
        """The span of a document's field. One that is not shown reads by its place: no such test holds, or any may."""
        if atom.not_shown is None:
            return inner
        nowhere = (0, 0) if atom.op in UPWARD else (TOP, TOP)

        def span(exchange: Exchange, day: date) -> Span:
            shown = _shown(atom, exchange, day)
            return inner(exchange, day) if shown is None else nowhere if shown == FALSE else (0, TOP)

        return span

    def _span(self, atom: Atom, scale: tuple[str, str], cuts: list[Any]) -> Callable[[Exchange, date], Span]:
        """The places of the least and the most that a fact can be; an unknown fact spans all places."""
        fact, unit = scale
        family = self.rules.families.get(fact)
        rank = atom.type.values.rank if atom.type.values else {}
        relative = unit == AS_OF

        def place(number: Any) -> int:
            at = bisect_left(cuts, number)
            return 2 * at + (1 if at < len(cuts) and cuts[at] == number else 0)

        def span(exchange: Exchange, day: date) -> Span:
            value = day if fact == AS_OF else _total(exchange, *family) if family else exchange.value(fact)
            match value:
                case Range(low=low, high=high) if atom.type.kind not in AMOUNTS:  # a total of no amounts is not known
                    return place(low), TOP if high is None else place(high)
                case Amount(amount=amount, unit=own) if own == unit:
                    return place(amount), place(amount)
                case AmountRange(low=low, high=high, unit=own) if own == unit:
                    return place(low), TOP if high is None else place(high)
                case date():
                    # Against as_of, the place of a date is how many days it lies after as_of.
                    number = value.toordinal() - (day.toordinal() if relative else 0)
                    return place(number), place(number)
                case str():
                    return place(rank[value]), place(rank[value])
            return 0, TOP

        return span

    # Everything else: how the fact answers the test, as a three-valued code

    def _graded(self, atom: Atom) -> str:
        if atom.op == "open":
            return self._prop(atom, (atom.fact, "open"), lambda exchange, day: (None, MAYBE), _either_grade)
        if atom.op == "counts":
            return self._prop(
                atom, (atom.fact, "counts", atom.not_shown), _grade(atom, _document_counts(atom.fact)), _either_grade
            )
        key = (atom.fact, atom.op, atom.operands, atom.register, atom.other, atom.not_shown)
        return self._prop(atom, key, _grade(atom, _Answer(self.rules, atom, self._words)), _either_grade)


def _by_either(facts: tuple[str, ...], coder: Coder, join: Join) -> Coder:
    """A coder to which no disputed fact comes: it codes either value, and the codes are joined. Members of totals are not among `facts`."""

    def codes(exchange: Exchange, day: date) -> Codes:
        for fact in facts:
            value = exchange.values.get(fact)
            if isinstance(value, Disputed):
                told = (codes(exchange.with_values({fact: each}), day) for each in (value.stated, value.registered))
                return join(*told)
        return coder(exchange, day)

    return codes


def _wider(one: Codes, other: Codes) -> Codes:
    """The span over two spans, each from its least place to its most."""
    return min(one[0] or 0, other[0] or 0), max(one[1], other[1])


def _wider_down(one: Codes, other: Codes) -> Codes:
    """The same for spans that are written from the most to the least."""
    return max(one[0] or 0, other[0] or 0), min(one[1], other[1])


def _either_grade(one: Codes, other: Codes) -> Codes:
    return one if one == other else (None, MAYBE)


def _dated(atom: Atom) -> bool:
    """Whether a test reads the day: a register's entries, an age and whether a document is shown depend on it."""
    on_day = AS_OF in (atom.fact, *atom.operands) or atom.op in ("within", "older_than")
    return on_day or bool(atom.register or atom.other) or atom.not_shown is not None


def _grade(atom: Atom, answer: Callable[[Exchange, date], int]) -> Coder:
    """The codes for an answer. MAYBE has no code among those that are certain."""

    def coder(exchange: Exchange, day: date) -> Codes:
        code = _shown(atom, exchange, day)
        if code is None:
            code = answer(exchange, day)
        return None if code == MAYBE else code, code

    return coder


def _shown(atom: Atom, exchange: Exchange, day: date) -> int | None:
    """How a test of a document that is not shown reads, by its place. None where it is shown: then the test itself is made."""
    if atom.not_shown is None:
        return None
    counts = atom.op == "counts"
    state = _state(exchange, atom.fact if counts else atom.fact.rpartition(".")[0])
    place = MAYBE if atom.not_shown is Truth.UNKNOWN else FALSE
    if state != PRESENTED:
        return MAYBE if state == UNTOLD else place
    if not counts and not atom.fact.endswith(".expires"):
        # Only a date on or before the day is evidence; a later one reads as not shown.
        value = exchange.value(atom.fact)
        if isinstance(value, date) and value > day:
            return place
    return None


class _Words:
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


class _Answer:
    """How one fact answers one test: FALSE, MAYBE or TRUE."""

    def __init__(self, rules: RuleSet, atom: Atom, words: _Words) -> None:
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
        return _total(exchange, *family) if family else exchange.value(fact)

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


def _scale(atom: Atom) -> tuple[str, str] | None:
    """The scale that an ordered test cuts: its fact, and for an amount its unit. None where the test is graded instead."""
    if atom.op not in (*UPWARD, "at_most", "less_than") or atom.type.many or atom.other:
        return None
    operand = atom.operands[0]
    if isinstance(operand, Duration) or operand == AS_OF:
        return (atom.fact, AS_OF) if operand == AS_OF else None
    return (atom.fact, operand.unit if isinstance(operand, Amount) else "")


def _point(atom: Atom) -> Any:
    """Where an ordered test cuts its scale."""
    operand = atom.operands[0]
    match operand:
        case date():
            return operand.toordinal()
        case Amount(amount=amount):
            return amount
        case str() if operand == AS_OF:
            return 0
        case str() if atom.type.values:
            return atom.type.values.rank[operand]
    return operand


def _state(exchange: Exchange, kind: str) -> int:
    value = exchange.values.get(kind)
    if value is Missing.UNKNOWN:
        return UNTOLD
    return PRESENTED if isinstance(value, Document) and value.state == "shown" else HIDDEN


def _document_counts(kind: str) -> Callable[[Exchange, date], int]:
    """Whether a document counts: it is dated by the day, has not expired, and covers the exchange (semantics 2.3)."""

    def answer(exchange: Exchange, day: date) -> int:
        return min(
            _field(exchange, kind, "dated", lambda value: value <= day),
            _field(exchange, kind, "expires", lambda value: value >= day, absent=TRUE),
            _field(exchange, kind, "covers", lambda value: value is True),
        )

    return answer


def _field(exchange: Exchange, kind: str, name: str, test: Callable[[Any], bool], absent: int = MAYBE) -> int:
    value = exchange.values.get(kind)
    if not isinstance(value, Document) or name not in value.fields:
        return absent
    inner = value.fields[name]
    if isinstance(inner, Missing):
        return MAYBE
    return TRUE if test(inner) else FALSE


def _total(exchange: Exchange, how: str, members: tuple[str, ...]) -> Value:
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
