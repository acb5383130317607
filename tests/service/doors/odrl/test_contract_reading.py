"""What is read of a contract: facts with their places, what is asked, and that no odd document lets an exchange pass."""

import json
from datetime import date
from typing import Any

import pytest

import engine
from service.doors.odrl.contract_merge import merged
from service.problems import RequestRefused
from tests.service.doors.odrl.fixture_tables import CATENA_X, documents
from tests.service.doors.odrl.readings import ODRL, bundle, facts, laid, limit, offer, read, use

DSP = "https://w3id.org/dspace/2025/1/odrl-profile.jsonld"
PREFIXED = {"odrl": "http://www.w3.org/ns/odrl/2/", "xsd": "http://www.w3.org/2001/XMLSchema#"}
IRI = PREFIXED["odrl"]
RESEARCH = limit("purpose", "eq", "research")
SINGAPORE = limit("spatial", "eq", "SG")
DAY = date(2026, 11, 24)
# An exchange that the law of India permits, if the contract does.
PERMITTED: dict[str, Any] = {
    "exporter": {"id": "clinic-8", "country": "IN", "kind": "company", "role": "controller", "targets": ["IN"]},
    "recipient": {
        "id": "lab-3", "country": "IN", "kind": "company", "listed_on": [], "relation": "unrelated", "role": "controller",
    },
    "act": {"kind": "provide", "frequency": "repeated", "trigger": "own", "bars": []},
    "data": {
        "id": "visits", "kind": "dataset", "personal": True, "state": "identified", "categories": ["contact"], "people_in": ["IN"],
        "collected_in": ["IN"], "stored_in": ["IN"], "people": {"ordinary": 500, "sensitive": 0}, "grades": [],
    },
    "purpose": {"is": ["service-provision"]},
}  # fmt: skip
WHOLE = [
    limit("purpose", "eq", "service-provision"),
    limit("spatial", "eq", "IN"),
    limit("elapsedTime", "lteq", {"@value": "P1Y", "@type": "xsd:duration"}),
]


def decided(document: dict[str, Any] | bytes | str, **change: Any) -> engine.Decision:
    """The decision on an exchange under a contract, with groups of facts changed."""
    request = {
        group: ({**said, **change.pop(group, {})} if isinstance(said, dict) else said) for group, said in PERMITTED.items()
    }
    exchange = merged(read(document), {**request, **change})
    return engine.PDP(bundle(), "bitset").decide(engine.accept_exchange(bundle(), exchange), as_of=DAY, today=DAY, id="1")


# One meaning in many shapes

SPELLINGS: list[tuple[str, Any]] = [
    ("a list", offer(use(RESEARCH))),
    ("one object", offer() | {"permission": {"action": "use", "constraint": RESEARCH}}),
    ("an action that is an object", offer(use(RESEARCH) | {"action": {"@id": "odrl:use"}})),
    ("an action by its IRI", offer(use(RESEARCH) | {"action": IRI + "use"})),
    ("an action of several parts", offer({"action": [{"rdf:value": {"@id": "odrl:use"}, "refinement": [RESEARCH]}]})),
    ("names by a prefix", offer(use({"leftOperand": "odrl:purpose", "operator": "odrl:eq", "rightOperand": "research"}))),
    ("names as objects", offer(use({"leftOperand": {"@id": "odrl:purpose"}, "operator": {"@id": IRI + "eq"}, "rightOperand": "research"}))),
    ("a value with its type", offer(use(limit("purpose", "eq", {"@value": "research", "@type": "xsd:string"})))),
    ("a value in a list", offer(use(limit("purpose", "isAnyOf", ["research"])))),
    ("an ordered list", offer(use(limit("purpose", "isAnyOf", {"@list": ["research"]})))),
    ("the term of DPV", offer(use(limit("https://w3id.org/dpv#hasPurpose", "eq", {"@id": "https://w3id.org/dpv#ResearchAndDevelopment"})))),
    ("an and of one", offer(use({"and": [RESEARCH]}))),
    ("an or of one", offer(use({"or": [RESEARCH]}))),
    ("an xone of one", offer(use({"xone": {"@list": [RESEARCH]}}))),
    ("the context of the protocol", offer(use(RESEARCH)) | {"@context": DSP}),
    ("the old prefixed form", {"@context": PREFIXED, "@type": "odrl:Offer", "@id": "urn:o", "odrl:permission": {
        "odrl:action": {"@id": "odrl:use"},
        "odrl:constraint": {
            "odrl:leftOperand": {"@id": "odrl:purpose"}, "odrl:operator": {"@id": "odrl:eq"}, "odrl:rightOperand": "research"},
    }}),
    ("the connector's vocabulary", {"@context": [DSP, {"@vocab": "https://w3id.org/edc/v0.0.1/ns/"}], "@id": "x",
        "@type": "PolicyDefinition", "policy": {"@type": "Offer", "@id": "urn:o", "permission": [use(RESEARCH)]}}),
    ("nodes by their names", {"@context": ODRL, "@graph": [
        {"@id": "urn:o", "@type": "Offer", "permission": "urn:p"}, {"@id": "urn:p", "action": "use", "constraint": "urn:c"},
        {"@id": "urn:c", **RESEARCH}]}),
    ("Turtle", """@prefix odrl: <http://www.w3.org/ns/odrl/2/> .
        <urn:o> a odrl:Offer ; odrl:permission [ odrl:action odrl:use ; odrl:constraint
            [ odrl:leftOperand odrl:purpose ; odrl:operator odrl:eq ; odrl:rightOperand "research" ] ] ."""),
]  # fmt: skip


