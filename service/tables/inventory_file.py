"""
The file of an inventory, as companies have it: bytes of CSV go in, a header with its rows comes out, or all that is wrong with the file.

Nothing is guessed. Bytes that are no UTF-8 need the name of their encoding, which only a byte order mark says by itself. The separator is
the one by which the header has the most cells. What a spreadsheet would not read as the same table is refused at its line.
"""

import codecs
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO

MOST_BYTES = 8 * 1024 * 1024
MOST_ROWS = 5_000
MOST_COLUMNS = 200
MOST_LETTERS = 2_000  # of a cell
MOST_FAULTS = 20  # that are told
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
ENCODINGS = (
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "gbk", "big5", "shift_jis", "euc-jp", "euc-kr", "iso-8859-1",
    "iso-8859-15", "windows-1250", "windows-1251", "windows-1252", "windows-1254",
)  # fmt: skip
# The mark of UTF-32 begins with that of UTF-16, so it is looked for first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, ""),
    (codecs.BOM_UTF32_BE, ""),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SPOKEN = "sep="  # how some spreadsheets name the separator in a line of its own


class InventoryRefused(Exception):
    """The file is no inventory. `faults` has a sentence for each thing that is wrong, with its line."""

    def __init__(self, faults: Sequence[str]) -> None:
        more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        self.faults = (*faults[:MOST_FAULTS], *more)
        super().__init__("; ".join(self.faults))


@dataclass(frozen=True, slots=True)
class InventoryRow:
    """A row: the line on which it ends, and a cell for each column."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InventoryTable:
    """The names of the columns, each once, and the rows; blank rows are left out."""

    columns: tuple[str, ...]
    rows: tuple[InventoryRow, ...]
    encoding: str
    separator: str


def read_table(raw: bytes, encoding: str = "", separator: str = "") -> InventoryTable:
    """The table in the bytes of a file. Raises InventoryRefused."""
    if len(raw) > MOST_BYTES:
        raise InventoryRefused([f"the file has more than {MOST_BYTES:,} bytes: import it in parts"])
    text, encoding = _text(raw, encoding)
    faults = list(_control_characters(text))
    if faults:
        raise InventoryRefused(faults)
    said, text, skipped = _spoken_separator(text)
    separator = separator or said or _separator(text)
    lines = _lines(text, separator, skipped)
    columns, kept, faults = _header(next(lines, InventoryRow(1, ())))
    rows: list[InventoryRow] = []
    for row in lines:
        if len(rows) == MOST_ROWS:
            raise InventoryRefused([*faults, f"the table has more than {MOST_ROWS:,} rows: import it in parts"])
        if any(each.strip() for each in row.cells):
            faults += _faults(row, columns, kept)
            rows.append(InventoryRow(row.line, tuple(row.cells[place].strip() for place in kept if place < len(row.cells))))
    if not faults and not rows:
        faults.append("the table has a header and no row")
    if faults:
        raise InventoryRefused(faults)
    return InventoryTable(tuple(columns[place] for place in kept), tuple(rows), encoding, separator)


def _text(raw: bytes, encoding: str) -> tuple[str, str]:
    """The text of the bytes and its encoding. Raises InventoryRefused."""
    for mark, means in _MARKS:
        if raw.startswith(mark):
            if not means:
                raise InventoryRefused(["the file is UTF-32, which is not read: save it as UTF-8"])
            if encoding and not means.startswith(encoding):
                raise InventoryRefused([f"the file begins with the mark of {means}, so it is not {encoding}"])
            encoding, raw = means, raw[len(mark) :]
            break
    try:
        return raw.decode(encoding or "utf-8"), encoding or "utf-8"
    except UnicodeDecodeError as failed:
        line = raw[: failed.start].count(b"\n") + 1
        help = "" if encoding else f", or name its encoding with --encoding: {', '.join(ENCODINGS[1:])}"
        raise InventoryRefused([f"line {line} is not {encoding or 'utf-8'}: save the file as UTF-8{help}"]) from None


def _control_characters(text: str) -> Iterator[str]:
    told = set()
    for number, line in enumerate(text.split("\n"), 1):
        for each in line:
            if (each < " " and each not in "\t\r") or each in "\x7f\ufeff" or "\x80" <= each <= "\x9f":
                if number not in told:
                    yield f"line {number} has the character U+{ord(each):04X}, which no text has: perhaps its encoding is another"
                told.add(number)


def _spoken_separator(text: str) -> tuple[str, str, int]:
    """The separator that a first line of its own names, the text after it, and how many lines that are."""
    first, _, rest = text.partition("\n")
    said = first.removesuffix("\r").strip('"')
    if said[:4].lower() == _SPOKEN and len(said) == len(_SPOKEN) + 1 and said[-1] in SEPARATORS:
        return said[-1], rest, 1
    return "", text, 0


def _separator(text: str) -> str:
    """The separator by which the header has the most cells. Raises InventoryRefused."""
    cells = dict.fromkeys(SEPARATORS, 0)
    for each in cells:
        try:
            cells[each] = len(next(csv.reader(StringIO(text, newline=""), delimiter=each, strict=True), []))
        except csv.Error:
            cells[each] = 0
    most = max(cells.values())
    found = [each for each, count in cells.items() if count == most]
    if most <= 1:
        return ","
    if len(found) > 1:
        names = " and ".join(SEPARATORS[each] for each in found)
        raise InventoryRefused([f"the header may be separated by {names}: say which with --separator"])
    return found[0]


def _lines(text: str, separator: str, skipped: int) -> Iterator[InventoryRow]:
    """The rows as they stand. Raises InventoryRefused."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for cells in reader:
            yield InventoryRow(reader.line_num + skipped, tuple(cells))
    except csv.Error as bad:
        raise InventoryRefused([f"line {reader.line_num + skipped} is not CSV: {bad}"]) from None


def _header(row: InventoryRow) -> tuple[list[str], list[int], list[str]]:
    """The names of the columns, the places of those that have one, and what is wrong with them."""
    columns = [" ".join(each.split()) for each in row.cells]
    if not any(columns):
        return columns, [], ["the file has no header: its first line must name the columns"]
    if len(columns) > MOST_COLUMNS:
        return columns, [], [f"the header has {len(columns):,} columns; a table has at most {MOST_COLUMNS}"]
    kept = [place for place, name in enumerate(columns) if name]
    faults = [f"the name of column {place + 1} is longer than 200 characters" for place in kept if len(columns[place]) > 200]
    before: dict[str, int] = {}
    for place in kept:
        same = before.setdefault(columns[place].casefold(), place)
        if same != place:
            faults.append(f"columns {same + 1} and {place + 1} are both called `{columns[place][:80]}`: rename one")
    return columns, kept, faults


def _faults(row: InventoryRow, columns: Sequence[str], kept: Sequence[int]) -> Iterator[str]:
    """What is wrong with a row."""
    if len(row.cells) != len(columns):
        yield f"line {row.line} has {len(row.cells)} cells, but the header has {len(columns)} columns"
        return
    for place, cell in enumerate(row.cells):
        if len(cell) > MOST_LETTERS:
            yield f"line {row.line}, column {place + 1}: a cell has at most {MOST_LETTERS:,} characters"
        if cell.strip() and place not in kept:
            yield f"line {row.line} has a cell in column {place + 1}, which has no name"
