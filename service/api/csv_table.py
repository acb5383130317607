"""Tables as CSV: a header and rows go in, text for a spreadsheet comes out. No cell is read as a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from fastapi import Response

MEDIA_TYPE = "text/csv"
CONTENT = {
    MEDIA_TYPE: {"schema": {"type": "string", "description": "comma-separated values in UTF-8; the first line is the header"}}
}
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


def csv_answer(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """The answer with a table; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    for row in rows:
        writer.writerow(["" if value is None else _cell(str(value)) for value in row])
    return Response(text.getvalue(), media_type=MEDIA_TYPE)


def _cell(text: str) -> str:
    """A spreadsheet takes a cell that begins like a formula for one."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) and not _NUMBER.fullmatch(text) else text
