"""The tree of the log in the database: its growth, its key, and what is found of what was changed behind its back."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.log.leaf import seal
from service.log.store import Store
from service.log.tree_verification import tree_faults
from service.store.database import Database, DatabaseRefused
from service.store.log_key import key_file
from service.store.log_tree import growth_of, sealed_tree
from service.store.tables import head, record, tree_leaf
from service.store.upgrade import upgrade
from service.store.writer import NotRecorded
from service.transparency.merkle_tree import Frontier
from tests.service.conftest import BOTH_DATABASES
from tests.service.log.test_store import append, entry

LEAF = b'{"kind":"test","schema":"fifthfactor/leaf/1"}'


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """An open store, on either database."""
    with Store.open(database) as store:
        yield store


def faults(store: Store) -> list[str]:
    """What verifying the tree finds."""
    with store.database.reading.connect() as connection:
        return list(tree_faults(connection, store.database.log_key()))


def change(store: Store, *statements: Any) -> None:
    """Change rows behind the back of the writer."""
    with store.database.writing.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement) if isinstance(statement, str) else statement)


def leaves(store: Store) -> list[tuple[int, str]]:
    """Index and kind of each leaf; for a record its id."""
    with store.database.reading.connect() as connection:
        records = sa.select(record.c.leaf_index, record.c.id)
        others = sa.select(tree_leaf.c.index, tree_leaf.c.kind)
        return sorted((int(index), name) for chosen in (records, others) for index, name in connection.execute(chosen))


@BOTH_DATABASES
def test_each_record_is_a_leaf_behind_the_one_that_names_the_log(store):
    """Records keep their numbers, and each has an index in the tree."""
    append(store, *map(entry, range(3)))
    assert leaves(store) == [(0, "log"), (1, "id-0"), (2, "id-1"), (3, "id-2")]
    assert faults(store) == []


@BOTH_DATABASES
def test_work_that_fails_leaves_no_leaf(store):
    """Its leaves are undone with its rows; the leaves of the other work in the transaction stay."""

    def good(transaction: sa.Connection) -> int:
        return growth_of(transaction).append("test", LEAF)

    def bad(transaction: sa.Connection) -> int:
        good(transaction)
        raise ValueError("undone")

    async def together() -> list[Any]:
        return await asyncio.gather(*map(store.do, [good, bad, good]), store.append(entry(1)), return_exceptions=True)

    first, undone, second, number = asyncio.run(together())
    assert (first, str(undone), second, number) == (1, "undone", 2, 0)
    assert leaves(store) == [(0, "log"), (1, "test"), (2, "test"), (3, "id-1")]
    assert faults(store) == []


def test_many_leaves_complete_the_nodes_above_them(in_file_store):
    """Every 256 leaves are one node, whether they came one by one or at once."""
    store = in_file_store
    for size in (1, 254, 3, 300):
        asyncio.run(store.do(lambda transaction, size=size: [growth_of(transaction).append("test", LEAF) for _ in range(size)]))
    with store.database.reading.connect() as connection:
        assert connection.execute(sa.text('SELECT level, "index" FROM tree_node ORDER BY 2')).all() == [(8, 0), (8, 1)]
        sealed = sealed_tree(connection)
    assert sealed
    assert (sealed.size, len(sealed.tail)) == (559, (559 - 512) * 32)
    assert faults(store) == []
    change(store, 'UPDATE tree_node SET hash = (SELECT hash FROM tree_node WHERE "index" = 0)')
    assert faults(store) == ["node 1 of level 8 is not the one over its leaves"]
    change(store, 'UPDATE tree_tile SET hashes = (SELECT hashes FROM tree_tile WHERE "index" = 1) WHERE "index" = 0')
    assert "leaf 0: its bytes do not have its hash" in faults(store)
    change(store, "DELETE FROM tree_tile")
    assert faults(store) == ["the hashes of the leaves 0 to 255 are missing"]


@pytest.fixture
def in_file_store(tmp_path: Path) -> Iterator[Store]:
    """An open store in a file."""
    with Store.open(tmp_path / "log.db") as store:
        yield store


def test_a_record_that_is_too_long_for_a_leaf_stands_in_it_by_digest(in_file_store):
    """The tree holds its number and its SHA-256."""
    append(in_file_store, seal({"schema": "x", "id": "long", "request": {}, "decision": {}, "more": "x" * 70_000}, ()))
    with in_file_store.database.reading.connect() as connection:
        leaf = connection.execute(sa.select(tree_leaf.c.leaf).where(tree_leaf.c.index == 1)).scalar_one()
    assert b'"sha256"' in leaf
    assert faults(in_file_store) == []
    change(in_file_store, sa.update(record).values(leaf=b"y" * 70_000))
    assert faults(in_file_store) == ["leaf 1: it does not hold the digest of record 0"]


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        (
            'UPDATE record SET leaf_hash = (SELECT leaf FROM tree_leaf WHERE "index" = 0) WHERE sequence = 0',
            "leaf 1: it does not",
        ),
        (
            "UPDATE record SET leaf_index = 2 WHERE sequence = 0",
            "leaf 1: record 0, which is next, is not there, or names another",
        ),
        ("DELETE FROM tree_leaf", "leaf 0: record 0, which is next, is not there"),
        ("INSERT INTO tree_leaf SELECT 4, 'test', leaf FROM tree_leaf", "leaf 4 is in no sealed tree"),
        ("INSERT INTO tree_leaf SELECT 2, 'test', leaf FROM tree_leaf", "leaf 2: its bytes do not have its hash"),
        (
            "INSERT INTO record SELECT 3, 'slipped in', leaf, leaf_hash, 4 FROM record WHERE sequence = 2",
            "record 3 has no leaf",
        ),
        (
            "INSERT INTO record SELECT 3, 'slipped in', leaf, leaf_hash, 2 FROM record WHERE sequence = 2",
            "record 3 has no leaf",
        ),
        ("UPDATE head SET next = 5 WHERE name = 'leaf'", "the tree of the log has another size than its frontier"),
        ("UPDATE head SET frontier = NULL WHERE name = 'leaf'", "the size and the frontier of the tree are not"),
        ("UPDATE head SET tail = seal WHERE name = 'leaf'", "the tree of the log has another size than its frontier"),
        ("UPDATE head SET seal = frontier WHERE name = 'leaf'", "do not have the seal of the log's key"),
        ("UPDATE head SET next = 0, frontier = NULL, tail = NULL, seal = NULL WHERE name = 'leaf'", "the log has no tree"),
        (
            "UPDATE tree_leaf SET kind = 'other' WHERE \"index\" = 0",
            "leaf 0: it is not the canonical JSON of a leaf of its kind",
        ),
    ],
)
@BOTH_DATABASES
def test_what_was_changed_is_found(store, statement, finding):
    """Each by a sentence that names the place."""
    append(store, *map(entry, range(3)))
    change(store, statement)
    assert finding in faults(store)[0]


@BOTH_DATABASES
def test_only_what_was_sealed_is_extended(database):
    """A frontier that another program wrote takes no record, and the service does not start on it."""
    with Store.open(database) as store:
        forged = Frontier().appended([b"f" * 32])
        set_to = {"frontier": forged.to_bytes(), "tail": b"f" * 32}
        change(store, sa.update(head).where(head.c.name == "leaf").values(set_to))
        with pytest.raises(NotRecorded, match="does not have the seal of the log's key"):
            append(store, entry(1))
    with pytest.raises(DatabaseRefused, match="put the log's own key there"):
        Store.open(database)


@BOTH_DATABASES
def test_a_log_that_was_emptied_is_not_begun_again(database):
    """Its key is there, so it is not new: a second tree would have other roots of the same sizes."""
    with Store.open(database) as store:
        change(
            store,
            "UPDATE head SET next = 0, frontier = NULL, tail = NULL, seal = NULL WHERE name = 'leaf'",
            "DELETE FROM tree_leaf",
        )
    with pytest.raises(DatabaseRefused, match="belongs to another log"):
        Store.open(database)


def test_without_its_key_nothing_is_recorded(tmp_path):
    """No second key is made; with the key everything goes on."""
    path = tmp_path / "log.db"
    with Store.open(path) as store:
        append(store, entry(1))
    assert key_file(path).stat().st_mode & 0o077 == 0
    away = key_file(path).rename(tmp_path / "away")
    with pytest.raises(DatabaseRefused, match="is missing: put it back"):
        Store.open(path)
    assert not key_file(path).exists()
    Store.open(tmp_path / "other.db").close()
    key_file(path).write_bytes(key_file(tmp_path / "other.db").read_bytes())
    with pytest.raises(DatabaseRefused, match="does not have the seal of the log's key"):
        Store.open(path)
    away.rename(key_file(path))
    with Store.open(path) as store:
        assert append(store, entry(2)) == [1]


def test_a_first_start_that_was_interrupted_goes_on(tmp_path, monkeypatch):
    """Before the commit of the first leaf, and between it and the naming of the key."""
    path = tmp_path / "log.db"
    with monkeypatch.context() as patched:
        patched.setattr(
            "service.store.log_tree.Growth.finish", lambda self: (_ for _ in ()).throw(OSError(28, "No space left"))
        )
        with pytest.raises(DatabaseRefused, match="No space left"):
            Store.open(path)
    made = key_file(path).with_name("log.db.log-key.new")
    key = made.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr("service.store.upgrade.accept", lambda path: (_ for _ in ()).throw(OSError(5, "interrupted")))
        with pytest.raises(DatabaseRefused, match="interrupted"):
            Store.open(path)
    assert made.read_bytes() == key
    Store.open(path).close()
    assert key_file(path).read_bytes() == key
    assert not made.exists()


def test_a_tree_is_begun_before_the_first_record(in_file_store):
    """Records without a tree are those of nobody that this service knows: no start begins one over them."""
    append(in_file_store, entry(1))
    change(
        in_file_store,
        "DELETE FROM tree_leaf",
        "UPDATE head SET next = 0, frontier = NULL, tail = NULL, seal = NULL WHERE name = 'leaf'",
    )
    path = str(in_file_store.database.path)
    in_file_store.close()
    for each in (key_file(Path(path)), key_file(Path(path)).with_suffix(".log-key.checkpoint")):
        each.unlink()
    with pytest.raises(DatabaseRefused, match="the log has records, and no sealed tree"):
        Store.open(path)


@BOTH_DATABASES
def test_a_second_start_goes_on_with_the_tree(database):
    """It is begun once, also while another process records."""
    with Store.open(database) as store:
        append(store, entry(1))
        second = Database.open(database)
        upgrade(second)
        second.close()
        append(store, entry(2))
        assert faults(store) == []
