"""
Some rows of a table, column by column, coded: what every source of a table becomes.

A batch of Arrow, rows of texts (CSV) or objects (JSON lines) go in. A row that the source could not read stays a row, with its problem.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from arro3.core import RecordBatch

from engine.exchange_input.exchange_problems import ExchangeProblem
from engine.tables import arrow
from engine.tables.arrow import LEFT_OUT, CodedCells


@dataclass(frozen=True, slots=True)
class CodedChunk:
    """
    The columns of some rows. `broken` has the problems of rows that could not be read, by their place.

    `closed`: the columns are those of the whole table, and each must state something. Otherwise they are members of objects, of which
    the door of exchanges says what they are.
    """

    names: Sequence[str]
    columns: Sequence[CodedCells]
    rows: int
    broken: Mapping[int, ExchangeProblem] = field(default_factory=dict)
    closed: bool = True


def of_batch(batch: RecordBatch) -> CodedChunk:
    """The rows of a batch."""
    names = batch.schema.names
    return CodedChunk(names, [arrow.cells(batch, number) for number in range(len(names))], batch.num_rows)


def of_texts(names: Sequence[str], rows: Sequence[Sequence[str]]) -> CodedChunk:
    """Rows of texts; one that has not as many cells as there are columns is broken."""
    broken = {}
    width = len(names)
    nothing = [""] * width
    sound = list(rows)
    for place, row in enumerate(rows):
        if len(row) != width:
            broken[place] = ExchangeProblem("", "wrong-type", f"the row has {len(row)} cells, and the table {width} columns")
            sound[place] = nothing
    columns = [arrow.of_values(text or None for text in column) for column in zip(*sound, strict=True)]
    return CodedChunk(names, columns or [_nothing(len(rows))] * width, len(rows), broken)


def of_objects(objects: Sequence[Mapping[str, Any] | ExchangeProblem]) -> CodedChunk:
    """Rows that are objects, or that could not be read."""
    broken = {place: each for place, each in enumerate(objects) if isinstance(each, ExchangeProblem)}
    members = [each if isinstance(each, Mapping) else {} for each in objects]
    names = list(dict.fromkeys(name for each in members for name in each))
    columns = [arrow.of_values((each.get(name) for each in members), _told) for name in names]
    return CodedChunk(names, columns, len(objects), broken, closed=False)


def _told(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _nothing(rows: int) -> CodedCells:
    return CodedCells((), np.full(rows, LEFT_OUT, dtype=np.int32))
