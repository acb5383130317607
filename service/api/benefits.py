"""`/v1/ledger/benefits`: what the committed exchanges make payable to whom, line by line, and the balances."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, Field

from service.api import csv_tables, paging
from service.api.operations import Shown, operation
from service.api.parameters import parameter, single, wrong
from service.callers.caller import Caller, caller_of
from service.ledger import party_view
from service.ledger.benefit_statement import BenefitBalance, BenefitFilter, BenefitLine, BenefitStatement, NotDivided
from service.service import Service

_PAGE, _MOST = 100, 1_000
MOST_ROWS = 20_000  # of a table, which has no pages
_DAY = {"type": "string", "format": "date"}
_NAME = {"type": "string", "minLength": 1, "maxLength": 256}
_FILTERS = [
    parameter("party", "the party's id", _NAME),
    parameter("role", "the role in which somebody benefits", _NAME),
    parameter("currency", "the code of the currency (ISO 4217)", {"type": "string", "pattern": "^[A-Z]{3}$"}),
    parameter("from", "the first day", _DAY),
    parameter("until", "the last day", _DAY),
    parameter(
        "format",
        f"`csv` gives a table without pages, of at most {MOST_ROWS:,} rows",
        {"type": "string", "enum": ["json", "csv"], "default": "json"},
    ),
]
_COMMITMENT = parameter("commitment", "the id of the commitment", {"type": "string", "minLength": 1, "maxLength": 64})
_LINE = ("number", "commitment", "decision", "kind", "day", "role", "account", "party", "share", "currency", "amount")
_BALANCE = ("account", "party", "role", "currency", "month", "opening", "payable", "reversed", "closing")
_TABLE = {200: {"content": csv_tables.CONTENT}}


class BenefitLines(Shown):
    """A page of lines, in the order of the book."""

    lines: list[BenefitLine]
    next: str | None = Field(description=paging.NEXT)


class BenefitBalances(Shown):
    """
    A page of balances, by account and currency, each by month. The sums of the lines of the same filters are these balances.

    `not_divided` counts the commitments of the period of which nothing is in the book, by reason.
    """

    balances: list[BenefitBalance]
    not_divided: list[NotDivided]
    next: str | None = Field(description=paging.NEXT)


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    statement = BenefitStatement()

    @app.get(
        "/v1/ledger/benefits",
        response_model=BenefitLines,
        **operation(
            "listBenefits",
            "ledger",
            "What is payable to whom, line by line",
            needs="read",
            parameters=[*_FILTERS, _COMMITMENT, *paging.parameters(_PAGE, _MOST, "lines")],
            answers=_TABLE,
        ),
    )
    def lines(request: Request) -> Response:
        """The lines that the commitments booked, in the order of the book, and the reversals of those that ended. A party gets its own."""
        wanted, table = _asked(request, caller_of(request.scope, "read", of_party=True))
        page = paging.Asked.of(request, _PAGE, _MOST)
        after = page.after("benefits", int, filters=(wanted,)) or [-1]
        limit = MOST_ROWS if table else page.limit
        found, following = service.read(lambda connection: statement.lines(connection, wanted, after[0], limit), "ledger")
        if table:
            _whole(following is None)
            return csv_tables.csv_answer(_LINE, (_members(each, _LINE) for each in found), csv_tables.file_name("benefits"))
        cursor = None if following is None else paging.written("benefits", following, filters=(wanted,))
        return _json({"lines": _shown(found), "next": cursor})

    @app.get(
        "/v1/ledger/benefits/balances",
        response_model=BenefitBalances,
        **operation(
            "listBenefitBalances",
            "ledger",
            "What is payable to whom, by account, currency and month",
            needs="read",
            parameters=[*_FILTERS, *paging.parameters(_PAGE, _MOST, "balances")],
            answers=_TABLE,
        ),
    )
    def balances(request: Request) -> Response:
        """The balances of the lines, with what was booked before the first day as their opening."""
        caller = caller_of(request.scope, "read", of_party=True)
        wanted, table = _asked(request, caller)
        page = paging.Asked.of(request, _PAGE, _MOST)
        place = page.after("benefit balances", str, str, filters=(wanted,))
        after = None if place is None else (place[0], place[1])
        limit = MOST_ROWS if table else page.limit

        def read(connection: Any) -> Any:
            # What was not divided is of all parties.
            missed = statement.not_divided(connection, wanted) if caller.party is None else []
            return statement.balances(connection, wanted, after, limit), missed

        (found, following), missed = service.read(read, "ledger")
        if table:
            _whole(following is None)
            return csv_tables.csv_answer(
                _BALANCE, (row for each in found for row in _rows(each)), csv_tables.file_name("benefit-balances")
            )
        cursor = None if following is None else paging.written("benefit balances", *following, filters=(wanted,))
        return _json({"balances": _shown(found), "not_divided": _shown(missed), "next": cursor})


def _asked(request: Request, caller: Caller) -> tuple[BenefitFilter, bool]:
    """
    The filters of a query, and whether a table is asked for. A caller who belongs to a party asks for its lines. Raises RequestRefused.
    """
    sent = single(request)
    for name, most in (("party", 256), ("role", 256), ("commitment", 64)):
        if name in sent and not (0 < len(sent[name]) <= most and "\x00" not in sent[name]):
            raise wrong(name, f"`{name}` takes 1 to {most} characters")
    currency = sent.get("currency")
    if currency is not None and not (len(currency) == 3 and currency.isascii() and currency.isupper() and currency.isalpha()):
        raise wrong("currency", "`currency` takes the code of a currency, like `CNY`")
    first, last = _day(sent, "from"), _day(sent, "until")
    if first is not None and last is not None and first > last:
        raise wrong("until", "`until` lies before `from`")
    table = csv_tables.as_csv(sent)
    for name in ("limit", "cursor"):
        if table and name in sent:
            raise wrong(name, f"a table has no pages; leave `{name}` out")
    party = party_view.of_exporter(sent.get("party"), caller)
    return BenefitFilter(party, sent.get("role"), sent.get("commitment"), currency, first, last), table


def _day(sent: dict[str, str], name: str) -> date | None:
    text = sent.get(name)
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise wrong(name, f"`{name}` takes a day like 2026-11-24")
    return day


def _whole(whole: bool) -> None:
    """Refuse a table that would leave rows out."""
    if not whole:
        raise wrong("format", f"the table would have more than {MOST_ROWS:,} rows: choose a shorter period, or a party")


def _rows(balance: BenefitBalance) -> Iterable[Sequence[csv_tables.Cell]]:
    """A row for each month; one without a month where nothing was booked in the period."""
    opening = Decimal(balance.opening)
    account = (balance.account, balance.party, balance.role, balance.currency)
    if not balance.months:
        yield (*account, None, opening, Decimal(balance.payable), Decimal(balance.reversed), Decimal(balance.closing))
    for each in balance.months:
        closing = Decimal(each.closing)
        yield (*account, each.month, opening, Decimal(each.payable), Decimal(each.reversed), closing)
        opening = closing


def _members(part: BaseModel, names: Sequence[str]) -> list[Any]:
    return [getattr(part, name) for name in names]


def _shown(parts: Sequence[BaseModel]) -> list[Any]:
    return [each.model_dump(mode="json", exclude_none=True) for each in parts]


def _json(document: Any) -> Response:
    return Response(json.dumps(document, ensure_ascii=False), media_type="application/json")
