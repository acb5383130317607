"""
Values go in, masks come out: for each class of a fact's values, the terms that it leaves possible, and those that it leaves open.

The values of one class are those that the rules cannot tell apart. The masks of a class are made once, from how each test reads, and
are looked up afterwards: by the value itself, or for amounts by places among cuts. Where a test reads otherwise on another day, the
classes are those of one day, which are kept together. No test of what is left out does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

from engine.backends.bitset.document_extent import DocumentExtents
from engine.backends.bitset.terms import TermUse
from engine.backends.bitset.value_tests import NO, YES, AtomReader, same, total
from engine.exchange import Exchange
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.rules import AS_OF, Atom, RuleSet, Truth
from engine.values import Disputed, Document, Missing, Range, SetOf, Value

REMEMBERED = 4_096  # classes of one fact that are kept; then the oldest is forgotten, and made again when it is needed
DAYS = 32  # days whose classes are kept
SELECTIONS = 2_048  # selections of facts of which it is kept what is left beside their values
GROUP = 8  # facts whose absence is looked up together: those of a byte
WIDE = 4  # groups of which nothing is sent more often than not; then they are looked up together

ANY_DAY = date.min  # no test of what is left out, or of the total of nothing, reads otherwise on another

EVERY_OF_A_GROUP = (1 << GROUP) - 1

Pair: TypeAlias = tuple[int, int]  # terms left possible, terms that are open: a test of theirs is unknown
KeyOf: TypeAlias = Callable[[Any], Hashable] | None  # equal keys for values of one class; None: the value is the key
Classes: TypeAlias = tuple[dict[Hashable, Pair], KeyOf]  # a fact's classes by key


def narrowed(truths: Iterable[tuple[Truth, TermUse]], full: int) -> Pair:
    """The terms that some tests leave possible, and those of which a test is unknown."""
    possible, open_ = full, 0
    for truth, users in truths:
        if truth is NO:
            possible &= ~users.holding
        elif truth is YES:
            possible &= ~users.failing
        else:
            open_ |= users.all
    return possible, open_ & possible


@dataclass(frozen=True, slots=True)
class FactTests:
    """One fact, or one kind of document, with the tests on it."""

    tests: Sequence[tuple[Atom, TermUse]]
    read: Callable[[Atom, Value, date], Truth]
    key: KeyOf
    cuts: Sequence[Decimal] | None
    bit: int

    @property
    def of_a_day(self) -> bool:
        """Whether a value may be of another class on another day."""
        return any(
            atom.not_shown is not None or atom.register or atom.op in ("within", "older_than") or AS_OF in atom.operands
            for atom, _ in self.tests
        )

    def pair(self, value: Value, day: date, full: int) -> Pair:
        return narrowed(((self.read(atom, value, day), users) for atom, users in self.tests), full)

    def between(self, value: Disputed, day: date, full: int) -> Pair:
        """The masks of a disputed value: each test reads as under both values, if they give one answer."""
        told = (
            (same(self.read(atom, value.stated, day), self.read(atom, value.registered, day)), users)
            for atom, users in self.tests
        )
        return narrowed(told, full)


@dataclass(frozen=True, slots=True)
class FamilyTotal:
    """The total of a family: a fact that follows from others."""

    name: str
    how: str
    members: tuple[str, ...]

    def value(self, values: Mapping[str, Value]) -> Value:
        return total([values.get(member, Missing.LEFT_OUT) for member in self.members], self.how)


@dataclass(frozen=True, slots=True)
class FactComparison:
    """A test of one fact against another (2.10)."""

    atom: Atom
    users: TermUse

    def truth(self, exchange: Exchange, totals: Mapping[str, FamilyTotal], reader: AtomReader, day: date) -> Truth:
        atom = self.atom
        for name in (_source(atom.fact), _source(atom.other)):
            disputed = exchange.values.get(name)
            if isinstance(disputed, Disputed):
                worlds = (exchange.with_values({name: each}) for each in (disputed.stated, disputed.registered))
                return same(*(self.truth(each, totals, reader, day) for each in worlds))
        value, other = (
            totals[fact].value(exchange.values) if fact in totals else exchange.value(fact) for fact in (atom.fact, atom.other)
        )
        if atom.not_shown is not None and (_to_come(atom.fact, value, day) or not _presented(exchange, atom.fact)):
            return atom.not_shown
        if exchange.values.get(atom.other.rpartition(".")[0]) is not None and _to_come(atom.other, other, day):
            return Truth.UNKNOWN  # a date after the day is no evidence here either
        return reader.against(atom, value, other, day)


def _source(fact: str) -> str:
    """The fact that an exchange states: for a field of a document the document."""
    group, _, rest = fact.partition(".")
    return f"{group}.{rest.rpartition('.')[0]}" if group in DOCUMENT_GROUPS else fact


def _to_come(fact: str, value: Value, day: date) -> bool:
    """Whether a document's field is a date after the day, which is no evidence (2.9)."""
    return isinstance(value, date) and value > day and not fact.endswith(".expires")


