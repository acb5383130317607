"""
Statistics of committed exchanges: a question goes in, cells of sums come out.

A question names dimensions, filters and months. With at most two dimensions, filters included, the sums of the months are read; with more,
the lines themselves, which takes longer. Money is never converted: every sum has its currency. Who may not see all gets the cells that
service.ledger.disclosure lets out, of months that are over.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from pydantic import Field

from service.ledger import exact_sums
from service.ledger.committing import LedgerPart
from service.ledger.disclosure import LEAST, Parties, shown
from service.ledger.flow_sums import DIMENSIONS, NO_PARTY
from service.store.tables import FLOW_MEASURES, MONEY_PARTS, commitment, flow, flow_party, flow_sum

MOST_CELLS = 10_000
MONTH = "month"
ABOUT = "Of this ledger: of the exchanges that were committed here, and of no others."
_FIRST, _LAST = "", "~"  # before and after every month
_BESIDE = ("lanes", "exclusive", "currency")  # what sums are kept apart by, and cells are not
_SHARES = ("source_country", "public")


class TooManyCells(Exception):
    """A question has more than MOST_CELLS cells."""


@dataclass(frozen=True, slots=True)
class Question:
    """
    By which dimensions, for which values of some dimensions, in which months (`2026-11`, both ends included, None without an end).

    A filter by a set of words takes every set that has the word; one by `pair` takes `CN>`, `>DE` or both countries.
    """

    by: tuple[str, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)
    first: str | None = None
    last: str | None = None

    @property
    def view(self) -> tuple[str, ...]:
        """The dimensions that are grouped or filtered by, the month left out."""
        return tuple(each for each in DIMENSIONS if each in self.by or each in self.filters)


class MoneySum(LedgerPart):
    """A sum of money, of so many exchanges."""

    currency: str
    amount: str
    exchanges: int


class PeopleSum(LedgerPart):
    """People, added up over exchanges: who is in two exchanges counts twice. Without `at_most` some have no upper end."""

    at_least: int
    at_most: int | None = None


class FlowCell(LedgerPart):
    """
    The exchanges of which all words are alike. `of` has a word for each dimension: `?` is not known, and an empty word is none.

    `unpriced` exchanges have no known price. The shares are parts of the prices of the exchanges that state both.
    """

    of: dict[str, str]
    exchanges: int
    people: PeopleSum
    price: list[MoneySum]
    unpriced: int
    source_country_share: list[MoneySum]
    public_share: list[MoneySum]
    lanes: dict[str, int] = Field(description="how many of the exchanges used each lane")
    exclusive: dict[str, int] = Field(description="how many are on exclusive terms: `yes`, `no`, or `?` where it is not known")


class HiddenCells(LedgerPart):
    """The cells of a month that are not shown, since they are of fewer than so many suppliers or recipients, or would give one away."""

    fewer_than: int
    cells: int


class Statistics(LedgerPart):
    """What flowed where. `left_out` exchanges are in no cell until `POST /v1/ledger/recount` reads them by the present vocabulary."""

    about: str
    by: list[str]
    cells: list[FlowCell]
    total: FlowCell
    decisions: dict[str, int] | None = Field(
        default=None, description="how many decisions of each outcome were recorded in these months, whatever became of them"
    )
    hidden: HiddenCells | None = None
    left_out: int


Row = Mapping[str, Any]


def read(
    connection: sa.Connection, meaning: str, question: Question, exclusive: str | None = None
) -> tuple[list[FlowCell], FlowCell]:
    """
    Every cell of a question, in the order of its words, and their total; `exclusive` only of exchanges on such terms.

    Raises TooManyCells.
    """
    rows = _rows(connection, meaning, question)
    return _folded(rows, question.by, lambda row: exclusive is None or row["exclusive"] == exclusive)


def read_shown(
    connection: sa.Connection, meaning: str, question: Question, least: int = LEAST
) -> tuple[list[FlowCell], FlowCell, int]:
    """The same for a caller who may not see all, by at most one dimension without a filter; and how many cells are hidden."""
    (one,) = question.view or ("",)
    months = Question((MONTH,), {}, question.first, question.last)
    parts = Question((MONTH, one), {}, question.first, question.last) if one else months
    open_months = shown(_parties(connection, meaning, "", months), least)
    open_cells = shown(_parties(connection, meaning, one, months), least) if one else open_months
    rows = list(_rows(connection, meaning, parts))
    seen = {(row[MONTH], row[one] if one else "") for row in rows}
    cells, _ = _folded(rows, question.by, lambda row: (row[MONTH], row[one] if one else "") in open_cells)
    _, total = _folded(_rows(connection, meaning, months), (), lambda row: (row[MONTH], "") in open_months)
    return cells, total, len(seen - open_cells)


def left_out(connection: sa.Connection, meaning: str) -> int:
    """How many running commitments have no line of the present meaning."""
    running = sa.select(sa.func.count()).select_from(commitment).where(commitment.c.state == "committed")
    lines = sa.select(sa.func.coalesce(sa.func.sum(flow_sum.c.exchanges), 0))
    told = connection.execute(lines.where(flow_sum.c.meaning == meaning, flow_sum.c.dimensions == "")).scalar_one()
    return int(connection.execute(running).scalar_one()) - int(told)


def asked_columns(question: Question) -> tuple[sa.Table, dict[str, sa.ColumnElement[Any]], list[sa.ColumnElement[bool]]]:
    """The table that answers a question, its columns by the names of the words, and what its rows are chosen by, save the meaning."""
    view = question.view
    if len(view) <= 2:
        table: sa.Table = flow_sum
        named: dict[str, sa.ColumnElement[Any]] = dict(
            zip(view, (flow_sum.c.first_value, flow_sum.c.second_value), strict=False)
        )
        chosen: list[sa.ColumnElement[bool]] = [flow_sum.c.dimensions == ",".join(view)]
    else:
        table, named, chosen = flow, {name: flow.c[name] for name in view}, [flow.c.live.is_(sa.true())]
    columns: dict[str, sa.ColumnElement[Any]] = {**named, **{name: table.c[name] for name in (MONTH, *_BESIDE)}}
    chosen += [_matches(columns[name], name, word) for name, word in question.filters.items()]
    return table, columns, [*chosen, in_months(table.c.month, question)]


def in_months(column: sa.ColumnElement[str], question: Question) -> sa.ColumnElement[bool]:
    """Whether a month is among those of a question."""
    return column.between(question.first or _FIRST, question.last or _LAST)


def _matches(column: sa.ColumnElement[str], name: str, word: str) -> sa.ColumnElement[bool]:
    if name == "pair":
        if word.startswith(">"):
            return column.endswith(word, autoescape=True)
        return column.startswith(word, autoescape=True) if word.endswith(">") else column == word
    return (" " + column + " ").contains(f" {word} ", autoescape=True) if word else column == ""


def _rows(connection: sa.Connection, meaning: str, question: Question) -> Iterable[Row]:
    table, columns, chosen = asked_columns(question)
    keys = [columns[name].label(name) for name in (*question.by, *_BESIDE)]
    exchanges = sa.func.count() if table is flow else sa.func.sum(table.c.exchanges)
    sums = [exchanges.label("exchanges"), *(sa.func.sum(table.c[name]).label(name) for name in FLOW_MEASURES)]
    places: list[sa.ColumnElement[Any]] = [sa.literal_column(str(place)) for place in range(1, len(keys) + 1)]
    asked = sa.select(*keys, *sums).where(table.c.meaning == meaning, *chosen).group_by(*places)
    return map(dict, connection.execute(asked).mappings())


def _parties(connection: sa.Connection, meaning: str, dimension: str, question: Question) -> dict[tuple[str, str], Parties]:
    """How many parties are known on each side of each month's cells by a dimension, and how many exchanges these have."""
    here = (flow_party.c.meaning == meaning, flow_party.c.dimension == dimension, in_months(flow_party.c.month, question))
    place = (flow_party.c.value, flow_party.c.side, flow_party.c.month)
    each = sa.select(*place, flow_party.c.party, sa.func.sum(flow_party.c.exchanges).label("exchanges"))
    one = each.where(*here).group_by(*place, flow_party.c.party).subquery()
    known = sa.func.sum(sa.case((one.c.party != NO_PARTY, 1), else_=0))
    counted = sa.select(one.c.value, one.c.side, one.c.month, known, sa.func.sum(one.c.exchanges))
    found: dict[tuple[str, str], dict[str, int]] = {}
    for value, side, month, parties, exchanges in connection.execute(counted.group_by(one.c.value, one.c.side, one.c.month)):
        found.setdefault((month, value), {}).update({side: int(parties), "exchanges": int(exchanges)})
    return {cell: Parties(sides["supplier"], sides["recipient"], sides["exchanges"]) for cell, sides in found.items()}


