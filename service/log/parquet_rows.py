"""
Rows of the log as an Apache Parquet file, with their types: rows go in, a file comes out, some thousand rows at a time.

A number is a number, a moment a moment in UTC, a day a day; a party that was not sent or was erased is null. The file is written by arro3,
which is an extra of the installation (`parquet`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import IO, Any

from service.log.search import RecordRow

MISSING = "the package `arro3-io` is not installed; `pip install 'fifthfactor[parquet]'` adds it"
_AT_ONCE = 5_000
_EPOCH, _FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC), date(1970, 1, 1)
_WHOLE = ("sequence",)
_MOMENTS = ("recorded_at",)
_DAYS = ("as_of",)
_TRUTHS = ("proceed", "hypothetical")


def unavailable() -> str:
    """Why no file of this kind can be made in this installation, as a sentence without a full stop; empty where one can."""
    return "" if find_spec("arro3") and find_spec("arro3.io") else MISSING


def write(file: IO[bytes] | Path, names: Sequence[str], rows: Iterable[RecordRow]) -> int:
    """Write some members of rows, in the order of the names; how many rows there were. Call it only where it is not `unavailable`."""
    from arro3.core import RecordBatch, RecordBatchReader, Schema
    from arro3.io import write_parquet

    schema = Schema([_field(name) for name in names])
    count = 0

    def batches() -> Iterator[Any]:
        nonlocal count
        remaining = iter(rows)
        while some := [asdict(row) for row in islice(remaining, _AT_ONCE)]:
            count += len(some)
            yield RecordBatch.from_arrays([_array(name, [row[name] for row in some]) for name in names], schema=schema)

    write_parquet(RecordBatchReader.from_batches(schema, batches()), file, compression="zstd(3)")
    return count


def _field(name: str) -> Any:
    from arro3.core import DataType, Field

    if name in _MOMENTS:
        return Field(name, DataType.timestamp("us", tz="UTC"), nullable=False)
    if name in _DAYS:
        return Field(name, DataType.date32(), nullable=True)
    if name in _TRUTHS:
        return Field(name, DataType.bool(), nullable=False)
    return Field(name, DataType.int64(), nullable=False) if name in _WHOLE else Field(name, DataType.utf8(), nullable=True)


def _array(name: str, values: Sequence[Any]) -> Any:
    """The values of a column; a day that cannot be read, as of a record whose bytes were changed, is null."""
    from arro3.core import Array, DataType

    if name in _MOMENTS:
        micros = [(each - _EPOCH) // datetime.resolution for each in values]
        return Array(micros, DataType.int64()).cast(DataType.timestamp("us", tz="UTC"))
    if name in _DAYS:
        return Array([_day(each) for each in values], DataType.int32()).cast(DataType.date32())
    if name in _TRUTHS:
        return Array(list(values), DataType.bool())
    return Array(list(values), DataType.int64() if name in _WHOLE else DataType.utf8())


def _day(text: str) -> int | None:
    try:
        return (date.fromisoformat(text) - _FIRST_DAY).days
    except ValueError:
        return None
