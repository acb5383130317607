"""
The Merkle tree of RFC 9162 once more, as its sections 2.1.1, 2.1.3.1 and 2.1.4.1 define it: by recursion, over a list of entries.

It is slow and has no state, so that it can be read beside the RFC. `service.transparency` is compared with it.
"""

from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256


class RecursiveTree:
    """The tree over some entries. `D[first:last]` is written as two numbers."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.entries = entries
        self.root_of: Callable[[int, int], bytes] = cache(self._root_of)

    def root(self, size: int) -> bytes:
        """MTH(D_n)."""
        return self.root_of(0, size)

    def node(self, level: int, index: int) -> bytes:
        """The root over 2^level entries, of which all must be there."""
        assert (index + 1) << level <= len(self.entries), "a node is read that the tree does not have"
        return self.root_of(index << level, (index + 1) << level)

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """PATH(m, D_n)."""
        return self._path(index, 0, size)

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """PROOF(m, D_n)."""
        return self._subproof(first, 0, second, True)

    def _root_of(self, first: int, last: int) -> bytes:
        if first == last:
            return sha256(b"").digest()
        if last - first == 1:
            return sha256(b"\x00" + self.entries[first]).digest()
        k = _split(last - first)
        return sha256(b"\x01" + self.root_of(first, first + k) + self.root_of(first + k, last)).digest()

    def _path(self, m: int, first: int, last: int) -> tuple[bytes, ...]:
        if last - first == 1:
            return ()
        k = _split(last - first)
        if m < k:
            return (*self._path(m, first, first + k), self.root_of(first + k, last))
        return (*self._path(m - k, first + k, last), self.root_of(first, first + k))

    def _subproof(self, m: int, first: int, last: int, whole: bool) -> tuple[bytes, ...]:
        if m == last - first:
            return () if whole else (self.root_of(first, last),)
        k = _split(last - first)
        if m <= k:
            return (*self._subproof(m, first, first + k, whole), self.root_of(first + k, last))
        return (*self._subproof(m - k, first + k, last, False), self.root_of(first, first + k))


def _split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k
