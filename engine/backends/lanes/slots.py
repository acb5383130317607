"""
Slots and the operations on them: straight-line code, hash-consed, of nothing but and, or, not.

A slot holds bits, one for each lane. A truth value of Kleene's three is a pair of slots: the lanes where it certainly holds (`must`), and
those where it may (`may`). The same operation on the same slots is one slot, so what two laws ask in the same words is asked once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, TypeAlias

Operation: TypeAlias = tuple[str, int, int]  # what it does, and the one or two slots that it reads: `and`, `or`, `not`, `in`

FALSE, TRUE = 0, 1  # the slots of no lane and of every lane


class Pair(NamedTuple):
    """A truth value in every lane. INVARIANT: what must hold may hold."""

    must: int
    may: int


NO, UNKNOWN, YES = Pair(FALSE, FALSE), Pair(FALSE, TRUE), Pair(TRUE, TRUE)


class Slots:
    """Writes straight-line code. `inputs` are the names of the slots that are given, `code` has an operation for each slot."""

    def __init__(self) -> None:
        self.code: list[Operation] = [("no", 0, 0), ("yes", 0, 0)]
        self.inputs: dict[object, int] = {}
        self._known: dict[Operation, int] = {}
        self._inverse: dict[int, int] = {}

    def given(self, name: object) -> int:
        """The slot that is given under a name."""
        slot = self.inputs.get(name)
        if slot is None:
            slot = self.inputs[name] = len(self.code)
            self.code.append(("in", 0, 0))
        return slot

    def pair(self, name: object) -> Pair:
        """The pair that is given under a name."""
        return Pair(self.given(("must", name)), self.given(("may", name)))

    def both(self, *slots: int) -> int:
        """The lanes of all of some slots."""
        found = TRUE
        for slot in slots:
            if found in (TRUE, slot):
                found = slot
            elif slot != TRUE:
                if FALSE in (found, slot) or self._inverse.get(found) == slot:
                    return FALSE
                found = self._add("and", found, slot) if found < slot else self._add("and", slot, found)
        return found

    def either(self, *slots: int) -> int:
        """The lanes of any of some slots."""
        found = FALSE
        for slot in slots:
            if found in (FALSE, slot):
                found = slot
            elif slot != FALSE:
                if TRUE in (found, slot) or self._inverse.get(found) == slot:
                    return TRUE
                found = self._add("or", found, slot) if found < slot else self._add("or", slot, found)
        return found

    def neither(self, slot: int) -> int:
        """The lanes that are not those of a slot."""
        if slot in (FALSE, TRUE):
            return TRUE - slot
        found = self._inverse.get(slot)
        if found is None:
            found = self._inverse[slot] = self._add("not", slot, 0)
            self._inverse[found] = slot
        return found

    def less(self, slot: int, *others: int) -> int:
        """The lanes of a slot without those of others."""
        return self.both(slot, *map(self.neither, others))

    def all_of(self, pairs: Iterable[Pair]) -> Pair:
        """2.1: Kleene's `and`."""
        found = YES
        for each in pairs:
            found = Pair(self.both(found.must, each.must), self.both(found.may, each.may))
        return found

    def any_of(self, pairs: Iterable[Pair]) -> Pair:
        """2.1: Kleene's `or`."""
        found = NO
        for each in pairs:
            found = Pair(self.either(found.must, each.must), self.either(found.may, each.may))
        return found

    def inverse(self, pair: Pair) -> Pair:
        """2.1: Kleene's `not`: it must not be where it may not be."""
        return Pair(self.neither(pair.may), self.neither(pair.must))

    def forget(self, size: int) -> None:
        """Take back the operations beyond the first `size` slots, on which nothing rests any more."""
        for slot in range(size, len(self.code)):
            assert self.code[slot][0] != "in", "what is given stays"
            del self._known[self.code[slot]]
            if (other := self._inverse.pop(slot, None)) is not None:
                self._inverse.pop(other, None)
        del self.code[size:]

    def _add(self, kind: str, one: int, other: int) -> int:
        operation = (kind, one, other)
        slot = self._known.get(operation)
        if slot is None:
            slot = self._known[operation] = len(self.code)
            self.code.append(operation)
        return slot


def simpler(code: Sequence[Operation], nothing: Collection[int]) -> tuple[list[Operation], list[int]]:
    """The same code where some given slots hold no lane; and of each slot of the one code, which it is in the other."""
    slots = Slots()
    at: list[int] = []
    for slot, (kind, one, other) in enumerate(code):
        match kind:
            case "and":
                at.append(slots.both(at[one], at[other]))
            case "or":
                at.append(slots.either(at[one], at[other]))
            case "not":
                at.append(slots.neither(at[one]))
            case "in":
                at.append(FALSE if slot in nothing else slots.given(slot))
            case _:
                at.append(FALSE if kind == "no" else TRUE)
    return slots.code, at
