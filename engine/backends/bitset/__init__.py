"""
The bitset back end: each class of a fact's values has a mask of the terms that it leaves possible, the bits of an integer.

A condition is a disjunction of terms, and each term is a bit (`terms`). To read an exchange is to intersect masks, one for each fact
(`fact_masks`, `value_tests`): a term that no test makes false is possible, a term that every test makes true is certain. Standing,
requirements, duties and the outcome are then worked out over the few rules that may stand (`standing_and_levels`). It
shares only the checked rules with the other back ends. Source: semantics 5.1.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from operator import or_

from engine.backends.bitset.fact_masks import FactsTests
from engine.backends.bitset.rule_table import FloorTerms, RuleTable, mask_of, without
from engine.backends.bitset.standing_and_levels import BitsetStrata
from engine.backends.bitset.terms import Derived, Terms
from engine.backends.bitset.value_tests import AtomReader
from engine.exchange import Exchange
from engine.rules import All, AnyOf, Atom, Condition, Defined, Not, RuleSet, Truth, atoms, tests
from engine.verdict import NONE_SIGNED, TRUTHS, Definitions, Masks, Verdict, numbers

__all__ = ["Bitset"]

NO, UNKNOWN, YES = Truth.NO, Truth.UNKNOWN, Truth.YES
MOST_TUPLES = 16  # tuples of definitions whose terms are kept


class Bitset:
    """The bitset back end for one rule set."""

    name = "bitset"

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        reader = AtomReader(rules)
        self._table = RuleTable(rules, reader)
        terms = Terms(rules.definitions)
        terms.reserve(len(rules.rules))
        lowered = [terms.lower(rule.condition) for rule in rules.rules]
        duties = {key: terms.lower(duty.done_when) for key, duty in rules.duties().items() if duty.done_when is not None}
        defined = {key: terms.lower(condition) for key, condition in rules.definitions.items()}
        # Definitions first, since floors and coverage look for them in every exchange.
        named = {key: terms.place(alternatives) for key, alternatives in defined.items()}
        placed = [terms.place(alternatives, number) for number, alternatives in enumerate(lowered)]
        # Bit n is the first term of rule n. The other terms of the rule set the same bit.
        self._firsts = {bit: (1 << n, mask) for n, mask in enumerate(placed) for bit in numbers(mask & ~(1 << n))}
        self._others = sum(1 << bit for bit in self._firsts)
        self._rules = (1 << len(rules.rules)) - 1
        self._done = {key: terms.place(alternatives) for key, alternatives in duties.items()}
        self._index = TermIndex(
            named,
            {atom: terms.alone(atom) for condition in _conditions(rules) for atom in atoms(condition)},
            (),
        )
        self._index = TermIndex(
            self._index.defined, self._index.alone, tuple(self._seen(rule.condition) for rule in rules.rules)
        )
        self._floors = tuple(FloorTerms.of(floor, self._index.defined) for floor in rules.floors)
        derived: tuple[Derived, ...] = tuple(terms.derived)
        every = (1 << terms.size) - 1
        # Of each derived condition its terms, the terms that are left where it is false and where it is true, and those that use it.
        self._chain = tuple(
            (each.terms, every & ~each.users.holding, every & ~each.users.failing, each.users.all)
            for each in derived
            if each.users.all
        )
        dead = sum(1 << n for n, mask in enumerate(placed) if not mask)
        full = (1 << terms.size) - 1 & ~dead
        self._facts = FactsTests(rules, reader, {atom: terms.users[variable] for atom, variable in terms.atoms.items()}, full)
        self._full = full

    def evaluate(self, exchange: Exchange, as_of: date, signed: frozenset[str] = NONE_SIGNED) -> Verdict:
        """The verdict on one exchange under the law of one day, with some provisions signed off."""
        possible, open_ = self._facts.narrow(exchange, as_of)
        for mask, where_false, where_true, users in self._chain:
            holding = possible & mask
            if not holding:
                possible &= where_false
            elif without(holding, open_):
                possible &= where_true
            else:
                open_ |= users
        certain = without(possible, open_)
        terms = Masks(possible, certain)
        firsts = self._firsts
        others = possible & self._others
        may_hold = holds = 0
        while others:
            first, mask = firsts[others.bit_length() - 1]
            others = without(others, mask)
            may_hold |= first
            if certain & mask:
                holds |= first
        possible |= may_hold
        certain |= holds
        reading = BitsetReading(self._index, possible, certain)
        held = Masks(possible & self._rules, certain & self._rules)
        put_away = reduce(or_, (self._table.provisions.get(each, 0) for each in signed), 0) if signed else 0
        strata = BitsetStrata(self._table, exchange, as_of, lambda key: reading.any(self._done.get(key, 0)), put_away)
        strata.stand(held.possible, held.certain)
        requirements = strata.meet()
        floors = [floor for floor in self._floors if possible & floor.voices or not signed.isdisjoint(floor.signed)]
        permitting = {floor.place: floor.permits(terms, as_of, signed) for floor in floors}
        jurisdictions, beneath = strata.weigh(permitting)
        reaching = without(strata.stands.certain & self._table.doubting, put_away)
        if reaching:  # beneath, the law reaches (4.3)
            other = BitsetStrata(self._table, exchange, as_of, strata.done, put_away | reaching)
            other.stand(held.possible, held.certain)
            other.meet()
            beneath = other.weigh(permitting)[1]
        return Verdict(
            rules=self.rules.rules,
            holds=held,
            stands=strata.stands,
            doubted=strata.doubted,
            requirements=requirements,
            owed=strata.owed,
            overdue=strata.overdue_of_owed(),
            defined=BitsetDefinitions(reading),
            jurisdictions=jurisdictions,
            beneath=beneath,
            truth=reading,
        )

    def _seen(self, condition: Condition) -> int:
        """The bits of every test that a condition rests on, also through the definitions that it names."""
        return mask_of(self._index.alone[atom] for atom in tests(condition, self.rules.definitions))


@dataclass(frozen=True, slots=True)
class TermIndex:
    """Where to look: the terms of each definition, the bit of each atom, the bits of the tests that each rule rests on."""

    defined: Mapping[str, int]
    alone: Mapping[Atom, int]
    seen: tuple[int, ...]
    bits: dict[int, tuple[Sequence[Atom], tuple[int, ...]]] = field(default_factory=dict)  # of sequences of tests, by identity
    each: dict[int, tuple[Sequence[str], tuple[int, ...]]] = field(
        default_factory=dict
    )  # of tuples of definitions, by identity

    def bits_of(self, atoms: Sequence[Atom]) -> tuple[int, ...]:
        """The bits of some tests, looked up once for each sequence."""
        known = self.bits.get(id(atoms))
        if known is None:
            known = self.bits[id(atoms)] = (atoms, tuple(self.alone[atom] for atom in atoms))
        return known[1]

    def each_of(self, keys: Sequence[str]) -> Sequence[int]:
        """The terms of each of some definitions, looked up once for each tuple, as long as there are few."""
        known = self.each.get(id(keys))
        if known is not None and known[0] is keys:
            return known[1]
        found = tuple([self.defined[key] for key in keys])
        if type(keys) is tuple and len(self.each) < MOST_TUPLES:
            self.each[id(keys)] = keys, found  # it is kept, so no other tuple gets its identity
        return found


@dataclass(frozen=True, slots=True)
class BitsetReading:
    """
    How the conditions of a rule set read on one exchange.

    In `possible` and `certain` the first term of a rule stands for all its terms.
    """

    index: TermIndex
    possible: int
    certain: int

    def __call__(self, condition: Condition) -> Truth:
        match condition:
            case Atom():
                bit = self.index.alone[condition]
                return TRUTHS[(self.possible >> bit & 1) + (self.certain >> bit & 1)]
            case Defined(key=key):
                return self.any(self.index.defined[key])
            case Not(part=part):
                return ~self(part)
            case All(parts=parts):
                return min((self(part) for part in parts), default=Truth.YES)
            case AnyOf(parts=parts):
                return max((self(part) for part in parts), default=Truth.NO)

    def reader(self, atoms: Sequence[Atom]) -> Callable[[int], Truth]:
        """How some tests read, by their numbers. A bit of a text is found faster than a bit of a large number."""
        bits = self.index.bits_of(atoms)
        size = max(bits, default=0) + 1
        possible, certain = f"{self.possible:0{size}b}", f"{self.certain:0{size}b}"

        def read(number: int) -> Truth:
            place = ~bits[number]
            return YES if certain[place] == "1" else UNKNOWN if possible[place] == "1" else NO

        return read

    def any(self, terms: int) -> Truth:
        """Whether one of these terms is true. Most are not even possible."""
        if not self.possible & terms:
            return NO
        return YES if self.certain & terms else UNKNOWN

    def seen(self, *rules: int) -> Hashable:
        """A key that two readings share where every test that these rules rest on reads the same in both."""
        mask = 0
        for rule in rules:
            mask |= self.index.seen[rule]
        return self.possible & mask, self.certain & mask


class BitsetDefinitions(Definitions):
    """How each definition reads, looked up when asked for."""

    def __init__(self, reading: BitsetReading) -> None:
        self._reading = reading

    def __getitem__(self, key: str) -> Truth:
        return self._reading.any(self._reading.index.defined[key])

    def several(self, keys: Sequence[str]) -> list[Truth]:
        possible, certain = self._reading.possible, self._reading.certain
        found = self._reading.index.each_of(keys)
        return [NO if not possible & mask else YES if certain & mask else UNKNOWN for mask in found]

    def __iter__(self) -> Iterator[str]:
        return iter(self._reading.index.defined)

    def __len__(self) -> int:
        return len(self._reading.index.defined)


def _conditions(rules: RuleSet) -> Iterator[Condition]:
    yield from rules.definitions.values()
    yield from (rule.condition for rule in rules.rules)
    yield from (duty.done_when for duty in rules.duties().values() if duty.done_when is not None)
