"""
A receipt: JSON with which somebody who has the log's public key verifies one answer, without the log and without a connection.

    {"schema": "fifthfactor/receipt/1",
     "leaf":   the leaf of the log that speaks of the decision, as text: canonical JSON of the kind `receipt`,
     "opened": {"answer": {"salt": hex, "value": canonical JSON as text}, "asset": …, "sender": …, "recipient": …, "purpose": …},
     "proof":  the C2SP tlog-proof of the leaf, as text,
     "cose":   the RFC 9942 receipt of the leaf, in base64}

The leaf has no caller, nothing of the request in clear, and no reason: what is opened stands in it as salted commitments. Whoever
passes a receipt on may leave out openings of facts; the answer is always opened.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from ..transparency.checkpoint import CheckpointRefused
from ..transparency.cose_receipt import CoseReceipt, ReceiptRefused, thumbprint
from ..transparency.merkle_tree import ProofRefused, leaf_hash
from ..transparency.salted_commitment import SALT_BYTES, commitment
from ..transparency.signed_note import NoteRefused, SignatureType, VerifierKey
from ..transparency.text_encodings import base64_of, from_base64
from ..transparency.tlog_proof import TlogProof, TlogProofRefused

SCHEMA: Final = "fifthfactor/receipt/1"
LEAF: Final = "fifthfactor/leaf/1"
KIND: Final = "receipt"  # of the leaf
ANSWER: Final = "answer"
FACTS: Final = ("asset", "sender", "recipient", "purpose")
MAX_RECEIPT_BYTES: Final = 1024 * 1024


class ReceiptInvalid(ValueError):
    """These bytes are no receipt, or it does not hold; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class LeafOpening:
    """What opens one commitment of the leaf: the salt, and the value as canonical JSON."""

    salt: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class ReceiptCommitment:
    """That a decision was committed, as its receipt says: the id of the commitment, and when it was made."""

    id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CosigningWitness:
    """A witness who cosigned the checkpoint of a receipt, and when, in seconds since 1970."""

    witness: str
    time: int


