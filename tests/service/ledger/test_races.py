"""Many callers at once, on one server and on two over one database, and a server that is killed: the ledger stays exact."""

import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from service.log.leaf import clear
from service.log.store import Store
from service.store.tables import commitment, movement
from tests.service.conftest import Server, running

POLICIES = Path(__file__).parent / "policies"
ENVIRONMENT = {"FIFTHFACTOR_LEDGER_SINCE": "2020-01-01"}
CALLERS = 50


@pytest.fixture
def servers(tmp_path: Path, database: str) -> Iterator[Callable[[int], list[Server]]]:
    """Starts servers in processes of their own, all on one database."""
    with ExitStack() as stack:

        def start(count: int) -> list[Server]:
            options = ("--policies", str(POLICIES), "--mode", "bitset")
            return [
                stack.enter_context(running(database, *options, environment=ENVIRONMENT, folder=tmp_path)) for _ in range(count)
            ]

        yield start


def exchange(people: int, recipient: str = "lab") -> dict[str, Any]:
    return {
        "exporter": {"id": "clinic", "country": "CN"},
        "recipient": {"id": recipient},
        "data": {"people": {"ordinary": people, "rest": 0}, "staff": False},
    }


def at_once(servers: list[Server], work: Callable[[httpx.Client, int], Any], callers: int = CALLERS) -> list[Any]:
    """What each of many callers gets who do the same at the same moment, spread over the servers."""
    together = threading.Barrier(callers)

    def one(number: int) -> Any:
        with httpx.Client(base_url=servers[number % len(servers)].address, timeout=60) as client:
            together.wait()
            return work(client, number)

    with ThreadPoolExecutor(callers) as pool:
        return list(pool.map(one, range(callers)))


def ordinary(server: Server) -> tuple[int, int]:
    told = httpx.get(f"{server.address}/v1/counters", params={"counter": "counts.year", "exporter.id": "clinic"}).json()
    count = told["counts"]["counts.year.ordinary"]
    return count["at_least"], count["at_most"]


@pytest.mark.parametrize("processes", [1, 2])
def test_fifty_that_fit_alone_are_not_all_committed(servers: Callable[[int], list[Server]], processes: int) -> None:
    """Each is permitted, three of them fit under the threshold: three are committed, all others are told why not."""
    running = servers(processes)

    def decide(client: httpx.Client, number: int) -> Any:
        return client.post("/v1/evaluate", json=exchange(300)).json()

    decisions = at_once(running, decide)
    assert all(each["proceed"] for each in decisions)
    barrier = threading.Barrier(CALLERS)

    def commit(client: httpx.Client, number: int) -> httpx.Response:
        barrier.wait()
        return client.post("/v1/commitments", json={"decision": decisions[number]["id"]})

    answers = at_once(running, commit)
    assert Counter(each.status_code for each in answers) == {201: 3, 409: CALLERS - 3}
    for each in answers:
        if each.status_code == 409:
            assert each.json()["type"] == "urn:fifthfactor:problem:decision-moved"
            assert each.json()["decision"]["outcome"] in ("undetermined", "prohibited")
    assert ordinary(running[0]) == (300, 900)
    for server in running:
        total = httpx.get(f"{server.address}/v1/statistics").json()["total"]
        assert (total["exchanges"], total["people"]) == (3, {"at_least": 900, "at_most": 900})


def test_one_decision_is_committed_and_withdrawn_once(servers: Callable[[int], list[Server]]) -> None:
    """Whoever comes second, on whichever server, is told so."""
    running = servers(2)
    decision = httpx.post(f"{running[0].address}/v1/evaluate", json=exchange(10)).json()["id"]
    answers = at_once(running, lambda client, _: client.post("/v1/commitments", json={"decision": decision}), 16)
    assert Counter(each.status_code for each in answers) == {201: 1, 409: 15}
    (id,) = [each.json()["id"] for each in answers if each.status_code == 201]
    assert ordinary(running[1]) == (10, 10)
    ends = at_once(running, lambda client, _: client.post(f"/v1/commitments/{id}/withdraw", json={"reason": "no"}), 16)
    assert Counter(each.status_code for each in ends) == {200: 1, 409: 15}
    assert ordinary(running[0]) == (0, 0)


def test_a_killed_server_leaves_a_ledger_that_agrees_with_its_log(
    servers: Callable[[int], list[Server]], database: str
) -> None:
    """Whatever was answered is there; each commitment has its record, its event and its movements, and nothing else moved."""
    (server,) = servers(1)
    begun, stop = threading.Event(), threading.Event()

    def work(client: httpx.Client, number: int) -> list[str]:
        done: list[str] = []
        while not stop.is_set() and len(done) < 40:
            try:
                decision = client.post("/v1/evaluate", json=exchange(1, f"lab-{number}-{len(done)}")).json()
                answer = client.post("/v1/commitments", json={"decision": decision["id"]})
            except httpx.TransportError:
                break
            assert answer.status_code == 201, answer.text
            done.append(answer.json()["id"])
            begun.set()
        return done

    def kill() -> None:
        begun.wait(60)
        time.sleep(0.5)
        server.stop(signal.SIGKILL)
        stop.set()

    killer = threading.Thread(target=kill)
    killer.start()
    answered = {id for ids in at_once([server], work, 8) for id in ids}
    killer.join()
    assert answered
    (again,) = servers(1)
    with Store.open(database) as store:
        records = {each.entry.id: each for each in store.scan()}
        assert [each.sequence for each in records.values()] == list(range(len(records)))
        assert all(not each.faults() for each in records.values())
        with store.database.reading.connect() as connection:
            rows = {row.id: row for row in connection.execute(sa.select(commitment))}
            moved = connection.execute(sa.select(movement)).all()
    assert answered <= rows.keys()
    assert len(rows) <= len(answered) + 8  # of each caller at most one whose answer did not leave
    for row in rows.values():
        decided = clear(records[row.evaluation].entry.leaf, records[row.evaluation].entry.openings)
        assert records[row.evaluation].sequence == row.sequence
        assert decided["decision"]["proceed"] is True
        assert sorted(each.fact for each in moved if each.commitment == row.id) == ["counts.week", "counts.year.ordinary"]
        count = decided["counted"]["counts.year.ordinary"]
        # Its counter was what had been committed before it, and itself.
        before = sum(1 for other in rows.values() if other.sequence < row.sequence)
        assert (count["at_least"], count["at_most"]) == (1, before + 1), json.dumps(count)
    assert len(moved) == 2 * len(rows)
    assert ordinary(again) == (1, len(rows))
