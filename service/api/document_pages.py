"""
`GET` and `POST /log/{id}/documents`: the documents of a decision for a person with a browser, and what her forms do. `GET
/log/documents/{sha256}`: the bytes of one, as a file to save.

A form does the same as the endpoint of `service.api.documents`, and carries a token of the caller.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa
from fastapi import Response
from pydantic import ValidationError

from service.api.documents import attachment, recorded, signing
from service.api.page_answers import html
from service.api.page_router import PageCall, Pages
from service.api.parameters import whole
from service.api.uploads import SentForm, form, unreadable
from service.callers.context import EvaluatingAll, ReadingAll, Reviewing
from service.callers.sending import Sending
from service.console import document_list
from service.console.pages import documents_page, missing_page
from service.documents import attachments, confirmations, document_bytes
from service.documents.confirmations import ConfirmationRequest, ConfirmationWithdrawalRequest
from service.drafts import form_token
from service.log.durable_record import durable
from service.log.store import find
from service.problems import KINDS, RequestRefused, wrong_members
from service.telemetry.log_lines import note

FIRST = whole("first", "the number of the first document", 999)

Model = TypeVar("Model", bound=Sending)

pages = Pages()


@pages.get("/log/documents/{sha256}")
def file(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """The bytes of a document, as a file to save."""
    return attachment(document_bytes.read(context, page.path["sha256"], connection))


@pages.get("/log/{id}/documents")
def documents(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """The documents of a decision, and the forms for them."""
    id, first = page.path["id"], FIRST.of(page.filters("first")) or 0
    stored = find(connection, id)
    if stored is None:
        return _missing(page)
    found = document_list.members(page.service, connection, stored, context.caller, page.reader, first)
    return html(documents_page({"id": id}, found, page.reader))


@pages.post("/log/{id}/documents", limit=None)
async def change(context: ReadingAll, page: PageCall) -> Response:
    """Does what a form asks, and goes back to the page."""
    sent, lang = await form(page.request, context.settings.document_limit), page.reader.lang
    form_token.check(page.service, context.caller.id, sent.fields.get("token", ""))
    id, do = page.path["id"], sent.fields.get("do", "")
    try:
        await durable(page.service.store.do(await _work(context, page, id, do, sent)))
    except RequestRefused as refused:
        if refused.kind == "not-found":
            return await asyncio.to_thread(_missing, page)
        text = "; ".join(each.detail for each in refused.errors or ()) or refused.detail
        return html(missing_page(page.reader, page.reader.words.documents["refused"], text), KINDS[refused.kind][0])
    note(page.request.scope, decision_id=id, verdict=do)
    at = f"/log/{id}/documents"
    return Response(status_code=303, headers={"Location": at if lang == "en" else f"{at}?lang={lang}"})


async def _work(context: ReadingAll, page: PageCall, id: str, do: str, sent: SentForm) -> Callable[[sa.Connection], Any]:
    """What a form asks for. Raises RequestRefused."""
    # A reviewer has no other way to attach a document.
    scopes = context.caller.scopes
    attaching: type[EvaluatingAll | Reviewing] = Reviewing if "review" in scopes and "evaluate" not in scopes else EvaluatingAll
    doors = {"attach": attaching, "sign": attaching, "confirm": Reviewing, "withdraw": Reviewing}
    if do not in doors:
        raise unreadable()
    page.context(doors[do])
    content, name = sent.file or b"", sent.fields.get("name", "")
    match do:
        case "attach":
            seen = await asyncio.to_thread(document_bytes.see, content)
            of = await recorded(context, page, id, name)

            def attach(transaction: sa.Connection) -> Any:
                context = page.context(attaching)
                document_bytes.keep(transaction, seen, context.now, context.caller.id)
                return attachments.attach(context, of, seen.info.sha256, transaction)

            return attach
        case "sign":
            of = await recorded(context, page, id, name)
            work = await signing(page, of, content)
            return lambda transaction: work(page.context(attaching), transaction)
        case "confirm":
            if sent.fields.get("opened") != "yes":
                raise RequestRefused("bad-request", "say that you have opened the file: nobody else has looked into it")
            confirmation = _read(sent, ConfirmationRequest)
            of = await recorded(context, page, id, name)
            return lambda transaction: confirmations.confirm(page.context(Reviewing), of, confirmation, transaction)
        case _:
            withdrawal = _read(sent, ConfirmationWithdrawalRequest)
            of = await recorded(context, page, id, name)
            return lambda transaction: confirmations.withdraw(page.context(Reviewing), of, withdrawal, transaction)


def _read(sent: SentForm, model: type[Model]) -> Model:
    """What the fields of a form say. Raises RequestRefused."""
    try:
        return model.model_validate_strings({name: sent.fields.get(name, "") for name in model.model_fields})
    except ValidationError as failed:
        places = wrong_members(failed, model)
    raise RequestRefused("bad-request", "the form cannot be read", errors=places)


def _missing(page: PageCall) -> Response:
    words = page.reader.words.pages
    return page.missing(words["not_found"], words["not_found_text"])
