"""`/v1/statistics`: what flowed where, of the committed exchanges of this ledger, and how concentrated it is."""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from fastapi import Response

from service.api.csv_tables import CONTENT, FORMAT, Cell, as_csv, csv_answer
from service.api.parameters import Parameter, matching
from service.api.router import Call, Router
from service.callers.context import Reading, Reviewing
from service.ledger import concentration, statistics
from service.ledger.concentration import Concentration, SideShares
from service.ledger.flow_sums import DIMENSIONS
from service.ledger.statistics import MONTH, Statistics, StatisticsQuestion

_ALL = (MONTH, *DIMENSIONS)
_MOST_LETTERS = 400
_TABLE = {200: {"content": CONTENT}}


def _by(names: tuple[str, ...], default: str) -> Parameter[tuple[str, ...]]:
    def read(sent: str) -> tuple[str, ...]:
        by = tuple(each for each in sent.split(",") if each)
        if len(set(by)) < len(by) or not set(by) <= set(names):
            raise ValueError
        return by

    about = f"what the exchanges are told apart by: some of {', '.join(names)}, with commas between them"
    takes = f"some of {', '.join(f'`{name}`' for name in names)}, each once, with commas between them"
    return Parameter("by", about, {"type": "string", "maxLength": 120, "default": default}, takes, read)


def _filter(name: str, about: str, takes: str, needs: str = "") -> Parameter[str]:
    def read(sent: str) -> str:
        if len(sent) > _MOST_LETTERS or "\x00" in sent or needs not in sent:
            raise ValueError
        return sent

    return Parameter(name, about, {"type": "string", "maxLength": _MOST_LETTERS}, takes, read)


def _month(name: str, about: str, example: str) -> Parameter[str]:
    return matching(name, about, r"^[1-9]\d{3}-(0[1-9]|1[0-2])$", "a month, like `2026-01`", examples=[example])


def _year(name: str, about: str) -> Parameter[str]:
    return matching(name, about, r"^[1-9]\d{3}$", "a year, like `2026`", examples=["2026"])


BY, BY_ONE_PARTY = _by(_ALL, ""), _by(DIMENSIONS, "kind")
FROM, UNTIL = _month("from", "the first month", "2026-01"), _month("until", "the last month", "2026-11")
_FROM_YEAR, _UNTIL_YEAR = _year("from", "the first year"), _year("until", "the last year")
_FILTERS = [
    _filter(
        "pair",
        "only from one country to another: `CN>KE`, or `CN>`, or `>KE`",
        "a word of the vocabulary, like `CN>KE`, `CN>` or `>KE`",
        ">",
    ),
    *(
        _filter(name, f"only exchanges with this word for the {name}; `?` where it is not known", "a word of the vocabulary")
        for name in DIMENSIONS[1:]
    ),
]

router = Router("ledger", "ledger")


@router.get(
    "/v1/statistics",
    "getStatistics",
    "What flowed where",
    "not-found",
    parameters=[BY, *_FILTERS, FROM, UNTIL, FORMAT],
    answers=_TABLE,
)
def told(context: Reading, call: Call[None], connection: sa.Connection) -> Statistics | Response:
    """
    Sums over committed exchanges. Callers with the scope `review` or `administer` see all; others ask by the month or by one other
    dimension and whole years, and see no cells of fewer than three suppliers or recipients.
    """
    sent = call.query
    wants_csv = as_csv(sent)
    question = StatisticsQuestion(BY.of(sent) or (), _filters(sent), FROM.of(sent), UNTIL.of(sent))
    found = statistics.statistics_for(context, question, connection)
    return csv_answer((*question.by, *_MEASURES), _lines(found)) if wants_csv else found


@router.get(
    "/v1/statistics/concentration",
    "getConcentration",
    "How much of what flowed was one party's",
    "not-found",
    parameters=[BY_ONE_PARTY, _FROM_YEAR, _UNTIL_YEAR, FORMAT],
    answers=_TABLE,
)
def concentrated(context: Reviewing, call: Call[None], connection: sa.Connection) -> Concentration | Response:
    """
    The largest supplier's and the largest recipient's share, and the Herfindahl index, from 0 to 1. They raise a question for a person
    and are no finding: a ledger is not a relevant market.
    """
    sent = call.query
    wants_csv = as_csv(sent)
    by, first, last = BY_ONE_PARTY.of({"by": "kind", **sent}) or (), _FROM_YEAR.of(sent), _UNTIL_YEAR.of(sent)
    question = StatisticsQuestion(by, {}, first and f"{first}-01", last and f"{last}-12")
    found = concentration.shares_of(context, question, connection)
    return csv_answer((*question.by, *_SHARES), _rows(found)) if wants_csv else found


def _filters(sent: Mapping[str, str]) -> dict[str, Any]:
    return {each.name: word for each in _FILTERS if (word := each.of(sent)) is not None}


_MEASURES = ("measure", "currency", "amount", "exchanges")
_MONEY = ("price", "exclusive_price", "source_country_share", "public_share")


def _lines(found: Statistics) -> Iterator[tuple[Cell, ...]]:
    """The lines of a table: one for each measure of a cell, since sums in different currencies are never in one column."""
    for cell in found.cells if found.by else [found.total]:
        of = cell.of.values()
        yield *of, "exchanges", None, cell.exchanges, cell.exchanges
        yield *of, "people_at_least", None, cell.people.at_least, cell.exchanges
        yield *of, "people_at_most", None, cell.people.at_most, cell.exchanges
        for name in _MONEY:
            for each in getattr(cell, name):
                yield *of, name, each.currency, each.amount, each.exchanges
        for lane, exchanges in cell.lanes.items():
            yield *of, f"lane {lane}", None, exchanges, exchanges
        for terms, exchanges in cell.exclusive.items():
            yield *of, f"exclusive {terms}", None, exchanges, exchanges
    for outcome, number in (found.decisions or {}).items():
        yield *("" for _ in found.by), f"decisions {outcome}", None, number, None


_SHARES = (
    "exchanges", "exclusive", "side", "parties", "unnamed", "currency", "largest", "largest_exact", "herfindahl", "herfindahl_exact",
)  # fmt: skip


def _rows(found: Concentration) -> Iterator[tuple[Cell, ...]]:
    """The lines of a table: for each side of a cell one by exchanges, and one for each currency."""
    for cell in found.cells:
        sides: dict[str, SideShares] = {"supplier": cell.suppliers, "recipient": cell.recipients}
        for side, shares in sides.items():
            start: tuple[Cell, ...] = (*cell.of.values(), cell.exchanges, cell.exclusive, side, shares.parties, shares.unnamed)
            for each in (shares.by_exchanges, *shares.by_price):
                if each is not None:
                    yield *start, each.currency, each.largest, each.largest_exact, each.herfindahl, each.herfindahl_exact
