"""`POST /v1/odrl/decide`: a contract and what it leaves out go in, a recorded decision comes out with what was read."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from service.log.canonical_json import canonical
from tests.service.callers.test_callers import bearer, make
from tests.service.conftest import unlike_the_leaves
from tests.service.doors.odrl.decided_contracts import (
    FIXTURES,
    GRANT,
    TRANSFER,
    committed,
    contract_desk,
    decided,
    granted,
    policy_of,
)
from tests.service.ledger.desk import NOON, Desk

DECIDE = "/v1/odrl/decide"
OFFER: dict[str, Any] = {
    "@context": "http://www.w3.org/ns/odrl.jsonld",
    "@type": "Offer",
    "@id": "urn:uuid:6bcea82e-c509-443d-ba8c-8eef25984c07",
    "assigner": "clinic-5",
    "assignee": "lab-2",
    "target": "ds-1",
    "permission": [
        {
            "action": "use",
            "constraint": [
                {"leftOperand": "purpose", "operator": "eq", "rightOperand": {"@id": "https://w3id.org/dpv#ServiceProvision"}},
                {"leftOperand": "spatial", "operator": "eq", "rightOperand": "AE"},
                {"leftOperand": "elapsedTime", "operator": "lteq", "rightOperand": {"@value": "P1Y", "@type": "xsd:duration"}},
            ],
        }
    ],
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A service with the bundled policies, at noon; at the end each row is as the leaves of the log say."""
    folder = tmp_path_factory.mktemp("decided")
    with contract_desk(folder) as desk:
        yield desk
    assert unlike_the_leaves(str(folder / "log.db")) == []


def beside() -> dict[str, Any]:
    """What the contract leaves out: the exchange without the ids of the parties and of the data."""
    found = copy.deepcopy(TRANSFER)
    for group in ("exporter", "recipient", "data"):
        del found[group]["id"]
    return found


def ask(desk: Desk, contract: Any, exchange: Any = None, **headers: str) -> Any:
    """What is answered."""
    sent = {"contract": contract} | ({} if exchange is None else {"exchange": exchange})
    return desk.client.post(DECIDE, json=sent, headers=headers)


def changed(**members: Any) -> dict[str, Any]:
    """The offer with a constraint more, or with other members."""
    offer = copy.deepcopy(OFFER)
    more = members.pop("constraint", None)
    if more:
        offer["permission"][0]["constraint"].append(more)
    return {**offer, **members}


def test_an_exchange_within_its_contract_is_permitted_and_rests_on_what_the_contract_states(desk: Desk) -> None:
    """The terms of the contract are statements of the sender, and each of its conditions is met."""
    answer = ask(desk, OFFER, beside()).json()
    assert (answer["proceed"], answer["contract"]["not_understood"]) == (True, [])
    assert {each["state"] for each in answer["carried"]} == {"met"}
    explained = desk.client.get(f"/v1/decisions/{answer['id']}/explanation?include=rests_on").json()["rests_on"]
    source = {each["fact"]: each["source"] for each in explained}
    assert {source[fact] for fact in ("terms.acts", "terms.purposes", "terms.territory", "terms.term")} == {"stated"}


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"purpose": {"is": ["marketing"]}}, "contract.terms/purposes"),
        ({"act": {**TRANSFER["act"], "kind": "publish"}}, "contract.terms/acts"),
        ({"recipient": {**beside()["recipient"], "country": "SG"}}, "contract.terms/territory"),
    ],
)
def test_an_exchange_beyond_its_contract_is_not_permitted(desk: Desk, changes: dict[str, Any], fact: str) -> None:
    """Another purpose, another act, another country: the contract says no, whatever the law says."""
    answer = ask(desk, OFFER, beside() | changes).json()
    assert answer["proceed"] is False
    states = {each["provision"]: each["state"] for each in answer["carried"]}
    assert states[fact] in ("violated", "unknown")
    assert answer["bounds"]["highest"] == "prohibited"


