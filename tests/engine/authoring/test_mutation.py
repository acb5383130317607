"""
A law is changed one thing at a time, and what no test notices is named.

A small law of its own is taken, whose tests defend all of it; then tests are taken away, and exactly the sentences they defended are
listed.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

import engine
from service.cli.main import app

WORDS = """\
vocabulary: words
values:
  rank: {title: rank, ordered: yes, values: {low: {title: low}, middle: {title: middle}, high: {title: high}}}
facts:
  x.here: {type: yes/no, title: it is here, ask: Is it here?}
  x.people: {type: count, title: people, ask: How many?}
  x.rank: {type: rank, title: rank, ask: Which rank?}
  x.share: {type: ratio, title: share, ask: Which share?}
evidence:
  paper: {title: a paper, ask: Is there a paper?}
requirements:
  aa.paper: {jurisdiction: AA, title: a paper, how: write one}
jurisdictions:
  AA: {title: Aland}
"""
LAW = """\
policy: aa.law
title: a law
jurisdiction: AA
instrument: {issuer: somebody, force: law}
in_force: {from: 2020-02-01}
applies:
  x.here: yes
define:
  many:
    x.people: {at_least: 100}
rules:
  - {id: art-1, title: one, cite: one, says: one, source: one, status: confirmed, when: [many], require: aa.paper}
  - {id: art-2, title: two, cite: two, says: two, source: two, status: confirmed,
     when: [{x.rank: {at_least: middle}}], unless: [{x.share: {at_least: 0.5}}], exempts: [art-1]}
  - {id: art-3, title: three, cite: three, says: three, source: three, status: confirmed,
     when: [{evidence: {has: paper}}], satisfies: aa.paper,
     duties: [{duty: keep it, who: exporter, due: {within: 10 days, after: evidence.paper.dated}}]}
