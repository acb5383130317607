"""`GET /.well-known/authzen-configuration`, and what the OpenAPI document says of all of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from service.server.app import create_app
from service.service import Service
from service.settings import SettingRefused, Settings
from service.settings.settings_sources import settings_from
from service.telemetry import log_lines
from tests.service.authzen.conftest import WORKPLACE, Memory, question
from tests.service.conftest import POLICIES, Lines
from tests.service.documented import resolved

URL = "/.well-known/authzen-configuration"
ENDPOINTS = {
    "access_evaluation_endpoint": "/access/v1/evaluation",
    "access_evaluations_endpoint": "/access/v1/evaluations",
    "search_subject_endpoint": "/access/v1/search/subject",
    "search_resource_endpoint": "/access/v1/search/resource",
    "search_action_endpoint": "/access/v1/search/action",
}


def test_it_says_where_everything_is(client: TestClient) -> None:
    """The exact document, under the address that was asked."""
    answer = client.get(URL)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    base = "http://127.0.0.1:8080"
    assert answer.json() == {
        "policy_decision_point": base,
        **{name: base + path for name, path in ENDPOINTS.items()},
        "supported_obligations": ["custom"],
        "obligations_supported": ["custom"],
    }
    assert client.get(URL, headers={"host": "localhost:9"}).json()["policy_decision_point"] == "http://localhost:9"


def test_a_public_address_stands_in_for_the_request(tmp_path: Path) -> None:
    """What callers know the service by is a setting."""
    settings = Settings(
        watch=False, policies=WORKPLACE, database=str(tmp_path / "log.db"), public_url="https://pdp.example.com/eu"
    )
    service = Service.open(settings, say=log_lines.logger(Lines()))
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        found = client.get(URL).json()
    assert found["policy_decision_point"] == "https://pdp.example.com/eu"
    assert found["search_action_endpoint"] == "https://pdp.example.com/eu/access/v1/search/action"


@pytest.mark.parametrize(
    "url",
    [
        "http://pdp.example.com",
        "pdp.example.com",
        "https://",
        "https://pdp.example.com/",
        "https://pdp.example.com?",
        "https://pdp.example.com?x=1",
        "https://pdp.example.com#x",
        "https://me@pdp.example.com",
        "https://pdp.example.com:x",
        "ftp://localhost",
    ],
)
def test_a_public_address_is_an_https_url(url: str) -> None:
    """Without a query, a fragment, a name and password, or a slash at its end; the start refuses another."""
    with pytest.raises(SettingRefused, match="FIFTHFACTOR_PUBLIC_URL"):
        settings_from({"FIFTHFACTOR_PUBLIC_URL": url})


def test_a_public_address_may_be_this_machine() -> None:
    """Then it needs no https."""
    for url in ("http://localhost:8080", "http://127.0.0.1", "http://[::1]:80", "https://pdp.example.com:8443/a"):
        assert settings_from({"FIFTHFACTOR_PUBLIC_URL": url}).public_url == url


def test_without_a_mapping_there_is_nothing_here(tmp_path: Path) -> None:
    """A vocabulary without `authzen` answers no access request, and does not pretend to."""
    service = Service.open(
        Settings(watch=False, policies=POLICIES, database=str(tmp_path / "log.db")), say=log_lines.logger(Lines())
    )
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        assert client.get(URL).status_code == 404
        for path in ENDPOINTS.values():
            answer = client.post(path, json=question("user:alice", "read", "record:record-1"))
            assert (answer.status_code, answer.json()["type"]) == (404, "urn:fifthfactor:problem:not-found")


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document["components"]})


def test_the_openapi_document_tells_the_truth(client: TestClient, entities: Memory) -> None:
    """Its examples are sound and answered with 200; what is answered is as it says, refusals too."""
    document = resolved(client.get("/openapi.json").json())
    for path in ENDPOINTS.values():
        operation = document["paths"][path]["post"]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        answered = validator(document, operation["responses"]["200"]["content"]["application/json"]["schema"])
        (example,) = schema["examples"]
        mine = json.loads(
            json.dumps(example)
            .replace("organization", "user")
            .replace("clinic-7", "bo")
            .replace("dataset", "document")
            .replace("ds-", "doc-")
            .replace("transfer", "share")
        )
        for sent in (example, mine, {**mine, "page": {"limit": 1}, "context": {"supported_obligations": []}}):
            validator(document, schema).validate(sent)
            answer = client.post(path, json=sent)
            assert answer.status_code == 200, answer.text
            answered.validate(answer.json())
        for bad in ({}, {**mine, "subject": "bo"}, {**mine, "context": 1}, {**mine, "resource": {"type": 7}}):
            assert not validator(document, schema).is_valid(bad)
            refused = client.post(path, json=bad)
            assert refused.status_code == 400, (path, bad)
            problem = operation["responses"]["400"]["content"]["application/problem+json"]["schema"]
            validator(document, problem).validate(refused.json())
        assert {"400", "403", "404", "413", "503"} <= operation["responses"].keys()
    operation = document["paths"][URL]["get"]
    validator(document, operation["responses"]["200"]["content"]["application/json"]["schema"]).validate(client.get(URL).json())
