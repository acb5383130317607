"""One review as a caller sees it: the id of a decision goes in; what waits of it, who signed, and what was said come out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, Field

from service.callers.context import Reviewing
from service.documents import attachments
from service.documents.attachments import AttachedDocument
from service.log.leaf import with_personal_values
from service.log.store import Stored, record_of
from service.reviews import notes, own_requests, queue, sign_off, standing_sign_off
from service.reviews.notes import ReviewNote, Who
from service.reviews.queue import WaitingCase
from service.reviews.recorded_case import REVIEW, gaps_of, kind_of
from service.reviews.sign_off import GivenSignOffs


class ProvisionAsked(BaseModel, frozen=True):
    """A provision of a review: how many persons have to sign it off, and who has. `given` are the ids of the sign-offs that count."""

    provision: str
    kind: str = Field(description="`review`, `lift` or `reach`")
    needed: int
    given: tuple[str, ...]
    refused: bool


class GapShown(BaseModel, frozen=True):
    """A gap that an acceptance in the organisation's policies would close; nobody can sign it off."""

    place: str
    subject: str


class ReviewThread(BaseModel, frozen=True):
    """One review: what waits of it, who signed, to whom it is assigned, and what was said, in order."""

    decision: str
    waits: bool = Field(
        description="whether it waits: false once it is settled, or if a newer decision on the same facts took its place"
    )
    own: bool = Field(description="whether the caller asked for it, and so may not approve it")
    provisions: tuple[ProvisionAsked, ...]
    gaps: tuple[GapShown, ...]
    assignee: Who | None
    notes: tuple[ReviewNote, ...]
    files: tuple[AttachedDocument, ...] = Field(default=(), description="the files that are attached to the review, in order")


@dataclass(frozen=True, slots=True)
class DecisionReview:
    """
    The review of a record: its case in the queue and whether it `waits`, the sign-offs on its facts, and what was said of it.

    `facts` is "" where values of the record were erased. `own`: the caller asked for it.
    """

    record: Mapping[str, Any]
    facts: str
    case: WaitingCase | None
    waits: bool
    given: GivenSignOffs
    own: bool
    notes: Sequence[ReviewNote]
    files: Sequence[AttachedDocument]


def of_record(context: Reviewing, stored: Stored, connection: sa.Connection) -> DecisionReview:
    """The review of a record, for a page and for the answer of an operation."""
    live, issuer, id = context.live, context.token_issuer, stored.entry.id
    record = with_personal_values(stored.entry.leaf, stored.entry.openings)
    erased = any(opening.value is None for opening in stored.entry.openings)
    facts = "" if erased else standing_sign_off.facts_of(live, record)
    case, waits = queue.of_decision(connection, live, id, context.today, issuer) or (None, False)
    return DecisionReview(
        record,
        facts,
        case,
        waits,
        sign_off.earlier_sign_offs(context, stored, connection) if facts else GivenSignOffs((), ()),
        bool(facts) and own_requests.is_own(connection, stored, facts, context.caller, issuer),
        notes.of_decision(connection, id),
        attachments.of_review(connection, id),
    )


def thread(context: Reviewing, id: str, connection: sa.Connection) -> ReviewThread:
    """The review of a decision. Raises RequestRefused where there is no such decision."""
    live = context.live
    found = of_record(context, record_of(connection, id), connection)
    record, case = found.record, found.case
    under = {each.provision: each for each in standing_sign_off.signatures(live, found.given.counting, context.today)}
    last = {row["provision"]: row["verdict"] for row in found.given.said}
    names = tuple(dict.fromkeys((*(record.get("signable") or ()), *last)))
    asked = tuple(
        ProvisionAsked(
            provision=name,
            kind=kind_of(live, name),
            needed=standing_sign_off.persons_needed(live, name),
            given=tuple(row["id"] for row in under[name].given) if name in under else (),
            refused=last.get(name) == "refuse",
        )
        for name in names
    )
    assignee = (
        case.assignee
        if case
        else next((each.to.id for each in reversed(found.notes) if each.kind == "assigned" and each.to), None)
    )
    decision = record.get("decision") or {}
    gaps = gaps_of(decision) if decision.get("outcome") == REVIEW else []
    return ReviewThread(
        decision=id,
        waits=found.waits,
        own=found.own,
        provisions=asked,
        gaps=tuple(GapShown(place=each["place"], subject=each["subject"]) for each in gaps),
        assignee=notes.who_are(connection, [assignee])[assignee] if assignee else None,
        notes=tuple(found.notes),
        files=tuple(found.files),
    )
