"""
`GET /reports`: the forms by which reports are asked for. `/reports/report`: the report on a period; `/reports/transfers`: a register of
transfers. Both come as a page, as a PDF, and the register as CSV too. Nothing here changes anything.

A form asks by POST, since the id of a party stands in no address. Without a party the same is read by GET, from an address that can be
sent on; a form without a party leads there.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from urllib.parse import urlencode

from fastapi import Response
from fastapi.responses import StreamingResponse

import engine
from service.api import csv_tables
from service.api.page_answers import html
from service.api.page_router import PageCall, Pages
from service.callers.context import ReadingAll
from service.console.pages import missing_page
from service.console.reader import PageReader
from service.console.report_pages import FORMS, REGISTER, REPORT, AskedPage, forms_page, register_of, report_page
from service.drafts import form_token
from service.log.search import CursorRefused
from service.reports import transfer_selection, typesetting
from service.reports.period_report import LISTED, PARTS, PeriodReport
from service.reports.report_document import ReportDocument
from service.reports.report_figures import MOST_COUNTED
from service.reports.report_scope import Scope, ScopeRefused
from service.reports.transfer_register import TransferRegister
from service.reports.typesetting import NoPdf
from service.service import Service

ROWS = 25  # of a register on a page
LINES = 20  # of each list of a report on a page
PROVEN = 5  # of these, those whose proofs are on a page
COUNTED = 1_000  # decisions that a page looks through
MOST_FORM = 8 * 1024
_FIELDS = frozenset({"from", "until", "party", "jurisdiction", "part", "register", "format", "cursor", "lang", "token"})
_FORMATS = {REPORT: ("html", "pdf"), REGISTER: ("html", "pdf", "csv")}

pages = Pages()


class _Wrong(Exception):
    """What was asked for cannot be shown; the message is the sentence for the page."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked for, by form or by address: the fields, of which only `part` may come more than once."""

    path: str
    fields: Mapping[str, str]
    parts: tuple[str, ...]
    scope: Scope

    @property
    def form(self) -> str:
        """In which of the formats."""
        return self.fields.get("format", "html")

    @property
    def shown(self) -> dict[str, str | tuple[str, ...]]:
        """The fields by which the same is asked for again; all parts are what is shown anyway."""
        again: dict[str, str | tuple[str, ...]] = {"from": self.scope.first.isoformat(), "until": self.scope.last.isoformat()}
        again |= {name: value for name in ("party", "jurisdiction", "register") if (value := self.fields.get(name))}
        if self.path == REPORT and set(self.parts) != set(PARTS):
            again["part"] = self.parts
        return again


@pages.get(FORMS)
def forms(context: ReadingAll, page: PageCall) -> Response:
    """The forms."""
    page.filters()
    today, token = context.now.astimezone(UTC).date(), form_token.token(page.service, context.caller.id)
    return html(forms_page(page.reader, today, Scope.read({}, today), token, typesetting.unavailable()))


@pages.get(REPORT)
async def report(context: ReadingAll, page: PageCall) -> Response:
    """The report on a period."""
    return await _by_address(context, page, REPORT, _report)


@pages.post(REPORT, limit=MOST_FORM)
async def report_form(context: ReadingAll, page: PageCall) -> Response:
    """The same, as a form asks for it."""
    return await _answered(context, page, page.fields, REPORT, _report)


@pages.get(REGISTER)
async def transfers(context: ReadingAll, page: PageCall) -> Response:
    """A register of transfers."""
    return await _by_address(context, page, REGISTER, _register)


@pages.post(REGISTER, limit=MOST_FORM)
async def transfers_form(context: ReadingAll, page: PageCall) -> Response:
    """The same, as a form asks for it."""
    return await _answered(context, page, page.fields, REGISTER, _register)


def _report(context: ReadingAll, page: PageCall, asked: _Asked) -> Response:
    most = (LINES, COUNTED, PROVEN) if asked.form == "html" else (LISTED, MOST_COUNTED, LISTED)
    reports, scope, lang = page.shared(PeriodReport), asked.scope, page.reader.lang
    document = page.service.read(lambda connection: reports.document(context, scope, lang, connection, asked.parts, *most))
    if asked.form == "pdf":
        return _pdf(context, document, f"report-{_days(scope)}")
    return _shown(context, page, document, asked)


