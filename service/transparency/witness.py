"""
The protocol by which a log asks a witness to cosign its checkpoint (C2SP tlog-witness, `add-checkpoint`).

    old <size that the witness cosigned last>
    <consistency proof, one hash in base64 a line>
    <an empty line>
    <the checkpoint, a signed note>

Both sides are here, without HTTP and without a memory: the request, the answer of a witness who is given what it cosigned last,
and what a log makes of the answer. A cosignature says that the tree of this checkpoint is the largest that the witness has seen of
the log, and that it continues the trees that it has seen before.

INVARIANT (a witness never cosigns two histories): whoever calls `answer` reads the last checkpoint and stores the new one as one
step that nobody else can come between, and has stored it before the answer leaves.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from .checkpoint import Checkpoint, CheckpointRefused, Relation
from .merkle_tree import EMPTY_ROOT, ProofRefused
from .signed_note import (
    MAX_SIGNATURES,
    Note,
    NoteRefused,
    SignatureLine,
    SignatureType,
    SignerKey,
    VerifierKey,
    verify_note,
)
from .text_encodings import from_decimal, from_lines_of_hashes, lines_of_hashes

MAX_PROOF_LINES: Final = 63
SIZE_TYPE: Final = "text/x.tlog.size"  # of the answer that says what the witness cosigned last
TEXT_TYPE: Final = "text/plain; charset=utf-8"

_OLD = "old "


class WitnessRequestRefused(ValueError):
    """These bytes are no request to a witness (status 400); the message is one sentence."""


class AnswerRefused(ValueError):
    """These bytes are no answer of a witness; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """
    A request: the size that the witness is thought to have cosigned last, the proof from there, and the signed checkpoint.

    No signature and no proof is verified yet. Raises WitnessRequestRefused.
    """

    old_size: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint = field(init=False)  # what the note says

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "checkpoint", Checkpoint.parse(self.note.text))
        except CheckpointRefused as error:
            raise WitnessRequestRefused(f"the checkpoint is refused: {error}") from None
        if not 0 <= self.old_size <= self.checkpoint.size:
            raise WitnessRequestRefused("the old size is larger than the size of the checkpoint")
        if len(self.proof) > MAX_PROOF_LINES:
            raise WitnessRequestRefused(f"a proof has at most {MAX_PROOF_LINES} hashes")

    @staticmethod
    def parse(data: bytes) -> "AddCheckpoint":
        """The request in a body. Raises WitnessRequestRefused."""
        head, _, rest = data.partition(b"\n\n")
        try:
            first, *lines = head.decode("ascii").split("\n")
            note = Note.parse(rest)
        except UnicodeDecodeError:
            raise WitnessRequestRefused("the lines before the checkpoint are not in ASCII") from None
        except NoteRefused as error:
            raise WitnessRequestRefused(f"the checkpoint is refused: {error}") from None
        old_size = from_decimal(first.removeprefix(_OLD)) if first.startswith(_OLD) else None
        if old_size is None:
            raise WitnessRequestRefused("the first line is not `old` and a size")
        proof = from_lines_of_hashes(lines, at_most=MAX_PROOF_LINES)
        if proof is None:
            raise WitnessRequestRefused(
                f"the proof is not at most {MAX_PROOF_LINES} hashes of 32 bytes in base64, each in a line"
            )
        return AddCheckpoint(old_size, proof, note)

    def to_bytes(self) -> bytes:
        """The body of the request. Raises NoteRefused if the checkpoint is not signed."""
        return f"{_OLD}{self.old_size}\n{lines_of_hashes(self.proof)}\n".encode() + self.note.to_bytes()


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """The answer of a witness: status, media type and body; and the checkpoint to store before it leaves, if it cosigns one."""

    status: int
    media_type: str
    body: bytes
    cosigned: Checkpoint | None = None


def answer(
    request: AddCheckpoint, log_keys: Iterable[VerifierKey], last: Checkpoint | None, witness: SignerKey, time: int
) -> WitnessAnswer:
    """
    What a witness answers to a request that is well formed; to another one it answers 400.

    `log_keys` are the keys that it trusts for the origin of the request's checkpoint, none if it does not know the log; `last` is
    the checkpoint of this origin that it cosigned last; `time` is now, in seconds since 1970. Each refusal has the status that the
    specification gives it: 404, 403, 409, 422.
    """
    keys = tuple(log_keys)
    checkpoint = request.checkpoint
    if not keys:
        return _refusal(404, "this witness does not know the log of the checkpoint")
    try:
        verify_note(request.note, keys)
    except NoteRefused as error:
        return _refusal(403, str(error))
    seen = last if last is not None else Checkpoint(checkpoint.origin, 0, EMPTY_ROOT)
    if request.old_size != seen.size:
        return WitnessAnswer(409, SIZE_TYPE, f"{seen.size}\n".encode())
    if seen.size > 0 and checkpoint.relation(seen) is Relation.FORKED:
        return _refusal(409, "the checkpoint has the size of the one that was cosigned last, and another root")
    try:
        seen.verify_growth(checkpoint, request.proof)
    except ProofRefused as error:
        return _refusal(422, str(error))
    return WitnessAnswer(200, TEXT_TYPE, witness.signed(request.note.text, time).line().encode(), checkpoint)


def cosigned(note: Note, body: bytes, witnesses: Iterable[VerifierKey]) -> Note:
    """
    The note with the cosignatures that a witness answered; those by unknown keys are left out.

    Raises AnswerRefused if the body is not lines of signatures, NoteRefused if no known witness cosigned the note.
    """
    keys = [key for key in witnesses if key.type is SignatureType.COSIGNATURE]
    lines = _signature_lines(body)
    verify_note(Note(note.text, lines), keys)
    known = {(key.name, key.key_id) for key in keys}
    return note.signed_by(*(line for line in lines if (line.name, line.key_id) in known))


def size_cosigned_last(body: bytes) -> int:
    """The size in an answer of the type `SIZE_TYPE`. Raises AnswerRefused."""
    size = from_decimal(body[:-1].decode("ascii", "replace")) if body.endswith(b"\n") else None
    if size is None:
        raise AnswerRefused("the witness did not answer the size that it cosigned last")
    return size


def _signature_lines(body: bytes) -> tuple[SignatureLine, ...]:
    try:
        *lines, last = body.decode().split("\n")
        found = tuple(map(SignatureLine.parse, lines))
    except (UnicodeDecodeError, NoteRefused):
        raise AnswerRefused("the witness did not answer lines of signatures") from None
    if last or not 0 < len(found) <= MAX_SIGNATURES:
        raise AnswerRefused(f"the witness did not answer from 1 to {MAX_SIGNATURES} lines of signatures")
    return found


def _refusal(status: int, message: str) -> WitnessAnswer:
    return WitnessAnswer(status, TEXT_TYPE, f"{message}\n".encode())
