"""
A filter of rows: the cells of some columns with which a row certainly may proceed, where all else that a row states is the same.

Columns, what every row states (the constants of a mapping) and a day go in. Each column has classes of cells that no test tells apart: a
truth value, the words of its fact, whole numbers between two at which some test changes its answer, and nothing at all. A row of each
combination is decided as any row is, and the permits among them come out as branches by column. A cell of no class is in no branch: what
cannot be told by its cell is not known, and a row that states it is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.backends.lanes.fact_tests import Test, sources
from engine.bundle import Bundle
from engine.rules import Atom
from engine.tables.arrow import LEFT_OUT, CodedCells
from engine.tables.coded_chunk import CodedChunk
from engine.tables.column_mapping import SPOKEN, FactColumn, FactPlaces, TableMapping, stated_columns
from engine.tables.fact_clusters import FactClusters
from engine.tables.one_by_one import OneByOne
from engine.tables.table_decider import TableDecider
from engine.values import MAX_COUNT

MOST = 2_000_000  # combinations of classes of cells
_AT_ONCE = 65_536
_REORDERED = 4  # columns whose orders are all tried, for the shortest filter


class FilterRefused(ValueError):
    """There is no such filter; the message says what to do."""


@dataclass(frozen=True, slots=True)
class CellClass:
    """Cells of a column that are alike: none (`empty`), words, a truth value, or whole numbers in a range. `cell` is one of them."""

    cell: Any = None
    empty: bool = False
    words: tuple[str, ...] = ()
    numbers: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class FilterColumn:
    """A column, the classes of its cells, and what of it cannot be told by its cell; "" where all can."""

    name: str
    classes: tuple[CellClass, ...]
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class FilterBranch:
    """By the classes of a column's cells what the other columns must have; None where nothing is left to ask."""

    column: FilterColumn
    ways: tuple[tuple[tuple[CellClass, ...], FilterBranch | None], ...]

    @property
    def size(self) -> int:
        return sum(1 + (rest.size if rest else 0) for _, rest in self.ways)


@dataclass(frozen=True, slots=True)
class RowFilter:
    """The filter; `branch` is None where no row may proceed. `rows` are the combinations that were decided, `permits` those that may."""

    columns: tuple[FilterColumn, ...]
    branch: FilterBranch | None
    rows: int
    permits: int


def filter_rows(bundle: Bundle, columns: Sequence[str], mapping: TableMapping, as_of: date) -> RowFilter:
    """
    The filter over some columns of rows that state nothing else but what the mapping has under `constants`.

    Raises ColumnsRefused where a column states nothing, FilterRefused where the classes of cells are too many to be combined.
    """
    decider = OneByOne(bundle)
    asked = _Columns(bundle, decider.pdp.lanes.program.tests, mapping)
    mapping = replace(mapping, key="")
    stated = stated_columns(columns, mapping, asked.places)
    if not stated.facts:
        raise FilterRefused("no column states a fact; name one under `map:`, or by its fact")
    for name, several in mapping.by_column().items():
        if name in columns and len(several) > 1:
            raise FilterRefused(f"the column `{name}` states several facts; a filter needs a column for each")
    found = tuple(asked.column(column, [other for _, other in stated.facts]) for _, column in stated.facts)
    shape = tuple(len(each.classes) for each in found)
    if (rows := int(np.prod(shape, dtype=object))) > MOST:
        most = max(found, key=lambda each: len(each.classes))
        raise FilterRefused(
            f"the columns have {rows:,} combinations of cells, and at most {MOST:,} are decided; leave one out, such as"
            f" `{most.name}`, which has {len(most.classes):,}, or state it for all rows under `constants`"
        )
    deciding = TableDecider(bundle, as_of=as_of, today=as_of, mapping=mapping, decider=decider)
    permits = np.zeros(rows, dtype=np.bool_)
    for first, some in zip(range(0, rows, _AT_ONCE), deciding.chunks(_chunks(found, shape, rows)), strict=True):
        permits[first : first + len(some)] = some.batch.column("proceed").to_pylist()
    return RowFilter(found, _shortest(found, permits.reshape(shape)), rows, int(permits.sum()))


def _chunks(columns: Sequence[FilterColumn], shape: tuple[int, ...], rows: int) -> Iterator[CodedChunk]:
    """A row of each combination of classes."""
    names = [each.name for each in columns]
    for first in range(0, rows, _AT_ONCE):
        count = min(_AT_ONCE, rows - first)
        coded = []
        for each, at in zip(columns, np.unravel_index(np.arange(first, first + count), shape), strict=True):
            codes = np.array([LEFT_OUT if one.empty else number for number, one in enumerate(each.classes)], dtype=np.int32)[at]
            coded.append(CodedCells([one.cell for one in each.classes], codes))
        yield CodedChunk(names, coded, count)


