"""
Checkpoints: the size and the root of a log's tree, in a note that the log signed (C2SP tlog-checkpoint).

    <origin: the name of the log>
    <size>
    <root in base64>
    [<extension lines>]

What is opened here was signed by a key that the reader trusts for this log. Whether two checkpoints of one log fit together is
said by their sizes and roots, and by a consistency proof if the sizes differ.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .merkle_tree import HASH_BYTES, MAX_SIZE, verify_consistency
from .signed_note import Note, SignerKey, VerifiedSignature, VerifierKey, verify_note
from .text_encodings import base64_of, from_base64, from_decimal


class CheckpointRefused(ValueError):
    """A text is no checkpoint, or one of another log; the message is one sentence."""


class Relation(StrEnum):
    """How a checkpoint stands to another one of the same log."""

    SAME = "same"
    SMALLER = "smaller"
    LARGER = "larger"
    FORKED = "forked"  # one size and two roots: the log has shown two trees


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The size, in leaves, and the root of the tree of the log that `origin` names. Raises CheckpointRefused."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.origin or any(not line for line in self.extensions) or "\n" in "".join((self.origin, *self.extensions)):
            raise CheckpointRefused("the origin and the extensions of a checkpoint are lines, and none is empty")
        if not 0 <= self.size <= MAX_SIZE:
            raise CheckpointRefused(f"the size of a checkpoint is from 0 to {MAX_SIZE}")
        if len(self.root) != HASH_BYTES:
            raise CheckpointRefused("the root of a checkpoint has 32 bytes")

    @staticmethod
    def parse(text: str) -> "Checkpoint":
        """The checkpoint in the text of a note. Who signed it is not looked at. Raises CheckpointRefused."""
        lines = text.removesuffix("\n").split("\n")
        size = from_decimal(lines[1]) if len(lines) > 2 else None
        root = from_base64(lines[2]) if len(lines) > 2 else None
        if size is None or root is None or not text.endswith("\n"):
            raise CheckpointRefused("a checkpoint is not an origin, a size and a root in base64, each in a line")
        return Checkpoint(lines[0], size, root, tuple(lines[3:]))

    def text(self) -> str:
        """The text of the note."""
        return "".join(f"{line}\n" for line in (self.origin, str(self.size), base64_of(self.root), *self.extensions))

    def signed(self, *keys: SignerKey) -> Note:
        """The note, signed by the log's keys. Raises NoteRefused for an origin that no note can have."""
        text = self.text()
        return Note(text, tuple(key.signed(text) for key in keys))

    def relation(self, other: "Checkpoint") -> Relation:
        """How this checkpoint stands to another one. Raises CheckpointRefused if that is of another log."""
        if other.origin != self.origin:
            raise CheckpointRefused("these are the checkpoints of two logs")
        if self.size != other.size:
            return Relation.SMALLER if self.size < other.size else Relation.LARGER
        return Relation.SAME if self.root == other.root else Relation.FORKED

    def verify_growth(self, later: "Checkpoint", proof: Sequence[bytes]) -> None:
        """Show that the later checkpoint's tree begins with this one's. Raises CheckpointRefused and ProofRefused."""
        if later.origin != self.origin:
            raise CheckpointRefused("these are the checkpoints of two logs")
        verify_consistency(self.size, later.size, self.root, later.root, proof)


def open_checkpoint(note: Note, origin: str, keys: Iterable[VerifierKey]) -> tuple[Checkpoint, tuple[VerifiedSignature, ...]]:
    """
    The checkpoint of the log with this origin in a note, and who signed it, at least one of these keys of the log.

    Raises CheckpointRefused and NoteRefused.
    """
    signatures = verify_note(note, keys)
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != origin:
        raise CheckpointRefused("this is the checkpoint of another log")
    return checkpoint, signatures
