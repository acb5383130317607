"""Many callers at once, on one server and on two over one database, and a server that is killed: the ledger stays exact."""

import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa

from service.log.leaf import with_personal_values
from service.log.store import Store
from service.store.tables import benefit, commitment, movement
from tests.service.conftest import BOTH_DATABASES, Server, running, unlike_the_leaves
from tests.service.ledger.test_promises import sources as promise_policies

POLICIES = Path(__file__).parent / "policies"
# All callers wait for the disk, however slow the machine is: who is refused and asks again and again takes more of it than who is answered.
ENVIRONMENT = {"FIFTHFACTOR_LEDGER_SINCE": "2020-01-01"}
CALLERS = 50
SELLERS = 24  # where each record is compared with all that happened at the same time


@pytest.fixture
def servers(tmp_path: Path, database: str) -> Iterator[Callable[[int], list[Server]]]:
    """Starts servers in processes of their own, all on one database."""
    with ExitStack() as stack:

        def start(count: int, policies: Path = POLICIES) -> list[Server]:
            options = ("--policies", str(policies), "--mode", "bitset")
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


def answered(client: httpx.Client, path: str, body: Any, key: str = "") -> httpx.Response:
    """The answer to a post, which is sent again while so many are sent that the log falls behind."""
    headers = {"Idempotency-Key": key or str(uuid4())}
    while (answer := client.post(path, json=body, headers=headers)).status_code == 503:
        time.sleep(0.1)
    return answer


def ordinary(server: Server) -> tuple[int, int]:
    told = httpx.get(f"{server.address}/v1/counters", params={"counter": "counts.year", "exporter.id": "clinic"}).json()
    count = told["counts"]["counts.year.ordinary"]
    return count["at_least"], count["at_most"]


@pytest.mark.parametrize("processes", [1, 2])
@BOTH_DATABASES
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


@BOTH_DATABASES
def test_exchanges_that_together_concentrate_are_not_all_committed(servers: Callable[..., list[Server]]) -> None:
    """Each is permitted by the shares of its own moment; in two processes just those are committed with which a half is not passed."""
    running = servers(2, POLICIES.with_name("share_policies"))

    def sale(exporter: str, number: int) -> dict[str, Any]:
        parties = {"exporter": {"id": exporter, "country": "CN"}, "recipient": {"id": "xyz"[number % 3], "country": "KE"}}
        return {**parties, "data": {"categories": ["health"]}, "terms": {"venue": "hall"}}

    with httpx.Client(base_url=running[0].address, timeout=60) as client:
        for number in range(20):
            decision = answered(client, "/v1/evaluate", sale("a" if number < 9 else "bc"[number % 2], number)).json()["id"]
            assert answered(client, "/v1/commitments", {"decision": decision}).status_code == 201
        decisions = [answered(client, "/v1/evaluate", sale("a", number)).json() for number in range(12)]
    assert all(each["proceed"] for each in decisions)

    def commit(client: httpx.Client, number: int) -> httpx.Response:
        return answered(client, "/v1/commitments", {"decision": decisions[number]["id"]})

    answers = at_once(running, commit, len(decisions))
    assert Counter(each.status_code for each in answers) == {201: 2, 409: 10}
    assert {each.json()["decision"]["outcome"] for each in answers if each.status_code == 409} == {"review"}


@BOTH_DATABASES
def test_sales_that_together_cross_a_maximum_are_not_all_committed(servers: Callable[..., list[Server]]) -> None:
    """On two servers, each of fifty sales is permitted, three of them fit into the maximum: three are committed, to the hundredth."""
    running = servers(2, POLICIES.with_name("money_policies"))
    period = {"facts": {"terms": {"allowed_income": "1000 CNY"}}, "valid_from": "2020-01-01"}
    assert httpx.put(f"{running[0].address}/v1/entities/authorisation/gz-1", json=period).status_code == 201
    sale = {
        "exporter": {"country": "CN"},
        "authorisation": {"id": "gz-1"},
        "terms": {"price": "333.33 CNY", "public": True},
    }
    decisions = at_once(running, lambda client, _: client.post("/v1/evaluate", json=sale).json())
    assert all(each["proceed"] for each in decisions)
    answers = at_once(running, lambda client, n: client.post("/v1/commitments", json={"decision": decisions[n]["id"]}))
    assert Counter(each.status_code for each in answers) == {201: 3, 409: CALLERS - 3}
    query = {"counter": "terms.income", "authorisation.id": "gz-1"}
    for server in running:
        told = httpx.get(f"{server.address}/v1/counters", params=query).json()
        assert told["counts"]["terms.income"] == {"at_least": "999.99 CNY", "at_most": "999.99 CNY"}


