"""
The tree over the records that are older than the log's tree: paths from such a record to the root that the leaf `earlier` holds.

Nothing in the database holds its inner nodes. They are computed once for a process, from the hashes of all these records, and only kept
if they lead to the root; they take 32 bytes for 256 records. After that a path needs 256 hashes from the database.
"""

import json
from dataclasses import dataclass, field
from threading import Lock

import sqlalchemy as sa

from service.store.log_tree import TreeBroken
from service.store.tables import record, tree_leaf
from service.transparency.merkle_tree import HASH_BYTES, Frontier, inclusion_proof
from service.transparency.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, TileRefused, VerifiedTiles

_AT_ONCE = 16 * TILE_WIDTH
_HASHES = sa.select(sa.cast(record.c.leaf_hash, sa.LargeBinary)).order_by(record.c.sequence)


@dataclass(frozen=True, slots=True)
class EarlierPath:
    """The leaf `earlier`, its index, and the path from a record to the root that it holds."""

    index: int
    leaf: bytes
    hashes: tuple[bytes, ...]


@dataclass(eq=False)
class EarlierRecords:
    """The older records of one log. Any number of threads may use it."""

    _lock: Lock = field(default_factory=Lock)
    _rows: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)  # by root: the nodes of the levels 8, 16, 24 …

    def path(self, connection: sa.Connection, sequence: int) -> EarlierPath | None:
        """The path of a record; None if the log has no older records, or not this one. Raises TreeBroken."""
        held = sa.select(tree_leaf.c.index.label("at"), tree_leaf.c.leaf).where(tree_leaf.c.kind == "earlier")
        row = connection.execute(held.order_by(tree_leaf.c.index).limit(1)).one_or_none()
        if row is None:
            return None
        leaf = bytes(row.leaf)
        try:
            document = json.loads(leaf)
            size, root = int(document["records"]), bytes.fromhex(document["root"])
        except (ValueError, KeyError, TypeError):
            raise TreeBroken("the leaf `earlier` does not say which records are older than the tree") from None
        if not 0 <= sequence < size:
            return None
        with self._lock:
            if root not in self._rows:
                self._rows[root] = _rows_of_nodes(connection, size, root)
            rows = self._rows[root]

        def read_tile(tile: Tile) -> bytes:
            first = tile.index * TILE_WIDTH
            if tile.level:
                return rows[tile.level - 1][first * HASH_BYTES : (first + tile.width) * HASH_BYTES]
            chosen = _HASHES.where(record.c.sequence >= first, record.c.sequence < first + tile.width)
            return b"".join(map(bytes, connection.execute(chosen).scalars()))

        try:
            return EarlierPath(row.at, leaf, inclusion_proof(sequence, size, VerifiedTiles(size, root, read_tile).node))
        except TileRefused as refused:
            raise TreeBroken(f"the older records do not lead to their root: {refused}") from None


def _rows_of_nodes(connection: sa.Connection, size: int, root: bytes) -> tuple[bytes, ...]:
    frontier = Frontier()
    rows: list[bytearray] = []
    for first in range(0, size, _AT_ONCE):
        chosen = _HASHES.where(record.c.sequence >= first, record.c.sequence < min(size, first + _AT_ONCE))
        frontier, completed = frontier.grown([bytes(each) for each in connection.execute(chosen).scalars()])
        for row, nodes in enumerate(completed[TILE_HEIGHT::TILE_HEIGHT]):
            if row == len(rows):
                rows.append(bytearray())
            rows[row] += b"".join(nodes)
    if (frontier.size, frontier.root()) != (size, root):
        raise TreeBroken(
            "the records that are older than the tree do not lead to their root; `fifthfactor log verify` says more"
        )
    return tuple(map(bytes, rows))
