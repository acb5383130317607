"""
The decision log. It records entries and returns their numbers once they are durable. It also reads records and erases their values.

`service.store.writer` says what is durable when a call returns, and who may write. In addition:

- INVARIANT (dense numbers): the row `record` of `head` says which number comes next; it moves in the transaction that holds the
  records, under the one writing lock. So the numbers are 0, 1, 2 … without a gap, whichever process wrote them.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import sqlalchemy as sa

from service.log import coded_blocks, document_erasure, review_cases, saved_searches, tree_leaves
from service.log.leaf import ERASED, Opening, SealedRecord, faults
from service.log.record_summary import Summary
from service.log.record_trial import try_a_record
from service.log.review_cases import RecordedCase
from service.log.search_index import Index, index_older, moment_of
from service.problems import RequestRefused
from service.store import answer_seals
from service.store.database import Database, DatabaseRefused, plain
from service.store.log_tree import growth_of
from service.store.moments import now_text
from service.store.row_seals import SIGN_OFFS, changing
from service.store.tables import (
    about,
    commitment,
    commitment_event,
    commitment_reference,
    head,
    idempotency,
    personal,
    promise_report,
    record,
    review_note,
    sign_off,
)
from service.store.upgrade import upgrade
from service.store.writer import QUEUE_LIMIT, Writer

Result = TypeVar("Result")

_AT_ONCE = 100
_AT_THE_START = 5_000  # records that a start takes into the index; this takes some seconds
_PROBE_LETTERS = 512 * 1024
_MOVED = {
    dialect: f"UPDATE head SET next = next + {place} WHERE name = 'record' RETURNING next"
    for dialect, place in (("sqlite", "?"), ("postgresql", "%s"))
}

# A cast, since a value that was tampered with may have any type.
_RECORDS = sa.select(
    record.c.sequence,
    record.c.id,
    sa.cast(record.c.leaf, sa.LargeBinary).label("leaf"),
    sa.cast(record.c.leaf_hash, sa.LargeBinary).label("leaf_hash"),
)
_OPENINGS = sa.select(
    personal.c.sequence,
    personal.c.pointer,
    sa.cast(personal.c.salt, sa.LargeBinary).label("salt"),
    sa.cast(personal.c.value, sa.LargeBinary).label("value"),
).order_by(personal.c.sequence, personal.c.pointer)


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as its rows hold it."""

    sequence: int
    entry: SealedRecord

    def faults(self) -> tuple[str, ...]:
        """The faults of the record; none if it is sound."""
        entry = self.entry
        return faults(entry.id, entry.leaf, entry.leaf_hash, entry.openings)


