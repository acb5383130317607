"""
A draft as a file of Word (Office Open XML): the draft goes in, the bytes come out. The extra `docx` is behind this door.

What a person must write has a style of its own, `To be written`, and so have what is not stated and the citations. Where an entry comes
from, and how sure a citation is, are footnotes of Word. The same draft is the same bytes: the file says the moment of the record, and each
part of it has one fixed day.
"""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from service.compliance_documents.draft_document import DraftDocument, DraftField, DraftSection, DraftTable
from service.compliance_documents.footnotes import Footnotes
from service.compliance_documents.plain_line import plain_line
from service.compliance_documents.word_footnotes import FOOTNOTE_MARK, FOOTNOTE_TEXT, SEPARATOR_IDS, footnotes_part
from service.languages.names import ComplianceDocumentsTexts
from service.languages.words import wording
from service.problems import RequestRefused

if TYPE_CHECKING:
    from docx.document import Document

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
WRITE, UNSTATED, CITATION, WARNING = "To be written", "Not stated", "Citation", "Warning"
_SHORT = 300  # characters
_FEW = 8  # entries of a field that an editor is asked to keep on one page (LibreOffice does not)
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the first that a ZIP file can say
_WIDTH = 17.0  # centimetres, of a page between its margins
_FIELD_WIDTHS = (4.8, 12.2)
_MARGIN, _CHARACTER = 0.5, 0.2  # centimetres, of a cell and of a character
_LONG_WORD, _MOST = 12, 80  # characters: of a word that is not broken, and of a text that count for the width of its column


def docx(draft: DraftDocument) -> bytes:
    """The file. Raises RequestRefused where the extra is not installed."""
    if why := unavailable():
        raise RequestRefused("not-installed", why)
    written = BytesIO()
    _Writing(draft).document().save(written)
    return _at_one_moment(written.getvalue())


def unavailable() -> str:
    """Why no file of Word can be written here, in a sentence; "" where one can."""
    if find_spec("docx"):
        return ""
    return "the package `docx` is not installed; `pip install 'fifthfactor[docx]'` adds it"


def _at_one_moment(data: bytes) -> bytes:
    """The same ZIP file with one day for all of its parts."""
    fixed = BytesIO()
    with ZipFile(BytesIO(data)) as made, ZipFile(fixed, "w", ZIP_DEFLATED) as file:
        for part in made.infolist():
            info = ZipInfo(part.filename, _FIRST_DAY)
            info.compress_type = ZIP_DEFLATED
            file.writestr(info, made.read(part.filename))
    return fixed.getvalue()


def _widths(rows: Sequence[Sequence[str]]) -> list[float]:
    """The widths of the columns in centimetres: its longest word fits, and the longer a text in one is, the wider it is."""
    columns = list(zip(*rows, strict=True))
    words = [max(_length(word) for text in column for word in text.split() or [""]) for column in columns]
    least = [_MARGIN + _CHARACTER * min(each, _LONG_WORD) for each in words]
    weights = [min(max(map(_length, column)), _MOST) ** 0.8 for column in columns]
    left = _WIDTH - sum(least)
    return [each + left * weight / sum(weights) for each, weight in zip(least, weights, strict=True)]


def _length(text: str) -> int:
    """The length of the longest line of a text; a Chinese character is as wide as two others."""
    return max(sum(1 + (east_asian_width(each) in "WF") for each in line) for line in text.split("\n"))


