"""What is decided, as a contract in ODRL: a permit, a commitment, and what may not proceed."""

import json
import shutil
from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft201909Validator
from referencing import Registry, Resource

import engine
from service.log.proofs import verifier_key
from service.receipts import Receipt
from tests.service.callers.test_callers import bearer, make
from tests.service.doors.odrl.decided_contracts import (
    FIXTURES,
    GRANT,
    OWING,
    TRANSFER,
    committed,
    contract_desk,
    decided,
    granted,
    policy_of,
    refusal,
)
from tests.service.ledger.desk import NOON, Desk


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with contract_desk(tmp_path_factory.mktemp("contracts")) as desk:
        yield desk


@pytest.fixture
def desk(shared: Desk) -> Iterator[Desk]:
    """A service with the bundled policies, at noon."""
    shared.now[0] = NOON
    yield shared
    shared.now[0] = NOON


def constraints(policy: Any) -> list[tuple[str, str, Any]]:
    """The constraints of the only permission of a policy, in short."""
    (permission,) = policy["permission"]
    return [(each["leftOperand"], each["operator"], each["rightOperand"]) for each in permission["constraint"]]


LIMITS = [
    ("purpose", "eq", {"@id": "dpv:ServiceProvision"}),
    (
        "purpose",
        "isAnyOf",
        [{"@id": "dpv:ScientificResearch"}, {"@id": "dpv:ServiceProvision"}],
    ),
    ("spatial", "eq", "IN"),
    ("spatial", "isAnyOf", ["AE", "IN"]),
    ("urn:fifthfactor:fact:act.kind", "eq", {"@id": "urn:fifthfactor:act:provide"}),
]


def test_a_permit_is_a_set_that_permits_no_more_than_was_decided(desk: Desk) -> None:
    """The asset, the parties, each limit, the last day on which the decision may be committed; and nothing may be passed on."""
    id = granted(desk, "visits/1")
    policy = policy_of(desk, id)
    assert (policy["@type"], policy["@id"], policy["profile"]) == (
        "Set",
        f"urn:fifthfactor:policy:{id}",
        "urn:fifthfactor:odrl-profile:1",
    )
    rule = {
        "target": "urn:fifthfactor:asset:visits%2F1",
        "assigner": "urn:fifthfactor:party:clinic-8",
        "assignee": "did:web:lab.example",
    }
    (permission,) = policy["permission"]
    assert {**permission, "constraint": None} == {**rule, "action": "use", "constraint": None}
    assert constraints(policy) == [
        *LIMITS,
        ("dateTime", "lteq", {"@value": "2026-11-26", "@type": "xsd:date"}),
        ("elapsedTime", "lteq", {"@value": "P2Y", "@type": "xsd:duration"}),
    ]
    assert policy["prohibition"] == [{**rule, "action": "distribute"}]
    assert "ff:receipt" not in policy
    assert "ff:commitment" not in policy


def test_a_mapping_that_leaves_a_limit_out_lets_no_policy_be_written(tmp_path: Path) -> None:
    """A policy without the purposes would permit every purpose; so it is refused, and the refusal says what is missing."""
    policies = tmp_path / "policies"
    shutil.copytree(engine.bundled_policies(), policies)
    mapping = policies / "mappings" / "odrl.yaml"
    text = mapping.read_text(encoding="utf-8")
    written = "    written: [purpose.is, terms.purposes]\n"
    assert text.count(written) == 1
    mapping.write_text(text.replace(written, ""), encoding="utf-8")
    with contract_desk(tmp_path, policies=policies) as desk:
        status, kind, said = refusal(desk, granted(desk, "visits/1"))
    assert (status, kind) == (409, "no-contract")
    assert "`written` in the mapping `odrl`" in said


def test_a_policy_names_the_decision_its_record_and_what_it_rests_on(desk: Desk) -> None:
    """The leaf hash is that of the record; the statements are those of the explanation; the terms are as they were stated."""
    id = granted(desk, "visits/2")
    policy = policy_of(desk, id)
    entry = desk.client.get(f"/v1/decisions/{id}").json()["log"]
    said = policy["ff:decision"]
    assert (said["@id"], said["ff:leafHash"], said["ff:record"]) == (
        f"urn:fifthfactor:decision:{id}",
        entry["leaf_hash"],
        entry["sequence"],
    )
    explained = desk.client.get(f"/v1/decisions/{id}/explanation?include=rests_on").json()["rests_on"]
    assert [each["ff:fact"] for each in policy["ff:restsOn"]] == [each["fact"] for each in explained]
    assert {each["ff:fact"]: each["ff:value"] for each in policy["ff:term"]} == {
        "terms.exclusive": False,
        "terms.price": "60000.00 INR",
        "terms.purposes": ["research", "service-provision"],
        "terms.sublicensable": True,
        "terms.term": "2 years",
        "terms.territory": ["AE", "IN"],
    }


