"""
The Merkle tree of a log (RFC 9162, section 2.1): hashes, the frontier of a growing tree, proofs and their verification.

Leaves are numbered from 0, and a hash has 32 bytes. The node at `(level, index)` is the root over the leaves from
`index * 2**level` to `(index + 1) * 2**level`, all of which exist. A proof is made from a function that reads nodes, and it is
verified from nothing but its own bytes. What is verified either holds or raises ProofRefused: no caller can overlook a False.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
MAX_SIZE: Final = 2**63 - 1  # in leaves; C2SP logs count in signed 64-bit integers
EMPTY_ROOT: Final = sha256(b"").digest()

ReadNode = Callable[[int, int], bytes]  # the hash of the node at (level, index)


class ProofRefused(ValueError):
    """A proof does not show what it should; the message is one sentence."""


class NotAFrontier(ValueError):
    """These bytes or hashes are not the frontier of a tree; the message is one sentence."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node over its two children."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """
    The least that a tree needs to grow: its size, and the roots of its complete subtrees, the largest (leftmost) first.

    There is one hash for each bit that is set in the size. Raises NotAFrontier.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE:
            raise NotAFrontier(f"a tree has from 0 to {MAX_SIZE} leaves")
        if len(self.hashes) != self.size.bit_count() or any(len(each) != HASH_BYTES for each in self.hashes):
            raise NotAFrontier(f"the frontier of a tree of {self.size} leaves has {self.size.bit_count()} hashes of 32 bytes")

    @staticmethod
    def from_bytes(data: bytes) -> "Frontier":
        """The frontier that `to_bytes` wrote. Raises NotAFrontier."""
        hashes = data[8:]
        if len(data) < 8:
            raise NotAFrontier("a frontier is written as 8 bytes and some hashes of 32 bytes")
        return Frontier(
            int.from_bytes(data[:8], "big"),
            tuple(hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)),
        )

    @staticmethod
    def of_tree(size: int, read_node: ReadNode) -> "Frontier":
        """The frontier of a tree of that size whose nodes can be read."""
        return Frontier(size, tuple(read_node(level, index) for level, index in complete_subtrees(0, size)))

    def to_bytes(self) -> bytes:
        """The size as 8 bytes, big-endian, and the hashes."""
        return self.size.to_bytes(8, "big") + b"".join(self.hashes)

    def appended(self, leaf_hashes: Sequence[bytes]) -> "Frontier":
        """The frontier after these leaves. It costs about one hash for each leaf. Raises NotAFrontier."""
        return self.grown(leaf_hashes)[0]

    def grown(self, leaf_hashes: Sequence[bytes]) -> "tuple[Frontier, tuple[tuple[bytes, ...], ...]]":
        """
        The frontier after these leaves, and for each level the nodes that the growth completes, in order.

        The first of them in level n has the index `size >> n`. Raises NotAFrontier.
        """
        if any(len(each) != HASH_BYTES for each in leaf_hashes):
            raise NotAFrontier("a hash has 32 bytes")
        levels = [level for level in reversed(range(self.size.bit_length())) if self.size >> level & 1]
        waiting = dict(zip(levels, self.hashes, strict=True))  # by level: a left child without its right sibling
        row = list(leaf_hashes)
        completed: list[tuple[bytes, ...]] = []
        while row:
            level = len(completed)
            completed.append(tuple(row))
            if level in waiting:
                row.insert(0, waiting.pop(level))
            if len(row) % 2:
                waiting[level] = row.pop()
            row = [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=True)]
        frontier = Frontier(self.size + len(leaf_hashes), tuple(waiting[level] for level in sorted(waiting, reverse=True)))
        return frontier, tuple(completed)

    def root(self) -> bytes:
        """The root of the tree."""
        return _joined(self.hashes) if self.hashes else EMPTY_ROOT


def complete_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The nodes (level, index) that together cover the leaves from start to end, the largest first; start is a multiple of it."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def inclusion_proof(index: int, size: int, read_node: ReadNode) -> tuple[bytes, ...]:
    """
    The hashes that lead from the leaf with this index to the root of the tree of this size (RFC 9162, 2.1.3.1).

    Raises ProofRefused if the tree has no such leaf.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofRefused(f"a tree of {size} leaves has no leaf {index}")
    proof = []
    start, end = 0, size
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            proof.append(_root(middle, end, read_node))
            end = middle
        else:
            proof.append(_root(start, middle, read_node))
            start = middle
    return tuple(reversed(proof))


