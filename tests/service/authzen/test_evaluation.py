"""`POST /access/v1/evaluation`: statuses, bodies and the record."""

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
from tests.service.callers.test_callers import NOW, bearer, make
from tests.service.conftest import Lines

URL = "/access/v1/evaluation"
ALICE = question("user:alice", "read", "record:record-1")


def without(*path: str) -> dict[str, Any]:
    """A sound request without one of its members."""
    sent: dict[str, Any] = json.loads(json.dumps(ALICE))
    here = sent
    for step in path[:-1]:
        here = here[step]
    del here[path[-1]]
    return sent


def changed(*path_and_value: Any) -> dict[str, Any]:
    """A sound request with another value at a path."""
    *path, value = path_and_value
    sent: dict[str, Any] = json.loads(json.dumps(ALICE))
    here = sent
    for step in path[:-1]:
        here = here.setdefault(step, {})
    here[path[-1]] = value
    return sent


def test_a_permit_is_answered_with_its_decision(client: TestClient) -> None:
    """200 and JSON, with the decision's id, its outcome and the reasons, and nothing else."""
    answer = client.post(URL, json=ALICE)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    sent = answer.json()
    record = client.get(f"/v1/decisions/{sent['context']['decision_id']}").json()["record"]
    assert sent == {
        "decision": True,
        "context": {
            "decision_id": record["id"],
            "outcome": "permitted",
            "reason_admin": {"200": "permitted"},
            "reason_user": {"200": record["decision"]["answer"]},
            "also_rests_on": record["decision"]["also_rests_on"],
            "more": {"ordinary_facts": len(record["decision"]["also_rests_on"])},
        },
    }


def test_a_deny_says_why(client: TestClient) -> None:
    """200 too; the administrator learns the rules, the user the sentence."""
    sent = client.post(URL, json=question("user:bob", "write", "record:record-1")).json()
    assert sent["decision"] is False
    assert sent["context"]["outcome"] == "prohibited"
    assert sent["context"]["reason_admin"] == {"403": "prohibited; by house.records/writing"}
    assert "Not Alice" in sent["context"]["reason_user"]["403"]


def test_what_is_not_known_is_named(client: TestClient) -> None:
    """A deny for want of facts names them to the administrator."""
    sent = client.post(URL, json=question("user:alice", "delete", "record:record-1")).json()
    assert (sent["decision"], sent["context"]["outcome"]) == (False, "undetermined")
    assert "not known: action.soft" in sent["context"]["reason_admin"]["403"]


def test_it_is_recorded_as_the_exchange_it_asks_about(client: TestClient, lines: Lines) -> None:
    """The record holds the facts that were stated, stored ones too, and who asked; the log line holds ids only."""
    asked = question(
        "user:bo@example.com",
        {"name": "share", "properties": {"other": 1}},
        "document:archive/1",
        context={"network": "office"},
    )
    sent = client.post(URL, json=asked).json()
    assert sent["decision"] is True
    record = client.get(f"/v1/decisions/{sent['context']['decision_id']}").json()["record"]
    assert record["request"] == {
        "subject": {"type": "user", "id": "bo"},
        "action": {"name": "share"},
        "resource": {"type": "document", "id": "doc-1"},
        "request": {"network": "office"},
        "register": {
            "subject.id": {"kind": "user", "states": {"subject": {"department": "sales"}}},
            "resource.id": {
                "kind": "document",
                "states": {"resource": {"owner": "bo", "department": "legal", "tags": ["draft"]}},
            },
        },
    }
    assert (record["asked_by"], record["decision"]["proceed"]) == ("local", True)
    (line,) = [line for line in lines.events("request") if line["route"] == URL]
    assert (line["decision_id"], line["outcome"], line["proceed"]) == (record["id"], "permitted_with_obligations", True)
    assert "bo@example.com" not in lines.getvalue()


