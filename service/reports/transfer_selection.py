"""
The rows of a register of transfers: the committed exchanges of a period for which a law asks for the register, newest first.

They are found by the index of the log: the records in which one of the provisions that ask for the register stands for certain, and of
these the ones that were committed. An evaluation alone is no transfer. A commitment that ended stays, and says how.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

import engine
from service.ledger.committed_records import CommittedRecord, of_records
from service.log import search
from service.log.leaf import with_personal_values
from service.log.search_query import Query
from service.log.store import of_numbers
from service.reports.report_scope import Scope

_AT_ONCE = 200  # records that are read together
_FOUND_AT_ONCE = 500  # decisions; each search is several statements
_WALKED = 4_000  # decisions that a page looks through
MOST_OTHERS = 500  # decisions that are looked through for exchanges that a register does not take


@dataclass(frozen=True, slots=True)
class TransferRow:
    """A committed exchange: its commitment, and its record with what was not erased."""

    made: CommittedRecord
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TransferPage:
    """Some rows, and the cursor of the next page; None at the end. A page may be short and still not be the last."""

    rows: tuple[TransferRow, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class OtherExchanges:
    """Committed exchanges under the law of a register's jurisdiction that it does not take; `whole`: all of the period were looked at."""

    count: int
    whole: bool


def query_of(register: engine.TransferRegisterText, scope: Scope) -> Query:
    """
    The search for the records of a register. It is kept by the exporter, so a party is the exporter.

    What is committed is decided once more then, and has a record by which it may proceed: no other record is looked for.
    """
    asked = replace(scope.query, jurisdiction=(), provision=tuple(register.takes), proceed=True)
    return replace(asked, exporter=(scope.party,)) if scope.party else asked


def page(
    connection: sa.Connection, register: engine.TransferRegisterText, scope: Scope, cursor: str | None, limit: int
) -> TransferPage:
    """The rows after a cursor, at most `limit`. Raises CursorRefused."""
    query, walked = query_of(register, scope), 0
    taken: list[tuple[search.RecordRow, CommittedRecord]] = []
    while len(taken) <= limit and walked < _WALKED:
        # Many at once, whatever the limit is: few decisions are committed.
        found = search.find(connection, query, cursor, _FOUND_AT_ONCE)
        taken += _committed(connection, register, found.rows)
        cursor = found.next
        walked += (
            len(found.rows) if len(found.rows) == _FOUND_AT_ONCE else _WALKED
        )  # the search ended early: it looked at very many
        if cursor is None:
            break
    if len(taken) > limit:
        taken = taken[:limit]
        cursor = search.cursor_after(taken[-1][0], query)
    records = _records(connection, [made.sequence for _, made in taken])
    return TransferPage(tuple(TransferRow(made, records[made.sequence]) for _, made in taken), cursor)


def every(connection: sa.Connection, register: engine.TransferRegisterText, scope: Scope) -> Iterator[TransferRow]:
    """Every row of a register."""
    cursor = None
    while True:
        found = page(connection, register, scope, cursor, _AT_ONCE)
        yield from found.rows
        cursor = found.next
        if cursor is None:
            return


def others(connection: sa.Connection, register: engine.TransferRegisterText, scope: Scope) -> OtherExchanges:
    """The committed exchanges that the law of the jurisdiction reaches or may reach, and that the register does not take."""
    query = replace(scope.query, jurisdiction=(register.jurisdiction,), proceed=True)
    query = replace(query, exporter=(scope.party,)) if scope.party else query
    count, walked, cursor = 0, 0, None
    while walked < MOST_OTHERS:
        found = search.find(connection, query, cursor, _FOUND_AT_ONCE)
        made = of_records(connection, [row.sequence for row in found.rows])
        count += search.without(connection, [*made], "provision", register.takes)
        cursor = found.next
        walked += len(found.rows) if len(found.rows) == _FOUND_AT_ONCE else MOST_OTHERS
        if cursor is None:
            return OtherExchanges(count, whole=True)
    return OtherExchanges(count, whole=False)


def _committed(
    connection: sa.Connection, register: engine.TransferRegisterText, rows: Sequence[search.RecordRow]
) -> Iterator[tuple[search.RecordRow, CommittedRecord]]:
    """The committed ones of some records, on days of the register, in their order."""
    made = of_records(connection, [row.sequence for row in rows])
    window = register.in_force
    for row in rows:
        found = made.get(row.sequence)
        if found is None or (window.from_ and found.day < window.from_.isoformat()):
            continue
        if window.until is None or found.day <= window.until.isoformat():
            yield row, found


def _records(connection: sa.Connection, sequences: Sequence[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for start in range(0, len(sequences), _AT_ONCE):
        for stored in of_numbers(connection, sequences[start : start + _AT_ONCE]):
            found[stored.sequence] = with_personal_values(stored.entry.leaf, stored.entry.openings)
    return found
