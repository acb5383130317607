"""
What each instrument makes of an exchange by itself: the result of one law, beside the reviews that another law or a gap causes.

A verdict goes in; for each policy with a rule that stands or may stand, its own bounds come out. An instrument whose rules only lift or
allow is `permitted` by itself. Advice does not weigh. Source: semantics 4.1, 4.8.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import combinations

from engine.rules import Need, Rule, State, Truth
from engine.values.outcome_levels import BOUNDS, Bounds, Level
from engine.verdict import Verdict

FLAT = {"prohibit": Level.PROHIBITED, "review": Level.REVIEW}
OF_A_STATE = {State.UNMET: Level.REQUIREMENTS_UNMET, State.DOUBTFUL: Level.REVIEW, State.MET: Level.PERMITTED}
# What a requirement may be, and of each: the lowest and the highest level, and what two of them make of a need for any or all of them.
POSSIBLE = [frozenset(states) for size in range(1, len(State) + 1) for states in combinations(State, size)]
ENDS = {of: (min(map(OF_A_STATE.__getitem__, of)), max(map(OF_A_STATE.__getitem__, of))) for of in POSSIBLE}
ANY, ALL = ({(a, b): frozenset(pick(x, y) for x in a for y in b) for a in POSSIBLE for b in POSSIBLE} for pick in (max, min))
SILENT = frozenset({"advise"})


class Instruments:
    """The instruments of one rule set. Made once."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        rules = tuple(rules)
        # The policy of each rule, "" where the rule does not weigh.
        self._policies = tuple("" if rule.effect in SILENT else rule.provision.policy for rule in rules)
        # What a rule raises wherever it stands; None where it depends on requirements and duties.
        self._always = tuple(
            FLAT.get(rule.effect, Level.PERMITTED) if rule.effect in FLAT or not (rule.need or rule.duties) else None
            for rule in rules
        )
        self._reviews = tuple(rule.provision.id if rule.effect == "review" else "" for rule in rules)

    def of(
        self, verdict: Verdict, among: Iterable[int], sure: Collection[int], signed: Collection[str] = ()
    ) -> Mapping[str, Bounds]:
        """
        The bounds of each policy by itself, in the order of the rules.

        `among` are the rules that stand or may stand of the policies that are asked for, `sure` all those that stand for certain, by their
        numbers. `signed` are the provisions that a person has signed off.
        """
        lows: dict[str, Level] = {}
        highs: dict[str, Level] = {}
        may_doubt = verdict.doubted.possible
        for number in among:
            policy = self._policies[number]
            if not policy:
                continue
            low = high = self._always[number]
            if low is None or high is None:
                low, high = _raised(verdict.rules[number], verdict)
            certain = number in sure
            if signed and certain and self._reviews[number] in signed:  # 4.6
                low = high = Level.PERMITTED
            if may_doubt >> number & 1:
                low, high = _doubted(low, high, verdict.doubted.truth(number))
            if certain and low > lows.get(policy, Level.NOT_APPLICABLE):
                lows[policy] = low
            if policy not in highs or high > highs[policy]:
                highs[policy] = high
        return {policy: BOUNDS[lows.get(policy, Level.NOT_APPLICABLE)][high] for policy, high in highs.items()}


def _raised(rule: Rule, verdict: Verdict) -> tuple[Level, Level]:
    """What a rule of effect `require` or `oblige` raises where it stands and nothing doubts it."""
    low = high = Level.PERMITTED
    if rule.need is not None:
        low, high = ENDS[_states(rule.need, verdict)]
    for duty in rule.duties:
        if owed := verdict.owed.get(duty.key):
            late = verdict.overdue.get(duty.key, Truth.NO)
            levels = [Level.PERMITTED] if owed is Truth.UNKNOWN else []
            levels += [Level.PERMITTED_WITH_OBLIGATIONS] if late is not Truth.YES else []
            levels += [duty.overdue] if late is not Truth.NO else []
            low, high = max(low, min(levels)), max(high, *levels)
    return low, high


def _states(need: Need, verdict: Verdict) -> frozenset[State]:
    if need.op == "one":
        return verdict.requirements[need.requirement]
    pick, found = (ANY, frozenset({State.UNMET})) if need.op == "any_of" else (ALL, frozenset({State.MET}))
    for part in need.parts:
        found = pick[found, _states(part, verdict)]
    return found


def _doubted(low: Level, high: Level, doubted: Truth) -> tuple[Level, Level]:
    """A doubtful exemption makes a review of a requirement, and adds one to a prohibition (semantics 3.7)."""
    if doubted is Truth.NO or not high.refused:
        return low, high
    surely = doubted is Truth.YES and high is not Level.PROHIBITED
    return min(low, Level.REVIEW), Level.REVIEW if surely else max(high, Level.REVIEW)
