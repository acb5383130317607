"""
What cannot be true together is refused with every place that takes part; what is not known contradicts nothing.
"""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import date
from typing import Any

import pytest

import engine
from engine import rules as checked
from engine.authoring.testing import build
from engine.backends.bitset import Bitset
from engine.backends.durable import Durable
from engine.backends.reference import Reference
from engine.backends.reference.three_values import names_any
from engine.exchange import Exchange
from engine.exchange_input.exchange_reader import ExchangeReader
from engine.rules import Truth, atoms
from engine.values import Missing, SetOf
from tests import chance
from tests.engine.backends.random_bundles import Maker

VOCABULARY = b"""
vocabulary: v
facts:
  exporter.id: {type: id, title: exporter, personal: yes}
  recipient.id: {type: id, title: recipient, personal: yes}
  recipient.related: {type: yes/no, title: related}
  data.personal: {type: yes/no, title: personal}
  data.state: {type: state, title: state, change: upwards}
  data.categories: {type: set of category, title: categories, some: yes}
  data.colours: {type: set of colour, title: colours, some: yes}
  data.people: {type: count, by: sensitivity, title: people}
  data.people_in: {type: set of country, title: where people are}
  data.price: {type: money, title: price}
  counts.year: {type: count, by: sensitivity, title: this year}
values:
  country: {title: country, values: [AA, BB]}
  sensitivity: {title: sensitivity, values: [ordinary, sensitive]}
  state: {title: state, ordered: yes, values: [identified, pseudonymised, anonymised]}
  category:
    title: category
    values:
      health: {}
      genome: {under: health}
      other-health: {under: health, rest: yes}
      weather: {}
      none-of-these: {nothing: yes}
  colour: {title: colour, values: [red]}
coherence:
  nobody-counted:
    never: {data.personal: no, data.people.total: {at_least: 1}}
    unless_said: {data.state: anonymised}
    says: {en: nobody is counted, zh: "\xe4\xb8\x8d\xe8\xae\xa1\xe4\xba\xba\xe6\x95\xb0"}
  somewhere:
    never: {data.personal: yes, data.people_in: {only: []}}
    says: people are somewhere
  somebody:
    never: {data.personal: yes, data.people.total: {at_most: 0}}
    says: personal data are about somebody
  genome-or-certificate:
    never:
      data.personal: no
      any_of:
        - data.categories: {has: genome}
        - evidence.certificate.covers: yes
        - none_of: [{data.state: [pseudonymised, anonymised]}, {data.price: {at_least: 5 EUR}}]
    says: genomes are personal
  related:
    never: [{exporter.id: {fact: recipient.id}}, {recipient.related: no}]
    says: nobody is unrelated to himself
evidence:
  certificate: {title: certificate}
claims:
  necessity: {title: necessity}
jurisdictions:
  AA: {title: Aland, countries: [AA]}
counters:
  counts.year: {counts: distinct data.people, per: [exporter.id], window: calendar year in UTC}
"""
POLICY = b"""
policy: p
title: a law
jurisdiction: AA
instrument: {issuer: a ministry, force: law}
in_force: {from: 2020-01-01}
applies: {data.personal: yes}
rules:
  - {id: bar, title: a bar, cite: Art. 1, says: so, source: made up, status: confirmed, prohibit: no}
"""
BUNDLE = engine.load_sources({"v.yaml": VOCABULARY, "p.yaml": POLICY})


def read(**facts: Any) -> Exchange:
    return build(BUNDLE, {name.replace("__", "."): value for name, value in facts.items()})


def problems(**facts: Any) -> list[tuple[str, str]]:
    """The pointer and the sentence of everything for which an exchange is refused; none where it is accepted."""
    try:
        read(**facts)
    except engine.ExchangeRefused as refused:
        assert {problem.code for problem in refused.problems} == {engine.INCOHERENT}  # noqa: PT017
        return [(problem.pointer, problem.detail) for problem in refused.problems]
    return []


