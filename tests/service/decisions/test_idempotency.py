"""Calls made again with the same Idempotency-Key: the first answer, and never a second record."""

import asyncio
import contextlib
import http.client
import json
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.decisions.idempotency import purge
from service.service import Service
from service.store.database import Database
from service.store.tables import idempotency
from service.store.writer import Writer
from tests.service.callers.test_callers import bearer, make, opened, problem
from tests.service.conftest import BOTH_DATABASES, PERSONAL, Server, as_recorded, body, eventually, running
from tests.service.database_files import database_files
from tests.service.server.test_server import sound

JSON = {"content-type": "application/json"}
BATCH = b'{"exchanges": [%b, {"no": 1}, %b]}' % (body(), body())


def send(client: Any, key: str | None, content: bytes = b"", path: str = "/v1/evaluate", **headers: str) -> Any:
    """A call with a key, or without one."""
    named = {} if key is None else {"idempotency-key": key}
    return client.post(path, content=content or body(), headers={**JSON, **named, **headers})


def kept(url: str) -> list[Any]:
    """The rows of answers that are kept."""
    database = Database.open(url)
    with database.reading.connect() as connection:
        found = connection.execute(sa.select(idempotency)).all()
    database.close()
    return list(found)


@pytest.mark.parametrize(("path", "content", "records"), [("/v1/evaluate", body(), 1), ("/v1/evaluate/batch", BATCH, 2)])
def test_a_retry_gets_the_first_answer(client, service, lines, path, content, records):
    """Byte for byte, and says so; nothing is decided or recorded again."""
    first = send(client, "one", content, path)
    again = send(client, "one", content, path)
    assert (first.status_code, "idempotency-replayed" in first.headers) == (200, False)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert (again.content, again.headers["content-type"]) == (first.content, first.headers["content-type"])
    assert service.store.records == records
    assert [line.get("replayed") for line in lines.events("request")] == [None, True]
    assert sound(service.settings.database) == {each.entry.id for each in service.store.scan()}


def test_without_a_key_every_call_counts(client, service):
    """And nothing is kept."""
    assert send(client, None).content != send(client, None).content
    assert service.store.records == 2
    assert kept(service.settings.database) == []


def test_with_a_key_the_record_is_as_without(client, service):
    """The answer is the recorded decision, with links to it."""
    decision = send(client, "one").json()
    assert client.get(f"/v1/decisions/{decision['id']}").json()["record"]["decision"] == as_recorded(decision)
    assert client.app.state.service.store.read(decision["id"]).faults() == ()


def test_another_call_does_not_get_the_answer(client, service):
    """Another body, query or address under the same key is refused, for it is not a retry."""
    first = send(client, "one")
    for content, path in (
        (body(as_of="2024-06-02"), "/v1/evaluate"),
        (body() + b" ", "/v1/evaluate"),
        (body(), "/v1/evaluate?lang=zh"),
        (BATCH, "/v1/evaluate/batch"),
    ):
        problem(send(client, "one", content, path), 422, "idempotency-mismatch")
    assert send(client, "one").content == first.content
    assert service.store.records == 1


def test_another_caller_has_keys_of_its_own(tmp_path, lines):
    """The same key of two callers is two calls."""
    url = str(tmp_path / "log.db")
    callers: list[Any] = [bearer(make(url, "evaluate")) for _ in range(2)]
    with opened(url, lines) as client:
        answers = {send(client, "same", **each).content for each in callers * 2}
    assert len(answers) == 2


def test_a_refused_call_may_be_tried_again(client, service):
    """It kept nothing, so the key is free for the call put right."""
    for wrong in (b"{", body(as_of="2024-02-30")):
        problem(send(client, "one", wrong), 400, "exchange-refused")
    problem(send(client, "one", b"[]", "/v1/evaluate/batch"), 400, "batch-refused")
    assert kept(service.settings.database) == []
    assert send(client, "one").status_code == 200


@pytest.mark.parametrize("key", [b"", b"x" * 256, b"a b", b"\xc3\xa9", b"a\tb", b"\x7f"])
def test_a_key_of_another_form_is_refused(client, service, key):
    """1 to 255 visible characters of ASCII; a caller must not think that its call can be repeated."""
    for path, content in (
        ("/v1/evaluate", body()),
        ("/v1/evaluate/batch", BATCH),
        ("/v1/keys", b'{"name":"a","scopes":["read"]}'),
    ):
        answer = client.post(path, content=content, headers=[*JSON.items(), (b"idempotency-key", key)])
        problem(answer, 400, "bad-request")
    twice = client.post(
        "/v1/evaluate", content=body(), headers=[*JSON.items(), ("idempotency-key", "a"), ("idempotency-key", "a")]
    )
    problem(twice, 400, "bad-request")
    assert service.store.records == 0


def test_odd_keys_are_taken_as_they_are(client, service):
    """Quotes, percent signs and the longest one."""
    for key in ('"quoted"', "%s%00';--", "x" * 255):
        assert send(client, key).content == send(client, key).content
    assert service.store.records == 3


