"""
The tree over the rows of a run: each row in a bucket by its key, each bucket a Merkle tree, and one over the roots of all buckets.

    bucket    = the first 12 bits of SHA-256(key in UTF-8)
    outcome   = SHA-256 over the SHA-256 of each cell as a text, in the order of the columns `as_of` to `problems`
    row       = {"key": key, "outcome": outcome in hexadecimal}, as RFC 8785
    row hash  = SHA-256(00 || row), in the order of the keys' bytes within a bucket                   (RFC 9162, section 2.1.1)
    root      = the root of the Merkle tree over the 4,096 roots of the buckets, each as a leaf

The order in which rows come, and how they are divided, never matters. Above a limit, rows wait in sorted files and not in memory.
"""

import heapq
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby, islice
from pathlib import Path
from typing import IO, TypeAlias

from service.log.canonical_json import canonical
from service.transparency.merkle_tree import HASH_BYTES, Frontier, inclusion_proof, leaf_hash, node_hash

BUCKETS = 4_096
IN_MEMORY = 100_000  # rows that wait in memory
HEAD = 7  # digits of a bucket's number and the head of its root
_AT_ONCE = 4_096  # entries that are written together
_BLOCK = 1 << 20  # bytes that are read together
_BUCKET = [number.to_bytes(2) for number in range(BUCKETS)]
MOST_NAMED = 100  # keys that occur twice and are named


RowEntry: TypeAlias = tuple[bytes, bytes]
"""A row in the tree: its place, which is its bucket in two bytes and the bytes of its key, and its hash."""


def bucket_of(key: str) -> int:
    """The bucket of a key."""
    return int.from_bytes(sha256(key.encode()).digest()[:2]) >> 4


def row_entry(key: str, outcome: str, digest: bytes = b"") -> RowEntry:
    """The entry of a row; `outcome` is the digest of its outcome. `digest` is that of the key, where it is known already."""
    data = key.encode()
    first, second = (digest or sha256(data).digest())[:2]
    return _BUCKET[first << 4 | second >> 4] + data, leaf_hash(row_bytes(key, outcome))


def row_bytes(key: str, outcome: str) -> bytes:
    """The bytes of a row that are hashed."""
    if key.isascii() and key.isprintable() and '"' not in key and "\\" not in key:  # as almost always
        return f'{{"key":"{key}","outcome":"{outcome}"}}'.encode()
    return canonical({"key": key, "outcome": outcome})


class RowEntries:
    """
    Entries, gathered in any order and read in theirs; beyond `most` they are in files.

    The files are temporary, and gone once this is closed.
    """

    def __init__(self, most: int = IN_MEMORY) -> None:
        self._most = most
        self._waiting: list[RowEntry] = []
        self._files: list[IO[bytes]] = []

    def add(self, *some: RowEntry) -> None:
        self._waiting += some
        if len(self._waiting) >= self._most:
            self._spill()

    def __iter__(self) -> Iterator[RowEntry]:
        """All entries in the order of the tree."""
        self._waiting.sort()
        return merged([self._waiting, *map(read_entries, self._files)])

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


def merged(sources: Sequence[Iterable[RowEntry]]) -> Iterator[RowEntry]:
    """Entries of several sources, each in the order of the tree, in that order."""
    return heapq.merge(*sources) if len(sources) > 1 else iter(sources[0] if sources else ())


def write_entries(entries: Iterable[RowEntry], file: IO[bytes]) -> None:
    """Write entries, one after the other: the length of the place in four bytes, the place, the hash."""
    remaining = iter(entries)
    while some := list(islice(remaining, _AT_ONCE)):
        file.write(b"".join([piece for place, hash in some for piece in (len(place).to_bytes(4), place, hash)]))
    file.flush()


def read_entries(file: IO[bytes]) -> Iterator[RowEntry]:
    """The entries of a file, from its beginning. Raises ValueError where it is cut short."""
    file.seek(0)
    rest = b""
    while block := file.read(_BLOCK):
        data = rest + block
        at, end = 0, len(data)
        while at + 4 <= end:
            place = at + 4 + int.from_bytes(data[at : at + 4])
            if place + HASH_BYTES > end:
                break
            yield data[at + 4 : place], data[place : place + HASH_BYTES]
            at = place + HASH_BYTES
        rest = data[at:]
    if rest:
        raise ValueError("the file of entries is cut short")


