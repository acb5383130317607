"""
`GET /review/coverage`: the law that was not read and for which decisions wait, for a browser. `POST` to it is what its form does: it shows
the YAML to be copied into the organisation's policies, or has it put in place (`service.api.acceptances`).

A reader needs the scopes `read` and `review`. The form carries a token (`service.drafts.form_token`).
"""

import asyncio
from datetime import timedelta

from fastapi import FastAPI, Request, Response
from pydantic import ValidationError

from service.api.acceptances import AcceptanceMade, accepted, may_write, today_of, waiting
from service.api.forms import Fields, fields_of, first
from service.api.page_answers import html, language, wrong_address
from service.api.sent import Plain
from service.callers.caller import Caller, caller_of
from service.console.coverage_pages import PATH, CoverageShown, coverage_page
from service.console.reader import PageReader
from service.drafts import form_token
from service.languages.words import text_for, wording
from service.policies.acceptances import LONGEST_DAYS, AcceptanceAsked
from service.problems import KINDS, RequestRefused
from service.reviews.preview import DAYS
from service.service import Service

_LIMIT = 64 * 1024
_MOST_FINDINGS = 10
_DONE = "written"


def add(app: FastAPI, service: Service) -> None:
    """Put the page on the application. It stands before those of one review, whose path takes any name."""

    # Reading is not `async`: it waits for the disk, so each call runs in a thread.
    @app.get(PATH, include_in_schema=False)
    def page(request: Request) -> Response:
        caller = _reviewer(request)
        asked = {name: value for name, value in request.query_params.items() if value and name != "lang"}
        done = asked.pop("done", "")
        if asked or done not in ("", _DONE):
            return wrong_address(PageReader(service.live.bundle, language(request)))
        return _page(service, request, caller, done=done)

    async def change(request: Request) -> Response:
        caller = _reviewer(request)
        lang = language(request)
        fields = await fields_of(service, request, caller, _LIMIT)
        try:
            made = await accepted(service, request, _asked(fields, lang), caller)
        except RequestRefused as refused:
            return await asyncio.to_thread(_page, service, request, caller, fields, refused)
        if made.written:
            query = "?done=written" if lang == "en" else f"?lang={lang}&done=written"
            return Response(status_code=303, headers={"Location": PATH + query})
        return await asyncio.to_thread(_page, service, request, caller, fields, None, made)

    app.router.add_api_route(PATH, change, methods=["POST"], include_in_schema=False, route_class_override=Plain)


def _asked(fields: Fields, lang: str) -> AcceptanceAsked:
    """What the form asks. Raises RequestRefused, with the sentence for what it lacks."""
    words = wording(lang).reviews
    cells = [dict(zip(("country", "subject"), each.split("/", 1), strict=False)) for each in fields.get("cell", ())]
    if not cells:
        raise RequestRefused("bad-request", words["no_provision"])
    sent = {"cells": cells, "write": first(fields, "do") == "write"}
    sent |= {name: first(fields, name).replace("\r\n", "\n") for name in ("by", "because")}
    try:
        return AcceptanceAsked.model_validate({**sent, "cells": tuple(cells), "until": first(fields, "until")}, strict=False)
    except ValidationError as refused:
        known = {"by": "no_by", "because": "no_because", "until": "no_until"}
        at = next(
            (known[str(each["loc"][0])] for each in refused.errors() if each["loc"] and each["loc"][0] in known), "no_because"
        )
        raise RequestRefused("bad-request", text_for(words, at)) from None


def _page(
    service: Service,
    request: Request,
    caller: Caller,
    fields: Fields | None = None,
    refused: RequestRefused | None = None,
    made: AcceptanceMade | None = None,
    done: str = "",
) -> Response:
    lang, today = language(request), today_of(service)
    reader = PageReader(service.live.bundle, lang)
    cells, more = service.read(lambda connection: waiting(connection, service, caller))
    found = [each.detail for each in (refused.errors or ())][:_MOST_FINDINGS] if refused else []
    shown = CoverageShown(
        cells=cells,
        more=more,
        token=form_token.token(service, caller.id),
        writes=may_write(service, caller),
        folder=service.settings.acceptances is not None,
        by="" if caller.person is None else caller.person.shown,
        today=today,
        default_until=today + timedelta(days=DAYS),
        last_until=today + timedelta(days=LONGEST_DAYS),
        yaml=made.yaml if made else "",
        done=done,
        wrong=refused.detail if refused else "",
        findings=found,
        sent=fields,
    )
    return html(coverage_page(shown, reader), 200 if refused is None else KINDS[refused.kind][0])


def _reviewer(request: Request) -> Caller:
    caller_of(request.scope, "read")
    return caller_of(request.scope, "review")
