"""
The outcomes of lanes: bounds as bits, of each jurisdiction and over all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from engine.backends.lanes.lane_cases import Lanes
from engine.backends.lanes.silent_law import Raise
from engine.backends.lanes.thresholds import LEVELS
from engine.rules import Level
from engine.verdict import BOUNDS, Bounds

Both: TypeAlias = tuple[Lanes, Lanes]
"""The lanes where something must be so, and where it may be."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Bounds in every lane: of each level above `not_applicable`, the lanes in which the lowest, and the highest, is at least that."""

    low: tuple[Lanes, ...]
    high: tuple[Lanes, ...]

    def of(self, lane: int) -> Bounds:
        """The bounds of one lane."""
        low, high = (Level(sum(each >> lane & 1 for each in levels)) for levels in (self.low, self.high))
        return BOUNDS[low][high]

    def at_least(self, level: Level) -> Both:
        """The lanes in which the outcome is at least a level above `not_applicable`, and in which it may be."""
        return self.low[level - 1], self.high[level - 1]

    def raised(self, by: Raise) -> Levels:
        """The same, raised by what law that is silent does to a place."""
        low, high = (
            tuple(
                each | (permit if level <= Level.PERMITTED else 0) | (review if level <= Level.REVIEW else 0)
                for level, each in zip(LEVELS, row, strict=True)
            )
            for row, permit, review in ((self.low, by.permit_low, by.review_low), (self.high, by.permit_high, by.review_high))
        )
        return Levels(low, high)


NOWHERE = Levels((0,) * len(LEVELS), (0,) * len(LEVELS))


@dataclass(frozen=True)
class LaneOutcomes:
    """
    What comes of some cases. `overall` are the bounds over all jurisdictions, `beneath` those without what a person may sign off (4.6).
    `jurisdictions` has the bounds of each, countries that none covers included. `read` works out the rest when it is asked for.
    """

    count: int
    overall: Levels
    beneath: Levels
    jurisdictions: Mapping[str, Levels]
    read: Callable[[str], Sequence[Lanes]]

    @property
    def permitted(self) -> Lanes:
        """The lanes that are permitted, whatever is not known."""
        return self.overall.at_least(Level.PERMITTED)[0] & ~self.overall.at_least(Level.REVIEW)[1]

    @property
    def refused(self) -> Lanes:
        """The lanes that are refused, or reach no permit, whatever is not known."""
        every = (1 << self.count) - 1
        return self.overall.at_least(Level.REVIEW)[0] | every & ~self.overall.at_least(Level.PERMITTED)[1]

    @cached_property
    def standing(self) -> Sequence[Both]:
        """Of each rule, by its number, the lanes in which it stands, and in which it may."""
        found = iter(self.read("stands"))
        return [(must, next(found)) for must in found]

    @cached_property
    def incoherent(self) -> Sequence[Lanes]:
        """Of each entry of the vocabulary that says what cannot be true together, in its order, the lanes that it refuses."""
        return self.read("incoherent")
