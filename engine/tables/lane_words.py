"""
The carrier of many rows: sets of lanes are NumPy words, and the code of a program is a loop over its operations, each in place.

Columns of values go in as codes, cases for a `LaneRunner` come out, a lane for each row. A register is used again after its last use, so
that what a run holds at once stays near the processor. `CHUNK` rows at a time are the fastest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from engine.backends.lanes.integers import Function, Places, count_uses, needed
from engine.backends.lanes.lane_cases import Cases, LaneSet
from engine.backends.lanes.slots import FALSE, TRUE, Operation
from engine.values import Value

CHUNK = 131_072  # rows
WORD = 64  # bits

Words: TypeAlias = NDArray[np.uint64]
LEFT_OUT = -1  # the code of a cell that states nothing


class WideSet:
    """A set of lanes in words. It passes for an integer wherever sets are combined; 0 is no lane, beside it too."""

    __slots__ = ("words",)

    def __init__(self, words: Words) -> None:
        self.words = words

    def __and__(self, other: Any) -> Any:
        return WideSet(self.words & other.words) if other.__class__ is WideSet else _nothing(other, 0)

    def __or__(self, other: Any) -> Any:
        return WideSet(self.words | other.words) if other.__class__ is WideSet else _nothing(other, self)

    def __xor__(self, other: Any) -> Any:
        return WideSet(self.words ^ other.words) if other.__class__ is WideSet else _nothing(other, self)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __bool__(self) -> bool:
        return bool(self.words.any())

    def __rshift__(self, lane: int) -> int:
        """An integer whose last bit says whether a lane is in the set."""
        return int(self.words[lane // WORD]) >> lane % WORD


def _nothing(other: object, found: Any) -> Any:
    """What a set and no lane give. Any other integer is a set of another kind."""
    if other != 0:
        raise TypeError("a set of another run")
    return found


def rows_of(lanes: LaneSet, count: int) -> NDArray[np.bool_]:
    """Whether each row is in a set."""
    found = cast(Any, lanes)
    if not isinstance(found, WideSet):
        return np.zeros(count, dtype=np.bool_)
    return np.unpackbits(found.words.view(np.uint8), count=count, bitorder="little").view(np.bool_)


def wide(rows: NDArray[np.bool_]) -> LaneSet:
    """The set of some rows."""
    packed = np.packbits(rows, bitorder="little")
    words = np.zeros(-(-len(rows) // WORD), dtype=np.uint64)
    words.view(np.uint8)[: len(packed)] = packed
    return cast(LaneSet, WideSet(words))


def in_columns(
    count: int, columns: Mapping[str, tuple[Sequence[Value], NDArray[np.int32]]], days: Mapping[date, NDArray[np.bool_]]
) -> Cases:
    """
    Rows as cases. `columns` has by fact or document its distinct values, and for each row the number of its value or LEFT_OUT.

    `days` has the rows of each day.
    """
    every = wide(np.ones(count, dtype=np.bool_))
    other = {
        name: [(wide(codes == number), values[number]) for number in np.unique(codes).tolist() if number != LEFT_OUT]
        for name, (values, codes) in columns.items()
    }
    return Cases(count, {}, other, {day: wide(rows) for day, rows in days.items()}, every=every)


def function(code: Sequence[Operation], wanted: Sequence[int], places: Places, parameters: Sequence[str]) -> Function:
    """The carrier: see `integers.function`."""
    return _Loop(code, wanted, places, parameters)


class _Loop:
    """
    A loop over operations. `cells` are arrays by number: registers, then what is given, then all lanes and none.

    INVARIANT: a register is written only once nothing needs what it had; what is wanted has registers of its own, made for each run.
    """

    def __init__(self, code: Sequence[Operation], wanted: Sequence[int], places: Places, parameters: Sequence[str]) -> None:
        slots = needed(code, wanted, places)
        uses = count_uses(code, slots, wanted, places)
        order = {name: number for number, name in enumerate(parameters)}
        self._given: list[tuple[int, int]] = []
        numbers: dict[int, tuple[str, int]] = {FALSE: ("none", 0), TRUE: ("every", 0)}
        steps: list[tuple[str, tuple[str, int], tuple[str, int], int]] = []
        free: list[int] = []
        registers = 0
        for slot in slots:
            kind, one, other = code[slot]
            if slot in (FALSE, TRUE):
                continue
            if slot in places:
                where, place = places[slot]
                numbers[slot] = ("given", len(self._given))
                self._given.append((order[where], place))
                continue
            if kind == "in":
                raise KeyError(f"slot {slot} is not given")
            read = (one,) if kind == "not" else (one, other)
            operands = [numbers[each] for each in read]
            for each in read:
                uses[each] -= 1
                if not uses[each] and numbers[each][0] == "register":
                    free.append(numbers[each][1])
            if free:
                register = free.pop()
            else:
                register, registers = registers, registers + 1
            numbers[slot] = ("register", register)
            steps.append((kind, operands[0], operands[1] if kind != "not" else ("every", 0), register))
        base = {
            "register": 0,
            "given": registers,
            "every": registers + len(self._given),
            "none": registers + len(self._given) + 1,
        }

        def cell(number: tuple[str, int]) -> int:
            return base[number[0]] + number[1]

        self._registers = registers
        self._steps = [(OPERATIONS[kind], cell(one), cell(other), register) for kind, one, other, register in steps]
        self._found = [cell(numbers[slot]) for slot in wanted]
        self._kept = sorted({number for number in self._found if number < registers})
        self._cells: dict[int, list[Words]] = {}

    def __call__(self, every: LaneSet, *given: Sequence[LaneSet]) -> Sequence[LaneSet]:
        all_words: Words = cast(Any, every).words
        size = len(all_words)
        registers = self._cells.get(size)
        if registers is None:
            self._cells.clear()  # of one width at a time
            registers = self._cells[size] = [np.empty(size, dtype=np.uint64) for _ in range(self._registers)]
        for number in self._kept:
            registers[number] = np.empty(size, dtype=np.uint64)
        none = np.zeros(size, dtype=np.uint64)
        cells = [*registers]
        for parameter, place in self._given:
            found: Any = given[parameter][place]
            cells.append(found.words if found.__class__ is WideSet else none)
        cells += (all_words, none)
        for operation, one, other, register in self._steps:
            operation(cells[one], cells[other], cells[register])
        return cast(Sequence[LaneSet], [WideSet(cells[number]) for number in self._found])


OPERATIONS = {"and": np.bitwise_and, "or": np.bitwise_or, "not": np.bitwise_xor}  # `not` is all lanes but these