def test_the_answer_is_kept_by_the_commit_that_records(client, service, monkeypatch):
    """A commit that fails keeps neither, and the retry is the first that counts."""
    write = Writer._write

    def fails(self: Writer, jobs: Any) -> Any:
        with self.database.writing.connect() as connection, connection.begin() as transaction:
            self.database.lock(connection)
            for job in jobs:
                assert job.work is not None
                job.work(connection)
            transaction.rollback()
        raise OSError("the disk is gone")

    monkeypatch.setattr(Writer, "_write", fails)
    problem(send(client, "one"), 503, "not-recorded")
    monkeypatch.setattr(Writer, "_write", write)
    assert kept(service.settings.database) == []
    assert list(service.store.scan()) == []
    assert send(client, "one").content == send(client, "one").content
    assert len(list(service.store.scan())) == 1


def test_work_that_fails_undoes_what_it_wrote(client, service):
    """The refusal reaches the caller, and neither the record nor an answer is there."""
    store, record = service.store, service.store.record

    def breaks(transaction: sa.Connection, entries: Any) -> range:
        record(transaction, entries)
        raise ValueError("after it was written")

    store.record = breaks
    problem(send(client, "one"), 500, "internal")
    store.record = record
    assert list(store.scan()) == []
    assert kept(service.settings.database) == []


@BOTH_DATABASES
def test_an_answer_is_kept_for_a_day(database, lines, monkeypatch):
    """Then the key is free, and what was kept is deleted in small steps."""

    async def nothing(service: Service) -> None:
        """This test deletes by itself, and the service does not beside it."""

    monkeypatch.setattr("service.server.app.purge_now_and_then", nothing)
    moment = datetime(2026, 11, 24, 12, tzinfo=UTC)
    with opened(database, lines, clock=lambda: moment) as client:
        service = client.app.state.service  # type: ignore[attr-defined]
        first = send(client, "one").content
        for number in range(14):
            send(client, f"other-{number}")
        moment += timedelta(hours=24)
        assert send(client, "one").content == first
        moment += timedelta(seconds=1)
        assert send(client, "one").content != first
        assert service.store.records == 16

        async def steps() -> list[int]:
            return [await service.store.do(lambda transaction: purge(service, transaction)) for _ in range(3)]

        assert asyncio.run(steps()) == [10, 4, 0]
        assert [row.key for row in kept(database)] == ["one"]


def test_old_answers_go_when_a_service_starts(database, lines):
    """Without anybody calling."""
    with opened(database, lines) as client:
        for number in range(12):
            send(client, f"{number}")
    later = datetime(2026, 11, 26, tzinfo=UTC)
    with opened(database, lines, clock=lambda: later):
        eventually(lambda: not kept(database))


@pytest.mark.parametrize(("path", "content"), [("/v1/evaluate", body()), ("/v1/evaluate/batch", BATCH)])
def test_erasing_a_record_empties_the_answers_that_hold_it(client, service, path, content):
    """Neither the values nor a digest of them is left; the retry is told so, and records nothing. Other answers stay."""
    send(client, "one", content, path)
    other = send(client, "other")
    erased = list(service.store.scan())[-2].entry.id
    assert asyncio.run(service.store.erase(erased)) == 3
    problem(send(client, "one", content, path), 410, "idempotency-erased")
    assert send(client, "other").content == other.content
    (row,) = [row for row in kept(service.settings.database) if row.key == "one"]
    assert (row.body, row.digest) == (None, "")
    assert service.store.records == len(list(service.store.scan()))


def test_no_trace_of_an_erased_answer_is_left_in_the_file(in_file):
    """Nor in its write-ahead log: an answer may repeat what was sent."""
    value = b"what an answer repeats, and nobody may find again"
    service = in_file

    def work(transaction: sa.Connection) -> None:
        values = {"status": 200, "media_type": "x", "created_at": "2999", "body": value * 50, "digest": "d"}
        transaction.execute(sa.insert(idempotency).values(caller="c", key="k", first_record=0, last_record=0, **values))

    from tests.service.log.test_store import entry

    asyncio.run(service.store.append(entry(1, personal="x")))
    asyncio.run(service.store.do(work))
    file = service.store.database.path
    assert file is not None
    assert any(value in bytes for bytes in database_files(file).values())
    asyncio.run(service.store.erase("id-1"))
    assert not any(value in bytes for bytes in database_files(file).values())


def test_a_key_is_made_once_and_told_once(client, service):
    """The retry of a lost answer makes no second key; the first one's secret is not kept for it."""
    wanted = b'{"name": "gateway", "scopes": ["administer"]}'
    first = send(client, "one", wanted, "/v1/keys").json()
    secret = first["key"].split("_", 2)[2]  # it may have underscores itself
    asked = bearer(first["key"])
    (row,) = kept(service.settings.database)
    assert secret.encode() not in row.body
    assert json.loads(row.body) == {**first, "key": None}
    again = send(client, "two", wanted, "/v1/keys", **asked)
    retry = send(client, "two", wanted, "/v1/keys", **asked)
    assert (retry.status_code, retry.headers["idempotency-replayed"]) == (201, "true")
    assert retry.json() == {**again.json(), "key": None}
    assert len(client.get("/v1/keys", headers=asked).json()["keys"]) == 2


