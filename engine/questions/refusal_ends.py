"""
What would end each reason for a refusal, as a tree of tests beside those of the ways (`ways`).

A rule that refuses ends where it holds no longer, where something exempts from it, or where what it requires is met; a duty that is overdue
where it is done, or owed no more. Nothing doubtful ends anything, since it leaves a review (semantics 3.7). So of what lifts, every rule
that exempts from it, surely or in doubt, must be exempted itself or not hold. Trees are made with the bundle, and read by `taken_ways`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import chain
from typing import TypeAlias

from engine.backends.lanes.lane_cases import LaneSet
from engine.backends.lanes.lane_outcomes import LaneOutcomes
from engine.backends.reference.three_values import KnownFacts
from engine.exchange import Exchange
from engine.policy_language.vocabulary import stated_in
from engine.questions.levers import Levers
from engine.questions.ways import ALL, ANY, LEAF, Ways
from engine.register_facts import IN_REGISTER
from engine.rules import AS_OF, Duty, Need, Rule, Truth
from engine.values import Value
from engine.verdict import numbers

COVERS = ".covers"
REMEMBERED = 65_536  # words, as single tests read them

Reason: TypeAlias = int | tuple[str, ...]
"""What a refusal is left for: the node of what ends it, or the facts of which one has to change."""


class RefusalEnds:
    """The trees of one bundle. `of_rules` has the node of each rule that may refuse, by number, `of_duties` of each duty, by key."""

    def __init__(self, ways: Ways, levers: Levers) -> None:
        self.ways = ways
        self._levers = levers
        self._rules = ways.bundle.rules
        self._firm: dict[int, int] = {}
        self._number = {rule.key: number for number, rule in enumerate(self._rules.rules)}
        self._exempters: dict[str, list[int]] = {}  # of rules
        self._meeting: dict[str, list[int]] = {}  # grounds and excuses of requirements
        for number, rule in enumerate(self._rules.rules):
            for key in rule.exempts:
                self._exempters.setdefault(key, []).append(number)
            for name in (*rule.satisfies, *rule.excuses):
                self._meeting.setdefault(name, []).append(number)
        refusing = (n for n, rule in enumerate(self._rules.rules) if rule.effect in ("prohibit", "review") or rule.need)
        self.of_rules = {number: self._rule_ends(number) for number in refusing}
        self.of_duties = {key: self._duty_ends(duty) for key, duty in self._rules.duties().items() if duty.overdue.refused}
        self._names: dict[str, int] = {}
        self._read: dict[int, int] = {}
        self._read_by: dict[int, list[str]] = {}
        self._alone: dict[tuple[int, Value, date], Truth] = {}

    def left(self, outcomes: LaneOutcomes, lanes: LaneSet) -> Sequence[list[Reason]]:
        """What each of some lanes is refused for, or may be: where no rule and no duty is, the facts by which law is silent."""
        found: list[list[Reason]] = [[] for _ in range(outcomes.count)]
        some = 0
        if lanes:
            for number, node in self.of_rules.items():
                here = outcomes.standing[number][1] & lanes
                need = self._rules.rules[number].need
                if here and need is not None:
                    here &= outcomes.every ^ _met(need, outcomes)
                some |= self._add(node, here, found)
            for key, node in self.of_duties.items():
                if here := outcomes.owed.get(key, (0, 0))[1] & lanes:
                    some |= self._add(node, here & outcomes.overdue[key][1], found)
        if silent := lanes & (outcomes.every ^ some):
            places: dict[tuple[str, ...], LaneSet] = {}
            for (place, _), (_, may) in outcomes.silences.items():
                names = self._levers.silencing(place)
                places[names] = places.get(names, 0) | may & silent
            for names, here in places.items():
                self._add(names, here, found)
        return found

    @staticmethod
    def _add(reason: Reason, lanes: LaneSet, found: Sequence[list[Reason]]) -> LaneSet:
        for lane in numbers(lanes):
            found[lane].append(reason)
        return lanes

    def standing(self, number: int) -> int:
        """The node of a rule that holds and from which nothing exempts, surely or in doubt."""
        if number not in self._firm:
            rule = self._rules.rules[number]
            parts = [self.ways.node_of(rule.condition, wanted=True)]
            for each in self._exempters.get(rule.key, ()):  # exempters come first, so this ends
                exempter = self._rules.rules[each]
                gone = self.ways.node_of(exempter.condition, wanted=False)
                parts.append(self.ways.joined(ANY, (gone, *self._exempting(exempter))))
            self._firm[number] = parts[0] if len(parts) == 1 else self.ways.joined(ALL, tuple(parts))
        return self._firm[number]

    def _rule_ends(self, number: int) -> int:
        rule = self._rules.rules[number]
        parts = [self.ways.node_of(rule.condition, wanted=False), *self._exempting(rule)]
        parts += [self.standing(self._number[key]) for key in rule.otherwise]
        return self.ways.joined(ANY, (*parts, *([self._met(rule.need)] if rule.need else ())))

    def _exempting(self, rule: Rule) -> list[int]:
        return [self.standing(each) for each in self._exempters.get(rule.key, ()) if self._sure(self._rules.rules[each])]

    def _met(self, need: Need) -> int:
        if need.op == "one":
            meeting = [each for each in self._meeting.get(need.requirement, ()) if self._sure(self._rules.rules[each])]
            return self.ways.joined(ANY, tuple(map(self.standing, meeting)))
        return self.ways.joined(ANY if need.op == "any_of" else ALL, tuple(map(self._met, need.parts)))

    def _duty_ends(self, duty: Duty) -> int:
        parts = [self.ways.node_of(duty.done_when, wanted=True)] if duty.done_when is not None else []
        owing = [n for n, rule in enumerate(self._rules.rules) if rule.effect == "oblige" and duty in rule.duties]
        ended = [self.ways.joined(ANY, (self._rule_ends(each),)) for each in owing]
        return self.ways.joined(ANY, (*parts, *([self.ways.joined(ALL, tuple(ended))] if ended else ())))

    @staticmethod
    def _sure(rule: Rule) -> bool:
        return not rule.doubtful and rule.effect != "doubts"

    # What trees read

    def reads(self, node: int) -> int:
        """What the tests of a tree read, as bits of what an exchange states (`bit`)."""
        found = self._read.get(node)
        if found is None:
            found = 0
            if self.ways.kind(node) == LEAF:
                for name in self.read_by(self.ways.parts(node)[0]):
                    found |= self.bit(name)
            else:
                for part in self.ways.parts(node):
                    found |= self.reads(part)
            self._read[node] = found
        return found

    def read_by(self, test: int) -> list[str]:
        """The facts, documents and claims by which a test reads."""
        found = self._read_by.get(test)
        if found is None:
            atom, rules = self.ways.atoms[test], self._rules
            read = [stated_in(fact.removesuffix(IN_REGISTER)) for fact in (atom.fact, atom.other) if fact and fact != AS_OF]
            for fact in (atom.fact, atom.other):
                if atom.op == "counts" or fact.endswith(COVERS):
                    read += [name for each in rules.measures.get(fact.removesuffix(COVERS), ()) for name in each.stated]
            every = chain(*(rules.families.get(name, ("", (name,)))[1] for name in read))
            found = self._read_by[test] = list(dict.fromkeys(every))
        return found

    def alone(self, test: int, name: str, value: Value, as_of: date) -> Truth:
        """How a test reads that reads one fact alone, or one document; of words it is kept."""
        atom = self.ways.atoms[test]
        kept = isinstance(value, str) and atom.type.kind != "id"  # ids may identify somebody
        found = self._alone.get((test, value, as_of)) if kept else None
        if found is None:
            found = KnownFacts(self._rules, Exchange({}, {name: value}), as_of).test(atom)
            if kept:
                if len(self._alone) >= REMEMBERED:
                    self._alone.clear()
                self._alone[test, value, as_of] = found
        return found

    def bit(self, name: str) -> int:
        """The bit of a fact, a document or a claim."""
        return self._names.setdefault(name, 1 << len(self._names))


def _met(need: Need, outcomes: LaneOutcomes) -> LaneSet:
    """The lanes in which a need is certainly met."""
    if need.op == "one":
        return outcomes.requirements[need.requirement].sure
    found = 0 if need.op == "any_of" else outcomes.every
    for part in need.parts:
        found = found | _met(part, outcomes) if need.op == "any_of" else found & _met(part, outcomes)
    return found
