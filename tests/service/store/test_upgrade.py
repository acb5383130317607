"""The tables and their history: what the migrations make is what the code reads, and what is older than them is refused."""

import asyncio
import json
import os
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from typer.testing import CliRunner

from service.cli.main import app
from service.log.store import Store
from service.log.tree_verification import tree_faults
from service.store import log_key, row_seals, upgrade
from service.store.database import Database, DatabaseRefused
from service.store.tables import REVISION, about, caller, metadata, tree_leaf
from service.store.upgrade import open_present, revision
from tests.service.databases import PostgreSQL
from tests.service.log.test_store import append, entry, sound


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a database without tables, for whose log there is no key."""
    if request.param == "sqlite":
        return str(tmp_path / "old.db")
    url = str(request.getfixturevalue("postgresql").new(empty=True))  # first: it names the key of a copy
    monkeypatch.setattr(log_key, "OF_A_SERVER", tmp_path / "old.log-key")
    return url


def rows_of(connection: sa.Connection) -> dict[str, list[tuple[object, ...]]]:
    """The rows of each table."""
    return {name: sorted(tuple(row) for row in connection.execute(sa.select(table))) for name, table in metadata.tables.items()}


def begun_with(connection: sa.Connection) -> tuple[dict[str, list[tuple[object, ...]]], str | None]:
    """The rows of each table, and the revision."""
    return rows_of(connection), revision(connection)


def test_a_new_database_gets_what_the_migrations_make(empty):
    """The same tables, no column of another type, and the same rows to begin with."""
    database = Database.open(empty)
    with database.writing.connect() as connection:
        with connection.begin() as making:
            upgrade._make(connection)
            made = begun_with(connection)
            making.rollback()
        with connection.begin():
            config = upgrade._config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
            assert begun_with(connection) == made
    database.close()


@pytest.mark.parametrize("of", [None, "0001", "counter_keys"])
def test_a_database_of_a_version_before_is_refused_and_stays(empty, of):
    """By its true name and with what to do, whatever revision it has; no start and no command changes it, or makes a key for it."""
    database = Database.open(empty)
    with database.writing.begin() as connection:
        metadata.create_all(connection)
        connection.execute(sa.insert(about).values(name="schema", value="1"))
        if of is not None:
            connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
            connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{of}')")
    database.close()
    before = None if database.path is None else database.path.read_bytes()
    for opening in (Store.open, open_present):
        with pytest.raises(DatabaseRefused, match=r"was made by Fifth Factor 0\.11 or earlier"):
            opening(empty)
    for each in (["database", "upgrade"], ["database", "check"], ["log", "verify"]):
        done = CliRunner().invoke(app, each, env={"FIFTHFACTOR_DATABASE": empty})
        assert (done.exit_code, "`fifthfactor log export`" in done.stderr, "FIFTHFACTOR_DATABASE" in done.stderr) == (
            2,
            True,
            True,
        )
    if database.path is not None:
        assert database.path.read_bytes() == before
    assert not database.key_path.exists()
    with Database.open(empty).reading.connect() as connection:
        assert {name: rows for name, rows in rows_of(connection).items() if rows} == {"about": [("schema", "1")]}
        assert revision(connection) == of


def test_tables_that_a_later_version_adds_are_a_leaf(empty, tmp_path, monkeypatch):
    """From which revision, and to which; a second start adds none. Until the first one no command reads the database."""
    Store.open(empty).close()
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "later.py").write_text(LATER)
    config = upgrade._config()
    config.set_main_option("path_separator", "os")
    folders = (Path(upgrade.__file__).parent / "migrations" / "versions", tmp_path / "later")
    config.set_main_option("version_locations", os.pathsep.join(map(str, folders)))
    monkeypatch.setattr(upgrade, "_config", lambda: config)
    monkeypatch.setattr(upgrade, "REVISION", "9.1.0")
    with pytest.raises(DatabaseRefused, match="start the service once"):
        open_present(empty)
    for _ in range(2):
        with Store.open(empty) as store, store.database.reading.connect() as connection:
            assert connection.exec_driver_sql("SELECT name FROM later").all() == []
            leaves = connection.execute(sa.select(tree_leaf.c.leaf).where(tree_leaf.c.kind == "tables-upgraded")).scalars()
            (told,) = [json.loads(leaf) for leaf in leaves]
            assert (told["from"], told["to"]) == (REVISION, "9.1.0")
            assert list(tree_faults(connection, store.database.log_key())) == []
    open_present(empty).close()


BROKEN = """
import os, signal
from alembic import op

revision, down_revision = "9.1.0", "{before}"


def upgrade():
    op.execute("CREATE TABLE later (name VARCHAR)")
    op.execute("ALTER TABLE watch_lease ADD COLUMN later VARCHAR")
    {breaks}
