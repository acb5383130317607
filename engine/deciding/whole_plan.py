"""
The whole of a plan: the first leg's exporter with what a later leg does, as one exchange (semantics 4.14).

Two exchanges go in and their whole comes out; then its judgement goes in, and out come the bounds that it gives the plan. Only the first
exporter's law is asked, and of that only what prohibits, what lists of parties and bars say, and the law's reach: the requirements stay
those of the legs, and conditions that travel carry the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.books.page import BOOKS
from engine.bundle import Bundle
from engine.deciding.combine import MET, Outcome, may_be_met
from engine.exchange import REGISTER, Exchange
from engine.exchange_input.exchange_problems import ExchangeRefused
from engine.exchange_input.ledger_shares import SHARES
from engine.rules import Condition, Rule, Truth, atoms, definitions_named
from engine.values.outcome_levels import BOUNDS, Bounds, Level
from engine.verdict import Verdict, numbers

CLAIMS = "claims"
LATER = frozenset(("recipient", "people", "collection", "storage"))
# What a book of rights says of a chain, it says of the last leg: it follows grants from holder to holder. Shares of a
# ledger are those of each leg.
NOT_OF_THE_WHOLE = ("carried", "relies_on", BOOKS, SHARES)
NOTHING = BOUNDS[Level.NOT_APPLICABLE][Level.NOT_APPLICABLE]


class WholePlans:
    """Builds and weighs the wholes of plans under one bundle. Made once."""

    def __init__(self, bundle: Bundle) -> None:
        self._reader = bundle.reader
        touches = bundle.vocabulary.touches
        self._begins = tuple(touch.fact for touch in touches if touch.as_ == "exporter")
        self._ends = tuple(touch.fact for touch in touches if touch.as_ == "recipient")
        # The groups of facts that are the exporter's own: who she is, and what was counted of her.
        counted = (fact.name for fact in bundle.vocabulary.facts.values() if fact.counts)
        self._own = tuple(dict.fromkeys(name.partition(".")[0] for name in (*self._begins, *counted)))
        self._counts = {fact.family or fact.name for fact in bundle.vocabulary.facts.values() if fact.type.kind == "count"}
        # The groups that are neither hers nor the later leg's alone; who reads the data, only the later leg states.
        there = (*self._own, *(touch.fact.partition(".")[0] for touch in touches if touch.as_ in LATER))
        self._shared = {name.partition(".")[0] for name in bundle.vocabulary.facts}.difference(there)
        self._access = tuple(touch.fact.partition(".") for touch in touches if touch.as_ == "access")
        asks = frozenset(bundle.vocabulary.plans.asks) if bundle.vocabulary.plans else frozenset()
        self._rules = bundle.rules.rules
        self._asked = _asked(bundle, asks)

    def of(self, first: Exchange, later: Exchange) -> Exchange | None:
        """
        The whole of two exchanges; None where the later one goes back to the first exporter's country.

        Recipient, access, data and documents are as they stand in the later one. What it leaves out of the rest, such as the purpose, is as
        the first one states it. Raises ExchangeRefused where they cannot be one exchange.
        """
        begins = [first.value(fact) for fact in self._begins]
        if begins and begins == [later.value(fact) for fact in self._ends] and all(isinstance(each, str) for each in begins):
            return None
        ours: Mapping[str, Any] = first.document
        whole = {name: value for name, value in later.document.items() if name not in (*self._own, *NOT_OF_THE_WHOLE)}
        whole |= {name: ours[name] for name in self._own if name in ours}
        for name, group in ours.items():
            if name in self._shared:
                read_there = {fact for of, _, fact in self._access if of == name}
                kept = {fact: value for fact, value in group.items() if fact not in read_there}
                whole[name] = kept | whole.get(name, {})
        if CLAIMS in whole:  # what the later exporter relies on, the first one does not, unless she says so too
            whole[CLAIMS] = {kind: claim for kind, claim in whole[CLAIMS].items() if kind in ours.get(CLAIMS, {})}
        if REGISTER in ours or REGISTER in whole:
            theirs = whole.get(REGISTER, {})
            known = {fact: entity for fact, entity in theirs.items() if fact.partition(".")[0] not in self._own}
            mine = ours.get(REGISTER, {}).items()
            whole[REGISTER] = known | {fact: entity for fact, entity in mine if fact.partition(".")[0] in self._own}
        try:
            return self._reader.accept(whole)
        except ExchangeRefused:
            # Of more people than the first exporter has, what she counts says nothing.
            return self._reader.accept({name: self._uncounted(name, group) for name, group in whole.items()})

    def _uncounted(self, name: str, group: Any) -> Any:
        """A group of facts of the first exporter without what she counts; every other group as it is."""
        if name not in self._own or not isinstance(group, Mapping):
            return group
        return {fact: value for fact, value in group.items() if f"{name}.{fact}" not in self._counts}

    def bounds(self, first: Outcome, verdict: Verdict, outcome: Outcome) -> Bounds:
        """
        The bounds that a whole gives its plan, by its verdict and its own outcome. Nothing where they would not refuse.

        `first` is the outcome of its first exchange: it says whose law is the first exporter's.
        """
        found = Bounds.over(bounds for _, bounds in self._raising(first, verdict, outcome))
        return found if found.high.refused else NOTHING

    def against(self, first: Outcome, verdict: Verdict, outcome: Outcome) -> tuple[str, ...]:
        """What makes these bounds, the strictest first: provisions by their ids, and reaches of laws as `reach/COUNTRY/SUBJECT`."""
        raising = [each for each in self._raising(first, verdict, outcome) if each[1].high.refused]
        return tuple(dict.fromkeys(name for name, _ in sorted(raising, key=lambda each: (-each[1].high, -each[1].low))))

    def _raising(self, first: Outcome, verdict: Verdict, outcome: Outcome) -> Iterator[tuple[str, Bounds]]:
        """What is asked of the whole and what each of it raises."""
        law = {*first.jurisdictions, *first.coverage.jurisdictions}
        for number in numbers(verdict.stands.possible & self._asked):
            rule = self._rules[number]
            if rule.provision.jurisdiction in law:
                yield rule.provision.id, _raised(verdict, number, rule)
        for reach in outcome.coverage.reaches:
            if reach.jurisdiction in law:
                yield f"reach/{reach.country}/{reach.subject}", reach.bounds


def _raised(verdict: Verdict, number: int, rule: Rule) -> Bounds:
    """What a rule raises by itself (semantics 3.2, 3.7)."""
    if rule.need is not None:
        met = all(verdict.requirements[name] == MET for name in rule.need.requirements())
        low = Level.NOT_APPLICABLE if may_be_met(rule.need, verdict) else Level.REQUIREMENTS_UNMET
        high = Level.NOT_APPLICABLE if met else Level.REQUIREMENTS_UNMET
    else:
        low = high = Level.PROHIBITED if rule.effect == "prohibit" else Level.REVIEW
    if verdict.doubted.truth(number) is not Truth.NO and high.refused:
        low = min(low, Level.REVIEW)
    certain = verdict.stands.truth(number) is Truth.YES
    return BOUNDS[low if certain else Level.NOT_APPLICABLE][high]


def _asked(bundle: Bundle, facts: frozenset[str]) -> int:
    """The rules that prohibit, and those that test one of some facts and keep an exchange from going ahead."""
    testing: set[str] = set()  # definitions; each uses only earlier ones

    def tests(condition: Condition) -> bool:
        own = any(atom.fact in facts or atom.other in facts for atom in atoms(condition))
        return own or not testing.isdisjoint(definitions_named(condition))

    for key, condition in bundle.rules.definitions.items():
        if tests(condition):
            testing.add(key)
    found = 0
    for number, rule in enumerate(bundle.rules.rules):
        if rule.effect == "prohibit" or (rule.effect in ("review", "require") and tests(rule.condition)):
            found |= 1 << number
    return found
