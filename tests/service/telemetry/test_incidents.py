"""
Engines that disagree, driven over HTTP: a fault is planted in a real engine.

The exchange is of twelve thousand people without a contract, so the one rule of these tests asks for a review.
"""

import json
from typing import Any

import pytest

import engine
from engine.backends.bitset import standing_and_levels as bitset_strata
from engine.backends.durable import Durable
from service.log.record import KeptRecord
from tests.service.conftest import PERSONAL, as_recorded, body

REVIEWED = body(as_of="2024-06-01", evidence={})
STAND = bitset_strata.BitsetStrata.stand


def nothing_stands(strata: bitset_strata.BitsetStrata, possible: int, certain: int) -> None:
    """A fault that would permit: no rule is seen to stand."""
    STAND(strata, 0, 0)


def fail(*_: Any) -> None:
    """A fault that ends the engine, with a personal value in its message."""
    raise RuntimeError("about practice-of-dr-li-na")


@pytest.fixture
def planted(monkeypatch, request):
    """The fault of a test, in the engine bitset."""
    monkeypatch.setattr(bitset_strata.BitsetStrata, "stand", request.param)


def told(lines, service, decision_id: str, request_id: str) -> dict[str, Any]:
    """The one incident in the log; it has all that reproduces it, and no value of the exchange."""
    (line,) = lines.events("incident")
    digests = service.live.bundle.digests
    assert line["level"] == "error"
    assert {name: line[name] for name in ("decision_id", "request_id", "as_of", "mode", "engine", "meaning", "source")} == {
        "decision_id": decision_id,
        "request_id": request_id,
        "as_of": "2024-06-01",
        "mode": "checked",
        "engine": engine.__version__,
        "meaning": digests.meaning,
        "source": digests.source,
    }
    for value in PERSONAL.values():
        assert value not in lines.getvalue()
    found: dict[str, Any] = line
    return found


def test_without_a_fault_there_is_no_incident(client, evaluate, lines):
    """The exchange is reviewed by both engines."""
    assert evaluate(REVIEWED).json()["outcome"] == "review"
    assert not lines.events("incident")
    assert client.get("/readyz").json()["incidents"] == 0


@pytest.mark.parametrize(
    ("planted", "difference"),
    [(nothing_stands, "stands cn.test/art-1"), (fail, "bitset failed: RuntimeError")],
    indirect=["planted"],
)
def test_a_fault_in_one_engine_is_an_incident_and_no_permit(client, evaluate, service, lines, planted, difference):
    """The answer is a review that nobody may sign off, it is recorded, the log tells how to reproduce it, and it is counted."""
    answer = evaluate(REVIEWED)
    decision = answer.json()
    assert answer.status_code == 200
    assert (decision["proceed"], decision["outcome"], "beneath" in decision) == (False, "review", False)
    assert decision["bounds"]["lowest"] == "review"
    assert decision["engine"]["agreed"] is False
    line = told(lines, service, decision["id"], answer.headers["x-request-id"])
    assert difference in " ".join(line["disagreement"])
    # The answer has the first places, each in short.
    assert [each[:120] for each in line["disagreement"][:3]] == decision["engine"]["disagreement"]
    assert line["record"] == f"/v1/decisions/{decision['id']}"
    kept = client.get(line["record"]).json()
    KeptRecord.model_validate(kept)
    unknown = {"kind": "party", "known": False}
    register = {"exporter.id": unknown, "recipient.id": unknown}
    assert kept["record"]["request"] == {**json.loads(REVIEWED), "register": register}
    assert kept["record"]["decision"] == as_recorded(decision)
    assert decision["keep_until"] is None
    assert client.get("/readyz").json()["incidents"] == 1


@pytest.mark.parametrize("planted", [nothing_stands], indirect=True)
def test_a_permit_of_one_engine_is_none(evaluate, service, planted):
    """Alone, the faulty engine would let the exchange pass today; together with the other it does not."""
    today = service.clock().date()
    sent = body(as_of=str(today), evidence={})
    exchange = engine.parse_exchange(service.live.bundle, sent)

    def proceeds(mode: str) -> bool:
        return engine.PDP(service.live.bundle, mode).write(exchange, as_of=today, today=today, id="x").proceed

    assert (proceeds("bitset"), proceeds("durable")) == (True, False)
    assert evaluate(sent).json()["proceed"] is False


