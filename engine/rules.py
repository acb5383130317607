"""
The intermediate representation: frozen, printable rules over atoms, in strata.

`check` writes the rules and the back ends read them; nothing here knows YAML. An atom tests one fact. Conditions are Kleene formulas
over atoms and named definitions. Every name is resolved, every operand has its type, and every test of evidence knows how evidence
that is not shown reads (semantics 2.2). In-force dates are tests of the built-in fact `as_of`. A provision that has an effect and
exempts has become two rules or more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import IntEnum
from typing import Literal, TypeAlias

from engine.values import Duration, ExactRatio, Missing, Operand, Range, SetOf, Type, Value, ValueSet
from engine.values.multilingual import NO_WORDS, Words
from engine.values.outcome_levels import Level

AS_OF = "as_of"
MAX_CHAIN = 50  # of definitions that use one another, or of rules that exempt one another, so that recursion over them is safe


class Truth(IntEnum):
    """Kleene's three values; `and` is min, `or` is max."""

    NO = 0
    UNKNOWN = 1
    YES = 2

    def __invert__(self) -> Truth:
        return _INVERTED[self]


_INVERTED = (Truth.YES, Truth.UNKNOWN, Truth.NO)


class State(IntEnum):
    """How a requirement stands (semantics 3.4); `unknown` is a set of several of these."""

    UNMET = 0
    DOUBTFUL = 1
    MET = 2


@dataclass(frozen=True, slots=True)
class Atom:
    """
    A test of one fact.

    `op` is one of: is (one of `operands`), in (register `register`), has (a set holds one of `operands`, or a member of `register`),
    only (no member outside them), at_least, at_most, more_than, less_than (one operand; for a date it may be `as_of`), within
    and older_than (a date against as_of), counts (a document counts), open (a test of a claim that is
    never settled). `other` is a fact to compare with instead of operands, for `is`
    and the four operators of order, and a set for has, has_all and only (semantics 2.10). `not_shown` is the truth of a test of evidence
    or a claim that is not shown: NO if the test lifts, UNKNOWN if it raises; None for every other fact. `at` is the place where its author
    wrote it, as `file:line`, and no part of the meaning; "" where nobody did.
    """

    fact: str
    type: Type = field(compare=False, repr=False)
    op: str
    operands: tuple[Operand, ...] = ()
    register: str = ""
    other: str = ""  # another fact that this one is compared with, in place of operands
    not_shown: Truth | None = None
    at: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; with no parts, always."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds; with no parts, never."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition


@dataclass(frozen=True, slots=True)
class Defined:
    """A definition by its key. The key ends in its use, such as `!raise` or `!lift`, if the use decides how unshown evidence reads."""

    key: str


Condition: TypeAlias = Atom | All | AnyOf | Not | Defined
ALWAYS = All(())


@dataclass(frozen=True, slots=True)
class Need:
    """What a rule requires: one requirement, or any or all of several (semantics 3.4)."""

    op: str  # "one", "any_of", "all_of"
    requirement: str = ""
    parts: tuple[Need, ...] = ()

    def requirements(self) -> Iterator[str]:
        """Ids in the author's order."""
        if self.op == "one":
            yield self.requirement
        for part in self.parts:
            yield from part.requirements()


@dataclass(frozen=True, slots=True)
class Period:
    """A last day that is a length of time after a date; `after` is a date fact, or as_of."""

    within: Duration
    after: str


@dataclass(frozen=True, slots=True)
class OnDay:
    """The first day of this month and day after a date. In a year without 29 February, 28 February takes its place."""

    month: int
    day: int
    after: str


@dataclass(frozen=True, slots=True)
class OnDate:
    """A fixed day."""

    day: date


@dataclass(frozen=True, slots=True)
class Earliest:
    """The earliest of several last days."""

    parts: tuple[Due, ...]


Due: TypeAlias = Period | OnDay | OnDate | Earliest


@dataclass(frozen=True, slots=True)
class Duty:
    """Something owed (semantics 3.6). `key` is unique in the bundle; `overdue` is the level it raises once its day has passed."""

    key: str
    text: Words
    who: str
    cite: Words = NO_WORDS
    due: Due | None = None
    done_when: Condition | None = None
    overdue: Level = Level.REVIEW
    keep: str = ""
    arises: Literal["exchange", "refusal"] = "exchange"


@dataclass(frozen=True, slots=True)
class Requirement:
    id: str
    jurisdiction: str
    title: Words
    how: Words
    duties: tuple[Duty, ...]


@dataclass(frozen=True, slots=True)
class Provision:
    """What a reader sees of a provision; all rules made from it share this."""

    id: str  # policy/rule
    policy: str
    instrument: Words
    jurisdiction: str
    force: str
    citation: Words
    title: Words
    says: Words
    source: str
    status: str
    file: str = field(repr=False)  # the place in a file is not part of the meaning
    line: int = field(repr=False)
    persons: int = field(default=1, repr=False)  # who sign it off; printed apart, since older bundles do not have it


