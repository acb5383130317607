"""Each planted fault is a finding at its place, and the sound law has none; what an author knows is no finding until its day."""

from __future__ import annotations

import json
from datetime import date
from typing import get_args

import pytest

import engine
from engine import Analysis, Bundle, Finding
from engine.analysis.analysed_bundle import AnalysedBundle
from engine.analysis.prover import WitnessVerdict
from engine.policy_language.known_findings import FINDINGS, FindingCode
from tests import read_once
from tests.engine.analysis.planted import Planted, edited, planted, sound

DAY = date(2026, 11, 30)
FAULTS = planted("faults.yaml", "faults")
SMALL = [each for each in FAULTS if each.small]
BUNDLED = [each for each in FAULTS if not each.small]
FEW = [each for each in BUNDLED if each.id in ("every-exporter-is-an-agent",)]
LAW = sound(True)["small/exports.yaml"].decode()


def name(one: Planted) -> str:
    """How a fault is called among the tests."""
    return one.id


def is_found(one: Planted, found: Finding) -> bool:
    """Whether a finding is the one that a fault has to give."""
    wanted = one.said["finds"]
    if found.code != wanted["code"] or wanted["at"] not in (found.place, *found.used_by):
        return False
    beside = wanted.get("with") or wanted.get("to") or wanted.get("category") or ""
    line = edited(one).get(found.at.file, b"\n" * found.at.line).decode().splitlines()[found.at.line - 1]
    return (
        found.subject == wanted.get("subject", "")
        and (not beside or beside in found.beside.split(", "))
        and line.strip() == wanted.get("line", line.strip())
    )


def files_of(one: Planted, bundle: Bundle) -> str:
    """The file in which a fault is found: that of the provision, else that of the coverage."""
    place = one.said["finds"]["at"]
    policy = place.partition("/")[0]
    files = [rule.provision.file for rule in bundle.rules.rules if rule.provision.policy == policy]
    return files[0] if files else bundle.vocabulary.spans["jurisdictions", place].file


def law(text: str, **more: bytes) -> Bundle:
    """The small bundle with another text of its law."""
    return engine.load_sources(sound(True) | {"small/exports.yaml": text.encode()} | more)


@pytest.fixture(scope="module")
def nothing() -> Analysis:
    """What is found in the bundled policies as they are."""
    return engine.analyse(engine.load(engine.bundled_policies()), DAY)


def test_the_sound_law_has_no_finding() -> None:
    """The small law without a fault has no finding, and nothing is left open."""
    found = engine.analyse(law(LAW), DAY)
    assert (found.findings, found.not_shown, found.open) == ((), (), 0)


@pytest.mark.parametrize("one", SMALL, ids=name)
def test_each_fault_of_the_small_law_is_found(one: Planted) -> None:
    """The finding stands at the place that the fault names, and its exchange is decided as it says."""
    bundle = engine.load_sources(edited(one))
    found = engine.analyse(bundle, DAY)
    mine = [each for each in found.findings if is_found(one, each)]
    assert len(mine) == 1, [(each.code, each.place, each.beside) for each in found.findings]
    assert all(each.witness or each.state == "proven" for each in found.findings)
    if mine[0].witness:
        raw = json.dumps(mine[0].witness).encode()
        exchange = engine.parse_exchange(bundle, raw)
        verdict = engine.PDP(bundle, "checked").judge(exchange, as_of=date.fromisoformat(mine[0].witness["as_of"])).verdict
        number = next((n for n, rule in enumerate(bundle.rules.rules) if rule.provision.id == mine[0].place), None)
        if number is not None and mine[0].code not in ("always-exempted", "steps-gap"):
            assert verdict.stands.truth(number) is engine.Truth.YES
        written, into = engine.case_of_finding(engine.PDP(bundle), mine[0])
        assert into == ""
        (result,) = engine.run(engine.load_sources(edited(one) | {"small/new.test.yaml": written.encode()}))
        assert result.problems == ()


def test_exchanges_that_the_engines_refuse_are_counted_apart() -> None:
    """Those before a witness, and all that were tried where there is none."""
    analysed = AnalysedBundle(law(LAW), DAY)
    steps = ("aa.exports/few", "aa.exports/many")
    asked = (analysed.formula.gates.either(analysed.formula.stands(each).must for each in steps),)
    first: list[list[str]] = []

    def another(seen: WitnessVerdict) -> bool:
        """Whether another step stands than in the first exchange."""
        stands = [each for each in steps if seen.stands(each) is engine.Truth.YES]
        first.append(stands)
        return bool(stands) and stands != first[0]

    assert analysed.witness(asked, another) is not None
    before = analysed.refused
    assert (analysed.confirmed, analysed.open, before > 0) == (1, 0, True)
    assert analysed.witness(asked, lambda seen: False) is None
    assert (analysed.confirmed, analysed.open, analysed.refused > before) == (1, 1, True)


