"""
Rows that are alike in some columns, or in some sets: each kind once, and for each row the number of its kind.

Sets of rows go in as words (`lane_words`). They are turned by 90 degrees, eight bits by eight, so that each row is some words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Words: TypeAlias = NDArray[np.uint64]
Numbers: TypeAlias = NDArray[np.int64]

_MIX, _AGAIN = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
_TURNS = tuple(
    (np.uint64(by), np.uint64(mask))
    for by, mask in ((7, 0x00AA00AA00AA00AA), (14, 0x0000CCCC0000CCCC), (28, 0x00000000F0F0F0F0))
)
WORD = 64  # bits
_SLOTS = 4  # places of a table of hashes for each row


class Kinds(NamedTuple):
    """The first row of each kind, and for each row the number of its kind."""

    first: Numbers
    number: NDArray[np.int32]


def alike(columns: Sequence[NDArray[Any]], rows: int) -> Kinds:
    """The kinds of rows that are alike in all columns, each of which has a number for each row."""
    if not columns:
        return Kinds(np.zeros(min(rows, 1), dtype=np.int64), np.zeros(rows, dtype=np.int32))
    hashes = np.zeros(rows, dtype=np.uint64)
    for column in columns:
        mixed = column.astype(np.uint64)
        mixed ^= mixed >> np.uint64(32)  # high bits count as much as low ones
        mixed *= _MIX
        mixed ^= mixed >> np.uint64(29)
        hashes ^= mixed
        hashes *= _AGAIN
    found = _of_hashes(hashes)
    # INVARIANT (no row takes another's outcome): two rows of one hash are compared, column by column.
    if all(np.array_equal(each, each[found.first][found.number]) for each in columns):
        return found
    whole = np.ascontiguousarray(np.stack([each.astype(np.int64) for each in columns], axis=1))
    _, first, number = np.unique(whole, axis=0, return_index=True, return_inverse=True)
    return Kinds(first, number.reshape(-1).astype(np.int32))


def _of_hashes(hashes: Words) -> Kinds:
    """The kinds of equal hashes: rows meet in a table by the last bits of what they have, and those that miss theirs go on."""
    rows = len(hashes)
    size = 1 << max(int(_SLOTS * rows - 1).bit_length(), 4)
    table = np.zeros(size, dtype=np.int64)
    same = np.arange(rows, dtype=np.int64)
    left, keys = same, hashes
    while len(left):
        places = (keys & np.uint64(size - 1)).astype(np.int64)
        table[places[::-1]] = left[::-1]  # of those that meet, the first stays
        met = table[places]
        hit = hashes[met] == hashes[left]
        same[left[hit]] = met[hit]
        left = left[~hit]
        keys = (keys[~hit] + _MIX) * _MIX
        keys ^= keys >> np.uint64(31)
    leading = same == np.arange(rows)
    first = np.flatnonzero(leading)
    numbers = np.cumsum(leading, dtype=np.int32) - 1
    return Kinds(first, numbers[same].astype(np.int32))


def turned(sets: Words) -> list[Words]:
    """Sets of rows, one below the other, as columns of words: bit n of the words of a row says whether it is in set n."""
    count, size = sets.shape
    if not count:
        return []
    found = np.zeros((-(-count // WORD) * WORD, size), dtype=np.uint64)
    found[:count] = sets
    eight = np.ascontiguousarray(found.view(np.uint8).reshape(-1, 8, size * 8).transpose(0, 2, 1)).view(np.uint64)
    for by, mask in _TURNS:
        swapped = (eight ^ (eight >> by)) & mask
        eight ^= swapped
        eight ^= swapped << by
    rows = eight.view(np.uint8).reshape(-1, 8, size * WORD)
    return list(np.ascontiguousarray(rows.transpose(0, 2, 1)).view(np.uint64).reshape(-1, size * WORD))


def members(turned_sets: Sequence[Words], rows: Numbers, count: int) -> NDArray[np.bool_]:
    """In which of so many sets some rows are: a row of truth values for each."""
    if not turned_sets:
        return np.zeros((len(rows), 0), dtype=np.bool_)
    picked = np.ascontiguousarray(np.stack([each[rows] for each in turned_sets], axis=1))
    return np.unpackbits(picked.view(np.uint8), axis=1, count=count, bitorder="little").view(np.bool_)
