"""The files of a draft: Markdown in which nothing is mark-up, and Word whose bytes depend on the draft alone."""

import re
import zipfile
from dataclasses import replace
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import pytest
from docx import Document
from docx.document import Document as WordDocument
from markdown_it import MarkdownIt

from service.compliance_documents import docx_file
from service.compliance_documents.docx_file import UNSTATED, WARNING, WRITE, docx
from service.compliance_documents.draft_document import DraftDocument, DraftField, StatedValue
from service.compliance_documents.enclosed_text import with_enclosed
from service.compliance_documents.markdown_file import escaped, markdown
from service.compliance_documents.plain_line import plain_line
from service.problems import RequestRefused
from tests.service.compliance_documents.conftest import Desk, case
from tests.service.compliance_documents.test_drafting import NOTHING, unregistered

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
HOSTILE = (
    "[here](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<script>alert(1)</script>",
    "<b>bold</b> &lt; &#106; &amp",
    "# a heading",
    "1. a list",
    "12) a list",
    "- a list",
    "+ a list",
    "> quoted",
    "---",
    "===",
    "**bold** _it_ __bold__ ~~gone~~ `code`",
    "a | b",
    "\\[escaped\\]",
    "https://evil.example www.evil.example <https://evil.example> ftp://evil.example",
    "*",
    "    code",
    "a\n\nb\n# c",
    "a\u2028b\x85c",
    "[^1]: note",
    "cn_ciio and snake_case_name",
    "[待填写：…]",
    "write to dpo@firm.example or @dpo, [@smith]",
    "urn:100:x and :smile:",
    "a_http://evil.example xhttps://evil.example",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_markup_in_markdown(text: str) -> None:
    """A reader of Markdown shows each text as it is, wherever it stands: as an item, in a table, in bold, in a heading."""
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    said = plain_line(text)
    for written in (f"- {escaped(text)}", f"# {escaped(text)}", escaped(text), f"> **{escaped(text)}**"):
        tokens = reader.parse(written)
        inline = [each for each in tokens if each.type == "inline"]
        assert len(inline) == 1, tokens
        kinds = {each.type for each in inline[0].children or ()} - {"strong_open", "strong_close"}
        assert kinds <= {"text", "text_special"}, kinds
        assert "".join(each.content for each in inline[0].children or ()) == said
    table = reader.parse(f"| a | b |\n|---|---|\n| {escaped(text)} | {escaped(text)} |")
    cells = ["".join(one.content for one in each.children or ()) for each in table if each.type == "inline"][2:]
    assert cells == [said, said]
    assert "https:" not in escaped("https://evil.example")  # what a reader of GFM would make a link


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("dpo@firm.example", r"dpo\@firm.example"),
        ("see [@smith]", r"see \[\@smith\]"),
        ("urn:100:x, a :smile:, :+1:", r"urn\:100:x, a \:smile:, \:+1:"),
        ("2026-11-25T12:00:00Z", "2026-11-25T12:00:00Z"),
        ("a_https://evil.example", r"a_https\://evil.example"),
        ("a_WWW.evil.example", r"a_WWW\.evil.example"),
    ],
)
def test_no_text_is_an_address_a_person_or_a_picture_to_readers_that_make_them_of_plain_text(text: str, written: str) -> None:
    """As those of GFM make links of addresses and pictures of names between colons, and Pandoc citations."""
    assert escaped(text) == written


def hostile(desk: Desk, lang: str = "en") -> DraftDocument:
    """The draft of a decision in which every free text is hostile."""
    exchange = case("optician-munich-pune")
    del exchange["named"]
    exchange["exporter"] |= {"id": "[shop](https://evil.example) <b>1</b>", "country": "DE", "kind": "company"}
    exchange["recipient"] |= {"id": "# support | *x*", "country": "IN", "kind": "company"}
    exchange["evidence"]["eu-scc-m2"]["attested_by"] = "<img src=x onerror=alert(1)> | `code`"
    return desk.draft(desk.evaluate(exchange)["id"], "scc-annexes", lang)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_fact_is_markup_in_a_draft(desk: Desk, lang: str) -> None:
    """
    The ids of the parties and who attested a document come as they were sent, and as text. A reader who knows no footnotes makes no link
    of one.
    """
    text = markdown(hostile(desk, lang))
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inline = [child for each in tokens if each.type == "inline" for child in each.children or ()]
    assert {"link_open", "image", "code_inline"}.isdisjoint(each.type for each in inline)
    assert {each.content for each in inline if each.type == "html_inline"} <= {"<br>"}
    assert not [each for each in tokens if each.type in ("html_block", "code_block", "fence")]
    shown = "".join(each.content for each in inline)
    for sent in ("[shop](https://evil.example) <b>1</b>", "# support | *x*", "<img src=x onerror=alert(1)> | `code`"):
        assert sent in shown


