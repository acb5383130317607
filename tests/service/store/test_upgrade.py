"""The tables and their history: what the migrations make is what the code reads, and an older log goes on."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from service.log.leaf import seal
from service.log.store import Store
from service.log.tree_verification import tree_faults
from service.store import log_key, upgrade
from service.store.database import Database, DatabaseRefused
from service.store.tables import COUNTER_KEYS, REVISION, draft, entity, metadata, tree_leaf
from service.store.upgrade import look, revisions
from tests.service.log.test_store import append, entry, sound


def of_the_first_version(database: str, records: int) -> None:
    """A log as the first version of its tables left it."""
    opened = Database.open(database)
    binary = "BLOB" if opened.dialect == "sqlite" else "BYTEA"
    with opened.writing.begin() as connection:
        for statement in (
            "CREATE TABLE about (name VARCHAR NOT NULL PRIMARY KEY, value VARCHAR NOT NULL)",
            f"CREATE TABLE record (sequence {'INTEGER' if binary == 'BLOB' else 'BIGINT'} NOT NULL PRIMARY KEY,"
            f" id VARCHAR NOT NULL UNIQUE, leaf {binary} NOT NULL, leaf_hash {binary} NOT NULL)",
            f"CREATE TABLE personal (sequence {'INTEGER' if binary == 'BLOB' else 'BIGINT'} NOT NULL REFERENCES record (sequence),"
            f" pointer VARCHAR NOT NULL, salt {binary}, value {binary}, erased_at VARCHAR, PRIMARY KEY (sequence, pointer))",
            "INSERT INTO about VALUES ('schema', '1')",
        ):
            connection.exec_driver_sql(statement)
        for number in range(records):
            each = seal({"schema": "fifthfactor/record/1", "id": f"id-{number}", "request": {}, "decision": {}}, ())
            row = {"sequence": number, "id": each.id, "leaf": each.leaf, "leaf_hash": each.leaf_hash}
            connection.execute(sa.insert(metadata.tables["record"]).values(**row))
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a database without tables, for whose log there is no key."""
    if request.param == "sqlite":
        return str(tmp_path / "old.db")
    url = str(request.getfixturevalue("postgresql").new(empty=True))  # first: it names the key of a copy
    monkeypatch.setattr(log_key, "OF_A_SERVER", tmp_path / "old.log-key")
    return url


def begun_with(connection: sa.Connection) -> dict[str, list[tuple[object, ...]]]:
    """The rows of each table, without the secret, which differs."""
    rows = {name: sorted(tuple(row) for row in connection.execute(sa.select(table))) for name, table in metadata.tables.items()}
    return rows | {"about": [(name, len(value)) for name, value in rows["about"]], "revisions": [revisions(connection)]}


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


@pytest.mark.parametrize("records", [0, 3])
def test_a_log_of_the_first_version_goes_on(empty, records):
    """Its records stay as they are, and the next one gets the next number."""
    of_the_first_version(empty, records)
    with pytest.raises(DatabaseRefused, match="start the service once"):
        look(empty)
    with Store.open(empty) as store:
        assert sound(store) == records
        assert append(store, entry(100)) == [records]
        assert sound(store) == records + 1
    look(empty).close()


def test_new_tables_of_a_log_with_a_tree_are_a_leaf(empty):
    """From which revision, and to which; a second start adds none."""
    older = Database.open(empty)
    with older.writing.begin() as connection:
        config = upgrade._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "log_tree")
        assert upgrade._tree_begun(older, connection)
    log_key.accept(older.key_path)
    older.close()
    for _ in range(2):
        with Store.open(empty) as store, store.database.reading.connect() as connection:
            leaves = connection.execute(sa.select(tree_leaf.c.leaf).where(tree_leaf.c.kind == "tables-upgraded")).scalars()
            (told,) = [json.loads(leaf) for leaf in leaves]
            assert (told["from"], told["to"], list(tree_faults(connection, store.database.log_key()))) == (
                "log_tree",
                REVISION,
                [],
            )


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
        look(str(tmp_path / "nowhere.db"))
    assert not list(tmp_path.iterdir())


def test_a_file_of_another_program_is_not_read(tmp_path):
    """Its tables are not ours."""
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE mine (x)")
    with pytest.raises(DatabaseRefused, match="is not a log of Fifth Factor"):
        look(str(tmp_path / "other.db"))