COVERING = {"dated": "2026-01-01", "covers": "yes"}
PLACES: list[tuple[dict[str, Any], list[str]]] = [
    ({"data.personal": "no", "data.people.ordinary": "3"}, ["/data/personal", "/data/people/ordinary"]),
    # The members that are not zero take part, and a counter that follows from them does not.
    (
        {"data.personal": "no", "data.people.ordinary": "0", "data.people.sensitive": {"at_least": "1"}},
        ["/data/personal", "/data/people/sensitive"],
    ),
    ({"data.personal": "yes", "data.people_in": []}, ["/data/personal", "/data/people_in"]),
    ({"data.personal": "yes", "data.people.rest": "0"}, ["/data/personal", "/data/people/rest"]),
    (
        {"data.personal": "yes", "data.people.ordinary": "0", "data.people.rest": "0"},
        ["/data/personal", "/data/people/ordinary", "/data/people/rest"],
    ),
    # Of several tests those that are met.
    ({"data.personal": "no", "data.categories": ["genome", "weather"]}, ["/data/personal", "/data/categories"]),
    (
        {"data.personal": "no", "data.categories": ["weather"], "evidence.certificate": COVERING},
        ["/data/personal", "/evidence/certificate/covers"],
    ),
    (
        {"data.personal": "no", "data.state": "identified", "data.price": "4.99 EUR"},
        ["/data/personal", "/data/state", "/data/price"],
    ),
    (
        {"exporter.id": "a", "recipient.id": "a", "recipient.related": "no"},
        ["/exporter/id", "/recipient/id", "/recipient/related"],
    ),
    (
        {"claims.necessity": {"dated": "2026-02-01", "expires": "2026-01-31"}},
        ["/claims/necessity/dated", "/claims/necessity/expires"],
    ),
]


@pytest.mark.parametrize(("facts", "places"), PLACES)
def test_every_place_that_takes_part_is_named(facts: dict[str, Any], places: list[str]) -> None:
    """Each place that was sent and makes the contradiction, all with one sentence; no other place."""
    found = problems(**facts)
    assert [pointer for pointer, _ in found] == places
    assert len({detail for _, detail in found}) == 1


@pytest.mark.parametrize(
    "facts",
    [
        {"data.personal": "no"},
        {"data.people.ordinary": "3"},
        {"data.personal": "unknown", "data.people.ordinary": "3"},
        {"data.personal": "no", "data.people.ordinary": "0"},
        {"data.personal": "no", "data.people.ordinary": {"at_most": "9"}},
        {"data.personal": "no", "data.people.ordinary": "3", "data.state": "anonymised"},
        {"data.personal": "no", "counts.year.ordinary": "3"},
        {"data.personal": "yes", "data.people_in": ["unknown"]},
        {"data.personal": "yes", "data.people.ordinary": "0"},  # of how many sensitively nobody says
        {"data.personal": "no", "data.categories": ["health"]},  # perhaps a genome
        {"data.personal": "no", "evidence.certificate": "none"},
        {"data.personal": "no", "evidence.certificate": "unknown"},
        {"data.personal": "no", "evidence.certificate": {"dated": "2026-01-01"}},
        {"data.personal": "no", "evidence.certificate": {"covers": "no"}},
        {"data.personal": "no", "data.state": "identified", "data.price": "1 USD"},  # how many euros that is nobody says
        {"exporter.id": "a", "recipient.id": "b", "recipient.related": "no"},
        {"exporter.id": "a", "recipient.related": "no"},
        {"claims.necessity": {"dated": "2026-02-01", "expires": "2026-02-01"}},
        {"claims.necessity": {"dated": "unknown", "expires": "2026-02-01"}},
    ],
)
def test_what_is_not_known_contradicts_nothing(facts: dict[str, Any]) -> None:
    """What is left out, unknown, a range or an open set, in another currency, or shown by no document."""
    assert problems(**facts) == []


@pytest.mark.parametrize("state", ["left out", "unknown", "pseudonymised"])
def test_what_makes_it_possible_has_to_be_said(state: str) -> None:
    """`unless_said` counts only where it is certain, so that leaving it out frees nobody."""
    facts = {"data.personal": "no", "data.people.ordinary": "3", "data.price": "9 EUR", "data.state": state}
    assert problems(**facts) == [("/data/personal", "nobody is counted"), ("/data/people/ordinary", "nobody is counted")]
    assert problems(**{**facts, "data.state": "anonymised"}) == []


def test_all_contradictions_come_at_once_and_beside_other_faults() -> None:
    """Each with its places, in the order of the entries; a fault of another kind is told with them."""
    facts = {"data.personal": "no", "data.people.ordinary": "3", "evidence.certificate": COVERING}
    assert [pointer for pointer, _ in problems(**facts)] == [
        "/data/personal",
        "/evidence/certificate/covers",
        "/data/personal",
        "/data/people/ordinary",
    ]
    with pytest.raises(engine.ExchangeRefused) as refused:
        read(**facts, **{"counts.year.ordinary": "2"})
    assert [problem.code for problem in refused.value.problems] == ["counter-below", *[engine.INCOHERENT] * 4]