class _Writing:
    def __init__(self, draft: DraftDocument) -> None:
        import docx as library
        from docx.enum.style import WD_STYLE_TYPE
        from docx.shared import Cm, Pt, RGBColor

        self._draft = draft
        self._words: ComplianceDocumentsTexts = wording(draft.lang).compliance_documents
        self._centimetres = Cm
        self._made: Document = library.Document()
        self._ids: dict[str, str] = {}
        self._footnotes = Footnotes()
        self._styles(WD_STYLE_TYPE.CHARACTER, Pt, RGBColor)
        self._footnote_styles(WD_STYLE_TYPE, Pt)
        self._properties()

    def document(self) -> "Document":
        draft, words, made = self._draft, self._words, self._made
        made.add_heading(plain_line(draft.title), 0)
        for warning in (words["draft"], *draft.warnings):
            self._run(made.add_paragraph(), warning, WARNING)
        made.add_paragraph(plain_line(draft.about))
        made.add_paragraph(plain_line(words["how"].format(words["to_write_mark"])))
        for table in draft.before:
            self._table(table, 1)
        made.add_heading(plain_line(words["head"]), 1)
        self._fields(draft.head)
        self._line(words["begins_here"])
        for number, section in enumerate(draft.sections):
            self._section(section, on_a_new_page=not number)
        self._line(words["ends_here"])
        for section in draft.beside:
            self._section(section)
        for table in draft.after:
            self._table(table, 1)
        self._line(draft.foot, CITATION)
        self._write_footnotes()
        return made

    def _section(self, section: DraftSection, *, on_a_new_page: bool = False) -> None:
        heading = self._made.add_heading(plain_line(section.title), 1)
        heading.paragraph_format.page_break_before = on_a_new_page or None
        if not section.cite:
            self._mark(heading, section.note)
        for text, style in ((section.cite, CITATION), (section.says, None)):
            if text:
                paragraph = self._made.add_paragraph()
                paragraph.paragraph_format.keep_with_next = True
                self._run(paragraph, text, style)
                self._mark(paragraph, section.note if style else "")
        if section.fields:
            self._fields(section.fields)
        for table in section.tables:
            self._table(table, 2)

    def _line(self, text: str, style: str = WARNING) -> None:
        """A line with room above it, for a table has none below it."""
        paragraph = self._made.add_paragraph()
        paragraph.paragraph_format.space_before = self._centimetres(0.5)
        self._run(paragraph, text, style)

    def _fields(self, fields: tuple[DraftField, ...]) -> None:
        """A table of fields: a row for each entry; the title of the field stands once."""
        written = [(field, list(self._entries(field))) for field in fields]
        table = self._grid(("column_field", "column_entry"), sum(len(entries) for _, entries in written), _FIELD_WIDTHS)
        rows = iter(table.rows[1:])
        for field, entries in written:
            own = [next(rows) for _ in entries]
            first, last = own[0].cells[0], own[-1].cells[0]
            title = first.merge(last) if len(own) > 1 else first
            title.paragraphs[0].add_run(plain_line(field.title)).bold = True
            self._mark(title.paragraphs[0], field.note)
            for number, (row, (text, style, note)) in enumerate(zip(own, entries, strict=True), 1):
                paragraph = row.cells[1].paragraphs[0]
                self._run(paragraph, text, style)
                self._mark(paragraph, note)
                self._keep_together(row, text)
                paragraph.paragraph_format.keep_with_next = number < len(entries) <= _FEW or None

    def _entries(self, field: DraftField) -> Iterator[tuple[str, str | None, str]]:
        """The texts of a field, each with its style and its note."""
        yield from ((value.text, None, value.note) for value in field.values)
        yield from ((self._words["not_stated"].format(title), UNSTATED, "") for title in field.unstated)
        if field.write:
            yield self._words["to_write"].format(field.number, field.write), WRITE, ""

    def _table(self, text: DraftTable, level: int) -> None:
        self._made.add_heading(plain_line(text.title), level)
        if not text.rows:
            self._made.add_paragraph(plain_line(text.empty))
            return
        table = self._grid(text.columns, len(text.rows), _widths([text.columns, *(each.cells for each in text.rows)]))
        for written, row in zip(text.rows, table.rows[1:], strict=True):
            self._keep_together(row, *written.cells)
            for place, (cell, lines) in enumerate(zip(row.cells, written.cells, strict=True)):
                for number, line in enumerate(lines.split("\n")):
                    self._run(self._paragraph(cell, number), line, None)
                self._mark(cell.paragraphs[-1], "" if place else written.note)

    def _grid(self, columns: Sequence[str], rows: int, widths: Sequence[float]) -> Any:
        """A table with a head that is repeated on each page; a title of it is one of the catalogue, or stands as it is."""
        from docx.oxml import OxmlElement

        titles = [str(self._words.get(each, each)) for each in columns]
        table = self._made.add_table(rows + 1, len(titles), style="Table Grid")
        table.autofit = False
        for column, width in zip(table.columns, widths, strict=True):
            column.width = self._centimetres(width)
            for cell in column.cells:
                cell.width = self._centimetres(width)
        for cell, title in zip(table.rows[0].cells, titles, strict=True):
            cell.paragraphs[0].add_run(plain_line(title)).bold = True
        table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
        return table

    @staticmethod
    def _keep_together(row: Any, *texts: str) -> None:
        """A row of short texts stays on one page."""
        from docx.oxml import OxmlElement

        if max(map(len, texts)) < _SHORT:
            row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))

    def _run(self, paragraph: Any, text: str, style: str | None) -> None:
        """A text in a style. The style is set by its id, since the library looks through all styles for a name."""
        run = paragraph.add_run(plain_line(text))
        if style:
            run._r.style = self._ids[style]

    def _mark(self, paragraph: Any, note: str) -> None:
        """The mark of a new footnote at the end of a paragraph, if there is one."""
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        if number := self._footnotes.number(note):
            run = paragraph.add_run()
            run._r.style = self._ids[FOOTNOTE_MARK]
            mark = OxmlElement("w:footnoteReference")
            mark.set(qn("w:id"), str(number))
            run._r.append(mark)

    def _write_footnotes(self) -> None:
        """The part of the file that holds the footnotes, which the library does not write."""
        from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
        from docx.opc.packuri import PackURI
        from docx.opc.part import Part
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        texts = [text for _, text in self._footnotes.not_yet_written()]
        document = self._made.part
        blob = footnotes_part(texts, self._ids[FOOTNOTE_TEXT], self._ids[FOOTNOTE_MARK])
        part = Part(PackURI("/word/footnotes.xml"), CONTENT_TYPE.WML_FOOTNOTES, blob, document.package)
        document.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
        separators = OxmlElement("w:footnotePr")
        for id in SEPARATOR_IDS:
            named = OxmlElement("w:footnote")
            named.set(qn("w:id"), str(id))
            separators.append(named)
        self._made.settings.element.find(qn("w:compat")).addprevious(separators)

    @staticmethod
    def _paragraph(cell: Any, number: int) -> Any:
        """The first paragraph of a cell, which it has, or a new one."""
        return cell.add_paragraph() if number else cell.paragraphs[0]

    def _styles(self, character: Any, points: Any, colour: Any) -> None:
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        styles = self._made.styles
        for name, size, rgb in (
            (WRITE, 10, "7A3E00"),
            (UNSTATED, 10, "666666"),
            (CITATION, 9, "444444"),
            (WARNING, 12, "A00000"),
        ):
            made = styles.add_style(name, character)
            self._ids[name], font = made.style_id, made.font
            font.size, font.color.rgb = points(size), colour.from_string(rgb)
            font.bold, font.italic = name in (WRITE, WARNING), name in (UNSTATED, CITATION)
            if name == WRITE:
                shading = OxmlElement("w:shd")
                for key, value in (("w:val", "clear"), ("w:color", "auto"), ("w:fill", "FFF2A8")):
                    shading.set(qn(key), value)
                font.element.rPr.append(shading)
        for style in ("Normal", "Title", "Heading 1", "Heading 2"):
            fonts = styles[style].element.get_or_add_rPr().get_or_add_rFonts()
            for name in list(fonts.attrib):
                if "Theme" in name:
                    del fonts.attrib[name]
            for name, font in (("w:ascii", "Arial"), ("w:hAnsi", "Arial"), ("w:cs", "Arial"), ("w:eastAsia", "SimSun")):
                fonts.set(qn(name), font)
        styles["Normal"].font.size = points(10)
        styles["Normal"].paragraph_format.space_after = points(3)
        page = self._made.sections[0]
        page.page_width, page.page_height = self._centimetres(21), self._centimetres(29.7)
        page.left_margin = page.right_margin = page.top_margin = self._centimetres(2)
        page.bottom_margin, page.footer_distance = self._centimetres(2.5), self._centimetres(1)

    def _footnote_styles(self, kinds: Any, points: Any) -> None:
        """The two styles by the names that Word knows for them."""
        text = self._made.styles.add_style(FOOTNOTE_TEXT, kinds.PARAGRAPH)
        text.base_style = self._made.styles["Normal"]
        text.font.size = points(8)
        text.paragraph_format.space_after = points(0)
        mark = self._made.styles.add_style(FOOTNOTE_MARK, kinds.CHARACTER)
        mark.font.superscript = True
        self._ids |= {FOOTNOTE_TEXT: text.style_id, FOOTNOTE_MARK: mark.style_id}

    def _properties(self) -> None:
        """What the file says of itself: its title, its language, and the moment of the record."""
        draft, about = self._draft, self._made.core_properties
        about.title, about.language = plain_line(draft.title)[:255], draft.lang
        about.author = about.last_modified_by = about.comments = about.keywords = about.subject = ""
        about.created = about.modified = draft.moment.replace(tzinfo=None)
        about.revision = 1
        footer = self._made.sections[0].footer.paragraphs[0]
        footer.add_run(plain_line(self._words["draft"]), style=CITATION)
        footer.add_run().add_tab()
        self._page_number(footer)

    @staticmethod
    def _page_number(paragraph: Any) -> None:
        """The number of the page, which the editor counts."""
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        field = OxmlElement("w:fldSimple")
        field.set(qn("w:instr"), "PAGE")
        paragraph._p.append(field)
