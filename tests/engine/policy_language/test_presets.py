"""Presets: everyday exchanges to begin with, none of which frees by itself."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import engine

BUNDLE = engine.load(engine.bundled_policies())
PDP = engine.PDP(BUNDLE, "bitset")
DAY = date(2026, 11, 30)
PRESETS = {each.id: each for each in BUNDLE.presets()}
PLACES = (("CN", "US"), ("DE", "US"), ("US", "CN"), ("KE", "GB"), ("GB", "JP"))
HERE = Path(__file__).parent


def judged(document: dict[str, Any]) -> engine.Judgement:
    """The judgement on an exchange."""
    return PDP.judge(engine.parse_exchange(BUNDLE, json.dumps(document).encode()), as_of=DAY)


def between(preset: engine.Preset, exporter: str, recipient: str) -> dict[str, Any]:
    """What a preset states, between two countries, or from one to the public."""
    found = json.loads(json.dumps(preset.exchange))
    for role, country in (("exporter", exporter), ("recipient", recipient)):
        if found.get(role) not in engine.EVERYONE:
            found.setdefault(role, {})["country"] = country
    return found  # type: ignore[no-any-return]


def test_there_are_a_dozen_in_both_languages() -> None:
    """Each with a title and a sentence, and with facts to confirm."""
    assert len(PRESETS) == 12
    for preset in PRESETS.values():
        assert preset.title.zh
        assert preset.says.zh
        assert preset.to_confirm


@pytest.mark.parametrize("id", PRESETS)
def test_no_preset_frees_an_exchange(id: str) -> None:
    """Whichever countries are added to it, nothing may proceed, and its lists of categories and purposes are still asked."""
    for exporter, recipient in PLACES:
        judgement = judged(between(PRESETS[id], exporter, recipient))
        assert judgement.outcome.word not in ("permitted", "permitted_with_obligations")
        assert judgement.outcome.bounds.high.word in ("review", "requirements_unmet", "prohibited")
        assert "act.bars" in judgement.open_facts
        if "data.categories" in PRESETS[id].to_confirm:
            assert "data.categories" in judgement.open_facts


@pytest.mark.parametrize("id", PRESETS)
def test_a_preset_states_facts_alone_and_closes_no_set(id: str) -> None:
    """No document, no claim, no way to rely on; nothing that may leave data free; and whatever is a list may have others."""
    preset = PRESETS[id]
    assert preset.exchange.keys().isdisjoint({"evidence", "claims", "relies_on", "carried", "register", "as_of"})
    for name in preset.to_confirm:
        if name == BUNDLE.vocabulary.recipient:
            assert preset.exchange[name] in engine.EVERYONE
            continue
        fact = BUNDLE.vocabulary.facts[name]
        assert not fact.frees
        group, _, step = name.partition(".")
        value = preset.exchange[group][step]
        assert not fact.type.many or value[-1] == "unknown"


def preset_of(*facts: str) -> dict[str, bytes]:
    """The files of a small bundle with one preset."""
    shared = {
        f"xx/{name}": (HERE / name).read_bytes()
        for name in ("vocabulary.yaml", "neighbour.yaml", "licence.yaml", "advice.yaml")
    }
    stated = "".join(f"      {each}\n" for each in facts)
    text = f"vocabulary: more\npresets:\n  usual:\n    title: usual\n    says: what is usual\n    exchange:\n{stated}"
    return shared | {"xx/more.yaml": text.encode()}


def test_a_preset_is_read_as_a_test_is() -> None:
    """`yes` and numbers in words are what a sender would write; a set is opened."""
    bundle = engine.load_sources(preset_of("data.personal: yes", "data.files: 100 thousand", "data.categories: weather"))
    [preset] = bundle.presets()
    assert preset.exchange == {"data": {"personal": True, "files": 100_000, "categories": ["weather", "unknown"]}}
    assert preset.to_confirm == ("data.personal", "data.files", "data.categories")


@pytest.mark.parametrize(
    ("fact", "code", "says"),
    [
        ("data.persona: yes", "unknown-fact", "`data.persona`, which is no fact"),
        ("evidence.paper: none", "unknown-fact", "which is no fact"),
        ("data.category: wether", "bad-value", "did you mean `weather`?"),
        ("data.files: some", "bad-value", "`some` is not a whole number"),
    ],
)
def test_a_preset_that_is_no_exchange_is_an_error(fact: str, code: str, says: str) -> None:
    """So that whoever begins with it is not refused."""
    with pytest.raises(engine.BundleRefused) as refused:
        engine.load_sources(preset_of(fact))
    [finding] = refused.value.diagnostics
    assert (finding.code, finding.at.file, finding.at.line) == (code, "xx/more.yaml", 3)
    assert says in finding.message + finding.help


@pytest.mark.parametrize("fact", ["act.bars: []", "purpose.end_use: [civil]", "exporter.id: us", "act.evades: no"])
def test_a_preset_that_may_free_is_an_error(fact: str) -> None:
    """What may leave data free, who somebody is, and what follows from other facts is asked of each exchange."""
    sources = engine.gather_sources(engine.source_files([engine.bundled_policies()]))
    own = f"vocabulary: more\npresets:\n  usual:\n    title: usual\n    says: what is usual\n    exchange: {{{fact}}}\n"
    with pytest.raises(engine.BundleRefused) as refused:
        engine.load_sources({**sources, "yy/more.yaml": own.encode()}, tests=False)
    assert [each.code for each in refused.value.diagnostics] == ["preset-frees"]
