"""
The conditions of a bundle as one graph, to find the open tests that leave a condition open.

Rules share most of their parts, so each part is a node that is read once for an exchange. A test that cannot change how its condition reads
is not among the tests that leave it open: of `all` parts one of which is false, none matters.

A node of whose facts an exchange has none reads the same on every exchange of its day. It is read once for the day.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import reduce
from operator import or_
from typing import TypeAlias

from engine.exchange import Exchange
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.register_facts import IN_REGISTER
from engine.rules import All, AnyOf, Atom, Condition, Defined, Not, RuleSet, Truth
from engine.verdict import ConditionReading, numbers

TEST, NOT, ALL, ANY = range(4)
DAYS = 4  # days for which it is kept how nodes read where their facts are left out

Read: TypeAlias = int
"""How a node reads: FALSE, TRUE, or else OPEN and the facts that leave it open, as bits (`ConditionGraph.facts`)."""
FALSE, TRUE, OPEN = 0, 1, 2
FIRST = 2  # the place of the first bit that is a fact
REMEMBERED = 2_048  # sets of facts whose names are kept


class ConditionGraph:
    """
    The conditions of one rule set: of definitions, of rules, and of duties that are done. Equal tests are one node.

    `lies_in` has, for each fact that names a place, the fact that names its country.
    """

    def __init__(self, rules: RuleSet, lies_in: Mapping[str, str]) -> None:
        self.atoms: list[Atom] = []
        self._families = rules.families
        self._lies_in = lies_in
        self._keys: dict[str, int] = {}  # of each key under which an exchange may hold a value that a test reads, its bit
        self._reads: list[int] = []  # the keys that a node reads, as bits
        self._left_out: dict[date, list[Read | None]] = {}
        self.asked: list[str] = []  # the facts that left a node open, in the order of their bits
        self._bit_of: dict[str, Read] = {}
        self._named_by: dict[Read, tuple[str, ...]] = {}
        self._kinds: list[int] = []
        self._parts: list[tuple[int, ...]] = []  # of a test its number
        self._tests: dict[Atom, int] = {}
        self._nodes: dict[int, int] = {}  # by the identity of a condition, which the bundle keeps alive
        self.defined: dict[str, int] = {}  # the node of each definition
        for key, condition in rules.definitions.items():  # each uses only earlier ones
            self.defined[key] = self._add(condition)
        for condition in _others(rules):
            self._add(condition)
        self._named = tuple(self._keys)

    def node(self, condition: Condition) -> int:
        """The node of one of the bundle's conditions."""
        return self.defined[condition.key] if isinstance(condition, Defined) else self._nodes[id(condition)]

    def in_order(self, node: int, read: Callable[[int], Read], asked_of: Callable[[Atom], tuple[str, ...]]) -> Iterator[str]:
        """The facts that leave a node open, in the order of its tests."""
        if not read(node) & OPEN:
            return
        if self._kinds[node] == TEST:
            yield from asked_of(self.atoms[self._parts[node][0]])
        else:
            for part in self._parts[node]:
                yield from self.in_order(part, read, asked_of)

    def facts(self, read: Read) -> tuple[str, ...]:
        """The facts that leave a node open."""
        found = self._named_by.get(read)
        if found is None:
            if len(self._named_by) >= REMEMBERED:
                self._named_by.clear()
            found = self._named_by[read] = tuple([self.asked[place] for place in numbers(read >> FIRST)])
        return found

    def bit(self, fact: str) -> Read:
        """The bit of a fact that leaves nodes open."""
        found = self._bit_of.get(fact)
        if found is None:
            found = self._bit_of[fact] = 1 << FIRST + len(self.asked)
            self.asked.append(fact)
        return found

    def _bits(self, facts: Sequence[str]) -> Read:
        """What a test reads as that some facts leave open."""
        found = OPEN
        for fact in facts:
            found |= self.bit(fact)
        return found

    def split(self, node: int, gates: Collection[int]) -> tuple[int | None, tuple[int, ...]]:
        """A node as one of some gates, without which it is not true, and its other parts; the node itself where it has none."""
        parts = self._parts[node] if self._kinds[node] == ALL else ()
        gate = next((part for part in parts if part in gates), None)
        return gate, (node,) if gate is None else tuple(part for part in parts if part != gate)

    def reading(self, nodes: Sequence[Sequence[int]]) -> dict[str, int]:
        """By the key under which an exchange may hold a value, which of some groups of nodes read it, as bits."""
        found = dict.fromkeys(self._keys, 0)
        for number, group in enumerate(nodes):
            for key in numbers(reduce(or_, (self._reads[node] for node in group), 0)):
                found[self._named[key]] |= 1 << number
        return found

    @contextmanager
    def reader(
        self, exchange: Exchange, day: date, reading: ConditionReading, asked_of: Callable[[Atom], tuple[str, ...]]
    ) -> Iterator[Callable[[int], Read]]:
        """
        Reads nodes on one exchange; `reading` says how tests read, `asked_of` has the facts to ask for because of an open test.

        Of a test whose facts are all left out, and with them the countries of its places, these two depend on the day only. The function
        is for the body of a `with`: it calls itself, and is let go afterwards, without a search for cycles.
        """
        kinds, parts, atoms, reads, bits = self._kinds, self._parts, self.atoms, self._reads, self._bits
        test = reading.reader(atoms)
        known: list[Read | None] = [None] * len(kinds)
        left_out = self._of_day(day)
        itself: list[Callable[[int], Read]] = []  # so that it can be let go
        sent = 0
        for key in exchange.values:
            sent |= self._keys.get(key, 0)

        def read(node: int) -> Read:
            found = known[node]
            if found is not None:
                return found
            shared = not reads[node] & sent
            if shared:
                found = left_out[node]
                if found is not None:
                    known[node] = found
                    return found
            kind, inner = kinds[node], parts[node]
            if kind == TEST:
                truth = test(inner[0])
                found = (
                    OPEN | bits(asked_of(atoms[inner[0]])) if truth is Truth.UNKNOWN else TRUE if truth is Truth.YES else FALSE
                )
            elif kind == NOT:
                found = itself[0](inner[0])
                found = found if found & OPEN else found ^ TRUE
            else:
                decides = TRUE if kind == ANY else FALSE  # the value of a part that decides the whole
                found = decides ^ TRUE
                settled = found
                for part in inner:
                    one = known[part] if reads[part] & sent else left_out[part]
                    if one is None:
                        one = itself[0](part)
                    if one == decides:
                        found = one
                        break
                    if one != settled:
                        found = one if found == settled else found | one
            known[node] = found
            if shared:
                left_out[node] = found
            return found

        itself.append(read)
        yield read
        itself.clear()

    def _of_day(self, day: date) -> list[Read | None]:
        """How nodes read on a day where their facts are left out, as far as it is known; readers add to it."""
        found = self._left_out.get(day)
        if found is None:
            while len(self._left_out) >= DAYS:
                del self._left_out[next(iter(self._left_out))]
            found = self._left_out[day] = [None] * len(self._kinds)
        return found

    def _read_by(self, atom: Atom) -> int:
        """
        The keys under which an exchange may hold what a test reads, as bits.

        Of a total these are its members, of a document's field the document, of a place also its country.
        """
        keys = 0
        for name in (atom.fact, atom.other):
            fact = name.removesuffix(IN_REGISTER)
            document = (name.rpartition(".")[0],) if name.partition(".")[0] in DOCUMENT_GROUPS else ()
            for member in (name, *document, *self._families.get(name, ("", (fact,)))[1]):
                for key in (member, self._lies_in.get(member, "")):
                    keys |= self._keys.setdefault(key, 1 << len(self._keys)) if key else 0
        return keys

    def _add(self, condition: Condition) -> int:
        node = self._nodes.get(id(condition))
        if node is not None:
            return node
        match condition:
            case Defined(key=key):
                return self.defined[key]
            case Atom():
                node = self._tests.get(condition)
                if node is None:
                    self.atoms.append(condition)
                    node = self._tests[condition] = self._new(TEST, (len(self.atoms) - 1,), self._read_by(condition))
            case Not(part=part):
                node = self._whole(NOT, (part,))
            case All(parts=parts) | AnyOf(parts=parts):
                node = self._whole(ALL if isinstance(condition, All) else ANY, parts)
        self._nodes[id(condition)] = node
        return node

    def _whole(self, kind: int, conditions: tuple[Condition, ...]) -> int:
        parts = tuple(map(self._add, conditions))
        return self._new(kind, parts, reduce(or_, (self._reads[part] for part in parts), 0))

    def _new(self, kind: int, parts: tuple[int, ...], reads: int) -> int:
        self._kinds.append(kind)
        self._parts.append(parts)
        self._reads.append(reads)
        return len(self._kinds) - 1


def _others(rules: RuleSet) -> Iterator[Condition]:
    yield from (rule.condition for rule in rules.rules)
    yield from (duty.done_when for duty in rules.duties().values() if duty.done_when is not None)
