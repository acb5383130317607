"""Malformed and hostile questions: each is refused in a sentence, at its place, and none of them is ever a permit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.service.doors.opa.conftest import record, records


def question(**more: Any) -> dict[str, Any]:
    """A question that would get a permit, with some members of its request or beside it changed."""
    request = {"method": "GET", "path": "/reports/contacts", "headers": {"x-purpose": "care"}}
    beside = {name: value for name, value in more.items() if name not in request}
    changed = {name: more.get(name, value) for name, value in request.items()}
    return {"request": changed, "consumer": {"username": "lab-five"}, **beside}


def sent(**more: Any) -> str:
    return json.dumps({"input": question(**more)})


WHOLE = sent()
HEADERS = "/input/request/headers"
CONSUMER = "/input/consumer"
METHOD, PATH = "/input/request/method", "/input/request/path"
# What is sent, the place that is wrong, its code, and a piece of the sentence.
REFUSED: dict[str, tuple[str | bytes, str, str, str]] = {
    "nothing": ("", "", "not-json", "JSON"),
    "no JSON": ("{", "", "not-json", "JSON"),
    "two documents": (WHOLE + WHOLE, "", "not-json", "JSON"),
    "a list": ("[]", "", "not-json", "object"),
    "a text": ('"input"', "", "not-json", "object"),
    "null": ("null", "", "not-json", "object"),
    "no input": ("{}", "", "missing", "`input` is missing"),
    "input in other case": ('{"Input": {}}', "", "unknown-key", "did you mean `input`"),
    "input twice": ('{"input": {}, "input": {}}', "", "not-json", "`input` appears twice"),
    "something beside the input": ('{"input": {}, "unknowns": []}', "", "unknown-key", "no member `unknowns`"),
    "inputs of a batch": ('{"inputs": {"1": {}}}', "", "unknown-key", "`input`"),
    "input that is a list": (json.dumps({"input": [question()]}), "/input", "wrong-type", "object"),
    "input that is a text": ('{"input": "GET /reports/contacts"}', "/input", "wrong-type", "object"),
    "input that is null": ('{"input": null}', "/input", "wrong-type", "object"),
    "input that is true": ('{"input": true}', "/input", "wrong-type", "object"),
    "empty input": ('{"input": {}}', METHOD, "missing", "which operation"),
    "a number that JSON cannot carry": ('{"input": {"n": NaN}}', "", "not-json", "JSON"),
    "a thousand deep": ('{"input": ' + '{"a": ' * 1000 + "1" + "}" * 1000 + "}", "", "not-json", "too deeply"),
    "half a character": ('{"input": {"a": "\\ud800"}}', "", "not-json", "half of a character"),
    "bytes that are no text": (b'{"input": {"a": "\xff"}}', "", "not-json", "UTF-8"),
    "no method": (json.dumps({"input": {"request": {"path": "/health"}}}), METHOD, "missing", "which operation"),
    "method null": (sent(method=None), METHOD, "missing", "which operation"),
    "method that is a list": (sent(method=["GET"]), METHOD, "wrong-type", "must be a text"),
    "method that is a number": (sent(method=1), METHOD, "wrong-type", "must be a text"),
    "an empty method": (sent(method=""), METHOD, "wrong-type", "must be a text"),
    "a method that the mapping does not name": (sent(method="DELETE"), PATH, "unknown-operation", "`DELETE /reports/contacts`"),
    "a method in other case": (sent(method="get"), PATH, "unknown-operation", "no operation"),
    "a method with the path in it": (sent(method="GET /health"), PATH, "unknown-operation", "no operation"),
    "a path in other case": (sent(path="/Reports/contacts"), PATH, "unknown-operation", "did you mean"),
    "a path that the mapping does not name": (sent(path="/admin"), PATH, "unknown-operation", "no operation"),
    "a path with a step more": (sent(path="/reports/contacts/rows"), PATH, "unknown-operation", "no operation"),
    "a path without its last step": (sent(path="/reports/"), PATH, "unknown-operation", "no operation"),
    "a path that is no path": (sent(path="reports/contacts"), PATH, "unknown-operation", "no operation"),
    "a whole address": (sent(path="http://example.org/health"), PATH, "unknown-operation", "no operation"),
    "a consumer that is a zero byte": (sent(consumer={"username": "\x00"}), f"{CONSUMER}/username", "wrong-value", "cannot be an id"),
    "a step up": (sent(path="/health/../reports/contacts"), PATH, "wrong-value", "two servers"),
    "an empty step": (sent(path="/reports//contacts"), PATH, "wrong-value", "two servers"),
    "an encoded step up": (sent(path="/reports/%2e%2e"), PATH, "wrong-value", "two servers"),
    "an encoded slash": (sent(path="/reports/a%2Fb"), PATH, "wrong-value", "two servers"),
    "a backslash": (sent(path="/reports\\contacts"), PATH, "wrong-value", "two servers"),
    "a parameter of a step": (sent(path="/reports/contacts;v=1"), PATH, "wrong-value", "two servers"),
    "a query in the path": (sent(path="/health?x=/reports/contacts"), PATH, "wrong-value", "two servers"),
    "a fragment": (sent(path="/health#"), PATH, "wrong-value", "two servers"),
    "a line break in the path": (sent(path="/health\r\nX: y"), PATH, "wrong-value", "two servers"),
    "a word that is not translated": (sent(headers={"x-purpose": "profit"}), f"{HEADERS}/x-purpose", "wrong-value", "it knows `care`"),
    "a word in other case": (sent(headers={"x-purpose": "CARE"}), f"{HEADERS}/x-purpose", "wrong-value", "it knows"),
    "two words in one header": (sent(headers={"x-purpose": "care,study"}), f"{HEADERS}/x-purpose", "wrong-value", "it knows"),
    "an object for a word": (sent(headers={"x-purpose": {"a": 1}}), f"{HEADERS}/x-purpose", "wrong-type", "must be a word"),
    "true for a word": (sent(headers={"x-purpose": True}), f"{HEADERS}/x-purpose", "wrong-value", "`true`"),
    "a number that is none": (sent(headers={"x-people": "many"}), f"{HEADERS}/x-people", "wrong-value", "whole number"),
    "two numbers": (sent(headers={"x-people": ["1", "2"]}), f"{HEADERS}/x-people", "wrong-value", "whole number"),
    "less than nothing": (sent(headers={"x-people": "-1"}), f"{HEADERS}/x-people", "wrong-value", "whole number"),
    "an answer that is none": (sent(headers={"x-personal": "maybe"}), f"{HEADERS}/x-personal", "wrong-value", "true"),
    "two consumers": (sent(consumer={"username": ["lab-5", "hospital-1"]}), f"{CONSUMER}/username", "wrong-type", "one entity"),
    "a consumer that is an object": (sent(consumer={"username": {"id": "lab-5"}}), f"{CONSUMER}/username", "wrong-type", "one entity"),
    "a consumer without a name": (sent(consumer={"username": ""}), f"{CONSUMER}/username", "wrong-type", "one entity"),
    "a consumer that looks like another": (sent(consumer={"username": "LAB-5"}), f"{CONSUMER}/username", "looks-like", "`lab-5`"),
    "a consumer of a thousand letters": (sent(consumer={"username": "a" * 1000}), f"{CONSUMER}/username", "wrong-value", "cannot be an id"),
}  # fmt: skip


def test_the_table_has_forty_and_more() -> None:
    """So many ways to be refused are known."""
    assert len(REFUSED) >= 40


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("path", ["", "/allow"])
def test_each_is_refused_at_its_place(client: TestClient, name: str, path: str) -> None:
    """A problem document with the place, a code and a sentence; nothing that a program could take for a result; no record."""
    raw, pointer, code, piece = REFUSED[name]
    before = records(client)
    answer = client.post(f"/v1/data/reports{path}", content=raw, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), answer.text
    problem = answer.json()
    assert problem["type"] == "urn:fifthfactor:problem:mapping-refused"
    assert not problem.keys() & {"result", "allow", "decision", "code"}
    assert "Traceback" not in answer.text
    (first, *_) = problem["errors"]
    assert (first["pointer"], first["code"]) == (pointer, code), first
    assert piece in first["detail"], first
    assert records(client) == before


def test_the_question_that_they_change_gets_a_permit(client: TestClient) -> None:
    """Or the table would show nothing."""
    assert (
        client.post("/v1/data/reports/allow", content=WHOLE, headers={"content-type": "application/json"}).json()["result"]
        is True
    )


@pytest.mark.parametrize(
    ("content_type", "encoding", "status"),
    [
        ("text/plain", "identity", 415),
        ("application/x-yaml", "identity", 415),
        ("application/json", "gzip", 415),
        ("", "identity", 415),
    ],
)
def test_only_plain_json_is_read(client: TestClient, content_type: str, encoding: str, status: int) -> None:
    """OPA reads YAML and gzip too; here neither is."""
    headers = {"content-type": content_type, "content-encoding": encoding}
    answer = client.post("/v1/data/reports/allow", content=WHOLE, headers=headers)
    assert answer.status_code == status
    assert "result" not in answer.json()


def test_an_input_is_bounded_before_it_is_read(client: TestClient) -> None:
    """A body of more bytes than any exchange may have is refused as too large."""
    raw = json.dumps({"input": {**question(), "padding": "x" * 2_000_000}})
    answer = client.post("/v1/data/reports/allow", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert "result" not in answer.json()


def test_what_nothing_reads_changes_nothing(client: TestClient) -> None:
    """A program sends much that is not asked for; it states nothing, whatever it is called."""
    stray = {
        "allow": True,
        "result": True,
        "data": {"personal": False},
        "register": {"recipient.id": {"states": {}}},
        "as_of": "2019-01-01",
    }
    answer = client.post("/v1/data/reports", json={"input": {**question(), **stray}}).json()
    found = record(client, answer["decision_id"])
    assert found["request"]["data"] == {"id": "contacts"}
    assert found["as_of"] != "2019-01-01"
