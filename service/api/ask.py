"""
`GET /ask` and `GET /ask/{id}`: pages on which a person asks about an exchange, one question at a time; `POST` to them is what her forms do.

A draft is read by callers with the scope `read`. To make one, and to change it, needs `evaluate` too, and only who made it may change it;
others go on in a copy. `commit` needs that scope. Callers who belong to a party are not served: the answers rest on the register of all.

The forms carry a token (`service.drafts.form_token`), and no address carries a fact.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response

import engine
from service.api.forms import Fields, fields_of, first
from service.api.page_answers import html, language
from service.api.sent import Plain
from service.api.uploads import form
from service.callers.caller import Caller, caller_of
from service.console.draft_form import NoAnswer, form_of, stated
from service.console.draft_pages import (
    MOST_ENTITIES,
    Beginning,
    Viewer,
    broken_page,
    confirm_page,
    decided_page,
    draft_page,
    start_page,
    words_page,
)
from service.console.draft_wording import DRAFT_WORDS
from service.console.pages import missing_page
from service.console.reader import PageReader
from service.decisions.decider import durable
from service.documents import document_bytes
from service.drafts import beginnings, draft_documents, draft_store, form_token, own_words
from service.drafts.answers import narrowed, with_fact, with_none, without_fact
from service.drafts.asking import Asking, JudgedDraft
from service.drafts.draft_store import Draft
from service.drafts.preset_confirmation import preset_named
from service.log.shown import kept
from service.problems import KINDS, RequestRefused
from service.register import entity_versions
from service.register.stated_facts import ROLES
from service.service import Service

QUESTION = "#question"  # the part of a page to which one comes after an answer: what it changed, and the next question
DOCUMENTS = "#documents"  # the part with the documents
MOST_LETTERS = 400  # of what a person types in her own words
_LIMIT = 4 * engine.MAX_BYTES  # an exchange whose bytes are escaped


def add(app: FastAPI, service: Service) -> None:
    """Put the pages on the application."""
    pages = _Pages(service)
    # Reading is not `async`: it judges, and waits for the disk, so each call runs in a thread.
    app.get("/ask", include_in_schema=False)(pages.start)
    app.get("/ask/{id}", include_in_schema=False)(pages.draft)
    for path, function in (("/ask", pages.begin), ("/ask/{id}", pages.change), ("/ask/{id}/file", pages.upload)):
        app.router.add_api_route(path, function, methods=["POST"], include_in_schema=False, route_class_override=Plain)


class _Pages:
    """The pages of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._asking = Asking(service)

    # --- what is read ------------------------------------------------------------------------------------------------

    def start(self, request: Request) -> Response:
        """The page on which one begins."""
        return self._start(request, caller_of(request.scope, "read"))

    def draft(self, request: Request) -> Response:
        """The page of a draft."""
        caller = caller_of(request.scope, "read")
        draft = self._find(request.path_params["id"])
        return self._gone(request) if draft is None else self._draft(request, caller, draft)

    # --- what forms do -----------------------------------------------------------------------------------------------

    async def begin(self, request: Request) -> Response:
        """Make a draft from what the form says, and go to its page."""
        caller = _asker(request)
        fields = await fields_of(self._service, request, caller, _LIMIT)
        lang = language(request)
        if first(fields, "from") == "preset" and (preset := preset_named(self._service.live.bundle, first(fields, "preset"))):
            # Nothing is stated until she confirms it.
            return html(confirm_page(preset, self._viewer(caller), PageReader(self._service.live.bundle, lang)))
        if first(fields, "from") == "words":
            bundle = self._service.live.bundle
            found = await asyncio.to_thread(own_words.meant, bundle, first(fields, "words")[:MOST_LETTERS])
            return html(words_page(found, self._viewer(caller), PageReader(bundle, lang)))
        try:
            document = await asyncio.to_thread(beginnings.begun, self._service, fields)
            await asyncio.to_thread(self._asking.check, document, caller, lang)
        except RequestRefused as refused:
            return await asyncio.to_thread(self._start, request, caller, refused)
        draft = Draft(draft_store.new_id(), caller.id, document)
        await self._do(lambda transaction: draft_store.make(self._service, transaction, draft))
        return _to(request, f"/ask/{draft.id}")

    async def change(self, request: Request) -> Response:
        """Do what a form of a draft asks, and go to the page that shows it."""
        caller = _asker(request)
        fields = await fields_of(self._service, request, caller, _LIMIT)
        draft = await asyncio.to_thread(self._find, request.path_params["id"])
        if draft is None:
            return self._gone(request)
        do = first(fields, "do")
        try:
            if do == "copy":
                return await self._copied(request, caller, draft)
            if do == "erase" and "administer" in caller.scopes:
                pass
            elif draft.owner != caller.id:
                raise RequestRefused("forbidden", "only who made a draft may change it; go on in a copy")
            if do != "erase" and first(fields, "version") != str(draft.version):
                # A form that is sent twice changes nothing twice.
                return _to(request, f"/ask/{draft.id}")
            return await self._changed(request, caller, draft, do, fields)
        except (RequestRefused, NoAnswer) as refused:
            return await asyncio.to_thread(self._draft, request, caller, draft, refused, fields)

    async def _changed(self, request: Request, caller: Caller, draft: Draft, do: str, fields: Fields) -> Response:
        """Raises RequestRefused, NoAnswer."""
        here = f"/ask/{draft.id}"
        if do == "erase":
            await self._do(lambda transaction: draft_store.erase(self._service, transaction, draft.id))
            return _to(request, "/ask")
        if draft.decision:
            if do == "commit":
                caller_of(request.scope, "commit")
                await self._asking.commit(draft, caller, request.scope)
            elif do == "decide-again" and not draft.commitment:
                await self._asking.again(draft, caller, language(request), request.scope)
            return _to(request, here)
        if do == "decide" and not draft.trial_of:
            await self._asking.record(draft, caller, language(request), request.scope)
            return _to(request, here)
        if do == "try" and not draft.trial_of:
            return await self._tried(request, caller, draft, fields)
        if do == "take" and draft.trial_of:
            return await self._taken(request, draft)
        new = await asyncio.to_thread(self._stated, request, caller, draft, do, fields)
        await self._do(lambda transaction: draft_store.change(self._service, transaction, new))
        return _to(request, here, DOCUMENTS if do == "documents" else QUESTION)

    def _stated(self, request: Request, caller: Caller, draft: Draft, do: str, fields: Fields) -> Draft:
        """The draft after a change of what it states. Raises RequestRefused, NoAnswer."""
        lang, fact = language(request), first(fields, "fact")
        match do:
            case "undo" if draft.before is not None:
                return replace(draft, document=draft.before, before=None, was=None, asking=None)
            case "reopen":
                return replace(draft, skipped=(), asking=None, was=None)
            case "again":
                left = without_fact(draft.document, fact)
                skipped = tuple(each for each in draft.skipped if each != fact)
                return replace(draft, document=left, before=draft.document, was=None, asking=fact, skipped=skipped)
            case "save":
                document = beginnings.of_json(first(fields, "json"))
                self._asking.check(document, caller, lang)
                return replace(draft, document=document, before=draft.document, was=None, asking=None)
            case "documents":
                return self._ticked(request, caller, draft, fields)
            case "ids":
                return self._named(request, caller, draft, fields)
        asked = self._asking.look(draft, caller, lang, request.scope["request_id"])
        question = asked.asks(fact)
        if do == "skip":
            return replace(draft, skipped=(*draft.skipped, *(question.facts or [fact])), asking=None, was=None)
        if do == "some" and question.facts:
            return replace(draft, asking=fact, was=None)
        if do == "none" and question.facts:
            document = with_none(draft.document, question)
        elif do != "answer" or question.facts:
            raise RequestRefused("bad-request", "the form asks for something that a draft cannot do")
        else:
            reader = PageReader(asked.live.bundle, lang)
            shown = form_of(question, draft.document, reader)
            said = stated(question, shown.how, fields)
            if isinstance(said, list) and not narrowed(asked.live.bundle, question, said):
                raise NoAnswer("no_narrower_given")
            document = with_fact(draft.document, fact, said)
            for other in shown.rest if first(fields, "rest") else ():
                document = with_fact(document, other, 0)
        self._asking.check(document, caller, lang)
        return replace(draft, document=document, before=draft.document, was=str(asked.standing), asking=None)

    def _ticked(self, request: Request, caller: Caller, draft: Draft, fields: Fields) -> Draft:
        """The draft with the documents that are ticked. Raises RequestRefused."""
        asked = self._asking.look(draft, caller, language(request), request.scope["request_id"])
        shown = [name for name in fields.get("offered", ()) if name in asked.documents]
        days = {name: first(fields, f"dated {name}") for name in shown}
        document = draft_documents.ticked(draft.document, shown, fields.get("document", ()), days)
        self._asking.check(document, caller, language(request))
        return replace(draft, document=document, before=draft.document, was=str(asked.standing), asking=None)

    def _named(self, request: Request, caller: Caller, draft: Draft, fields: Fields) -> Draft:
        """The draft with the ids by which a law counts it, as far as they are given. Raises RequestRefused."""
        asked = self._asking.look(draft, caller, language(request), request.scope["request_id"])
        document = draft.document
        for fact in asked.counted_by:
            if given := first(fields, f"id {fact}").strip():
                document = with_fact(document, fact, given)
        self._asking.check(document, caller, language(request))
        return replace(draft, document=document, before=draft.document, was=None, asking=None)

    async def upload(self, request: Request) -> Response:
        """Keep the file of a document that a draft presents, and state its hash."""
        caller, service = _asker(request), self._service
        sent = await form(request, service.settings.document_limit)
        form_token.check(service, caller.id, sent.fields.get("token", ""))
        draft = await asyncio.to_thread(self._find, request.path_params["id"])
        if draft is None:
            return self._gone(request)
        try:
            if draft.owner != caller.id or draft.decision:
                raise RequestRefused("forbidden", "only who made a draft may change it; go on in a copy")
            seen = await asyncio.to_thread(document_bytes.see, sent.file or b"")
            document = draft_documents.with_file(draft.document, sent.fields.get("name", ""), seen.info.sha256)
            await asyncio.to_thread(self._asking.check, document, caller, language(request))
        except RequestRefused as refused:
            return await asyncio.to_thread(self._draft, request, caller, draft, refused)
        new = replace(draft, document=document, before=draft.document, was=None, asking=None)

        def work(transaction: sa.Connection) -> None:
            if draft_store.change(service, transaction, new):
                document_bytes.keep(transaction, seen, service.clock(), caller.id)

        await self._do(work)
        return _to(request, f"/ask/{draft.id}", DOCUMENTS)

    async def _tried(self, request: Request, caller: Caller, draft: Draft, fields: Fields) -> Response:
        """Make a trial of a remedy. Raises RequestRefused."""

        def work() -> dict[str, Any]:
            asked = self._asking.look(draft, caller, language(request), request.scope["request_id"])
            return asked.remedied(beginnings.place(first(fields, "remedy")))

        document = await asyncio.to_thread(work)
        id, before = draft_store.new_id(), draft.document
        trial = Draft(id, caller.id, document, before=before, skipped=draft.skipped, trial_of=draft.id)
        await self._do(lambda transaction: draft_store.make(self._service, transaction, trial))
        return _to(request, f"/ask/{trial.id}")

    async def _taken(self, request: Request, trial: Draft) -> Response:
        """Take over into a draft what a trial of it states, and delete the trial. Raises RequestRefused."""
        draft = await asyncio.to_thread(self._find, trial.trial_of or "")
        if draft is None or draft.decision:
            raise RequestRefused("changed-meanwhile", "the draft of this trial is decided or erased")
        new = replace(draft, document=trial.document, before=draft.document, was=None, asking=None)

        def work(transaction: sa.Connection) -> None:
            if draft_store.change(self._service, transaction, new):
                draft_store.erase(self._service, transaction, trial.id)

        await self._do(work)
        return _to(request, f"/ask/{draft.id}")

    async def _copied(self, request: Request, caller: Caller, draft: Draft) -> Response:
        """Make a copy of a draft that belongs to the caller. Raises RequestRefused."""
        if draft.decision:
            return _to(request, f"/ask/{draft.id}")
        copy = Draft(draft_store.new_id(), caller.id, draft.document, skipped=draft.skipped)
        await self._do(lambda transaction: draft_store.make(self._service, transaction, copy))
        return _to(request, f"/ask/{copy.id}")

    # --- inside ------------------------------------------------------------------------------------------------------

    def _start(self, request: Request, caller: Caller, refused: RequestRefused | None = None) -> Response:
        service, lang = self._service, language(request)
        live = service.live
        reader = PageReader(live.bundle, lang)
        day = service.clock().date().isoformat()

        def look(connection: sa.Connection) -> tuple[Sequence[Draft], dict[str, list[str]]]:
            listed = {
                role: entity_versions.listed(connection, kind, (kind, ""), MOST_ENTITIES + 1, day)
                for role, kind in ROLES.items()
            }
            return draft_store.listed(service, connection, caller.id), {
                r: [each.id for each in ids] for r, ids in listed.items()
            }

        drafts, found = service.read(look)
        entities = {role: ids[:MOST_ENTITIES] for role, ids in found.items()}
        first = [
            engine.QuestionPart(fact=each.name, question="", type=each.type, values=list(each.values))
            for name in beginnings.FIRST
            if (each := live.bundle.facts.get(name)) and each.values
        ]
        more = any(len(ids) > MOST_ENTITIES for ids in found.values())
        forms = [form_of(each, {}, reader) for each in first]
        beginning = Beginning(forms, entities, beginnings.examples(live.bundle), more, live.bundle.presets())
        page = start_page(beginning, drafts, service.settings.draft_days, self._viewer(caller), reader, _why(refused))
        return html(page, 200 if refused is None else KINDS[refused.kind][0])

    def _draft(
        self,
        request: Request,
        caller: Caller,
        draft: Draft,
        refused: RequestRefused | NoAnswer | None = None,
        fields: Fields | None = None,
    ) -> Response:
        """The page of a draft; with `refused`, why what a form sent was not done."""
        service, lang = self._service, language(request)
        reader = PageReader(service.live.bundle, lang)
        viewer = self._viewer(caller, draft)
        wrong = DRAFT_WORDS[lang][str(refused)] if isinstance(refused, NoAnswer) else _why(refused)
        status = 200 if refused is None else 422 if isinstance(refused, NoAnswer) else KINDS[refused.kind][0]
        if draft.decision:
            record = kept(service.stored(draft.decision))["record"]
            now = self._asking.now(draft, caller, lang, request.scope["request_id"])
            return html(decided_page(draft, record, viewer, reader, wrong, now), status)
        try:
            asked: JudgedDraft = self._asking.look(draft, caller, lang, request.scope["request_id"])
            question = asked.question()
        except RequestRefused as unreadable:
            return html(broken_page(draft, viewer, reader, _why(unreadable)), KINDS[unreadable.kind][0])
        sent = {name: values[0] for name, values in (fields or {}).items() if values}
        if question is not None and sent.get("fact") in asked.judged.judgement.open_facts and sent.get("do") == "answer":
            question = asked.asks(sent["fact"])
        shown = None if question is None else form_of(question, draft.document, reader)
        return html(draft_page(asked, shown, viewer, reader, wrong, sent), status)

    def _viewer(self, caller: Caller, draft: Draft | None = None) -> Viewer:
        asks = "evaluate" in caller.scopes
        owner = asks and (draft is None or draft.owner == caller.id)
        token, commits = form_token.token(self._service, caller.id), owner and "commit" in caller.scopes
        return Viewer(token, owner, asks, commits, "review" in caller.scopes)

    def _gone(self, request: Request) -> Response:
        reader = PageReader(self._service.live.bundle, language(request))
        words = DRAFT_WORDS[reader.lang]
        return html(missing_page(reader, words["gone"], words["gone_text"]), 404)

    def _find(self, id: str) -> Draft | None:
        return self._service.read(lambda connection: draft_store.find(self._service, connection, id), "draft")

    async def _do(self, work: Any) -> None:
        await durable(self._service.store.do(work))


def _asker(request: Request) -> Caller:
    """The caller of a form. Raises RequestRefused."""
    caller_of(request.scope, "read")
    return caller_of(request.scope, "evaluate")


def _why(refused: RequestRefused | None) -> str:
    """A refusal in a line, with the places that are wrong."""
    if refused is None:
        return ""
    return "; ".join(dict.fromkeys(each.detail for each in refused.errors or ())) or refused.detail


def _to(request: Request, path: str, part: str = "") -> Response:
    """Go to a page, or to a part of it, in the same language."""
    lang = language(request)
    return Response(status_code=303, headers={"Location": (path if lang == "en" else f"{path}?lang={lang}") + part})
