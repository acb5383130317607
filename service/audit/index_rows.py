"""
The index of the log, against the records: each entry says what its record says, by the words that a search finds it by.
"""

from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from service.audit.row_comparison import RowFault
from service.log.record_summary import PARTIES, Summary
from service.log.search_index import entry_values, sorted_below, unindexed
from service.store.database import Database
from service.store.tables import BigInteger, entry, entry_term, personal, record, term

_AT_ONCE = 500
_SOME = (
    sa.select(record.c.sequence, record.c.id, record.c.leaf)
    .where(record.c.sequence > sa.bindparam("after"))
    .order_by(record.c.sequence)
    .limit(_AT_ONCE)
)
_WITHOUT_RECORD = sa.select(entry.c.sequence).where(~sa.exists().where(record.c.sequence == entry.c.sequence))
_SORTED: dict[str, tuple[sa.Select[Any], sa.Select[Any]]] = {}  # by the kind of database

Word = tuple[str, str]


def index_faults(connection: sa.Connection, database: Database, progress: Callable[[int], None]) -> Iterator[RowFault]:
    """The rows of the index that differ. `progress` is called with the number of records compared."""
    used: set[int] = set()
    readable = True
    for records in _records(connection, unindexed(connection)):
        first, last = records[0].sequence, records[-1].sequence
        held = {
            row.sequence: row._mapping
            for row in connection.execute(sa.select(entry).where(entry.c.sequence.between(first, last)))
        }
        numbers = {number for row in held.values() for number in _numbers(row["words"])}
        words = {number: word for some in _some(numbers) for number, word in _words(connection, some)}
        used |= numbers
        values = _openings(connection, first, last)
        for each in records:
            summary = Summary.of_leaf(bytes(each.leaf), values.get(each.sequence, {}))
            of_record = held.get(each.sequence)
            if of_record is None:
                yield RowFault(entry, {"sequence": each.sequence}, {"sequence": each.sequence}, found=False)
            elif columns := _different(of_record, each.sequence, each.id, summary, words):
                yield RowFault(entry, {"sequence": each.sequence}, {"sequence": each.sequence}, True, columns)
                readable = readable and "words" not in columns
        progress(last + 1)
    for sequence in connection.execute(_WITHOUT_RECORD).scalars():
        yield RowFault(entry, {"sequence": sequence}, None, found=True)
    if not readable:
        return  # what is sorted in is compared with words that are sound
    yield from _sorted_faults(connection, database)
    for number in connection.execute(sa.select(term.c.id).order_by(term.c.id)).scalars():
        if number not in used:
            yield RowFault(term, {"id": number}, None, found=True)


def _records(connection: sa.Connection, first: int) -> Iterator[list[Any]]:
    after = first - 1
    while found := list(connection.execute(_SOME, {"after": after})):
        after = found[-1].sequence
        yield found


def _openings(connection: sa.Connection, first: int, last: int) -> dict[int, dict[str, bytes | None]]:
    found: dict[int, dict[str, bytes | None]] = {}
    for row in connection.execute(sa.select(personal).where(personal.c.sequence.between(first, last))):
        found.setdefault(row.sequence, {})[row.pointer] = None if row.value is None else bytes(row.value)
    return found


def _different(row: Any, sequence: int, id: str, summary: Summary, words: dict[int, Word]) -> tuple[str, ...]:
    """The columns of an entry that say otherwise than the record. Words are compared by what they say, not by their numbers."""
    expected = entry_values(sequence, id, summary)
    found = {**row, **{party: None if row[party] is None else words.get(row[party]) for party in PARTIES}}
    said: list[Word] = [words.get(number, ("", "")) for number in _numbers(row["words"])]
    wanted: list[Word] = list(expected["words"])
    if ",".join(map(str, _numbers(row["words"]))) != row["words"]:
        return ("words",)
    different = [name for name, value in expected.items() if name != "words" and found[name] != value]
    return (*different, *(["words"] if said != wanted else []))


def _sorted_faults(connection: sa.Connection, database: Database) -> Iterator[RowFault]:
    """The rows by which a search finds the older records, against the words of their entries."""
    if database.dialect not in _SORTED:
        _SORTED[database.dialect] = _sorted_statements(database)
    lacking, without = _SORTED[database.dialect]
    below = {"below": sorted_below(connection)}
    for row in connection.execute(lacking, below):
        yield RowFault(entry_term, dict(row._mapping), dict(row._mapping), found=False)
    for row in connection.execute(without, below):
        yield RowFault(entry_term, dict(row._mapping), None, found=True)


def _sorted_statements(database: Database) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """What the words of entries lack, and what no entry says, of the records below a number."""
    numbers, below = database.numbers_in(entry.c.words), entry.c.sequence < sa.bindparam("below")
    word = sa.cast(numbers.c.value, BigInteger)
    there = sa.exists().where(
        entry_term.c.term == word, entry_term.c.moment == entry.c.moment, entry_term.c.sequence == entry.c.sequence
    )
    lacking = sa.select(word.label("term"), entry.c.moment, entry.c.sequence).select_from(entry.join(numbers, sa.true()))
    of_entry = sa.exists().where(
        entry.c.sequence == entry_term.c.sequence,
        below,
        entry.c.moment == entry_term.c.moment,
        ("," + entry.c.words + ",").like("%," + sa.cast(entry_term.c.term, sa.String) + ",%"),
    )
    return lacking.where(below, ~there), sa.select(entry_term).where(~of_entry)


def _numbers(words: Any) -> list[int]:
    return [int(each) for each in str(words).split(",") if each.isdigit()]


def _words(connection: sa.Connection, numbers: list[int]) -> Iterator[tuple[int, Word]]:
    for row in connection.execute(sa.select(term).where(term.c.id.in_(numbers))):
        yield row.id, (row.kind, row.value)


def _some(numbers: set[int]) -> Iterator[list[int]]:
    every = sorted(numbers)
    for at in range(0, len(every), _AT_ONCE):
        yield every[at : at + _AT_ONCE]
