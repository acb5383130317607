"""
What the committed exchanges make payable to whom: the lines of the book, and its balances.

Amounts are decimals with all digits of the currency, and are never added up over currencies.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, TypedDict

from .explanation import SettlementState
from .shapes import Named

LineKind = Literal["share", "public", "commission", "component", "upward"]
LineState = Literal["due", "overdue", "disputed", "reported", "confirmed", "claim", "own", "nothing"]


@dataclass(frozen=True, slots=True)
class BenefitPart:
    """A part of a line that was reported as paid, or `back` as paid back, and what became of it."""

    part: int
    amount: Decimal
    back: bool
    state: Literal["reported", "confirmed", "disputed", "found-paid", "found-unpaid"]
    dated: date
    evidence: str | None = None
    document: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class BenefitLine:
    """
    A line of the book: what a commitment makes payable, or what a reversal or a refund changes of such a line (`of`).

    `party` is None where it was erased, and where the line belongs to the account of its role. `share` is the share of the whole role, a
    decimal or a fraction. What is paid rests on a report (`stated`) until it is confirmed. To a party that is not the exporter, lines up a
    chain are told as one for each `month`.
    """

    number: int
    entry: Literal["payable", "reversed", "refunded"]
    kind: LineKind
    role: str
    account: Literal["party", "role"]
    share: str
    currency: str
    amount: Decimal
    commitment: str | None = None
    decision: str | None = None
    of: int | None = None
    day: date | None = None
    month: str | None = None
    party: str | None = None
    payer: str | None = None
    asset: str | None = None
    agreement: str | None = None
    step: int | None = None
    country: str | None = None
    base: Decimal | None = None
    due: date | None = None
    state: LineState | None = None
    payable: Decimal | None = None
    paid: Decimal | None = None
    confirmed: Decimal | None = None
    disputed: Decimal | None = None
    rests_on: Literal["confirmed", "stated"] | None = None
    parts: tuple[BenefitPart, ...] | None = None


class LineFilters(TypedDict, total=False):
    """Which lines are meant: whose they are, what they are paid for, how they stand, and until when they are due."""

    party: str
    payer: str
    role: str
    kind: LineKind
    currency: str
    asset: str
    state: LineState
    commitment: str
    due_until: date


@dataclass(frozen=True, slots=True)
class Refund:
    """What was refunded of a price in all, and what is left of it, like `60000.00 CNY`; how many lines the last refund changed."""

    commitment: str
    price: str
    refunded: str
    left: str
    changed: int


@dataclass(frozen=True, slots=True)
class IncomeReport:
    """A report of a period, the price that follows from it, and the numbers of its lines."""

    number: int
    until: date
    reported: str
    price: str
    lines: tuple[int, ...]
    reported_at: datetime
    first: Annotated[date, Named("from")]
    evidence: str | None = None
    document: str | None = None
    reversed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NotReported:
    """Days of which nothing is reported."""

    until: date
    first: Annotated[date, Named("from")]


@dataclass(frozen=True, slots=True)
class UnreportedPrice:
    """An agreement whose price waits for reports. Of others' exchanges neither the commitment nor the days are told."""

    agreement: str
    days: tuple[NotReported, ...]
    commitment: str | None = None


@dataclass(frozen=True, slots=True)
class AllUnreported:
    """The prices that wait for reports."""

    not_reported: tuple[UnreportedPrice, ...]


@dataclass(frozen=True, slots=True)
class IncomeReports:
    """The reports of a commitment, and the days of which there is none: what is not reported is not nought."""

    commitment: str
    pricing: Literal["per-unit", "subscription", "share-of-income"]
    reports: tuple[IncomeReport, ...]
    not_reported: tuple[NotReported, ...]


@dataclass(frozen=True, slots=True)
class BenefitMonth:
    """What was booked in a month (`2026-11`), and the balance at its end."""

    month: str
    payable: Decimal
    reversed: Decimal
    closing: Decimal


@dataclass(frozen=True, slots=True)
class BenefitBalance:
    """
    The balance of one account in one currency over a period: `closing` is `opening`, `payable` and `reversed` added up.

    Of its lines so much is `due` as of today, `overdue`, `paid` and `disputed`, and so much is a claim on who was paid. `role` is set for
    the account of a role that names no party.
    """

    account: Literal["party", "role"]
    currency: str
    opening: Decimal
    payable: Decimal
    reversed: Decimal
    closing: Decimal
    due: Decimal
    overdue: Decimal
    paid: Decimal
    disputed: Decimal
    claims: Decimal
    months: tuple[BenefitMonth, ...]
    party: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class NotDivided:
    """Why nothing of so many commitments is in the book."""

    state: SettlementState
    commitments: int


@dataclass(frozen=True, slots=True)
class AllNotDivided:
    """The commitments of a period of which nothing is in the book, by reason."""

    not_divided: tuple[NotDivided, ...]