@pytest.mark.parametrize("document", [each[1] for each in SPELLINGS], ids=[each[0] for each in SPELLINGS])
def test_spellings_of_one_meaning_are_read_alike(document):
    """Whatever the shape, it is an offer to use for research."""
    reading = read(document)
    assert (reading.policy.uid, reading.policy.type, reading.not_understood) == ("urn:o", "Offer", ())
    assert facts(reading) == facts(read(offer(use(RESEARCH))))
    assert facts(reading)["terms.purposes"] == ["research"]
    assert laid(reading) == {"acts", "purposes", "territory", "term"}


def test_every_fact_has_the_place_where_the_contract_says_it():
    """A JSON Pointer leads to it; a name with a slash is written as pointers are."""
    document = offer(use(RESEARCH, target="urn:t"), assigner="urn:a") | {"urn:note/of": "x"}
    reading = read(document)
    places = {each.fact: each.pointer for each in reading.stated}
    assert places["exporter.id"] == "/assigner"
    assert places["data.id"] == "/permission/0"
    assert places["terms.purposes"] == "/permission/0/constraint/0"
    for pointer in [*(each.pointer for each in reading.stated), *(each.pointer for each in reading.not_understood)]:
        found: Any = document
        for step in pointer.split("/")[1:]:
            found = found[int(step)] if isinstance(found, list) else found[step.replace("~1", "/").replace("~0", "~")]


# Limits and what is asked


