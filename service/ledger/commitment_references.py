"""
The references of commitments: numbers of orders, contracts and invoices by which others know an exchange.

They go in when an exchange is committed or later; each is a row and a leaf. A number may name a person or a contract, so it stands in its
leaf as a salted commitment, and is erased with the personal values of the record by which the exchange was committed.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Literal, get_args

import sqlalchemy as sa
from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

import engine
from service.callers.context import Committing
from service.callers.sending import Sending
from service.ledger import party_view
from service.ledger.commitment_events import standing
from service.ledger.counter_book import Book
from service.log import tree_leaves
from service.log.store import subject_of_decision
from service.log.tree_leaves import LogEvent
from service.problems import ProblemPlace, RequestRefused
from service.store.moments import moment_text
from service.store.tables import commitment_reference

ReferenceKind = Literal["order", "contract", "invoice"]
KINDS: tuple[ReferenceKind, ...] = get_args(ReferenceKind)
MOST = 32  # of one commitment
MOST_SENT = 16
MOST_LETTERS = 128

# One line, which begins with something that is seen. What else nobody sees is in no pattern, and leaves nothing of the form.
_LINE = r"^[^\x00-\x20\x7f-\xa0\xad\u2028\u2029][^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
_BOOK = Book()


def _a_number(text: str) -> str:
    form = engine.id_form(text)
    if not 0 < len(form) <= MOST_LETTERS:
        detail = f"must be one line of 1 to {MOST_LETTERS} characters that are seen"
        raise PydanticCustomError("wrong_text", "{m}", {"m": detail})
    return form


class CommitmentReference(Sending):
    """A number by which others know an exchange."""

    kind: ReferenceKind = Field(description="whose number it is")
    number: Annotated[str, Field(max_length=MOST_LETTERS, pattern=_LINE), AfterValidator(_a_number)] = Field(
        description="the number, kept in the form in which ids are compared", examples=["PO-7781"]
    )


References = Annotated[list[CommitmentReference], Field(max_length=MOST_SENT)]


class ReferencesSent(Sending):
    """Numbers by which others know an exchange."""

    references: Annotated[References, Field(min_length=1)] = Field(description="the numbers; those that it has stay")


class ReferencePart(BaseModel, frozen=True, extra="forbid"):
    """A number by which others know an exchange. Without `number`, the number was erased."""

    kind: ReferenceKind = Field(description="whose number it is")
    number: str | None = Field(default=None, description="the number")
    at: datetime = Field(description="when it was given")
    by: str = Field(description="who gave it")


def refer(context: Committing, id: str, sent: ReferencesSent, transaction: sa.Connection) -> None:
    """Add references to a commitment. Raises RequestRefused."""
    party_view.check_commitment(transaction, _BOOK, id, context.caller)
    add(transaction, id, standing(transaction, id).evaluation, sent.references, moment_text(context.now), context.caller.id)


def add(transaction: sa.Connection, id: str, evaluation: str, sent: Iterable[CommitmentReference], at: str, by: str) -> None:
    """Add references to a commitment, by its evaluation; none that it has. Raises RequestRefused."""
    rows = transaction.execute(sa.select(commitment_reference).where(commitment_reference.c.commitment == id)).all()
    held = {(row.kind, row.text) for row in rows}
    new = [each for each in dict.fromkeys((each.kind, each.number) for each in sent) if each not in held]
    if len(rows) + len(new) > MOST:
        detail = f"a commitment has {MOST} references at most"
        place = ProblemPlace(pointer="/references", code="too-many", detail=detail)
        raise RequestRefused("bad-request", detail, errors=(place,))
    _write(transaction, id, evaluation, new, len(rows), at, by)


def carry(transaction: sa.Connection, old: str, id: str, evaluation: str, at: str, by: str) -> None:
    """A new commitment has the references of the commitment that it replaces, but those that were erased."""
    kept = (commitment_reference.c.commitment == old, commitment_reference.c.text.is_not(None))
    rows = transaction.execute(sa.select(commitment_reference).where(*kept).order_by(commitment_reference.c.number))
    _write(transaction, id, evaluation, [(row.kind, row.text) for row in rows], 0, at, by)


def with_reference(number: str) -> sa.ColumnElement[str]:
    """The ids of the commitments that have a number, for a condition."""
    found = sa.select(commitment_reference.c.commitment).where(commitment_reference.c.text == engine.id_form(number))
    return found.scalar_subquery()


def _write(
    transaction: sa.Connection, id: str, evaluation: str, new: Sequence[tuple[str, str]], first: int, at: str, by: str
) -> None:
    for number, (kind, text) in enumerate(new, first):
        members = {"commitment": id, "number": number, "reference": kind}
        hidden = {"text": text, "by": by}
        subject = subject_of_decision(evaluation)
        tree_leaves.append(transaction, LogEvent("commitment-reference", at, members, hidden, subject, frozenset({"text"})))
        row = {"commitment": id, "number": number, "kind": kind, "text": text, "at": at, "by": by}
        transaction.execute(sa.insert(commitment_reference).values(row))
