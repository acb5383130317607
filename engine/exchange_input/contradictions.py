"""
What an exchange states that cannot be true together, and the places where it says so.

The entries of the vocabulary are read as the reference reads any condition. An entry contradicts an exchange only where it is certainly
true: what is left out or unknown contradicts nothing. Source: semantics 1.5.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import chain, combinations, islice, product
from typing import TypeAlias

from engine.backends.reference.three_values import KnownFacts, names_any, order, truth
from engine.exchange import Contradiction, Exchange
from engine.languages import Language, in_each
from engine.policy_language.coherence import Never
from engine.policy_language.diagnostic import Findings
from engine.policy_language.vocabulary import Fact, Vocabulary, stated_in
from engine.rules import All, AnyOf, Atom, Condition, Not, RuleSet, Truth, atoms, tests
from engine.values import Amount, Document, Duration, Missing, Range, SetOf, Type, Value, ValueSet
from engine.values.multilingual import Words

NO_DAY = date.max  # no test of an entry reads the day, and on the last day every date of a document is read as it was sent
MOST_CHOICES = 13  # places that a sentence names
MOST_WORDS = 6  # of a set, every combination of which is tried
MOST_TRIED = 20_000  # combinations of answers; beyond, an entry is taken to be sound


# What one fact must be where a condition is certain: the fact, and whether a value can be it.
Gate: TypeAlias = tuple[str, Callable[[Value], bool]]


@dataclass(frozen=True, slots=True)
class _Gates:
    """What must be so where a condition is certain: every one of `each` passes, and of each of `choices` at least one."""

    each: tuple[Gate, ...]
    choices: tuple[tuple[_Gates, ...], ...] = ()

    def passed(self, values: Mapping[str, Value]) -> bool:
        for fact, passes in self.each:
            value = values.get(fact)
            if value is None or not passes(value):
                return False
        return all(any(gates.passed(values) for gates in choice) for choice in self.choices)


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry, the facts that it reads, and gates that rule it out at once, so that most entries of most exchanges are never read."""

    never: Never
    gates: _Gates
    facts: frozenset[str]


