"""
`GET /log`: the list of decisions for a person with a browser. `GET /log/export`: the same list as a file. `GET /log/beside`: two decisions
side by side. `POST /log/searches` and `…/{id}/delete`: the saved searches of the caller.

The pages read. Only a saved search is written, and no part of the log.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi import Response
from fastapi.responses import StreamingResponse

from service.api import csv_tables
from service.api.page_answers import ROWS, html
from service.api.page_router import PageCall, Pages
from service.callers.caller_names import caller_names
from service.callers.context import ReadingAll
from service.console import log_list
from service.console.decision_comparison import comparison_page, side_of
from service.console.log_list import ListRequest
from service.console.pages import missing_page
from service.console.reader import PageReader
from service.decisions import log_access
from service.decisions.replay import Replayer
from service.drafts import form_token
from service.limits import SAVED_SEARCHES_OF_ONE
from service.log import parquet_rows, saved_searches, search
from service.log.durable_record import durable
from service.log.public_recipients import public_recipients
from service.log.saved_searches import SearchRefused
from service.log.search import CursorRefused, RecordPage, RecordRow
from service.log.store import find as find_one
from service.service import Service
from service.store.moments import moment_text

MOST_PARTIES = 12  # with a text in their ids, on a page
EXPORTED_AT_ONCE = 1_000
MOST_FORM = 8 * 1024

pages = Pages()


@pages.get("/log")
def decisions(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """The list, newest first, and the searches that its reader saved."""
    asked = _asked(context, page)
    try:
        found = log_access.search(context, asked.query, asked.cursor, ROWS, connection)
    except CursorRefused:
        raise page.wrong() from None
    parties = search.parties_with(connection, asked.query.text or "", MOST_PARTIES)
    names = caller_names(connection, (row.caller for row in found.rows) if "caller" in asked.columns else ())
    saved = [
        {"id": each.id, "name": each.name, "parameters": each.parameters}
        for each in saved_searches.of_caller(connection, context.caller.id)
    ]
    token = form_token.token(page.service, context.caller.id)
    unnamed = [row.id for row in found.rows if row.recipient is None and row.recipient_country is None]
    public = public_recipients(connection, unnamed, context.live.bundle.vocabulary.recipient)
    return html(log_list.list_page(found, asked, parties, saved, token, replace(page.reader, callers=names, public=public)))


@pages.get("/log/export")
async def export(context: ReadingAll, page: PageCall) -> Response:
    """The same list as a file."""
    asked, form = _asked(context, page, "format"), page.request.query_params.get("format")
    if form not in ("csv", "jsonl", "parquet") or asked.cursor is not None:
        raise page.wrong()
    if form == "parquet":
        return await _as_parquet(context, page, asked)
    written = _as_csv if form == "csv" else _as_json_lines
    some = partial(_some, context, page.service, asked)
    first = await asyncio.to_thread(some, None)  # a database that cannot be read is refused before the file begins
    return StreamingResponse(
        _exported(some, asked, first, written),
        media_type="text/csv; charset=utf-8" if form == "csv" else "application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="decisions.{form}"'},
    )


@pages.get("/log/beside")
def beside(context: ReadingAll, page: PageCall) -> Response:
    """Two decisions side by side."""
    reader, words = page.reader, page.reader.words.pages
    sent = [(name, value) for name, value in page.request.query_params.multi_items() if name != "lang"]
    ids = list(dict.fromkeys(value for name, value in sent if name == "decision"))
    stored = page.service.read(lambda connection: [find_one(connection, id) for id in ids[:2]]) if len(ids) == 2 else []
    found = [each for each in stored if each is not None]
    if len(found) != 2 or any(name != "decision" for name, _ in sent):
        return html(missing_page(reader, words["beside_wrong"], words["beside_wrong_text"]), 400)
    first, second = (side_of(each, page.shared(Replayer), reader) for each in found)
    return html(comparison_page(first, second, reader))


@pages.post("/log/searches", limit=MOST_FORM)
async def save(context: ReadingAll, page: PageCall) -> Response:
    """Saves a search under a name."""
    caller, name = context.caller.id, "".join(page.fields.get("name", ()))
    sent = [(key, value) for key, values in page.fields.items() for value in values]
    try:
        asked = ListRequest.read((key, value) for key, value in sent if key not in ("name", "cursor", "token"))
        at = moment_text(context.now)
        await durable(page.service.store.do(lambda work: saved_searches.save(work, caller, name, asked.parameters, at)))
    except (SearchRefused, ValueError, OverflowError):
        words = page.reader.words.pages
        return html(
            missing_page(page.reader, words["saved_wrong"], words["saved_wrong_text"].format(SAVED_SEARCHES_OF_ONE)), 400
        )
    return _to_list(asked.parameters, page.reader)


@pages.post("/log/searches/{id}/delete", limit=MOST_FORM)
async def delete(context: ReadingAll, page: PageCall) -> Response:
    """Deletes a saved search of the caller."""
    caller, id = context.caller.id, page.path["id"]
    await durable(page.service.store.do(lambda work: saved_searches.delete(work, caller, id)))
    return _to_list({}, page.reader)


def _asked(context: ReadingAll, page: PageCall, *besides: str) -> ListRequest:
    """What an address asks of the list; `besides` are parameters that are not the list's. Raises RequestRefused."""
    sent = ((name, value) for name, value in page.request.query_params.multi_items() if name not in besides)
    try:
        return ListRequest.read(sent).as_meant(context.live.pdp.naming.called)
    except (ValueError, OverflowError):
        raise page.wrong() from None


