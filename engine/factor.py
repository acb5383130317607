"""
The data factor account: data as a thing with rights, a grade, a value and benefits, and the lanes open to it.

The lines of the account and the facts they read are vocabulary; a graded line takes the highest signal, since the stricter grade
wins. A lane is a standing advice that names one; a closed lane says what would open it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.bundle import Bundle
from engine.decision import FactorLinePart, FactorPart, LanePart
from engine.exchange import Exchange
from engine.rules import Condition, Rule, Truth
from engine.values import Missing, SetOf, to_json
from engine.verdict import Verdict
from engine.words import unmet_tests


def account(bundle: Bundle, exchange: Exchange, verdict: Verdict, judge: Callable[[Condition], Truth]) -> FactorPart:
    """The account of one exchange under one verdict."""
    parts = {
        part: {
            name: FactorLinePart(title=line.title.en, fact=line.fact, value=_value(bundle, exchange, line.fact, line.highest))
            for name, line in lines.items()
        }
        for part, (_, lines) in bundle.vocabulary.factor.items()
    }
    exempters: dict[str, list[Rule]] = {}
    for rule in bundle.rules.rules:
        for victim in rule.exempts:
            exempters.setdefault(victim, []).append(rule)
    lanes = [_lane(bundle, verdict, rule, exempters.get(rule.key, []), judge) for rule in bundle.rules.rules if rule.lane]
    return FactorPart(account=parts, lanes=[lane for lane in lanes if lane is not None])


def _value(bundle: Bundle, exchange: Exchange, fact: str, highest: bool) -> Any:
    """A fact as sent, null where it was not; a family by its members; the highest of an ordered set."""
    vocabulary = bundle.vocabulary
    if fact in vocabulary.families:
        members = {m.removeprefix(f"{fact}."): to_json(exchange.value(m)) for m in vocabulary.families[fact]}
        return {name: value for name, value in members.items() if value is not None} or None
    known = vocabulary.facts[fact]
    value = exchange.value(fact)
    if known.personal and not isinstance(value, Missing):
        return "personal"
    if highest and isinstance(value, SetOf) and value.members and known.type.values:
        rank = known.type.values.rank
        return max(value.members, key=lambda member: rank.get(member, -1))
    return to_json(value)


def _lane(
    bundle: Bundle, verdict: Verdict, rule: Rule, exempters: list[Rule], judge: Callable[[Condition], Truth]
) -> LanePart | None:
    standing = verdict.standing[rule.key]
    if verdict.defined[f"{rule.provision.policy}#applies"] is Truth.NO:
        return None
    closed_by = [e.provision for e in exempters if verdict.standing[e.key] is not Truth.NO]
    return LanePart(
        lane=rule.lane,
        title=bundle.vocabulary.lanes[rule.lane].title.en,
        state={Truth.YES: "open", Truth.UNKNOWN: "possible", Truth.NO: "closed"}[standing],
        provision=rule.provision.id,
        citation=rule.provision.citation,
        force=rule.provision.force,
        mark=rule.provision.status,
        opens_when=[] if standing is Truth.YES else unmet_tests(bundle, rule.condition, judge),
        closed_by=[f"{p.title} ({p.instrument}, {p.citation})" for p in closed_by] if standing is not Truth.YES else [],
    )