def consistency_proof(first: int, second: int, read_node: ReadNode) -> tuple[bytes, ...]:
    """
    The hashes that show that the tree of the second size begins with the tree of the first (RFC 9162, 2.1.4.1).

    Nothing has to be shown, and the proof is empty, if the sizes are equal or the first is 0. Raises ProofRefused if the first
    tree is the larger.
    """
    if not 0 <= first <= second <= MAX_SIZE:
        raise ProofRefused(f"a tree of {second} leaves does not begin with one of {first}")
    if first == 0:
        return ()
    proof = []
    start, end = 0, second
    while first != end:
        middle = _split(start, end)
        if first <= middle:
            proof.append(_root(middle, end, read_node))
            end = middle
        else:
            proof.append(_root(start, middle, read_node))
            start = middle
    if start > 0:
        proof.append(_root(start, end, read_node))
    return tuple(reversed(proof))


def root_of_inclusion(index: int, size: int, hash_of_leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root to which an inclusion proof leads from a leaf's hash (RFC 9162, 2.1.3.2). Raises ProofRefused."""
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofRefused(f"a tree of {size} leaves has no leaf {index}")
    _require_hashes((hash_of_leaf, *proof))
    at, last, root = index, size - 1, hash_of_leaf
    for sibling in proof:
        if last == 0:
            raise ProofRefused("the proof has too many hashes")
        if at & 1 or at == last:
            root = node_hash(sibling, root)
            at, last = _past_zeros(at, last)
        else:
            root = node_hash(root, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise ProofRefused("the proof has too few hashes")
    return root


def verify_inclusion(index: int, size: int, hash_of_leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Show that the tree with this size and root has this leaf at this index. Raises ProofRefused."""
    if root_of_inclusion(index, size, hash_of_leaf, proof) != root:
        raise ProofRefused("the proof does not lead to the root")


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> None:
    """Show that the tree with the second size and root begins with the first (RFC 9162, 2.1.4.2). Raises ProofRefused."""
    if not 0 <= first <= second <= MAX_SIZE:
        raise ProofRefused(f"a tree of {second} leaves does not begin with one of {first}")
    _require_hashes((first_root, second_root, *proof))
    if any(root != EMPTY_ROOT for size, root in ((first, first_root), (second, second_root)) if size == 0):
        raise ProofRefused("a tree without leaves has another root")
    if first in (0, second):
        if proof:
            raise ProofRefused("the proof has too many hashes")
        if first == second and first_root != second_root:
            raise ProofRefused("two trees of one size have different roots")
        return
    # A first tree that is complete is a node of the second one, and the proof begins with it: it need not be sent.
    path = (first_root, *proof) if first & (first - 1) == 0 else tuple(proof)
    if not path:
        raise ProofRefused("the proof has too few hashes")
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofRefused("the proof has too many hashes")
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            at, last = _past_zeros(at, last)
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise ProofRefused("the proof has too few hashes")
    if old != first_root or new != second_root:
        raise ProofRefused("the proof does not lead to both roots")


def _split(start: int, end: int) -> int:
    """Where a tree over these leaves, at least two, divides: after the largest power of two that is smaller than their number."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _root(start: int, end: int, read_node: ReadNode) -> bytes:
    return _joined([read_node(level, index) for level, index in complete_subtrees(start, end)])


def _joined(hashes: Sequence[bytes]) -> bytes:
    """The root over the roots of complete subtrees, at least one, the largest first."""
    *others, root = hashes
    for left in reversed(others):
        root = node_hash(left, root)
    return root


def _past_zeros(at: int, last: int) -> tuple[int, int]:
    """Up to the level where the node is a right child: below it, it is the last node of its level and has no sibling."""
    while at and not at & 1:
        at, last = at >> 1, last >> 1
    return at, last


def _require_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ProofRefused("a hash has 32 bytes")
