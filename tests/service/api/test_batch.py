"""Many exchanges at once: order, good and bad ones, limits, one commit, and all or nothing."""

import asyncio
import http.client
import json
import random
import signal
import socket
import threading
import time
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from service.api.batch import BatchResults
from service.decisions import batch_limits
from service.decisions.kept_permits import KeepableAnswer
from service.log.record import KeptRecord
from service.log.store import Store
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store.writer import LogBusy, NotRecorded
from tests.service import unsynced
from tests.service.api.test_api import refused
from tests.service.conftest import EXCHANGE, PERSONAL, POLICIES, Server, as_recorded, eventually

PATH = "/v1/evaluate/batch"
HEADERS = {"content-type": "application/json"}


def packed(*exchanges: Any) -> bytes:
    """The body of a batch; bytes go in as they are."""
    written = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in exchanges]
    return b'{"exchanges": [%b]}' % b",".join(written)


def of(people: int) -> dict[str, Any]:
    """An exchange that is told from others by its number of people."""
    return {**EXCHANGE, "data": {"people": people}}


@pytest.fixture
def batch(client):
    """Send a batch; the answer's response."""
    return lambda *exchanges, query="": client.post(PATH + query, content=packed(*exchanges), headers=HEADERS)


def test_every_exchange_gets_its_decision_in_order(batch, client):
    """Results come as they were sent, each decision is the one that its exchange gets alone, and each is recorded."""
    sent = [of(number) for number in range(50)]
    answer = batch(*sent)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    BatchResults.model_validate(answer.json())
    decisions = [result["decision"] for result in answer.json()["results"]]
    kept = [client.get(f"/v1/decisions/{decision['id']}").json() for decision in decisions]
    assert [{**each["record"]["request"], "register": None} for each in kept] == [{**each, "register": None} for each in sent]
    assert [each["record"]["decision"] for each in kept] == [*map(as_recorded, decisions)]
    assert [each["log"]["sequence"] for each in kept] == list(range(50))
    for each in kept:
        KeptRecord.model_validate(each)
    alone = client.post("/v1/evaluate", content=json.dumps(sent[7]).encode(), headers=HEADERS).json()
    assert {**alone, "id": ""} == {**decisions[7], "id": ""}


def test_one_commit_holds_them_all(batch, service):
    """However many there are."""
    commits = service.store.writer.counts.commits
    assert len(batch(*map(of, range(300))).json()["results"]) == 300
    assert (service.store.writer.counts.commits, service.store.records) == (commits + 1, 300)


def test_a_bad_exchange_is_a_problem_in_its_place(batch, service):
    """With pointers into itself; the others are decided and recorded, numbered without a gap."""
    answer = batch(of(1), {"exporter": {"contry": "CN"}}, of(2), {"data": {"people": -1}, "as_of": "never"}, b"[]", of(3))
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [next(iter(result)) for result in results] == ["decision", "problem", "decision", "problem", "problem", "decision"]
    first, second, third = (result["problem"] for result in results if "problem" in result)
    assert first["type"] == "urn:fifthfactor:problem:exchange-refused"
    assert (first["status"], first["instance"]) == (400, f"{PATH}#/exchanges/1")
    assert first["request_id"] == answer.headers["x-request-id"]
    assert [each["pointer"] for each in first["errors"]] == ["/exporter/contry"]
    assert {each["pointer"] for each in second["errors"]} == {"/data/people", "/as_of"}
    assert [each["code"] for each in third["errors"]] == ["not-json"]
    assert [stored.sequence for stored in service.store.scan()] == [0, 1, 2]


