"""
The tree of the log in the database: what a writing transaction appends goes in, a sealed size and frontier come out.

Everything that matters is a leaf of one Merkle tree (RFC 9162). A piece of work appends leaves by the connection of its transaction.
Before the commit the transaction extends the tree by all of them at once, and seals the new size and frontier by the log's key.

- INVARIANT (dense leaves): leaves have the indexes 0, 1, 2 … in the order in which they were appended, under the one writing lock.
- INVARIANT (sealed growth): a transaction extends nothing but a frontier with the seal of the log's key. So a leaf that was slipped
  in by other means is in no root that this service signs.
- INVARIANT (one key): the first leaf names the log and the public half of its key.
- A leaf has at most 65,535 bytes. What is longer stands in it by its SHA-256.
"""

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from service.store.log_key import LogKey, LogRefused
from service.store.moments import now_text
from service.store.tables import record, tree_leaf, tree_node, tree_tile
from service.transparency.merkle_tree import HASH_BYTES, Frontier, NotAFrontier, leaf_hash
from service.transparency.tiles import MAX_ENTRY_BYTES, TILE_HEIGHT, TILE_WIDTH

SCHEMA = "fifthfactor/leaf/1"
RECORD = "record"  # the kind of the leaf of a record
ADMITTING = frozenset({"key-made", "key-revoked", "session-ended"})  # the leaves by which somebody is let in, or not any more

_ROW = "leaf"  # of `head`
_GROWTH = "fifthfactor.growth"
_STATE_DOMAIN = b"fifthfactor/log-state/1\x00"
_TILE_BYTES = TILE_WIDTH * HASH_BYTES
_SEALED_TREE = f"SELECT next, frontier, tail, seal, admitting FROM head WHERE name = '{_ROW}'"
_LAST_SEAL = f"SELECT next, seal FROM head WHERE name = '{_ROW}'"
# Every record waits for these two, so they go to the driver as directly as possible, like the rows that are inserted in bulk.
_SEALED = f"UPDATE head SET next = {{0}}, frontier = {{0}}, tail = {{0}}, seal = {{0}}, admitting = {{0}} WHERE name = '{_ROW}'"
_PLACE = {"sqlite": "?", "postgresql": "%s"}

Insert = Callable[[sa.Connection, sa.Table, Sequence[tuple[Any, ...]]], None]


