"""`POST /access/v1/search/…`: what would be permitted, page by page."""

import base64
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.backends.bitset.standing_and_levels import BitsetStrata
from engine.backends.durable import Durable
from service.mappings.entity_store import StoredEntity
from tests.service.authzen.conftest import Memory, question, records
from tests.service.conftest import Lines

GET = {"name": "read", "properties": {"method": "GET"}}


def found(client: TestClient, blank: str, sent: Any) -> dict[str, Any]:
    """The answer of a search."""
    answer = client.post(f"/access/v1/search/{blank}", json=sent)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json"), answer.text
    document: dict[str, Any] = answer.json()
    return document


def action_free(subject: str, resource: str, **more: Any) -> dict[str, Any]:
    """A question that leaves the action open."""
    sent = question(subject, "", resource, **more)
    del sent["action"]
    return sent


def test_who_may_do_it(client: TestClient) -> None:
    """Subjects by their first ids, in order; the exact body."""
    assert found(client, "subject", question("user", "read", "record:record-1")) == {
        "results": [{"type": "user", "id": "alice"}, {"type": "user", "id": "bob"}]
    }
    assert found(client, "subject", question("user", "write", "record:record-2")) == {
        "results": [{"type": "user", "id": "bob"}]
    }


def test_to_what_it_may_be_done(client: TestClient) -> None:
    """Resources of the type that was asked for."""
    assert found(client, "resource", question("user:ada", GET, "document")) == {
        "results": [{"type": "document", "id": "doc-1"}, {"type": "document", "id": "doc-2"}]
    }
    assert found(client, "resource", question("user:employee-7", "write", "document"))["results"] == [
        {"type": "document", "id": "doc-1"},
        {"type": "document", "id": "doc-2"},
    ]


def test_what_may_be_done(client: TestClient) -> None:
    """Actions by name; one whose property decides is not among them."""
    assert found(client, "action", action_free("user:alice", "record:record-1")) == {
        "results": [{"name": "read"}, {"name": "write"}]
    }
    sent = action_free("user:bob", "record:record-2")
    sent["subject"]["properties"] = {"role": "admin"}
    sent["resource"]["properties"] = {"status": "archived"}
    assert {"name": "write"} in found(client, "action", sent)["results"]


def test_what_is_searched_for_needs_no_id(client: TestClient) -> None:
    """An id in it is not read, of whatever type; nor is an action where actions are searched for."""
    ids: tuple[Any, ...] = ("cy", 7, None, {})
    for id in ids:
        sent = question("user", "read", "record:record-1")
        sent["subject"]["id"] = id
        assert len(found(client, "subject", sent)["results"]) == 2
        assert len(found(client, "action", {**action_free("user:alice", "record:record-1"), "action": id})["results"]) == 2
    assert len(found(client, "resource", question("user:ada", GET, "document:doc-1"))["results"]) == 2


def test_a_limit_may_be_written_with_a_point(client: TestClient) -> None:
    """`1.0` is a whole number in JSON."""
    answer = found(client, "subject", {**question("user", "read", "record:record-1"), "page": {"limit": 1.0}})
    assert answer["page"]["count"] == 1


def test_what_is_sent_counts_for_every_candidate(client: TestClient) -> None:
    """A result is what an evaluation with the same properties would permit."""
    sent = question("user:cy", GET, "document")
    sent["subject"]["properties"] = {"department": "legal"}
    assert [each["id"] for each in found(client, "resource", sent)["results"]] == ["doc-1", "doc-2", "doc-3"]
    sent["resource"]["properties"] = {"tags": ["public"]}
    sent["subject"]["properties"] = {}
    # The store has other tags of the first.
    assert [each["id"] for each in found(client, "resource", sent)["results"]] == ["doc-2", "doc-3"]


