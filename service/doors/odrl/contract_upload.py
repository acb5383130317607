"""
`POST /ask/contract`: a page for a contract that a person uploads, with what was read of it, and a button that begins a draft.

The file is read in memory and not kept. What was not understood is listed there, and the draft asks for it.
"""

import json
from collections.abc import Iterable
from datetime import tzinfo
from functools import partial

from fastapi import Response

import engine
from service.api import ask
from service.api.page_answers import html
from service.api.page_router import PageCall, Pages
from service.api.uploads import form
from service.console.contract_page import ContractFactShown, ContractShown, ContractTermShown, contract_page
from service.console.draft_pages import MOST_CONTRACT
from service.console.reader import PageReader, capital
from service.doors.odrl import contract_reading, json_ld, turtle
from service.doors.odrl.contract_limits import Unread
from service.doors.odrl.contract_policy import local_name
from service.doors.odrl.contract_reading import ContractReading
from service.drafts import form_token
from service.drafts.draft_judgement import DraftContext
from service.problems import RequestRefused

MOST_SHOWN = 200  # of the terms in one list

pages = Pages("draft")


@pages.post("/ask/contract", limit=None)
async def read_contract(context: DraftContext, page: PageCall) -> Response:
    """Show what the contract in the form states, and what of it was not understood."""
    sent = await form(page.request, MOST_CONTRACT)
    form_token.check(page.service, context.caller.id, sent.fields.get("token", ""))
    try:
        work = partial(_read, sent.file or b"", context.live.bundle, page.service.settings.tzinfo)
        reading = await page.service.turns.run(context.caller.id, work, long=True)
    except RequestRefused as refused:
        return await ask.start_answer(context, page, refused)
    return html(contract_page(_shown(reading, page.reader), ask.viewer_of(context, page), page.reader))


def _read(raw: bytes, bundle: engine.Bundle, zone: tzinfo) -> ContractReading:
    """What was read of a file: JSON-LD where it begins as JSON does, otherwise Turtle. Raises RequestRefused."""
    policy = (json_ld if raw.lstrip()[:1] in (b"{", b"[") else turtle).read(raw)
    return contract_reading.read(policy, bundle, zone)


def _shown(reading: ContractReading, reader: PageReader) -> ContractShown:
    places: dict[str, list[str]] = {}
    values = {}
    for each in reading.stated:
        places.setdefault(each.fact, []).append(each.pointer or "/")
        values[each.fact] = each.value
    return ContractShown(
        id=reading.policy.uid,
        type=reading.policy.type,
        facts=[
            ContractFactShown(capital(reader.title(fact)), reader.told(fact, value), tuple(dict.fromkeys(places[fact])))
            for fact, value in values.items()
        ],
        unread=_terms(reading.not_understood),
        never=_terms(reading.never_met),
        kept=_terms(reading.no_condition),
        exchange=json.dumps(reading.exchange, ensure_ascii=False),
    )


def _terms(found: Iterable[Unread]) -> list[ContractTermShown]:
    return [ContractTermShown(_sentence(each.why), local_name(each.term), each.pointer or "/") for each in found][:MOST_SHOWN]


def _sentence(why: str) -> str:
    """A reason with a capital first letter; a term that it begins with stays as the contract writes it."""
    return why.replace("`", "") if why.startswith("`") else capital(why.replace("`", ""))
