"""
Bytes attached to the documents of a decision: each to one that the decision's exchange states with the hash of these bytes.

A file may also be attached to a decision's review, such as what counsel wrote: the exchange states nothing of it, and it shows nothing.

An attachment says that the bytes behind a hash are here. It does not say that they are what they are stated to be: a person confirms
that (`service.documents.confirmations`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from uuid_utils import uuid7

from service.callers.context import EvaluatingAll, Reviewing
from service.callers.sending import Sending
from service.documents.stated_documents import RecordedDocument, StatedDocument
from service.limits import REVIEW_FILES
from service.log import tree_leaves
from service.log.store import subject_of_decision
from service.log.tree_leaves import LogEvent
from service.problems import RequestRefused
from service.store.moments import moment_text
from service.store.tables import attached_document, document, personal, record

OF_A_REVIEW = "review."  # what the names of the files of a review begin with; no document of an exchange has such a name

Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class AttachedDocument(BaseModel, frozen=True):
    """Bytes that are attached to a document of a decision."""

    id: str = Field(description="the id of the attachment")
    name: str = Field(
        description="the name of the document in the exchange: `evidence.KIND` or `claims.KIND`; of a file of a review `review.NUMBER`"
    )
    sha256: str = Field(description="the hash of the bytes; of a document, the exchange states it too")
    size: int = Field(description="how many bytes there are")
    media_type: str = Field(description="what their content is: PDF, PNG, JPEG or plain text")
    at: datetime = Field(description="when they were attached, in UTC")
    by: str = Field(description="who attached them")


@dataclass(frozen=True, slots=True)
class Attachment:
    """An attachment with the id of the row of its bytes."""

    shown: AttachedDocument
    document: str


class AttachmentRequest(Sending):
    """Which bytes to attach to which document of a decision."""

    model_config = ConfigDict(frozen=True, title="DocumentAttachment")

    name: Annotated[str, StringConstraints(min_length=1, max_length=160)] = Field(
        description="the name of the document in the exchange: `evidence.KIND` or `claims.KIND`"
    )
    sha256: Sha256 = Field(description="the hash of bytes that are kept; the exchange must state the same")


def attach(
    context: EvaluatingAll | Reviewing, of: RecordedDocument, sha256: str, transaction: sa.Connection
) -> AttachedDocument:
    """Attach bytes that are kept to a document of a decision, in a writing transaction. Raises RequestRefused."""
    return attach_stated(transaction, of.decision, of.stated, sha256, context.now, context.caller.id)


def attach_stated(
    transaction: sa.Connection, decision: str, stated: StatedDocument, sha256: str, now: datetime, by: str
) -> AttachedDocument:
    """
    Attach bytes that are kept to a document of a decision, in a writing transaction. What is attached already stays as it is.

    Raises RequestRefused if there are no such bytes, or if the exchange states another hash.
    """
    if sha256 != stated.sha256:
        raise not_attachable(
            f"the exchange states the hash {stated.sha256} for `{stated.name}`, and these bytes have {sha256};"
            " evaluate the exchange again with the hash of the document that is meant"
        )
    if is_erased(transaction, decision):
        raise not_attachable("personal values of this decision were erased, so nothing is attached to it any more")
    kept = transaction.execute(sa.select(document.c.id).where(document.c.sha256 == sha256)).scalar_one_or_none()
    if kept is None:
        raise not_attachable("no bytes with this hash are kept; send them to `POST /v1/documents` first")
    if known := of_decision(transaction, decision).get(stated.name):
        return known.shown
    return _attached(transaction, decision, stated.name, kept, now, by)


def attach_to_review(transaction: sa.Connection, decision: str, sha256: str, now: datetime, by: str) -> AttachedDocument:
    """
    Attach bytes that are kept to the review of a decision, in a writing transaction. What is attached already stays as it is.

    Raises RequestRefused if there are no such bytes, if values of the decision were erased, or if it has REVIEW_FILES files.
    """
    if is_erased(transaction, decision):
        raise not_attachable("personal values of this decision were erased, so nothing is attached to it any more")
    kept = transaction.execute(sa.select(document.c.id).where(document.c.sha256 == sha256)).scalar_one_or_none()
    if kept is None:
        raise not_attachable("no bytes with this hash are kept; send them to `POST /v1/documents` first")
    files = of_review(transaction, decision)
    if known := next((each for each in files if each.sha256 == sha256), None):
        return known
    if len(files) >= REVIEW_FILES:
        raise not_attachable(f"the review of this decision has {REVIEW_FILES} files already")
    return _attached(transaction, decision, f"{OF_A_REVIEW}{len(files) + 1}", kept, now, by)


def of_review(connection: sa.Connection, decision: str) -> list[AttachedDocument]:
    """The files that are attached to the review of a decision, in order, without those that were erased."""
    found = of_decision(connection, decision).items()
    return [each.shown for name, each in found if name.startswith(OF_A_REVIEW)]


def _attached(transaction: sa.Connection, decision: str, name: str, kept: str, now: datetime, by: str) -> AttachedDocument:
    """The new attachment of bytes, by the id of their row."""
    at = moment_text(now)
    row = {"id": str(uuid7()), "decision": decision, "name": name}
    transaction.execute(sa.insert(attached_document).values(row | {"document": kept, "attached_at": at, "attached_by": by}))
    hidden = {"bytes": kept, "by": by}
    of_subject = frozenset({"bytes"})
    happening = LogEvent("document-attached", at, row, hidden, subject_of_decision(decision), of_subject)
    tree_leaves.append(transaction, happening)
    return of_decision(transaction, decision)[name].shown


def of_decision(connection: sa.Connection, decision: str) -> Mapping[str, Attachment]:
    """The bytes that are attached to the documents of a decision, by the name of the document, without those that were erased."""
    if "\x00" in decision:
        return {}
    columns = (*attached_document.c, document.c.sha256, document.c.size, document.c.media_type)
    rows = sa.select(*columns).join(document, document.c.id == attached_document.c.document)
    mine = rows.where(attached_document.c.decision == decision, document.c.sha256.is_not(None)).order_by(attached_document.c.id)
    return {
        row["name"]: Attachment(
            AttachedDocument(
                id=row["id"],
                name=row["name"],
                sha256=row["sha256"],
                size=row["size"],
                media_type=row["media_type"],
                at=row["attached_at"],
                by=row["attached_by"],
            ),
            row["document"],
        )
        for row in connection.execute(mine).mappings()
    }


def is_erased(connection: sa.Connection, decision: str) -> bool:
    """Whether a personal value of a decision was erased."""
    gone = sa.select(personal.c.sequence).join(record, record.c.sequence == personal.c.sequence)
    gone = gone.where(record.c.id == decision, personal.c.erased_at.is_not(None))
    return connection.execute(gone.limit(1)).first() is not None


def not_attachable(why: str) -> RequestRefused:
    """The refusal to attach bytes, with the reason."""
    return RequestRefused("not-attachable", why)
