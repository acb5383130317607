"""
`GET /reports`: the forms by which reports are asked for. `/reports/report`: the report on a period; `/reports/transfers`: a register of
transfers. Both come as a page, as a PDF, and the register as CSV too. Nothing here changes anything.

A form asks by POST, since the id of a party stands in no address. Without a party the same is read by GET, from an address that can be
sent on; a form without a party leads there.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from itertools import islice
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from service.api import csv_tables
from service.api.page_answers import html, language
from service.api.sent import body
from service.callers.caller import Caller, caller_of
from service.console.pages import missing_page
from service.console.reader import PageReader
from service.console.report_page_wording import REPORT_PAGE_WORDS
from service.console.report_pages import FORMS, REGISTER, REPORT, AskedPage, forms_page, register_of, report_page
from service.console.wording import WORDS
from service.drafts import form_token
from service.log.search import CursorRefused
from service.problems import RequestRefused
from service.reports import transfer_rows, typesetting
from service.reports.document import ReportDocument
from service.reports.figures import MOST_COUNTED
from service.reports.period_report import LISTED, PARTS, PeriodReport
from service.reports.report_wording import REPORT_WORDS
from service.reports.scope import Scope, ScopeRefused
from service.reports.transfer_register import TransferRegister, organisation_name
from service.reports.typesetting import MOST_ROWS, NoPdf
from service.service import Service

ROWS = 25  # of a register on a page
LINES = 20  # of each list of a report on a page
PROVEN = 5  # of these, those whose proofs are on a page
COUNTED = 1_000  # decisions that a page looks through
MOST_FORM = 8 * 1024
FORM = "application/x-www-form-urlencoded"
_FIELDS = frozenset({"from", "until", "party", "jurisdiction", "part", "register", "format", "cursor", "lang", "token"})
_FORMATS = {REPORT: ("html", "pdf"), REGISTER: ("html", "pdf", "csv")}


class _Wrong(Exception):
    """What was asked for cannot be shown; the message is the sentence for the page."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked for: by whom, by form or by address, and the fields, of which only `part` may come more than once."""

    caller: Caller
    path: str
    posted: bool
    fields: Mapping[str, str]
    parts: tuple[str, ...]
    scope: Scope

    @property
    def shown(self) -> dict[str, str | tuple[str, ...]]:
        """The fields by which the same is asked for again; all parts are what is shown anyway."""
        again: dict[str, str | tuple[str, ...]] = {"from": self.scope.first.isoformat(), "until": self.scope.last.isoformat()}
        again |= {name: value for name in ("party", "jurisdiction", "register") if (value := self.fields.get(name))}
        if self.path == REPORT and set(self.parts) != set(PARTS):
            again["part"] = self.parts
        return again


def add(app: FastAPI, service: Service) -> None:
    """Put the pages on the application."""
    reports = PeriodReport(service)

    @app.get(FORMS, include_in_schema=False)
    def forms(request: Request) -> Response:
        caller = caller_of(request.scope, "read")
        reader = PageReader(service.live.bundle, language(request))
        today = service.clock().astimezone(UTC).date()
        token = form_token.token(service, caller.id)
        return html(forms_page(reader, today, Scope.read({}, today), token, typesetting.unavailable()))

    async def report(request: Request) -> Response:
        return await _answered(request, service, _report)

    async def transfers(request: Request) -> Response:
        return await _answered(request, service, _register)

    def _report(asked: _Asked, reader: PageReader) -> Response:
        moment = service.clock()
        form = asked.fields.get("format", "html")
        most = (LINES, COUNTED, PROVEN) if form == "html" else (LISTED, MOST_COUNTED, LISTED)
        document = service.read(
            lambda connection: reports.document(connection, asked.scope, reader.lang, moment, asked.parts, *most)
        )
        if form == "pdf":
            return _pdf(document, service, f"report-{_days(asked.scope)}")
        page = AskedPage(REPORT, asked.shown, _savable(REPORT), no_pdf=typesetting.unavailable())
        return html(report_page(document, page, form_token.token(service, asked.caller.id), reader))

    def _register(asked: _Asked, reader: PageReader) -> Response:
        name, form = asked.fields.get("register", ""), asked.fields.get("format", "html")
        text = register_of(reader.bundle, name)
        if text is None:
            raise _Wrong(reader.words["bad_filter_text"])
        register = TransferRegister(name, text, reader.bundle, reader.lang)
        if form == "csv":
            return _csv(register, asked.scope, service)
        moment, cursor = service.clock(), asked.fields.get("cursor") or None
        words, named = REPORT_WORDS[reader.lang], organisation_name(service, reader.lang)

        def look(connection: sa.Connection) -> tuple[ReportDocument, str | None]:
            left_out = transfer_rows.others(connection, text, asked.scope)
            if form == "pdf":
                rows = list(islice(transfer_rows.every(connection, text, asked.scope), MOST_ROWS + 1))
                after = words["rows_left"].format(f"{MOST_ROWS:,}") if len(rows) > MOST_ROWS else ""
                return register.document(asked.scope, rows[:MOST_ROWS], left_out, moment, after, named), None
            page = transfer_rows.page(connection, text, asked.scope, cursor, ROWS)
            after = REPORT_PAGE_WORDS[reader.lang]["goes_on"] if page.next else ""
            return register.document(asked.scope, page.rows, left_out, moment, after, named), page.next

        try:
            document, following = service.read(look)
        except CursorRefused as refused:
            raise _Wrong(str(refused)) from None
        if form == "pdf":
            return _pdf(document, service, f"transfers-{name}-{_days(asked.scope)}")
        page = AskedPage(REGISTER, asked.shown, _savable(REGISTER), following, cursor is not None, typesetting.unavailable())
        return html(report_page(document, page, form_token.token(service, asked.caller.id), reader))

    for path, endpoint in ((REPORT, report), (REGISTER, transfers)):
        app.add_api_route(path, endpoint, methods=["GET", "POST"], include_in_schema=False)


