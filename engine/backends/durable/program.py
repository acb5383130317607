"""
Conditions in, layered durable-rules networks out.

A program is a list of named conditions, each over atoms and over earlier names. Every atom is a head of the first layer, inferred
from codes; every name is a head of a later one, inferred from the heads below it. Alternatives inside a conjunction become heads
of their own where multiplying them out would be wide. A negated name is read from the opposite pass: what is certainly not so is
what is not possibly so; that makes the two passes together exactly Kleene's logic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import product

from engine.backends.durable.encode import Encoder
from engine.backends.durable.network import Head, Network, Term, Test
from engine.exchange import Exchange
from engine.rules import All, AnyOf, Atom, Condition, Defined, Not, RuleSet, Truth, atoms

MAX_TERMS = 8
TRUTHS = tuple(Truth)  # by how many of the two passes derive a head: looked up, since calling an enumeration is slow


@dataclass(frozen=True, slots=True)
class Literal:
    """A head below, or its negation."""

    head: int
    positive: bool = True

    @property
    def prop(self) -> str:
        return f"p{self.head}" if self.positive else f"n{self.head}"


Clause = tuple[Literal, ...]
Used = tuple[tuple[str, int, bool], ...]  # property, head, whether positive


class Program:
    """The networks of one list of named conditions. Names may use only earlier names."""

    def __init__(self, rules: RuleSet, named: Mapping[str, Condition]) -> None:
        self._encoder = Encoder(rules)
        self._encoder.learn(atom for condition in named.values() for atom in atoms(condition))
        self._atoms: dict[Atom, int] = {}
        self._clauses: dict[int, tuple[Clause, ...]] = {}
        self._layer: dict[int, int] = {}
        self._names: dict[str, int] = {}
        for name, condition in named.items():
            self._names[name] = self._head(self._terms(condition, True))
        self._interning = tuple(self._network(which) for which in ("certain", "possible"))
        self._layers = tuple(self._layer_network(layer) for layer in range(1, max(self._layer.values(), default=0) + 1))

    def run(self, exchange: Exchange, as_of: date) -> dict[str, Truth]:
        """The truth of every name on one exchange."""
        codes = self._encoder.message(exchange, as_of)
        certain, possible = (set(network.fire(codes)) for network in self._interning)
        for network, heads, used in self._layers:
            # INVARIANT (opposite passes): a negation in one pass reads the other, so both layers are asked before either grows.
            asked = _message(used, certain, possible)
            fired = network.fire(asked)
            other = _message(used, possible, certain)
            fired_other = fired if other == asked else network.fire(other)
            certain |= fired & heads
            possible |= fired_other & heads
        return {name: TRUTHS[(head in certain) + (head in possible)] for name, head in self._names.items()}

    def definition(self) -> Iterator[dict[str, object]]:
        """The rulesets, as they are given to durable-rules, by layer."""
        for number, network in enumerate([*self._interning, *(network for network, _, _ in self._layers)]):
            yield {"layer": number, "rulesets": network.definition()}

    # From conditions to heads

    def _head(self, clauses: tuple[Clause, ...]) -> int:
        """A head that is derived where one of the clauses holds; a single literal is its own head."""
        if len(clauses) == 1 and len(clauses[0]) == 1 and clauses[0][0].positive:
            return clauses[0][0].head
        number = len(self._layer)
        self._clauses[number] = clauses
        self._layer[number] = 1 + max((self._layer[literal.head] for clause in clauses for literal in clause), default=0)
        return number

    def _atom(self, atom: Atom) -> int:
        if atom not in self._atoms:
            self._atoms[atom] = number = len(self._layer)
            self._layer[number] = 0
        return self._atoms[atom]

    def _terms(self, condition: Condition, positive: bool) -> tuple[Clause, ...]:
        """A condition, or its negation, as alternatives of conjunctions."""
        match condition:
            case Atom():
                return ((Literal(self._atom(condition), positive),),)
            case Defined(key=key):
                return ((Literal(self._names[key], positive),),)
            case Not(part=part):
                return self._terms(part, not positive)
            case All(parts=parts) | AnyOf(parts=parts):
                inner = [self._terms(part, positive) for part in parts]
                if isinstance(condition, AnyOf) is positive:
                    return tuple(dict.fromkeys(clause for clauses in inner for clause in clauses))
                return self._product(inner)

    def _product(self, parts: list[tuple[Clause, ...]]) -> tuple[Clause, ...]:
        """Multiply out a conjunction of alternatives; a wide one becomes a head of its own first."""
        width = 1
        narrow = []
        for clauses in sorted(parts, key=len):
            if width * len(clauses) > MAX_TERMS and len(clauses) > 1:
                clauses = ((Literal(self._head(clauses)),),)
            width *= len(clauses)
            narrow.append(clauses)
        return tuple(tuple(dict.fromkeys(literal for clause in choice for literal in clause)) for choice in product(*narrow))

    # From heads to networks

    def _network(self, which: str) -> Network:
        heads = [Head(number, getattr(self._encoder.pair(atom), which)) for atom, number in self._atoms.items()]
        return Network(f"intern-{which}", heads)

    def _layer_network(self, layer: int) -> tuple[Network, frozenset[int], Used]:
        heads = [number for number, at in self._layer.items() if at == layer]
        used = tuple(dict.fromkeys(literal for head in heads for clause in self._clauses[head] for literal in clause))
        network = Network(
            f"layer-{layer}", [Head(head, tuple(_term(clause) for clause in self._clauses[head])) for head in heads]
        )
        return network, frozenset(heads), tuple((literal.prop, literal.head, literal.positive) for literal in used)


def _term(clause: Clause) -> Term:
    return tuple(Test(literal.prop, "==", 1) for literal in clause)


def _message(used: Used, mine: set[int], opposite: set[int]) -> dict[str, int]:
    """What the heads below derived: positives from this pass, negations from the opposite one."""
    return {prop: (1 if head in mine else 0) if positive else (0 if head in opposite else 1) for prop, head, positive in used}
