"""
Receipts as text: a proof, to be verified without the log, that an entry is in it (C2SP tlog-proof).

    c2sp.org/tlog-proof@v1
    [extra <base64>]
    index <number of the entry, from 0>
    <inclusion proof, one hash in base64 a line>
    <an empty line>
    <the checkpoint, signed by the log and cosigned by witnesses>

The verifier brings the hash of the entry's leaf, the origin and the keys of the log, and the keys of the witnesses that it trusts.
The extra data are not authenticated. What the proof shows is what the signers of its checkpoint stand for: that the entry is in
the tree which they signed, and, with witnesses, that they saw this tree and no other one of its size.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .checkpoint import Checkpoint, open_checkpoint
from .merkle_tree import MAX_SIZE, verify_inclusion
from .signed_note import (
    MAX_NOTE_BYTES,
    Note,
    NoteRefused,
    SignatureType,
    VerifiedSignature,
    VerifierKey,
    signatures_by,
)
from .text_encodings import (
    base64_of,
    from_base64,
    from_decimal,
    from_lines_of_hashes,
    lines_of_hashes,
)

MAX_PROOF_BYTES: Final = MAX_NOTE_BYTES + 64 * 1024
MAX_HASHES: Final = 63

_FIRST = "c2sp.org/tlog-proof@v1"
_EXTRA = "extra "
_INDEX = "index "


class TlogProofRefused(ValueError):
    """These bytes are no tlog-proof, or too few witnesses cosigned it; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class TlogProof:
    """An inclusion proof with the signed checkpoint to which it leads. Nothing in it is trusted before `verify`."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: Note
    extra: bytes | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.index < MAX_SIZE or len(self.hashes) > MAX_HASHES:
            raise TlogProofRefused(f"an index is below {MAX_SIZE}, and a proof has at most {MAX_HASHES} hashes")

    @staticmethod
    def parse(data: bytes) -> "TlogProof":
        """The proof in these bytes. Raises TlogProofRefused."""
        if len(data) > MAX_PROOF_BYTES:
            raise TlogProofRefused(f"a proof has at most {MAX_PROOF_BYTES >> 10} KiB")
        head, _, rest = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
            note = Note.parse(rest)
        except UnicodeDecodeError:
            raise TlogProofRefused("the lines before the checkpoint are not in ASCII") from None
        except NoteRefused as error:
            raise TlogProofRefused(f"the checkpoint is refused: {error}") from None
        if lines.pop(0) != _FIRST:
            raise TlogProofRefused(f"the first line is not `{_FIRST}`")
        extra = None
        if lines and lines[0].startswith(_EXTRA):
            extra = from_base64(lines.pop(0).removeprefix(_EXTRA))
            if extra is None:
                raise TlogProofRefused("the extra data are not in base64")
        index = from_decimal(lines[0].removeprefix(_INDEX)) if lines and lines[0].startswith(_INDEX) else None
        hashes = from_lines_of_hashes(lines[1:], at_most=MAX_HASHES)
        if index is None or hashes is None:
            raise TlogProofRefused("the proof is not `index` and a number, and hashes of 32 bytes in base64, each in a line")
        return TlogProof(index, hashes, note, extra)

    def to_bytes(self) -> bytes:
        """The proof as it is stored and sent. Raises NoteRefused if the checkpoint is not signed."""
        extra = "" if self.extra is None else f"{_EXTRA}{base64_of(self.extra)}\n"
        head = f"{_FIRST}\n{extra}{_INDEX}{self.index}\n{lines_of_hashes(self.hashes)}\n"
        return head.encode() + self.checkpoint.to_bytes()

    def verify(
        self,
        hash_of_leaf: bytes,
        origin: str,
        log_keys: Iterable[VerifierKey],
        witnesses: Iterable[VerifierKey] = (),
        at_least: int = 0,
    ) -> tuple[Checkpoint, tuple[VerifiedSignature, ...]]:
        """
        Show that the entry is in the log with this origin. Returns the checkpoint and the cosignatures by these witnesses.

        `at_least` is how many of the witnesses, counted by their public keys, must have cosigned. Raises TlogProofRefused,
        NoteRefused, CheckpointRefused and ProofRefused.
        """
        checkpoint, _ = open_checkpoint(self.checkpoint, origin, log_keys)
        trusted = [key for key in witnesses if key.type is SignatureType.COSIGNATURE]
        cosignatures = signatures_by(self.checkpoint, trusted)
        if len({each.key.public.id for each in cosignatures}) < at_least:
            raise TlogProofRefused(f"fewer than {at_least} of the trusted witnesses cosigned the checkpoint")
        verify_inclusion(self.index, checkpoint.size, hash_of_leaf, self.hashes, checkpoint.root)
        return checkpoint, cosignatures
