"""What an organisation says beside the law, once it is read: what the vocabulary gives, and what is left of the rules."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import engine

HERE = Path(__file__).parent
SHARED = {f"_shared/{name}": (HERE / name).read_bytes() for name in ("vocabulary.yaml", "neighbour.yaml", "licence.yaml")}
ALL_SECTIONS = (HERE / "organisation" / "good" / "all-sections.yaml").read_bytes()
LAW = """policy: {name}
title: {name}
jurisdiction: BB
instrument: {{issuer: a ministry, force: law}}
in_force: {{from: 2020-01-01}}
applies: {{exporter.country: BB}}
rules:
"""
RULE = "  - {{id: {id}, title: r, cite: Art. 1, says: r, source: made up, status: confirmed, {effect}}}\n"


def off(what: str) -> bytes:
    return f"organisation: acme\ntitle: Acme\nswitched_off:\n  - {{{what}, because: a reason, by: me}}\n".encode()


def law(name: str, *rules: tuple[str, str]) -> bytes:
    return (LAW.format(name=name) + "".join(RULE.format(id=id, effect=effect) for id, effect in rules)).encode()


def test_the_vocabulary_gives_what_is_said() -> None:
    """Acceptances, what must be shown, and what is switched off are read whole, families as their members."""
    words = engine.load_sources({**SHARED, "ours/acme.yaml": ALL_SECTIONS}).vocabulary
    (accepted,) = words.accepts
    assert (accepted.id, accepted.organisation, accepted.countries, accepted.subjects) == (
        "health-abroad",
        "acme",
        ("BB", "NO"),
        ("personal",),
    )
    assert (accepted.by.en, accepted.because.zh) == ("General Counsel", "当地律师逐份审阅合同")
    assert (accepted.file, accepted.line) == ("ours/acme.yaml", 4)
    assert [accepted.on(date(*day)) for day in ((2025, 12, 31), (2026, 1, 1), (2027, 1, 2), (2027, 1, 3))] == [
        False,
        True,
        True,
        False,
    ]
    assert words.must_be_shown == {
        "evidence.contract",
        "claims.necessity",
        "recipient.country",
        "data.people.ordinary",
        "data.people.sensitive",
    }
    assert [(each.policy, each.jurisdiction) for each in words.switched_off] == [("neighbour", "")]


def test_without_an_organisation_nothing_is_said() -> None:
    """A bundle of law alone has none of it, and its digests do not depend on there being such documents."""
    words = engine.load_sources(SHARED).vocabulary
    assert (words.accepts, words.switched_off, words.must_be_shown) == ((), (), frozenset())


def spoken(bundle: engine.Bundle) -> set[str]:
    """The policies that give a jurisdiction with coverage its floor."""
    floors = (floor for floor in bundle.rules.floors if floor.covered)
    return {key.removeprefix("speaks/") for floor in floors for each in floor.spoken for key in each.by}


def test_the_rules_of_what_is_switched_off_do_not_count() -> None:
    """Neither its rules nor its floor: by policy or by jurisdiction. Rules of others stay, and so do its definitions."""
    using = law("using", ("uses", "when: [neighbour/sold], review: look"))
    all_of_it = {"neighbour/bars", "neighbour/licensed", "neighbour/needs", "using/uses", "licence/bars"}
    for what, left in (
        ("policy: neighbour", {"using/uses", "licence/bars"}),
        ("jurisdiction: BB", {"licence/bars"}),
        ("policy: using", all_of_it - {"using/uses"}),
    ):
        bundle = engine.load_sources({**SHARED, "_shared/using.yaml": using, "ours/acme.yaml": off(what)})
        assert {rule.key for rule in bundle.rules.rules} == left
        assert spoken(bundle) == {name.split("/")[0] for name in left} & {"neighbour"}
        assert "neighbour/sold!raise" in bundle.rules.definitions or "neighbour/sold" in bundle.rules.definitions
        exchange = engine.parse_exchange(bundle, b'{"exporter": {"country": "BB"}, "data": {"price": "1 USD"}}')
        verdicts = [engine.PDP(bundle, mode=mode).judge(exchange, as_of=date(2026, 1, 1)) for mode in engine.MODES]
        assert len({verdict.outcome.word for verdict in verdicts}) == 1


def test_an_exemption_to_or_from_what_is_switched_off_is_gone() -> None:
    """A rule that was exempted by it stands again; a rule that exempted it exempts the others still."""
    sources = {
        **SHARED,
        "_shared/a.yaml": law("a", ("frees", "exempts: [b/bars, c/bars]")),
        "_shared/b.yaml": law("b", ("bars", "prohibit: no")),
        "_shared/c.yaml": law("c", ("bars", "prohibit: no")),
    }
    for policy, standing in (("a", {"b/bars", "c/bars"}), ("b", {"a/frees"}), ("c", {"a/frees"})):
        bundle = engine.load_sources({**sources, "ours/acme.yaml": off(f"policy: {policy}")})
        exchange = engine.parse_exchange(bundle, b'{"exporter": {"country": "BB"}}')
        found = set(engine.PDP(bundle).judge(exchange, as_of=date(2026, 1, 1)).provisions)
        assert standing <= found
        assert not {name for name in found if name.startswith(f"{policy}/")}


# --- the law above an organisation ------------------------------------------------------------------------------------

OURS = b"organisation: acme\ntitle: Acme\n"
HOUSE = b"vocabulary: acme\njurisdictions:\n  ACME: {title: the house of Acme}\n"


def ours(jurisdiction: str, force: str, *rules: tuple[str, str]) -> bytes:
    text = law("acme.rules", *rules).decode()
    return text.replace("jurisdiction: BB", f"jurisdiction: {jurisdiction}").replace("force: law", f"force: {force}").encode()


def refused(**files: bytes) -> dict[str, str]:
    """The codes of the errors, by the file and line of each."""
    sources = {f"ours/{name}.yaml": text for name, text in files.items()}
    try:
        engine.load_sources({**SHARED, "ours/acme.yaml": OURS, **sources})
    except engine.BundleRefused as wrong:
        return {f"{each.at.file}:{each.at.line}": each.code for each in wrong.diagnostics}
    return {}


def test_an_organisation_has_a_house_of_its_own() -> None:
    """Its policies are contracts of a jurisdiction that its folder names and that covers no country; without the document it is law."""
    bar = ("bars", "prohibit: no")
    assert refused(words=HOUSE, rules=ours("ACME", "contract", bar)) == {}
    assert refused(words=HOUSE, rules=ours("ACME", "law", bar)) == {"ours/rules.yaml:4": "house"}
    assert refused(words=HOUSE, rules=ours("ACME", "order", bar)) == {"ours/rules.yaml:4": "house"}
    assert refused(words=HOUSE, rules=ours("BB", "contract", bar)) == {"ours/rules.yaml:3": "house"}
    assert refused(words=HOUSE.replace(b"Acme}", b"Acme, countries: [NO]}"), rules=ours("ACME", "contract", bar)) == {
        "ours/words.yaml:3": "house"
    }
    assert refused(words=HOUSE.replace(b"Acme}", b"Acme, covers: {personal: {from: 2020-01-01, by: [a]}}}")) == {
        "ours/words.yaml:3": "unknown-policy"
    }
    elsewhere = {**SHARED, "ours/acme.yaml": OURS, "theirs/rules.yaml": ours("BB", "law", bar)}
    assert "acme.rules/bars" in {rule.key for rule in engine.load_sources(elsewhere).rules.rules}


def test_an_organisation_lifts_nothing_of_the_law() -> None:
    """It cannot exempt from a law's rule or requirement, nor meet the requirement, in its own house or in the law's jurisdiction."""
    for effect in ("exempts: [neighbour/bars]", "exempts: [licence]", "satisfies: licence"):
        assert set(refused(words=HOUSE, rules=ours("ACME", "contract", ("lifts", effect))).values()) <= {
            "other-jurisdiction",
            "force",
        }
        assert refused(words=HOUSE, rules=ours("ACME", "contract", ("lifts", effect)))
        assert "house" in refused(words=HOUSE, rules=ours("BB", "contract", ("lifts", effect))).values()


def test_an_organisation_redefines_nothing_of_the_law() -> None:
    """Neither a fact, a value set, a register, a calendar, a requirement, a jurisdiction, a subject matter, a counter, nor a policy."""
    for section in (
        "facts:\n  data.personal: {type: yes/no, title: x}\n",
        "values:\n  country: {title: x, values: [AA]}\n",
        "registers:\n  FRIENDS: {title: x, of: country, source: x, status: confirmed, entries: [AA]}\n",
        "calendars:\n  AA: {title: x, source: x, status: confirmed, weekend: [sun], known_from: 2026-01-01, known_until: 2026-12-31}\n",
        "requirements:\n  licence: {title: x, how: x, jurisdiction: BB}\n",
        "jurisdictions:\n  BB: {title: x}\n",
        "subjects:\n  personal: {title: x, when: {data.personal: no}}\n",
        "evidence:\n  contract: {title: x}\n",
        "claims:\n  necessity: {title: x}\n",
    ):
        assert refused(words=f"vocabulary: acme\n{section}".encode()) == {"ours/words.yaml:3": "duplicate-id"}, section
    again = law("neighbour", ("free", "advise: go"))
    assert "duplicate-id" in refused(rules=again).values()
    assert {**refused(words=b"vocabulary: acme\nfacts:\n  data.people.robots: {type: count, title: x}\n")} == {
        "ours/words.yaml:3": "bad-id"
    }


def test_a_value_that_is_added_reads_as_the_one_it_lies_under() -> None:
    """Every test of the law reads both alike, one by one and in sets, and the organisation's own rules tell them apart, in every engine."""
    more = (
        b"vocabulary: more\nmore_values:\n  category: {ours: {title: ours, under: genome}, rest: {under: genome, rest: yes}}\n"
    )
    tests = (
        "data.category: health", "data.category: genome", "data.category: {not: weather}", "data.category: weather",
        "data.category: {in: MEDICAL}", "data.categories: {has: health}", "data.categories: {only: health}",
        "data.categories: {has: weather}", "data.categories: {only: [genome, weather]}", "data.categories: {not: {has: genome}}",
    )  # fmt: skip
    rules = [(f"r{number}", f"when: {{{test}}}, review: look") for number, test in enumerate(tests)]
    own = [("own", "when: {data.category: ours}, review: look"), ("owns", "when: {data.categories: {has: ours}}, review: look")]
    bundle = engine.load_sources({**SHARED, "_shared/tests.yaml": law("tests", *rules, *own), "ours/more.yaml": more})
    for mode in ("reference", "bitset", "durable"):
        pdp = engine.PDP(bundle, mode=mode)

        def standing(value: str, pdp: engine.PDP = pdp) -> set[str]:
            text = f'{{"exporter": {{"country": "BB"}}, "data": {{"category": "{value}", "categories": ["{value}"]}}}}'
            verdict = pdp.judge(engine.parse_exchange(bundle, text.encode()), as_of=date(2026, 1, 1)).verdict
            masks = {"": verdict.stands.certain, "?": verdict.stands.possible & ~verdict.stands.certain}
            return {
                f"{mark}{rule.provision.id}"
                for number, rule in enumerate(bundle.rules.rules)
                for mark, mask in masks.items()
                if mask >> number & 1 and rule.provision.policy == "tests"
            }

        assert standing("ours") - {"tests/own", "tests/owns"} == standing("genome") - {"?tests/own", "?tests/owns"}
        assert standing("rest") == standing("genome") - {"?tests/own", "?tests/owns"}
        assert {"tests/own", "tests/owns"} <= standing("ours")
        assert {"?tests/own", "?tests/owns"} <= standing("genome")
        assert not {"tests/own", "?tests/own"} & standing("weather")