def test_a_contradiction_is_told_in_each_language() -> None:
    """In English where there is no sentence in the other one."""
    with pytest.raises(engine.ExchangeRefused) as refused:
        read(**{"data.personal": "no", "data.people.ordinary": "3"})
    assert {(p.told("en"), p.told("zh")) for p in refused.value.problems} == {("nobody is counted", "不计人数")}
    with pytest.raises(engine.ExchangeRefused) as refused:
        read(**{"data.personal": "yes", "data.people_in": []})
    assert {p.told("zh") for p in refused.value.problems} == {"people are somewhere"}
    with pytest.raises(engine.ExchangeRefused) as refused:
        read(**{"data.personal": "perhaps"})
    assert [(p.told("en"), p.told("zh")) for p in refused.value.problems] == [("must be true or false",) * 2]


def test_it_is_decided_without_the_day() -> None:
    """A document of tomorrow, or one that has expired, contradicts as much as one of today."""
    for dated in ("1999-01-01", "2999-01-01"):
        facts = {"data.personal": "no", "evidence.certificate": {"dated": dated, "expires": dated, "covers": "yes"}}
        assert [pointer for pointer, _ in problems(**facts)] == ["/data/personal", "/evidence/certificate/covers"]


def test_a_plan_is_refused_at_the_leg_that_cannot_be_true() -> None:
    """The places of that leg are named, those of no other."""
    legs = [{"exchange": {"data": {"personal": True}}}, {"exchange": {"data": {"personal": True, "people_in": []}}}]
    with pytest.raises(engine.ExchangeRefused) as refused:
        engine.read_plan(BUNDLE, json.dumps({"legs": legs}).encode())
    assert [(p.pointer, p.code) for p in refused.value.problems] == [
        ("/legs/1/exchange/data/personal", engine.INCOHERENT),
        ("/legs/1/exchange/data/people_in", engine.INCOHERENT),
    ]


# Sets that are never empty


@pytest.mark.parametrize(
    ("fact", "sent", "said"),
    [
        ("categories", [], 'must name at least one category; send ["none-of-these"] where none of the others applies'),
        ("colours", [], "must name at least one colour"),
        (
            "categories",
            ["none-of-these", "weather"],
            "`none-of-these` says that nothing else applies; leave it out, or send it alone",
        ),
        (
            "categories",
            ["none-of-these", "weather", "unknown"],
            "`none-of-these` says that nothing else applies; leave it out, or send it alone",
        ),
    ],
)
def test_a_set_that_is_never_empty_names_what_to_send(fact: str, sent: list[str], said: str) -> None:
    """Where a value says that nothing applies, the refusal names it; beside others it says nothing."""
    with pytest.raises(engine.ExchangeRefused) as refused:
        engine.parse_exchange(BUNDLE, json.dumps({"data": {fact: sent}}).encode())
    assert [(p.pointer, p.code, p.detail) for p in refused.value.problems] == [(f"/data/{fact}", "wrong-value", said)]


@pytest.mark.parametrize("sent", [["none-of-these"], ["weather"], ["unknown"], ["none-of-these", "unknown"], "unknown"])
def test_a_set_that_is_never_empty_may_be_open(sent: Any) -> None:
    """One value, that which says that nothing applies, or what is not known: each is read as it was sent."""
    found = engine.parse_exchange(BUNDLE, json.dumps({"data": {"categories": sent}}).encode()).value("data.categories")
    if sent == "unknown":
        assert found is Missing.UNKNOWN
    else:
        assert found == SetOf(frozenset(sent) - {"unknown"}, open="unknown" in sent)


def test_the_schema_says_that_a_set_is_never_empty() -> None:
    """`minItems` for that set and no other."""
    data = BUNDLE.exchange_schema()["$defs"]["Exchange_data"]["properties"]
    assert [name for name, each in data.items() if "minItems" in json.dumps(each)] == ["categories", "colours"]


def test_coherence_is_part_of_the_meaning() -> None:
    """Another entry, or a set that may be empty, is another bundle."""
    digests = {BUNDLE.digests.meaning}
    for old, new in (
        (b"at_least: 1}", b"at_least: 2}"),
        (b"    unless_said: {data.state: anonymised}\n", b""),
        (b", nothing: yes", b""),
    ):
        changed = VOCABULARY.replace(old, new) if new else VOCABULARY.replace(old, b"").replace(b"{nothing: yes}", b"{}")
        assert changed != VOCABULARY
        digests.add(engine.load_sources({"v.yaml": changed, "p.yaml": POLICY}).digests.meaning)
    digests.add(engine.load_sources({"v.yaml": VOCABULARY.replace(b", some: yes", b""), "p.yaml": POLICY}).digests.meaning)
    assert len(digests) == 4 + 1


