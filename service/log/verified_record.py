"""
A record verified as a far side would: its bytes, its place in the tree, and the signature on the root; what was verified comes out.

The proof is read back from its bytes, as they would be sent, and verified with the verifier key of the log. Whoever asks trusts the service
that does so; who does not takes the proof and verifies it elsewhere.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from service.log.proofs import LogTree, NotInTree, log_tree, verifier_key
from service.log.store import Stored
from service.store.database import Database
from service.store.log_key import LogRefused
from service.store.log_tree import long_record
from service.store.tables import cosignature
from service.store.tree_tiles import frontier_at
from service.transparency.checkpoint import CheckpointRefused
from service.transparency.merkle_tree import ProofRefused, leaf_hash
from service.transparency.signed_note import NoteRefused
from service.transparency.tiles import TileRefused
from service.transparency.tlog_proof import TlogProof, TlogProofRefused


class NotVerified(Exception):
    """The record or its proof does not hold, or cannot be read; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The largest root with the record of which the log keeps cosignatures: its number of leaves, and who gave them."""

    size: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerifiedRecord:
    """
    What was verified of a record: leaf `index` leads by `hashes` hashes to the root of `size` leaves, which the key of `origin` signed.

    `whole`: the leaf is the record itself; else it holds the hash of the record.
    """

    origin: str
    index: int
    size: int
    hashes: int
    root: bytes
    whole: bool
    witnessed: Witnessed | None


def verify_record(database: Database, stored: Stored) -> VerifiedRecord:
    """Raises NotVerified."""
    if faults := stored.faults():
        raise NotVerified("; ".join(faults))
    entry = stored.entry
    try:
        with log_tree(database) as tree:
            proof = TlogProof.parse(tree.proof(entry.id).to_bytes())
            key = verifier_key(tree.key)
            witnessed = _witnessed(tree, proof.index)
        leaf = entry.leaf if proof.extra is None else long_record(stored.sequence, entry.leaf)
        checkpoint, _ = proof.verify(leaf_hash(leaf), key.name, [key])
    except (LogRefused, NotInTree, TileRefused) as refused:
        raise NotVerified(str(refused)) from None
    except (TlogProofRefused, NoteRefused, CheckpointRefused, ProofRefused) as refused:
        raise NotVerified(f"the proof does not hold: {refused}") from None
    except sa.exc.SQLAlchemyError:
        raise NotVerified("the log cannot be read") from None
    whole = proof.extra is None
    return VerifiedRecord(key.name, proof.index, checkpoint.size, len(proof.hashes), checkpoint.root, whole, witnessed)


def _witnessed(tree: LogTree, index: int) -> Witnessed | None:
    """The cosignatures that the log keeps of a root with a leaf; each was verified when it came."""
    covering = sa.select(cosignature).where(cosignature.c.size > index, cosignature.c.size <= tree.sealed.size)
    rows = tree.connection.execute(covering).all()
    if not rows:
        return None
    size = max(row.size for row in rows)
    root = frontier_at(tree.connection, tree.sealed, size).root()
    names = sorted(row.witness.partition("+")[0] for row in rows if row.size == size and bytes(row.root) == root)
    return Witnessed(size, tuple(names)) if names else None
