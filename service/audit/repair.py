"""
Repair: the derived rows of a database are put right by the leaves of its log, and a leaf says so.

What no leaf can make again is left as it is and told: the bytes of policies and of documents.
Nothing is repaired in a log whose tree has a fault, or one of whose records is not the one of its leaf.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from service.audit.deep_verification import DeepVerification, Finding, SealFault
from service.audit.row_comparison import RowFault
from service.log.search_index import index_older
from service.log.store import scan
from service.log.tree_leaves import LogEvent, append
from service.log.tree_verification import tree_faults
from service.store import answer_seals, row_seals
from service.store.database import Database
from service.store.moments import now_text
from service.store.tables import bundle, document, entry, entry_term, head, term

INDEX = (entry, entry_term, term)
_ROUNDS = 2


class NotRepairable(Exception):
    """The log itself has a fault, so its leaves cannot tell what is right; the message is the first one."""


@dataclass(frozen=True, slots=True)
class RepairResult:
    """How many rows were put right by table, and what cannot be; the index counts as one row, since it is made anew."""

    tables: dict[str, int]
    left: tuple[str, ...]


def repair(
    database: Database, by: str, reason: str, progress: Callable[[str, int], None] = lambda what, number: None
) -> RepairResult:
    """Put the derived rows of a database right. No service may write to it meanwhile. Raises NotRepairable, LogRefused."""
    key = database.log_key()
    with database.transaction() as transaction:
        for fault in tree_faults(transaction, key):
            raise NotRepairable(fault)
        for stored in scan(transaction):
            for fault in stored.faults():
                raise NotRepairable(f"record {stored.sequence}: {fault}")
        # The second comparison says what is left.
        rows: list[RowFault] = []
        for _ in range(_ROUNDS):
            found = list(DeepVerification(transaction, database, progress).findings())
            wrong = [each for each in found if isinstance(each, RowFault) and _can_be_made(each)]
            for each in wrong:
                if each.table not in INDEX:
                    _put_right(transaction, each)
            rows += (each for each in wrong if each.table not in INDEX)
            index = any(each.table in INDEX for each in wrong)
            if all(each.table in INDEX for each in wrong):
                break
        if index:
            for table in INDEX:
                transaction.execute(sa.delete(table))
            number = sa.select(sa.func.max(head.c.next)).where(head.c.name == "record").scalar_subquery()
            transaction.execute(sa.update(head).where(head.c.name == "sorted").values(next=number))
        tables = dict(Counter(each.table.name for each in rows)) | ({"the index": 1} if index else {})
        if sealed := row_seals.seal_again(transaction, key):
            tables["subject_seal"] = sealed
        if emptied := answer_seals.empty_broken(transaction, key):
            tables["idempotency"] = emptied
        if tables:
            append(transaction, LogEvent("repair", now_text(), {"tables": tables}, {"by": by, "reason": reason}))
    if index:
        with database.reading.connect() as connection:
            all_records: int = connection.execute(sa.select(head.c.next).where(head.c.name == "record")).scalar_one()
        index_older(database, all_records, lambda left: progress("entries made", all_records - left))
    return RepairResult(tables, tuple(str(each) for each in found if not _put_right_here(each)))


def _put_right_here(finding: Finding) -> bool:
    return isinstance(finding, SealFault) or (isinstance(finding, RowFault) and _can_be_made(finding))


def _can_be_made(finding: RowFault) -> bool:
    return finding.table not in (bundle, document) or finding.found


def _put_right(transaction: sa.Connection, fault: RowFault) -> None:
    table = fault.table
    here = [table.c[name] == value for name, value in fault.key.items()]
    if fault.expected is None:
        transaction.execute(sa.delete(table).where(*here))
    elif fault.found:
        transaction.execute(sa.update(table).where(*here).values({name: _typed(table, fault)[name] for name in fault.columns}))
    else:
        transaction.execute(sa.insert(table).values(_typed(table, fault)))


def _typed(table: sa.Table, fault: RowFault) -> dict[str, object]:
    assert fault.expected is not None
    return {
        name: bool(value) if isinstance(table.c[name].type, sa.Boolean) else value for name, value in fault.expected.items()
    }
