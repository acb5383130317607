"""
The answers to a question that the rules can distinguish: one value for each class of a fact's values.

The values are found from the tests of a fact; together they answer every test in every way. `whole` says that no class is left out.
Only then may a list of questions be marked as settling the outcome. A value that was sent and is too wide to answer a test is answered by
the narrower ones (semantics 2.5).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence, Set
from copy import copy
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from itertools import chain, combinations, islice, pairwise, product
from typing import TypeAlias

from engine.bundle import Bundle
from engine.exchange import Exchange
from engine.policy_language.calendars import is_worked
from engine.policy_language.vocabulary import DOCUMENT_FIELDS, stated_in
from engine.questions.applying_tests import ApplyingTests
from engine.rules import Atom, Calendar, Condition, Measure, OnDay, Period, anchors, atoms
from engine.values import (
    AMOUNTS,
    EXACT,
    FIRST_DAY,
    LAST_DAY,
    Amount,
    AmountRange,
    Disputed,
    Document,
    Duration,
    ExactRatio,
    Money,
    Number,
    Range,
    SetOf,
    Type,
    Value,
    ValueSet,
    either,
)

Tested: TypeAlias = Mapping[str, Collection[Atom]] | ApplyingTests  # the tests that distinguish answers, by fact

NO_CURRENCY = "XXX"  # ISO 4217: where no currency is known that a sum could be in
MAX_MEMBERS = 4  # up to this many members of a set, every combination is tried
MAX_SETS = 512  # sets that are tried
AROUND = (-3, -1, 0, 1, 3)  # days around an edge: at month ends a length of time can end a few days earlier or later


@dataclass(frozen=True, slots=True)
class PossibleAnswers:
    values: list[Value]
    whole: bool


class AnswerBook:
    """Answers to questions about one exchange on one day; `tested` are the tests that distinguish the answers."""

    def __init__(self, bundle: Bundle, exchange: Exchange, as_of: date) -> None:
        self.bundle = bundle
        self.exchange = exchange
        self.as_of = as_of
        self.tested: Tested = self._by_fact(atom for condition in self._conditions() for atom in atoms(condition))

    def _by_fact(self, tests: Iterable[Atom]) -> dict[str, list[Atom]]:
        tested: dict[str, list[Atom]] = {}
        for atom in tests:
            for fact in self.facts(atom):
                tested.setdefault(fact, []).append(atom)
        return tested

    def facts(self, atom: Atom) -> tuple[str, ...]:
        """The facts that a test is about: those that it tests or compares with."""
        return (*self._members(atom.fact), *(self._members(atom.other) if atom.other else ()))

    def _members(self, fact: str) -> tuple[str, ...]:
        """The facts to ask for: for a family's total its members, for any other fact itself."""
        return self.bundle.rules.families.get(fact, ("", (fact,)))[1]

    def about(self, exchange: Exchange, as_of: date, tested: Tested | None = None) -> AnswerBook:
        """The same book for another exchange or day, or with only some of the tests; the rules are not read again."""
        book = copy(self)
        book.exchange, book.as_of = exchange, as_of
        if tested is not None:
            book.tested = tested
        return book

    def of(self, fact: str, wide: Collection[str] = ()) -> PossibleAnswers:
        """
        One answer for each class of values of a fact, or of a kind of document, that a sender may state and the rules
        distinguish.

        `wide` are values that were sent for the fact, and are too wide: the answers say which of the narrower ones each of them is.
        """
        tested = self.tested.get(fact, ())
        answers = self._of(fact, tested, wide)
        # A test that compares two facts can distinguish more answers than these, where the other fact is unknown or asked for too.
        return PossibleAnswers(
            answers.values, answers.whole and not any(atom.other for atom in tested) and not self._beside(fact)
        )

    def simple(self, fact: str) -> Iterator[Value]:
        """An answer that may be given without a look at any test: no document, this day, the least number, no more than was sent."""
        type, sent = self.bundle.vocabulary.type_of(fact), self.exchange.value(fact)
        if type is None:
            yield Document("none", {})
        elif type.many:
            members = sent.members if isinstance(sent, SetOf) else frozenset[str]()
            words = type.values.values[:1] if type.values else ()
            each = (SetOf(members), SetOf(members.union(words)))
            stated = self.bundle.vocabulary.facts.get(fact)
            yield from (value for value in each if stated is None or stated.can_be(value))
        elif type.kind == "yes/no":
            yield True
        elif type.kind == "date":
            yield self.as_of
        elif type.kind in ("count", "ratio"):
            yield Range.exact(sent.low if isinstance(sent, Range) else Decimal(0))

    def bound(self, fact: str) -> tuple[Value, ...]:
        """What was sent that limits the answers: of a place its country, of a country the places in it."""
        placed = self.bundle.vocabulary.placed
        return tuple(
            self.exchange.value(each.lies_in if fact == each.name else each.name)
            for each in placed
            if fact in (each.name, each.lies_in)
        )

    def _fitting(self, fact: str, words: Iterable[str]) -> list[str]:
        """Of places those in the country that was sent, of countries that of the place that was sent (semantics 1.6); else all."""
        if not self.bound(fact):
            return list(words)
        astray, sent = self.bundle.vocabulary.astray, self.exchange.value
        return [word for word in words if not astray(lambda name, word=word: word if name == fact else sent(name))]  # type: ignore[misc]

    def _of(self, fact: str, tested: Collection[Atom], wide: Collection[str]) -> PossibleAnswers:
        type = self.bundle.vocabulary.type_of(fact)
        if type is None:
            return self._documents(fact)
        for measure in self.bundle.rules.measures.get(stated_in(fact), ()):
            if fact.endswith(f".{measure.name}"):
                limits = self._limits(measure)
                numbers = type.kind == "count"
                more = self._amounts(fact, type, tested) if tested and numbers else ()
                return PossibleAnswers([*limits.values, *more], limits.whole and (numbers or not tested))
        if type.kind == "yes/no":
            return PossibleAnswers([True, False], whole=True)
        narrower = [self._classes(fact, type.values, each, tested) for each in wide] if type.values else []
        if type.many:
            return self._sets(fact, type, self._words(fact, type, tested), wide, narrower)
        if narrower:
            return PossibleAnswers([*chain(*narrower)], whole=True)
        if type.kind in ("value", "id"):
            words = self._words(fact, type, tested)
            return PossibleAnswers(list(words), whole=not _vague(type, words))
        # Another currency or unit of time can always leave a comparison open; so can a day from which working days are counted.
        return PossibleAnswers(
            list(self._amounts(fact, type, tested)), whole=type.kind not in (*AMOUNTS, "duration") and not self._runs(fact)
        )

    def wide(self, fact: str, atom: Atom) -> tuple[str, ...]:
        """The values sent for a fact that may turn out narrower, where that may change how a test of it reads; in order of their names."""
        type = self.bundle.vocabulary.type_of(fact)
        value = self.exchange.value(fact)
        if type is None or type.values is None or not isinstance(value, str | SetOf):
            return ()
        sent = value.members if isinstance(value, SetOf) else frozenset((value,))
        # A value that may be narrower says nothing more to `has` where a narrower one stands beside it (semantics 2.5).
        said = sent if atom.op != "only" else frozenset()
        return tuple(
            each
            for each in sorted(sent & type.values.narrower.keys())
            if not any(each in type.values.ancestors(other) for other in said - {each})
            and len(self._classes(fact, type.values, each, [atom])) > 1
        )

    def _classes(self, fact: str, values: ValueSet, wide: str, tested: Collection[Atom]) -> list[str]:
        """What a value that is too wide may turn out to be: one value for each class of values that the tests tell apart."""
        words = [word for word in self._cuts(fact, tested) if isinstance(word, str)]
        targets = {each for word in words for each in (word, *values.narrower.get(word, ()))}
        registers = sorted({atom.register for atom in tested if atom.register})
        classes: dict[Hashable, str] = {}
        for value in values.narrower[wide]:
            kin = values.ancestors(value)
            classes.setdefault((kin & targets, *(self._stands(register, kin) for register in registers)), value)
        return list(classes.values())

    def _documents(self, kind: str) -> PossibleAnswers:
        """No document, or one that is shown; each field that is tested takes each of its answers."""
        fields = [name for name in DOCUMENT_FIELDS if f"{kind}.{name}" in self.tested]
        choices: dict[str, list[Value]] = {"dated": [self.as_of], "covers": [True]}
        choices |= {name: self.of(f"{kind}.{name}").values for name in fields}
        must = [each for each in self.bundle.rules.measures.get(kind, ()) if each.must]
        around = {each.name: each.around(each.told(self.exchange.values)) for each in must}
        choices |= {name: [value] for name, value in around.items() if value is not None}
        shown = [Document("shown", dict(zip(choices, values, strict=True))) for values in product(*choices.values())]
        names = [f"{kind}.{name}" for name in DOCUMENT_FIELDS]
        compared = any(atom.other for name in names for atom in self.tested.get(name, ()))
        whole = not compared and None not in around.values() and not any(map(self._runs, names))
        return PossibleAnswers([Document("none", {}), *shown], whole)

    def _limits(self, measure: Measure) -> PossibleAnswers:
        """What a document may state that it covers: enough for the exchange, and too little."""
        told = measure.told(self.exchange.values)
        around = measure.around(told)
        least: list[Value] = [SetOf(frozenset())] if not isinstance(told, Range) else []
        if isinstance(told, Range) and told.low > 0:
            least = [Range.exact(told.low - 1)]
        narrow = measure.values.narrower.keys() if measure.values else ()
        whole = (
            told.low == told.high
            if isinstance(told, Range)
            else isinstance(around, SetOf) and around.members.isdisjoint(narrow)
        )
        return PossibleAnswers([*([] if around is None else [around]), *least], whole)

    def _stated_limits(self, fact: str) -> Iterator[object]:
        """What the documents that are shown state of a fact that must lie within it."""
        for name, value in self.exchange.values.items():
            for document in either(value) if name in self.bundle.rules.measures else ():
                fields = document.fields if isinstance(document, Document) else {}
                for measure in self.bundle.rules.measures[name]:
                    match fields.get(measure.name) if fact in measure.stated else None:
                        case Range(low=low, high=high):
                            yield from (low, high)
                        case SetOf(members=members):
                            yield from members

    def _cuts(self, fact: str, tested: Iterable[Atom]) -> Iterator[object]:
        """The values that a fact is compared with: operands, and the known values of other facts, of sets their members."""
        yield from self._stated_limits(fact)
        for atom in tested:
            yield from atom.operands
            if atom.other:
                for name in self._members(atom.fact if fact in self._members(atom.other) else atom.other):
                    for value in either(self.exchange.value(name)):
                        match value:
                            case Range(low=low, high=high):
                                yield from (low, high)
                            case AmountRange(low=low, high=high, unit=unit):
                                yield from (Amount(each, unit) for each in (low, high) if each is not None)
                            case SetOf(members=members):
                                yield from members
                            case _:
                                yield value

    def _words(self, fact: str, type: Type, tested: Collection[Atom]) -> list[str]:
        """Every word that is tested, one value for each combination of registers that list it, and one that is neither."""
        words = dict.fromkeys(self._fitting(fact, sorted(o for o in self._cuts(fact, tested) if isinstance(o, str))))
        registers = sorted({atom.register for atom in tested if atom.register})
        values = self._fitting(fact, type.values.values) if type.values else []
        if type.values and type.values.rank:
            return values
        standings: dict[tuple[bool, ...], str] = {}
        above = frozenset[str]().union(*(type.values.ancestors(word) for word in words)) if type.values else frozenset()
        for value in values:
            kin = type.values.ancestors(value) if type.values else frozenset((value,))
            related = type.values and (value in above or not kin.isdisjoint(words))
            if value not in words and not related:
                standings.setdefault(tuple(self._stands(register, kin) for register in registers), value)
        return [*words, *standings.values(), *([] if type.values else ["some-other-value"])]

    def _stands(self, register: str, values: frozenset[str]) -> bool:
        entries = self.bundle.rules.registers[register]
        return any(window.on(self.as_of) for value in values for window in entries.get(value, ()))

    def _sets(
        self, fact: str, type: Type, words: list[str], wide: Collection[str], narrower: Sequence[Sequence[str]]
    ) -> PossibleAnswers:
        """
        Every combination of a few words; of many words none, each alone and all. Members that were sent stay in.

        In place of each member that is too wide stand one or more of its narrower ones; then a set that is not open gets no other words.
        """
        value = self.exchange.value(fact)
        sent, open_ = (value.members, value.open) if isinstance(value, SetOf) else (frozenset(), True)
        known = sent.union(*narrower)
        further = [word for word in words if word not in known] if open_ or not wide else []
        few = sum(map(len, (further, *narrower))) <= MAX_MEMBERS
        chosen = [_combinations(further, 0, few), *(_combinations(each, 1, few) for each in narrower)]
        sets = [SetOf((sent - set(wide)).union(*each)) for each in islice(product(*chosen), MAX_SETS)]
        stated = self.bundle.vocabulary.facts[fact]
        return PossibleAnswers([each for each in sets if stated.can_be(each)], whole=few and not _vague(type, further))

    def _amounts(self, fact: str, type: Type, tested: Iterable[Atom]) -> Iterator[Value]:
        cuts = list(self._cuts(fact, tested))
        match type.kind:
            case "date":
                yield from self._days(fact, cuts)
            case "duration":
                lengths = {o for o in cuts if isinstance(o, Duration)}
                yield from lengths
                yield from (Duration(o.months + step, o.hours) for o in lengths for step in (-1, 1) if o.months + step > 0)
                yield from (Duration(hours=1), Duration(months=1200))
            case "money" | "quantity":
                told = self.exchange.value(fact)
                span = told if isinstance(told, AmountRange) else None
                made = Money if type.kind == "money" else Amount
                by_unit: dict[str, set[Decimal]] = {}
                for each in cuts:
                    if isinstance(each, Amount):
                        by_unit.setdefault(each.unit, set()).add(each.amount)
                if not by_unit:
                    # It is compared with amounts that are not known either: with one beside it, the tests may tell answers apart.
                    yield made(Decimal(0), type.units.bases[0] if type.units else NO_CURRENCY)
                for unit in sorted(by_unit):
                    amounts = (point for point in _points(by_unit[unit], Decimal("0.01")) if isinstance(point, Decimal))
                    yield from (made(each, unit) for each in amounts if span is None or _lies_in(each, unit, span))
            case _:
                value = self.exchange.value(fact)
                low, high = (value.low, value.high) if isinstance(value, Range) else (Decimal(0), None)
                edges = {o for o in cuts if isinstance(o, Decimal | ExactRatio)} | {low}
                # A total reaches an edge where this member is the edge less the other members.
                edges |= {edge - others for edge in edges for others in self._others(fact)}
                points = _points(edges, Decimal(1) if type.kind == "count" else Decimal("0.01"))
                yield from (Range.exact(p) for p in points if low <= p and (high is None or p <= high))

    def _others(self, fact: str) -> set[Number]:
        """The lowest and the highest sum of the other members of a fact's family."""
        known = self.bundle.vocabulary.facts.get(fact)
        members = self.bundle.vocabulary.families.get(known.family, ()) if known else ()
        told = [either(self.exchange.value(member)) for member in members if member != fact]
        values = [value for each in told for value in each[:1] if isinstance(value, Range)]
        return {
            sum((value.low for value in values), Decimal(0)),
            sum((value.high or value.low for value in values), Decimal(0)),
        }

    def _beside(self, fact: str) -> bool:
        """Whether another member of a fact's family is disputed: the total can then reach an edge by either of its values."""
        known = self.bundle.vocabulary.facts.get(fact)
        members = self.bundle.vocabulary.families.get(known.family, ()) if known else ()
        return any(isinstance(self.exchange.value(member), Disputed) for member in members if member != fact)

    def _runs(self, fact: str) -> bool:
        """Whether working days are counted from this date."""
        lengths = [o for atom in self.tested.get(fact, ()) for o in atom.operands if isinstance(o, Duration)]
        return any(each.working_days for each in [*lengths, *(d.within for d in self._dues(fact) if isinstance(d, Period))])

    def _dues(self, fact: str) -> Iterator[Period | OnDay]:
        """The last days that are counted from this date."""
        for duty in self.bundle.rules.duties().values():
            yield from (due for due in anchors(duty.due) if due.after == fact)

    def _days(self, fact: str, cuts: Sequence[object]) -> Iterator[date]:
        lengths = [o for o in cuts if isinstance(o, Duration)]
        days = {o for o in cuts if isinstance(o, date)} | {self.as_of}
        for due in self._dues(fact):
            if isinstance(due, Period):
                lengths.append(due.within)
            else:
                # A duty is overdue if it began before the latest of these days; they come once a year.
                years = range(max(1, self.as_of.year - 1), self.as_of.year + 1)
                days |= {date(year, due.month, min(due.day, monthrange(year, due.month)[1])) for year in years}
        for length in lengths:
            if length.working_days:
                days |= self._worked_back(self.bundle.rules.calendars[length.calendar], length.working_days)
            else:
                days.add(length.before(self.as_of))
        around = set()
        for day in days:
            for step in AROUND:
                number = day.toordinal() + step
                if FIRST_DAY.toordinal() <= number <= LAST_DAY.toordinal():
                    around.add(date.fromordinal(number))
        yield from sorted(around)

    def _worked_back(self, calendar: Calendar, count: int) -> set[date]:
        """The day from which `count` working days end just before `as_of`, and the first and last day that the calendar knows."""
        day, left = self.as_of, count
        while left and date.min < calendar.known_from < day:
            day -= timedelta(days=1)
            left -= day <= calendar.known_until and is_worked(calendar, day)
        return {day, calendar.known_from, calendar.known_until}

    def _conditions(self) -> Iterator[Condition]:
        rules = self.bundle.rules
        yield from rules.definitions.values()
        yield from (rule.condition for rule in rules.rules)
        yield from (duty.done_when for duty in rules.duties().values() if duty.done_when is not None)