async def _answered(request: Request, service: Service, answer: Callable[[_Asked, PageReader], Response]) -> Response:
    """The answer to a form or an address: what `answer` makes of it in a thread, or a page that says what is wrong."""
    caller = caller_of(request.scope, "read")
    posted = request.method == "POST"
    sent = await _form(request, service, caller) if posted else request.query_params.multi_items()
    lang = dict(sent).get("lang", "en")
    reader = PageReader(service.live.bundle, lang if lang in WORDS else "en")
    try:
        asked = _read(sent, caller, request.url.path, posted, reader, service.clock().astimezone(UTC).date())
        if posted and not asked.fields.get("party") and asked.fields.get("format", "html") == "html":
            more = {"lang": reader.lang} if reader.lang != "en" else {}
            query = urlencode({**asked.shown, **more}, doseq=True)
            return Response(status_code=303, headers={"Location": f"{asked.path}?{query}"})
        found = await asyncio.to_thread(answer, asked, reader)
    except _Wrong as wrong:
        return html(missing_page(reader, REPORT_PAGE_WORDS[reader.lang]["wrong"], str(wrong)), 400)
    except NoPdf as why:
        words = REPORT_PAGE_WORDS[reader.lang]
        return html(missing_page(reader, words["wrong"], words["no_pdf"].format(why)), 503)
    found.headers["Cache-Control"] = "no-store"
    return found


async def _form(request: Request, service: Service, caller: Caller) -> list[tuple[str, str]]:
    """
    The fields of a form. Raises RequestRefused.

    INVARIANT (no other site's form): the form carries the token of its page. The entrance refuses too what a browser says is of elsewhere.
    """
    raw = await body(request, MOST_FORM, FORM)
    try:
        sent = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=40, errors="strict")
    except ValueError:
        raise RequestRefused("bad-request", "the form cannot be read") from None
    form_token.check(service, caller.id, dict(sent).get("token", ""))
    return sent


def _read(sent: Sequence[tuple[str, str]], caller: Caller, path: str, posted: bool, reader: PageReader, today: date) -> _Asked:
    """What some fields ask for. Raises _Wrong."""
    words = REPORT_PAGE_WORDS[reader.lang]
    names = [name for name, value in sent if value and name != "part"]
    fields = {name: value for name, value in sent if value and name != "part"}
    parts = tuple(dict.fromkeys(value for name, value in sent if name == "part")) or PARTS
    known = _FIELDS - ({"register", "cursor"} if path == REPORT else {"part", "jurisdiction"})
    if not {name for name, _ in sent} <= known or len(names) != len(fields) or not set(parts) <= set(PARTS):
        raise _Wrong(reader.words["bad_filter_text"])
    if fields.get("format", "html") not in _FORMATS[path]:
        raise _Wrong(reader.words["bad_filter_text"])
    if fields.get("party") and not posted:
        raise _Wrong(words["wrong_party"])
    try:
        scope = Scope.read(fields, today)
    except ScopeRefused:
        raise _Wrong(words["wrong_scope"]) from None
    if scope.jurisdiction and scope.jurisdiction not in reader.bundle.vocabulary.jurisdictions:
        raise _Wrong(reader.words["bad_filter_text"])
    return _Asked(caller, path, posted, fields, parts, scope)


def _pdf(document: ReportDocument, service: Service, name: str) -> Response:
    """The answer with a PDF. Raises NoPdf."""
    made = typesetting.pdf(document, service.clock())
    return Response(made, media_type=typesetting.MEDIA_TYPE, headers=_named(f"{name}.pdf"))


def _csv(register: TransferRegister, scope: Scope, service: Service) -> Response:
    """The answer with a register as a file, written part by part. A database that cannot be read is refused before the file begins."""
    cursor: str | None = None

    def some(cursor: str | None) -> transfer_rows.TransferPage:
        return service.read(lambda connection: transfer_rows.page(connection, register.text, scope, cursor, 500))

    first = some(cursor)

    async def written() -> AsyncIterator[str]:
        page = first
        yield csv_tables.written(register.header(), register.lines(page.rows))
        while page.next is not None:
            page = await asyncio.to_thread(some, page.next)
            yield csv_tables.written_rows(register.lines(page.rows))

    headers = _named(f"transfers-{register.name}-{_days(scope)}.csv")
    return StreamingResponse(written(), media_type=f"{csv_tables.MEDIA_TYPE}; charset=utf-8", headers=headers)


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _days(scope: Scope) -> str:
    return f"{scope.first.isoformat()}-{scope.last.isoformat()}"


def _savable(path: str) -> tuple[str, ...]:
    """The formats in which a page can be saved."""
    return tuple(each for each in _FORMATS[path] if each != "html" and not (each == "pdf" and typesetting.unavailable()))
