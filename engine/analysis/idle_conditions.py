"""
Conditions that always hold in their place, and branches that never hold there: the written conditions of a bundle go in, findings come out.

The place of a condition is all else that its provision tests: beside a condition that must hold, the others that must hold too. A condition
inside a definition has as many places as the definition is used in, and is a finding where it is idle in each. Of two conditions that say
the same the later one is named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from engine.analysis.analysed_bundle import AnalysedBundle
from engine.analysis.finding import Finding
from engine.analysis.written_conditions import WrittenCondition, below, use_of
from engine.policy_language.check import EVERYWHERE
from engine.policy_language.diagnostic import Span
from engine.policy_language.operators import Use
from engine.policy_language.tree import locate
from engine.policy_language.written_effects import in_force
from engine.rules import Condition, Defined, Rule, definitions_named


@dataclass(slots=True)
class _Idle:
    """A condition that was idle in each place so far, with the provisions in whose place it was read."""

    condition: WrittenCondition
    owner: str
    used_by: dict[str, None] = field(default_factory=dict)


def idle_conditions(analysed: AnalysedBundle) -> Iterator[Finding]:
    """Every such finding: of each policy's `applies`, then of each rule that can stand."""
    return _IdleConditions(analysed).run()


class _IdleConditions:
    def __init__(self, analysed: AnalysedBundle) -> None:
        self.analysed = analysed
        self.asked = analysed.asked
        self.idle: dict[tuple[str, Span], _Idle] = {}
        self.needed: set[tuple[str, Span]] = set()  # that are not idle in some place
        self.settled: set[int] = set()  # definitions of which nothing can be idle any more

    def run(self) -> Iterator[Finding]:
        looked = {name for name, file in self.analysed.instruments.files.items() if self.analysed.file in file}
        for policy in self.analysed.instruments:
            if policy in looked or self._reads(Defined(f"{policy}#applies"), looked):
                instrument = self.analysed.instruments[policy]
                applies = self.analysed.written.when(locate(instrument.root, ("applies",))[0], policy, Use.APPLIES)
                now = self.asked.condition(in_force(instrument.text.in_force, instrument.root)).may
                if instrument.text.applies != EVERYWHERE and applies and self.asked.possible(now, self._may(applies)):
                    self._look(applies, [now], policy, policy)
        for rule in self.analysed.every:
            if rule.key not in self.analysed.never and (rule.provision.policy in looked or self._reads(rule.condition, looked)):
                self._rule(rule)
        for (code, at), found in self.idle.items():
            if self.analysed.file in at.file:
                place = found.owner if "/" in found.owner else next(iter(found.used_by))
                yield self.analysed.finding(code, at, place, {"what": found.condition.words}, used_by=found.used_by)

    def _reads(self, condition: Condition, policies: Collection[str]) -> bool:
        """Whether a condition reads a definition of some policies."""
        waiting, seen = list(definitions_named(condition)), set[str]()
        while waiting:
            key = waiting.pop()
            if key not in seen:
                seen.add(key)
                if key.partition("/")[0] in policies:
                    return True
                waiting += definitions_named(self.analysed.bundle.rules.definitions[key])
        return False

    def _rule(self, rule: Rule) -> None:
        policy, node = rule.provision.policy, self.analysed.node(rule.provision.id)
        text = self.analysed.text(rule.provision.id)[2]
        use = use_of(rule)
        when = self.analysed.written.when(node.get("when"), policy, use)
        unless = self.analysed.written.unless(node.get("unless"), policy, use)
        given = [self.asked.formula.condition(rule.condition.parts[0]).may]  # type: ignore[union-attr]
        if text.in_force is not None:
            given.append(self.asked.condition(in_force(text.in_force, node)).may)
        parts = [each for each in (when, unless) if each is not None]
        owner = rule.provision.id
        for number, each in enumerate(parts):
            beside = [self._may(other) for place, other in enumerate(parts) if place != number]
            self._look(each, [*given, *beside], owner, owner)

    def _may(self, condition: WrittenCondition) -> int:
        if condition.kind == "none":
            return -self.asked.gates.either(self.asked.condition(part.means).must for part in condition.parts)
        return self.asked.condition(condition.means).may

    def _look(self, condition: WrittenCondition, given: Sequence[int], owner: str, rule: str) -> None:
        """Look at what stands below a condition, where some literals hold."""
        if id(condition) in self.settled:
            return
        match condition.kind:
            case "all":
                within = condition.definition or owner
                kept = list(condition.parts)
                for part in reversed(condition.parts):
                    rest = [self._may(each) for each in kept if each is not part]
                    place = [*given, *rest]
                    if condition.definition:
                        self._inner(part, given, condition.definition, rule)
                        continue
                    self._needed("never-holds", part)
                    if self._note("always-holds", part, self._always(place, part), within, rule):
                        kept.remove(part)
                        continue
                    self._look(part, place, within, rule)
            case "any" | "none":
                for part in condition.parts:
                    if self.asked.possible(*given, self._may(part)):
                        self._needed("never-holds", part)
                        self._look(part, given, owner, rule)
                    else:
                        culprit, within = self._culprit(part, given, owner)
                        self._note("never-holds", culprit, True, within, rule)

    def _inner(self, condition: WrittenCondition, given: Sequence[int], definition: str, rule: str) -> None:
        """What a definition says, where it is used; once nothing of it can be idle any more, it is passed over."""
        if id(condition) in self.settled:
            return
        self._needed("never-holds", condition)
        self._look(condition, given, definition, rule)
        inner = {each.at for each in below(condition)}
        if inner.isdisjoint(at for _, at in self.idle):
            self.settled.add(id(condition))

    def _culprit(self, condition: WrittenCondition, given: Sequence[int], owner: str) -> tuple[WrittenCondition, str]:
        """Of a condition that cannot hold, the part that cannot by itself, and what it stands in."""
        within = condition.definition or owner
        if condition.kind == "all":
            for part in condition.parts:
                if not self.asked.possible(*given, self._may(part)):
                    return self._culprit(part, given, within)
        return condition, owner

    def _needed(self, code: str, condition: WrittenCondition) -> None:
        """Note that a condition, or a part that would be named in its stead, is not idle in some place."""
        key = code, condition.at
        self.needed.add(key)
        self.idle.pop(key, None)

    def _always(self, given: Sequence[int], condition: WrittenCondition) -> bool:
        """
        Whether a condition excludes nothing where some literals may hold: no complete exchange, and none that leaves something out.

        A condition that excludes only exchanges that leave something out is no idle one: it answers where the others ask.
        """
        excluded = -self._may(condition)
        return not self.asked.possible(*given, excluded) and not self.asked.possible(*given, excluded, partial=True)

    def _note(self, code: str, condition: WrittenCondition, idle: bool, owner: str, rule: str) -> bool:
        """Note whether a condition is idle in one more place; whether it is so in every place so far."""
        key = code, condition.at
        if not idle or key in self.needed:
            self._needed(code, condition)
            return idle
        found = self.idle.setdefault(key, _Idle(condition, owner))
        found.used_by[rule] = None
        return True
