"""
`GET /review/coverage`: the law that was not read and for which decisions wait, for a browser. `POST` to it is what its form does: it shows
the YAML to be copied into the organisation's policies, or has it put in place (`service.api.acceptances`).

A reader needs the scopes `read` and `review`. The form carries a token (`service.drafts.form_token`).
"""

import asyncio
from datetime import timedelta
from functools import partial

import sqlalchemy as sa
from fastapi import Response
from pydantic import ValidationError

from service.api.acceptances import BODY_LIMIT, accepted
from service.api.forms import Fields, first
from service.api.page_answers import html
from service.api.page_router import PageCall, Pages
from service.api.parameters import word
from service.callers.context import ReadingReviews, Reviewing
from service.console.coverage_pages import PATH, CoverageShown, coverage_page
from service.drafts import form_token
from service.languages.words import text_for, wording
from service.limits import ACCEPTANCE_DAYS
from service.policies.acceptances import AcceptanceRequest
from service.problems import KINDS, RequestRefused
from service.reviews import coverage_to_accept
from service.reviews.coverage_to_accept import AcceptanceMade, CoverageToAccept
from service.reviews.preview import DAYS

_MOST_FINDINGS = 10
_DONE = word("done", "what was done", ("written",))


pages = Pages()


@pages.get(PATH)
def coverage(context: ReadingReviews, page: PageCall, connection: sa.Connection) -> Response:
    """The law that was not read, and the form."""
    done = _DONE.of(page.filters("done")) or ""
    return _answer(context, page, coverage_to_accept.waiting_for(context, connection), done=done)


@pages.post(PATH, limit=BODY_LIMIT)
async def change(context: ReadingReviews, page: PageCall) -> Response:
    """Accepts what the form asks."""
    made, wrong = None, None
    try:
        made = await accepted(context, page, _asked(page.fields, page.reader.lang))
    except RequestRefused as refused:
        wrong = refused
    if made and made.written:
        lang = "" if page.reader.lang == "en" else f"lang={page.reader.lang}&"
        return Response(status_code=303, headers={"Location": f"{PATH}?{lang}done=written"})
    waiting = await asyncio.to_thread(page.service.read, partial(coverage_to_accept.waiting_for, context))
    return await asyncio.to_thread(partial(_answer, context, page, waiting, made=made, refused=wrong))


def _asked(fields: Fields, lang: str) -> AcceptanceRequest:
    """What the form asks. Raises RequestRefused, with the sentence for what it lacks."""
    words = wording(lang).reviews
    cells = [dict(zip(("country", "subject"), each.split("/", 1), strict=False)) for each in fields.get("cell", ())]
    if not cells:
        raise RequestRefused("bad-request", words["no_provision"])
    sent = {"cells": cells, "write": first(fields, "do") == "write"}
    sent |= {name: first(fields, name).replace("\r\n", "\n") for name in ("by", "because")}
    try:
        return AcceptanceRequest.model_validate({**sent, "cells": tuple(cells), "until": first(fields, "until")}, strict=False)
    except ValidationError as refused:
        known = {"by": "no_by", "because": "no_because", "until": "no_until"}
        at = next(
            (known[str(each["loc"][0])] for each in refused.errors() if each["loc"] and each["loc"][0] in known), "no_because"
        )
        raise RequestRefused("bad-request", text_for(words, at)) from None


def _answer(
    context: Reviewing,
    page: PageCall,
    waiting: CoverageToAccept,
    *,
    made: AcceptanceMade | None = None,
    refused: RequestRefused | None = None,
    done: str = "",
) -> Response:
    today, person = context.today, context.caller.person
    shown = CoverageShown(
        waiting=waiting,
        token=form_token.token(page.service, context.caller.id),
        folder=context.settings.acceptances is not None,
        by="" if person is None else person.shown,
        today=today,
        default_until=today + timedelta(days=DAYS),
        last_until=today + timedelta(days=ACCEPTANCE_DAYS),
        yaml=made.yaml if made else "",
        done=done,
        wrong=refused.detail if refused else "",
        findings=[each.detail for each in (refused.errors or ())][:_MOST_FINDINGS] if refused else [],
        sent=page.fields if refused else None,
    )
    return html(coverage_page(shown, page.reader), KINDS[refused.kind][0] if refused else 200)
