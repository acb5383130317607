"""Access requests about parties and data of the real register, on both databases."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from service.callers import keys
from service.callers.caller import SCOPES
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.authzen.conftest import WORKPLACE, question
from tests.service.conftest import Lines

URL = "/access/v1/evaluation"


@pytest.fixture
def client(database: str) -> Iterator[TestClient]:
    """The application with the bundled policies and its own register."""
    service = Service.open(Settings(watch=False, database=database, mode="bitset"), say=log_lines.logger(Lines()))
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        yield client


def put(client: TestClient, path: str, **content: Any) -> None:
    answer = client.put(f"/v1/{path}", json=content)
    assert answer.status_code in (200, 201), answer.text


def test_the_register_is_the_store(client: TestClient) -> None:
    """Parties and assets by any of their ids, with facts, documents and what travels; a search finds them; the withdrawn are gone."""
    contract = {"dated": "2024-05-01", "covers": True}
    put(client, "parties/clinic-7", aliases=["c7"], facts={"country": "CN"})
    put(client, "parties/lab-3", facts={"country": "US"}, evidence={"cn-standard-contract": contract})
    put(
        client,
        "assets/visits-2",
        facts={"data": {"personal": True, "people": {"sensitive": 12_000}}, "terms": {"exclusive": False}},
    )
    asked: dict[str, Any] = {
        "subject": {"type": "organization", "id": "c7"},
        "action": {"name": "transfer"},
        "resource": {"type": "dataset", "id": "visits-2", "properties": {"people": {"sensitive": 5}}},
        "context": {"importer": "lab-3"},
    }
    answer = client.post(URL, json=asked).json()
    record = client.get(f"/v1/decisions/{answer['context']['decision_id']}").json()["record"]
    assert record["request"] == {
        "exporter": {"id": "clinic-7"},
        "recipient": {"id": "lab-3"},
        "data": {"id": "visits-2", "people": {"sensitive": 5}},
        "register": {
            "exporter.id": {"kind": "party", "version": 1, "states": {"exporter": {"country": "CN"}}},
            "recipient.id": {
                "kind": "party",
                "version": 1,
                "states": {"recipient": {"country": "US"}, "evidence": {"cn-standard-contract": contract}},
            },
            "data.id": {
                "kind": "asset",
                "version": 1,
                "states": {"data": {"personal": True, "people": {"sensitive": 12_000}}, "terms": {"exclusive": False}},
            },
        },
    }
    assert [each["fact"] for each in record["decision"]["disputed"]] == ["data.people.sensitive"]
    search = {**asked, "page": {"limit": 5}}
    assert client.post("/access/v1/search/subject", json=search).json()["page"] == {"next_token": "", "count": 0}
    assert client.delete("/v1/parties/clinic-7").status_code in (200, 204)
    answer = client.post(URL, json=asked).json()
    assert answer["decision"] is False
    assert "`c7` is not valid on" in answer["context"]["reason_admin"]["403"]
    assert client.post("/access/v1/search/action", json={**asked, "page": {"limit": 5}}).json()["results"] == []


def test_a_path_is_registered_and_found(database: str) -> None:
    """Ids with slashes, of as many characters as a request may have: written by an address or a file, evaluated and searched."""
    service = Service.open(
        Settings(watch=False, policies=WORKPLACE, database=database, mode="bitset"), say=log_lines.logger(Lines())
    )
    long = "/todos/" + "x" * 249
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        put(client, f"entities/document/{quote('/todos/{todoId}', safe='')}", facts={"tags": ["public"]})
        put(client, "entities/user/cy", facts={})
        entity = {"kind": "document", "id": long, "facts": {"tags": ["public"]}}
        assert client.post("/v1/register/import", json={"entities": [entity]}).json()["created"] == 1
        asked: dict[str, Any] = question("user:cy", {"name": "read", "properties": {"method": "GET"}}, "document")
        found = client.post("/access/v1/search/resource", json=asked).json()["results"]
        assert [each["id"] for each in found] == [long, "/todos/{todoId}"]
        asked["resource"]["id"] = "/todos/{todoId}"
        assert client.post(URL, json=asked).json()["decision"] is True
        asked["resource"]["id"] = "/todos/other"
        assert client.post(URL, json=asked).json()["decision"] is False


@pytest.mark.parametrize("change", ["changed", "registered since", "nothing"])
def test_a_decision_on_an_access_request_is_committed_only_on_what_the_register_still_says(database: str, change: str) -> None:
    """Also where the register did not have the entity."""
    service = Service.open(
        Settings(watch=False, policies=WORKPLACE, database=database, mode="bitset"), say=log_lines.logger(Lines())
    )
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        put(client, "entities/document/doc-1", facts={"tags": ["public"]})
        asked = question("user:cy", {"name": "read", "properties": {"method": "GET"}}, "document:doc-1")
        answer = client.post(URL, json=asked).json()
        assert answer["decision"] is True
        match change:
            case "changed":
                put(client, "entities/document/doc-1", facts={"tags": ["draft"]})
            case "registered since":
                put(client, "entities/user/cy", facts={"department": "sales"})
        made = client.post("/v1/commitments", json={"decision": answer["context"]["decision_id"]})
        if change == "nothing":
            assert made.status_code == 201
        else:
            assert (made.status_code, made.json()["type"]) == (409, "urn:fifthfactor:problem:not-committable")
            assert ("resource.id" if change == "changed" else "subject.id") in made.json()["detail"]


def test_conditions_that_came_with_the_data_stay(client: TestClient) -> None:
    """A request adds to what travels with an asset, and takes nothing of it away."""
    came = {"provision": "cn.data-twenty/operation-right", "from": "decision 1"}
    put(client, "assets/visits-2", facts={}, travels=[came])
    more = {**came, "from": "decision 2"}
    for sent, carried in (({}, [came]), ({"carried": []}, [came]), ({"carried": [more]}, [more, came])):
        asked = {
            "subject": {"type": "organization", "id": "clinic-7"},
            "action": {"name": "transfer"},
            "resource": {"type": "dataset", "id": "visits-2", "properties": sent},
        }
        answer = client.post(URL, json=asked).json()
        record = client.get(f"/v1/decisions/{answer['context']['decision_id']}").json()["record"]
        assert record["request"]["carried"] == carried


def test_a_register_that_cannot_be_read_is_no_answer(tmp_path: Path) -> None:
    """Whether one is asked, several, or a search; nothing is recorded, or kept for those who try again under the same key."""
    service = Service.open(
        Settings(watch=False, database=str(tmp_path / "log.db"), mode="bitset"), say=log_lines.logger(Lines())
    )
    asked: dict[str, Any] = {
        "subject": {"type": "organization", "id": "c7"},
        "action": {"name": "transfer"},
        "resource": {"type": "dataset", "id": "visits-2"},
    }
    exchange = {"named": {"exporter": "c7"}, "recipient": {"country": "US"}}
    calls: list[tuple[str, dict[str, Any]]] = [
        (URL, asked),
        ("/access/v1/evaluations", {**asked, "evaluations": [{}, {}]}),
        ("/access/v1/search/action", asked),
        ("/v1/evaluate/batch", {"exchanges": [{"exporter": {"country": "CN"}}, exchange]}),
    ]

    def rename(table: str, name: str) -> None:
        with closing(sqlite3.connect(tmp_path / "log.db")) as other:
            other.execute(f"ALTER TABLE {table} RENAME TO {name}")

    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        rename("entity", "away")
        for path, sent in calls:
            answer = client.post(path, json=sent, headers={"Idempotency-Key": path})
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:fifthfactor:problem:not-ready"), (
                path,
                answer.text,
            )
        assert service.store.records == 0
        rename("away", "entity")
        for path, sent in calls:
            assert client.post(path, json=sent, headers={"Idempotency-Key": path}).status_code == 200


def test_an_id_that_only_looks_like_a_registered_one_gets_no_permit(database: str) -> None:
    """Whoever may read the register is told which one; for others it is open whether it is that one. In another form it is the same."""
    service = Service.open(
        Settings(watch=False, policies=WORKPLACE, database=database, mode="bitset"), say=log_lines.logger(Lines())
    )
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        put(client, "entities/document/doc-13", facts={"owner": "ada"})
        put(client, "entities/user/ada", facts={"department": "legal"})
        with service.store.database.transaction() as connection:
            _, all_ = keys.create(connection, "all", SCOPES, None, "test", service.clock())
            _, key = keys.create(connection, "a gateway", ["evaluate"], None, "test", service.clock())
        client.headers["authorization"] = f"Bearer {all_}"

        def ask(id: str, key: str = key) -> Any:
            asked = question("user:ada", "read", "document:other")
            asked["resource"] = {"type": "document", "id": id, "properties": {"owner": "ada"}}
            return client.post(URL, json=asked, headers={"authorization": f"Bearer {key}"})

        assert ask("doc-12").json()["decision"] is True
        for same in ("doc-13", "doc-13 ", "\uff44oc-\u200d13"):
            for who in (key, all_):
                assert (ask(same, who).json()["decision"], ask(same, who).json()["context"]["outcome"]) == (False, "prohibited")
        for alike in ("DOC-13", "d\u043ec-13", "doc-l3"):
            answer = ask(alike)
            assert (answer.json()["decision"], "doc-13" in answer.text) == (False, False)
            answer = ask(alike, all_)
            (place,) = answer.json()["errors"]
            assert (answer.status_code, place["pointer"], place["code"]) == (400, "/resource/id", "looks-like")
            assert "`doc-13`" in place["detail"]
            search = {**question("user:ada", "read", f"document:{alike}"), "page": {"limit": 5}}
            assert client.post("/access/v1/search/action", json=search).json()["results"] == []
