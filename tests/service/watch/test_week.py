"""A week of made-up days: each planted end is told once, on its day; and what is told stands in the log."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

import engine
from service.policies.live import Live
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store.tables import tree_leaf, watched
from service.telemetry import log_lines
from service.watch.lease import Lease, LeaseLost
from service.watch.round import RoundDone, run
from service.watch.transactions import writing
from tests.service.conftest import BOTH_DATABASES, Lines
from tests.service.log.test_tree_leaves import happened

POLICIES = Path(__file__).parent / "policies"
FRIDAY = datetime(2027, 2, 26, 12, tzinfo=UTC)
JSON = {"content-type": "application/json"}


@dataclass
class Desk:
    """A service with a clock of its own, which commits, and does rounds of the watch."""

    service: Service
    client: TestClient
    now: list[datetime] = field(default_factory=lambda: [FRIDAY])

    def post(self, path: str, body: Any) -> Any:
        answer = self.client.post(path, content=json.dumps(body), headers=JSON)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def commit(self, exporter: str, **more: Any) -> str:
        """Commit an exchange; the id of the commitment."""
        sent: dict[str, Any] = {
            "exporter": {"id": exporter, "country": "CN"},
            "recipient": {"id": f"lab-of-{exporter}"},
            "data": {"kind": "plain", "people": 100},
        }
        for fact, value in more.items():
            sent = engine.with_fact_set(sent, fact.replace("__", "."), value)
        if "recipient.listed" not in more and "lab" not in more:
            sent["recipient"].setdefault("listed", False)
        decision = self.post("/v1/evaluate", sent)
        assert decision["proceed"], decision["answer"]
        id: str = self.post("/v1/commitments", {"decision": decision["id"]})["id"]
        return id

    def round(self, day: date | None = None) -> RoundDone:
        """A round for a day, on which the clock shows noon."""
        if day is not None:
            self.now[0] = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        done = run(self.service, writing(self.service), self.now[0].date())
        assert done.whole
        return done

    def events(self, **query: str) -> list[Any]:
        """All events, page by page."""
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.client.get("/v1/watch/events", params={"limit": "2", **query, **cursor}).json()
            found += page["events"]
            if page["next"] is None:
                return found
            cursor = {"cursor": page["next"]}

    def reload(self, *changes: tuple[str, str]) -> str:
        """Put changed policies in the place of those that decide; their digest."""
        self.service.policies.live = live = changed(*changes)
        return live.bundle.digests.source


def changed(*changes: tuple[str, str]) -> Live:
    """The policies with other texts in their rules."""
    sources = {path.name: path.read_text() for path in POLICIES.glob("*.yaml")}
    for old, new in changes:
        assert old in sources["rules.yaml"]
        sources["rules.yaml"] = sources["rules.yaml"].replace(old, new)
    return Live.of(engine.load_sources({name: text.encode() for name, text in sources.items()}), "bitset")


@pytest.fixture
def opened(database: str, lines: Lines, audited: list[str]) -> Iterator[Any]:
    """Opens desks on one database."""
    with ExitStack() as stack:

        def open(**settings: Any) -> Desk:
            now = [FRIDAY]
            more = {"ledger_since": "2026-01-01", "watch_commitments": False, **settings}
            given = Settings(watch=False, policies=POLICIES, database=database, mode="bitset", **more)
            service = Service.open(given, say=log_lines.logger(lines), clock=lambda: now[0])
            stack.callback(service.close)
            client = stack.enter_context(TestClient(create_app(given, service), base_url="http://127.0.0.1:8080"))
            return Desk(service, client, now)

        yield open


def erased(desk: Desk, id: str) -> None:
    """Erase what the service would keep while a commitment runs: versions before 0.6.0 erased it."""
    assert asyncio.run(desk.service.store.erase(id))


CERTIFICATE = {"dated": "2026-01-01", "expires": "2027-03-01", "covers": True}
CONTRACT = {"dated": "2026-01-01", "covers": True}


@BOTH_DATABASES
def test_each_planted_end_is_told_once_on_its_day(opened: Any) -> None:
    """Seven grounds end on seven days. Each round runs twice, and nothing is told twice."""
    desk = opened(watch_days=0)
    listed = {"content-type": "application/json"}
    assert desk.client.put("/v1/parties/lab", json={"facts": {"listed": False}}, headers=listed).status_code == 201
    ids = {
        "certificate": desk.commit("a", data__kind="certified", evidence__certificate=CERTIFICATE),
        "register": desk.commit("b", recipient={"id": "lab"}, lab=None),
        "begins": desk.commit("c", data__kind="new-rule"),
        "ends": desk.commit("d", data__kind="old-exemption"),
        "filled": desk.commit("e", data__people=600),
        "due": desk.commit("f", data__kind="filed"),
        "erased": desk.commit("g"),
        "nothing": desk.commit("h"),
    }
    names = {id: name for name, id in ids.items()}
    told: dict[str, list[tuple[Any, ...]]] = {}
    for number in range(8):
        day = date(2027, 2, 28) + timedelta(days=number)
        desk.now[0] = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
        if day == date(2027, 3, 3):
            assert desk.client.put("/v1/parties/lab", json={"facts": {"listed": True}}).status_code == 200
        if day == date(2027, 3, 6):
            desk.commit("e", data__people=500, evidence__contract=CONTRACT)
        if day == date(2027, 3, 7):
            evaluation = desk.client.get(f"/v1/commitments/{ids['erased']}").json()["evaluation"]
            erased(desk, evaluation)
        before = len(desk.events())
        first, second = desk.round(day), desk.round(day)
        assert (first.running, second.decided, second.told) == (8 + (day >= date(2027, 3, 6)), 0, 0)
        for each in desk.events()[before:]:
            data = each["data"]
            assert data["day"] == day.isoformat()
            name = names.get(data["commitment"], "other")
            told.setdefault(day.isoformat(), []).append((name, each["type"].split(".")[-2], data["cause"], data["after"]))
    assert told == {
        "2027-03-02": [("certificate", "moved", "document:cn.test/has-certificate", "requirements_unmet")],
        "2027-03-03": [("register", "moved", "register:cn.test/speaks", "prohibited")],
        "2027-03-04": [("begins", "moved", "begins:cn.test/new-rule", "prohibited")],
        "2027-03-05": [("ends", "moved", "ends:cn.test/barred:cn.test/exempted", "prohibited")],
        "2027-03-06": [
            ("filled", "moved", "counters:cn.test/many", "undetermined"),
            ("due", "due", "due:File it", None),
        ],
        "2027-03-07": [("erased", "undecidable", "undecidable:erased", None)],
    }


def test_what_is_told_says_what_to_do_and_stands_in_the_log(opened: Any) -> None:
    """By which provision, since when, and the remedy; what may quote the exchange goes with the decision's personal values."""
    desk = opened(watch_days=0)
    id = desk.commit("a", data__kind="certified", evidence__certificate=CERTIFICATE)
    desk.round(date(2027, 3, 5))  # three days late: it is told since when it is so
    (event,) = desk.events()
    data = event["data"]
    assert event["specversion"] == "1.0"
    assert event["type"] == "org.fifthfactor.watch.moved.v1"
    assert event["source"].startswith("urn:fifthfactor:log:")
    assert (event["subject"], data["commitment"], data["since"], data["day"]) == (id, id, "2027-03-02", "2027-03-05")
    assert (data["before"], data["after"], data["causes"]) == ("permitted", "requirements_unmet", ["document"])
    assert data["provisions"] == ["cn.test/has-certificate"]
    assert data["remedy"] == {
        "do": "change",
        "changes": [[{"fact": "evidence.certificate", "how": "Obtain a certificate."}]],
    }
    assert "2027-03-01" in data["because"][0]
    assert data["changes"][0][0]["fact"] == "evidence.certificate"
    (leaf,) = [each for each in happened(desk.service.store) if each["kind"] == "watch-event"]
    assert {"commitment": id, "event": "moved", "since": "2027-03-02"}.items() <= leaf.items()
    assert "because" not in leaf
    evaluation = desk.client.get(f"/v1/commitments/{id}").json()["evaluation"]
    erased(desk, evaluation)
    desk.round(date(2027, 3, 6))
    first, second = desk.events()
    assert not {"because", "changes"} & first["data"].keys()
    assert (second["data"]["why"], second["data"]["remedy"]) == ("erased", {"do": "withdraw"})
    happened(desk.service.store)  # every leaf is sound, and what is missing was erased