@pytest.mark.parametrize(
    ("blank", "sent"),
    [
        ("subject", question("spaceship", "read", "record:record-1")),
        ("subject", question("user", "burn", "record:record-1")),
        ("subject", question("user", "read", "spaceship:1")),
        ("subject", question("user", "read", "record:record-99")),
        ("resource", question("user:nobody", "read", "record")),
        ("resource", question("user:alice", "read", "spaceship")),
        ("resource", question("robot:r2", "read", "record")),
        ("action", action_free("user:nobody", "record:record-1")),
        ("action", action_free("user:alice", "record:record-99")),
        ("action", action_free("user:alice", "spaceship:1")),
    ],
)
def test_of_what_is_not_known_nothing_is_found(client: TestClient, blank: str, sent: Any) -> None:
    """An unknown type, id or action is no error: 200, and no results; with a page where one was asked for."""
    assert found(client, blank, sent) == {"results": []}
    assert found(client, blank, {**sent, "page": {}}) == {"page": {"next_token": "", "count": 0}, "results": []}


def test_nothing_is_recorded(client: TestClient) -> None:
    """A search is no decision."""
    before = records(client)
    found(client, "subject", question("user", "read", "record:record-1"))
    found(client, "action", action_free("user:alice", "record:record-1"))
    assert records(client) == before


def test_what_owes_what_cannot_be_done_is_left_out(client: TestClient) -> None:
    """Obligations that whoever asks cannot carry out take a result away, and no other."""
    asked = question("user:bo", "share", "document")
    assert len(found(client, "resource", asked)["results"]) == 2
    assert found(client, "resource", {**asked, "context": {"supported_obligations": ["custom"]}})["results"]
    assert found(client, "resource", {**asked, "context": {"supported_obligations": ["step-up"]}}) == {"results": []}


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_add_up_to_the_whole(client: TestClient, entities: Memory, limit: int) -> None:
    """Each result once, in order, whatever the limit is; the last page has no next one."""
    for number in range(20):
        owner = "ada" if number % 3 else "bo"
        entities.ids["document", f"p-{number:02}"] = f"p-{number:02}"
        entities.entities["document", f"p-{number:02}"] = StoredEntity(f"p-{number:02}", {"owner": owner})
    asked = question("user:ada", "write", "document")
    whole = found(client, "resource", asked)["results"]
    assert len(whole) == 13
    pages: list[Any] = []
    token = ""
    while not pages or token:
        page: dict[str, Any] = {"limit": limit, **({"token": token} if token else {})}
        answer = found(client, "resource", {**asked, "page": page})
        assert answer["page"]["count"] == len(answer["results"]) <= limit
        pages += answer["results"]
        token = answer["page"]["next_token"]
    assert pages == whole


def test_a_search_decides_on_so_many_and_goes_on(client: TestClient, entities: Memory) -> None:
    """Where candidates are many, a page may hold little, and says where to go on without having been asked."""
    for number in range(450):
        id = f"x-{number:03}"
        entities.ids["document", id] = id
        entities.entities["document", id] = StoredEntity(id, {"owner": "ada" if number == 440 else "bo"})
    asked = question("user:ada", "write", "document")
    calls, token = 0, ""
    results: list[Any] = []
    while not calls or token:
        answer = found(client, "resource", {**asked, "page": {"token": token}} if token else asked)
        results += answer["results"]
        token = answer["page"]["next_token"]
        calls += 1
    assert (calls, results) == (3, [{"type": "document", "id": "x-440"}])


@pytest.mark.parametrize("token", ["x", "e30=", "bnVsbA==", "WyJhIiwgImIiXQ==", "é", 5, None, "x" * 3000])
def test_a_token_that_is_none_is_a_400(client: TestClient, token: Any) -> None:
    """Made up, of another type, or too long."""
    asked = question("user", "read", "record:record-1")
    assert client.post("/access/v1/search/subject", json={**asked, "page": {"token": token}}).status_code == 400


