"""
`/v1/ledger/benefits`: what the committed exchanges make payable to whom, line by line, and the balances.

`…/{number}/paid`, `confirm`, `dispute` and `settle`: what becomes of a line.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args

import sqlalchemy as sa
from fastapi import Response
from pydantic import BaseModel, Field

from service.api import csv_tables, paging
from service.api.operations import in_path
from service.api.parameters import AnyParameter, day, in_order, matching, parameter, text, word, wrong
from service.api.router import Call, Router
from service.callers.context import Administering, Committing, Reading
from service.ledger import benefit_lines, benefit_payments, benefit_statement, income_reports
from service.ledger.benefit_lines import BenefitFilter, BenefitLine, LineKind, LineState
from service.ledger.benefit_payments import ConfirmSent, DisputeSent, PaidSent, SettleSent
from service.ledger.benefit_statement import BenefitBalance, NotDivided
from service.ledger.income_reports import UnreportedPrice
from service.problems import Kind, RequestRefused

MOST_ROWS = 20_000  # of a table, which has no pages
PARTY, ROLE = text("party", "the party's id"), text("role", "the role in which somebody benefits")
CURRENCY = matching("currency", "the code of the currency (ISO 4217)", "^[A-Z]{3}$", "the code of a currency, like `CNY`")
FROM, UNTIL = day("from", "the first day"), day("until", "the last day")
COMMITMENT = text("commitment", "the id of the commitment", 64)
PAYER = text("payer", "the id of the party that owes it")
KIND = word("kind", "what it is paid for", get_args(LineKind))
STATE = word("state", "how the line stands today", get_args(LineState))
ASSET = text("asset", "the id of the asset that the exchange is of")
DUE_UNTIL = day("due_until", "the last day until which it is due")
_NUMBER = in_path("number", "the number of the line")
_CHANGING: tuple[Kind, ...] = ("not-found", "not-payable")
_FILTERS: list[AnyParameter] = [
    PARTY,
    PAYER,
    ROLE,
    KIND,
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
_LINE = tuple(name for name in BenefitLine.model_fields if name != "parts")
_STANDING = ("due", "overdue", "paid", "disputed", "claims")
_BALANCE = ("account", "party", "role", "currency", "month", "opening", "payable", "reversed", "closing", *_STANDING)
_TABLE = {200: {"content": csv_tables.CONTENT}}


router = Router("ledger", "ledger")


class BenefitLines(paging.Page):
    """A page of lines, in the order of the book."""

    lines: list[BenefitLine]
    not_reported: list[UnreportedPrice] = Field(
        description="prices that wait for reports, on the first page of a query without filters, or with a commitment"
    )
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
    parameters=[*_FILTERS, ASSET, STATE, DUE_UNTIL, COMMITMENT, *_LINES.parameters],
    answers=_TABLE,
)
def lines(context: Reading, call: Call[None], connection: sa.Connection) -> BenefitLines | Response:
    """
    The lines that the commitments booked, in the order of the book, with reversals and refunds, and how each stands.

    A caller who belongs to a party gets those that it pays or is paid. Of others' exchanges they do not say which exchange it is, and
    lines up a chain are told as one for each month and step.
    """
    listing, wanted = _asked(call.query, _LINES)
    found, following = listing.page(
        call.query, lambda after, limit: benefit_lines.lines(context, wanted, after, limit, connection), (wanted,)
    )
    if listing is _LINES:
        alone = call.query.keys() <= {"commitment", "limit"}
        waiting = income_reports.unreported(context, wanted.commitment, connection) if alone else []
        return BenefitLines(lines=found, not_reported=waiting, next=following)
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


@router.get("/v1/ledger/benefits/{number}", "getBenefit", "A line, with what was paid of it", "not-found", parameters=[_NUMBER])
def one(context: Reading, call: Call[None], connection: sa.Connection) -> BenefitLine:
    """A line with its parts, each with what became of it. Lines that are told to a party as one come without parts."""
    return benefit_lines.one(context, _number(call.path), connection)


@router.post(
    "/v1/ledger/benefits/{number}/paid",
    "reportBenefitPaid",
    "Report that a line was paid, or a part of it",
    *_CHANGING,
    parameters=[_NUMBER],
    body=PaidSent,
)
def paid(context: Committing, call: Call[PaidSent], transaction: sa.Connection) -> BenefitLine:
    """
    Reports what the payer paid, with the document that shows it, or what the payee paid back. Parts add up.

    A key of the party that owes it, or of an operator with the scope `administer`.
    """
    return _erasable(call, benefit_payments.report_paid(context, _number(call.path), call.sent, transaction), transaction)


@router.post(
    "/v1/ledger/benefits/{number}/confirm",
    "confirmBenefit",
    "Confirm that it was received",
    *_CHANGING,
    parameters=[_NUMBER],
    body=ConfirmSent,
)
def confirm(context: Committing, call: Call[ConfirmSent], transaction: sa.Connection) -> BenefitLine:
    """Confirms a part that was reported, or all of them: by who is paid, or by an operator with the scope `administer`."""
    return _erasable(call, benefit_payments.confirm(context, _number(call.path), call.sent, transaction), transaction)


@router.post(
    "/v1/ledger/benefits/{number}/dispute",
    "disputeBenefit",
    "Dispute that it was received",
    *_CHANGING,
    parameters=[_NUMBER],
    body=DisputeSent,
)
def dispute(context: Committing, call: Call[DisputeSent], transaction: sa.Connection) -> BenefitLine:
    """Disputes a part that was reported, or all of them: they count as not paid until an operator settles it."""
    return _erasable(call, benefit_payments.dispute(context, _number(call.path), call.sent, transaction), transaction)


@router.post(
    "/v1/ledger/benefits/{number}/settle",
    "settleBenefit",
    "Settle a dispute about a line",
    *_CHANGING,
    parameters=[_NUMBER],
    body=SettleSent,
)
def settle(context: Administering, call: Call[SettleSent], transaction: sa.Connection) -> BenefitLine:
    """Says of parts that are disputed whether they were paid, with a reason."""
    return _erasable(call, benefit_payments.settle(context, _number(call.path), call.sent, transaction), transaction)


def _erasable(call: Call[Any], line: BenefitLine, transaction: sa.Connection) -> BenefitLine:
    """An answer with names, reasons and documents: what is kept of it for a retry is erased with the record, as they are."""
    call.erased_with(benefit_lines.record_number(transaction, line.number))
    return line


def _number(path: Mapping[str, str]) -> int:
    number = path["number"]
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        raise RequestRefused("not-found", "there is no line with this number")
    return int(number)


def wanted_lines(sent: Mapping[str, str]) -> BenefitFilter:
    """The filter in a query. Raises RequestRefused."""
    first, last = FROM.of(sent), UNTIL.of(sent)
    in_order(first, last)
    return BenefitFilter(
        party=PARTY.of(sent),
        role=ROLE.of(sent),
        commitment=COMMITMENT.of(sent),
        currency=CURRENCY.of(sent),
        first=first,
        last=last,
        payer=PAYER.of(sent),
        asset=ASSET.of(sent),
        kind=KIND.of(sent),
        state=STATE.of(sent),
        due_until=DUE_UNTIL.of(sent),
    )


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
    standing = [Decimal(getattr(balance, name)) for name in _STANDING]
    if not balance.months:
        booked = (Decimal(balance.payable), Decimal(balance.reversed), Decimal(balance.closing))
        yield (*account, None, opening, *booked, *standing)
    for each in balance.months:
        closing = Decimal(each.closing)
        # How the lines stand is told once, in the row of the last month.
        last = standing if each is balance.months[-1] else [None] * len(standing)
        yield (*account, each.month, opening, Decimal(each.payable), Decimal(each.reversed), closing, *last)
        opening = closing


def _members(part: BaseModel, names: Sequence[str]) -> list[Any]:
    values = [getattr(part, name) for name in names]
    return ["; ".join(each) if isinstance(each, list) else each for each in values]
