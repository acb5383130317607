"""`/v1/statistics`: what flowed where, of the committed exchanges of this ledger, and how concentrated it is."""

import re
from collections.abc import Callable, Iterator
from datetime import MAXYEAR, datetime, tzinfo
from typing import Any, TypeVar

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response

from service.api.commitments import answer
from service.api.csv_tables import CONTENT, FORMAT, Cell, as_csv, csv_answer
from service.api.operations import operation
from service.api.parameters import parameter, single, wrong
from service.callers.caller import Caller, caller_of
from service.ledger import statistics
from service.ledger.concentration import ABOUT as QUESTION
from service.ledger.concentration import Concentration, SideShares, concentration
from service.ledger.disclosure import LEAST
from service.ledger.flow_sums import DIMENSIONS
from service.ledger.statistics import MONTH, MOST_CELLS, FlowCell, HiddenCells, Question, Statistics, TooManyCells
from service.log.outcome_counts import outcome_counts
from service.problems import RequestRefused
from service.service import Service
from service.settings import time_zone

_MONTH = r"^[1-9]\d{3}-(0[1-9]|1[0-2])$"
_YEAR = r"^[1-9]\d{3}$"
_WORD = {"type": "string", "maxLength": 400}
_PERIOD = [
    parameter("from", "the first month", {"type": "string", "pattern": _MONTH, "examples": ["2026-01"]}),
    parameter("until", "the last month", {"type": "string", "pattern": _MONTH, "examples": ["2026-11"]}),
    FORMAT,
]
_YEARS = [
    parameter("from", "the first year", {"type": "string", "pattern": _YEAR, "examples": ["2026"]}),
    parameter("until", "the last year", {"type": "string", "pattern": _YEAR, "examples": ["2026"]}),
    _PERIOD[-1],
]
_FILTERS = [
    parameter("pair", "only from one country to another: `CN>KE`, or `CN>`, or `>KE`", _WORD),
    *(
        parameter(name, f"only exchanges with this word for the {name}; `?` where it is not known", _WORD)
        for name in DIMENSIONS[1:]
    ),
]

Read = TypeVar("Read")


def _by(names: tuple[str, ...], default: str) -> dict[str, Any]:
    about = f"what the exchanges are told apart by: some of {', '.join(names)}, with commas between them"
    return parameter("by", about, {"type": "string", "maxLength": 80, "default": default})


_ALL = (MONTH, *DIMENSIONS)


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    zone = time_zone(service.settings.zone)

    @app.get(
        "/v1/statistics",
        response_model=Statistics,
        **operation(
            "getStatistics",
            "ledger",
            "What flowed where",
            "not-found",
            needs="read",
            parameters=[_by(_ALL, ""), *_FILTERS, *_PERIOD],
            answers={200: {"content": CONTENT}},
        ),
    )
    def told(request: Request) -> Response:
        """
        Sums over committed exchanges. Callers with the scope `review` or `administer` see all; others ask by the month or by one other
        dimension and whole years, and see no cells of fewer than three suppliers or recipients.
        """
        caller = caller_of(request.scope, "read", of_party=True)
        sent = single(request)
        meaning = _meaning(service)
        question = _question(sent, _ALL, "", _MONTH)
        found = _all(service, meaning, question) if _sees_all(caller) else _shown(service, meaning, question)
        return csv_answer((*question.by, *_MEASURES), _lines(found)) if as_csv(sent) else answer(found)

    @app.get(
        "/v1/statistics/concentration",
        response_model=Concentration,
        **operation(
            "getConcentration",
            "ledger",
            "How much of what flowed was one party's",
            "not-found",
            needs="review",
            parameters=[_by(DIMENSIONS, "kind"), *_YEARS],
            answers={200: {"content": CONTENT}},
        ),
    )
    def concentrated(request: Request) -> Response:
        """
        The largest supplier's and the largest recipient's share, and the Herfindahl index, from 0 to 1. They raise a question for a person
        and are no finding: a ledger is not a relevant market.
        """
        caller_of(request.scope, "review")
        sent = single(request)
        meaning = _meaning(service)
        question = _question(sent, DIMENSIONS, "kind", _YEAR)
        cells, left = _read(
            service, lambda connection: (concentration(connection, meaning, question), statistics.left_out(connection, meaning))
        )
        found = Concentration(about=QUESTION, by=list(question.by), cells=cells, left_out=left)
        return csv_answer((*question.by, *_SHARES), _rows(found)) if as_csv(sent) else answer(found)

    def _all(service: Service, meaning: str, question: Question) -> Statistics:
        since, until = (_begin(month, zone, later) for month, later in ((question.first, 0), (question.last, 1)))
        (cells, total), decisions, left = _read(
            service,
            lambda connection: (
                statistics.read(connection, meaning, question),
                outcome_counts(connection, since, until),
                statistics.left_out(connection, meaning),
            ),
        )
        return _statistics(question, cells, total, left, decisions=decisions)

    def _shown(service: Service, meaning: str, question: Question) -> Statistics:
        if question.filters or len(question.by) > 1:
            detail = (
                "without the scope `review` or `administer`, ask by the month or by one other dimension, and without a filter"
            )
            raise RequestRefused("forbidden", detail)
        if question.view and ((question.first or "-01")[-3:] != "-01" or (question.last or "-12")[-3:] != "-12"):
            raise RequestRefused(
                "forbidden", "without the scope `review` or `administer`, ask for whole years by this dimension"
            )
        (cells, total, hidden), left = _read(
            service,
            lambda connection: (statistics.read_shown(connection, meaning, question), statistics.left_out(connection, meaning)),
        )
        return _statistics(question, cells, total, left, hidden=HiddenCells(fewer_than=LEAST, cells=hidden))


