"""
The verdicts of changed rules, written into the slots of the unchanged ones.

Checked rules go in once, then changed ones, one after another; of each what it leaves in other slots comes out. Code is hash-consed, so
what a change does not reach is the same slot: where no slot differs, no exchange can tell the rules apart, and where some do, only the new
operations have to be run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from copy import copy
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

from engine.backends.lanes.fact_tests import Test
from engine.backends.lanes.kleene import ConditionSlots
from engine.backends.lanes.lane_program import ProgramLowering
from engine.backends.lanes.slots import NO, Pair
from engine.backends.lanes.standing_slots import NeedSlots, RuleSlots, stands, states, strongest
from engine.backends.lanes.thresholds import NOTHING, Ends, Thresholds
from engine.backends.reference.standing_rules import RuleLinks
from engine.policy_language.coherence import Never
from engine.policy_language.vocabulary import Vocabulary
from engine.policy_language.written_effects import PolicySettings
from engine.rules import ALWAYS, Condition, Duty, Floor, Rule, RuleSet, definitions_named, tests

Part: TypeAlias = Literal["defined", "holds", "stands", "doubted", "requirements", "owed", "overdue", "raised", "bounds"]


class VerdictMove(NamedTuple):
    """One part of a verdict that is in other slots: its kind, the key of what it is of, and the slots before and after."""

    part: Part
    key: str
    before: tuple[int, ...]
    after: tuple[int, ...]


class ChangedVerdicts(ProgramLowering):
    """The code of some rules, and of changes of them. `signed` and what travelled are given, as in every program."""

    def __init__(
        self,
        rules: RuleSet,
        vocabulary: Vocabulary | None = None,
        coherence: Iterable[Never] = (),
        settings: PolicySettings | None = None,
    ) -> None:
        super().__init__(rules, vocabulary, tuple(coherence), settings or PolicySettings())
        self.by_key = {rule.key: rule for rule in rules.rules}
        self.holds = {rule.key: self.conditions(rule.condition) for rule in rules.rules}
        self.standing, self.needs, self.thresholds = self._strata(self.holds, self._signed)
        self.owing: dict[str, Mapping[str, Pair]] = {}  # by rule, the duties that it may bring
        self.raised: dict[str, Ends] = {}
        for rule in rules.rules:
            alone = Thresholds(self.slots, self.standing, self.needs, self.duties, self.progress)
            self.raised[rule.key] = self._reviewed(rule, alone.of(rule), self.standing)
            self.owing[rule.key] = alone.owing
        self.owed = self._owed(self.owing)
        self.bounds = self._on_floors(self._by_jurisdiction(self.raised, self.thresholds), self.thresholds, None)
        self._relations()

    @property
    def inputs(self) -> Mapping[object, int]:
        """The slots that are given, by name."""
        return self.slots.inputs

    @property
    def tests(self) -> Mapping[Test, Pair]:
        """The pair of each test, those of changed rules among them."""
        return self.conditions.tests

    def _relations(self) -> None:
        """Who rests on whom, so that only what a change reaches is lowered again."""
        self.silenced: dict[str, list[str]] = defaultdict(list)  # by a rule, those that stand only where it does not
        self.needing: dict[str, set[str]] = defaultdict(set)  # by a requirement, the rules that ask for it
        self.bringing: dict[str, set[str]] = defaultdict(set)  # by a duty, the rules that may bring it
        self.in_jurisdiction: dict[str, list[str]] = defaultdict(list)
        for rule in self.rules.rules:
            for key in rule.otherwise:
                self.silenced[key].append(rule.key)
            for name in rule.need.requirements() if rule.need else ():
                self.needing[name].add(rule.key)
            for key in self.owing[rule.key]:
                self.bringing[key].add(rule.key)
            self.in_jurisdiction[rule.provision.jurisdiction].append(rule.key)
        self.of_duty: dict[str, set[str]] = defaultdict(set)  # by a duty, the requirements with which it comes
        self.ends: dict[str, set[str]] = defaultdict(set)  # by a definition, the duties that it ends
        for requirement in self.rules.requirements.values():
            for duty in (*requirement.duties, *(each for rule in self.links.grounds[requirement.id] for each in rule.duties)):
                self.of_duty[duty.key].add(requirement.id)
        for duty in self.duties.values():
            for key in definitions_named(duty.done_when) if duty.done_when else ():
                self.ends[key].add(duty.key)

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The number of each rule, by its key."""
        return {rule.key: number for number, rule in enumerate(self.rules.rules)}

    @cached_property
    def users(self) -> Mapping[str, Set[str]]:
        """By a definition, the keys of the definitions and rules that rest on it, directly or through others."""
        found: dict[str, set[str]] = {key: set() for key in self.rules.definitions}
        rests: dict[str, set[str]] = {}
        for key, condition in (*self.rules.definitions.items(), *((rule.key, rule.condition) for rule in self.rules.rules)):
            # Definitions come in an order in which each uses only earlier ones.
            rests[key] = {name for used in definitions_named(condition) for name in (used, *rests[used])}
            for name in rests[key]:
                found[name].add(key)
        return found

    @cached_property
    def testing(self) -> Mapping[str, Set[str]]:
        """By a register, the keys of the definitions and rules of which a test reads it."""
        found: dict[str, set[str]] = defaultdict(set)
        none: dict[str, Condition] = defaultdict(lambda: ALWAYS)
        for key, condition in (*self.rules.definitions.items(), *((rule.key, rule.condition) for rule in self.rules.rules)):
            for atom in tests(condition, none):
                if atom.register:
                    found[atom.register].add(key)
        return found

    def expect(self, rules: RuleSet, renamed: Mapping[str, str]) -> None:
        """Give slots to the tests that changed rules have and others have not. `given` has to tell all of them before any is lowered."""
        conditions = self.conditions.beside(rules, renamed)
        none: dict[str, Condition] = defaultdict(lambda: ALWAYS)
        changed = self._rewritten(rules) | {key for name in renamed for key in self.testing[name]}
        old, new = self.duties, self._duties_of(rules)
        own = [rules.definitions[key] for key in changed if key in rules.definitions]
        own += [rule.condition for rule in rules.rules if rule.key in changed]
        for key, duty in new.items():
            if duty is not old.get(key):
                own += [duty.done_when] if duty.done_when else []
                conditions.late(duty.due)
        for condition in own:
            for atom in tests(condition, none):
                conditions(atom)

    def changed(self, rules: RuleSet, renamed: Mapping[str, str]) -> list[VerdictMove]:
        """What changed rules leave in other slots. Take it back with `forget` before the next."""
        changed = copy(self)
        conditions = changed.conditions = self.conditions.beside(rules, renamed)
        owners = self._rewritten(rules) | {key for name in renamed for key in self.testing[name]}
        reached = owners.union(*(self.users.get(key, ()) for key in owners))
        found: list[VerdictMove] = []
        moved: set[str] = set()  # definitions
        for key in self._in_order(reached):
            pair = conditions.defined[key] = conditions(rules.definitions[key])
            if pair != self.conditions.defined.get(key):
                moved.add(key)
                found.append(VerdictMove("defined", key, self.conditions.defined.get(key, NO), pair))
        duties = self._duties_of(rules)
        progress = dict(self.progress)
        late: set[str] = set()  # duties that are done or overdue elsewhere
        for key, duty in duties.items():
            if (
                duty is not self.duties.get(key)
                or any(key in self.ends[name] for name in moved)
                or (renamed and duty.done_when)
            ):
                progress[key] = changed._progress(duty)
                if progress[key] != self.progress.get(key):
                    late.add(key)
        links = self.links if self._linked_alike(rules, owners) else RuleLinks.of(rules)
        standing, asked, again = self._stand(rules, conditions, links, reached, found)
        asked.update(name for key in late for name in self.of_duty[key])
        again.update(key for key in late for key in self.bringing[key])
        requirements = dict(self.needs.requirements)
        for name in asked:
            lifts = (standing[rule.key].lifts for rule in (*links.grounds[name], *links.excusers[name]))
            requirements[name] = states(self.slots, strongest(self.slots, lifts))
            if requirements[name] != self.needs.requirements[name]:
                found.append(VerdictMove("requirements", name, self.needs.requirements[name], requirements[name]))
            again |= self.needing[name]
        again = again.union(*(self.bringing[duty] for key in again for duty in self.owing[key]))
        needs = NeedSlots(self.slots, rules, links, standing, requirements, progress)
        changed._weigh(rules, Thresholds(self.slots, standing, needs, duties, progress), again, late, moved, found)
        return found

    def _stand(
        self, rules: RuleSet, conditions: ConditionSlots, links: RuleLinks, reached: Set[str], found: list[VerdictMove]
    ) -> tuple[dict[str, RuleSlots], set[str], set[str]]:
        """How rules stand after a change; the requirements that may be met elsewhere, and the rules that may raise something else."""
        standing, asked, again, waiting = dict(self.standing), set[str](), set[str](), set[str]()
        for rule in rules.rules:
            key, before = rule.key, self.by_key[rule.key]
            if rule is before and key not in reached and key not in waiting:
                continue
            holds = self.holds[key]
            if rule is not before or key in reached:
                holds = conditions(rule.condition)
                if holds != self.holds[key]:
                    found.append(VerdictMove("holds", key, self.holds[key], holds))
            if rule is not before:
                again.add(key)
                if rule.exempts != before.exempts:
                    waiting.update(before.exempts, rule.exempts)
                if rule.excuses != before.excuses:
                    asked.update(before.excuses, rule.excuses)
            here = standing[key] = stands(self.slots, rule, links, holds, standing, self._signed)
            if here != self.standing[key]:
                again.add(key)
                waiting.update(rule.exempts, self.silenced[key])
                asked.update(rule.satisfies, rule.excuses)
                old = self.standing[key]
                if old.stands != here.stands:
                    found.append(VerdictMove("stands", key, old.stands, here.stands))
                if old.doubted != here.doubted:
                    found.append(VerdictMove("doubted", key, old.doubted, here.doubted))
        return standing, asked, again

    def _weigh(
        self,
        rules: RuleSet,
        thresholds: Thresholds,
        again: Set[str],
        late: Set[str],
        moved: Set[str],
        found: list[VerdictMove],
    ) -> None:
        """What rules raise after a change, and what comes of it."""
        raised, places = dict(self.raised), set[str]()
        for rule in rules.rules:
            if rule.key in again:
                raised[rule.key] = self._reviewed(rule, thresholds.of(rule), thresholds.standing)
                before, after = self.raised[rule.key], raised[rule.key]
                if before != after:
                    places.add(rule.provision.jurisdiction)
                    found.append(VerdictMove("raised", rule.key, (*before.low, *before.high), (*after.low, *after.high)))
        for key in {duty for rule in again for duty in self.owing[rule]} | thresholds.owing.keys():
            owed, now = self.owed.get(key, NO), thresholds.owing.get(key, NO)
            if owed != now:
                found.append(VerdictMove("owed", key, owed, now))
        for key in late:
            found.append(VerdictMove("overdue", key, self.progress[key].overdue, thresholds.progress[key].overdue))
        floors = {floor.jurisdiction: floor for floor in rules.floors}
        for old in self.rules.floors:
            floor = floors[old.jurisdiction]
            if floor is not old or any(each.subject in moved or not moved.isdisjoint(each.by) for each in floor.spoken):
                places.add(floor.jurisdiction)
        for place in sorted(places):
            ends = thresholds.over(raised[key] for key in self.in_jurisdiction[place])
            ends = self._on_floor(ends, floors.get(place), thresholds)
            before = self.bounds.get(place, NOTHING)
            if ends != before:
                found.append(VerdictMove("bounds", place, (*before.low, *before.high), (*ends.low, *ends.high)))

    def _on_floor(self, ends: Ends, floor: Floor | None, thresholds: Thresholds) -> Ends:
        return thresholds.on_floor(ends, floor.covered, self._permits(floor, None)) if floor else ends

    def _reviewed(self, rule: Rule, ends: Ends, standing: Mapping[str, RuleSlots]) -> Ends:
        if rule.effect != "review":
            return ends
        return self._without(ends, standing[rule.key].stands.must, self._signed(rule.provision.id))

    def _owed(self, owing: Mapping[str, Mapping[str, Pair]]) -> dict[str, Pair]:
        found: dict[str, Pair] = {}
        for each in owing.values():
            for key, pair in each.items():
                found[key] = self.slots.any_of((found.get(key, NO), pair))
        return found

    def _rewritten(self, rules: RuleSet) -> set[str]:
        """The keys of the definitions and rules that are not those of the unchanged rules."""
        old = self.rules.definitions
        found = {key for key, condition in rules.definitions.items() if condition is not old.get(key)}
        return found | {rule.key for rule in rules.rules if rule is not self.by_key[rule.key]}

    def _duties_of(self, rules: RuleSet) -> Mapping[str, Duty]:
        found = {duty.key: duty for rule in rules.rules if rule is not self.by_key[rule.key] for duty in rule.duties}
        return self.duties | found if found else self.duties

    def _linked_alike(self, rules: RuleSet, owners: Set[str]) -> bool:
        named = (rule for rule in rules.rules if rule.key in owners)
        return all(
            (rule.exempts, rule.excuses) == (self.by_key[rule.key].exempts, self.by_key[rule.key].excuses) for rule in named
        )

    @cached_property
    def _order(self) -> Mapping[str, int]:
        return {key: number for number, key in enumerate(self.rules.definitions)}

    def _in_order(self, keys: Iterable[str]) -> list[str]:
        order = self._order
        return sorted((key for key in keys if key not in self.by_key), key=lambda key: order.get(key, len(order)))
