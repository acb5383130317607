"""
Values of closed sets as literals: one for each class of words that no test, place or jurisdiction of any version tells apart.

A fact of one value has exactly one of its classes or is not known; a fact of many has some, and may be open. What a word reads as in a
test is asked of the reference (2.4, 2.5, 2.6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from engine.analysis.gates import TRUE, Gates
from engine.backends.lanes.fact_tests import Test, Undated
from engine.backends.lanes.slots import Pair
from engine.backends.reference.three_values import names, order, same
from engine.policy_language.vocabulary import Vocabulary
from engine.rules import Atom, RuleSet, Truth
from engine.values import ValueSet

ORDER = ("at_least", "at_most", "more_than", "less_than")
NO, UNKNOWN, YES = Truth.NO, Truth.UNKNOWN, Truth.YES

Targets = Mapping[object, int]
"""What a test looks for, each with the literal of the days on which it does."""


class WordClasses:
    """The classes of the words of each value set, over all versions. `of` has the number of a word's class, `words` those of each class."""

    def __init__(self, versions: Iterable[tuple[RuleSet, Vocabulary, Iterable[Test]]]) -> None:
        seen: dict[tuple[str, str], list[object]] = {}
        for number, (rules, vocabulary, tests) in enumerate(versions):
            for values in vocabulary.values.values():
                above = {each for word, line in values.lineage.items() for each in line if each != word}
                for word in values.values:
                    apart = word in above or _is_apart(values, word)
                    seen.setdefault((values.name, word), []).append((number, word) if apart else (number,))
            own = {c for text in vocabulary.jurisdictions.values() for c in _all_countries(vocabulary, text.countries)}
            own |= {country for each in vocabulary.accepts for country in each.countries}
            own |= {c for v in vocabulary.values.values() if v.inside for c in (*v.country.values(), *v.complete)}
            naming = [*(touch.fact for touch in vocabulary.touches), *(fact.lies_in for fact in vocabulary.placed)]
            places = {of.name for fact in naming if (of := _values(vocabulary, fact))}
            for name in places:
                for word in own:
                    seen.setdefault((name, word), []).append((number, "country", word))
            for test in tests:
                atom = test.atom if isinstance(test, Undated) else test
                if isinstance(atom, Atom) and atom.type.values is not None and not atom.other:
                    name = atom.type.values.name
                    if atom.register:
                        for word, windows in rules.registers[atom.register].items():
                            seen.setdefault((name, word), []).append((number, atom.register, atom.fact, windows))
                    else:
                        for operand in atom.operands:
                            seen.setdefault((name, str(operand)), []).append((number, atom.fact, atom.op, atom.operands))
            for fact in vocabulary.facts.values():
                if fact.follows:
                    followed = vocabulary.facts[fact.follows.fact].type.values
                    assert followed
                    seen.setdefault((followed.name, fact.follows.value), []).append((number, "follows", fact.name))
        self.of: dict[str, dict[str, int]] = {}
        self.words: dict[str, list[list[str]]] = {}
        known: dict[object, int] = {}
        for (name, word), said in seen.items():
            classes = self.words.setdefault(name, [])
            key = (name, frozenset(said))
            if key not in known:
                known[key] = len(classes)
                classes.append([])
            classes[known[key]].append(word)
            self.of.setdefault(name, {})[word] = known[key]


def _is_apart(values: ValueSet, word: str) -> bool:
    """Whether a word is told apart whatever the tests: by a place in a hierarchy, a rank, or a country that it lies in."""
    return len(values.lineage[word]) > 1 or word in (values.nothing, values.everything) or bool(values.rank or values.inside)


def _all_countries(vocabulary: Vocabulary, countries: str | Sequence[str]) -> Iterable[str]:
    return vocabulary.registers[countries].entries if isinstance(countries, str) else countries


def _values(vocabulary: Vocabulary, fact: str) -> ValueSet | None:
    type = vocabulary.type_of(fact)
    return type.values if type else None


class OneWord:
    """A fact of one value: which class it is of, or `unknown`."""

    open = -TRUE

    def __init__(self, gates: Gates, name: str, classes: Sequence[Sequence[object]], complete: int) -> None:
        self.words = classes
        self.unknown = gates.variable((name, "unknown"))
        self.has = [gates.variable((name, "is", number), seldom=True) for number in range(len(classes))]
        self.stated = -self.unknown
        gates.say(self.unknown, *self.has)
        gates.at_most_one([self.unknown, *self.has])
        gates.say(-complete, -self.unknown)

    def vague(self, gates: Gates, values: ValueSet, complete: int) -> None:
        """Say that on a complete exchange nothing may turn out narrower."""
        for words, literal in zip(self.words, self.has, strict=True):
            if len(values.turns_out.get(str(words[0]), ())) > 1:
                gates.say(-complete, -literal)


class DerivedWord:
    """A fact of yes or no that follows from a set (2.1)."""

    open = -TRUE

    def __init__(self, gates: Gates, yes: Pair) -> None:
        self.words: Sequence[Sequence[object]] = ((True,), (False,))
        self.has = [yes.must, -yes.may]
        self.unknown = gates.both((yes.may, -yes.must))
        self.stated = -self.unknown