class TreeBroken(LogRefused):
    """The tree in the database is not the one that was sealed; the message is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class SealedTree:
    """
    The tree as the database holds it: frontier, the hashes of the leaves that fill no tile yet, and the number of the last leaf that is
    ADMITTING, -1 if there is none; and the seal over all of this. Before 0.14.0 the number was not in the seal.
    """

    frontier: Frontier
    tail: bytes
    seal: bytes
    admitting: int = -1

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self.frontier.size

    def is_sealed_by(self, key: LogKey) -> bool:
        """Whether the seal is one by this key."""
        sealed = (_seal(key, self.frontier, self.tail, number) for number in (self.admitting, None))
        return any(hmac.compare_digest(self.seal, each) for each in sealed)


Vouched = Callable[[sa.Connection], tuple[SealedTree, LogKey]]  # the tree that may be extended, and the key that sealed it


class Growth:
    """The leaves that one writing transaction appends. The transaction itself says when it is at its end."""

    def __init__(self, transaction: sa.Connection, vouched: Vouched, insert: Insert) -> None:
        self._transaction, self._vouched, self._insert = transaction, vouched, insert
        self._before: SealedTree | None = None
        self._key: LogKey | None = None
        self.after: tuple[LogKey, SealedTree] | None = None  # of a transaction that is at its end and has grown the tree
        self._hashes: list[bytes] = []
        self._leaves: list[tuple[int, str, bytes]] = []

    def __len__(self) -> int:
        return len(self._hashes)

    def append(self, kind: str, leaf: bytes) -> int:
        """Append a leaf; returns its index. Raises TreeBroken, and LogKeyRefused without the log's key."""
        if len(leaf) > MAX_ENTRY_BYTES:
            raise ValueError(f"a leaf has at most {MAX_ENTRY_BYTES} bytes")
        index = self._append(leaf_hash(leaf))
        self._leaves.append((index, kind, leaf))
        return index

    def note(self, kind: str, members: Mapping[str, Any]) -> int:
        """Append a leaf of now with some members, which hold whole numbers and ASCII texts only; returns its index."""
        return self.append(kind, _plain_leaf({"kind": kind, "at": now_text(), **members}))

    def append_record(self, sequence: int, leaf: bytes, hash_of_leaf: bytes) -> int:
        """Append the leaf of a record, which its own row holds; returns its index. Raises as `append` does."""
        if len(leaf) <= MAX_ENTRY_BYTES:
            return self._append(hash_of_leaf)
        return self.append(RECORD, long_record(sequence, leaf))

    def undo(self, length: int) -> None:
        """Forget the leaves beyond the first ones of this transaction: the work that appended them is undone."""
        if length < len(self):
            del self._hashes[length:]
            size = self.tree().size + length
            self._leaves = [each for each in self._leaves if each[0] < size]

    def finish(self) -> None:
        """Write the leaves and seal the tree, as the last thing in the transaction."""
        if not self._hashes:
            return
        before = self.tree()
        assert self._key is not None
        after, completed = before.frontier.grown(self._hashes)
        tail = before.tail + b"".join(self._hashes)
        full = len(tail) // _TILE_BYTES * _TILE_BYTES
        tiles = [
            (before.size // TILE_WIDTH + at, tail[start : start + _TILE_BYTES])
            for at, start in enumerate(range(0, full, _TILE_BYTES))
        ]
        nodes = [
            (level, (before.size >> level) + at, node)
            for level in range(TILE_HEIGHT, len(completed), TILE_HEIGHT)
            for at, node in enumerate(completed[level])
        ]
        tail = tail[full:]
        self._insert(self._transaction, tree_leaf, self._leaves)
        self._insert(self._transaction, tree_tile, tiles)
        self._insert(self._transaction, tree_node, nodes)
        admitting = max([before.admitting, *(index for index, kind, _ in self._leaves if kind in ADMITTING)])
        seal = _seal(self._key, after, tail, admitting)
        sealed = (after.size, after.to_bytes(), tail, seal, admitting)
        self._transaction.exec_driver_sql(_SEALED.format(_PLACE[self._transaction.dialect.name]), sealed)
        self.after = self._key, SealedTree(after, tail, seal, admitting)

    def seal_by(self, key: LogKey) -> None:
        """Seal what this transaction appends by another key than the one before it."""
        self.tree()
        self._key = key

    def begin(self, key: LogKey) -> None:
        """Make the first leaf of a log that has nothing yet. Raises TreeBroken."""
        for found, table in (("leaves", tree_leaf), ("records", record)):
            if self._transaction.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None:
                raise TreeBroken(f"the log has {found}, and no sealed tree")
        self._before, self._key = SealedTree(Frontier(), b"", b""), key
        public = key.private.public.raw.hex()
        self.note("log", {"origin": key.origin, "public_key": public})

    def _append(self, hash_of_leaf: bytes) -> int:
        index = self.tree().size + len(self._hashes)
        self._hashes.append(hash_of_leaf)
        return index

    def hash_of(self, index: int) -> bytes:
        """The hash of a leaf of this transaction."""
        return self._hashes[index - self.tree().size]

    def last(self) -> int:
        """The number of the last leaf so far."""
        return self.tree().size + len(self._hashes) - 1

    def key(self) -> LogKey:
        """The log's key, by which this transaction seals. Raises as `tree` does."""
        self.tree()
        assert self._key is not None
        return self._key

    def tree(self) -> SealedTree:
        """The tree before this transaction. Raises TreeBroken, and LogKeyRefused without the log's key."""
        if self._before is None:
            self._before, self._key = self._vouched(self._transaction)
        return self._before


def growth_of(transaction: sa.Connection) -> Growth:
    """The growth of the tree in a writing transaction, for work that appends a leaf."""
    growth: Growth = transaction.info[_GROWTH]
    return growth


def begin_growth(transaction: sa.Connection, growth: Growth | None) -> None:
    """Give a writing transaction its growth, or take it away at the end."""
    transaction.info[_GROWTH] = growth


def is_still_sealed(connection: sa.Connection, last: SealedTree) -> bool:
    """
    Whether the last seal is the one of a tree that this process sealed itself. Then that tree need not be read again.

    Whatever else the row says by now is written over by the next transaction.
    """
    row = connection.exec_driver_sql(_LAST_SEAL).one_or_none()
    return row is not None and row[0] == last.size and row[1] is not None and bytes(row[1]) == last.seal


def sealed_tree(connection: sa.Connection) -> SealedTree | None:
    """The tree as it is sealed, or None if it was never begun. The seal is not looked at. Raises TreeBroken."""
    row = connection.exec_driver_sql(_SEALED_TREE).one_or_none()
    if row is None or not any(map(bool, row[:4])):
        return None
    try:
        frontier, tail, seal = Frontier.from_bytes(bytes(row[1])), bytes(row[2]), bytes(row[3])
    except (NotAFrontier, TypeError):
        raise TreeBroken("the size and the frontier of the tree are not what a service writes") from None
    if frontier.size != row[0] or len(tail) != frontier.size % TILE_WIDTH * HASH_BYTES:
        raise TreeBroken("the tree of the log has another size than its frontier")
    return SealedTree(frontier, tail, seal, row[4] if isinstance(row[4], int) and row[4] >= 0 else -1)


def long_record(sequence: int, leaf: bytes) -> bytes:
    """The leaf in the tree of a record whose own leaf is too long."""
    return _plain_leaf({"kind": RECORD, "sequence": sequence, "sha256": sha256(leaf).hexdigest()})


def _seal(key: LogKey, frontier: Frontier, tail: bytes, admitting: int | None) -> bytes:
    number = b"" if admitting is None else (admitting + 1).to_bytes(8)
    return key.seal(_STATE_DOMAIN + frontier.to_bytes() + tail + number)


def _plain_leaf(members: Mapping[str, Any]) -> bytes:
    """A leaf of whole numbers and ASCII texts only, for which this is the form of RFC 8785."""
    return json.dumps({"schema": SCHEMA, **members}, sort_keys=True, separators=(",", ":")).encode("ascii")