@pytest.mark.parametrize(
    ("constraints", "expected", "asked"),
    [
        ([limit("purpose", "isAnyOf", ["research", "marketing"])], {"terms.purposes": ["marketing", "research"]}, 0),
        ([limit("purpose", "isAnyOf", ["research", "marketing"]), RESEARCH], {"terms.purposes": ["research"]}, 0),
        ([limit("purpose", "eq", "research"), limit("purpose", "eq", "medical-research")], {"terms.purposes": ["medical-research"]}, 0),
        ([{"or": [RESEARCH, limit("purpose", "eq", "marketing")]}], {"terms.purposes": ["marketing", "research"]}, 0),
        ([{"or": [RESEARCH, SINGAPORE]}], {}, 1),
        ([{"xone": [RESEARCH, limit("purpose", "eq", "marketing")]}], {}, 1),
        ([{"andSequence": [RESEARCH, SINGAPORE]}], {}, 1),
        ([limit("purpose", "neq", "research")], {}, 1),
        ([limit("purpose", "isNoneOf", ["research"])], {}, 1),
        ([limit("purpose", "eq", ["research", "marketing"])], {}, 1),
        ([limit("purpose", "eq", "Research!")], {}, 1),
        ([limit("purpose", "eq", {"@value": "research", "@type": "urn:negated"})], {}, 1),
        ([{**RESEARCH, "unit": "urn:unit"}], {}, 1),
        ([limit("spatial", "isPartOf", "IN")], {"terms.territory": ["IN"]}, 0),
        ([limit("spatial", "eq", "Europe")], {}, 1),
        ([limit("spatial", "eq", "EU"), limit("spatial", "isAnyOf", ["FR", "CH"])], {"terms.territory": ["FR"]}, 0),
        ([limit("https://w3id.org/catenax/2025/9/policy/AffiliatesRegion", "isAnyOf", ["cx.region.all:1"])], {}, 1),
        ([limit("https://w3id.org/catenax/2025/9/policy/JurisdictionLocation", "eq", "IN")], {}, 0),
        ([limit("dateTime", "lteq", "2026-12-31")], {"terms.until": "2026-12-31"}, 0),
        ([limit("dateTime", "lt", "2026-12-31")], {"terms.until": "2026-12-30"}, 0),
        ([limit("dateTime", "lteq", "2026-12-31T12:00:00Z")], {"terms.until": "2026-12-30"}, 0),
        ([limit("dateTime", "lteq", "2026-12-31T23:59:59Z")], {"terms.until": "2026-12-31"}, 0),
        ([limit("dateTime", "lteq", "2026-12-31T23:59:59+08:00")], {"terms.until": "2026-12-30"}, 0),
        ([limit("dateTime", "lteq", "2026-12-31T23:59:59")], {"terms.until": "2026-12-30"}, 0),
        ([limit("dateTime", "lteq", "2026-12-31"), limit("dateTime", "lt", "2026-06-01")], {"terms.until": "2026-05-31"}, 0),
        ([limit("dateTime", "gteq", "2026-12-31")], {}, 1),
        ([limit("dateTime", "lteq", "the end of the year")], {}, 1),
        ([limit("dateTime", "lteq", "2026-02-30")], {}, 1),
        ([limit("elapsedTime", "lteq", "P6M")], {"terms.term": "6 months"}, 0),
        ([limit("elapsedTime", "eq", "P30D")], {"terms.term": "30 days"}, 0),
        ([limit("elapsedTime", "eq", "P1M5D")], {}, 1),
        ([limit("elapsedTime", "gteq", "P6M")], {}, 1),
        ([limit("count", "lteq", 3)], {}, 1),
        ([{"rightOperandReference": "urn:elsewhere", "leftOperand": "purpose", "operator": "eq"}], {}, 2),
        (["a bare string"], {}, 1),
        ([{}], {}, 1),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, list) else "",
)  # fmt: skip
def test_a_constraint_is_a_limit_or_is_asked(constraints, expected, asked):
    """What is certainly a limit becomes a fact; everything else is listed once and asked."""
    reading = read(offer(use(*constraints)))
    assert {fact: value for fact, value in facts(reading).items() if fact != "terms.acts"} == expected
    assert len(reading.not_understood) == asked, reading.not_understood
    assert ("rest" in laid(reading)) is bool(asked)
    assert ("last-day" in laid(reading)) is ("terms.until" in expected)


def test_two_values_that_one_thing_cannot_have_are_never_met():
    """The permission then permits nothing, and the place says so."""
    gold, silver = (limit("partner", "eq", each) for each in ("gold", "silver"))
    for constraint in ([{"and": [gold, silver]}], [gold, silver]):
        reading = read(offer(use(*constraint)))
        assert facts(reading) == {"terms.acts": []}
        assert "never `gold` and `silver` at once" in reading.never_met[0].why
    assert facts(read(offer(use({"and": [gold, gold]}))))["terms.acts"]
    assert not read(offer(use(limit("count", "eq", "1"), limit("count", "eq", "1.0")))).never_met