class ManyWords:
    """A fact of many values: of which classes it certainly has one, and whether it is `open` (2.4). What is left out is open."""

    unknown = -TRUE

    def __init__(self, gates: Gates, name: str, classes: Sequence[Sequence[object]], complete: int) -> None:
        self.words = classes
        self.open = gates.variable((name, "open"))
        self.stated = gates.variable((name, "stated"), seldom=True)
        self.has = [gates.variable((name, "has", number), seldom=True) for number in range(len(classes))]
        gates.say(self.stated, self.open)
        for each in self.has:
            gates.say(self.stated, -each)
        gates.say(-complete, -self.open)
        self._narrowed: dict[tuple[str, int], int] = {}

    def narrowed(self, gates: Gates, values: ValueSet, word: str) -> int:
        """2.5: whether the set also has a word below a word."""
        key = word, id(values)
        if key not in self._narrowed:
            below = [
                literal
                for words, literal in zip(self.words, self.has, strict=True)
                if words[0] != word and word in values.ancestors(str(words[0]))
            ]
            self._narrowed[key] = gates.either(below)
        return self._narrowed[key]

    def vague(self, gates: Gates, values: ValueSet, complete: int) -> None:
        """Say that on a complete exchange each value that may turn out narrower has a narrower one beside it."""
        for words, literal in zip(self.words, self.has, strict=True):
            if len(values.turns_out.get(str(words[0]), ())) > 1:
                gates.say(-complete, -literal, self.narrowed(gates, values, str(words[0])))


Words = OneWord | DerivedWord | ManyWords


def reads(values: ValueSet | None, word: object, targets: Targets) -> Iterator[tuple[Truth, int]]:
    """2.5: how a word reads for each target that it names, or may name, with the literal of the days."""
    if values is None or not isinstance(word, str):
        for target, on in targets.items():
            if word == target:
                yield YES, on
        return
    line = values.ancestors(word)
    vague = len(values.turns_out.get(word, (word,))) > 1
    for target in targets if vague else line:
        day = targets.get(target)
        if day is not None and (found := names(values, word, target)) is not NO:
            yield found, day


def compared(gates: Gates, fact: Words, op: str, values: ValueSet | None, targets: Targets) -> Pair:
    """How a test of a closed set reads; `targets` is what it looks for (2.4 to 2.6)."""
    both, either = gates.both, gates.either
    certain: list[int] = []
    possible: list[int] = [fact.open, fact.unknown]
    if op in ("is", "in", "has"):
        for words, has in zip(fact.words, fact.has, strict=True):
            word = words[0]
            for truth, on in reads(values, word, targets):
                if truth is YES:
                    certain.append(both((has, on)))
                elif isinstance(fact, ManyWords):
                    assert values
                    possible.append(both((has, on, -fact.narrowed(gates, values, str(word)))))
                else:
                    possible.append(both((has, on)))
        must = either(certain)
        return Pair(must, either((must, *possible)))
    if op == "only":
        outside, perhaps = [], [fact.open]
        for words, has in zip(fact.words, fact.has, strict=True):
            found = list(reads(values, words[0], targets))
            outside.append(both((has, *(-on for _, on in found))))
            perhaps.append(both((has, *(-on for truth, on in found if truth is YES))))
        return Pair(-either(perhaps), -either(outside))
    operand = next(iter(targets))
    for words, has in zip(fact.words, fact.has, strict=True):
        ranked = order(op, words[0], operand, values)
        if ranked is YES:
            certain.append(has)
        elif ranked is UNKNOWN:
            possible.append(has)
    must = either(certain)
    return Pair(must, either((must, *possible)))


def against(
    gates: Gates, fact: Words, op: str, other: Words, values: ValueSet | None, alike: Callable[[int], int]
) -> Pair | None:
    """
    2.10: how a test reads that compares a fact with another of its values. None where it is not encoded.

    `alike` gives a literal for whether the words of a class that both have are the same.
    """
    both, either = gates.both, gates.either
    flat = values is None or all(len(line) == 1 for line in values.lineage.values())
    stated = both((fact.stated, other.stated))
    if op in ORDER and not isinstance(fact, ManyWords) and not isinstance(other, ManyWords):
        ranked = [
            (both((has, here)), order(op, words[0], others[0], values))
            for words, has in zip(fact.words, fact.has, strict=True)
            for others, here in zip(other.words, other.has, strict=True)
        ]
        must = either(pair for pair, truth in ranked if truth is YES)
        return Pair(must, either((-stated, *(pair for pair, truth in ranked if truth is not NO))))
    pairs: list[tuple[int, int, Truth, int]] = []
    for one, words in enumerate(fact.words):
        for two, others in enumerate(other.words):
            if one == two and len(words) > 1:
                pairs.append((one, two, YES, alike(one)))
            elif (found := (YES if one == two else NO) if flat else same(values, words[0], others[0])) is not NO:
                pairs.append((one, two, found, TRUE))
    if op == "is" and not isinstance(fact, ManyWords):
        must = either(both((fact.has[a], other.has[b], e)) for a, b, truth, e in pairs if truth is YES)
        may = either(both((fact.has[a], other.has[b], e)) for a, b, truth, e in pairs)
        return Pair(must, either((-stated, must, may)))
    if op == "only" and isinstance(fact, ManyWords):
        surely: dict[int, list[int]] = {}
        perhaps: dict[int, list[int]] = {}
        for a, b, truth, e in pairs:
            perhaps.setdefault(a, [other.open]).append(both((other.has[b], e)))
            if truth is YES:
                surely.setdefault(a, []).append(both((other.has[b], e)))
        inside = [either((-has, *surely.get(a, ()))) for a, has in enumerate(fact.has)]
        maybe = [either((-has, *perhaps.get(a, (other.open,)))) for a, has in enumerate(fact.has)]
        return Pair(both((stated, -fact.open, *inside)), either((-stated, both(maybe))))
    if op == "has" and isinstance(fact, ManyWords) and flat:
        held = either(both((fact.has[a], other.has[b], e)) for a, b, _, e in pairs)
        further = both((fact.open, either(other.has)))
        nothing = both((-fact.open, *(-each for each in fact.has)))
        return Pair(both((stated, held)), either((-stated, held, further, both((other.open, -nothing)))))
    return None
