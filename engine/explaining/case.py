"""
One case: a judged exchange and the facts still to find out. A decision is written from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

from engine.bundle import Bundle
from engine.deciding.combine import Outcome
from engine.deciding.judgement import Judgement
from engine.deciding.rests_on import Statement
from engine.decision import MissingPart, QuestionPart
from engine.exchange import Exchange
from engine.rules import Rule
from engine.verdict import ConditionReading, Verdict


class WayLine(NamedTuple):
    """A way as a line of an answer, and how many bytes it takes there."""

    told: Mapping[str, Any]
    size: int


def _no_ways(_requirement: str, _under: Sequence[Rule], _most: int) -> tuple[list[WayLine], int]:
    return [], 0


@dataclass(frozen=True)  # without slots: cached properties need the instance's dictionary
class Case:
    """
    Everything that a decision is written from.

    `id` is the caller's; `asked` are the next questions, `further` counts the facts that are open besides, and `lists` finds the lists of
    facts that settle the outcome. `doubting` is the question on the first review that may stand beside a stricter outcome, `disputing` has
    those on conflicts that are not certain, by the place of the conflict; `beyond` is the one on law elsewhere. `rests_on` are the
    statements on which a permit rests; with `exact`, each of them was verified by itself. `ways` finds the first ways to a requirement that
    some rules ask for, and how many there are. `closed` says that a prohibition stands that no exemption lifts, `for_good` that no change
    ends it either.
    """

    bundle: Bundle
    judgement: Judgement
    hypothetical: bool
    id: str
    asked: tuple[QuestionPart, ...]
    further: int
    lists: Callable[[], tuple[MissingPart, ...]]
    rests_on: tuple[Statement, ...] = ()
    exact: bool = False
    doubting: QuestionPart | None = None
    disputing: Mapping[int, QuestionPart] = field(default_factory=dict)
    beyond: QuestionPart | None = None
    ways: Callable[[str, Sequence[Rule], int], tuple[list[WayLine], int]] = _no_ways
    closed: bool = False
    for_good: bool = False

    @property
    def exchange(self) -> Exchange:
        return self.judgement.exchange

    @property
    def as_of(self) -> date:
        return self.judgement.as_of

    @cached_property
    def missing(self) -> tuple[MissingPart, ...]:
        """The lists of facts that settle the outcome."""
        return self.lists()

    @property
    def verdict(self) -> Verdict:
        return self.judgement.verdict

    @cached_property
    def reading(self) -> ConditionReading:
        return self.judgement.reading

    @property
    def outcome(self) -> Outcome:
        return self.judgement.outcome

    @property
    def elsewhere(self) -> frozenset[str]:
        """The jurisdictions that only facts which are not given could bring in."""
        return self.judgement.elsewhere

    @cached_property
    def rank(self) -> Mapping[str, int]:
        """The place of each jurisdiction in every list: those concerned in their order, then all others alike."""
        return {name: place - len(self.outcome.jurisdictions) for place, name in enumerate(self.judgement.concerned)}

    @cached_property
    def besides(self) -> tuple[str, ...]:
        """What may ask for a review beside a stricter outcome: provisions, and gaps and reaches of law by their names."""
        return self.judgement.may_review

    def standing(self, certain: bool = False) -> Iterator[tuple[int, Rule]]:
        """The rules that stand or may stand, with their numbers; with `certain` only those that stand for certain."""
        rules = self.verdict.rules
        for number in self.judgement.stand if certain else self.judgement.may_stand:
            yield number, rules[number]
