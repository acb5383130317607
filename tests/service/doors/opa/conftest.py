"""What the tests of this door share: the application with the bundled policies and two mappings more, and a register that it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import engine
from service.server.app import create_app
from service.service import Service
from service.settings import Settings

HERE = Path(__file__).parent
PROVIDED = {"frequency": "repeated", "trigger": "own", "bars": [], "purpose": ["service-provision"]}
CONTACTS = {
    "kind": "dataset", "personal": True, "state": "identified", "categories": ["contact"], "people_in": ["IN"],
    "collected_in": ["AE"], "stored_in": ["AE"], "people": {"ordinary": 500, "sensitive": 0}, "grades": [], "controls": [],
}  # fmt: skip
ASSETS = ("contacts", "hive.clinic.contacts", "route-contacts")
PROGRAMS = ("apisix", "kong", "trino", "kafka")
REGISTER: list[dict[str, Any]] = [
    {
        "kind": "party",
        "id": "hospital-1",
        "aliases": ["the-hospital"],
        "facts": {"country": "IN", "kind": "company", "sectors": ["commerce"], "role": "controller", "targets": ["IN"]},
    },
    {
        "kind": "party",
        "id": "lab-5",
        "aliases": ["lab-five"],
        "facts": {"country": "AE", "kind": "company", "listed_on": [], "relation": "unrelated", "role": "controller"},
    },
    {"kind": "party", "id": "bureau-9", "facts": {"country": "CN", "kind": "company", "role": "controller"}},
    {
        "kind": "party",
        "id": "clinic-3",
        "facts": {"country": "PH", "kind": "company", "sectors": ["commerce"], "role": "controller", "targets": ["PH"]},
    },
    *({"kind": "asset", "id": id, "facts": {"data": CONTACTS}} for id in ASSETS),
    {
        "kind": "asset",
        "id": "visits-ph",
        "facts": {"data": {**CONTACTS, "people_in": ["PH"], "collected_in": ["PH"], "stored_in": ["PH"]}},
    },
    {"kind": "user", "id": "alice", "facts": {"party": "lab-five"}},
    {"kind": "user", "id": "bo", "facts": {"party": "bureau-9"}},
    {"kind": "user", "id": "nobody", "facts": {}},
    *({"kind": "program", "id": id, "facts": {"operator": "the-hospital", **PROVIDED}} for id in PROGRAMS),
]

Ask = Callable[..., Any]


@pytest.fixture(scope="package")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One application for the tests of this door: to open one takes longer than most of them."""
    settings = Settings(
        watch=False,
        policies=[engine.bundled_policies(), HERE / "mappings"],
        database=str(tmp_path_factory.mktemp("doors") / "log.db"),
    )
    service = Service.open(settings)
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        sent = {"schema": "fifthfactor/register/1", "entities": REGISTER}
        answer = client.post("/v1/register/import", json=sent)
        assert answer.status_code == 200, answer.text
        yield client


@pytest.fixture
def ask(client: TestClient) -> Ask:
    """What a program asks by a mapping; the answer's response."""

    def send(name: str, sent: Any, path: str = "", **headers: str) -> Any:
        return client.post(f"/v1/data/{name}{path}", json={"input": sent}, headers=headers)

    return send


def record(client: TestClient, id: str) -> dict[str, Any]:
    """The record of a decision."""
    found: dict[str, Any] = client.get(f"/v1/decisions/{id}").json()["record"]
    return found


def records(client: TestClient) -> int:
    """How many decisions are recorded."""
    found: int = client.get("/readyz").json()["log"]["records"]
    return found
