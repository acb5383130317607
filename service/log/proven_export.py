"""
An export whose records are proven: each line holds a record with the proof that it is in the log, and the last line seals them all.

    {"record": …, "log": {…, "proof": "<C2SP tlog-proof>"}}
    …
    {"export": "<signed note: the origin of the log, the number of the lines, the SHA-256 of their bytes>"}

All proofs lead to one checkpoint. They show that the log held the records then. The seal is by the log's key at the time of the
export: it shows that no line was changed, added or taken away since, and nothing about what was left out.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TextIO

import sqlalchemy as sa

from service.log.canonical_json import NotCanonical, canonical
from service.log.leaf import HIDDEN, commitment, value_at, with_value
from service.log.proofs import LogTree
from service.log.record_views import record_json
from service.log.store import Stored, find
from service.store.log_tree import TreeBroken, long_record
from service.store.tables import record
from service.store.tree_tiles import frontier_at, nodes
from service.transparency.checkpoint import Checkpoint, CheckpointRefused
from service.transparency.merkle_tree import ProofRefused, inclusion_proof, leaf_hash
from service.transparency.signed_note import Note, NoteRefused, SignatureType, SignerKey, VerifierKey, verify_note
from service.transparency.tiles import MAX_ENTRY_BYTES, TileRefused, VerifiedTiles
from service.transparency.tlog_proof import TlogProof, TlogProofRefused

SCHEMA = "fifthfactor/export/1"


class NotProvable(Exception):
    """The export cannot be proven from this checkpoint; the message is one sentence."""


class ProvenExport:
    """The lines of an export that are written, and what seals them. `checkpoint` is that of the proofs, without one that of now."""

    def __init__(self, tree: LogTree, file: TextIO, checkpoint: Note | None = None) -> None:
        """Raises NotProvable if the log does not begin with the tree of the checkpoint, and LogRefused."""
        self._tree, self._file = tree, file
        self._note = tree.checkpoint() if checkpoint is None else checkpoint
        try:
            self._of = Checkpoint.parse(self._note.text)
        except CheckpointRefused as refused:
            raise NotProvable(f"this is not a checkpoint: {refused}") from None
        if self._of.size > tree.sealed.size or frontier_at(tree.connection, tree.sealed, self._of.size).root() != self._of.root:
            raise NotProvable("the log does not begin with the tree of this checkpoint")
        self._nodes: VerifiedTiles = nodes(tree.connection, tree.sealed)
        self._digest, self._lines = sha256(), 0

    def write(self, id: str) -> bool:
        """Write the record of a decision with its proof; returns whether it is proven. Raises TreeBroken."""
        stored = find(self._tree.connection, id)
        if stored is None:
            raise TreeBroken("a record that was found is not there any more")
        shown = record_json(stored)
        index = self._tree.connection.execute(sa.select(record.c.leaf_index).where(record.c.id == id)).scalar_one()
        proof = None if index >= self._of.size else self._proof(stored, index)
        shown["log"]["proof"] = None if proof is None else proof.to_bytes().decode()
        self._put(shown)
        self._lines += 1
        return proof is not None

    def seal(self) -> None:
        """Write the last line."""
        key = self._tree.key
        text = _sealed(key.origin, self._lines, self._digest.hexdigest())
        signer = SignerKey(key.origin, SignatureType.NOTE, key.private)
        self._put({"export": Note(text, (signer.signed(text),)).to_bytes().decode()})

    def _put(self, line: dict[str, Any]) -> None:
        written = _written(line)
        self._digest.update(written.encode())
        self._file.write(written)

    def _proof(self, stored: Stored, index: int) -> TlogProof:
        try:
            hashes = inclusion_proof(index, self._of.size, self._nodes.node)
        except TileRefused as refused:
            raise TreeBroken(f"the hashes do not lead to the root: {refused}") from None
        leaf = stored.entry.leaf
        extra = long_record(stored.sequence, leaf) if len(leaf) > MAX_ENTRY_BYTES else None
        return TlogProof(index, hashes, self._note, extra)


@dataclass(frozen=True, slots=True)
class ExportCheck:
    """How many records an export has, how many of them are not proven since they are newer than the checkpoint, and the faults."""

    records: int
    unproven: int
    faults: tuple[str, ...]


def verify_export(
    lines: Iterator[bytes],
    key: VerifierKey,
    checkpoint: Checkpoint | None,
    witness: VerifierKey | None,
    progress: Callable[[int], None],
) -> ExportCheck:
    """
    Verify the lines of an export against the verifier key of the log.

    If a `checkpoint` is given, the proofs must lead to this one; if a `witness` is, it must have cosigned that of each proof.
    """
    faults: list[str] = []
    digest, records, unproven, sealed = sha256(), 0, 0, False
    for number, line in enumerate(lines, 1):
        if sealed:
            faults.append(f"line {number}: it is after the seal")
            break
        try:
            document = json.loads(line)
            if not isinstance(document, dict) or _written(document).encode() != line:
                raise ValueError
        except ValueError:
            faults.append(f"line {number}: it is not as an export writes it")
            continue
        if document.keys() == {"export"}:
            faults += _faults_of_seal(document["export"], _sealed(key.name, records, digest.hexdigest()), key)
            sealed = True
            continue
        digest.update(line)
        records += 1
        progress(records)
        fault = _fault_of_line(document, key, checkpoint, witness)
        if fault == "":
            unproven += 1
        elif fault is not None:
            faults.append(f"line {number}: {fault}")
    if not sealed:
        faults.append("the export has no seal at its end; `log export --proofs` writes one")
    return ExportCheck(records, unproven, tuple(faults))


def leaf_of(shown: dict[str, Any]) -> bytes:
    """The leaf of a record as it is shown, each value held against its commitment. Raises ValueError, whose message is one sentence."""
    try:
        document, openings = shown["record"], shown["log"]["personal"]
        # The personal values come first: the commitment to the request is to the request with their commitments in it.
        for opening in sorted(openings, key=lambda each: each["pointer"] in HIDDEN):
            pointer, salt = opening["pointer"], opening["salt"]
            value = document[pointer] if pointer in HIDDEN else value_at(document["request"], pointer)
            hidden = {"commitment": opening["commitment"]}
            if salt is None:
                if value != hidden:
                    raise ValueError(f"`{pointer}` is there although it was erased")
            elif commitment(bytes.fromhex(salt), canonical(value)) != opening["commitment"]:
                raise ValueError(f"the value of `{pointer}` does not open its commitment")
            name, changed = (
                (pointer, hidden) if pointer in HIDDEN else ("request", with_value(document["request"], pointer, hidden))
            )
            document = {**document, name: changed}
        return canonical(document)
    except (KeyError, TypeError, IndexError, AttributeError, NotCanonical):
        raise ValueError("it is not a record with what opens its commitments") from None


def _fault_of_line(
    shown: dict[str, Any], key: VerifierKey, checkpoint: Checkpoint | None, witness: VerifierKey | None
) -> str | None:
    """What is wrong with a record; empty if nothing is, and it is not proven."""
    try:
        leaf = leaf_of(shown)
        log = shown["log"]
        if leaf_hash(leaf).hex() != log["leaf_hash"]:
            return "the record does not have its leaf hash"
        if log["proof"] is None:
            return ""
        proof = TlogProof.parse(log["proof"].encode())
        if proof.extra is not None and proof.extra != long_record(log["sequence"], leaf):
            return "its leaf does not hold the digest of the record"
        hashed = leaf_hash(leaf if proof.extra is None else proof.extra)
        found, _ = proof.verify(hashed, key.name, [key], [] if witness is None else [witness], 0 if witness is None else 1)
    except (KeyError, TypeError, AttributeError):
        return "it is not a record with its proof"
    except (TlogProofRefused, NoteRefused, CheckpointRefused, ProofRefused, ValueError) as refused:
        return str(refused)
    if checkpoint is not None and (found.size, found.root) != (checkpoint.size, checkpoint.root):
        return (
            f"its proof leads to a checkpoint of {found.size} leaves, and the one given has {checkpoint.size}:"
            " `log export --proofs --checkpoint` makes proofs from that one"
        )
    return None


def _faults_of_seal(note: Any, text: str, key: VerifierKey) -> Iterator[str]:
    try:
        found = Note.parse(note.encode())
        verify_note(found, [key])
    except (AttributeError, NoteRefused) as refused:
        yield f"the seal at its end is none of this key: {refused}"
        return
    if found.text != text:
        yield "the lines are not those that were sealed: one was changed, added or taken away"


def _sealed(origin: str, lines: int, digest: str) -> str:
    return f"{SCHEMA}\nof {origin}\nlines {lines}\nsha256 {digest}\n"


def _written(line: dict[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"