# The bundled entries, each with exchanges that it refuses and neighbours that it accepts

SHOWN = {"dated": "2026-01-01", "covers": "yes"}
ENTRIES: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {
    "not-personal-counts-nobody": [
        ({"data.personal": "no", "data.people.sensitive": "12_000"}, {"data.personal": "yes"}),
        ({"data.personal": "no", "data.people.ordinary": "1"}, {"data.state": "anonymised"}),
    ],
    "not-personal-people-nowhere": [
        ({"data.personal": "no", "data.people_in": ["CN"]}, {"data.people_in": []}),
        ({"data.personal": "no", "data.people_in": ["CN"]}, {"data.state": "anonymised"}),
    ],
    "not-personal-no-nationality": [({"data.personal": "no", "data.nationalities": ["KR"]}, {"data.nationalities": []})],
    "personal-of-some-nationality": [
        ({"data.personal": "yes", "data.nationalities": []}, {"data.nationalities": ["KR"]}),
        ({"data.personal": "yes", "data.nationalities": []}, {"data.nationalities": "left out"}),
        ({"data.personal": "yes", "data.nationalities": []}, {"data.nationalities": ["stateless"]}),
    ],
    "anonymised-of-nobody": [
        (
            {
                "data.personal": "yes",
                "data.state": "anonymised",
                "data.people.sensitive": "12_000",
                "data.categories": ["health"],
            },
            change,
        )
        for change in (
            {"data.personal": "no"},
            {"data.state": "pseudonymised"},
            {"data.people.sensitive": "0"},
            {"data.categories": ["location"]},
        )
    ],
    "data-subject-is-one": [
        ({"exporter.role": "data-subject", "data.people.ordinary": "100"}, {"data.people.ordinary": "99"}),
        ({"recipient.role": "data-subject", "data.people.ordinary": "100"}, {"recipient.role": "processor"}),
    ],
    "not-personal-not-identified": [
        ({"data.personal": "no", "data.state": "identified"}, {"data.state": "anonymised"}),
        ({"data.personal": "no", "data.state": "pseudonymised"}, {"data.personal": "yes"}),
    ],
    "not-personal-no-identity": [
        ({"data.personal": "no", "data.categories": ["national-number"]}, {"data.categories": ["contact"]}),
    ],
    "not-personal-no-personal-class": [
        ({"data.personal": "no", "data.owner_class": ["enterprise", "personal"]}, {"data.owner_class": ["enterprise"]}),
    ],
    "not-personal-no-data-subject": [
        ({"data.personal": "no", "exporter.role": "data-subject"}, {"exporter.role": "controller"}),
        ({"data.personal": "no", "recipient.role": "data-subject"}, {"data.personal": "yes"}),
    ],
    "data-subject-is-a-person": [
        (
            {
                "data.personal": "yes",
                "data.categories": ["contact"],
                "exporter.role": "data-subject",
                "exporter.kind": "company",
            },
            {"exporter.kind": "individual"},
        ),
        (
            {
                "data.personal": "yes",
                "data.categories": ["contact"],
                "recipient.role": "data-subject",
                "recipient.kind": "company",
            },
            {"data.categories": ["juristic-person"]},
        ),
    ],
    "anonymised-names-nobody": [
        ({"data.state": "anonymised", "data.categories": ["health", "identity"]}, {"data.categories": ["health"]}),
    ],
    "personal-people-somewhere": [({"data.personal": "yes", "data.people_in": []}, {"data.people_in": ["unknown"]})],
    "personal-somebody": [
        ({"data.personal": "yes", "data.people.rest": "0"}, {"data.people.ordinary": "1"}),
        ({"data.personal": "yes", "data.people.ordinary": "0", "data.people.sensitive": "0"}, {"data.state": "anonymised"}),
    ],
    "counted-people-somewhere": [({"data.people.ordinary": "5", "data.people_in": []}, {"data.people.ordinary": "0"})],
    "sensitive-of-what": [
        (
            {"data.people.sensitive": "1", "data.categories": ["juristic-person"]},
            {"data.categories": ["juristic-person", "contact"]},
        ),
    ],
    "no-more-people-than-handled": [
        ({"data.people.ordinary": "12_000", "exporter.people_handled": "11_999"}, {"exporter.people_handled": "12_000"}),
    ],
    "same-party-related": [
        ({"exporter.id": "a", "recipient.id": "a", "recipient.relation": "unrelated"}, {"recipient.id": "b"}),
        ({"exporter.id": "a", "recipient.id": "a", "recipient.relation": "employee"}, {"recipient.relation": "same-entity"}),
    ],
    "one-party-one-id": [
        ({"recipient.relation": "same-entity", "exporter.id": "a", "recipient.id": "b"}, {"recipient.id": "a"}),
        ({"recipient.relation": "same-entity", "exporter.id": "a", "recipient.id": "b"}, {"recipient.relation": "same-group"}),
    ],
    "one-group-one-id": [
        ({"recipient.relation": "same-group", "exporter.group": "g", "recipient.group": "h"}, {"recipient.group": "g"}),
        (
            {"recipient.relation": "same-entity", "exporter.group": "g", "recipient.group": "h"},
            {"recipient.relation": "unrelated"},
        ),
    ],
    "same-group-related": [
        ({"recipient.relation": "unrelated", "exporter.group": "g", "recipient.group": "g"}, {"recipient.group": "h"}),
        (
            {"recipient.relation": "unrelated", "exporter.group": "g", "recipient.group": "g"},
            {"recipient.relation": "same-group"},
        ),
    ],
    "same-party-same-law": [
        (
            {"recipient.relation": "same-entity", "exporter.organised_in": ["CN"], "recipient.organised_in": ["SG", "US"]},
            {"recipient.organised_in": ["CN", "US"]},
        ),
        (
            {"exporter.id": "a", "recipient.id": "a", "exporter.organised_in": ["CN"], "recipient.organised_in": ["SG"]},
            {"recipient.id": "b"},
        ),
        (
            {"recipient.relation": "same-entity", "exporter.organised_in": ["CN"], "recipient.organised_in": ["SG"]},
            {"exporter.organised_in": [], "recipient.organised_in": []},
        ),
    ],
    "organised-somewhere": [
        ({f"{party}.kind": kind, f"{party}.organised_in": []}, change)
        for party in ("exporter", "recipient")
        for kind, change in (
            ("cloud-provider", {f"{party}.organised_in": ["KE"]}),
            ("university-hospital", {f"{party}.kind": "public-body"}),
            ("data-intermediary", {f"{party}.kind": "individual"}),
            ("data-altruism-organisation", {f"{party}.kind": "international-organisation"}),
        )
    ],
    "made-here-goes-not-back": [
        (
            {
                "act.kind": "return",
                "data.source": "self-produced",
                "data.collected_in": ["KE"],
                "exporter.country": "KE",
            },
            change,
        )
        for change in ({"act.kind": "provide"}, {"data.source": "received"}, {"data.collected_in": ["KE", "TZ"]})
    ],
    "made-here-does-not-pass-through": [
        (
            {
                "act.kind": "transit",
                "data.source": "self-produced",
                "data.collected_in": ["KE"],
                "exporter.country": "KE",
            },
            change,
        )
        for change in (
            {"act.kind": "provide"},
            {"data.source": "received"},
            {"exporter.country": "TZ"},
            {"safeguards.measures": ["encrypted-transit"]},
        )
    ],
    "own-data-are-not-entrusted": [
        ({"exporter.role": "processor", "data.source": "self-produced"}, {"data.source": "received"}),
        ({"exporter.role": "processor", "data.source": "self-produced"}, {"exporter.role": "controller"}),
    ],
    "made-where-the-people-are": [
        (
            {
                "exporter.country": "KE",
                "data.source": "self-produced",
                "data.people_in": ["KE"],
                "data.stored_in": ["KE"],
                "data.collected_in": ["TZ"],
            },
            change,
        )
        for change in (
            {"data.source": "purchased"},
            {"data.people_in": ["KE", "TZ"]},
            {"data.stored_in": ["KE", "TZ"]},
            {"data.collected_in": ["KE", "TZ"]},
            {"exporter.country": "TZ"},
        )
    ],
    "same-party-same-kind": [
        (
            {"recipient.relation": "same-entity", "exporter.kind": "hospital", "recipient.kind": "company"},
            {"recipient.relation": "same-group"},
        ),
        (
            {"recipient.relation": "same-entity", "exporter.kind": "cloud-provider", "recipient.kind": "hospital"},
            {"recipient.kind": "company"},
        ),
        (
            {"exporter.id": "a", "recipient.id": "a", "exporter.kind": "hospital", "recipient.kind": "university"},
            {"exporter.kind": "university-hospital", "recipient.kind": "university-hospital"},
        ),
    ],
    "employee-is-a-person": [
        ({"recipient.relation": "employee", "recipient.kind": "company"}, {"recipient.kind": "individual"}),
    ],
    "place-in-mainland-china": [
        ({"exporter.country": "KE", "exporter.locality": "shenzhen"}, {"exporter.locality": "elsewhere"}),
    ],
    "reached-by-who-can-read": [({"recipient.can_read": "yes", "act.us_access": "no"}, {"act.us_access": "yes"})],
    "read-from-somewhere": [({"act.kind": "remote-access", "act.access_from": []}, {"act.kind": "provide"})],
    "keys-kept-from-the-reader": [
        ({"safeguards.measures": ["keys-stay-here"], "recipient.can_read": "yes"}, {"safeguards.measures": ["contractual"]}),
    ],
    "model-made-somewhere": [
        ({"data.model_from": [], "data.kind": "model-weights"}, {"data.kind": "dataset"}),
        ({"data.model_from": [], "data.categories": ["model-output"]}, {"data.model_from": ["CN"]}),
        ({"data.model_from": [], "data.source": "model-output"}, {"data.source": "purchased"}),
    ],
    "registered-where-a-certificate-says": [
        (
            {"evidence.cn-data-registration": SHOWN, "rights.registration": ["exchange-product"]},
            {"rights.registration": ["property-right-formal"]},
        ),
        (
            {"evidence.cn-public-data-registration": SHOWN, "rights.registration": []},
            {"evidence.cn-public-data-registration": {**SHOWN, "covers": "no"}},
        ),
    ],
    "no-more-than-the-whole": [
        ({name: "50"}, {name: "0.5"})
        for name in (
            "exporter.us_concern_share",
            "recipient.us_concern_share",
            "recipient.us_share.adversary",
            "recipient.us_share.listed",
            "act.us_stake",
            "terms.market_share",
            *(f"terms.share.{role}" for role in ("provider", "operator", "people", "source-country", "public", "other")),
        )
    ]
    + [({"terms.share.provider": "0.6", "terms.share.operator": "0.6"}, {"terms.share.operator": "0.4"})],
    "market-share-is-the-position": [
        ({"terms.market_share": "0.5", "terms.dominance": "none"}, {"terms.dominance": "one-firm"}),
        ({"terms.market_share": "0.1", "terms.dominance": "below-a-tenth"}, {"terms.market_share": "0.09"}),
    ],
    "end-use-has-a-purpose": [
        ({"purpose.end_use": ["military"], "purpose.is": ["hr", "legal"]}, {"purpose.is": ["hr", "other"]}),
        ({"purpose.end_use": ["military"], "purpose.is": ["hr"]}, {"exporter.kind": "federal-agency"}),
        (
            {"purpose.end_use": ["terrorist"], "purpose.is": ["service-provision"], "recipient.role": "processor"},
            {"recipient.role": "controller"},
        ),
        (
            {"purpose.end_use": ["influence-operation"], "purpose.is": ["marketing"], "data.personal": "yes"},
            {"purpose.is": ["behaviour-analysis"]},
        ),
    ],
    "licensed-is-named": [
        ({"data.kind": "code", "data.categories": ["industrial"], "terms.licence": "mit"}, {"terms.licence": "proprietary"}),
        (
            {"data.kind": "api", "data.categories": ["industrial"], "terms.licence_limits": ["use"]},
            {"data.kind": "model-access"},
        ),
        (
            {"data.kind": "training-dataset", "data.categories": ["text-and-media"], "terms.licence": "kimi-k2"},
            {"data.categories": ["text-and-media", "openly-licensed"]},
        ),
        (
            {"data.kind": "documentation", "data.categories": ["industrial"], "terms.licence_limits": ["destination"]},
            {"terms.licence": "proprietary"},
        ),
    ],
    "output-is-named": [
        (
            {"data.source": "model-output", "data.categories": ["text-and-media"]},
            {"data.categories": ["text-and-media", "model-output"]},
        ),
    ],
    "free-costs-nothing": [
        ({"terms.pricing": "free", "terms.price": f"5 {currency}"}, {"terms.price": f"0 {currency}"})
        for currency in ("CNY", "USD", "EUR")
    ],
    "training-abroad-is-for-others": [
        ({"exporter.country": "CN", "terms.training_for": ["KE", "CN"]}, {"terms.training_for": ["KE"]}),
    ],
    "staff-are-employees": [
        ({f"claims.{claim}": SHOWN, "data.categories": ["contact"]}, {"data.categories": ["contact", "employee"]})
        for claim in ("vn-staff-management", "vn-own-employees-cloud")
    ],
    "public-is-not-secret": [
        ({f"claims.{claim}": SHOWN, "data.categories": [secret]}, {f"claims.{claim}": "none"})
        for claim in ("lawfully-public", "us-public-data", "us-published", "sg-publicly-available")
        for secret in ("state-secret", "work-secret")
    ],
    "collected-by-the-exporter": [
        ({"claims.us-collected-directly": SHOWN, "data.source": "purchased"}, {"data.source": "self-produced"}),
    ],
    "nor-their-health-and-money": [
        (
            {
                "exporter.country": "DE",
                "data.categories": ["health", "payment"],
                "data.kind": "dataset",
                "data.controls": ["us-itar"],
            },
            {"data.categories": ["health", "industrial"]},
        ),
        (
            {
                "exporter.country": "DE",
                "data.categories": ["location"],
                "data.kind": "dataset",
                "data.controls": ["cn-controlled-item"],
            },
            {"exporter.country": "CN"},
        ),
        (
            {
                "exporter.country": "DE",
                "data.categories": ["health"],
                "data.kind": "dataset",
                "data.controls": ["us-ear-licence"],
            },
            {"exporter.country": "US"},
        ),
    ],
    "people-are-no-technology": [
        (
            {"data.categories": ["contact", "payment"], "data.kind": "dataset", "data.controls": ["cn-controlled-item"]},
            {"data.categories": ["contact", "payment", "health"]},
        ),
        (
            {"data.categories": ["contact"], "data.kind": "dataset", "data.controls": ["us-itar"]},
            {"exporter.country": "US"},
        ),
        (
            {"data.categories": ["contact"], "data.kind": "dataset", "data.controls": ["cn-controlled-item"]},
            {"data.controls": ["us-ear"]},
        ),
    ],
    "connectivity-and-package": [
        (
            {"terms.resources.connectivity": "0.5 Mbit/s", "terms.components": ["data", "compute"]},
            {"terms.components": ["data", part]},
        )
        for part in ("infrastructure", "interoperability")
    ],
    "computing-and-package": [
        ({"terms.resources.computing": amount, "terms.components": ["model", "energy"]}, change)
        for amount in ("1 kFLOP", "8 GPU-hour")
        for change in ({"terms.components": ["model", "compute"]}, {"terms.resources.computing": "0 FLOP"})
    ],
    "training-and-package": [
        (
            {"terms.resources.training": "80 hour", "terms.components": ["data"]},
            {"terms.components": ["data", "training-programme"]},
        ),
    ],
    "state-bodies-only": [
        ({f"claims.{claim}": SHOWN, "exporter.kind": "company"}, {"exporter.kind": "public-body"})
        for claim in ("ar-intelligence", "br-cooperation")
    ],
}


