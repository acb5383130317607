"""
Answers that are kept for retries, beside the rows from which they were made: those that name an erased entity are emptied with it.

An answer with values of a record is erased by the number of the record. Others may name entities of the register, such as the parties of an
agreement: they are looked through for the names, since one answer may have many.
"""

import json
from collections.abc import Collection

import sqlalchemy as sa

from service.store import answer_seals
from service.store.tables import idempotency

AT_ONCE = 100  # answers in memory


def forget_naming(transaction: sa.Connection, names: Collection[str]) -> None:
    """Empty the answers that hold one of some names as a text of their JSON. Those with values of a record are erased with it alone."""
    rows = idempotency.c
    written = {json.dumps(name, ensure_ascii=ascii).encode() for name in names for ascii in (True, False)}
    others = sa.select(rows.caller, rows.key, rows.body).where(rows.first_record.is_(None), rows.body.is_not(None))
    naming = [
        (row.caller, row.key)
        for row in transaction.execute(others.execution_options(yield_per=AT_ONCE))
        if any(text in bytes(row.body) for text in written)
    ]
    for caller, key in naming:
        answer_seals.empty(transaction, rows.caller == caller, rows.key == key)
