"""
Confirmations: that a person opened the bytes behind the hash of a document, and that they are what the exchange states they are.

A confirmation is given for a document of a recorded decision by a person who did not ask for the decision. It is bound to the hash, the
stated terms and the parties (`stated_documents`), and to a last day. Rows are only added; those of signed statements are beside them
(`document_signatures`). A withdrawal ends every confirmation and every signature before it that is bound to the same, by a row for each
decision for which there is one: then an erasure takes what was confirmed for a decision and what was withdrawn of it together. What stands
is looked up for each exchange that states a document with a hash.

INVARIANT (never one's own): who asks for a decision is never the person whose confirmation counts in it. Source: semantics 4.11.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator
from uuid_utils import uuid7

from service.callers import known_persons
from service.callers.caller import LOCAL, Caller
from service.callers.context import Reviewing
from service.callers.person import Person
from service.callers.sending import Sending
from service.documents import attachments
from service.documents.attachments import Sha256
from service.documents.stated_documents import RecordedDocument, StatedDocument
from service.log import tree_leaves
from service.log.store import subject_of_decision
from service.log.tree_leaves import LogEvent
from service.problems import RequestRefused
from service.store.database import Database
from service.store.moments import moment_text
from service.store.row_seals import CONFIRMED, PERSON, changing, check
from service.store.tables import document_confirmation as rows
from service.store.tables import person

CONFIRM, WITHDRAW, SIGNED = "confirm", "withdraw", "signed"  # what a row says

WhyNot = Literal["nobody", "unknown-asker", "own-request"]
WHY_NOT: Mapping[WhyNot, str] = {
    "nobody": "a confirmation is a person's, and this caller is none that the service knows: use a key that belongs to a person, a"
    " person's token, or sign in. Where callers need no key, nobody can be told apart, so nobody can confirm one",
    "unknown-asker": "it is not known who asked for this decision, so nobody can be told apart from her: evaluate the exchange again",
    "own-request": "you asked for this decision yourself, and nobody confirms a document of her own request",
}
Reason = Annotated[str, StringConstraints(min_length=1, max_length=4_000, strip_whitespace=True)]


class ConfirmationWithdrawalRequest(Sending):
    """The withdrawal of what was confirmed of a document, as it is sent."""

    model_config = ConfigDict(frozen=True, title="DocumentWithdrawal")

    reason: Reason = Field(description="why")

    @field_validator("reason")
    @classmethod
    def _text(cls, reason: str) -> str:
        if "\x00" in reason:
            raise ValueError("leave out the character U+0000")
        return reason


class ConfirmationRequest(ConfirmationWithdrawalRequest):
    """A confirmation as it is sent: the hash of the bytes that the person has opened, why they are what is stated, until when."""

    model_config = ConfigDict(title="DocumentConfirmation")

    sha256: Sha256 = Field(description="the hash of the bytes that you have opened")
    until: date = Field(description="the last day on which the confirmation counts")


class Confirmation(BaseModel, frozen=True):
    """A confirmation, or a withdrawal of those before it, as it is kept."""

    id: str = Field(description="the id of the confirmation")
    decision: str = Field(description="the decision that it was given for")
    name: str = Field(description="the name of the document in the exchange")
    verdict: Literal["confirm", "withdraw"] = Field(description="`confirm`, or `withdraw`: those before it no longer count")
    reason: str = Field(description="why")
    until: date | None = Field(description="the last day on which it counts; null for a withdrawal")
    at: datetime = Field(description="when it was given, in UTC")
    by: str = Field(description="who gave it: the caller")


@dataclass(frozen=True, slots=True)
class StandingConfirmation:
    """A confirmation that stands: its id, its last day, and the person who gave it."""

    id: str
    until: date
    by: Person


def confirm(context: Reviewing, of: RecordedDocument, sent: ConfirmationRequest, transaction: sa.Connection) -> Confirmation:
    """
    Keep a confirmation of a document of a decision, in a writing transaction.

    Raises RequestRefused, with the reason, if the caller cannot confirm it, if no bytes are attached, or if the hash is another one.
    """
    decision, stated = of.decision, of.stated
    who = _person(context.caller)
    if why := why_not(transaction, of.asked_by, context.caller, context.settings.jwt_issuer or None):
        raise _not(WHY_NOT[why])
    if sent.until < context.today:
        raise _not("the last day, `until`, has passed already")
    if attachments.is_erased(transaction, decision):
        raise _not("personal values of this decision were erased, so nobody can say what would be confirmed")
    attached = attachments.of_decision(transaction, decision).get(stated.name)
    if attached is None:
        raise _not(f"no bytes are attached to `{stated.name}` of this decision")
    if not sent.sha256 == attached.shown.sha256 == stated.sha256:
        raise _not(f"the bytes that are attached have the hash {attached.shown.sha256}: open them, and send their hash")
    given = {"verdict": CONFIRM, "reason": sent.reason, "until": sent.until.isoformat()}
    return _keep(context, attached.shown.id, decision, stated, given, who, transaction)


def withdraw(
    context: Reviewing, of: RecordedDocument, sent: ConfirmationWithdrawalRequest, transaction: sa.Connection
) -> Confirmation:
    """
    Withdraw what was confirmed of a document, in a writing transaction; also where it was confirmed for other decisions that state it.

    Returns the withdrawal for this decision, or else for the last of the others. Raises RequestRefused if nothing is confirmed.
    """
    stated, who = of.stated, _person(context.caller)
    found = not_withdrawn(transaction, [stated.binding]).get(stated.binding, ())
    if not found:
        raise _not(f"nothing is confirmed or signed of `{stated.name}` that could be withdrawn")
    given = {"verdict": WITHDRAW, "reason": sent.reason, "until": None}
    last = {each["decision"]: each for each in found}
    kept = {at: _keep(context, each["attached"], at, stated, given, who, transaction) for at, each in sorted(last.items())}
    return kept.get(of.decision) or kept[found[-1]["decision"]]


def why_not(connection: sa.Connection, asked_by: str | None, caller: Caller, token_issuer: str | None) -> WhyNot | None:
    """Why a caller may not confirm the documents of a decision, by whoever asked for it; None if it may."""
    if caller.person is None:
        return "nobody"
    if asked_by is None or asked_by == LOCAL.id:
        return "unknown-asker"
    who = known_persons.identity(connection, caller, token_issuer)
    if who.may_be((asked_by,), known_persons.erasures(connection)):
        return "own-request"
    return None


def standing_confirmations(
    given: Mapping[str, Sequence[Mapping[str, Any]]], documents: Iterable[StatedDocument], day: date, asker: Person | None
) -> dict[str, StandingConfirmation]:
    """
    The confirmation of each document that stands on a day, by the document's name: the one with the latest last day.

    `given` is what `not_withdrawn` finds. `asker` is the person who asks for the decision, None if it is not a person: her own
    confirmations do not count. Nor do those of a person who was erased.
    """
    found: dict[str, StandingConfirmation] = {}
    for document in documents:
        name = document.name
        for row in given.get(document.binding, ()):
            if row["verdict"] != CONFIRM or row["issuer"] is None:
                continue
            until = date.fromisoformat(row["until"])
            if until < day or (name in found and until < found[name].until):
                continue
            by = Person(row["issuer"], row["subject"], row["person_name"])
            if by != asker:
                found[name] = StandingConfirmation(row["id"], until, by)
    return found


def any_given(database: Database) -> bool:
    """Whether anything was ever confirmed or signed."""
    return database.has_rows(rows)


def confirmations_of(connection: sa.Connection, decision: str) -> list[Confirmation]:
    """What was confirmed and withdrawn of the documents of a decision, in order."""
    if "\x00" in decision:
        return []
    mine = sa.select(rows).where(rows.c.decision == decision, rows.c.verdict != SIGNED).order_by(rows.c.number)
    return [_told(dict(row)) for row in connection.execute(mine).mappings()]


def confirmations_by_id(connection: sa.Connection, ids: Iterable[str]) -> list[Confirmation]:
    """The confirmations with these ids, for whichever decision they were given, in order."""
    mine = sa.select(rows).where(rows.c.id.in_(sorted(set(ids))), rows.c.verdict == CONFIRM).order_by(rows.c.number)
    return [_told(dict(row)) for row in connection.execute(mine).mappings()]


def not_withdrawn(connection: sa.Connection, bindings: Iterable[str]) -> dict[str, list[Mapping[str, Any]]]:
    """
    The confirmations and signatures after the last withdrawal, as rows in order, by what they are bound to.

    A confirmation has the person who gave it: `issuer`, `subject` and `person_name`. Raises SealBroken.
    """
    bindings = sorted(set(bindings))
    check(connection, CONFIRMED, bindings)
    who = (person.c.issuer, person.c.subject, person.c.name.label("person_name"))
    query = sa.select(*rows.c, *who).outerjoin(person, person.c.id == rows.c.person)
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in connection.execute(query.where(rows.c.binding.in_(bindings)).order_by(rows.c.number)).mappings():
        confirmed = found.setdefault(row["binding"], [])
        if row["verdict"] == WITHDRAW:
            confirmed[:] = [each for each in confirmed if each["decision"] != row["decision"]]
        else:
            confirmed.append(dict(row))
    persons = {each["person"] for some in found.values() for each in some} - {None}
    check(connection, PERSON, sorted(persons))
    return found


def next_number(transaction: sa.Connection) -> int:
    """The number of the next row, in a writing transaction."""
    last: int | None = transaction.execute(sa.select(sa.func.max(rows.c.number))).scalar_one()
    return 0 if last is None else last + 1


def _keep(
    context: Reviewing,
    attached: str,
    decision: str,
    stated: StatedDocument,
    given: Mapping[str, Any],
    who: Person,
    transaction: sa.Connection,
) -> Confirmation:
    row = {
        "number": next_number(transaction),
        "id": str(uuid7()),
        "attached": attached,
        "decision": decision,
        "name": stated.name,
        "binding": stated.binding,
        **given,
        "person": known_persons.known(transaction, who, context.now),
        "given_at": moment_text(context.now),
        "given_by": context.caller.id,
    }
    with changing(transaction, CONFIRMED, stated.binding):
        transaction.execute(sa.insert(rows).values(row))
        tree_leaves.append(transaction, _happening(row))
    return _told(row)


def _happening(row: Mapping[str, Any]) -> LogEvent:
    """A confirmation as a leaf. What it is bound to is a digest over terms and parties, so it is erased with the decision."""
    shown = ("number", "id", "attached", "decision", "name", "verdict", "until", "person")
    return LogEvent(
        "document-confirmation",
        row["given_at"],
        {name: row[name] for name in shown},
        {"binding": row["binding"], "reason": row["reason"], "by": row["given_by"]},
        subject_of_decision(row["decision"]),
        frozenset({"binding"}),
    )


def _person(caller: Caller) -> Person:
    if caller.person is None:
        raise _not(WHY_NOT["nobody"])
    return caller.person


def _told(row: Mapping[str, Any]) -> Confirmation:
    shown = ("id", "decision", "name", "verdict", "reason", "until")
    return Confirmation(**{name: row[name] for name in shown}, at=row["given_at"], by=row["given_by"])


def _not(why: str) -> RequestRefused:
    return RequestRefused("not-confirmable", why)
