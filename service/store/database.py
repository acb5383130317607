"""
Access to the database: a URL goes in, connections come out.

The database is SQLite in a file, or PostgreSQL. Everything that differs between the two is in this module only: how a connection
is made, how a writing transaction takes the one lock, how rows are inserted in bulk, and what an erasure needs in addition.

INVARIANT (one writing lock): a writing transaction holds the database's writing lock from its beginning, across all processes
(`BEGIN IMMEDIATE` on SQLite, a row of `head` on PostgreSQL). What it reads cannot change before it commits.
"""

import asyncio
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, Self, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import psycopg as postgresql
from sqlalchemy.dialects.sqlite import pysqlite as sqlite

from service.store import admissions, counter_secret, kept_reads, log_key, row_seals
from service.store.kept_checkpoint import KeptCheckpoint, LogPutBack
from service.store.log_key import LogKey, LogRefused
from service.store.log_tree import Growth, SealedTree, TreeBroken, Vouched, begin_growth, is_still_sealed, sealed_tree
from service.store.tables import head
from service.store.tree_tiles import goes_on

LOCK_WAIT_SECONDS = 5.0
CONNECT_SECONDS = 5
READERS = 8
LAST_READ_SECONDS = 2.0  # that one who reads gets when the database is closed
FAILED_READ_SECONDS = 10.0  # between two reports of readings that failed

