"""
Tables as CSV (RFC 4180), for lists that are also read in a spreadsheet: `format=csv` in the query.

The first row has the names of the columns. A text that a spreadsheet would take for a formula gets an apostrophe before it. The next page,
if there is one, is in the header `Link` (RFC 8288), as `rel="next"`.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response

from service.api.parameters import parameter, single, wrong

MEDIA_TYPE = "text/csv"
FORMAT = parameter("format", "`csv` gives a table (text/csv)", {"type": "string", "enum": ["json", "csv"], "default": "json"})

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(sent: Mapping[str, str]) -> bool:
    """Whether a query asks for a table. Raises RequestRefused."""
    if sent.get("format", "json") not in ("json", "csv"):
        raise wrong("format", "`format` takes `json` or `csv`")
    return sent.get("format") == "csv"


def csv_answer(request: Request, columns: Sequence[str], rows: Iterable[Iterable[Any]], cursor: str | None) -> Response:
    """The answer with a table; `cursor` is that of the next page."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(columns)
    table.writerows([_cell(value) for value in row] for row in rows)
    headers = {}
    if cursor is not None:
        query = urlencode({**single(request), "cursor": cursor})
        headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
    return Response(text.getvalue(), media_type=f"{MEDIA_TYPE}; charset=utf-8", headers=headers)


def _cell(value: Any) -> Any:
    """A value as a cell: nothing for null, and no formula."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
