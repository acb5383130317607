"""
`GET` and `POST /log/{id}/documents`: the documents of a decision for a person with a browser, and what her forms do. `GET
/log/documents/{sha256}`: the bytes of one, as a file to save.

A form does the same as the endpoint of `service.api.documents`, and carries a token of the caller.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response

from service.api.console import not_found
from service.api.documents import attaching, confirming, found_document, signing, withdrawing
from service.api.page_answers import html, language, wrong_address
from service.api.sent import Plain
from service.api.uploads import SentForm, form, unreadable
from service.callers.caller import Caller, caller_of
from service.console import document_list
from service.console.pages import documents_page, missing_page
from service.console.reader import PageReader
from service.decisions.decider import durable
from service.documents import confirmations, document_bytes
from service.drafts import form_token
from service.log.store import find
from service.problems import KINDS, RequestRefused
from service.service import Service
from service.telemetry.log_lines import note

MOST_DIGITS = 4  # in the number of a document


def add(app: FastAPI, service: Service) -> None:
    """Put the pages on the application. They stand before the pages of one decision, whose paths take any name."""

    # Reading is not `async`: it waits for the disk, so each call runs in a thread.
    @app.get("/log/documents/{sha256}", include_in_schema=False)
    def file(sha256: str, request: Request) -> Response:
        caller_of(request.scope, "read")
        return found_document(service, sha256)

    @app.get("/log/{id}/documents", include_in_schema=False)
    def documents(id: str, request: Request) -> Response:
        caller = caller_of(request.scope, "read")
        reader = PageReader(service.live.bundle, language(request))
        asked = {name: value for name, value in request.query_params.items() if value and name != "lang"}
        first = asked.pop("first", "0")
        if asked or not (first.isascii() and first.isdigit() and len(first) < MOST_DIGITS):
            return wrong_address(reader)

        def look(connection: sa.Connection) -> dict[str, Any] | None:
            stored = find(connection, id)
            if stored is None:
                return None
            return document_list.members(service, connection, stored, caller, reader, int(first))

        found = service.read(look)
        return not_found(reader) if found is None else html(documents_page({"id": id}, found, reader))

    async def change(request: Request) -> Response:
        caller = caller_of(request.scope, "read")
        reader = PageReader(service.live.bundle, language(request))
        sent = await form(request, service.settings.document_limit)
        form_token.check(service, caller.id, sent.fields.get("token", ""))
        id = request.path_params["id"]
        try:
            await _done(service, request, id, sent)
        except RequestRefused as refused:
            if refused.kind == "not-found":
                return await asyncio.to_thread(not_found, reader)
            words = reader.words.documents
            text = "; ".join(each.detail for each in refused.errors or ()) or refused.detail
            return html(missing_page(reader, words["refused"], text), KINDS[refused.kind][0])
        at = f"/log/{id}/documents"
        return Response(status_code=303, headers={"Location": at if reader.lang == "en" else f"{at}?lang={reader.lang}"})

    app.router.add_api_route(
        "/log/{id}/documents", change, methods=["POST"], include_in_schema=False, route_class_override=Plain
    )


async def _done(service: Service, request: Request, id: str, sent: SentForm) -> None:
    """Do what a form asks. Raises RequestRefused."""
    fields = sent.fields
    name, do = fields.get("name", ""), fields.get("do", "")
    work: Callable[[sa.Connection], Any]
    match do:
        case "attach":
            caller = _attaching_caller(request)
            seen = await asyncio.to_thread(document_bytes.see, sent.file or b"")
            _, attached = await asyncio.to_thread(attaching(service, id, name, seen.info.sha256, caller))
            work = _keeping(service, seen, caller, attached)
        case "sign":
            caller = _attaching_caller(request)
            _, work = await asyncio.to_thread(signing(service, id, name, sent.file or b"", caller))
        case "confirm":
            caller = caller_of(request.scope, "review")
            if fields.get("opened") != "yes":
                raise RequestRefused("bad-request", "say that you have opened the file: nobody else has looked into it")
            given = {key: fields.get(key, "") for key in ("sha256", "reason", "until")}
            asked = confirmations.read_confirmation(json.dumps(given).encode())
            _, work = await asyncio.to_thread(confirming(service, id, name, asked, caller))
        case "withdraw":
            caller = caller_of(request.scope, "review")
            withdrawal = confirmations.read_withdrawal(json.dumps({"reason": fields.get("reason", "")}).encode())
            _, work = await asyncio.to_thread(withdrawing(service, id, name, withdrawal, caller))
        case _:
            raise unreadable()
    await durable(service.store.do(work))
    note(request.scope, decision_id=id, verdict=do)


def _keeping(
    service: Service, seen: document_bytes.Seen, caller: Caller, attached: Callable[[sa.Connection], Any]
) -> Callable[[sa.Connection], Any]:
    """The work that keeps bytes and attaches them, in one transaction."""
    now = service.clock()

    def work(transaction: sa.Connection) -> Any:
        document_bytes.keep(transaction, seen, now, caller.id)
        return attached(transaction)

    return work


def _attaching_caller(request: Request) -> Caller:
    """The caller of a form with a file: with `evaluate`, or else with `review`, for a reviewer has no other way. Raises RequestRefused."""
    caller: Caller | None = request.scope.get("caller")
    reviewer = caller is not None and "review" in caller.scopes and "evaluate" not in caller.scopes
    return caller_of(request.scope, "review" if reviewer else "evaluate")
