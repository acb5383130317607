"""
The facts to find out of a row: what is not known, and what provisions read that only may stand and may raise the outcome.

A bundle goes in, once; then which provisions only may stand and which facts are not known, and out come the facts, in the order of the
vocabulary. The answers to rows rank them, and leave out what cannot move the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.bundle import Bundle
from engine.policy_language.vocabulary import stated_in
from engine.rules import Condition, tests
from engine.verdict import numbers

COVERAGE = ("touch/", "subject/", "free/", "under/")  # definitions by which it is found whether law is silent
REMEMBERED = 4_096


class MissingFacts:
    """The facts that each provision of a bundle reads. A set of facts is an integer: bit n is fact n of `names`."""

    def __init__(self, bundle: Bundle) -> None:
        rules, families = bundle.rules, bundle.rules.families
        self._read: dict[int, frozenset[str]] = {}

        def read(conditions: Iterable[Condition]) -> frozenset[str]:
            atoms = (atom for each in conditions for atom in tests(each, rules.definitions))
            facts = (name for atom in atoms for name in (atom.fact, atom.other) if name)
            return frozenset(stated_in(member) for fact in facts for member in families.get(fact, ("", (fact,)))[1])

        of_rules = [read([rule.condition]) for rule in rules.rules]
        coverage = read(each for key, each in rules.definitions.items() if key.startswith(COVERAGE))
        coverage |= {touch.fact for touch in bundle.vocabulary.touches}
        known = {name for each in (*of_rules, coverage) for name in each}
        order = {name: number for number, name in enumerate(bundle.vocabulary.facts)}
        asked = (name for name in known if _is_asked(bundle, name))
        self.names = tuple(sorted(asked, key=lambda name: (order.get(name, len(order)), name)))
        self.place = {name: number for number, name in enumerate(self.names)}
        self._of_rules = [self._mask(each) for each in of_rules]
        self._coverage = self._mask(coverage)
        self._known: dict[tuple[int, bool], int] = {}

    def of(self, rules: int, silent: bool, unknown: int) -> list[str]:
        """
        The facts that `unknown` has and some rules read, which only may stand. `silent`: it is not certain whether some law is silent.
        """
        return [self.names[number] for number in numbers(self.read_by(rules, silent) & unknown)]

    def read_by(self, rules: int, silent: bool) -> int:
        """The facts that some rules read."""
        found = self._known.get((rules, silent))
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = self._coverage if silent else 0
            for number in numbers(rules):
                found |= self._of_rules[number]
            self._known[rules, silent] = found
        return found

    def unknown(self, is_open: Callable[[str], bool]) -> int:
        """The facts that are not known."""
        return sum(1 << number for number, name in enumerate(self.names) if is_open(name))

    def _mask(self, names: Iterable[str]) -> int:
        return sum(1 << self.place[name] for name in names if name in self.place)


def _is_asked(bundle: Bundle, name: str) -> bool:
    """Whether a name is a fact or a document that a sender may state."""
    fact = bundle.vocabulary.facts.get(name)
    if fact is not None:
        return not fact.register_only and not fact.follows
    group, _, kind = name.partition(".")
    return kind in bundle.vocabulary.kinds.get(group, {})