@BOTH_DATABASES
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


def sale(number: int) -> dict[str, Any]:
    """An exchange with a price that does not divide evenly, another for each number."""
    terms = {
        "price": f"{100 + number}.01 CNY",
        "share": {"provider": "0.3334", "operator": "0.3333", "public": "0.3333", "rest": "0"},
        "parties": {"provider": ["fund"], "operator": ["a", "b"]},
    }
    return {**exchange(1, f"lab-{number}"), "terms": terms}


@pytest.mark.parametrize("processes", [1, 2])
@BOTH_DATABASES
def test_sales_and_withdrawals_at_once_leave_a_book_that_adds_up(
    servers: Callable[[int], list[Server]], processes: int, database: str
) -> None:
    """Each sale is committed, every third withdrawn, every fifth amended to twice the price; the closing balances are what is left."""
    running = servers(processes)

    def post(client: httpx.Client, path: str, body: Any, key: str = "") -> Any:
        answer = answered(client, path, body, key)
        assert answer.is_success, answer.text
        return answer.json()

    def work(client: httpx.Client, number: int) -> Decimal:
        decision = post(client, "/v1/evaluate", sale(number))["id"]
        twice = [post(client, "/v1/commitments", {"decision": decision}, f"sale-{number}")["id"] for _ in range(2)]
        assert twice[0] == twice[1]
        if number % 3 == 0:
            post(client, f"/v1/commitments/{twice[0]}/withdraw", {"reason": "no"})
            return Decimal(0)
        if number % 5 == 0:
            dearer = post(client, "/v1/evaluate", sale(2 * number))["id"]
            post(client, f"/v1/commitments/{twice[0]}/amend", {"decision": dearer, "reason": "more"})
            return Decimal(f"{100 + 2 * number}.01")
        return Decimal(f"{100 + number}.01")

    left = at_once(running, work, SELLERS)
    lines = httpx.get(f"{running[0].address}/v1/ledger/benefits", params={"limit": "1000"}).json()["lines"]
    assert [each["number"] for each in lines] == list(range(len(lines)))
    # Four lines for each commitment, and four for each that ended.
    again = sum(1 for number in range(SELLERS) if number % 3 and number % 5 == 0)
    ended = sum(1 for number in range(SELLERS) if number % 3 == 0)
    assert len(lines) == 4 * (SELLERS + ended + 2 * again)
    balances = httpx.get(f"{running[-1].address}/v1/ledger/benefits/balances").json()["balances"]
    assert {each.get("party") or each["role"] for each in balances} == {"fund", "a", "b", "public"}
    assert sum(Decimal(each["closing"]) for each in balances) == sum(left) == sum(Decimal(each["amount"]) for each in lines)
    assert unlike_the_leaves(database) == []


@pytest.mark.parametrize("processes", [1, 2])
@BOTH_DATABASES
def test_payments_and_refunds_at_once_add_up_and_not_beyond(
    servers: Callable[[int], list[Server]], processes: int, database: str
) -> None:
    """Fifty report a part of one line, and some refund a part of its price: no more than is owed and than the price is taken."""
    running = servers(processes)
    address = running[0].address
    decision = httpx.post(f"{address}/v1/evaluate", json=sale(899)).json()["id"]
    id = httpx.post(f"{address}/v1/commitments", json={"decision": decision}).json()["id"]
    book = f"{address}/v1/ledger/benefits"
    (fund,) = httpx.get(book, params={"party": "fund"}).json()["lines"]
    shown = {"dated": fund["day"], "evidence": "bank", "document": "ab" * 32}

    def report(client: httpx.Client, number: int) -> tuple[str, int]:
        if number % 10 == 9:
            return "refund", answered(client, f"/v1/commitments/{id}/refund", {**shown, "amount": "250.00"}).status_code
        return "paid", answered(client, f"/v1/ledger/benefits/{fund['number']}/paid", {**shown, "amount": "7.00"}).status_code

    told = Counter(at_once(running, report))
    # The price is 999.01: three of five refunds fit. Of what is left the fund's third is 83.02: more was paid, or none of it is owed.
    assert (told["refund", 200], told["refund", 400]) == (3, 2)
    assert told["paid", 200] + told["paid", 400] + told["paid", 409] == 45
    assert 11 <= told["paid", 200] < 45
    for server in running:
        line = httpx.get(f"{server.address}/v1/ledger/benefits/{fund['number']}").json()
        assert line["payable"] == "83.02"
        assert Decimal(line["paid"]) == 7 * told["paid", 200] == sum(Decimal(each["amount"]) for each in line["parts"])
        assert [each["part"] for each in line["parts"]] == list(range(told["paid", 200]))
    rows = httpx.get(book, params={"limit": "1000"}).json()["lines"]
    assert [each["number"] for each in rows] == list(range(len(rows)))
    assert sum(Decimal(each["amount"]) for each in rows) == Decimal("249.01")
    assert unlike_the_leaves(database) == []