def _to_list(parameters: dict[str, Any], reader: PageReader) -> Response:
    """The answer that leads a browser back to the list."""
    query = urlencode({**parameters, **({"lang": reader.lang} if reader.lang != "en" else {})}, doseq=True)
    return Response(status_code=303, headers={"Location": f"/log?{query}" if query else "/log"})


def _some(context: ReadingAll, service: Service, asked: ListRequest, cursor: str | None) -> RecordPage:
    """A part of what is exported. Raises RequestRefused, CursorRefused."""
    return service.read(lambda connection: log_access.search(context, asked.query, cursor, EXPORTED_AT_ONCE, connection))


async def _exported(
    some: Callable[[str | None], RecordPage],
    asked: ListRequest,
    page: RecordPage,
    written: Callable[[Sequence[RecordRow], ListRequest, bool], str],
) -> AsyncIterator[str]:
    """The whole list, part by part. What is recorded meanwhile is not in it."""
    yield written(page.rows, asked, True)
    while page.next is not None:
        page = await asyncio.to_thread(some, page.next)
        yield written(page.rows, asked, False)


async def _as_parquet(context: ReadingAll, page: PageCall, asked: ListRequest) -> Response:
    """The list as a file of Parquet. Its end has the places of its parts, so it is made whole in a file that has no name, and then sent."""
    if why := parquet_rows.unavailable():
        return html(missing_page(page.reader, page.reader.words.pages["no_parquet"], why), 503)

    def made() -> IO[bytes]:
        file = TemporaryFile()  # noqa: SIM115 - it is closed once it is sent
        names = log_list.header(asked.columns)
        page.service.read(lambda connection: parquet_rows.write(file, names, search.everything(connection, asked.query)))
        file.seek(0)
        return file

    file = await asyncio.to_thread(made)

    async def sent() -> AsyncIterator[bytes]:
        with file:
            while some := await asyncio.to_thread(file.read, 1 << 16):
                yield some

    named = {"Content-Disposition": 'attachment; filename="decisions.parquet"'}
    return StreamingResponse(sent(), media_type="application/vnd.apache.parquet", headers=named)


def _as_csv(rows: Sequence[RecordRow], asked: ListRequest, begins: bool) -> str:
    lines = csv_tables.written(log_list.header(asked.columns), (log_list.cells(row, asked.columns) for row in rows))
    return lines if begins else lines.partition("\r\n")[2]


def _as_json_lines(rows: Sequence[RecordRow], asked: ListRequest, begins: bool) -> str:
    return "".join(log_list.json_lines(rows, asked.columns))
