"""
What an impact found, as a table: a report goes in, a file of Parquet with a row for each group of rows that move alike goes out.

The columns are those of a group (`MoveGroupPart`); lists are JSON in a text, as in the tables that `fifthfactor decide` writes.
"""

import json
from pathlib import Path

from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import write_parquet

import engine

TEXTS = ("direction", "old", "new", "jurisdictions", "instruments", "month", "example", "duties")


def write_groups(found: engine.Impact, path: Path) -> None:
    """Write the groups, the largest first. Raises OSError."""
    rows = [each.model_dump(mode="json") for each in found.groups]
    columns = {name: Array([_told(row[name]) for row in rows], DataType.utf8()) for name in TEXTS}
    columns["rows"] = Array([row["rows"] for row in rows], DataType.int64())
    schema = Schema([Field(name, column.type) for name, column in columns.items()])
    batch = RecordBatch.from_arrays(list(columns.values()), schema=schema)
    write_parquet(RecordBatchReader.from_batches(schema, [batch]), path, compression="zstd(3)")


def _told(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