@pytest.mark.parametrize("processes", [1, 2])
@BOTH_DATABASES
def test_promises_at_once_are_each_kept_once(
    servers: Callable[..., list[Server]], processes: int, database: str, tmp_path: Path
) -> None:
    """Two report the same promise: one is told that it was kept. One reports while another withdraws: the promise is void in any case."""
    folder = tmp_path / "promises"
    folder.mkdir()
    for name, text in promise_policies().items():
        (folder / name).write_text(text)
    running = servers(processes, folder)

    def commit(client: httpx.Client, number: int) -> Any:
        sent = {**exchange(1, f"lab-{number}"), "terms": {"components": ["training"], "by": f"20{40 + number}-12-31"}}
        decision = answered(client, "/v1/evaluate", sent).json()["id"]
        twice = [answered(client, "/v1/commitments", {"decision": decision}, f"promise-{number}") for _ in range(2)]
        assert (twice[0].status_code, twice[0].content) == (201, twice[1].content), twice[0].text
        return twice[0].json()

    made = at_once(running, commit, SELLERS)

    def report(client: httpx.Client, number: int) -> tuple[str, int]:
        """Two callers to each of the first half of the commitments: of every second of these one withdraws it."""
        of = made[number // 2]
        if number % 4 == 3:
            return "withdrawn", answered(client, f"/v1/commitments/{of['id']}/withdraw", {"reason": "no"}).status_code
        body = {"evidence": "record", "dated": of["as_of"], "document": f"{number:064x}"}
        answer = answered(client, f"/v1/commitments/{of['id']}/promises/0/kept", body)
        kind = "" if answer.is_success else answer.json()["type"].rpartition(":")[2]
        assert kind in ("", "commitment-ended" if number % 4 == 2 else "promise-kept"), answer.text
        return "kept", answer.status_code

    told = at_once(running, report, SELLERS)
    halves = [made[place]["id"] for place in range(SELLERS // 2)]
    assert all(told[number] == ("withdrawn", 200) for number in range(SELLERS) if number % 4 == 3)
    assert all(sorted(told[number : number + 2]) == [("kept", 200), ("kept", 409)] for number in range(0, SELLERS, 4))
    for server in running:
        listed = httpx.get(f"{server.address}/v1/ledger/promises", params={"limit": "100"}).json()["promises"]
        states = {each["commitment"]: each["state"] for each in listed}
        assert states == {
            **{each["id"]: "due" for each in made if each["id"] not in halves},
            **dict.fromkeys(halves[::2], "kept"),
        }
        documents = {each["commitment"]: each["document"] for each in listed if each["state"] == "kept"}
        first = {halves[number // 2]: number for number in range(SELLERS) if number % 4 < 2 and told[number][1] == 200}
        assert documents == {id: f"{number:064x}" for id, number in first.items()}
    assert unlike_the_leaves(database) == []


@BOTH_DATABASES
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
                sent = {**exchange(1, f"lab-{number}-{len(done)}"), "terms": sale(number)["terms"]}
                decision = client.post("/v1/evaluate", json=sent).json()
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
            payable = connection.execute(sa.select(benefit).order_by(benefit.c.number)).all()
    assert answered <= rows.keys()
    assert len(rows) <= len(answered) + 8  # of each caller at most one whose answer did not leave
    for row in rows.values():
        decided = with_personal_values(records[row.evaluation].entry.leaf, records[row.evaluation].entry.openings)
        assert records[row.evaluation].sequence == row.sequence
        assert decided["decision"]["proceed"] is True
        assert sorted(each.fact for each in moved if each.commitment == row.id) == ["counts.week", "counts.year.ordinary"]
        count = decided["counted"]["counts.year.ordinary"]
        # Its counter was what had been committed before it, and itself.
        before = sum(1 for other in rows.values() if other.sequence < row.sequence)
        assert (count["at_least"], count["at_most"]) == (1, before + 1), json.dumps(count)
    assert len(moved) == 2 * len(rows)
    assert Counter(each.commitment for each in payable) == dict.fromkeys(rows, 4)
    assert [each.number for each in payable] == list(range(len(payable)))
    assert ordinary(again) == (1, len(rows))
