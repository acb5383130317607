"""
From the rules that hold to those that stand, the requirements that are met and the duties that are owed, in slots (semantics 3.3 to 3.7).

A signature is one slot, and so is a way that the exchange says it relies on: whether a signature is still bound is worked out outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from engine.backends.lanes.slots import FALSE, NO, TRUE, YES, Pair, Slots
from engine.backends.reference.standing_rules import RuleLinks
from engine.rules import Need, Rule, RuleSet

Signed: TypeAlias = Callable[[str], int]
"""The slot of the lanes in which a provision is signed off, by its id."""


class LiftSlots(NamedTuple):
    """3.7: whether something is surely lifted, and whether it is lifted in doubt."""

    sure: Pair
    doubtful: Pair


class RuleSlots(NamedTuple):
    """Whether a rule stands, whether it stands under a doubtful exemption, and what it lifts itself."""

    stands: Pair
    doubted: Pair
    lifts: LiftSlots


class States(NamedTuple):
    """3.4: the lanes in which a requirement may be unmet, doubtful, met; and those in which it is certainly met."""

    unmet: int
    doubtful: int
    met: int
    sure: int


UNMET, MET = States(TRUE, FALSE, FALSE, FALSE), States(FALSE, FALSE, TRUE, TRUE)


class ProgressSlots(NamedTuple):
    """3.6: whether a duty is done, and whether it is overdue."""

    done: Pair
    overdue: Pair


Owing: TypeAlias = Mapping[str, Pair]
"""Duties by key, each with whether it is owed."""


def stand(
    slots: Slots, rules: Iterable[Rule], links: RuleLinks, holds: Mapping[str, Pair], signed: Signed
) -> dict[str, RuleSlots]:
    """3.3: a rule stands where it holds and no standing rule exempts it; exempters come first."""
    standing: dict[str, RuleSlots] = {}
    for rule in rules:
        standing[rule.key] = stands(slots, rule, links, holds[rule.key], standing, signed)
    return standing


def stands(
    slots: Slots, rule: Rule, links: RuleLinks, holds: Pair, standing: Mapping[str, RuleSlots], signed: Signed
) -> RuleSlots:
    """3.3, 4.2: how one rule stands, given how those before it do."""
    if rule.otherwise:
        silent = slots.inverse(slots.any_of(standing[key].stands for key in rule.otherwise))
        return RuleSlots(slots.all_of((holds, silent)), NO, LiftSlots(NO, NO))
    exempted = strongest(slots, (standing[each.key].lifts for each in links.exempters.get(rule.key, ())))
    standing_here = slots.all_of((holds, slots.inverse(exempted.sure)))
    doubted = slots.all_of((standing_here, exempted.doubtful))
    return RuleSlots(standing_here, doubted, lifts(slots, rule, standing_here, doubted, signed))


def lifts(slots: Slots, rule: Rule, stands: Pair, doubted: Pair, signed: Signed) -> LiftSlots:
    """3.7, 4.3, 4.6: what a rule lifts surely, and what in doubt."""
    surely = LiftSlots(slots.all_of((stands, slots.inverse(doubted))), doubted)
    if not rule.doubtful and rule.effect != "doubts":
        return surely
    accepted = slots.both(signed(rule.provision.id), slots.less(stands.must, doubted.may))
    if rule.doubtful:
        # What is accepted stands for certain and nothing doubts it.
        left = LiftSlots(Pair(accepted, accepted), Pair(slots.less(stands.must, accepted), slots.less(stands.may, accepted)))
    else:
        left = surely
    if rule.effect == "doubts":
        return LiftSlots(*(Pair(slots.less(each.must, accepted), slots.less(each.may, accepted)) for each in left))
    return left


def strongest(slots: Slots, lifts: Iterable[LiftSlots]) -> LiftSlots:
    """Several lifts of one thing together."""
    every = tuple(lifts)
    return LiftSlots(slots.any_of(each.sure for each in every), slots.any_of(each.doubtful for each in every))


def states(slots: Slots, lifted: LiftSlots) -> States:
    """3.4, 3.7: the states in which a requirement may be."""
    unsure = slots.neither(lifted.sure.must)
    return States(
        slots.less(unsure, lifted.doubtful.must), slots.both(unsure, lifted.doubtful.may), lifted.sure.may, lifted.sure.must
    )


def together(slots: Slots, every: Iterable[Owing]) -> dict[str, Pair]:
    """3.5: all duties of several ways or rules."""
    owing: dict[str, Pair] = {}
    for each in every:
        for key, owed in each.items():
            owing[key] = slots.any_of((owing.get(key, NO), owed))
    return owing


class WaySlots(NamedTuple):
    """3.5: a way of meeting a need: where it may be met, where it certainly is, where the exchange names it, and its duties."""

    possible: int
    sure: int
    named: int
    duties: Owing


@dataclass(frozen=True, slots=True)
class NeedSlots:
    """Whether needs are met, and which duties come with the way that is relied on."""

    slots: Slots
    rules: RuleSet
    links: RuleLinks
    standing: Mapping[str, RuleSlots]
    requirements: Mapping[str, States]
    progress: Mapping[str, ProgressSlots]

    def states(self, need: Need) -> States:
        """3.4: Kleene over met and unmet, with doubt between them."""
        if need.op == "one":
            return self.requirements[need.requirement]
        slots, best = self.slots, need.op == "any_of"
        found = UNMET if best else MET
        for part in need.parts:
            other = self.states(part)
            # The stricter and the milder end of the two; what lies between them is doubtful.
            beside = (found.unmet, other.unmet) if best else (found.met, other.met)
            doubtful = slots.either(
                slots.both(found.doubtful, slots.either(other.doubtful, beside[1])),
                slots.both(other.doubtful, slots.either(found.doubtful, beside[0])),
            )
            of_both, sure = slots.both(*beside), (found.sure, other.sure)
            if best:
                found = States(of_both, doubtful, slots.either(found.met, other.met), slots.either(*sure))
            else:
                found = States(slots.either(found.unmet, other.unmet), doubtful, of_both, slots.both(*sure))
        return found

    def duties(self, need: Need) -> Owing:
        """3.5: `any_of` owes the duties of its way, `all_of` all of them."""
        if need.op == "all_of":
            slots, states = self.slots, self.states(need)
            owing = together(slots, (self.duties(part) for part in need.parts))
            # All of them are owed where all is met; below, what is owed comes of what is met.
            return {key: Pair(slots.both(o.must, states.sure), slots.both(o.may, states.met)) for key, o in owing.items()}
        if need.op == "any_of":
            parts = [(self.states(part), part) for part in need.parts]
            return self.relied_on([WaySlots(each.met, each.sure, self.named(part), self.duties(part)) for each, part in parts])
        return self.relied_on(self.ways(need.requirement))

    def ways(self, requirement: str) -> list[WaySlots]:
        """3.4, 3.5: first an exemption from the requirement, which has no duties, then each ground."""
        excused = strongest(self.slots, (self.standing[rule.key].lifts for rule in self.links.excusers[requirement])).sure
        ways = [WaySlots(excused.may, excused.must, FALSE, {})]
        for rule in self.links.grounds[requirement]:
            named = self.slots.either(self.relies(rule.key), self.relies(requirement))
            duties = (*self.rules.requirements[requirement].duties, *rule.duties)
            sure = self.standing[rule.key].lifts.sure
            ways.append(WaySlots(sure.may, sure.must, named, dict.fromkeys((duty.key for duty in duties), YES)))
        return ways

    def named(self, need: Need) -> int:
        """Whether the exchange says that it relies on a requirement within a need, or on a ground of one."""
        grounds = (rule.key for name in need.requirements() for rule in self.links.grounds[name])
        return self.slots.either(*map(self.relies, (*need.requirements(), *grounds)))

    def relies(self, name: str) -> int:
        return self.slots.given(("relies", name))

    def relied_on(self, ways: Sequence[WaySlots]) -> Owing:
        """3.5: the duties of the way named, else of the first met with no duty overdue, else of the first met."""
        slots = self.slots
        if not any(way.duties for way in ways):
            return {}
        chosen: list[int] = []
        undecided = earlier = FALSE
        reached = TRUE  # every possible way before is met, and something of it is overdue
        for way in ways:
            late = slots.any_of(slots.all_of((owed, self.progress[key].overdue)) for key, owed in way.duties.items())
            here, decides = slots.both(reached, way.possible), slots.less(way.sure, late.may)
            undecided = slots.either(undecided, slots.less(here, decides, slots.both(way.sure, late.must)))
            chosen.append(slots.both(here, decides))
            reached = slots.less(reached, slots.less(way.possible, slots.both(way.sure, late.must)))
        first = []
        for way in ways:
            first.append(slots.less(slots.both(reached, way.possible), earlier))
            earlier = slots.either(earlier, way.possible)
        picked = []
        earlier_named, named = FALSE, slots.either(*(slots.both(way.possible, way.named) for way in ways))
        undecided = slots.less(undecided, named)
        for way, by_order, by_default in zip(ways, chosen, first, strict=True):
            # Where a way is named, it alone counts.
            by_name = slots.less(slots.both(way.possible, way.named), earlier_named)
            earlier_named = slots.either(earlier_named, by_name)
            undecided = slots.either(undecided, slots.less(by_name, way.sure))
            picked.append(slots.either(slots.both(by_name, way.sure), slots.less(slots.either(by_order, by_default), named)))
        found: dict[str, Pair] = {}
        for key in dict.fromkeys(key for way in ways for key in way.duties):
            mine = [
                (way.possible, way.duties[key], where) for way, where in zip(ways, picked, strict=True) if key in way.duties
            ]
            may_be = slots.either(*(slots.both(possible, owed.may) for possible, owed, _ in mine))
            must = slots.either(*(slots.both(where, owed.must) for _, owed, where in mine))
            may = slots.either(*(slots.both(where, owed.may) for _, owed, where in mine))
            found[key] = Pair(must, slots.either(may, slots.both(undecided, may_be)))
        return found
