"""
What the upper strata of the durable back end look up in one rule set: floors, requirements, grounds, duties, and rules by what they raise.

A rule set goes in, with the bits that durable-rules infers for its conditions. The tables are made once and serve every exchange.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from engine.backends.durable.standing import ExemptionStrata
from engine.rules import RuleSet, State
from engine.values.outcome_levels import BOUNDS, Bounds, Level
from engine.verdict import numbers

MILD = (Level.NOT_APPLICABLE, Level.PERMITTED, Level.PERMITTED_WITH_OBLIGATIONS)
NOTHING = BOUNDS[Level.NOT_APPLICABLE][Level.NOT_APPLICABLE]
RIGID = {"prohibit": BOUNDS[Level.PROHIBITED][Level.PROHIBITED], "review": BOUNDS[Level.REVIEW][Level.REVIEW]}
# The worlds in which a requirement may be are an integer too: bit n stands for the state n.
UNMET, DOUBTFUL, MET = (1 << state for state in State)
STATES = tuple(frozenset(state for state in State if worlds >> state & 1) for worlds in range(8))


class _Voice(NamedTuple):
    """
    The law on a subject matter: the condition that tells it (0 where none does), since when it is covered, who speaks of it, and the name
    under which a person signs for it.
    """

    subject: int
    since: date | None
    by: int
    signed: str


class _Floor(NamedTuple):
    """
    What a jurisdiction's law speaks of, and who speaks of any of it (semantics 4.2). `covered`: where it is silent, there is no permit.
    """

    jurisdiction: str
    covered: bool
    voices: tuple[_Voice, ...]
    by: int
    signed: frozenset[str]

    def worlds(self, certain: int, possible: int, day: date, signed: frozenset[str]) -> tuple[bool, bool]:
        """Whether the jurisdiction permits in the world with the least law, and in the one with the most."""
        speaking = surely = False
        silent = surely_silent = False  # on a subject matter that is covered by then
        for subject, since, by, name in self.voices:
            says = name in signed
            if (says or possible & by) and (not subject or possible & subject):
                speaking = True
                if (says or certain & by) and (not subject or certain & subject):
                    surely = True
            if since is not None and since <= day and not says:
                if possible & subject and not certain & by:
                    silent = True
                if certain & subject and not possible & by:
                    surely_silent = True
        return surely and not silent, speaking and not surely_silent

    def under(self, bounds: Bounds, worlds: tuple[bool, bool]) -> Bounds:
        """The bounds with this floor under them."""
        least, most = worlds
        low = self._in(bounds.low, least)
        return BOUNDS[low][self._in(bounds.high, most)]

    def _in(self, level: Level, permits: bool) -> Level:
        if level not in MILD:
            return level
        if permits:
            return max(level, Level.PERMITTED)
        return Level.NOT_APPLICABLE if self.covered else level


def _bits(each: Iterable[int]) -> int:
    found = 0
    for bit in each:
        found |= bit
    return found


class _Alike(NamedTuple):
    """Rules that raise the same, as bits: in which jurisdiction they raise which level."""

    rules: int
    jurisdiction: str
    level: Level


class _Ground(NamedTuple):
    """A rule that meets a requirement; of several, those that come first in their policies come first."""

    rank: int
    number: int
    key: str
    duties: frozenset[str]


class StrataTables:
    """
    What the upper strata look up in one rule set.

    `done` has the bit of each duty's `done_when`, `bits` that of each definition that a floor names.
    """

    def __init__(self, rules: RuleSet, standing: ExemptionStrata, done: Mapping[str, int], bits: Mapping[str, int]) -> None:
        self.rules = rules
        self.standing = standing
        self.done = done
        self.floors = [
            _Floor(
                floor.jurisdiction,
                floor.covered,
                tuple(
                    _Voice(bits.get(each.subject, 0), each.covered_from, _bits(bits[k] for k in each.by), each.signed)
                    for each in floor.spoken
                ),
                _bits(bits[key] for each in floor.spoken for key in each.by),
                frozenset(each.signed for each in floor.spoken),
            )
            for floor in rules.floors
        ]
        self.duties = rules.duties()
        self.names = tuple(rules.requirements)
        self.requirements = {name: number for number, name in enumerate(self.names)}
        self.unmet = dict.fromkeys(self.names, STATES[UNMET])
        self.jurisdiction = [rule.provision.jurisdiction for rule in rules.rules]
        self.nothing = dict.fromkeys((*self.jurisdiction, *(floor.jurisdiction for floor in self.floors)), NOTHING)
        # A duty that arises from a refusal is not owed here.
        self.owing = frozenset(key for key, duty in self.duties.items() if duty.arises == "exchange")
        self.plain = frozenset(key for key in self.owing if key not in done and self.duties[key].due is None)
        self.own_duties = {
            number: self.owing.intersection(duty.key for duty in rule.duties)
            for number, rule in enumerate(rules.rules)
            if rule.effect == "oblige"
        }
        self._sort(rules)
        self.grounds: dict[str, dict[int, _Ground]] = {name: {} for name in rules.requirements}
        in_order = sorted(enumerate(rules.rules), key=lambda n: (n[1].provision.policy, n[1].provision.line))
        for rank, (number, rule) in enumerate(in_order):
            for name in dict.fromkeys(rule.satisfies):
                own = frozenset(duty.key for duty in (*rules.requirements[name].duties, *rule.duties))
                self.grounds[name][number] = _Ground(rank, number, rule.key, own)
        self.ground_rules = {name: sum(1 << number for number in grounds) for name, grounds in self.grounds.items()}
        self.weights: dict[int, Bounds] = {}
        self.combined: dict[tuple[str, int, int], int] = {}

    def _sort(self, rules: RuleSet) -> None:
        """Sort rules by what they raise; rules that raise the same are weighed together."""
        self.reviews = self.plainly = self.others = 0
        self.requiring: dict[str, int] = {}
        alike: dict[tuple[str, Level], int] = {}
        for number, rule in enumerate(rules.rules):
            bit, level = 1 << number, None
            if rule.effect in RIGID:
                level = RIGID[rule.effect].low
                self.reviews |= bit if rule.effect == "review" else 0
            elif rule.effect == "oblige" and self.own_duties[number]:
                if self.own_duties[number] <= self.plain:
                    level = Level.PERMITTED_WITH_OBLIGATIONS
                    self.plainly |= bit
            elif rule.need is not None and rule.need.op == "one":
                level = Level.REQUIREMENTS_UNMET
                self.requiring[rule.need.requirement] = self.requiring.get(rule.need.requirement, 0) | bit
            elif rule.need is None:
                continue
            if level is None:
                self.others |= bit
            else:
                key = (self.jurisdiction[number], level)
                alike[key] = alike.get(key, 0) | bit
        self.alike = sum(alike.values())
        self.alike_to = {number: _Alike(mask, *key) for key, mask in alike.items() for number in numbers(mask)}
        self.weighing = self.alike | self.others