def test_permissions_that_differ_in_one_fact_are_joined_and_others_are_open():
    """A purpose of one permission in the territory of another is allowed by neither."""
    one, other = use(RESEARCH, SINGAPORE), use(limit("purpose", "eq", "marketing"), limit("spatial", "eq", "MY"))
    joined = read(offer(use(RESEARCH), use(limit("purpose", "eq", "marketing"))))
    assert (facts(joined)["terms.purposes"], joined.not_understood) == (["marketing", "research"], ())
    apart = read(offer(one, other))
    assert (facts(apart)["terms.purposes"], facts(apart)["terms.territory"]) == (["unknown"], ["unknown"])
    assert "rest" in laid(apart)
    wider = read(offer(one, use()))
    assert (set(facts(wider)), wider.not_understood) == ({"terms.acts"}, ())


def test_a_last_day_of_one_permission_is_asked_where_another_has_none():
    """So nothing passes by the longer of two without its limits."""
    reading = read(offer(use(limit("dateTime", "lteq", "2026-12-31")), use(RESEARCH)))
    assert "terms.until" not in facts(reading)
    assert {"last-day", "rest"} <= laid(reading)


def test_parties_and_targets_are_stated_where_each_permission_names_the_same():
    """Two of them are asked; one that only some permissions name is too."""
    assert facts(read(offer(use(assignee="urn:b"), assigner="urn:a", target="urn:t")))["recipient.id"] == "urn:b"
    for document in (
        offer(use(assignee="urn:b"), use(assignee="urn:c")),
        offer(use(assignee="urn:b"), use()),
        offer(use(), assignee=["urn:b", "urn:c"]),
        offer(use(), assigner=["urn:b", "urn:c"]),
        offer(use(), target=["urn:b", "urn:c"]),
    ):
        reading = read(document)
        assert not {"exporter.id", "recipient.id", "data.id"} & set(facts(reading))
        assert "rest" in laid(reading)


@pytest.mark.parametrize("name", ["inheritFrom", "profile"])
def test_what_stands_elsewhere_is_asked(name):
    """A policy that inherits, or is read by a profile that is not known, may say more."""
    assert "rest" in laid(read(offer(use(), **{name: "urn:elsewhere"})))


# The contract and the request


def test_what_a_request_states_otherwise_is_refused_with_both_places():
    """The places are those of the request and of the contract."""
    reading = read(offer(use(RESEARCH), assigner="urn:a"))
    with pytest.raises(RequestRefused) as refused:
        merged(reading, {"exporter": {"id": "urn:x"}, "terms": {"purposes": ["marketing"]}}, "/exchange")
    assert [each.pointer for each in refused.value.errors or ()] == ["/exchange/exporter/id", "/exchange/terms/purposes"]
    assert "the contract, at `/contract/assigner`, states `urn:a`" in (refused.value.errors or ())[0].detail
    assert "/contract/permission/0/constraint/0" in (refused.value.errors or ())[1].detail


def test_a_request_may_say_again_and_say_more_closely():
    """What is open in the contract may be closed, with all that the contract names; other names of one party are one party."""
    reading = read(offer(use(RESEARCH), assigner="urn:a"))
    acts = [*facts(reading)["terms.acts"], "publish"]
    acts.remove("unknown")
    found = merged(reading, {"exporter": {"id": "a", "country": "IN"}, "terms": {"acts": acts}}, same_id=lambda *_: True)
    assert found["exporter"] == {"id": "a", "country": "IN"}
    assert found["terms"] == {"acts": acts, "purposes": ["research"]}
    with pytest.raises(RequestRefused):
        merged(reading, {"terms": {"acts": ["publish"]}})
    assert merged(reading, {"exporter": {"id": "unknown"}})["exporter"]["id"] == "urn:a"
    carried = [{"provision": "x/y", "from": "z"}]
    assert merged(reading, {"carried": carried})["carried"][0] == carried[0]


# Nothing passes that should not


def test_an_exchange_within_a_contract_that_is_understood_is_permitted():
    """Each limit is met, and nothing is left to ask."""
    decision = decided(offer(use(*WHOLE)))
    assert (decision.proceed, decision.outcome) == (True, "permitted"), decision.answer
    told = {each.fact for each in decision.rests_on or ()}
    assert {"terms.acts", "terms.purposes", "terms.territory", "terms.term"} <= told
    assert {each.source for each in decision.rests_on or () if each.fact.startswith("terms.")} == {"stated"}