def test_what_is_owed_are_obligations_with_their_last_days_and_citations(desk: Desk) -> None:
    """Each duty of the explanation is an obligation of whoever owes it; provisions that apply are cited."""
    id = decided(desk, OWING)
    policy = policy_of(desk, id)
    explained = desk.client.get(f"/v1/decisions/{id}/explanation?include=duties,reasons").json()
    owed = [each for each in policy["obligation"] if each["action"] == "ff:fulfil"]
    arising = [each for each in explained["duties"] if each["arises"] == "exchange"]
    assert arising
    assert [each["dct:description"]["@value"] for each in owed] == [each["duty"] for each in arising]
    assert [each["ff:under"] for each in owed] == [each["under"] for each in arising]
    parties = {"exporter": "urn:fifthfactor:party:brand-1", "recipient": "urn:fifthfactor:party:post-1"}
    assert [each["assignee"] for each in owed] == [parties[each["who"]] for each in arising]
    days = [each.get("constraint", [{"rightOperand": {"@value": None}}])[0]["rightOperand"]["@value"] for each in owed]
    assert days == [each["due"] for each in arising]
    certain = [each for each in explained["reasons"] if each["standing"] == "certain"]
    assert certain
    assert [each["ff:citation"] for each in policy["ff:provision"]] == [each["citation"] for each in certain]


def test_a_committed_exchange_is_an_agreement_until_its_term_ends_with_its_receipt(desk: Desk) -> None:
    """By either decision and by the commitment it is the same agreement; the receipt verifies with the key of the log alone."""
    id = granted(desk, "visits/until")
    made = committed(desk, id)
    policy = policy_of(desk, made["id"], "commitments")
    assert policy == policy_of(desk, id) == policy_of(desk, made["evaluation"])
    assert (policy["@type"], policy["@id"]) == ("Agreement", f"urn:fifthfactor:agreement:{made['id']}")
    assert {name: policy[name] for name in ("target", "assigner", "assignee")} == {
        "target": "urn:fifthfactor:asset:visits%2Funtil",
        "assigner": "urn:fifthfactor:party:clinic-8",
        "assignee": "did:web:lab.example",
    }
    assert constraints(policy)[-2:] == [
        ("dateTime", "lteq", {"@value": "2028-11-24", "@type": "xsd:date"}),
        ("elapsedTime", "lteq", {"@value": "P2Y", "@type": "xsd:duration"}),
    ]
    key = verifier_key(desk.service.store.database.log_key())
    verified = Receipt.parse(b64decode(policy["ff:receipt"]["@value"])).verify([key])
    assert verified.commitment is not None
    assert verified.commitment.id == made["id"]


NEVER = {
    "open": {
        "exporter": {"id": "a", "country": "CN"},
        "recipient": {"id": "b", "country": "US"},
        "data": {"id": "c", "personal": True},
    },
    "hypothetical": {**TRANSFER, "as_of": "2026-11-24"},
    "prohibited": engine.with_fact_set(TRANSFER, "recipient.listed_on", ["un-sanctions"]),
    "unmet": engine.with_fact_set(TRANSFER, "data.people.sensitive", 400),
}


@pytest.mark.parametrize("name", NEVER)
def test_what_may_not_proceed_is_no_policy_but_a_report(desk: Desk, name: str) -> None:
    """No type of a policy and no rule stands anywhere in it, and its media type is that of JSON."""
    sent = desk.post("/v1/evaluate", NEVER[name])
    assert sent.status_code == 200, sent.text
    answer = sent.json()
    assert answer["proceed"] is False
    got = desk.client.get(f"/v1/decisions/{answer['id']}/odrl")
    assert (got.status_code, got.headers["content-type"]) == (200, "application/json")
    report = got.json()
    assert (report["schema"], report["decision"], report["outcome"]) == (
        "fifthfactor/odrl-report/1",
        answer["id"],
        answer["outcome"],
    )
    words = {"@context", "@type", "@id", "type", "uid", "permission", "obligation", "offer", "Offer", "Set", "Agreement"}
    assert words.isdisjoint(report)
    assert report["questions"] == answer["questions"]
    assert refusal_kind(desk, answer["id"], "dsp") is None