@dataclass(frozen=True, slots=True)
class Travels:
    """
    What travels with the data to later legs of a plan.

    `condition` says what each later holder of the data must observe. `when` is the key of the definition that a later leg must meet, ""
    if nothing can be tested. `otherwise` is the level of a leg that does not meet it.
    """

    condition: Words
    when: str = ""
    otherwise: Level = Level.REVIEW


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One effect of one provision.

    `effect` is one of prohibit, require, satisfies, oblige, review, advise, compels, allows, exempts, doubts. `condition` joins all of in
    force, applies, when and unless. `exempts` are the keys of rules that this rule exempts from, `excuses` the ids of requirements that it
    lifts, `satisfies` the requirements that a ground meets. `doubtful` marks a lift that only opens a review (semantics 3.7). A rule that
    `doubts` is one of these: its law may not reach the exchange, and a person who signs it off says that it does (4.3). A rule with
    `otherwise` stands only where none of the rules with these keys stands (semantics 4.2); it comes after them, and exempts nothing.
    """

    key: str
    provision: Provision
    effect: str
    condition: Condition
    message: Words = NO_WORDS
    need: Need | None = None
    duties: tuple[Duty, ...] = ()
    satisfies: tuple[str, ...] = ()
    exempts: tuple[str, ...] = ()
    excuses: tuple[str, ...] = ()
    lane: str = ""
    doubtful: bool = False
    travels: Travels | None = None
    otherwise: tuple[str, ...] = ()

    @property
    def lifts(self) -> bool:
        """Whether the rule is a ground, or exempts from what makes the outcome stricter."""
        return self.effect == "satisfies" or self.key.endswith("~lifts")


@dataclass(frozen=True, slots=True)
class Spoken:
    """
    The law on one subject matter: `subject` and `by` are keys of definitions. It speaks where one of `by` holds, and where a person has
    signed for it: then the name `signed` is among what was signed off (semantics 4.6).

    `covered_from` is the day from which the subject matter is covered, None where it is not. `subject` is "" where the law is not told
    apart by subject matter.
    """

    subject: str
    covered_from: date | None
    by: tuple[str, ...]
    signed: str = ""


def signed_floor(jurisdiction: str, subject: str) -> str:
    """The name under which engines are told that a person has signed for a subject matter of a jurisdiction."""
    return f"covered/{jurisdiction}/{subject}"


@dataclass(frozen=True, slots=True)
class Floor:
    """
    What makes a jurisdiction permit: law that speaks of a subject matter of the exchange, and of each one that is covered (semantics 4.2).

    Where it permits, its outcome is at least `permitted`. Where it does not and `covered` is true, its outcome is no permit.
    """

    jurisdiction: str
    spoken: tuple[Spoken, ...]
    covered: bool


@dataclass(frozen=True, slots=True)
class NotReached:
    """A policy's word that it leaves some data alone, where the definition `key` holds (semantics 4.3)."""

    key: str
    policy: str
    jurisdiction: str
    citation: Words
    says: Words


