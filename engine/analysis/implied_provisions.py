"""
Pairs of provisions of one jurisdiction of which one adds nothing: what it gives or asks for, another gives or asks for wherever it stands.

Grounds are compared with grounds that meet as much, exemptions with those that lift as much, bans with bans, and rules that require with
those that require the same. Duties, reviews and advice say something of their own each, and are compared only where they say the same.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import combinations

from engine.analysis.analysed_bundle import AnalysedBundle
from engine.analysis.finding import Finding
from engine.rules import Rule


def implied_provisions(analysed: AnalysedBundle) -> Iterator[Finding]:
    """Every such pair, the provision that adds nothing first."""
    kinds: dict[Hashable, list[Rule]] = {}
    looked = {rule.key for rule in analysed.rules}
    for rule in analysed.every:
        if rule.key not in analysed.never:
            kinds.setdefault(_kind(rule), []).append(rule)
    told: set[str] = set()
    for rules in kinds.values():
        rules.sort(key=lambda rule: (rule.provision.file, rule.provision.line))
        for one, other in combinations(rules, 2):
            here = one.key in looked or other.key in looked
            if here and one.provision.id != other.provision.id and other.provision.id not in told:
                yield from (each for each in _pair(analysed, one, other, told) if analysed.file in each.at.file)


def _pair(analysed: AnalysedBundle, one: Rule, other: Rule, told: set[str]) -> Iterator[Finding]:
    forth, back = _as_much(one, other), _as_much(other, one)
    later = back and _only_where(analysed, other, one)
    earlier = (forth or back) and (forth or later) and _only_where(analysed, one, other)
    if later and earlier:
        yield _found(analysed, "same-provision", other, one)
        told.add(other.provision.id)
    elif later:
        yield _found(analysed, "implied", other, one)
        told.add(other.provision.id)
    elif earlier and forth and one.provision.id not in told:
        yield _found(analysed, "implied", one, other)
        told.add(one.provision.id)


def _found(analysed: AnalysedBundle, code: str, rule: Rule, beside: Rule) -> Finding:
    stands = analysed.formula.stands
    witness = analysed.witness(
        (stands(rule.key).must,), lambda seen: analysed.stands(seen, rule) and analysed.stands(seen, beside)
    )
    place, other = rule.provision.id, beside.provision.id
    return analysed.finding(code, analysed.place(place), place, {"beside": other}, beside=other, witness=witness)


def _only_where(analysed: AnalysedBundle, rule: Rule, other: Rule) -> bool:
    """Whether one rule stands only where another one does, for certain and perhaps."""
    one, two = analysed.formula.stands(rule.key), analysed.formula.stands(other.key)
    possible = analysed.asked.possible
    return not possible(one.must, -two.must) and not possible(one.may, -two.may)


def _kind(rule: Rule) -> Hashable:
    """What two rules share of which one may add nothing to the other."""
    same: Sequence[Hashable] = ()
    match rule.effect:
        case "require":
            same = (rule.need,)
        case "oblige":
            same = tuple((duty.text, duty.due) for duty in rule.duties)
        case "review" | "advise" | "compels":
            same = (rule.message, rule.lane)
        case "exempts":
            same = (rule.key.endswith("~lifts"),)
    return rule.provision.jurisdiction, rule.effect, *same


def _as_much(rule: Rule, other: Rule) -> bool:
    """Whether another rule gives at least as much as a rule does, where it stands."""
    if rule.effect in ("satisfies", "exempts") and other.doubtful and not rule.doubtful:
        return False
    return (
        set(rule.satisfies) <= set(other.satisfies)
        and set(rule.exempts) - {other.key} <= set(other.exempts)
        and set(rule.excuses) <= set(other.excuses)
    )
