"""
Statistics of committed exchanges: a question goes in, cells of sums come out.

A question names dimensions, filters and months. The sums are read where they are kept for it: by the VIEWS, filters included, and by
the pair of countries and another dimension for whole years. Otherwise the lines themselves are read, which takes longer. Money is never
converted: every sum has its currency. Who may not see all gets the cells that service.ledger.disclosure lets out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import MAXYEAR, datetime, tzinfo
from typing import Any

import sqlalchemy as sa
from pydantic import Field

import engine
from service.callers.caller import Caller
from service.callers.context import Reading
from service.ledger import exact_sums
from service.ledger.commitment_list import LedgerPart
from service.ledger.disclosure import LEAST, Cell, Parties, disclosed_cells
from service.ledger.flow_sums import DIMENSIONS, NO_PARTY, VIEWS, by_year
from service.log.outcome_counts import outcome_counts
from service.policies.live import Live
from service.problems import RequestRefused
from service.store.tables import FLOW_MEASURES, MONEY_PARTS, BigInteger, commitment, flow, flow_party, flow_sum

MOST_CELLS = 2_000
MONTH = "month"
ABOUT = "Of this ledger: of the exchanges that were committed here, and of no others."
FIRST, LAST = "", "~"  # before and after every month and year
_MONEY = ("price", "exclusive_price", "source_country", "public")
_PLACE = {name: 1 + place for place, name in enumerate(FLOW_MEASURES)}  # of a measure in a row, after the exchanges
_OF = {
    "price": 0,
    "exclusive_price": _PLACE["exclusive"],
    **{name: _PLACE[f"{name}_known"] for name in _MONEY[2:]},
}  # how many have it
_COUNTS = (0, *(_PLACE[name] for name in ("people_least", "people_most", "people_endless", "exclusive", "terms_unknown")))


class TooManyCells(RequestRefused):
    """A question has more than MOST_CELLS cells."""

    def __init__(self) -> None:
        detail = f"these are more than {MOST_CELLS:,} cells: name fewer dimensions, or fewer months"
        super().__init__("bad-request", detail, parameter="by")


@dataclass(frozen=True, slots=True)
class StatisticsQuestion:
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

    @property
    def of_lines(self) -> bool:
        """Whether no sums are kept for it, and the lines themselves are read."""
        years = (self.first or "")[4:] in ("", "-01") and (self.last or "")[4:] in ("", "-12") and MONTH not in self.by
        return self.view not in VIEWS or (by_year(self.view) and not years)


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

    `unpriced` exchanges have no known price, or none that the caller may see. The shares are parts of the prices of the exchanges that
    state both.
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
    exclusive_price: list[MoneySum] = Field(description="the part of the price that is under exclusive terms")


class HiddenCells(LedgerPart):
    """The cells of years that are not shown: they are of fewer than so many suppliers or recipients, or would give one away."""

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


Row = Sequence[Any]  # the words of a cell, a lane or lanes, a currency, the exchanges, and the FLOW_MEASURES


def statistics_for(context: Reading, question: StatisticsQuestion, connection: sa.Connection) -> Statistics:
    """
    What the caller may see of an answer: with the scope `review` or `administer` all, and else what is of enough parties.

    Raises RequestRefused, TooManyCells.
    """
    meaning = meaning_of(context.live)
    _check_words(context.live, question)
    more: dict[str, Any]
    if sees_all(context.caller):
        zone = context.settings.tzinfo
        since, until = (_begin(month, zone, later) for month, later in ((question.first, 0), (question.last, 1)))
        (cells, total), more = read(connection, meaning, question), {"decisions": outcome_counts(connection, since, until)}
    else:
        _check_shown(question)
        cells, total, hidden = read_shown(connection, meaning, question)
        more = {"hidden": HiddenCells(fewer_than=LEAST, cells=hidden)}
    left = count_left_out(connection, meaning)
    return Statistics(about=ABOUT, by=list(question.by), cells=cells, total=total, left_out=left, **more)


def meaning_of(live: Live) -> str:
    """The meaning of the lines by the policies that decide. Raises RequestRefused where they have no statistics."""
    if not live.flows.meaning:
        raise RequestRefused("not-found", "the vocabulary does not say what statistics are made of; write `statistics:` in it")
    return live.flows.meaning


def _check_words(live: Live, question: StatisticsQuestion) -> None:
    """A filter by a register or by the people reached has a word that there is. Raises RequestRefused."""
    words = dict.fromkeys(("source_register", "destination_register"), live.flows.registers)
    for name, known in {**words, "reached": (*engine.REACHED,)}.items():
        word = question.filters.get(name, "")
        if word not in ("", engine.UNKNOWN, *known):
            detail = (
                f"`{name}` is one of {', '.join(f'`{each}`' for each in known)}, or `{engine.UNKNOWN}` where it is not known"
            )
            raise RequestRefused("bad-request", detail, parameter=name)


def sees_all(caller: Caller) -> bool:
    """Whether a caller may see cells of few parties."""
    return not caller.scopes.isdisjoint(("review", "administer"))


def _check_shown(question: StatisticsQuestion) -> None:
    """A caller who may not see all asks by the month, or by one dimension and whole years. Raises RequestRefused."""
    without = "without the scope `review` or `administer`, ask"
    if question.filters or len(question.by) > 1:
        raise RequestRefused("forbidden", f"{without} by the month or by one other dimension, and without a filter")
    if question.view and ((question.first or "-01")[-3:] != "-01" or (question.last or "-12")[-3:] != "-12"):
        raise RequestRefused("forbidden", f"{without} for whole years by this dimension")


def _begin(month: str | None, zone: tzinfo, later: int) -> datetime | None:
    """The moment at which a month begins, or the one `later` months after it."""
    if month is None:
        return None
    number = int(month[:4]) * 12 + int(month[5:]) - 1 + later
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=zone) if number // 12 <= MAXYEAR else None


def read(connection: sa.Connection, meaning: str, question: StatisticsQuestion) -> tuple[list[FlowCell], FlowCell]:
    """Every cell of a question, in the order of its words, and their total. Raises TooManyCells."""
    return _folded(_rows(connection, meaning, question), question.by, lambda words: words, question.of_lines)


def read_shown(
    connection: sa.Connection, meaning: str, question: StatisticsQuestion, least: int = LEAST
) -> tuple[list[FlowCell], FlowCell, int]:
    """
    The same for a caller who may not see all, by the month or by one dimension without a filter; and how many cells are hidden.

    By a dimension the question is of whole years. What is shown of a year does not depend on the months that are asked for. A price is
    shown where the exchanges with a price in this currency have enough parties too, and what the parties may be fewer of is left out.
    """
    (one,) = question.view or (MONTH,)
    dimension = "" if one == MONTH else one
    open_cells = disclosed_cells(_parties(connection, meaning, dimension), least)
    priced = {
        currency: disclosed_cells(cells, least) for currency, cells in _parties_priced(connection, meaning, dimension).items()
    }
    parts = StatisticsQuestion((MONTH,) if one == MONTH else (MONTH, one), {}, question.first, question.last)
    place = len(parts.by)
    seen: set[Cell] = set()

    def rows() -> Iterator[Row]:
        for row in _rows(connection, meaning, parts, years=one != MONTH):
            cell, lane, currency = (row[0][:4], row[place - 1]), row[place], row[place + 1]
            seen.add(cell)
            if cell in open_cells and not lane:
                yield (*row[: place + 1], currency if cell in priced.get(currency, ()) else "", *row[place + 2 :])

    cells, total = _folded(rows(), question.by, lambda words: words[-1:] if question.by else (), of_lines=False)
    return [_of_many(cell) for cell in cells], _of_many(total), len(seen - open_cells)


def _of_many(cell: FlowCell) -> FlowCell:
    """A cell without what may be of fewer parties than it is of itself."""
    few: dict[str, Any] = {"lanes": {}, "exclusive": {}, "exclusive_price": [], "source_country_share": [], "public_share": []}
    return cell.model_copy(update=few)


def count_left_out(connection: sa.Connection, meaning: str) -> int:
    """How many running commitments have no line of the present meaning."""
    running = sa.select(sa.func.count()).select_from(commitment).where(commitment.c.state == "committed")
    lines = sa.select(sa.func.coalesce(sa.func.sum(flow_sum.c.exchanges), 0))
    here = (flow_sum.c.meaning == meaning, flow_sum.c.dimensions == "", flow_sum.c.lane == "")
    return int(connection.execute(running).scalar_one()) - int(connection.execute(lines.where(*here)).scalar_one())


def whole(summed: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """A sum as a whole number, on both databases."""
    return sa.cast(summed, BigInteger)


def _rows(connection: sa.Connection, meaning: str, question: StatisticsQuestion, *, years: bool = False) -> Iterable[Row]:
    """The sums that a question needs, by its words; where it asks for `years`, its month is the year."""
    view, first, last = question.view, question.first or FIRST, question.last or LAST
    if question.of_lines:
        table: sa.Table = flow
        named: dict[str, sa.ColumnElement[Any]] = {name: flow.c[name] for name in (*view, MONTH)}
        period, beside = flow.c.month, (flow.c.lanes, flow.c.currency)
        exchanges: sa.ColumnElement[int] = sa.func.count()
        chosen: list[sa.ColumnElement[bool]] = [flow.c.live.is_(sa.true())]
    else:
        table, period, beside = flow_sum, flow_sum.c.period, (flow_sum.c.lane, flow_sum.c.currency)
        named = dict(
            zip((*view, MONTH), (*(flow_sum.c.first_value, flow_sum.c.second_value)[: len(view)], period), strict=True)
        )
        exchanges, chosen = sa.func.sum(flow_sum.c.exchanges), [flow_sum.c.dimensions == ",".join(view)]
        if by_year(view):
            first, last = first[:4], last[:4]
    chosen += [period.between(first, last), *(_matches(named[name], name, word) for name, word in question.filters.items())]
    if years:
        named[MONTH] = sa.func.substr(period, 1, 4)
    keys = [named[name] for name in question.by]
    sums = [whole(exchanges), *(whole(sa.func.sum(table.c[name])) for name in FLOW_MEASURES)]
    columns = [each.label(f"column_{number}") for number, each in enumerate([*keys, *beside, *sums])]
    places: list[sa.ColumnElement[Any]] = [sa.literal_column(str(place + 1)) for place in range(len(keys) + 2)]
    return connection.execute(sa.select(*columns).where(table.c.meaning == meaning, *chosen).group_by(*places))


def _matches(column: sa.ColumnElement[str], name: str, word: str) -> sa.ColumnElement[bool]:
    if name == "pair":
        if word.startswith(">"):
            return column.endswith(word, autoescape=True)
        return column.startswith(word, autoescape=True) if word.endswith(">") else column == word
    return (" " + column + " ").contains(f" {word} ", autoescape=True) if word else column == ""


def _parties(connection: sa.Connection, meaning: str, dimension: str) -> dict[Cell, Parties]:
    """How many parties are known on each side of a cell, and how many exchanges these have: a year's month, or a year's word."""
    return _counted(connection, meaning, dimension, None).get(None, {})


def _parties_priced(connection: sa.Connection, meaning: str, dimension: str) -> dict[str | None, dict[Cell, Parties]]:
    """The same of those whose price is in a currency, by currency."""
    return _counted(connection, meaning, dimension, flow_party.c.currency)


def _counted(
    connection: sa.Connection, meaning: str, dimension: str, currency: sa.ColumnElement[str] | None
) -> dict[str | None, dict[Cell, Parties]]:
    own = sa.null() if currency is None else currency
    place = (flow_party.c.value, flow_party.c.side, flow_party.c.period, *(() if currency is None else (currency,)))
    each = sa.select(*place[:3], own.label("own"), flow_party.c.party, sa.func.sum(flow_party.c.exchanges).label("exchanges"))
    here = (flow_party.c.meaning == meaning, flow_party.c.dimension == dimension)
    one = each.where(*here).group_by(*place, flow_party.c.party).subquery()
    known = sa.func.sum(sa.case((one.c.party != NO_PARTY, 1), else_=0))
    words = (one.c.value, one.c.side, one.c.period, one.c.own)
    found: dict[str | None, dict[Cell, dict[str, int]]] = {}
    counted = sa.select(*words, whole(known), whole(sa.func.sum(one.c.exchanges))).group_by(*words)
    for value, side, period, own_currency, parties, exchanges in connection.execute(counted):
        cell = period[:4], value if dimension else period
        found.setdefault(own_currency, {}).setdefault(cell, {}).update({side: parties, "exchanges": exchanges})
    return {
        currency: {cell: Parties(sides["supplier"], sides["recipient"], sides["exchanges"]) for cell, sides in cells.items()}
        for currency, cells in found.items()
    }


def _folded(
    rows: Iterable[Row], by: Sequence[str], cell_of: Callable[[Sequence[str]], Sequence[str]], of_lines: bool
) -> tuple[list[FlowCell], FlowCell]:
    """
    Cells from rows; `cell_of` makes the words of a row those of its cell.

    `of_lines`: each row counts its exchanges. Otherwise a row with a lane only says how many of them used it.
    """
    cells: dict[tuple[str, ...], _Sums] = {}
    for row in rows:
        start = len(row) - len(FLOW_MEASURES) - 3
        key = tuple(cell_of(row[:start]))
        sums = cells.get(key)
        if sums is None:
            if len(cells) == MOST_CELLS:
                raise TooManyCells
            sums = cells[key] = _Sums()
        sums.add(row[start], row[start + 1], row[start + 2 :], counted=of_lines or not row[start])
    total = _Sums()
    for sums in cells.values():
        total.add_all(sums)
    return [sums.cell(dict(zip(by, key, strict=True))) for key, sums in sorted(cells.items())], total.cell({})


class _Sums:
    """The sums of one cell by currency, and how many exchanges used each lane."""

    def __init__(self) -> None:
        self._lanes: dict[str, int] = {}
        self._by_currency: dict[str, list[int]] = {}

    def add(self, lanes: str, currency: str, measures: Sequence[int], *, counted: bool) -> None:
        """Add the sums of some exchanges with the lanes that they used; not `counted` are those that other rows count."""
        for lane in lanes.split():
            self._lanes[lane] = self._lanes.get(lane, 0) + measures[0]
        if not counted:
            return
        self._count(currency, measures)

    def add_all(self, other: "_Sums") -> None:
        """Add the sums of another cell."""
        for lane, exchanges in other._lanes.items():
            self._lanes[lane] = self._lanes.get(lane, 0) + exchanges
        for currency, measures in other._by_currency.items():
            self._count(currency, measures)

    def _count(self, currency: str, measures: Sequence[int]) -> None:
        before = self._by_currency.get(currency)
        self._by_currency[currency] = (
            list(measures) if before is None else [a + b for a, b in zip(before, measures, strict=True)]
        )

    def cell(self, of: dict[str, str]) -> FlowCell:
        summed = [sum(measure) for measure in zip(*self._by_currency.values(), strict=True)] or [0] * (1 + len(FLOW_MEASURES))
        exchanges, least, most, endless, exclusive, unknown = (summed[place] for place in _COUNTS)
        price, exclusive_price, source_country, public = (self._money(name) for name in _MONEY)
        terms = {"?": unknown, "no": exchanges - exclusive - unknown, "yes": exclusive}
        return FlowCell(
            of=of,
            exchanges=exchanges,
            people=PeopleSum(at_least=least, at_most=None if endless else most),
            price=price,
            unpriced=exchanges - sum(each.exchanges for each in price),
            source_country_share=source_country,
            public_share=public,
            lanes=dict(sorted(self._lanes.items())),
            exclusive={answer: number for answer, number in terms.items() if number},
            exclusive_price=exclusive_price,
        )

    def _money(self, name: str) -> list[MoneySum]:
        """One of the sums of money, in each currency in which an exchange has it."""
        places = [_PLACE[f"{name}_{part}"] for part in MONEY_PARTS]
        of = _OF[name]
        return [
            MoneySum(
                currency=currency,
                amount=exact_sums.text(exact_sums.whole([sums[place] for place in places])),
                exchanges=sums[of],
            )
            for currency, sums in sorted(self._by_currency.items())
            if currency and sums[of]
        ]