def test_a_row_is_proposed_where_policies_never_speak_of_what_they_are_said_to_cover() -> None:
    """In the place of the old one it leaves no finding, and the subject matter is reviewed, as its note says."""
    (one,) = (each for each in SMALL if each.id == "finance-left-out")
    (found,) = engine.analyse(engine.load_sources(edited(one)), DAY).findings
    assert found.row is not None
    assert "另立事项" in found.row.zh
    sources = edited(one)
    old = "covers: {personal: {from: 2020-01-01, by: [aa.exports]}}}"
    first, _, rest = sources["small/vocabulary.yaml"].decode().partition(f"  AA: {{title: Aland, countries: [AA], {old}\n")
    mended = f"{first}  AA:\n    title: Aland\n    countries: [AA]\n    covers:\n{found.row.en}{rest}"
    bundle = engine.load_sources(sources | {"small/vocabulary.yaml": mended.encode()})
    assert engine.analyse(bundle, DAY).findings == ()

    def outcome(of: Bundle, category: str) -> str:
        """What AA makes of data that go to a neighbour."""
        facts = {"personal": True, "categories": [category], "people": 5, "held": 5}
        sent = {"exporter": {"country": "AA"}, "recipient": {"country": "BB"}, "data": facts}
        decision = engine.PDP(of).decide(engine.accept_exchange(of, sent), as_of=DAY, today=DAY, id="x")
        return decision.outcome

    assert outcome(engine.load_sources(sources), "weather") == "permitted_with_obligations"
    assert [outcome(bundle, each) for each in ("finance", "weather")] == ["review", "review"]


@pytest.mark.parametrize("one", FEW, ids=name)
def test_a_fault_of_the_bundled_policies_is_found(one: Planted) -> None:
    """One of them, since the formula of all policies takes some seconds; `make fuzz` looks for each."""
    bundle = read_once.LOAD(edited(one))
    found = engine.analyse(bundle, DAY, only=(one.said["finds"]["code"],), file=files_of(one, bundle))
    assert any(is_found(one, each) for each in found.findings)


@pytest.mark.fuzz
@pytest.mark.parametrize("one", BUNDLED, ids=name)
def test_each_fault_of_the_bundled_policies_is_found(one: Planted, nothing: Analysis) -> None:
    """Each is found at its place, where the policies as they are have no finding."""
    bundle = read_once.LOAD(edited(one))
    found = engine.analyse(bundle, DAY, only=(one.said["finds"]["code"],), file=files_of(one, bundle))
    assert any(is_found(one, each) for each in found.findings), [
        (each.code, each.place, each.beside) for each in found.findings
    ]
    assert not any(is_found(one, each) for each in nothing.findings)


KNOWN = """    status: confirmed
    known: {{finding: {code}, why: so it is written, until: {until}}}
    when:
      - recipient.country: {{in: NEIGHBOURS}}
    unless:
      - abroad
"""
NEVER = "    status: confirmed\n    when:\n      - recipient.country: {in: NEIGHBOURS}\n"


def knowing(code: str, until: str) -> Bundle:
    """The small law with a ground that never stands, and with what its author says to know."""
    assert LAW.count(NEVER) == 1
    return law(LAW.replace(NEVER, KNOWN.format(code=code, until=until)))


def test_what_an_author_knows_is_no_finding_until_its_day() -> None:
    """It is counted; after its day the finding is there again, and so is that what was known has ended."""
    found = engine.analyse(knowing("never-stands", "2026-11-30"), DAY)
    assert (found.findings, found.known) == ((), 1)
    ended = engine.analyse(knowing("never-stands", "2026-11-29"), DAY)
    assert [(each.code, each.place) for each in ended.findings] == [
        ("never-stands", "aa.exports/neighbours"),
        ("known-ended", "aa.exports/neighbours"),
    ]


def test_what_an_author_knows_and_nobody_finds_is_a_finding() -> None:
    """It stands at `known:`; where only some codes are looked for, nothing is said of the others."""
    bundle = knowing("always-met", "2027-11-30")
    found = engine.analyse(bundle, DAY)
    assert [(each.code, each.at.line) for each in found.findings] == [("never-stands", 35), ("known-nothing", 41)]
    assert [each.code for each in engine.analyse(bundle, DAY, only=("always-met",)).findings] == []


def test_what_an_author_knows_changes_no_meaning() -> None:
    """The digest of what policies mean is the same with `known:` and without."""
    plain = law(LAW.replace(NEVER, NEVER + "    unless:\n      - abroad\n"))
    known = knowing("never-stands", "2027-01-01")
    assert known.digests.meaning == plain.digests.meaning


def test_each_code_of_a_finding_is_explained() -> None:
    """The codes that an author may know are those of the analysis, but for the two that are about `known:`."""
    assert {*get_args(FindingCode), "known-ended", "known-nothing"} == set(FINDINGS)


def test_findings_are_said_in_each_language() -> None:
    """A finding has its sentence in English and in Chinese."""
    (found,) = engine.analyse(law(LAW.replace(NEVER, NEVER + "    unless:\n      - abroad\n")), DAY).findings
    assert (found.words.en, found.words.zh) == (
        "`aa.exports/neighbours` can never stand: the test of `recipient.country` and `unless` never hold together",
        "`aa.exports/neighbours`永远不可能适用：对`recipient.country`的判断和`unless`不可能同时成立",
    )


@pytest.mark.fuzz
def test_the_bundled_policies_have_no_new_finding(nothing: Analysis) -> None:
    """What is found in them is mended or known; the engines confirmed the witnesses of all that is not proven."""
    assert [(each.code, each.place, each.beside) for each in (*nothing.findings, *nothing.not_shown)] == []
    assert nothing.known > 0
