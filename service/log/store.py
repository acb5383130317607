"""
The decision log on disk: SQLite, one writer, group commit.

Goes in: log entries, from any number of requests at once. Comes out: the sequence number of each, once it is durable.

Who owns what, and what is true when a call returns:

- INVARIANT (durable first): `append` returns only after the commit that holds its record returned, and that commit
  waits for the disk (WAL, synchronous=FULL). A caller that sends its answer after `append` never answers unrecorded.
- INVARIANT (one writer numbers): only the writer thread touches the writing connection and `_next`. It takes all
  entries that wait, numbers them in the order they came, and commits them together. A failed commit gives no numbers.
- A lock file beside the database keeps every other process, and every other Store, from writing. The system frees it
  when the process ends, however it ends.
- Readers have connections of their own, opened read-only; WAL lets them read while the writer writes.
- A record may be in the log although its answer never left (the process died in between). Never the other way round.
"""

import asyncio
import fcntl
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite as sqlite_dialect

from service.log.leaf import Entry, Opening, faults

SCHEMA_VERSION = 1
QUEUE_LIMIT = 2_000  # records: a full batch, and as many that came alone
LOCK_WAIT_SECONDS = 5.0

# page_size, of a new database: a record has tens of kilobytes, and each page of it is written by calls of its own.
# secure_delete: SQLite overwrites what is erased instead of only forgetting where it was.
_WRITER_PRAGMAS = ("page_size = 32768", "journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "foreign_keys = ON")

_tables = sa.MetaData()
_about = sa.Table(
    "about",
    _tables,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)
_record = sa.Table(
    "record",
    _tables,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
    sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
)
_personal = sa.Table(
    "personal",
    _tables,
    sa.Column("sequence", sa.ForeignKey(_record.c.sequence), primary_key=True),
    sa.Column("pointer", sa.String, primary_key=True),
    sa.Column("salt", sa.LargeBinary),
    sa.Column("value", sa.LargeBinary),
    sa.Column("erased_at", sa.String),
)

# Written once as the driver takes them, in the order of the columns: the rows of a commit need no more than to be handed over.
_INSERT_RECORD, _INSERT_OPENING = (
    str(sa.insert(table).compile(dialect=sqlite_dialect.dialect(paramstyle="qmark"))) for table in (_record, _personal)
)


class StoreRefused(Exception):
    """The log cannot be opened; the message is one sentence for the operator."""


class NotRecorded(Exception):
    """The record is not known to be durable, so its answer must not leave."""


class LogBusy(NotRecorded):
    """Too many records wait already."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as its rows hold it."""

    sequence: int
    entry: Entry

    def faults(self) -> tuple[str, ...]:
        """What is wrong with it; nothing, if it is sound."""
        entry = self.entry
        return faults(entry.id, entry.leaf, entry.leaf_hash, entry.openings)


@dataclass(frozen=True, slots=True)
class _Job:
    """One thing the writer is to do, and the future that waits for it: records (for their first number), or other work."""

    work: Sequence[Entry] | Callable[[sa.Connection], int]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[int]


@dataclass(slots=True)
class Counts:
    """What the writer has done since it was opened. Only the writer writes them."""

    commits: int = 0
    records: int = 0
    failures: int = 0


@dataclass(eq=False)
class Store:
    """
    The open log. `Store.open(path)`, and `close()` or a `with` block at the end.

    `append`, `probe` and `erase` belong to event loops, any number of them; `read` and `scan` to any thread.
    """

    path: Path
    queue_limit: int = QUEUE_LIMIT
    counts: Counts = field(default_factory=Counts)
    on_failure: Callable[[str], None] = lambda reason: None

    @classmethod
    def open(cls, path: Path, *, queue_limit: int = QUEUE_LIMIT) -> Self:
        """Open the log for writing, make it if it is not there, and start the writer. Raises StoreRefused."""
        store = cls(path.absolute(), queue_limit)
        store._open()
        return store

    # --- for event loops ---------------------------------------------------------------------------------------------

    async def append(self, entry: Entry) -> int:
        """Record an entry; returns its sequence number once it is durable. Raises NotRecorded."""
        return await self._ask((entry,))

    async def append_many(self, entries: Sequence[Entry]) -> range:
        """
        Record entries in one commit, all or none; returns their sequence numbers, in order, once they are durable.

        Raises NotRecorded; LogBusy where they do not fit beside what waits already.
        """
        if not entries:
            return range(0)
        first = await self._ask(entries)
        return range(first, first + len(entries))

    async def probe(self) -> int:
        """Write to the log and wait for the disk; returns how many records it holds. Raises NotRecorded."""
        return await self._ask(self._probe)

    async def erase(self, id: str) -> int:
        """
        Erase the personal values of a record and their salts for good; returns how many there were.

        The leaf and its hash stay. SQLite overwrites what it frees (secure_delete), and the write-ahead log is emptied
        as soon as no reader holds it. Raises NotRecorded.
        """
        return await self._ask(lambda transaction: self._erase(transaction, id))

    # --- for any thread ----------------------------------------------------------------------------------------------

    def read(self, id: str) -> Stored | None:
        """The record of a decision, or None."""
        with self._reading.connect() as connection:
            row = connection.execute(sa.select(_record).where(_record.c.id == id)).one_or_none()
            return None if row is None else _stored(connection, row)

    def scan(self) -> Iterator[Stored]:
        """Every record, by sequence number."""
        with self._reading.connect() as connection:
            for row in connection.execute(sa.select(_record).order_by(_record.c.sequence)):
                yield _stored(connection, row)

    def close(self) -> None:
        """Take nothing more, write what waits, end the writer, free the lock. May be called twice."""
        with self._waiting:
            self._closing = True
            self._waiting.notify()
        self._thread.join()
        self._reading.dispose()
        self._disconnect()  # last, so that SQLite folds the write-ahead log into the database
        self._writing.dispose()
        self._free_lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # --- opening -----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._queue: deque[_Job] = deque()
        self._queued = 0  # records in the queue; other work counts as one
        self._waiting = threading.Condition()
        self._closing = False
        self._connection: sa.Connection | None = None
        self._erased = False
        self._lock: int | None = self._take_lock()
        try:
            self._file = self._identity(create=True)
            self._writing = _engine(self.path, "rw", _WRITER_PRAGMAS)
            sa.event.listen(self._writing, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
            self._check_schema()
            self._connect()
            self._reading = _engine(self.path, "ro", ())
        except StoreRefused:
            self._free_lock()
            raise
        except (OSError, sqlite3.Error, sa.exc.DBAPIError) as refused:
            self._free_lock()
            raise StoreRefused(f"the database `{self.path}` cannot be used: {_plain(refused)}") from None
        self._thread = threading.Thread(target=self._write_until_closed, name="log-writer", daemon=True)
        self._thread.start()

    def _take_lock(self) -> int:
        path = self.path.resolve()
        try:
            lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as refused:
            raise StoreRefused(f"the database `{self.path}` cannot be used: {refused.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise StoreRefused(
                f"the database `{self.path}` is open in another process, and one writer numbers the records:"
                " end that process, or give this one a database of its own"
            ) from None
        return lock

    def _free_lock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _identity(self, *, create: bool = False) -> tuple[int, int]:
        """Which file the path means now. Made if asked, readable by its owner only: it holds personal values."""
        if create:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        status = self.path.stat()
        return status.st_dev, status.st_ino

    def _check_schema(self) -> None:
        """Make the tables in a new database; refuse one that is not a log or that a newer version wrote."""
        with self._writing.connect() as connection, connection.begin():
            if connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() != "wal":
                raise StoreRefused(f"the database `{self.path}` lies where SQLite cannot keep a write-ahead log")
            names = set(sa.inspect(connection).get_table_names())
            if not names:
                _tables.create_all(connection)
                connection.execute(sa.insert(_about).values(name="schema", value=str(SCHEMA_VERSION)))
                return
            if "about" not in names:
                raise StoreRefused(f"the database `{self.path}` is not a log of Fifth Factor")
            version = connection.execute(sa.select(_about.c.value).where(_about.c.name == "schema")).scalar_one_or_none()
        if version is not None and version.isdecimal() and int(version) > SCHEMA_VERSION:
            raise StoreRefused(
                f"the database `{self.path}` was written by a newer Fifth Factor (its schema is {version}, this one"
                f" knows {SCHEMA_VERSION}): install that version"
            )
        if version != str(SCHEMA_VERSION):
            raise StoreRefused(f"the database `{self.path}` has a schema that this version does not know: `{version}`")

    def _connect(self) -> sa.Connection:
        """Open the writing connection and find the next number; the database says it, never memory."""
        connection = self._writing.connect()
        try:
            with connection.begin():
                last = connection.execute(sa.select(sa.func.max(_record.c.sequence))).scalar_one()
        except BaseException:
            connection.close()
            raise
        self._next = 0 if last is None else last + 1
        self._connection = connection
        return connection

    # --- the writer --------------------------------------------------------------------------------------------------

    async def _ask(self, work: Sequence[Entry] | Callable[[sa.Connection], int]) -> int:
        size = 1 if callable(work) else len(work)
        loop = asyncio.get_running_loop()
        job = _Job(work, loop, loop.create_future())
        with self._waiting:
            if self._closing:
                raise NotRecorded("the log is closed")
            if self._queued + size > self.queue_limit:
                raise LogBusy("too many records wait to be written")
            if not self._queue or self._queue[-1].loop is not loop:
                # The writer wakes when this turn of the loop is over: one commit takes all that the turn brings.
                loop.call_soon(self._wake)
            self._queue.append(job)
            self._queued += size
        return await job.done

    def _wake(self) -> None:
        with self._waiting:
            self._waiting.notify()

    def _write_until_closed(self) -> None:
        try:
            while jobs := self._take():
                try:
                    results = self._write(jobs)
                except BaseException as failed:
                    self._fail(jobs, failed)
                    if not isinstance(failed, Exception):
                        raise
                else:
                    _settle(jobs, results)
        finally:
            # INVARIANT (fail closed): without a writer nothing is taken and nothing waits.
            with self._waiting:
                self._closing = True
                left = list(self._queue)
                self._queue.clear()
            _settle(left, NotRecorded("the log is closed"))

    def _take(self) -> list[_Job]:
        """All jobs that wait, or none once the log is closing and everything is written."""
        with self._waiting:
            while not self._queue and not self._closing:
                self._waiting.wait()
            jobs = list(self._queue)
            self._queue.clear()
            self._queued = 0
            return jobs

    def _write(self, jobs: list[_Job]) -> list[int]:
        """One transaction and one commit for all jobs; durable when it returns."""
        # A file moved or deleted under an open connection still takes writes, which nobody will find again.
        if self._identity() != self._file:
            raise NotRecorded("the database file was moved or replaced")
        connection = self._connection or self._connect()
        results: list[int] = []
        records: list[tuple[Any, ...]] = []
        openings: list[tuple[Any, ...]] = []
        sequence = self._next
        with connection.begin():
            for job in jobs:
                if callable(job.work):
                    results.append(job.work(connection))
                    continue
                results.append(sequence)
                for entry in job.work:
                    records.append((sequence, entry.id, entry.leaf, entry.leaf_hash))
                    openings += [(sequence, each.pointer, each.salt, each.value, None) for each in entry.openings]
                    sequence += 1
            if records:
                connection.exec_driver_sql(_INSERT_RECORD, records)
            if openings:
                connection.exec_driver_sql(_INSERT_OPENING, openings)
        self._next = sequence
        self.counts.commits += 1
        self.counts.records += len(records)
        if self._erased:
            self._empty_the_write_ahead_log(connection)
        return results

    def _fail(self, jobs: list[_Job], failed: BaseException) -> None:
        """Nobody of these gets an answer. The connection is given up, so that the next job starts from the disk."""
        self.counts.failures += 1
        self._disconnect()
        reason = _plain(failed)
        _settle(jobs, NotRecorded(reason))
        with suppress(Exception):
            self.on_failure(reason)

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(Exception):
                self._connection.invalidate()
            with suppress(Exception):
                self._connection.close()
            self._connection = None

    def _probe(self, transaction: sa.Connection) -> int:
        changed = transaction.execute(sa.update(_about).where(_about.c.name == "probed_at").values(value=_now()))
        if not changed.rowcount:
            transaction.execute(sa.insert(_about).values(name="probed_at", value=_now()))
        return self._next

    def _erase(self, transaction: sa.Connection, id: str) -> int:
        erased = transaction.execute(
            sa.update(_personal)
            .where(_personal.c.sequence == sa.select(_record.c.sequence).where(_record.c.id == id).scalar_subquery())
            .where(_personal.c.erased_at.is_(None))
            .values(salt=None, value=None, erased_at=_now())
        )
        self._erased = True
        return erased.rowcount

    def _empty_the_write_ahead_log(self, connection: sa.Connection) -> None:
        """Old pages in there still hold what was erased. Tried again after each commit until no reader hinders it."""
        with suppress(sqlite3.Error):
            raw = cast(sqlite3.Connection, connection.connection.dbapi_connection)
            raw.execute("PRAGMA busy_timeout = 0")  # a reader may take its time; those who wait for a record may not
            (busy, _, _) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            raw.execute(f"PRAGMA busy_timeout = {int(LOCK_WAIT_SECONDS * 1000)}")
            self._erased = bool(busy)


def _engine(path: Path, mode: str, pragmas: Sequence[str]) -> sa.Engine:
    """Connections to the file at a path, which must exist (`mode` is SQLite's: `rw` or `ro`)."""
    uri = f"{path.as_uri()}?mode={mode}"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(uri, uri=True, timeout=LOCK_WAIT_SECONDS, check_same_thread=False)
        connection.isolation_level = None  # transactions begin where this file begins them
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    # hide_parameters: an error's text must never carry a request.
    return sa.create_engine("sqlite://", creator=connect, poolclass=sa.QueuePool, hide_parameters=True)


def _stored(connection: sa.Connection, row: Any) -> Stored:
    openings = connection.execute(
        sa.select(_personal.c.pointer, _personal.c.salt, _personal.c.value)
        .where(_personal.c.sequence == row.sequence)
        .order_by(_personal.c.pointer)
    )
    return Stored(row.sequence, Entry(row.id, row.leaf, row.leaf_hash, tuple(Opening(*each) for each in openings)))


def _settle(jobs: list[_Job], results: list[int] | Exception) -> None:
    """Wake those who wait, with one call into each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], int | Exception]]] = {}
    for at, job in enumerate(jobs):
        by_loop.setdefault(job.loop, []).append((job.done, results if isinstance(results, Exception) else results[at]))
    for loop, settled in by_loop.items():
        with suppress(RuntimeError):  # a loop that is closed has nobody left who waits
            loop.call_soon_threadsafe(_resolve, settled)


def _resolve(settled: list[tuple[asyncio.Future[int], int | Exception]]) -> None:
    for done, result in settled:
        if done.done():
            continue  # cancelled: the caller has gone
        if isinstance(result, Exception):
            done.set_exception(result)
        else:
            done.set_result(result)


def _plain(failed: BaseException) -> str:
    """An error in words that carry no value of a record."""
    match failed:
        case sa.exc.DBAPIError():
            return str(failed.orig)
        case OSError(strerror=str(words)):
            return words
        case NotRecorded() | sqlite3.Error():
            return str(failed)
        case _:
            return type(failed).__name__


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
