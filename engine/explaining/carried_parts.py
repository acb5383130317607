"""
The conditions that came with the data, as a decision tells them: what each asks for, and whether it is met.
"""

from __future__ import annotations

from engine.bundle import Bundle
from engine.deciding.carried_conditions import STATES, Carried, travelling_provisions
from engine.decision import CarriedPart
from engine.exchange import Exchange
from engine.languages import ENGLISH
from engine.register_facts import IN_REGISTER
from engine.rules import AS_OF, Defined, Truth, tests
from engine.values import Missing


def condition_facts(bundle: Bundle, provision: str) -> tuple[str, ...]:
    """The facts that the condition of a provision reads which travels; none where there is no such provision, or no test of it."""
    rule = travelling_provisions(bundle.rules).get(provision)
    if rule is None or rule.travels is None or not rule.travels.when:
        return ()
    read = (atom.fact for atom in tests(Defined(rule.travels.when), bundle.rules.definitions))
    others = (atom.other for atom in tests(Defined(rule.travels.when), bundle.rules.definitions))
    return tuple(each for each in dict.fromkeys((*read, *others)) if each and each != AS_OF)


def condition_text(bundle: Bundle, provision: str, lang: str = ENGLISH.code) -> str:
    """What the condition of a provision asks for which travels, in one language; "" where there is no such provision."""
    rule = travelling_provisions(bundle.rules).get(provision)
    return "" if rule is None or rule.travels is None else rule.travels.condition.in_(lang)


def carried_part(bundle: Bundle, exchange: Exchange, carried: Carried, lang: str = ENGLISH.code) -> CarriedPart:
    """The part of a decision for a condition that came with the data, in one language."""
    rule, travels = carried.rule, carried.rule.travels
    assert travels
    asks: dict[str, None] = {}
    if carried.truth is Truth.UNKNOWN:
        for atom in tests(Defined(travels.when), bundle.rules.definitions):
            fact = atom.fact.removesuffix(IN_REGISTER)
            if atom.fact != AS_OF and isinstance(exchange.value(fact), Missing):
                asks |= dict.fromkeys(asked for asked in exchange.asked_for(fact) if asked not in exchange.disputed)
    return CarriedPart(
        from_=carried.origin,
        provision=rule.provision.id,
        instrument=rule.provision.instrument.in_(lang),
        citation=rule.provision.citation.in_(lang),
        mark=rule.provision.status,
        condition=travels.condition.in_(lang),
        state="observe" if carried.truth is None else STATES[carried.truth],
        else_=travels.otherwise.word if travels.when else None,
        asks=list(asks),
        certain=carried.certain,
    )
