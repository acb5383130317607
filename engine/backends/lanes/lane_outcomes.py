"""
The outcomes of lanes: bounds as bits, of each jurisdiction and over all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from engine.backends.lanes.lane_cases import LaneSet
from engine.backends.lanes.lane_program import LaneProgram
from engine.backends.lanes.silent_law import Raise
from engine.backends.lanes.standing_slots import States
from engine.backends.lanes.thresholds import LEVELS
from engine.values.outcome_levels import BOUNDS, Bounds, Level

Both: TypeAlias = tuple[LaneSet, LaneSet]
"""The lanes where something must be so, and where it may be."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Bounds in every lane: of each level above `not_applicable`, the lanes in which the lowest, and the highest, is at least that."""

    low: tuple[LaneSet, ...]
    high: tuple[LaneSet, ...]

    @classmethod
    def among(cls, bounds: Iterable[tuple[int, Bounds]]) -> Levels:
        """The bounds of some lanes, as they were found one by one. In all others nothing applies."""
        low, high = [0] * len(LEVELS), [0] * len(LEVELS)
        for lane, each in bounds:
            for row, level in ((low, each.low), (high, each.high)):
                for place in range(level):
                    row[place] |= 1 << lane
        return cls(tuple(low), tuple(high))

    def of(self, lane: int) -> Bounds:
        """The bounds of one lane."""
        low, high = (Level(sum(each >> lane & 1 for each in levels)) for levels in (self.low, self.high))
        return BOUNDS[low][high]

    def at_least(self, level: Level) -> Both:
        """The lanes in which the outcome is at least a level above `not_applicable`, and in which it may be."""
        return self.low[level - 1], self.high[level - 1]

    def differing(self, other: Levels) -> LaneSet:
        """The lanes that have other bounds there."""
        found = 0
        for mine, theirs in zip((*self.low, *self.high), (*other.low, *other.high), strict=True):
            found |= mine ^ theirs
        return found

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
    What comes of some cases.

    `bounds` are the rows of what the program leaves last, and `uncovered` what countries raise that no jurisdiction covers. `silences` are
    places and subject matters on which law is silent or whose reach is in doubt, `settled` those that the law that was read settles (4.3).
    `read` works out the rest. Each property is read when it is asked for.
    """

    count: int
    every: LaneSet = field(repr=False)
    bounds: Sequence[LaneSet] = field(repr=False)
    uncovered: Mapping[str, Raise] = field(repr=False)
    silences: Mapping[tuple[str, str], Both]
    settled: Mapping[tuple[str, str], LaneSet]
    program: LaneProgram = field(repr=False)
    read: Callable[[str], Sequence[LaneSet]] = field(repr=False)

    @cached_property
    def overall(self) -> Levels:
        """The bounds over all jurisdictions."""
        return _levels(self.bounds, 0)

    @cached_property
    def beneath(self) -> Levels:
        """The bounds over all without what a person may sign off (4.6)."""
        return _levels(self.read("beneath"), 0)

    @cached_property
    def jurisdictions(self) -> Mapping[str, Levels]:
        """
        The bounds of each jurisdiction.

        A country that none covers is a place of its own, even where one of the same name covers it on other days.
        """
        found = {name: _levels(self.bounds, number) for number, name in enumerate(self.program.whole.jurisdictions, 1)}
        for country, raised in self.uncovered.items():
            found[country] = found.get(country, NOWHERE).raised(raised)
        return found

    def differing(self, overall: Levels, jurisdictions: Mapping[str, Levels]) -> LaneSet:
        """The lanes that have other bounds than these, overall or in a jurisdiction; one that has no levels does not apply."""
        found = self.overall.differing(overall)
        for name in {*self.jurisdictions, *jurisdictions}:
            found |= self.jurisdictions.get(name, NOWHERE).differing(jurisdictions.get(name, NOWHERE))
        return found

    @property
    def permitted(self) -> LaneSet:
        """The lanes that are permitted, whatever is not known."""
        return self.overall.at_least(Level.PERMITTED)[0] & (self.every ^ self.overall.at_least(Level.REVIEW)[1])

    @property
    def refused(self) -> LaneSet:
        """The lanes that are refused, or reach no permit, whatever is not known."""
        return self.overall.at_least(Level.REVIEW)[0] | (self.every ^ self.overall.at_least(Level.PERMITTED)[1])

    @cached_property
    def standing(self) -> Sequence[Both]:
        """Of each rule, by its number, the lanes in which it stands, and in which it may."""
        return _pairs(self.read("stands"))

    @cached_property
    def requirements(self) -> Mapping[str, States]:
        """Of each requirement the lanes in which it may be unmet, doubtful, met, and in which it certainly is met."""
        found, names = self.read("requirements"), self.program.verdict.requirements
        size = len(States._fields)
        return {name: States(*found[n * size : (n + 1) * size]) for n, name in enumerate(names)}

    @cached_property
    def owed(self) -> Mapping[str, Both]:
        """Of each duty the lanes in which it is owed, and in which it may be."""
        return dict(zip(self.program.verdict.owed, _pairs(self.read("owed")), strict=True))

    @cached_property
    def overdue(self) -> Mapping[str, Both]:
        """Of each duty the lanes in which its last day has passed and it is not done, and in which that may be so."""
        return dict(zip(self.program.verdict.overdue, _pairs(self.read("overdue")), strict=True))

    @cached_property
    def defined(self) -> Mapping[str, Both]:
        """Of each definition the lanes in which it holds, and in which it may."""
        return dict(zip(self.program.verdict.defined, _pairs(self.read("defined")), strict=True))

    @cached_property
    def conflicts(self) -> Mapping[tuple[str, str], Both]:
        """By a rule that compels and the jurisdiction that refuses: the lanes where the two conflict, and where they may (4.7)."""
        return dict(zip(self.program.whole.conflicts, _pairs(self.read("conflicts")), strict=True))

    @cached_property
    def incoherent(self) -> Mapping[str, LaneSet]:
        """Of each entry of the vocabulary that says what cannot be true together, the lanes that it refuses (1.5)."""
        return dict(zip(self.program.whole.incoherent, self.read("incoherent"), strict=True))


def _pairs(found: Sequence[LaneSet]) -> list[Both]:
    each = iter(found)
    return [(must, next(each)) for must in each]


def _levels(rows: Sequence[LaneSet], number: int) -> Levels:
    """The bounds that have a place among rows."""
    size = len(LEVELS)
    first = 2 * size * number
    return Levels(tuple(rows[first : first + size]), tuple(rows[first + size : first + 2 * size]))
