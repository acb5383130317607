"""
The OpenAPI document describes everything: each operation, parameter, body and member, with examples that hold.

`RECORD=1 pytest tests/service/api/test_described.py` records the examples anew.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.routing import Route
from starlette.testclient import TestClient

import engine
from service.api.openapi import EXAMPLES
from service.api.operations import TAGS
from service.api.page_data import ADDRESSES
from service.api.parameters import Checked
from service.api.router import Operation
from service.callers.entrance import GATEWAYS
from service.compliance_documents.docx_file import MEDIA_TYPE as DOCX
from service.log.canonical_json import canonical
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from tests.service.api.described import (
    ACCESS_REQUESTS,
    DOCUMENT_SIGNED,
    GATEWAY,
    SHADOW,
    SIGNED_IN,
    WITNESSED,
    calls,
    outline,
    shortened,
)
from tests.service.documented import resolved

OTHER_FORMS = (
    "text/csv",
    "text/html",
    "text/turtle",
    "application/openmetrics-text",
    DOCX,
)  # of an answer that is shown in another one
FREE = ("getOpenApi", "getExchangeSchema", "getDecisionSchema", "getRecordSchema", "getBundle")  # any object is an example

MADE = ("evaluate", "evaluateBatch")  # their examples are made from the loaded vocabulary


@contextmanager
def application(folder: Path) -> Iterator[TestClient]:
    """The application with the bundled policies, which the examples are from."""
    settings = Settings(watch=False, policies=engine.bundled_policies(), database=folder / "log.db")
    with TestClient(create_app(settings, Service.open(settings)), base_url="http://127.0.0.1:8080") as client:
        yield client


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One application for the tests that make no key."""
    with application(tmp_path_factory.mktemp("described")) as client:
        yield client


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    """The OpenAPI document."""
    return resolved(client.get("/openapi.json").json())


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The operations by name."""
    return {each["operationId"]: each for methods in document["paths"].values() for each in methods.values()}


def members(schema: Any, at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each member of a schema and of the schemas in it, with its place."""
    if isinstance(schema, dict):
        for name, member in schema.get("properties", {}).items():
            yield f"{at}.{name}", member
            yield from members(member, f"{at}.{name}")
        for word in ("anyOf", "oneOf", "allOf"):
            for each in schema.get(word, ()):
                yield from members(each, at)
        for word in ("items", "additionalProperties"):
            yield from members(schema.get(word), at)