@dataclass(slots=True)
class RowTree:
    """
    The root over the rows of a run, how many there are, and the keys that occur twice, as many as are named, and how many there are.

    `heads` has of each bucket that has rows its number, in three hexadecimal digits, and the first four of its root: where these differ,
    rows differ.
    """

    root: bytes
    rows: int
    heads: str = ""
    twice: list[str] = field(default_factory=list)
    twice_count: int = 0


@dataclass(slots=True)
class BucketTree:
    """The tree over the rows of one bucket: its number, its root, how many rows there are, and the keys that occur twice."""

    bucket: int
    root: bytes = b""
    rows: int = 0
    twice: list[str] = field(default_factory=list)
    twice_count: int = 0


def row_tree(entries: Iterable[RowEntry]) -> RowTree:
    """The tree over entries that come in its order."""
    return over_buckets(bucket_trees(entries))


def bucket_trees(entries: Iterable[RowEntry]) -> Iterator[BucketTree]:
    """The tree of each bucket that has rows; the entries of a bucket come together, in the order of their keys."""
    before: bytes | None = None
    for bucket, group in groupby(entries, key=_bucket):
        found, frontier = BucketTree(int.from_bytes(bucket)), Frontier()
        some: list[bytes] = []
        for place, hash in group:
            if place == before:
                found.twice_count += 1
                if len(found.twice) < MOST_NAMED:
                    found.twice.append(place[2:].decode())
            before = place
            some.append(hash)
            if len(some) >= _AT_ONCE:
                found.rows += len(some)
                frontier, some = frontier.appended(some), []
        found.rows += len(some)
        found.root = frontier.appended(some).root()
        yield found


def over_buckets(buckets: Iterable[BucketTree]) -> RowTree:
    """The tree over the roots of all buckets, which come in any order."""
    roots = [Frontier().root()] * BUCKETS
    found = RowTree(b"", 0)
    heads = {}
    for each in buckets:
        roots[each.bucket] = each.root
        heads[each.bucket] = f"{each.bucket:03x}{each.root.hex()[:4]}"
        found.rows += each.rows
        found.twice_count += each.twice_count
        found.twice += each.twice[: MOST_NAMED - len(found.twice)]
    found.root = Frontier().appended([leaf_hash(each) for each in roots]).root()
    found.heads = "".join(heads[bucket] for bucket in sorted(heads))
    return found


def differing_buckets(heads: str, others: str) -> frozenset[int]:
    """The buckets whose heads differ, or that only one of two trees has."""
    one, other = ({text[at : at + HEAD] for at in range(0, len(text), HEAD)} for text in (heads, others))
    return frozenset(int(each[:3], 16) for each in one ^ other)


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
    wanted = bucket_of(key)
    mine_at = _BUCKET[wanted] + key.encode()
    roots = [Frontier().root()] * BUCKETS
    mine: list[RowEntry] = []
    for bucket, group in groupby(entries, key=_bucket):
        rows = list(group)
        roots[int.from_bytes(bucket)] = Frontier().appended([hash for _, hash in rows]).root()
        if bucket == _BUCKET[wanted]:
            mine = rows
    index = next((at for at, (place, _) in enumerate(mine) if place == mine_at), None)
    if index is None:
        return None
    within = _levels([hash for _, hash in mine])
    above = _levels([leaf_hash(each) for each in roots])
    return RowPath(
        wanted,
        index,
        len(mine),
        inclusion_proof(index, len(mine), lambda level, at: within[level][at]),
        inclusion_proof(wanted, BUCKETS, lambda level, at: above[level][at]),
    )


def _bucket(entry: RowEntry) -> bytes:
    return entry[0][:2]


def _levels(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """The complete nodes over some leaves, by level."""
    found = [list(hashes)]
    while len(found[-1]) > 1:
        below = found[-1]
        found.append([node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])
    return found
