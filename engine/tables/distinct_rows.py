"""
The distinct exchanges among the rows of a table: equal rows are decided once.

The coded columns of some rows go in. Each distinct cell is read once, as the JSON of its fact. Out come the distinct rows, each with the
exchange that it states and a key that is the same in every chunk, and for each row the number of its distinct row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.exchange_input.exchange_problems import ExchangeProblem, pointer
from engine.tables.arrow import LEFT_OUT, CodedCells, Codes
from engine.tables.mapping import FactColumn, FactPlaces

MOST_VALUES = 200_000  # distinct cells that are remembered between chunks


@dataclass(slots=True)
class _Values:
    """The values of one fact that rows stated so far, as JSON, by their text."""

    codes: dict[str, int] = field(default_factory=dict)
    values: list[Any] = field(default_factory=list)

    def code(self, value: Any) -> int:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True)
        found = self.codes.get(text)
        if found is None:
            found = self.codes[text] = len(self.values)
            self.values.append(value)
        return found


@dataclass(frozen=True, slots=True)
class StatedExchange:
    """What a distinct row states: the JSON of its exchange, and what two of its columns state of one place."""

    document: dict[str, Any]
    problems: tuple[ExchangeProblem, ...]


@dataclass(frozen=True, slots=True)
class DistinctRows:
    """
    `keys` has a key for each distinct row, the same for the same row of a later chunk as long as `epoch` is the same.

    `places` has for each row of the chunk the number of its distinct row.
    """

    keys: Sequence[bytes]
    places: NDArray[np.int64]
    epoch: int
    codes: NDArray[np.int32]
    stated: Callable[[Codes], StatedExchange]

    def exchange(self, number: int) -> StatedExchange:
        """What a distinct row states."""
        return self.stated(self.codes[number])


class RowCoder:
    """Codes the rows of a table by the facts that its columns state. `constants` are stated by every row."""

    def __init__(self, places: FactPlaces, constants: Mapping[str, Any]) -> None:
        self._places = places
        self._constants = [(places.steps(name), value) for name, value in constants.items()]
        self._facts: dict[str, int] = {}  # the place of each fact in a row of codes
        self._steps: list[tuple[str, ...]] = []
        self._known: list[_Values] = []
        self._count = 0
        self.epoch = 0

    def distinct(self, facts: Sequence[tuple[FactColumn, CodedCells]], rows: int) -> DistinctRows:
        """The distinct rows among some, of which these columns state something."""
        if self._count > MOST_VALUES:
            self._known = [_Values() for _ in self._known]
            self._count, self.epoch = 0, self.epoch + 1
        for column, _ in facts:
            if column.fact not in self._facts:
                self._facts[column.fact] = len(self._steps)
                self._steps.append(self._places.steps(column.fact) if column.fact in self._places.names else (column.fact,))
                self._known.append(_Values())
                self.epoch += 1  # rows of codes are longer from now on
        codes = np.full((rows, len(self._steps)), LEFT_OUT, dtype=np.int32)
        for column, cells in facts:
            place = self._facts[column.fact]
            codes[:, place] = self._coded(column, cells, self._known[place])
        first, places = grouped(codes)
        chosen = codes[first]
        stated = partial(_stated, self._constants, self._steps, self._known)
        return DistinctRows([row.tobytes() for row in chosen], places, self.epoch, chosen, stated)

    def _coded(self, column: FactColumn, cells: CodedCells, known: _Values) -> Codes:
        """The codes of a column's cells in all chunks; each distinct cell is read once."""
        used = np.unique(cells.codes)
        here = np.full(len(cells.values) + 1, LEFT_OUT, dtype=np.int32)  # the last one is LEFT_OUT's
        before = len(known.values)
        plain = column.fact not in self._places.names
        for number in used.tolist():
            if number != LEFT_OUT:
                cell = cells.values[number]
                value = cell if plain else self._places.value(column, cell)
                if value is not None:
                    here[number] = known.code(value)
        self._count += len(known.values) - before
        return here[cells.codes]


def _stated(
    constants: Sequence[tuple[tuple[str, ...], Any]], steps: Sequence[tuple[str, ...]], known: Sequence[_Values], codes: Codes
) -> StatedExchange:
    """What a row of codes states."""
    document: dict[str, Any] = {}
    problems: list[ExchangeProblem] = []
    for place, value in constants:
        _put(document, place, value, problems)
    for number, code in enumerate(codes.tolist()):
        if code != LEFT_OUT:
            _put(document, steps[number], known[number].values[code], problems)
    return StatedExchange(document, tuple(problems))


def grouped(codes: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first row of each kind of equal rows, and for each row the number of its kind."""
    if not codes.shape[1]:
        return np.zeros(min(len(codes), 1), dtype=np.int64), np.zeros(len(codes), dtype=np.int64)
    factors = np.random.default_rng(1).integers(1, 2**63, size=(codes.shape[1],), dtype=np.uint64) | np.uint64(1)
    hashes = np.zeros(len(codes), dtype=np.uint64)
    for place in range(codes.shape[1]):
        hashes = (hashes ^ (codes[:, place].astype(np.uint64) * factors[place])) * np.uint64(0x9E3779B97F4A7C15)
        hashes ^= hashes >> np.uint64(29)
    _, first, places = np.unique(hashes, return_index=True, return_inverse=True)
    # INVARIANT (no row takes another's outcome): two rows of one hash are compared, cell by cell.
    if not np.array_equal(codes, codes[first][places]):
        rows = np.ascontiguousarray(codes).view(np.dtype((np.void, codes.dtype.itemsize * codes.shape[1]))).ravel()
        _, first, places = np.unique(rows, return_index=True, return_inverse=True)
    return first, places.reshape(-1)


def _put(document: dict[str, Any], steps: Sequence[str], value: Any, problems: list[ExchangeProblem]) -> None:
    """State a value at its place; what stands there already is a problem, unless both are objects of different members."""
    here = document
    for depth, step in enumerate(steps[:-1], 1):
        inner = here.setdefault(step, {})
        if not isinstance(inner, dict):
            problems.append(_twice(steps[:depth]))
            return
        here = inner
    last = steps[-1]
    if last not in here:
        here[last] = dict(value) if isinstance(value, dict) else value
    elif isinstance(value, dict) and isinstance(here[last], dict):
        for name, each in value.items():
            _put(here[last], (name,), each, problems)
    else:
        problems.append(_twice(steps))


def _twice(steps: Sequence[str]) -> ExchangeProblem:
    detail = "two columns state this, each something else; leave one of them empty"
    return ExchangeProblem(pointer(steps), "two-values", detail)
