"""
Receipts in COSE: a proof of inclusion with a signature of its own over the root to which it leads (RFC 9942, section 5.2).

    18([                                        COSE_Sign1 (RFC 9052)
      << {1: -19, 4: <key>, 395: 1} >>,         Ed25519 (RFC 9864), the key's thumbprint (RFC 9679), the tree of RFC 9162
      {396: {-1: [<< [size, index, [hashes]] >>]}},
      null,                                     the root, detached: the verifier computes it
      <signature>
    ])

What is met, and no more: a receipt of inclusion for RFC9162_SHA256 with one proof. Only the root is signed. Size and index lie in
the unprotected header, and for some leaves another size leads to the same root; so a receipt shows that the entry is in a tree
whose root the key's owner signed, and neither the size of that tree, nor the place of the entry, nor when. It names no log: a key
that signs for one log only says which. It is no SCITT receipt, which needs claims about its issuer. For a tree of one entry
the standard has no receipt, since a path has at least one hash.

A key may sign checkpoints as well: what is signed here begins with a byte that no text in UTF-8 begins with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from .cbor import Tagged, decoded, encoded
from .ed25519 import SIGNATURE_BYTES, PrivateKey, PublicKey
from .merkle_tree import HASH_BYTES, MAX_SIZE, ProofRefused, root_of_inclusion

MAX_RECEIPT_BYTES: Final = 4096
MAX_HASHES: Final = 63

_COSE_SIGN1 = 18
_ALGORITHM, _KEY, _TREE, _PROOFS = 1, 4, 395, 396
_ED25519 = -19
_RFC9162_SHA256 = 1
_INCLUSION = -1


class ReceiptRefused(ValueError):
    """These bytes are no receipt of the form above, or it does not hold; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class CoseReceipt:
    """
    A receipt as it is sent: the size of a tree, the index of an entry, the path, the thumbprint of the key, the signature.

    Nothing in it is trusted, and size and index are not even signed: `verify` says what holds. Raises ReceiptRefused.
    """

    size: int
    index: int
    hashes: tuple[bytes, ...]
    key_thumbprint: bytes
    signature: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.size <= MAX_SIZE:
            raise ReceiptRefused(f"a tree of {self.size} leaves has no leaf {self.index}")
        if not 1 <= len(self.hashes) <= MAX_HASHES or not all(_is_bytes(each, HASH_BYTES) for each in self.hashes):
            raise ReceiptRefused(f"the path of a receipt has from 1 to {MAX_HASHES} hashes of {HASH_BYTES} bytes")
        if not _is_bytes(self.key_thumbprint, HASH_BYTES) or not _is_bytes(self.signature, SIGNATURE_BYTES):
            raise ReceiptRefused("the thumbprint or the signature of a receipt is not bytes of its length")

    @staticmethod
    def issued(index: int, size: int, hash_of_leaf: bytes, hashes: Sequence[bytes], key: PrivateKey) -> "CoseReceipt":
        """The receipt for the leaf, signed over the root to which the inclusion proof leads. Raises ReceiptRefused and ProofRefused."""
        root = root_of_inclusion(index, size, hash_of_leaf, hashes)
        return CoseReceipt(size, index, tuple(hashes), thumbprint(key.public), key.sign(_signed_bytes(key.public, root)))

    @staticmethod
    def parse(data: bytes) -> "CoseReceipt":
        """The receipt in these bytes, the only ones that `to_bytes` writes for it. Raises ReceiptRefused."""
        if len(data) > MAX_RECEIPT_BYTES:
            raise ReceiptRefused(f"a receipt has at most {MAX_RECEIPT_BYTES >> 10} KiB")
        try:
            protected, unprotected, _, signature = decoded(data).value
            size, index, hashes = decoded(unprotected[_PROOFS][_INCLUSION][0])
            receipt = CoseReceipt(size, index, tuple(hashes), decoded(protected)[_KEY], signature)
            same = receipt.to_bytes() == data
        except ReceiptRefused:
            raise
        except (AttributeError, LookupError, TypeError, ValueError):
            raise ReceiptRefused("the receipt is not a COSE_Sign1 with one inclusion proof, in deterministic CBOR") from None
        if not same:
            raise ReceiptRefused("the receipt has other header parameters, another algorithm, or a payload")
        return receipt

    def to_bytes(self) -> bytes:
        """The receipt in CBOR."""
        proof = encoded([self.size, self.index, self.hashes])
        protected = _protected(self.key_thumbprint)
        return encoded(Tagged(_COSE_SIGN1, [protected, {_PROOFS: {_INCLUSION: [proof]}}, None, self.signature]))

    def verify(self, hash_of_leaf: bytes, key: PublicKey) -> bytes:
        """
        Show that the key's owner signed the root of a tree with this leaf, and return the root.

        Raises ReceiptRefused. As the standard wants it, the proof comes first, and one answer says whether both hold.
        """
        if self.key_thumbprint != thumbprint(key):
            raise ReceiptRefused("another key signed the receipt")
        try:
            root = root_of_inclusion(self.index, self.size, hash_of_leaf, self.hashes)
        except ProofRefused as error:
            raise ReceiptRefused(str(error)) from None
        if not key.signed(self.signature, _signed_bytes(key, root)):
            raise ReceiptRefused("the signature is not one over the root to which the proof leads from this leaf")
        return root


def thumbprint(key: PublicKey) -> bytes:
    """The SHA-256 of the key as a COSE_Key (RFC 9679): key type 1 (OKP), curve 6 (Ed25519), and its 32 bytes."""
    return sha256(encoded({1: 1, -1: 6, -2: key.raw})).digest()


def _is_bytes(value: object, length: int) -> bool:
    return isinstance(value, bytes) and len(value) == length


def _protected(key_thumbprint: bytes) -> bytes:
    return encoded({_ALGORITHM: _ED25519, _KEY: key_thumbprint, _TREE: _RFC9162_SHA256})


def _signed_bytes(key: PublicKey, root: bytes) -> bytes:
    """The Sig_structure of RFC 9052, section 4.4: context, protected header, no external data, payload."""
    return encoded(["Signature1", _protected(thumbprint(key)), b"", root])
