"""
What an instrument makes of an exchange by itself, in literals: a formula and a policy go in, the ends of its bounds come out.

It is what `deciding.instruments` makes of a verdict, of an exchange that nobody signed off. Two versions of these ends give one literal for
"more lenient" and one for "stricter", and two verdicts the same of an exchange.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from engine.analysis.formula import Formula
from engine.analysis.gates import TRUE, Gates
from engine.analysis.prover import Example, ProofAnswer, WitnessVerdict
from engine.backends.lanes.slots import Pair
from engine.deciding.instruments import FLAT, SILENT, Instruments
from engine.rules import Duty, Need, Rule
from engine.values.outcome_levels import BOUNDS, Bounds, Level
from engine.verdict import numbers

LevelEnds: TypeAlias = Mapping[Level, Pair]
"""Of each level above `permitted`, whether the lowest (`must`) and the highest (`may`) is at least that level."""
# What does not apply and what permits demand alike: neither is stricter. What law has to speak for a permit is the jurisdiction's (4.2).
LEVELS = tuple(level for level in Level if level > Level.PERMITTED)


@dataclass(frozen=True, slots=True)
class InstrumentMove:
    """Whether an exchange that both versions accept has a more lenient outcome of an instrument, and whether it has a stricter one."""

    policy: str
    jurisdiction: str
    more_lenient: ProofAnswer
    stricter: ProofAnswer
    old: WitnessVerdict | None = None  # of the witness

    @property
    def witness(self) -> Example | None:
        """The one that is shown: more lenient rather than stricter."""
        return next((each for each in (self.more_lenient, self.stricter) if isinstance(each, Example)), None)

    @property
    def bounds(self) -> tuple[Bounds, Bounds] | None:
        """The bounds of the instrument in the witness, under the old version and under the new one."""
        found = self.witness
        return (alone(self.old, self.policy), alone(found.verdict, self.policy)) if found and self.old else None


class InstrumentLevels:
    """The instruments of one formula."""

    def __init__(self, formula: Formula) -> None:
        self._formula = formula
        self._gates = formula.gates
        self._rules: dict[str, list[tuple[int, Rule]]] = {}
        for number, rule in enumerate(formula.bundle.rules.rules):
            if rule.effect not in SILENT:
                self._rules.setdefault(rule.provision.policy, []).append((number, rule))

    def of(self, policy: str) -> LevelEnds:
        """The ends of a policy by itself; one that the bundle has not demands nothing."""
        formula, gates = self._formula, self._gates
        low: dict[Level, list[int]] = {level: [] for level in LEVELS}
        high: dict[Level, list[int]] = {level: [] for level in LEVELS}
        for number, rule in self._rules.get(policy, ()):
            stands = formula.stands(rule.key)
            raised = self._doubted(self._raised(rule), Pair(*formula.read(formula.program.verdict.doubted[number])))
            for level, (must, may) in raised.items():
                low[level].append(gates.both((stands.must, must)))
                high[level].append(gates.both((stands.may, may)))
        return {level: Pair(gates.either(low[level]), gates.either(high[level])) for level in LEVELS}

    def _raised(self, rule: Rule) -> dict[Level, Pair]:
        """What a rule raises where it stands and nothing doubts it."""
        flat = FLAT.get(rule.effect)
        if flat is not None:
            return {level: Pair(_where(level <= flat), _where(level <= flat)) for level in LEVELS}
        found: dict[Level, list[Pair]] = {level: [] for level in LEVELS}
        for level, each in found.items():
            if rule.need is not None and level <= Level.REQUIREMENTS_UNMET:
                each.append(self._need(rule.need, level))
            each += [self._duty(duty, level) for duty in rule.duties]
        either = self._gates.either
        return {level: Pair(either(p.must for p in each), either(p.may for p in each)) for level, each in found.items()}

    def _need(self, need: Need, level: Level) -> Pair:
        """3.4: what is unmet raises `requirements_unmet`, what is doubtful `review`."""
        gates = self._gates
        if need.op == "one":
            unmet, doubtful, met, _ = self._formula.states(need.requirement)
            if level <= Level.REVIEW:
                return Pair(-met, gates.either((unmet, doubtful)))
            return Pair(gates.both((-met, -doubtful)), unmet)
        parts = [self._need(part, level) for part in need.parts]
        join = gates.both if need.op == "any_of" else gates.either
        return Pair(join([each.must for each in parts]), join([each.may for each in parts]))

    def _duty(self, duty: Duty, level: Level) -> Pair:
        """3.6: a duty that is owed is an obligation; where it is overdue, the level that it names."""
        gates, verdict = self._gates, self._formula.program.verdict
        if duty.key not in verdict.owed:
            return Pair(-TRUE, -TRUE)
        owed, late = self._formula.owed(duty.key), Pair(*self._formula.read(verdict.overdue[duty.key]))
        owing, overdue = _where(level <= Level.PERMITTED_WITH_OBLIGATIONS), _where(level <= duty.overdue)
        return Pair(
            gates.both((owed.must, gates.either((late.must, owing)), gates.either((-late.may, overdue)))),
            gates.both((owed.may, gates.either((gates.both((-late.must, owing)), gates.both((late.may, overdue)))))),
        )

    def _doubted(self, raised: dict[Level, Pair], doubted: Pair) -> dict[Level, Pair]:
        """3.7: a doubtful exemption makes a review of a requirement, and adds one to a prohibition."""
        gates, unmet, prohibited = self._gates, raised[Level.REQUIREMENTS_UNMET], raised[Level.PROHIBITED]
        left = gates.both((unmet.may, -doubted.must))
        return raised | {
            Level.REQUIREMENTS_UNMET: Pair(gates.both((unmet.must, -doubted.may)), gates.either((prohibited.may, left))),
            Level.PROHIBITED: Pair(gates.both((prohibited.must, -doubted.may)), prohibited.may),
        }


def milder(gates: Gates, old: LevelEnds, new: LevelEnds) -> int:
    """The literal that holds where an end is milder than it was."""
    ends = ((before, after) for level in LEVELS for before, after in zip(old[level], new[level], strict=True))
    return gates.either([gates.both((before, -after)) for before, after in ends])


def is_milder(old: Bounds, new: Bounds) -> bool:
    """Whether an end is milder than it was."""
    return any(after < before for before, after in ((old.low, new.low), (old.high, new.high)) if before > Level.PERMITTED)


def alone(found: WitnessVerdict, policy: str) -> Bounds:
    """The bounds of an instrument by itself, as the engines decided an exchange."""
    nothing = BOUNDS[Level.NOT_APPLICABLE][Level.NOT_APPLICABLE]
    if found.verdict is None:
        return nothing
    rules, stands = found.rules.rules, found.verdict.stands
    among = [number for number in numbers(stands.possible) if rules[number].provision.policy == policy]
    return Instruments(rules).of(found.verdict, among, frozenset(numbers(stands.certain))).get(policy, nothing)


def _where(holds: bool) -> int:
    return TRUE if holds else -TRUE
