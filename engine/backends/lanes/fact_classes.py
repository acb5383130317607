"""
Values to input slots: what each class of values answers to the tests that read it, worked out once and looked up afterwards.

The values of one class are those that no test tells apart. A class is of all that its tests read together: one fact, a fact and the day,
two facts, a family. Each class is read as the reference reads it, so that a value means here what it means there; a disputed value is read
as both of its values, as there. What identifies somebody is not kept between two codings.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from engine.backends.lanes.fact_tests import COVERS, Late, Test, Tested, Undated, reads_the_day, sources, turning_days
from engine.backends.lanes.family_totals import Family, added_up, totals
from engine.backends.lanes.lane_cases import NO_DAY, Cases, LaneSet, value_key
from engine.backends.reference.standing_rules import has_passed
from engine.backends.reference.three_values import NO, UNKNOWN, YES, KnownFacts, agreed, yes_if
from engine.exchange import Exchange
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.rules import Atom, Measure, OnDay, Period, RuleSet, Truth
from engine.values import Disputed, Document, Missing, Number, Range, Value

REMEMBERED = 2_048  # classes of one group
FEW = 256  # numbers of one group by themselves, and pairs of values of which it is kept what sets them apart
DAYS = 64  # whose tests of the day alone are kept
BEGUN = 8  # days and numbers of lanes whose beginning is kept
PLAIN = frozenset({bool, str, date})  # of which the value is its key

On: TypeAlias = tuple[int, ...]  # places of given slots


class ValueClass(NamedTuple):
    """The places that a class sets; and beside what left-out values set, those that it takes away, and those that it adds."""

    on: On
    less: On
    more: On


@dataclass(slots=True)
class TestGroup:
    """
    The tests that read the same values. `classes` has what was read, by the keys of the values; `reset` is what left-out values set.

    `numbers` has the classes of numbers by themselves, and `apart` the places at which those of two values differ, by the day.
    `cuts` are the numbers that they compare with, where they compare with nothing else. `fields` are those of documents that they read,
    None where they read all. Where values may identify somebody, they are not `kept`. Of tests that read the day, `turns` are those from
    which one may answer otherwise: between two of them the days are alike. None where that may be any day.
    """

    sources: tuple[str, ...]
    dated: bool
    tests: Sequence[Test]
    slots: Sequence[tuple[int, int]]
    cuts: Sequence[Decimal] | None
    kept: bool
    family: Family | None = None
    fields: frozenset[str] | None = None
    known: frozenset[str] = frozenset()
    reset: On = ()
    turns: Sequence[date] | None = None
    classes: dict[Hashable, ValueClass] = field(default_factory=dict)
    numbers: dict[Hashable, ValueClass] = field(default_factory=dict)
    apart: dict[Hashable, On] = field(default_factory=dict)


@dataclass(slots=True)
class DocumentTests:
    """
    The tests whether a document of one kind counts: the slots for each answer that a document gives where it is not shown. `known` are the
    document and the facts that say what it has to cover.
    """

    name: str
    slots: Mapping[Truth, tuple[int, int]]
    atoms: Mapping[Truth, Atom]
    measures: Sequence[Measure]
    known: frozenset[str]


class Coder:
    """Codes exchanges for one program. `size` is how many slots are given."""

    def __init__(self, rules: RuleSet, program: Tested) -> None:
        self.rules = rules
        self.place = {slot: number for number, slot in enumerate(program.inputs.values())}
        self.size = len(self.place)
        self.named = {name: self.place[slot] for name, slot in program.inputs.items()}
        self.documents: dict[str, DocumentTests] = {}
        self._alone: dict[str, list[TestGroup]] = {}
        self._of_several: dict[str, list[TestGroup]] = {}
        self._of_the_day: list[TestGroup] = []
        by_reading: dict[tuple[tuple[str, ...], bool], list[Test]] = {}
        counting: dict[str, dict[Truth, Atom]] = {}
        for test in program.tests:
            if isinstance(test, Atom) and test.op == "counts":
                assert test.not_shown is not None
                counting.setdefault(test.fact, {})[test.not_shown] = test
            else:
                by_reading.setdefault((sources(test, rules), reads_the_day(test, rules)), []).append(test)
        at = {test: (self.place[pair.must], self.place[pair.may]) for test, pair in program.tests.items()}
        self._base: set[int] = set()
        nothing = Exchange({}, {})
        for (names, dated), tests in by_reading.items():
            # A number among cuts, where nothing but numbers written in the rules is compared with it.
            cuts = _cuts(tests)
            group = TestGroup(
                names, dated, tests, [at[test] for test in tests], cuts, _may_be_kept(tests), self._family(tests, cuts)
            )
            turns = [turning_days(test, rules) for test in tests] if dated else [None]
            if None not in turns:
                group.turns = sorted({day for each in turns for day in each or ()})
            if not names:
                self._of_the_day.append(group)
                continue
            group.known, group.reset = frozenset(names), self._read(group, nothing, NO_DAY)
            self._base.update(group.reset)
            if len(names) == 1:
                self._alone.setdefault(names[0], []).append(group)
                continue
            # A test of a document that nobody presents answers alike whatever else it reads.
            documents = [name for name in names if name.partition(".")[0] in DOCUMENT_GROUPS]
            for name in documents or names:
                self._of_several.setdefault(name, []).append(group)
        for name, atoms in counting.items():
            slots = {not_shown: at[atom] for not_shown, atom in atoms.items()}
            measures = rules.measures.get(name, ())
            known = frozenset((name, *(fact for measure in measures for fact in measure.stated)))
            self.documents[name] = DocumentTests(name, slots, atoms, measures, known)
            for not_shown, (must, may) in slots.items():
                self._base.update(_on(not_shown, must, may))
        self._days: dict[Hashable, On] = {}
        self._alike: dict[ValueClass, ValueClass] = {}  # many classes set the same, and hold one copy
        self._begun: dict[tuple[date, LaneSet], list[int]] = {}

    def code(self, cases: Cases) -> list[int]:
        """The given slots of some cases, in the order of the program's inputs."""
        every = cases.every
        if cases.coded is not None:
            [day] = cases.days
            given = list(cases.coded)
        elif len(cases.days) == 1:
            [day] = cases.days
            given = self._beginning(day, every).copy()
        else:
            given = self._blank(every)
            for day, lanes in cases.days.items():
                for place in self._on_day(day):
                    given[place] |= lanes
        names, other = cases.names(), cases.other if len(cases.days) == 1 else cases.names()
        several = {id(group): group for name in names for group in self._of_several.get(name, ())}.values()
        documents = [self.documents[name] for name in self.documents.keys() & names]
        if not other or (cases.base and len(cases.days) == 1 and not cases.by_rows):
            if cases.coded is None:
                self._plain(cases.base, cases.base, several, day, given, every)
            else:
                documents = [each for each in documents if not each.known.isdisjoint(other)]
            if other:
                self._vary(cases, (group for group in several if not group.known.isdisjoint(other)), day, given)
        else:
            alike = [name for name in cases.base if name not in other]
            mixed = [group for group in several if not group.known.isdisjoint(other)]
            if alike:
                self._plain(alike, cases.base, (group for group in several if group.known.isdisjoint(other)), day, given, every)
            alone = (group for name in other for group in self._alone.get(name, ()))
            for group in (*alone, *mixed):
                self._group(group, cases, given)
        for each in documents:
            self._document(each, cases, given)
        for key, lanes in cases.named.items():
            if key in self.named:
                given[self.named[key]] |= lanes
        return given

    def _family(self, tests: Sequence[Test], cuts: Sequence[Decimal] | None) -> Family | None:
        """The family whose total some tests read and compare with numbers alone."""
        facts = {test.fact for test in tests if isinstance(test, Atom)}
        if cuts is None or len(facts) != 1 or not facts <= self.rules.families.keys():
            return None
        how, members = self.rules.families[facts.pop()]
        return Family(how, members, max(cuts, default=Decimal(0)) + 1)

    def _blank(self, every: LaneSet) -> list[int]:
        """What left-out values set, in every lane."""
        given = [0] * self.size
        for place in self._base:
            given[place] = every
        return given

    def _beginning(self, day: date, every: LaneSet) -> list[int]:
        """The same with what the day sets; kept, since searches code one exchange on one day again and again."""
        found = self._begun.get((day, every))
        if found is None:
            if len(self._begun) >= BEGUN:
                self._begun.clear()
            found = self._begun[day, every] = self._blank(every)
            for place in self._on_day(day):
                found[place] = every
        return found

    def _plain(
        self,
        names: Iterable[str],
        base: Mapping[str, Value],
        several: Iterable[TestGroup],
        day: date,
        given: list[LaneSet],
        every: LaneSet,
    ) -> None:
        """Set the slots of the tests of values where every lane has the same; `several` are those that read more than one."""
        groups = self._alone
        for name in names:
            value = base[name]
            for group in groups.get(name, ()):
                key: Hashable = value if type(value) in PLAIN else self._key_of(group, value)
                if group.dated:
                    key = (key, _stretch(group, day))
                found = group.numbers.get(key) if group.cuts is not None else group.classes.get(key)
                _, less, more = found or self._number(group, key, value, day)
                for place in less:
                    given[place] = 0
                for place in more:
                    given[place] = every
        for group in several:
            values = [base.get(name, Missing.LEFT_OUT) for name in group.sources]
            if group.family is not None:
                values = [added_up(group.family, values), *group.family.others]
            _, less, more = self._class(group, values, day)
            for place in less:
                given[place] = 0
            for place in more:
                given[place] = every

    def _vary(self, cases: Cases, several: Iterable[TestGroup], day: date, given: list[LaneSet]) -> None:
        """Change the slots of lanes in which values are not those of `base`, by what sets their classes apart."""
        base, every = cases.base, cases.every
        for name, parts in cases.other.items():
            own = base.get(name, Missing.LEFT_OUT)
            for group in self._alone.get(name, ()):
                key = self._key_of(group, own)
                for lanes, value in parts:
                    other = value if value is Missing.UNKNOWN else self._key_of(group, value)
                    for place in self._apart(group, key, other, (own,), (value,), day):
                        given[place] ^= lanes
        for group in several:
            values = tuple([base.get(name, Missing.LEFT_OUT) for name in group.sources])
            each: Iterable[tuple[LaneSet, Sequence[Value]]]
            if group.family is None:
                each = cases.changed(group.sources, values, every)
            else:
                rest = group.family.others
                values = (added_up(group.family, values), *rest)
                each = [(lanes, (total, *rest)) for lanes, total in totals(group.family, cases)]
            key = self._key(group, values)
            for lanes, others in each:
                other = self._key(group, others)
                if other != key:
                    for place in self._apart(group, key, other, values, others, day):
                        given[place] ^= lanes

    def _apart(
        self, group: TestGroup, key: Hashable, other: Hashable, values: Sequence[Value], others: Sequence[Value], day: date
    ) -> On:
        """The places at which the classes of two values differ; found once, and then known by their keys and the day."""
        keys = (key, other, _stretch(group, day)) if group.dated else (key, other)
        found = group.apart.get(keys)
        if found is None:
            one, two = (self._class(group, each, day) for each in (values, others))
            found = tuple(set(one.on).symmetric_difference(two.on))
            if group.kept:
                while len(group.apart) >= FEW:
                    del group.apart[next(iter(group.apart))]
                group.apart[keys] = found
        return found

    def _class(self, group: TestGroup, values: Sequence[Value], day: date) -> ValueClass:
        """The class of some values on a day."""
        key = self._key(group, values)
        if group.dated:
            key = (key, _stretch(group, day))
        return group.classes.get(key) or self._learn(group, key, values, day)

    def _number(self, group: TestGroup, key: Hashable, value: Value, day: date) -> ValueClass:
        """The class of a value that is met for the first time. There is no end of numbers, but they fall into few classes."""
        found = self._class(group, (value,), day)
        if group.cuts is not None:
            while len(group.numbers) >= FEW:
                del group.numbers[next(iter(group.numbers))]
            group.numbers[key] = found
        return found

    def _on_day(self, day: date) -> On:
        key = tuple([_stretch(group, day) for group in self._of_the_day])
        found = self._days.get(key)
        if found is None:
            while len(self._days) >= DAYS:
                del self._days[next(iter(self._days))]
            nothing = Exchange({}, {})
            found = self._days[key] = tuple(slot for group in self._of_the_day for slot in self._read(group, nothing, day))
        return found

    def _group(self, group: TestGroup, cases: Cases, given: list[LaneSet]) -> None:
        """Set the slots of the tests that read the same values."""
        for place in group.reset:
            given[place] = 0
        if group.family is not None and not group.dated and not cases.by_rows:
            for lanes, total in totals(group.family, cases):
                for place in self._class(group, (total, *group.family.others), NO_DAY).on:
                    given[place] |= lanes
            return

        def on(values: tuple[Value, ...], day: date) -> On:
            if group.family is not None:
                values = (added_up(group.family, values), *group.family.others)
            return self._class(group, values, day).on

        if group.turns is not None and not cases.by_rows and len(cases.days) > 1:
            cases = cases.with_days(lambda day: _stretch(group, day))
        for lanes, places in cases.by_class(group.sources, cases.every, group.dated, on):
            for place in places:
                given[place] |= lanes

    def _key(self, group: TestGroup, values: Sequence[Value]) -> Hashable:
        if len(values) == 1 or group.family is not None:
            value = values[0]
            return self._key_of(group, value) if group.cuts is None else _places(value, group.cuts)
        return tuple([self._key_of(group, value) for value in values])

    @staticmethod
    def _key_of(group: TestGroup, value: Value) -> Hashable:
        """A key of a value; of a document, of what the tests read of it."""
        fields = group.fields
        if fields is None or type(value) is not Document:
            return value_key(value)
        return (value.state, *((name, value_key(each)) for name, each in value.fields.items() if name in fields))

    def _learn(self, group: TestGroup, key: Hashable, values: Sequence[Value], day: date) -> ValueClass:
        """Read a class that is met for the first time."""
        told = {name: value for name, value in zip(group.sources, values, strict=True) if value is not Missing.LEFT_OUT}
        on = self._read(group, Exchange({}, told), day)
        less, more = tuple(set(group.reset).difference(on)), tuple(set(on).difference(group.reset))
        found = ValueClass(on, less, more)
        found = self._alike.setdefault(found, found)
        if len(self._alike) > REMEMBERED:
            self._alike.clear()
        if group.kept:
            while len(group.classes) >= REMEMBERED:
                del group.classes[next(iter(group.classes))]
            group.classes[key] = found
        return found

    def _read(self, group: TestGroup, exchange: Exchange, day: date) -> On:
        """What the tests of a group answer on an exchange, as the reference reads it."""
        known = KnownFacts(self.rules, exchange, day)
        undated = KnownFacts(self.rules, exchange, NO_DAY)
        found: list[int] = []
        for test, (must, may) in zip(group.tests, group.slots, strict=True):
            match test:
                case Late(due=due):
                    truth = has_passed(due, known)
                case Undated(atom=atom):
                    truth = undated.test(atom)
                case _:
                    truth = known.test(test)
            found += _on(truth, must, may)
        return tuple(found)

    # Documents

    def _document(self, tests: DocumentTests, cases: Cases, given: list[LaneSet]) -> None:
        """2.3: whether a document counts, by its parts: itself on the day, and each thing that it covers."""
        for must, may in tests.slots.values():
            given[must] = given[may] = 0
        for lanes, document in cases.parts(tests.name):
            if type(document) is Disputed:
                self._whole_document(tests, document, cases, lanes, given)
                continue
            shown = document if type(document) is Document and document.state != "none" else None
            certain, possible = self._counting(tests, shown, cases, lanes) if shown is not None else (0, 0)
            for not_shown, (must, may) in tests.slots.items():
                if shown is None:
                    truth = UNKNOWN if document is Missing.UNKNOWN else not_shown
                    certain, possible = (lanes if truth is YES else 0), (lanes if truth is not NO else 0)
                given[must] |= certain
                given[may] |= possible

    def _counting(self, tests: DocumentTests, document: Document, cases: Cases, lanes: LaneSet) -> tuple[LaneSet, LaneSet]:
        """The lanes, of some in which a document is shown, where it certainly counts, and where it may."""
        fields = document.fields
        dated, expires, covers = fields.get("dated"), fields.get("expires", NO_DAY), fields.get("covers")
        must = may = 0
        for day, there in cases.days.items():
            if not lanes & there:
                continue
            truth = min(
                yes_if(dated <= day) if isinstance(dated, date) else UNKNOWN,
                yes_if(expires >= day) if isinstance(expires, date) else UNKNOWN,
                yes_if(covers) if isinstance(covers, bool) else UNKNOWN,
            )
            must |= lanes & there if truth is YES else 0
            may |= lanes & there if truth is not NO else 0
        for measure in tests.measures:
            if measure.name in fields and may:
                inside = outside = 0

                def within(values: tuple[Value, ...], _: date, measure: Measure = measure) -> Truth:
                    return self._within(measure, fields, values)

                for here, truth in cases.by_class(measure.stated, lanes, False, within):
                    inside |= here if truth is YES else 0
                    outside |= here if truth is NO else 0
                must, may = must & inside, may & (cases.every ^ outside)
            elif measure.must and measure.name not in fields:
                must = 0
        return must, may

    def _whole_document(
        self, tests: DocumentTests, document: Value, cases: Cases, lanes: LaneSet, given: list[LaneSet]
    ) -> None:
        """A disputed document, whose parts hang together, is read whole: under each of its values (1.8)."""
        names = [fact for measure in tests.measures for fact in measure.stated]
        for within, values in cases.together(names, lanes):
            told = {name: each for name, each in zip(names, values, strict=True) if each is not Missing.LEFT_OUT}
            for day, there in cases.days.items():
                if here := within & there:
                    known = KnownFacts(self.rules, Exchange({}, {**told, tests.name: document}), day)
                    for not_shown, (must, may) in tests.slots.items():
                        for place in _on(known.test(tests.atoms[not_shown]), must, may):
                            given[place] |= here

    def _within(self, measure: Measure, fields: Mapping[str, Value], values: Sequence[Value]) -> Truth:
        """Whether what the exchange says lies within what a document states."""
        told = {name: each for name, each in zip(measure.stated, values, strict=True) if each is not Missing.LEFT_OUT}
        known = KnownFacts(self.rules, Exchange({}, told), NO_DAY).value(measure.fact)
        either = (known.stated, known.registered) if isinstance(known, Disputed) else (known,)
        return agreed(measure.within(fields, each) for each in either)


