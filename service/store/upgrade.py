"""
Bring a database to the tables of this version.

A new database gets all tables. A database that an earlier version made gets the tables that it lacks, from 0.12.0 on. A database of a
version before that, of a newer version or of another program is refused and left as it is. Several processes may start at once: the first
does the work, the others wait and find it done.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from service.store import counter_secret, foreign_parts, row_seals
from service.store.database import Database, DatabaseRefused, file_of, plain
from service.store.log_key import LogKey, LogRefused, accept, new_key
from service.store.log_tree import Growth, sealed_tree
from service.store.row_seals import SealBroken
from service.store.tables import HEADS, REVISION, head, metadata

if TYPE_CHECKING:
    from alembic.config import Config

_OF_A_VERSION = re.compile(r"\d+\.\d+")
# The revisions whose rows have the seals of this version: these stay as they are, also where a row was changed by other means. A version
# that seals more rows, or rows otherwise, begins this list anew.
SEALED_ALIKE = ("0.17.0",)
_LOCK = 0x0F1F_7FAC  # an advisory lock of PostgreSQL; any number that nothing else in the database uses


def upgrade(database: Database, *, tree: bool = True) -> None:
    """
    Make or complete the tables; begin the tree of the log, or compare it with its last checkpoint. Raises DatabaseRefused.

    Without `tree` only the tables: the caller must verify the tree.
    """
    try:
        with (
            database.reading.connect() as connection
        ):  # first: opened for writing, a file that is refused would not stay as it is
            found = _revision(database, connection)
            older = found not in (None, REVISION)
            # Before the lock is taken: others write meanwhile.
            known = _history() if older else None
            prepared = _prepared(connection, found) if known and found in known else {}
        with database.writing.connect() as connection, connection.begin():
            if database.dialect == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            elif connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() != "wal":
                raise DatabaseRefused(
                    f"the database `{database.shown}` is in a place where SQLite cannot keep a write-ahead log"
                )
            before = _upgrade(database, connection, known, prepared)
            if parts := foreign_parts.acting_parts(connection):
                raise DatabaseRefused(f"the database `{database.shown}` has {parts[0]}, which no version made: remove it")
            database.lock(connection)
            begun = False
            if tree:
                key, begun = _tree_begun(database, connection)
                (counter_secret.begin if begun else counter_secret.check)(connection, key)
            if tree and before is not None and not begun:
                with database.growing(connection) as growth:
                    growth.note("tables-upgraded", {"from": before, "to": REVISION})
                    if before not in SEALED_ALIKE:
                        row_seals.seal_again(connection, growth.key())
        if begun:
            accept(database.key_path)
        if tree:
            with database.reading.connect() as connection:
                sealed, key = database.sealed(connection)
            database.kept.keep(key, sealed.frontier)
    except LogRefused as refused:
        raise DatabaseRefused(f"the database `{database.shown}` cannot be written: {refused}") from None
    except (OSError, sa.exc.SQLAlchemyError) as refused:
        raise DatabaseRefused(f"the database `{database.shown}` cannot be used: {plain(refused)}") from None


def _tree_begun(database: Database, transaction: sa.Connection) -> tuple[LogKey, bool]:
    """The key of the log, and whether this transaction begins its tree. Raises LogKeyRefused, LogPutBack and TreeBroken."""
    sealed = sealed_tree(transaction)
    if sealed is None:
        key = new_key(database.key_path)
        growth = Growth(transaction, database.sealed, database.insert)
        growth.begin(key)
        growth.finish()
        return key, True
    return database.sealed(transaction)[1], False


def open_any(url: str, key_path: Path | None = None) -> Database:
    """Open a database that exists, whatever its tables are. Raises DatabaseRefused."""
    file = file_of(url)
    if file is not None and not file.is_file():
        raise DatabaseRefused(f"the database `{url}` does not exist")
    return Database.open(url, key_path)


def open_present(url: str, key_path: Path | None = None) -> Database:
    """Open an existing database, which must have the tables of this version. Raises DatabaseRefused."""
    database = open_any(url, key_path)
    try:
        with database.reading.connect() as connection:
            current = _revision(database, connection)
    except DatabaseRefused:
        database.close()
        raise
    except (OSError, sa.exc.SQLAlchemyError) as refused:
        database.close()
        raise DatabaseRefused(f"the database `{database.shown}` cannot be read: {plain(refused)}") from None
    if current is None:
        database.close()
        raise DatabaseRefused(
            f"the database `{database.shown}` has no tables: the first start of the service makes them; if there was a log in it, put that"
            " database back, or a copy of it"
        )
    if current != REVISION:
        database.close()
        raise DatabaseRefused(
            f"the database `{database.shown}` has tables of revision {current}, but this version reads {REVISION}:"
            " start the service once to complete them, or install the version that wrote them"
        )
    return database


@contextmanager
def existing(url: str, key_path: Path | None = None) -> Iterator[Database]:
    """An existing database, opened by `open_present` and closed at the end. Raises DatabaseRefused, also for errors in between."""
    with closing(open_present(url, key_path)) as database:
        try:
            yield database
        except LogRefused as refused:
            raise DatabaseRefused(f"the database `{database.shown}` cannot be written: {refused}") from None
        except SealBroken as broken:
            raise DatabaseRefused(broken.detail) from None
        except sa.exc.SQLAlchemyError as failed:
            raise DatabaseRefused(f"the database `{database.shown}` cannot be used: {plain(failed)}") from None


@contextmanager
def reading(url: str) -> Iterator[sa.Connection]:
    """A connection that reads an existing database. Raises DatabaseRefused, also for errors in between."""
    with existing(url) as database, database.reading.connect() as connection:
        yield connection


@contextmanager
def writing(url: str, key_path: Path | None = None) -> Iterator[sa.Connection]:
    """A writing transaction for a process without a writer. The database is made or completed first. Raises DatabaseRefused."""
    with closing(Database.open(url, key_path)) as database:
        upgrade(database)
        try:
            with database.transaction() as transaction:
                yield transaction
        except LogRefused as refused:
            raise DatabaseRefused(f"the database `{database.shown}` cannot be written: {refused}") from None
        except SealBroken as broken:
            raise DatabaseRefused(broken.detail) from None
        except (OSError, sa.exc.SQLAlchemyError) as failed:
            raise DatabaseRefused(f"the database `{database.shown}` cannot be written: {plain(failed)}") from None


def revision(connection: sa.Connection) -> str | None:
    """The revision of a database's tables; None if there is none."""
    return _revision_of(connection, foreign_parts.tables_of(connection))


