"""
Reading the book of benefits: its lines, and the balances that are sums of these lines.

Filters go in; lines and balances come out. The name of a party is read from the record of its commitment, so a name that was erased
there is null. Amounts are summed as whole minor units in the database and written as decimals; currencies are never added up.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import Field

import engine
from service.callers.context import Reading
from service.ledger import party_view
from service.ledger.benefit_book import ROLE, accounts_of
from service.ledger.commitment_list import LedgerPart
from service.ledger.counter_book import Book
from service.log.leaf import value_at, with_personal_values
from service.log.store import of_numbers
from service.store.tables import benefit, commitment, settlement

# The sum of units is taken of two parts of each, so that it cannot overflow: their sums stay exact for a thousand million lines.
_PART = 10**9
_high = benefit.c.units // _PART
_SUMS = (sa.func.sum(_high).label("high"), sa.func.sum(benefit.c.units - _high * _PART).label("low"))
_AT_ONCE = 200  # records
_NOT_MISSED = ("settled", "nothing-payable")
_BOOK = Book()


class BenefitLine(LedgerPart):
    """
    A line of the book: what a commitment makes payable, or the reversal of such a line when the commitment ended.

    `party` is the party's id as the exchange names it; it is left out where it was erased, and where the line belongs to the account of
    the role (`account`). `share` is the share of the whole role. `amount` is a decimal with all digits of the currency.
    """

    number: int
    commitment: str
    decision: str = Field(description="the decision that the caller committed")
    kind: Literal["payable", "reversed"]
    day: date
    role: str
    account: Literal["party", "role"]
    party: str | None = None
    share: str
    currency: str
    amount: str


class BenefitMonth(LedgerPart):
    """What was booked in a month, as far as it lies in the period, and the balance at its end."""

    month: str = Field(examples=["2026-11"])
    payable: str
    reversed: str
    closing: str


class BenefitBalance(LedgerPart):
    """
    The balance of one account in one currency over a period: closing = opening + payable + reversed.

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
    months: list[BenefitMonth]


class NotDivided(LedgerPart):
    """Commitments in the period that still stand and have no settlement, for one reason. Nothing of them is in the book."""

    state: engine.SettlementState
    commitments: int


@dataclass(frozen=True, slots=True)
class BenefitFilter:
    """Which lines are meant. The days are included; None is no limit."""

    party: str | None = None
    role: str | None = None
    commitment: str | None = None
    currency: str | None = None
    first: date | None = None
    last: date | None = None

    def where(self, connection: sa.Connection, book: Book, *, also_before: bool = False) -> list[sa.ColumnElement[bool]]:
        """The conditions on a line; `also_before` leaves out the first day."""
        found: list[sa.ColumnElement[bool]] = []
        if self.party is not None:
            found.append(benefit.c.account.in_(accounts_of(connection, book, self.party)))
        if self.role is not None:
            found.append(benefit.c.role == self.role)
        if self.commitment is not None:
            found.append(benefit.c.commitment == self.commitment)
        if self.currency is not None:
            found.append(benefit.c.currency == self.currency)
        if self.first is not None and not also_before:
            found.append(benefit.c.day >= self.first.isoformat())
        if self.last is not None:
            found.append(benefit.c.day <= self.last.isoformat())
        return found


def _seen(context: Reading, wanted: BenefitFilter) -> BenefitFilter:
    """The lines that are wanted, as far as the caller may see them. Raises RequestRefused."""
    return replace(wanted, party=party_view.of_exporter(wanted.party, context.caller))


def lines(
    context: Reading, wanted: BenefitFilter, after: int | None, limit: int, connection: sa.Connection
) -> tuple[list[BenefitLine], int | None]:
    """
    Lines in the order of the book, after a number; and the number to go on after, None at the end.

    A caller who belongs to a party gets its own. Raises RequestRefused.
    """
    wanted = _seen(context, wanted)
    query = (
        sa.select(benefit, commitment.c.decision, commitment.c.sequence)
        .join(commitment, commitment.c.id == benefit.c.commitment)
        .where(benefit.c.number > (-1 if after is None else after), *wanted.where(connection, _BOOK))
        .order_by(benefit.c.number)
        .limit(limit + 1)
    )
    rows = connection.execute(query).all()
    named = _names(connection, rows[:limit])
    found = [
        BenefitLine(
            number=row.number,
            commitment=row.commitment,
            decision=row.decision,
            kind=row.kind,
            day=date.fromisoformat(row.day),
            role=row.role,
            account="role" if row.account.startswith(ROLE) else "party",
            party=named.get(row.number),
            share=row.share,
            currency=row.currency,
            amount=engine.amount_text(row.units, row.scale),
        )
        for row in rows[:limit]
    ]
    return found, rows[limit - 1].number if len(rows) > limit else None


