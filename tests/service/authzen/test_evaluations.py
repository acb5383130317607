"""`POST /access/v1/evaluations`: the three semantics, defaults, and what is malformed among others."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.authzen.conftest import WORKPLACE, Memory, question, records
from tests.service.conftest import Lines

URL = "/access/v1/evaluations"
READ, WRITE = {"action": {"name": "read"}}, {"action": {"name": "write"}}
BOB = {
    "subject": {"type": "user", "id": "bob"},
    "resource": {"type": "record", "id": "record-1"},
}  # who may read, and not write


def decisions(client: TestClient, sent: Any) -> list[bool]:
    """The decisions that are answered, in their order."""
    answer = client.post(URL, json=sent)
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"evaluations"}
    return [each["decision"] for each in answer.json()["evaluations"]]


@pytest.mark.parametrize(
    ("semantic", "asked", "answered"),
    [
        (None, [READ, WRITE, READ], [True, False, True]),
        ("execute_all", [WRITE, READ, WRITE], [False, True, False]),
        ("deny_on_first_deny", [READ, WRITE, READ], [True, False]),
        ("deny_on_first_deny", [READ, READ], [True, True]),
        ("deny_on_first_deny", [READ, {"resource": 1}, READ], [True, False]),
        ("permit_on_first_permit", [WRITE, READ, WRITE], [False, True]),
        ("permit_on_first_permit", [WRITE, WRITE], [False, False]),
        ("permit_on_first_permit", [{"resource": {}}, WRITE, READ, READ], [False, False, True]),
    ],
)
def test_the_semantics(client: TestClient, semantic: str | None, asked: list[Any], answered: list[bool]) -> None:
    """What comes after the first deny or permit is not evaluated, and only what was evaluated is recorded."""
    before = records(client)
    options = {} if semantic is None else {"options": {"evaluations_semantic": semantic}}
    assert decisions(client, {**BOB, **READ, **options, "evaluations": asked}) == answered
    malformed = sum("resource" in each for each in asked[: len(answered)])
    assert records(client) - before == len(answered) - malformed


def test_an_answer_among_several_is_the_decision(client: TestClient) -> None:
    """The exact body, and the same for the same questions; what is owed stays, and so does what was wrong with a question."""
    sent = {**BOB, "evaluations": [READ, WRITE, {"action": {"name": "burn"}}, {"resource": 1}]}
    answer = client.post(URL, json=sent)
    assert answer.json() == {
        "evaluations": [
            {"decision": True},
            {"decision": False},
            {"decision": False},
            {
                "decision": False,
                "context": {"error": {"status": 400, "message": "`/evaluations/3` `action` is missing; and 1 more"}},
            },
        ]
    }
    assert client.post(URL, json=sent).content == answer.content
    shares = {**question("user:bo", "share", "document:doc-1"), "evaluations": [{}]}
    (owed,) = client.post(URL, json=shares).json()["evaluations"]
    assert (owed["decision"], owed["context"].keys()) == (True, {"obligations"})
    assert owed["context"]["obligations"][0]["properties"]["duty"] == "tell the department"
    unable = {**shares, "context": {"supported_obligations": []}}
    assert client.post(URL, json=unable).json()["evaluations"][0]["decision"] is False


def test_each_answer_is_like_one_that_comes_alone_where_the_settings_ask_for_it(tmp_path: Path) -> None:
    """With its own decision, its reasons and its record."""
    settings = Settings(watch=False, policies=WORKPLACE, database=str(tmp_path / "log.db"), evaluations_context=True)
    service = Service.open(settings, say=log_lines.logger(Lines()))
    with TestClient(create_app(settings, service, Memory()), base_url="http://127.0.0.1:8080") as client:
        one, alone = compared(client)
    assert one == alone


def compared(client: TestClient) -> tuple[dict[str, Any], dict[str, Any]]:
    """An answer among several and one that comes alone, without the ids of their decisions, each of which has a record."""
    found = client.post(URL, json={**BOB, "evaluations": [READ, WRITE]}).json()["evaluations"]
    alone = client.post("/access/v1/evaluation", json={**BOB, **WRITE}).json()
    assert found[1]["context"]["decision_id"] != alone["context"]["decision_id"]
    for each in (found[1], alone):
        record = client.get(f"/v1/decisions/{each['context'].pop('decision_id')}").json()["record"]
        assert record["request"]["action"] == {"name": "write"}
    return found[1], alone


def test_a_default_is_replaced_as_a_whole(client: TestClient) -> None:
    """An item's subject, action, resource or context takes nothing from the default of its name."""
    archived = {"type": "record", "id": "record-2", "properties": {"status": "archived"}}
    sent = {
        "subject": {"type": "user", "id": "cy", "properties": {"role": "admin"}},
        "action": {"name": "delete", "properties": {"soft": True}},
        "resource": archived,
        "context": {"as_of": "2025-01-01"},
        "evaluations": [
            {**WRITE, "context": {}},  # an administrator, on this day
            WRITE,  # on another day
            {**WRITE, "context": {}, "subject": {"type": "user", "id": "cy"}},  # no administrator any more
            {"context": {}, "subject": {"type": "user", "id": "alice"}},  # soft, by default
            {"context": {}, "subject": {"type": "user", "id": "alice"}, "action": {"name": "delete"}},  # nobody knows
        ],
    }
    assert decisions(client, sent) == [True, False, False, True, False]


