"""Rows that are alike are one kind, whatever their hashes; sets of rows are turned into rows of sets."""

from __future__ import annotations

import numpy as np
import pytest

from engine.tables import row_patterns
from engine.tables.row_patterns import alike, members, turned


def test_rows_are_alike_only_if_every_column_is() -> None:
    """Each kind has its first row, and each row the number of its kind."""
    columns = [np.array([1, 2, 1, -1, 2]), np.array([2, 1, 2, 2, 1])]
    first, number = alike(columns, 5)
    assert first.tolist() == [0, 1, 3]
    assert number.tolist() == [0, 1, 0, 2, 1]
    assert alike([], 4).number.tolist() == [0, 0, 0, 0]
    assert len(alike([], 0).first) == 0


def test_rows_of_one_hash_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: everything has one hash."""
    monkeypatch.setattr(
        row_patterns, "_of_hashes", lambda hashes: row_patterns.Kinds(np.array([0]), np.zeros(len(hashes), np.int32))
    )
    column = np.array([7, 8, 7])
    first, number = alike([column], 3)
    assert (column[first][number] == column).all()
    assert len(first) == 2


def test_many_rows_have_as_many_kinds_as_they_differ() -> None:
    """Random rows, against NumPy's own distinct rows."""
    chance = np.random.default_rng(5)
    columns = [chance.integers(0, 6, 4_000) for _ in range(4)]
    first, number = alike(columns, 4_000)
    assert len(first) == len(np.unique(np.stack(columns, axis=1), axis=0))
    assert all((each == each[first][number]).all() for each in columns)
    assert (first[number] <= np.arange(4_000)).all()


@pytest.mark.parametrize("count", [0, 1, 63, 64, 130])
def test_sets_of_rows_are_turned_into_rows_of_sets(count: int) -> None:
    """Bit by bit, whatever the number of sets."""
    chance = np.random.default_rng(count)
    bits = chance.integers(0, 2, (count, 192)).astype(np.bool_)
    sets = np.packbits(bits, axis=1, bitorder="little").view(np.uint64)
    rows = np.array([3, 64, 191])
    assert (members(turned(sets), rows, count) == bits.T[rows]).all()