class Coherence:
    """The entries of one vocabulary, ready to be looked up. Safe for several threads."""

    def __init__(self, never: Iterable[Never], vocabulary: Vocabulary, rules: RuleSet) -> None:
        self.never = tuple(never)
        self._vocabulary = vocabulary
        self._rules = rules
        self._expires = in_each(lambda language: language.expires_before_dated())
        read = {never: frozenset(self._read(never)) for never in self.never}
        self.mentioned = frozenset(chain.from_iterable(read.values()))
        self._entries = tuple(
            _Entry(never, self._gates(never.condition), self._resting_on(facts)) for never, facts in read.items()
        )

    def _read(self, never: Never) -> Iterator[str]:
        """The facts that an entry reads."""
        for condition in (never.condition, never.unless):
            for atom in tests(condition, self._rules.definitions) if condition is not None else ():
                for name in (atom.fact, atom.other):
                    yield from self._rules.families.get(name, ("", (name,)))[1]

    def _resting_on(self, facts: Collection[str]) -> frozenset[str]:
        """Where some facts are stated; of documents, also what has to lie within them (2.3)."""
        stated = set(map(stated_in, facts))
        return frozenset(stated.union(*(measure.stated for name in stated for measure in self._rules.measures.get(name, ()))))

    def fits(self, exchange: Exchange, answers: Mapping[str, Value]) -> bool:
        """
        Whether answers to questions can be true together with an exchange that does not contradict itself; facts may still come.

        Only entries that rest on what changes with the answers can refuse them.
        """
        answered = exchange.with_values(answers)
        before, after = exchange.values, answered.values
        changed = [name for name in {**before, **after} if before.get(name) is not after.get(name)]
        return not self.contradictions(answered, whole=False, changed=changed)

    def contradictions(
        self, exchange: Exchange, whole: bool = True, changed: Collection[str] | None = None
    ) -> list[Contradiction]:
        """
        What cannot be true together.

        `whole` says that the exchange is all that is stated. Otherwise facts may still come, also those that an entry wants to be said.
        `changed` are the facts by which it differs from one in which nothing contradicts another; None, where there is no such one.
        """
        known = KnownFacts(self._rules, exchange, NO_DAY)
        found = [
            Contradiction(entry.never.says, tuple(dict.fromkeys(self._facts(entry.never.condition, Truth.YES, known))))
            for entry in self._entries
            if (changed is None or not entry.facts.isdisjoint(changed))
            and entry.gates.passed(exchange.values)
            and self._refuses(entry.never, known, whole)
        ]
        return found + self.misplaced(exchange)

    def misplaced(self, exchange: Exchange) -> list[Contradiction]:
        """What no entry says: places that lie elsewhere, and documents that expire before they are dated."""
        found = [self._elsewhere(fact, exchange) for fact in self._vocabulary.astray(exchange.value)]
        for name, value in exchange.values.items():
            if value.__class__ is Document:
                assert isinstance(value, Document)
                dated, expires = value.fields.get("dated"), value.fields.get("expires")
                if isinstance(dated, date) and isinstance(expires, date) and expires < dated:
                    found.append(Contradiction(self._expires, (f"{name}.dated", f"{name}.expires")))
        return found

    def _elsewhere(self, fact: Fact, exchange: Exchange) -> Contradiction:
        """A place does not lie in the country that is stated for it (semantics 1.6)."""
        places, countries = fact.type.values, self._vocabulary.facts[fact.lies_in].type.values
        assert places and countries
        place, stated = str(exchange.values[fact.name]), str(exchange.values[fact.lies_in])
        there = places.of_country(stated)
        choices = [f"`{value}`" for value in there[:MOST_CHOICES]] + (["…"] if len(there) > MOST_CHOICES else [])

        def told(values: ValueSet, value: str, language: Language) -> str:
            return values.titles.get(value, Words(value)).in_(language.code)

        def say(language: Language) -> str:
            lies = places.country.get(place)
            country = told(countries, lies, language) if lies else ""
            return language.lies_elsewhere(
                place, told(places, place, language), country, told(countries, stated, language), choices
            )

        return Contradiction(in_each(say), (fact.name, fact.lies_in))

    def _refuses(self, never: Never, known: KnownFacts, whole: bool) -> bool:
        if truth(never.condition, known.test, {}) is not Truth.YES:
            return False
        excused = Truth.NO if never.unless is None else truth(never.unless, known.test, {})
        return excused is Truth.NO or (excused is Truth.UNKNOWN and whole)

    def _gates(self, condition: Condition, yes: bool = True) -> _Gates:
        """The gates of a condition that is to be certain (`yes`), or certainly false: every fact that it needs is stated."""
        match condition:
            case Atom(fact=fact, other=other):
                stated = [self._stated(each) for each in (fact, other) if each]
                passes = _passes(condition, Truth.YES if yes else Truth.NO) if stated == [(fact,)] else _any
                alone = tuple((names[0], passes) for names in stated if len(names) == 1)
                several = (tuple(_Gates(((each, _any),)) for each in names) for names in stated if len(names) > 1)
                return _Gates(alone, tuple(several))
            case Not(part=part):
                return self._gates(part, not yes)
            case All(parts=parts) | AnyOf(parts=parts):
                found = tuple(self._gates(part, yes) for part in parts)
                if isinstance(condition, All) is yes:
                    return _Gates(tuple(chain(*(each.each for each in found))), tuple(chain(*(each.choices for each in found))))
                return _Gates((), (found,))  # one part is enough
        return _Gates(())

    def _stated(self, fact: str) -> tuple[str, ...]:
        """The facts and documents of an exchange in which a tested fact is stated."""
        return tuple(self._rules.families[fact][1]) if fact in self._rules.families else (stated_in(fact),)

    def _facts(self, condition: Condition, wanted: Truth, known: KnownFacts) -> Iterator[str]:
        """The facts by which a condition reads as it does."""
        match condition:
            case Atom(fact=fact, other=other):
                for each in (fact, other) if other else (fact,):
                    yield from self._taking_part(each, known.exchange)
            case Not(part=part):
                yield from self._facts(part, ~wanted, known)
            case All(parts=parts) | AnyOf(parts=parts):
                for part in parts:
                    if truth(part, known.test, {}) is wanted:
                        yield from self._facts(part, wanted, known)

    def _taking_part(self, fact: str, exchange: Exchange) -> Iterator[str]:
        """The fact itself; of a family's total the members that are not zero, or else all that are stated."""
        members = self._rules.families.get(fact, ("", (fact,)))[1]
        stated = [member for member in members if not isinstance(exchange.value(member), Missing)]
        yield from [member for member in stated if exchange.value(member) != Range.exact(0)] or stated


