"""
The thresholds of counters: a bundle goes in; out come the numbers that its provisions compare each counter with.

A test for "at least" a number and one for "less than" it share a threshold, which a count reaches at the number. A test for "more than" a
number and one for "at most" it share another, which a count reaches above the number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from engine.bundle import Bundle
from engine.deciding.contributions import BundleCounters, Counter
from engine.rules import Atom, RuleSet, tests

_REACHED = {"at_least": "at_least", "less_than": "at_least", "more_than": "more_than", "at_most": "more_than"}


@dataclass(frozen=True, slots=True)
class CounterThreshold:
    """
    A number that provisions compare a counted fact with.

    `fact` is a fact of the counter, or the total of its family; `members` are the facts of the counter that make it up, and the same people
    may be in several of them where `distinct`. `test` says in the policy language when the threshold is reached. `number` is None
    where the fact is compared with another fact, `other`, as with the maximum of a permit. `provisions` have the ids of those that
    compare, the first in the order of the rules.
    """

    counter: str
    fact: str
    members: tuple[str, ...]
    distinct: bool
    test: Atom
    number: Decimal | None
    other: str
    provisions: tuple[str, ...]

    @property
    def above(self) -> bool:
        """Whether it is reached only above its number."""
        return self.test.op == "more_than"


def counter_thresholds(bundle: Bundle, counting: BundleCounters) -> tuple[CounterThreshold, ...]:
    """The thresholds of all counters, by counter, then by fact, then from the lowest up."""
    facts: dict[str, tuple[Counter, tuple[str, ...], bool]] = {}
    for counter in counting.counters:
        facts |= {fact: (counter, (fact,), counter.distinct) for fact in counter.facts}
        facts |= {total: (counter, members, how == "distinct") for total, how, members in _totals(bundle.rules, counter)}
    found: dict[tuple[str, str, Decimal | None, str], tuple[Atom, dict[str, None]]] = {}
    for rule in bundle.rules.rules:
        for atom in tests(rule.condition, bundle.rules.definitions):
            if atom.fact not in facts or atom.op not in _REACHED:
                continue
            op = _REACHED[atom.op]
            number = next((each for each in atom.operands if isinstance(each, Decimal)), None)
            if number is None and not atom.other:
                continue
            _, provisions = found.setdefault((atom.fact, op, number, atom.other), (replace(atom, op=op), {}))
            provisions[rule.provision.id] = None
    order = {fact: place for place, fact in enumerate(facts)}
    made = [
        CounterThreshold(facts[fact][0].name, fact, *facts[fact][1:], test, number, other, tuple(provisions))
        for (fact, _, number, other), (test, provisions) in found.items()
    ]
    return tuple(sorted(made, key=lambda each: (order[each.fact], each.number is None, each.number or 0, each.above)))


def _totals(rules: RuleSet, counter: Counter) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The totals of the families whose members a counter counts, each with how its parts add up."""
    for total, (how, members) in rules.families.items():
        if members and set(members) <= set(counter.facts):
            yield total, how, members