def test_who_was_erased_before_has_the_moment_of_her_erasure(empty):
    """It is in the leaf of the erasure."""
    database = Database.open(empty)
    with database.writing.begin() as connection:
        config = upgrade._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "sessions")
        for id in ("a", "b"):
            connection.exec_driver_sql(f"INSERT INTO person (id, known_at) VALUES ('{id}', '2026-01-01')")
        of: tuple[dict[str, str], ...] = ({"of": "person", "person": "a"}, {"of": "entity", "id": "b"})
        for index, members in enumerate(of):
            leaf = json.dumps({"kind": "erasure", "at": "2026-02-02", **members}).encode()
            connection.execute(sa.insert(tree_leaf).values(index=index, kind="erasure", leaf=leaf))
        command.upgrade(config, "head")
        rows = connection.exec_driver_sql("SELECT id, erased_at FROM person ORDER BY id").all()
        assert [tuple(row) for row in rows] == [("a", "2026-02-02"), ("b", None)]
    database.close()


def test_what_was_stated_before_there_were_shapes_is_of_the_first_one(empty):
    """An entity of the register has no shape, and a draft that is not decided says that it has the first one."""
    database = Database.open(empty)
    with database.writing.begin() as connection:
        config = upgrade._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "sign_off_anchor")
        connection.execute(
            sa.text(
                "INSERT INTO entity (kind, id, version, state, aliases, facts, documents, travels, recorded_at, recorded_by)"
                " VALUES ('party', 'a', 1, 'held', '[]', '{}', '{}', '[]', '', '')"
            )
        )
        for id, decision in (("open", "NULL"), ("decided", "'d'")):
            connection.execute(
                sa.text(
                    "INSERT INTO draft (id, owner, version, document, skipped, changed_at, decision)"
                    f" VALUES ('{id}', 'me', 0, '{{\"act\": {{}}}}', '[]', '', {decision})"
                )
            )
        command.upgrade(config, "head")
        assert connection.execute(sa.select(entity.c.shape)).scalars().all() == [None]
        found = dict(connection.execute(sa.select(draft.c.id, draft.c.document)).tuples().all())
        assert {id: json.loads(text) for id, text in found.items()} == {
            "open": {"schema": "fifthfactor/exchange/1", "act": {}},
            "decided": {"act": {}},
        }
    database.close()


def test_names_of_the_register_are_folded_and_older_books_keep_their_names(empty):
    """Each id and alias that is there is found by what looks like it; a database without rows in its books folds their names too."""
    for opening in (False, True):
        database = Database.open(empty)
        with database.writing.begin() as connection:
            if not opening:
                config = upgrade._config()
                config.attributes["connection"] = connection
                command.upgrade(config, "entity_shape")
                rows = dict.fromkeys(("aliases", "facts", "documents", "travels", "recorded_at", "recorded_by"), "")
                for id, version, state in (("Acme", 1, "held"), ("Acme", 2, "held"), ("erased-1", 1, "erased")):
                    row = {"kind": "party", "id": id, "version": version, "state": state, **rows}
                    connection.execute(sa.insert(metadata.tables["entity"]), row)
                connection.execute(
                    sa.insert(metadata.tables["entity_alias"]), {"kind": "party", "alias": "A\u200bB", "id": "Acme"}
                )
            else:
                connection.exec_driver_sql("DROP TABLE entity_spelling")
                connection.exec_driver_sql("DROP INDEX movement_data_set")
                for column in ("data_set", "same_as"):
                    connection.exec_driver_sql(f"ALTER TABLE movement DROP COLUMN {column}")
                connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'entity_shape'")
                shown = dict.fromkeys(("id", "book", "asset", "party", "day", "evidence", "reason", "at", "by"), "x")
                connection.execute(sa.insert(metadata.tables["right_opening"]), {**shown, "leaf": 0, "complete": True})
                config = upgrade._config()
                config.attributes["connection"] = connection
            command.upgrade(config, "head")
            spelt = sa.select(metadata.tables["entity_spelling"]).order_by(sa.column("folded"))
            assert [tuple(row) for row in connection.execute(spelt)] == [
                ("party", "ab", "A\u200bB", "Acme"),
                ("party", "acrne", "Acme", "Acme"),
            ]
            about = metadata.tables["about"]
            names = sa.select(about.c.value).where(about.c.name == "names")
            assert connection.execute(names).scalars().all() == (["as spelt"] if opening else [])
        database.close()


def test_a_ledger_with_rows_is_to_join_its_spellings_at_the_next_start(empty):
    """One without a movement and without an opening has nothing to join."""
    for opened in (False, True):
        database = Database.open(empty)
        with database.writing.begin() as connection:
            config = upgrade._config()
            config.attributes["connection"] = connection
            if not opened:
                command.upgrade(config, "data_sets")
            else:
                connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'data_sets'")
                shown = dict.fromkeys(("id", "fact", "counter", "meaning", "key", "day", "at", "by"), "x")
                connection.execute(sa.insert(metadata.tables["opening"]), {**shown, "low": 1, "high": 1})
            command.upgrade(config, "head")
            about = metadata.tables["about"]
            marked = sa.select(about.c.value).where(about.c.name == COUNTER_KEYS)
            assert connection.execute(marked).scalars().all() == (["as spelt"] if opened else [])
        database.close()
