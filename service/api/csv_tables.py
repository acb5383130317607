"""
Tables as CSV (RFC 4180, UTF-8): a header and rows go in, text comes out.

A spreadsheet program may take a text for a formula because of its first character; such a text is written with `'` before it. A number
is given as a number and written as it is.
"""

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import TypeAlias

MEDIA_TYPE = "text/csv; charset=utf-8"
_FORMULA = tuple("=+-@＝＋－＠'\t\r\n")

Cell: TypeAlias = str | int | Decimal | date | None


def written(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A table; None is an empty cell."""
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def _cell(cell: Cell) -> str:
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    if not isinstance(cell, str):
        return "" if cell is None else str(cell)
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
