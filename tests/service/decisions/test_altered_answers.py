"""Answers that are kept for retries, and rows of them that somebody else changed, moved, added, put back or took away."""

import asyncio
import json
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.audit.repair import repair
from service.log.key_changes import rotate_key
from service.store.database import Database
from service.store.log_tree import growth_of
from service.store.moments import moment_text
from service.store.tables import head, idempotency
from tests.service.callers.test_callers import bearer, make, opened, problem
from tests.service.conftest import BOTH_DATABASES, Lines, body, unlike_the_leaves
from tests.service.decisions.test_idempotency import BATCH, JSON, kept, send
from tests.service.ledger.desk import POLICIES as LEDGER
from tests.service.ledger.desk import Desk, desks

UNSEALED = "does not have the seal of the log's key"
SENT: dict[str, Any] = {
    "exporter": {"id": "clinic", "country": "CN"},
    "recipient": {"id": "lab"},
    "data": {"people": {"ordinary": 70, "rest": 0}, "staff": False},
}
IN_PLACE = sorted({column.name for column in idempotency.columns} - {"caller", "key"})


@pytest.fixture
def desk(database: str, lines: Lines) -> Iterator[Desk]:
    """A service with a ledger, whose clock is that of the machine's day."""
    with desks(lines, policies=LEDGER, database=database, mode="bitset") as open:
        yield open(ledger_since="2026-01-01")


@pytest.fixture
def write(database: str) -> Iterator[Callable[..., Any]]:
    """Whoever can write to the database, and lacks the log's key."""
    with closing(Database.open(database)) as beside:

        def written(*statements: sa.Executable) -> None:
            with beside.writing.connect() as connection, connection.begin():
                for each in statements:
                    connection.execute(each)

        yield written


def spoiled(value: Any) -> Any:
    """Another value of the same type."""
    match value:
        case None:
            return b"x" if value == b"" else "x"
        case bytes():
            return bytes([value[0] ^ 1, *value[1:]])
        case int():
            return value + 1
        case _:
            return value + "x"


@BOTH_DATABASES
def test_a_changed_value_of_any_column_is_not_answered_and_is_named(client, service, database, write):
    """The retry is refused, and decides nothing; the deep verification names the row; put back, the row is answered again."""
    first = send(client, "the-key")
    (row,) = kept(database)
    for column in IN_PLACE:
        other = 7 if column.endswith("_record") else spoiled(getattr(row, column))
        write(sa.update(idempotency).values({column: other}))
        problem(send(client, "the-key"), 503, "seal-broken")
        (found,) = unlike_the_leaves(database)
        assert UNSEALED in found, column
        assert row.key not in found, column  # a caller may have written anything into it
        write(sa.update(idempotency).values({column: getattr(row, column)}))
        assert send(client, "the-key").content == first.content
    for column in ("body", "seal", "location", "first_record"):
        write(sa.update(idempotency).values({column: None}))
        assert send(client, "the-key").status_code == (503 if getattr(row, column) is not None else 200), column
        write(sa.update(idempotency).values({column: getattr(row, column)}))
    assert service.store.records == 1
    assert unlike_the_leaves(database) == []


@BOTH_DATABASES
def test_a_refusal_that_is_changed_to_a_permit_is_not_answered(client, service, database, write):
    """Nor with the digest of the other answer in the seal, which needs no key; whoever counts refusals sees it."""
    first = send(client, "one").json()
    assert not first["proceed"]
    (row,) = kept(database)
    for change in ({"proceed": True, "outcome": "permitted"}, {"id": "01234567-0000-7000-8000-000000000000"}):
        other = json.dumps({**first, **change}).encode()
        for seal in (row.seal, sha256(other).digest() + row.seal[32:]):
            write(sa.update(idempotency).values(body=other, seal=seal))
            found = problem(send(client, "one"), 503, "seal-broken")
            assert "the answer that is kept for a retry" in found.detail
    assert service.store.records == 1
    assert 'fifthfactor_refusals_total{kind="seal-broken"} 4' in client.get("/metrics").text


@BOTH_DATABASES
def test_a_row_of_another_key_or_another_call_is_not_answered(client, service, database, write):
    """Moved, copied or exchanged, with its own seal."""
    send(client, "one")
    send(client, "two", body(as_of="2024-06-02"))
    one, two = sorted(kept(database), key=lambda row: row.key)
    write(sa.delete(idempotency).where(idempotency.c.key == "two"), sa.update(idempotency).values(key="two"))
    problem(send(client, "two"), 503, "seal-broken")
    others = {"body": two.body, "seal": two.seal}
    write(sa.update(idempotency).values(key="one", **others))
    problem(send(client, "one"), 503, "seal-broken")
    write(sa.update(idempotency).values(one._asdict()), sa.insert(idempotency).values({**one._asdict(), "key": "three"}))
    problem(send(client, "three"), 503, "seal-broken")
    assert send(client, "one").status_code == 200
    assert service.store.records == 2
    assert [UNSEALED in each for each in unlike_the_leaves(database)] == [True]