@pytest.mark.parametrize(
    "item",
    [
        b"1",
        b"null",
        b'"exchange"',
        b"NaN",
        b'{"exporter": {"id": "a"}, "exporter": {"id": "b"}}',
        b'{"exporter": {"id": "\\ud800"}}',
        b'{"data": {"people": 1e999}}',
        b'{"exporter": {"id": "' + b"x" * 300_000 + b'"}}',
    ],
)
def test_an_exchange_is_read_as_strictly_as_alone(batch, client, item):
    """What is no exchange alone is none in a batch, for the same reasons; its neighbours are decided."""
    alone = client.post("/v1/evaluate", content=item, headers=HEADERS).json()
    before, result, after = batch(of(1), item, of(2)).json()["results"]
    assert "decision" in before
    assert "decision" in after
    if alone["status"] == 400:  # alone, the largest one is over the limit of a body
        assert result["problem"]["errors"] == alone["errors"]
    assert result["problem"]["status"] == 400


def test_a_batch_of_bad_exchanges_records_nothing(batch, service):
    """Every result is a problem, and there is no commit."""
    assert ["problem" in each for each in batch({"a": 1}, {"b": 1}).json()["results"]] == [True, True]
    assert service.store.writer.counts.commits == 0


@pytest.mark.parametrize("content", [b'{"exchanges":[]}', b' { "exchanges" :\r\n[\t] } '])
def test_an_empty_batch_has_no_results(client, service, content):
    """Nothing is asked, nothing is recorded."""
    assert client.post(PATH, content=content, headers=HEADERS).json() == {"results": []}
    assert service.store.writer.counts.commits == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"exchanges": {}}',
        b'{"exchanges": null}',
        b'{"exchanges": [',
        b'{"exchanges": [{}',
        b'{"exchanges": [{}]',
        b'{"exchanges": [{}}',
        b'{"exchanges": [{},]}',
        b'{"exchanges": [,{}]}',
        b'{"exchanges": [{} {}]}',
        b'{"exchanges": [{}], "more": 1}',
        b'{"exchanges": [], "more": 1}',
        b'{"more": 1, "exchanges": [{}]}',
        b'{"exchanges": [{}]} {}',
        b'{"exchanges": [{}], "exchanges": []}',
        b'{"exchanges": [{"a": }]}',
        b'{"exchanges": ["\xff"]}',
        b"\xef\xbb\xbf" + b'{"exchanges": []}',
        b'{"exchanges": [' + b"[" * 100_000 + b"]}",
        b'{"exchanges": [' + b"9" * 5_000 + b"]}",
        json.dumps(EXCHANGE).encode(),
    ],
)
def test_what_is_no_batch_is_refused_whole(client, service, content):
    """400, and nothing is decided: where an exchange ends is not known."""
    problem = refused(client.post(PATH, content=content, headers=HEADERS), 400, "batch-refused")
    assert problem["detail"]
    assert service.store.records == 0


def limited(tmp_path, **limits: int) -> Service:
    """A service with limits of its own."""
    return Service.open(Settings(watch=False, policies=POLICIES, database=tmp_path / "limited.db", **limits))


def test_more_exchanges_than_the_limit_are_refused(tmp_path):
    """413 that says how many there may be; as many as that are decided."""
    service = limited(tmp_path, batch_limit=3)
    with client_of(service) as client:
        problem = refused(client.post(PATH, content=packed({}, {}, {}, {}), headers=HEADERS), 413, "batch-too-large")
        assert "at most 3 exchanges" in problem["detail"]
        assert service.store.records == 0
        assert len(client.post(PATH, content=packed({}, {}, {}), headers=HEADERS).json()["results"]) == 3


def test_a_body_over_its_own_limit_is_refused(tmp_path):
    """413 that says how large it may be; the limit of a single exchange is another one."""
    service = limited(tmp_path, batch_body_limit=2048, body_limit=1024)
    with client_of(service) as client:
        content = packed({})
        full = content + b" " * (2048 - len(content))
        assert client.post(PATH, content=full, headers=HEADERS).status_code == 200
        problem = refused(client.post(PATH, content=full + b" ", headers=HEADERS), 413, "body-too-large")
        assert "2048 bytes" in problem["detail"]
        refused(client.post(PATH, content=iter([full, b" "]), headers=HEADERS), 413, "body-too-large")
        refused(client.post("/v1/evaluate", content=b" " * 1025, headers=HEADERS), 413, "body-too-large")


