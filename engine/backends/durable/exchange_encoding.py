"""
Intern an exchange: facts go in, small integers come out, with the tests on them that stand for each atom.

A caller's text or number never reaches durable-rules. A code does, for what the rules can tell apart: a place among the cuts of an
ordered fact, or how a value, a set, a register or a document answers. One test stands for an atom and one for its negation. The same
two tests show what is certain and what is possible; only the message differs. This code is written apart from the reference's tests on
purpose, because the two are compared on every decision.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

from engine.backends.durable.network import PropertyTest
from engine.backends.durable.value_answers import FALSE, MAYBE, TRUE, RegisterWords, ValueAnswer, family_total
from engine.exchange import Exchange
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.rules import AS_OF, Atom, RuleSet, Truth
from engine.values import (
    AMOUNTS,
    Amount,
    AmountRange,
    Disputed,
    Document,
    Duration,
    Missing,
    Range,
)

HIDDEN, UNTOLD, PRESENTED = 0, 1, 2
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
    _words: RegisterWords = field(init=False)

    def __post_init__(self) -> None:
        self._words = RegisterWords(self.rules)

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
            value = day if fact == AS_OF else family_total(exchange, *family) if family else exchange.value(fact)
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
        return self._prop(atom, key, _grade(atom, ValueAnswer(self.rules, atom, self._words)), _either_grade)


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
