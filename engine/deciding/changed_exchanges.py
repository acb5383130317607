"""
One exchange and what is otherwise go in, other days or fewer statements; what comes of each goes out, in one pass of the bundle's program.

Conditions from earlier legs of a plan and disputed facts are not for it: the caller decides such exchanges one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from engine.backends.lanes.lane_cases import Cases, LaneSet, side_by_side
from engine.backends.lanes.lane_runner import LaneRunner
from engine.backends.lanes.worst_levels import WorstLevels
from engine.deciding.statement_weights import RELIES_ON
from engine.exchange import Exchange
from engine.values import Missing
from engine.values.outcome_levels import Bounds


def bounds_on(program: LaneRunner, exchanges: Sequence[tuple[Exchange, date]], signed: Mapping[str, LaneSet]) -> list[Bounds]:
    """The bounds of an exchange as it is on each of some days, with the lanes of those on which each provision is signed off."""
    levels = program.decide(side_by_side(exchanges, signed), exchanges[0][0].everyone).overall
    return [levels.of(lane) for lane in range(len(exchanges))]


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