@pytest.mark.parametrize(
    ("zone", "ended", "stands"),
    [
        ("America/Los_Angeles", "2026-12-01T01:00:00Z", "2026-12-02T08:00:00Z"),
        ("Pacific/Pago_Pago", "2026-12-01T05:59:59Z", "2026-12-01T11:00:00Z"),
        ("Pacific/Kiritimati", "2026-11-30T23:59:59Z", "2026-12-01T10:00:00Z"),
        ("UTC", "2026-12-01T05:59:59Z", "2026-12-01T23:59:59Z"),
    ],
)
def test_a_contract_that_has_ended_permits_nothing_in_any_zone_of_the_service(
    tmp_path: Path, zone: str, ended: str, stands: str
) -> None:
    """It is 06:00 in UTC, and in the zone of the service perhaps the day before, or later on the same day."""
    with contract_desk(tmp_path, zone=zone) as desk:
        desk.now[0] = datetime(2026, 12, 1, 6, tzinfo=UTC)
        for until, proceeds in ((ended, False), (stands, True)):
            at = {"@value": until, "@type": "xsd:dateTime"}
            offer = changed(constraint={"leftOperand": "dateTime", "operator": "lteq", "rightOperand": at})
            answer = ask(desk, offer, beside()).json()
            assert answer["proceed"] is proceeds, (until, answer["carried"])


@pytest.mark.parametrize("left", ["purpose", "spatial", "elapsedTime"])
def test_what_the_contract_leaves_out_is_unknown_and_asked(desk: Desk, left: str) -> None:
    """No purpose, no territory or no term in the contract is never taken for any."""
    offer = changed()
    rule = offer["permission"][0]
    rule["constraint"] = [each for each in rule["constraint"] if each["leftOperand"] != left]
    answer = ask(desk, offer, beside()).json()
    assert (answer["proceed"], answer["outcome"]) == (False, "undetermined")
    asked = {"purpose": "terms.purposes", "spatial": "terms.territory", "elapsedTime": "terms.term"}[left]
    assert asked in {each["fact"] for each in answer["questions"]}


def test_what_was_not_understood_is_asked_and_stands_in_the_answer(desk: Desk) -> None:
    """A constraint in somebody's own words is neither met nor not met; whoever knows says so."""
    strange = {"leftOperand": "https://example.com/ns/moonPhase", "operator": "eq", "rightOperand": "full"}
    offer = changed(constraint=strange)
    answer = ask(desk, offer, beside()).json()
    assert (answer["proceed"], answer["outcome"]) == (False, "undetermined")
    (unread,) = answer["contract"]["not_understood"]
    assert (unread["pointer"], unread["term"]) == ("/permission/0/constraint/3", "https://example.com/ns/moonPhase")
    assert [each["fact"] for each in answer["questions"]] == ["terms.rest_met"]
    met = beside()
    met["terms"]["rest_met"] = True
    assert ask(desk, offer, met).json()["proceed"] is True
    met["terms"]["rest_met"] = False
    assert ask(desk, offer, met).json()["outcome"] == "prohibited"


def test_what_the_request_states_otherwise_than_the_contract_names_both_places(desk: Desk) -> None:
    """Nothing is decided and nothing recorded."""
    before = desk.client.get("/v1/decisions?limit=1").json()["decisions"][0]["sequence"]
    exchange = beside()
    exchange["recipient"]["id"] = "lab-3"
    exchange["terms"]["territory"] = ["SG"]
    refused = ask(desk, OFFER, exchange)
    assert (refused.status_code, refused.json()["type"]) == (400, "urn:fifthfactor:problem:contract-refused")
    told = {each["pointer"]: each["detail"] for each in refused.json()["errors"]}
    assert told == {
        "/exchange/recipient/id": "the request states `lab-3`; the contract, at `/contract/assignee`, states `lab-2`",
        "/exchange/terms/territory": "the request states `SG`; the contract, at `/contract/permission/0/constraint/1`, states `AE`",
    }
    assert desk.client.get("/v1/decisions?limit=1").json()["decisions"][0]["sequence"] == before