# page_size, of a new database: a record has tens of kilobytes, and each page of it is written by calls of its own.
# secure_delete: SQLite overwrites what is erased instead of only forgetting where it was.
_WRITER_PRAGMAS = ("page_size = 32768", "journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "foreign_keys = ON")
# The tables of which an erasure empties or deletes rows with values: PostgreSQL keeps their old versions until they are vacuumed.
_OF_ERASURES = (
    "attached_document", "coded_block", "commitment_event", "commitment_reference", "document", "document_confirmation", "draft",
    "entity", "entity_alias", "entity_spelling", "idempotency", "leaf_opening", "person", "personal", "promise_report", "review_case",
    "review_note", "saved_search", "sign_off", "subject_seal", "term",
)  # fmt: skip

# synchronous_commit: a server may be set up to answer a commit before it is on the disk; for a record this is not allowed.
_WRITER_SETTINGS = "SET synchronous_commit = on; SET idle_in_transaction_session_timeout = '30s'; SET lock_timeout = '5s'"
_READER_SETTINGS = "SET default_transaction_read_only = on"

# The driver gets bulk rows in its own form, with the values in the order of the columns.
_POSITIONAL = {
    "sqlite": sqlite.dialect(paramstyle="qmark"),
    "postgresql": postgresql.dialect(paramstyle="format"),  # type: ignore[no-untyped-call]
}


class DatabaseRefused(Exception):
    """The database cannot be used; the message is one sentence for the operator."""


@dataclass(eq=False)
class Database:
    """
    An open database. Open it with `Database.open(url)`; end it with `close()`.

    `reading` and `writing` give connections; those of `reading` cannot write. `shown` is the URL for messages, without its password.
    `path` is the file of an SQLite database, `key_path` the file of the log's key.
    """

    shown: str
    reading: sa.Engine
    writing: sa.Engine
    key_path: Path
    path: Path | None = None

    def __post_init__(self) -> None:
        self.kept = KeptCheckpoint(self.key_path)
        self._key: LogKey | None = None
        self._last: tuple[LogKey, SealedTree] | None = None  # what this process sealed last
        self._put_back: str | None = None  # why nothing is recorded any more
        self._seen: SealedTree | None = (
            None  # the largest tree that this process saw; None until one was compared with the kept checkpoint
        )
        self.on_failed_read: Callable[[str], None] = lambda reason: None
        self._failed_read = -FAILED_READ_SECONDS  # when one was reported last
        self._direct: sqlite3.Connection | None = None
        self._asking = threading.Lock()
        self._in_this_turn: dict[tuple[asyncio.AbstractEventLoop, sa.Table], bool] = {}
        sa.event.listen(self.reading, "handle_error", lambda context: self._report(context.original_exception))
        for each in (self.reading, self.writing):
            sa.event.listen(each, "before_cursor_execute", lambda *_: kept_reads.note())
            sa.event.listen(each, "connect", lambda _, made: counter_secret.give_key(made.info, self._key_that_sealed))
            sa.event.listen(each, "connect", lambda _, made: row_seals.give_keys(made.info, self._seal_key))
            sa.event.listen(each, "connect", lambda _, made: admissions.give_tree(made.info, lambda on: self.sealed(on)[0]))

    @classmethod
    def open(cls, url: str, key_path: Path | None = None) -> Self:
        """
        Open a database, given as the path of a file, `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME`.

        `key_path` is the file of the log's key for a database on a server; that of a database file lies beside it. A missing file
        is made. Only its owner can read it, since it holds personal values. Raises DatabaseRefused.
        """
        path = file_of(url)
        if path is None:
            return cls._server(url, key_path or log_key.OF_A_SERVER)
        path = path.absolute()
        if not path.name:
            raise DatabaseRefused(f"the database `{url}` names no file")
        if missing := missing_file(path):
            raise DatabaseRefused(missing)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as refused:
            raise DatabaseRefused(f"the database `{path}` cannot be used: {refused.strerror}") from None
        writing = _file_engine(path, "rw", _WRITER_PRAGMAS)
        sa.event.listen(writing, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        return cls(str(path), _file_engine(path, "ro", ()), writing, log_key.key_file(path), path)

    @classmethod
    def _server(cls, url: str, key_path: Path) -> Self:
        try:
            parsed = sa.make_url(url)
        except (sa.exc.ArgumentError, ValueError):
            raise DatabaseRefused("the database's address is not a URL like postgresql://user@host/name") from None
        if "@" in (parsed.host or "") or "@" in (parsed.database or ""):  # a message would show the password
            raise DatabaseRefused(
                "the database's address cannot be read: in a password write `@` as %40, `:` as %3A and `/` as %2F"
            )
        if parsed.drivername not in ("postgresql", "postgresql+psycopg", "postgres"):
            raise DatabaseRefused(f"databases of kind `{parsed.drivername}` are not supported; use a file, or postgresql://…")
        parsed = parsed.set(drivername="postgresql+psycopg")
        return cls(
            parsed.set(drivername="postgresql", query={}).render_as_string(hide_password=True),
            _server_engine(parsed, _READER_SETTINGS, READERS),
            _server_engine(parsed, _WRITER_SETTINGS, 2),
            key_path.absolute(),
        )

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.writing.dialect.name

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A writing transaction that holds the writing lock, for a process that has no writer."""
        with self.writing.connect() as transaction, transaction.begin(), self.growing(transaction) as growth:
            yield transaction
        if growth.after is not None:
            with suppress(LogRefused):  # it is done and committed; the next process that opens the log keeps the checkpoint
                key, after = growth.after
                self.kept.keep(key, after.frontier)

    @contextmanager
    def growing(self, transaction: sa.Connection, vouched: Vouched | None = None) -> Iterator[Growth]:
        """
        The whole of a writing transaction: it takes the writing lock, and at its end it seals the leaves that were appended.

        `vouched` gives the tree that is extended, and is `sealed` if it is not given.
        """
        self.lock(transaction)
        growth = Growth(transaction, vouched or self.sealed, self.insert)
        begin_growth(transaction, growth)
        try:
            yield growth
            growth.finish()
            self._last = growth.after or self._last  # if the commit fails, the seal in the database is another one
        finally:
            begin_growth(transaction, None)

    def sealed(self, connection: sa.Connection) -> tuple[SealedTree, LogKey]:
        """
        The tree of the log, and the log's key, which sealed it.

        The tree goes on from the kept checkpoint, and from what this process saw before. Raises TreeBroken, LogPutBack, and
        LogKeyRefused without the log's key.
        """
        seen = self._seen  # read before the tree, which may grow meanwhile, as the note is
        if self._put_back is not None:
            raise LogPutBack(self._put_back)
        note = self.kept.note() if seen is None else None
        found, key = self.sealed_alone(connection)
        if note is not None:
            self.kept.compare(connection, found, key, note)
        if seen is not None and found is not seen:
            self._compare(connection, found, seen)
        if self._seen is None or self._seen.size < found.size:
            self._seen = found
        return found, key

    def _compare(self, connection: sa.Connection, found: SealedTree, seen: SealedTree) -> None:
        """
        Show that a tree goes on from one that this process saw before. Raises LogPutBack and TreeBroken.

        What this process sealed itself went on from it already, so only what others wrote costs more than a look at the size.
        """
        if found.size < seen.size:
            raise LogPutBack(f"the log had {seen.size} leaves and has {found.size}: an older database was put in its place")
        own = self._last is not None and found is self._last[1]
        if not own and not goes_on(connection, found, seen):
            raise LogPutBack(
                f"the log of {found.size} leaves does not go on from the {seen.size} that it had: another database was put in its place"
            )

    def refuse(self, reason: str) -> None:
        """Record nothing more, and sign nothing: a witness of the log knows another one."""
        self._put_back = reason

    @property
    def refuses(self) -> bool:
        """Whether nothing is recorded any more."""
        return self._put_back is not None

    def sealed_alone(self, connection: sa.Connection) -> tuple[SealedTree, LogKey]:
        """The tree of the log and the log's key, compared with nothing else. Raises TreeBroken and LogKeyRefused."""
        last = self._last  # read once: meanwhile the writer may seal another, which is not committed yet
        if last is not None and is_still_sealed(connection, last[1]):
            self._key = last[0]
            return last[1], last[0]
        found = sealed_tree(connection)
        if found is not None and self._key is not None and found.is_sealed_by(self._key):
            return found, self._key
        key = log_key.existing_key(self.key_path)  # again, since the key may have been replaced
        if found is not None and not found.is_sealed_by(key):
            made = log_key.awaited_key(self.key_path)
            if made is not None and found.is_sealed_by(made):  # the command that replaced the key was interrupted
                log_key.accept(self.key_path)
                key = log_key.existing_key(self.key_path)
        if found is None or not found.is_sealed_by(key):
            raise TreeBroken(
                f"the tree of the log does not have the seal of the log's key in `{self.key_path}`: put the log's own key there;"
                " `fifthfactor log verify` says more"
            )
        self._key = key
        return found, key

    def _key_that_sealed(self, connection: sa.Connection) -> LogKey:
        return self.sealed(connection)[1]

    def _seal_key(self, anew: bool) -> LogKey:
        return log_key.existing_key(self.key_path) if anew else self.log_key()

    def log_key(self) -> LogKey:
        """The key of the log. It is read once. Raises LogKeyRefused."""
        if self._key is None:
            self._key = log_key.existing_key(self.key_path)
        return self._key

    def lock(self, transaction: sa.Connection) -> None:
        """Take the writing lock, as the first thing in a writing transaction. On SQLite the transaction holds it already."""
        if self.dialect == "postgresql":
            transaction.execute(sa.select(head.c.next).where(head.c.name == "record").with_for_update())

    def insert(self, transaction: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows, each with a value for every column in order. They go to the driver as directly as possible."""
        if rows:
            transaction.exec_driver_sql(_insertion(self.dialect, table), rows)

    def has_rows(self, table: sa.Table) -> bool:
        """
        Whether a table has a row. Every decision asks it of the ledger, so it is asked once in a turn of the event loop.

        INVARIANT (nothing is overlooked): whoever asks in a turn was sent before the turn began, and so before the first one asked. What
        was committed before it was sent is seen.
        """
        kept_reads.note()  # also where the answer is there still
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self._has_rows(table)
        turn = loop, table
        found = self._in_this_turn.get(turn)
        if found is None:
            found = self._in_this_turn[turn] = self._has_rows(table)
            loop.call_soon(self._in_this_turn.pop, turn)
        return found

    def _has_rows(self, table: sa.Table) -> bool:
        """The same, asked now. An SQLite file is asked as directly as possible."""
        if self.path is None:
            with self.reading.connect() as connection:
                return connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None
        with self._asking:
            try:
                if self._direct is None:
                    uri = f"{self.path.as_uri()}?mode=ro"
                    self._direct = sqlite3.connect(uri, uri=True, timeout=LOCK_WAIT_SECONDS, check_same_thread=False)
                return self._direct.execute(f"SELECT 1 FROM {table.name} LIMIT 1").fetchone() is not None
            except sqlite3.Error as failed:
                self._report(failed)
                raise sa.exc.OperationalError(None, None, failed) from None

    def _report(self, failed: BaseException) -> None:
        """Tell of a reading that failed, of many one every few seconds: whoever asked is refused without the reason."""
        now = time.monotonic()
        if now - self._failed_read >= FAILED_READ_SECONDS:
            self._failed_read = now
            self.on_failed_read(_first_line(failed))

    def numbers_in(self, text: sa.ColumnElement[str]) -> sa.TableValuedAlias:
        """The numbers in a comma-separated text, as rows with a column `value`, to be joined with the row of the text."""
        if self.dialect == "postgresql":
            return sa.func.unnest(sa.func.string_to_array(text, ",")).table_valued("value").render_derived(name="numbers")
        return sa.func.json_each("[" + text + "]").table_valued("value", name="numbers")

    @contextmanager
    def looking(self, seconds: float) -> Iterator[sa.Connection]:
        """A connection to read a few rows with. A server gives up a statement after so many seconds; a file has only short ones."""
        with self.reading.connect() as connection:
            if self.dialect == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
            yield connection

    def size(self, connection: sa.Connection) -> int:
        """The bytes that the database takes on the disk; of a file with its write-ahead log."""
        if self.path is None:
            found: int = connection.execute(sa.select(sa.func.pg_database_size(sa.func.current_database()))).scalar_one()
            return found
        files = (self.path, Path(f"{self.path}-wal"))
        return sum(each.stat().st_size for each in files if each.exists())

    def free(self) -> int | None:
        """The bytes that are free where the database's file is; None if it is on a server."""
        return None if self.path is None else shutil.disk_usage(self.path.parent).free

    def identity(self) -> tuple[int, int] | None:
        """The file that the path names now. A moved or deleted file still takes the writes of an open connection. Raises OSError."""
        if self.path is None:
            return None
        status = self.path.stat()
        return status.st_dev, status.st_ino

    def forget(self, connection: sa.Connection) -> bool:
        """
        Remove the old copies of erased values. False if a reader prevents this; then try again.

        SQLite overwrites what it frees, and here its write-ahead log is emptied. PostgreSQL keeps old versions of a row until VACUUM,
        which is run here for the tables with such values. Its own log of changes and its backups keep them as long as its operator
        decides.
        """
        if self.dialect == "postgresql":
            with suppress(sa.exc.DBAPIError), self.writing.connect() as free:
                free.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(f"VACUUM {', '.join(_OF_ERASURES)}")
            return True
        raw = cast(sqlite3.Connection, connection.connection.dbapi_connection)
        with suppress(sqlite3.Error):
            raw.execute("PRAGMA busy_timeout = 0")  # do not wait for a reader: callers wait for their records
            try:
                (busy, _, _) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                raw.execute(f"PRAGMA busy_timeout = {int(LOCK_WAIT_SECONDS * 1000)}")
            return not busy
        return False

    def close(self) -> None:
        """
        Close all connections. On SQLite one more is opened and closed, which can write and so merges the write-ahead log.

        It could not while another is open. So whoever still reads in a thread is waited for a little, and nobody begins to read.
        """
        if self.path is not None:
            self.on_failed_read = lambda reason: None
            sa.event.listen(self.reading, "checkout", _refuse_closed)
            until = time.monotonic() + LAST_READ_SECONDS
            while cast(sa.QueuePool, self.reading.pool).checkedout() and time.monotonic() < until:
                time.sleep(0.005)
        self.reading.dispose()
        self.writing.dispose()
        with self._asking:
            if self._direct is not None:
                self._direct.close()
        if self.path is not None:
            with suppress(sqlite3.Error), closing(sqlite3.connect(f"{self.path.as_uri()}?mode=rw", uri=True)) as last:
                last.execute("SELECT 1 FROM sqlite_master").fetchall()


def _refuse_closed(*_: object) -> NoReturn:
    raise sa.exc.OperationalError(None, None, sqlite3.OperationalError("the database is closed"))


@cache
def _insertion(dialect: str, table: sa.Table) -> str:
    return str(sa.insert(table).compile(dialect=_POSITIONAL[dialect]))


def file_of(url: str) -> Path | None:
    """The file that a database's address names, or None if it names a server."""
    if url.startswith("sqlite:///"):
        return Path(url.removeprefix("sqlite:///"))
    return None if "://" in url or url.startswith(("postgresql:", "postgres:")) else Path(url)


def missing_file(path: Path) -> str | None:
    """
    The sentence where the file of a log is gone and others of it are still there; else None.

    INVARIANT (nothing is thrown away): SQLite deletes a write-ahead log whose database is missing or empty, and the last commits are in
    it. So no such database is opened. What lies beside the file is looked at first: another process may make all of them meanwhile.
    """
    written_ahead = Path(f"{path}-wal")
    waiting = written_ahead.exists() and written_ahead.stat().st_size > 0
    key = log_key.key_file(path)
    known = next((each for each in (key, log_key.checkpoint_of(key)) if each.exists()), None)
    if waiting and not (path.exists() and path.stat().st_size):
        return f"the database `{path}` is missing or empty, and `{written_ahead}` has its last writes: put the database back beside it"
    if known and not path.exists():
        return (
            f"the database `{path}` is missing, and `{known}` of its log is there: put the database back, or a copy of it; to begin a"
            " new log, move this file away"
        )
    return None


def plain(failed: BaseException) -> str:
    """An error of a database in words that carry no value of a row."""
    match failed:
        case sa.exc.DBAPIError(orig=original):
            return _first_line(original)
        case OSError(strerror=str(words)):
            return words
        case sqlite3.Error():
            return str(failed)
        case _:
            return type(failed).__name__


def _first_line(original: BaseException | None) -> str:
    # PostgreSQL adds lines with the row in question, whose values may be personal.
    state = getattr(original, "sqlstate", None)
    lines = str(original).splitlines() or [type(original).__name__]
    return f"{lines[0]} ({state})" if state else lines[0]


def _file_engine(path: Path, mode: str, pragmas: Sequence[str]) -> sa.Engine:
    """Connections to the file at a path, which must exist (`mode` is SQLite's: `rw` or `ro`)."""
    uri = f"{path.as_uri()}?mode={mode}"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(uri, uri=True, timeout=LOCK_WAIT_SECONDS, check_same_thread=False)
        connection.isolation_level = None  # transactions begin where the event above begins them
        for pragma in pragmas:
            _set(connection, pragma)
        return connection

    # hide_parameters: an error's text must never carry a request.
    return sa.create_engine(
        "sqlite://", creator=connect, poolclass=sa.QueuePool, pool_size=READERS, max_overflow=-1, hide_parameters=True
    )


def _set(connection: sqlite3.Connection, pragma: str) -> None:
    """Set a pragma. SQLite does not wait where another process switches a new file to the write-ahead log, so this waits."""
    until = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            connection.execute(f"PRAGMA {pragma}")
            return
        except sqlite3.OperationalError as failed:
            if failed.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


class _EncodingRefused(Exception):
    def __init__(self, encoding: str) -> None:
        super().__init__(
            f"its encoding is {encoding}, in which not every text can be kept: make one with"
            " `createdb --encoding UTF8 --template template0`"
        )


def _server_engine(url: sa.URL, settings: str, size: int) -> sa.Engine:
    engine = sa.create_engine(
        url,
        pool_size=size,
        max_overflow=READERS,
        pool_pre_ping=True,  # a server that was restarted costs one ping, not one failed request
        hide_parameters=True,
        use_native_hstore=False,  # no column is one, and each connection would ask for it first
        connect_args={"connect_timeout": CONNECT_SECONDS, "application_name": "fifthfactor", "client_encoding": "utf8"},
    )

    @sa.event.listens_for(engine, "connect")
    def set_up(raw: Any, _: Any) -> None:
        if (encoding := raw.info.parameter_status("server_encoding")) not in (None, "UTF8"):
            raise sa.exc.OperationalError(None, None, _EncodingRefused(encoding))
        raw.autocommit = True
        raw.execute(settings)
        raw.autocommit = False

    return engine