def _lies_in(amount: Decimal, unit: str, span: AmountRange) -> bool:
    """Whether an amount lies in a range."""
    return unit == span.unit and span.low <= amount and (span.high is None or amount <= span.high)


def _vague(type: Type, words: Iterable[str]) -> bool:
    """Whether a value could be sent that leaves these words open: a broader value that contains one of them and is not exact."""
    values = type.values
    if values is None:
        return False
    above = {value for word in words for value in values.ancestors(word) if value != word}
    return bool(above - values.exact)


def _combinations(words: Sequence[str], least: int, every: bool) -> list[tuple[str, ...]]:
    """Combinations of at least so many words, the smallest first: every one, or else none, each word alone and all of them."""
    sizes = range(least, len(words) + 1) if every else sorted({least, 1, len(words)})
    return [each for size in sizes for each in combinations(words, size)]


def _points(cuts: Set[Number], step: Decimal) -> list[Number]:
    """The cuts, and numbers between them and beyond both ends; none is negative."""
    ordered = sorted(cuts)
    with localcontext(EXACT):
        between = {(a + b) / 2 for a, b in pairwise(ordered)} if step < 1 else set()
        points = {cut + by for cut in ordered for by in (-step, Decimal(0), step)} | between
    return sorted(point for point in points if point >= 0)