def test_the_record_names_the_contract_and_a_replay_needs_none(desk: Desk) -> None:
    """The digest is that of the canonical JSON of the contract; an erasure takes it away, since it would confirm a guess."""
    exchange = beside()
    answer = ask(desk, OFFER, exchange).json()
    digest = sha256(canonical(OFFER)).hexdigest()
    record = desk.record(answer["id"])
    assert record["contract"] == {"digest": digest, "form": "json-ld", "id": OFFER["@id"]}
    assert answer["contract"]["digest"] == digest
    again = ask(desk, OFFER, exchange).json()  # from the cache of answers, where one is kept
    assert desk.record(again["id"])["contract"] == record["contract"]
    replayed = desk.client.get(f"/v1/decisions/{answer['id']}/replay").json()
    assert (replayed["holds"], replayed["same"]) == (True, "bytes")
    assert desk.post(f"/v1/decisions/{answer['id']}/erase").status_code == 200
    assert desk.record(answer["id"])["contract"].keys() == {"commitment"}
    assert desk.client.get(f"/v1/decisions/{answer['id']}/replay").json()["holds"] is True


def test_what_is_committed_under_a_contract_names_it_too(desk: Desk) -> None:
    """The decision that a commitment makes is on the same exchange, under the same contract; so is its agreement."""
    answer = ask(desk, OFFER, beside()).json()
    made = committed(desk, answer["id"])
    assert desk.record(made["evaluation"])["contract"] == desk.record(answer["id"])["contract"]
    policy = policy_of(desk, made["id"], "commitments")
    conditions = [each for each in policy["obligation"] if each["action"] == "ff:observe"]
    assert {each["ff:provision"]["@id"] for each in conditions} == {
        f"urn:fifthfactor:provision:contract.terms/{each}" for each in ("acts", "purposes", "territory", "term")
    }


def test_an_exchange_without_a_contract_has_no_such_member(desk: Desk) -> None:
    """Records of other decisions are as they were."""
    assert "contract" not in desk.record(decided(desk, TRANSFER))


def test_the_answer_shows_no_value_that_may_be_personal(desk: Desk) -> None:
    """The ids of the parties stay out of it; their places do not."""
    facts = {each["fact"]: each for each in ask(desk, OFFER, beside()).json()["contract"]["facts"]}
    assert {facts[fact]["value"] for fact in ("exporter.id", "recipient.id")} == {"personal"}
    assert facts["recipient.id"]["pointer"] == "/assignee"
    assert facts["terms.territory"]["value"] == ["AE"]


def test_a_call_with_an_idempotency_key_is_decided_once(desk: Desk) -> None:
    """A retry gets the first answer with its contract; another contract under the same key is refused."""
    key = {"idempotency-key": "contract-1"}
    first, second = (ask(desk, OFFER, beside(), **key) for _ in range(2))
    assert first.content == second.content
    other = ask(desk, changed(assignee="lab-4"), beside(), **key)
    assert (other.status_code, other.json()["type"]) == (422, "urn:fifthfactor:problem:idempotency-mismatch")


def test_a_contract_in_turtle_is_a_text(desk: Desk) -> None:
    """Its digest is that of its bytes."""
    text = """
    @prefix odrl: <http://www.w3.org/ns/odrl/2/> .
    <urn:uuid:1> a odrl:Offer ; odrl:permission [
        odrl:assigner <urn:party:clinic-5> ; odrl:assignee <urn:party:lab-2> ; odrl:target <urn:data:ds-1> ; odrl:action odrl:use ;
        odrl:constraint [ odrl:leftOperand odrl:spatial ; odrl:operator odrl:eq ; odrl:rightOperand "AE" ] ] .
    """
    answer = ask(desk, text, beside()).json()
    assert (answer["contract"]["form"], answer["contract"]["digest"]) == ("turtle", sha256(text.encode()).hexdigest())
    assert desk.record(answer["id"])["request"]["recipient"]["id"] == "urn:party:lab-2"


