"""
Verifying the tree of a log: its leaves, its nodes, its frontier and seal, and that records and leaves belong together.

A service may write meanwhile; leaves that are made after the beginning are not checked.
"""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from service.log.canonical_json import NotCanonical, canonical
from service.log.opening_verification import opening_faults
from service.store.log_identity import NAMING, LogIdentity, LogNotNamed, faults_of_checkpoint
from service.store.log_key import LogKey
from service.store.log_tree import ADMITTING, RECORD, SCHEMA, TreeBroken, long_record, sealed_tree
from service.store.tables import head, record, tree_leaf, tree_node, tree_tile
from service.transparency.checkpoint import Checkpoint
from service.transparency.merkle_tree import HASH_BYTES, Frontier, leaf_hash
from service.transparency.tiles import MAX_ENTRY_BYTES, TILE_HEIGHT, TILE_WIDTH

_SHOWN = 10  # faults of one kind

# Casts, since a value that was tampered with may have any type.
_LEAVES = sa.select(
    tree_leaf.c.index.label("at"),  # a row of SQLAlchemy has a method of the other name
    tree_leaf.c.kind,
    sa.cast(tree_leaf.c.leaf, sa.LargeBinary).label("leaf"),
).order_by(tree_leaf.c.index)
_RECORDS = sa.select(
    record.c.sequence,
    record.c.leaf_index,
    sa.cast(record.c.leaf_hash, sa.LargeBinary).label("hash"),
    sa.func.length(record.c.leaf).label("length"),
).order_by(record.c.sequence)