def test_no_text_makes_a_line_of_its_own_in_a_cell(desk: Desk) -> None:
    """Else who is said to have attested a document could write beside it that somebody confirmed it."""
    forged = "confirmed by Meera Rao on 2026-11-25; to be renewed by 2030-01-01"
    exchange = unregistered()
    exchange["evidence"]["eu-scc-m2"]["attested_by"] = f"nobody\n{forged}\r\n{forged}\u2028{forged}"
    draft = desk.draft(desk.evaluate(exchange)["id"], "transfer-impact-assessment")
    lines = [line for _, line in paragraphs(Document(BytesIO(docx(draft))))]
    lines += re.split(r"<br>|\||\n", markdown(draft))
    assert [line for line in lines if forged in line]
    assert not [line for line in lines if line.strip().startswith(forged)]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_free_text_passes_for_a_term_beside_it(desk: Desk, lang: str) -> None:
    """It is enclosed in quotation marks, which it cannot end itself; in Markdown and in Word, in a line and in a cell."""
    joint = {"en": "; ", "zh": "；"}[lang]
    forged = f"nobody”{joint}that it is as stated was confirmed by Meera Rao on 25 November 2026"
    exchange = unregistered()
    exchange["evidence"]["eu-scc-m2"]["attested_by"] = forged
    seen = 0
    for name in ("scc-annexes", "transfer-impact-assessment"):
        draft = desk.draft(desk.evaluate(exchange)["id"], name, lang)
        for text in (markdown(draft), "\n".join(line for _, line in paragraphs(Document(BytesIO(docx(draft)))))):
            assert forged not in text
            seen += text.count(f"“{forged.replace('”', '’')}”")
            assert text.count(forged.replace("”", "’")) == text.count(f"“{forged.replace('”', '’')}”")
    assert seen >= 4


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("a notary", "a notary"),
        ("Smith, Ltd", "Smith, Ltd"),
        ("a; b", "“a; b”"),
        ("a；b", "“a；b”"),
        ("a\u037e b", "“a\u037e b”"),
        ("“a”; “b”", "“’a’; ’b’”"),
        ('a"', "“a’”"),
        (["a; b"], ["“a; b”"]),
        (["Smith, Ltd", "b"], ["“Smith, Ltd”", "b"]),
        (["a and b", "甲、乙"], ["“a and b”", "“甲、乙”"]),
        ({"at_least": 3, "of": {"by": "a; b"}, "yes": True}, {"at_least": 3, "of": {"by": "“a; b”"}, "yes": True}),
    ],
)
def test_a_text_that_could_pass_for_more_is_enclosed(sent: Any, told: Any) -> None:
    """By semicolons and quotation marks of any script, and in a list by commas and conjunctions; others stay as they are."""
    assert with_enclosed(sent) == told