def test_a_token_that_was_tampered_with_is_no_token(client: TestClient) -> None:
    """What it says reaches no store unless it could be an id."""
    asked = question("user", "read", "record:record-1")
    token = found(client, "subject", {**asked, "page": {"limit": 1}})["page"]["next_token"]
    digest, _ = json.loads(base64.urlsafe_b64decode(token))
    for after in ("\x00", "\ud800", 5, None, ["a"]):
        made = base64.urlsafe_b64encode(json.dumps([digest, after]).encode()).decode()
        assert client.post("/access/v1/search/subject", json={**asked, "page": {"token": made}}).status_code == 400


def test_a_token_of_another_search_is_a_400(client: TestClient) -> None:
    """It says where to go on in this one only."""
    asked = question("user", "read", "record:record-1")
    token = found(client, "subject", {**asked, "page": {"limit": 1}})["page"]["next_token"]
    assert token
    other = {**question("user", "write", "record:record-1"), "page": {"token": token}}
    assert client.post("/access/v1/search/subject", json=other).status_code == 400


PAGES: tuple[Any, ...] = (
    "x",
    None,
    [],
    {"limit": 0},
    {"limit": -1},
    {"limit": True},
    {"limit": 1.5},
    {"limit": "1"},
    {"properties": 1},
)


@pytest.mark.parametrize(
    ("blank", "sent"),
    [
        ("subject", {"subject": {"type": "user"}, "resource": {"type": "record", "id": "record-1"}}),
        ("subject", question("user", "read", "record")),
        ("subject", {**question("user", "read", "record:record-1"), "subject": {}}),
        ("subject", {**question("user", "read", "record:record-1"), "subject": "user"}),
        ("resource", {"action": {"name": "read"}, "resource": {"type": "record"}}),
        ("resource", question("user", "read", "record")),
        ("resource", {**question("user:alice", "read", "record"), "resource": {"id": "record-1"}}),
        ("action", {"subject": {"type": "user", "id": "alice"}}),
        ("action", {"resource": {"type": "record", "id": "record-1"}}),
        ("action", action_free("user", "record:record-1")),
        ("action", action_free("user:alice", "record")),
        *(("subject", {**question("user", "read", "record:record-1"), "page": page}) for page in PAGES),
        ("subject", {**question("user", "read", "record:record-1"), "context": {"network": 1}}),
    ],
    ids=json.dumps,
)
def test_what_is_malformed_is_a_400(client: TestClient, blank: str, sent: Any) -> None:
    """Members that are missing, and members of a wrong type."""
    answer = client.post(f"/access/v1/search/{blank}", json=sent)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:fifthfactor:problem:access-refused")


def test_every_result_is_what_an_evaluation_permits(client: TestClient, entities: Memory) -> None:
    """And what is not among the results is denied."""
    for kind, blank in (("user", "subject"), ("document", "resource")):
        ids = [id for of, id in entities.entities if of == kind]
        asked = question("user", GET, "document:doc-1") if blank == "subject" else question("user:ada", GET, "document")
        results = {each["id"] for each in found(client, blank, asked)["results"]}
        for id in ids:
            sent = {**asked, blank: {"type": kind, "id": id}}
            assert client.post("/access/v1/evaluation", json=sent).json()["decision"] is (id in results)


def test_where_no_engine_answers_a_search_finds_nothing_out_and_it_is_an_incident(
    client: TestClient, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an evaluation would it answers 500, and not with a list from which somebody is missing."""

    def fail(*_: Any) -> None:
        raise RuntimeError

    for each in (BitsetStrata, Durable):
        monkeypatch.setattr(each, "stand" if each is BitsetStrata else "evaluate", fail)
    answer = client.post("/access/v1/search/subject", json=question("user", "read", "record:record-1"))
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:fifthfactor:problem:internal")
    (line,) = lines.events("incident")
    assert (line["decision_id"], line["request_id"]) == (None, answer.headers["x-request-id"])