@pytest.mark.parametrize(
    "document",
    [
        offer(),
        offer(use(*WHOLE), prohibition=[{"action": "use"}]),
        offer(use(*WHOLE), **{"@type": "Set", "prohibition": {"action": "use"}, "conflict": "perm"}),
        offer(use(*WHOLE, limit("spatial", "eq", "SG"))),
        offer(use(*WHOLE, limit("dateTime", "lt", "2026-11-24"))),
        offer({"action": "display", "constraint": WHOLE}),
        {"@context": CATENA_X, "@type": "Set", "@id": "urn:s", "permission": [{"action": "access"}]},
        offer(use({"and": [limit("partner", "eq", "gold"), limit("partner", "eq", "silver")]})),
    ],
)
def test_what_the_contract_does_not_allow_is_prohibited(document):
    """Whatever else the law says."""
    decision = decided(document)
    assert (decision.proceed, decision.outcome) == (False, "prohibited"), decision.answer


@pytest.mark.parametrize(
    ("document", "change"),
    [
        (offer(use()), {}),
        (offer(use(*WHOLE[1:])), {}),
        (offer(use(*WHOLE[:2])), {}),
        (offer(use(*WHOLE, "urn:limit")), {}),
        (offer(use(*WHOLE, limit("industry", "eq", "health"))), {}),
        (offer(use(*WHOLE, {"xone": [SINGAPORE, limit("spatial", "eq", "IN")]})), {}),
        (offer(use(*WHOLE), obligation={"action": "delete"}), {}),
        (offer(use(*WHOLE, duty={"action": "compensate"})), {}),
        (offer(use(*WHOLE), prohibition={"action": "derive"}), {}),
        (offer(use(*WHOLE), prohibition={"action": "use", "constraint": limit("industry", "eq", "health")}), {}),
        (offer(use(*WHOLE), **{"odrl:onlyIf": "the board agrees"}), {}),
        (offer(use(*WHOLE), undefined="the board agrees"), {}),
        (offer(use(*WHOLE) | {"prohibtion": [{"action": "use"}]}), {}),
        (offer(use(*WHOLE) | {"@type": "Prohibition"}), {}),
        (offer(use(*WHOLE, {**SINGAPORE, "and": [limit("spatial", "eq", "IN")]})), {}),
        (offer(use(*WHOLE, {"@type": "urn:other", **limit("spatial", "eq", "IN")})), {}),
        (offer(use(*WHOLE, {**limit("spatial", "eq", "IN"), "odrl:status": "waived"})), {}),
        (offer({"action": "urn:anything", "constraint": WHOLE}), {}),
        (offer({"constraint": WHOLE}), {}),
        (offer(use(*WHOLE, target={"@type": "AssetCollection", "source": "urn:all"})), {}),
        (offer({"action": {"rdf:value": "use", "refinement": SINGAPORE}, "constraint": WHOLE}, **{"@context": DSP}), {}),
        (offer(use(*WHOLE)), {"act": {"kind": "publish"}}),
    ],
)  # fmt: skip
def test_what_is_not_understood_never_lets_an_exchange_pass(document, change):
    """It does not proceed, and something is asked."""
    decision = decided(document, **change)
    assert not decision.proceed, decision.answer
    assert decision.outcome in ("undetermined", "review", "prohibited")


@pytest.mark.parametrize("change", [{"purpose": {"is": ["marketing"]}}, {"recipient": {"country": "SG"}}])
def test_an_exchange_beyond_a_limit_is_refused(change):
    """Another purpose, another country."""
    assert decided(offer(use(*WHOLE)), **change).outcome == "prohibited"


def test_no_published_contract_permits_what_it_does_not_say():
    """None of the fixtures lets the exchange pass by itself: each leaves a purpose, a territory or a term open, or permits nothing."""
    for name, raw, is_turtle in documents():
        if is_turtle:
            continue
        try:
            decision = decided(raw, exporter={"id": "unknown"}, recipient={"id": "unknown"}, data={"id": "unknown"})
        except RequestRefused:
            continue
        assert not decision.proceed, name
