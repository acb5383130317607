"""
One case: an exchange with everything that was found out about it, from which the decision is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from engine.backends.reference import Reference
from engine.bundle import Bundle
from engine.combine import Outcome
from engine.decision import EnginePart, MissingPart
from engine.exchange import Exchange
from engine.rules import Rule, Truth
from engine.verdict import Bounds, Verdict
from engine.words import Phrasebook


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a decision is told from. `beneath` is the outcome with reviews put away; `id` is the caller's."""

    bundle: Bundle
    reference: Reference
    book: Phrasebook
    exchange: Exchange
    as_of: date
    hypothetical: bool
    id: str
    verdict: Verdict
    outcome: Outcome
    beneath: Bounds
    missing: Sequence[MissingPart]
    engine: EnginePart

    @property
    def standing(self) -> list[Rule]:
        """The rules that stand, or may."""
        return [rule for rule in self.bundle.rules.rules if self.verdict.standing[rule.key] is not Truth.NO]

    def place(self, name: str) -> str:
        """The title of a jurisdiction, or of a country that no jurisdiction covers."""
        text = self.bundle.vocabulary.jurisdictions.get(name)
        countries = self.bundle.vocabulary.values.get("country")
        return text.title.en if text else countries.titles.get(name, name) if countries else name
