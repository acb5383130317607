"""The leaves of the log that are not records: what each kind holds, what is erased, and what is found of missing openings."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from service.callers import keys
from service.log.store import Store
from service.log.tree_leaves import LogEvent, append
from service.log.tree_verification import tree_faults
from service.register import entity_versions
from service.register.entity import EntityToWrite, read_content
from service.store.tables import leaf_opening, tree_leaf
from tests.service.conftest import BOTH_DATABASES
from tests.service.log.test_store import append as record
from tests.service.log.test_store import entry

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """An open store, on either database."""
    with Store.open(database) as store:
        yield store


def happened(store: Store) -> list[dict[str, Any]]:
    """Every leaf that is not a record, without its schema, its time and its commitments; and each is sound."""
    with store.database.reading.connect() as connection:
        assert not list(tree_faults(connection, store.database.log_key()))
        leaves = connection.execute(sa.select(tree_leaf.c.leaf).order_by(tree_leaf.c.index)).scalars().all()
    documents = [json.loads(leaf) for leaf in leaves]
    return [
        {name: value for name, value in each.items() if name not in ("schema", "at") and not _is_commitment(value)}
        for each in documents
        if each["kind"] != "log"
    ]


def opened(store: Store) -> list[tuple[str, Any]]:
    """The name and value of each opening, in the order of the leaves."""
    with store.database.reading.connect() as connection:
        rows = connection.execute(sa.select(leaf_opening).order_by(leaf_opening.c.leaf, leaf_opening.c.name)).all()
    return [(row.name, None if row.value is None else json.loads(row.value)) for row in rows]


def faults(store: Store) -> list[str]:
    with store.database.reading.connect() as connection:
        return list(tree_faults(connection, store.database.log_key()))


def change(store: Store, statement: str) -> None:
    """Change rows behind the back of the writer."""
    with store.database.writing.begin() as connection:
        connection.execute(sa.text(statement))


def _is_commitment(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"commitment"}


@BOTH_DATABASES
def test_a_key_that_is_made_and_revoked_is_two_leaves(store):
    """Neither has the name of the key or its secret; a second revocation is nothing new."""
    key, told = asyncio.run(
        store.do(lambda transaction: keys.create(transaction, "Wang's", ["read"], date(2027, 1, 1), "boss", NOW))
    )
    for _ in range(2):
        asyncio.run(store.do(lambda transaction: keys.revoke(transaction, key.id, "boss", NOW)))
    assert happened(store) == [
        {"kind": "key-made", "key": key.id, "scopes": ["read"], "expires_on": "2027-01-01"},
        {"kind": "key-revoked", "key": key.id},
    ]
    assert opened(store) == [("by", "boss"), ("name", "Wang's"), ("secret_hash", key.secret_hash.hex()), ("by", "boss")]
    assert told not in repr(opened(store))


@BOTH_DATABASES
def test_changes_of_the_register_are_leaves_and_their_content_is_erased_with_the_entity(store):
    """What is left is that there was something; a leaf of the erasure names the openings that are gone."""
    lab = EntityToWrite("party", "lab", read_content({"facts": {"country": "CN"}}))
    asyncio.run(store.do(lambda transaction: entity_versions.write(transaction, store.database, [lab], "2026-01-01", "wang")))
    assert ("id", "lab") in opened(store)
    assert [value["facts"] for name, value in opened(store) if name == "content"] == ['{"country":"CN"}']
    left = asyncio.run(store.do(lambda transaction: entity_versions.erase(transaction, "party", "lab", "wang")))
    assert happened(store) == [
        {"kind": "register", "entity_kind": "party", "version": 1, "state": "held"},
        {
            "kind": "erasure",
            "of": "entity",
            "entity_kind": "party",
            "id": left[0].id,
            "places": [],
            "openings": [[1, "content"], [1, "id"]],
        },
    ]
    assert opened(store) == [("by", "wang"), ("content", None), ("id", None), ("by", "wang")]


@BOTH_DATABASES
def test_an_erasure_of_a_decision_is_a_leaf(store):
    """It names the places in the request. A second one finds nothing to erase, and is no leaf."""
    record(store, entry(1, personal="Wang Fang"))
    assert [asyncio.run(store.erase("id-1", "boss")) for _ in range(2)] == [1, 0]
    [erasure] = happened(store)
    assert erasure == {
        "kind": "erasure", "of": "decision", "decision": "id-1", "sequence": 0, "places": ["/personal"], "openings": [],
    }  # fmt: skip


@BOTH_DATABASES
def test_what_is_too_long_for_a_leaf_stands_in_it_as_one_commitment(store):
    """Members and all."""
    long = LogEvent("test", "2026-01-01", {"text": "x" * 70_000}, {"by": "wang"}, "subject", frozenset({"by"}))
    asyncio.run(store.do(lambda transaction: append(transaction, long)))
    assert happened(store) == [{"kind": "test"}]
    assert opened(store) == [("document", {"text": "x" * 70_000, "by": "wang"})]


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE leaf_opening SET value = salt WHERE leaf = 1", "leaf 1: the value of `by` does not open its commitment"),
        ("UPDATE leaf_opening SET value = NULL WHERE leaf = 1", "leaf 1: the opening of `by` is half erased"),
        ("DELETE FROM leaf_opening WHERE leaf = 1", "leaf 1: the commitments in it and the openings beside it do not match"),
        (
            "UPDATE leaf_opening SET value = NULL, salt = NULL WHERE leaf = 1",
            "the opening `by` of leaf 1 is missing, and no leaf says that it was erased",
        ),
        (
            "UPDATE personal SET value = NULL, salt = NULL WHERE pointer = '/personal' AND sequence = 1",
            "the opening `/personal` of record 1 is missing, and no leaf says that it was erased",
        ),
        (
            "UPDATE personal SET value = pointer_, salt = pointer_ WHERE pointer = '/personal' AND sequence = 0",
            "the opening `/personal` of record 0 is there, and a leaf says that it was erased",
        ),
    ],
)
@BOTH_DATABASES
def test_openings_that_are_missing_or_should_be_are_found(store, statement, finding):
    """Without a leaf of an erasure nothing may be missing; with one nothing may be there."""
    asyncio.run(store.do(lambda transaction: append(transaction, LogEvent("test", "2026-01-01", {}, {"by": "wang"}))))
    record(store, entry(1, personal="Wang Fang"), entry(2, personal="Li Na"))
    asyncio.run(store.erase("id-1"))
    assert faults(store) == []
    filler = "(SELECT leaf_hash FROM record WHERE sequence = 0)"
    change(store, statement.replace("pointer_", filler))
    assert [each for each in faults(store) if finding in each]