"""
TODAY = "2026-11-24"
BEFORE = {"nobody was bound before": "2020-01-31"}
BASE = "{x.here: yes, x.people: 100, x.rank: low, x.share: 0.4}"
CASES = {
    "a hundred need a paper": ("{}", "{because: [art-1], jurisdictions: {AA: requirements_unmet}}"),
    "one fewer does not": ("{x.people: 99}", "{silent: [art-1]}"),
    "what is not here is free": ("{x.here: no}", "{applies: {aa.law: no}}"),
    "the middle rank is exempt": ("{x.rank: middle}", "{beaten: [art-1], jurisdictions: {AA: permitted}}"),
    "the highest too": ("{x.rank: high}", "{silent: [art-1]}"),
    "a half takes it away": ("{x.rank: high, x.share: 0.5}", "{because: [art-1]}"),
    "a little less does not": ("{x.rank: high, x.share: 0.499}", "{silent: [art-1]}"),
    "a paper meets it, and is in time on the tenth day": (
        "{evidence.paper: {dated: 2026-11-14, covers: yes}}",
        "{because: [art-3], overdue: [], jurisdictions: {AA: permitted_with_obligations}}",
    ),
    "on the eleventh it is late": ("{evidence.paper: {dated: 2026-11-13, covers: yes}}", "{overdue: [keep it]}"),
    "nobody was bound before": ("{}", "{applies: {aa.law: no}}"),
}


def sources(*without: str) -> dict[str, bytes]:
    """The law and its tests, without some cases."""
    cases = "".join(
        f"  - {{case: '{name}', as_of: {BEFORE.get(name, TODAY)}, change: {change}, expect: {expect}}}\n"
        for name, (change, expect) in CASES.items()
        if name not in without
    )
    first = "  - {case: the first day, as_of: 2020-02-01, change: {}, expect: {because: [art-1]}}\n"
    test = f"test: aa.law\nas_of: 2026-11-24\nexchange: {BASE}\ncases:\n{cases}{first}"
    return {"law/words.yaml": WORDS.encode(), "law/law.yaml": LAW.encode(), "law/law.test.yaml": test.encode()}


def session(bundle: engine.Bundle) -> tuple[engine.MutationTester, list[engine.Mutant]]:
    """The mutants of a bundle, and the tester of them."""
    mutants = list(engine.mutants(bundle))
    return engine.MutationTester(bundle, mutants), mutants


def undefended(*without: str) -> list[str]:
    """The sentences that no test defends."""
    bundle = engine.load_sources(sources(*without))
    court, mutants = session(bundle)
    assert not any(map(court.problem, court.own))
    return [mutant.sentence for mutant in mutants if not court.notices(mutant)]


def test_a_law_whose_tests_defend_all_of_it_leaves_nothing() -> None:
    """Every change of the small law is noticed by a case."""
    bundle = engine.load_sources(sources())
    sentences = [mutant.sentence for mutant in engine.mutants(bundle)]
    assert len(sentences) > 20
    assert undefended() == []


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("one fewer does not", "`many`: “at least 100 people”, not 99"),
        ("what is not here is free", "applies: that “it is here” matters"),
        ("a half takes it away", "art-2: “share is at least 0.5”, not 0.51"),
        ("a little less does not", "art-2: “share is at least 0.5”, not 0.49"),
        ("the middle rank is exempt", "art-2: “rank is at least middle”, not high"),
        ("a paper meets it, and is in time on the tenth day", "art-3: that “keep it” is due within 10 days and not one less"),
        ("on the eleventh it is late", "art-3: that “keep it” is due within 10 days and not one more"),
        ("nobody was bound before", "applies: in force from 2020-02-01, not 2020-01-31"),
    ],
)
def test_without_a_case_its_sentence_is_undefended(case: str, said: str) -> None:
    """Each case defends a sentence of its own, which is named once the case is gone."""
    assert said in undefended(case)


def test_a_threshold_of_a_quantity_moves_by_one_of_its_base_unit() -> None:
    """It is told as it was written, and what it becomes in the base unit, to the last digit."""
    words = WORDS.replace("facts:\n", "units: {MJ: {title: MJ}, kWh: {title: kWh, of: MJ, times: '3.6'}}\nfacts:\n")
    words = words.replace("  x.rank: {", "  x.energy: {type: quantity, title: energy, ask: How much?}\n  x.rank: {")
    for written, moved in (("1 kWh", ("2.6 MJ", "4.6 MJ")), ("1e30 MJ", ("9" * 30 + " MJ", "1" + "0" * 29 + "1 MJ"))):
        law = LAW.replace("x.people: {at_least: 100}", f"x.energy: {{at_least: {written}}}")
        bundle = engine.load_sources({"law/words.yaml": words.encode(), "law/law.yaml": law.encode()})
        sentences = {mutant.sentence for mutant in engine.mutants(bundle)}
        assert {f"`many`: “energy is at least {written}”, not {each}" for each in moved} <= sentences


def test_a_case_that_names_the_last_day_of_a_duty_defends_it() -> None:
    """Nothing of a verdict moves with a last day that is still to come."""
    said = {f"art-3: that “keep it” is due within 10 days and not {word}" for word in ("one less", "one more")}
    late = ("a paper meets it, and is in time on the tenth day", "on the eleventh it is late")
    assert said <= set(undefended(*late))
    made = sources(*late)
    case = (
        "  - {case: early, change: {evidence.paper: {dated: 2026-11-20, covers: yes}},"
        " expect: {duties: [{duty: keep it, due: 2026-11-30}]}}\n"
    )
    bundle = engine.load_sources(made | {"law/law.test.yaml": made["law/law.test.yaml"] + case.encode()})
    court, mutants = session(bundle)
    assert said.isdisjoint(mutant.sentence for mutant in mutants if not court.notices(mutant))


def test_a_condition_of_a_counter_is_defended_under_its_definition() -> None:
    """Counters decide nothing in a case, but a case may expect how the condition by which one counts reads."""
    words = WORDS.replace(
        "evidence:\n",
        "  x.sent: {type: count, title: sent}\ncounters:\n"
        "  x.sent: {counts: x.people, per: [x.rank], window: calendar year in UTC, where: {x.here: yes}}\nevidence:\n",
    )
    made = sources() | {"law/words.yaml": words.encode()}
    said = ["what `x.sent` counts: “it is here”, not its opposite", "what `x.sent` counts: that “it is here” matters"]
    court, mutants = session(engine.load_sources(made))
    changed = [mutant for mutant in mutants if mutant.policy == "counters"]
    assert [mutant.sentence for mutant in changed if not court.notices(mutant)] == said
    case = "  - {case: it counts, change: {x.here: no}, expect: {define: {counter/x.sent: no}}}\n"
    court, mutants = session(engine.load_sources(made | {"law/law.test.yaml": made["law/law.test.yaml"] + case.encode()}))
    assert not [mutant for mutant in mutants if mutant.policy == "counters" and not court.notices(mutant)]


def test_a_dropped_exemption_is_noticed_only_where_it_lifts() -> None:
    """That one provision exempts from another is a sentence as well."""
    lifted = ("the middle rank is exempt", "the highest too", "a little less does not")
    assert "art-2: that it exempts `aa.law/art-1`" in undefended(*lifted)


def test_a_changed_definition_is_changed_in_each_reading() -> None:
    """A definition that is read in two ways gives one mutant a change, not two."""
    both = LAW.replace("many:\n    x.people", "many:\n    evidence: {has: paper}\n    x.people").replace(
        "when: [{x.rank: {at_least: middle}}]", "when: [many, {x.rank: {at_least: middle}}]"
    )
    bundle = engine.load_sources(sources() | {"law/law.yaml": both.encode()})
    readings = [key for key in bundle.rules.definitions if key.partition("!")[0] == "aa.law/many"]
    assert len(readings) > 1
    mutant = next(m for m in engine.mutants(bundle) if m.sentence == "`many`: that “at least 100 people” matters")
    assert all(mutant.rules.definitions[key] != bundle.rules.definitions[key] for key in readings)


def test_a_silent_rule_shows_that_its_policy_applies() -> None:
    """A change by which the policy no longer applies is noticed, though the rule is as silent as before."""
    said = "applies: “it is here”, not its opposite"
    others = [name for name in CASES if name != "one fewer does not"]
    assert said not in undefended(*others[:-1])
    bundle = engine.load_sources(sources(*others))
    tests = bundle.sources["law/law.test.yaml"].decode().partition("  - {case: the first day")[0].encode()
    bundle = engine.load_sources({**bundle.sources, "law/law.test.yaml": tests})
    court, mutants = session(bundle)
    assert [case.case for case in court.own] == ["one fewer does not"]
    assert court.notices(next(mutant for mutant in mutants if mutant.sentence == said))


def test_failing_tests_have_no_score(tmp_path: Path) -> None:
    """A bundle whose cases fail without any change defends nothing."""
    wrong = sources()
    wrong["law/law.test.yaml"] = wrong["law/law.test.yaml"].replace(b"{because: [art-1], jur", b"{silent: [art-1], jur")
    court, _ = session(engine.load_sources(wrong))
    problems = [problem for problem in map(court.problem, court.own) if problem]
    assert len(problems) == 1
    assert "`art-1` stands" in problems[0]
    for name, text in wrong.items():
        (tmp_path / Path(name).name).write_bytes(text)
    done = CliRunner().invoke(app, ["test", str(tmp_path), "--mutate"])
    assert done.exit_code == 2
    assert "the tests have to pass first" in done.output


OTHERS = """\
test: bb.other
as_of: 2026-11-24
exchange: {x.here: yes, x.people: 99, x.rank: low, x.share: 0.4}
cases:
  - {case: another sees it, change: {}, expect: {jurisdictions: {AA: EXPECTED}}}
