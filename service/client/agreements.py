"""
Agreements on benefit: who has a share in what an asset earns.

A name that is None may be erased; a caller who belongs to a party is told its own shares, and not who proposed and opened them, and why.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from .rights import RightsEvidence

AgreementState = Literal["proposed", "not-begun", "stands", "over", "replaced", "dropped"]


@dataclass(frozen=True, slots=True)
class AgreedShare:
    """What one party pays: the part `ratio` (`0.25` or `1/3`) of a price, or of its income. A role without a payee has an account."""

    payer: str | None
    payee: str | None
    role: str | None
    kind: Literal["share", "commission", "component"]
    factor: Literal["land", "labour", "capital", "technology"] | None
    ratio: str
    of: Literal["price", "income"]
    cap: dict[str, Decimal] | None
    until: date | None
    survives: bool
    country: str | None


@dataclass(frozen=True, slots=True)
class AgreedPricing:
    """How the price comes about; `amount` is money, like `100.00 CNY`."""

    kind: Literal["fixed", "per-unit", "subscription", "share-of-income"]
    amount: str | None = None
    unit: str | None = None
    period: str | None = None
    ratio: str | None = None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A party that accepted a version."""

    party: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class AgreementOpened:
    """By what a version was opened."""

    at: datetime
    by: str | None
    evidence: tuple[RightsEvidence, ...] | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class AgreementVersion:
    """A version of an agreement; `since` is the day from which on it stands. A party accepts its `digest`."""

    version: int
    change: Literal["proposed", "amended", "ended"]
    state: AgreementState
    digest: str
    shares: tuple[AgreedShare, ...]
    days: int
    until: date | None
    pricing: AgreedPricing | None
    tax: str | None
    proposed_at: datetime
    proposed_by: str | None
    reason: str | None
    since: date | None
    accepted: tuple[Acceptance, ...]
    awaits: tuple[str | None, ...]
    opened: AgreementOpened | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement on benefit, with its versions, the oldest first. `digest` is that of the newest one."""

    id: str
    asset: str | None
    on: date
    state: AgreementState
    digest: str
    versions: tuple[AgreementVersion, ...]
