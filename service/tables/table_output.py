"""
Decided rows as a file: Parquet, CSV, JSON lines or an Arrow stream go out, some thousand rows at a time, and are read back to be verified.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any

import numpy as np
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
_ROWS = 131_072  # of a row group


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
        write_parquet(reader, file, compression="zstd(3)", max_row_group_size=_ROWS, dictionary_page_size_limit=16 << 20)


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


def read_back(chunk: engine.tables.CodedChunk, form: str) -> Iterator[tuple[str, bytes]]:
    """The key and the outcome document of each row of a file that was written so. Raises ValueError where a column is missing."""
    at = {name: place for place, name in enumerate(chunk.names)}
    lacking = [name for name in NAMES[1:] if name not in at]  # on a cluster a row has no number
    if lacking and chunk.rows:
        raise ValueError(f"the column `{lacking[0]}` is missing")
    columns = {name: chunk.columns[at[name]] for name in NAMES if name in at}
    codes = np.stack([columns[name].codes for name in NAMES[2:]], axis=1)
    first, places = engine.tables.grouped(codes)
    documents = []
    for row in codes[first]:
        cells = {
            name: None if code < 0 else columns[name].values[code] for name, code in zip(NAMES[2:], row.tolist(), strict=True)
        }
        documents.append(engine.tables.outcome_document({name: _member(name, each) for name, each in cells.items()}))
    keys = columns["key"]
    for place, number in enumerate(places.tolist()):
        key = str(keys.values[keys.codes[place]]) if keys.codes[place] >= 0 else ""
        yield key[1:] if form == "csv" and key.startswith("'") else key, documents[number]


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
