"""
Tables as CSV (RFC 4180, UTF-8), for lists that are also read in a spreadsheet: a header and rows go in, an answer comes out.

A spreadsheet program may take a text for a formula because of its first character; such a text is written with `'` before it. A number
is written as it is.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import StringIO
from types import MappingProxyType
from typing import Any, TypeAlias
from urllib.parse import urlencode

from fastapi import Request, Response

from service.api.parameters import parameter, single, wrong

MEDIA_TYPE = "text/csv"
FORMAT = parameter("format", "`csv` gives a table (text/csv)", {"type": "string", "enum": ["json", "csv"], "default": "json"})
CONTENT: dict[str, Any] = {MEDIA_TYPE: {"schema": {"type": "string", "description": "a table with a header"}}}
_FORMULA = tuple("=+-@＝＋－＠'\t\r\n")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)

Cell: TypeAlias = str | int | bool | Decimal | date | datetime | None


def as_csv(sent: Mapping[str, str]) -> bool:
    """Whether a query asks for a table. Raises RequestRefused."""
    if sent.get("format", "json") not in ("json", "csv"):
        raise wrong("format", "`format` takes `json` or `csv`")
    return sent.get("format") == "csv"


def csv_answer(
    header: Sequence[str], rows: Iterable[Iterable[Cell]], headers: Mapping[str, str] = MappingProxyType({})
) -> Response:
    """The answer with a table. `headers` are added to those of the answer."""
    return Response(written(header, rows), media_type=f"{MEDIA_TYPE}; charset=utf-8", headers=dict(headers))


def written(header: Sequence[str], rows: Iterable[Iterable[Cell]]) -> str:
    """A table as text; None is an empty cell."""
    return written_rows([header]) + written_rows(rows)


def written_rows(rows: Iterable[Iterable[Cell]]) -> str:
    """Rows of a table as text, without its header."""
    text = StringIO(newline="")
    csv.writer(text).writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def next_page(request: Request, cursor: str | None) -> dict[str, str]:
    """The header `Link` (RFC 8288) that leads to the next page of a table, as `rel="next"`; none at the end."""
    if cursor is None:
        return {}
    return {"Link": f'<{request.url.path}?{urlencode({**single(request), "cursor": cursor})}>; rel="next"'}


def file_name(name: str) -> dict[str, str]:
    """The header by which a browser saves a table under a name."""
    return {"Content-Disposition": f'attachment; filename="{name}.csv"'}


def _cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case Decimal():
            return f"{cell:f}"
        case str() if cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell):
            return f"'{cell}"
    return str(cell)
