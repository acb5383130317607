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
from engine.rules import Condition, Not, Rule, Truth
from engine.values import Missing, SetOf, to_json
from engine.verdict import Verdict
from engine.words import Phrasebook


def account(book: Phrasebook, exchange: Exchange, verdict: Verdict, judge: Callable[[Condition], Truth]) -> FactorPart:
    """The account of one exchange under one verdict."""
    bundle = book.bundle
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
    lanes = [_lane(book, verdict, rule, exempters.get(rule.key, []), judge) for rule in bundle.rules.rules if rule.lane]
    return FactorPart(account=parts, lanes=[lane for lane in lanes if lane is not None])


def _value(bundle: Bundle, exchange: Exchange, fact: str, highest: bool) -> Any:
    """A fact as sent, null where it was not; a family by its members; the highest of an ordered set."""
    vocabulary = bundle.vocabulary
    if fact in vocabulary.families:
        if any(vocabulary.facts[m].personal and not isinstance(exchange.value(m), Missing) for m in vocabulary.families[fact]):
            return "personal"
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
    book: Phrasebook, verdict: Verdict, rule: Rule, exempters: list[Rule], judge: Callable[[Condition], Truth]
) -> LanePart | None:
    standing = verdict.standing[rule.key]
    if verdict.defined[f"{rule.provision.policy}#applies"] is not Truth.YES and standing is Truth.NO:
        return None
    closing = [e for e in exempters if verdict.standing[e.key] is Truth.YES]
    might = [e for e in exempters if verdict.standing[e.key] is Truth.UNKNOWN]
    opens_when = [*book.unmet(rule.condition, judge)]
    opens_when += [text for e in might for text in book.unmet(Not(e.condition), judge)]
    return LanePart(
        lane=rule.lane,
        title=book.bundle.vocabulary.lanes[rule.lane].title.en,
        state={Truth.YES: "open", Truth.UNKNOWN: "possible", Truth.NO: "closed"}[standing],
        provision=rule.provision.id,
        citation=rule.provision.citation,
        force=rule.provision.force,
        mark=rule.provision.status,
        opens_when=[] if standing is Truth.YES else list(dict.fromkeys(opens_when)),
        closed_by=[f"{e.provision.title} ({e.provision.instrument}, {e.provision.citation})" for e in closing],
    )
