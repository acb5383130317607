"""
The outcome where sender and register contradict each other: the register counts, and the stricter outcome decides (semantics 1.8).

The outcome with the disputed facts open goes in, with the outcomes under each choice of their values; one outcome comes out. The lower
bound is the highest of all lower bounds. What is open only because of the dispute is decided by the upper bound, since no answer of the
sender can close it. A dispute never makes a permit: an exchange is permitted only if it is permitted under every choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from engine.deciding.combine import Outcome
from engine.exchange import Exchange
from engine.values import either
from engine.values.outcome_levels import Bounds, Level, closed, outcome_word, permitting

MOST_CHOICES = 16  # of the values of disputed facts; where there are more, the upper bound decides

NOTHING = Bounds(Level.NOT_APPLICABLE, Level.NOT_APPLICABLE)


def choices(exchange: Exchange) -> Iterator[Exchange]:
    """The exchange under each choice of a value for every disputed fact; none where there are too many."""
    facts = exchange.disputed
    if 2 ** len(facts) <= MOST_CHOICES:
        for values in product(*(either(exchange.values[fact]) for fact in facts)):
            yield exchange.with_values(dict(zip(facts, values, strict=True)))


def disputed_outcome(whole: Outcome, chosen: Sequence[Outcome]) -> Outcome:
    """The outcome of an exchange with disputed facts: `whole` where they are open, `chosen` under each choice of their values."""
    bounds = overall_bounds(whole.bounds, [each.bounds for each in chosen])
    names = dict.fromkeys(name for outcome in (whole, *chosen) for name in outcome.jurisdictions)
    jurisdictions = {
        name: stricter_bounds(
            whole.jurisdictions.get(name, NOTHING), [each.jurisdictions.get(name, NOTHING) for each in chosen]
        )
        for name in names
    }
    return Outcome(outcome_word(bounds), bounds, jurisdictions, whole.coverage, whole.conflicts)


def overall_bounds(whole: Bounds, chosen: Sequence[Bounds]) -> Bounds:
    """The bounds over all jurisdictions: the stricter ones, and no permit where some choice does not permit."""
    bounds = stricter_bounds(whole, chosen)
    if not permitting(bounds) or permitting(whole) or (chosen and all(map(permitting, chosen))):
        return bounds
    return Bounds(Level.NOT_APPLICABLE, Level.NOT_APPLICABLE if only_disputed(chosen) else bounds.high)


def stricter_bounds(whole: Bounds, chosen: Sequence[Bounds]) -> Bounds:
    """The highest of all lower bounds, and the upper bound for what no choice leaves open."""
    high = max(each.high for each in (whole, *chosen))
    return Bounds(high if only_disputed(chosen) else max(each.low for each in (whole, *chosen)), high)


def only_disputed(chosen: Iterable[Bounds]) -> bool:
    """Whether nothing but the dispute is open."""
    return all(map(closed, chosen))
