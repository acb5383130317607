"""A program asks as it would ask an Open Policy Agent, and is answered by a mapping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

import engine
from service.cli.main import app
from service.policies import archive
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from tests.service.doors.opa.conftest import HERE, Ask, record, records

READ: dict[str, Any] = {
    "request": {"method": "GET", "path": "/reports/contacts", "headers": {"x-purpose": "care"}},
    "consumer": {"username": "lab-five"},
}
HEALTH = {"request": {"method": "GET", "path": "/health"}}


def reading(**more: Any) -> dict[str, Any]:
    """The question in short: a path, headers, or who reads."""
    request = {**READ["request"], **{name: more[name] for name in ("method", "path") if name in more}}
    request["headers"] = {**READ["request"]["headers"], **more.get("headers", {})}
    return {"request": request, "consumer": {"username": more.get("reader", "lab-five")}}


def test_a_permit_is_an_object_that_says_why(ask: Ask) -> None:
    """`allow` is `proceed`; the decision is named as OPA names it, and in a header for the program's client."""
    answer = ask("reports", READ).json()
    result, id = answer["result"], answer["decision_id"]
    assert (result["allow"], result["proceed"], result["status_code"], result["decision"]) == (True, True, 200, id)
    assert result["headers"] == {"x-fifthfactor-decision": id}
    assert "may go ahead" in result["reason"]


def test_the_other_address_answers_yes_or_no(ask: Ask) -> None:
    """`/allow` has the same `allow` alone."""
    assert ask("reports", READ, "/allow").json()["result"] is True
    assert ask("reports", reading(path="/reports/nobody-knows-it"), "/allow").json()["result"] is False


@pytest.mark.parametrize(
    "sent",
    [
        reading(path="/reports/nobody-knows-it"),  # an asset that the register does not have
        reading(reader="somebody"),  # a party that the register does not have
        {"request": {**READ["request"], "headers": {}}, "consumer": READ["consumer"]},  # no purpose
        {"request": READ["request"]},  # nobody reads
        {"request": READ["request"], "consumer": None},
        reading(path="/reports/latest"),  # an operation that says nothing of the data
        reading(headers={"x-personal": "unknown"}, reader="somebody"),
    ],
)
def test_what_is_not_stated_is_unknown_and_permits_nothing(ask: Ask, sent: dict[str, Any]) -> None:
    """What is missing is no error and no permit: the answer is no, and says what to find out."""
    answer = ask("reports", sent)
    assert answer.status_code == 200
    result = answer.json()["result"]
    assert (result["allow"], result["proceed"], result["status_code"]) == (False, False, 403)
    assert result["decision"]


def test_a_plain_step_comes_before_an_open_one(ask: Ask, client: TestClient) -> None:
    """`GET /reports/latest` is an operation of its own, though `{report}` would fit too."""
    found = ask("reports", reading(path="/reports/latest")).json()["result"]["decision"]
    assert record(client, found)["mapping"]["operation"] == "GET /reports/latest"


def test_an_id_may_have_parts(ask: Ask, client: TestClient) -> None:
    """Several places give one id; the register is asked for the whole."""
    found = ask("reports", reading(path="/catalogs/hive/tables/contacts")).json()["result"]["decision"]
    assert record(client, found)["request"]["data"]["id"] == "hive/contacts"


def test_what_moves_no_data_is_allowed_and_not_recorded(ask: Ask, client: TestClient) -> None:
    """Such an operation is named in the mapping, with a reason. There is nothing to decide."""
    before = records(client)
    assert ask("reports", HEALTH).json() == {
        "result": {
            "allow": True,
            "reason": "It says whether the service is up.",
            "status_code": 200,
            "headers": {},
            "proceed": True,
        }
    }
    assert ask("reports", HEALTH, "/allow").json() == {"result": True}
    assert records(client) == before


def test_the_record_names_the_mapping_and_its_digest(ask: Ask, client: TestClient) -> None:
    """Beside them stand the operation, and the facts that a client of the program can set."""
    found = record(client, ask("reports", reading(headers={"x-people": "500"})).json()["result"]["decision"])
    assert found["mapping"] == {
        "name": "reports",
        "digest": found["mapping"]["digest"],
        "operation": "GET /reports/{report}",
        "from_client": ["data.people.ordinary", "purpose.is"],
    }
    assert len(found["mapping"]["digest"]) == 64
    assert found["request"]["exporter"] == {"id": "hospital-1"}  # the register's first id, whatever the mapping calls it
    assert found["request"]["recipient"] == {"id": "lab-5"}


