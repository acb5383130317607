"""
The scale of outcomes: the six levels of an outcome, the bounds between which an open one lies, and the word for bounds.

Everything that raises, compares or names an outcome reads it here, from the files of authors to the sentences (semantics 4.1, 4.4).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How strict an outcome is (semantics 4.1): nobody is asked to look at what cannot go ahead anyway."""

    NOT_APPLICABLE = 0
    PERMITTED = 1
    PERMITTED_WITH_OBLIGATIONS = 2
    REVIEW = 3
    REQUIREMENTS_UNMET = 4
    PROHIBITED = 5

    @property
    def word(self) -> str:
        return _WORDS[self]

    @property
    def refused(self) -> bool:
        """Whether what is of this level may not go ahead: it is a review or stricter."""
        return self >= Level.REVIEW


_WORDS = tuple(level.name.lower() for level in Level)
PERMITTING = (Level.PERMITTED, Level.PERMITTED_WITH_OBLIGATIONS)
UNDETERMINED = "undetermined"
# What may come of a permit that loses a statement, the worst first. Without law that speaks there is no permit either (4.2).
STAKES = (
    Level.PROHIBITED,
    Level.REQUIREMENTS_UNMET,
    Level.REVIEW,
    Level.NOT_APPLICABLE,
    Level.PERMITTED_WITH_OBLIGATIONS,
    Level.PERMITTED,
)
RANK = tuple(map(STAKES.index, Level))  # of each level, the worst first


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
            # Compared in place: most jurisdictions do not apply, and there are dozens.
            if bounds.high > high:
                high = bounds.high
            if bounds.low > low:
                low = bounds.low
        return cls(low, high)


# By their lowest and their highest level. Back ends take them from here: equal bounds are then one object, and quick to compare.
BOUNDS = tuple(tuple(Bounds(low, high) for high in Level) for low in Level)


def permitting(bounds: Bounds) -> bool:
    """Whether the outcome is a permit, whatever the unknown facts turn out to be."""
    return bounds.low in PERMITTING and bounds.high in PERMITTING


def closed(bounds: Bounds) -> bool:
    """Whether no fact that is not known can change what the bounds say."""
    return bounds.low is bounds.high or permitting(bounds)


def outcome_word(bounds: Bounds) -> str:
    """
    The outcome of bounds: the upper one where both are equal or both permit, otherwise undetermined (4.4).

    Where a person must look in any case and only a requirement is open, it is a review (4.1).
    """
    if closed(bounds):
        return bounds.high.word
    return Level.REVIEW.word if (bounds.low, bounds.high) == (Level.REVIEW, Level.REQUIREMENTS_UNMET) else UNDETERMINED
