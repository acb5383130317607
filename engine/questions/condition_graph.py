"""
The conditions of a bundle as one graph, to find the open tests that leave a condition open.

Rules share most of their parts, so each part is a node that is read once for an exchange. A test that cannot change how its condition reads
is not among the tests that leave it open: of `all` parts one of which is false, none matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from engine.rules import All, AnyOf, Atom, Condition, Defined, Not, RuleSet, Truth
from engine.verdict import Reading

TEST, NOT, ALL, ANY = range(4)

# How a node reads: true, false, or the facts that leave it open.
Read: TypeAlias = bool | tuple[str, ...]


class ConditionGraph:
    """The conditions of one rule set: of definitions, of rules, and of duties that are done. Equal tests are one node."""

    def __init__(self, rules: RuleSet) -> None:
        self.atoms: list[Atom] = []
        self._kinds: list[int] = []
        self._parts: list[tuple[int, ...]] = []  # of a test its number
        self._tests: dict[Atom, int] = {}
        self._nodes: dict[int, int] = {}  # by the identity of a condition, which the bundle keeps alive
        self._defined: dict[str, int] = {}
        for key, condition in rules.definitions.items():  # each uses only earlier ones
            self._defined[key] = self._add(condition)
        for condition in _others(rules):
            self._add(condition)

    def node(self, condition: Condition) -> int:
        """The node of one of the bundle's conditions."""
        return self._defined[condition.key] if isinstance(condition, Defined) else self._nodes[id(condition)]

    def reader(self, reading: Reading, asked_of: Callable[[Atom], tuple[str, ...]]) -> Callable[[int], Read]:
        """Reads nodes on one exchange; `asked_of` has the facts to ask for because of an open test."""
        kinds, parts, atoms = self._kinds, self._parts, self.atoms
        test = reading.reader(atoms)
        known: list[Read | None] = [None] * len(kinds)

        def read(node: int) -> Read:
            found = known[node]
            if found is not None:
                return found
            kind, inner = kinds[node], parts[node]
            if kind == TEST:
                truth = test(inner[0])
                found = asked_of(atoms[inner[0]]) if truth is Truth.UNKNOWN else truth is Truth.YES
            elif kind == NOT:
                found = read(inner[0])
                found = not found if isinstance(found, bool) else found
            else:
                decides = kind == ANY  # the value of a part that decides the whole
                found, open_ = not decides, list[tuple[str, ...]]()
                for part in inner:
                    one = known[part]
                    if one is None:
                        one = read(part)
                    if one is decides:
                        found = one
                        break
                    if one is not found:
                        open_.append(one)  # type: ignore[arg-type]
                else:
                    if open_:
                        found = open_[0] if len(open_) == 1 else tuple({fact: None for facts in open_ for fact in facts})
            known[node] = found
            return found

        return read

    def _add(self, condition: Condition) -> int:
        node = self._nodes.get(id(condition))
        if node is not None:
            return node
        match condition:
            case Defined(key=key):
                return self._defined[key]
            case Atom():
                node = self._tests.get(condition)
                if node is None:
                    self.atoms.append(condition)
                    node = self._tests[condition] = self._new(TEST, (len(self.atoms) - 1,))
            case Not(part=part):
                node = self._new(NOT, (self._add(part),))
            case All(parts=parts) | AnyOf(parts=parts):
                node = self._new(ALL if isinstance(condition, All) else ANY, tuple(map(self._add, parts)))
        self._nodes[id(condition)] = node
        return node

    def _new(self, kind: int, parts: tuple[int, ...]) -> int:
        self._kinds.append(kind)
        self._parts.append(parts)
        return len(self._kinds) - 1


def _others(rules: RuleSet) -> Iterator[Condition]:
    yield from (rule.condition for rule in rules.rules)
    yield from (duty.done_when for duty in rules.duties().values() if duty.done_when is not None)