def test_what_will_move_is_told_ahead_and_not_again_on_its_day(opened: Any) -> None:
    """What is renewed in the register before its end will not come about, and that is told too."""
    desk = opened(watch_days=30)
    ends = {"evidence": {"certificate": CERTIFICATE}, "facts": {"country": "CN"}}
    assert desk.client.put("/v1/parties/b", json=ends).status_code == 201
    first = desk.commit("a", data__kind="certified", evidence__certificate=CERTIFICATE)
    second = desk.commit("b", data__kind="certified")  # the register has its certificate
    ended = desk.commit("c", data__kind="new-rule")
    once = desk.commit("d", data__kind="new-rule", act__frequency="once")
    desk.post(f"/v1/commitments/{ended}/withdraw", {"reason": "the lab closed"})
    assert desk.round().told == 2
    assert [each["type"].split(".")[-2] for each in desk.events()] == ["expected", "expected"]
    assert {each["data"]["since"] for each in desk.events()} == {"2027-03-02"}
    renewed = {"evidence": {"certificate": {**CERTIFICATE, "expires": "2030-01-01"}}, "facts": {"country": "CN"}}
    assert desk.client.put("/v1/parties/b", json=renewed).status_code == 200
    for number in range(3, 9):
        desk.round(FRIDAY.date() + timedelta(days=number))
    assert desk.events(commitment=once) == desk.events(commitment=ended) == []
    assert [each["data"]["cause"] for each in desk.events(commitment=first)] == ["document:cn.test/has-certificate"]
    kinds = [each["type"].split(".")[-2] for each in desk.events(commitment=second)]
    assert kinds == ["expected", "averted"]
    (averted,) = desk.events(kind="averted")
    assert (averted["data"]["since"], averted["data"]["before"], averted["data"]["after"]) == (
        "2027-03-02",
        "requirements_unmet",
        "permitted",
    )
    assert averted["data"]["causes"] == ["register"]


