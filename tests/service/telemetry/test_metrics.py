"""What `/metrics` tells."""

import re
import time

from tests.service.conftest import PERSONAL, body


def figures(client):
    """The samples of the page, by name and labels as written."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_decisions_are_counted_by_outcome(client, evaluate):
    """Alone and in a batch; and how long they took, what was recorded, and by which policies."""
    outcomes = [evaluate().json()["outcome"] for _ in range(3)]
    batch = client.post("/v1/evaluate/batch", json={"exchanges": [{}, {"exporter": {"contry": "CN"}}]})
    outcomes.append(batch.json()["results"][0]["decision"]["outcome"])
    found = figures(client)
    for outcome in set(outcomes):
        assert found[f'fifthfactor_decisions_total{{outcome="{outcome}"}}'] == outcomes.count(outcome)
    assert found["fifthfactor_decision_duration_seconds_count"] == 4
    assert found["fifthfactor_log_entries_total"] == 4
    assert found["fifthfactor_log_failures_total"] == found["fifthfactor_incidents_total"] == 0
    policies = client.get("/readyz").json()["policies"]
    assert found[f'fifthfactor_policy_info{{meaning="{policies["meaning"]}",source="{policies["source"]}"}}'] == 1
    assert found["fifthfactor_policy_reloads_total"] == found["fifthfactor_policy_refusals_total"] == 0
    assert time.time() - 600 < found["fifthfactor_policy_last_reload_success_timestamp_seconds"] <= time.time()
    assert found["process_resident_memory_bytes"] > 1e6


def test_requests_are_counted_by_route_and_status(client, evaluate):
    """The route as it is declared; what has none is `other`."""
    evaluate()
    evaluate(b"[]")
    client.get("/v1/decisions/one")
    client.get("/v1/decisions/two")
    for number in range(50):
        client.get(f"/practice-of-dr-li-na/{number}")
    found = figures(client)
    assert found['fifthfactor_http_requests_total{route="/v1/evaluate",status="200"}'] == 1
    assert found['fifthfactor_http_requests_total{route="/v1/evaluate",status="400"}'] == 1
    assert found['fifthfactor_http_requests_total{route="/v1/decisions/{id}",status="404"}'] == 2
    assert found['fifthfactor_http_requests_total{route="other",status="404"}'] == 50
    assert found['fifthfactor_http_request_duration_seconds_count{route="other"}'] == 50


def test_nothing_that_a_caller_sent_becomes_a_label(client, evaluate):
    """Not a value of an exchange, not an address, not a header, not a method."""
    evaluate(body(), **{"x-request-id": "practice-of-dr-li-na"})
    client.get("/v1/decisions/lab-of-dr-smith?include=secret")
    client.request("BREW", "/v1/evaluate")
    text = client.get("/metrics").text
    for value in (*PERSONAL.values(), "secret", "BREW"):
        assert value not in text
    labels = {name for line in text.splitlines() if "{" in line for name in re.findall(r'(\w+)="', line)}
    assert labels == {"outcome", "route", "status", "le", "meaning", "source"}
