"""Pandoc, a reader of Word that was not written here, reads drafted documents: each text is of the record, and none is lost."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.compliance_documents.docx_file import docx
from service.compliance_documents.draft_document import DraftDocument
from service.compliance_documents.markdown_file import markdown
from service.compliance_documents.plain_line import plain_line
from service.languages.words import wording
from tests.service.compliance_documents.conftest import Desk, case
from tests.service.compliance_documents.conftest import desk as desk

CASES = {
    "optician-munich-pune": ("transfer-impact-assessment", "scc-annexes", "record-of-processing"),
    "retailer-shanghai-penang": ("pi-impact-assessment", "cn-contract-appendix"),
}


@pytest.fixture(scope="module")
def decisions(desk: Desk) -> dict[str, str]:
    """The decision of each worked case."""
    return {name: desk.case(name) for name in CASES}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(("name", "of"), [(name, of) for of, names in CASES.items() for name in names])
def test_pandoc_reads_in_word_what_the_draft_says_and_nothing_else(
    desk: Desk, decisions: dict[str, str], tmp_path: Path, name: str, of: str, lang: str
) -> None:
    """Every block of text of the file is one of the draft's, and every value that the draft took from the record is there."""
    draft = desk.draft(decisions[of], name, lang)
    file = tmp_path / "draft.docx"
    file.write_bytes(docx(draft))
    read = list(blocks(pandoc(file, "docx")))
    assert len(read) > 50
    written = set(said(draft))
    assert [each for each in read if each not in written] == []
    values = {plain_line(each.text) for field in every_field(draft) for each in field.values}
    assert values <= set(read)
    assert list(footnotes(pandoc(file, "docx"))) == [plain_line(each) for each in notes(draft)]
    record = desk.call("boss", "GET", f"/v1/decisions/{decisions[of]}")["record"]
    sent = case(of)
    for side in ("exporter", "recipient"):
        assert any(sent["named"][side] in each for each in read)
    assert record["id"] in read
    assert record["bundle"]["source"] in read


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_pandoc_reads_in_markdown_the_same_values(desk: Desk, decisions: dict[str, str], tmp_path: Path, lang: str) -> None:
    """No mark-up of a fact is left, and no link is made."""
    draft = desk.draft(decisions["optician-munich-pune"], "scc-annexes", lang)
    file = tmp_path / "draft.md"
    file.write_text(markdown(draft))
    tree = pandoc(file, "markdown-smart")
    assert not [each for each in elements(tree) if each["t"] in ("Link", "Image", "Code", "CodeBlock", "Math")]
    read = "\n".join(blocks(tree))
    assert list(footnotes(tree)) == [plain_line(each) for each in notes(draft)]
    for field in every_field(draft):
        for value in field.values:
            assert plain_line(value.text) in read
        assert not field.write or wording(lang).compliance_documents["to_write"].format(field.number, field.write) in read


def pandoc(file: Path, form: str) -> Any:
    """What pandoc reads, as its own tree."""
    run = subprocess.run(["/usr/bin/pandoc", "-f", form, "-t", "json", str(file)], capture_output=True, check=True, timeout=60)
    return json.loads(run.stdout)


def elements(tree: Any) -> Iterator[dict[str, Any]]:
    """Every element of a tree."""
    if isinstance(tree, dict):
        if "t" in tree:
            yield tree
        for each in tree.values():
            yield from elements(each)
    elif isinstance(tree, list):
        for each in tree:
            yield from elements(each)


def blocks(tree: Any) -> Iterator[str]:
    """The text of each paragraph, heading and cell."""
    for each in elements(tree):
        if each["t"] in ("Para", "Plain"):
            yield inline(each["c"]).strip()
        elif each["t"] == "Header":
            yield inline(each["c"][2]).strip()


def footnotes(tree: Any) -> Iterator[str]:
    """The text of each footnote, in the order of their marks."""
    for each in elements(tree):
        if each["t"] == "Note":
            yield " ".join(blocks(each["c"]))


def notes(draft: DraftDocument) -> Iterator[str]:
    """The footnotes of a draft, in the order in which it is read."""
    for table in draft.before:
        yield from (row.note for row in table.rows if row.note)
    yield from notes_of(draft.head)
    for section in (*draft.sections, *draft.beside):
        if section.note:
            yield section.note
        yield from notes_of(section.fields)
        for table in section.tables:
            yield from (row.note for row in table.rows if row.note)


def notes_of(fields: tuple[Any, ...]) -> Iterator[str]:
    """Those of some fields, each before its values."""
    for field in fields:
        yield from (each for each in (field.note, *(value.note for value in field.values)) if each)


def inline(tree: Any) -> str:
    """The text within a block, whatever it is set in."""
    if isinstance(tree, list):
        return "".join(map(inline, tree))
    if isinstance(tree, dict):
        match tree["t"]:
            case "Str":
                return str(tree["c"])
            case "Space" | "SoftBreak" | "LineBreak":
                return " "
            case "RawInline" | "Note":
                return ""
            case "Quoted":
                quote = "'" if tree["c"][0]["t"] == "SingleQuote" else '"'
                return f"{quote}{inline(tree['c'][1])}{quote}"
            case "Span":
                return inline(tree["c"][1])
            case _:
                return inline(tree.get("c", ""))
    return ""


def every_field(draft: DraftDocument) -> list[Any]:
    """The fields of a draft."""
    return [*draft.head, *(field for section in (*draft.sections, *draft.beside) for field in section.fields)]


def said(draft: DraftDocument) -> Iterator[str]:
    """Every text that a draft says, as one line."""
    words = wording(draft.lang).compliance_documents
    yield ""
    found = [draft.title, words["draft"], *draft.warnings, draft.about, draft.foot, words["head"], words["nothing_left"]]
    found += [words["begins_here"], words["ends_here"]]
    found += [words["how"].format(words["to_write_mark"])]
    found += [str(text) for name, text in words.items() if name.startswith("column_")]
    for field in every_field(draft):
        found += [
            field.title,
            field.note,
            field.write,
            words["to_write"].format(field.number, field.write),
            *field.unstated,
        ]
        found += [words["not_stated"].format(title) for title in field.unstated]
        found += [text for value in field.values for text in (value.text, value.note)]
    sections = (*draft.sections, *draft.beside)
    for section in sections:
        found += [section.title, section.cite, section.note, section.says]
    for table in (*draft.before, *draft.after, *(table for section in sections for table in section.tables)):
        found += [table.title, table.empty, *(line for row in table.rows for cell in row.cells for line in cell.split("\n"))]
        found += [row.note for row in table.rows]
    yield from map(plain_line, found)
