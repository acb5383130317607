"""
Semantics 3: from the rules that hold to those that stand, the requirements that are met, and the duties that are owed.

Each function cites the numbers of the sentences that it implements.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, TypeAlias

from engine.backends.reference.three_values import NO, UNKNOWN, YES, KnownFacts, RuleSetReading, agreed, yes_if
from engine.policy_language.calendars import first_after
from engine.rules import Due, Duty, Earliest, Need, OnDate, OnDay, Period, Rule, RuleSet, State, Truth
from engine.values import Disputed, Value

UNMET, DOUBTFUL, MET = (frozenset((state,)) for state in State)


@dataclass(frozen=True, slots=True)
class RuleLinks:
    """The rules that exempt each rule, the rules that excuse from each requirement, its grounds, and every duty by its key."""

    exempters: Mapping[str, Sequence[Rule]]
    excusers: Mapping[str, Sequence[Rule]]
    grounds: Mapping[str, Sequence[Rule]]  # by policy id, then position (3.5)
    duties: Mapping[str, Duty]

    @classmethod
    def of(cls, rules: RuleSet) -> RuleLinks:
        none: dict[str, list[Rule]] = {name: [] for name in rules.requirements}
        in_order = sorted(rules.rules, key=lambda rule: (rule.provision.policy, rule.provision.line))
        return cls(
            exempters=_naming(rules.rules, lambda rule: rule.exempts),
            excusers=none | _naming(rules.rules, lambda rule: rule.excuses),
            grounds=none | _naming(in_order, lambda rule: rule.satisfies),
            duties=rules.duties(),
        )


def _naming(rules: Iterable[Rule], names: Callable[[Rule], Sequence[str]]) -> dict[str, list[Rule]]:
    table: dict[str, list[Rule]] = {}
    for rule in rules:
        for name in names(rule):
            table.setdefault(name, []).append(rule)
    return table


class Lifted(NamedTuple):
    """3.7: whether something is surely lifted, and whether it is lifted in doubt."""

    sure: Truth
    doubtful: Truth


class RuleStanding(NamedTuple):
    """Whether a rule stands, whether it stands under a doubtful exemption, and what it lifts itself."""

    stands: Truth
    doubted: Truth
    lifts: Lifted


def stand(
    rules: Iterable[Rule], links: RuleLinks, holds: Mapping[str, Truth], signed: frozenset[str]
) -> dict[str, RuleStanding]:
    """
    3.3: a rule stands where it holds and no standing rule exempts it. Rules come in order: exempters before those they exempt.

    4.2: what a policy says `otherwise` stands where it holds and none of the policy's rules, which come before it, stands.
    """
    standing: dict[str, RuleStanding] = {}
    for rule in rules:
        if rule.otherwise:
            silent = ~max(standing[key].stands for key in rule.otherwise)
            standing[rule.key] = RuleStanding(min(holds[rule.key], silent), NO, Lifted(NO, NO))
            continue
        exempted = strongest(standing[exempter.key].lifts for exempter in links.exempters.get(rule.key, ()))
        stands = min(holds[rule.key], ~exempted.sure)
        doubted = min(stands, exempted.doubtful)
        standing[rule.key] = RuleStanding(stands, doubted, lifts(rule, stands, doubted, signed))
    return standing


def lifts(rule: Rule, stands: Truth, doubted: Truth, signed: frozenset[str]) -> Lifted:
    """
    3.7, 4.6: a doubtful rule lifts only in doubt, unless a person has signed it off and it certainly stands, itself free of doubt.

    4.3: where the doubt is whether the law reaches the exchange, she says that it does, and nothing is lifted.

    Every other rule lifts surely where it stands and nothing doubts it, and in doubt where it stands in doubt.
    """
    accepted = rule.provision.id in signed and stands is YES and doubted is NO
    if accepted and rule.effect == "doubts":
        return Lifted(NO, NO)
    if rule.doubtful and not accepted:
        return Lifted(NO, stands)
    return Lifted(min(stands, ~doubted), doubted)


def strongest(lifts: Iterable[Lifted]) -> Lifted:
    """Several lifts of one thing together: the strongest sure lift and the strongest doubtful one."""
    sure = doubtful = NO
    for each in lifts:
        sure, doubtful = max(sure, each.sure), max(doubtful, each.doubtful)
    return Lifted(sure, doubtful)


def meet(requirements: Iterable[str], links: RuleLinks, standing: Mapping[str, RuleStanding]) -> dict[str, frozenset[State]]:
    """3.4: a requirement is met where a standing rule satisfies it, or a standing exemption says that it is not owed."""
    return {
        name: states(strongest(standing[rule.key].lifts for rule in (*links.grounds[name], *links.excusers[name])))
        for name in requirements
    }


def states(lifted: Lifted) -> frozenset[State]:
    """3.4, 3.7: the states in which a requirement may be. A doubtful lift meets it only in doubt."""
    if lifted.sure is YES:
        return MET
    met = MET if lifted.sure is UNKNOWN else frozenset()
    return met | {NO: UNMET, UNKNOWN: UNMET | DOUBTFUL, YES: DOUBTFUL}[lifted.doubtful]


class Progress(NamedTuple):
    """3.6: whether a duty is done, and whether it is overdue: not done, though its last day has passed."""

    done: Truth
    overdue: Truth


def progress(duty: Duty, known: KnownFacts, reads: RuleSetReading) -> Progress:
    done = reads(duty.done_when) if duty.done_when else NO
    return Progress(done, min(~done, has_passed(duty.due, known)))


def has_passed(due: Due | None, known: KnownFacts) -> Truth:
    """3.6: whether the last day of a duty has passed; of several days, whether the earliest has."""
    match due:
        case None:
            return NO
        case OnDate(day=day):
            return yes_if(known.as_of > day)
        case Earliest(parts=parts):
            return max(has_passed(part, known) for part in parts)
    start = known.value(due.after)
    if isinstance(start, Disputed):
        return agreed(has_passed_since(due, each, known) for each in (start.stated, start.registered))  # 1.8
    return has_passed_since(due, start, known)


def has_passed_since(due: Period | OnDay, start: Value, known: KnownFacts) -> Truth:
    """3.6: whether the last day of a duty has passed, where it is counted from `start`."""
    if not isinstance(start, date):
        return UNKNOWN
    if isinstance(due, OnDay):
        return yes_if(known.as_of > first_after(start, due.month, due.day))
    if due.within.working_days or due.within.hours % 24:
        return known.has_run_out(due.within, start)
    return yes_if(known.as_of > due.within.after(start))  # a period's last day is the anniversary itself


Owing: TypeAlias = Mapping[str, Truth]
"""Duties by key: YES for a duty that is certainly owed, UNKNOWN for one that may be. A duty that is not owed is left out."""


class WayOf(NamedTuple):
    """3.5: a way of meeting a need. `named`: the exchange says that it relies on this way. `duties`: the duties of this way."""

    states: frozenset[State]
    named: bool
    duties: Owing


@dataclass(frozen=True, slots=True)
class NeedStanding:
    """Whether the need of a rule is met, and which duties come with the way that the exchange relies on."""

    rules: RuleSet
    links: RuleLinks
    relies_on: Collection[str]
    standing: Mapping[str, RuleStanding]
    requirements: Mapping[str, frozenset[State]]
    progress: Mapping[str, Progress]

    def states(self, need: Need) -> frozenset[State]:
        """3.4: Kleene over met and unmet, with doubt between them."""
        if need.op == "one":
            return self.requirements[need.requirement]
        pick, found = (max, UNMET) if need.op == "any_of" else (min, MET)
        for part in need.parts:
            found = frozenset(pick(a, b) for a in found for b in self.states(part))
        return found

    def duties(self, need: Need) -> Owing:
        """3.5: `any_of` owes the duties of its way, `all_of` all of them."""
        if need.op == "all_of":
            return merge_duties(self.duties(part) for part in need.parts)
        if need.op == "any_of":
            return self.relied_on([WayOf(self.states(part), self.named(part), self.duties(part)) for part in need.parts])
        return self.relied_on(self.ways(need.requirement))

    def ways(self, requirement: str) -> list[WayOf]:
        """
        3.4, 3.5: the ways of meeting a requirement, in their order.

        First comes an exemption from the requirement, which has no duties. Then comes each ground, with the duties of the requirement
        and its own.
        """
        excused = strongest(self.standing[rule.key].lifts for rule in self.links.excusers[requirement])
        ways = [WayOf(met_where(excused.sure), False, {})]
        for rule in self.links.grounds[requirement]:
            named = rule.key in self.relies_on or requirement in self.relies_on
            duties = (*self.rules.requirements[requirement].duties, *rule.duties)
            sure = self.standing[rule.key].lifts.sure
            ways.append(WayOf(met_where(sure), named, dict.fromkeys((duty.key for duty in duties), YES)))
        return ways

    def named(self, need: Need) -> bool:
        """Whether the exchange says that it relies on a requirement within a need, or on a ground of one."""
        grounds = (rule.key for name in need.requirements() for rule in self.links.grounds[name])
        return any(way in self.relies_on for way in (*need.requirements(), *grounds))

    def relied_on(self, ways: Sequence[WayOf]) -> Owing:
        """
        3.5: the duties of the way named (of several the first), else of the first met with no duty overdue, else of the first met.

        While an earlier way is unknown, the duties of every possible way may be owed, and none certainly is.
        """
        possible = [way for way in ways if State.MET in way.states]
        undecided = {key: UNKNOWN for way in possible for key in way.duties}
        if named := [way for way in possible if way.named]:
            return named[0].duties if named[0].states == MET else undecided
        for way in possible:
            late = max((min(owed, self.progress[key].overdue) for key, owed in way.duties.items()), default=NO)
            if way.states != MET or late is UNKNOWN:
                return undecided
            if late is NO:
                return way.duties
        return possible[0].duties if possible else {}


def met_where(lifted: Truth) -> frozenset[State]:
    return {YES: MET, UNKNOWN: MET | UNMET, NO: UNMET}[lifted]


def merge_duties(every: Iterable[Owing]) -> dict[str, Truth]:
    """3.5: all duties of several ways or rules. A duty of more than one is owed as surely as by the surest of them."""
    owing: dict[str, Truth] = {}
    for each in every:
        for key, owed in each.items():
            owing[key] = max(owing.get(key, NO), owed)
    return owing