def _passes(atom: Atom, wanted: Truth) -> Callable[[Value], bool]:
    """Whether a value can read as `wanted`, by a look at it alone; where a look does not say, and of other kinds, always."""
    values = atom.type.values
    if atom.register or atom.not_shown is not None:
        return _any
    if atom.op == "is" and (atom.type.kind == "yes/no" or values is not None):
        words: Sequence[object] = values.values if values else (True, False)
        return _one_of(frozenset(word for word in words if names_any(values, word, atom.operands) is wanted))
    if atom.op == "only" and values is not None:
        members = frozenset(word for word in values.values if names_any(values, word, atom.operands) is wanted)
        return _within(members) if wanted is Truth.YES else _holding(members)
    if atom.op == "has" and values is not None and wanted is Truth.YES:
        return _holding(frozenset(word for word in values.values if values.ancestors(word) & set(atom.operands)))
    if atom.operands and isinstance(operand := atom.operands[0], Decimal):
        return lambda value: order(atom.op, value, operand, values) is wanted if isinstance(value, Range) else True
    return _any


def _any(value: Value) -> bool:
    return True


def _one_of(words: frozenset[object]) -> Callable[[Value], bool]:
    return lambda value: value in words if value.__class__ in (str, bool) else True


def _holding(words: frozenset[str]) -> Callable[[Value], bool]:
    return lambda value: not words.isdisjoint(value.members) if isinstance(value, SetOf) else True


def _within(words: frozenset[str]) -> Callable[[Value], bool]:
    return lambda value: value.members <= words if isinstance(value, SetOf) else True


# Whether entries are sound


def check_entries(entries: Iterable[Never], vocabulary: Vocabulary, rules: RuleSet, findings: Findings) -> None:
    """Report each entry that refuses everything or nothing, and two that refuse the same."""
    asked = _Answers(vocabulary, rules)
    known: list[Never] = []
    for never in entries:
        at = vocabulary.spans["coherence", never.id]
        reads = {truth(never.condition, told.__getitem__, {}) is Truth.YES for told in asked.combinations([never.condition])}
        if reads == {True}:
            said = f"`{never.id}` is true of every exchange that states its facts"
            findings.error(at, "always-true", said, "refuses everything", "test what cannot be so")
        elif reads == {False}:
            said = f"no exchange can meet `{never.id}`, so it refuses nothing"
            findings.warn(at, "never-true", said, "refuses nothing", "correct it, or drop it")
        else:
            same = next((each for each in known if asked.alike(never, each)), None)
            if same:
                said = f"`{never.id}` refuses the same exchanges as `{same.id}`"
                findings.warn(
                    at, "said-twice", said, f"first at {vocabulary.spans['coherence', same.id]}", "keep one of the two"
                )
            known.append(never)


