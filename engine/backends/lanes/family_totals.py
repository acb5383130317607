"""
The totals of a family in lanes (semantics 2.7): members are added up one by one, and lanes with the same sum so far go on together.

Above the largest number that a test compares with, a sum is as good as any other, so that there are few sums however many members differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from engine.backends.lanes.lane_cases import Cases, LaneSet
from engine.backends.reference.three_values import between
from engine.values import Number, Range, Value

NONE = Range.exact(0)
Ends: TypeAlias = tuple[Number, Number | None]
NOTHING: Ends = (Decimal(0), Decimal(0))


class Family(NamedTuple):
    """How the members of a family add up: `distinct` counts or a sum. `enough` is more than any test compares the total with."""

    how: str
    members: tuple[str, ...]
    enough: Decimal

    @property
    def others(self) -> tuple[Range, ...]:
        """What all members but the first are where the first is the total."""
        return (NONE,) * (len(self.members) - 1)


def added_up(family: Family, values: Iterable[Value]) -> Range:
    """The total of the values of all members."""
    found = NOTHING
    for value in values:
        found = _sum(family, found, _ends(value))
    return Range(*found)


def totals(family: Family, cases: Cases) -> Iterable[tuple[LaneSet, Range]]:
    """The totals of a family, each with lanes that have it."""
    found: dict[Ends, LaneSet] = {NOTHING: cases.every}
    for name in family.members:
        parts = [(mine, _ends(value)) for mine, value in cases.parts(name)]
        added: dict[Ends, LaneSet] = {}
        for before, lanes in found.items():
            for mine, ends in parts:
                if both := lanes & mine:
                    total = _sum(family, before, ends)
                    added[total] = added.get(total, 0) | both
        found = added
    return [(lanes, Range(*total)) for total, lanes in found.items()]


def _ends(value: Value) -> Ends:
    told = between(value)
    return (told.low, told.high) if isinstance(told, Range) else (Decimal(0), None)


def _sum(family: Family, before: Ends, value: Ends) -> Ends:
    (least, most), (low, high), enough = before, value, family.enough
    if family.how != "distinct":
        least += low
    elif low > least:
        least = low
    most = None if most is None or high is None else min(most + high, enough)
    return least if least < enough else enough, most