def test_revoking_again_is_the_same_answer(client, lines):
    """With one line for the audit."""
    made = client.post("/v1/keys", json={"name": "a", "scopes": ["administer"]}).json()
    other = client.post("/v1/keys", json={"name": "b", "scopes": ["read"]}, headers=bearer(made["key"])).json()
    path = f"/v1/keys/{other['id']}/revoke"
    answers = {send(client, "one", b"{}", path, **bearer(made["key"])).content for _ in range(3)}
    assert len(answers) == 1
    assert [line["action"] for line in lines.events("audit")].count("key-revoked") == 1


def test_the_key_is_in_no_line(client, lines):
    """A caller may have put anything into it."""
    for _ in range(2):
        send(client, "practice-of-dr-li-na")
    send(client, "practice-of-dr-li-na", body(as_of="2024-06-02"))
    assert len(lines.events("request")) == 3
    for value in PERSONAL.values():
        assert value not in lines.getvalue()


# --- real servers ----------------------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path, database: str) -> Iterator[Server]:
    """One that many ask at once."""
    with running(database, folder=tmp_path) as server:
        yield server


def over_the_wire(server: Server, key: str, content: bytes = b"", path: str = "/v1/evaluate") -> tuple[int, str | None, bytes]:
    """A call on a connection of its own: status, whether it was a replay, body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(connection):
        connection.request("POST", path, content or body(), {"Content-Type": "application/json", "Idempotency-Key": key})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Idempotency-Replayed"), answer.read()


@pytest.mark.parametrize(("path", "content", "records"), [("/v1/evaluate", body(), 1), ("/v1/evaluate/batch", BATCH, 2)])
@BOTH_DATABASES
def test_twenty_retries_at_once_are_one_record(server, database, path, content, records):
    """Whichever comes first; all get the same bytes, one of them as the first."""
    many = 8 if path.endswith("batch") else 20  # more batches at once are turned away
    with ThreadPoolExecutor(many) as threads:
        answers = list(threads.map(lambda _: over_the_wire(server, "one", content, path), range(many)))
    assert {status for status, _, _ in answers} == {200}
    assert len({content for _, _, content in answers}) == 1
    assert sorted(str(replayed) for _, replayed, _ in answers) == ["None"] + ["true"] * (many - 1)
    assert server.stop() == 0
    assert len(sound(database)) == records


@BOTH_DATABASES
def test_two_processes_are_as_one(server, database, tmp_path):
    """Retries that come to both at once, for several keys: a record each."""
    with running(database, folder=tmp_path) as other, ThreadPoolExecutor(16) as threads:
        calls = [(each, f"key-{number}") for number in range(8) for each in (server, other) * 3]
        answers = list(threads.map(lambda call: (call[1], over_the_wire(*call)), calls))
        assert {status for _, (status, _, _) in answers} == {200}
        assert len({(key, content) for key, (_, _, content) in answers}) == 8
        assert other.stop() == 0
    assert server.stop() == 0
    assert len(sound(database)) == 8


@BOTH_DATABASES
def test_after_a_kill_the_retry_gets_the_first_answer(tmp_path, database):
    """Killed with SIGKILL and started again, on the same database."""
    with running(database, folder=tmp_path) as server:
        first = over_the_wire(server, "one")
        assert first[:2] == (200, None)
        server.stop(signal.SIGKILL)
    with running(database, folder=tmp_path) as server:
        assert over_the_wire(server, "one") == (200, "true", first[2])
        assert over_the_wire(server, "one", body(as_of="2024-06-02"))[0] == 422
        assert server.stop() == 0
    assert len(sound(database)) == 1


@BOTH_DATABASES
def test_killed_between_commit_and_answer_the_retry_gets_what_was_recorded(tmp_path, database):
    """Under load from retries, killed at once: whatever was recorded is what every later retry gets."""
    keys = [f"key-{number}" for number in range(12)]
    with running(database, folder=tmp_path) as server:
        answered: dict[str, bytes] = {}

        def call(key: str) -> None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                answered[key] = over_the_wire(server, key)[2]

        threads = [threading.Thread(target=call, args=(key,)) for key in keys]
        for thread in threads:
            thread.start()
        while not answered:
            threading.Event().wait(0.001)
        server.stop(signal.SIGKILL)
        for thread in threads:
            thread.join()
    with running(database, folder=tmp_path) as server:
        later = {key: over_the_wire(server, key)[2] for key in keys}
        assert {key: later[key] for key in answered} == answered
        assert server.stop() == 0
    assert sound(database) == {json.loads(content)["id"] for content in later.values()}