@pytest.mark.parametrize("planted", [fail], indirect=True)
def test_when_no_engine_answers_there_is_no_decision(client, evaluate, service, lines, monkeypatch, planted):
    """500 without details, nothing recorded, an incident that says that there is no record."""
    monkeypatch.setattr(Durable, "evaluate", fail)
    answer = evaluate(REVIEWED)
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:fifthfactor:problem:internal")
    assert "RuntimeError" not in answer.text
    (line,) = lines.events("incident")
    line = told(lines, service, line["decision_id"], answer.headers["x-request-id"])
    assert line["disagreement"] == ["bitset failed: RuntimeError", "durable failed: RuntimeError"]
    assert line["record"] is None
    assert service.store.records == 0
    assert client.get("/readyz").json()["incidents"] == 1


@pytest.mark.parametrize("fault", [nothing_stands, fail])
@pytest.mark.parametrize("path", ["replay", "sign-off", "explanation"])
def test_a_record_that_is_judged_again_is_an_incident_too(client, evaluate, service, lines, monkeypatch, fault, path):
    """Of the engines that agreed when it was recorded, one has a fault now: the line names the record, and it is counted."""
    id = evaluate(REVIEWED).json()["id"]
    monkeypatch.setattr(bitset_strata.BitsetStrata, "stand", fault)
    sign_off = {"verdict": "approve", "provisions": ["cn.test/art-1"], "reason": "I read it", "until": "2999-12-31"}
    address = f"/v1/decisions/{id}/{path}"
    answer = client.post(address, json=sign_off) if path == "sign-off" else client.get(address)
    assert answer.status_code == (409 if path == "sign-off" else 200), answer.text
    assert told(lines, service, id, answer.headers["x-request-id"])["record"] == f"/v1/decisions/{id}"
    assert client.get("/readyz").json()["incidents"] == 1


@pytest.mark.parametrize("path", ["replay", "sign-off"])
def test_a_record_that_no_engine_can_judge_again_is_an_incident_too(client, evaluate, service, lines, monkeypatch, path):
    """It is refused as before, and the log says why."""
    id = evaluate(REVIEWED).json()["id"]
    monkeypatch.setattr(bitset_strata.BitsetStrata, "stand", fail)
    monkeypatch.setattr(Durable, "evaluate", fail)
    sign_off = {"verdict": "approve", "provisions": ["cn.test/art-1"], "reason": "I read it", "until": "2999-12-31"}
    address = f"/v1/decisions/{id}/{path}"
    answer = client.post(address, json=sign_off) if path == "sign-off" else client.get(address)
    assert answer.status_code == 409, answer.text
    line = told(lines, service, id, answer.headers["x-request-id"])
    assert line["disagreement"] == ["bitset failed: RuntimeError", "durable failed: RuntimeError"]
    assert line["record"] == f"/v1/decisions/{id}"


@pytest.mark.parametrize("planted", [nothing_stands], indirect=True)
def test_incidents_in_a_batch_are_told_one_by_one(client, service, lines, planted):
    """Each with the id of its own decision."""
    content = b'{"exchanges": [%b, {"exporter": {"country": "KE"}}, %b]}' % (REVIEWED, REVIEWED)
    answer = client.post("/v1/evaluate/batch", content=content, headers={"content-type": "application/json"})
    decisions = [result["decision"] for result in answer.json()["results"]]
    wrong = [decision["id"] for decision in decisions if not decision["engine"]["agreed"]]
    assert wrong == [decisions[0]["id"], decisions[2]["id"]]
    assert [line["decision_id"] for line in lines.events("incident")] == wrong
    assert client.get("/readyz").json()["incidents"] == 2


@pytest.mark.parametrize("planted", [fail], indirect=True)
@pytest.mark.parametrize("path", ["/v1/facts", "/v1/cases"])
def test_where_no_engine_answers_nothing_is_told_and_it_is_an_incident(client, lines, monkeypatch, planted, path):
    """What only looks at an exchange has no decision: the line names none, and the answer is as that of an evaluation."""
    monkeypatch.setattr(Durable, "evaluate", fail)
    case = {"policy": "cn.test", "case": "A review", "outcome": "review", "exchange": json.loads(REVIEWED)}
    answer = client.post(path, json=case if path == "/v1/cases" else json.loads(REVIEWED))
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:fifthfactor:problem:internal")
    (line,) = lines.events("incident")
    assert (line["decision_id"], line["record"], line["request_id"]) == (None, None, answer.headers["x-request-id"])
    assert line["disagreement"] == ["bitset failed: RuntimeError", "durable failed: RuntimeError"]
    assert client.get("/readyz").json()["incidents"] == 1