def refusal_kind(desk: Desk, id: str, form: str) -> str | None:
    """The type of policy that an answer has in a form; None for a report."""
    kind: str | None = desk.client.get(f"/v1/decisions/{id}/odrl", params={"form": form}).json().get("@type")
    return kind


def test_a_report_says_how_each_requirement_can_be_met(desk: Desk) -> None:
    """The ways are those of the explanation, and a remedy that was verified is among them."""
    id = decided(desk, NEVER["unmet"], proceed=False)
    report = desk.client.get(f"/v1/decisions/{id}/odrl").json()
    explained = desk.client.get(f"/v1/decisions/{id}/explanation?include=ways,remedies").json()
    assert report["ways"] == explained["ways"] != []
    assert report["remedies"] == explained["remedies"]
    assert report["unmet"] == desk.record(id)["decision"]["unmet"] != []


def test_a_commitment_that_was_withdrawn_or_replaced_has_no_agreement(desk: Desk) -> None:
    """The sentence names what became of it, and by its decisions there is none either."""
    id = granted(desk, "visits/3")
    made = committed(desk, id)
    again = desk.post(
        f"/v1/commitments/{made['id']}/amend", {"decision": granted(desk, "visits/4"), "reason": "a wrong annex"}
    ).json()
    ended = (409, "commitment-ended", f"the commitment {made['id']} was superseded; {again['id']} is in its place")
    assert refusal(desk, made["id"], "commitments") == ended
    assert refusal(desk, id) == refusal(desk, made["evaluation"]) == ended
    desk.post(f"/v1/commitments/{again['id']}/withdraw", {"reason": "it does not happen"})
    assert refusal(desk, again["id"], "commitments")[:2] == (409, "commitment-ended")


def test_an_agreement_whose_rights_were_ended_lasts_until_the_day_before(desk: Desk) -> None:
    """From the first day without them there is no agreement any more."""
    made = committed(desk, granted(desk, "visits/ended"))
    ended = desk.post(f"/v1/commitments/{made['id']}/end", {"from": "2026-11-28", "reason": "agreed"})
    assert ended.status_code == 200, ended.text
    policy = policy_of(desk, made["id"], "commitments")
    assert policy["ff:lastDay"]["@value"] == "2026-11-27"
    desk.now[0] = NOON + timedelta(days=3)
    assert refusal(desk, made["id"], "commitments") == (
        409,
        "no-contract",
        f"what was committed as {made['id']} ended on 2026-11-27: decide the exchange again",
    )


def test_an_agreement_ends_with_its_term(desk: Desk) -> None:
    """On the anniversary nothing is written of it."""
    made = committed(desk, granted(desk, "visits/short", terms__term="2 days"))
    desk.now[0] = NOON + timedelta(days=1)
    assert policy_of(desk, made["id"], "commitments")["ff:lastDay"]["@value"] == "2026-11-26"
    desk.now[0] = NOON + timedelta(days=2)
    assert refusal(desk, made["id"], "commitments")[:2] == (409, "no-contract")


def test_a_decision_of_another_day_is_no_permit_of_today(desk: Desk) -> None:
    """Once it may no longer be committed, it has no policy."""
    id = granted(desk, "visits/5")
    desk.now[0] = NOON + timedelta(days=2)
    assert refusal(desk, id) == (409, "no-contract", "the day of the decision is over: evaluate the exchange again")


def test_a_decision_that_no_longer_holds_has_no_policy(desk: Desk) -> None:
    """The register says something else of the recipient now."""
    id = granted(desk, "visits/moved", recipient__id="lab-9")
    stated = {"facts": {"country": "IN", "kind": "company", "listed_on": ["un-sanctions"]}, "attested_by": "the register"}
    put = desk.client.put("/v1/parties/lab-9", json={**stated, "valid_from": "2026-01-01"})
    assert put.status_code in (200, 201), put.text
    status, kind, detail = refusal(desk, id)
    assert (status, kind) == (409, "no-contract")
    assert detail.startswith("the register no longer says what it said of `recipient.id`")


def test_an_erased_record_has_no_policy(desk: Desk) -> None:
    """Its parties can no longer be named."""
    id = decided(desk, engine.with_fact_set(TRANSFER, "recipient.id", "lab-erased"))
    erased = desk.post(f"/v1/decisions/{id}/erase")
    assert erased.status_code == 200, erased.text
    status, kind, detail = refusal(desk, id)
    assert (status, kind) == (409, "no-contract")
    assert "were erased" in detail


