"""
Receipts of decisions for those who verify them: a gateway far from the service, a regulator, an auditor.

`Receipt` is what is sent, `VerifiedReceipt` what holds. `accept_receipt` is the rule for a gateway that relies on a receipt, and `Demand`
says what it is about to take. `verified_withdrawals` reads the signed list of withdrawals.

These modules import nothing of the service but the formats of its log, and only the library `cryptography`. They import each other by
relative names, because they are `service.receipts` in the checkout and `fifthfactor_client.receipts` when the client is installed alone.
"""

from ..transparency.signed_note import VerifierKey
from .demand import Demand, Failure, ReceiptNotAccepted, UsedCommitments, accept_receipt
from .receipt import Receipt, ReceiptInvalid, VerifiedReceipt
from .withdrawals import Withdrawals, WithdrawalsInvalid, verified_withdrawals

__all__ = [
    "Demand",
    "Failure",
    "Receipt",
    "ReceiptInvalid",
    "ReceiptNotAccepted",
    "UsedCommitments",
    "VerifiedReceipt",
    "VerifierKey",
    "Withdrawals",
    "WithdrawalsInvalid",
    "accept_receipt",
    "verified_withdrawals",
]
