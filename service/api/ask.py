"""
`GET /ask` and `GET /ask/{id}`: pages on which a person asks about an exchange, one question at a time; `POST` to them is what her forms do.

A draft is read by callers with the scope `read`. To make one, and to change it, needs `evaluate` too, and only who made it may change it;
others go on in a copy. `commit` needs that scope. Callers who belong to a party are not served: the answers rest on the register of all.

The forms carry a token (`service.drafts.form_token`), and no address carries a fact.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import sqlalchemy as sa
from fastapi import Response

import engine
from service.api.forms import first
from service.api.page_answers import html
from service.api.page_router import PageCall, Pages
from service.api.uploads import form
from service.callers.context import Committing, ReadingAll
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
from service.documents import document_bytes
from service.drafts import draft_changes, draft_documents, draft_start, draft_store, form_token, own_words
from service.drafts.answers import has_narrower_values
from service.drafts.draft_judgement import DraftContext, DraftJudge, JudgedDraft
from service.drafts.draft_store import Draft
from service.drafts.preset_confirmation import preset_named
from service.languages.words import text_for, wording
from service.log.durable_record import durable
from service.log.record_views import record_json
from service.problems import KINDS, RequestRefused

QUESTION = "#question"  # the part of a page to which one comes after an answer: what it changed, and the next question
DOCUMENTS = "#documents"  # the part with the documents
MOST_LETTERS = 400  # of what a person types in her own words
_LIMIT = 4 * engine.MAX_BYTES  # an exchange whose bytes are escaped

pages = Pages("draft")


@pages.get("/ask")
def start(context: ReadingAll, page: PageCall) -> Response:
    """The page on which one begins."""
    page.filters()
    return _start(context, page)


@pages.get("/ask/{id}")
def draft(context: ReadingAll, page: PageCall) -> Response:
    """The page of a draft."""
    page.filters()
    found = _find(context, page, page.path["id"])
    return _gone(page) if found is None else _draft(context, page, found)


@pages.post("/ask", limit=_LIMIT)
async def begin(context: DraftContext, page: PageCall) -> Response:
    """Make a draft from what the form says, and go to its page."""
    fields, bundle, asking = page.fields, context.live.bundle, page.shared(DraftJudge)
    if first(fields, "from") == "preset" and (preset := preset_named(bundle, first(fields, "preset"))):
        return html(confirm_page(preset, viewer_of(context, page), page.reader))  # nothing is stated until she confirms it
    if first(fields, "from") == "words":
        found = await asyncio.to_thread(own_words.meanings_of, bundle, first(fields, "words")[:MOST_LETTERS])
        return html(words_page(found, viewer_of(context, page), page.reader))
    try:
        document = await asyncio.to_thread(page.service.read, partial(draft_start.first_exchange, context, fields))
        await asyncio.to_thread(asking.check, context, document, page.reader.lang)
    except RequestRefused as refused:
        return await start_answer(context, page, refused)
    return await _made(page, draft_changes.new_draft(context, document))


@pages.post("/ask/{id}", limit=_LIMIT)
async def change(context: DraftContext, page: PageCall) -> Response:
    """Do what a form of a draft asks, and go to the page that shows it."""
    draft = await asyncio.to_thread(_find, context, page, page.path["id"])
    if draft is None:
        return _gone(page)
    do = first(page.fields, "do")
    try:
        if do == "copy":
            return (
                _to(page, f"/ask/{draft.id}") if draft.decision else await _made(page, draft_changes.copy_draft(context, draft))
            )
        if do != "erase" or "administer" not in context.caller.scopes:
            draft_changes.check_owner(context, draft)
        if do != "erase" and first(page.fields, "version") != str(draft.version):
            return _to(page, f"/ask/{draft.id}")  # a form that is sent twice changes nothing twice
        return await _changed(context, page, draft, do)
    except (RequestRefused, NoAnswer) as refused:
        return await asyncio.to_thread(_draft, context, page, draft, refused)


@pages.post("/ask/{id}/file", limit=None)
async def upload(context: DraftContext, page: PageCall) -> Response:
    """Keep the file of a document that a draft presents, and state its hash."""
    service, asking = page.service, page.shared(DraftJudge)
    sent = await form(page.request, service.settings.document_limit)
    form_token.check(service, context.caller.id, sent.fields.get("token", ""))
    draft = await asyncio.to_thread(_find, context, page, page.path["id"])
    if draft is None:
        return _gone(page)
    try:
        if draft.decision:
            raise RequestRefused("forbidden", "a draft that is decided states nothing more")
        draft_changes.check_owner(context, draft)
        seen = await asyncio.to_thread(document_bytes.see, sent.file or b"")
        document = draft_documents.with_file(draft.document, sent.fields.get("name", ""), seen.info.sha256)
        new = await asyncio.to_thread(draft_changes.state_exchange, context, asking, draft, document, page.reader.lang)
    except RequestRefused as refused:
        return await asyncio.to_thread(_draft, context, page, draft, refused)

    def work(transaction: sa.Connection) -> None:
        if draft_store.change(service, transaction, new):
            document_bytes.keep(transaction, seen, context.now, context.caller.id)

    await _do(page, work)
    return _to(page, f"/ask/{draft.id}", DOCUMENTS)


async def _changed(context: DraftContext, page: PageCall, draft: Draft, do: str) -> Response:
    """Raises RequestRefused, NoAnswer."""
    here, lang, service, scope = f"/ask/{draft.id}", page.reader.lang, page.service, page.request.scope
    asking = page.shared(DraftJudge)
    if do == "erase":
        await _do(page, lambda transaction: draft_store.erase(service, transaction, draft.id))
        return _to(page, "/ask")
    if draft.decision:
        if do == "commit":
            await asking.commit(page.context(Committing), draft, scope)
        elif do == "decide-again" and not draft.commitment:
            await asking.again(context, draft, lang, scope)
        return _to(page, here)
    if do == "decide" and not draft.trial_of:
        await asking.record(context, draft, lang, scope)
        return _to(page, here)
    if do == "try" and not draft.trial_of:
        asked = await asyncio.to_thread(asking.look, context, draft, lang)
        remedied = await asyncio.to_thread(asked.remedied, draft_start.place(first(page.fields, "remedy")))
        return await _made(page, draft_changes.try_remedy(context, draft, remedied))
    if do == "take" and draft.trial_of:
        return await _taken(context, page, draft)
    new = await asyncio.to_thread(_stated, context, page, draft, do)
    await _do(page, lambda transaction: draft_store.change(service, transaction, new))
    return _to(page, here, DOCUMENTS if do == "documents" else QUESTION)


def _stated(context: DraftContext, page: PageCall, draft: Draft, do: str) -> Draft:
    """The draft after a change of what it states. Raises RequestRefused, NoAnswer."""
    fields, lang, asking, fact = page.fields, page.reader.lang, page.shared(DraftJudge), first(page.fields, "fact")
    match do:
        case "undo" if draft.before is not None:
            return draft_changes.undo(draft, draft.before)
        case "reopen":
            return draft_changes.reopen_unknown(draft)
        case "again":
            return draft_changes.ask_again(draft, fact)
        case "save":
            return draft_changes.state_exchange(context, asking, draft, draft_start.of_json(first(fields, "json")), lang)
    asked = asking.look(context, draft, lang)
    if do == "documents":
        offered = fields.get("offered", ())
        days = {name: first(fields, f"dated {name}") for name in offered}
        return draft_changes.tick_documents(context, asking, asked, offered, fields.get("document", ()), days)
    if do == "ids":
        return draft_changes.name_counted_ids(
            context, asking, asked, {each: first(fields, f"id {each}") for each in asked.counted_by}
        )
    question = asked.asks(fact)
    if do == "skip":
        return draft_changes.skip(draft, question, fact)
    if do == "some" and question.facts:
        return draft_changes.ask_alone(draft, fact)
    if do == "none" and question.facts:
        return draft_changes.deny_group(context, asking, asked, question)
    if do != "answer" or question.facts:
        raise RequestRefused("bad-request", "the form asks for something that a draft cannot do")
    shown = form_of(question, draft.document, page.reader)
    said = stated(question, shown.how, fields)
    if isinstance(said, list) and not has_narrower_values(context.live.bundle, question, said):
        raise NoAnswer("no_narrower_given")
    rest = shown.rest if first(fields, "rest") else ()
    return draft_changes.answer_facts(context, asking, asked, {fact: said, **dict.fromkeys(rest, 0)})


async def _made(page: PageCall, new: Draft) -> Response:
    """Keep a new draft, and go to its page. Raises RequestRefused."""
    await _do(page, lambda transaction: draft_store.make(page.service, transaction, new))
    return _to(page, f"/ask/{new.id}")


async def _taken(context: DraftContext, page: PageCall, trial: Draft) -> Response:
    """Take over into a draft what a trial of it states, and delete the trial. Raises RequestRefused."""
    new = draft_changes.take_trial(await asyncio.to_thread(_find, context, page, trial.trial_of or ""), trial)

    def work(transaction: sa.Connection) -> None:
        if draft_store.change(page.service, transaction, new):
            draft_store.erase(page.service, transaction, trial.id)

    await _do(page, work)
    return _to(page, f"/ask/{new.id}")


async def start_answer(context: ReadingAll, page: PageCall, refused: RequestRefused) -> Response:
    """The page on which one begins, with why what was sent is no beginning."""
    return await asyncio.to_thread(_start, context, page, refused)


def _start(context: ReadingAll, page: PageCall, refused: RequestRefused | None = None) -> Response:
    service, live, reader = page.service, context.live, page.reader
    drafts, found = service.read(
        lambda connection: (
            draft_store.list_drafts(context, connection),
            draft_start.entities(context, MOST_ENTITIES, connection),
        )
    )
    entities = {role: ids[:MOST_ENTITIES] for role, ids in found.items()}
    begin_with = [
        engine.QuestionPart(fact=each.name, question="", type=each.type, values=list(each.values))
        for name in draft_start.FIRST
        if (each := live.bundle.facts.get(name)) and each.values
    ]
    more = any(len(ids) > MOST_ENTITIES for ids in found.values())
    forms = [form_of(each, {}, reader) for each in begin_with]
    beginning = Beginning(forms, entities, draft_start.examples(live.bundle), more, live.bundle.presets())
    shown = start_page(beginning, drafts, service.settings.draft_days, viewer_of(context, page), reader, _why(refused))
    return html(shown, 200 if refused is None else KINDS[refused.kind][0])


def _draft(context: ReadingAll, page: PageCall, draft: Draft, refused: RequestRefused | NoAnswer | None = None) -> Response:
    """The page of a draft; with `refused`, why what a form sent was not done."""
    reader, lang, asking, viewer = page.reader, page.reader.lang, page.shared(DraftJudge), viewer_of(context, page, draft)
    wrong = text_for(wording(lang).drafts, str(refused)) if isinstance(refused, NoAnswer) else _why(refused)
    status = 200 if refused is None else 422 if isinstance(refused, NoAnswer) else KINDS[refused.kind][0]
    if draft.decision:
        record = record_json(page.service.stored(draft.decision))["record"]
        return html(decided_page(draft, record, viewer, reader, wrong, asking.now(context, draft, lang)), status)
    try:
        asked: JudgedDraft = asking.look(context, draft, lang)
        question = asked.question()
    except RequestRefused as unreadable:
        return html(broken_page(draft, viewer, reader, _why(unreadable)), KINDS[unreadable.kind][0])
    sent = {name: values[0] for name, values in page.fields.items() if values}
    if question is not None and sent.get("fact") in asked.judged.judgement.open_facts and sent.get("do") == "answer":
        question = asked.asks(sent["fact"])
    shown = None if question is None else form_of(question, draft.document, reader)
    return html(draft_page(asked, shown, viewer, reader, wrong, sent), status)


def viewer_of(context: ReadingAll, page: PageCall, draft: Draft | None = None) -> Viewer:
    """Who looks at a page of drafts, and what she may do there."""
    caller = context.caller
    asks = "evaluate" in caller.scopes
    owner = asks and (draft is None or draft.owner == caller.id)
    token, commits = form_token.token(page.service, caller.id), owner and "commit" in caller.scopes
    return Viewer(token, owner, asks, commits, "review" in caller.scopes)


def _gone(page: PageCall) -> Response:
    words = page.reader.words.drafts
    return page.missing(words["gone"], words["gone_text"])


def _find(context: ReadingAll, page: PageCall, id: str) -> Draft | None:
    return page.service.read(partial(draft_store.find, context, id), "draft")


async def _do(page: PageCall, work: Callable[[sa.Connection], Any]) -> None:
    await durable(page.service.store.do(work))


def _why(refused: RequestRefused | None) -> str:
    """A refusal in a line, with the places that are wrong."""
    if refused is None:
        return ""
    return "; ".join(dict.fromkeys(each.detail for each in refused.errors or ())) or refused.detail


def _to(page: PageCall, path: str, part: str = "") -> Response:
    """Go to a page, or to a part of it, in the same language."""
    lang = page.reader.lang
    return Response(status_code=303, headers={"Location": (path if lang == "en" else f"{path}?lang={lang}") + part})
