"""`GET /ledger/statistics`: what flowed where, for a person with a browser. Nothing here changes anything."""

import re
from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response

from service.api.console import html, language, wrong_address
from service.api.page_filters import filters, one_of
from service.callers.caller import caller_of
from service.console.reader import PageReader
from service.console.statistics_chart import statistics_page
from service.ledger import statistics
from service.ledger.disclosure import LEAST
from service.ledger.flow_sums import DIMENSIONS
from service.ledger.statistics import MONTH, HiddenCells, Question, Statistics, TooManyCells
from service.service import Service

_MONTHS = re.compile(r"[1-9]\d{3}-(0[1-9]|1[0-2])")
_ALL = (MONTH, *DIMENSIONS)
_STATUS = {"": 200, "few_scopes": 403, "not_here": 404}  # by what is wrong


def add(app: FastAPI, service: Service) -> None:
    """Put the page on the application."""

    # Not `async`: reading waits for the disk, so each call runs in a thread.
    @app.get("/ledger/statistics", include_in_schema=False)
    def told(request: Request) -> Response:
        caller = caller_of(request.scope, "read")
        sees_all = not caller.scopes.isdisjoint(("review", "administer"))
        live = service.live
        reader = PageReader(live.bundle, language(request))
        try:
            sent = filters(request, ("by", "then", "from", "until"))
            question = _question(sent)
        except ValueError:
            return wrong_address(reader)
        meaning = live.flows.meaning
        wrong = "" if meaning else "not_here"
        if meaning and not sees_all and not _allowed(question):
            wrong = "few_scopes"
        found = None
        if not wrong:
            try:
                found = service.read(lambda connection: _read(connection, meaning, question, sees_all), "ledger")
            except TooManyCells:
                wrong = "too_many"
        period: dict[str, str] = {name: sent[name] for name in ("from", "until") if name in sent}
        query: dict[str, str] = {"by": ",".join(question.by), **period, "format": "csv"}
        table = f"/ledger/statistics/cells?{urlencode(query)}"
        return html(statistics_page(sent, found, table, sees_all, wrong, reader), _STATUS.get(wrong, 400))


def _question(sent: dict[str, str]) -> Question:
    """What an address asks for: by the month where it names nothing. Raises ValueError."""
    by, then = one_of(sent.get("by", MONTH), _ALL), one_of(sent.get("then"), _ALL)
    for name in ("from", "until"):
        if name in sent and not _MONTHS.fullmatch(sent[name]):
            raise ValueError("no month")
    names = tuple(dict.fromkeys(each for each in (by, then) if each is not None))
    return Question(names, {}, sent.get("from"), sent.get("until"))


def _allowed(question: Question) -> bool:
    """Whether a caller who may not see all may ask this: by the month, or by one dimension and whole years."""
    years = (question.first or "-01")[-3:] == "-01" and (question.last or "-12")[-3:] == "-12"
    return len(question.by) == 1 and (not question.view or years)


def _read(connection: sa.Connection, meaning: str, question: Question, sees_all: bool) -> Statistics:
    """The cells that the caller may see. Raises TooManyCells."""
    hidden = None
    if sees_all:
        cells, total = statistics.read(connection, meaning, question)
    else:
        cells, total, number = statistics.read_shown(connection, meaning, question)
        hidden = HiddenCells(fewer_than=LEAST, cells=number)
    left = statistics.left_out(connection, meaning)
    return Statistics(about=statistics.ABOUT, by=list(question.by), cells=cells, total=total, left_out=left, hidden=hidden)
