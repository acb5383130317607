"""A gateway asks whether a request of its client may go on: what it is answered, and what is recorded."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.service import Service
from tests.service.conftest import Lines
from tests.service.doors.ext_authz.conftest import FEW, PERMITTED

DECISION = "x-fifthfactor-decision"


def record(client: TestClient, id: str, **headers: str) -> dict[str, Any]:
    """The record of a decision."""
    found: dict[str, Any] = client.get(f"/v1/decisions/{id}", headers=headers).json()["record"]
    return found


def bearer(client: TestClient, *scopes: str, **more: Any) -> dict[str, str]:
    """The header with a new key."""
    by = more.pop("by", {})
    answer = client.post("/v1/keys", json={"name": "gateway", "scopes": list(scopes), **more}, headers=by)
    return {"authorization": f"Bearer {answer.json()['key']}"}


def test_a_permit_is_a_200_with_the_id_of_its_record(client: TestClient, service: Service) -> None:
    """The record names the mapping, its digest, the operation, and what a client can set."""
    answer = client.get(PERMITTED, headers=FEW)
    assert answer.status_code == 200
    assert answer.json() == {"allow": True, "decision": answer.headers[DECISION]}
    kept = record(client, answer.headers[DECISION])
    assert kept["mapping"] == {
        "name": "small",
        "digest": service.live.bundle.mappings["small"].digest,
        "operation": "GET /datasets/{dataset}/to/{country}",
        "from_client": ["data.people"],
    }
    stated = {"exporter": {"country": "CN"}, "recipient": {"country": "CN"}, "data": {"id": "d-1", "people": 5}}
    assert {name: kept["request"][name] for name in stated} == stated


def test_a_denial_is_a_403_with_the_id_of_its_record_and_no_reasons(client: TestClient) -> None:
    """A gateway may hand the body to its client, so it says nothing of the policies and the register."""
    answer = client.get(PERMITTED, headers={"x-people": "10000"})
    assert answer.status_code == 403
    assert answer.json() == {"allow": False, "decision": answer.headers[DECISION]}
    assert record(client, answer.headers[DECISION])["decision"]["outcome"] == "review"


def test_what_is_not_stated_is_unknown_and_denied(client: TestClient) -> None:
    """A header that is left out states nothing."""
    answer = client.get(PERMITTED)
    assert answer.status_code == 403
    assert (
        "data" not in record(client, answer.headers[DECISION])["request"]
        or "people" not in record(client, answer.headers[DECISION])["request"]["data"]
    )


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PROPFIND"])
def test_what_moves_no_data_is_allowed_by_name(client: TestClient, method: str) -> None:
    """By its method and path. Nothing is decided, and nothing recorded."""
    before = client.get("/readyz").json()["log"]["records"]
    answer = client.request(method, "/ext_authz/small/health")
    assert (answer.status_code, answer.headers[DECISION]) == (200, "none")
    assert client.get("/readyz").json()["log"]["records"] == before


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/health"), ("GET", "/health/more"), ("GET", "/"), ("HEAD", "/datasets/d-1/to/CN")]
)
def test_what_the_mapping_does_not_name_is_denied(client: TestClient, lines: Lines, method: str, path: str) -> None:
    """It is not known whether data move. The log line says so, and the audit has no refused caller: it is the client of one."""
    answer = client.request(method, f"/ext_authz/small{path}")
    assert (answer.status_code, answer.headers[DECISION]) == (403, "none")
    assert lines.events("request")[-1]["allow"] is False
    assert lines.events("audit") == []


def test_a_parameter_comes_only_with_an_operation_that_takes_it(client: TestClient) -> None:
    """What stands behind the gateway may read any other."""
    assert client.get(f"{PERMITTED}?page=2", headers=FEW).status_code == 200
    assert client.get(f"{PERMITTED}?pages=2", headers=FEW).status_code == 403
    assert client.get("/ext_authz/small/health?page=2").status_code == 403
    assert client.get("/ext_authz/small/people?people=5").status_code == 200
    assert client.get("/ext_authz/small/people?people=20000").status_code == 403
    assert client.get("/ext_authz/small/people?people=5&people=20000").status_code == 400
    assert client.get("/ext_authz/small/people").status_code == 403


def test_no_answer_is_kept_for_a_retry(client: TestClient) -> None:
    """A gateway sends on its client's key of idempotency: an answer that was kept would be that to another request."""
    once = {"idempotency-key": "mine"}
    first = client.post(PERMITTED, headers={**FEW, **once})
    again = client.post(PERMITTED, headers={"x-people": "10000", **once})
    assert (first.status_code, again.status_code) == (200, 403)
    assert first.headers[DECISION] != again.headers[DECISION]


def test_no_answer_may_be_kept_by_a_cache(client: TestClient) -> None:
    """Neither a permit nor a denial."""
    for headers in (FEW, {}):
        assert client.get(PERMITTED, headers=headers).headers["cache-control"] == "no-store"


