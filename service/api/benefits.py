"""`/v1/ledger/benefits`: what the committed exchanges make payable to whom, line by line, and the balances."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from fastapi import Response
from pydantic import BaseModel, Field

from service.api import csv_tables, paging
from service.api.parameters import AnyParameter, day, in_order, matching, parameter, text, wrong
from service.api.router import Call, Router
from service.callers.context import Reading
from service.ledger import benefit_statement
from service.ledger.benefit_statement import BenefitBalance, BenefitFilter, BenefitLine, NotDivided

MOST_ROWS = 20_000  # of a table, which has no pages
PARTY, ROLE = text("party", "the party's id"), text("role", "the role in which somebody benefits")
CURRENCY = matching("currency", "the code of the currency (ISO 4217)", "^[A-Z]{3}$", "the code of a currency, like `CNY`")
FROM, UNTIL = day("from", "the first day"), day("until", "the last day")
COMMITMENT = text("commitment", "the id of the commitment", 64)
_FILTERS: list[AnyParameter] = [
    PARTY,
    ROLE,
    CURRENCY,
    FROM,
    UNTIL,
    parameter(
        "format",
        f"`csv` gives a table without pages, of at most {MOST_ROWS:,} rows",
        {"type": "string", "enum": ["json", "csv"], "default": "json"},
    ),
]
_LINES = paging.Listing[BenefitLine]("benefits", "lines", (int,), 100, 1_000)
_BALANCES = paging.Listing[BenefitBalance]("benefit balances", "balances", (str, str), 100, 1_000)
_LINE = ("number", "commitment", "decision", "kind", "day", "role", "account", "party", "share", "currency", "amount")
_BALANCE = ("account", "party", "role", "currency", "month", "opening", "payable", "reversed", "closing")
_TABLE = {200: {"content": csv_tables.CONTENT}}


router = Router("ledger", "ledger")


class BenefitLines(paging.Page):
    """A page of lines, in the order of the book."""

    lines: list[BenefitLine]
    next: str | None = Field(description=paging.NEXT)


class BenefitBalances(paging.Page):
    """
    A page of balances, by account and currency, each by month. The sums of the lines of the same filters are these balances.

    `not_divided` counts the commitments of the period of which nothing is in the book, by reason.
    """

    balances: list[BenefitBalance]
    not_divided: list[NotDivided]
    next: str | None = Field(description=paging.NEXT)


@router.get(
    "/v1/ledger/benefits",
    "listBenefits",
    "What is payable to whom, line by line",
    parameters=[*_FILTERS, COMMITMENT, *_LINES.parameters],
    answers=_TABLE,
)
def lines(context: Reading, call: Call[None], connection: sa.Connection) -> BenefitLines | Response:
    """The lines that the commitments booked, in the order of the book, and the reversals of those that ended. A party gets its own."""
    listing, wanted = _asked(call.query, _LINES)
    found, following = listing.page(
        call.query, lambda after, limit: benefit_statement.lines(context, wanted, after, limit, connection), (wanted,)
    )
    if listing is _LINES:
        return BenefitLines(lines=found, next=following)
    _whole(following)
    return csv_tables.csv_answer(_LINE, (_members(each, _LINE) for each in found), csv_tables.file_name("benefits"))


@router.get(
    "/v1/ledger/benefits/balances",
    "listBenefitBalances",
    "What is payable to whom, by account, currency and month",
    parameters=[*_FILTERS, *_BALANCES.parameters],
    answers=_TABLE,
)
def balances(context: Reading, call: Call[None], connection: sa.Connection) -> BenefitBalances | Response:
    """The balances of the lines, with what was booked before the first day as their opening."""
    listing, wanted = _asked(call.query, _BALANCES)
    found, following = listing.page(
        call.query, lambda after, limit: benefit_statement.balances(context, wanted, after, limit, connection), (wanted,)
    )
    if listing is _BALANCES:
        missed = benefit_statement.not_divided(context, wanted, connection)
        return BenefitBalances(balances=found, not_divided=missed, next=following)
    _whole(following)
    rows = (row for each in found for row in _rows(each))
    return csv_tables.csv_answer(_BALANCE, rows, csv_tables.file_name("benefit-balances"))


def wanted_lines(sent: Mapping[str, str]) -> BenefitFilter:
    """The filter in a query. Raises RequestRefused."""
    first, last = FROM.of(sent), UNTIL.of(sent)
    in_order(first, last)
    return BenefitFilter(PARTY.of(sent), ROLE.of(sent), COMMITMENT.of(sent), CURRENCY.of(sent), first, last)


def _asked(sent: Mapping[str, str], listing: paging.Listing[Any]) -> tuple[paging.Listing[Any], BenefitFilter]:
    """The filter in a query, and the list that it asks for: of a table all rows at once. Raises RequestRefused."""
    wanted = wanted_lines(sent)
    if not csv_tables.as_csv(sent):
        return listing, wanted
    for name in ("limit", "cursor"):
        if name in sent:
            raise wrong(name, f"a table has no pages; leave `{name}` out")
    return replace(listing, size=MOST_ROWS), wanted


def _whole(following: str | None) -> None:
    """Refuse a table that would leave rows out."""
    if following is not None:
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