@pytest.fixture(scope="module")
def bundled() -> engine.Bundle:
    return engine.load(engine.bundled_policies())


def test_every_bundled_entry_has_its_row(bundled: engine.Bundle) -> None:
    """No entry without a case, and each is told in both languages."""
    assert ENTRIES.keys() == bundled.vocabulary.coherence.keys()
    assert all(entry.says.zh for entry in bundled.vocabulary.coherence.values())


@pytest.mark.parametrize(("name", "facts", "change"), [(name, *row) for name, rows in ENTRIES.items() for row in rows])
def test_each_bundled_entry_refuses_and_its_neighbour_passes(
    bundled: engine.Bundle, name: str, facts: dict[str, Any], change: dict[str, Any]
) -> None:
    """The exchange is refused by that entry alone, at each fact that it states; with one fact changed it is accepted."""
    with pytest.raises(engine.ExchangeRefused) as refused:
        build(bundled, facts)
    assert {problem.detail for problem in refused.value.problems} == {bundled.vocabulary.coherence[name].says.en}
    places = {fact.replace(".", "/") + ("/covers" if isinstance(value, dict) else "") for fact, value in facts.items()}
    assert {problem.pointer.removeprefix("/") for problem in refused.value.problems} == places
    build(bundled, {**facts, **change})


