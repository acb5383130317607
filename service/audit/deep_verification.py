"""
Deep verification: every derived row of a database, against the rows that the leaves of its log make.

The tree is verified before: what is found here holds for leaves that are sound.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

import sqlalchemy as sa

import engine
from service.audit.flow_rows import flow_parties, flow_sums
from service.audit.index_rows import index_faults
from service.audit.other_rows import aliases, erasure_notes, months, spellings, tallies
from service.audit.past_decisions import PastDecisions
from service.audit.replica import FROM_LEAVES, Replica, make_tables
from service.audit.row_comparison import RowFault, Values, compared, rows_of, with_rows
from service.policies import archive
from service.store import foreign_parts, subject_seals
from service.store.database import Database
from service.store.log_key import LogKey, LogKeyRefused
from service.store.tables import (
    about,
    bundle,
    document,
    entity,
    entity_alias,
    entity_spelling,
    flow,
    flow_party,
    flow_sum,
    movement,
    tally,
    tally_month,
)

# No leaf holds them: the policies are compared with the digest of their sources, the bytes of a document with their hash.
_LEFT_OUT = {bundle: frozenset({"archive"}), document: frozenset({"content"})}
# The tables that are made from the rows of another one, and how.
_FROM_ROWS: Mapping[sa.Table, tuple[sa.Table, Callable[[sa.Connection], Iterator[Values]]]] = {
    entity_alias: (entity, aliases),
    entity_spelling: (entity, spellings),
    tally: (movement, tallies),
    tally_month: (movement, months),
    flow_sum: (flow, flow_sums),
    flow_party: (flow, flow_parties),
}


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
        replica = Replica()
        past = None
        if self._key is not None:
            past = PastDecisions(self._connection, self._key, lambda number: self._progress("records compared", number))
        try:
            if past is not None:
                past.begin(replica)
            watching = () if past is None else (past.before, past.after)
            for read in replica.read(self._connection, *watching):
                self._progress("leaves read", read)
            if past is not None:
                past.end()
                yield from past.findings()
                self.records_not_compared = past.not_compared
            yield from replica.faults
            # Of most logs most tables are empty, and those that the leaves make too.
            held = with_rows(self._connection, (*FROM_LEAVES, *_FROM_ROWS))
            made_here = with_rows(replica.rows, FROM_LEAVES)
            for table in (each for each in FROM_LEAVES if each in held | made_here):
                found = rows_of(self._connection, table) if table in held else ()
                yield from compared(replica.rows, table, found, _LEFT_OUT.get(table, frozenset()))
            make_tables(replica.rows, *_FROM_ROWS)
            for table, (source, made) in _FROM_ROWS.items():
                if not held & {source, table}:
                    continue
                for row in made(self._connection) if source in held else ():
                    replica.rows.execute(sa.insert(table).prefix_with("OR IGNORE"), row)
                yield from compared(replica.rows, table, rows_of(self._connection, table) if table in held else ())
            yield from erasure_notes(self._connection, replica)
            yield from self._noted(replica)
        finally:
            replica.close()
        yield from foreign_parts.strange(self._connection)
        if self._key is not None:
            yield from map(SealFault, subject_seals.faults(self._connection, self._key))
        yield from self._archives()
        yield from self._documents()
        yield from index_faults(self._connection, self._database, lambda number: self._progress("entries compared", number))

    def _noted(self, replica: Replica) -> Iterator[str]:
        """What the database notes of the last leaf of a kind, against this leaf."""
        found = {row.name: row.value for row in self._connection.execute(sa.select(about.c.name, about.c.value))}
        for name, value in replica.noted.items():
            if found.get(name) != value:
                yield f"the leaves say otherwise than the row `about` (name {name}) in `value`"

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