def test_a_decision_can_be_replayed_and_verified(ask: Ask, client: TestClient) -> None:
    """The record has the exchange as it was read, so it is decided again without the mapping."""
    id = ask("reports", READ).json()["decision_id"]
    assert client.get(f"/v1/decisions/{id}/replay").json()["same"] == "bytes"
    assert client.get(f"/v1/decisions/{id}/receipt").status_code == 200


def test_a_duty_that_the_program_does_not_carry_out_is_a_no(ask: Ask, client: TestClient) -> None:
    """The exchange may proceed and the program is told no: the record says why, and nobody can commit it."""
    answer = ask("owing", {"operation": "read", "reader": "lab-5"}).json()
    assert (answer["result"]["allow"], answer["result"]["proceed"]) == (False, True)
    assert answer["result"]["reason"].startswith(
        "Duties are owed that the program does not carry out: ph.data-privacy-act/s-21.1."
    )
    found = record(client, answer["decision_id"])
    assert found["denied"] == "duties are owed that the program does not carry out: ph.data-privacy-act/s-21.1"
    refused = client.post("/v1/commitments", json={"decision": answer["decision_id"]})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:fifthfactor:problem:not-committable")
    assert client.get(f"/v1/decisions/{answer['decision_id']}/receipt").status_code == 409


def test_a_duty_that_the_program_carries_out_lets_it_go_on(ask: Ask, client: TestClient) -> None:
    """The mapping says so, and is signed with the policies; the decision can be committed."""
    answer = ask("carrying", {"operation": "read", "reader": "lab-5"}).json()
    assert (answer["result"]["allow"], answer["result"]["proceed"]) == (True, True)
    assert "denied" not in record(client, answer["decision_id"])
    assert client.post("/v1/commitments", json={"decision": answer["decision_id"]}).status_code == 201


def test_what_another_program_may_do_is_its_own_mapping(ask: Ask) -> None:
    """A name that no mapping of this door has is 404, and lists those that there are; OPA would answer `{}`."""
    for path in ("", "/allow"):
        for name in ("report", "dpv", "Reports", "reports.allow"):
            answer = ask(name, READ, path)
            assert answer.status_code == 404, name
            assert "result" not in answer.json()
            assert "`reports`" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/v1/data", "/v1/data/", "/v1/data/reports/allow/now", "/v0/data/reports", "/v1/batch/data/reports", "/v1/query"]
)
def test_other_addresses_of_opa_are_not_offered(client: TestClient, path: str) -> None:
    """Neither batches nor queries: a client of OPA then asks one by one, or says that there is nothing."""
    answer = client.post(path, json={"input": READ, "inputs": {"1": READ}})
    assert answer.status_code in (404, 405)
    assert "result" not in answer.json()


def test_a_question_is_sent_and_not_fetched(client: TestClient) -> None:
    """`GET` would leave the input in an address, and in every log on the way."""
    for path in ("/v1/data/reports", "/v1/data/reports/allow"):
        answer = client.get(path, params={"input": "{}"})
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_what_opa_documents_of_a_query_changes_nothing(client: TestClient) -> None:
    """Clients of OPA ask for more about an evaluation in Rego; there is none, and the answer is the same."""
    query = {
        "pretty": "true",
        "metrics": "true",
        "provenance": "",
        "explain": "full",
        "instrument": "1",
        "strict-builtin-errors": "true",
    }
    answer = client.post("/v1/data/reports", json={"input": READ}, params=query)
    assert answer.json()["result"]["allow"] is True
    assert answer.json().keys() == {"result", "decision_id"}
    assert client.post("/v1/data/reports", json={"input": READ}, params={"partial": "true"}).status_code == 400


def test_a_retry_decides_again(ask: Ask) -> None:
    """A gateway may pass its client's `Idempotency-Key` on. A kept permit would answer another request, so none is kept."""
    first, second = (ask("reports", READ, **{"Idempotency-Key": "one"}).json()["decision_id"] for _ in range(2))
    assert first != second