def tree_faults(connection: sa.Connection, key: LogKey | None, kept: Sequence[Checkpoint] = ()) -> Iterator[str]:
    """
    A sentence for each fault of the tree. Without the log's key its seal is not verified.

    `kept` are earlier checkpoints of the log, whose signatures were verified: the tree must begin with the one of each.
    """
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
    frontier, next_record = Frontier(), 0
    names: list[LogIdentity] = []
    other: list[Checkpoint] = []  # those whose root is another
    for start in range(0, sealed.size, TILE_WIDTH):
        width = min(TILE_WIDTH, sealed.size - start)
        data = _tile(connection, start // TILE_WIDTH) if width == TILE_WIDTH else sealed.tail
        if len(data) != width * HASH_BYTES:
            yield f"the hashes of the leaves {start} to {start + width - 1} are missing"
            return
        hashes = [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
        leaves = {row.at: row for row in connection.execute(_LEAVES.where(tree_leaf.c.index.between(start, start + width - 1)))}
        records = deque(connection.execute(_RECORDS.where(record.c.sequence >= next_record).limit(width + 1)))
        for index, hash_of_leaf in enumerate(hashes, start):
            row = leaves.get(index)
            if row is not None and row.kind != RECORD:
                yield from (f"leaf {index}: {fault}" for fault in _faults(row, hash_of_leaf))
                if row.kind in NAMING:
                    then = frontier.appended(hashes[: index - start])
                    yield from (f"leaf {index} {fault}" for fault in _named(names, row, then))
                continue
            if not records or records[0].sequence != next_record or records[0].leaf_index != index:
                yield f"leaf {index}: record {next_record}, which is next, is not there, or names another leaf"
                return
            of_leaf = records.popleft()
            next_record += 1
            yield from (f"leaf {index}: {fault}" for fault in _faults_of_record(connection, of_leaf, row, hash_of_leaf))
        for each in kept:
            if start < each.size <= start + width and frontier.appended(hashes[: each.size - start]).root() != each.root:
                other.append(each)
        frontier, completed = frontier.grown(hashes)
        yield from _faults_of_nodes(connection, start, completed)
    if frontier != sealed.frontier:
        yield "the leaves do not lead to the frontier that was sealed"
    last = sa.select(sa.func.coalesce(sa.func.max(tree_leaf.c.index), -1)).where(tree_leaf.c.kind.in_(sorted(ADMITTING)))
    if connection.execute(last).scalar_one() != sealed.admitting:
        yield "the head of the tree does not name the last leaf that let somebody in or out"
    if not names:
        yield "no leaf says who the log is"
    elif key is not None and not names[-1].names(key):
        yield f"leaf {names[-1].first} does not name the log's key"
    for each in kept:
        yield from faults_of_checkpoint(names, each, sealed.size, each not in other)
    yield from _not_in_the_tree(connection, sealed.size, next_record)
    yield from opening_faults(connection, sealed.size)


def counted(connection: sa.Connection) -> tuple[int, str]:
    """
    How many records there are to verify, and what is wrong with their number; nothing if it is right.

    The number in `head` has no seal: a smaller one would keep the last records from being verified. So it is compared with the records of
    the tree, whose size has one. Both are of one moment.
    """
    said, size = (sa.select(head.c.next).where(head.c.name == name).scalar_subquery() for name in ("record", "leaf"))
    with_leaf = sa.select(sa.func.count()).select_from(record).where(record.c.leaf_index < size).scalar_subquery()
    number, in_tree = connection.execute(sa.select(said, with_leaf)).one()
    wrong = "" if in_tree <= number else f"the log counts {number:,} records, and the leaves of {in_tree:,} are in the tree"
    return max(number, in_tree), wrong


def _tile(connection: sa.Connection, index: int) -> bytes:
    held = sa.select(sa.cast(tree_tile.c.hashes, sa.LargeBinary)).where(tree_tile.c.index == index)
    return bytes(connection.execute(held).scalar_one_or_none() or b"")


def _named(names: list[LogIdentity], row: sa.Row[Any], before: Frontier) -> Iterator[str]:
    """Add the identity that a leaf names to those before it, and say what is wrong with it."""
    try:
        names.append(names[-1].next(row.kind, row.leaf, before) if names else LogIdentity.of_first(row.leaf))
    except LogNotNamed as wrong:
        yield str(wrong)


def _faults(row: sa.Row[Any], hash_of_leaf: bytes) -> Iterator[str]:
    """The faults of a leaf that is not of a record."""
    if leaf_hash(row.leaf) != hash_of_leaf:
        yield "its bytes do not have its hash"
    elif not _is_leaf(row.leaf, row.kind):
        yield "it is not the canonical JSON of a leaf of its kind"


def _faults_of_record(
    connection: sa.Connection, of_leaf: sa.Row[Any], row: sa.Row[Any] | None, hash_of_leaf: bytes
) -> Iterator[str]:
    """The faults of the leaf of a record; `row` is that leaf itself if the record is too long to be one."""
    if of_leaf.length <= MAX_ENTRY_BYTES:
        if row is not None or hash_of_leaf != of_leaf.hash:
            yield f"it does not have the hash of record {of_leaf.sequence}"
        return
    held = sa.select(sa.cast(record.c.leaf, sa.LargeBinary)).where(record.c.sequence == of_leaf.sequence)
    short = long_record(of_leaf.sequence, bytes(connection.execute(held).scalar_one()))
    if row is None or row.leaf != short or leaf_hash(short) != hash_of_leaf:
        yield f"it does not hold the digest of record {of_leaf.sequence}"


def _is_leaf(leaf: bytes, kind: str) -> bool:
    try:
        document = json.loads(leaf)
        sound: bool = document["schema"] == SCHEMA and document["kind"] == kind and canonical(document) == leaf
    except (ValueError, NotCanonical, KeyError, TypeError):
        return False
    return sound and len(leaf) <= MAX_ENTRY_BYTES


def _faults_of_nodes(connection: sa.Connection, start: int, completed: tuple[tuple[bytes, ...], ...]) -> Iterator[str]:
    for level in range(TILE_HEIGHT, len(completed), TILE_HEIGHT):
        first, nodes = start >> level, completed[level]
        wanted = (tree_node.c.level == level, tree_node.c.index >= first, tree_node.c.index < first + len(nodes))
        hashes = sa.select(tree_node.c.index, sa.cast(tree_node.c.hash, sa.LargeBinary)).where(*wanted)
        held = {index: bytes(node) for index, node in connection.execute(hashes)}
        for at, node in enumerate(nodes, first):
            if held.get(at) != node:
                yield f"node {at} of level {level} is not the one over its leaves"


def _not_in_the_tree(connection: sa.Connection, verified: int, next_record: int) -> Iterator[str]:
    """Leaves beyond the sealed size, and records without a leaf. Each is one statement, since more may be recorded meanwhile."""
    size = sa.select(head.c.next).where(head.c.name == "leaf").scalar_subquery()
    beyond = sa.select(tree_leaf.c.index).where(sa.or_(tree_leaf.c.index >= size, tree_leaf.c.index < 0))
    for index in connection.execute(beyond.order_by(tree_leaf.c.index).limit(_SHOWN)).scalars():
        yield f"leaf {index} is in no sealed tree"
    without = sa.select(record.c.sequence).where(
        record.c.sequence >= next_record,
        sa.or_(record.c.leaf_index < verified, record.c.leaf_index >= size),
    )
    for sequence in connection.execute(without.order_by(record.c.sequence).limit(_SHOWN)).scalars():
        yield f"record {sequence} has no leaf"