def test_duties_are_obligations(client: TestClient) -> None:
    """What is owed is an obligation of the type `custom`; whoever can carry out none of that type is denied."""
    asked = question("user:bo", "share", "document:doc-1")
    owed = {
        "id": "obl-1",
        "type": "custom",
        "properties": {
            "duty": "tell the department",
            "who": "owner",
            "under": "Rules on documents, 5",
            "certain": True,
        },
    }
    sent = client.post(URL, json=asked).json()
    assert (sent["decision"], sent["context"]["obligations"]) == (True, [owed])
    for name in ("supported_obligations", "obligations_supported"):
        able = client.post(URL, json={**asked, "context": {name: ["step-up", "custom", "other"]}}).json()
        assert (able["decision"], able["context"]["obligations"]) == (True, [owed])
        for supported in ([], ["notification"]):
            unable = client.post(URL, json={**asked, "context": {name: supported}}).json()
            assert (unable["decision"], unable["context"]["obligations"]) == (False, [owed])
            assert "cannot carry them out" in unable["context"]["reason_admin"]["403"]
            id = unable["context"]["decision_id"]
            record = client.get(f"/v1/decisions/{id}").json()["record"]
            assert (record["schema"], record["decision"]["proceed"]) == ("fifthfactor/record/3", True)
            assert "cannot carry them out" in record["denied"]
            committed = client.post("/v1/commitments", json={"decision": id})
            assert (committed.status_code, "was answered no" in committed.json()["detail"]) == (409, True)
            assert "Why the answer is no" in client.get(f"/log/{id}").text
            replayed = client.get(f"/v1/decisions/{id}/replay").json()
            assert (replayed["holds"], replayed["same"]) == (True, "bytes")
            for proceed, found in (("true", False), ("false", True)):
                rows = client.get(f"/v1/decisions?proceed={proceed}&limit=100").json()["decisions"]
                assert (id in [each["id"] for each in rows]) is found
    nothing_owed = client.post(URL, json={**ALICE, "context": {"supported_obligations": []}}).json()
    assert nothing_owed["decision"] is True
    assert "obligations" not in nothing_owed["context"]


def test_nobody_gives_himself_a_role_of_the_register(client: TestClient) -> None:
    """What only the register may state is refused in a request, also where it says the same."""
    for subject, roles in (("user:sub-beth", ["editor"]), ("user:sub-rick", ["admin", "evil_genius"]), ("user:new", ["admin"])):
        asked = question(subject, "can_create_todo", "todo:1")
        asked["subject"]["properties"] = {"roles": roles}
        answer = client.post(URL, json=asked)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "register-only")


def test_who_may_not_read_the_register_gets_no_reasons(tmp_path: Path) -> None:
    """The decision and what is owed; the record has the rest."""
    url = str(tmp_path / "log.db")
    reader, gateway = (bearer(make(url, *scopes)) for scopes in (("evaluate", "read"), ("evaluate",)))
    service = Service.open(
        Settings(watch=False, policies=WORKPLACE, database=url), say=log_lines.logger(Lines()), clock=lambda: NOW
    )
    with TestClient(create_app(service.settings, service, Memory()), base_url="http://127.0.0.1:8080") as client:
        asked = question("user:bo", "share", "document:doc-1")
        whole, told = (client.post(URL, json=asked, headers=headers).json() for headers in (reader, gateway))
        assert told["decision"] is whole["decision"] is True
        assert told["context"]["obligations"] == whole["context"]["obligations"]
        asked = question("user:cy", "write", "document:doc-13")
        whole, told = (client.post(URL, json=asked, headers=headers).json() for headers in (reader, gateway))
        assert "house.documents" in whole["context"]["reason_admin"]["403"]
        assert told["context"].keys() == {"decision_id", "outcome", "reason_admin", "reason_user"}
        assert told["context"]["reason_admin"] == {"403": "prohibited"}
        assert told["context"]["reason_user"] == {
            "403": "Do not proceed: prohibited. The reasons rest on the register, which this caller may not read."
        }


def test_another_day_is_no_permit(client: TestClient) -> None:
    """What would be so on another day is hypothetical, so the decision is false."""
    sent = client.post(URL, json={**ALICE, "context": {"as_of": "2025-01-01"}}).json()
    assert (sent["decision"], sent["context"]["outcome"]) == (False, "permitted")
    assert sent["context"]["reason_admin"]["403"].startswith("hypothetical: permitted; as of 2025-01-01")
    assert client.post(URL, json={**ALICE, "context": {"as_of": "yesterday"}}).status_code == 400


@pytest.mark.parametrize(
    "sent",
    [
        {},
        without("subject"),
        without("action"),
        without("resource"),
        without("subject", "type"),
        without("subject", "id"),
        without("action", "name"),
        without("resource", "type"),
        without("resource", "id"),
        changed("subject", "alice"),
        changed("subject", None),
        changed("subject", ["user", "alice"]),
        changed("subject", "id", 1),
        changed("subject", "id", ""),
        changed("subject", "id", "x" * 257),
        changed("subject", "type", True),
        changed("subject", "properties", "legal"),
        changed("subject", "properties", None),
        changed("action", "read"),
        changed("action", "name", 123),
        changed("action", "properties", []),
        changed("resource", "id", None),
        changed("resource", "properties", 0),
        changed("context", "now"),
        changed("context", None),
        changed("context", "supported_obligations", "custom"),
        changed("context", "supported_obligations", [1]),
        changed("context", "network", "moon"),
        changed("context", "network", 1),
        changed("subject", "properties", "role", ["admin"]),
        changed("subject", "properties", "roles", "admin"),
        changed("subject", "properties", "department", None),
        changed("resource", "properties", "status", True),
    ],
    ids=json.dumps,
)
def test_what_is_malformed_is_a_400(client: TestClient, sent: Any) -> None:
    """A missing member, a wrong type, or a value that a mapped attribute cannot have; and nothing is decided."""
    before = records(client)
    answer = client.post(URL, json=sent)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    problem = answer.json()
    assert problem["type"] == "urn:fifthfactor:problem:access-refused"
    assert isinstance(problem["detail"], str)
    assert "decision" not in problem
    assert records(client) == before


