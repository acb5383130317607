"""
From one verdict to the outcome: the strictest sovereign wins, and unknown facts give bounds (semantics 4.4, 4.6, 4.7).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from engine.bundle import Bundle
from engine.deciding.coverage import GAP, REACH, Coverage, CoverageMap
from engine.exchange import Exchange
from engine.rules import Need, Provision, Rule, State, Truth
from engine.values.outcome_levels import BOUNDS, Bounds, Level, closed, outcome_word, permitting
from engine.verdict import NONE_SIGNED, Verdict, numbers

MET = frozenset((State.MET,))
REFUSING = ("prohibit", "review", "oblige")
COVERAGE = ("touch/", "subject/", "speaks/", "not-reached/", "accepted/", "free/", "under/")


@dataclass(frozen=True, slots=True)
class Conflict:
    """
    A rule by which one law compels what another law refuses. One of the two at least is certain.

    `jurisdiction` is whose law refuses, and `refusing` are the provisions by which it does, or may.
    """

    rule: Rule
    compels: bool
    jurisdiction: str
    refuses: bool
    refusing: tuple[Provision, ...]

    @property
    def certain(self) -> bool:
        """Whether the one certainly compels what the other certainly refuses."""
        return self.compels and self.refuses

    @property
    def open(self) -> str:
        """The provision of which it is not known whether it stands, "" where nothing is open."""
        if not self.compels:
            return self.rule.provision.id
        return "" if self.refuses else self.refusing[0].id


@dataclass(frozen=True, slots=True)
class Outcome:
    """The overall outcome, the bounds of each jurisdiction, the coverage, and the conflicts between sovereigns."""

    word: str
    bounds: Bounds
    jurisdictions: dict[str, Bounds]
    coverage: Coverage
    conflicts: tuple[Conflict, ...] = ()

    @property
    def permits(self) -> bool:
        return permitting(self.bounds)

    @property
    def open(self) -> bool:
        """Whether a fact that is not known can still change the outcome."""
        return not closed(self.bounds)


Evaluate: TypeAlias = Callable[[Exchange, date], tuple[Verdict, Outcome]]
"""The verdict on an exchange under the law of a day, and its outcome; searches call it many times."""


class Combiner:
    """Combines verdicts under one bundle. `read` are the definitions that coverage reads; engines must agree on them, as on the rules."""

    def __init__(self, bundle: Bundle) -> None:
        self._map = CoverageMap(bundle)
        self.read = tuple(key for key in bundle.rules.definitions if key.startswith(COVERAGE))
        self._rules = bundle.rules.rules
        self._compelling = sum(1 << number for number, rule in enumerate(self._rules) if rule.effect == "compels")
        self._refusing: dict[str, int] = {}  # by jurisdiction, the rules that may refuse, as a set
        for number, rule in enumerate(self._rules):
            if rule.effect in REFUSING or rule.need is not None:
                place = rule.provision.jurisdiction
                self._refusing[place] = self._refusing.get(place, 0) | 1 << number

    def outcome(
        self,
        exchange: Exchange,
        verdict: Verdict,
        as_of: date,
        signed: Collection[str] = (),
    ) -> Outcome:
        """The outcome of a verdict; a gap in coverage, and a reach that is not signed off, raise the bounds of their jurisdiction."""
        covered = self._map.of(exchange, verdict.defined, as_of).without(signed)
        jurisdictions = self._weigh(verdict.jurisdictions, covered)
        overall = Bounds.over(jurisdictions.values())
        jurisdictions.pop("", None)
        return Outcome(outcome_word(overall), overall, jurisdictions, covered, tuple(self._conflicts(verdict, covered, signed)))

    def beneath(self, verdict: Verdict, outcome: Outcome) -> Bounds:
        """
        The bounds without the reviews that a person may sign off (4.6); doubtful lifts are not accepted here.

        `verdict` is that of an engine which was told that all that can be signed for is (`Coverage.spoken_for`).
        """
        if not outcome.bounds.high.refused:
            return outcome.bounds
        covered = outcome.coverage.without(outcome.coverage.signable)
        return Bounds.over(self._weigh(verdict.beneath, covered).values())

    def spoken_for(self, exchange: Exchange, verdict: Verdict, as_of: date, signed: Collection[str]) -> frozenset[str]:
        """The names by which engines are told for which subject matters a person has signed, among all that was signed off."""
        if not any(name.startswith((GAP, REACH)) for name in signed):
            return NONE_SIGNED
        return self._map.of(exchange, verdict.defined, as_of).spoken_for(signed)

    def _weigh(self, bounds: Mapping[str, Bounds], covered: Coverage) -> dict[str, Bounds]:
        """The bounds of the jurisdictions whose law applies, or may, with what coverage makes of them."""
        jurisdictions = dict(bounds)
        for silence in covered.silences:
            _raise(jurisdictions, silence.place, silence.bounds)
        for accepted in covered.accepted:
            if accepted.floor is not None:
                _raise(jurisdictions, accepted.country, accepted.floor)
        for silence in covered.signed:
            if not silence.jurisdiction:
                _raise(jurisdictions, silence.country, BOUNDS[Level.PERMITTED][Level.PERMITTED])
        nothing = Level.NOT_APPLICABLE  # as nearly all of dozens are
        return {name: bounds for name, bounds in jurisdictions.items() if bounds.high is not nothing}

    def _conflicts(self, verdict: Verdict, covered: Coverage, signed: Collection[str]) -> Iterator[Conflict]:
        """
        Where `compels` stands against provisions of another jurisdiction that refuse; one of the two only may (4.7).

        It raises nothing: what refuses is raised by the provisions that refuse. A gap, an unread law and a reach refuse nothing. What only
        may refuse counts where its law covers a country that the exchange touches.
        """
        compelling = numbers(verdict.stands.possible & self._compelling)
        if not compelling:
            return
        certain: dict[str, dict[Provision, None]] = {}
        possible: dict[str, dict[Provision, None]] = {}
        refusing = 0
        for place, bounds in verdict.jurisdictions.items():
            if bounds.high.refused and (bounds.low.refused or place in covered.jurisdictions):
                refusing |= self._refusing.get(place, 0)
        for number in numbers(verdict.stands.possible & refusing):
            rule = self._rules[number]
            place = rule.provision.jurisdiction
            bounds = verdict.jurisdictions[place]
            if rule.effect == "review" and rule.provision.id in signed:
                continue
            stands = verdict.stands.certain >> number & 1
            if stands and bounds.low.refused and refuses(rule, verdict):
                certain.setdefault(place, {})[rule.provision] = None
            elif place in covered.jurisdictions and may_refuse(rule, verdict):
                possible.setdefault(place, {})[rule.provision] = None
        for number in compelling:
            rule, stands = self._rules[number], bool(verdict.stands.certain >> number & 1)
            for place in dict.fromkeys((*certain, *(possible if stands else ()))):
                if place != rule.provision.jurisdiction:
                    yield Conflict(rule, stands, place, place in certain, tuple(certain.get(place) or possible[place]))


def refuses(rule: Rule, verdict: Verdict) -> bool:
    """Whether a rule that certainly stands keeps an exchange from going ahead, with no doubt about it."""
    if rule.effect in ("prohibit", "review"):
        return True
    if rule.need is not None and not may_be_met(rule.need, verdict):
        return True
    owed = (duty for duty in rule.duties if duty.overdue.refused and verdict.owed.get(duty.key) is Truth.YES)
    return rule.effect == "oblige" and any(verdict.overdue[duty.key] is Truth.YES for duty in owed)


def may_refuse(rule: Rule, verdict: Verdict) -> bool:
    """Whether a rule that may stand may keep an exchange from going ahead."""
    if rule.need is not None:
        return any(verdict.requirements[name] != MET for name in rule.need.requirements())
    owed = (duty for duty in rule.duties if duty.overdue.refused)
    late = any(verdict.overdue.get(duty.key, Truth.NO) is not Truth.NO for duty in owed)
    return rule.effect in ("prohibit", "review") or (rule.effect == "oblige" and late)


def may_be_met(need: Need, verdict: Verdict) -> bool:
    """Whether what is required may be met."""
    if need.op == "one":
        return State.MET in verdict.requirements[need.requirement]
    parts = (may_be_met(part, verdict) for part in need.parts)
    return any(parts) if need.op == "any_of" else all(parts)


def _raise(jurisdictions: dict[str, Bounds], place: str, by: Bounds) -> None:
    before = jurisdictions.get(place)
    jurisdictions[place] = by if before is None else Bounds.over((before, by))
