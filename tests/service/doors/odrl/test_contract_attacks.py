"""Contracts written to mislead: what looks like a limit is one, or is asked; nothing crashes, and nothing takes long."""

import json
from contextlib import suppress
from time import thread_time

import pytest

import engine
from service.cli.files import load
from service.doors.odrl import contract_reading, json_ld, turtle
from service.problems import RequestRefused

CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
# A context that knows permissions, and no prohibitions.
NARROW = {
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "uid": "@id",
    "target": "odrl:target",
    "action": {"@id": "odrl:action", "@type": "@vocab"},
    **{each: f"odrl:{each}" for each in ("use", "permission", "Set")},
}
USE = {"target": "urn:x", "action": "use"}


@pytest.fixture(scope="module")
def bundle() -> engine.Bundle:
    """The bundled policies."""
    return load([engine.bundled_policies()], tests=False)


def read(bundle, context=CONTEXT, **members):
    """The reading of a policy with these members."""
    document = {"@context": context, "@type": "Set", "uid": "urn:p", "permission": [USE], **members}
    return contract_reading.read(json_ld.read(json.dumps(document).encode()), bundle)


def laid(reading) -> set[str]:
    """Which conditions the contract lays on the exchange."""
    return {each["provision"].partition("/")[2] for each in reading.exchange["carried"]}


def test_a_prohibition_of_use_forbids_every_action_that_is_a_use(bundle):
    """`distribute` is included in `use`."""
    found = read(bundle, permission=[{**USE, "action": "distribute"}], prohibition=[USE])
    assert "publish" not in found.exchange["terms"]["acts"]


def test_a_permission_and_a_prohibition_in_conflict_are_asked(bundle):
    """Without `conflict` the policy is void then (Information Model 2.10)."""
    assert "rest" in laid(read(bundle, prohibition=[{**USE, "action": "read"}]))


@pytest.mark.parametrize(
    ("context", "members"),
    [
        ([CONTEXT, {"onlyIf": "urn:fifthfactor:odrl:onlyIf"}], {"permission": [{**USE, "onlyIf": "the board approved"}]}),
        ([NARROW, {"@vocab": "urn:fifthfactor:odrl:"}], {"prohibition": [{"action": "use"}]}),
    ],
)
def test_a_term_in_a_namespace_of_ours_that_we_do_not_write_is_asked(bundle, context, members):
    """Only the words that this service writes are descriptive."""
    assert "rest" in laid(read(bundle, context, **members))


def test_a_node_that_nothing_refers_to_is_asked(bundle):
    """A prohibition beside the policy in `@graph`."""
    graph = [{"@type": "Set", "@id": "urn:p", "permission": [USE]}, {"@type": "Prohibition", **USE}]
    found = contract_reading.read(json_ld.read(json.dumps({"@context": CONTEXT, "@graph": graph}).encode()), bundle)
    assert "rest" in laid(found)


@pytest.mark.parametrize("unit", [["urn:EUR", "urn:YEN"]])
def test_two_units_are_not_one(unit):
    """Nor the first of them."""
    constraint = {"leftOperand": "payAmount", "operator": "lteq", "rightOperand": 5, "unit": unit}
    raw = json.dumps(
        {"@context": CONTEXT, "@type": "Set", "uid": "urn:p", "permission": [{**USE, "constraint": [constraint]}]}
    ).encode()
    policy = json_ld.read(raw)
    assert policy.others or type(policy.rules[0].constraints[0]).__name__ == "BrokenConstraint"


def test_a_document_cannot_say_where_its_own_parts_are():
    """What looks like a place of ours is a word that is not known."""
    raw = json.dumps({"@context": [CONTEXT, {"foo": "x-place:at"}], "@type": "Set", "permission": [{**USE, "foo": "/../9"}]})
    policy = json_ld.read(raw.encode())
    assert policy.rules[0].pointer == "/permission/0"
    assert [each.pointer for each in policy.others] == ["/permission/0"]


