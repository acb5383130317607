"""`POST /v1/drafts`: a program makes a draft, a person opens it, and nothing is recorded."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.callers import keys
from service.limits import DRAFTS_OF_ONE
from service.service import Service
from tests.service.console.test_ask import Browser

SENT = {"exporter": {"country": "CN"}, "data": {"people": 12_000}}


def post(client: TestClient, content: Any, **headers: str) -> Any:
    """Make a draft."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return client.post("/v1/drafts", content=raw, headers={"content-type": "application/json", **headers})


def test_a_draft_is_made_which_a_person_goes_on_with(client: TestClient, service: Service) -> None:
    """The answer says how it stands and where its page is, which asks for the rest. Nothing is recorded."""
    made = post(client, SENT)
    assert made.status_code == 201
    answer = made.json()
    assert answer == {"id": answer["id"], "address": f"/ask/{answer['id']}", "outcome": "review"}
    browser = Browser(client)
    assert browser.open(answer["address"]) == 200
    assert browser.document == SENT
    assert client.get("/v1/decisions").json()["decisions"] == []


def test_a_call_that_is_repeated_makes_one_draft(client: TestClient, service: Service) -> None:
    """By its idempotency key."""
    first, again = (post(client, SENT, **{"idempotency-key": "row-7"}) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert post(client, {}, **{"idempotency-key": "row-7"}).status_code == 422


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ({"exporter": {"contry": "CN"}}, "/exporter/contry"),
        ({"exporter": {"country": "Atlantis"}}, "/exporter/country"),
        (b"", ""),
        (b"[]", ""),
        (b'{"exporter": {}, "exporter": {}}', ""),
        (b'{"exporter": {"id": "\\ud800"}}', ""),
        (b'{"exporter": ' * 2_000, ""),
    ],
)
def test_what_is_no_exchange_becomes_no_draft(client: TestClient, service: Service, content: Any, pointer: str) -> None:
    """The problem names the places, as `evaluate` does."""
    refused = post(client, content)
    assert refused.status_code == 400, refused.text
    assert refused.json()["type"] == "urn:fifthfactor:problem:exchange-refused"
    assert pointer in [each["pointer"] for each in refused.json().get("errors", [])] or not pointer


@pytest.mark.parametrize(("scopes", "status"), [(["evaluate", "read"], 201), (["evaluate"], 403), (["read"], 403)])
def test_a_draft_needs_the_scopes_evaluate_and_read(
    client: TestClient, service: Service, scopes: list[Any], status: int
) -> None:
    """As its pages do; and a party's key is not enough."""
    with service.store.database.transaction() as connection:
        _, key = keys.create(connection, "an inventory", scopes, None, "test", datetime.now(UTC))
        _, party = keys.create(connection, "a party", scopes, None, "test", datetime.now(UTC), party="clinic")
    assert post(client, SENT, authorization=f"Bearer {key}").status_code == status
    assert post(client, SENT, authorization=f"Bearer {party}").status_code == 403


def test_a_caller_has_so_many_drafts_and_no_more(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal says what to do."""
    assert DRAFTS_OF_ONE >= 500
    monkeypatch.setattr("service.drafts.draft_store.DRAFTS_OF_ONE", 2)
    assert [post(client, SENT).status_code for _ in range(3)] == [201, 201, 403]
    assert "erase some first" in post(client, SENT).json()["detail"]


def test_an_unknown_parameter_is_refused(client: TestClient) -> None:
    """As everywhere."""
    sent = client.post("/v1/drafts?lang=zh", json=SENT)
    assert sent.status_code == 400
