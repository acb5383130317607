"""
The list of decisions: its filters, its columns, and the same rows as a file.

An address goes in as its parameters; a query of the log, the columns to show, and later a page or lines of a file come out.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self, get_args

from service.console.pages import rendered
from service.console.reader import PageReader
from service.log import parquet_rows
from service.log.record_views import written_row
from service.log.search import OUTCOMES, RecordPage, RecordRow
from service.log.search_query import FIELDS, Query, moment

MOST_LETTERS = 300  # in the value of a filter

Column = Literal["outcome", "proceed", "exchange", "parties", "answer", "as_of", "caller", "policies"]
COLUMNS: tuple[Column, ...] = get_args(Column)
USUAL: tuple[Column, ...] = ("outcome", "exchange", "parties", "answer")

# What a file has of a column. The id and the moment of the record are always in it.
_MEMBERS: Mapping[Column, Sequence[str]] = {
    "outcome": ("outcome", "hypothetical"),
    "proceed": ("proceed",),
    "exchange": ("exporter_country", "recipient_country"),
    "parties": ("exporter", "recipient"),
    "answer": ("answer",),
    "as_of": ("as_of",),
    "caller": ("caller",),
    "policies": ("bundle",),
}
_WORDS = ("category", "exporter_country", "recipient_country")  # filters that take what people call a name, too
_UPPER = ("exporter_country", "recipient_country", "jurisdiction")
_ORDER = ("text", "since", "until", "exporter_country", "recipient_country")  # the filters that are open
# The others, each with an example of a value.
_FURTHER: Mapping[str, str] = {
    "exporter": "clinic-7",
    "recipient": "lab-3",
    "jurisdiction": "CN",
    "provision": "cn.order-16/art-8",
    "requirement": "cn-assessment",
    "missing": "data.people",
    "category": "health",
    "caller": "key:gateway",
    "bundle": "3f9a2c10",
}


@dataclass(frozen=True, slots=True)
class ListRequest:
    """What an address asks of the list: filters, each with one value, columns, and the cursor of a page."""

    filters: Mapping[str, str]
    query: Query
    columns: tuple[Column, ...] = USUAL
    cursor: str | None = None

    @classmethod
    def read(cls, sent: Iterable[tuple[str, str]]) -> Self:
        """From the parameters of an address or of a form. A filter that is left empty is none. Raises ValueError, OverflowError."""
        filters: dict[str, str] = {}
        columns: list[str] = []
        for name, value in sent:
            if name == "column":
                columns.append(value)
            elif value and name != "lang":
                filters[name] = value
        if not set(columns) <= set(COLUMNS):
            raise ValueError("no such column")
        cursor = filters.pop("cursor", None)
        shown = tuple(each for each in COLUMNS if each in columns) or USUAL
        return cls(filters, _query(filters), shown, cursor)

    def as_meant(self, called: Callable[[str, str], tuple[str, ...]]) -> Self:
        """The same, searched in the words of the log; `called` gives the names of a kind that a word means."""
        changed = {name: called(name, self.filters[name]) for name in _WORDS if name in self.filters}
        query = self.query
        for name, names in changed.items():
            query = replace(query, **{name: tuple(dict.fromkeys((*getattr(query, name), *names)))})  # type: ignore[arg-type]
        return replace(self, query=query)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of an address that asks for the same filters and columns."""
        return {**self.filters, **({"column": self.columns} if self.columns != USUAL else {})}


def list_page(
    page: RecordPage,
    asked: ListRequest,
    parties: Sequence[tuple[str, str]],
    saved: Sequence[Mapping[str, Any]],
    token: str,
    reader: PageReader,
) -> str:
    """
    The page of the list: the rows that match.

    `parties` have the text that is asked for in their ids. `saved` are the saved searches of the caller, `token` is that of
    the forms that change them.
    """
    words = reader.words.pages
    titles = {"proceed": "proceed", "missing": "", "since": "since", "until": "until_day", "requirement": "unmet_requirement"}
    names = {name: words.get(titles.get(name, name), name) for name in ("text", "since", "until", "proceed", *FIELDS)}
    names["missing"] = reader.language.sections["missing"]
    column_names = {
        **{each: words.get(each, each) for each in COLUMNS},
        "as_of": words["law_of"],
    }
    return rendered(
        "list.html",
        reader,
        "/log",
        rows=page.rows,
        next=page.next,
        unindexed=page.unindexed,
        filters=asked.parameters,
        asked=asked.filters,
        columns=asked.columns,
        all_columns=COLUMNS,
        column_names=column_names,
        further=_FURTHER,
        further_open=any(name in asked.filters for name in (*_FURTHER, "proceed")),
        hidden=[name for name in asked.filters if name not in (*_ORDER, *_FURTHER, "proceed")],
        parties=parties,
        saved=saved,
        token=token,
        paged=asked.cursor is not None,
        parquet=not parquet_rows.unavailable(),
        outcomes=reader.language.codes["outcome"],
        names=names,
        with_=lambda name, value: {**asked.parameters, name: value},
    )


def header(columns: Sequence[Column]) -> list[str]:
    """The members of the rows of a file."""
    return ["id", "recorded_at", *(name for column in columns for name in _MEMBERS[column])]


def cells(row: RecordRow, columns: Sequence[Column]) -> list[Any]:
    """A row of a file, in the order of its header."""
    whole = written_row(row)
    return [whole[name] for name in header(columns)]


def json_lines(rows: Iterable[RecordRow], columns: Sequence[Column]) -> Iterator[str]:
    """The rows as JSON, one a line."""
    for row in rows:
        yield json.dumps(dict(zip(header(columns), cells(row, columns), strict=True)), ensure_ascii=False) + "\n"


def _query(filters: Mapping[str, str]) -> Query:
    """The search for these filters, each with one value. Raises ValueError, OverflowError."""
    found: dict[str, Any] = {}
    for name, value in filters.items():
        if len(value) > MOST_LETTERS or "\x00" in value:
            raise ValueError("too long")
        match name:
            case "since" | "until":
                found[name] = moment(value, end=name == "until")
            case "text":
                found[name] = value
            case "proceed":
                if value not in ("true", "false"):
                    raise ValueError("neither true nor false")
                found[name] = value == "true"
            case "outcome" if value not in OUTCOMES:
                raise ValueError("no such outcome")
            case _ if name in FIELDS:
                found[name] = (value.upper() if name in _UPPER else value,)
            case _:
                raise ValueError("no such filter")
    return Query(**found)
