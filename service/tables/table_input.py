"""
The parts of a table that is to be decided: files of a folder, one file, or standard input; each becomes chunks of coded rows.

Parquet, CSV, JSON lines and Arrow (stream or file) are told apart by the name of a file, and standard input by its first bytes. A row that
cannot be read stays a row, with its problem. What is no table at all is refused as a whole.
"""

import csv
import io
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import IO, Any

from arro3.io import read_ipc, read_ipc_stream, read_parquet

import engine
import engine.tables
from service.tables import TableRefused

SUFFIXES = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".ipc": "arrow",
}
FORMATS = ("parquet", "csv", "jsonl", "arrow")
STDIN = "-"
MAX_LINE = 4 * 1024 * 1024  # bytes of a line of CSV or JSON
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class TablePart:
    """A part of a table: its name, its format, and its file; None for standard input."""

    name: str
    form: str
    path: Path | None


def table_parts(place: Path, form: str = "") -> list[TablePart]:
    """The parts of a table, in the order of their names. `form` is the format of what no name tells. Raises TableRefused."""
    if str(place) == STDIN:
        return [TablePart("stdin", form or _sniffed(), None)]
    if place.is_dir():
        files = [each for each in sorted(place.iterdir()) if each.is_file() and not each.name.startswith((".", "_"))]
        found = [TablePart(each.name, form or SUFFIXES.get(each.suffix.lower(), ""), each) for each in files]
        strange = [each.name for each in found if not each.form]
        if strange:
            raise TableRefused(f"{place} has files that are no tables: {', '.join(strange[:5])}; name the format with --from")
        if not found:
            raise TableRefused(f"{place} has no files")
        return found
    if not place.exists():
        raise TableRefused(f"there is no file or folder {place}")
    chosen = form or SUFFIXES.get(place.suffix.lower(), "")
    if not chosen:
        raise TableRefused(f"the name of {place} does not tell its format; name it with --from ({', '.join(FORMATS)})")
    return [TablePart(place.name, chosen, place)]


class PartReader:
    """A part that is being read: its `names`, None where rows are objects; its `chunks`; and, once they were read, its `digest`."""

    def __init__(
        self, names: Sequence[str] | None, chunks: Iterable[engine.tables.CodedChunk], digest: Callable[[], str]
    ) -> None:
        self.names = names
        self.chunks = chunks
        self.digest = digest


@contextmanager
def reading(part: TablePart, rows: int, facts: frozenset[str] = frozenset()) -> Iterator[PartReader]:
    """Read a part, at most so many rows at once. In rows that are objects `facts` stand side by side. Raises TableRefused."""
    source = sys.stdin.buffer if part.path is None else None
    try:
        if part.path is not None:
            digest = file_digest(part.path)
            with part.path.open("rb") as file:
                names, chunks = _read(part, file, rows, facts)
                yield PartReader(names, _told(part, chunks), lambda: digest)
        elif part.form == "parquet":  # it begins at its end
            assert source is not None
            with tempfile.TemporaryFile() as kept:
                while block := source.read(_BLOCK):
                    kept.write(block)
                kept.seek(0)
                digest = _digest(kept)
                names, chunks = _read(part, kept, rows, facts)
                yield PartReader(names, _told(part, chunks), lambda: digest)
        else:
            assert source is not None
            hashed = HashedReader(source)
            names, chunks = _read(part, hashed, rows, facts)
            yield PartReader(names, _told(part, chunks), hashed.digest)
    except OSError as failed:
        raise TableRefused(f"cannot read {part.name}: {failed.strerror or failed}") from None


def _read(
    part: TablePart, file: Any, rows: int, facts: frozenset[str]
) -> tuple[Sequence[str] | None, Iterator[engine.tables.CodedChunk]]:
    """The names of the columns of a part, and its rows."""
    if part.form == "csv":
        return _csv(part, file, rows)
    if part.form == "jsonl":
        return None, _objects(part, file, rows, facts)
    try:
        if part.form == "parquet":
            _need_footer(part, file)
            reader = read_parquet(file, batch_size=rows)
        else:
            whole = part.path is not None and file.read(6) == b"ARROW1"
            if part.path is not None:
                file.seek(0)
            reader = read_ipc(file) if whole else read_ipc_stream(file)
    except BaseException as failed:  # noqa: BLE001 (arro3 raises what the format raises)
        raise _refused(failed, f"{part.name} is not {part.form}") from None
    batches = engine.tables.slices(reader, rows)
    return reader.schema.names, (engine.tables.of_batch(each) for each in batches)


def _told(part: TablePart, chunks: Iterator[engine.tables.CodedChunk]) -> Iterator[engine.tables.CodedChunk]:
    """The same chunks; what fails in the middle is told in one sentence."""
    while True:
        try:
            chunk = next(chunks)
        except StopIteration:
            return
        except BaseException as failed:  # noqa: BLE001 (as above)
            raise _refused(failed, f"{part.name} cannot be read to its end") from None
        yield chunk