def _presented(exchange: Exchange, fact: str) -> bool:
    """Whether the document of a field is presented, or may be."""
    document = exchange.values.get(fact.rpartition(".")[0], Missing.LEFT_OUT)
    return document is Missing.UNKNOWN or (isinstance(document, Document) and document.state == "shown")


class FactsTests:
    """All the facts of one rule set. `narrow(exchange, day)` gives the masks of one exchange."""

    def __init__(self, rules: RuleSet, reader: AtomReader, tests: Mapping[Atom, TermUse], full: int) -> None:
        self._reader = reader
        self._full = full
        self._extents = DocumentExtents(rules)
        by_fact: dict[str, list[tuple[Atom, TermUse]]] = {}
        self._against: list[FactComparison] = []
        for atom, users in tests.items():
            if atom.other:
                self._against.append(FactComparison(atom, users))
                continue
            # A document is one value, no matter which of its fields is tested.
            name = atom.fact if atom.not_shown is None or atom.op in ("counts", "open") else atom.fact.rpartition(".")[0]
            by_fact.setdefault(name, []).append((atom, users))
        self._of_the_day = by_fact.pop(AS_OF, [])
        self._facts = {
            name: FactTests(atoms, self._read_of(atoms[0][0]), _key_of(atoms), _cuts_of(atoms), 1 << number)
            # Facts of one matter are together, so that they are left out together.
            for number, (name, atoms) in enumerate(sorted(by_fact.items()))
        }
        self._totals = [FamilyTotal(name, *rules.families[name]) for name in self._facts if name in rules.families]
        self._families = {name: FamilyTotal(name, *family) for name, family in rules.families.items()}
        compared = (key for each in self._against for fact in (each.atom.fact, each.atom.other) for key in self._keys(fact))
        sides = (_source(name) for name in compared)
        self._sides = tuple(dict.fromkeys(sides))  # the values that comparisons read
        self._identifies = any(each.atom.type.kind == "id" for each in self._against)  # ids may be personal, and are not kept
        self._known: dict[tuple[Hashable, ...], Pair] = {}
        self._every = (1 << len(self._facts)) - 1
        self._bytes = -(-len(self._facts) // GROUP)
        self._days: dict[date, DayMasks] = {}
        self._alike: dict[Pair, Pair] = {}
        self._lasting: dict[str, Classes] = {name: ({}, fact.key) for name, fact in self._facts.items() if not fact.of_a_day}
        self._absent: list[dict[int, Pair]] = [{} for _ in range(self._bytes)]
        self._beside: dict[tuple[str, ...], Pair] = {}
        self._wide = self._together_left_out(self._bytes)

    def narrow(self, exchange: Exchange, day: date) -> Pair:
        """What an exchange leaves of all terms on a day: those possible, those of which a test is unknown."""
        today = self._days.get(day)
        if today is None:
            today = self._begin(day)
        exchange = self._extents.held(exchange)
        classes, values = today.classes, exchange.values
        names = tuple(values)
        free, open_ = self._beside.get(names) or self._leave_out_beside(names)
        possible, open_ = self._full & free & today.base[0], open_ | today.base[1]
        for name, value in values.items():
            known = classes.get(name)
            if known is None:
                continue  # no rule tests it
            pairs, key_of = known
            if type(value) is Disputed:
                left, unknown = self._facts[name].between(value, day, self._full)
            else:
                key = value if key_of is None else key_of(value)
                left, unknown = pairs.get(key) or self._learn(name, pairs, key, value, day)
            possible &= left
            if unknown:
                open_ |= unknown
        for each in self._totals:
            if not values.keys().isdisjoint(each.members):
                value = each.value(values)
                pairs, key_of = classes[each.name]
                key = value if key_of is None else key_of(value)
                left, unknown = pairs.get(key) or self._learn(each.name, pairs, key, value, day)
                possible &= left
                open_ |= unknown
        if self._against:
            left, unknown = self._together(exchange, day)
            possible &= left
            open_ |= unknown
        return possible, open_

    def _leave_out_beside(self, names: tuple[str, ...]) -> Pair:
        """What is left where just these facts are sent, in this order, whatever the day; kept for the next time."""
        absent = self._every
        for name in names:
            if name in self._facts:
                absent ^= self._facts[name].bit
        for each in self._totals:
            if not set(names).isdisjoint(each.members):
                absent ^= self._facts[each.name].bit
        free, open_ = self._full, 0
        for wide, (left, unknown) in self._wide:
            if absent & wide == wide:
                absent ^= wide
                free &= left
                open_ |= unknown
        for number, bits in enumerate(absent.to_bytes(self._bytes, "little")):
            if bits:
                left, unknown = self._absent[number].get(bits) or self._leave_out(number, bits)
                free &= left
                open_ |= unknown
        while len(self._beside) >= SELECTIONS:
            del self._beside[next(iter(self._beside))]
        pair = self._beside[names] = self._one_copy((free, open_))
        return pair

    def _together(self, exchange: Exchange, day: date) -> Pair:
        """The masks of all tests of one fact against another, by the values that they compare."""
        key: list[Hashable] = [day]
        for name in self._sides:
            value = exchange.values.get(name)
            if type(value) is Disputed or self._identifies:
                return self._compare(exchange, day)
            key.append(_document_key(value) if type(value) is Document else value)
        values = tuple(key)
        known = self._known.get(values)
        if known is None:
            while len(self._known) >= REMEMBERED:
                del self._known[next(iter(self._known))]
            known = self._known[values] = self._one_copy(self._compare(exchange, day))
        return known

    def _compare(self, exchange: Exchange, day: date) -> Pair:
        read = ((each.truth(exchange, self._families, self._reader, day), each.users) for each in self._against)
        return narrowed(read, self._full)

    def _keys(self, fact: str) -> tuple[str, ...]:
        """The keys under which an exchange may hold the value of a fact: a total's members, a field's document."""
        if fact in self._families:
            return self._families[fact].members
        return fact, fact.rpartition(".")[0]

    def _begin(self, day: date) -> DayMasks:
        """Begin a day: with what its date alone leaves, and without classes."""
        base = narrowed(((self._reader.truth(atom, day, day), users) for atom, users in self._of_the_day), self._full)
        today = DayMasks(base, {name: self._lasting.get(name) or ({}, fact.key) for name, fact in self._facts.items()})
        while len(self._days) >= DAYS:
            del self._days[next(iter(self._days))]
        self._days[day] = today
        return today

    def _together_left_out(self, groups: int) -> list[tuple[int, Pair]]:
        """Some groups together, where all their facts are left out: these facts as bits, and what is left."""
        found = []
        for first in range(0, groups, WIDE) if groups > 2 * WIDE else ():
            facts, possible, open_ = 0, self._full, 0
            for number in range(first, min(first + WIDE, groups)):
                bits = self._every >> number * GROUP & EVERY_OF_A_GROUP
                left, unknown = self._left_out(number, bits)
                facts |= bits << number * GROUP
                possible &= left
                open_ |= unknown
            found.append((facts, (possible, open_ & possible)))
        return found

    def _learn(self, name: str, pairs: dict[Hashable, Pair], key: Hashable, value: Value, day: date) -> Pair:
        """Make the masks of a class seen for the first time."""
        while len(pairs) >= REMEMBERED:
            del pairs[next(iter(pairs))]
        fact = self._facts[name]
        if fact.cuts is None:
            pair = self._made(fact, value, day)
        else:
            # There is no end of numbers, but they fall into few classes.
            place = _places(value, fact.cuts)
            pair = pairs.get(place) or self._made(fact, value, day)
            pairs[place] = pair
        pairs[key] = pair
        return pair

    def _made(self, fact: FactTests, value: Value, day: date) -> Pair:
        """The masks of a class."""
        return self._one_copy(fact.pair(value, day, self._full))

    def _one_copy(self, pair: Pair) -> Pair:
        """The same masks. Many classes have the same, such as most ids and most days, and hold one copy: a mask takes a kilobyte."""
        if len(self._alike) >= REMEMBERED:
            self._alike.clear()
        return self._alike.setdefault(pair, pair)

    def _leave_out(self, group: int, bits: int) -> Pair:
        """What is left where these facts of a group are left out, kept for the next time."""
        pair = self._absent[group][bits] = self._left_out(group, bits)
        return pair

    def _left_out(self, group: int, bits: int) -> Pair:
        """What is left where these facts of a group are left out: a total, of which nothing is stated, is some number all the same."""
        possible, open_ = self._full, 0
        totals = {each.name: each for each in self._totals}
        for number, (name, fact) in enumerate(list(self._facts.items())[group * GROUP : (group + 1) * GROUP]):
            if bits >> number & 1:
                value = totals[name].value({}) if name in totals else Missing.LEFT_OUT
                pair = fact.pair(value, ANY_DAY, self._full)
                possible &= pair[0]
                open_ |= pair[1]
        return self._one_copy((possible, open_ & possible))

    def _read_of(self, atom: Atom) -> Callable[[Atom, Value, date], Truth]:
        return self._reader.truth if atom.not_shown is None else self._reader.of_document


@dataclass(frozen=True, slots=True)
class DayMasks:
    """The masks of one day: what its date leaves, and what each class of each fact leaves. Lasting classes are those of every day."""

    base: Pair
    classes: dict[str, Classes]


def _key_of(tests: Sequence[tuple[Atom, TermUse]]) -> KeyOf:
    """The function by whose keys a fact's classes differ; None where the value itself is the key."""
    atoms = [atom for atom, _ in tests]
    if atoms[0].not_shown is not None:
        return _document_key
    if atoms[0].type.many:
        return _set_key
    if atoms[0].type.kind in ("count", "ratio"):
        return _number_key
    return None


def _set_key(value: Value) -> Hashable:
    """The key of a closed set is its members, for a frozen set remembers its hash."""
    return value.members if type(value) is SetOf and not value.open else value


def _number_key(value: Value) -> Hashable:
    if type(value) is not Range:
        return value
    low = value.low
    return low if value.high is low else (low, value.high)


def _cuts_of(tests: Sequence[tuple[Atom, TermUse]]) -> Sequence[Decimal] | None:
    """The numbers at which some test changes its answer; None where the fact is not a number."""
    if tests[0][0].type.kind not in ("count", "ratio") or tests[0][0].not_shown is not None:
        return None
    return sorted({operand for atom, _ in tests for operand in atom.operands if isinstance(operand, Decimal)})


def _document_key(value: Value) -> Hashable:
    if isinstance(value, Document):
        return tuple(value.fields.items()) if value.state == "shown" else value.state
    return value


def _places(value: Value, cuts: Sequence[Decimal]) -> Hashable:
    """Where the ends of a range lie among the cuts: between two, or on one. The places are a text, so no number equals them."""
    if not isinstance(value, Range):
        return value
    ends = []
    for end in (value.low, value.high):
        at = len(cuts) if end is None else bisect_left(cuts, end)
        ends.append(f"{at}{'=' if at < len(cuts) and cuts[at] == end else ''}")
    return " ".join(ends)
