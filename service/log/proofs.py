"""
What the log shows of its tree: checkpoints, tiles, entries and proofs, read from a database in its committed state.

- INVARIANT (sealed, then signed): a checkpoint is signed from a committed size and frontier with the seal of the log's key. So there is
  one root for each size.
- INVARIANT (verified reading): the hashes of a proof lead to the root of its checkpoint, whatever the rows hold. Else it is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from service.store.database import Database
from service.store.kept_checkpoint import KeptCheckpoint
from service.store.log_key import LogKey
from service.store.log_tree import SealedTree, TreeBroken, long_record
from service.store.tables import record, tree_leaf
from service.store.tree_tiles import nodes, tile_of
from service.transparency.checkpoint import Checkpoint, CheckpointRefused, open_checkpoint
from service.transparency.cose_receipt import CoseReceipt
from service.transparency.merkle_tree import Frontier, inclusion_proof, leaf_hash
from service.transparency.signed_note import KeyTextRefused, Note, NoteRefused, SignatureType, VerifierKey, verify_note
from service.transparency.tiles import MAX_ENTRY_BYTES, TILE_WIDTH, EntryBundle, Tile, TileRefused, bundled_entries
from service.transparency.tlog_proof import TlogProof


class CheckpointInvalid(Exception):
    """A checkpoint that was kept is none of this key; the message is one sentence."""


class NotInTree(Exception):
    """The tree has no such tile, entry or record; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class LogTree:
    """The tree of a log at one moment, whose seal was verified."""

    connection: sa.Connection
    sealed: SealedTree
    key: LogKey
    kept: KeptCheckpoint

    def checkpoint(self) -> Note:
        """The checkpoint of this moment, signed by the log's key. It is kept beside the key before it is given. Raises LogRefused."""
        self.kept.keep(self.key, self.sealed.frontier)
        return self.key.checkpoint(self.sealed.frontier)

    def tile(self, tile: Tile) -> bytes:
        """The hashes of a tile. Raises NotInTree."""
        try:
            return tile_of(self.connection, self.sealed, tile)
        except TileRefused as refused:
            raise NotInTree(str(refused)) from None

    def entries(self, bundle: EntryBundle) -> bytes:
        """The entries under a tile. Raises NotInTree."""
        first, end = bundle.index * TILE_WIDTH, bundle.index * TILE_WIDTH + bundle.width
        if end > self.sealed.size:
            raise NotInTree("the tree has no such entries")
        rows = sa.select(tree_leaf.c.index, tree_leaf.c.leaf).where(tree_leaf.c.index >= first, tree_leaf.c.index < end)
        found = {index: bytes(leaf) for index, leaf in self.connection.execute(rows)}
        if len(found) < bundle.width:
            sequence = self._first_record(first)
            records = sa.select(record.c.leaf_index, record.c.leaf).where(record.c.sequence >= sequence)
            records = records.order_by(record.c.sequence).limit(bundle.width)
            found = {index: bytes(leaf) for index, leaf in self.connection.execute(records) if first <= index < end} | found
        if len(found) != bundle.width:
            raise TreeBroken("leaves are missing; `fifthfactor log verify` says which")
        return bundled_entries([found[index] for index in range(first, end)])

    def proof(self, id: str) -> TlogProof:
        """
        The proof that the record of a decision is in the tree.

        It is from a checkpoint that covers the record and may be a second old, so most proofs wait for no disk. Raises NotInTree, and
        TreeBroken if the rows do not lead to the root.
        """
        found = sa.select(record.c.sequence, record.c.leaf_index, record.c.leaf, record.c.leaf_hash).where(record.c.id == id)
        row = self.connection.execute(found).one_or_none()
        if row is None:
            raise NotInTree("no decision with this id is recorded")
        tree, hashes, node = self._path(row.leaf_index)
        leaf = bytes(row.leaf)
        extra = None
        if len(leaf) > MAX_ENTRY_BYTES:
            extra = leaf = long_record(row.sequence, leaf)
        if leaf_hash(leaf) != node:
            raise TreeBroken("the record is not the one in the tree; `fifthfactor log verify` says more")
        return TlogProof(row.leaf_index, hashes, self.key.checkpoint(tree), extra)

    def receipt(self, index: int, leaf: bytes) -> tuple[TlogProof, CoseReceipt]:
        """The proof of a leaf that is no record, and the receipt in COSE, both for one tree. Raises as `proof` does."""
        tree, hashes, node = self._path(index)
        if leaf_hash(leaf) != node:
            raise TreeBroken("the leaf is not the one in the tree; `fifthfactor log verify` says more")
        cose = CoseReceipt.issued(index, tree.size, node, hashes, self.key.private)
        return TlogProof(index, hashes, self.key.checkpoint(tree)), cose

    def _path(self, index: int) -> tuple[Frontier, tuple[bytes, ...], bytes]:
        """
        A tree whose checkpoint is kept, the hashes that lead from a leaf to its root, and the hash of the leaf.

        Raises NotInTree and TreeBroken.
        """
        if index >= self.sealed.size:
            raise NotInTree("the leaf was made after this checkpoint")
        tiles = nodes(self.connection, self.sealed)
        tree = self.kept.recent(self.key)
        if not index < tree.size <= self.sealed.size:
            tree = self.sealed.frontier
            self.kept.keep(self.key, tree)
        try:
            return tree, inclusion_proof(index, tree.size, tiles.node), tiles.node(0, index)
        except TileRefused as refused:
            raise TreeBroken(f"the hashes do not lead to the root: {refused}") from None

    def _first_record(self, index: int) -> int:
        """The number of the first record whose leaf has this index or a higher one: both grow together."""
        low = 0
        high = self.connection.execute(sa.select(sa.func.max(record.c.sequence))).scalar() or 0
        while low < high:
            middle = (low + high) // 2
            held = sa.select(record.c.leaf_index).where(record.c.sequence == middle)
            at = self.connection.execute(held).scalar_one_or_none()
            if at is None or at < index:
                low = middle + 1
            else:
                high = middle
        return low


@contextmanager
def log_tree(database: Database) -> Iterator[LogTree]:
    """The tree of a log as it is committed now. Raises TreeBroken, and LogKeyRefused without the log's key."""
    with database.reading.connect() as connection:
        yield LogTree(connection, *database.sealed(connection), database.kept)


def kept_checkpoint(note: bytes, key: str, witness: str | None = None) -> Checkpoint:
    """
    The checkpoint in the bytes of a note that the owner of a verifier key signed, and that of a witness's cosigned if one is given.

    Raises CheckpointInvalid.
    """
    try:
        trusted = VerifierKey.parse(key.strip())
        found = Note.parse(note)
        checkpoint, _ = open_checkpoint(found, trusted.name, [trusted])
        if witness is not None:
            cosigner = VerifierKey.parse(witness.strip())
            if cosigner.type is not SignatureType.COSIGNATURE:
                raise CheckpointInvalid("the key of the witness is none for cosignatures")
            verify_note(found, [cosigner])
    except (KeyTextRefused, NoteRefused, CheckpointRefused) as refused:
        raise CheckpointInvalid(str(refused)) from None
    return checkpoint


def verifier_key(key: LogKey) -> VerifierKey:
    """The key that others verify checkpoints with."""
    return key.verifier
