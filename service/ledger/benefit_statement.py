"""
The balances of the book of benefits, which are sums of its lines.

Filters go in; balances come out. Amounts are summed as whole minor units in the database and written as decimals; currencies are never
added up.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import Field

import engine
from service.callers.context import Reading
from service.ledger.benefit_book import ROLE
from service.ledger.benefit_lines import BenefitFilter, halves, names, whole
from service.ledger.benefit_view import BenefitView
from service.ledger.commitment_list import LedgerPart
from service.ledger.counter_book import Book
from service.store.tables import benefit, commitment, income_report, settlement

_STANDING = ("due", "overdue", "paid", "disputed", "claims")
_NOT_MISSED = ("settled", "nothing-payable")
_BOOK = Book()
_REPORTED = sa.exists().where(income_report.c.commitment == commitment.c.id, income_report.c.reversed_at.is_(None))


class BenefitMonth(LedgerPart):
    """What was booked in a month, as far as it lies in the period, and the balance at its end."""

    month: str = Field(examples=["2026-11"])
    payable: str
    reversed: str
    closing: str


class BenefitBalance(LedgerPart):
    """
    The balance of one account in one currency over a period: closing = opening + payable + reversed, which has refunds too.

    `role` names the account of a role that names no party. A party has one account, in whichever roles it benefits.
    """

    account: Literal["party", "role"]
    party: str | None = None
    role: str | None = None
    currency: str
    opening: str
    payable: str
    reversed: str
    closing: str
    due: str = Field(description="what of these lines is not paid as of today")
    overdue: str = Field(description="what of it is past its due day")
    paid: str = Field(description="what was paid of these lines: confirmed, or reported and not disputed")
    disputed: str = Field(description="what was reported as paid and is disputed")
    claims: str = Field(description="what was paid and is no longer payable: the payee owes it back")
    months: list[BenefitMonth]


class NotDivided(LedgerPart):
    """Commitments in the period that still stand and have no settlement, for one reason. Nothing of them is in the book."""

    state: engine.SettlementState
    commitments: int


def balances(
    context: Reading, wanted: BenefitFilter, after: tuple[str, str] | None, limit: int, connection: sa.Connection
) -> tuple[list[BenefitBalance], tuple[str, str] | None]:
    """
    The balances of accounts, each by currency and month, after an account and its currency; and the two to go on after, None at the
    end.

    A caller who belongs to a party gets its own. Raises RequestRefused.
    """
    view = BenefitView.of(connection, _BOOK, context.caller)
    if view.accounts is not None and wanted.party is None and wanted.payer is None:
        wanted = replace(wanted, party=context.party)
    where = wanted.where(connection, _BOOK, view, also_before=True)
    of = sa.tuple_(benefit.c.account, benefit.c.currency)
    of_commitments = benefit.join(commitment, commitment.c.id == benefit.c.commitment)
    accounts = sa.select(benefit.c.account, benefit.c.currency).select_from(of_commitments).where(*where).distinct()
    if after is not None:
        accounts = accounts.where(of > sa.tuple_(*map(sa.literal, after)))
    chosen = connection.execute(accounts.order_by(benefit.c.account, benefit.c.currency).limit(limit + 1)).all()
    if not chosen:
        return [], None
    month: sa.ColumnElement[str] = sa.func.substr(benefit.c.day, 1, 7)
    if wanted.first is not None:
        month = sa.case((view.since(wanted.first), month), else_="")
    by = (benefit.c.account, benefit.c.currency, benefit.c.scale, benefit.c.kind)
    owed = sa.and_(benefit.c.kind == "payable", sa.func.coalesce(benefit.c.payer, "") != benefit.c.account)
    left = sa.case((sa.and_(owed, benefit.c.paid < benefit.c.net), benefit.c.net - benefit.c.paid))
    parts = {
        "due": left,
        "overdue": sa.case((view.is_past(context.today), left)),
        "paid": benefit.c.paid,
        "disputed": benefit.c.disputed,
        "claims": sa.case((benefit.c.paid > benefit.c.net, benefit.c.paid - benefit.c.net)),
    }
    sums_of_lines = [half for name, each in {"units": benefit.c.units, **parts}.items() for half in halves(name, each)]
    # By its name: PostgreSQL does not see that an expression with parameters is the same twice.
    of_month: sa.ColumnElement[str] = sa.literal_column("month")
    bounds = [sa.tuple_(*map(sa.literal, tuple(each))) for each in (chosen[0], chosen[:limit][-1])]
    sums = connection.execute(
        sa.select(*by, month.label("month"), *sums_of_lines, sa.func.max(benefit.c.number).label("latest"))
        .select_from(of_commitments)
        .where(*where, of >= bounds[0], of <= bounds[1])
        .group_by(*by, of_month)
        .order_by(*by[:3], of_month)
    ).all()
    groups = [(key, list(rows)) for key, rows in groupby(sums, lambda row: (row.account, row.currency, row.scale))]
    latest = {key: max(row.latest for row in rows) for key, rows in groups}
    columns = sa.select(benefit, commitment.c.sequence).select_from(of_commitments)
    named = names(connection, connection.execute(columns.where(benefit.c.number.in_(latest.values()))).all())
    found = [_balance(key, rows, named[latest[key]].party) for key, rows in groups]
    last = chosen[limit - 1] if len(chosen) > limit else None
    return found, None if last is None else (last.account, last.currency)


def not_divided(context: Reading, wanted: BenefitFilter, connection: sa.Connection) -> list[NotDivided]:
    """
    How many commitments of the period still stand without a settlement, by reason. They are of all parties, so all are counted, and a
    caller who belongs to a party gets none.
    """
    if context.party is not None:
        return []
    query = (
        sa.select(settlement.c.state, sa.func.count().label("commitments"))
        .join(commitment, commitment.c.id == settlement.c.commitment)
        .where(commitment.c.state == "committed", settlement.c.state.not_in(_NOT_MISSED))
        .where(sa.or_(settlement.c.state != "not-reported", ~_REPORTED))
    )
    if wanted.first is not None:
        query = query.where(settlement.c.day >= wanted.first.isoformat())
    if wanted.last is not None:
        query = query.where(settlement.c.day <= wanted.last.isoformat())
    rows = connection.execute(query.group_by(settlement.c.state).order_by(settlement.c.state))
    return [NotDivided(state=row.state, commitments=row.commitments) for row in rows]


def _balance(key: tuple[str, str, int], rows: Sequence[Any], party: str | None) -> BenefitBalance:
    account, currency, scale = key
    units: dict[str, dict[str, int]] = {}
    for row in rows:
        of_month = units.setdefault(row.month, {})
        entry = "payable" if row.kind == "payable" else "reversed"
        of_month[entry] = of_month.get(entry, 0) + (whole(row, "units") or 0)
    opening = sum(units.pop("", {}).values())
    closing, months = opening, []
    for month, booked in sorted(units.items()):
        closing += sum(booked.values())
        amounts = {kind: engine.amount_text(booked.get(kind, 0), scale) for kind in ("payable", "reversed")}
        months.append(BenefitMonth(month=month, **amounts, closing=engine.amount_text(closing, scale)))
    booked_in_all = {kind: sum(booked.get(kind, 0) for booked in units.values()) for kind in ("payable", "reversed")}
    standing = {name: sum(whole(row, name) or 0 for row in rows) for name in _STANDING}
    of_role = account.startswith(ROLE)
    return BenefitBalance(
        account="role" if of_role else "party",
        party=party,
        role=account.removeprefix(ROLE) if of_role else None,
        currency=currency,
        opening=engine.amount_text(opening, scale),
        **{name: engine.amount_text(each, scale) for name, each in (booked_in_all | standing).items()},
        closing=engine.amount_text(closing, scale),
        months=months,
    )
