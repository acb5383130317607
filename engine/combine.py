"""
From one verdict to the outcome: the strictest sovereign wins, what is not known gives bounds (semantics 4.4, 4.6, 4.7).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from engine.bundle import Bundle
from engine.coverage import Coverage, coverage
from engine.exchange import Exchange
from engine.rules import Level, Rule, Truth
from engine.verdict import Bounds, Verdict

PERMITTING = (Level.PERMITTED, Level.PERMITTED_WITH_OBLIGATIONS)
UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The overall outcome, each jurisdiction's bounds, and what is not modelled."""

    word: str
    bounds: Bounds
    jurisdictions: dict[str, Bounds]
    coverage: Coverage
    conflicts: tuple[tuple[Rule, str], ...] = ()

    @property
    def permits(self) -> bool:
        return self.word in tuple(level.word for level in PERMITTING)


def combine(bundle: Bundle, exchange: Exchange, verdict: Verdict, as_of: date) -> Outcome:
    """The outcome of a verdict; a gap in coverage weighs on the jurisdiction it is found in."""
    covered = coverage(bundle.vocabulary, exchange, verdict, as_of)
    jurisdictions = dict(verdict.jurisdictions)
    for gap in covered.gaps:
        # A country that no jurisdiction covers stands under its own code; one not known stands alone.
        place = gap.jurisdiction or gap.country
        jurisdictions[place] = Bounds.over((jurisdictions[place], gap.bounds)) if place in jurisdictions else gap.bounds
    against = conflicts(bundle, verdict, jurisdictions)
    overall = Bounds.over(jurisdictions.values())
    shown = {name: bounds for name, bounds in jurisdictions.items() if name and bounds.high is not Level.NOT_APPLICABLE}
    return Outcome(word(overall), overall, shown, covered, tuple(against))


def word(bounds: Bounds) -> str:
    """Equal bounds are the outcome; both permitting: the upper; otherwise undetermined (4.4)."""
    if bounds.low is bounds.high or (bounds.low in PERMITTING and bounds.high in PERMITTING):
        return bounds.high.word
    return UNDETERMINED


def conflicts(bundle: Bundle, verdict: Verdict, jurisdictions: dict[str, Bounds]) -> list[tuple[Rule, str]]:
    """
    Where `compels` stands or may against another jurisdiction's refusal, `requirements_unmet` becomes `review` (4.7).

    Changes `jurisdictions` in place; returns each compelling rule with the jurisdiction that refuses.
    """
    found = []
    for rule in bundle.rules.rules:
        if rule.effect != "compels" or verdict.standing[rule.key] is Truth.NO:
            continue
        for name, bounds in list(jurisdictions.items()):
            if name != rule.provision.jurisdiction and bounds.high >= Level.REQUIREMENTS_UNMET:
                found.append((rule, name))
                low = (
                    Level.REVIEW
                    if bounds.low is Level.REQUIREMENTS_UNMET and verdict.standing[rule.key] is Truth.YES
                    else bounds.low
                )
                jurisdictions[name] = Bounds(low, max(bounds.high, Level.REVIEW))
    return found
