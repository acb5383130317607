"""
The rule for a far gateway: what it demands of a receipt before it takes data, and each way in which a receipt fails.

A receipt is a bearer's: whoever has it can show it, again and elsewhere. So a gateway that relies on one demands that it is of this
exchange, that the exchange was committed, that the receipt is still good, and that its commitment was not used here before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from ..transparency.signed_note import VerifierKey
from .receipt import Receipt, VerifiedReceipt
from .withdrawals import Withdrawals

PERMITTING: Final = ("permitted", "permitted_with_obligations")
CLOCKS_APART: Final = timedelta(minutes=1)  # as far as the clocks of a log and a gateway may be apart


class Failure(StrEnum):
    """Why a gateway refuses a receipt that is valid in itself."""

    NO_PERMIT = "the decision does not let the exchange proceed"
    HYPOTHETICAL = "the decision is hypothetical: it is about the law of another day than its own"
    NOT_COMMITTED = "the decision was not committed when the receipt was made"
    OTHER_ASSET = "the receipt is not of this asset"
    OTHER_SENDER = "the receipt is not of this sender"
    OTHER_RECIPIENT = "the receipt is not of this recipient"
    OTHER_PURPOSE = "the receipt is not for this purpose"
    EXPIRED = "the receipt is no longer good"
    EARLY = "the receipt is from the future: a clock is wrong"
    LIST_EXPIRED = "the list of withdrawals has expired, or is from the future"
    LIST_OF_ANOTHER_LOG = "the list of withdrawals is of another log"
    LIST_TOO_SHORT = "the list of withdrawals does not reach back to the commitment"
    WITHDRAWN = "the commitment was withdrawn, or replaced by another one"
    USED = "the commitment was used here before"


class ReceiptNotAccepted(Exception):
    """A receipt is valid and does not meet the demand. `failures` has each reason, in the order in which they are listed above."""

    def __init__(self, failures: tuple[Failure, ...]) -> None:
        super().__init__("; ".join(failures))
        self.failures = failures


class UsedCommitments(Protocol):
    """What a gateway remembers: the commitments that it let pass."""

    def use(self, commitment: str, good_until: datetime) -> bool:
        """
        Remember a commitment, in one step that nobody else can come between, and durably; whether it is new.

        After `good_until` and a minute it may be forgotten, since the receipt is refused then.
        """
        ...


@dataclass(frozen=True, slots=True)
class Demand:
    """What a gateway is about to take: which asset, from which sender, as which recipient, for which purposes, all of them."""

    asset: str
    sender: str
    recipient: str
    purposes: frozenset[str]

    def __post_init__(self) -> None:
        if not (self.asset and self.sender and self.recipient and self.purposes and all(self.purposes)):
            raise ValueError("a demand names an asset, a sender, a recipient and at least one purpose")

    def failures(self, receipt: VerifiedReceipt, now: datetime, withdrawals: Withdrawals | None = None) -> tuple[Failure, ...]:
        """Each way in which a verified receipt fails, but for an earlier use; without a list, withdrawals are not looked at."""
        answer, commitment = receipt.answer, receipt.commitment
        found = {
            Failure.NO_PERMIT: answer.get("proceed") is not True
            or receipt.outcome not in PERMITTING
            or receipt.good_until is None,
            Failure.HYPOTHETICAL: answer.get("hypothetical") is not False,
            Failure.NOT_COMMITTED: commitment is None,
            Failure.OTHER_ASSET: receipt.asset != self.asset,
            Failure.OTHER_SENDER: receipt.sender != self.sender,
            Failure.OTHER_RECIPIENT: receipt.recipient != self.recipient,
            Failure.OTHER_PURPOSE: not self.purposes <= set(receipt.purposes),
            Failure.EXPIRED: receipt.good_until is not None and now > receipt.good_until,
            Failure.EARLY: (commitment.at if commitment else receipt.recorded_at) > now + CLOCKS_APART,
        }
        if withdrawals is not None:
            found |= {
                Failure.LIST_EXPIRED: not withdrawals.issued - CLOCKS_APART <= now <= withdrawals.expires,
                Failure.LIST_OF_ANOTHER_LOG: withdrawals.origin != receipt.origin,
                Failure.LIST_TOO_SHORT: commitment is not None and commitment.at < withdrawals.since,
                Failure.WITHDRAWN: commitment is not None and commitment.id in withdrawals.ended,
            }
        return tuple(failure for failure, fails in found.items() if fails)


def accept_receipt(
    data: bytes,
    log_keys: Iterable[VerifierKey],
    demand: Demand,
    used: UsedCommitments,
    now: datetime,
    *,
    withdrawals: Withdrawals | None = None,
    witnesses: Iterable[VerifierKey] = (),
    at_least: int = 0,
) -> VerifiedReceipt:
    """
    Verify a receipt and demand all that a far gateway demands; the commitment counts as used then.

    `now` names its time zone. `withdrawals` is the list as it was read last; without it, who has no connection takes the risk that the
    commitment was withdrawn since. `at_least` of the `witnesses` must have cosigned. Raises ReceiptInvalid and ReceiptNotAccepted.
    """
    receipt = Receipt.parse(data).verify(log_keys, witnesses, at_least)
    failures = demand.failures(receipt, now, withdrawals)
    commitment, good_until = receipt.commitment, receipt.good_until
    if failures or commitment is None or good_until is None:
        raise ReceiptNotAccepted(failures)
    # Last, so that a receipt that fails otherwise uses nothing up.
    if not used.use(commitment.id, good_until):
        raise ReceiptNotAccepted((Failure.USED,))
    return receipt
