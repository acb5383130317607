"""
Renders the pages of reviews: the queue, and one review with what each approval would change.

What was read goes in, HTML comes out. No fact of a person is in an address.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from service.callers.person import Person
from service.console import document_list
from service.console.pages import rendered, tone
from service.console.reader import PageReader, Part, capital
from service.console.request_facts import facts_of, in_short
from service.decisions.present_outcome import PresentOutcome
from service.documents.attachments import AttachedDocument
from service.reviews.notes import ReviewNote, Who
from service.reviews.preview import ChangeShown, PreviewShown
from service.reviews.queue import MOST_CASES, SECOND, QueueFilter, ReviewQueue, WaitingCase
from service.reviews.recorded_case import KINDS
from service.reviews.reviewer import GROUPS, Reviewer
from service.reviews.sign_off import SignOff

YOURS, ALL_GROUPS = "yours", "all"  # the group that is shown where the address names none, and what names all
SHOWN = (YOURS, "others")  # groups that are shown also where nothing of them waits
MOST_ENDING = 10  # approvals that end soon, on the page of the queue
MOST_SHOWN = 3  # provisions of a row
REACHES, GAPS = "reach/", "gap/"  # what the names of reaches and gaps begin with


@dataclass(frozen=True, slots=True)
class QueueShown:
    """A page of the queue: the cases on it, those of the whole queue, and where it goes on."""

    queue: ReviewQueue
    cases: Sequence[WaitingCase]
    filters: Mapping[str, str]
    wanted: QueueFilter
    named: Mapping[str, Who]
    following: str | None
    now: datetime
    coverage: int  # cells that may be accepted
    token: str
    decides: bool  # the reader may have what other policies decided decided again
    paged: bool = False  # whether it is not the first page
    done: int | None = None  # how many were decided again just now
    silent: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)  # by case that nobody can sign, its gaps


@dataclass(frozen=True, slots=True)
class CaseShown:
    """
    One review: its record and decision, what waits, what approvals would change, who signed, what was said.
    `now` is what would be decided now, where that is something else.

    `cannot` says why nobody can sign it off, `own` whether the reader asked for it. `newer` is the decision that took its place.
    `documents` is what their template needs.
    """

    record: Part
    log: Part
    documents: Mapping[str, Any]
    case: WaitingCase | None
    waits: bool
    newer: str | None
    preview: PreviewShown | None
    cannot: str
    own: bool
    asked_by: Person | None
    signed: Sequence[SignOff]
    notes: Sequence[ReviewNote]
    files: Sequence[AttachedDocument]
    assignee: Who | None
    persons: Sequence[tuple[str, Person]]
    gaps: Sequence[Part]
    following: str | None
    left: int
    today: date
    default_until: date
    last_until: date
    filters: Mapping[str, str] = field(default_factory=dict)
    done: str = ""
    done_id: str = ""
    now: PresentOutcome | None = None

    @property
    def callers(self) -> list[str | None]:
        """The ids of the callers whom the page names."""
        did = [*(each.by for each in self.signed), *(each.by.id for each in self.notes), *(each.by for each in self.files)]
        return [self.record.get("asked_by"), *did]


@dataclass(frozen=True, slots=True)
class ProvisionShown:
    """A provision that can be signed off, in words, with what its approval would change."""

    id: str
    title: str
    source: str
    says: str
    kind: str
    mark: str
    change: ChangeShown | None
    needed: int
    signers: Sequence[str]
    signed_by_me: bool


def queue_page(shown: QueueShown, reviewer: Reviewer, reader: PageReader) -> str:
    """The page of the queue."""
    words = reader.words.reviews
    titled = _titles(reader)
    groups = shown.queue.groups(reviewer)
    group = shown.filters.get("group", YOURS)
    within = [each for each in shown.queue.waiting if group in (ALL_GROUPS, reviewer.group(each))]
    kinds = Counter(kind for each in within for kind in each.kinds)
    return rendered(
        "review_list.html",
        reader,
        "/review",
        filters=shown.filters,
        w=words,
        shown=shown,
        names=reviewer.names,
        kinds=(*KINDS, SECOND),
        counts=kinds,
        within=len(within),
        total=len(shown.queue.waiting),
        counted=MOST_CASES,
        groups=[(name, groups.get(name, 0)) for name in GROUPS if name in SHOWN or groups.get(name)],
        group=group,
        for_you=groups.get(YOURS, 0),
        rows=[_row(each, shown, reviewer, reader, titled) for each in shown.cases],
        ending=[_row(each, shown, reviewer, reader, titled) for each in shown.queue.ending[:MOST_ENDING]],
        begin=next((each.id for each in shown.cases if reviewer.may_take(each)), None),
    )


def case_page(
    shown: CaseShown, reviewer: Reviewer, token: str, reader: PageReader, wrong: str = "", sent: Mapping[str, Any] | None = None
) -> str:
    """
    The page of one review, with the token for its forms. `wrong` says why what was sent was not recorded, and `sent` is what was sent.
    """
    record, decision = shown.record, shown.record.get("decision") or {}
    provisions = _provisions(shown, reviewer, reader)
    return rendered(
        "review_case.html",
        reader,
        f"/review/{record['id']}",
        filters=shown.filters,
        w=reader.words.reviews,
        shown=shown,
        record=record,
        d=decision,
        tone=tone(decision),
        parties=in_short(facts_of(record, shown.log, reader), reader),
        provisions=provisions,
        can_approve=bool(provisions) and not shown.own and all(reviewer.counts_for(each.id) for each in provisions),
        reviewer=reviewer,
        token=token,
        now=shown.now,
        who=_who,
        dw=reader.words.documents,
        files=[(each, document_list.attachment_in_words(each, reader)) for each in shown.files],
        wrong=wrong,
        sent=sent or {},
        **shown.documents,
    )


def _row(
    case: WaitingCase, shown: QueueShown, reviewer: Reviewer, reader: PageReader, titled: Mapping[str, Any]
) -> dict[str, Any]:
    words = reader.words.reviews
    days = (shown.now - case.recorded_at).days
    titles = [_title(each, reader, titled) for each in case.provisions]
    titles += [
        capital(reader.language.pair(reader.place(country), reader.subject(subject)))
        for country, subject in shown.silent.get(case.id, ())
    ]
    return {
        "case": case,
        "age": words["today"] if days < 1 else words["days_one"] if days == 1 else words["days"].format(days),
        "titles": titles[:MOST_SHOWN],
        "more": max(0, len(titles) - MOST_SHOWN),
        "assignee": _who(shown.named[case.assignee]) if case.assignee else "",
        "own": reviewer.asked_for(case),
    }


def _provisions(shown: CaseShown, reviewer: Reviewer, reader: PageReader) -> list[ProvisionShown]:
    """What can be signed off, each with the change that its approval would make."""
    if shown.preview is None:
        return []
    titled = _titles(reader)
    changes = {each.provisions[0]: each for each in shown.preview.each if len(each.provisions) == 1}
    signatures: dict[str, list[SignOff]] = {}
    for each in shown.signed:
        if each.verdict == "refuse":
            signatures.pop(each.provision, None)
        else:
            signatures.setdefault(each.provision, []).append(each)
    silent = {str(part.get("sign_off")): str(part.get("says", "")) for part in shown.gaps}
    found = []
    for id in shown.preview.all.provisions:
        rule = titled.get(id)
        given = [each for each in signatures.get(id, ()) if each.until is None or each.until >= shown.today]
        given = given[-shown.preview.given.get(id, 0) :] if shown.preview.given.get(id) else []
        found.append(
            ProvisionShown(
                id=id,
                title=_title(id, reader, titled),
                source=_source(rule, reader),
                says=rule.provision.says.in_(reader.lang) if rule else silent.get(id, ""),
                kind=_kind(id, rule),
                mark=rule.provision.status if rule else "",
                change=changes.get(id),
                needed=shown.preview.needed.get(id, 1),
                signers=[_signer(each, reader) for each in given],
                signed_by_me=any(each.by in reviewer.names for each in given),
            )
        )
    return found


def _titles(reader: PageReader) -> Mapping[str, Any]:
    """The rule of each provision that a person may sign off: that which asks for a review, else any."""
    found: dict[str, Any] = {}
    for rule in reader.bundle.rules.rules:
        if rule.effect == "review" or rule.provision.id not in found:
            found[rule.provision.id] = rule
    return found


def _title(id: str, reader: PageReader, titled: Mapping[str, Any]) -> str:
    rule = titled.get(id)
    if rule is not None:
        return str(rule.provision.title.in_(reader.lang))
    if id.startswith((REACHES, GAPS)):
        _, country, subject = id.split("/", 2)
        return capital(reader.language.pair(reader.place(country), reader.subject(subject)))
    return id


def _source(rule: Any, reader: PageReader) -> str:
    if rule is None:
        return ""
    return reader.language.source(rule.provision.instrument.in_(reader.lang), rule.provision.citation.in_(reader.lang))


def _kind(id: str, rule: Any) -> str:
    if id.startswith((REACHES, GAPS)):
        return "reach" if id.startswith(REACHES) else "gap"
    return "review" if rule is None or rule.effect == "review" else "lift"


def _signer(given: SignOff, reader: PageReader) -> str:
    return reader.caller(given.by) if given.person is None else given.person.name or given.person.subject


def _who(who: Who | Person | None) -> str:
    """The name of a person; of a caller who is none that the service knows, the id."""
    match who:
        case Person():
            return who.shown
        case Who(person=None):
            return who.id
        case Who(person=person) if person is not None:
            return person.name or person.subject
    return ""