@dataclass(eq=False)
class Store:
    """
    The open log. Open it with `Store.open(url)`; end it with `close()` or a `with` block.

    Any number of event loops may call the `async` methods, and any thread `read` and `scan`. `record` and `erase_in` are for work
    that is given to `do`.
    """

    database: Database
    queue_limit: int = QUEUE_LIMIT
    unindexed: int = 0  # old records that were too many for `open` to take into the index: see service.log.search_index

    def __post_init__(self) -> None:
        self.index = Index(self.database)
        self.writer = Writer(self.database, self._add, self.queue_limit, on_end=self._ended)
        self.records = 0  # durable records that this process wrote
        self._uncommitted = 0

    @classmethod
    def open(cls, url: str | Path, *, log_key: Path | None = None, queue_limit: int = QUEUE_LIMIT) -> Self:
        """Open a database for writing, make or complete its tables, and start the writer. Raises DatabaseRefused."""
        database = Database.open(str(url), log_key)
        try:
            upgrade(database)
            unindexed = _taken_in(database)
        except DatabaseRefused:
            database.close()
            raise
        return cls(database, queue_limit, unindexed)

    # --- for event loops ---------------------------------------------------------------------------------------------

    async def append(self, entry: SealedRecord) -> int:
        """Record an entry; returns its sequence number once it is durable. Raises NotRecorded."""
        return (await self.append_many((entry,))).start

    async def append_many(self, entries: Sequence[SealedRecord]) -> range:
        """
        Record entries in one commit, all or none; returns their sequence numbers, in order, once they are durable.

        Raises NotRecorded, and LogBusy if the queue has no room for them.
        """
        if not entries:
            return range(0)
        numbers: range = await self.writer.add(entries, len(entries))
        return numbers

    async def do(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Do other work in a writing transaction; see Writer.do."""

        def counted(transaction: sa.Connection) -> Result:
            before = self._uncommitted
            try:
                return work(transaction)
            except BaseException:
                self._uncommitted = before  # the records of this work are undone with it
                raise

        return await self.writer.do(counted)

    async def probe(self, with_record: bool = False) -> int:
        """
        Write to the log and wait for the disk; returns how many records it holds. Raises NotRecorded.

        `with_record`: a record is tried too, see service.log.record_trial. After a failed write the probe is as large as some records: on a
        full disk a smaller write may still succeed.
        """
        if self.writer.counts.failing:
            await self.writer.do(lambda transaction: _put(transaction, "probe", "0" * _PROBE_LETTERS))
            await self.writer.do(lambda transaction: _put(transaction, "probe", ""))
            self.writer.counts.failing = False
        return await self.writer.do(self._probe_with_record if with_record else _probe)

    async def erase(self, id: str, by: str = "local") -> int:
        """
        Erase the personal values of a record and their salts for good; returns how many there were.

        The leaf and its hash stay. Answers that are kept for retries and hold the values are emptied. What remains of the old rows in
        the database's files is cleared as far as possible (see Database.forget). Raises NotRecorded.
        """
        return await self.writer.do(lambda transaction: self.erase_in(transaction, id, by))

    # --- inside work of `do` -----------------------------------------------------------------------------------------

    def record(self, transaction: sa.Connection, entries: Sequence[SealedRecord]) -> range:
        """Record entries in the transaction of a piece of work; returns their sequence numbers."""
        return self._add(transaction, [entries])[0]

    def erase_in(self, transaction: sa.Connection, id: str, by: str = "local") -> int:
        """Erase in the transaction of a piece of work; see `erase`."""
        at = now_text()
        # A digest of the facts would confirm a guess at the erased values. Without the digest the sign-off has no effect.
        with changing(transaction, SIGN_OFFS, id):
            transaction.execute(sa.update(sign_off).where(sign_off.c.decision == id).values(facts=None, anchor=None))
        transaction.execute(sa.update(review_note).where(review_note.c.decision == id).values(text=None))
        transaction.execute(sa.update(promise_report).where(promise_report.c.decision == id).values(reason=None, ruling=None))
        review_cases.forget(transaction, id)
        mine_too = sa.select(commitment.c.id).where(commitment.c.evaluation == id)
        told = (commitment_event.c.commitment.in_(mine_too), commitment_event.c.reason.is_not(None))
        transaction.execute(sa.update(commitment_event).where(*told).values(reason=None))
        referred = commitment_reference.c.commitment.in_(mine_too)
        transaction.execute(sa.update(commitment_reference).where(referred).values(text=None))
        sequence = transaction.execute(sa.select(record.c.sequence).where(record.c.id == id)).scalar_one_or_none()
        # A pointer begins with a slash; the openings of the whole request and decision stay.
        erasable = sa.or_(personal.c.pointer.startswith("/"), personal.c.pointer.in_(ERASED))
        mine = (personal.c.sequence == sequence, personal.c.erased_at.is_(None), erasable)
        columns = (personal.c.pointer, sa.cast(personal.c.value, sa.LargeBinary))
        found = transaction.execute(sa.select(*columns).where(*mine).order_by(personal.c.pointer)).all()
        places, values = [pointer for pointer, _ in found], [value for _, value in found]
        transaction.execute(sa.update(personal).where(*mine).values(salt=None, value=None, erased_at=at))
        if sequence is not None:
            texts = list(_texts(values))
            coded_blocks.forget_block(transaction, sequence)
            self.index.erase(transaction, sequence, texts)
            saved_searches.forget(transaction, texts)
            # The digest is erased too: to someone who knows all values but one, it would confirm a guess at that one.
            answer_seals.empty(transaction, idempotency.c.first_record <= sequence, idempotency.c.last_record >= sequence)
        document_erasure.erase_of_decision(transaction, id, at, by)
        openings = tree_leaves.erase(transaction, subject_of_decision(id), at)
        if places or openings:
            of: dict[str, Any] = {"of": "decision", "decision": id, "sequence": sequence}
            tree_leaves.append(transaction, *tree_leaves.erased(of, at, by, places, openings))
        self.writer.erased()
        return sum(pointer not in ERASED for pointer in places)

    # --- for any thread ----------------------------------------------------------------------------------------------

    def read(self, id: str) -> Stored | None:
        """The record of a decision, or None."""
        with self.database.reading.connect() as connection:
            return find(connection, id)

    def scan(self) -> Iterator[Stored]:
        """Every record, by sequence number."""
        with self.database.reading.connect() as connection:
            yield from scan(connection)

    def close(self) -> None:
        """Accept no more work, write what waits, and end the writer. May be called twice."""
        self.writer.close()
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # --- the writer's part -------------------------------------------------------------------------------------------

    def _add(self, transaction: sa.Connection, groups: list[Sequence[SealedRecord]]) -> list[range]:
        """Insert entries that come in groups, numbered in their order. Returns the numbers of each group."""
        numbers = self._insert(transaction, groups)
        self.index.sort_in(transaction, numbers[-1].stop)
        self._uncommitted += sum(map(len, groups))
        return numbers

    def _probe_with_record(self, transaction: sa.Connection) -> int:
        try_a_record(transaction, self._insert)
        return _probe(transaction)

    def _insert(self, transaction: sa.Connection, groups: list[Sequence[SealedRecord]]) -> list[range]:
        count = sum(map(len, groups))
        moved = _MOVED[transaction.dialect.name]  # every record waits for it
        first: int = transaction.exec_driver_sql(moved, (count,)).scalar_one() - count
        growth = growth_of(transaction)
        numbers: list[range] = []
        records: list[tuple[Any, ...]] = []
        summaries: list[tuple[int, str, Summary]] = []
        openings: list[tuple[Any, ...]] = []
        cases: list[RecordedCase] = []
        for entries in groups:
            numbers.append(range(first, first + len(entries)))
            for sequence, entry in zip(numbers[-1], entries, strict=True):
                index = growth.append_record(sequence, entry.leaf, entry.leaf_hash)
                records.append((sequence, entry.id, entry.leaf, entry.leaf_hash, index))
                openings += [(sequence, each.pointer, each.salt, each.value, None) for each in entry.openings]
                summary = entry.summary or _summary(entry)
                summaries.append((sequence, entry.id, summary))
                if entry.case is not None:
                    cases.append(RecordedCase(entry.case, sequence, entry.id, moment_of(summary.recorded_at), summary.caller))
            first += len(entries)
        self.database.insert(transaction, record, records)
        self.database.insert(transaction, personal, openings)
        self.index.add(transaction, summaries)
        if cases:
            review_cases.add_cases(transaction, cases)
        return numbers

    def _ended(self, committed: bool) -> None:
        self.records += self._uncommitted if committed else 0
        self._uncommitted = 0


def subject_of_decision(id: str) -> str:
    """What is erased together with a decision: the openings of other leaves that could confirm a guess at its values."""
    return f"decision/{id}"


def find(connection: sa.Connection, id: str) -> Stored | None:
    """The record of a decision, or None."""
    if "\x00" in id:  # PostgreSQL has no such text
        return None
    return next(iter(_stored(connection, connection.execute(_RECORDS.where(record.c.id == id)).all())), None)


def record_of(connection: sa.Connection, id: str) -> Stored:
    """The record of a decision. Raises RequestRefused where there is none."""
    stored = find(connection, id)
    if stored is None:
        raise RequestRefused("not-found", "no decision with this id is recorded")
    return stored


def of_ids(connection: sa.Connection, ids: Sequence[str]) -> list[Stored]:
    """The records of some decisions, at most some hundred, in the order of the log; an id without a record is passed over."""
    rows = connection.execute(_RECORDS.where(record.c.id.in_(ids)).order_by(record.c.sequence)).all()
    return _stored(connection, rows)


def of_numbers(connection: sa.Connection, numbers: Sequence[int]) -> list[Stored]:
    """The records of some numbers, at most some hundred, in the order of the log; a number without a record is passed over."""
    rows = connection.execute(_RECORDS.where(record.c.sequence.in_(numbers)).order_by(record.c.sequence)).all()
    return _stored(connection, rows)


def scan(connection: sa.Connection, first: int = 0, upto: int | None = None) -> Iterator[Stored]:
    """The records from a number up to, but not including, another, in order. A service may write to the database at the same time."""
    query = _RECORDS if upto is None else _RECORDS.where(record.c.sequence < upto)
    after = first - 1
    while True:
        rows = connection.execute(query.where(record.c.sequence > after).order_by(record.c.sequence).limit(_AT_ONCE)).all()
        yield from _stored(connection, rows)
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1].sequence


def _taken_in(database: Database) -> int:
    try:
        return index_older(database, _AT_THE_START)
    except (OSError, sa.exc.SQLAlchemyError) as failed:
        raise DatabaseRefused(f"the database `{database.shown}` cannot be used: {plain(failed)}") from None


def _summary(entry: SealedRecord) -> Summary:
    return Summary.of_leaf(entry.leaf, {each.pointer: each.value for each in entry.openings})


def _texts(values: Sequence[bytes | None]) -> Iterator[str]:
    """The texts among some JSON values."""
    for value in values:
        with suppress(ValueError, TypeError):  # a value that was tampered with
            match json.loads(value or b"null"):
                case str() as text:
                    yield text


def _put(transaction: sa.Connection, name: str, value: str) -> None:
    changed = transaction.execute(sa.update(about).where(about.c.name == name).values(value=value))
    if not changed.rowcount:
        transaction.execute(sa.insert(about).values(name=name, value=value))


def _probe(transaction: sa.Connection) -> int:
    _put(transaction, "probed_at", now_text())
    count: int = transaction.execute(sa.select(head.c.next).where(head.c.name == "record")).scalar_one()
    return count


def _stored(connection: sa.Connection, rows: Sequence[Any]) -> list[Stored]:
    """Records with their openings, which are read at once."""
    openings: dict[int, list[Opening]] = {row.sequence: [] for row in rows}
    if openings:
        for each in connection.execute(_OPENINGS.where(personal.c.sequence.in_(list(openings)))):
            openings[each.sequence].append(Opening(each.pointer, each.salt, each.value))
    return [Stored(row.sequence, SealedRecord(row.id, row.leaf, row.leaf_hash, tuple(openings[row.sequence]))) for row in rows]