"""


@pytest.mark.parametrize("breaks", ["op.execute('INSERT INTO nowhere VALUES (1)')", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_migration_that_breaks_off_leaves_nothing_behind(empty, tmp_path, monkeypatch, breaks):
    """Tables and columns that it had made are gone, and the version before starts and records; mended, it completes them."""
    with Store.open(empty) as store:
        append(store, entry(1))
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "later.py").write_text(BROKEN.format(before=REVISION, breaks=breaks))
    config = upgrade._config()
    config.set_main_option("path_separator", "os")
    folders = (Path(upgrade.__file__).parent / "migrations" / "versions", tmp_path / "later")
    config.set_main_option("version_locations", os.pathsep.join(map(str, folders)))
    with monkeypatch.context() as later:
        later.setattr(upgrade, "_config", lambda: config)
        later.setattr(upgrade, "REVISION", "9.1.0")
        if not (pid := os.fork()):
            try:
                with pytest.raises(DatabaseRefused, match=r"cannot be used: .*nowhere"):
                    Store.open(empty)
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == (-9 if "kill" in breaks else 0)
    with Store.open(empty) as store, store.database.reading.connect() as connection:
        assert revision(connection) == REVISION
        there = sa.inspect(connection)
        assert not there.has_table("later")
        assert "later" not in [each["name"] for each in there.get_columns("watch_lease")]
        append(store, entry(2))
        assert sound(store) == 2
    (tmp_path / "later" / "later.py").write_text(BROKEN.format(before=REVISION, breaks="pass"))
    monkeypatch.setattr(upgrade, "_config", lambda: config)
    monkeypatch.setattr(upgrade, "REVISION", "9.1.0")
    with Store.open(empty) as store, store.database.reading.connect() as connection:
        assert connection.exec_driver_sql("SELECT name FROM later").all() == []


LATER = f"""
from alembic import op

revision, down_revision = "9.1.0", "{REVISION}"


def upgrade():
    op.execute("CREATE TABLE later (name VARCHAR)")
"""


@pytest.fixture
def earlier(tmp_path: Path) -> Iterator[Database]:
    """A database that 0.18.0 made."""
    with tarfile.open(Path(__file__).with_name("database-0.18.0.tar.gz")) as packed:
        packed.extractall(tmp_path, filter="data")
    with closing(Database.open(str(tmp_path / "log.db"))) as database:
        yield database


def test_what_takes_long_is_done_before_the_lock_is_taken(earlier, monkeypatch):
    """Others write while Alembic is imported."""
    steps: list[str] = []
    history = upgrade._history

    def noted() -> frozenset[str]:
        steps.append("history")
        return history()

    monkeypatch.setattr(upgrade, "_history", noted)
    sa.event.listen(earlier.writing, "begin", lambda connection: steps.append("lock"))
    upgrade.upgrade(earlier)
    assert steps == ["history", "lock"]


def test_what_was_changed_before_is_not_sealed(earlier):
    """Nor is anything else, where this version seals what the one before sealed. So a change by other means is still seen afterwards."""
    with earlier.writing.begin() as connection:
        connection.execute(sa.update(caller).values(name="somebody else"))
    upgrade.upgrade(earlier)
    with earlier.reading.connect() as connection:
        for id in connection.execute(sa.select(caller.c.id)).scalars():
            with pytest.raises(row_seals.SealBroken):
                row_seals.check(connection, row_seals.KEY, [id])
        for kind, within, ids in row_seals.all_subjects(connection):
            if kind not in (row_seals.KEY, row_seals.ADMISSIONS):
                row_seals.check(connection, kind, ids, within)


def test_several_that_start_at_once_make_the_tables_once(empty):
    """The first does the work, the others find it done."""

    async def together() -> list[Store]:
        return await asyncio.gather(*(asyncio.to_thread(Store.open, empty) for _ in range(4)))

    stores = asyncio.run(together())
    try:
        assert sorted(number for number, store in enumerate(stores) for _ in append(store, entry(number))) == [0, 1, 2, 3]
        assert sound(stores[0]) == 4
    finally:
        for store in stores:
            store.close()


def test_reading_makes_no_file(tmp_path):
    """A name that leads nowhere is said, and still leads nowhere afterwards."""
    with pytest.raises(DatabaseRefused, match="does not exist"):
        open_present(str(tmp_path / "nowhere.db"))
    assert not list(tmp_path.iterdir())


def test_a_file_of_another_program_is_not_read(tmp_path):
    """Its tables are not ours."""
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE mine (x)")
    with pytest.raises(DatabaseRefused, match="is not a log of Fifth Factor"):
        open_present(str(tmp_path / "other.db"))


def test_a_database_that_cannot_keep_every_text_is_refused(postgresql: PostgreSQL) -> None:
    """As one that was made in a machine without a language: its encoding is SQL_ASCII. The sentence says how another one is made."""
    url = postgresql.new(empty=True)
    name = f"{sa.make_url(url).database}_ascii"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
    with pytest.raises(DatabaseRefused, match=r"its encoding is SQL_ASCII.* `createdb --encoding UTF8"):
        Store.open(postgresql.url(name))
