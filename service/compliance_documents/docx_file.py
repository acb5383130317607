"""
A draft as a file of Word (Office Open XML): the draft goes in, the bytes come out. The extra `docx` is behind this door.

What a person must write has a style of its own, `To be written`, and so have what is not stated and where an entry comes from. The same
draft is the same bytes: the file says the moment of the record, and each part of it has one fixed day.
"""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from service.compliance_documents.draft_document import DraftDocument, DraftField, DraftSection, DraftTable
from service.compliance_documents.plain_line import plain_line
from service.languages.names import ComplianceDocumentsTexts
from service.languages.words import wording
from service.problems import RequestRefused

if TYPE_CHECKING:
    from docx.document import Document

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
WRITE, UNSTATED, ORIGIN, WARNING = "To be written", "Not stated", "Comes from", "Warning"
_SHORT = 300  # characters
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the first that a ZIP file can say
_WIDTH = 17.0  # centimetres, of a page between its margins
_FIELD_WIDTHS = (4.2, 8.3, 4.5)
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
        self._styles(WD_STYLE_TYPE.CHARACTER, Pt, RGBColor)
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
        self._line(draft.foot, ORIGIN)
        return made

    def _section(self, section: DraftSection, *, on_a_new_page: bool = False) -> None:
        heading = self._made.add_heading(plain_line(section.title), 1)
        heading.paragraph_format.page_break_before = on_a_new_page or None
        for text, style in ((section.cite, ORIGIN), (section.says, None)):
            if text:
                paragraph = self._made.add_paragraph()
                paragraph.paragraph_format.keep_with_next = True
                self._run(paragraph, text, style)
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
        """A table of fields: a row for each entry, with where it comes from; the title of the field stands once."""
        written = [(field, list(self._entries(field))) for field in fields]
        table = self._grid(
            ("column_field", "column_entry", "column_origin"), sum(len(entries) for _, entries in written), _FIELD_WIDTHS
        )
        rows = iter(table.rows[1:])
        for field, entries in written:
            own = []
            for text, style, origin in entries:
                row = next(rows)
                cells = row.cells
                self._run(cells[1].paragraphs[0], text, style)
                self._run(cells[2].paragraphs[0], origin, ORIGIN)
                self._keep_together(row, text, origin)
                own.append(cells)
            title = own[0][0].merge(own[-1][0]) if len(own) > 1 else own[0][0]
            title.paragraphs[0].add_run(plain_line(field.title)).bold = True
            if field.cite:
                self._run(title.add_paragraph(), field.cite, ORIGIN)

    def _entries(self, field: DraftField) -> Iterator[tuple[str, str | None, str]]:
        """The texts of a field, each with its style and where it comes from."""
        yield from ((value.text, None, value.origin) for value in field.values)
        yield from ((self._words["not_stated"].format(title), UNSTATED, "") for title in field.unstated)
        if field.write:
            yield self._words["to_write"].format(field.number, field.write), WRITE, ""

    def _table(self, text: DraftTable, level: int) -> None:
        self._made.add_heading(plain_line(text.title), level)
        if not text.rows:
            self._made.add_paragraph(plain_line(text.empty))
            return
        table = self._grid(text.columns, len(text.rows), _widths([text.columns, *text.rows]))
        for cells, row in zip(text.rows, table.rows[1:], strict=True):
            self._keep_together(row, *cells)
            for place, (cell, lines) in enumerate(zip(row.cells, cells, strict=True)):
                style = ORIGIN if text.columns[place] == self._words["column_origin"] else None
                for number, line in enumerate(lines.split("\n")):
                    self._run(self._paragraph(cell, number), line, style)

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
            (ORIGIN, 8, "555555"),
            (WARNING, 12, "A00000"),
        ):
            made = styles.add_style(name, character)
            self._ids[name], font = made.style_id, made.font
            font.size, font.color.rgb = points(size), colour.from_string(rgb)
            font.bold, font.italic = name in (WRITE, WARNING), name == UNSTATED
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
        page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = self._centimetres(2)

    def _properties(self) -> None:
        """What the file says of itself: its title, its language, and the moment of the record."""
        draft, about = self._draft, self._made.core_properties
        about.title, about.language = plain_line(draft.title)[:255], draft.lang
        about.author = about.last_modified_by = about.comments = about.keywords = about.subject = ""
        about.created = about.modified = draft.moment.replace(tzinfo=None)
        about.revision = 1
        footer = self._made.sections[0].footer.paragraphs[0]
        footer.add_run(plain_line(self._words["draft"]), style=ORIGIN)
