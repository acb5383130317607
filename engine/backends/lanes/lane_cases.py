"""
What a program runs over: exchanges, or variants of one, a lane each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from engine.exchange import Exchange
from engine.values import Missing, Value
from engine.verdict import NONE_SIGNED

LaneSet: TypeAlias = int
"""A set of lanes: bit n is lane n."""


@dataclass(frozen=True, slots=True)
class Cases:
    """
    `base` has the values of every lane for which `other` has none: by the name of a fact or a document, what it is in some lanes instead.
    `days` has the lanes of each day. `named` has lanes by what they are given beside values: `signed`, `relies` or `carried`, and the id.
    """

    count: int
    base: Mapping[str, Value]
    other: Mapping[str, Mapping[int, Value]]
    days: Mapping[date, LaneSet]
    named: Mapping[tuple[str, str], LaneSet] = field(default_factory=dict)

    @property
    def every(self) -> LaneSet:
        return (1 << self.count) - 1

    def value(self, name: str, lane: int) -> Value:
        """The value of a fact or a document in a lane."""
        found = self.other[name].get(lane) if name in self.other else None
        return self.base.get(name, Missing.LEFT_OUT) if found is None else found

    def names(self) -> Iterable[str]:
        """The facts and documents of which some lane may have a value."""
        return dict.fromkeys((*self.base, *self.other)) if self.other else self.base


def alone(exchange: Exchange, day: date, signed: Iterable[str] = NONE_SIGNED) -> Cases:
    """One exchange under the law of one day."""
    return variants(exchange, day, (), signed)


def variants(
    exchange: Exchange, day: date, changes: Sequence[Mapping[str, Value]], signed: Iterable[str] = NONE_SIGNED
) -> Cases:
    """
    One exchange, and what it would be with other values: lane 0 is the exchange, and each of `changes` is a lane after it.

    A value may be `Missing.LEFT_OUT`. What follows from a changed fact is for the caller to change too.
    """
    other: dict[str, dict[int, Value]] = {}
    for lane, change in enumerate(changes, 1):
        for name, value in change.items():
            other.setdefault(name, {})[lane] = value
    count = len(changes) + 1
    every = (1 << count) - 1
    named = {("signed", name): every for name in signed}
    named |= {("relies", name): every for name in exchange.relies_on}
    named |= {("carried", provision): every for provision, _ in exchange.carried}
    return Cases(count, exchange.values, other, {day: every}, named)


def side_by_side(exchanges: Sequence[tuple[Exchange, date]], signed: Mapping[str, LaneSet] | None = None) -> Cases:
    """Several exchanges, each under the law of its day. `signed` has the lanes in which each provision is signed off."""
    other: dict[str, dict[int, Value]] = {}
    days: dict[date, LaneSet] = {}
    named: dict[tuple[str, str], LaneSet] = {("signed", name): lanes for name, lanes in (signed or {}).items()}
    for lane, (exchange, day) in enumerate(exchanges):
        bit = 1 << lane
        days[day] = days.get(day, 0) | bit
        for name, value in exchange.values.items():
            other.setdefault(name, {})[lane] = value
        for key in (*(("relies", way) for way in exchange.relies_on), *(("carried", each) for each, _ in exchange.carried)):
            named[key] = named.get(key, 0) | bit
    return Cases(len(exchanges), {}, other, days, named)