def test_a_fault_in_what_the_request_states_is_named_in_the_body(desk: Desk) -> None:
    """The pointer leads into the body that was sent."""
    exchange = beside()
    exchange["recipient"]["contry"] = "AE"
    refused = ask(desk, OFFER, exchange)
    assert (refused.status_code, [each["pointer"] for each in refused.json()["errors"]]) == (
        400,
        ["/exchange/recipient/contry"],
    )


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", "bad-request"),
        (b"[]", "bad-request"),
        (b'{"contract": 1}', "bad-request"),
        (b'{"contract": null}', "bad-request"),
        (b'{"contract": {}, "contract": {}}', "bad-request"),
        (b'{"contract": {}, "exchange": []}', "bad-request"),
        (b'{"contract": {}, "exchange": {}, "more": 1}', "bad-request"),
        (b'{"contract": {"a": 1e999}}', "bad-request"),
        (b'{"contract": {}}', "contract-refused"),
        (b'{"contract": "no turtle"}', "contract-refused"),
        (b'{"contract": {"@context": "https://evil.example/context.jsonld", "@type": "Offer"}}', "contract-refused"),
        (b'{"contract": ' + b'{"a":' * 200 + b"1" + b"}" * 200 + b"}", "contract-refused"),
        (b'{"contract": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "bad-request"),
        (b'{"contract": {"x": "' + b"y" * 2_000_000 + b'"}}', "body-too-large"),
    ],
)
def test_a_body_that_is_none_is_refused_with_a_sentence(desk: Desk, body: bytes, kind: str) -> None:
    """Never with a traceback, and nothing is fetched."""
    answer = desk.client.post(DECIDE, content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text[:300]
    assert answer.json()["type"].rpartition(":")[2] == kind, answer.text[:300]
    assert answer.json()["detail"]


def test_every_contract_of_the_fixtures_is_answered_and_none_permits_by_itself(desk: Desk) -> None:
    """Whatever data spaces write, a contract alone is no permit."""
    answered = 0
    for folder in ("catena-x", "dsp", "edc-sample", "tractusx"):
        for path in sorted((FIXTURES / folder).rglob("*.json")):
            answer = ask(desk, json.loads(path.read_text()), {})
            assert answer.status_code in (200, 400), (path.name, answer.text[:300])
            if answer.status_code == 200:
                answered += 1
                assert answer.json()["proceed"] is False, path.name
    assert answered >= 12


@pytest.mark.parametrize("form", ["odrl", "dsp"])
def test_what_was_written_is_read_back_with_the_same_limits(desk: Desk, form: str) -> None:
    """An agreement of ours is a contract: the same exchange is within it, and another purpose is not."""
    made = committed(desk, granted(desk, f"visits/{form}"))
    policy = policy_of(desk, made["id"], "commitments", form)
    read = desk.client.post("/v1/odrl/read", json=policy).json()
    facts = {each["fact"]: each["value"] for each in read["facts"]}
    assert facts == {
        "exporter.id": "clinic-8",
        "recipient.id": "did:web:lab.example",
        "data.id": f"visits/{form}",
        "terms.acts": ["provide"],
        "terms.purposes": ["service-provision"],
        "terms.territory": ["IN"],
        "terms.term": "2 years",
        "terms.until": "2028-11-24",
        "terms.sublicensable": False,
    }
    assert (read["not_understood"], read["never_met"]) == ([], [])
    exchange = {name: GRANT[name] for name in ("exporter", "recipient", "act", "data", "purpose")}
    exchange = json.loads(
        json.dumps({**exchange, "data": {**GRANT["data"], "id": f"visits/{form}"}, "rights": {"conveyed": []}})
    )
    answer = ask(desk, policy, exchange).json()
    assert answer["proceed"] is True, answer
    exchange["purpose"]["is"] = ["research"]
    assert ask(desk, policy, exchange).json()["outcome"] == "prohibited"


def test_a_party_decides_under_its_own_contracts_alone(tmp_path: Path) -> None:
    """The exporter that the contract names must be the party of the key."""
    operator = bearer(make(str(tmp_path / "log.db"), "administer", "evaluate", "read", now=NOON))
    with contract_desk(tmp_path) as desk:
        made = desk.client.post(
            "/v1/keys", json={"name": "clinic", "scopes": ["evaluate", "read"], "party": "clinic-5"}, headers=operator
        )
        hers = bearer(made.json()["key"])
        exchange = beside()
        del exchange["terms"]
        assert ask(desk, OFFER, exchange, **hers).status_code == 200
        refused = ask(desk, changed(assigner="clinic-6"), exchange, **hers)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:fifthfactor:problem:forbidden")
        reader = desk.client.post("/v1/keys", json={"name": "reader", "scopes": ["read"]}, headers=operator).json()["key"]
        assert ask(desk, OFFER, exchange, **bearer(reader)).status_code == 403
