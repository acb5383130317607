"""
What a back end answers: how each rule, requirement, definition and duty stands, and each jurisdiction's bounds.

Every back end computes all of it by itself; `pdp` compares two verdicts field by field, and `combine` reads one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Protocol

from engine.exchange import Exchange
from engine.rules import Level, State, Truth


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lowest and the highest level over the possible states (semantics 4.1)."""

    low: Level
    high: Level

    @classmethod
    def over(cls, all_: Iterable[Bounds]) -> Bounds:
        """The maxima of the lower and of the upper bounds (semantics 4.4)."""
        low = high = Level.NOT_APPLICABLE
        for bounds in all_:
            low, high = max(low, bounds.low), max(high, bounds.high)
        return cls(low, high)


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    `defined`: each definition by key. `holds`: each rule's condition. `standing`: whether it stands, sure exempters applied.
    `doubted`: whether a doubtful exemption reaches it (semantics 3.7). `requirements`: the possible states of each requirement.
    `done`, `overdue`: each duty by key. `owed`: duties that fall due, YES certainly, UNKNOWN possibly; left out where not.
    `jurisdictions`: bounds of each that applies or may.
    """

    defined: Mapping[str, Truth]
    holds: Mapping[str, Truth]
    standing: Mapping[str, Truth]
    doubted: Mapping[str, Truth]
    requirements: Mapping[str, frozenset[State]]
    done: Mapping[str, Truth]
    overdue: Mapping[str, Truth]
    owed: Mapping[str, Truth]
    jurisdictions: Mapping[str, Bounds]

    def differences(self, other: Verdict) -> tuple[str, ...]:
        """Every place where two verdicts on one exchange differ, as `field key: this / that`."""
        found = []
        for field in fields(self):
            mine, theirs = getattr(self, field.name), getattr(other, field.name)
            found += [
                f"{field.name} {key}: {mine.get(key)!r} / {theirs.get(key)!r}"
                for key in sorted({*mine, *theirs})
                if mine.get(key) != theirs.get(key)
            ]
        return tuple(found)


class Engine(Protocol):
    """A back end, made for one rule set. It may be called from one thread at a time."""

    name: str

    def evaluate(self, exchange: Exchange, as_of: date) -> Verdict: ...
