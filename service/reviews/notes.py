"""
What persons say of a review beside signing it: comments in plain text, and to whom it is assigned. All of it is in the log's leaves.

A comment is erased with the decision. An assignment names a caller: a person as `person:` and her random id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator
from uuid_utils import uuid7

from service.callers import known_persons
from service.callers.caller import Caller
from service.callers.context import Reviewing
from service.callers.person import Person
from service.callers.sending import Sending
from service.documents import attachments
from service.languages.visible_text import PATTERN, is_plain
from service.limits import COMMENT_CHARACTERS, REVIEW_NOTES
from service.log import review_cases, tree_leaves
from service.log.store import record_of, subject_of_decision
from service.log.tree_leaves import LogEvent
from service.problems import RequestRefused
from service.reviews.sign_off import ERASED, Signer
from service.store.moments import moment_text
from service.store.tables import person, personal, record, review_note

MOST_PERSONS = 200  # to choose from
ME = "me"


class CommentRequest(Sending):
    """A comment as it is sent."""

    model_config = ConfigDict(title="Comment")

    text: Annotated[
        str,
        StringConstraints(min_length=1, max_length=COMMENT_CHARACTERS, strip_whitespace=True),
        Field(json_schema_extra={"pattern": PATTERN}),
    ]
    file: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] | None = Field(
        default=None,
        description="the hash of a file that is attached to the review: send its bytes to `POST /v1/documents` first",
    )

    @field_validator("text")
    @classmethod
    def _plain(cls, text: str) -> str:
        if not is_plain(text):
            raise ValueError("a comment is plain text without control characters")
        return text


class PersonNamed(Sending):
    """A person by her issuer and subject."""

    issuer: Annotated[str, StringConstraints(max_length=512)]
    subject: Annotated[str, StringConstraints(max_length=255)]


class AssignmentRequest(Sending):
    """To whom a review is to be assigned."""

    model_config = ConfigDict(title="Assignment")

    to: Literal["me"] | PersonNamed | None = Field(
        description="`me`, a person whom the service knows, or null for nobody any more"
    )


class Who(BaseModel, frozen=True):
    """A caller: the id that records name, and the person behind it, null for one that the service does not know."""

    id: str
    person: Signer | None = None


class ReviewNote(BaseModel, frozen=True):
    """A comment, or an assignment."""

    id: str
    kind: Literal["comment", "assigned", "requested"] = Field(description="`requested`: the caller asked for the review")
    text: str | None = Field(default=None, description="the comment, or why it was asked for; null once the decision is erased")
    to: Who | None = Field(default=None, description="of an assignment: to whom; null for nobody any more")
    at: datetime
    by: Who


@dataclass(frozen=True, slots=True)
class _NoteText:
    """A note that is about to be kept."""

    kind: Literal["comment", "assigned", "requested"]
    text: str | None = None
    assignee: str | None = None


def comment(context: Reviewing, decision: str, sent: CommentRequest, transaction: sa.Connection) -> ReviewNote:
    """Keep a comment on a decision, with a file by the hash of its bytes. Raises RequestRefused."""
    record_of(transaction, decision)
    note = _keep(transaction, decision, _NoteText("comment", text=sent.text), context.caller, context.now)
    if sent.file is not None:
        attachments.attach_to_review(transaction, decision, sent.file, context.now, context.caller.id)
    return note


def requested(transaction: sa.Connection, decision: str, why: str, caller: Caller, now: datetime) -> ReviewNote:
    """Keep that a caller asks for the review of a decision, and why, in a writing transaction. Raises RequestRefused."""
    return _keep(transaction, decision, _NoteText("requested", text=why), caller, now)


def request_of(connection: sa.Connection, id: str, names: frozenset[str]) -> tuple[str, ReviewNote] | None:
    """The decision and the note of a request for a review, by the id of the note, if one of these callers made it."""
    if "\x00" in id:
        return None
    chosen = sa.select(review_note).where(review_note.c.id == id, review_note.c.kind == "requested")
    row = connection.execute(chosen).mappings().one_or_none()
    if row is None or row["by"] not in names:
        return None
    return row["decision"], ReviewNote(id=row["id"], kind="requested", text=row["text"], at=row["at"], by=Who(id=row["by"]))


def assign(context: Reviewing, decision: str, sent: AssignmentRequest, transaction: sa.Connection) -> ReviewNote:
    """Assign the review of a decision. Raises RequestRefused, also for a person who is not known."""
    record_of(transaction, decision)
    assignee, to = None, sent.to
    if isinstance(to, PersonNamed):
        here = (person.c.issuer == to.issuer, person.c.subject == to.subject)
        id = transaction.execute(sa.select(person.c.id).where(*here)).scalar_one_or_none()
        if id is None:
            raise RequestRefused("not-found", "the service knows no person with this issuer and subject")
        assignee = known_persons.PREFIX + id
    elif to is not None:
        assignee = own_name(transaction, context.caller, context.now)
    note = _keep(transaction, decision, _NoteText("assigned", assignee=assignee), context.caller, context.now)
    review_cases.assign(transaction, decision, assignee)
    return note


def person_named(connection: sa.Connection, name: str) -> PersonNamed:
    """The person who is assigned under a name. Raises RequestRefused."""
    found = known_persons.find(connection, name.removeprefix(known_persons.PREFIX))
    if found is None:
        raise RequestRefused("not-found", "the service knows no such person")
    return PersonNamed(issuer=found.issuer, subject=found.subject)


def own_name(transaction: sa.Connection, caller: Caller, now: datetime) -> str:
    """The name under which something is assigned to a caller: that of the person, so that it is hers whatever key she comes with."""
    return known_persons.PREFIX + known_persons.known(transaction, caller.person, now) if caller.person else caller.id


def person_to_name(connection: sa.Connection, caller: Caller) -> str:
    """The same, for reading."""
    if caller.person is None:
        return caller.id
    here = (person.c.issuer == caller.person.issuer, person.c.subject == caller.person.subject)
    id = connection.execute(sa.select(person.c.id).where(*here)).scalar_one_or_none()
    return caller.id if id is None else known_persons.PREFIX + id


def assigned_to(connection: sa.Connection, decision: str) -> str | None:
    """To whom a decision was assigned last; None for nobody."""
    mine = sa.select(review_note.c.assignee).where(review_note.c.decision == decision, review_note.c.kind == "assigned")
    found: str | None = connection.execute(mine.order_by(review_note.c.number.desc()).limit(1)).scalar_one_or_none()
    return found


def of_decision(connection: sa.Connection, decision: str) -> list[ReviewNote]:
    """What was said of a decision, in order."""
    of_person = sa.select(review_note, person.c.issuer, person.c.subject, person.c.name)
    joined = of_person.select_from(review_note.outerjoin(person, person.c.id == review_note.c.person))
    chosen = joined.where(review_note.c.decision == decision).order_by(review_note.c.number).limit(REVIEW_NOTES)
    rows = connection.execute(chosen).mappings().all()
    named = who_are(connection, [row["assignee"] for row in rows if row["assignee"]])
    return [
        ReviewNote(
            id=row["id"],
            kind=row["kind"],
            text=row["text"],
            to=named[row["assignee"]] if row["assignee"] else None,
            at=row["at"],
            by=Who(
                id=row["by"],
                person=None
                if row["issuer"] is None
                else Signer(issuer=row["issuer"], subject=row["subject"], name=row["name"]),
            ),
        )
        for row in rows
    ]


def who_are(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Who]:
    """Callers by their ids, each `person:` with the person behind it."""
    wanted = {id.removeprefix(known_persons.PREFIX) for id in ids if id.startswith(known_persons.PREFIX)}
    chosen = sa.select(person).where(person.c.id.in_(wanted), person.c.issuer.is_not(None))
    found = {
        known_persons.PREFIX + row.id: Signer(issuer=row.issuer, subject=row.subject, name=row.name)
        for row in connection.execute(chosen)
    }
    return {id: Who(id=id, person=found.get(id)) for id in ids}


def persons(connection: sa.Connection) -> list[tuple[str, Person]]:
    """The persons whom the service knows, by name, at most MOST_PERSONS: each with the name that she is assigned under."""
    chosen = sa.select(person).where(person.c.issuer.is_not(None)).order_by(person.c.name, person.c.subject)
    rows = connection.execute(chosen.limit(MOST_PERSONS))
    return [(known_persons.PREFIX + row.id, Person(row.issuer, row.subject, row.name)) for row in rows]


def _keep(transaction: sa.Connection, decision: str, written: _NoteText, caller: Caller, now: datetime) -> ReviewNote:
    joined = personal.join(record, record.c.sequence == personal.c.sequence)
    erased = sa.select(personal.c.sequence).select_from(joined)
    if transaction.execute(erased.where(record.c.id == decision, personal.c.erased_at.is_not(None)).limit(1)).first():
        raise RequestRefused("not-signable", ERASED)
    count = sa.select(sa.func.count()).select_from(review_note).where(review_note.c.decision == decision)
    if transaction.execute(count).scalar_one() >= REVIEW_NOTES:
        raise RequestRefused("not-signable", f"nothing more can be said of this decision: it has {REVIEW_NOTES} notes")
    who = known_persons.known(transaction, caller.person, now) if caller.person else None
    last: int | None = transaction.execute(sa.select(sa.func.max(review_note.c.number))).scalar_one()
    row: dict[str, Any] = {
        "number": 0 if last is None else last + 1,
        "id": str(uuid7()),
        "decision": decision,
        "kind": written.kind,
        "text": written.text,
        "assignee": written.assignee,
        "at": moment_text(now),
        "by": caller.id,
        "person": who,
    }
    transaction.execute(sa.insert(review_note), row)
    shown = {name: row[name] for name in ("number", "id", "decision")} | ({"person": who} if who else {})
    hidden = {"by": caller.id}
    if written.kind != "assigned":
        happening = LogEvent(
            f"review-{'requested' if written.kind == 'requested' else 'comment'}",
            row["at"],
            shown,
            hidden | {"text": written.text},
            subject_of_decision(decision),
            frozenset({"text"}),
        )
    else:
        happening = LogEvent("review-assigned", row["at"], shown, hidden | {"assignee": written.assignee})
    tree_leaves.append(transaction, happening)
    to = who_are(transaction, [written.assignee])[written.assignee] if written.assignee else None
    signer = caller.person
    by = Who(
        id=caller.id,
        person=None if signer is None else Signer(issuer=signer.issuer, subject=signer.subject, name=signer.name),
    )
    return ReviewNote(id=row["id"], kind=written.kind, text=written.text, to=to, at=row["at"], by=by)
