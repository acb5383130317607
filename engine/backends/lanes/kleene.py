"""
ConditionSlots to slots: the definitions of a rule set in their order, then any condition over them (semantics 2.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from datetime import date

from engine.backends.lanes.fact_tests import Late, Test, Undated, reads_the_day, sources
from engine.backends.lanes.slots import NO, UNKNOWN, YES, Pair, Slots
from engine.rules import AS_OF, All, AnyOf, Atom, Condition, Defined, Due, Earliest, Not, OnDate, OnDay, Period, RuleSet
from engine.values import Type

ORDER = ("at_least", "at_most", "more_than", "less_than")


class ConditionSlots:
    """
    Lowers the conditions of one rule set. `tests` has what was met on the way, each with its pair.

    `undated` are the same tests read on no day, for what cannot be true together.
    """

    def __init__(self, slots: Slots, rules: RuleSet, undated: bool = False) -> None:
        self.slots = slots
        self.rules = rules
        self.undated = undated
        self.renamed: Mapping[str, str] = {}
        self.tests: dict[Test, Pair] = {}
        self.defined: dict[str, Pair] = {}
        for key, condition in rules.definitions.items():  # each uses only earlier ones
            self.defined[key] = self(condition)

    def beside(self, rules: RuleSet, renamed: Mapping[str, str]) -> ConditionSlots:
        """
        The same for changed rules in the same slots, whose definitions read as here until they are lowered anew.

        A register that is `renamed` is read under another name.
        """
        made = copy(self)
        made.rules, made.renamed, made.defined = rules, renamed, dict(self.defined)
        return made

    def __call__(self, condition: Condition) -> Pair:
        match condition:
            case Atom(op="open"):
                return UNKNOWN
            case Atom():
                return self.test(Undated(condition) if self.undated and reads_the_day(condition, self.rules) else condition)
            case Defined(key=key):
                return self.defined[key]
            case Not(part=part):
                return self.slots.inverse(self(part))
            case All(parts=parts):
                return self.slots.all_of(map(self, parts))
            case AnyOf(parts=parts):
                return self.slots.any_of(map(self, parts))

    def test(self, test: Test) -> Pair:
        """The pair of a test; it is given."""
        if self.renamed and isinstance(test, Atom) and test.register in self.renamed:
            test = replace(test, register=self.renamed[test.register])
        found = self.tests.get(test)
        if found is None:
            # The day is known, and so is whether it lies before another one. Lengths of time may end on one of two days (2.9).
            known = isinstance(test, Atom) and test.fact == AS_OF and test.op in ORDER and not sources(test, self.rules)
            slot = self.slots.given(("day", test)) if known else 0
            found = self.tests[test] = Pair(slot, slot) if known else self.slots.pair(test)
        return found

    def late(self, due: Due | None) -> Pair:
        """3.6: whether a last day has passed; of several days, whether the earliest has."""
        match due:
            case None:
                return NO
            case Earliest(parts=parts):
                return self.slots.any_of(map(self.late, parts))
            case OnDate() | Period() | OnDay():
                return self.test(Late(due))

    def from_day(self, day: date) -> Pair:
        """Whether the day is `day` or later."""
        return YES if day == date.min else self.test(Atom(AS_OF, Type("date"), "at_least", (day,)))
