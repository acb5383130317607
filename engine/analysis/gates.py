"""
Clauses for a solver: literals go in, and a literal that means their conjunction or disjunction comes out, with the clauses that say so.

A literal is a number: a variable, or the negative of one. Every gate is hash-consed, so what two versions of a bundle say alike is one
variable, and nothing is left to prove of it. Source: G. S. Tseitin, On the complexity of derivation in propositional calculus, 1968.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from engine.backends.lanes.integers import needed
from engine.backends.lanes.slots import FALSE, Operation
from engine.backends.lanes.slots import TRUE as EVERY

TRUE = 1  # the variable that is always true


class Gates:
    """`clauses` are all that were made so far; `inputs` has the variables that no gate defines, with what they say."""

    def __init__(self) -> None:
        self.clauses: list[tuple[int, ...]] = [(TRUE,)]
        self.inputs: dict[int, object] = {}
        self.parts: dict[int, tuple[int, ...]] = {}  # of each gate the literals of which it is the conjunction
        self.size = TRUE
        self._of: dict[tuple[int, ...], int] = {}
        self._said: set[tuple[int, ...]] = set()

    def variable(self, name: object, seldom: bool = False) -> int:
        """
        A literal of a new variable, which says something of an exchange.

        A solver takes what nothing decides to be true. So what is `seldom` so is the negative of its variable, and exchanges say little.
        """
        self.size += 1
        self.inputs[self.size] = name
        return -self.size if seldom else self.size

    def both(self, literals: Iterable[int]) -> int:
        """The literal that holds where all of some hold."""
        found: set[int] = set()
        for each in literals:
            if each == -TRUE or -each in found:
                return -TRUE
            if each != TRUE:
                found.add(each)
        if not found:
            return TRUE
        if len(found) == 1:
            return found.pop()
        key = tuple(sorted(found))
        gate = self._of.get(key)
        if gate is None:
            self.size += 1
            gate = self._of[key] = self.size
            self.parts[gate] = key
            self.clauses += [(-gate, each) for each in key]
            self.clauses.append((gate, *(-each for each in key)))
        return gate

    def either(self, literals: Iterable[int]) -> int:
        """The literal that holds where any of some holds."""
        return -self.both([-each for each in literals])

    def same(self, one: int, other: int) -> int:
        """The literal that holds where two hold alike."""
        return self.both((self.either((-one, other)), self.either((one, -other))))

    def choice(self, where: int, then: int, otherwise: int) -> int:
        """One literal where something holds, and another one where it does not."""
        return self.both((self.either((-where, then)), self.either((where, otherwise))))

    def say(self, *literals: int) -> None:
        """Say that one of some literals holds. What is said twice is said once."""
        found = tuple(sorted({each for each in literals if each != -TRUE}))
        if TRUE in found or found in self._said or any(-each in found for each in found):
            return
        self._said.add(found)
        self.clauses.append(found)

    def follows(self, one: int, other: int) -> None:
        """Say that one literal holds only where another one does."""
        self.say(-one, other)

    def at_most_one(self, literals: Sequence[int]) -> None:
        """Say that no two of some literals hold: in pairs where they are few, else by a sequential counter (Sinz 2005)."""
        if len(literals) <= 6:
            for place, one in enumerate(literals):
                for other in literals[place + 1 :]:
                    self.say(-one, -other)
            return
        before = literals[0]
        for each in literals[1:]:
            self.say(-before, -each)
            self.size += 1
            counter = self.size
            self.say(-before, counter)
            self.say(-each, counter)
            self.say(before, each, -counter)
            before = counter

    def of_code(
        self, code: Sequence[Operation], wanted: Iterable[int], given: Callable[[int], int], known: Mapping[int, int]
    ) -> dict[int, int]:
        """
        The literals of some slots of a program, and of all on which they rest. `known` has literals of slots that were read before.

        A slot that only one `and` (or one `or`) reads, and that is one itself, is written into it.
        """
        wanted = list(wanted)
        slots = [slot for slot in needed(code, wanted, known) if slot not in known]
        found: dict[int, int] = {FALSE: -TRUE, EVERY: TRUE, **known}
        uses: dict[int, int] = dict.fromkeys(wanted, 2)
        for slot in slots:
            kind, one, other = code[slot]
            for part in (one, other) if kind in ("and", "or") else (one,) if kind == "not" else ():
                uses[part] = uses.get(part, 0) + 1
        within: dict[int, list[int]] = {}

        def parts(slot: int, of: str) -> list[int]:
            inner = within.get(slot)
            return inner if inner is not None and code[slot][0] == of and uses[slot] == 1 else [literal(slot)]

        def literal(slot: int) -> int:
            if slot not in found:
                kind = code[slot][0]
                found[slot] = self.both(within[slot]) if kind == "and" else self.either(within[slot])
            return found[slot]

        for slot in slots:
            kind, one, other = code[slot]
            match kind:
                case "and" | "or":
                    within[slot] = [*parts(one, kind), *parts(other, kind)]
                    if uses.get(slot, 0) != 1:
                        literal(slot)
                case "not":
                    found[slot] = -literal(one)
                case "in":
                    found[slot] = given(slot)
        for slot in wanted:
            literal(slot)
        return found
