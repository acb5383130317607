"""
Decided rows as a file: Parquet, CSV, JSON lines or an Arrow stream go out, some thousand rows at a time, and are read back to be verified.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, Any

from arro3.core import RecordBatchReader
from arro3.io import write_ipc_stream, write_parquet

import engine.tables
from engine.tables import DecidedRows, RowOutcome

SUFFIX = {"parquet": ".parquet", "csv": ".csv", "jsonl": ".jsonl", "arrow": ".arrows"}
NAMES = (
    "row", "key", "as_of", "outcome", "low", "high", "proceed", *engine.tables.LISTS, "problems",
)  # fmt: skip
FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "'",
)  # what begins a formula in a spreadsheet, and the mark that tells that it is none
_ROWS = 32_768  # of a row group


def write_rows(form: str, file: IO[bytes] | Path, rows: Iterable[DecidedRows]) -> None:
    """Write rows as they come; at least one batch comes, which may be empty. Raises OSError."""
    if form in ("csv", "jsonl"):
        if isinstance(file, Path):
            with file.open("wb") as opened:
                _write_lines(form, opened, rows)
        else:
            _write_lines(form, file, rows)
        return
    remaining = iter(rows)
    first = next(remaining)
    batches = (each.batch for each in chain((first,), remaining))
    reader = RecordBatchReader.from_batches(first.batch.schema, batches)
    if form == "arrow":
        write_ipc_stream(reader, file)
    else:
        write_parquet(reader, file, compression="zstd(3)", max_row_group_size=_ROWS, dictionary_page_size_limit=4 << 20)


def _write_lines(form: str, file: IO[bytes], rows: Iterable[DecidedRows]) -> None:
    line = _csv_line if form == "csv" else _json_line
    if form == "csv":
        file.write((",".join(NAMES) + "\n").encode())
    for some in rows:
        told = [line(each) for each in some.outcomes]
        for place, number in enumerate(some.places.tolist()):
            file.write(told[number](some.first + place, some.keys[place]))
    file.flush()


def _members(outcome: RowOutcome) -> dict[str, Any]:
    told = {name: getattr(outcome, name) for name in NAMES[2:-1]}
    told |= {"low": outcome.low or None, "high": outcome.high or None}
    return {**told, "as_of": outcome.as_of.isoformat() if outcome.as_of else None, "problems": len(outcome.problems)}


def _json_line(outcome: RowOutcome) -> Any:
    """What writes the line of a row with an outcome."""
    members = _members(outcome)
    head = {name: value for name, value in members.items() if name not in engine.tables.LISTS}
    lists = ",".join(f'"{name}":{members[name]}' for name in engine.tables.LISTS)
    tail = f"{json.dumps(head, ensure_ascii=False)[1:-1]}, {lists}}}\n"
    return lambda row, key: f'{{"row":{row},"key":{json.dumps(key, ensure_ascii=False)}, {tail}'.encode()


def _csv_line(outcome: RowOutcome) -> Any:
    members = _members(outcome)
    cells = [members[name] for name in NAMES[2:]]
    tail = _csv_text(["" if each is None else str(each).lower() if isinstance(each, bool) else each for each in cells])
    return lambda row, key: f"{row},{_csv_text([guarded(key)])},{tail}\n".encode()


def _csv_text(cells: Sequence[Any]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="").writerow(cells)
    return file.getvalue()


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula: with an apostrophe before what would begin one, and before an apostrophe."""
    return f"'{text}" if text.startswith(FORMULA) else text


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """A row that was written: its key, the digest of its outcome, and what has its cells."""

    key: str
    digest: bytes
    cells: Callable[[], dict[str, Any]]


def read_back(chunk: engine.tables.CodedChunk, form: str) -> Iterator[WrittenRow]:
    """The rows of a file that was written so. Raises ValueError where a column is missing."""
    at = {name: place for place, name in enumerate(chunk.names)}
    lacking = [name for name in NAMES[1:] if name not in at]  # on a cluster a row has no number
    if lacking and chunk.rows:
        raise ValueError(f"the column `{lacking[0]}` is missing")
    if not chunk.rows:
        return
    # The last value of each column is that of a cell without one.
    cells = {
        name: [*(_member(name, each) for each in chunk.columns[at[name]].values), _member(name, None)]
        for name in engine.tables.CELLS
    }
    codes = {name: chunk.columns[at[name]].codes for name in NAMES[1:]}
    told = [(map(engine.tables.cell_text, cells[name]), codes[name]) for name in engine.tables.CELLS]
    keys = [*map(str, chunk.columns[at["key"]].values), ""]

    def of(row: int) -> dict[str, Any]:
        return {name: values[codes[name][row]] for name, values in cells.items()}

    for row, digest in enumerate(engine.tables.row_digests(told, chunk.rows)):
        key = keys[codes["key"][row]]
        yield WrittenRow(key[1:] if form == "csv" and key.startswith("'") else key, digest, partial(of, row))


def _member(name: str, cell: Any) -> Any:
    """A member of an outcome, as it was before it was written."""
    if name == "as_of":
        return cell
    if name == "proceed":
        return cell if isinstance(cell, bool) else cell == "true"
    if name == "problems":
        return int(cell) if cell is not None else 0
    if name in engine.tables.LISTS and not isinstance(cell, str):
        return json.dumps(cell, ensure_ascii=False, separators=(",", ":"))
    return "" if cell is None else cell