class _Answers:
    """How the tests of some conditions can be answered together, by values that the tests distinguish."""

    def __init__(self, vocabulary: Vocabulary, rules: RuleSet) -> None:
        self._vocabulary = vocabulary
        self._rules = rules

    def alike(self, one: Never, other: Never) -> bool:
        """Whether two entries refuse the same exchanges."""
        sides = [[each.condition, *([Not(each.unless)] if each.unless is not None else [])] for each in (one, other)]
        if len({frozenset(atom.fact for part in side for atom in atoms(part)) for side in sides}) > 1:
            return False
        told = list(self.combinations([part for side in sides for part in side]))
        both = [All(tuple(side)) for side in sides]
        return bool(told) and all(len({truth(each, t.__getitem__, {}) is Truth.YES for each in both}) == 1 for t in told)

    def combinations(self, conditions: Iterable[Condition]) -> Iterator[Mapping[Atom, Truth]]:
        """Every way in which the tests may be answered together; nothing where there are too many."""
        tests = dict.fromkeys(atom for condition in conditions for atom in atoms(condition))
        by_fact: dict[str, list[Atom]] = {}
        for atom in tests:
            by_fact.setdefault(f"{atom.fact} {atom.op} {atom.other}" if atom.other else atom.fact, []).append(atom)
        ways = [list(dict.fromkeys(self._ways(each))) for each in by_fact.values()]
        number = 1
        for way in ways:
            number *= len(way)
        for chosen in product(*ways) if number <= MOST_TRIED else ():
            yield dict(chain.from_iterable(chosen))

    def _ways(self, tests: list[Atom]) -> Iterator[tuple[tuple[Atom, Truth], ...]]:
        """The answers that one fact may give to its tests; a comparison with another fact may always go either way."""
        if tests[0].other:
            yield from (((tests[0], Truth.YES),), ((tests[0], Truth.NO),))
            return
        name, type = tests[0].fact, tests[0].type
        fact = self._vocabulary.facts.get(name)
        for value in _values(type, tests):
            if fact is None or fact.can_be(value):
                known = _One(self._rules, Exchange({}, {}), NO_DAY, value)
                yield tuple((test, known.test(test)) for test in tests)


@dataclass(frozen=True, slots=True)
class _One(KnownFacts):
    """One fact that is known, whatever its name."""

    told: Value = Missing.UNKNOWN

    def value(self, fact: str) -> Value:
        return self.told

    def shows(self, field: str) -> bool:
        return True


def _values(type: Type, tests: Iterable[Atom]) -> Iterator[Value]:
    """Values of a type that the tests distinguish: at each operand, beside it and beyond all of them."""
    operands = dict.fromkeys(operand for test in tests for operand in test.operands)
    if type.many or type.kind in ("value", "id"):
        words = list(_words(type, [str(each) for each in operands]))
        sizes = range(len(words) + 1) if len(words) <= MOST_WORDS else (0, 1, 2, len(words))
        chosen = (frozenset(each) for size in sizes for each in combinations(words, size))
        yield from map(SetOf, chosen) if type.many else words
        return
    match type.kind:
        case "yes/no":
            yield from (True, False)
        case "count" | "ratio":
            steps = (Decimal(-1), Decimal("-0.01"), Decimal(0), Decimal("0.01"), Decimal(1))
            points = {each + step for each in operands if isinstance(each, Decimal) for step in steps} | {Decimal(0)}
            yield from (Range.exact(p) for p in sorted(points) if p >= 0 and (type.kind == "ratio" or p == int(p)))
        case "money" | "quantity":
            for each in operands:
                if isinstance(each, Amount):
                    yield from (each.plus(step) for step in (-1, 0, 1))
        case "date":
            days = [each.toordinal() + step for each in operands if isinstance(each, date) for step in (-1, 0, 1)]
            yield from (date.fromordinal(day) for day in days if day > 0)
        case "duration":
            yield from (each for each in operands if isinstance(each, Duration))
            yield from (Duration(hours=1), Duration(months=12_000))


def _words(type: Type, named: list[str]) -> Iterator[str]:
    """The words that are named, those above and below them, and two that have nothing to do with them."""
    known = type.values.values if type.values else ()
    related = [
        word
        for word in known
        if type.values and any(word in type.values.ancestors(n) or n in type.values.ancestors(word) for n in named)
    ]
    strange = [word for word in known if word not in related]
    rest = strange if type.values and type.values.rank else islice(strange, 2)
    more = ("some other",) if type.values is None else ()
    yield from dict.fromkeys((*named, *related, *rest, *more))
