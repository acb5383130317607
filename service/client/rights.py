"""
The book of rights: lines of what was granted to whom, and openings of what a party had before.

What is None is not known; a name that is None may be erased. A last day is written like `2027-11-24`, or `perpetual`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal

from .shapes import Named


@dataclass(frozen=True, slots=True)
class RightReach:
    """How far a line reaches; `sure` if the lines of the `chain` prove it, the nearest first, up to an opening."""

    purposes: tuple[str, ...] | None
    territory: tuple[str, ...] | None
    until: str | None
    onward: bool | None
    sure: bool
    chain: tuple[str, ...]
    exclusive_to_others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RightsLine:
    """
    A right that somebody has or had. `by` is the id of the commitment that granted it, or of the opening.

    `proven`: all that was granted is sure; None where too many lines lead to it. `missing` are lines that would prove the rest.
    """

    by: str
    kind: Literal["grant", "opening"]
    asset: str | None
    right: str
    granter: str | None
    holder: str | None
    purposes: tuple[str, ...] | None
    territory: tuple[str, ...] | None
    since: date
    until: str | None
    exclusive: bool | None
    onward: bool | None
    state: Literal["stands", "not-begun", "over", "ended", "withdrawn"]
    ended: date | None
    recorded_at: datetime
    proven: bool | None
    reaches: tuple[RightReach, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenedRight:
    """A right of an opening, and how far it reaches. What has no end has the term `perpetual`."""

    right: str
    purposes: tuple[str, ...] | None = None
    territory: tuple[str, ...] | None = None
    term: str | None = None
    until: date | None = None
    onward: bool | None = None


@dataclass(frozen=True, slots=True)
class RightsEvidence:
    """What was shown for an opening; `hash` is the SHA-256 of the document's bytes."""

    kind: str
    dated: date | None = None
    hash: str | None = None
    attested_by: str | None = None


@dataclass(frozen=True, slots=True)
class RightsOpening:
    """What a party had of an asset from the day `first` on; `complete`: the book has everything that it has of the asset."""

    id: str
    book: str
    party: str | None
    asset: str | None
    first: Annotated[date, Named("from")]
    complete: bool
    rights: tuple[OpenedRight, ...]
    evidence: tuple[RightsEvidence, ...]
    reason: str
    opened_at: datetime
    opened_by: str
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None
    withdrawn_reason: str | None = None

    @property
    def withdrawn(self) -> bool:
        """Whether it was withdrawn, so that it never counted."""
        return self.withdrawn_at is not None