def _stretch(group: TestGroup, day: date) -> Hashable:
    """The same for days on which no test of a group can answer otherwise."""
    return day if group.turns is None else bisect_right(group.turns, day)


def _on(truth: Truth, must: int, may: int) -> tuple[int, ...]:
    """The slots that an answer sets."""
    return () if truth is NO else (may,) if truth is UNKNOWN else (must, may)


def _cuts(tests: Sequence[Test]) -> Sequence[Decimal] | None:
    """The numbers at which some test changes its answer; None where more than such numbers counts."""
    cuts: set[Decimal] = set()
    for test in tests:
        if not isinstance(test, Atom) or test.other or test.not_shown is not None or test.type.kind not in ("count", "ratio"):
            return None
        for operand in test.operands:
            if not isinstance(operand, Decimal):
                return None
            cuts.add(operand)
    return sorted(cuts)


def _places(value: Value, cuts: Sequence[Decimal]) -> Hashable:
    """Where the ends of a range lie among the cuts, between two or on one; of anything else itself."""
    if type(value) is not Range:
        return value_key(value)
    return _place(value.low, cuts), None if value.high is None else _place(value.high, cuts)


def _place(end: Number, cuts: Sequence[Decimal]) -> int:
    at = bisect_left(cuts, end)
    return 2 * at + (at < len(cuts) and cuts[at] == end)


def _fields(tests: Sequence[Test]) -> frozenset[str] | None:
    """The fields of documents that some tests read; None where they read all."""
    found: set[str] = set()
    for test in tests:
        match test:
            case Late(due=Period(after=fact) | OnDay(after=fact)):
                facts: tuple[str, ...] = (fact,)
            case Late():
                facts = ()
            case Undated(atom=atom) | (Atom() as atom):
                facts = (atom.fact, atom.other)
        if any(fact.endswith(COVERS) for fact in facts):
            return None
        found.update(fact.rpartition(".")[2] for fact in facts)
    return frozenset(found)


def _may_be_kept(tests: Sequence[Test]) -> bool:
    """Whether values may be remembered: ids may identify somebody."""
    atoms = (test.atom if isinstance(test, Undated) else test for test in tests)
    return not any(isinstance(each, Atom) and each.type.kind == "id" for each in atoms)
