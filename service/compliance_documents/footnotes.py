"""
The footnotes of a draft: a text goes in where it is read, its number comes out. Each kind of file numbers them here, in the same order.

A footnote says where an entry comes from, which place in the law asks for an item, and how sure that is. What stands in it is text.
"""

from collections.abc import Iterator

from service.compliance_documents.plain_line import plain_line


class Footnotes:
    """The footnotes of one file, by number."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._written = 0

    def number(self, text: str) -> int:
        """The number of a new footnote; 0 for no text."""
        if not text:
            return 0
        self._texts.append(plain_line(text))
        return len(self._texts)

    def not_yet_written(self) -> Iterator[tuple[int, str]]:
        """The footnotes that were numbered since the last call, each with its number."""
        first, self._written = self._written, len(self._texts)
        yield from enumerate(self._texts[first:], first + 1)
