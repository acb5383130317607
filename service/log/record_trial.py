"""
A trial of a record: it is written as each record is, and taken back. So a probe finds what stops records, and not only what stops a word.
On PostgreSQL it leaves six dead rows of 2.2 kB together, until a vacuum.

- INVARIANT (nothing is left): the rows are undone before the transaction ends, and no leaf of them is in the tree.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from uuid_utils import uuid7

from service.log.leaf import Opening, SealedRecord
from service.log.record_summary import Summary
from service.store.log_tree import growth_of
from service.transparency.merkle_tree import leaf_hash

_LETTERS = 64 * 1024  # more than a page, so that the trial takes free pages as large records do

Adding = Callable[[sa.Connection, list[Sequence[SealedRecord]]], Any]


class _TakenBack(Exception):
    """Undoes the trial."""


def try_a_record(transaction: sa.Connection, add: Adding) -> None:
    """Write a record as `add` does, and take it back. Raises what the database raises, and LogRefused."""
    growth = growth_of(transaction)
    length = len(growth)
    try:
        with transaction.begin_nested():
            add(transaction, [(_trial(),)])
            raise _TakenBack
    except _TakenBack:
        growth.undo(length)


def _trial() -> SealedRecord:
    leaf = b"0" * _LETTERS
    now = datetime.now(UTC)
    summary = Summary(now, now.date().isoformat(), "probe", False, True, "", None, "", {})
    opening = Opening("request", bytes(16), leaf)
    return SealedRecord(str(uuid7()), leaf, leaf_hash(leaf), (opening,), summary)
