"""
`GET /review`: what waits for a person, for a browser. `GET /review/{id}`: one review; `POST` to it is what its forms do: approve or refuse,
assign, comment.

A reader needs the scopes `read` and `review`. The forms carry a token (`service.drafts.form_token`). Who signs is the caller, and nothing
that a form says. After a sign-off the next review that waits for the reader opens.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple, replace
from datetime import date, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi import Response
from pydantic import ValidationError

from service.api import paging
from service.api import reviews as operations
from service.api.forms import fields_of, first
from service.api.page_answers import html, wrong_address
from service.api.page_router import PageCall, Pages
from service.api.parameters import text, whole, word
from service.api.sign_off import drafted
from service.api.uploads import MULTIPART, form
from service.callers import known_persons
from service.callers.caller_names import caller_names
from service.callers.context import ReadingReviews
from service.console import document_list
from service.console.explained_decision import explained
from service.console.review_pages import ALL_GROUPS, YOURS, CaseShown, QueueShown, case_page, queue_page
from service.decisions.present_outcome import PresentDecider, PresentOutcome
from service.decisions.replay import CannotReplay, Replayer
from service.documents import document_bytes
from service.drafts import form_token
from service.languages.words import text_for, wording
from service.limits import COMMENT_CHARACTERS, SIGN_OFF_DAYS
from service.log.durable_record import durable
from service.log.public_recipients import public_recipients
from service.log.record_views import record_json
from service.log.store import Stored, find
from service.problems import KINDS, RequestRefused
from service.reviews import notes, preview, queue, review_list, review_thread, sign_off
from service.reviews.coverage_to_accept import recorded_gaps, to_accept
from service.reviews.notes import AssignmentRequest, CommentRequest
from service.reviews.preview import PreviewShown
from service.reviews.queue import Order, QueueFilter, WaitingCase
from service.reviews.recorded_case import GAP, REVIEW, gaps_of
from service.reviews.review_thread import DecisionReview
from service.reviews.reviewer import Reviewer
from service.reviews.sign_off import SignOffRequest

ROWS = 25  # on a page
FILTERS = (*operations.FILTERS, "order")
AGAIN = whole("again", "how many were decided again just now", 9_999)
DONE = word("done", "what was done just now", ("approve", "refuse", "second", "comment", "assigned"))
DONE_ID = text("done_id", "of which decision", 300)

_LIMIT = 64 * 1024
_MOST_ID = 64

pages = Pages()


class DecidingReviewsAgain(ReadingReviews, scope="review", of_party=False, also=("read", "evaluate")):
    """Has decisions that wait decided again, too."""


class _Wrong(Exception):
    """What a form says cannot be taken; the message is a word of the catalogue or a sentence."""


@pages.get("/review")
def waiting(context: ReadingReviews, page: PageCall, connection: sa.Connection) -> Response:
    """The page of the queue."""
    sent = page.filters(*FILTERS, "cursor", "again")
    done, listing = AGAIN.of(sent), paging.Listing[WaitingCase]("review", "reviews", (str, int, str), ROWS, ROWS)
    wanted, order = _wanted({"group": YOURS, **sent})
    viewer = review_list.reviewer_of(context, connection)
    shown, following = listing.page(
        sent,
        lambda after, limit: review_list.cases_page(context, viewer, wanted, order, after, limit, connection),
        (order, *astuple(wanted)),
    )
    found = review_list.whole(context, connection)
    cases = (*shown, *found.ending)
    assigned = [each.assignee for each in cases if each.assignee]
    listed = QueueShown(
        found,
        shown,
        {name: value for name, value in sent.items() if name not in ("cursor", "again")},
        wanted,
        notes.who_are(connection, assigned),
        following,
        context.now,
        len(to_accept(connection, context.live, found.waiting, viewer)),
        form_token.token(page.service, context.caller.id),
        "evaluate" in context.caller.scopes,
        "cursor" in sent,
        done,
        {each.id: [*recorded_gaps(connection, each.id)] for each in shown if GAP in each.kinds and not each.provisions},
    )
    unnamed = [each.id for each in cases if each.recipient_country is None]
    public = public_recipients(connection, unnamed, context.live.bundle.vocabulary.recipient)
    named = replace(page.reader, callers=caller_names(connection, [each.asked_by for each in cases]), public=public)
    return html(queue_page(listed, viewer, named))


@pages.post("/review", limit=_LIMIT)
async def decide_again(context: DecidingReviewsAgain, page: PageCall) -> Response:
    """
    Decide again those of some decisions that wait for nobody by the policies of now. The others stay: who decides one again asked for
    it, and could not sign it any more.
    """
    deciding, caller, lang, done = page.shared(PresentDecider), context.caller, page.reader.lang, 0
    for id in list(dict.fromkeys(page.fields.get("id", ())))[:ROWS]:
        stored = await asyncio.to_thread(page.service.read, partial(_stale, deciding, id))
        if stored is None:
            continue
        found = await asyncio.to_thread(deciding.look, stored, caller, lang, context.request_id)
        if found is not None and found.may_ask and found.outcome not in sign_off.OPEN:
            await deciding.record(stored, caller, lang, page.request.scope)
            done += 1
    return _to(page, "/review", {"again": str(done)})


@pages.get("/review/{id}")
def case(context: ReadingReviews, page: PageCall) -> Response:
    """The page of one review."""
    return _case(context, page)


@pages.post("/review/{id}", limit=None)
async def change(context: ReadingReviews, page: PageCall) -> Response:
    """Do what a form of a review asks, and go to the page that shows it."""
    file, id, to = await _file(context, page), page.path["id"], None
    try:
        stored = await asyncio.to_thread(page.service.stored, id)
        match first(page.fields, "do"):
            case "sign":
                done = await _sign(context, page, stored)
                to = await asyncio.to_thread(page.service.read, partial(_following, context, page))
            case "assign":
                done = await _assign(context, page)
            case "comment":
                done = await _comment(context, page, file)
            case _:
                raise RequestRefused("bad-request", "the form asks for something that a review cannot do")
    except (RequestRefused, _Wrong) as refused:
        return await asyncio.to_thread(_case, context, page, refused)
    return _to(page, f"/review/{to or id}", {"done": done, "done_id": id})


async def _sign(context: ReadingReviews, page: PageCall, stored: Stored) -> str:
    """What was done, of DONE. Raises RequestRefused, _Wrong."""
    fields = page.fields
    verdict, reason = first(fields, "verdict"), first(fields, "reason").strip()
    provisions = tuple(each for each in fields.get("provision", ()) if each)
    if not reason:
        raise _Wrong("no_reason")
    if not provisions:
        raise _Wrong("no_provision")
    until = None
    if verdict == "approve":
        try:
            until = date.fromisoformat(first(fields, "until"))
        except ValueError:
            raise _Wrong("no_day") from None
        if until > context.today + timedelta(days=SIGN_OFF_DAYS):
            raise _Wrong("no_day")
    try:
        asked = SignOffRequest.model_validate({"provisions": provisions, "verdict": verdict, "reason": reason, "until": until})
    except ValidationError:
        raise RequestRefused("bad-request", "the form cannot be read") from None
    for _ in range(sign_off.MOST_TRIES):
        now = page.context(ReadingReviews)
        draft = await drafted(now, page.service, stored, asked)
        with suppress(sign_off.SignOffOvertaken):
            await durable(page.service.store.do(partial(sign_off.keep, now, draft)))
            return "second" if draft.awaits else verdict
    raise sign_off.contested_refusal()


async def _assign(context: ReadingReviews, page: PageCall) -> str:
    """What was done. Raises RequestRefused."""
    to = first(page.fields, "to")

    def work(transaction: sa.Connection) -> None:
        whom: Any = notes.person_named(transaction, to) if to not in ("", notes.ME) else to or None
        notes.assign(context, page.path["id"], AssignmentRequest(to=whom), transaction)

    await durable(page.service.store.do(work))
    return "assigned"


async def _comment(context: ReadingReviews, page: PageCall, file: bytes) -> str:
    """Keep a comment, and the file with it if there is one; what was done. Raises RequestRefused, _Wrong."""
    seen = await asyncio.to_thread(document_bytes.see, file) if file else None
    try:
        asked = CommentRequest(text=first(page.fields, "text").replace("\r\n", "\n"), file=seen.info.sha256 if seen else None)
    except ValidationError:
        raise _Wrong("no_text") from None

    def work(transaction: sa.Connection) -> None:
        if seen:
            document_bytes.keep(transaction, seen, context.now, context.caller.id)
        notes.comment(context, page.path["id"], asked, transaction)

    await durable(page.service.store.do(work))
    return "comment"


async def _file(context: ReadingReviews, page: PageCall) -> bytes:
    """Read a form; the bytes of its file, none where it has no file or none was chosen. Raises RequestRefused."""
    service, request = page.service, page.request
    if not request.headers.get("content-type", "").lower().startswith(MULTIPART):
        page.fields = await fields_of(service, request, context.caller, _LIMIT)
        return b""
    sent = await form(request, service.settings.document_limit)
    form_token.check(service, context.caller.id, sent.fields.get("token", ""))
    page.fields = {name: (value,) for name, value in sent.fields.items()}
    return sent.file or b""


def _case(context: ReadingReviews, page: PageCall, refused: RequestRefused | _Wrong | None = None) -> Response:
    """The page of one review; with `refused`, why what its form sent was not done."""
    service, reader, id = page.service, page.reader, page.path["id"]

    def look(connection: sa.Connection) -> str | None:
        stored = find(connection, id)
        if stored is None:
            return None
        viewer = review_list.reviewer_of(context, connection)
        shown = _shown(context, page, stored, viewer, now, connection)
        values: dict[str, Any] = {name: each[0] for name, each in page.fields.items() if each}
        if "provision" in page.fields:
            values["provision"] = list(page.fields["provision"])
        token = form_token.token(service, context.caller.id)
        named = replace(reader, callers=caller_names(connection, shown.callers))
        return case_page(shown, viewer, token, named, _why(refused, reader.lang, shown.last_until), values)

    try:
        now = _outcome_now(context, page)
        found = service.read(look)
    except RequestRefused as wrong:
        if wrong.kind != "bad-request":
            raise
        return wrong_address(reader)
    if found is None:
        words = reader.words.pages
        return page.missing(words["not_found"], words["not_found_text"])
    status = 200 if refused is None else 422 if isinstance(refused, _Wrong) else KINDS[refused.kind][0]
    return html(found, status)


def _shown(
    context: ReadingReviews,
    page: PageCall,
    stored: Stored,
    viewer: Reviewer,
    now: PresentOutcome | None,
    connection: sa.Connection,
) -> CaseShown:
    """Raises RequestRefused."""
    service, reader, id, today = page.service, page.reader, stored.entry.id, context.today
    sent = page.filters(*FILTERS, "done", "done_id")
    done, done_id = DONE.of(sent) or "", (DONE_ID.of(sent) or "")[:_MOST_ID]
    filters = {name: value for name, value in sent.items() if name in FILTERS}
    found, document = review_thread.of_record(context, stored, connection), record_json(stored)
    record, whole = document["record"], bool(found.facts)
    newer = queue.newest_of(connection, found.facts) if whole else None
    look, cannot = _preview(context, page, stored, found)
    if record.get("lang", "en") != reader.lang:
        with suppress(CannotReplay):
            record["decision"] = {**record["decision"], **explained(record, stored, page.shared(Replayer), reader.lang)}
    assignee = found.case.assignee if found.case else None
    following = review_list.next_for(context, viewer, *_wanted(filters), id, connection)
    return CaseShown(
        record=record,
        log=document["log"],
        documents=document_list.members(service, connection, stored, context.caller, reader) if whole else {},
        case=found.case,
        waits=found.waits,
        newer=newer if newer != id else None,
        preview=look,
        cannot=cannot,
        own=found.own,
        asked_by=known_persons.behind(connection, record.get("asked_by") or "", context.token_issuer),
        signed=sign_off.sign_offs_of(connection, id),
        notes=found.notes,
        files=found.files,
        assignee=notes.who_are(connection, [assignee])[assignee] if assignee else None,
        persons=notes.persons(connection),
        gaps=gaps_of(record["decision"]) if record["decision"]["outcome"] == REVIEW else [],
        following=None if following is None else following.id,
        left=max(1, review_list.left_for(context, viewer, id, connection)) if done and following is not None else 0,
        today=today,
        default_until=today + timedelta(days=preview.DAYS),
        last_until=today + timedelta(days=SIGN_OFF_DAYS),
        filters=filters,
        done=done,
        done_id=done_id,
        now=now,
    )


def _preview(context: ReadingReviews, page: PageCall, stored: Stored, found: DecisionReview) -> tuple[PreviewShown | None, str]:
    """What approvals would change, or why nobody can sign off."""
    words = page.reader.words.reviews
    if not found.facts:
        return None, words["erased"]
    if found.record["bundle"]["meaning"] != context.live.digests.meaning:
        return None, words["other_policies"]
    if found.record["decision"]["outcome"] not in sign_off.OPEN:
        return None, ""
    try:
        return preview.preview(context, stored, found.given.counting, lang=page.reader.lang), ""
    except RequestRefused as refused:
        return None, refused.detail


def _outcome_now(context: ReadingReviews, page: PageCall) -> PresentOutcome | None:
    """What a decision would be now, where it was signed since or other policies are loaded, and that is something else."""
    deciding = page.shared(PresentDecider)
    stored = page.service.read(partial(_stale, deciding, page.path["id"]))
    if stored is None:
        return None
    found = deciding.look(stored, context.caller, page.reader.lang, context.request_id)
    record = record_json(stored)["record"]
    same = found is not None and found.outcome == record["decision"]["outcome"]
    return None if same and record["bundle"]["meaning"] == context.live.digests.meaning else found


def _stale(deciding: PresentDecider, id: str, connection: sa.Connection) -> Stored | None:
    """A record that waits though other policies decided it, or it was signed since."""
    stored = find(connection, id)
    return stored if stored is not None and deciding.moved(connection, stored) else None


def _following(context: ReadingReviews, page: PageCall, connection: sa.Connection) -> str | None:
    """The next review that waits for a caller, by the filters of the address. Raises RequestRefused."""
    viewer, id = review_list.reviewer_of(context, connection), page.path["id"]
    found = review_list.next_for(context, viewer, *_wanted(_kept_filters(page)), id, connection)
    return None if found is None else found.id


def _wanted(sent: Mapping[str, str]) -> tuple[QueueFilter, Order]:
    """The filters that an address of a page asks for, and the order. Raises RequestRefused."""
    named = {name: value for name, value in sent.items() if name != "group" or value != ALL_GROUPS}
    return operations.filter_of(named), operations.ORDER.of(named) or "oldest"


def _kept_filters(page: PageCall) -> dict[str, str]:
    """The filters of the queue in the address of one review."""
    return {name: value for name, value in page.request.query_params.items() if value and name in FILTERS}


def _why(refused: RequestRefused | _Wrong | None, lang: str, last: date) -> str:
    """A refusal in a line."""
    if refused is None:
        return ""
    if isinstance(refused, _Wrong):
        named = str(refused)
        return text_for(wording(lang).reviews, named).format(COMMENT_CHARACTERS if named == "no_text" else last)
    if refused.kind == "own-request":
        return wording(lang).reviews["own_perhaps"]
    return "; ".join(each.detail for each in refused.errors or ()) or refused.detail


def _to(page: PageCall, path: str, done: Mapping[str, str]) -> Response:
    """Go to a page, in the same language and with the same filters."""
    lang = page.reader.lang
    query = urlencode({**({} if lang == "en" else {"lang": lang}), **_kept_filters(page), **done})
    return Response(status_code=303, headers={"Location": f"{path}?{query}"})