def test_decisions_that_would_fill_the_memory_are_refused(batch, service, monkeypatch):
    """413, and nothing is recorded: what is held until the commit has a bound."""
    monkeypatch.setattr(batch_limits, "MOST_BYTES", 20_000)
    problem = refused(batch(*map(of, range(50))), 413, "batch-too-large")
    assert "in parts" in problem["detail"]
    assert service.store.records == 0


def client_of(service: Service) -> TestClient:
    """A client of an application around a service."""
    return TestClient(create_app(service.settings, service), base_url="http://localhost")


def test_the_query_holds_for_every_exchange(batch):
    """`include` adds to each decision."""
    results = batch(of(1), of(2), query="?include=trace").json()["results"]
    assert all("trace" in result["decision"]["explanation"] for result in results)


def test_one_line_tells_of_the_batch(batch, lines):
    """How many were decided and how many refused, and no value."""
    batch(of(1), {"a": 1}, of(2))
    (line,) = lines.events("request")
    assert (line["route"], line["status"], line["decisions"], line["problems"]) == (PATH, 200, 2, 1)
    for value in PERSONAL.values():
        assert value not in lines.getvalue()


@pytest.mark.parametrize(("failure", "kind"), [(NotRecorded("disk I/O error"), "not-recorded"), (LogBusy(""), "busy")])
def test_without_records_there_is_no_answer(batch, service, monkeypatch, failure, kind):
    """503 for all of them, and none of the decisions in it."""

    async def fail(entries):
        raise failure

    monkeypatch.setattr(type(service.store), "append_many", lambda store, entries: fail(entries))
    answer = batch(of(1), of(2))
    refused(answer, 503, kind)
    assert answer.headers["retry-after"] == "1"
    assert "outcome" not in answer.text


def test_a_batch_that_does_not_fit_is_refused(batch, service):
    """503 as long as too many records wait, rather than a part of it in the log."""
    service.store.writer.queue_limit = 10
    refused(batch(*map(of, range(11))), 503, "busy")
    assert service.store.records == 0
    assert batch(*map(of, range(10))).status_code == 200


def test_a_failed_commit_records_none_of_them(batch, service, monkeypatch):
    """Two decisions with one id cannot both be recorded, so nothing of their batch is."""
    monkeypatch.setattr("service.decisions.exchange_judge.uuid7", lambda: "the same")
    refused(batch(of(1), of(2)), 503, "not-recorded")
    assert list(service.store.scan()) == []


def slow(service, monkeypatch, seconds: float) -> None:
    """Each decision takes so long."""
    real = type(service.live.pdp).judge

    def slowly(self, exchange, **more):
        time.sleep(seconds)
        return real(self, exchange, **more)

    monkeypatch.setattr(type(service.live.pdp), "judge", slowly)


def test_the_loop_turns_during_a_long_batch(service, monkeypatch):
    """Probes are heard and other exchanges are decided while it goes on."""
    app = create_app(service.settings, service)
    real, heard = type(service.live.pdp).judge, False
    done: list[str] = []

    def slowly(self, exchange, **more):
        time.sleep(0 if heard else 0.03)  # at most twelve seconds in all
        return real(self, exchange, **more)

    monkeypatch.setattr(type(service.live.pdp), "judge", slowly)

    async def send(client, method, path, **more):
        await client.request(method, path, **more)
        done.append(path)

    async def together():
        nonlocal heard
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            long = asyncio.create_task(send(client, "POST", PATH, content=packed(*map(of, range(400))), headers=HEADERS))
            await asyncio.sleep(0.05)
            for _ in range(3):
                await send(client, "GET", "/livez")
                await send(client, "POST", "/v1/evaluate", json=EXCHANGE)
            assert not long.done()
            heard = True
            await long

    asyncio.run(together())
    assert done[-1] == PATH
    assert service.store.records == 403


