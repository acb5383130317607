"""
One exchange and what is otherwise go in, other days or fewer statements; what comes of each goes out, in one pass of the bundle's program.

Conditions from earlier legs of a plan and disputed facts are not for it: the caller decides such exchanges one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from engine.backends.lanes.lane_cases import Cases, LaneSet, side_by_side, variants
from engine.backends.lanes.lane_runner import LaneRunner
from engine.backends.lanes.worst_levels import WorstLevels
from engine.deciding.statement_weights import RELIES_ON
from engine.exchange import Exchange
from engine.values import Missing, Value
from engine.values.outcome_levels import Bounds


def bounds_on(program: LaneRunner, exchanges: Sequence[tuple[Exchange, date]], signed: Mapping[str, LaneSet]) -> list[Bounds]:
    """The bounds of an exchange as it is on each of some days, with the lanes of those on which each provision is signed off."""
    levels = program.decide(side_by_side(exchanges, signed), exchanges[0][0].everyone).overall
    return [levels.of(lane) for lane in range(len(exchanges))]


class AnswerEffect(NamedTuple):
    """The bounds that an answer leaves, and whether it moves those of some jurisdiction."""

    bounds: Bounds
    somewhere: bool


def moved_by(
    program: LaneRunner, exchange: Exchange, answers: Sequence[Mapping[str, Value]], day: date, signed: Iterable[str]
) -> list[AnswerEffect]:
    """What comes of an exchange with each of some answers, beside what comes of it without any."""
    outcomes = program.decide(
        variants(exchange, day, [_answered(exchange, each) for each in answers], signed), exchange.everyone
    )
    somewhere = 0
    for levels in outcomes.jurisdictions.values():
        for lanes in (*levels.low, *levels.high):
            somewhere |= lanes ^ outcomes.every if lanes & 1 else lanes
    return [AnswerEffect(outcomes.overall.of(lane), bool(somewhere >> lane & 1)) for lane in range(1, len(answers) + 1)]


def _answered(exchange: Exchange, answers: Mapping[str, Value]) -> dict[str, Value]:
    """What is otherwise in an exchange with some answers: they, and what follows from them."""
    before, after = exchange.values, exchange.with_values(answers).values
    values = {name: value for name, value in after.items() if before.get(name) is not value}
    return values | dict.fromkeys(before.keys() - after.keys(), Missing.LEFT_OUT)


class WithoutStatements:
    """
    An exchange without some of its statements, under the law of one day: facts, claims and documents are unknown, and so is what follows
    from them; without RELIES_ON it relies on no way. What stays is coded once.
    """

    def __init__(self, program: LaneRunner, exchange: Exchange, day: date) -> None:
        self._program = program
        self._exchange = exchange
        self._day = day
        self._following: dict[str, list[str]] = {}
        for key, sources in exchange.follows.items():
            for name in sources:
                self._following.setdefault(name, []).append(key)
        self._coded: Cases | None = None

    def worst(self, lost: Sequence[Collection[str]], signed: Iterable[str]) -> WorstLevels:
        """The worst that may come without each of some collections of statements, a lane each, with some provisions signed off."""
        exchange = self._exchange
        coded = self._coded
        if coded is None or coded.count < len(lost):
            coded = self._coded = self._program.coded(exchange.values, self._day, len(lost))
        every = relying = coded.every
        unknown: dict[str, LaneSet] = {}
        for lane, names in enumerate(lost):
            bit = 1 << lane
            for name in names:
                if name == RELIES_ON:
                    relying ^= bit
                for key in (name, *self._following.get(name, ())):
                    unknown[key] = unknown.get(key, 0) | bit
        values = {key: ((lanes, Missing.UNKNOWN),) for key, lanes in unknown.items() if key in exchange.values}
        named = {("signed", name): every for name in signed}
        named |= {("relies", way): relying for way in exchange.relies_on if relying}
        named |= {("carried", provision): every for provision, _ in exchange.carried}
        return self._program.worst(replace(coded, other=values, named=named), exchange.everyone)