def test_a_refusal_names_the_place_in_the_request(client: TestClient) -> None:
    """The pointer leads to the attribute that was sent, not to the fact that it states."""
    for name, code in (("role", "wrong-value"), ("roles", "register-only")):
        sent = changed("subject", "properties", name, ["admin"])
        assert [(each["pointer"], each["code"]) for each in client.post(URL, json=sent).json()["errors"]] == [
            (f"/subject/properties/{name}", code)
        ]
    missing = client.post(URL, json={"subject": {"type": "user"}, "resource": {}}).json()
    assert [each["pointer"] for each in missing["errors"]] == ["/subject", "", "/resource", "/resource"]


@pytest.mark.parametrize(
    "content", [b"", b" ", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000, b'{"subject": 1, "subject": 2}', b"NaN"]
)
def test_what_is_no_json_object_is_a_400(client: TestClient, content: bytes) -> None:
    """Empty, cut off, another value, no UTF-8, too deep, or a key that stands twice."""
    answer = client.post(URL, content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:fifthfactor:problem:access-refused")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_a_400(client: TestClient, kind: str) -> None:
    """The standard knows no 415."""
    answer = client.post(URL, content=json.dumps(ALICE), headers={"content-type": kind})
    assert answer.status_code == 400


def test_a_charset_is_taken(client: TestClient) -> None:
    """`application/json; charset=utf-8` is JSON."""
    answer = client.post(URL, content=json.dumps(ALICE), headers={"content-type": "application/json; charset=utf-8"})
    assert answer.json()["decision"] is True


def test_a_body_over_the_limit_is_refused(client: TestClient) -> None:
    """413, before it is read."""
    assert client.post(URL, json={**ALICE, "more": "x" * 300_000}).status_code == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_post_is_taken(client: TestClient, method: str) -> None:
    """405, with the methods that there are."""
    answer = client.request(method, URL)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_unknown_members_are_passed_over(client: TestClient) -> None:
    """At the top, in each entity, and attributes that nothing is mapped to."""
    sent = {
        "subject": {"type": "user", "id": "alice", "foo": 1, "properties": {"shoe": {"size": None}}},
        "action": {"name": "read", "bar": [None]},
        "resource": {"type": "record", "id": "record-1", "baz": True, "properties": {"weight": 1e300}},
        "context": {"time": "2025-06-27T18:03-07:00", "ip": None},
        "foo": "bar",
        "evaluations": "none of these here",
        "page": 7,
    }
    assert client.post(URL, json=sent).json()["decision"] is True


def test_the_request_id_is_echoed(client: TestClient) -> None:
    """The caller's on every answer; one of ours where there is none."""
    for content in (json.dumps(ALICE), "{"):
        answer = client.post(
            URL, content=content, headers={"content-type": "application/json", "x-request-id": "bfe9eb29-ab87"}
        )
        assert answer.headers["x-request-id"] == "bfe9eb29-ab87"
    assert client.post(URL, json=ALICE).headers["x-request-id"]


def test_the_same_question_has_the_same_answer(client: TestClient) -> None:
    """Each time with a decision of its own."""
    found = [client.post(URL, json=ALICE).json() for _ in range(3)]
    assert [each["decision"] for each in found] == [True] * 3
    assert len({each["context"]["decision_id"] for each in found}) == 3


def test_the_scope_is_needed(tmp_path: Path) -> None:
    """A caller without the scope `evaluate` is forbidden, one without a key is a stranger, and the metadata are for everyone."""
    url = str(tmp_path / "log.db")
    reader, evaluator = make(url, "read"), make(url, "evaluate")
    searches = [f"/access/v1/search/{blank}" for blank in ("subject", "resource", "action")]
    service = Service.open(
        Settings(watch=False, policies=WORKPLACE, database=url), say=log_lines.logger(Lines()), clock=lambda: NOW
    )
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        for path in (URL, "/access/v1/evaluations", *searches):
            for headers, status in (({}, 401), (bearer(reader), 403), (bearer(evaluator), 200)):
                assert client.post(path, json=ALICE, headers=headers).status_code == status, path
        assert client.get("/.well-known/authzen-configuration").status_code == 200
