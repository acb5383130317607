"""
The pages of reports: the forms by which they are asked for, and a report or a register as a page.

A document of `service.reports` goes in, HTML comes out. The id of a party may be personal, so it is in no address: a page that is of one
party is asked for by a form alone, and so are its files and its next page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

import engine
from service.console.pages import STYLE, rendered
from service.console.reader import PageReader
from service.languages.words import text_for
from service.reports.period_report import PARTS
from service.reports.report_document import ReportDocument
from service.reports.report_scope import Scope

FORMS = "/reports"
REPORT = "/reports/report"
REGISTER = "/reports/transfers"


@dataclass(frozen=True, slots=True)
class AskedPage:
    """
    What a page was asked for: the address of what it shows, the fields of its form, and the formats in which it can be saved.

    `next` is the cursor of its next page, `paged` whether it is not the first, `no_pdf` why it cannot be saved as PDF.
    """

    path: str
    fields: Mapping[str, str | tuple[str, ...]]
    formats: tuple[str, ...]
    next: str | None = None
    paged: bool = False
    no_pdf: str = ""


def forms_page(reader: PageReader, today: date, scope: Scope, token: str, no_pdf: str) -> str:
    """The page with the forms; `scope` has the days that stand in them at first."""
    vocabulary = reader.bundle.vocabulary
    places = {name: reader.place(name) for name in vocabulary.jurisdictions}
    return rendered(
        "report_forms.html",
        reader,
        FORMS,
        r=reader.words.report_pages,
        parts={name: text_for(reader.words.reports, f"part_{name}") for name in PARTS},
        jurisdictions=sorted(places.items(), key=lambda each: each[1]),
        registers={name: each.title.in_(reader.lang) for name, each in vocabulary.transfer_registers.items()},
        scope=scope,
        today=today,
        token=token,
        no_pdf=no_pdf,
    )


def report_page(document: ReportDocument, asked: AskedPage, token: str, reader: PageReader) -> str:
    """A report or a register as a page."""
    named = bool(asked.fields.get("party"))
    address = {name: value for name, value in asked.fields.items() if name not in ("cursor", "format")}
    return rendered(
        "report.html",
        reader,
        FORMS if named else asked.path,
        filters={} if named else address,
        document=document,
        asked=asked,
        method="post" if named else "get",
        fields={**address, **({"lang": reader.lang} if reader.lang != "en" else {})},
        token=token if named else "",
        r=reader.words.report_pages,
    )


def report_file(document: ReportDocument, reader: PageReader) -> str:
    """A report or a register as a file that stands alone: it has its style inside, leads nowhere, and fetches nothing."""
    return rendered(
        "report_file.html",
        reader,
        FORMS,
        document=document,
        document_alone=True,
        style=Markup(STYLE.decode()),
        r=reader.words.report_pages,
    )


def register_of(bundle: engine.Bundle, name: str) -> engine.TransferRegisterText | None:
    """A register of transfers by its name; None if the policies have none of this name."""
    return bundle.vocabulary.transfer_registers.get(name)
