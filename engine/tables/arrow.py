"""
Arrow in and out by the PyCapsule interface: whatever exports a table goes in, the distinct values of each column and their codes come out.

The only module of the engine that knows arro3, which pandas, Polars, DuckDB and PyArrow need not: they hand over their memory as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from arro3 import compute
from arro3.core import (
    Array,
    DataType,
    Field,
    RecordBatch,
    RecordBatchReader,
    Schema,
    Table,
    dictionary_dictionary,
    dictionary_indices,
)
from numpy.typing import NDArray

Codes: TypeAlias = NDArray[np.int32]
LEFT_OUT = -1  # the code of a cell without a value
_EPOCH = date(1970, 1, 1).toordinal()


class ArrowStream(Protocol):
    """A table, or a stream of its parts, as the libraries of tables export it."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class CodedCells(NamedTuple):
    """A column: its distinct values as Python has them, and for each row the number of its value, or LEFT_OUT."""

    values: Sequence[Any]
    codes: Codes


def batches(table: ArrowStream) -> RecordBatchReader:
    """The parts of a table, one after the other. Raises TypeError where it is no table."""
    if not any(hasattr(table, each) for each in ("__arrow_c_stream__", "__arrow_c_array__")):
        raise TypeError(
            f"a table has the Arrow PyCapsule interface (`__arrow_c_stream__`), and a {type(table).__name__} has not"
        )
    return RecordBatchReader.from_arrow(table)


def slices(reader: Iterable[RecordBatch], most: int) -> Iterator[RecordBatch]:
    """The same rows, at most so many at once."""
    for batch in reader:
        for first in range(0, batch.num_rows, most):
            yield batch.slice(first, min(most, batch.num_rows - first))


def cells(batch: RecordBatch, number: int) -> CodedCells:
    """A column of a batch, coded."""
    array = batch.column(number)
    kind = str(array.type)
    if "View" in kind and "Dictionary" not in kind and "List" not in kind and "Struct" not in kind:
        array = array.cast(DataType.utf8())
    if "Dictionary" in kind:
        return CodedCells(list(dictionary_dictionary(array).to_pylist()), _numbers(dictionary_indices(array)))
    try:
        encoded = compute.dictionary_encode(array)
    except Exception:  # noqa: BLE001 (each kind of array fails in its own way: lists and yes/no among them)
        return of_values(array.to_pylist())
    return CodedCells(list(dictionary_dictionary(encoded).to_pylist()), _numbers(dictionary_indices(encoded)))


def of_values(values: Iterable[Any], key: Callable[[Any], Any] = repr) -> CodedCells:
    """Values of any kind, coded; None is no value. `key` tells values apart."""
    known: dict[Any, int] = {}
    distinct: list[Any] = []
    codes = []
    for value in values:
        if value is None:
            codes.append(LEFT_OUT)
            continue
        told = value if value.__class__ is str else (key(value),)
        code = known.get(told)
        if code is None:
            code = known[told] = len(distinct)
            distinct.append(value)
        codes.append(code)
    return CodedCells(distinct, np.array(codes, dtype=np.int32))


def _numbers(indices: Array) -> Codes:
    """Numbers of which some may be missing, as LEFT_OUT."""
    if not indices.null_count:
        return np.asarray(indices.to_numpy(), dtype=np.int32)
    there = compute.is_not_null(indices)
    found = np.full(len(indices), LEFT_OUT, dtype=np.int32)
    found[np.asarray(there.to_numpy(), dtype=bool)] = compute.filter(indices, there).to_numpy()
    return found


# What goes out


class ArrowColumn(NamedTuple):
    """A column of a result, ready for a batch."""

    name: str
    array: Array


def texts(name: str, distinct: Sequence[str], codes: Codes) -> ArrowColumn:
    """A column of texts that repeat; each distinct one is in memory once. An empty text is null."""
    told = list(distinct) if all(distinct) and len(distinct) else [text or None for text in distinct] or [None]
    encoded = compute.dictionary_encode(Array(told, DataType.utf8()))
    return ArrowColumn(name, encoded.take(Array.from_numpy(np.ascontiguousarray(codes))))


def plain_texts(name: str, values: Sequence[str]) -> ArrowColumn:
    """A column of texts that hardly repeat."""
    return ArrowColumn(name, Array(list(values), DataType.utf8()))


def numbers(name: str, values: NDArray[Any]) -> ArrowColumn:
    return ArrowColumn(name, Array.from_numpy(np.ascontiguousarray(values)))


def truths(name: str, values: NDArray[np.bool_]) -> ArrowColumn:
    told = Array([False, True], DataType.bool())
    return ArrowColumn(name, told.take(Array.from_numpy(values.astype(np.int32))))


def days(name: str, values: Sequence[date | None], codes: Codes) -> ArrowColumn:
    """A column of days; None is null."""
    number = [None if each is None else each.toordinal() - _EPOCH for each in values]
    distinct = Array(number or [0], DataType.int32()).cast(DataType.date32())
    return ArrowColumn(name, distinct.take(Array.from_numpy(np.ascontiguousarray(codes))))


def batch_of(columns: Sequence[ArrowColumn]) -> RecordBatch:
    return RecordBatch.from_arrays([each.array for each in columns], schema=schema_of(columns))


def schema_of(columns: Sequence[ArrowColumn]) -> Schema:
    return Schema([Field(each.name, each.array.type) for each in columns])


def table_of(found: Sequence[RecordBatch], schema: Schema) -> Table:
    return Table.from_batches(found, schema=schema)