def test_a_mapping_is_signed_and_kept_with_the_policies(client: TestClient, ask: Ask) -> None:
    """The archive of the policies, which is what is signed and what a replay loads, has the mapping that the record names."""
    live = client.app.state.service.live  # type: ignore[attr-defined]
    kept = archive.read(archive.write(live.bundle.sources))
    assert kept["mappings/reports.yaml"] == (HERE / "mappings" / "reports.yaml").read_bytes()
    again = engine.load_sources(kept, tests=False)
    found = record(client, ask("reports", READ).json()["decision_id"])
    assert again.mappings["reports"].digest == found["mapping"]["digest"]
    assert (again.digests.source, again.digests.meaning) == (found["bundle"]["source"], found["bundle"]["meaning"])
    kept["mappings/reports.yaml"] = kept["mappings/reports.yaml"].replace(b"care: service-provision", b"care: research")
    assert engine.load_sources(kept, tests=False).digests != again.digests


def test_a_program_needs_an_operator_s_key_that_may_ask(tmp_path: Path) -> None:
    """A key of a party sees only its own, and a program asks for everybody; nor may a key ask that only reads."""
    database = tmp_path / "log.db"
    settings = Settings(watch=False, policies=[engine.bundled_policies(), HERE / "mappings"], database=str(database))
    keys = {}
    for name, options in {
        "asks": ("--scope", "evaluate"),
        "reads": ("--scope", "read"),
        "party": ("--party", "hospital-1", "--scope", "evaluate"),
    }.items():
        made = CliRunner().invoke(app, ["keys", "create", "--name", name, *options, "--database", str(database)])
        assert made.exit_code == 0, made.output
        keys[name] = made.stdout.strip().splitlines()[-1]
    service = Service.open(settings)
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        for path in ("", "/allow"):
            for name, status in {"asks": 200, "reads": 403, "party": 403, "": 401}.items():
                headers = {"Authorization": f"Bearer {keys.get(name, 'ff_no')}"}
                answer = client.post(f"/v1/data/reports{path}", json={"input": READ}, headers=headers)
                assert answer.status_code == status, (name, answer.text)
                assert ("result" in answer.json()) is (status == 200)
        headers = {"Authorization": f"Bearer {keys['asks']}"}
        looks_like = client.post("/v1/data/reports", json={"input": reading(reader="LAB-5")}, headers=headers)
        assert looks_like.json()["result"]["allow"] is False  # the register is not told to who may not read it


def test_people_who_were_counted_already_are_refused_as_everywhere(ask: Ask) -> None:
    """A program may say that the people of an earlier data set are meant only where that one was committed and counts."""
    answer = ask("again", {"operation": "read", "reader": "lab-5", "same": "visits-of-2025"})
    assert answer.status_code == 400
    (place,) = answer.json()["errors"]
    assert (place["pointer"], place["code"]) == ("/input/same", "no-such-people")
    assert ask("again", {"operation": "read", "reader": "lab-5"}).status_code == 200


def test_a_party_states_what_the_register_has_whatever_a_mapping_adds(ask: Ask, client: TestClient) -> None:
    """A mapping may read a property of a party once more; it takes nothing away, and what differs is of no use to anybody."""
    found = record(client, ask("kinds", {"operation": "read", "reader": "lab-5"}).json()["decision_id"])
    states = found["request"]["register"]["recipient.id"]["states"]
    assert states["recipient"]["country"] == "AE"
    assert states["exporter"] == {"kind": "company"}


def test_an_access_request_is_refused_for_the_same_reason(client: TestClient) -> None:
    """AuthZEN reads the same fact, and a claim that nothing backs counts as little there."""
    resource = {"type": "dataset", "id": "contacts", "properties": {"same_people_as": "visits-of-2025"}}
    sent = {"subject": {"type": "organization", "id": "bureau-9"}, "action": {"name": "transfer"}, "resource": resource}
    answer = client.post("/access/v1/evaluation", json=sent)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "no-such-people")
    assert answer.json()["detail"].startswith("`data.same_people_as` names no data set")
    searched = client.post("/access/v1/search/action", json={"subject": sent["subject"], "resource": resource})
    assert searched.status_code == 400
