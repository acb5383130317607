"""
The carrier of many rows: sets of lanes are NumPy words, and the code of a program is a loop over its operations, each in place.

Columns of values go in as codes, cases for a `LaneRunner` come out, a lane for each row. A register is used again after its last use, so
that what a run holds at once stays near the processor.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from operator import or_
from typing import Any, ClassVar, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from engine.backends.lanes.integers import Function, Places, count_uses, needed
from engine.backends.lanes.lane_cases import NO_DAY, Cases, Class, LaneSet, Parts
from engine.backends.lanes.slots import FALSE, TRUE, Operation
from engine.tables.row_patterns import WORD, Words, alike
from engine.values import Missing, Value

MOST_SETS = 1_024  # values of a column of which each has a set by itself


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


def stacked(sets: Sequence[LaneSet]) -> Words:
    """The words of sets that are not empty, one below the other."""
    return np.stack([cast(Any, each).words for each in sets]) if sets else np.zeros((0, 0), dtype=np.uint64)


def wide(rows: NDArray[np.bool_]) -> LaneSet:
    """The set of some rows."""
    packed = np.packbits(rows, bitorder="little")
    words = np.zeros(-(-len(rows) // WORD), dtype=np.uint64)
    words.view(np.uint8)[: len(packed)] = packed
    return cast(LaneSet, WideSet(words))


class ValueColumn(NamedTuple):
    """The distinct values of a fact or a document, and for each row the number of its own."""

    values: Sequence[Value]
    codes: NDArray[Any]


@dataclass(frozen=True)
class WideCases(Cases):
    """Rows as cases: `columns` has what differs between them. `day_codes` has for each row the number of its day among `days`."""

    columns: Mapping[str, ValueColumn] = field(default_factory=dict)
    day_codes: NDArray[Any] | None = None
    by_rows: ClassVar[bool] = True
    _sets: dict[str, list[tuple[int, LaneSet]]] = field(default_factory=dict)

    def parts(self, name: str) -> Parts:
        """See `Cases`. Of a column with very many values there is one set at a time."""
        column = self.columns.get(name)
        if column is None:
            return super().parts(name)
        if len(column.values) > MOST_SETS:
            return cast(Parts, ((wide(column.codes == at), column.values[at]) for at in np.unique(column.codes).tolist()))
        return [(lanes, column.values[at]) for at, lanes in self._of(name)]

    def together(self, names: Sequence[str], within: LaneSet) -> Sequence[tuple[LaneSet, tuple[Value, ...]]]:
        """See `Cases`. Each combination is read once, however many values there are."""
        if len(names) == 1:
            return [(both, (value,)) for lanes, value in self.parts(names[0]) if (both := lanes & within)]
        kinds: list[tuple[Value, ...]] = []

        def told(values: tuple[Value, ...], day: date) -> int:
            kinds.append(values)
            return len(kinds) - 1

        return [(lanes, kinds[at]) for lanes, at in self.by_class(names, within, False, told)]

    def by_class(
        self, names: Sequence[str], within: LaneSet, dated: bool, read: Callable[[tuple[Value, ...], date], Class]
    ) -> Iterable[tuple[LaneSet, Class]]:
        """See `Cases`. Each distinct combination of values is read once, and rows of one class are one set."""
        days = list(self.days) if dated else [NO_DAY]
        mine = {name: self.columns[name] for name in names if name in self.columns}
        codes = [each.codes for each in mine.values()]
        if len(days) > 1 and self.day_codes is not None:
            codes.append(self.day_codes)
        alone = next(iter(mine)) if len(codes) == 1 and mine else ""
        sets = self._of(alone) if alone and len(mine[alone].values) <= MOST_SETS else None
        if sets is not None:
            rows, number = [(at,) for at, _ in sets], None
        else:
            first, number = alike(codes, self.count)
            rows = [tuple(each[row] for each in codes) for row in first.tolist()]
        place = {name: at for at, name in enumerate(mine)}
        classes: dict[Class, list[int]] = {}
        for kind, row in enumerate(rows):
            values = tuple(
                [
                    mine[name].values[row[place[name]]] if name in mine else self.base.get(name, Missing.LEFT_OUT)
                    for name in names
                ]
            )
            day = days[row[-1]] if len(row) > len(mine) else days[0]
            classes.setdefault(read(values, day), []).append(kind)
        if sets is not None:
            found = [(reduce(or_, (sets[kind][1] for kind in kinds)), each) for each, kinds in classes.items()]
        elif number is None or len(classes) == 1:
            found = [(self.every, each) for each in classes]
        else:
            of_kind = np.zeros(len(rows), dtype=_least(len(classes)))
            for at, kinds in enumerate(classes.values()):
                of_kind[kinds] = at
            of_row = of_kind[number]
            found = [(wide(of_row == at), each) for at, each in enumerate(classes)]
        whole = within is self.every
        return found if whole else [(both, each) for lanes, each in found if (both := lanes & within)]

    def _of(self, name: str) -> list[tuple[int, LaneSet]]:
        """The rows of each value of a column that some row has."""
        found = self._sets.get(name)
        if found is None:
            values, codes = self.columns[name]
            codes = codes.astype(_least(len(values)))
            used = np.flatnonzero(np.bincount(codes, minlength=len(values))).tolist()
            found = self._sets[name] = [(at, wide(codes == at)) for at in used]
        return found


def _least(count: int) -> type[np.unsignedinteger[Any]]:
    """The smallest kind of number for so many: the quickest to compare."""
    return np.uint8 if count <= 1 << 8 else np.uint16 if count <= 1 << 16 else np.uint32


def in_columns(
    every: LaneSet,
    count: int,
    base: Mapping[str, Value],
    columns: Mapping[str, ValueColumn],
    days: Sequence[date],
    day_codes: NDArray[Any],
) -> WideCases:
    """Rows as cases. `base` has the values of facts and documents without a column; `days` are numbered by `day_codes`."""
    by_day = {day: every if len(days) == 1 else wide(day_codes == number) for number, day in enumerate(days)}
    there: dict[str, Parts] = dict.fromkeys(columns, ())
    return WideCases(count, base, there, by_day, every=every, columns=columns, day_codes=day_codes)


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

    def __call__(self, every: LaneSet, *given: Sequence[LaneSet]) -> Sequence[LaneSet]:
        all_words: Words = cast(Any, every).words
        size = len(all_words)
        registers = _scratch(size, self._registers)
        for number in self._kept:
            registers[number] = np.empty(size, dtype=np.uint64)
        none = np.zeros(size, dtype=np.uint64)
        cells = registers
        for parameter, place in self._given:
            found: Any = given[parameter][place]
            cells.append(found.words if found.__class__ is WideSet else none)
        cells += (all_words, none)
        for operation, one, other, register in self._steps:
            operation(cells[one], cells[other], cells[register])
        return cast(Sequence[LaneSet], [WideSet(cells[number]) for number in self._found])


class _Scratch(threading.local):
    """The registers of a thread, of one width at a time. They are shared by all loops, since nothing stays in them after a run."""

    size = 0
    registers: Sequence[Words] = ()


_OWN = _Scratch()


def _scratch(size: int, count: int) -> list[Words]:
    """So many registers."""
    if _OWN.size != size:
        _OWN.size, _OWN.registers = size, ()
    missing = count - len(_OWN.registers)
    _OWN.registers = [*_OWN.registers, *(np.empty(size, dtype=np.uint64) for _ in range(missing))]
    return list(_OWN.registers[:count])


OPERATIONS = {"and": np.bitwise_and, "or": np.bitwise_or, "not": np.bitwise_xor}  # `not` is all lanes but these