def _register(context: ReadingAll, page: PageCall, asked: _Asked) -> Response:
    service, scope, reader = page.service, asked.scope, page.reader
    name, cursor = asked.fields.get("register", ""), asked.fields.get("cursor") or None
    text = register_of(reader.bundle, name)
    if text is None:
        raise _Wrong(reader.words.pages["bad_filter_text"])
    register = TransferRegister(name, text, reader.bundle, reader.lang, service.settings.tzinfo)
    if asked.form == "csv":
        return _csv(register, scope, service)
    if asked.form == "pdf":
        document, _ = service.read(lambda connection: register.whole(context, scope, connection))
        return _pdf(context, document, f"transfers-{name}-{_days(scope)}")
    more = reader.words.report_pages["goes_on"]
    try:
        document, following = service.read(lambda connection: register.page(context, scope, cursor, ROWS, more, connection))
    except CursorRefused as refused:
        raise _Wrong(str(refused)) from None
    return _shown(context, page, document, asked, following, cursor is not None)


async def _by_address(
    context: ReadingAll, page: PageCall, path: str, answer: Callable[[ReadingAll, PageCall, _Asked], Response]
) -> Response:
    sent: dict[str, list[str]] = {}
    for name, value in page.request.query_params.multi_items():
        sent.setdefault(name, []).append(value)
    return await _answered(context, page, sent, path, answer)


async def _answered(
    context: ReadingAll,
    page: PageCall,
    sent: Mapping[str, Sequence[str]],
    path: str,
    answer: Callable[[ReadingAll, PageCall, _Asked], Response],
) -> Response:
    """The answer to a form or an address: what `answer` makes of it in a thread, or a page that says what is wrong."""
    lang, posted = "".join(sent.get("lang", ())), page.request.method == "POST"
    page.reader = replace(page.reader, lang=lang if lang in engine.LANGUAGES else "en")
    words = page.reader.words.report_pages
    try:
        asked = _read(context, sent, path, posted, page.reader)
        if posted and not asked.fields.get("party") and asked.form == "html":
            more = {"lang": lang} if page.reader.lang != "en" else {}
            query = urlencode({**asked.shown, **more}, doseq=True)
            return Response(status_code=303, headers={"Location": f"{path}?{query}"})
        found = await asyncio.to_thread(answer, context, page, asked)
    except _Wrong as wrong:
        return html(missing_page(page.reader, words["wrong"], str(wrong)), 400)
    except NoPdf as why:
        return html(missing_page(page.reader, words["wrong"], words["no_pdf"].format(why)), 503)
    found.headers["Cache-Control"] = "no-store"
    return found


def _read(context: ReadingAll, sent: Mapping[str, Sequence[str]], path: str, posted: bool, reader: PageReader) -> _Asked:
    """What some fields ask for. Raises _Wrong."""
    words = reader.words.report_pages
    given = {name: [each for each in values if each] for name, values in sent.items() if name != "part"}
    fields = {name: values[0] for name, values in given.items() if values}
    parts = tuple(dict.fromkeys(sent.get("part", ()))) or PARTS
    known = _FIELDS - ({"register", "cursor"} if path == REPORT else {"part", "jurisdiction"})
    if not sent.keys() <= known or any(len(values) > 1 for values in given.values()) or not set(parts) <= set(PARTS):
        raise _Wrong(reader.words.pages["bad_filter_text"])
    if fields.get("format", "html") not in _FORMATS[path]:
        raise _Wrong(reader.words.pages["bad_filter_text"])
    if fields.get("party") and not posted:
        raise _Wrong(words["wrong_party"])
    try:
        scope = Scope.read(fields, context.now.astimezone(UTC).date())
    except ScopeRefused:
        raise _Wrong(words["wrong_scope"]) from None
    if scope.jurisdiction and scope.jurisdiction not in reader.bundle.vocabulary.jurisdictions:
        raise _Wrong(reader.words.pages["bad_filter_text"])
    return _Asked(path, fields, parts, scope)


def _shown(
    context: ReadingAll,
    page: PageCall,
    document: ReportDocument,
    asked: _Asked,
    following: str | None = None,
    paged: bool = False,
) -> Response:
    """The answer with a page."""
    no_pdf = typesetting.unavailable()
    formats = tuple(each for each in _FORMATS[asked.path] if each != "html" and not (each == "pdf" and no_pdf))
    shown = AskedPage(asked.path, asked.shown, formats, following, paged, no_pdf)
    return html(report_page(document, shown, form_token.token(page.service, context.caller.id), page.reader))


def _pdf(context: ReadingAll, document: ReportDocument, name: str) -> Response:
    """The answer with a PDF. Raises NoPdf."""
    made = typesetting.pdf(document, context.now)
    return Response(made, media_type=typesetting.MEDIA_TYPE, headers=_named(f"{name}.pdf"))


def _csv(register: TransferRegister, scope: Scope, service: Service) -> Response:
    """The answer with a register as a file, written part by part. A database that cannot be read is refused before the file begins."""

    def some(cursor: str | None) -> transfer_selection.TransferPage:
        return service.read(lambda connection: transfer_selection.page(connection, register.text, scope, cursor, 500))

    first = some(None)

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
