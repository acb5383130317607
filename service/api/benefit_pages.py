"""`GET /ledger/benefits`: what is payable to whom, for a person with a browser. Nothing here changes anything."""

import re
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response

from service.api import paging
from service.api.console import html, language, wrong_address
from service.api.page_filters import day, filters
from service.callers.caller import caller_of
from service.console.benefit_pages import benefits_page
from service.console.reader import PageReader
from service.ledger.benefit_statement import BenefitFilter, BenefitStatement
from service.problems import RequestRefused
from service.service import Service

BALANCES, LINES = 15, 30  # on a page

_CURRENCY = re.compile(r"[A-Z]{3}")


def add(app: FastAPI, service: Service) -> None:
    """Put the page on the application."""
    statement = BenefitStatement()

    # Not `async`: reading waits for the disk, so each call runs in a thread.
    @app.get("/ledger/benefits", include_in_schema=False)
    def benefits(request: Request) -> Response:
        caller_of(request.scope, "read")
        reader = PageReader(service.live.bundle, language(request))
        known = ("party", "role", "currency", "from", "until", "commitment", "balances", "lines")
        try:
            sent = filters(request, known)
            cursors = {name: sent.pop(name, None) for name in ("balances", "lines")}
            wanted = _wanted(sent)
            balance = paging.Asked(BALANCES, cursors["balances"]).after("balance page", str, str, filters=(wanted,))
            line = paging.Asked(LINES, cursors["lines"]).after("benefit page", int, filters=(wanted,))
        except (ValueError, RequestRefused):
            return wrong_address(reader)

        def look(connection: sa.Connection) -> tuple[Any, Any, Any]:
            after = None if balance is None else (balance[0], balance[1])
            return (
                statement.balances(connection, wanted, after, BALANCES),
                statement.lines(connection, wanted, -1 if line is None else line[0], LINES),
                [] if wanted.commitment else statement.not_divided(connection, wanted),
            )

        (balances, next_balance), (lines, next_line), missed = service.read(look, "ledger")
        following = {
            "balances": None if next_balance is None else paging.written("balance page", *next_balance, filters=(wanted,)),
            "lines": None if next_line is None else paging.written("benefit page", next_line, filters=(wanted,)),
        }
        paged = any(cursors.values())
        return html(benefits_page(sent, balances, lines, missed, following, paged, reader))


def _wanted(sent: dict[str, str]) -> BenefitFilter:
    """The filter of an address. Raises ValueError."""
    currency, first, last = sent.get("currency"), day(sent.get("from")), day(sent.get("until"))
    if currency is not None and not _CURRENCY.fullmatch(currency):
        raise ValueError("no currency")
    if first is not None and last is not None and first > last:
        raise ValueError("the last day is before the first")
    return BenefitFilter(sent.get("party"), sent.get("role"), sent.get("commitment"), currency, first, last)