def test_a_hospital_that_is_a_university_is_both_to_every_rule(bundled: engine.Bundle) -> None:
    """Whatever test of a kind of party a hospital or a university meets, it meets; so it evades no rule on either."""
    rules = bundled.rules
    conditions = [*rules.definitions.values(), *(rule.condition for rule in rules.rules)]
    read = {atom for each in conditions for atom in checked.tests(each, rules.definitions) if atom.fact.endswith(".kind")}
    read = {atom for atom in read if {"hospital", "university"} & set(atom.operands)}
    assert len(read) > 5
    for atom in read:
        kinds = {kind: names_any(atom.type.values, kind, atom.operands) for kind in ("hospital", "university")}
        assert names_any(atom.type.values, "university-hospital", atom.operands) is max(kinds.values()) is Truth.YES


def test_the_lists_that_mirror_a_policy_are_the_same(bundled: engine.Bundle) -> None:
    """What a policy asks nothing about, and what the door refuses for it, are one list."""
    never = {entry.id: entry.condition for entry in bundled.coherence.never}
    for entry, policy in (
        ("people-are-no-technology", "cn.export-control/about-people-only"),
        ("nor-their-health-and-money", "orders.declared/no-technology"),
        ("end-use-has-a-purpose", "orders.end-uses/has-no-end-use-of-its-own"),
    ):
        door = {atom.operands for atom in atoms(never[entry]) if atom.op == "only" and len(atom.operands) > 1}
        law = {
            atom.operands
            for atom in checked.tests(bundled.rules.definitions[policy], bundled.rules.definitions)
            if len(atom.operands) > 1
        }
        assert door, entry
        assert door <= law, entry