def _folded(rows: Iterable[Row], by: Sequence[str], wanted: Callable[[Row], bool]) -> tuple[list[FlowCell], FlowCell]:
    cells: dict[tuple[str, ...], _Sums] = {}
    total = _Sums()
    for row in rows:
        if not wanted(row):
            continue
        key = tuple(row[name] for name in by)
        if key not in cells and len(cells) == MOST_CELLS:
            raise TooManyCells
        cells.setdefault(key, _Sums()).add(row)
        total.add(row)
    return [sums.cell(dict(zip(by, key, strict=True))) for key, sums in sorted(cells.items())], total.cell({})


class _Sums:
    """The sums of one cell, over its lanes, its terms and its currencies."""

    def __init__(self) -> None:
        self.exchanges = self.least = self.most = self.endless = 0
        self.lanes: dict[str, int] = {}
        self.exclusive: dict[str, int] = {}
        self.money: dict[str, dict[str, tuple[int, int]]] = {name: {} for name in ("price", *_SHARES)}

    def add(self, row: Row) -> None:
        exchanges = int(row["exchanges"])
        self.exchanges += exchanges
        self.least += int(row["people_least"])
        self.most += int(row["people_most"])
        self.endless += int(row["people_endless"])
        for lane in row["lanes"].split():
            self.lanes[lane] = self.lanes.get(lane, 0) + exchanges
        self.exclusive[row["exclusive"]] = self.exclusive.get(row["exclusive"], 0) + exchanges
        if not (currency := row["currency"]):
            return
        for name, sums in self.money.items():
            of = exchanges if name == "price" else int(row[f"{name}_known"])
            units = exact_sums.whole([int(row[f"{name}_{part}"]) for part in MONEY_PARTS])
            before = sums.get(currency, (0, 0))
            sums[currency] = before[0] + units, before[1] + of

    def cell(self, of: dict[str, str]) -> FlowCell:
        money = {
            name: [
                MoneySum(currency=currency, amount=exact_sums.text(units), exchanges=exchanges)
                for currency, (units, exchanges) in sorted(sums.items())
                if exchanges
            ]
            for name, sums in self.money.items()
        }
        return FlowCell(
            of=of,
            exchanges=self.exchanges,
            people=PeopleSum(at_least=self.least, at_most=None if self.endless else self.most),
            price=money["price"],
            unpriced=self.exchanges - sum(each.exchanges for each in money["price"]),
            source_country_share=money["source_country"],
            public_share=money["public"],
            lanes=dict(sorted(self.lanes.items())),
            exclusive=dict(sorted(self.exclusive.items())),
        )
