"""
What the committed exchanges make payable to whom: the lines of the book, and its balances.

Amounts are decimals with all digits of the currency, and are never added up over currencies.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class BenefitLine:
    """
    A line of the book: what a commitment makes payable, or its reversal, whose amount is below zero.

    `party` is None where it was erased, and where the line belongs to the account of its role. `share` is the share of the whole role.
    """

    number: int
    commitment: str
    decision: str
    kind: Literal["payable", "reversed"]
    day: date
    role: str
    account: Literal["party", "role"]
    share: Decimal
    currency: str
    amount: Decimal
    party: str | None = None


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

    `role` is set for the account of a role that names no party.
    """

    account: Literal["party", "role"]
    currency: str
    opening: Decimal
    payable: Decimal
    reversed: Decimal
    closing: Decimal
    months: tuple[BenefitMonth, ...]
    party: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class NotDivided:
    """Why nothing of so many commitments is in the book."""

    state: Literal[
        "settled",
        "nothing-payable",
        "price-unknown",
        "price-disputed",
        "price-below-zero",
        "price-of-a-free-supply",
        "price-too-large",
        "price-finer-than-the-unit",
        "unknown-currency",
        "no-minor-unit",
        "shares-unknown",
        "shares-disputed",
        "shares-do-not-close",
        "parties-unknown",
        "parties-disputed",
    ]
    commitments: int


@dataclass(frozen=True, slots=True)
class AllNotDivided:
    """The commitments of a period of which nothing is in the book, by reason."""

    not_divided: tuple[NotDivided, ...]
