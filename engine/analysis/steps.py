"""
Steps of one scale: rules of a policy that say the same but for a number. Between two of them there may be a gap, or they may overlap.

Two steps that both have no end on the same side are meant together, as "from a thousand on" and "from ten thousand on" are.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TypeAlias

from engine.analysis.analysed_bundle import AnalysedBundle
from engine.analysis.finding import Finding
from engine.analysis.prover import WitnessVerdict
from engine.rules import AS_OF, All, Atom, Condition, Defined, Rule, Truth, tests
from engine.values import Amount

End: TypeAlias = tuple[Decimal, int]
"""A number, and whether what begins there begins beyond it."""

NO_END: End = (Decimal("Infinity"), 0)
NO_BEGIN: End = (Decimal("-Infinity"), 0)
ORDER = ("at_least", "at_most", "more_than", "less_than")


@dataclass(frozen=True, slots=True)
class Step:
    """A rule with the numbers from which and before which it stands. `apart` are its tests of the number, `rest` those beside them."""

    rule: Rule
    begin: End
    end: End
    apart: tuple[Atom, ...]
    rest: tuple[Condition, ...]


def steps(analysed: AnalysedBundle) -> Iterator[Finding]:
    """Every gap and overlap."""
    for fact, found in _scales(analysed):
        ordered = sorted(found, key=lambda step: (step.begin, step.end))
        for lower, upper in pairwise(ordered):
            reached = max(step.end for step in ordered if step.begin <= lower.begin)
            if upper.begin > reached:
                yield from _gap(analysed, fact, lower, upper, ordered)
            elif upper.begin < lower.end and lower.end != NO_END and not _together(lower, upper):
                yield from _overlap(analysed, fact, lower, upper)


def _together(one: Step, other: Step) -> bool:
    return (
        (one.begin == other.begin == NO_BEGIN)
        or (one.end == other.end == NO_END)
        or (one.begin, one.end) == (other.begin, other.end)
    )


def _scales(analysed: AnalysedBundle) -> Iterator[tuple[str, list[Step]]]:
    found: dict[Hashable, list[Step]] = {}
    for rule in analysed.rules:
        if rule.key in analysed.never:
            continue
        parts = list(_conjuncts(rule.condition, analysed.bundle.rules.definitions))
        facts = dict.fromkeys(each.fact for each in parts if _is_number(each) and isinstance(each, Atom))
        for fact in facts:
            apart = tuple(each for each in parts if isinstance(each, Atom) and each.fact == fact and _is_number(each))
            rest = tuple(each for each in parts if each not in apart and not (isinstance(each, Atom) and each.fact == AS_OF))
            alike = frozenset(analysed.asked.condition(each).may for each in rest)
            shown = frozenset(
                atom.fact
                for duty in rule.duties
                if duty.done_when is not None
                for atom in tests(duty.done_when, analysed.bundle.rules.definitions)
            )
            key = rule.provision.policy, rule.effect, fact, _unit(apart), alike, shown
            found.setdefault(key, []).append(Step(rule, *_ends(apart), apart, rest))
    for (_, _, fact, *_), each in ((key, value) for key, value in found.items() if isinstance(key, tuple)):
        if len(each) > 1:
            yield str(fact), each


def _conjuncts(condition: Condition, definitions: dict[str, Condition]) -> Iterator[Condition]:
    """What must hold together, through definitions that are nothing but that."""
    match condition:
        case All(parts=parts):
            for part in parts:
                yield from _conjuncts(part, definitions)
        case Defined(key=key) if isinstance(definitions[key], All | Atom):
            yield from _conjuncts(definitions[key], definitions)
        case _:
            yield condition


def _is_number(condition: Condition) -> bool:
    if not isinstance(condition, Atom) or condition.op not in ORDER or condition.other or len(condition.operands) != 1:
        return False
    return condition.fact != AS_OF and isinstance(condition.operands[0], Decimal | Amount)


def _unit(apart: Sequence[Atom]) -> str:
    return next((each.operands[0].unit for each in apart if isinstance(each.operands[0], Amount)), "")


def _ends(apart: Sequence[Atom]) -> tuple[End, End]:
    begin, end = NO_BEGIN, NO_END
    for each in apart:
        operand = each.operands[0]
        number = operand.amount if isinstance(operand, Amount) else operand
        assert isinstance(number, Decimal)
        if each.op in ("at_least", "more_than"):
            begin = max(begin, (number, int(each.op == "more_than")))
        else:
            end = min(end, (number, int(each.op == "at_most")))
    return begin, end


def _given(analysed: AnalysedBundle, every: Sequence[Step]) -> list[int]:
    """What the steps have in common, on a day from today on on which all are in force."""
    conditions = [*every[0].rest]
    for step in every:
        parts = _conjuncts(step.rule.condition, analysed.bundle.rules.definitions)
        conditions += [each for each in parts if isinstance(each, Atom) and each.fact == AS_OF]
    return [analysed.from_today, *(analysed.asked.condition(each).must for each in dict.fromkeys(conditions))]


def _gap(analysed: AnalysedBundle, fact: str, lower: Step, upper: Step, every: Sequence[Step]) -> Iterator[Finding]:
    literals = _given(analysed, every)
    beyond = [each for each in lower.apart if each.op in ("at_most", "less_than")]
    before = [each for each in upper.apart if each.op in ("at_least", "more_than")]
    literals += [-analysed.asked.condition(each).may for each in (*beyond, *before)]
    for step in every:
        literals.append(-analysed.formula.gates.both(analysed.asked.condition(each).may for each in step.apart))

    def in_the_gap(seen: WitnessVerdict) -> bool:
        held = None if seen.exchange is None else seen.exchange.values.get(fact)
        return held is not None and seen.verdict is not None and all(seen.stands(each.rule.key) is Truth.NO for each in every)

    yield from _found(analysed, "steps-gap", fact, lower, upper, literals, in_the_gap)


def _overlap(analysed: AnalysedBundle, fact: str, lower: Step, upper: Step) -> Iterator[Finding]:
    literals = _given(analysed, (lower, upper))
    literals += [analysed.asked.condition(each).must for each in (*lower.apart, *upper.apart)]
    literals += [analysed.formula.stands(each.rule.key).must for each in (lower, upper)]

    def both_stand(seen: WitnessVerdict) -> bool:
        return analysed.stands(seen, lower.rule) and analysed.stands(seen, upper.rule)

    yield from _found(analysed, "steps-overlap", fact, lower, upper, literals, both_stand)


def _found(
    analysed: AnalysedBundle, code: str, fact: str, lower: Step, upper: Step, literals: Sequence[int], confirm: object
) -> Iterator[Finding]:
    if not analysed.asked.possible(*literals):
        return
    assert callable(confirm)
    witness = analysed.witness(literals, confirm)
    place, beside = lower.rule.provision.id, upper.rule.provision.id
    yield analysed.finding(
        code,
        analysed.place(place),
        place,
        {"beside": beside, "what": fact},
        state="confirmed" if witness else "open",
        beside=beside,
        witness=witness,
    )