def _statistics(question: Question, cells: list[FlowCell], total: FlowCell, left: int, **more: Any) -> Statistics:
    return Statistics(about=statistics.ABOUT, by=list(question.by), cells=cells, total=total, left_out=left, **more)


def _sees_all(caller: Caller) -> bool:
    return not caller.scopes.isdisjoint(("review", "administer"))


def _meaning(service: Service) -> str:
    """The meaning of the lines by the policies that decide. Raises RequestRefused where they have no statistics."""
    if not (meaning := service.live.flows.meaning):
        raise RequestRefused("not-found", "the vocabulary does not say what statistics are made of; write `statistics:` in it")
    return meaning


def _read(service: Service, work: Callable[[sa.Connection], Read]) -> Read:
    """Raises RequestRefused where a question has too many cells."""
    try:
        return service.read(work, "ledger")
    except TooManyCells:
        raise wrong("by", f"these are more than {MOST_CELLS:,} cells: name fewer dimensions, or fewer months") from None


def _question(sent: dict[str, str], names: tuple[str, ...], default: str, period: str) -> Question:
    """What a query asks for. Raises RequestRefused."""
    by = tuple(each for each in sent.get("by", default).split(",") if each)
    for each in by:
        if each not in names or by.count(each) > 1:
            raise wrong(
                "by", f"`by` takes some of {', '.join(f'`{name}`' for name in names)}, each once, with commas between them"
            )
    filters = {name: sent[name] for name in DIMENSIONS if name in sent}
    for name, word in filters.items():
        if len(word) > 400 or "\x00" in word or (name == "pair" and ">" not in word):
            raise wrong(
                name, f"`{name}` takes a word of the vocabulary" + (", like `CN>KE`, `CN>` or `>KE`" if name == "pair" else "")
            )
    for name in ("from", "until"):
        if name in sent and not re.fullmatch(period, sent[name], re.ASCII):
            raise wrong(name, f"`{name}` takes a {'month, like `2026-01`' if period == _MONTH else 'year, like `2026`'}")
    as_csv(sent)
    first, last = sent.get("from"), sent.get("until")
    if period == _YEAR:
        first, last = first and f"{first}-01", last and f"{last}-12"
    return Question(by, filters, first, last)


def _begin(month: str | None, zone: tzinfo, later: int) -> datetime | None:
    """The moment at which a month begins, or the one `later` months after it."""
    if month is None:
        return None
    number = int(month[:4]) * 12 + int(month[5:]) - 1 + later
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=zone) if number // 12 <= MAXYEAR else None


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
