"""
A report as what is on its pages, whatever they are made of: a cover, and sections of paragraphs, tables, charts and texts to be copied.

The same document becomes a page of HTML, a PDF, and, for a table alone, a file of CSV. It holds finished sentences in one language, and no
mark-up: all of it is shown as text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Tone = Literal["", "go", "stop", "unmet", "review", "open"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: its lines, the decision that it leads to, and the colour of what it says."""

    lines: tuple[str, ...]
    decision: str = ""
    tone: Tone = ""

    @property
    def text(self) -> str:
        """The cell in one line."""
        return "; ".join(self.lines)


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column: its title, and how wide it is beside the others."""

    title: str
    width: int = 2
    number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table with the rows that are shown; `after` says what is left out, and is empty where nothing is."""

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]
    after: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Pairs of a name and what it is."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ChartBar:
    """A bar of a chart: its name, and its parts, each a code with its number."""

    name: str
    parts: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        return sum(count for _, count in self.parts)


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars below one another, the longest as wide as the chart. `codes` are those of their parts, with the words for them."""

    title: str
    codes: tuple[tuple[str, str], ...]
    bars: tuple[ChartBar, ...]
    after: str = ""

    @property
    def most(self) -> int:
        """The number of the longest bar."""
        return max((bar.total for bar in self.bars), default=0)


@dataclass(frozen=True, slots=True)
class Copied:
    """A text to be copied as it is, such as a command or a signed note."""

    text: str


Block = str | Table | Facts | Chart | Copied  # a text is a paragraph


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report. `name` is its place in an address."""

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class ReportDocument:
    """
    A report. `made` is the moment for which it was made, as text; `wide` asks for pages that are wider than high.

    On its cover are the name of the `organisation` whose report it is, if that is known, what it is of, and a chart.
    """

    lang: str
    title: str
    about: str
    made: str
    head: Facts
    sections: tuple[Section, ...]
    foot: str
    wide: bool = False
    organisation: str = ""
    chart: Chart | None = None


def cell(value: object, decision: str = "", tone: Tone = "") -> Cell:
    """A cell with one line."""
    return Cell((str(value),), decision, tone)