def bodies(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each body: its operation, whether it is the `request` or the status of an answer, and its content by media type."""
    for name, operation in operations(document).items():
        if "requestBody" in operation:
            yield name, "request", operation["requestBody"]["content"]
        for status, answer in operation["responses"].items():
            yield name, status, answer.get("content", {})


def test_every_operation_has_a_name_a_group_and_words(document: dict[str, Any]) -> None:
    """The names are of one manner and unique; the groups are described; parameters and answers say what they are."""
    found = [each for methods in document["paths"].values() for each in methods.values()]
    assert len(found) == len(operations(document)) > 50
    assert {tag["name"]: tag["description"] for tag in document["tags"]} == dict(TAGS)
    assert {tag for each in found for tag in each["tags"]} == set(TAGS)
    for each in found:
        assert re.fullmatch("[a-z]+([A-Z][a-z]+)*", each["operationId"])
        assert each["summary"]
        assert each["description"], each["operationId"]
        unsaid = [one["name"] for one in each.get("parameters", ()) if not one.get("description")]
        assert not unsaid, (each["operationId"], unsaid)
        names = [(one["in"], one["name"]) for one in each.get("parameters", ())]
        assert len(names) == len(set(names))
        assert all(answer["description"] and answer["headers"] for answer in each["responses"].values())


def test_the_document_says_once_what_operations_repeat(client: TestClient) -> None:
    """With the bundled policies it stays small; half of it is what the vocabulary asks. No refusal, parameter or type is there twice."""
    answer = client.get("/openapi.json")
    assert len(answer.content) < 948_000
    document = answer.json()
    for kind in ("responses", "parameters"):
        shared = [json.dumps(each, sort_keys=True) for each in document["components"][kind].values()]
        assert len(shared) == len(set(shared)) > 5
        said = [one.get(kind, ()) for one in operations(document).values()]
        used = [each for here in said for each in (here.values() if isinstance(here, dict) else here)]
        own = [json.dumps(each, sort_keys=True) for each in used if "$ref" not in each]
        repeated = {each for each in own if own.count(each) > 1 and "application/problem+json" in each}
        assert not repeated
        assert not set(own) & set(shared)
    country = document["components"]["schemas"]["Exchange-country"]
    places = [json.dumps(each) for name, each in document["components"]["schemas"].items() if name != "Exchange-country"]
    assert country["anyOf"][0]["enum"][0] == "AD"
    assert sum(each.count('schemas/Exchange-country"') for each in places) >= 2


def test_every_refusal_is_described_by_its_kinds(document: dict[str, Any]) -> None:
    """Each status that is not a success lists the types of its problems, with an example of each."""
    for name, status, content in bodies(document):
        if status[0] in "45":
            problem = content["application/problem+json"]
            kinds = problem["schema"]["properties"]["type"]["enum"]
            assert [f"urn:fifthfactor:problem:{kind}" for kind in problem["examples"]] == kinds, name
            assert set(problem["examples"]) <= set(document["components"]["examples"])


def test_every_table_is_among_the_answers(document: dict[str, Any]) -> None:
    """An operation that takes `format=csv` may answer with a table."""
    parameters = {name: {one["name"] for one in each.get("parameters", ())} for name, each in operations(document).items()}
    answers = {name: {*content} for name, status, content in bodies(document) if status == "200"}
    tables = {name for name in parameters if "format" in parameters[name]}
    assert len(tables) >= 7
    assert tables == {name for name, kinds in answers.items() if {"application/json", "text/csv"} <= kinds}


def test_every_member_of_every_body_is_described(document: dict[str, Any]) -> None:
    """Those of components, and those of bodies that are written where they are."""
    found = [each for name, schema in document["components"]["schemas"].items() for each in members(schema, name)]
    for name, place, content in bodies(document):
        for media in content.values():
            found += members(media.get("schema"), f"{name} {place}")
    assert len(found) > 1_000
    assert [at for at, member in found if not member.get("description")] == []


def test_every_example_holds(document: dict[str, Any], tmp_path: Path) -> None:
    """Each call of an example succeeds; its answer, and the example in the document, are of the documented shape."""
    described = operations(document)
    known: dict[str, dict[str, Any]] = {
        "getShadow": {"answer": SHADOW},
        **WITNESSED,
        **GATEWAY,
        **SIGNED_IN,
        **ACCESS_REQUESTS,
        **DOCUMENT_SIGNED,
    }
    with application(tmp_path) as client:
        made = calls(client)
    for step, sent, told in made:
        operation = described[step.operation]
        content = operation["responses"][str(step.status)]["content"]
        (media,) = [each for kind, each in content.items() if has_example(kind, content, OTHER_FORMS)]
        validate(document, media["schema"], told, step.operation)
        if step.operation not in known:
            known[step.operation] = {"answer": outline(told) if step.operation in FREE else shortened(told)}
            if step.body is not None:
                known[step.operation]["request"] = sent
                assert "requestBody" in operation
                of_request = operation["requestBody"]["content"]["application/json"]["schema"]
                validate(document, of_request, sent, step.operation)
    assert known.keys() == described.keys(), "each has a call in tests/service/api/described.py; RECORD=1 keeps what it answers"
    if os.environ.get("RECORD"):
        kept = {name: each for name, each in known.items() if name not in MADE and each["answer"] != ""}
        EXAMPLES.write_text(json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
        return
    for name, place, content in bodies(document):
        if place[0] in "45":
            continue
        for kind, media in content.items():
            if has_example(kind, content, (*OTHER_FORMS, "application/octet-stream", "application/cose")) and not (
                place == "201" and described[name]["responses"].keys() >= {"200"}
            ):
                example = media["example"]
                validate(document, media["schema"], example, name)
                if place == "request":
                    assert shape(example) == shape(known[name]["request"]), name


def has_example(kind: str, content: dict[str, Any], without: tuple[str, ...]) -> bool:
    """Whether an answer of a media type has an example: JSON-LD has one where there is no JSON."""
    return kind not in without and not (kind == "application/ld+json" and "application/json" in content)


def shape(value: Any) -> Any:
    """A body without its texts, of which some are new in each run."""
    match value:
        case dict():
            return {name: shape(each) for name, each in value.items()}
        case list():
            return [shape(each) for each in value]
        case str():
            return ""
    return value


def validate(document: dict[str, Any], schema: dict[str, Any], body: Any, name: str) -> None:
    """Raises AssertionError where a body is not of its shape."""
    whole = {**schema, "components": document["components"]}
    faults = [f"{each.json_path}: {each.message[:300]}" for each in Draft202012Validator(whole).iter_errors(body)]
    assert not faults, (name, faults[:3])


def test_every_route_checks_its_query(client: TestClient) -> None:
    """Each operation refuses what it does not know; a page answers a wrong address itself, and nothing else is outside the document."""
    routes = [each for each in client.app.router.routes if isinstance(each, Route)]  # type: ignore[attr-defined]
    assert all(isinstance(each, Checked) for each in routes if each.include_in_schema)
    outside = [each for each in routes if not each.include_in_schema and each.path not in ADDRESSES]
    pages = {each.path for each in outside if isinstance(each, Operation)}
    assert {each.path for each in outside} - pages == {
        *("/docs", "/docs/{name}", "/log/style.css", "/sign-in", "/sign-in/return", "/sign-in/start", "/sign-out")
    }
    for path in sorted({each.path for each in outside if each.path in pages and "GET" in (each.methods or ())}):
        answer = client.get(f"{re.sub(r'{[^}]+}', 'nothing', path)}?limitt=1")
        assert answer.status_code in (400, 404), path  # 404 where it looks first for what the address names


def test_an_unknown_parameter_is_refused_by_every_operation(client: TestClient, document: dict[str, Any]) -> None:
    """400, which names it; also where there are no parameters, and before a body is read or anything is written."""
    for path, methods in document["paths"].items():
        if path.startswith(GATEWAYS):  # its query is that of a gateway's client, and the mapping says what may come
            continue
        for method in methods:
            address = re.sub(r"\{\w+\}", "nothing", path)
            answer = client.request(
                method, f"{address}?counter=counts.cn&limitt=1" if "counters" in path else f"{address}?limitt=1"
            )
            if path == "/v1/counters":  # any other parameter is a fact that the counter is kept per
                assert "limitt" in answer.json()["detail"]
                continue
            assert answer.status_code == 400, (method, path)
            assert answer.json()["parameter"] == "limitt"
            assert "`limitt`" in answer.json()["detail"]
            limits = [each["name"] for each in methods[method].get("parameters", ()) if each["name"] == "limit"]
            assert ("did you mean `limit`?" in answer.json()["detail"]) == bool(limits)


@pytest.mark.parametrize(
    ("address", "sent", "says"),
    [
        ("/v1/keys", {"name": "a", "scopes": ["read"], "scope": "read"}, "there is no member `scope`; did you mean `scopes`? there are"),
        ("/v1/commitments", {"decision": "a", "decison": "a"}, "there is no member `decison`; did you mean `decision`?"),
        ("/v1/commitments/a/withdraw", {"reason": "a", "why": "a"}, "there is no member `why`; there are `reason`"),
    ],
)  # fmt: skip
def test_an_unknown_member_is_named(client: TestClient, address: str, sent: dict[str, Any], says: str) -> None:
    """At its place, with what may be meant."""
    [place] = client.post(address, json=sent).json()["errors"]
    assert (place["pointer"], place["code"]) == (f"/{list(sent)[-1]}", "unknown-key")
    assert place["detail"].startswith(says)


def test_a_single_parameter_comes_once(client: TestClient) -> None:
    """One that may be repeated may; the refusal of another names it."""
    assert client.get("/v1/decisions?outcome=review&outcome=prohibited").status_code == 200
    refused = client.get("/v1/decisions?limit=1&limit=2").json()
    assert (refused["parameter"], refused["status"]) == ("limit", 400)
    assert client.get("/v1/keys?limit=0").json()["detail"] == "`limit` takes a number from 1 to 1000"


def test_every_list_has_the_same_pages(client: TestClient, document: dict[str, Any]) -> None:
    """What is read with `limit` is read with `cursor`, and its page has `next`; pages follow one another without a gap."""
    for name, operation in operations(document).items():
        names = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        assert ("limit" in names) == ("cursor" in names), name
        assert not names & {"after", "before", "first", "offset", "page"}, name
        reference = operation["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
        shown = document["components"]["schemas"].get(reference.get("$ref", "").rpartition("/")[2], {})
        if "limit" in names and reference:  # an answer that is no JSON has the address of its next page in a header
            assert {"type": "null"} in shown["properties"]["next"]["anyOf"], name
    client.post("/v1/evaluate", json={"exporter": {"country": "CN"}})
    for path, kind in (("/v1/facts?prefix=exporter.", "facts"), ("/v1/decisions?proceed=false", "decisions")):
        whole = client.get(path).json()[kind]
        found: list[Any] = []
        following: str | None = ""
        while following is not None:
            page = client.get(f"{path}&limit=1{following and '&cursor='}{following}").json()
            found += page[kind]
            following = page["next"]
        assert canonical(found) == canonical(whole)
        assert found
    cursor = client.get("/v1/facts?limit=1").json()["next"]
    for wrong in (f"/v1/facts?prefix=act.&cursor={cursor}", f"/v1/keys?cursor={cursor}", "/v1/bundles?cursor=bm90aGluZw"):
        assert client.get(wrong).json()["parameter"] == "cursor"
