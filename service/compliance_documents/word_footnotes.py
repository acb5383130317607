"""
The part of a file of Word that holds its footnotes: their texts go in, the XML comes out.

The first two footnotes of the part are the lines that separate footnotes from the text; the settings of the file name them by their ids.
"""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

FOOTNOTE_TEXT, FOOTNOTE_MARK = "footnote text", "footnote reference"  # the names that Word knows for these styles
_NAMESPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SEPARATORS = {-1: "separator", 0: "continuationSeparator"}
SEPARATOR_IDS = tuple(_SEPARATORS)


def footnotes_part(texts: Sequence[str], text_style: str, mark_style: str) -> bytes:
    """The part: each text with its number, from 1, and the ids of the two styles. The texts are lines that XML can hold."""
    lines = "".join(_lines(texts, quoteattr(text_style), quoteattr(mark_style)))
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<w:footnotes xmlns:w="{_NAMESPACE}">{lines}</w:footnotes>'.encode()


def _lines(texts: Sequence[str], text_style: str, mark_style: str) -> Iterator[str]:
    for id, kind in _SEPARATORS.items():
        yield f'<w:footnote w:type="{kind}" w:id="{id}"><w:p><w:r><w:{kind}/></w:r></w:p></w:footnote>'
    for number, text in enumerate(texts, 1):
        yield (
            f'<w:footnote w:id="{number}"><w:p><w:pPr><w:pStyle w:val={text_style}/></w:pPr>'
            f"<w:r><w:rPr><w:rStyle w:val={mark_style}/></w:rPr><w:footnoteRef/></w:r>"
            f'<w:r><w:t xml:space="preserve"> {escape(text)}</w:t></w:r></w:p></w:footnote>'
        )