def revision_of_log(database: Database, connection: sa.Connection) -> str | None:
    """The same of a database that must be a log, or have no table. Raises DatabaseRefused if it is neither."""
    return _revision(database, connection)


def _revision_of(connection: sa.Connection, names: frozenset[str]) -> str | None:
    if "alembic_version" not in names:
        return None
    return connection.execute(sa.select(sa.column("version_num")).select_from(sa.table("alembic_version"))).scalar()


def _revision(database: Database, connection: sa.Connection) -> str | None:
    """
    The revision of a database's tables; None if it has no table of ours yet.

    Raises DatabaseRefused if it belongs to another program, or to a version before the first revision. A revision is named by the version
    that brought it, as none was before.
    """
    names = foreign_parts.tables_of(connection)
    found = _revision_of(connection, names)
    if {"about", "record"} <= names:
        if found is not None and _OF_A_VERSION.match(found):
            return found
        raise DatabaseRefused(
            f"the database `{database.shown}` was made by Fifth Factor 0.11 or earlier; this version begins anew, cannot read it and has"
            " left it as it is: write what is in it to files with the version that made it (`fifthfactor log export`), keep it, and name"
            " another database in FIFTHFACTOR_DATABASE"
        )
    if found is not None or names & set(metadata.tables) or (names and database.dialect == "sqlite"):
        raise DatabaseRefused(f"the database `{database.shown}` is not a log of Fifth Factor")
    return None


def _upgrade(
    database: Database, connection: sa.Connection, known: frozenset[str] | None, prepared: Mapping[str, Any]
) -> str | None:
    """Bring the tables up to date. The revision that they had, None if there was none, or if it was this one."""
    current = _revision(database, connection)
    if current == REVISION:
        return None
    if current is None:
        _make(connection)
        return None
    if current not in (known or _history()):
        raise DatabaseRefused(
            f"the database `{database.shown}` was written by a newer Fifth Factor (its tables are of revision"
            f" {current}, this version knows {REVISION}): install the newer version"
        )
    from alembic import command

    config = _config()
    config.attributes["connection"], config.attributes["prepared"] = connection, prepared
    command.upgrade(config, "head")
    return current


def _history() -> frozenset[str]:
    """
    The revisions that this version knows. With them Alembic is imported, which takes a tenth of a second and ten megabytes.

    So it is asked only where there is an older database.
    """
    import alembic.command  # noqa: F401 - it takes the time
    from alembic.script import ScriptDirectory

    return frozenset(each.revision for each in ScriptDirectory.from_config(_config()).walk_revisions())


def _prepared(connection: sa.Connection, current: str | None) -> dict[str, Any]:
    """What migrations read before the lock is taken, since it takes long in a large log: by their revisions."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_config()).iterate_revisions("head", current)
    return {each.revision: each.module.prepared(connection) for each in scripts if hasattr(each.module, "prepared")}


@cache
def _making(dialect: str) -> tuple[str, ...]:
    """The statements that make all tables, where none is there. To write them takes longer than to run them on SQLite."""
    made: list[str] = []
    url = "postgresql+psycopg://" if dialect == "postgresql" else f"{dialect}://"
    written = sa.make_url(url).get_dialect()()
    pretended = sa.create_mock_engine(url, lambda each, *_, **__: made.append(str(each.compile(dialect=written))))
    metadata.create_all(pretended, checkfirst=False)
    return tuple(made)


def _make(connection: sa.Connection) -> None:
    """All tables of this version, with the rows that they begin with, as the migrations would leave them."""
    for statement in _making(connection.dialect.name):
        connection.exec_driver_sql(statement)
    connection.execute(sa.insert(head), [{"name": name, "next": 0} for name in sorted(HEADS)])
    connection.exec_driver_sql(
        "CREATE TABLE alembic_version"
        " (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    connection.execute(sa.insert(sa.table("alembic_version", sa.column("version_num"))).values(version_num=REVISION))


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
