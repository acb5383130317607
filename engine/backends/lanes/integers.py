"""
The carrier of a few to some thousand lanes: slots are Python integers, and the code is a Python function written from the program.

A function is written for what is read from it: whatever nothing rests on is left out. A slot that is used once is written where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from engine.backends.lanes.slots import FALSE, TRUE, Operation

Function: TypeAlias = Callable[..., tuple[int, ...]]
DEEPEST = 20  # parentheses in one another
SIGNS = {"and": "&", "or": "|"}


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


def function(
    code: Sequence[Operation], wanted: Sequence[int], places: Mapping[int, str], parameters: str, name: str = "lanes"
) -> Function:
    """
    The function that works out some slots. `places` says of each slot that is given where it is: an expression of the `parameters`.

    The first parameter is the set of all lanes, `every`.
    """
    slots = needed(code, wanted, places)
    uses = dict.fromkeys(slots, 0)
    for slot in slots:
        kind, one, other = code[slot]
        if slot not in places and kind not in ("no", "yes", "in"):
            uses[one] += 1
            if kind != "not":
                uses[other] += 1
    for slot in wanted:
        uses[slot] += 2
    written: dict[int, tuple[str, int]] = {FALSE: ("0", 0), TRUE: ("every", 0)}
    lines = [f"def {name}(every, {parameters}):"]
    for slot in slots:
        if slot in (FALSE, TRUE):
            continue
        if slot in places:
            text, depth = places[slot], 0
        else:
            kind, one, other = code[slot]
            if kind == "in":
                raise KeyError(f"slot {slot} is not given")
            if kind == "not":
                (text, depth) = written[one]
                text, depth = f"(every ^ {text})", depth + 1
            else:
                (left, depth), (right, more) = written[one], written[other]
                text, depth = f"({left} {SIGNS[kind]} {right})", max(depth, more) + 1
        if uses[slot] > 1 or depth >= DEEPEST:
            lines.append(f" s{slot} = {text}")
            text, depth = f"s{slot}", 0
        written[slot] = (text, depth)
    found = ", ".join(written[slot][0] for slot in wanted)
    lines.append(f" return ({found}{',' if len(wanted) == 1 else ''})")
    space: dict[str, Any] = {}
    exec(compile("\n".join(lines), f"<{name}>", "exec"), space)
    written_function: Function = space[name]
    return written_function
