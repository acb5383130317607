"""Documents of a decision: the bytes that are attached, what persons confirmed of them, and what is signed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """Bytes that the service keeps. State `sha256` as the `hash` of the document in an exchange."""

    sha256: str
    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class AttachedDocument:
    """Bytes that are attached to the document `name` of a decision. They show nothing yet."""

    id: str
    name: str
    sha256: str
    size: int
    media_type: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class DocumentConfirmation:
    """A confirmation by a person, or a withdrawal of what was confirmed and signed before it. `until` is the last day of the first."""

    id: str
    decision: str
    name: str
    verdict: Literal["confirm", "withdraw"]
    reason: str
    until: date | None
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A signer whom the service trusts until a day: the name by which its operator knows it, and the id of its key."""

    name: str
    key: str
    until: date


@dataclass(frozen=True, slots=True)
class DocumentSignature:
    """
    A signed statement on a document. `until` is the last day that is signed, `counts_until` None where it does not count today.

    `why_not` says why: `withdrawn`, `erased`, `signer` (nobody who signed is trusted any more) or `ended`.
    """

    id: str
    decision: str
    name: str
    until: date
    at: datetime
    by: str
    signers: tuple[TrustedKey, ...]
    counts_until: date | None
    why_not: Literal["withdrawn", "erased", "signer", "ended"] | None


@dataclass(frozen=True, slots=True)
class DecisionDocument:
    """
    A document or claim that the exchange of a decision presents, by its `name` (`evidence.KIND` or `claims.KIND`).

    `sha256` is None where the exchange states no such hash. `shown_until` is the last day on which it counts as shown, None if it does not.
    """

    name: str
    sha256: str | None
    terms: Mapping[str, Any] = field(hash=False)
    attached: AttachedDocument | None
    shown_until: date | None
    confirmations: tuple[DocumentConfirmation, ...]
    signatures: tuple[DocumentSignature, ...]
