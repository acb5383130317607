"""
Verifying the tree of a log: its leaves, its nodes, its frontier and seal, and that records and leaves belong together.

A service may write meanwhile; leaves that are made after the beginning are not checked.
"""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from service.log.canonical_json import NotCanonical, canonical
from service.store.log_key import LogKey
from service.store.log_tree import RECORD, SCHEMA, TreeBroken, long_record, root_of_records, sealed_tree
from service.store.tables import head, record, tree_leaf, tree_node
from service.transparency.merkle_tree import Frontier, leaf_hash
from service.transparency.tiles import MAX_ENTRY_BYTES, TILE_HEIGHT

_AT_ONCE = 2_560
_SHOWN = 10  # faults of one kind

# A cast, since a value that was tampered with may have any type.
_LEAVES = (
    sa.select(
        tree_leaf.c.index.label("at"),  # a row of SQLAlchemy has a method of the other name
        tree_leaf.c.kind,
        sa.cast(tree_leaf.c.leaf, sa.LargeBinary).label("leaf"),
        sa.cast(tree_leaf.c.hash, sa.LargeBinary).label("hash"),
        tree_leaf.c.sequence,
        record.c.sequence.label("recorded"),
        record.c.leaf_index,
        sa.cast(record.c.leaf, sa.LargeBinary).label("record_leaf"),
        sa.cast(record.c.leaf_hash, sa.LargeBinary).label("record_hash"),
    )
    .select_from(tree_leaf.outerjoin(record, record.c.sequence == tree_leaf.c.sequence))
    .order_by(tree_leaf.c.index)
)


def tree_faults(connection: sa.Connection, key: LogKey | None) -> Iterator[str]:
    """A sentence for each fault of the tree. Without the log's key its seal is not verified."""
    try:
        sealed = sealed_tree(connection)
    except TreeBroken as broken:
        yield str(broken)
        return
    if sealed is None:
        yield "the log has no tree"
        return
    if key is not None and not sealed.is_sealed_by(key):
        yield "the size and the frontier of the tree do not have the seal of the log's key"
    size = sealed.frontier.size
    frontier, next_record = Frontier(), 0
    # Ranges of a fixed number of indexes, so that a missing leaf does not shift what follows.
    for start in range(0, size, _AT_ONCE):
        end = min(size, start + _AT_ONCE)
        hashes: list[bytes] = []
        found = connection.execute(_LEAVES.where(tree_leaf.c.index >= start, tree_leaf.c.index < end)).all()
        for row in found:
            if row.at != start + len(hashes):
                yield f"there is no leaf {start + len(hashes)}"
                return
            hashes.append(row.hash)
            yield from (f"leaf {row.at}: {fault}" for fault in _faults(row, next_record))
            if row.sequence is not None:
                next_record = row.sequence + 1
            elif row.kind == "earlier":
                next_record, different = _earlier(connection, row.leaf)
                yield from (f"leaf {row.at}: {fault}" for fault in different)
            elif row.at == 0 and key is not None and not _names(row.leaf, key):
                yield "leaf 0: it does not name the log's key"
        if len(hashes) != end - start:
            yield f"there is no leaf {start + len(hashes)}"
            return
        try:
            frontier, completed = frontier.grown(hashes)
        except ValueError:
            yield f"a hash of the leaves {start} to {end - 1} does not have 32 bytes"
            return
        yield from _faults_of_nodes(connection, start, completed)
    if frontier != sealed.frontier:
        yield "the leaves do not lead to the frontier that was sealed"
    yield from _not_in_the_tree(connection, next_record)


def _faults(row: sa.Row[Any], next_record: int) -> Iterator[str]:
    """The faults of one leaf; `next_record` is the number of the next record that must have a leaf."""
    if row.sequence is None:
        if row.leaf is None or leaf_hash(row.leaf) != row.hash:
            yield "its bytes do not have its hash"
        elif not _is_leaf(row.leaf, row.kind):
            yield "it is not the canonical JSON of a leaf of its kind"
        return
    if row.kind != RECORD or row.sequence != next_record:
        yield f"it is of record {row.sequence}, and record {next_record} has the next leaf"
    if row.recorded is None:
        yield f"there is no record {row.sequence}"
        return
    if row.leaf_index != row.at:
        yield f"record {row.sequence} names another leaf"
    if len(row.record_leaf) <= MAX_ENTRY_BYTES:
        if row.leaf is not None or row.hash != row.record_hash:
            yield f"it does not have the hash of record {row.sequence}"
    elif row.leaf != long_record(row.sequence, row.record_leaf) or leaf_hash(row.leaf) != row.hash:
        yield f"it does not hold the digest of record {row.sequence}"


def _is_leaf(leaf: bytes, kind: str) -> bool:
    try:
        document = json.loads(leaf)
        sound: bool = document["schema"] == SCHEMA and document["kind"] == kind and canonical(document) == leaf
    except (ValueError, NotCanonical, KeyError, TypeError):
        return False
    return sound and len(leaf) <= MAX_ENTRY_BYTES


def _names(leaf: bytes | None, key: LogKey) -> bool:
    try:
        document = json.loads(leaf or b"")
        named: bool = (document["origin"], document["public_key"]) == (key.origin, key.private.public.raw.hex())
    except (ValueError, KeyError, TypeError):
        return False
    return named


def _earlier(connection: sa.Connection, leaf: bytes | None) -> tuple[int, tuple[str, ...]]:
    """How many records are older than the tree, and what is wrong with them."""
    try:
        document = json.loads(leaf or b"")
        count, root = int(document["records"]), str(document["root"])
    except (ValueError, KeyError, TypeError):
        return 0, ("it does not say which records are older than the tree",)
    held = root_of_records(connection, count)
    if (held.size, held.root().hex()) != (count, root):
        return count, ("the records that are older than the tree do not lead to its root",)
    return count, ()


def _faults_of_nodes(connection: sa.Connection, start: int, completed: tuple[tuple[bytes, ...], ...]) -> Iterator[str]:
    for level in range(TILE_HEIGHT, len(completed), TILE_HEIGHT):
        first, nodes = start >> level, completed[level]
        wanted = (tree_node.c.level == level, tree_node.c.index >= first, tree_node.c.index < first + len(nodes))
        hashes = sa.select(tree_node.c.index, sa.cast(tree_node.c.hash, sa.LargeBinary)).where(*wanted)
        held = {index: bytes(node) for index, node in connection.execute(hashes)}
        for at, node in enumerate(nodes, first):
            if held.get(at) != node:
                yield f"node {at} of level {level} is not the one over its leaves"


def _not_in_the_tree(connection: sa.Connection, next_record: int) -> Iterator[str]:
    """Leaves beyond the sealed size, and records without a leaf. Each is one statement, since more may be recorded meanwhile."""
    size = sa.select(head.c.next).where(head.c.name == "leaf").scalar_subquery()
    beyond = sa.select(tree_leaf.c.index).where(sa.or_(tree_leaf.c.index >= size, tree_leaf.c.index < 0))
    for index in connection.execute(beyond.order_by(tree_leaf.c.index).limit(_SHOWN)).scalars():
        yield f"leaf {index} is in no sealed tree"
    both = record.outerjoin(
        tree_leaf, sa.and_(tree_leaf.c.index == record.c.leaf_index, tree_leaf.c.sequence == record.c.sequence)
    )
    without = (
        sa.select(record.c.sequence).select_from(both).where(record.c.sequence >= next_record, tree_leaf.c.index.is_(None))
    )
    for sequence in connection.execute(without.order_by(record.c.sequence).limit(_SHOWN)).scalars():
        yield f"record {sequence} has no leaf"
