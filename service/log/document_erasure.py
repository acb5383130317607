"""
The erasure of documents: with the last decision to which their bytes are attached, and where they were attached to none in time.

It is beside the log because the values of a record are erased here, and what was confirmed and signed of it with them: a digest over
terms and parties would confirm a guess at them, and an envelope holds them.
"""

from datetime import datetime

import sqlalchemy as sa

from service.log import tree_leaves
from service.log.tree_leaves import LogEvent
from service.store.moments import moment_text
from service.store.row_seals import CONFIRMED, changing
from service.store.tables import attached_document, document, document_confirmation

AT_ONCE = 10  # documents: others wait for the writing lock


def subject_of_document(id: str) -> str:
    """What is erased together with the bytes of a document."""
    return f"document/{id}"


def erase_of_decision(transaction: sa.Connection, decision: str, at: str, by: str) -> None:
    """
    Erase what the rows have of the documents of a decision, and the bytes of those that are attached to no other one.

    The openings of the leaves of the decision itself are the caller's to erase.
    """
    mine = attached_document.c.decision == decision
    said = document_confirmation.c.decision == decision
    bound = sa.select(document_confirmation.c.binding).where(said, document_confirmation.c.binding.is_not(None)).distinct()
    with changing(transaction, CONFIRMED, *sorted(transaction.execute(bound).scalars())):
        transaction.execute(sa.update(document_confirmation).where(said).values(binding=None, envelope=None))
    held = sa.select(attached_document.c.document).where(mine, attached_document.c.document.is_not(None)).distinct()
    documents = list(transaction.execute(held).scalars())
    transaction.execute(sa.update(attached_document).where(mine).values(document=None))
    for id in documents:
        if transaction.execute(sa.select(attached_document.c.id).where(attached_document.c.document == id)).first() is None:
            _erase(transaction, id, at, by)


def erase_unattached(transaction: sa.Connection, before: datetime, at: str) -> None:
    """Erase some documents that were kept before a moment and that nobody attached to a decision."""
    attached = sa.exists().where(attached_document.c.document == document.c.id)
    late = (document.c.sha256.is_not(None), document.c.kept_at < moment_text(before), ~attached)
    for id in transaction.execute(sa.select(document.c.id).where(*late).limit(AT_ONCE)).scalars().all():
        _erase(transaction, id, at, "service")


def _erase(transaction: sa.Connection, id: str, at: str, by: str) -> None:
    transaction.execute(sa.update(document).where(document.c.id == id).values(sha256=None, content=None))
    openings = tree_leaves.erase(transaction, subject_of_document(id), at)
    happened: list[LogEvent] = tree_leaves.erased({"of": "document", "id": id}, at, by, (), openings)
    tree_leaves.append(transaction, *happened)