@pytest.mark.parametrize(
    "text",
    [
        '"' + '\\"' * 40_000,
        "<" * 60_000,
        '<urn:a> <urn:b> "1E300000000"^^<http://www.w3.org/2001/XMLSchema#decimal> .',
        "".join(f"_:b{number} <urn:p> _:b{number + 1} .\n" for number in reversed(range(3_000))),
    ],
    ids=["unclosed string", "unclosed names", "exponent", "chain of unnamed nodes"],
)
def test_a_hostile_text_takes_no_time(text):
    """A second of the processor at most, whatever comes of it."""
    began = thread_time()
    with suppress(RequestRefused):
        turtle.document(text.encode())
    assert thread_time() - began < 1.0


def test_contexts_in_every_rule_take_no_time():
    """A shipped context after one of the document's own, in each of 1,200 rules."""
    shipped = "https://w3id.org/dspace/2025/1/context.jsonld"
    rules = [{**USE, "@id": f"urn:{each}", "@context": [{f"a{each}": f"urn:a{each}"}, shipped]} for each in range(1_200)]
    began = thread_time()
    with suppress(RequestRefused):
        json_ld.document(json.dumps({"@context": CONTEXT, "@type": "Set", "uid": "urn:p", "permission": rules}).encode())
    assert thread_time() - began < 2.0


@pytest.mark.parametrize(
    "left", ["dct:creator", "http://purl.org/dc/terms/title", "title", "https://w3id.org/dspace/2025/1/timestamp", "rdfs:label"]
)
def test_a_constraint_on_a_word_that_only_describes_is_asked(bundle, left):
    """As a statement it describes the document; as a constraint it limits."""
    limit = {"leftOperand": left, "operator": "eq", "rightOperand": "approved"}
    found = read(bundle, [CONTEXT, {"dct": "http://purl.org/dc/terms/"}], permission=[{**USE, "constraint": limit}])
    assert "rest" in laid(found)
    assert not found.no_condition


@pytest.mark.parametrize("name", ["license", "rights"])
def test_a_licence_beside_a_contract_is_asked(bundle, name):
    """It is another text, which may limit the use."""
    found = read(bundle, [CONTEXT, {"dct": "http://purl.org/dc/terms/"}], **{f"dct:{name}": "for research alone"})
    assert "rest" in laid(found)


def test_a_prohibition_of_more_than_our_value_takes_it_away_and_asks_for_the_rest(bundle):
    """Of Europe only the countries that certainly lie in it are named here; whether Cyprus does, nobody says."""
    region = {
        "leftOperand": "https://w3id.org/catenax/2025/9/policy/AffiliatesRegion",
        "operator": "isAnyOf",
        "rightOperand": ["cx.region.europe:1"],
    }
    place = {"leftOperand": "spatial", "operator": "isAnyOf", "rightOperand": ["CY", "DE", "SG"]}
    found = read(
        bundle,
        conflict="prohibit",
        permission=[{**USE, "constraint": place}],
        prohibition=[{**USE, "constraint": region}],
    )
    assert found.exchange["terms"]["territory"] == ["CY", "SG"]
    assert "rest" in laid(found)


@pytest.mark.parametrize("action", ["archive", "print", "display", "read", "reproduce"])
def test_a_prohibited_action_that_a_recipient_may_still_do_is_asked(bundle, action):
    """Who gets the data in another way that is permitted may still keep or print them."""
    found = read(bundle, conflict="prohibit", prohibition=[{**USE, "action": action}])
    assert "rest" in laid(found)


def test_a_prohibition_of_passing_on_is_a_fact_and_not_asked(bundle):
    """The terms say that nothing is passed on."""
    found = read(bundle, conflict="prohibit", prohibition=[{**USE, "action": "distribute"}])
    assert found.exchange["terms"]["sublicensable"] is False
    assert "rest" not in laid(found)