"""


def test_what_no_case_of_its_own_notices_another_policy_may() -> None:
    """Other policies' cases count as well, and are heard where none of its own notices."""
    said = "`many`: “at least 100 people”, not 99"
    assert said in undefended("one fewer does not")
    bundle = engine.load_sources(
        sources("one fewer does not") | {"law/other.test.yaml": OTHERS.replace("EXPECTED", "permitted").encode()}
    )
    court, mutants = session(bundle)
    assert {case.suite for case in court.own} == {"aa.law"}
    assert court.notices(next(mutant for mutant in mutants if mutant.sentence == said))


def test_a_failing_case_of_another_policy_is_no_evidence() -> None:
    """What comes out differently, and fails without any change too, defends nothing: the laws beside a house have cases of their own."""
    said = "`many`: “at least 100 people”, not 99"
    bundle = engine.load_sources(
        sources("one fewer does not") | {"law/other.test.yaml": OTHERS.replace("EXPECTED", "prohibited").encode()}
    )
    court, mutants = session(bundle)
    assert not court.notices(next(mutant for mutant in mutants if mutant.sentence == said))


@pytest.fixture
def law(tmp_path: Path) -> Path:
    """The law in a folder, without one of its cases."""
    for name, text in sources("one fewer does not").items():
        (tmp_path / Path(name).name).write_bytes(text)
    return tmp_path


