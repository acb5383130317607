"""
Conditions that came with the data: provisions of an earlier exchange attached them to the data, and a later exchange has to meet them.

In: the provisions that travel, and the engines' verdicts on the later exchange. Out: whether each condition is met, violated, unknown
or only to be observed, and the outcome of the exchange with them. A condition is as strict as its provision says; it never permits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.deciding.combine import Outcome
from engine.exchange import Exchange
from engine.rules import Rule, RuleSet, Truth
from engine.values.outcome_levels import Bounds, Level, outcome_word
from engine.verdict import Verdict, numbers

STATES = {Truth.NO: "violated", Truth.UNKNOWN: "unknown", Truth.YES: "met"}


@dataclass(frozen=True, slots=True)
class Carried:
    """
    A condition that a provision of an earlier exchange attached to the data.

    `origin` says where it came from: the id of a leg of the same plan where `leg` is true, otherwise the sender's own words. `certain`:
    the provision stands there for certain. `truth`: whether this exchange meets the condition; None where it has no test.
    """

    origin: str
    rule: Rule
    certain: bool
    truth: Truth | None = None
    leg: bool = False

    @property
    def bounds(self) -> Bounds:
        """The bounds to which the condition raises the exchange."""
        assert self.rule.travels
        high = self.rule.travels.otherwise
        match self.truth:
            case None:
                bounds = Bounds(Level.PERMITTED_WITH_OBLIGATIONS, Level.PERMITTED_WITH_OBLIGATIONS)
            case Truth.YES:
                bounds = Bounds(Level.NOT_APPLICABLE, Level.NOT_APPLICABLE)
            case Truth.UNKNOWN:
                bounds = Bounds(Level.PERMITTED, high)
            case _:
                bounds = Bounds(high, high)
        return bounds if self.certain else Bounds(Level.NOT_APPLICABLE, bounds.high)


def travelling_provisions(rules: RuleSet) -> dict[str, Rule]:
    """The provisions that travel, by id, each with one of its rules; all rules of a provision carry the same condition."""
    return {rule.provision.id: rule for rule in rules.rules if rule.travels}


def stated_conditions(exchange: Exchange, rules: Mapping[str, Rule]) -> tuple[Carried, ...]:
    """The conditions that, by the sender's statement, came with the data. Reading the exchange has checked that they travel."""
    return tuple(Carried(origin, rules[provision], certain=True) for provision, origin in exchange.carried)


def conditions_of_leg(leg: str, verdicts: Collection[Verdict]) -> Iterator[Carried]:
    """The conditions that a leg of a plan attaches to the data: those of provisions that travel and, by any engine, may stand."""
    possible = certain = 0
    for verdict in verdicts:
        possible |= verdict.stands.possible
    certain = possible
    for verdict in verdicts:
        certain &= verdict.stands.certain
    rules = next(iter(verdicts)).rules
    standing = [number for number in numbers(possible) if rules[number].travels]
    sure = {rules[number].provision.id for number in standing if certain >> number & 1}
    # All rules of a provision carry the same condition.
    for provision, rule in {rules[number].provision.id: rules[number] for number in standing}.items():
        yield Carried(leg, rule, provision in sure, leg=True)


def weigh_conditions(carried: Iterable[Carried], verdicts: Sequence[Verdict]) -> tuple[Carried, ...]:
    """The conditions, each tested against the engines' verdicts on the exchange that they are carried into."""
    return tuple(replace(each, truth=_met(each.rule, verdicts)) for each in carried)


def outcome_with_conditions(outcome: Outcome, carried: Sequence[Carried]) -> Outcome:
    """The outcome of an exchange, raised by the conditions that are carried into it."""
    if not carried:
        return outcome
    permitting = outcome.bounds.low >= Level.PERMITTED
    jurisdictions = dict(outcome.jurisdictions)
    for name in dict.fromkeys(each.rule.provision.jurisdiction for each in carried):
        there = jurisdictions.get(name, Bounds(Level.NOT_APPLICABLE, Level.NOT_APPLICABLE))
        laid = raise_bounds(there, [each for each in carried if each.rule.provision.jurisdiction == name], permitting)
        if laid.high is not Level.NOT_APPLICABLE:
            jurisdictions[name] = laid
    bounds = raise_bounds(outcome.bounds, carried, permitting)
    return Outcome(outcome_word(bounds), bounds, jurisdictions, outcome.coverage, outcome.conflicts)


def raise_bounds(base: Bounds, carried: Sequence[Carried], permitting: bool) -> Bounds:
    """
    The bounds, raised by the conditions.

    A condition that raises to a permit and no higher counts only where the exchange is at least permitted (`permitting`): a condition
    to observe is not a permit where no law gives one.
    """
    least = Level.NOT_APPLICABLE if permitting else Level.REVIEW
    levels = [each.bounds for each in carried]
    low = [bounds.low for bounds in levels if bounds.low >= least]
    high = [bounds.high for bounds in levels if bounds.high >= least]
    return Bounds(max([base.low, *low]), max([base.high, *high]))


def gravity(bounds: Bounds) -> tuple[int, int]:
    """The key by which bounds are ordered by strictness."""
    return bounds.low, bounds.high


def gravest(carried: Iterable[Carried]) -> Carried | None:
    """The strictest of the conditions that are not met."""
    return max((each for each in carried if each.truth is not Truth.YES), key=lambda each: gravity(each.bounds), default=None)


def _met(rule: Rule, verdicts: Sequence[Verdict]) -> Truth | None:
    """Whether the condition of a rule is met: the lowest truth value of any engine; None where the condition has no test."""
    when = rule.travels.when if rule.travels else ""
    return min(verdict.defined[when] for verdict in verdicts) if when else None
