"""
Some rows of a table, column by column, coded: what every source of a table becomes.

A batch of Arrow, rows of texts (CSV) or objects (JSON lines) go in. A row that the source could not read stays a row, with its problem.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
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


def of_objects(objects: Sequence[Mapping[str, Any] | ExchangeProblem], facts: Collection[str] = frozenset()) -> CodedChunk:
    """
    Rows that are objects, or that could not be read. A member in which nothing but `facts` are stated becomes a column for each of them;
    any other stays whole, for the door of exchanges.
    """
    broken = {place: each for place, each in enumerate(objects) if isinstance(each, ExchangeProblem)}
    members = [_flat(each, facts) if isinstance(each, Mapping) else {} for each in objects]
    names = list(dict.fromkeys(name for each in members for name in each))
    columns = [arrow.of_values((each.get(name) for each in members), _told) for name in names]
    return CodedChunk(names, columns, len(objects), broken, closed=False)


def _flat(row: Mapping[str, Any], facts: Collection[str]) -> Mapping[str, Any]:
    """A row with its facts side by side, as far as nothing else stands among them."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        inner = dict(_facts_in(name, value, facts)) if isinstance(value, dict) else {}
        apart = inner and "" not in inner and inner.keys().isdisjoint(row) and inner.keys().isdisjoint(found)
        found |= inner if apart else {name: value}
    return found


def _facts_in(under: str, members: Mapping[str, Any], facts: Collection[str]) -> Iterator[tuple[str, Any]]:
    """The facts in an object, by their names; "" for what is none, or states nothing."""
    for name, value in members.items():
        whole = f"{under}.{name}"
        if whole in facts:
            yield (whole if value not in (None, "") else "", value)
        elif isinstance(value, dict) and value:
            yield from _facts_in(whole, value, facts)
        else:
            yield "", value


def _told(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _nothing(rows: int) -> CodedCells:
    return CodedCells((), np.full(rows, LEFT_OUT, dtype=np.int32))
