"""
The carrier of a few to some thousand lanes: slots are Python integers, and the code is a Python function written from the program.

A function is written for what is read from it: whatever nothing rests on is left out. A slot that is used once is written where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, cast

from engine.backends.lanes.lane_cases import LaneSet
from engine.backends.lanes.slots import FALSE, TRUE, Operation

Function: TypeAlias = Callable[..., Sequence[LaneSet]]
Places: TypeAlias = Mapping[int, tuple[str, int]]
"""Of each slot that is given, the parameter of a function that has it, and its place there."""


class Carrier(Protocol):
    """What makes functions for one kind of sets of lanes. The first argument of a function are all lanes, then come its parameters."""

    def __call__(
        self, code: Sequence[Operation], wanted: Sequence[int], places: Places, parameters: Sequence[str]
    ) -> Function: ...


DEEPEST = 20  # parentheses in one another
SIGNS = {"and": "&", "or": "|"}
NOTHING: tuple[int, ...] = ()


def needed(code: Sequence[Operation], wanted: Iterable[int], given: Collection[int] = ()) -> list[int]:
    """The slots on which some slots rest, in the order of the code, without those on which only given ones rest."""
    seen: set[int] = set()
    waiting = list(wanted)
    while waiting:
        slot = waiting.pop()
        if slot in seen:
            continue
        seen.add(slot)
        kind, one, other = code[slot]
        if slot in given or kind in ("no", "yes", "in"):
            continue
        waiting.append(one)
        if kind != "not":
            waiting.append(other)
    return sorted(seen)


def function(code: Sequence[Operation], wanted: Sequence[int], places: Places, parameters: Sequence[str]) -> Function:
    """
    The function that works out some slots. `places` says of each slot that is given in which of the `parameters` it is, and where.

    The first parameter is the set of all lanes, `every`. A name is used again once nothing needs what it had, so that what a run of many
    lanes holds at once is small.
    """
    slots = needed(code, wanted, places)
    uses = count_uses(code, slots, wanted, places)
    written: dict[int, tuple[str, int, tuple[int, ...]]] = {FALSE: ("0", 0, ()), TRUE: ("every", 0, ())}
    names: dict[int, str] = {}
    free: list[str] = []
    lines = [f"def lanes(every, {', '.join(parameters)}):"]
    for slot in slots:
        if slot in (FALSE, TRUE):
            continue
        kind, one, other = code[slot]
        if slot in places:
            where, number = places[slot]
            text, depth, read = f"{where}[{number}]", 0, NOTHING
        elif kind == "in":
            raise KeyError(f"slot {slot} is not given")
        elif kind == "not":
            inner, depth, read = written[one]
            text, depth = f"(every ^ {inner})", depth + 1
        else:
            (left, depth, read), (right, more, also) = written[one], written[other]
            text, depth, read = f"({left} {SIGNS[kind]} {right})", max(depth, more) + 1, read + also
        if uses[slot] > 1 or depth >= DEEPEST:
            for each in read:
                uses[each] -= 1
                if not uses[each]:
                    free.append(names[each])
            names[slot] = free.pop() if free else f"v{len(names)}"
            lines.append(f" {names[slot]} = {text}")
            text, depth, read = names[slot], 0, (slot,)
        written[slot] = (text, depth, read)
    found = ", ".join(written[slot][0] for slot in wanted)
    lines.append(f" return ({found}{',' if len(wanted) == 1 else ''})")
    space: dict[str, Any] = {}
    exec(compile("\n".join(lines), "<lanes>", "exec"), space)
    return cast(Function, space["lanes"])


def count_uses(
    code: Sequence[Operation], slots: Iterable[int], wanted: Iterable[int], places: Collection[int]
) -> dict[int, int]:
    """How often each of some slots is read; what is wanted is read at the end as well, and so never again overwritten."""
    uses = dict.fromkeys(slots, 0)
    for slot in uses:
        kind, one, other = code[slot]
        if slot not in places and kind in ("and", "or", "not"):
            uses[one] += 1
            if kind != "not":
                uses[other] += 1
    for slot in wanted:
        uses[slot] += 2
    return uses
