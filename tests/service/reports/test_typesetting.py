"""Reports as PDF: tagged, the same bytes each time, in both languages, with what others wrote as text; and what cannot be shown is said."""

import re
import subprocess
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import pypdf
import pytest

from service.reports import report_font, typesetting
from service.reports.report_document import Cell, Chart, ChartBar, Column, Copied, Facts, ReportDocument, Section, Table, cell
from service.reports.typesetting import NoPdf, pdf
from tests.service.reports.conftest import NOON, pdf_text

NASTY = '#import "@preview/x:1.0.0" #read("/etc/passwd") $x$ *b* _i_ <a> \\ `c` https://x.example // [['


def report(*rows: tuple[Cell, ...], lang: str = "en", wide: bool = False, title: str = "Transfers") -> ReportDocument:
    """A report with one table."""
    columns = (Column("Exporter"), Column("Recipient"), Column("Number", number=True))
    blocks = ("A paragraph.", Table("Table of transfers", columns, rows, "3 more are not shown."), Copied("a\nb"))
    head = Facts((("Period", "2026"), ("Party", "all")))
    return ReportDocument(
        lang, title, "About it.", "2026-11-25", head, (Section("one", "First part", blocks),), "A foot.", wide
    )


def test_it_is_tagged_with_title_language_and_headings():
    """PDF/UA-1: the structure is marked, the language is named, and headings are bookmarks."""
    reader = pypdf.PdfReader(BytesIO(pdf(report((cell("a"), cell("b"), cell(1))), NOON)))
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert root["/Lang"].startswith("en")
    assert reader.metadata is not None
    assert reader.metadata.title == "Transfers"
    assert b"pdfuaid" in root["/Metadata"].get_data()
    outline = [each.title for each in _flat(reader.outline)]
    assert outline == ["Transfers", "First part", "Table of transfers"]
    root = pypdf.PdfReader(BytesIO(pdf(report(lang="zh"), NOON))).trailer["/Root"]
    assert root["/Lang"].startswith("zh")


def _flat(outline):
    for each in outline:
        if isinstance(each, list):
            yield from _flat(each)
        else:
            yield each


def test_the_same_report_is_the_same_bytes():
    """At the same moment; at another one the date of the file differs."""
    made = [pdf(report((cell("a"), cell("b"), cell(1))), moment) for moment in (NOON, NOON, NOON + timedelta(hours=1))]
    assert made[0] == made[1]
    assert made[0] != made[2]


def test_chinese_is_text():
    """Simplified and traditional characters, punctuation and Latin letters beside them are extracted as they were."""
    said = "向境外提供个人信息（第三十九条）：《数据安全法》、臺灣與香港資料 ABC 123"
    made = pdf(report((cell(said), cell("接收方"), cell(1)), lang="zh", title="个人信息出境登记簿"), NOON)
    text = pdf_text(made).replace(" ", "")
    assert said.replace(" ", "") in text
    assert "个人信息出境登记簿" in text
    assert "U+" not in text


def test_what_others_wrote_is_text():
    """No mark-up is run, no file read, no package fetched; each character is on the page."""
    made = pdf(report((cell(NASTY), cell("x"), cell(1)), title=NASTY), NOON)
    text = re.sub(r"\s", "", pdf_text(made))
    assert re.sub(r"\s", "", NASTY) in text
    assert "root:" not in text


def test_what_the_font_lacks_is_said():
    """Such characters stand as their numbers, and the report names them; controls and marks of direction are replaced."""
    text = pdf_text(pdf(report((cell("emoji \U0001f600 and \u0e01"), cell("a\u202eb\x00c"), cell(1))), NOON))
    assert "emoji [U+1F600] and [U+0E01]" in text
    assert "2 characters cannot be shown" in text
    assert "a□b□c" in text
    many = "".join(chr(0x0E01 + number) for number in range(30))
    assert "among them U+0E01" in pdf_text(pdf(report((cell(many), cell(""), cell(1))), NOON))


