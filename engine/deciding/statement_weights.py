"""
Weights of the statements that a permit rests on: what a reader wants proven first (semantics 4.11).

A bundle goes in once, then a judgement that permits and one of its statements; out comes the weight of the statement. A fact lifted
something where a ground, an exemption or an excuse that stands for certain tests it, and what is lifted does not test it in the same way:
what both test, such as the countries or whether the data are personal, decides whether the law is asked at all, and is ordinary.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from enum import IntEnum
from functools import cache
from typing import NamedTuple, TypeAlias

from engine.backends.lanes.fact_tests import COVERS
from engine.bundle import Bundle
from engine.deciding.judgement import Judgement
from engine.exchange import Exchange
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.register_facts import SHOWN
from engine.rules import Condition, Defined, Truth, bearing, exempted
from engine.values import Document, Missing, Operand, Value
from engine.verdict import numbers

DOCUMENTS = tuple(f"{group}." for group in DOCUMENT_GROUPS)
RELIES_ON = "relies_on"
REMEMBERED = 4_096  # combinations of truth values of the tests of one rule
STATED, COUNTED, SIGNED, ACCEPTED = "stated", "counted", "signed", "accepted"


class Weight(IntEnum):
    """What a reader wants proven first comes first."""

    UNPROVEN = 0  # a claim or a document that nobody has shown
    LIFTING = 1  # something was lifted or left out by it: a fact, a document that is shown, the ways relied on, an approval
    COUNT = 2
    ORDINARY = 3


class _Test(NamedTuple):
    """A test of a fact."""

    fact: str
    other: str
    op: str
    operands: tuple[Operand, ...]
    register: str


class _Tested(NamedTuple):
    """The tests that make a rule hold or not; the facts that they read, and the documents whether these cover what they have to."""

    tests: frozenset[_Test]
    read: frozenset[str]


TestedRules: TypeAlias = Callable[[int], _Tested]


class Weights:
    """Weighs statements under one bundle. Made once."""

    def __init__(self, bundle: Bundle) -> None:
        self._vocabulary = bundle.vocabulary
        self._places = frozenset(touch.fact for touch in bundle.vocabulary.touches)
        self._rules = bundle.rules
        rules = bundle.rules.rules
        self._lifting = sum(1 << n for n, rule in enumerate(rules) if rule.satisfies or rule.exempts or rule.excuses)
        self._victims = exempted(rules)
        self._needing: dict[str, int] = {}  # by requirement, the rules that need it
        for number, rule in enumerate(rules):
            for name in rule.need.requirements() if rule.need else ():
                self._needing[name] = self._needing.get(name, 0) | 1 << number
        self._known: dict[tuple[int, Hashable], _Tested] = {}

    def of(self, name: str, source: str, exchange: Exchange, lifting: frozenset[str]) -> Weight:
        """The weight of a statement; `lifting` is as `lifting` finds it."""
        if source in (SIGNED, ACCEPTED) or name == RELIES_ON:
            return Weight.LIFTING
        if name.startswith(DOCUMENTS):
            if says_something(exchange.values.get(name, Missing.LEFT_OUT)):
                return Weight.LIFTING if source == SHOWN else Weight.UNPROVEN
            return Weight.ORDINARY
        if name in lifting:
            return Weight.LIFTING
        family = self._vocabulary.families.get(name.removesuffix(".rest"), ())
        fact = self._vocabulary.facts.get(family[0] if family else name)
        return Weight.COUNT if source == COUNTED or (fact is not None and fact.type.kind == "count") else Weight.ORDINARY

    def tested(self, judgement: Judgement) -> TestedRules:
        """What makes each rule hold or not in a judgement, read when it is first asked for."""
        reading, rules, known = judgement.reading, self._rules, self._known

        @cache
        def tested(number: int) -> _Tested:
            key = (number, reading.seen(number))
            found = known.get(key)
            if found is None:
                if len(known) >= REMEMBERED:
                    known.clear()
                tests = self._tests(rules.rules[number].condition, judgement)
                read = (fact for test in tests for fact in (test.fact, test.other, test.fact.removesuffix(COVERS)) if fact)
                found = known[key] = _Tested(tests, frozenset(read))
            return found

        return tested

    def lifting(self, judgement: Judgement, tested: TestedRules) -> frozenset[str]:
        """The statements by which something was lifted or left out."""
        verdict, rules = judgement.verdict, self._rules.rules
        found: set[_Test] = set()
        for number in numbers(verdict.stands.certain & self._lifting):
            lifted = self._victims.get(number, 0)
            for name in (*rules[number].satisfies, *rules[number].excuses):
                lifted |= self._needing.get(name, 0)
            asked = [tested(each).tests for each in numbers(lifted & verdict.holds.possible)]
            if asked:
                found |= tested(number).tests.difference(*asked)
        for each in self._rules.not_reached:
            if each.jurisdiction in judgement.outcome.coverage.jurisdictions and verdict.defined[each.key] is Truth.YES:
                told = self._tests(Defined(each.key), judgement)
                found |= {test for test in told if test.fact not in self._places}
        return frozenset(name for test in found for name in self._statements(judgement.exchange, test))

    def _tests(self, condition: Condition, judgement: Judgement) -> frozenset[_Test]:
        """The tests that make a condition as it is, whatever they read where something is not shown."""
        told = bearing(condition, self._rules.definitions, judgement.reading)
        return frozenset(_Test(atom.fact, atom.other, atom.op, atom.operands, atom.register) for atom in told)

    def _statements(self, exchange: Exchange, test: _Test) -> Iterator[str]:
        """The statements that a test reads."""
        for fact in (test.fact, test.other):
            for member in self._rules.families.get(fact, ("", (fact,)))[1]:
                for key in key_of_value(exchange, member):
                    yield from exchange.follows.get(key, (key,))


def says_something(value: Value) -> bool:
    """Whether a value says something, and not that there is no document."""
    return not isinstance(value, Missing) and not (isinstance(value, Document) and value.state == "none")


def key_of_value(exchange: Exchange, fact: str) -> Iterator[str]:
    """The key under which the exchange holds the value of a fact: its own, or that of the document that it is a field of."""
    yield from (key for key in (fact, fact.rpartition(".")[0]) if key in exchange.values)
