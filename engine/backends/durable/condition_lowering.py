"""
Conditions go in, alternatives of conjunctions of tests come out.

Negation moves inward until only tests are denied, and each denial is a test of its own. So the same terms show what is certain and what
is possible. A definition of few terms is written out where it is used. A wide one becomes a head: it is derived first, and then tested
like a fact, by a three-valued code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

from engine.backends.durable.exchange_encoding import Encoder
from engine.backends.durable.network import PropertyTest, Term
from engine.backends.durable.value_answers import FALSE, TRUE
from engine.rules import All, AnyOf, Atom, Condition, Defined, Not, RuleSet, atoms

MAX_ADDED = 32  # the most terms of a definition that is written out among alternatives, where nothing is multiplied
NARROW, ROOMY = 9, 96  # the most terms of a conjunction that is multiplied out; ROOMY is for conditions that are derived first
APPLIES = "#applies"

Terms = tuple[Term, ...]


class Lowering:
    """The heads of one rule set that its conditions need. Their numbers follow those of the rules."""

    def __init__(self, rules: RuleSet, conditions: Iterable[Condition]) -> None:
        self.encoder = Encoder(rules)
        self.encoder.learn(atom for condition in (*rules.definitions.values(), *conditions) for atom in atoms(condition))
        self.heads: dict[int, Terms] = {}
        self._first = len(rules.rules)
        self._definitions = rules.definitions
        self._numbers: dict[frozenset[frozenset[PropertyTest]], int] = {}
        self._terms: dict[tuple[str, bool, int], Terms] = {}
        self._implied: dict[PropertyTest, frozenset[PropertyTest]] = {}  # the tests that hold wherever a head does

    def head(self, condition: Condition, room: int = NARROW) -> int:
        """The number of the head that is derived where a condition holds."""
        if isinstance(condition, Defined):
            return self._head(self._definition(condition.key, True, room))
        return self._head(self.terms(condition, True, room))

    def terms(self, condition: Condition, positive: bool = True, room: int = NARROW) -> Terms:
        """A condition, or its negation, as alternatives of conjunctions."""
        match condition:
            case Atom():
                return ((self.encoder.test(condition, denied=not positive),),)
            case Defined(key=key):
                terms = self._definition(key, positive, room)
                inline = len(terms) <= room // 3 and not key.endswith(APPLIES)
                return terms if inline else (self._literal(condition, positive, room),)
            case Not(part=part):
                return self.terms(part, not positive, room)
            case All(parts=parts) | AnyOf(parts=parts):
                if isinstance(condition, AnyOf) is positive:
                    return self._least(term for part in parts for term in self._alternative(part, positive, room))
                return self._product(parts, positive, room)

    def _alternative(self, part: Condition, positive: bool, room: int) -> Terms:
        """One of several alternatives. Terms that a head below has too are derived only once, so writing them out saves a layer."""
        if isinstance(part, Defined) and len(terms := self._definition(part.key, positive, room)) <= MAX_ADDED:
            return terms
        return self.terms(part, positive, room)

    def _definition(self, key: str, positive: bool, room: int) -> Terms:
        known = (key, positive, room)
        if known not in self._terms:
            self._terms[known] = self.terms(self._definitions[key], positive, room)
        return self._terms[known]

    def _product(self, parts: Sequence[Condition], positive: bool, room: int) -> Terms:
        """Multiply out a conjunction of alternatives; where it is too wide, some parts become heads first."""
        options = sorted(
            ((self.terms(part, positive, room), number) for number, part in enumerate(parts)), key=lambda o: len(o[0])
        )
        width = 1
        narrow = []
        for terms, number in options:
            if width * len(terms) > room and len(terms) > 1:
                part = parts[number]
                named = isinstance(part, Defined)
                terms = (self._literal(part, positive, room),) if named else (_derived(self._head(terms), True),)
            width *= len(terms)
            narrow.append(terms)
        return self._least(tuple(dict.fromkeys(test for term in choice for test in term)) for choice in product(*narrow))

    def _literal(self, condition: Condition, positive: bool, room: int) -> Term:
        waited_for = isinstance(condition, Defined) and condition.key.endswith(APPLIES)
        return _derived(self.head(condition, ROOMY if waited_for else room), positive)

    def names(self) -> dict[int, list[str]]:
        """For each head, the definitions that it stands for."""
        found: dict[int, list[str]] = {}
        for key, positive, _ in self._terms:
            terms = frozenset(map(frozenset, self._terms[key, positive, _]))
            if positive and terms in self._numbers and key not in found.setdefault(self._numbers[terms], []):
                found[self._numbers[terms]].append(key)
        return found

    def _head(self, terms: Terms) -> int:
        if (
            len(terms) == 1
            and len(terms[0]) == 1
            and (number := derived_head(terms[0][0])) is not None
            and terms[0][0].value == FALSE
        ):
            return number
        key = frozenset(frozenset(term) for term in terms)
        if key not in self._numbers:
            self._numbers[key] = self._first + len(self._numbers)
            self.heads[self._numbers[key]] = terms
            [test] = _derived(self._numbers[key], True)
            self._implied[test] = frozenset.intersection(*map(self._said, terms)) if terms else frozenset()
        return self._numbers[key]

    def _said(self, term: Iterable[PropertyTest]) -> frozenset[PropertyTest]:
        """The tests of a term, and those that its heads imply."""
        return frozenset(term).union(*(self._implied.get(test, ()) for test in term))

    def _least(self, terms: Iterable[Term]) -> Terms:
        """
        The terms without what is redundant, in three values too.

        `a or (a and b)` is `a`. A fact is not tested where a head of the term implies the test.
        """
        found: dict[frozenset[PropertyTest], Term] = {}
        for term in terms:
            implied = frozenset().union(*(self._implied.get(test, ()) for test in term))
            least = tuple(t for t in term if derived_head(t) is not None or not any(each.implies(t) for each in implied))
            found.setdefault(frozenset(least), least)
        limits = {test for tests in found for test in tests if test.op != "!="}
        said = {tests: self._said(tests) for tests in found}
        for tests, all_ in said.items():
            said[tests] = all_.union(limit for limit in limits if any(test.implies(limit) for test in all_))
        # One by one, the longest first: each is left out for one that stays so far. So of two that imply each other one stays.
        for tests in sorted(said, key=len, reverse=True):
            if any(other <= said[tests] for other in found if other is not tests):
                del found[tests]
        return tuple(found.values())


def _derived(head: int, positive: bool) -> Term:
    return (PropertyTest(f"p{head}", "!=", FALSE if positive else TRUE),)


def derived_head(test: PropertyTest) -> int | None:
    """The head that a test tests."""
    return int(test.prop[1:]) if test.prop.startswith("p") else None