@dataclass(frozen=True, slots=True)
class Measure:
    """
    A field in which a document states what it covers, and the fact of the exchange that must lie within it (semantics 2.3).

    `stated` are the facts that say it: of a family's total the members, else the fact itself. `values` is the value set of both, None for
    numbers and ids. A document that `must` say it and does not leaves open how far it reaches; for any other, absence limits nothing.
    """

    name: str
    fact: str
    stated: tuple[str, ...]
    must: bool
    values: ValueSet | None = field(default=None, compare=False, repr=False)

    def told(self, values: Mapping[str, Value]) -> Value:
        """What an exchange says of the fact. The people of a total are at least those of its largest member (2.7)."""
        each = [values.get(fact, Missing.LEFT_OUT) for fact in self.stated]
        if self.stated == (self.fact,):
            return each[0]
        ranges = [value if isinstance(value, Range) else Range(Decimal(0), None) for value in each]
        highs = [value.high for value in ranges if value.high is not None]
        return Range(max(value.low for value in ranges), sum(highs, Decimal(0)) if len(highs) == len(ranges) else None)

    def within(self, fields: Mapping[str, Value], told: Value) -> Truth:
        """Whether what is told of the fact lies within what a document states: each member, or what lies above it."""
        if self.name not in fields:
            return Truth.UNKNOWN if self.must else Truth.YES
        match fields[self.name], told:
            case Range(low=least, high=most), Range(low=low, high=high):
                surely = high is not None and high <= least
                return Truth.YES if surely else Truth.NO if most is not None and low > most else Truth.UNKNOWN
            case SetOf() as limit, SetOf() | str():
                sent = told if isinstance(told, SetOf) else SetOf(frozenset((told,)))
                inside = [max((self._lies(each, one) for one in limit.members), default=Truth.NO) for each in sent.members]
                known = [max(each, Truth.UNKNOWN) if limit.open else each for each in inside]
                return min([*known, Truth.UNKNOWN if sent.open else Truth.YES])
        return Truth.UNKNOWN

    @staticmethod
    def around(told: Value) -> Value | None:
        """The least that a document can state so that what is told lies within it; None where that is not known."""
        match told:
            case Range(high=Decimal() | ExactRatio() as high):
                return Range.exact(high)
            case SetOf(open=False):
                return told
            case str():
                return SetOf(frozenset((told,)))
        return None

    def _lies(self, sent: str, limit: str) -> Truth:
        """Whether a sent value is a stated one or lies below it; one that may turn out narrower may lie there (2.5)."""
        if self.values is None:
            return Truth.YES if sent == limit else Truth.NO
        if limit in self.values.ancestors(sent):
            return Truth.YES
        return Truth.UNKNOWN if sent in self.values.ancestors(limit) and sent not in self.values.exact else Truth.NO


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    from_: date | None
    until: date | None

    def on(self, day: date) -> bool:
        return (self.from_ is None or self.from_ <= day) and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class Calendar:
    """
    Which days are worked in one place (semantics 2.9).

    `weekend` holds days of the week, Monday is 0. `holidays` are not worked; `workdays` are worked although they fall on a
    weekend. Nothing is known of days before `known_from` and after `known_until`.
    """

    weekend: frozenset[int]
    known_from: date
    known_until: date
    holidays: frozenset[date]
    workdays: frozenset[date]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """
    Everything a back end needs.

    Each of `definitions` uses only earlier ones. `rules` are numbered so that a rule is exempted only by rules before it; rules that this
    leaves equal follow policy id, then position. `registers` maps a register to its entries by value, `calendars` maps the name of a
    calendar to its days. `measures` has for each kind of document, as `evidence.KIND`, what it may state that it covers.
    """

    definitions: dict[str, Condition]
    rules: tuple[Rule, ...]
    requirements: dict[str, Requirement]
    floors: tuple[Floor, ...]
    not_reached: tuple[NotReached, ...]
    registers: dict[str, dict[str, tuple[RegisterEntry, ...]]]
    families: dict[str, tuple[str, tuple[str, ...]]]  # fact of a family's total -> (how parts add up, member facts)
    calendars: dict[str, Calendar]
    measures: dict[str, tuple[Measure, ...]] = field(default_factory=dict)

    def duties(self) -> dict[str, Duty]:
        """Every duty by its key, those of rules first."""
        owners: tuple[Rule | Requirement, ...] = (*self.rules, *self.requirements.values())
        return {duty.key: duty for owner in owners for duty in owner.duties}

    def owners(self) -> dict[str, str]:
        """Whose law each duty is of: its jurisdiction, by its key."""
        found = {duty.key: each.jurisdiction for each in self.requirements.values() for duty in each.duties}
        return found | {duty.key: rule.provision.jurisdiction for rule in self.rules for duty in rule.duties}


def exempted(rules: Sequence[Rule]) -> dict[int, int]:
    """The rules that each rule exempts: of its number, theirs as bits. Rules that exempt nothing are left out."""
    number_of = {rule.key: number for number, rule in enumerate(rules)}
    return {number: sum(1 << number_of[key] for key in rule.exempts) for number, rule in enumerate(rules) if rule.exempts}


def anchors(due: Due | None) -> Iterator[Period | OnDay]:
    """The parts of a last day that depend on a date."""
    match due:
        case Period() | OnDay():
            yield due
        case Earliest(parts=parts):
            for part in parts:
                yield from anchors(part)


def atoms(condition: Condition) -> Iterator[Atom]:
    """The atoms of a condition, without those of the definitions it names."""
    match condition:
        case Atom():
            yield condition
        case All(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from atoms(part)
        case Not(part=part):
            yield from atoms(part)


def definitions_named(condition: Condition) -> Iterator[str]:
    """The keys of the definitions a condition names."""
    match condition:
        case Defined(key=key):
            yield key
        case All(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from definitions_named(part)
        case Not(part=part):
            yield from definitions_named(part)


def bearing(condition: Condition, definitions: Mapping[str, Condition], judge: Callable[[Condition], Truth]) -> Iterator[Atom]:
    """
    The tests that give a condition its truth value.

    Of alternatives one of which holds, those are the tests that hold; of a condition that is open, the tests that are open.
    """
    truth = judge(condition)
    match condition:
        case Atom():
            yield condition
        case Not(part=part):
            yield from bearing(part, definitions, judge)
        case Defined(key=key):
            yield from bearing(definitions[key], definitions, judge)
        case All(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                if judge(part) is truth:
                    yield from bearing(part, definitions, judge)


def tests(condition: Condition, definitions: Mapping[str, Condition], seen: set[str] | None = None) -> Iterator[Atom]:
    """Every atom a condition rests on, through the definitions it names, each definition once; the order is the author's."""
    seen = set() if seen is None else seen
    match condition:
        case Atom():
            yield condition
        case All(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from tests(part, definitions, seen)
        case Not(part=part):
            yield from tests(part, definitions, seen)
        case Defined(key=key) if key not in seen:
            seen.add(key)
            yield from tests(definitions[key], definitions, seen)