@dataclass(frozen=True, slots=True)
class VerifiedReceipt:
    """
    What a receipt says and what was verified: the log said this of a decision, in a tree of this size.

    `record` is the leaf hash of the record. `good_until` is None if the answer is no permit. `commitment` is None if the decision was not
    committed when the receipt was made. Of the facts, None (no purposes) is what was not stated, was erased, or is not opened.
    """

    origin: str
    size: int
    index: int
    decision: str
    record: str
    recorded_at: datetime
    good_until: datetime | None
    commitment: ReceiptCommitment | None
    answer: Mapping[str, Any]
    asset: str | None = None
    sender: str | None = None
    recipient: str | None = None
    purposes: tuple[str, ...] = ()
    cosigned: tuple[CosigningWitness, ...] = ()

    @property
    def outcome(self) -> str:
        """The outcome of the decision."""
        return str(self.answer["outcome"])


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as it is sent. Nothing in it is trusted before `verify`."""

    leaf: bytes
    opened: Mapping[str, LeafOpening]
    proof: TlogProof
    cose: CoseReceipt

    @staticmethod
    def parse(data: bytes) -> "Receipt":
        """The receipt in these bytes. Raises ReceiptInvalid."""
        if len(data) > MAX_RECEIPT_BYTES:
            raise ReceiptInvalid(f"a receipt has at most {MAX_RECEIPT_BYTES >> 20} MiB")
        document = _json(data, "the file is not JSON")
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            raise ReceiptInvalid(f"the file is not a receipt of the shape `{SCHEMA}`")
        leaf, opened, proof, cose = (document.get(name) for name in ("leaf", "opened", "proof", "cose"))
        if not (isinstance(leaf, str) and isinstance(opened, dict) and isinstance(proof, str) and isinstance(cose, str)):
            raise ReceiptInvalid("the receipt does not have a leaf, openings, a proof and a COSE receipt")
        try:
            return Receipt(
                leaf.encode(),
                {str(name): _opened(each) for name, each in opened.items()},
                TlogProof.parse(proof.encode()),
                CoseReceipt.parse(from_base64(cose) or b""),
            )
        except UnicodeEncodeError:
            raise ReceiptInvalid("the receipt holds half a character") from None
        except TlogProofRefused as refused:
            raise ReceiptInvalid(f"the tlog-proof cannot be read: {refused}") from None
        except ReceiptRefused as refused:
            raise ReceiptInvalid(f"the COSE receipt cannot be read: {refused}") from None

    def to_bytes(self) -> bytes:
        """The receipt as it is sent."""
        opened = {name: {"salt": each.salt.hex(), "value": each.value.decode()} for name, each in self.opened.items()}
        document = {
            "schema": SCHEMA,
            "leaf": self.leaf.decode(),
            "opened": opened,
            "proof": self.proof.to_bytes().decode(),
            "cose": base64_of(self.cose.to_bytes()),
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    def verify(
        self, log_keys: Iterable[VerifierKey], witnesses: Iterable[VerifierKey] = (), at_least: int = 0
    ) -> VerifiedReceipt:
        """
        Show that one of the logs with these keys has the leaf, and that what is opened stands in it. Raises ReceiptInvalid.

        The log's name is that of its key. `at_least` is how many of the witnesses must have cosigned the checkpoint.
        """
        origin = self.proof.checkpoint.text.partition("\n")[0]
        keys = [key for key in log_keys if key.name == origin and key.type is SignatureType.NOTE]
        if not keys:
            raise ReceiptInvalid(f"the receipt is of the log `{origin}`, and none of the keys is one of this log")
        hash_of_leaf = leaf_hash(self.leaf)
        try:
            checkpoint, cosignatures = self.proof.verify(hash_of_leaf, origin, keys, witnesses, at_least)
        except (TlogProofRefused, NoteRefused, CheckpointRefused, ProofRefused) as refused:
            raise ReceiptInvalid(f"the tlog-proof does not hold: {refused}") from None
        try:
            signers = [key.public for key in keys if thumbprint(key.public) == self.cose.key_thumbprint] or [keys[0].public]
            root = self.cose.verify(hash_of_leaf, signers[0])
        except ReceiptRefused as refused:
            raise ReceiptInvalid(f"the COSE receipt does not hold: {refused}") from None
        if (root, self.cose.size, self.cose.index) != (checkpoint.root, checkpoint.size, self.proof.index):
            raise ReceiptInvalid("the tlog-proof and the COSE receipt speak of two trees")
        document = _json(self.leaf, "the leaf is not JSON")
        said = _said(document)
        values = {name: _value(document, name, each) for name, each in self.opened.items()}
        answer = values.get(ANSWER)
        if not isinstance(answer, dict) or not isinstance(answer.get("outcome"), str):
            raise ReceiptInvalid("the receipt does not open the answer")
        if answer.get("id") != said["decision"]:
            raise ReceiptInvalid("the answer is of another decision than the leaf")
        purposes = values.get("purpose")
        if isinstance(purposes, str):
            purposes = [purposes]
        return VerifiedReceipt(
            origin=origin,
            size=checkpoint.size,
            index=self.proof.index,
            **said,
            answer=MappingProxyType(answer),
            asset=_text(values, "asset"),
            sender=_text(values, "sender"),
            recipient=_text(values, "recipient"),
            purposes=tuple(each for each in purposes if isinstance(each, str)) if isinstance(purposes, list) else (),
            cosigned=tuple(CosigningWitness(each.key.name, each.time or 0) for each in cosignatures),
        )


def _opened(value: Any) -> LeafOpening:
    match value:
        case {"salt": str(salt), "value": str(text)}:
            try:
                return LeafOpening(bytes.fromhex(salt), text.encode())
            except ValueError:
                pass
    raise ReceiptInvalid("an opening of the receipt is not a salt in hexadecimal digits and a value")


def _said(document: Any) -> dict[str, Any]:
    """What a leaf says in clear, as members of VerifiedReceipt. Raises ReceiptInvalid."""
    match document:
        case {
            "schema": "fifthfactor/leaf/1",
            "kind": "receipt",
            "decision": str(decision),
            "record": str(record),
            "recorded_at": str(recorded_at),
            "good_until": str() | None as good_until,
            "committed": dict() | None as committed,
        }:
            pass
        case _:
            raise ReceiptInvalid("the leaf is not one of the kind `receipt`")
    held: ReceiptCommitment | None = None
    match committed:
        case {"id": str(id), "at": str(at)}:
            held = ReceiptCommitment(id, _moment(at))
        case dict():
            raise ReceiptInvalid("the leaf does not say which commitment it means")
    return {
        "decision": decision,
        "record": record,
        "recorded_at": _moment(recorded_at),
        "good_until": None if good_until is None else _moment(good_until),
        "commitment": held,
    }


def _value(leaf: Mapping[str, Any], name: str, opened: LeafOpening) -> Any:
    """What an opening opens. Raises ReceiptInvalid."""
    if len(opened.salt) != SALT_BYTES or leaf.get(name) != {"commitment": commitment(opened.salt, opened.value)}:
        raise ReceiptInvalid(f"what is opened as `{name}` is not what stands in the leaf")
    return _json(opened.value, f"what is opened as `{name}` is not JSON")


def _text(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    return value if isinstance(value, str) else None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ReceiptInvalid("the leaf has a moment that cannot be read")
    return moment


def _json(data: bytes, otherwise: str) -> Any:
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise ReceiptInvalid(otherwise) from None


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("a member occurs twice")
    return found
