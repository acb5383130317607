"""`POST /v1/odrl/read` and `fifthfactor odrl read`: the same document over HTTP and at the terminal."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

import engine
from service.cli.main import app
from service.doors import installed
from tests.service.doors.odrl.decided_contracts import contract_desk
from tests.service.doors.odrl.readings import limit, offer, use

OFFER = offer(use(limit("spatial", "eq", "SG"), limit("industry", "eq", "shipping")), assigner="clinic-7")
TURTLE = """@prefix odrl: <http://www.w3.org/ns/odrl/2/> .
<urn:o> a odrl:Offer ; odrl:assigner <urn:a> ; odrl:permission [ odrl:action odrl:use ] ."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service with the bundled policies."""
    folder = tmp_path_factory.mktemp("contracts")
    with contract_desk(folder) as desk:
        yield desk.client


def test_a_contract_is_read_over_http_and_nothing_is_recorded(client):
    """The facts with their places, what was not understood, what is asked, and the beginning of an exchange."""
    answer = client.post("/v1/odrl/read", json=OFFER)
    assert answer.status_code == 200, answer.text
    read = answer.json()
    assert read["contract"] == {"id": "urn:o", "type": "Offer", "profiles": [], "pointer": ""}
    assert {
        "fact": "exporter.id",
        "value": "clinic-7",
        "pointer": "/assigner",
        "term": "http://www.w3.org/ns/odrl/2/assigner",
    } in read["facts"]
    assert [each["pointer"] for each in read["not_understood"]] == ["/permission/0/constraint/1"]
    asked = {each["fact"]: each["question"] for each in read["asked"]}
    assert asked["purpose.is"] == "What are the data for?"
    assert {"terms.purposes", "terms.term", "terms.rest_met", "recipient.country"} <= set(asked)
    assert "terms.territory" not in asked
    assert read["exchange"]["terms"]["territory"] == ["SG"]
    assert {each["from"] for each in read["exchange"]["carried"]} == {"urn:o"}
    (mapping,) = (each for each in read["mappings"] if each["name"] == "odrl")
    assert len(mapping["digest"]) == 64
    assert client.get("/v1/decisions").json()["decisions"] == []


@pytest.mark.parametrize("kind", ["application/ld+json", "application/json; charset=utf-8", "text/turtle"])
def test_the_form_of_a_contract_is_that_of_its_content_type(client, kind):
    """JSON-LD under both of its types, Turtle under its own."""
    body = TURTLE if "turtle" in kind else json.dumps(OFFER)
    assert client.post("/v1/odrl/read", content=body, headers={"Content-Type": kind}).json()["contract"]["id"] == "urn:o"


def test_what_is_no_contract_is_refused_with_its_place(client):
    """A problem document, as for every refusal; another content type is a 415."""
    sent = offer(use()) | {"permission": [{"action": "use", "constraint": None}]}
    refused = client.post("/v1/odrl/read", json=sent)
    assert (refused.status_code, refused.json()["type"]) == (400, "urn:fifthfactor:problem:contract-refused")
    assert refused.json()["errors"] == [
        {"pointer": "/permission/0/constraint", "code": "null", "detail": "`null` says nothing: leave it out"}
    ]
    assert client.post("/v1/odrl/read", content="x", headers={"Content-Type": "text/plain"}).status_code == 415


def test_without_the_library_the_operation_says_what_adds_it(client, monkeypatch):
    """503, with the command to install the extra."""
    monkeypatch.setattr(installed, "find_spec", lambda name: None)
    answer = client.post("/v1/odrl/read", json=OFFER)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:fifthfactor:problem:not-installed")
    assert "pip install 'fifthfactor[odrl]'" in answer.json()["detail"]


def test_the_terminal_writes_what_the_service_answers(client, tmp_path: Path):
    """With --json the same document; without it the same facts, for a person."""
    file = tmp_path / "offer.json"
    file.write_text(json.dumps(OFFER))
    runner = CliRunner()
    done = runner.invoke(app, ["odrl", "read", str(file), "--json", "--policies", str(engine.bundled_policies())])
    assert (done.exit_code, json.loads(done.stdout)) == (0, client.post("/v1/odrl/read", json=OFFER).json())
    shown = runner.invoke(app, ["odrl", "read", str(file), "--policies", str(engine.bundled_policies()), "--lang", "zh"])
    assert "terms.territory: SG  [/permission/0/constraint/0]" in shown.stdout
    assert "数据用于何种目的？" in shown.stdout


def test_the_terminal_names_the_place_of_what_it_cannot_read(tmp_path: Path):
    """It ends with 1; what others wrote does not reach the terminal as it is."""
    file = tmp_path / "policy.ttl"
    file.write_text("<urn:o> a <urn:\u001b[31m> .")
    done = CliRunner().invoke(app, ["odrl", "read", str(file), "--policies", str(engine.bundled_policies())])
    assert done.exit_code == 1
    assert "policy.ttl: " in done.stderr
    assert "\u001b[31m" not in done.stderr
