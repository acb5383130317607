"""
The tree over the rows of a run: each row in a bucket by its key, each bucket a Merkle tree, and one over the roots of all buckets.

    bucket    = the first 12 bits of SHA-256(key in UTF-8)
    row       = {"key": key, "outcome": SHA-256(outcome document, RFC 8785), in hexadecimal}, as RFC 8785
    row hash  = SHA-256(00 || row), in the order of the keys' bytes within a bucket                   (RFC 9162, section 2.1.1)
    root      = the root of the Merkle tree over the 4,096 roots of the buckets, each as a leaf

The order in which rows come, and how they are divided, never matters. Above a limit, rows wait in sorted files and not in memory.
"""

import heapq
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import IO, NamedTuple

from service.log.canonical_json import canonical
from service.transparency.merkle_tree import HASH_BYTES, Frontier, inclusion_proof, leaf_hash, node_hash

BUCKETS = 4_096
IN_MEMORY = 100_000  # rows that wait in memory
MOST_NAMED = 100  # keys that occur twice and are named


class RowEntry(NamedTuple):
    """A row in the tree, by its place: the bucket, the bytes of the key, and the hash."""

    bucket: int
    key: bytes
    hash: bytes


def bucket_of(key: str) -> int:
    """The bucket of a key."""
    return int.from_bytes(sha256(key.encode()).digest()[:2]) >> 4


def row_entry(key: str, outcome: str) -> RowEntry:
    """The entry of a row; `outcome` is the digest of its outcome."""
    data = key.encode()
    return RowEntry(int.from_bytes(sha256(data).digest()[:2]) >> 4, data, leaf_hash(row_bytes(key, outcome)))


def row_bytes(key: str, outcome: str) -> bytes:
    """The bytes of a row that are hashed."""
    if key.isascii() and key.isprintable() and '"' not in key and "\\" not in key:  # as almost always
        return b'{"key":"%b","outcome":"%b"}' % (key.encode(), outcome.encode())
    return canonical({"key": key, "outcome": outcome})


class RowEntries:
    """
    Entries, gathered in any order and read in theirs; beyond `most` they are in files of a folder.

    The files are temporary, and gone once this is closed.
    """

    def __init__(self, most: int = IN_MEMORY) -> None:
        self._most = most
        self._waiting: list[RowEntry] = []
        self._files: list[IO[bytes]] = []

    def add(self, entry: RowEntry) -> None:
        self._waiting.append(entry)
        if len(self._waiting) >= self._most:
            self._spill()

    def __iter__(self) -> Iterator[RowEntry]:
        """All entries in the order of the tree."""
        self._waiting.sort()
        return heapq.merge(self._waiting, *map(read_entries, self._files))

    def write(self, path: Path) -> None:
        """Write all entries into a file, in the order of the tree."""
        with path.open("wb") as file:
            write_entries(self, file)

    def close(self) -> None:
        for each in self._files:
            each.close()

    def _spill(self) -> None:
        self._waiting.sort()
        file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        write_entries(self._waiting, file)
        self._files.append(file)
        self._waiting = []


def write_entries(entries: Iterable[RowEntry], file: IO[bytes]) -> None:
    """Write entries, one after the other."""
    for bucket, key, hash in entries:
        file.write(b"%b%b%b%b" % (bucket.to_bytes(2), len(key).to_bytes(4), key, hash))
    file.flush()


def read_entries(file: IO[bytes]) -> Iterator[RowEntry]:
    """The entries of a file, from its beginning."""
    file.seek(0)
    while head := file.read(6):
        key = file.read(int.from_bytes(head[2:]))
        hash = file.read(HASH_BYTES)
        if len(hash) != HASH_BYTES:
            raise ValueError("the file of entries is cut short")
        yield RowEntry(int.from_bytes(head[:2]), key, hash)


@dataclass(slots=True)
class RowTree:
    """The root over the rows of a run, how many there are, and the keys that occur twice, as many as are named, and how many there are."""

    root: bytes
    rows: int
    twice: list[str] = field(default_factory=list)
    twice_count: int = 0


def row_tree(entries: Iterable[RowEntry]) -> RowTree:
    """The tree over entries that come in its order."""
    roots = [Frontier().root()] * BUCKETS
    found = RowTree(b"", 0)
    before: bytes | None = None
    for bucket, group in groupby(entries, key=lambda each: each.bucket):
        frontier = Frontier()
        some: list[bytes] = []
        for entry in group:
            if entry.key == before:
                found.twice_count += 1
                if len(found.twice) < MOST_NAMED:
                    found.twice.append(entry.key.decode())
            before = entry.key
            some.append(entry.hash)
            if len(some) >= 4_096:
                found.rows += len(some)
                frontier, some = frontier.appended(some), []
        found.rows += len(some)
        roots[bucket] = frontier.appended(some).root()
    found.root = Frontier().appended([leaf_hash(each) for each in roots]).root()
    return found


@dataclass(frozen=True, slots=True)
class RowPath:
    """The way from a row to the root: its place in its bucket, and the hashes beside it there and among the buckets."""

    bucket: int
    index: int
    size: int
    in_bucket: tuple[bytes, ...]
    over_buckets: tuple[bytes, ...]


def row_path(entries: Iterable[RowEntry], key: str) -> RowPath | None:
    """The way from the row of a key to the root; None where there is no such row. Of two rows with one key it is the first."""
    wanted, data = bucket_of(key), key.encode()
    roots = [Frontier().root()] * BUCKETS
    mine: list[RowEntry] = []
    for bucket, group in groupby(entries, key=lambda each: each.bucket):
        rows = list(group)
        roots[bucket] = Frontier().appended([each.hash for each in rows]).root()
        if bucket == wanted:
            mine = rows
    index = next((at for at, each in enumerate(mine) if each.key == data), None)
    if index is None:
        return None
    within = _levels([each.hash for each in mine])
    above = _levels([leaf_hash(each) for each in roots])
    return RowPath(
        wanted,
        index,
        len(mine),
        inclusion_proof(index, len(mine), lambda level, at: within[level][at]),
        inclusion_proof(wanted, BUCKETS, lambda level, at: above[level][at]),
    )


def _levels(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """The complete nodes over some leaves, by level."""
    found = [list(hashes)]
    while len(found[-1]) > 1:
        below = found[-1]
        found.append([node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])
    return found
