"""
What an exchange has to observe because it came with the data: conditions that provisions of an earlier exchange laid on them.

Goes in: the provisions that travel, and what the engines say to the exchange. Comes out: whether each condition is met, violated, not
known or only to be observed, and the outcome with them. A condition is as strict as its provision says, and never a permit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.deciding.combine import Outcome
from engine.deciding.combine import word as outcome_word
from engine.exchange import Exchange
from engine.rules import Level, Rule, RuleSet, Truth
from engine.verdict import Bounds, Verdict, numbers

STATES = {Truth.NO: "violated", Truth.UNKNOWN: "unknown", Truth.YES: "met"}


@dataclass(frozen=True, slots=True)
class Carried:
    """
    What a provision of an earlier exchange lays on this one.

    `origin` says where it came from: a `leg` of the same plan, by its id, or whatever the sender wrote. `certain`: whether it stands
    there for certain. `truth`: whether this exchange meets it; None where nothing can be tested.
    """

    origin: str
    rule: Rule
    certain: bool
    truth: Truth | None = None
    leg: bool = False

    @property
    def bounds(self) -> Bounds:
        """What it raises the exchange to."""
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


def travelling(rules: RuleSet) -> dict[str, Rule]:
    """The provisions that travel, by id; of several rules of one, any says the same."""
    return {rule.provision.id: rule for rule in rules.rules if rule.travels}


def stated(exchange: Exchange, rules: Mapping[str, Rule]) -> tuple[Carried, ...]:
    """What the sender says came with the data. The reader of exchanges has seen to it that these provisions travel."""
    return tuple(Carried(origin, rules[provision], certain=True) for provision, origin in exchange.carried)


def handed_on(leg: str, verdicts: Collection[Verdict]) -> Iterator[Carried]:
    """What a leg of a plan lays on the data: its provisions that travel and stand, or by any engine may; each once."""
    possible = certain = 0
    for verdict in verdicts:
        possible |= verdict.stands.possible
    certain = possible
    for verdict in verdicts:
        certain &= verdict.stands.certain
    rules = next(iter(verdicts)).rules
    standing = [number for number in numbers(possible) if rules[number].travels]
    sure = {rules[number].provision.id for number in standing if certain >> number & 1}
    # Whichever of its rules stands says the same.
    for provision, rule in {rules[number].provision.id: rules[number] for number in standing}.items():
        yield Carried(leg, rule, provision in sure, leg=True)


def held(carried: Iterable[Carried], verdicts: Sequence[Verdict]) -> tuple[Carried, ...]:
    """Conditions, held against what each engine says to the exchange that they are carried into."""
    return tuple(replace(each, truth=_met(each.rule, verdicts)) for each in carried)


def over(outcome: Outcome, carried: Sequence[Carried]) -> Outcome:
    """An exchange's own outcome, raised to what is carried into it."""
    if not carried:
        return outcome
    permitting = outcome.bounds.low >= Level.PERMITTED
    jurisdictions = dict(outcome.jurisdictions)
    for name in dict.fromkeys(each.rule.provision.jurisdiction for each in carried):
        there = jurisdictions.get(name, Bounds(Level.NOT_APPLICABLE, Level.NOT_APPLICABLE))
        laid = raised(there, [each for each in carried if each.rule.provision.jurisdiction == name], permitting)
        if laid.high is not Level.NOT_APPLICABLE:
            jurisdictions[name] = laid
    bounds = raised(outcome.bounds, carried, permitting)
    return Outcome(outcome_word(bounds), bounds, jurisdictions, outcome.coverage, outcome.conflicts)


def raised(base: Bounds, carried: Sequence[Carried], permitting: bool) -> Bounds:
    """
    Bounds with what is carried in them.

    What comes to no more than a permit counts only where the exchange is `permitting` at least: a condition to observe is no permit
    where no law gave one.
    """
    least = Level.NOT_APPLICABLE if permitting else Level.REQUIREMENTS_UNMET
    levels = [each.bounds for each in carried]
    low = [bounds.low for bounds in levels if bounds.low >= least]
    high = [bounds.high for bounds in levels if bounds.high >= least]
    return Bounds(max([base.low, *low]), max([base.high, *high]))


def gravity(bounds: Bounds) -> tuple[int, int]:
    """By which the strictest is found."""
    return bounds.low, bounds.high


def gravest(carried: Iterable[Carried]) -> Carried | None:
    """The strictest of those that are not met."""
    return max((each for each in carried if each.truth is not Truth.YES), key=lambda each: gravity(each.bounds), default=None)


def _met(rule: Rule, verdicts: Sequence[Verdict]) -> Truth | None:
    """Whether what travels from a rule is met: the least that any engine says; None where nothing can be tested."""
    when = rule.travels.when if rule.travels else ""
    return min(verdict.defined[when] for verdict in verdicts) if when else None
