"""
One exchange and what would be otherwise in it go in; the bounds of each such exchange come out, all in one pass of the bundle's program.

Conditions from earlier legs of a plan and disputed facts are not for it: the caller decides such exchanges one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import NamedTuple

from engine.backends.lanes.lane_cases import Cases, LaneSet, side_by_side
from engine.backends.lanes.lane_runner import LaneRunner
from engine.exchange import Exchange
from engine.values import Missing, Value
from engine.values.outcome_levels import Bounds


class ExchangeChange(NamedTuple):
    """Values that an exchange has instead of its own, by their keys, and whether it still relies on the ways that it names."""

    values: Mapping[str, Value]
    relies: bool = True

    def of(self, exchange: Exchange) -> Exchange:
        """The exchange with the change."""
        return replace(exchange, values={**exchange.values, **self.values}, relies_on=exchange.relies_on if self.relies else ())


def bounds_of(
    program: LaneRunner, exchange: Exchange, changes: Sequence[ExchangeChange], day: date, signed: Iterable[str]
) -> list[Bounds]:
    """The bounds of an exchange with each of some changes under the law of one day, with the same provisions signed off."""
    if not changes:
        return []
    levels = program.decide(_changed(exchange, changes, day, signed), exchange.everyone).overall
    return [levels.of(lane) for lane in range(len(changes))]


class AnswerEffect(NamedTuple):
    """The bounds that an answer leaves, and whether it moves those of some jurisdiction."""

    bounds: Bounds
    somewhere: bool


def moved_by(
    program: LaneRunner, exchange: Exchange, answers: Sequence[Mapping[str, Value]], day: date, signed: Iterable[str]
) -> list[AnswerEffect]:
    """What comes of an exchange with each of some answers, beside what comes of it without any."""
    changes = [ExchangeChange({}), *map(partial(_answered, exchange), answers)]
    outcomes = program.decide(_changed(exchange, changes, day, signed), exchange.everyone)
    somewhere = 0
    for levels in outcomes.jurisdictions.values():
        for lanes in (*levels.low, *levels.high):
            somewhere |= lanes ^ outcomes.every if lanes & 1 else lanes
    return [AnswerEffect(outcomes.overall.of(lane), bool(somewhere >> lane & 1)) for lane in range(1, len(changes))]


def _answered(exchange: Exchange, answers: Mapping[str, Value]) -> ExchangeChange:
    """What is otherwise in an exchange with some answers: they, and what follows from them."""
    before, after = exchange.values, exchange.with_values(answers).values
    values = {name: value for name, value in after.items() if before.get(name) is not value}
    return ExchangeChange(values | dict.fromkeys(before.keys() - after.keys(), Missing.LEFT_OUT))


def _changed(exchange: Exchange, changes: Sequence[ExchangeChange], day: date, signed: Iterable[str]) -> Cases:
    """A lane for each change."""
    other: dict[str, dict[int, tuple[LaneSet, Value]]] = {}
    relying = 0
    for lane, change in enumerate(changes):
        bit = 1 << lane
        if change.relies:
            relying |= bit
        for name, value in change.values.items():
            parts = other.setdefault(name, {})
            known = parts.get(id(value))
            parts[id(value)] = (bit | known[0] if known else bit), value
    every = (1 << len(changes)) - 1
    named = {("signed", name): every for name in signed}
    named |= {("relies", way): relying for way in exchange.relies_on if relying}
    named |= {("carried", provision): every for provision, _ in exchange.carried}
    values = {name: tuple(parts.values()) for name, parts in other.items()}
    return Cases(len(changes), exchange.values, values, {day: every}, named)


def bounds_on(program: LaneRunner, exchanges: Sequence[tuple[Exchange, date]], signed: Mapping[str, LaneSet]) -> list[Bounds]:
    """The bounds of an exchange as it is on each of some days, with the lanes of those on which each provision is signed off."""
    levels = program.decide(side_by_side(exchanges, signed), exchanges[0][0].everyone).overall
    return [levels.of(lane) for lane in range(len(exchanges))]