def balances(
    context: Reading, wanted: BenefitFilter, after: tuple[str, str] | None, limit: int, connection: sa.Connection
) -> tuple[list[BenefitBalance], tuple[str, str] | None]:
    """
    The balances of accounts, each by currency and month, after an account and its currency; and the two to go on after, None at the
    end.

    A caller who belongs to a party gets its own. Raises RequestRefused.
    """
    wanted = _seen(context, wanted)
    where = wanted.where(connection, _BOOK, also_before=True)
    of = sa.tuple_(benefit.c.account, benefit.c.currency)
    accounts = sa.select(benefit.c.account, benefit.c.currency).where(*where).distinct()
    if after is not None:
        accounts = accounts.where(of > sa.tuple_(*map(sa.literal, after)))
    chosen = connection.execute(accounts.order_by(benefit.c.account, benefit.c.currency).limit(limit + 1)).all()
    if not chosen:
        return [], None
    begun = None if wanted.first is None else wanted.first.isoformat()
    month: sa.ColumnElement[str] = sa.func.substr(benefit.c.day, 1, 7)
    if begun is not None:
        month = sa.case((benefit.c.day < begun, ""), else_=month)
    by = (benefit.c.account, benefit.c.currency, benefit.c.scale, benefit.c.kind)
    # By its name: PostgreSQL does not see that an expression with parameters is the same twice.
    of_month: sa.ColumnElement[str] = sa.literal_column("month")
    bounds = [sa.tuple_(*map(sa.literal, tuple(each))) for each in (chosen[0], chosen[:limit][-1])]
    sums = connection.execute(
        sa.select(*by, month.label("month"), *_SUMS, sa.func.max(benefit.c.number).label("latest"))
        .where(*where, of >= bounds[0], of <= bounds[1])
        .group_by(*by, of_month)
        .order_by(*by[:3], of_month)
    ).all()
    groups = [(key, list(rows)) for key, rows in groupby(sums, lambda row: (row.account, row.currency, row.scale))]
    latest = {key: max(row.latest for row in rows) for key, rows in groups}
    columns = sa.select(benefit, commitment.c.sequence).join(commitment, commitment.c.id == benefit.c.commitment)
    named = _names(connection, connection.execute(columns.where(benefit.c.number.in_(latest.values()))).all())
    found = [_balance(key, rows, named.get(latest[key])) for key, rows in groups]
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
        units.setdefault(row.month, {})[row.kind] = int(row.high) * _PART + int(row.low)
    opening = sum(units.pop("", {}).values())
    closing, months = opening, []
    for month, booked in sorted(units.items()):
        closing += sum(booked.values())
        amounts = {kind: engine.amount_text(booked.get(kind, 0), scale) for kind in ("payable", "reversed")}
        months.append(BenefitMonth(month=month, **amounts, closing=engine.amount_text(closing, scale)))
    whole = {kind: sum(booked.get(kind, 0) for booked in units.values()) for kind in ("payable", "reversed")}
    of_role = account.startswith(ROLE)
    return BenefitBalance(
        account="role" if of_role else "party",
        party=party,
        role=account.removeprefix(ROLE) if of_role else None,
        currency=currency,
        opening=engine.amount_text(opening, scale),
        **{kind: engine.amount_text(each, scale) for kind, each in whole.items()},
        closing=engine.amount_text(closing, scale),
        months=months,
    )


def _names(connection: sa.Connection, rows: Sequence[Any]) -> dict[int, str]:
    """The names of the parties of some lines by their numbers, from the records of the commitments; an erased name is missing."""
    of_record: dict[int, list[Any]] = {}
    for row in rows:
        if row.place is not None:
            of_record.setdefault(row.sequence, []).append(row)
    found: dict[int, str] = {}
    for sequence, request in _requests(connection, sorted(of_record)):
        for row in of_record[sequence]:
            try:
                name = value_at(request, row.place)
            except (ValueError, LookupError, TypeError):
                continue
            if isinstance(name, str):
                found[row.number] = name
    return found


def _requests(connection: sa.Connection, sequences: Sequence[int]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for begin in range(0, len(sequences), _AT_ONCE):
        for stored in of_numbers(connection, sequences[begin : begin + _AT_ONCE]):
            yield stored.sequence, with_personal_values(stored.entry.leaf, stored.entry.openings)["request"]
