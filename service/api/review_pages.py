"""
`GET /review`: what waits for a person, for a browser. `GET /review/{id}`: one review; `POST` to it is what its forms do: approve or refuse,
assign, comment.

A reader needs the scopes `read` and `review`. The forms carry a token (`service.drafts.form_token`). Who signs is the caller, and nothing
that a form says. After a sign-off the next review that waits for the reader opens.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from pydantic import ValidationError

from service.api import paging
from service.api.forms import Fields, fields_of, first
from service.api.page_answers import html, language, wrong_address
from service.api.reviews import filter_of
from service.api.sent import Plain
from service.api.sign_offs import prepared
from service.api.uploads import MULTIPART, form
from service.callers import known_persons
from service.callers.caller import Caller, caller_of
from service.callers.caller_names import caller_names
from service.console import document_list
from service.console.explained import explained
from service.console.pages import missing_page
from service.console.reader import PageReader
from service.console.review_pages import ALL_GROUPS, YOURS, CaseShown, QueueShown, case_page, queue_page
from service.console.review_wording import REVIEW_WORDS
from service.console.wording import WORDS
from service.decisions.decider import durable
from service.decisions.outcome_now import DecideAgain, OutcomeNow
from service.decisions.replay import CannotReplay, Replaying
from service.documents import attachments, document_bytes
from service.drafts import form_token
from service.log.shown import kept
from service.log.store import Stored, find
from service.problems import KINDS, RequestRefused
from service.reviews import approvals, notes, own_requests, preview, queue, sign_offs
from service.reviews.coverage_to_accept import recorded_gaps, to_accept
from service.reviews.notes import CommentAsked, PersonNamed
from service.reviews.preview import SignOffPreview
from service.reviews.queue import Order, QueueFilter, WaitingCase
from service.reviews.recorded_case import GAP, REVIEW, gaps_of
from service.reviews.reviewer import Reviewer
from service.service import Service
from service.settings import time_zone

ROWS = 25  # on a page
MOST_PAGES = 20  # that are looked through for the next review that waits for a reader
MOST_DAYS = 366  # of an approval that is given here
FILTERS = ("group", "kind", "assignee", "older_than", "exporter_country", "recipient_country", "provision", "order")

_LIMIT = 64 * 1024
_DONE = ("approve", "refuse", "second", "comment", "assigned")
_MOST_ID = 64
_MOST_DIGITS = 5


class _Wrong(Exception):
    """What a form says cannot be taken; the message is a word of REVIEW_WORDS or a sentence."""


def add(app: FastAPI, service: Service) -> None:
    """Put the pages on the application."""
    pages = _Pages(app, service)
    # Reading is not `async`: it judges, and waits for the disk, so each call runs in a thread.
    app.get("/review", include_in_schema=False)(pages.queue)
    app.router.add_api_route(
        "/review", pages.decide_again, methods=["POST"], include_in_schema=False, route_class_override=Plain
    )
    app.get("/review/{id}", include_in_schema=False)(pages.case)
    app.router.add_api_route(
        "/review/{id}", pages.change, methods=["POST"], include_in_schema=False, route_class_override=Plain
    )


class _Pages:
    """The pages of one service."""

    def __init__(self, app: FastAPI, service: Service) -> None:
        self._service = service
        self._zone = time_zone(service.settings.zone)
        self._replaying = Replaying.shared(app, service)
        self._deciding = DecideAgain(service)

    # --- what is read ------------------------------------------------------------------------------------------------

    def queue(self, request: Request) -> Response:
        """The page of the queue."""
        caller = _reviewer(request)
        service = self._service
        reader = PageReader(service.live.bundle, language(request))
        sent = _asked(request)
        cursor, done = sent.pop("cursor", None), sent.pop("again", "")
        now = service.clock()

        def look(connection: sa.Connection) -> str:
            wanted, order = _filter_of(connection, {"group": YOURS, **sent}, caller)
            filters = (order, *(getattr(wanted, name) for name in QueueFilter.__slots__))
            after = paging.Asked(ROWS, cursor).after("review", str, int, str, filters=filters)
            place = (after[0], after[1], after[2]) if after else None
            issuer = service.token_issuer
            viewer = self._viewer(connection, caller)
            cases = queue.page(connection, service.live, now, self._today, issuer, wanted, order, place, ROWS + 1, viewer)
            found, shown = queue.read(connection, service.live, self._today, issuer), cases[:ROWS]
            following = (
                paging.written("review", *queue.place_of(shown[-1], order), filters=filters) if len(cases) > ROWS else None
            )
            listed = (*shown, *found.ending)
            assigned = [each.assignee for each in listed if each.assignee]
            page = QueueShown(
                found,
                shown,
                sent,
                wanted,
                notes.who_are(connection, assigned),
                following,
                now,
                len(to_accept(connection, service.live, found.waiting, viewer)),
                form_token.token(service, caller.id),
                "evaluate" in caller.scopes,
                cursor is not None,
                int(done) if done else None,
                {each.id: [*recorded_gaps(connection, each.id)] for each in shown if GAP in each.kinds and not each.provisions},
            )
            named = replace(reader, callers=caller_names(connection, [each.asked_by for each in listed]))
            return queue_page(page, viewer, named)

        if not sent.keys() <= set(FILTERS) or not (
            done == "" or (done.isascii() and done.isdigit() and len(done) < _MOST_DIGITS)
        ):
            return wrong_address(reader)
        try:
            return html(service.read(look))
        except RequestRefused as refused:
            if refused.kind != "bad-request":
                raise
            return wrong_address(reader)

    def case(self, request: Request) -> Response:
        """The page of one review."""
        return self._case(request, _reviewer(request))

    # --- what forms do -----------------------------------------------------------------------------------------------

    async def decide_again(self, request: Request) -> Response:
        """
        Decide again those of some decisions that wait for nobody by the policies of now. The others stay: who decides one again asked for
        it, and could not sign it any more.
        """
        caller = _reviewer(request)
        caller_of(request.scope, "evaluate")
        service, lang = self._service, language(request)
        fields = await fields_of(service, request, caller, _LIMIT)
        done = 0
        for id in list(dict.fromkeys(fields.get("id", ())))[:ROWS]:
            stored = await asyncio.to_thread(service.read, lambda connection, id=id: self._stale(connection, id))
            if stored is None:
                continue
            found = await asyncio.to_thread(self._deciding.look, stored, caller, lang, request.scope["request_id"])
            if found is not None and found.may_ask and found.outcome not in sign_offs.OPEN:
                await self._deciding.record(stored, caller, lang, request.scope)
                done += 1
        return _to(request, "/review", {"again": str(done)})

    def _stale(self, connection: sa.Connection, id: str) -> Stored | None:
        """A record that waits though other policies decided it."""
        stored = find(connection, id)
        return stored if stored is not None and self._deciding.moved(connection, stored) else None

    async def change(self, request: Request) -> Response:
        """Do what a form of a review asks, and go to the page that shows it."""
        caller = _reviewer(request)
        service, id = self._service, request.path_params["id"]
        fields, file = await self._sent(request, caller)
        try:
            stored = await asyncio.to_thread(service.stored, id)
            match first(fields, "do"):
                case "sign":
                    done = await self._sign(stored, fields, caller)
                    to = await asyncio.to_thread(self._following, request, caller, id)
                case "assign":
                    await self._assign(id, first(fields, "to"), caller)
                    done, to = "assigned", None
                case "comment":
                    await self._comment(id, first(fields, "text"), file, caller)
                    done, to = "comment", None
                case _:
                    raise RequestRefused("bad-request", "the form asks for something that a review cannot do")
        except (RequestRefused, _Wrong) as refused:
            return await asyncio.to_thread(self._case, request, caller, refused, fields)
        return _to(request, f"/review/{to or id}", {"done": done, "done_id": id})

    async def _sign(self, stored: Stored, fields: Fields, caller: Caller) -> str:
        """What was done, of _DONE. Raises RequestRefused, _Wrong."""
        verdict, reason = first(fields, "verdict"), first(fields, "reason").strip()
        provisions = [each for each in fields.get("provision", ()) if each]
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
            if until > self._today + timedelta(days=MOST_DAYS):
                raise _Wrong("no_day")
        try:
            asked = sign_offs.SignOffAsked.model_validate(
                {"provisions": provisions, "verdict": verdict, "reason": reason, "until": until}
            )
        except ValidationError:
            raise RequestRefused("bad-request", "the form cannot be read") from None
        for _ in range(sign_offs.MOST_TRIES):
            draft, keep = await prepared(self._service, stored, asked, caller)
            with suppress(sign_offs.Overtaken):
                await durable(self._service.store.do(keep))
                return "second" if draft.awaits else verdict
        raise sign_offs.contested()

    async def _assign(self, id: str, to: str, caller: Caller) -> None:
        """Raises RequestRefused."""

        def work(transaction: sa.Connection) -> None:
            whom: Any = to or None
            if to not in ("", notes.ME):
                person = known_persons.find(transaction, to.removeprefix(known_persons.PREFIX))
                if person is None:
                    raise RequestRefused("not-found", "the service knows no such person")
                whom = PersonNamed(issuer=person.issuer, subject=person.subject)
            notes.assign(transaction, id, whom, caller, self._service.clock())

        await durable(self._service.store.do(work))

    async def _sent(self, request: Request, caller: Caller) -> tuple[Fields, bytes]:
        """The fields of a form, and the bytes of its file; none where it has no file or none was chosen. Raises RequestRefused."""
        service = self._service
        if not request.headers.get("content-type", "").lower().startswith(MULTIPART):
            return await fields_of(service, request, caller, _LIMIT), b""
        sent = await form(request, service.settings.document_limit)
        form_token.check(service, caller.id, sent.fields.get("token", ""))
        return {name: (value,) for name, value in sent.fields.items()}, sent.file or b""

    async def _comment(self, id: str, text: str, file: bytes, caller: Caller) -> None:
        """Keep a comment, and the file with it if there is one. Raises RequestRefused, _Wrong."""
        try:
            asked = CommentAsked(text=text.replace("\r\n", "\n"))
        except ValidationError:
            raise _Wrong("no_text") from None
        now = self._service.clock()
        seen = await asyncio.to_thread(document_bytes.see, file) if file else None

        def work(transaction: sa.Connection) -> None:
            if seen:
                document_bytes.keep(transaction, seen, now, caller.id)
            notes.comment(transaction, id, asked.text, caller, now, seen.info.sha256 if seen else None)

        await durable(self._service.store.do(work))

    # --- inside ------------------------------------------------------------------------------------------------------

    @property
    def _today(self) -> date:
        return self._service.clock().astimezone(self._zone).date()

    def _viewer(self, connection: sa.Connection, caller: Caller) -> Reviewer:
        return Reviewer.of(connection, caller, self._service.live, self._service.token_issuer)

    def _case(
        self,
        request: Request,
        caller: Caller,
        refused: RequestRefused | _Wrong | None = None,
        fields: Fields | None = None,
    ) -> Response:
        """The page of one review; with `refused`, why what a form sent was not done."""
        service, lang = self._service, language(request)
        reader = PageReader(service.live.bundle, lang)
        id, sent = request.path_params["id"], _asked(request)
        now = self._now(request, caller, id, lang)
        done, done_id = sent.pop("done", ""), sent.pop("done_id", "")[:_MOST_ID]
        if not sent.keys() <= set(FILTERS) or (done and done not in _DONE):
            return wrong_address(reader)

        def look(connection: sa.Connection) -> str | None:
            stored = find(connection, id)
            if stored is None:
                return None
            viewer = self._viewer(connection, caller)
            shown = self._shown(connection, stored, caller, viewer, reader, sent, done, done_id, now)
            values: dict[str, Any] = {name: each[0] for name, each in (fields or {}).items() if each}
            if fields and "provision" in fields:
                values["provision"] = list(fields["provision"])
            token = form_token.token(service, caller.id)
            named = replace(reader, callers=caller_names(connection, shown.callers))
            return case_page(shown, viewer, token, named, _why(refused, lang, shown.last_until), values)

        try:
            page = service.read(look)
        except RequestRefused as wrong:
            if wrong.kind != "bad-request":
                raise
            return wrong_address(reader)
        if page is None:
            words = WORDS[lang]
            return html(missing_page(reader, words["not_found"], words["not_found_text"]), 404)
        status = 200 if refused is None else 422 if isinstance(refused, _Wrong) else KINDS[refused.kind][0]
        return html(page, status)

    def _shown(
        self,
        connection: sa.Connection,
        stored: Stored,
        caller: Caller,
        viewer: Reviewer,
        reader: PageReader,
        filters: Mapping[str, str],
        done: str,
        done_id: str,
        now: OutcomeNow | None,
    ) -> CaseShown:
        """Raises RequestRefused."""
        service, id, today = self._service, stored.entry.id, self._today
        live = service.live
        document = kept(stored)
        record, words = document["record"], REVIEW_WORDS[reader.lang]
        whole = all(opening.value is not None for opening in stored.entry.openings)
        facts = approvals.facts_of(live, record) if whole else ""
        case = queue.of_decision(connection, live, id, today, service.token_issuer)
        newer = queue.newest_of(connection, facts) if facts else None
        look, cannot = None, "" if whole else words["erased"]
        if whole and record["bundle"]["meaning"] != live.digests.meaning:
            cannot = words["other_policies"]
        elif whole and record["decision"]["outcome"] in sign_offs.OPEN:
            look, cannot = self._preview(connection, stored, facts, reader.lang)
        if record.get("lang", "en") != reader.lang:
            with suppress(CannotReplay):
                record["decision"] = {**record["decision"], **explained(record, stored, self._replaying, reader.lang)}
        found = notes.of_decision(connection, id)
        assignee = case[0].assignee if case else None
        wanted, order = _filter_of(connection, filters, caller)
        following = self._next(connection, wanted, order, viewer, id)
        return CaseShown(
            record=record,
            log=document["log"],
            documents=document_list.members(service, connection, stored, caller, reader) if whole else {},
            case=case[0] if case else None,
            waits=case is not None and case[1],
            newer=newer if newer != id else None,
            preview=look,
            cannot=cannot,
            own=bool(facts) and own_requests.is_own(connection, stored, facts, caller, service.token_issuer),
            asked_by=known_persons.behind(connection, record.get("asked_by") or "", service.token_issuer),
            signed=sign_offs.given(connection, id),
            notes=found,
            files=attachments.of_review(connection, id),
            assignee=notes.who_are(connection, [assignee])[assignee] if assignee else None,
            persons=notes.persons(connection),
            gaps=gaps_of(record["decision"]) if record["decision"]["outcome"] == REVIEW else [],
            following=None if following is None else following.id,
            left=max(1, self._left(connection, viewer, id)) if done and following is not None else 0,
            today=today,
            default_until=today + timedelta(days=preview.DAYS),
            last_until=today + timedelta(days=MOST_DAYS),
            filters=filters,
            done=done,
            done_id=done_id,
            now=now,
        )

    def _now(self, request: Request, caller: Caller, id: str, lang: str) -> OutcomeNow | None:
        """What a decision would be now, where it was signed since or other policies are loaded, and that is something else."""
        service = self._service
        stored = service.read(lambda connection: find(connection, id))
        if stored is None or not service.read(lambda connection: self._deciding.moved(connection, stored)):
            return None
        found = self._deciding.look(stored, caller, lang, request.scope["request_id"])
        record = kept(stored)["record"]
        same = found is not None and found.outcome == record["decision"]["outcome"]
        return None if same and record["bundle"]["meaning"] == service.live.digests.meaning else found

    def _preview(self, connection: sa.Connection, stored: Stored, facts: str, lang: str) -> tuple[SignOffPreview | None, str]:
        """What approvals would change, or why nobody can sign off."""
        try:
            counting = own_requests.Counting(connection, self._service.token_issuer)
            said = counting.for_decision(approvals.said_of_stored(connection, self._service.live, stored), stored)
            found = preview.preview(self._service.live, stored, said, self._today, lang=lang)
        except RequestRefused as refused:
            return None, refused.detail
        return found, ""

    def _following(self, request: Request, caller: Caller, id: str) -> str | None:
        """The next review that waits for a caller, by the filters of the address. Raises RequestRefused."""
        filters = {name: value for name, value in _asked(request).items() if name in FILTERS}

        def look(connection: sa.Connection) -> str | None:
            wanted, order = _filter_of(connection, filters, caller)
            following = self._next(connection, wanted, order, self._viewer(connection, caller), id)
            return None if following is None else following.id

        return self._service.read(look)

    def _next(
        self, connection: sa.Connection, wanted: QueueFilter, order: Order, viewer: Reviewer, id: str
    ) -> WaitingCase | None:
        """The first review after one that waits for a reader, else the first of all."""
        live, now, today, issuer = self._service.live, self._service.clock(), self._today, self._service.token_issuer
        here = queue.of_decision(connection, live, id, today, issuer)
        for place in dict.fromkeys((None if here is None else queue.place_of(here[0], order), None)):
            for _ in range(MOST_PAGES):
                cases = queue.page(connection, live, now, today, issuer, wanted, order, place, ROWS, viewer)
                for each in cases:
                    if each.id != id and viewer.may_take(each):
                        return each
                if len(cases) < ROWS:
                    break
                place = queue.place_of(cases[-1], order)
        return None

    def _left(self, connection: sa.Connection, viewer: Reviewer, but: str) -> int:
        """How many other reviews wait for a reader, of those that are counted."""
        found = queue.read(connection, self._service.live, self._today, self._service.token_issuer)
        return sum(viewer.may_take(each) for each in found.waiting if each.id != but)


def _reviewer(request: Request) -> Caller:
    caller_of(request.scope, "read")
    return caller_of(request.scope, "review")


def _filter_of(connection: sa.Connection, sent: Mapping[str, str], caller: Caller) -> tuple[QueueFilter, Order]:
    """The filters that an address of a page asks for, and the order. Raises RequestRefused."""
    named = {name: value for name, value in sent.items() if name != "group" or value != ALL_GROUPS}
    return filter_of(connection, named, caller, "oldest")


def _asked(request: Request) -> dict[str, str]:
    """The parameters of an address without its language. Filters that the form left empty are dropped."""
    return {name: value for name, value in request.query_params.items() if value and name != "lang"}


def _why(refused: RequestRefused | _Wrong | None, lang: str, last: date) -> str:
    """A refusal in a line."""
    if refused is None:
        return ""
    if isinstance(refused, _Wrong):
        word = str(refused)
        return REVIEW_WORDS[lang][word].format(notes.MOST_OF_A_COMMENT if word == "no_text" else last)
    if refused.kind == "own-request":
        return REVIEW_WORDS[lang]["own_perhaps"]
    return "; ".join(each.detail for each in refused.errors or ()) or refused.detail


def _to(request: Request, path: str, done: Mapping[str, str]) -> Response:
    """Go to a page, in the same language and with the same filters."""
    lang = language(request)
    kept_filters = {name: value for name, value in _asked(request).items() if name in FILTERS}
    query = urlencode({**({} if lang == "en" else {"lang": lang}), **kept_filters, **done})
    return Response(status_code=303, headers={"Location": f"{path}?{query}"})