def test_counts_that_a_law_keeps_in_whatever_form_contradict_nothing(bundled: engine.Bundle) -> None:
    """Americans are counted in anonymised data and in data about nobody, and so are the people of anonymised data."""
    for personal, state in (("no", "anonymised"), ("yes", "anonymised"), ("no", "left out")):
        sent = build(bundled, {"data.personal": personal, "data.state": state, "data.us_people.health": "20_000"})
        assert bundled.coherence.contradictions(sent) == []
    anonymised = build(
        bundled,
        {"data.personal": "yes", "data.state": "anonymised", "data.people.sensitive": "12_000", "data.people_in": ["CN"]},
    )
    assert bundled.coherence.contradictions(anonymised) == []


# Against the engines


def as_subjects(seed: int) -> tuple[Maker, engine.Bundle, list[tuple[str, str]]]:
    """A random bundle whose contradictions are subject matters too: for each entry, the subjects of both its parts."""
    maker = Maker(seed)
    documents, settings = maker.accepted()
    words = documents["vocabulary.yaml"]
    parts = {f"{name}-{key}": entry[key] for name, entry in words["coherence"].items() for key in entry if key != "says"}
    words["subjects"] |= {name: {"title": name, "when": deepcopy(condition)} for name, condition in parts.items()}
    names = [(f"{name}-never", f"{name}-unless_said") for name in words["coherence"]]
    return maker, engine.load_sources(Maker.written(documents), settings), names