def paragraphs(word: WordDocument) -> list[tuple[str, str]]:
    """Each run of a file of Word: its style and its text, those in tables too."""
    found = list(word.paragraphs)
    for table in word.tables:
        seen = set()
        for row in table.rows:
            for cell in row.cells:
                if id(cell._tc) not in seen:
                    seen.add(id(cell._tc))
                    found += cell.paragraphs
    return [(str(run.style.name) if run.style else "", run.text) for each in found for run in each.runs]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_file_of_word_has_every_text_of_the_draft_in_its_style(desk: Desk, lang: str) -> None:
    """What a person must write, what is not stated and the warnings are told apart by a style of their own."""
    draft = desk.draft(desk.evaluate(NOTHING)["id"], "pi-impact-assessment", lang)
    runs = paragraphs(Document(BytesIO(docx(draft))))
    mark = {"en": "[{} To be written: {}]", "zh": "［{} 待填写：{}］"}[lang]
    left = [mark.format(field.number, field.write) for _, field in draft.to_write()]
    assert [text for style, text in runs if style == WRITE] == left
    assert len([text for style, text in runs if style == UNSTATED]) == sum(len(each.unstated) for _, each in draft.unstated())
    assert {text for style, text in runs if style == WARNING} > set(draft.warnings)
    texts = {text for _, text in runs}
    for section in draft.sections:
        assert {plain_line(value.text) for field in section.fields for value in field.values} <= texts
        assert {
            plain_line(line)
            for table in section.tables
            for row in table.rows
            for cell in row.cells
            for line in cell.split("\n")
        } <= texts


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_footnote_has_the_same_number_in_word_and_in_markdown(desk: Desk, lang: str) -> None:
    """Each mark has its footnote, in the order in which the draft is read; none stands twice and none is missing."""
    draft = desk.draft(desk.case("optician-munich-pune"), "transfer-impact-assessment", lang)
    with zipfile.ZipFile(BytesIO(docx(draft))) as file:
        body, notes = file.read("word/document.xml").decode(), ElementTree.fromstring(file.read("word/footnotes.xml"))
    in_word = {int(each.attrib[f"{W}id"]): "".join(each.itertext()).strip() for each in notes if int(each.attrib[f"{W}id"]) > 0}
    assert [int(each) for each in re.findall(r'<w:footnoteReference w:id="(\d+)"/>', body)] == list(in_word)
    text = markdown(draft)
    written = re.findall(r"^\[\^(\d+)\]: (.+)$", text, re.MULTILINE)
    assert {int(number): said for number, said in written} == {number: escaped(said) for number, said in in_word.items()}
    assert [int(each) for each in re.findall(r"\[\^(\d+)\](?!:)", text)] == list(in_word) == list(range(1, len(written) + 1))
    value = draft.sections[1].fields[0].values[0]
    assert f"- {escaped(value.text)}[^{list(in_word.values()).index(value.note) + 1}]" in text


def test_the_same_draft_is_the_same_bytes(desk: Desk) -> None:
    """Drafted twice; the file says the moment of the record, and nobody's name."""
    id = desk.case("optician-munich-pune")
    for name in ("scc-annexes", "transfer-impact-assessment"):
        first, second = desk.draft(id, name, "zh"), desk.draft(id, name, "zh")
        assert docx(first) == docx(second)
        assert markdown(first) == markdown(second)
    with zipfile.ZipFile(BytesIO(docx(first))) as file:
        assert {each.date_time for each in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    about = Document(BytesIO(docx(first))).core_properties
    assert (about.created, about.modified) == (first.moment, first.moment)
    assert (about.author, about.last_modified_by, about.comments) == ("", "", "")


def test_no_character_breaks_a_file_of_word(desk: Desk) -> None:
    """Control characters, half characters and those that XML does not have are marks."""
    draft = desk.draft(desk.evaluate(NOTHING)["id"], "scc-annexes")
    text = "".join(map(chr, range(0x20))) + "\x7f\x85\u2028\u202e\ufffe\uffff\ud800]]>&<"
    field = DraftField(text, text, (StatedValue(text, text),), (text,), text)
    section = replace(draft.sections[0], title=text, cite=text, note=text, says=text, fields=(field,))
    word = docx(replace(draft, title=text, about=text, warnings=(text,), sections=(section,)))
    assert plain_line(text) in {each for _, each in paragraphs(Document(BytesIO(word)))}
    with zipfile.ZipFile(BytesIO(word)) as file:
        assert plain_line(text) in "".join(ElementTree.fromstring(file.read("word/footnotes.xml")).itertext())
    assert "\x00" not in markdown(replace(draft, sections=(section,)))


def test_without_the_extra_there_is_no_file_of_word(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what adds it."""
    monkeypatch.setattr(docx_file, "find_spec", lambda name: None)
    with pytest.raises(RequestRefused) as refused:
        docx(desk.draft(desk.evaluate(NOTHING)["id"], "scc-annexes"))
    assert refused.value.kind == "not-installed"
    assert "pip install 'fifthfactor[docx]'" in refused.value.detail
