"""
From one verdict to the outcome: the strictest sovereign wins, and unknown facts give bounds (semantics 4.4, 4.6, 4.7).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from engine.bundle import Bundle
from engine.deciding.coverage import Coverage, CoverageMap
from engine.exchange import Exchange
from engine.rules import Level, Rule, Truth
from engine.verdict import BOUNDS, Bounds, Verdict, numbers

PERMITTING = (Level.PERMITTED, Level.PERMITTED_WITH_OBLIGATIONS)
UNDETERMINED = "undetermined"
COVERAGE = ("touch/", "subject/", "speaks/", "not-reached/", "accepted/")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The overall outcome, the bounds of each jurisdiction, the coverage, and the conflicts between sovereigns."""

    word: str
    bounds: Bounds
    jurisdictions: dict[str, Bounds]
    coverage: Coverage
    conflicts: tuple[tuple[Rule, str], ...] = ()

    @property
    def permits(self) -> bool:
        return permitting(self.bounds)


Evaluate: TypeAlias = Callable[[Exchange, date], tuple[Verdict, Outcome]]
"""The verdict on an exchange under the law of a day, and its outcome; searches call it many times."""


class Combiner:
    """Combines verdicts under one bundle. `read` are the definitions that coverage reads; engines must agree on them, as on the rules."""

    def __init__(self, bundle: Bundle) -> None:
        self._map = CoverageMap(bundle)
        self.read = tuple(key for key in bundle.rules.definitions if key.startswith(COVERAGE))
        self._rules = bundle.rules.rules
        self._compelling = sum(1 << number for number, rule in enumerate(self._rules) if rule.effect == "compels")

    def outcome(
        self,
        exchange: Exchange,
        verdict: Verdict,
        as_of: date,
        signed: Collection[str] = (),
        covered: Coverage | None = None,
    ) -> Outcome:
        """
        The outcome of a verdict; a gap in coverage, and a reach that is not signed off, raise the bounds of their jurisdiction.

        `covered` is its coverage, if that is known (`covers_alike`).
        """
        if covered is None:
            covered = self._map.of(exchange, verdict.defined, as_of).without(signed)
        jurisdictions, against = self._weigh(verdict, verdict.jurisdictions, covered)
        overall = Bounds.over(jurisdictions.values())
        jurisdictions.pop("", None)
        return Outcome(word(overall), overall, jurisdictions, covered, tuple(against))

    def covers_alike(self, exchange: Exchange, verdict: Verdict, other: Exchange, others: Verdict) -> bool:
        """Whether two exchanges, with the verdicts on them under the law of one day, have the same coverage: it reads the same in both."""
        countries = (exchange.value(fact) == other.value(fact) for fact in self._map.countries)
        return all(countries) and verdict.defined.alike(others.defined, self.read)

    def beneath(self, verdict: Verdict, outcome: Outcome) -> Bounds:
        """The bounds without the reviews that a person may sign off (4.6); doubtful lifts are not accepted here."""
        if outcome.bounds.high < Level.REVIEW:
            return outcome.bounds
        covered = outcome.coverage.without([reach.id for reach in outcome.coverage.signable])
        return Bounds.over(self._weigh(verdict, verdict.beneath, covered)[0].values())

    def _weigh(
        self, verdict: Verdict, bounds: Mapping[str, Bounds], covered: Coverage
    ) -> tuple[dict[str, Bounds], list[tuple[Rule, str]]]:
        """The bounds of the jurisdictions whose law applies, or may, with what coverage and conflicts make of them; and the conflicts."""
        jurisdictions = dict(bounds)
        for silence in covered.silences:
            _raise(jurisdictions, silence.place, silence.bounds)
        for accepted in covered.accepted:
            if accepted.floor is not None:
                _raise(jurisdictions, accepted.country, accepted.floor)
        nothing = Level.NOT_APPLICABLE  # as nearly all of dozens are
        applying = {name: bounds for name, bounds in jurisdictions.items() if bounds.high is not nothing}
        return applying, self._conflicts(verdict, applying)

    def _conflicts(self, verdict: Verdict, jurisdictions: dict[str, Bounds]) -> list[tuple[Rule, str]]:
        """
        Where `compels` stands, or may stand, against another jurisdiction's refusal, `requirements_unmet` becomes `review` (4.7).

        Changes `jurisdictions` in place; returns each compelling rule with the jurisdiction that refuses.
        """
        found = []
        for number in numbers(verdict.stands.possible & self._compelling):
            rule, stands = self._rules[number], verdict.stands.truth(number)
            for name, bounds in list(jurisdictions.items()):
                if name != rule.provision.jurisdiction and bounds.high >= Level.REQUIREMENTS_UNMET:
                    found.append((rule, name))
                    raised = bounds.low is Level.REQUIREMENTS_UNMET and stands is Truth.YES
                    low = Level.REVIEW if raised else bounds.low
                    jurisdictions[name] = BOUNDS[low][max(bounds.high, Level.REVIEW)]
        return found


def _raise(jurisdictions: dict[str, Bounds], place: str, by: Bounds) -> None:
    before = jurisdictions.get(place)
    jurisdictions[place] = by if before is None else Bounds.over((before, by))


def permitting(bounds: Bounds) -> bool:
    """Whether the outcome is a permit, whatever the unknown facts turn out to be."""
    return bounds.low in PERMITTING and bounds.high in PERMITTING


def word(bounds: Bounds) -> str:
    """The outcome of bounds: the upper one where both are equal or both permit, otherwise undetermined (4.4)."""
    if bounds.low is bounds.high or permitting(bounds):
        return bounds.high.word
    return UNDETERMINED
