"""
`GET /workbench`: the served policies in an editor, for whoever may change them. `POST /workbench` answers what the editor asks.

Nothing here changes the served policies. The edited files are in the browser; each question brings them, and they end in a patch.
"""

import asyncio
import json
from datetime import date
from functools import partial
from typing import Annotated, Literal

from fastapi import Response
from pydantic import BaseModel, Field

from service.api.forms import first
from service.api.page_answers import POLICY, html
from service.api.page_router import PageCall, Pages
from service.api.request_bodies import read_body
from service.callers.context import Administering
from service.console.markdown_text import html_of
from service.console.workbench_page import SCRIPT, workbench_page
from service.drafts import form_token
from service.policies.workbench_desk import WorkbenchDesk, can_edit
from service.problems import RequestRefused
from service.service import Service

MOST_FORM = 2 * 1024 * 1024  # bytes; a letter of Chinese takes nine
MOST_EDITED = 40  # files
Name = Annotated[str, Field(max_length=256)]

pages = Pages()


class WritingPolicies(Administering, scope="administer", of_party=False, also=("read",)):
    """Edits a copy of the policies that decide."""


class DeskQuestion(BaseModel, extra="forbid"):
    """What the editor asks, with all that was edited so far."""

    do: Literal["check", "decide", "lint", "complete", "hover", "patch"]
    file: Name = ""
    edits: dict[Name, Annotated[str, Field(max_length=1 << 20)]] = Field(max_length=MOST_EDITED)
    exchange: str = Field("", max_length=256 * 1024)
    as_of: date | None = None
    line: int = Field(0, ge=0, le=1_000_000)
    character: int = Field(0, ge=0, le=1_000_000)


@pages.get("/workbench")
def workbench(context: WritingPolicies, page: PageCall) -> Response:
    """The files, the editor, and an exchange with its decision."""
    page.filters()
    token = form_token.token(page.service, context.caller.id)
    shown = html(workbench_page(context.live, token, can_edit(), page.reader))
    # The one page with a script, which is the service's own. No style or script stands in the page itself.
    shown.headers["Content-Security-Policy"] = f"{POLICY}; script-src 'self'; connect-src 'self'"
    return shown


@pages.get("/workbench/editor.js")
def script(context: WritingPolicies, page: PageCall) -> Response:
    """The editor."""
    page.filters()
    return Response(SCRIPT.read_bytes(), media_type="text/javascript", headers={"Cache-Control": "private, max-age=300"})


@pages.get("/workbench/file")
def served_file(context: WritingPolicies, page: PageCall) -> Response:
    """A served file, as it is."""
    data = context.live.bundle.sources.get(page.filters("name").get("name", ""))
    if data is None:
        raise RequestRefused("not-found", "the served policies have no such file")
    return Response(data, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})


@pages.post("/workbench", limit=MOST_FORM)
async def ask(context: WritingPolicies, page: PageCall) -> Response:
    """Answers the editor, in a process beside the service."""
    question = read_body(first(page.fields, "asked").encode(), DeskQuestion)
    if not can_edit():
        raise RequestRefused("not-found", "the extra `editor` is not installed here")
    asked = {
        **question.model_dump(mode="json"),
        "author": context.caller.id,
        "lang": page.reader.lang,
        "today": context.today.isoformat(),
    }
    answer = await asyncio.to_thread(partial(page.shared(_desk).ask, context.live, asked))
    if "markdown" in answer:
        answer = {"html": html_of(answer["markdown"])}
    answer["source"] = context.live.digests.source
    return Response(json.dumps(answer, ensure_ascii=False), media_type="application/json")


def _desk(service: Service) -> WorkbenchDesk:
    return WorkbenchDesk()
