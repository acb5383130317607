"""
The proof of a record that is older than the log's tree, in two steps.

The first is the C2SP tlog-proof that the leaf `earlier` is in the tree. The second is its extra data: that the hash of the record's leaf is
under the root which this leaf holds (RFC 9162, section 2.1.3).

    fifthfactor/earlier-record/1
    index <number of the record>
    <inclusion proof, one hash in base64 a line>
    <an empty line>
    <the leaf `earlier`>
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from ..transparency.checkpoint import Checkpoint, CheckpointRefused
from ..transparency.merkle_tree import ProofRefused, leaf_hash, verify_inclusion
from ..transparency.signed_note import NoteRefused, VerifierKey
from ..transparency.text_encodings import from_decimal, from_lines_of_hashes, lines_of_hashes
from ..transparency.tlog_proof import MAX_HASHES, TlogProof, TlogProofRefused

SCHEMA: Final = "fifthfactor/earlier-record/1"
KIND: Final = "earlier"  # of the leaf

_INDEX = "index "


class EarlierRecordRefused(ValueError):
    """These bytes are no such proof, or it does not hold; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class EarlierRecord:
    """The second step: the number of the record, its path to the root of the older records, and the leaf that holds this root."""

    index: int
    hashes: tuple[bytes, ...]
    leaf: bytes

    @staticmethod
    def parse(data: bytes) -> "EarlierRecord":
        """The step in the extra data of a tlog-proof. Raises EarlierRecordRefused."""
        head, separated, leaf = data.partition(b"\n\n")
        schema, *lines = head.decode("ascii", "replace").split("\n")
        index = from_decimal(lines[0].removeprefix(_INDEX)) if lines and lines[0].startswith(_INDEX) else None
        hashes = from_lines_of_hashes(lines[1:], at_most=MAX_HASHES)
        if schema != SCHEMA or not separated or index is None or hashes is None:
            raise EarlierRecordRefused(f"the extra data are not of the shape `{SCHEMA}`")
        return EarlierRecord(index, hashes, leaf)

    def to_bytes(self) -> bytes:
        """The step as extra data."""
        return f"{SCHEMA}\n{_INDEX}{self.index}\n{lines_of_hashes(self.hashes)}\n".encode() + self.leaf

    def verify(self, hash_of_record: bytes) -> bytes:
        """Show that the record is one of those that the leaf speaks of; the hash of the leaf. Raises EarlierRecordRefused."""
        try:
            document: Any = json.loads(self.leaf)
            kind, size, root = document["kind"], document["records"], bytes.fromhex(document["root"])
        except (ValueError, KeyError, TypeError):
            raise EarlierRecordRefused("the leaf does not say which records are older than the tree") from None
        if kind != KIND or type(size) is not int:
            raise EarlierRecordRefused("the leaf does not say which records are older than the tree")
        try:
            verify_inclusion(self.index, size, hash_of_record, self.hashes, root)
        except ProofRefused as refused:
            raise EarlierRecordRefused(f"the record is not under the root of the older records: {refused}") from None
        return leaf_hash(self.leaf)


def verify_earlier_record(proof: TlogProof, hash_of_record: bytes, origin: str, log_keys: Iterable[VerifierKey]) -> Checkpoint:
    """
    Show, in both steps, that a record with this leaf hash is in the log with this origin; the checkpoint that was signed.

    Raises EarlierRecordRefused.
    """
    leaf = EarlierRecord.parse(proof.extra or b"").verify(hash_of_record)
    try:
        checkpoint, _ = proof.verify(leaf, origin, log_keys)
    except (TlogProofRefused, NoteRefused, CheckpointRefused, ProofRefused) as refused:
        raise EarlierRecordRefused(f"the leaf is not in the tree: {refused}") from None
    return checkpoint
