"""
`GET /log`: the list of decisions for a person with a browser. `GET /log/export`: the same list as a file. `GET /log/beside`: two decisions
side by side. `POST /log/searches` and `…/{id}/delete`: the saved searches of the caller.

The pages read. Only a saved search is written, and no part of the log.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from service.api import csv_tables
from service.api.page_answers import ROWS, html, language, wrong_address
from service.api.sent import body
from service.callers.caller import Caller, caller_of
from service.callers.caller_names import CallerName, caller_names
from service.console import log_list
from service.console.beside import beside_page, told
from service.console.log_list import ListAsked
from service.console.pages import missing_page
from service.console.reader import PageReader
from service.decisions.decider import durable
from service.decisions.replay import Replaying
from service.drafts import form_token
from service.log import parquet_rows, saved_searches, search
from service.log.saved_searches import MOST_OF_A_CALLER, SearchRefused
from service.log.search import RecordPage, RecordRow
from service.log.store import find as find_one
from service.problems import RequestRefused
from service.service import Service
from service.store.moments import now_text

MOST_PARTIES = 12  # with a text in their ids, on a page
EXPORTED_AT_ONCE = 1_000
MOST_FORM = 8 * 1024
FORM = "application/x-www-form-urlencoded"

Looked = tuple[RecordPage, list[tuple[str, str]], list[saved_searches.SavedSearch], Mapping[str, CallerName]]


def add(app: FastAPI, service: Service) -> None:
    """Put the pages on the application. It stands before the pages of one decision, whose paths take any name."""
    replaying = Replaying.shared(app, service)

    # These are not `async`: reading waits for the disk, so each call runs in a thread.
    @app.get("/log", include_in_schema=False)
    def decisions(request: Request) -> Response:
        caller = caller_of(request.scope, "read")
        reader = PageReader(service.live.bundle, language(request))

        def look(connection: sa.Connection) -> Looked:
            page = search.find(connection, asked.query, asked.cursor, ROWS)
            parties = search.parties_with(connection, asked.query.text or "", MOST_PARTIES)
            names = caller_names(connection, (row.caller for row in page.rows) if "caller" in asked.columns else ())
            return page, parties, saved_searches.of_caller(connection, caller.id), names

        try:
            asked = ListAsked.read(request.query_params.multi_items()).as_meant(service.live.pdp.naming.called)
            page, parties, saved, names = service.read(look)
        except (ValueError, OverflowError):
            return wrong_address(reader)
        shown = [{"id": each.id, "name": each.name, "parameters": each.parameters} for each in saved]
        reader = replace(reader, callers=names)
        return html(log_list.list_page(page, asked, parties, shown, form_token.token(service, caller.id), reader))

    @app.get("/log/export", include_in_schema=False)
    async def export(request: Request) -> Response:
        caller_of(request.scope, "read")
        reader = PageReader(service.live.bundle, language(request))
        sent = request.query_params.multi_items()
        form = request.query_params.get("format")
        try:
            asked = ListAsked.read((name, value) for name, value in sent if name != "format")
            asked = asked.as_meant(service.live.pdp.naming.called)
        except (ValueError, OverflowError):
            return wrong_address(reader)
        if form not in ("csv", "jsonl", "parquet") or asked.cursor is not None:
            return wrong_address(reader)
        if form == "parquet":
            return await _as_parquet(service, asked, reader)
        written = _as_csv if form == "csv" else _as_json_lines
        first = await asyncio.to_thread(
            _some, service, asked, None
        )  # a database that cannot be read is refused before the file begins
        return StreamingResponse(
            _exported(service, asked, first, written),
            media_type="text/csv; charset=utf-8" if form == "csv" else "application/x-ndjson",
            headers={"Content-Disposition": f'attachment; filename="decisions.{form}"'},
        )

    @app.get("/log/beside", include_in_schema=False)
    def beside(request: Request) -> Response:
        caller_of(request.scope, "read")
        reader = PageReader(service.live.bundle, language(request))
        words = reader.words
        sent = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
        ids = list(dict.fromkeys(value for name, value in sent if name == "decision"))
        stored = service.read(lambda connection: [find_one(connection, id) for id in ids[:2]]) if len(ids) == 2 else []
        found = [each for each in stored if each is not None]
        if len(found) != 2 or any(name != "decision" for name, _ in sent):
            return html(missing_page(reader, words["beside_wrong"], words["beside_wrong_text"]), 400)
        first, second = (told(each, replaying, reader) for each in found)
        return html(beside_page(first, second, reader))

    async def save(request: Request) -> Response:
        caller, sent, reader = await _form(request, service)
        name = "".join(value for key, value in sent if key == "name")
        try:
            asked = ListAsked.read((key, value) for key, value in sent if key not in ("name", "cursor"))
            at = now_text()
            await durable(service.store.do(lambda work: saved_searches.save(work, caller.id, name, asked.parameters, at)))
        except (SearchRefused, ValueError, OverflowError):
            told = reader.words["saved_wrong_text"].format(MOST_OF_A_CALLER)
            return html(missing_page(reader, reader.words["saved_wrong"], told), 400)
        return _to_list(asked.parameters, reader)

    async def delete(request: Request) -> Response:
        caller, _, reader = await _form(request, service)
        id = request.path_params["id"]
        await durable(service.store.do(lambda work: saved_searches.delete(work, caller.id, id)))
        return _to_list({}, reader)

    app.add_api_route("/log/searches", save, methods=["POST"], include_in_schema=False)
    app.add_api_route("/log/searches/{id}/delete", delete, methods=["POST"], include_in_schema=False)


async def _form(request: Request, service: Service) -> tuple[Caller, list[tuple[str, str]], PageReader]:
    """
    The caller who sends a form, its fields, and the reader of the page that answers. Raises RequestRefused.

    INVARIANT (no other site's form): the form carries the token of its page. The entrance refuses too what a browser says is of elsewhere.
    """
    caller = caller_of(request.scope, "read")
    raw = await body(request, MOST_FORM, FORM)
    try:
        sent = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=60, errors="strict")
    except ValueError:
        raise RequestRefused("bad-request", "the form cannot be read") from None
    fields = dict(sent)
    form_token.check(service, caller.id, fields.get("token", ""))
    reader = PageReader(service.live.bundle, "zh" if fields.get("lang") == "zh" else "en")
    return caller, [(name, value) for name, value in sent if name not in ("lang", "token")], reader


def _to_list(parameters: dict[str, Any], reader: PageReader) -> Response:
    """The answer that leads a browser back to the list."""
    query = urlencode({**parameters, **({"lang": reader.lang} if reader.lang != "en" else {})}, doseq=True)
    return Response(status_code=303, headers={"Location": f"/log?{query}" if query else "/log"})


def _some(service: Service, asked: ListAsked, cursor: str | None) -> RecordPage:
    """A part of what is exported. Raises RequestRefused, CursorRefused."""
    return service.read(lambda connection: search.find(connection, asked.query, cursor, EXPORTED_AT_ONCE))


async def _exported(
    service: Service, asked: ListAsked, page: RecordPage, written: Callable[[Sequence[RecordRow], ListAsked, bool], str]
) -> AsyncIterator[str]:
    """The whole list, part by part. What is recorded meanwhile is not in it."""
    yield written(page.rows, asked, True)
    while page.next is not None:
        page = await asyncio.to_thread(_some, service, asked, page.next)
        yield written(page.rows, asked, False)


async def _as_parquet(service: Service, asked: ListAsked, reader: PageReader) -> Response:
    """The list as a file of Parquet. Its end has the places of its parts, so it is made whole in a file that has no name, and then sent."""
    if why := parquet_rows.unavailable():
        return html(missing_page(reader, reader.words["no_parquet"], why), 503)

    def made() -> IO[bytes]:
        file = TemporaryFile()  # noqa: SIM115 - it is closed once it is sent
        names = log_list.header(asked.columns)
        service.read(lambda connection: parquet_rows.write(file, names, search.everything(connection, asked.query)))
        file.seek(0)
        return file

    file = await asyncio.to_thread(made)

    async def sent() -> AsyncIterator[bytes]:
        with file:
            while some := await asyncio.to_thread(file.read, 1 << 16):
                yield some

    named = {"Content-Disposition": 'attachment; filename="decisions.parquet"'}
    return StreamingResponse(sent(), media_type="application/vnd.apache.parquet", headers=named)


def _as_csv(rows: Sequence[RecordRow], asked: ListAsked, begins: bool) -> str:
    lines = csv_tables.written(log_list.header(asked.columns), (log_list.cells(row, asked.columns) for row in rows))
    return lines if begins else lines.partition("\r\n")[2]


def _as_json_lines(rows: Sequence[RecordRow], asked: ListAsked, begins: bool) -> str:
    return "".join(log_list.json_lines(rows, asked.columns))
