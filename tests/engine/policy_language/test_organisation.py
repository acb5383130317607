"""What an organisation says beside the law, once it is read: what the vocabulary gives, and what is left of the rules."""

from __future__ import annotations

from datetime import date
from pathlib import Path

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