@BOTH_DATABASES
def test_a_row_of_another_caller_is_not_answered(database, lines, write):
    """What one caller was answered is not moved to another one."""
    callers: list[Any] = [bearer(make(database, "evaluate")) for _ in range(2)]
    one, other = callers
    with opened(database, lines) as client:
        assert send(client, "same", **one).status_code == 200
        assert send(client, "other", **other).status_code == 200
        (theirs,) = [row.caller for row in kept(database) if row.key == "other"]
        write(sa.update(idempotency).where(idempotency.c.key == "same").values(caller=theirs))
        problem(send(client, "same", **other), 503, "seal-broken")
        (found,) = unlike_the_leaves(database)
        assert UNSEALED in found
        assert f"`{theirs}`" in found


@BOTH_DATABASES
def test_an_invented_row_is_not_answered(client, service, database, write):
    """With a code of another key, or without any."""
    send(client, "one")
    (row,) = kept(database)
    for seal in (None, b"", b"\x00" * 32, b"\x00" * 64):
        write(sa.insert(idempotency).values({**row._asdict(), "key": "new", "seal": seal}))
        problem(send(client, "new"), 503, "seal-broken")
        assert [UNSEALED in each for each in unlike_the_leaves(database)] == [True]
        write(sa.delete(idempotency).where(idempotency.c.key == "new"))
    assert service.store.records == 1


@BOTH_DATABASES
def test_whatever_was_answered_is_held_to_its_seal(desk, database, write):
    """Evaluations, batches, drafts, the register, erasures, commitments and their ends: each retry is refused, and does nothing."""
    decision, other = (desk.evaluate()["id"] for _ in range(2))
    made = desk.commit(200)["id"]
    calls: dict[str, tuple[str, str, Any]] = {
        "evaluate": ("POST", "/v1/evaluate", SENT),
        "batch": ("POST", "/v1/evaluate/batch", {"exchanges": [SENT]}),
        "draft": ("POST", "/v1/drafts", {"data": {"staff": False}}),
        "party": ("PUT", "/v1/parties/studio", {}),
        "commit": ("POST", "/v1/commitments", {"decision": decision}),
        "withdraw": ("POST", f"/v1/commitments/{made}/withdraw", {"reason": "the lab closed"}),
        "erase": ("POST", f"/v1/decisions/{other}/erase", None),
    }

    def call(name: str) -> Any:
        method, path, sent = calls[name]
        content = b"" if sent is None else json.dumps(sent).encode()
        return desk.client.request(method, path, content=content, headers={**JSON, "idempotency-key": name})

    first = {name: call(name) for name in calls}
    assert {name: answer.text for name, answer in first.items() if not answer.is_success} == {}
    assert {name: call(name).content for name in calls} == {name: answer.content for name, answer in first.items()}
    assert {row.key for row in kept(database)} == set(calls)
    before = leaves(database)
    for row in kept(database):
        write(sa.update(idempotency).where(idempotency.c.key == row.key).values(body=row.body + b" "))
    for name in calls:
        problem(call(name), 503, "seal-broken")
    assert leaves(database) == before
    assert [UNSEALED in each for each in unlike_the_leaves(database)] == [True] * len(calls)


@BOTH_DATABASES
def test_a_row_that_was_taken_away_is_a_call_that_was_not_made(client, service, database, write):
    """It is decided anew, by what holds now, and the log has both decisions: no answer leaves without its record."""
    first = send(client, "one").json()
    write(sa.delete(idempotency))
    again = send(client, "one").json()
    assert first["id"] != again["id"]
    assert {each.entry.id for each in service.store.scan()} == {first["id"], again["id"]}
    assert unlike_the_leaves(database) == []


@BOTH_DATABASES
@pytest.mark.parametrize(("path", "content"), [("/v1/evaluate", body()), ("/v1/evaluate/batch", BATCH)])
def test_an_answer_that_is_put_back_after_its_erasure_is_not_given(client, service, database, write, path, content):
    """Its seal is its own, so the record says that it was erased. Nor is a row believed that was emptied by another hand."""
    send(client, "one", content, path)
    (row,) = kept(database)
    asyncio.run(service.store.erase(next(each.entry.id for each in service.store.scan())))
    (emptied,) = kept(database)
    assert (emptied.body, emptied.digest, len(emptied.seal)) == (None, "", 32)
    problem(send(client, "one", content, path), 410, "idempotency-erased")
    assert unlike_the_leaves(database) == []
    write(sa.update(idempotency).values(row._asdict()))
    problem(send(client, "one", content, path), 410, "idempotency-erased")
    assert ["was erased with its record, and is there" in each for each in unlike_the_leaves(database)] == [True]
    write(sa.update(idempotency).values(body=None, digest=""))
    problem(send(client, "one", content, path), 503, "seal-broken")
    assert [UNSEALED in each for each in unlike_the_leaves(database)] == [True]
    assert service.store.records == len(list(service.store.scan()))


