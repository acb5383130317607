"""
Semantics 4: what each rule raises, and so the bounds of each jurisdiction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from engine.backends.reference.standing_rules import MET, NeedStanding, Owing, Progress, RuleStanding
from engine.backends.reference.three_values import NO, UNKNOWN, YES
from engine.rules import Duty, Floor, Need, Rule, State, Truth
from engine.values.outcome_levels import PERMITTING, Bounds, Level

NOTHING, PERMITTED, _, REVIEW, REQUIREMENTS_UNMET, PROHIBITED = (Bounds(level, level) for level in Level)


class RaisedLevels(NamedTuple):
    """The lowest and the highest level that a rule raises, and the duties that fall due by it."""

    bounds: Bounds
    owing: Owing


RAISES_NOTHING = RaisedLevels(NOTHING, {})


@dataclass(frozen=True, slots=True)
class RuleWeight:
    """What each rule raises, given how rules stand, what is relied on, and which duties are done or overdue."""

    standing: Mapping[str, RuleStanding]
    reliance: NeedStanding
    duties: Mapping[str, Duty]
    progress: Mapping[str, Progress]

    def of(self, rule: Rule) -> RaisedLevels:
        """4.1: the lowest and the highest level that a rule raises; nothing where it does not stand."""
        stands, doubted, _ = self.standing[rule.key]
        if stands is NO:
            return RAISES_NOTHING
        bounds, owing = self.demanded(rule)
        low, high = bounds.low, bounds.high
        if doubted is not NO and high.refused:
            # 3.7: a doubtful exemption makes a review of a requirement, and adds one to a prohibition.
            low = min(low, Level.REVIEW)
            high = max(high, Level.REVIEW) if doubted is UNKNOWN or high is Level.PROHIBITED else Level.REVIEW
        return RaisedLevels(Bounds(low if stands is YES else Level.NOT_APPLICABLE, high), owing)

    def demanded(self, rule: Rule) -> RaisedLevels:
        """3.2: what a rule raises by its effect, where it stands and no doubtful exemption names it."""
        match rule.effect:
            case "prohibit":
                return RaisedLevels(PROHIBITED, {})
            case "review":
                return RaisedLevels(REVIEW, {})
            case "require":
                assert rule.need
                return self.required(rule, rule.need)
            case "oblige" if any(duty.arises == "exchange" for duty in rule.duties):
                return self.owed(rule, dict.fromkeys((duty.key for duty in rule.duties), YES))
        return RAISES_NOTHING

    def required(self, rule: Rule, need: Need) -> RaisedLevels:
        """3.4, 3.5: what a need raises: `requirements_unmet` if unmet, `review` if doubtful, and what its duties raise if met."""
        found = self.reliance.states(need)
        duties = self.reliance.duties(need) if State.MET in found else {}
        met = self.owed(rule, duties if found == MET else dict.fromkeys(duties, UNKNOWN))
        levels = {State.MET: met.bounds, State.UNMET: REQUIREMENTS_UNMET, State.DOUBTFUL: REVIEW}
        return RaisedLevels(
            Bounds(min(levels[each].low for each in found), max(levels[each].high for each in found)), met.owing
        )

    def owed(self, rule: Rule, duties: Owing) -> RaisedLevels:
        """3.5, 3.6: what duties raise. A done duty raises nothing, and neither does a duty that arises from a refusal."""
        bounds, owing = [PERMITTED], {}
        for key, owed in sorted(duties.items()):
            if self.duties[key].arises == "exchange":
                level = self.level(self.duties[key])
                bounds.append(Bounds(level.low if owed is YES else Level.PERMITTED, level.high))
                owing[key] = min(self.standing[rule.key].stands, owed, ~self.progress[key].done)
        return RaisedLevels(Bounds.over(bounds), {key: owed for key, owed in owing.items() if owed is not NO})

    def level(self, duty: Duty) -> Bounds:
        """3.6: a duty that is owed and not overdue is an obligation; an overdue duty raises the level that it names."""
        done, overdue = self.progress[duty.key]
        may_raise = (
            (Level.PERMITTED, done is not NO),
            (Level.PERMITTED_WITH_OBLIGATIONS, done is not YES and overdue is not YES),
            (duty.overdue, overdue is not NO),
        )
        levels = [level for level, may in may_raise if may]
        return Bounds(min(levels), max(levels))


def certain_review(rule: Rule, standing: Mapping[str, RuleStanding]) -> bool:
    """4.6: whether a rule is a review that certainly stands. A signature never takes the place of a missing fact."""
    return rule.effect == "review" and standing[rule.key].stands is YES


def permits(floor: Floor, defined: Mapping[str, Truth], as_of: date, signed: Collection[str]) -> Truth:
    """
    4.2: whether a jurisdiction permits: its law speaks of a subject matter of the exchange, and of each one that it covers on the day.

    4.6: what a person has signed for counts as spoken of.
    """
    speaks, of_each = NO, YES
    for spoken in floor.spoken:
        about = defined[spoken.subject] if spoken.subject else YES
        says = YES if spoken.signed in signed else max((defined[key] for key in spoken.by), default=NO)
        speaks = max(speaks, min(about, says))
        if spoken.covered_from and spoken.covered_from <= as_of:
            of_each = min(of_each, max(~about, says))
    return min(speaks, of_each)


def on_floor(bounds: Bounds, floor: Floor, permits: Truth) -> Bounds:
    """4.2: law that speaks gives at least `permitted`; where a covered subject matter is not spoken of, there is no permit."""
    low, high = bounds.low, bounds.high
    if permits is not NO:
        high = max(high, Level.PERMITTED)
    elif floor.covered and high in PERMITTING:
        high = Level.NOT_APPLICABLE
    if permits is YES:
        low = max(low, Level.PERMITTED)
    elif floor.covered and low in PERMITTING:
        low = Level.NOT_APPLICABLE
    return Bounds(low, high)


def by_jurisdiction(
    rules: Sequence[Rule],
    raised: Mapping[str, RaisedLevels],
    floors: Iterable[tuple[Floor, Truth]],
    put_away: Callable[[Rule], bool],
) -> dict[str, Bounds]:
    """
    4.1: the bounds of each jurisdiction, over what its rules raise and its floor; rules that are put away raise nothing.

    `floors` has each floor with whether its jurisdiction permits.
    """
    found: dict[str, list[Bounds]] = {}
    for rule in rules:
        found.setdefault(rule.provision.jurisdiction, []).append(NOTHING if put_away(rule) else raised[rule.key].bounds)
    weighed = {jurisdiction: Bounds.over(bounds) for jurisdiction, bounds in found.items()}
    for floor, truth in floors:
        weighed[floor.jurisdiction] = on_floor(weighed.get(floor.jurisdiction, NOTHING), floor, truth)
    return weighed