def test_batches_are_decided_one_at_a_time(service, monkeypatch):
    """So that what several hold in memory does not add up; each is recorded by its own commit, in a row."""
    app = create_app(service.settings, service)
    slow(service, monkeypatch, 0.01)

    async def together():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            sent = [client.post(PATH, content=packed(*map(of, range(20))), headers=HEADERS) for _ in range(3)]
            return await asyncio.gather(*sent)

    answers = asyncio.run(together())
    order = [stored.entry.id for stored in service.store.scan()]
    for answer in answers:
        ids = [result["decision"]["id"] for result in answer.json()["results"]]
        first = order.index(ids[0])
        assert order[first : first + 20] == ids


# --- as a process ----------------------------------------------------------------------------------------------------


def head(content: bytes) -> bytes:
    """The head of a batch's request."""
    return (
        f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    ).encode()


def test_a_caller_that_leaves_midway_stops_its_batch(server, database):
    """What nobody waits for is not decided to the end, and nothing of it is recorded; the next batch is decided."""
    content = packed(*map(of, range(1000)))
    with socket.create_connection(("127.0.0.1", server.port)) as leaving:
        leaving.sendall(head(content) + content)
        time.sleep(0.1)
    eventually(lambda: [line for line in server.events("request") if line.get("gone")])
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", PATH, packed(of(1), of(2)), HEADERS)
    assert connection.getresponse().status == 200
    connection.close()
    assert server.stop() == 0
    with Store.open(database) as store:
        assert len(list(store.scan())) == 2


@pytest.mark.timeout(120)
def test_a_batch_that_is_killed_is_recorded_whole_or_not_at_all(tmp_path, capsys):
    """SIGKILL at random moments: the log holds whole batches, every answered one, and verifies."""
    chance = random.Random(20261124)
    size = 40
    database = tmp_path / "log.db"
    content = packed(*map(of, range(size)))
    answered: list[list[str]] = []

    def send(port: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            while True:
                connection.request("POST", PATH, content, HEADERS)
                results = json.loads(connection.getresponse().read())["results"]
                answered.append([result["decision"]["id"] for result in results])
        except (OSError, http.client.HTTPException, ValueError):
            connection.close()

    kills = 5
    for _ in range(kills):
        server = Server(database, environment={unsynced.SYNCED: "yes"}).wait()
        clients = [threading.Thread(target=send, args=(server.port,), daemon=True) for _ in range(2)]
        enough = len(answered) + 1
        for client in clients:
            client.start()
        until = time.monotonic() + 30
        while len(answered) < enough:
            assert time.monotonic() < until, "no batch was answered"
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.3))
        server.stop(signal.SIGKILL)
        for client in clients:
            client.join(60)
        with Store.open(database) as store:
            stored = list(store.scan())
        assert len(stored) % size == 0
        assert not [fault for each in stored for fault in each.faults()]
        whole = [tuple(each.entry.id for each in stored[at : at + size]) for at in range(0, len(stored), size)]
        assert {tuple(ids) for ids in answered} <= set(whole)
    assert [each.sequence for each in stored] == list(range(len(stored)))
    with capsys.disabled():
        print(f"\n{kills} kills: {len(answered)} batches of {size} answered, {len(whole)} recorded, none in part")


def test_a_batch_of_the_largest_size(server):
    """A thousand exchanges, at once, over the wire."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", PATH, packed(*map(of, range(1000))), HEADERS)
    answer = connection.getresponse()
    results = json.loads(answer.read())["results"]
    connection.close()
    assert answer.status == 200
    assert [result["decision"]["outcome"] for result in results] == ["permitted"] * 1000
    KeepableAnswer.model_validate(results[-1]["decision"])