@BOTH_DATABASES
def test_an_erasure_seals_no_row_that_was_altered_before(client, service, database, write):
    """It empties the row all the same, and keeps no digest of what was there."""
    send(client, "one")
    write(sa.update(idempotency).values(status=201))
    asyncio.run(service.store.erase(next(each.entry.id for each in service.store.scan())))
    (row,) = kept(database)
    assert (row.body, row.digest, row.seal) == (None, "", b"")
    problem(send(client, "one"), 503, "seal-broken")
    assert [UNSEALED in each for each in unlike_the_leaves(database)] == [True]


@BOTH_DATABASES
def test_another_key_of_the_log_seals_what_had_its_seal(client, service, database, write):
    """A retry gets its first answer, an erased one is still erased, and what was altered before stays altered."""
    first = {name: send(client, name) for name in ("kept", "erased", "altered")}
    asyncio.run(service.store.erase(first["erased"].json()["id"]))
    write(sa.update(idempotency).where(idempotency.c.key == "altered").values(status=201))
    before = {row.key: row.seal for row in kept(database)}
    with closing(Database.open(database)) as beside:
        rotate_key(beside, "tester")
    assert {row.key: row.seal != before[row.key] for row in kept(database)} == {"kept": True, "erased": True, "altered": False}
    for _ in range(2):
        assert send(client, "kept").content == first["kept"].content
        problem(send(client, "erased"), 410, "idempotency-erased")
        problem(send(client, "altered"), 503, "seal-broken")
        send(client, None)  # the service learns of the new key
    assert [UNSEALED in each for each in unlike_the_leaves(database)] == [True]


@BOTH_DATABASES
def test_repair_erases_what_was_altered(client, service, database, write):
    """No leaf has the answer. So the retry learns that it is gone, and nothing is decided twice; sound rows stay."""
    first = {name: send(client, name) for name in ("kept", "altered")}
    write(sa.update(idempotency).where(idempotency.c.key == "altered").values(body=b"{}"))
    with closing(Database.open(database)) as beside:
        assert [repair(beside, "tester", "a test").tables.get("idempotency") for _ in range(2)] == [1, None]
    assert unlike_the_leaves(database) == []
    problem(send(client, "altered"), 410, "idempotency-erased")
    assert send(client, "kept").content == first["kept"].content
    assert service.store.records == 2


@BOTH_DATABASES
def test_an_answer_of_an_earlier_version_is_neither_given_nor_made_a_second_time(client, service, database, write):
    """Until a day after the tables were completed, while old workers may go on. A row without a seal that is younger was altered."""
    send(client, "one")
    with service.store.database.transaction() as transaction:
        growth_of(transaction).note("tables-upgraded", {"from": "0.17.0", "to": "1.0.0"})
    now = datetime.now(UTC)
    write(sa.update(idempotency).values(seal=None, created_at=moment_text(now - timedelta(hours=1))))
    for created, status, named in ((-1, 410, 0), (23, 410, 0), (25, 503, 1)):
        write(sa.update(idempotency).values(created_at=moment_text(now + timedelta(hours=created))))
        assert send(client, "one").status_code == status
        assert len(unlike_the_leaves(database)) == named
    assert service.store.records == 1
    write(sa.update(idempotency).values(created_at=moment_text(now - timedelta(hours=25))))
    assert send(client, "one").status_code == 200  # the key is free, as an answer is kept for a day
    assert service.store.records == 2


def test_a_database_of_an_earlier_version_is_upgraded_without_believing_its_answers(tmp_path, lines):
    """Of 0.18.0, with a row as its workers wrote them: nobody is answered by it, and the log has no fault."""
    with tarfile.open(Path(__file__).parents[1] / "store" / "database-0.18.0.tar.gz") as packed:
        packed.extractall(tmp_path, filter="data")
    url, now = str(tmp_path / "log.db"), datetime.now(UTC)
    with closing(sqlite3.connect(url)) as older:
        row = ("of-0.18", "one", "d", 200, "application/json", b"{}", moment_text(now))
        older.execute(
            'INSERT INTO idempotency (caller, "key", digest, status, media_type, body, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
            row,
        )
        older.commit()
    headers: Any = bearer(make(url, "evaluate", now=now))
    with closing(sqlite3.connect(url)) as older:
        older.execute("UPDATE idempotency SET caller = (SELECT 'key:' || id FROM caller ORDER BY created_at DESC LIMIT 1)")
        older.commit()
    with opened(url, lines, clock=lambda: now) as client:
        before = leaves(url)
        problem(send(client, "one", **headers), 410, "idempotency-erased")
        assert leaves(url) == before
    assert unlike_the_leaves(url) == []


def leaves(database: str) -> int:
    """How many leaves the log has."""
    with closing(Database.open(database)) as beside, beside.reading.connect() as connection:
        number: int = connection.execute(sa.select(head.c.next).where(head.c.name == "leaf")).scalar_one()
        return number
