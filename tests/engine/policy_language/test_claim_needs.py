"""What claims need where they lift (semantics 4.12): every claim of the project says it, and what is not known of it is asked."""

from __future__ import annotations

from datetime import date

import pytest

import engine
from engine import rules as ir
from engine.authoring.testing import build, prepare
from engine.policy_language.claim_needs import NEEDS, is_nothing, needs_of
from engine.rules import Defined, Truth

DAY = date(2026, 11, 24)
BUNDLE = engine.load(engine.bundled_policies())
WORDS, RULES = BUNDLE.vocabulary, BUNDLE.rules
EXPECTED = [case.expect.define for case in prepare(BUNDLE, "policies/vocabulary/claims.test.yaml")]
LIFTING = [rule for rule in RULES.rules if rule.lifts]


@pytest.mark.parametrize("claim", WORDS.kinds["claims"])
def test_a_claim_of_the_project_says_what_it_needs_and_tests_defend_it(claim: str) -> None:
    """A condition of facts that can be asked for, which one case meets and another does not; or `always`, with the reason beside it."""
    needs = needs_of(WORDS, claim)
    assert needs is not None
    if is_nothing(needs):
        line = BUNDLE.sources[needs.span.file].decode().splitlines()[needs.span.line - 1]
        assert len(line.partition("needs: always  # ")[2]) > 20, "say why no fact could contradict it"
        return
    key = f"{NEEDS}{claim}"
    facts = {name for atom in ir.tests(Defined(key), RULES.definitions) for name in (atom.fact, atom.other) if name}
    assert facts
    assert all(WORDS.facts[name].ask for name in facts)
    assert {"yes", "no"} <= {expected.get(key) for expected in EXPECTED}


def test_every_provision_that_lifts_reads_each_claim_with_what_it_needs() -> None:
    """In a ground, an exemption, and the definitions that they use."""
    needing = {name for name in RULES.definitions if name.startswith(NEEDS)}
    bare = []
    for rule in LIFTING:
        reached = {*ir.definitions_named(rule.condition)}
        while more := {name for key in reached for name in ir.definitions_named(RULES.definitions[key])} - reached:
            reached |= more
        lifting = {atom.fact for atom in ir.tests(rule.condition, RULES.definitions) if atom.not_shown is Truth.NO}
        wanted = {f"{NEEDS}{fact.removeprefix('claims.')}" for fact in lifting if fact.startswith("claims.")}
        bare += [(rule.key, name) for name in (wanted & needing) - reached]
    assert len(LIFTING) > 400
    assert bare == []


SMALL = b"""
vocabulary: small
facts:
  exporter.country: {type: country, title: country}
  data.bought: {type: yes/no, title: bought}
  data.urgent: {type: yes/no, title: urgent}
values:
  country: {title: country, values: [AA, BB]}
claims:
  need: {title: need, needs: {data.bought: no}}
requirements:
  paper: {title: paper, how: write one, jurisdiction: AA}
jurisdictions:
  AA: {title: Aland}
"""
LAW = b"""
policy: aa.law
title: a law
jurisdiction: AA
instrument: {issuer: a ministry, force: law}
in_force: {from: 2020-01-01}
applies: {exporter.country: AA}
rules:
  - {id: art-1, title: one, cite: one, says: one, source: made up, status: confirmed, require: paper}
  - {id: art-2, title: two, cite: two, says: two, source: made up, status: confirmed, when: [claims: {has: need}], satisfies: paper}
"""
SHOWN = {"dated": "2026-11-01", "covers": "yes"}


def judgement(mode: str, **facts: object) -> engine.Judgement:
    """What a small law makes of an exchange; `__` stands for the dot of a fact."""
    bundle = engine.load_sources({"words.yaml": SMALL, "law.yaml": LAW})
    told = {name.replace("__", "."): value for name, value in facts.items()}
    return engine.PDP(bundle, mode).judge(build(bundle, {"exporter.country": "AA", **told}), as_of=DAY)


@pytest.mark.parametrize("mode", ["bitset", "reference", "durable"])
def test_what_a_presented_claim_needs_is_asked_where_it_is_not_known(mode: str) -> None:
    """And where it is false, nothing is asked: neither the fact nor the claim could help."""
    assert list(judgement(mode, claims__need=SHOWN).open_facts) == ["data.bought"]
    assert judgement(mode, claims__need=SHOWN, data__bought="no").outcome.permits
    for claim in (SHOWN, "unknown"):
        found = judgement(mode, claims__need=claim, data__bought="yes")
        assert (found.outcome.word, list(found.open_facts)) == ("requirements_unmet", [])
    assert list(judgement(mode, claims__need="unknown", data__bought="no").open_facts) == ["claims.need"]


def test_a_claim_without_needs_is_read_bare_as_in_earlier_bundles() -> None:
    """A bundle of a time before there were needs means what it meant."""
    words = SMALL.replace(b", needs: {data.bought: no}", b"")
    bundle = engine.load_sources({"words.yaml": words, "law.yaml": LAW})
    exchange = build(bundle, {"exporter.country": "AA", "claims.need": SHOWN})
    assert engine.PDP(bundle, "reference").judge(exchange, as_of=DAY).outcome.permits
    assert not [key for key in bundle.rules.definitions if key.startswith(NEEDS)]
