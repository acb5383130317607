"""
A draft as a file of Markdown: the draft goes in, the text comes out.

INVARIANT (all of it is text): whatever a fact, the register or a person says is escaped, so that nothing in it is mark-up, a link, an image
or HTML, and no part of it begins a block. Within a value a line break is a space.
"""

import re
from collections.abc import Iterator

from service.compliance_documents.draft_document import DraftDocument, DraftField, DraftSection, DraftTable
from service.compliance_documents.plain_line import plain_line
from service.languages.names import ComplianceDocumentsTexts
from service.languages.words import wording

MEDIA_TYPE = "text/markdown"
_INLINE = re.compile(
    r"[\\`*\[\]<|~$^]|(?<![^\W_])_|_(?![^\W_])|&(?=[#\w])|(?<=-)-|@|:(?=(?:1(?:00|234)|[+-]1|[\w+-]{0,40}[^\W\d][\w+-]{0,40}):)"
)
_FIRST = re.compile(r"^(?:(\d+)(?=[.)])|(?=[-+#>=:%!@]))")  # what begins a list, a heading, a quotation, a definition
_ADDRESS = re.compile(r"(?i)(?<=http)(?=:)|(?<=https)(?=:)|(?<=ftp)(?=:)|(?<=www)(?=\.)")


def markdown(draft: DraftDocument) -> str:
    """The file. The same draft is the same text."""
    return "\n".join(_lines(draft, wording(draft.lang).compliance_documents)) + "\n"


def _lines(draft: DraftDocument, words: ComplianceDocumentsTexts) -> Iterator[str]:
    yield f"# {escaped(draft.title)}"
    yield ""
    yield f"> **{escaped(words['draft'])}**"
    for warning in draft.warnings:
        yield ">"
        yield f"> **{escaped(warning)}**"
    yield ""
    yield escaped(draft.about)
    yield ""
    yield escaped(words["how"].format(words["to_write_mark"]))
    yield ""
    for table in draft.before:
        yield from _table(table, "##")
    yield f"## {escaped(words['head'])}"
    yield ""
    for field in draft.head:
        yield from _field(field, words)
    yield from (escaped(words["begins_here"]), "", "---", "")
    for section in draft.sections:
        yield from _section(section, words)
    yield from ("---", "", escaped(words["ends_here"]), "")
    for section in draft.beside:
        yield from _section(section, words)
    for table in draft.after:
        yield from _table(table, "##")
    yield f"*{escaped(draft.foot)}*"


def _section(section: DraftSection, words: ComplianceDocumentsTexts) -> Iterator[str]:
    yield f"## {escaped(section.title)}"
    yield ""
    for text in (section.cite, section.says):
        if text:
            yield f"*{escaped(text)}*" if text is section.cite else escaped(text)
            yield ""
    for field in section.fields:
        yield from _field(field, words)
    for table in section.tables:
        yield from _table(table, "###")


def _field(field: DraftField, words: ComplianceDocumentsTexts) -> Iterator[str]:
    yield f"**{escaped(field.title)}**" + (f" · *{escaped(field.cite)}*" if field.cite else "")
    yield ""
    for value in field.values:
        yield f"- {escaped(value.text)} *({escaped(value.origin)})*"
    for title in field.unstated:
        yield f"- *{escaped(words['not_stated'].format(title))}*"
    if field.write:
        yield f"- **{escaped(words['to_write'].format(field.number, field.write))}**"
    yield ""


def _table(table: DraftTable, mark: str) -> Iterator[str]:
    yield f"{mark} {escaped(table.title)}"
    yield ""
    if table.rows:
        yield f"| {' | '.join(map(escaped, table.columns))} |"
        yield f"|{'---|' * len(table.columns)}"
        for row in table.rows:
            yield f"| {' | '.join(_cell(text) for text in row)} |"
    else:
        yield escaped(table.empty)
    yield ""


def _cell(text: str) -> str:
    """A cell, whose lines stand below one another."""
    return "<br>".join(escaped(line) for line in text.split("\n"))


def escaped(text: str) -> str:
    """A text as Markdown shows it: as it is, in one line."""
    said = _INLINE.sub(lambda found: f"\\{found[0]}", plain_line(text))
    said = _ADDRESS.sub(r"\\", said)
    return _FIRST.sub(r"\1\\", said)