def test_the_command_lists_what_no_test_defends(law: Path) -> None:
    """Survivors by file and line, the share, and exit code 1 where it is too small."""
    done = CliRunner().invoke(app, ["test", str(law), "--mutate", "--at-least", "99"])
    assert done.exit_code == 1
    assert "law.yaml:9: 2 changes that no test notices\n" in done.output
    assert "  `many`: “at least 100 people”, not 99\n    a test that notices it, for " in done.output
    assert "changes are noticed" in done.output
    assert CliRunner().invoke(app, ["test", str(law), "--mutate", "--at-least", "50"]).exit_code == 0


def test_the_command_tells_programs_too(law: Path) -> None:
    """As JSON: how many, how many noticed, and each sentence with its place."""
    done = CliRunner().invoke(app, ["test", str(law), "--mutate", "--json"])
    report = json.loads(done.stdout)
    assert report["noticed"] + report["equivalent"] + len(report["undefended"]) == report["changes"]
    left = report["undefended"][0]
    assert {"policy", "at", "sentence", "widens", "shown", "case", "into"} == set(left)
    assert left["shown"] == "told apart"


def test_without_a_solver_the_command_works_and_says_what_one_would_add(law: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra `analyse` is no part of what every author installs."""
    monkeypatch.setattr("engine.analysis.solver.find_spec", lambda name: None)
    done = CliRunner().invoke(app, ["test", str(law), "--mutate", "--at-least", "50"])
    assert done.exit_code == 0
    assert "a solver would leave out what no exchange tells from the law" in done.output
    assert "fifthfactor[analyse]" in done.output


def test_a_wider_lift_that_survives_fails_whatever_the_share(tmp_path: Path) -> None:
    """It is named; a change that only makes the law stricter, or another threshold, is not one."""
    for name, text in sources("a half takes it away").items():
        (tmp_path / Path(name).name).write_bytes(text)
    done = CliRunner().invoke(app, ["test", str(tmp_path), "--mutate", "--at-least", "50"])
    assert done.exit_code == 1
    assert "1 sentence could lift more and no test would notice, which fails whatever the share" in done.output
    first = done.output.partition(" (lifts more)")[0]
    assert first.endswith("art-2: that “share is at least 0.5” matters")
    assert "law.yaml:13: 2 changes that no test notices, of which 1 could lift more" in first, "the worst comes first"
    told = json.loads(CliRunner().invoke(app, ["test", str(tmp_path), "--mutate", "--json"]).stdout)
    assert [each["sentence"] for each in told["undefended"] if each["widens"]] == [
        "art-2: that “share is at least 0.5” matters"
    ]


@pytest.mark.parametrize(
    ("when", "wider"),
    [
        ("when: [a, {b: yes}]", {"a", "b"}),
        ("when: [{any_of: [a, {b: yes}]}]", set()),
        ("when: [{any_of: [a]}]", {"a"}),
        ("when: [a], unless: [{b: yes}]", {"a", "b"}),
        ("when: [a], unless: [{all_of: [{b: yes}, {c: yes}]}]", {"a"}),
        ("when: [{none_of: [a, {b: yes}]}]", {"a", "b"}),
        ("when: [{none_of: [{any_of: [a]}]}]", {"a"}),
        ("when: [{none_of: [{all_of: [a, {none_of: [{b: yes}, {c: yes}]}]}]}]", set()),
    ],
)
def test_a_lift_is_wider_where_what_is_dropped_held_it_back(when: str, wider: set[str]) -> None:
    """A condition of a ground, an alternative of its `unless`; not an alternative of its `when`. A ban is never a wider lift."""
    for name in "abc":
        when = when.replace(f"{{{name}: yes}}", f"{{x.{name}: yes}}")
    law = f"""\
policy: aa.law
title: a law
jurisdiction: AA
instrument: {{issuer: somebody, force: law}}
in_force: {{from: 2020-02-01}}
applies: {{x.here: yes}}
define: {{a: {{x.a: yes}}}}
rules:
  - {{id: lift, title: one, cite: one, says: one, source: one, status: confirmed, {when}, satisfies: aa.paper}}
  - {{id: ban, title: one, cite: one, says: one, source: one, status: confirmed, {when}, prohibit: no}}
  - {{id: duty, title: one, cite: one, says: one, source: one, status: confirmed, oblige: {{duty: it, who: you, DONE}}}}
""".replace("DONE", "done_when: " + when.partition(": ")[2] if "unless" not in when else "overdue: review")
    facts = "".join(f"  x.{name}: {{type: yes/no, title: {name}}}\n" for name in "abc")
    words = WORDS.replace("evidence:\n", f"{facts}evidence:\n")
    bundle = engine.load_sources({"words.yaml": words.encode(), "law.yaml": law.encode()})
    found = {mutant.sentence for mutant in engine.mutants(bundle) if mutant.widens}
    said = {"a": "`a`", "b": "“b: yes”", "c": "“c: yes”"}
    expected = {f"lift: that {said[name]} matters" for name in wider}
    expected |= {f"duty: when “it” is done: that {said[name]} matters" for name in wider if "unless" not in when}
    assert found == expected


def test_an_exemption_of_a_lift_widens_it_where_it_is_dropped_or_narrowed() -> None:
    """What restores a ban is the opposite of a lift: dropping one of its alternatives, or itself, lets more through."""
    law = LAW + (
        "  - {id: art-4, title: four, cite: four, says: four, source: four, status: confirmed,\n"
        "     when: [{any_of: [{x.share: {at_least: 0.1}}, {x.rank: low}]}, {x.here: yes}], exempts: [art-3]}\n"
    )
    bundle = engine.load_sources(sources() | {"law/law.yaml": law.encode()})
    found = [mutant.sentence for mutant in engine.mutants(bundle) if mutant.widens and mutant.sentence.startswith("art-4")]
    assert found == [
        "art-4: that “share is at least 0.1” matters",
        "art-4: that “rank is low” matters",
        "art-4: that it exempts `aa.law/art-3`",
    ]


NEEDY = WORDS.replace(
    "requirements:\n",
    "claims:\n  need: {title: a need, needs: [x.rank: {at_most: middle}, none_of: [x.people: {at_least: 500}]]}\nrequirements:\n",
)
NEEDED = {
    "needed by few and low": ("{claims.need: {dated: 2026-01-01, covers: yes}}", "{because: [art-4]}"),
    "not by the middle": (
        "{x.rank: middle, claims.need: {dated: 2026-01-01, covers: yes}, x.people: 499}",
        "{because: [art-4]}",
    ),
    "not by the high": ("{x.rank: high, x.share: 0.5, claims.need: {dated: 2026-01-01, covers: yes}}", "{silent: [art-4]}"),
    "not by many": ("{x.people: 500, claims.need: {dated: 2026-01-01, covers: yes}}", "{silent: [art-4]}"),
    "nor unclaimed": ("{}", "{silent: [art-4]}"),
}


@pytest.mark.parametrize(
    ("without", "said", "widens"),
    [
        (None, [], []),
        ("not by the high", ["that “rank is at most middle” matters", "“rank is at most middle”, not high"], [True, False]),
        ("not by the middle", ["“rank is at most middle”, not low", "“at least 500 people”, not 499"], [False, False]),
        ("not by many", ["that “at least 500 people” matters", "“at least 500 people”, not 501"], [True, False]),
    ],
)
def test_what_a_claim_needs_is_changed_once_for_the_claim(without: str | None, said: list[str], widens: list[bool]) -> None:
    """The change is at the claim, and is noticed by the cases of any policy that the claim lifts in."""
    law = LAW + (
        "  - {id: art-4, title: four, cite: four, says: four, source: four, status: confirmed,\n"
        "     when: [{claims: {has: need}}], satisfies: aa.paper}\n"
    )
    made = sources()
    cases = "".join(
        f"  - {{case: '{name}', change: {change}, expect: {expect}}}\n"
        for name, (change, expect) in NEEDED.items()
        if name != without
    )
    made |= {"law/law.test.yaml": made["law/law.test.yaml"] + cases.encode(), "law/law.yaml": law.encode()}
    bundle = engine.load_sources(made | {"law/words.yaml": NEEDY.encode()})
    court, mutants = session(bundle)
    assert not any(map(court.problem, court.own))
    assert [m.sentence for m in engine.mutants(bundle) if "needs" in m.sentence and "art-4" in m.sentence] == []
    left = [mutant for mutant in mutants if not court.notices(mutant)]
    assert [mutant.sentence for mutant in left] == [f"what `need` needs: {each}" for each in said]
    assert [mutant.widens for mutant in left] == widens
    assert {(mutant.policy, mutant.file, mutant.line) for mutant in left} <= {("claims", "law/words.yaml", 12)}


def test_the_rules_of_a_house_are_changed_beside_the_bundled_law(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    As the page on house rules has them. It opens a case of the law, of which the house narrows a purpose; that case defends nothing.

    The whole law is loaded, since its words are what the house adds to; of its tests only those that the house opens.
    """
    page = (engine.bundled_policies() / "docs" / "your-own-rules.md").read_text("utf-8")
    script = next(block for block in page.split("```sh\n")[1:] if "mkdir -p acme" in block).partition("```")[0]
    subprocess.run(["bash", "-c", script], cwd=tmp_path, check=True)
    (tmp_path / "acme" / "processors.test.yaml").write_text(HOUSE, "utf-8")
    monkeypatch.chdir(tmp_path)
    sources = engine.gather_sources(engine.source_files([engine.bundled_policies(), Path("acme")]))
    kept = {
        file: text
        for file, text in sources.items()
        if not file.endswith(".test.yaml") or "data-twenty" in file or "acme" in file
    }
    bundle = engine.load_sources(kept)
    mutants = list(engine.mutants(bundle, "acme/"))
    court = engine.MutationTester(bundle, mutants)
    assert [case.suite for case in court.own] == ["acme.processors"] * 4
    assert not any(map(court.problem, court.own))
    assert [mutant.sentence for mutant in mutants if not court.notices(mutant)] == [
        "applies: in force from 2026-01-01, not 2025-12-31",
        "applies: in force from 2026-01-01, not 2026-01-02",
    ]


HOUSE = """\
test: acme.processors
as_of: 2026-11-24
exchange: {exporter.country: DE, recipient.country: CH, recipient.role: processor, purpose.is: [acme-loyalty]}
cases:
  - {case: a processor is checked, expect: {because: [checked], jurisdictions: {ACME: requirements_unmet}}}
  - {case: the check is enough, change: {evidence.acme-security-check: {dated: 2026-11-01, covers: yes}},
     expect: {jurisdictions: {ACME: permitted}}}
  - {case: another party is not, change: {recipient.role: controller}, expect: {silent: [checked]}}
  - {case: nor for another purpose, change: {purpose.is: [hr]}, expect: {silent: [checked]}}
"""


def test_a_name_that_no_policy_has_is_refused(law: Path) -> None:
    """`--only` that selects nothing is a wrong use, not a perfect score."""
    assert CliRunner().invoke(app, ["test", str(law), "--mutate", "--only", "nowhere"]).exit_code == 2


def test_a_definition_by_which_only_a_duty_ends_is_defended() -> None:
    """No condition of a rule shows it, and a case that expects duties alone still notices a change of it."""
    law = LAW.replace("define:\n", "define:\n  kept:\n    x.share: {at_least: 0.3}\n").replace(
        "due: {within", "done_when: [kept], due: {within"
    )
    paper = "evidence.paper: {dated: 2026-11-14, covers: yes}"
    cases = [(f"{{{paper}, x.share: 0.3}}", "{duties: []}"), (f"{{{paper}, x.share: 0.29}}", "{duties: [keep it]}")]
    test = f"test: aa.law\nas_of: {TODAY}\nexchange: {BASE}\ncases:\n" + "".join(
        f"  - {{case: case {number}, change: {change}, expect: {expect}}}\n" for number, (change, expect) in enumerate(cases)
    )
    bundle = engine.load_sources(
        {"law/words.yaml": WORDS.encode(), "law/law.yaml": law.encode(), "law/law.test.yaml": test.encode()}
    )
    court, mutants = session(bundle)
    assert not any(map(court.problem, court.own))
    changed = [mutant for mutant in mutants if mutant.sentence.startswith("`kept`")]
    assert {mutant.sentence: court.notices(mutant) for mutant in changed} == dict.fromkeys(
        (mutant.sentence for mutant in changed), True
    )
    assert len(changed) == 4
