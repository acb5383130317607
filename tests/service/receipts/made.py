"""
Receipts made here from a list of leaves, with the second implementation of the tree, and with canonical JSON by another library.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import rfc8785

from service.receipts.receipt import LeafOpening, Receipt
from service.transparency.checkpoint import Checkpoint
from service.transparency.cose_receipt import CoseReceipt
from service.transparency.ed25519 import PrivateKey
from service.transparency.signed_note import SignatureType, SignerKey, VerifierKey
from service.transparency.tlog_proof import TlogProof
from tests.service.transparency.recursive_tree import RecursiveTree

KEY = SignerKey("log.example", SignatureType.NOTE, PrivateKey.from_raw(bytes(range(32))))
OTHER = SignerKey("log.example", SignatureType.NOTE, PrivateKey.from_raw(bytes(32)))
ANSWER: Mapping[str, Any] = {
    "id": "d-1",
    "proceed": True,
    "answer": "This may go ahead.",
    "outcome": "permitted",
    "as_of": "2026-11-27",
    "hypothetical": False,
    "owed": [],
}
SAID: Mapping[str, Any] = {
    "schema": "fifthfactor/leaf/1",
    "kind": "receipt",
    "at": "2026-11-27T10:00:02.000000Z",
    "decision": "d-1",
    "record": "ab" * 32,
    "recorded_at": "2026-11-27T10:00:00.000000Z",
    "good_until": "2026-11-28T10:00:00.000000Z",
    "committed": {"id": "c-1", "at": "2026-11-27T10:00:01.000000Z"},
}
FACTS: Mapping[str, Any] = {
    "asset": "ds-1",
    "sender": "clinic-5",
    "recipient": "lab-2",
    "purpose": ["research", "service-provision"],
}


def made(
    answer: Mapping[str, Any] = ANSWER,
    facts: Mapping[str, Any] = FACTS,
    others: Sequence[bytes] = (b"first", b"second", b"third", b"fourth"),
    key: SignerKey = KEY,
    **said: Any,
) -> Receipt:
    """A receipt whose leaf stands between others; `said` are members of its leaf in clear."""
    opened = {
        name: LeafOpening(bytes([number]) * 32, rfc8785.dumps(value))
        for number, (name, value) in enumerate({"answer": answer, **facts}.items())
    }
    hidden = {name: {"commitment": _commitment(each)} for name, each in opened.items()}
    leaf = rfc8785.dumps({**SAID, **said, **hidden})
    entries = [*others[:2], leaf, *others[2:]]
    tree, size = RecursiveTree(entries), len(entries)
    path = tree.inclusion(2, size)
    note = Checkpoint(key.name, size, tree.root(size)).signed(key)
    cose = CoseReceipt.issued(2, size, sha256(b"\x00" + leaf).digest(), path, key.private)
    return Receipt(leaf, opened, TlogProof(2, path, note), cose)


def made_receipt() -> tuple[bytes, VerifierKey]:
    """A receipt as it is sent, and the key of its log."""
    return made().to_bytes(), KEY.verifier


def _commitment(opened: LeafOpening) -> str:
    return sha256(b"fifthfactor/commitment/1\x00" + opened.salt + opened.value).hexdigest()
