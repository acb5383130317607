"""
The accounts of data assets: their entries, and the roll-forward of a period by class.

Amounts are decimal text with the digits of their currency.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal

from .shapes import Named

EntryKind = Literal[
    "bought", "self-developed", "other", "research", "useful-life", "used", "tested", "impaired", "recovered", "transferred",
    "disposed", "appraised", "reversed",
]  # fmt: skip
Standard = Literal["CAS", "IFRS"]
Treatment = Literal["intangible", "inventory", "development", "not-recognised"]


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """An entry of the accounts of an asset. One that has `reversed_by` counts for nothing."""

    id: str
    kind: EntryKind
    on: date
    at: datetime
    by: str
    amount: str | None = None
    currency: str | None = None
    treatment: Treatment | None = None
    months: int | None = None
    of: str | None = None
    uses: int | None = None
    indefinite: bool | None = None
    residual: str | None = None
    part: str | None = None
    proceeds: str | None = None
    standard: Standard | None = None
    commitment: str | None = None
    voucher: str | None = None
    evidence: str | None = None
    reason: str | None = None
    reversed_by: str | None = None


@dataclass(frozen=True, slots=True)
class AccountClass:
    """
    The roll-forward of one class in one currency.

    opening + bought + self_developed + other + transferred + recovered - amortised - impaired - disposed = closing.
    """

    treatment: Treatment
    recognised: bool
    currency: str
    opening: str
    bought: str
    self_developed: str
    other: str
    transferred: str
    amortised: str
    impaired: str
    disposed: str
    closing: str
    recovered: str
    cost_opening: str
    cost_closing: str
    amortisation_opening: str
    amortisation_closing: str
    impairment_opening: str
    impairment_closing: str
    research: str
    proceeds: str
    gain: str


@dataclass(frozen=True, slots=True)
class Appraised:
    """The newest appraised value. It is in no amount of the accounts."""

    entry: str
    on: date
    amount: str
    currency: str


@dataclass(frozen=True, slots=True)
class RollForward:
    """The roll-forward of all assets in a period. `mark` says how sure the service is of the columns, `note` why."""

    first: Annotated[date, Named("from")]
    until: date
    classes: tuple[AccountClass, ...]
    mark: str
    note: str
    known: date | None = None
    entity: str | None = None
    closed: date | None = None


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """A period that a legal entity has closed, up to its last day."""

    until: date
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class AssetAccounts:
    """The accounts of one asset: the roll-forward, the appraised value beside it, and every entry."""

    asset: str
    first: Annotated[date, Named("from")]
    until: date
    classes: tuple[AccountClass, ...]
    entries: tuple[AccountEntry, ...]
    mark: str
    note: str
    known: date | None = None
    appraised: Appraised | None = None
    entity: str | None = None
    closed: date | None = None
    untested: tuple[int, ...] = ()
