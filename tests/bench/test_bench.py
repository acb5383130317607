"""The measurements themselves: what a goal says, which traffic is sent, and that others do the same work over HTTP as the service."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import engine
from engine.backends.durable.network import Network
from service.log import search
from service.log.record import RecordedDecision, answered
from service.log.review_cases import ReviewCase
from service.log.search_query import Query
from service.log.store import Store
from service.policies.decision_cache import NewDecision
from service.policies.live import Live
from tests.bench import http_load, page_speed
from tests.bench.figures import Goal, at_most
from tests.bench.forgetful import forget
from tests.bench.http_load import Load
from tests.bench.page_speed import Measured
from tests.bench.peer_server import application
from tests.bench.peers import LEVELS, policies
from tests.bench.rules import ALL_PRESENT, DAY, workload
from tests.bench.test_compare import InPython
from tests.bench.traffic import different
from tests.bench.whole_decisions import percentile


@pytest.mark.parametrize(("value", "said"), [(2.9, "NOT MET"), (3, "met"), (5.9, "met"), (6, "aim met")])
def test_a_goal_has_two_limits(value: float, said: str) -> None:
    """A figure below the first is not met, one at the second reaches the aim; of a time less is better."""
    assert Goal(3, 6).said(value) == said
    assert at_most(-3, -6).said(-value) == said
    assert Goal(3).said(6) == "met"


def test_the_99th_percentile_leaves_one_in_a_hundred_above() -> None:
    """Of a hundred values in any order one is above."""
    assert percentile([*range(50, 100), *range(50)], 99) == 99
    assert percentile(range(200), 99) == 198


def test_no_exchange_of_different_traffic_comes_twice() -> None:
    """The same exchange sent again is between other parties, and about other people where it says how many."""
    sent = [b'{"data": {"people": {"ordinary": 0, "sensitive": 7}}}', b"{}"]
    found = list(different(sent * 3))
    assert len(set(found)) == 6
    told = [json.loads(raw)["data"]["people"] for raw in found[::2]]
    assert told == [{"ordinary": 0, "sensitive": 7 + number} for number in (0, 2, 4)]


def test_a_load_goes_on_where_it_stopped() -> None:
    """All connections and all rounds take the next request of one turn, so that nothing comes again before everything came."""
    load = Load("", 0, 0, [b"1", b"2", b"3"])
    assert [*islice(load.turn, 2), *islice(load.turn, 2)] == [b"1", b"2", b"3", b"1"]


def test_a_server_that_does_not_answer_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever; it is said which server it was."""
    monkeypatch.setattr(http_load, "PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(SystemExit, match="silent: no answer"):
        Load("silent", silent.getsockname()[1], os.getpid(), [b"1"], connections=1).round(0.01)


def test_where_nothing_hits_all_is_decided_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept of a decision, and what a network derived, serves the same exchange again; after `forget` nothing does."""
    fired: list[object] = []
    fire = Network.fire

    def counted(self: Network, messages: Any) -> Any:
        fired.append(self)
        return fire(self, messages)

    monkeypatch.setattr(Network, "fire", counted)
    work = workload(ALL_PRESENT, 20, exchanges=1)
    [document], [exchange] = work.documents, work.exchanges
    live = Live.of(work.bundle, "checked")
    key = live.decisions.key(document, DAY, "en")
    for _ in range(2):
        judgement = live.pdp.judge(exchange, as_of=DAY)
    once = len(fired)
    assert once
    written = live.pdp.answer(judgement, today=DAY, id="1")
    live.decisions.keep(
        key, NewDecision(written, RecordedDecision.of(written), answered(written), exchange, ReviewCase("facts"))
    )
    assert live.decisions.find(key)
    forget(live)
    assert not live.decisions.find(key)
    live.pdp.judge(exchange, as_of=DAY)
    assert len(fired) == 2 * once


def test_a_peer_records_as_durably_as_the_service(tmp_path: Path) -> None:
    """Its answer names the rules and the level; its record is sound, is in the index, and holds the request and the decision."""
    work = workload(ALL_PRESENT, 40, exchanges=5)
    rules = work.bundle.rules
    peer, levels = InPython(policies(rules, DAY), complete=True), {rule.key: LEVELS[rule.effect] for rule in rules.rules}
    pdp = engine.PDP(work.bundle, "reference")
    with Store.open(tmp_path / "log.db") as store, TestClient(application(peer, levels, store)) as client:
        named = 0
        for document, exchange in zip(work.documents, work.exchanges, strict=True):
            answer = client.post("/v1/evaluate", json=document).json()
            assert answer["outcome"] == pdp.judge(exchange, as_of=DAY).outcome.word
            stored = store.read(answer["id"])
            assert stored is not None
            assert not stored.faults()
            whole = {opening.pointer: json.loads(opening.value or b"") for opening in stored.entry.openings}
            assert whole == {
                "request": document,
                "decision": {name: answer[name] for name in ("proceed", "outcome", "matched")},
            }
            named += len(answer["matched"])
        assert named


def test_pages_are_measured_over_sound_records(tmp_path: Path) -> None:
    """The database has so many decisions, each sound and found by its words, and the pages of it are measured."""
    database = str(tmp_path / "log.db")
    found = {each.name: each for each in page_speed.run(database, 30, "one ", times=1)}
    assert {"one review", "one commitment", "one counter", "one entity", "one policy", "one provision"} <= found.keys()
    assert {each.status for each in found.values()} == {200}
    with Store.open(database) as store, store.database.reading.connect() as connection:
        stored = list(store.scan())
        assert 30 <= len(stored) <= 50  # what is committed is decided once more
        assert not any(each.faults() for each in stored)
        for each in search.everything(connection, Query(exporter_country=("CN",)), 50):
            assert each.exporter_country == "CN"
        found_ids = {each.id for each in search.everything(connection, Query(), 50)}
    assert found_ids == {each.entry.id for each in stored}


def test_a_page_is_measured_by_its_length_and_its_work() -> None:
    """The first time is told apart; each later one has to be within the limit, and an answer that is no page meets nothing."""
    page = Measured("a page", 200, 100_000, (900, 900), (900, 10), (200, 10))
    assert page.met
    assert not replace(page, size=100_001).met
    assert not replace(page, worked=(10, 201)).met
    assert not replace(page, status=500).met