@pytest.mark.parametrize("seeds", [range(10), pytest.param(range(400), marks=pytest.mark.fuzz(weight=5))], ids=["some", "many"])
def test_what_contradicts_is_what_every_engine_finds_true(seeds: range) -> None:
    """On random bundles and exchanges: an entry refuses where its condition is certain, read on the last of all days."""
    refused = excused = 0
    first = chance.seed(0)
    for seed in (first + number for number in chance.some(seeds, 10)):
        maker, made, names = as_subjects(seed)
        reader = ExchangeReader(made.vocabulary, frozenset(made.rules.requirements), frozenset())
        engines = [make(made.rules) for make in (Reference, Bitset, Durable)]
        for _ in range(20):
            exchange = reader.accept(maker.anything())
            found = [each for each in made.coherence.contradictions(exchange) if each.says.en == "it cannot be so"]
            assert all(each.facts for each in found)
            for each in engines:
                reads = {
                    key.removeprefix("subject/"): truth for key, truth in each.evaluate(exchange, date.max).defined.items()
                }
                true = [unless for never, unless in names if reads[never] is Truth.YES]
                said = [unless for unless in true if reads.get(unless) is Truth.YES]
                assert len(found) == len(true) - len(said), f"seed {seed}, {each.name}: {json.dumps(exchange.document)}"
            refused += len(found)
            excused += len(said)
    assert refused > 10
    assert excused
