"""
Deep verification: every derived row of a database, against the rows that the leaves of its log make.

The tree is verified before: what is found here holds for leaves that are sound.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial

import sqlalchemy as sa

import engine
from service.audit import signed_document
from service.audit.erasure_rows import erasure_notes
from service.audit.index_rows import index_faults
from service.audit.ledger_secret import LedgerSecret
from service.audit.past_decisions import PastDecisions
from service.audit.replica import FROM_LEAVES, SUMS, Replica
from service.audit.row_comparison import RowFault, compared, rows_of, with_rows
from service.policies import archive
from service.store import answer_seals, counter_secret, foreign_parts, row_seals
from service.store.database import Database
from service.store.log_key import LogKey, LogKeyRefused
from service.store.tables import bundle, document, head

# No leaf holds them: the policies are compared with the digest of their sources, the bytes of a document with their hash.
_LEFT_OUT = {bundle: frozenset({"archive"}), document: frozenset({"content"})}
_AT_ONCE = 500

Progress = Callable[[str, int], None]


class SealFault(str):
    """The sentence about a seal that is missing or is another one."""

    __slots__ = ()


# A row that differs, or a sentence about what is not one row.
Finding = RowFault | str


@contextmanager
def snapshot(database: Database) -> Iterator[sa.Connection]:
    """A connection that reads one state of a database, whatever is written meanwhile."""
    if database.dialect == "postgresql":
        with database.reading.connect() as connection:
            yield connection.execution_options(isolation_level="REPEATABLE READ")
        return
    with database.reading.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        try:
            yield connection
        finally:
            connection.exec_driver_sql("ROLLBACK")


class DeepVerification:
    """
    The comparison of one state of a database. `findings` may be read once.

    Without the log's key neither the seals of rows nor what records used are compared (`without_key`). `records_not_compared` is the number
    of records of which what they used is not known any more; it is known at the end.
    """

    def __init__(self, connection: sa.Connection, database: Database, progress: Progress = lambda what, number: None) -> None:
        self._connection, self._database, self._progress = connection, database, progress
        self._key: LogKey | None = None
        with suppress(LogKeyRefused):
            self._key = database.log_key()
        self.without_key = self._key is None
        self.records_not_compared = 0

    def findings(self) -> Iterator[Finding]:
        """Each row that says otherwise than the leaves."""
        with closing(Replica(self._connection, self._key)) as replica:
            past = secret = None
            if self._key is not None:
                try:
                    counter_secret.check(self._connection, self._key)
                except LogKeyRefused as broken:
                    yield str(broken)
                    self.records_not_compared = _records(self._connection)
                else:
                    told = partial(self._progress, "records compared")
                    past = PastDecisions(self._connection, replica, self._key, told)
                    secret = LedgerSecret(replica.rows, self._connection)
            for read, (index, leaf) in enumerate(replica.read()):
                if past is not None:
                    past.before(index, leaf)
                if secret is not None:
                    secret.take(leaf)
                yield from signed_document.faults(leaf)
                if read % _AT_ONCE == 0:
                    self._progress("leaves read", read)
            if secret is not None:
                yield from secret.findings()
            if past is not None:
                yield from past.findings()
                self.records_not_compared = past.not_compared
            replica.sum_up()
            # Of most logs most tables are empty, and those that the leaves make too.
            held, made = (with_rows(each, (*FROM_LEAVES, *SUMS)) for each in (self._connection, replica.rows))
            for table in (each for each in (*FROM_LEAVES, *SUMS) if each in held | made):
                found = rows_of(self._connection, table) if table in held else ()
                yield from compared(replica.rows, table, found, _LEFT_OUT.get(table, frozenset()))
            yield from erasure_notes(self._connection, replica)
        yield from foreign_parts.foreign_parts(self._connection)
        if self._key is not None:
            yield from map(SealFault, row_seals.faults(self._connection, self._key))
            yield from map(SealFault, answer_seals.faults(self._connection, self._key))
        yield from self._archives()
        yield from self._documents()
        yield from index_faults(self._connection, self._database, partial(self._progress, "entries compared"))

    def _archives(self) -> Iterator[str]:
        for row in self._connection.execute(sa.select(bundle.c.source, bundle.c.archive)):
            try:
                sound = engine.source_digest(archive.read(bytes(row.archive))) == row.source
            except (archive.ArchiveRefused, TypeError):
                sound = False
            if not sound:
                yield f"the policies that are kept as `{row.source[:12]}` are not those of this digest"

    def _documents(self) -> Iterator[str]:
        rows = sa.select(document.c.id, document.c.sha256, document.c.size, document.c.content)
        for row in self._connection.execute(rows.execution_options(yield_per=1)):
            content = None if row.content is None else bytes(row.content)
            if row.sha256 is None:
                if content is not None:
                    yield f"the bytes of the document `{row.id}` were erased, and are there"
            elif content is None or len(content) != row.size or hashlib.sha256(content).hexdigest() != row.sha256:
                yield f"the bytes that are kept of the document `{row.id}` are not those of its hash"


def _records(connection: sa.Connection) -> int:
    count: int = connection.execute(sa.select(head.c.next).where(head.c.name == "record")).scalar_one()
    return count