def _refused(failed: BaseException, said: str) -> BaseException:
    """What failed in a format, in one sentence; what is not a matter of the format, as it is."""
    # A file that is corrupt may make arro3 panic, which is no Exception.
    if isinstance(failed, TableRefused | OSError) or not (
        isinstance(failed, Exception) or type(failed).__name__ == "PanicException"
    ):
        return failed
    lines = str(failed).strip().splitlines()
    return TableRefused(f"{said}: {lines[0][:200] if lines else type(failed).__name__}")


def _need_footer(part: TablePart, file: IO[bytes]) -> None:
    """Look at the ends of a file of Parquet. Raises TableRefused."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(4)
    file.seek(max(size - 8, 0))
    tail = file.read(8)
    file.seek(0)
    if size < 12 or head != b"PAR1" or tail[4:] != b"PAR1" or int.from_bytes(tail[:4], "little") > size - 12:
        raise TableRefused(f"{part.name} is not parquet: it is cut short, or of another kind")


# --- lines -----------------------------------------------------------------------------------------------------------


class _Lines:
    """The lines of a file as texts; `unreadable` says that one since the last look was not UTF-8."""

    def __init__(self, part: TablePart, file: Any) -> None:
        self._part = part
        self._file = file
        self.number = 0
        self.unreadable = False

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(MAX_LINE + 1):
            self.number += 1
            if len(line) > MAX_LINE:
                raise TableRefused(f"line {self.number:,} of {self._part.name} has more than {MAX_LINE:,} bytes")
            line = line.removeprefix(b"\xef\xbb\xbf") if self.number == 1 else line
            try:
                yield line.decode("utf-8")
            except UnicodeDecodeError:
                self.unreadable = True
                yield line.decode("utf-8", "replace")


def _csv(part: TablePart, file: Any, rows: int) -> tuple[Sequence[str], Iterator[engine.tables.CodedChunk]]:
    lines = _Lines(part, file)
    reader = csv.reader(lines, strict=True)
    names = next(reader, None)
    if names is None or lines.unreadable:
        raise TableRefused(f"{part.name} is not CSV: its first line must name the columns, in UTF-8")

    def chunks() -> Iterator[engine.tables.CodedChunk]:
        each = _csv_rows(reader, lines)
        while some := list(islice(each, rows)):
            texts = [[] if isinstance(row, engine.ExchangeProblem) else row for row in some]
            chunk = engine.tables.of_texts(names, texts)
            broken = {at: row for at, row in enumerate(some) if isinstance(row, engine.ExchangeProblem)}
            yield engine.tables.CodedChunk(chunk.names, chunk.columns, chunk.rows, {**chunk.broken, **broken})

    return names, chunks()


def _csv_rows(reader: Iterator[list[str]], lines: _Lines) -> Iterator[list[str] | engine.ExchangeProblem]:
    while True:
        lines.unreadable = False
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as wrong:
            yield engine.ExchangeProblem("", "not-csv", f"line {lines.number:,} is not CSV: {wrong}")
            continue
        if lines.unreadable:
            yield engine.ExchangeProblem("", "not-utf-8", f"line {lines.number:,} is not UTF-8")
        elif row:
            yield row


def _objects(part: TablePart, file: Any, rows: int, facts: frozenset[str]) -> Iterator[engine.tables.CodedChunk]:
    each = _json_rows(_Lines(part, file))
    while some := list(islice(each, rows)):
        yield engine.tables.of_objects(some, facts)


def _json_rows(lines: _Lines) -> Iterator[Mapping[str, Any] | engine.ExchangeProblem]:
    for line in lines:
        if lines.unreadable:
            lines.unreadable = False
            yield engine.ExchangeProblem("", "not-utf-8", f"line {lines.number:,} is not UTF-8")
        elif line.strip():
            try:
                yield engine.read_object(line.encode(), engine.MAX_BYTES, "row")
            except engine.ExchangeRefused as refused:
                yield refused.problems[0]


# --- bytes -----------------------------------------------------------------------------------------------------------


class HashedReader:
    """A stream that is hashed as it is read."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._hash = sha256()

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._file.read(size)
        self._hash.update(data)
        return data

    def readline(self, size: int = -1) -> bytes:
        data: bytes = self._file.readline(size)
        self._hash.update(data)
        return data

    def seek(self, place: int, whence: int = 0) -> int:
        """Nothing is sought in a pipe."""
        return 0

    def readable(self) -> bool:
        return True

    def digest(self) -> str:
        return self._hash.hexdigest()


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return _digest(file)


def _digest(file: IO[bytes]) -> str:
    found = sha256()
    file.seek(0)
    while block := file.read(_BLOCK):
        found.update(block)
    file.seek(0)
    return found.hexdigest()


def _sniffed() -> str:
    """The format of what comes on standard input, by its first bytes."""
    stream = sys.stdin.buffer
    head = stream.peek(8)[:8] if isinstance(stream, io.BufferedReader) else b""
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"\xff\xff\xff\xff", b"ARROW1")):
        return "arrow"
    return "jsonl" if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "csv"
