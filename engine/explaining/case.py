"""
One case: an exchange with everything that was found out about it, from which the decision is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from engine.bundle import Bundle
from engine.deciding.carried import Carried
from engine.deciding.combine import Outcome
from engine.decision import EnginePart, MissingPart, SignedOffPart
from engine.exchange import Exchange
from engine.rules import Rule
from engine.verdict import Bounds, Reading, Verdict, numbers


@dataclass(frozen=True, slots=True)
class Case:
    """
    Everything a decision is told from.

    `own` is the outcome without what is `carried` into the exchange, that is what came with the data. `reading` tells how tests
    read on the exchange. `beneath` is the outcome with reviews put away; `id` is the caller's.
    `signed_off` are the approvals that the verdict rests on.
    """

    bundle: Bundle
    exchange: Exchange
    as_of: date
    hypothetical: bool
    id: str
    verdict: Verdict
    reading: Reading
    outcome: Outcome
    beneath: Bounds
    missing: Sequence[MissingPart]
    engine: EnginePart
    own: Outcome
    carried: Sequence[Carried] = ()
    signed_off: Sequence[SignedOffPart] = ()

    def standing(self, certain: bool = False) -> Iterator[tuple[int, Rule]]:
        """The rules that stand, or may, with their numbers; only those that do for certain where that is asked."""
        stands = self.verdict.stands
        rules = self.verdict.rules
        for number in numbers(stands.certain if certain else stands.possible):
            yield number, rules[number]
