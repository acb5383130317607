"""
Conditions in, terms out: disjunctions of conjunctions of literals, each term a bit.

A literal is a test of one fact, or a derived condition, or the negation of either. Kleene's logic is distributive, so multiplying
out is exact. A term that holds a test and its negation is never dropped, and two terms are never merged because one holds the negation
of a test in the other (`x or not x` is unknown where `x` is). A wide condition is not multiplied out: it becomes a derived condition,
which is read like a fact once its terms are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

from engine.rules import All, AnyOf, Atom, Condition, Defined, Not

INLINED = 4  # a definition of at most so many alternatives is written out where it is used
WIDEST = 16  # the most alternatives of one condition

Literal = tuple[int, bool]  # a variable, and whether it must hold or must not
Term = tuple[Literal, ...]
Alternatives = tuple[Term, ...]


@dataclass(slots=True)
class TermUse:
    """The terms, as bits, in which a variable must hold, and those in which it must not."""

    holding: int = 0
    failing: int = 0

    @property
    def all(self) -> int:
        return self.holding | self.failing


@dataclass(frozen=True, slots=True)
class Derived:
    """A condition that is read like a fact: the bits of its terms, and where it is used. It uses only earlier ones."""

    terms: int
    users: TermUse


@dataclass(slots=True)
class Terms:
    """
    Lowers conditions to bits.

    `lower(condition)` gives a condition's terms, `place(terms)` their bits, `alone(atom)` the bit of a term that is one test. The terms
    of derived conditions get their bits when they are lowered, so lower all conditions first: these terms are read most, and low bits
    are read fast. After everything is placed, `users` has for each variable the terms that use it, and `derived` the derived conditions
    in the order to read them in.
    """

    definitions: Mapping[str, Condition]
    size: int = 0
    atoms: dict[Atom, int] = field(default_factory=dict)
    users: list[TermUse] = field(default_factory=list)
    derived: list[Derived] = field(default_factory=list)
    _alone: dict[Atom, int] = field(default_factory=dict)
    _clauses: dict[tuple[str, bool], Alternatives] = field(default_factory=dict)
    _named: dict[str, int] = field(default_factory=dict)

    def reserve(self, bits: int) -> None:
        """Keep the lowest bits for the caller."""
        self.size = max(self.size, bits)

    def lower(self, condition: Condition) -> Alternatives:
        """A condition as terms."""
        return self._alternatives(condition, True)

    def place(self, alternatives: Alternatives, first: int | None = None) -> int:
        """The bits of a condition's terms; `first` is the bit of its first term. A condition without bits never holds."""
        mask = 0
        for term in alternatives:
            mask |= 1 << self._bit(term, first)
            first = None
        return mask

    def alone(self, atom: Atom) -> int:
        """The number of the bit that shows how an atom reads."""
        if atom not in self._alone:
            self._alone[atom] = self._bit((((self._variable(atom)), True),), None)
        return self._alone[atom]

    def _bit(self, term: Term, at: int | None) -> int:
        if at is None:
            at = self.size
            self.size += 1
        for variable, holds in term:
            if holds:
                self.users[variable].holding |= 1 << at
            else:
                self.users[variable].failing |= 1 << at
        return at

    def _variable(self, atom: Atom) -> int:
        if atom not in self.atoms:
            self.atoms[atom] = len(self.users)
            self.users.append(TermUse())
        return self.atoms[atom]

    def _derive(self, alternatives: Alternatives) -> int:
        """A variable that stands for these alternatives."""
        variable = len(self.users)
        self.users.append(TermUse())
        self.derived.append(Derived(self.place(alternatives), self.users[variable]))
        return variable

    def _alternatives(self, condition: Condition, holds: bool) -> Alternatives:
        """The terms of a condition, or of its negation."""
        match condition:
            case Atom():
                return (((self._variable(condition), holds),),)
            case Not(part=part):
                return self._alternatives(part, not holds)
            case Defined(key=key):
                return self._definition(key, holds)
            case All(parts=parts) | AnyOf(parts=parts):
                inner = [self._alternatives(part, holds) for part in parts]
                if isinstance(condition, AnyOf) is holds:
                    return tuple(dict.fromkeys(term for terms in inner for term in terms))
                return self._multiplied(inner)

    def _definition(self, key: str, holds: bool) -> Alternatives:
        if (key, holds) not in self._clauses:
            terms = self._alternatives(self.definitions[key], holds)
            if len(terms) > INLINED:
                if key not in self._named:
                    self._named[key] = self._derive(terms if holds else self._alternatives(self.definitions[key], True))
                terms = (((self._named[key], holds),),)
            self._clauses[key, holds] = terms
        return self._clauses[key, holds]

    def _multiplied(self, parts: list[Alternatives]) -> Alternatives:
        width = 1
        factors = []
        for terms in sorted(parts, key=len):
            if len(terms) > 1 and width * len(terms) > WIDEST:
                terms = (((self._derive(terms), True),),)
            width *= len(terms)
            factors.append(terms)
        return tuple(
            dict.fromkeys(tuple(dict.fromkeys(literal for term in chosen for literal in term)) for chosen in product(*factors))
        )
