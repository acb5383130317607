"""
What the log shows of its tree: checkpoints, tiles, entries and proofs, read from a database in its committed state.

- INVARIANT (sealed, then signed): a checkpoint is signed from a committed size and frontier with the seal of the log's key. So there is
  one root for each size.
- INVARIANT (verified reading): the hashes of a proof lead to the root of its checkpoint, whatever the rows hold. Else it is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import sqlalchemy as sa

from service.log.earlier_records import EarlierRecords
from service.receipts.earlier_record import EarlierRecord
from service.store.database import Database
from service.store.log_key import LogKey
from service.store.log_tree import SealedTree, TreeBroken, long_record, sealed_tree
from service.store.tables import record, tree_leaf, tree_node, tree_tile
from service.transparency.checkpoint import Checkpoint, CheckpointRefused, opened
from service.transparency.cose_receipt import CoseReceipt
from service.transparency.merkle_tree import HASH_BYTES, inclusion_proof, leaf_hash
from service.transparency.signed_note import KeyTextRefused, Note, NoteRefused, SignatureType, SignerKey, VerifierKey
from service.transparency.tiles import (
    MAX_ENTRY_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    EntryBundle,
    Tile,
    TileRefused,
    VerifiedTiles,
    bundled_entries,
)
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

    def checkpoint(self) -> Note:
        """The checkpoint of this moment, signed by the log's key."""
        signer = SignerKey(self.key.origin, SignatureType.NOTE, self.key.private)
        return Checkpoint(self.key.origin, self.sealed.size, self.sealed.frontier.root()).signed(signer)

    def tile(self, tile: Tile) -> bytes:
        """The hashes of a tile. Raises NotInTree."""
        first = tile.index * TILE_WIDTH
        if first + tile.width > self.sealed.size >> TILE_HEIGHT * tile.level:
            raise NotInTree("the tree has no such tile")
        if tile.level == 0:
            whole = self.sealed.tail
            if first + TILE_WIDTH <= self.sealed.size:
                held = sa.select(tree_tile.c.hashes).where(tree_tile.c.index == tile.index)
                whole = bytes(self.connection.execute(held).scalar_one_or_none() or b"")
            return whole[: tile.width * HASH_BYTES]
        level = TILE_HEIGHT * tile.level
        wanted = (tree_node.c.level == level, tree_node.c.index >= first, tree_node.c.index < first + tile.width)
        nodes = self.connection.execute(sa.select(tree_node.c.hash).where(*wanted).order_by(tree_node.c.index)).scalars()
        return b"".join(map(bytes, nodes))

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

    def proof(self, id: str, earlier: EarlierRecords) -> TlogProof:
        """
        The proof that the record of a decision is in the tree; if the record is older, in two steps, the second in the extra data.

        Raises NotInTree, and TreeBroken if the rows do not lead to the root.
        """
        found = sa.select(record.c.sequence, record.c.leaf_index, record.c.leaf, record.c.leaf_hash).where(record.c.id == id)
        row = self.connection.execute(found).one_or_none()
        if row is None:
            raise NotInTree("no decision with this id is recorded")
        if row.leaf_index is None:
            return self._earlier(row.sequence, earlier)
        hashes, node = self._path(row.leaf_index)
        leaf = bytes(row.leaf)
        extra = None
        if len(leaf) > MAX_ENTRY_BYTES:
            extra = leaf = long_record(row.sequence, leaf)
        if leaf_hash(leaf) != node:
            raise TreeBroken("the record is not the one in the tree; `fifthfactor log verify` says more")
        return TlogProof(row.leaf_index, hashes, self.checkpoint(), extra)

    def receipt(self, index: int, leaf: bytes) -> tuple[TlogProof, CoseReceipt]:
        """The proof of a leaf that is no record, and the receipt in COSE, both for the tree of this moment. Raises as `proof` does."""
        if index >= self.sealed.size:
            raise NotInTree("the tree has no such leaf")
        hashes, node = self._path(index)
        if leaf_hash(leaf) != node:
            raise TreeBroken("the leaf is not the one in the tree; `fifthfactor log verify` says more")
        cose = CoseReceipt.issued(index, self.sealed.size, node, hashes, self.key.private)
        return TlogProof(index, hashes, self.checkpoint()), cose

    def _earlier(self, sequence: int, earlier: EarlierRecords) -> TlogProof:
        found = earlier.path(self.connection, sequence)
        if found is None:
            raise NotInTree("the record has no leaf in the tree, and is none of those that are older")
        proof, _ = self.receipt(found.index, found.leaf)
        return replace(proof, extra=EarlierRecord(sequence, found.hashes, found.leaf).to_bytes())

    def _path(self, index: int) -> tuple[tuple[bytes, ...], bytes]:
        """The hashes that lead from a leaf to the root, and the hash of the leaf. Raises TreeBroken."""
        size = self.sealed.size
        try:
            tiles = VerifiedTiles(size, self.sealed.frontier.root(), self.tile)
            return inclusion_proof(index, size, tiles.node), tiles.node(0, index)
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
            if at is None or at < index:  # null: older than the tree
                low = middle + 1
            else:
                high = middle
        return low


@contextmanager
def log_tree(database: Database) -> Iterator[LogTree]:
    """The tree of a log as it is committed now. Raises TreeBroken, and LogKeyRefused without the log's key."""
    key = database.log_key()
    with database.reading.connect() as connection:
        sealed = sealed_tree(connection)
        if sealed is None or not sealed.is_sealed_by(key):
            raise TreeBroken("the tree of the log does not have the seal of the log's key; `fifthfactor log verify` says more")
        yield LogTree(connection, sealed, key)


def kept_checkpoint(note: bytes, key: str) -> Checkpoint:
    """The checkpoint in the bytes of a note that the owner of a verifier key signed. Raises CheckpointInvalid."""
    try:
        trusted = VerifierKey.parse(key.strip())
        checkpoint, _ = opened(Note.parse(note), trusted.name, [trusted])
    except (KeyTextRefused, NoteRefused, CheckpointRefused) as refused:
        raise CheckpointInvalid(str(refused)) from None
    return checkpoint


def verifier_key(key: LogKey) -> VerifierKey:
    """The key that others verify checkpoints with."""
    return VerifierKey(key.origin, SignatureType.NOTE, key.private.public)
