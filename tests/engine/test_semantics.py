"""Bundles of earlier semantics: they load for a replay, decide by what words mean now, and are refused everywhere else (semantics 5.5)."""

from datetime import date

import pytest

import engine
from engine.policy_language import needed_version
from engine.version import SEMANTICS, semantics_of

TODAY = date(2026, 11, 24)
WORDS = """vocabulary: words
{named}
facts:
  exporter.country: {{type: country, title: country, ask: Which country?}}
  exporter.zone: {{type: zone, title: zone, ask: Which zone?}}
  exporter.trade: {{type: trade, title: trade, ask: Which trade?}}
  data.personal: {{type: yes/no, title: personal data, ask: Are they personal?}}
values:
  country: {{title: country, values: {{AA: Aland, BB: Bland}}}}
  zone: {{title: zone, open: yes, values: [none, harbour]}}
  trade: {{title: trade, values: {{retail: retail, grocery: {{title: grocery, under: retail}}}}}}
subjects:
  personal: {{title: personal data, when: {{data.personal: yes}}}}
touches:
  - {{fact: exporter.country, as: exporter}}
jurisdictions:
  AA: {{title: Aland, countries: [AA], covers: {{personal: 2020-01-01}}}}
"""
POLICY = b"""policy: aa.law
title: a law
jurisdiction: AA
instrument: {issuer: a ministry, force: law}
in_force: {from: 2020-01-01}
applies: {exporter.country: AA}
rules:
  - id: harbour
    title: nothing leaves the harbour
    cite: Art. 1
    says: nothing leaves it
    source: made up
    status: confirmed
    when: {exporter.zone: harbour}
    prohibit: nothing leaves the harbour
"""


def sources(named: str) -> dict[str, bytes]:
    """A bundle that was sound under semantics 1, naming a version or none."""
    return {"law/words.yaml": WORDS.format(named=named).encode(), "law/policy.yaml": POLICY}


def refusals(named: str, **more: object) -> set[str]:
    """The codes of the errors that refuse the bundle."""
    with pytest.raises(engine.BundleRefused) as refused:
        engine.load_sources(sources(named), **more)  # type: ignore[arg-type]
    return {each.code for each in refused.value.diagnostics if each.severity == "error"}


def test_the_errors_of_a_later_version_refuse_no_earlier_bundle():
    """They do refuse it as a bundle of the present version."""
    assert refusals("") == {"free-text", "no-policy-speaks", "no-rest"}
    assert engine.load_sources(sources(""), semantics=1, replay=True).semantics == 1
    assert engine.load_sources(sources("semantics: 1"), replay=True).semantics == 1


def test_a_named_version_counts_and_not_the_assumed_one():
    """A bundle of now that lies in an old log is not read as an old one."""
    assert refusals(f"semantics: {SEMANTICS}", semantics=1, replay=True) == {"free-text", "no-policy-speaks", "no-rest"}


def test_an_earlier_bundle_decides_nothing_new():
    """Only a replay may load it; an unknown version is refused there as well."""
    assert refusals("semantics: 1") >= {"semantics"}
    assert refusals("semantics: 0", replay=True) >= {"semantics"}
    assert refusals(f"semantics: {SEMANTICS + 1}", replay=True) >= {"semantics"}
    assert refusals("semantics: one", replay=True) >= {"semantics"}


def test_policies_for_a_later_version_are_not_brought_back():
    """What they mean is not known here: to write the present number over theirs would be a guess, so nobody is told to."""
    with pytest.raises(engine.BundleRefused) as refused:
        engine.load_sources(sources(f"semantics: {SEMANTICS + 1}"))
    (finding,) = (each for each in refused.value.diagnostics if each.code == "semantics")
    assert finding.message.endswith(f"and Fifth Factor {engine.__version__} decides under {SEMANTICS}")
    assert finding.help.startswith(f"install a version that decides under {SEMANTICS + 1}")


@pytest.mark.parametrize(
    ("version", "loads"), [("1.0", True), ("1.3", True), ("1.3.2", True), ("1.3.3", False), ("1.10", False)]
)
def test_a_file_says_which_version_it_needs(version, loads, monkeypatch):
    """An earlier one refuses it by one sentence; numbers are compared as numbers."""
    monkeypatch.setattr(needed_version, "VERSION", "1.3.2+checkout")
    files = {
        "law/words.yaml": WORDS.format(named="semantics: 1").encode(),
        "law/policy.yaml": POLICY + f"needs_version: {version}\n".encode(),
    }
    if loads:
        assert engine.load_sources(files, replay=True)
    else:
        with pytest.raises(engine.BundleRefused, match=f"this file needs version {version} of Fifth Factor, and this is 1.3.2"):
            engine.load_sources(files, replay=True)


def test_two_files_that_name_two_versions_are_refused():
    """And the second place is shown."""
    files = sources("semantics: 1") | {"law/more.yaml": b"vocabulary: more\nsemantics: 2\n"}
    with pytest.raises(engine.BundleRefused) as refused:
        engine.load_sources(files, replay=True)
    assert [each.at.file for each in refused.value.diagnostics if each.code == "semantics"] == ["law/words.yaml"]


@pytest.mark.parametrize("mode", engine.MODES)
def test_where_coverage_named_no_policies_each_law_that_binds_speaks(mode):
    """So such a replay tells what the law would say now, and no review of a law that nobody could name."""
    bundle = engine.load_sources(sources(""), semantics=1, replay=True)
    exchange = engine.parse_exchange(bundle, b'{"exporter": {"country": "AA", "zone": "none"}, "data": {"personal": true}}')
    assert engine.PDP(bundle, mode).decide(exchange, as_of=TODAY, today=TODAY, id="x").outcome == "permitted"


@pytest.mark.parametrize(
    ("version", "semantics"),
    [("0.1.0", 1), ("0.2.0", 1), ("0.3.0", 2), ("0.3.0+checkout", 2), ("0.9.1", 2), ("0.10.0", 3), ("0.14.0", 3), ("1.0", 3)],
)
def test_engines_that_named_no_semantics_are_known_by_their_version(version, semantics):
    """The number was named from 0.3.0 on."""
    assert semantics_of(version) == semantics
