"""
Agreements on benefit: who has a share in what an asset earns.

A name that is None may be erased; a caller who belongs to a party is told its own shares, and not who proposed and opened them, and why.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from .rights import RightsEvidence

AgreementState = Literal["proposed", "not-begun", "stands", "over", "replaced", "dropped"]


@dataclass(frozen=True, slots=True)
class AgreedShare:
    """What one party pays: the part `ratio` (`0.25` or `1/3`) of a price, or of its income. A role without a payee has an account."""

    payer: str | None
    ratio: str
    of: Literal["price", "income"]
    payee: str | None = None
    role: str | None = None
    kind: Literal["share", "commission", "component"] = "share"
    factor: Literal["land", "labour", "capital", "technology"] | None = None
    cap: Mapping[str, str] | None = None
    until: date | None = None
    survives: bool = False
    country: str | None = None


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


def terms(
    shares: Iterable[Mapping[str, Any]],
    *,
    days: int,
    until: date | None,
    pricing: Mapping[str, Any] | None,
    tax: str | None,
    reason: str,
) -> dict[str, Any]:
    """What is sent to propose terms."""
    last = None if until is None else until.isoformat()
    more = {"until": last, "pricing": pricing, "tax": tax}
    told = {name: value for name, value in more.items() if value is not None}
    return {"shares": [*shares], "days": days, "reason": reason, **told}
