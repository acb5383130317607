"""
The overview, for the browser that asks for `GET /`. `GET /log/{id}`, `…/provisions` and `…/again`: one decision for a person with a
browser, its provisions, and what it would be by other policies or the law of another day. `POST /log/{id}/again` decides its exchange
again, today.

`GET /log/rights` leads to the page of rights, which stood there before.
"""

import asyncio
from dataclasses import replace
from functools import partial

import sqlalchemy as sa
from fastapi import Response

from service.api.page_answers import html
from service.api.page_router import PageCall, Pages
from service.api.parameters import day, whole, word
from service.callers.caller_names import caller_names
from service.callers.context import EvaluatingAll, ReadingAll
from service.console.decision_comparison import DecisionSide, side_of
from service.console.decision_retry import LIVE, PolicyChoice, policy_choices, retry_page
from service.console.document_list import first_documents
from service.console.explained_decision import explained, explained_otherwise, provisions
from service.console.outcome_history import HistoryLine, history_of
from service.console.overview import DEFAULT, PERIODS, Overview
from service.console.pages import Beside, decision_page, missing_page, overview_page, provisions_page
from service.console.reader import PageReader
from service.decisions import log_access
from service.decisions.present_outcome import PresentDecider
from service.decisions.replay import CannotReplay, ReplayConditions, Replayer
from service.documents.stated_documents import documents_of
from service.drafts import form_token
from service.ledger.counter_standings import CounterStandings
from service.log.record_views import record_json
from service.log.store import Stored
from service.log.verified_record import NotVerified, verify_record
from service.problems import KINDS, RequestRefused
from service.reviews import sign_off

LONGEST_FORM = 4 * 1024  # bytes
DAYS = word(
    "days", "for a browser: of how many days the overview is", PERIODS, type="integer", enum=list(PERIODS), default=DEFAULT
)
_FIRST = whole("first", "the number of the first provision", 9_999_999)
_AS_OF = day("as_of", "the day whose law decides")


def not_found(reader: PageReader) -> Response:
    """The page for a decision that is not recorded."""
    words = reader.words.pages
    return html(missing_page(reader, words["not_found"], words["not_found_text"]), 404)


pages = Pages(missing=not_found)


class DecidingAgain(EvaluatingAll, scope="evaluate", of_party=False, also=("read",)):
    """Reads a decision, and has its exchange decided again."""


def overview(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """The overview of some days."""
    days = DAYS.of(page.filters("days")) or DEFAULT
    found = page.shared(Overview).read(context, page.shared(CounterStandings), days, connection)
    return html(overview_page(found, days, page.reader))


@pages.get("/log/rights")
def rights(context: ReadingAll, page: PageCall) -> Response:
    """Where the page of rights is now."""
    query = page.request.url.query
    return Response(status_code=308, headers={"Location": "/ledger/rights" + (f"?{query}" if query else "")})


@pages.get("/log/{id}")
def decision(context: ReadingAll, page: PageCall) -> Response:
    """A decision: its answer, why it is as it is, what became of it, and what would be decided now."""
    page.filters()
    id, service, reader = page.path["id"], page.service, page.reader
    deciding = page.shared(PresentDecider)

    def look(connection: sa.Connection) -> tuple[Stored, list[sign_off.SignOff], list[HistoryLine], list[PolicyChoice]]:
        stored = log_access.record(context, id, connection)
        became = history_of(context, connection, id, reader)
        return stored, sign_off.sign_offs_of(connection, id), became, policy_choices(connection, context.live.digests, reader)

    stored, given, became, choices = service.read(look)
    shown = record_json(stored)
    said_by = [shown["record"].get("asked_by"), *(each.by for each in became), *(each.by for each in given)]
    said_by += [each.get("by") for each in (shown["record"].get("decision") or {}).get("signed_off") or ()]
    reader = replace(reader, callers=service.read(lambda connection: caller_names(connection, said_by)))
    outcome = str((shown["record"].get("decision") or {}).get("outcome"))
    cannot = ""
    try:
        shown["record"]["decision"] = explained(shown["record"], stored, page.shared(Replayer), reader.lang)
    except CannotReplay as why:  # the page then has what the record itself has
        cannot = why.detail
    beside: Beside = {"became": became, "policies": choices}
    if service.read(lambda connection: deciding.moved(connection, stored)):
        found = deciding.look(stored, context.caller, reader.lang, context.request_id)
        if found is not None and found.outcome != outcome:
            beside["now"], beside["token"] = found, form_token.token(service, context.caller.id)
    if documents_of(shown["record"].get("request", {})):
        beside["documents"] = service.read(lambda connection: first_documents(service, connection, stored, reader))
    try:
        beside["verified"] = verify_record(service.store.database, stored)
    except NotVerified as fault:
        beside["not_verified"] = str(fault)
    return html(decision_page(shown, [each.model_dump(mode="json") for each in given], reader, cannot, **beside))


@pages.get("/log/{id}/again")
def again(context: ReadingAll, page: PageCall) -> Response:
    """A decision beside what would be decided by other policies or on another day."""
    id, reader, replaying = page.path["id"], page.reader, page.shared(Replayer)

    def look(connection: sa.Connection) -> tuple[Stored, list[PolicyChoice]]:
        return log_access.record(context, id, connection), policy_choices(connection, context.live.digests, reader)

    stored, choices = page.service.read(look)
    sent = page.filters("as_of", "policies")
    value = word("policies", "the policies", [each.value for each in choices]).of(sent) or LIVE
    chosen = next(each for each in choices if each.value == value)
    first = side_of(stored, replaying, reader)
    as_of = _AS_OF.of({"as_of": first.record["as_of"], **sent})
    assert as_of is not None
    try:
        decided = explained_otherwise(id, stored, replaying, ReplayConditions(chosen.digests, as_of), reader.lang)
    except CannotReplay as why:
        return html(missing_page(reader, reader.words.pages["again_refused"], why.detail), 409)
    second = DecisionSide(first.record, decided, title=reader.words.pages["again_now"], recorded=False)
    return html(retry_page(replace(first, title=reader.words.pages["recorded"]), second, choices, value, as_of, reader))


@pages.post("/log/{id}/again", limit=LONGEST_FORM)
async def decide(context: DecidingAgain, page: PageCall) -> Response:
    """Decides the exchange of a record again, today, and goes to the new decision."""
    reader = page.reader
    try:
        stored = await asyncio.to_thread(_stored, page.context(ReadingAll), page)
        made = await page.shared(PresentDecider).record(stored, context.caller, reader.lang, page.request.scope)
    except RequestRefused as refused:
        text = "; ".join(each.detail for each in refused.errors or ()) or refused.detail
        return html(missing_page(reader, reader.words.pages["again_refused"], text), KINDS[refused.kind][0])
    lang = "" if reader.lang == "en" else f"?lang={reader.lang}"
    return Response(status_code=303, headers={"Location": f"/log/{made}{lang}"})


@pages.get("/log/{id}/provisions")
def reasons(context: ReadingAll, page: PageCall) -> Response:
    """The provisions of a decision: those that stand, and those that may."""
    first = _FIRST.of(page.filters("first")) or 0
    stored = _stored(context, page)
    try:
        found = provisions(stored, page.shared(Replayer), page.reader.lang)
    except CannotReplay as why:
        return html(missing_page(page.reader, page.reader.words.pages["cannot"], why.detail), 409)
    return html(provisions_page(record_json(stored), found, first, page.reader))


def _stored(context: ReadingAll, page: PageCall) -> Stored:
    return page.service.read(partial(log_access.record, context, page.path["id"]))