def test_new_policies_are_told_by_their_digest(opened: Any) -> None:
    """What one bundle refuses and the next lets go on is told both times; a bundle that moves nothing is not told."""
    desk = opened(watch_days=5)
    id, late = desk.commit("a"), "in_force: {from: 2027-03-04}"
    desk.round()
    wider = ("data.kind: new-rule", "data.kind: [new-rule, plain]")
    first = desk.reload(wider, (late, "in_force: {from: 2026-03-04}"))
    assert (desk.round().decided, desk.round().decided) == (1, 0)
    second = desk.reload((late, "in_force: {from: 2030-01-01}"))
    desk.round(date(2027, 3, 1))
    told = [(each["data"]["cause"], each["data"]["after"], each["data"]["provisions"]) for each in desk.events(commitment=id)]
    assert told == [
        (f"bundle:{first[:12]}", "prohibited", ["cn.test/new-rule"]),
        (f"bundle:{second[:12]}", "permitted", []),
    ]
    desk.reload()
    assert desk.round().decided == 1
    assert len(desk.events()) == 2


@BOTH_DATABASES
def test_one_round_at_a_time_and_an_interrupted_one_goes_on(opened: Any) -> None:
    """The lease is one process's; another that finds it taken does nothing. What was written stays."""
    desk = opened(watch_days=0)
    for number in range(3):
        desk.commit(f"n{number}", data__kind="new-rule")
    write, day = writing(desk.service), date(2027, 3, 4)
    desk.now[0] = datetime(2027, 3, 4, 12, tzinfo=UTC)
    other = Lease.of("round")
    write(lambda transaction: other.take(transaction, desk.now[0]))
    with pytest.raises(LeaseLost):
        run(desk.service, write, day)
    assert desk.events() == []
    desk.now[0] += timedelta(minutes=10)  # the other one was killed
    asked = iter([False, False, False, True, True, True])
    stopped = run(desk.service, write, day, stopped=lambda: next(asked))
    assert (stopped.whole, stopped.told) == (False, 2)
    with pytest.raises(LeaseLost):
        write(lambda transaction: other.keep(transaction, desk.now[0]))
    assert desk.round().told == 1
    assert len({each["subject"] for each in desk.events()}) == 3
    with desk.service.store.database.reading.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(watched)).scalar_one() == 3
        leaves = connection.execute(sa.select(tree_leaf.c.leaf).where(tree_leaf.c.kind == "watch-event")).all()
    assert len(leaves) == 3
