"""
Counters over the legs of a plan: what earlier legs add raises what a later leg may say of a counter (semantics 2.8, 4.14).

A leg's exchange and what was counted by then go in; out come the exchange, with the upper ends of its counters raised, and what is
counted after it. A counter after a leg is at least what it was before the leg and what the leg adds: who states less counted without it.
Only the upper end is raised, since the people of two legs may be the same. Sums of money are left as they are stated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from engine.deciding.contributions import BundleCounters, Contribution, Key
from engine.deciding.tally import span
from engine.exchange import Exchange
from engine.values import Number, Range, Value


@dataclass(frozen=True, slots=True)
class CountedFact:
    """The most that a counted fact may be after a leg, by its key; None where it has no upper end."""

    fact: str
    key: Key
    most: Number | None


def raise_counters(
    counting: BundleCounters, exchange: Exchange, adds: Sequence[Contribution], before: Sequence[CountedFact]
) -> tuple[Exchange, tuple[CountedFact, ...]]:
    """
    A leg's exchange with its counters raised, and what is counted by this leg.

    `adds` is what it contributes to counters, `before` what earlier legs counted.
    """
    own = {each.fact: each.people.high for each in adds}
    counts: dict[str, Value] = {}
    counted = []
    for counter, fact in counting.counter_facts:
        if counter.currency:
            continue
        key = counter.folded(counting.key(counter, exchange))
        alike = [each for each in before if each.fact == fact and _may_be(each.key, key)]
        stated = span(exchange.value(fact))
        most = _sum(_largest([each.most for each in alike]), own.get(fact, Decimal(0)))
        if stated is not None:
            if alike and stated.high is not None and (most is None or most > stated.high):
                counts[fact] = Range(stated.low, most)
            most = _largest([stated.high, most])
        if fact in own:
            counted.append(CountedFact(fact, key, most))
    return (counting.filled(exchange, counts, asks=exchange.asks) if counts else exchange), tuple(counted)


def _may_be(one: Key, other: Key) -> bool:
    """Whether two keys may be the same: a part that is not known may be any."""
    return all(ours is None or theirs is None or ours == theirs for ours, theirs in zip(one, other, strict=True))


def _largest(numbers: Sequence[Number | None]) -> Number | None:
    return max((each for each in numbers if each is not None), default=Decimal(0)) if None not in numbers else None


def _sum(one: Number | None, other: Number | None) -> Number | None:
    return None if one is None or other is None else one + other
