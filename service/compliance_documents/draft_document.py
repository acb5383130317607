"""
A draft as what stands in it, whatever it becomes: sections of fields and tables, where each entry comes from, and what a person must write.

The same draft becomes a file of Markdown and of Word. It holds finished sentences in one language, and no mark-up: all of it is shown as
text. A `note` is the text of a footnote, and "" where there is none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime


def one_line(text: str) -> str:
    """A text in one line, whatever it came as."""
    return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class StatedValue:
    """A value in one line, since lines tell values apart; its note says where in the record, the register or the ledger it comes from."""

    text: str
    note: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", one_line(self.text))
        object.__setattr__(self, "note", one_line(self.note))


@dataclass(frozen=True, slots=True)
class DraftField:
    """
    A field: what fills it, what the record does not state of it (`unstated`), and what a person must write in it.

    Its note says which place in the law asks for it, and how sure that is. `unstated` are titles of facts. `write` is empty and `number` is
    0 where nobody has to write anything; `by` says who writes it.
    """

    title: str
    note: str
    values: tuple[StatedValue, ...]
    unstated: tuple[str, ...]
    write: str
    number: int = 0
    by: str = ""


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A row of a table; its note says where it comes from."""

    cells: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class DraftTable:
    """A table. `empty` stands in the place of the rows where there are none."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[DraftRow, ...]
    empty: str


@dataclass(frozen=True, slots=True)
class DraftSection:
    """A part of a draft. `cite` is the place in the law that asks for it; the note says how sure it is, unless it was read in a source."""

    title: str
    cite: str
    note: str
    says: str
    fields: tuple[DraftField, ...]
    tables: tuple[DraftTable, ...]


@dataclass(frozen=True, slots=True)
class DraftDocument:
    """
    A draft. Around the document itself (`sections`) stands what is taken off before it is signed: before it the warnings, what it was
    drafted from (`head`), what does not fit together and what a person must write (`before`); after it the parts `beside` it, the
    citations to check and what is not stated (`after`).

    `moment` is that of the record. `permits` says whether the decision is a permit.
    """

    name: str
    lang: str
    title: str
    about: str
    warnings: tuple[str, ...]
    head: tuple[DraftField, ...]
    before: tuple[DraftTable, ...]
    sections: tuple[DraftSection, ...]
    beside: tuple[DraftSection, ...]
    after: tuple[DraftTable, ...]
    foot: str
    moment: datetime
    permits: bool

    def to_write(self) -> Iterator[tuple[DraftSection, DraftField]]:
        """The fields in which a person must write something, in their order."""
        yield from ((section, field) for section in self.sections for field in section.fields if field.write)

    def unstated(self) -> Iterator[tuple[DraftSection, DraftField]]:
        """The fields of which the record does not state something, in their order."""
        yield from ((section, field) for section in self.sections for field in section.fields if field.unstated)