def test_a_policy_that_always_applies_applies_to_every_exchange() -> None:
    """`applies: always` holds whatever is left out, in every engine."""
    text = law("everywhere", ("bars", "prohibit: no")).decode().replace("applies: {exporter.country: BB}", "applies: always")
    bundle = engine.load_sources({**SHARED, "_shared/everywhere.yaml": text.encode()})
    exchange = engine.parse_exchange(bundle, b"{}")
    for mode in engine.MODES:
        judgement = engine.PDP(bundle, mode=mode).judge(exchange, as_of=date(2026, 1, 1))
        assert (judgement.outcome.word, judgement.provisions) == ("prohibited", ("everywhere/bars",))
    assert "always" in engine.brief(bundle, next(i for i in engine.instruments(bundle) if i.text.policy == "everywhere"))


def test_a_house_rule_without_a_jurisdiction_is_a_finding() -> None:
    """It is told what is missing like any other policy, and no error ends the check."""
    house = {"ours/acme.yaml": b"organisation: acme\ntitle: Acme\n", "ours/rules.yaml": b"policy: acme.rules\n"}
    with pytest.raises(engine.BundleRefused) as refused:
        engine.load_sources({**SHARED, **house})
    assert {each.at.file for each in refused.value.diagnostics} == {"ours/rules.yaml"}