def test_no_part_of_an_entity_is_taken_from_the_default(client: TestClient) -> None:
    """A resource without its type is malformed though the default has one; a default need not be whole."""
    sent = {
        "subject": {"type": "user", "id": "alice"},
        "action": {"name": "write"},
        "resource": {"type": "record"},
        "evaluations": [{"resource": {"id": "record-1"}}, {"resource": {"type": "record", "id": "record-1"}}, {}],
    }
    assert decisions(client, sent) == [False, True, False]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({}, "`/evaluations/1` `resource` is missing"),
        ({"resource": {"type": "record"}}, "`/evaluations/1/resource` `id` is missing"),
        ({"resource": "record-1"}, "`/evaluations/1/resource` must be an object"),
        ([], "`/evaluations/1` must be an object"),
        (None, "`/evaluations/1` must be an object"),
        (
            {"resource": {"type": "record", "id": "1", "properties": {"status": 5}}},
            "`/evaluations/1/resource/properties/status` must be text (value)",
        ),
        ({"resource": {"type": "record", "id": "1"}, "context": True}, "`/evaluations/1/context` must be an object"),
    ],
)
def test_a_malformed_item_is_denied_in_its_place(client: TestClient, item: Any, message: str) -> None:
    """With the status and the message it would get alone; the others are decided."""
    sent = {
        "subject": {"type": "user", "id": "alice"},
        **READ,
        "evaluations": [{"resource": {"type": "record", "id": "record-1"}}, item],
    }
    before = records(client)
    first, second = client.post(URL, json=sent).json()["evaluations"]
    assert first["decision"] is True
    assert second == {"decision": False, "context": {"error": {"status": 400, "message": message}}}
    assert records(client) - before == 1


@pytest.mark.parametrize("more", [{}, {"evaluations": []}, {"evaluations": [], "options": {}}])
def test_without_items_it_is_one_evaluation(client: TestClient, more: dict[str, Any]) -> None:
    """The answer has a decision, and no list of them; what is malformed is then a 400."""
    answer = client.post(URL, json={**question("user:alice", "read", "record:record-1"), **more}).json()
    assert answer["decision"] is True
    assert "evaluations" not in answer
    assert client.post(URL, json={**BOB, **more}).status_code == 400


@pytest.mark.parametrize(
    "more",
    [
        {"options": {"evaluations_semantic": "bogus_value"}},
        {"options": {"evaluations_semantic": None}},
        {"options": {"evaluations_semantic": ["execute_all"]}},
        {"options": {"evaluations_semantic": True}},
        {"options": "execute_all"},
        {"options": None},
        {"evaluations": {}},
        {"evaluations": None},
        {"evaluations": "all"},
        {"evaluations": 1},
        {"subject": "bob"},
        {"subject": {"type": 1}},
        {"resource": {"type": "record", "id": False}},
        {"action": None},
        {"context": []},
    ],
    ids=json.dumps,
)
def test_what_is_malformed_as_a_whole_is_a_400(client: TestClient, more: dict[str, Any]) -> None:
    """An unknown semantic, items that are no list, and defaults of a wrong type."""
    before = records(client)
    answer = client.post(URL, json={**BOB, **READ, "evaluations": [READ, WRITE], **more})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:fifthfactor:problem:access-refused")
    assert records(client) == before


def test_more_items_than_the_limit_are_refused(client: TestClient) -> None:
    """As in a batch of exchanges."""
    assert client.post(URL, json={**BOB, "evaluations": [READ] * 1001}).status_code == 413


def test_all_are_recorded_in_their_order(database: str) -> None:
    """One commit, numbered as they were asked, on either database."""
    settings = Settings(watch=False, policies=WORKPLACE, database=database, evaluations_context=True)
    service = Service.open(settings, say=log_lines.logger(Lines()))
    with TestClient(create_app(service.settings, service, Memory()), base_url="http://127.0.0.1:8080") as client:
        found = client.post(URL, json={**BOB, "evaluations": [READ, WRITE] * 20}).json()["evaluations"]
        kept = [client.get(f"/v1/decisions/{each['context']['decision_id']}").json() for each in found]
    assert [each["log"]["sequence"] for each in kept] == list(range(40))
    assert len({each["record"]["recorded_at"] for each in kept}) == 1


@pytest.mark.parametrize(("url", "new"), [(URL, 2), ("/access/v1/evaluation", 1)])
def test_a_retry_gets_the_first_answer(client: TestClient, url: str, new: int) -> None:
    """With the same Idempotency-Key: the same bytes, and no second record."""
    sent = {**BOB, **WRITE, "evaluations": [READ, WRITE]} if url == URL else {**BOB, **WRITE}
    headers = {"Idempotency-Key": f"again-{new}"}
    before = records(client)
    first, again = (client.post(url, json=sent, headers=headers) for _ in range(2))
    assert (first.status_code, again.content) == (200, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert records(client) - before == new
    assert client.post(url, json={**sent, "context": {"a": 1}}, headers=headers).status_code == 422
