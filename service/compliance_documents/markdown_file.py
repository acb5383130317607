"""
A draft as a file of Markdown: the draft goes in, the text comes out.

INVARIANT (all of it is text): whatever a fact, the register or a person says is escaped, so that nothing in it is mark-up, a link, an image
or HTML, and no part of it begins a block. Within a value a line break is a space.
A footnote begins with a word and a space, so that a reader who knows no footnotes does not take `[^1]: …` for the address of a link.
"""

import re
from collections.abc import Iterator

from service.compliance_documents.draft_document import DraftDocument, DraftField, DraftSection, DraftTable
from service.compliance_documents.footnotes import Footnotes
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
    return "\n".join(_Lines(draft).lines()) + "\n"


class _Lines:
    def __init__(self, draft: DraftDocument) -> None:
        self._draft = draft
        self._words: ComplianceDocumentsTexts = wording(draft.lang).compliance_documents
        self._footnotes = Footnotes()

    def lines(self) -> Iterator[str]:
        draft, words = self._draft, self._words
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
            yield from self._table(table, "##")
        yield f"## {escaped(words['head'])}"
        yield ""
        for field in draft.head:
            yield from self._field(field)
        yield from self._notes()
        yield from (escaped(words["begins_here"]), "", "---", "")
        for section in draft.sections:
            yield from self._section(section)
        yield from self._notes()
        yield from ("---", "", escaped(words["ends_here"]), "")
        for section in draft.beside:
            yield from self._section(section)
        for table in draft.after:
            yield from self._table(table, "##")
        yield from self._notes()
        yield f"*{escaped(draft.foot)}*"

    def _section(self, section: DraftSection) -> Iterator[str]:
        yield f"## {escaped(section.title)}{self._mark(section.note if not section.cite else '')}"
        yield ""
        if section.cite:
            yield f"*{escaped(section.cite)}*{self._mark(section.note)}"
            yield ""
        if section.says:
            yield escaped(section.says)
            yield ""
        for field in section.fields:
            yield from self._field(field)
        for table in section.tables:
            yield from self._table(table, "###")

    def _field(self, field: DraftField) -> Iterator[str]:
        yield f"**{escaped(field.title)}**{self._mark(field.note)}"
        yield ""
        for value in field.values:
            yield f"- {escaped(value.text)}{self._mark(value.note)}"
        for title in field.unstated:
            yield f"- *{escaped(self._words['not_stated'].format(title))}*"
        if field.write:
            yield f"- **{escaped(self._words['to_write'].format(field.number, field.write))}**"
        yield ""

    def _table(self, table: DraftTable, mark: str) -> Iterator[str]:
        yield f"{mark} {escaped(table.title)}"
        yield ""
        if table.rows:
            yield f"| {' | '.join(map(escaped, table.columns))} |"
            yield f"|{'---|' * len(table.columns)}"
            for row in table.rows:
                first, *others = map(_cell, row.cells)
                yield f"| {' | '.join((f'{first}{self._mark(row.note)}', *others))} |"
        else:
            yield escaped(table.empty)
        yield ""

    def _mark(self, note: str) -> str:
        """The mark of a new footnote; "" where there is none."""
        number = self._footnotes.number(note)
        return f"[^{number}]" if number else ""

    def _notes(self) -> Iterator[str]:
        """The footnotes of what was read so far, below it."""
        for number, text in self._footnotes.not_yet_written():
            yield f"[^{number}]: {escaped(text)}"
            yield ""


def _cell(text: str) -> str:
    """A cell, whose lines stand below one another."""
    return "<br>".join(escaped(line) for line in text.split("\n"))


def escaped(text: str) -> str:
    """A text as Markdown shows it: as it is, in one line."""
    said = _INLINE.sub(lambda found: f"\\{found[0]}", plain_line(text))
    said = _ADDRESS.sub(r"\\", said)
    return _FIRST.sub(r"\1\\", said)
