"""
The coverage that an acceptance would close: the queue goes in, the subject matters of countries for which something waits come out.

Of each it is said how many decisions wait for it, and how many of these for no other signature. What a case names to be signed says it;
of a case that nobody can sign, its record does. Source: semantics 4.3.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from service.log.leaf import clear
from service.log.store import find
from service.policies.live import Live
from service.reviews.queue import CountedCase
from service.reviews.recorded_case import GAP, gaps_of
from service.reviews.reviewer import Reviewer

MOST_READ = 100  # records that are read for their gaps
MOST_CELLS = 50  # that are shown, those with most decisions first

ALL = "all"  # the subject matter of a gap that is of every one
_SILENT = ("reach", "gap")  # what the names of reaches and gaps begin with


@dataclass(frozen=True, slots=True)
class CellToAccept:
    """A subject matter of a country: how many decisions wait for it, `alone` for no other signature, and the oldest of them."""

    country: str
    subject: str
    decisions: int
    alone: int
    example: str


def to_accept(connection: sa.Connection, live: Live, waiting: Iterable[CountedCase], reviewer: Reviewer) -> list[CellToAccept]:
    """The cells for which decisions of the loaded policies wait, those with most decisions first; no more than MOST_CELLS + 1."""
    known = {name for name, text in live.bundle.vocabulary.subjects.items() if text.guarded != "yes"}
    found: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    read = 0
    for case in waiting:
        if reviewer.group(case) == "again":
            continue
        cells = {cell for name in case.provisions if (cell := _named(name)) and cell[1] in known}
        if not cells and GAP in case.kinds and read < MOST_READ:
            read += 1
            cells = {cell for cell in recorded_gaps(connection, case.id) if cell[1] in known}
        for cell in cells:
            found.setdefault(cell, []).append((case.id, len(case.provisions or cells) == 1))
    cells_of = [
        CellToAccept(country, subject, len(cases), sum(alone for _, alone in cases), cases[0][0])
        for (country, subject), cases in found.items()
    ]
    return sorted(cells_of, key=lambda each: (-each.decisions, each.country, each.subject))[: MOST_CELLS + 1]


def _named(provision: str) -> tuple[str, str] | None:
    """The country and the subject matter of the name of a gap or a reach."""
    kind, _, rest = provision.partition("/")
    country, slash, subject = rest.partition("/")
    return (country, subject) if kind in _SILENT and slash else None


def recorded_gaps(connection: sa.Connection, id: str) -> Iterator[tuple[str, str]]:
    """The gaps of a record; of a country without any law these are the subject matters that its data certainly are of."""
    stored = find(connection, id)
    if stored is None:
        return
    record = clear(stored.entry.leaf, stored.entry.openings)
    certain = (record.get("found_by") or {}).get("category") or ()
    for gap in gaps_of(record.get("decision") or {}):
        for subject in certain if gap["subject"] == ALL else (gap["subject"],):
            yield str(gap["place"]), str(subject)