def test_the_coverage_is_that_of_the_font():
    """Letters, Chinese of both kinds and a character beyond the first plane are in it; a control, Thai and an emoji are not."""
    known = report_font.coverage()
    assert all(each in known for each in "Az0é¥€→个臺\U00020bb7□《》")
    assert not any(each in known for each in "\x00\u0e01\U0001f600")


def test_a_report_has_a_cover_with_whose_it_is_and_a_chart():
    """The organisation, the title, what it is of, the chart with its words and numbers, and the contents; the parts begin after it."""
    bars = (ChartBar("2026-10", (("permitted", 3), ("review", 1))), ChartBar("2026-11", (("review", 1_200),)))
    chart = Chart("By month", (("permitted", "may proceed"), ("review", "waits")), bars, "2 earlier ones")
    sections = tuple(Section(f"s{number}", f"Part {number}", ("text",)) for number in range(3))
    made = replace(report(), organisation="ACME Gesundheit AG", chart=chart, sections=sections)
    pages = [page.extract_text() for page in pypdf.PdfReader(BytesIO(pdf(made, NOON))).pages]
    assert len(pages) == 2
    for said in (
        "ACME Gesundheit AG",
        "Transfers",
        "2026",
        "By month",
        "may proceed",
        "waits",
        "2026-10",
        "1,200",
        "2 earlier ones",
    ):
        assert said in pages[0], said
    assert all(f"Part {number}" in page for number in range(3) for page in pages), "in the contents, and where it begins"
    assert "ACME" not in pages[1]
    assert chart.most == 1_200


def test_long_words_stay_in_their_columns():
    """An id of 256 letters is broken, and none of its letters is lost."""
    id = "x1" * 128
    text = pdf_text(pdf(report(*[(cell(id), cell(id), cell(1))] * 3, wide=True), NOON))
    assert text.replace("\u200b", "").replace(" ", "").count("x1" * 128) == 6


def test_a_table_goes_on_over_pages_with_its_head():
    """Two thousand rows are set within seconds; each page has the head of the table and its number."""
    rows = [(cell(f"clinic-{number}"), cell("数据公司"), cell(number)) for number in range(typesetting.MOST_ROWS + 5)]
    reader = pypdf.PdfReader(BytesIO(pdf(report(*rows, wide=True), NOON)))
    pages = [page.extract_text() for page in reader.pages]
    assert len(pages) > 20
    assert all("Exporter" in text and "Recipient" in text for text in pages[:-1])
    assert all(f"{number} / {len(pages)}" in text for number, text in enumerate(pages, 1))
    assert "clinic-1999" in "".join(pages)
    assert "clinic-2000" not in "".join(pages)


def test_where_it_cannot_be_made_it_is_said(monkeypatch, desk):
    """Without the package, in time, or with an error: a sentence, and on a page too; the rest of the pages works."""
    monkeypatch.setattr(typesetting, "find_spec", lambda name: None)
    with pytest.raises(NoPdf, match="pip install"):
        pdf(report(), NOON)
    page = desk.client.get("/reports")
    assert 'value="pdf"' not in page.text
    assert "pip install" in page.text
    answer = desk.client.get("/reports/report?format=pdf")
    assert answer.status_code == 503
    assert "pip install" in answer.text
    monkeypatch.undo()

    def late(*given, **more):
        raise subprocess.TimeoutExpired("typst", 1)

    monkeypatch.setattr(subprocess, "run", late)
    with pytest.raises(NoPdf, match="too long"):
        pdf(report(), NOON)
    monkeypatch.undo()
    monkeypatch.setattr(typesetting, "_PROCESS", typesetting._PROCESS.parent / "nothing.py")
    with pytest.raises(NoPdf, match="could not be set"):
        pdf(report(), NOON)


def test_only_so_many_are_set_at_once(monkeypatch):
    """Another one waits, and is refused after a while."""
    monkeypatch.setattr(typesetting, "_WAIT", 0.01)
    for _ in range(typesetting.AT_ONCE):
        typesetting._turns.acquire()
    try:
        with pytest.raises(NoPdf, match="try again"):
            pdf(report(), NOON)
    finally:
        for _ in range(typesetting.AT_ONCE):
            typesetting._turns.release()