def _shortest(columns: Sequence[FilterColumn], permits: NDArray[np.bool_]) -> FilterBranch | None:
    """The branches, with the columns in the order that gives the fewest."""
    if not permits.any() or not columns:
        return None
    order = tuple(range(len(columns)))
    orders = permutations(order) if len(columns) <= _REORDERED else [order]
    found = (_branch([columns[at] for at in each], np.ascontiguousarray(permits.transpose(each))) for each in orders)
    return min(found, key=lambda each: each.size)


def _branch(columns: Sequence[FilterColumn], permits: NDArray[np.bool_]) -> FilterBranch:
    """The branches by the first column: classes after which the same is permitted go together."""
    alike: dict[bytes, list[int]] = {}
    for number, rest in enumerate(permits):
        if rest.any():
            alike.setdefault(rest.tobytes(), []).append(number)
    ways = [
        (
            tuple(columns[0].classes[number] for number in numbers),
            _branch(columns[1:], permits[numbers[0]]) if len(columns) > 1 else None,
        )
        for numbers in alike.values()
    ]
    return FilterBranch(columns[0], tuple(ways))


class _Columns:
    """The classes of the cells of columns under one bundle."""

    def __init__(self, bundle: Bundle, tests: Mapping[Test, Any], mapping: TableMapping) -> None:
        self.places = FactPlaces(bundle)
        self._bundle = bundle
        self._tests = tests
        self._clusters = FactClusters(bundle)
        self._constants = tuple(mapping.constants)

    def column(self, column: FactColumn, others: Sequence[FactColumn]) -> FilterColumn:
        """A column beside others."""
        type, nothing = self.places.type(column.fact), CellClass(empty=True)
        if column.values or column.titles:
            read = "cells with other words than those of the mapping"
            return FilterColumn(column.column, (nothing, *self._words(column, (*column.values, *self._known(column)))), read)
        if type is not None and type.kind == "yes/no" and not type.many:
            return FilterColumn(column.column, (nothing, CellClass(True), CellClass(False)))
        if type is not None and type.kind == "value":
            several = "cells with several values" if type.many else ""
            return FilterColumn(column.column, (nothing, *self._words(column, self._known(column))), several)
        if type is not None and type.kind == "count" and not type.many:
            cuts = self._cuts(column.fact, [each.fact for each in others if each is not column])
            if cuts is not None:
                ranges = tuple(CellClass(low, numbers=(low, high)) for low, high in _between(cuts))
                return FilterColumn(column.column, (nothing, *ranges))
        return FilterColumn(column.column, (nothing,), "every cell that is not empty")

    def _known(self, column: FactColumn) -> tuple[str, ...]:
        """The words that a fact may be."""
        type = self.places.type(column.fact)
        if type is not None and type.kind == "yes/no":
            return ("yes", "no", "true", "false", SPOKEN)
        return (*type.values.values, SPOKEN) if type is not None and type.values else ()

    def _words(self, column: FactColumn, words: Sequence[str]) -> Iterator[CellClass]:
        """Words by what they state; one that states nothing is as an empty cell, and has a class of its own."""
        stated: dict[str, list[str]] = {}
        for word in dict.fromkeys(words):
            stated.setdefault(json.dumps(self.places.value(column, word), sort_keys=True), []).append(word)
        for some in stated.values():
            yield CellClass(some[0], words=tuple(some))

    def _cuts(self, fact: str, beside: Sequence[str]) -> list[int] | None:
        """The whole numbers at which some test of a count changes its answer; None where more than such numbers counts."""
        words = self._bundle.vocabulary
        together = self._clusters.root(fact)
        if any(self._clusters.root(each) == together for each in (*beside, *self._constants)):
            return None  # the door holds the two to each other
        for each in words.facts.values():
            if each.follows and each.follows.fact == fact:
                return None
            if each.counts and fact in words.families.get(each.counts, (each.counts,)):
                return None  # a counter is no lower than what it counts
        cuts = {0, MAX_COUNT}
        for test in self._tests:
            if fact not in sources(test, self._bundle.rules):
                continue
            if not isinstance(test, Atom) or test.fact != fact or test.other or test.register:
                return None
            for operand in test.operands:
                if not isinstance(operand, Decimal) or operand != operand.to_integral_value():
                    return None
                cuts.add(int(operand))
        sound = not any(self.places.wrong(fact, each) for each in (0, MAX_COUNT))
        return sorted(cuts) if sound else None


def _between(cuts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Each number, and the numbers between it and the next one."""
    for number, after in zip(cuts, (*cuts[1:], None), strict=True):
        yield number, number
        if after is not None and after - number > 1:
            yield number + 1, after - 1
