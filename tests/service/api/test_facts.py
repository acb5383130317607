"""`/v1/facts`: all facts, those with a prefix, and those that matter for one exchange."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

import engine
from service.callers import entrance
from service.callers.caller import Caller
from service.service import Service
from tests.service.conftest import EXCHANGE, Lines

OPEN = {"exporter": {"id": "practice-of-dr-li-na", "country": "CN"}, "recipient": {"country": "US"}}


def names(answer: Any, state: str | None = None) -> list[str]:
    """The facts of an answer, in their order; those in one state if it is given."""
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["facts"] if state is None or each["state"] == state]


def test_facts_are_found_by_prefix(client: TestClient) -> None:
    """Those whose name begins so, in the order of the vocabulary; none is no error."""
    everything = names(client.get("/v1/facts"))
    found = names(client.get("/v1/facts?prefix=exporter."))
    assert found == [each for each in everything if each.startswith("exporter.")]
    assert 0 < len(found) < len(everything)
    assert names(client.get("/v1/facts?prefix=nothing")) == []
    assert client.get("/v1/facts?prefix=").json()["parameter"] == "prefix"


def test_the_facts_for_an_exchange_are_those_that_matter(client: TestClient, service: Service, lines: Lines) -> None:
    """First what is open, in the order in which it is asked; then what is stated. Nothing is recorded, and no value is shown or logged."""
    answer = client.post("/v1/facts", json=OPEN)
    judged = service.live.pdp.judge(
        engine.parse_exchange(service.live.bundle, json.dumps(OPEN).encode()), as_of=service.clock().date()
    )
    assert judged.open_facts
    assert names(answer, "open") == list(judged.open_facts)
    assert names(answer, "stated") == ["exporter.id", "exporter.country", "recipient.country"]
    assert names(answer) == [*names(answer, "open"), *names(answer, "stated")]
    assert names(client.post("/v1/facts?prefix=recipient.", json=OPEN), "stated") == ["recipient.country"]
    assert service.store.records == 0
    assert "practice-of-dr-li-na" not in answer.text + lines.getvalue()
    refused = client.post("/v1/facts", json={"exporter": {"contry": "CN"}})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/exporter/contry")


def test_the_facts_for_a_decision_are_those_of_its_exchange(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same as for the exchange itself; who may not read records may not read them here."""
    id = client.post("/v1/evaluate", json=OPEN).json()["id"]
    address = f"/v1/facts?for={id}"
    assert client.get(address).json() == client.post("/v1/facts", json=OPEN).json()
    decided = client.post("/v1/evaluate", json=EXCHANGE).json()["id"]
    assert names(client.get(f"/v1/facts?for={decided}"), "open") == []
    assert client.get("/v1/facts?for=nothing").status_code == 404
    monkeypatch.setattr(entrance, "LOCAL", Caller("gateway", frozenset({"evaluate"})))
    assert client.get(address).status_code == 403
    assert client.get("/v1/facts").status_code == 200


def test_what_only_the_register_states_is_not_shown_to_who_may_not_read_it(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its facts are no longer asked for, and not listed as stated."""
    assert client.put("/v1/parties/clinic-7", json={"facts": {"country": "CN"}}).status_code == 201
    sent = {"exporter": {"id": "clinic-7"}, "recipient": {"country": "US"}}
    assert "exporter.country" in names(client.post("/v1/facts", json=sent), "stated")
    monkeypatch.setattr(entrance, "LOCAL", Caller("gateway", frozenset({"evaluate"})))
    assert names(client.post("/v1/facts", json=sent), "stated") == ["exporter.id", "recipient.country"]


def test_facts_are_found_by_what_people_call_them(client: TestClient) -> None:
    """In either language, with the values that say the word; a word that means nothing finds none."""
    found = client.get("/v1/facts?word=united-states").json()["facts"]
    assert {each["name"]: each["says"] for each in found} == {"exporter.country": ["US"], "recipient.country": ["US"]}
    assert names(client.get("/v1/facts?word=提供方所在国家或地区")) == ["exporter.country"]
    assert names(client.get("/v1/facts?word=Standard contracts")) == ["evidence.cn-standard-contract"]
    assert names(client.get("/v1/facts?word=zeppelin")) == []
    assert client.get("/v1/facts?word=").json()["parameter"] == "word"