@pytest.mark.parametrize(("fact", "member"), [("data.id", "target"), ("recipient.id", "assignee")])
def test_a_policy_without_an_asset_or_a_party_would_permit_more(desk: Desk, fact: str, member: str) -> None:
    """It is refused, and the sentence names the fact."""
    group, name = fact.split(".")
    id = decided(
        desk, {**GRANT, group: {key: value for key, value in GRANT[group].items() if key != name}, "rights": {}, "terms": {}}
    )
    assert refusal(desk, id) == (
        409,
        "no-contract",
        f"the exchange does not state `{fact}`, and a policy without its {member} would permit more: evaluate it with it",
    )


def test_only_an_agreement_has_the_form_of_the_dataspace_protocol(desk: Desk) -> None:
    """A decision that was not committed is refused in that form, with what to do."""
    status, kind, detail = refusal(desk, granted(desk, "visits/6"), form="dsp")
    assert (status, kind, detail.rpartition(": ")[2]) == (409, "no-contract", "commit the decision")


@pytest.mark.parametrize("exchange", [OWING, TRANSFER], ids=["owing", "transfer"])
def test_an_agreement_is_valid_by_the_schema_of_the_dataspace_protocol(desk: Desk, exchange: dict[str, Any]) -> None:
    """A permission is only an action and constraints; duties are obligations of the agreement."""
    made = committed(desk, decided(desk, exchange))
    policy = policy_of(desk, made["id"], "commitments", "dsp")
    folder = FIXTURES / "dsp" / "negotiation"
    schemas = [json.loads(path.read_text()) for path in sorted(folder.glob("*-schema.json"))]
    registry: Registry[Any] = Registry().with_resources((each["$id"], Resource.from_contents(each)) for each in schemas)
    whole = {"$ref": "https://w3id.org/dspace/2025/1/negotiation/contract-schema.json#/definitions/Agreement"}
    validator = Draft201909Validator(whole, registry=registry)
    assert [each.message for each in validator.iter_errors(policy)] == []
    assert all(each.keys() == {"action", "constraint"} for each in policy["permission"])
    without = {name: value for name, value in policy.items() if name != "assignee"}
    assert list(validator.iter_errors(without)) != []


def test_an_unknown_form_or_decision_is_refused(desk: Desk) -> None:
    """With a sentence, as everywhere."""
    id = granted(desk, "visits/7")
    assert refusal(desk, id, form="xml")[:2] == (400, "bad-request")
    assert refusal(desk, "01a22f1f-0000-7000-8000-000000000000")[:2] == (404, "not-found")
    assert refusal(desk, "none", "commitments")[:2] == (404, "not-found")


def test_a_party_gets_the_policy_of_its_own_decisions_alone(tmp_path: Path) -> None:
    """What is another's is not there, and what the register says of others needs an operator's key."""
    operator = bearer(make(str(tmp_path / "log.db"), "administer", "evaluate", "commit", "read", now=NOON))
    with contract_desk(tmp_path) as desk:
        desk.client.headers.update(operator)
        asked = {"name": "clinic", "scopes": ["read", "evaluate", "commit"], "party": "clinic-8"}
        hers = bearer(desk.post("/v1/keys", asked).json()["key"])
        own, other = granted(desk, "visits/8"), decided(desk, TRANSFER)
        assert desk.client.get(f"/v1/decisions/{own}/odrl", headers=hers).json()["@type"] == "Set"
        assert desk.client.get(f"/v1/decisions/{other}/odrl", headers=hers).status_code == 404
        made = committed(desk, other)
        assert desk.client.get(f"/v1/commitments/{made['id']}/odrl", headers=hers).status_code == 404
        stated = {"facts": {"country": "IN"}, "attested_by": "the register", "valid_from": "2026-01-01"}
        assert desk.client.put("/v1/parties/lab-10", json=stated).status_code in (200, 201)
        told = granted(desk, "visits/told", recipient__id="lab-10")
        assert policy_of(desk, told)["@type"] == "Set"
        refused = desk.client.get(f"/v1/decisions/{told}/odrl", headers=hers)
        assert (refused.status_code, refused.json()["detail"]) == (
            403,
            "the record holds what the register says of `recipient.id`: it needs an operator's key",
        )
