"""
`GET /` for a browser: the overview. `GET /log/{id}`, `…/provisions` and `…/again`: one decision for a person with a browser, its
provisions, and what it would be by other policies or the law of another day. `POST /log/{id}/again` decides its exchange again, today.

`GET /log/rights` leads to the page of rights, which stood there before.

The pages are HTML and one style sheet. Their content security policy forbids everything else, above all scripts.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response

from service.api.forms import fields_of
from service.api.page_answers import html, language, wrong_address
from service.api.router import enter
from service.api.sent import Plain
from service.callers.caller import caller_of
from service.callers.caller_names import caller_names
from service.callers.context import ReadingAll
from service.console.became import BecameLine, aftermath
from service.console.beside import DecisionSide, told
from service.console.decide_again import LIVE, PolicyChoice, again_page, policy_choices
from service.console.document_list import summed_up
from service.console.explained import explained, explained_otherwise, provisions
from service.console.overview import DEFAULT, PERIODS, Overview
from service.console.pages import STYLE, Beside, decision_page, missing_page, overview_page, provisions_page
from service.console.reader import PageReader
from service.decisions.outcome_now import DecideAgain
from service.decisions.replay import CannotReplay, Otherwise, Replaying
from service.documents.stated_documents import presented
from service.drafts import form_token
from service.log.shown import kept
from service.log.store import Stored
from service.log.store import find as find_one
from service.log.verified_record import NotVerified, verify_record
from service.problems import KINDS, RequestRefused
from service.reviews import sign_offs
from service.service import Service

MOST_DIGITS = 7  # in the number of a provision
LONGEST_FORM = 4 * 1024  # bytes


def overview_of(service: Service) -> Callable[[Request], Response]:
    """The overview, which answers `GET /` of a browser. It waits for the disk, so call it in a thread."""
    overview = Overview(service)

    def answer(request: Request) -> Response:
        context = enter(ReadingAll, request, service)
        reader = PageReader(context.live.bundle, language(request))
        asked = _asked(request)
        days = asked.pop("days", str(DEFAULT))
        if asked or days not in map(str, PERIODS):
            return wrong_address(reader)
        found = service.read(lambda connection: overview.read(context, connection, int(days)))
        return html(overview_page(found, int(days), reader))

    return answer


def add(app: FastAPI, service: Service) -> None:
    """Put the pages on the application."""
    replaying = Replaying.shared(app, service)
    deciding = DecideAgain(service)

    @app.get("/log/style.css", include_in_schema=False)
    async def style(request: Request) -> Response:
        return Response(STYLE, media_type="text/css", headers={"Cache-Control": "max-age=300"})

    @app.get("/log/rights", include_in_schema=False)
    async def rights(request: Request) -> Response:
        caller_of(request.scope, "read")
        query = request.url.query
        return Response(status_code=308, headers={"Location": "/ledger/rights" + (f"?{query}" if query else "")})

    # These are not `async`: reading waits for the disk, so each call runs in a thread.
    @app.get("/log/{id}", include_in_schema=False)
    def decision(id: str, request: Request) -> Response:
        context = enter(ReadingAll, request, service)
        caller, reader = context.caller, PageReader(context.live.bundle, language(request))
        if _asked(request):
            return wrong_address(reader)

        def look(
            connection: sa.Connection,
        ) -> tuple[Stored | None, list[sign_offs.SignOff], list[BecameLine], list[PolicyChoice]]:
            stored = find_one(connection, id)
            if stored is None:
                return None, [], [], []
            became = aftermath(context, connection, id, reader)
            return stored, sign_offs.given(connection, id), became, policy_choices(connection, service.live.digests, reader)

        stored, given, became, choices = service.read(look)
        if stored is None:
            return not_found(reader)
        shown = kept(stored)
        said_by = [shown["record"].get("asked_by"), *(each.by for each in became), *(each.by for each in given)]
        said_by += [each.get("by") for each in (shown["record"].get("decision") or {}).get("signed_off") or ()]
        reader = replace(reader, callers=service.read(lambda connection: caller_names(connection, said_by)))
        outcome = str((shown["record"].get("decision") or {}).get("outcome"))
        cannot = ""
        try:
            shown["record"]["decision"] = explained(shown["record"], stored, replaying, reader.lang)
        except CannotReplay as why:  # the page then has what the record itself has
            cannot = str(why)
        beside: Beside = {"became": became, "policies": choices}
        if service.read(lambda connection: deciding.moved(connection, stored)):
            found = deciding.look(stored, caller, reader.lang, request.scope["request_id"])
            if found is not None and found.outcome != outcome:
                beside["now"], beside["token"] = found, form_token.token(service, caller.id)
        if presented(shown["record"].get("request", {})):
            beside["documents"] = service.read(lambda connection: summed_up(service, connection, stored, reader))
        try:
            beside["verified"] = verify_record(service.store.database, stored)
        except NotVerified as fault:
            beside["not_verified"] = str(fault)
        return html(decision_page(shown, [each.model_dump(mode="json") for each in given], reader, cannot, **beside))

    @app.get("/log/{id}/again", include_in_schema=False)
    def again(id: str, request: Request) -> Response:
        caller_of(request.scope, "read")
        reader = PageReader(service.live.bundle, language(request))

        def look(connection: sa.Connection) -> tuple[Stored | None, list[PolicyChoice]]:
            return find_one(connection, id), policy_choices(connection, service.live.digests, reader)

        stored, choices = service.read(look)
        if stored is None:
            return not_found(reader)
        sent = _asked(request)
        first = told(stored, replaying, reader)
        try:
            as_of = date.fromisoformat(sent.pop("as_of", first.record["as_of"]))
            chosen = {each.value: each for each in choices}[sent.pop("policies", LIVE)]
        except (ValueError, KeyError):
            return wrong_address(reader)
        if sent:
            return wrong_address(reader)
        try:
            decided = explained_otherwise(id, stored, replaying, Otherwise(chosen.digests, as_of), reader.lang)
        except CannotReplay as why:
            return html(missing_page(reader, reader.words.pages["again_refused"], str(why)), 409)
        second = DecisionSide(first.record, decided, title=reader.words.pages["again_now"], recorded=False)
        return html(
            again_page(replace(first, title=reader.words.pages["recorded"]), second, choices, chosen.value, as_of, reader)
        )

    async def decide(request: Request) -> Response:
        """Decide the exchange of a record again, today, and go to the new decision."""
        caller_of(request.scope, "read")
        caller = caller_of(request.scope, "evaluate")
        await fields_of(service, request, caller, LONGEST_FORM)
        lang = language(request)
        try:
            stored = await asyncio.to_thread(service.stored, request.path_params["id"])
            made = await deciding.record(stored, caller, lang, request.scope)
        except RequestRefused as refused:
            reader = PageReader(service.live.bundle, lang)
            text = "; ".join(each.detail for each in refused.errors or ()) or refused.detail
            return html(missing_page(reader, reader.words.pages["again_refused"], text), KINDS[refused.kind][0])
        return Response(status_code=303, headers={"Location": f"/log/{made}" + ("" if lang == "en" else f"?lang={lang}")})

    app.router.add_api_route("/log/{id}/again", decide, methods=["POST"], include_in_schema=False, route_class_override=Plain)

    @app.get("/log/{id}/provisions", include_in_schema=False)
    def reasons(id: str, request: Request) -> Response:
        caller_of(request.scope, "read")
        reader = PageReader(service.live.bundle, language(request))
        words = reader.words.pages
        asked = _asked(request)
        first = asked.pop("first", "0")
        if asked or not (first.isascii() and first.isdigit() and len(first) < MOST_DIGITS):
            return wrong_address(reader)
        stored = service.read(lambda connection: find_one(connection, id))
        if stored is None:
            return not_found(reader)
        shown = kept(stored)
        try:
            found = provisions(stored, replaying, reader.lang)
        except CannotReplay as why:
            return html(missing_page(reader, words["cannot"], str(why)), 409)
        return html(provisions_page(shown, found, int(first), reader))


def _asked(request: Request) -> dict[str, str]:
    """The parameters of an address without its language. Filters that the form left empty are dropped."""
    return {name: value for name, value in request.query_params.items() if value and name != "lang"}


def not_found(reader: PageReader) -> Response:
    """The page for a decision that is not recorded."""
    words = reader.words.pages
    return html(missing_page(reader, words["not_found"], words["not_found_text"]), 404)
