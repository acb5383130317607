"""
Signatures on documents: that a trusted signer signed what an exchange states of a document whose bytes are attached.

Whoever may attach a document may attach a signed statement, also the one who asks: the trust is the signer's. A row has the envelope, so
that each decision verifies it again by the keys that are trusted then. A row says nothing by itself: without its signer among the settings
it counts for nothing.

INVARIANT (withdrawn stays withdrawn): what was signed before a withdrawal never counts again, although anybody may send it again. So a
statement has the moment of signing. One that was signed before something bound to the same was withdrawn is refused. Where the withdrawal
was erased, and nobody can say any more what it was bound to, it ends whatever was signed before it on a document of this name and comes
only now.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import BaseModel, Field
from uuid_utils import uuid7

from service.callers.context import EvaluatingAll, Reviewing
from service.documents import attachments
from service.documents.confirmations import SIGNED, WITHDRAW, next_number, not_withdrawn
from service.documents.signed_statements import DocumentStatementRefused, Verified, Verifier
from service.documents.stated_documents import RecordedDocument, StatedDocument, parties
from service.log import tree_leaves
from service.log.store import subject_of_decision
from service.log.tree_leaves import LogEvent
from service.problems import RequestRefused
from service.store.moments import moment_text
from service.store.row_seals import CONFIRMED, changing
from service.store.tables import document_confirmation as rows

WhyItDoesNotCount = Literal["withdrawn", "erased", "signer", "ended"]


class SignedBy(BaseModel, frozen=True):
    """A trusted signer whose signature verifies."""

    name: str = Field(description="what the operator calls the signer")
    key: str = Field(description="the id of the key: the SHA-256 of its DER, as hexadecimal digits")
    until: date = Field(description="the last day on which its signatures count")


class DocumentSignature(BaseModel, frozen=True):
    """A signed statement that is attached to a document of a decision."""

    id: str = Field(description="the id of the signed statement")
    decision: str = Field(description="the decision that it was attached for")
    name: str = Field(description="the name of the document in the exchange")
    until: date = Field(description="the last day that is signed")
    at: datetime = Field(description="when it was attached, in UTC")
    by: str = Field(description="who attached it: the caller")
    signers: tuple[SignedBy, ...] = Field(
        description="the trusted signers whose signatures verify now, and who may sign this document"
    )
    counts_until: date | None = Field(description="the last day on which it counts; null if it does not count today")
    why_not: WhyItDoesNotCount | None = Field(
        description="why it does not count today: `withdrawn`; `erased`, values of the decision were; `signer`, none of those who signed"
        " it is trusted for this document any more; `ended`, it or the trust in the signer has ended; null if it counts"
    )


@dataclass(frozen=True, slots=True)
class StandingSignature:
    """A signed statement that stands: its id, and the last day on which it counts."""

    id: str
    until: date


def attach(
    context: EvaluatingAll | Reviewing, of: RecordedDocument, verified: Verified, log: str, transaction: sa.Connection
) -> DocumentSignature:
    """
    Attach a verified statement to a document of a decision, in a writing transaction. What is attached already stays as it is.

    `log` is the name of the log of this service. Raises RequestRefused, with the reason, where it would not count.
    """
    decision, stated, statement, today = of.decision, of.stated, verified.statement, context.today
    name = stated.name
    if attachments.is_erased(transaction, decision):
        raise _not("personal values of this decision were erased, so nothing is attached to it any more")
    _check(stated, verified, log, context.now, today)
    attached = attachments.of_decision(transaction, decision).get(name)
    if attached is None or attached.shown.sha256 != stated.sha256:
        raise _not(f"no bytes are attached to `{name}` of this decision: attach those that were signed first")
    here = sa.or_(rows.c.binding == stated.binding, rows.c.binding.is_(None))  # by the index of `binding`
    columns = (rows.c.verdict, rows.c.binding, rows.c.given_at)
    said, latest = sa.select(*columns).where(here, rows.c.name == name).order_by(rows.c.number), ""
    for verdict, binding, given_at in transaction.execute(said).all():
        # What was given before a withdrawal was so whatever the clock said at the withdrawal: it may have been set back.
        latest = max(latest, given_at)
        if verdict != WITHDRAW or latest < moment_text(statement.signed_at):
            continue
        if binding is None:
            raise _not("it was signed before a withdrawal that was erased since, perhaps its own; have it signed again")
        raise _not("it was signed before this document was withdrawn; have it signed again")
    for row in not_withdrawn(transaction, [stated.binding]).get(stated.binding, ()):
        if row["verdict"] == SIGNED and row["decision"] == decision and row["envelope"] == verified.envelope:
            return _told(row, verified, today)
    row = {
        "number": next_number(transaction),
        "id": str(uuid7()),
        "attached": attached.shown.id,
        "decision": decision,
        "name": name,
        "binding": stated.binding,
        "verdict": SIGNED,
        "reason": "",
        "until": statement.until.isoformat(),
        "person": None,
        "envelope": verified.envelope,
        "given_at": moment_text(context.now),
        "given_by": context.caller.id,
    }
    with changing(transaction, CONFIRMED, stated.binding):
        transaction.execute(sa.insert(rows).values(row))
        tree_leaves.append(transaction, _happening(row, [each.key.raw.hex() for each in verified.signers]))
    return _told(row, verified, today)


def standing_signatures(
    given: Mapping[str, Sequence[Mapping[str, Any]]], documents: Iterable[StatedDocument], day: date, verifier: Verifier
) -> dict[str, StandingSignature]:
    """
    The signed statement on each document that counts on a day, by the document's name: the one with the latest last day.

    `given` is what `confirmations.not_withdrawn` finds. Each is verified again, by the keys that are trusted now.
    """
    found: dict[str, StandingSignature] = {}
    for document in documents:
        for row in given.get(document.binding, ()):
            if row["verdict"] != SIGNED or row["envelope"] is None:
                continue
            verified = verifier.kept(row["envelope"])
            if verified is None or verified.statement.binding != document.binding:
                continue
            until = verified.until(document.name)
            before = found.get(document.name)
            if until is not None and until >= day and (before is None or until >= before.until):
                found[document.name] = StandingSignature(row["id"], until)
    return found


def signatures_of(connection: sa.Connection, decision: str, verifier: Verifier, today: date) -> list[DocumentSignature]:
    """The signed statements that are attached to the documents of a decision, in order."""
    if "\x00" in decision:
        return []
    mine = sa.select(rows).where(rows.c.decision == decision).order_by(rows.c.number)
    all_rows = [dict(row) for row in connection.execute(mine).mappings()]
    withdrawn: dict[str | None, int] = {row["binding"]: row["number"] for row in all_rows if row["verdict"] == WITHDRAW}
    found = []
    for row in all_rows:
        if row["verdict"] == SIGNED:
            verified = None if row["envelope"] is None else verifier.kept(row["envelope"])
            ended = row["binding"] is not None and withdrawn.get(row["binding"], -1) > row["number"]
            found.append(_told(row, verified, today, ended))
    return found


def read(verifier: Verifier, raw: bytes) -> Verified:
    """The statement in an envelope that was sent. Raises RequestRefused."""
    try:
        return verifier.verified(raw)
    except DocumentStatementRefused as refused:
        raise _not(str(refused)) from None


def _check(stated: StatedDocument, verified: Verified, log: str, now: datetime, today: date) -> None:
    """Raises RequestRefused unless the statement says what the exchange states, and would count today."""
    statement, name = verified.statement, stated.name
    if not all(each["id"] for each in parties(stated.exchange)):
        raise _not("the exchange does not name both parties by `id`, so no statement can be about them")
    other = statement.differences(stated, log)
    if other or statement.binding != stated.binding:
        named = ", ".join(f"`{each[:80]}`" for each in other[:20]) or "something"
        raise _not(f"the exchange states otherwise than what is signed: {named}")
    if statement.signed_at > now:
        raise _not("the moment of signing, `signed_at`, has not come by the clock of this service; send it again later")
    if not verified.counting(name):
        raise _not(f"none of those who signed it is trusted to sign `{name[:120]}`")
    until = verified.until(name)
    if until is None or until < today:
        raise _not("its last day, or the last day of its signer, has passed already")


def _told(row: Mapping[str, Any], verified: Verified | None, today: date, withdrawn: bool = False) -> DocumentSignature:
    name = row["name"]
    signers = () if verified is None else verified.counting(name)
    until = None if verified is None else verified.until(name)
    why: WhyItDoesNotCount | None = None
    if row["envelope"] is None:
        why = "erased"
    elif withdrawn:
        why = "withdrawn"
    elif until is None or verified is None or verified.statement.binding != row["binding"]:
        why = "signer"
    elif until < today:
        why = "ended"
    return DocumentSignature(
        id=row["id"],
        decision=row["decision"],
        name=name,
        until=row["until"],
        at=row["given_at"],
        by=row["given_by"],
        signers=tuple(SignedBy(name=each.name, key=each.key.id, until=each.until) for each in signers),
        counts_until=None if why else until,
        why_not=why,
    )


def _happening(row: Mapping[str, Any], keys: list[str]) -> LogEvent:
    """
    A signed statement as a leaf, with the public keys by which it verified, so that a verifier needs no settings.

    The envelope holds terms and parties, so it is erased with the decision.
    """
    shown = ("number", "id", "attached", "decision", "name", "until")
    hidden = {"binding": row["binding"], "envelope": row["envelope"], "keys": keys, "by": row["given_by"]}
    return LogEvent(
        "document-signature",
        row["given_at"],
        {name: row[name] for name in shown},
        hidden,
        subject_of_decision(row["decision"]),
        frozenset({"binding", "envelope", "keys"}),
    )


def _not(why: str) -> RequestRefused:
    return RequestRefused("signature-refused", why)