def test_a_body_is_not_read(client: TestClient) -> None:
    """Neither its size nor its type matters, and it states nothing."""
    answer = client.post(PERMITTED, headers=FEW, content=b'{"data": {"people": 10000}' * 100_000)
    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["nothing", "not-for-gateways", "Small", "small%20", "..", "s"])
def test_a_mapping_that_is_none_of_this_door_denies(client: TestClient, name: str) -> None:
    """404, which both gateways take for a denial."""
    assert client.get(f"/ext_authz/{name}/health").status_code in (400, 404)


def test_the_gateway_comes_with_a_key_that_may_evaluate(client: TestClient) -> None:
    """Once there is a key: none, another, one of a party and one without the scope are refused, and each is a denial."""
    by = bearer(client, "administer")
    assert client.get(PERMITTED, headers={**FEW, **bearer(client, "evaluate", by=by)}).status_code == 200
    assert client.get(PERMITTED, headers=FEW).status_code == 401
    assert client.get(PERMITTED, headers={**FEW, "authorization": "Bearer ff_none"}).status_code == 401
    assert client.get(PERMITTED, headers={**FEW, "authorization": "Basic eDp5"}).status_code == 401
    assert client.get(PERMITTED, headers={**FEW, **bearer(client, "read", by=by)}).status_code == 403
    assert client.get(PERMITTED, headers={**FEW, **bearer(client, "evaluate", party="clinic-7", by=by)}).status_code == 403
    assert client.get("/ext_authz/small/health").status_code == 401


def test_the_host_is_that_of_the_client_if_a_key_comes_with_it(client: TestClient) -> None:
    """Envoy sends on the host that its client asked for. Without a key such a call may come from a page that rebinds a name."""
    assert client.get(PERMITTED, headers={**FEW, "host": "datasets.example"}).status_code == 421
    mine = bearer(client, "evaluate")
    assert client.get(PERMITTED, headers={**FEW, **mine, "host": "datasets.example"}).status_code == 200
    assert client.get(PERMITTED, headers={**FEW, "authorization": "Bearer x", "host": "datasets.example"}).status_code == 401
    assert client.get("/v1/facts", headers={**mine, "host": "datasets.example"}).status_code == 421


def test_no_page_of_another_site_asks_for_the_user_of_a_browser(client: TestClient) -> None:
    """Where no key was ever made, everybody on this machine is let in: a page's GET would fill the log."""
    assert client.get(PERMITTED, headers={**FEW, "sec-fetch-site": "cross-site"}).status_code == 403
    assert client.get("/ext_authz/small/a%0Ab", headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_a_get_is_turned_away_where_the_log_has_fallen_behind(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its method, what a gateway asks is recorded. A 503 denies."""
    monkeypatch.setattr(service.load, "behind", lambda: 1000.0)
    assert client.get(PERMITTED, headers=FEW).status_code == 503
    assert client.get("/v1/facts").status_code == 200


def test_a_decision_that_cannot_be_recorded_is_no_permit(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record comes first."""
    service.store.close()
    answer = client.get(PERMITTED, headers=FEW)
    assert answer.status_code == 503


def test_a_mapping_that_changes_decides_at_once(client: TestClient, mappings: Path) -> None:
    """The operations of the mapping that is loaded now count."""
    assert client.get("/ext_authz/small/health").status_code == 200
    (file := mappings / "small.yaml").write_text(file.read_text().replace("GET /health", "GET /healthy"))
    assert client.post("/v1/bundle/reload").status_code == 200
    assert client.get("/ext_authz/small/health").status_code == 403
    assert client.get("/ext_authz/small/healthy").status_code == 200


def test_what_is_owed_denies_unless_the_mapping_carries_it(client: TestClient) -> None:
    """The record says why a request was denied that may proceed; such a decision cannot be committed."""
    owing = client.get("/ext_authz/small/datasets/noted/to/CN", headers=FEW)
    assert owing.status_code == 403
    kept = record(client, owing.headers[DECISION])
    assert (kept["decision"]["proceed"], "cn.notes/art-2.1" in kept["denied"]) == (True, True)
    refused = client.post("/v1/commitments", json={"decision": owing.headers[DECISION]})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:fifthfactor:problem:not-committable")
    carried = client.get("/ext_authz/carrying/datasets/noted")
    assert carried.status_code == 200
    assert "denied" not in record(client, carried.headers[DECISION])


def test_an_id_unknown_names_nobody_and_the_log_agrees(audited: list[str], client: TestClient) -> None:
    """A client may write `unknown` into its path: it says that the id is not known, here as in every exchange."""
    answer = client.get("/ext_authz/small/datasets/unknown/to/CN", headers=FEW)
    request = record(client, answer.headers[DECISION])["request"]
    assert request["data"]["id"] == "unknown"
    assert "data.id" not in request.get("register", {})
