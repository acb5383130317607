"""What holds and is not as it should be is found at its place, and a bundle with nothing of it is clean."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

import engine
from service.cli.main import app

DAY = date(2026, 11, 24)
WORDS = """\
vocabulary: words
values:
  rank: {title: {en: rank, zh: 级}, ordered: yes, values: {low: {title: {en: low, zh: 低}}, high: {title: {en: high, zh: 高}}}}
facts:
  x.here: {type: yes/no, title: {en: it is here, zh: 在此}, ask: {en: Is it here?, zh: 是否在此？}}
  x.rank: {type: rank, title: {en: rank, zh: 级}, ask: {en: Which rank?, zh: 何级？}}
evidence:
  paper: {title: {en: a paper, zh: 文件}, ask: {en: Is there a paper?, zh: 有无文件？}}
requirements:
  aa.paper: {jurisdiction: AA, title: {en: a paper, zh: 文件}, how: write one}
jurisdictions:
  AA: {title: {en: Aland, zh: 甲}}
"""
LAW = """\
policy: aa.law
title: {en: a law, zh: 法}
jurisdiction: AA
instrument: {issuer: somebody, force: law}
in_force: {from: 2020-02-01}
applies:
  x.here: yes
rules:
  - {id: art-1, title: {en: one, zh: 一}, cite: one, says: one, source: one, status: confirmed, verify_by: 2026-11-24,
     when: [{x.rank: high}], require: aa.paper}
  - {id: art-2, title: {en: two, zh: 二}, cite: two, says: two, source: two, status: confirmed,
     when: [{evidence: {has: paper}}, {x.rank: [low, high]}], satisfies: aa.paper}
"""
PAPER = "[{evidence: {has: paper}}, {x.rank: [low, high]}]"

TESTS = """\
test: aa.law
as_of: 2026-11-24
exchange: {x.here: yes, x.rank: high}
cases:
  - {case: nothing shown, expect: {because: [art-1], silent: [art-2]}}
  - {case: shown, change: {x.rank: low, evidence.paper: {dated: 2026-01-01, covers: yes}}, expect: {because: [art-2], silent: [art-1]}}
"""


def sources(words: str = WORDS, law: str = LAW, tests: str = TESTS, house: str = "") -> dict[str, bytes]:
    texts = {"p/words.yaml": words, "p/law.yaml": law, "p/law.test.yaml": tests, "h/house.yaml": house}
    return {file: text.encode() for file, text in texts.items() if text}


def found(day: date = DAY, **texts: str) -> list[str]:
    """The findings as code, file, line and message."""
    bundle = engine.load_sources(sources(**texts))
    return [f"{d.code} {d.at.file.removeprefix('p/')}:{d.at.line} {d.message}" for d in engine.lint(bundle, day)]


def test_a_bundle_with_nothing_to_mend_is_clean() -> None:
    """Every word is used, every provision is shown both ways, every title is there, and the day has not passed."""
    assert found() == []


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("facts:\n", "`x.idle`: no rule, counter, promise or account reads the fact"),
        ("evidence:\n", "`idle`: no rule asks for this kind of evidence"),
        ("requirements:\n", "`aa.idle`: no rule requires it"),
        ("jurisdictions:\n", "`BB`: no policy belongs to it"),
    ],
)
def test_a_word_that_nobody_uses_is_found(word: str, said: str) -> None:
    """A fact, kind, requirement or jurisdiction that no rule needs is named where it is written."""
    texts = {
        "facts:\n": "  x.idle: {type: yes/no, title: {en: idle, zh: 闲}}\n",
        "evidence:\n": "  idle: {title: {en: idle, zh: 闲}}\n",
        "requirements:\n": "  aa.idle: {jurisdiction: AA, title: {en: idle, zh: 闲}, how: wait}\n",
        "jurisdictions:\n": "  BB: {title: {en: idle, zh: 闲}}\n",
    }
    words = WORDS.replace(word, word + texts[word])
    line = words.splitlines().index(texts[word].strip("\n")) + 1
    assert found(words=words) == [f"unused-word words.yaml:{line} {said}"]


def test_registers_lanes_and_value_sets_that_nobody_uses_are_found() -> None:
    """So are a register nobody looks up, a lane nobody opens, a set without a fact, a value neither tested nor sent."""
    more = (
        "  hue: {title: hue, values: {red: {title: {en: red, zh: 红}}}}\nregisters:\n"
        "  TOP: {title: top, of: rank, source: s, status: confirmed, entries: [high]}\n"
        "lanes:\n  fast: {title: {en: fast, zh: 快}}\n"
    )
    words = WORDS.replace("facts:\n", more + "facts:\n").replace(
        "high: {title", "odd: {title: {en: odd, zh: 奇}}, high: {title"
    )
    said = "\n".join(found(words=words))
    assert "`hue`: no fact has values of this set" in said
    assert "`TOP`: no rule looks it up" in said
    assert "`fast`: no rule opens it" in said
    assert "no rule tests the value `odd` of `rank`, and no test sends it" in said


def test_a_provision_that_no_case_shows_is_found() -> None:
    """Both ways are wanted: a case in which it stands, and one in which it does not."""
    tests = TESTS.replace(", silent: [art-1]", "").replace("because: [art-2], ", "").replace("because: [art-2]", "proceed: yes")
    assert found(tests=tests) == [
        "untested law.yaml:9 no case shows that `art-1` does not stand",
        "untested law.yaml:11 no case shows that `art-2` stands",
    ]


def test_a_provision_without_a_condition_of_its_own_is_silent_where_its_policy_does_not_apply() -> None:
    """No other case could show that it does not stand; for one with a condition that is not enough."""
    law = LAW.replace("     when: [{x.rank: high}], require: aa.paper}", "     require: aa.paper}")
    tests = (
        TESTS.replace(", silent: [art-1]", "") + "  - {case: not here, change: {x.here: no}, expect: {applies: {aa.law: no}}}\n"
    )
    assert [line for line in found(law=law, tests=tests) if line.startswith("untested")] == []
    assert [line for line in found(tests=tests) if line.startswith("untested")] == [
        "untested law.yaml:9 no case shows that `art-1` does not stand"
    ]


@pytest.mark.parametrize(
    ("case", "silent"),
    [
        ("{x.rank: high}", False),  # art-1 stands
        ("{x.rank: low, evidence.paper: {dated: 2026-01-01, covers: yes}}", False),  # art-2 stands
        ("{x.rank: low}", False),  # the law speaks, so it permits
        ("{x.here: no}", True),  # the law does not apply
        ("{x.rank: high, x.kind: other}", True),  # the data are of no covered subject matter
        ("{x.rank: high, x.kind: left out}", True),  # perhaps of none
    ],
)
def test_coverage_that_no_case_reaches_is_found(case: str, silent: bool) -> None:
    """
    A provision of a policy that is named stands, or the jurisdiction permits, on an exchange of the subject matter. Whoever asks for the
    findings of one file gets the same.
    """
    words = WORDS.replace(
        "evidence:\n", "  x.kind: {type: kind, title: {en: kind, zh: 类}, ask: {en: Which kind?, zh: 何类？}}\nevidence:\n"
    ).replace("values:\n", "values:\n  kind: {title: {en: kind, zh: 类}, values: [secret, other]}\n")
    words = words.replace("zh: 甲}}", "zh: 甲}, covers: {secrets: {from: 2020-02-01, by: [aa.law]}}}")
    words += "subjects:\n  secrets: {title: {en: secrets, zh: 秘密}, when: {x.kind: secret}}\n"
    tests = f"""\
test: aa.law
as_of: 2026-11-24
exchange: {{x.here: yes, x.rank: high, x.kind: secret}}
cases:
  - {{case: one, change: {case}, expect: {{missing: []}}}}
"""
    said = "`AA` covers `secrets`, and in no case a provision on it stands or it permits"
    lines = [line for line in found(words=words, tests=tests) if line.startswith("covered-and-silent")]
    assert lines == [f"covered-and-silent words.yaml:14 {said}"] * silent
    bundle = engine.load_sources(sources(words=words, tests=tests))
    whole = engine.lint(bundle, DAY)
    assert len({each.at.file for each in whole}) > 1
    for file in bundle.sources:
        assert engine.lint(bundle, DAY, file) == tuple(each for each in whole if each.at.file == file)


def test_a_bundle_without_its_tests_is_not_looked_through() -> None:
    """As a service loads it, it has no places of words any more, and no case shows a provision. What lacks a language is still found."""
    words = WORDS.replace("{en: low, zh: 低}", "{en: low}").replace("en: Is it here?, zh: 是否在此？", "en: Is it here?")
    bundle = engine.load_sources(sources(words=words), tests=False)
    with pytest.raises(ValueError, match="load it with them"):
        engine.lint(bundle, DAY)
    assert [f"{each.code} {each.at.file}:{each.at.line}" for each in engine.untranslated_texts(bundle)] == [
        "untranslated p/words.yaml:5"
    ]


CLAIM = "claims:\n  need: {title: {en: a need, zh: 必需}, ask: {en: Is it needed?, zh: 是否必需？}}\nrequirements:\n"


@pytest.mark.parametrize(
    ("when", "bare"),
    [
        ("[{claims: {has: need}}]", True),
        ("[{any_of: [{evidence: {has: paper}}, {claims: {has: need}}]}]", True),
        ("[{none_of: [{none_of: [{claims: {has: need}}]}]}]", True),
        ("[needed]", True),
        ("[{claims: {has: need}}], in_force: {from: 2021-01-01}", True),
        ("[{claims: {has: need}}, {evidence: {has: paper}}]", False),
        ("[{claims: {has: need}}], unless: [{x.rank: low}]", False),
        ("[{claims: {not: {has: need}}}]", False),
        ("[{evidence: {has: paper}}]", False),
        ("[{x.rank: high}]", False),
    ],
)
def test_a_lift_on_a_bare_claim_is_found(when: str, bare: bool) -> None:
    """It stands where it is claimed to; a document that is asked for, or a fact that can contradict it, is enough."""
    words = WORDS.replace("requirements:\n", CLAIM)
    law = LAW.replace(PAPER, when).replace("rules:\n", "define:\n  needed: {claims: {has: need}}\nrules:\n")
    lines = [line for line in found(words=words, law=law) if line.startswith("bare-claim")]
    said = "`art-2` lifts where it is claimed to: no document is asked for, and no other fact can contradict it"
    assert lines == [f"bare-claim law.yaml:13 {said}"] * bare
    contradicted = words + (
        "coherence:\n  idle: {never: {claims.need.covers: yes, x.rank: low}, says: {en: what is low is not needed, zh: 低者不必需}}\n"
    )
    assert not any(line.startswith("bare-claim") for line in found(words=contradicted, law=law))
    requiring = law.replace("satisfies: aa.paper", "require: aa.paper")
    assert not any(line.startswith("bare-claim") for line in found(words=words, law=requiring))


@pytest.mark.parametrize(
    ("needs", "without", "bare"),
    [("", True, True), (", needs: always", False, True), (", needs: {x.rank: high}", False, False)],
)
def test_a_claim_that_does_not_say_what_it_needs_is_found(needs: str, without: bool, bare: bool) -> None:
    """It lifts whatever else is stated. `always` says so; a condition of facts can contradict it, so that the lift is no bare one."""
    words = WORDS.replace("requirements:\n", CLAIM.replace("zh: 是否必需？}", "zh: 是否必需？}" + needs))
    lines = found(words=words, law=LAW.replace(PAPER, "[{claims: {has: need}}]"))
    said = "no-needs words.yaml:10 the claim `need` does not say what it needs where it lifts"
    assert [line for line in lines if line.startswith("no-needs")] == [said] * without
    assert any(line.startswith("bare-claim") for line in lines) is bare


@pytest.mark.parametrize(
    ("law", "at"),
    [
        (LAW.replace("{x.rank: high}", "{x.places: {only: low}}"), 9),
        (LAW.replace("{x.rank: high}", "{none_of: [{x.places: {not: {only: low}}}]}"), 9),
        (LAW.replace("{x.rank: high}", "home").replace("rules:", "define:\n  home: {x.places: {only: low}}\nrules:"), 9),
        (LAW.replace("  x.here: yes\n", "  x.here: yes\n  x.places: {only: low}\n"), 6),
        (LAW.replace("{x.rank: high}", "{x.places: {has: low}}"), None),
        (LAW.replace("{x.rank: high}", "{x.places: {not: {only: low}}}"), None),
        (LAW.replace("[{x.rank: high}]", "[{x.rank: high}], unless: [{x.places: {only: low}}]"), None),
        (LAW.replace("{evidence: {has: paper}}", "{x.places: {only: low}}"), None),
    ],
)
def test_a_ban_that_one_more_value_escapes_is_found(law: str, at: int | None) -> None:
    """Where `only` has to hold for the rule to stand, and not where it frees; at the rule, the definition, or `applies`."""
    words = WORDS.replace(
        "evidence:\n",
        "  x.places: {type: set of rank, title: {en: places, zh: 地}, ask: {en: Where?, zh: 何处？}}\nevidence:\n",
    )
    lines = [line for line in found(words=words, law=law) if line.startswith("only-on-a-ban")]
    said = "whoever adds a value to `x.places` escapes `aa.law/art-1`, which asks for `only`"
    assert lines == ([f"only-on-a-ban law.yaml:{at} {said}"] if at else [])


def test_a_fact_that_only_one_rule_asks_for_is_found() -> None:
    """In its condition or in that of its duty; a second rule makes it everybody's, and so does a line of the account."""
    said = ["one-rule words.yaml:6 `x.rank`: only `aa.law/art-1` asks for the fact"]
    alone = LAW.replace(PAPER, "[{evidence: {has: paper}}]")
    assert found(law=alone) == said
    duty = "duties: [{duty: keep it, who: exporter, done_when: [{x.rank: high}]}]"
    assert found(law=alone.replace("satisfies: aa.paper", f"satisfies: aa.paper, {duty}")) == []
    account = "factor: {worth: {title: {en: worth, zh: 值}, lines: {rank: {title: {en: rank, zh: 级}, fact: x.rank}}}}\n"
    assert found(law=alone, words=WORDS + account) == []


def test_a_finding_is_accepted_with_its_reason() -> None:
    """On its line, or in a comment above it; without a reason, for another code or elsewhere nothing is accepted, and that is found."""
    late = date(2026, 11, 25)
    stale = "stale law.yaml:9 `art-1` had to be compared with its source by 2026-11-24"
    idle = "accepted-nothing law.yaml:{} there is no finding `{}` to accept on line {}"
    assert found(day=late) == [stale]
    for accepted in (
        LAW.replace("verify_by: 2026-11-24,", "verify_by: 2026-11-24, # accepted stale: it is being read"),
        LAW.replace("  - {id: art-1", "  # accepted stale: it is being read\n  # this week\n  - {id: art-1"),
    ):
        assert found(day=late, law=accepted) == []
    for comment, line, code in (("# accepted stale:", 10, None), ("# accepted untested: it is", 9, "untested")):
        law = LAW.replace("  - {id: art-1", f"  {comment}\n  - {{id: art-1")
        assert found(day=late, law=law) == sorted(
            [*([idle.format(9, code, 10)] if code else []), stale.replace(":9", ":10")]
        ), line
    early = LAW.replace("verify_by: 2026-11-24,", "verify_by: 2026-11-24, # accepted stale: it is being read")
    assert found(law=early) == [idle.format(9, "stale", 9)]


def test_a_source_not_read_again_in_time_is_found_from_the_day_after() -> None:
    """On the day itself there is still time."""
    assert found(day=date(2026, 11, 25)) == ["stale law.yaml:9 `art-1` had to be compared with its source by 2026-11-24"]


def test_what_lifts_from_memory_is_found() -> None:
    """It lifts nothing until it is confirmed, which its author may not have meant."""
    law = LAW.replace("source: two, status: confirmed", "source: two, status: from-memory")
    assert [line for line in found(law=law) if line.startswith("lift-from-memory")] == [
        "lift-from-memory law.yaml:11 `art-2` is a lift from memory, so what it would lift becomes a review"
    ]


def test_a_title_missing_in_a_language_is_found() -> None:
    """Of a provision, a fact, a kind; a question too."""
    law = LAW.replace("{en: two, zh: 二}", "two")
    words = WORDS.replace("{en: Is it here?, zh: 是否在此？}", "Is it here?").replace(
        "{en: a paper, zh: 文件}, ask", "a paper, ask"
    )
    assert [line.partition(" ")[2].partition(" ")[2] for line in found(law=law, words=words)] == [
        "the title of `art-2` has no Chinese",
        "the question of `x.here` has no Chinese",
        "the title of `paper` has no Chinese",
    ]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            "from: 2021-12-19, source: Decision 2013/65",
            "the entry `high` of `TOP` says `from: 2021-12-19`, and its source names `2013`",
        ),
        ("from: 2012-12-19, source: Decision 2013/65", ""),
        ("from: 2012-12-19, scope: until the next one, until: 2013-01-01", ""),
        (
            "from: 2012-12-19, scope: until the next one",
            "the scope of the entry `high` of `TOP` says that it ends, and it has no end",
        ),
    ],
)
def test_an_entry_whose_words_name_other_days_is_found(entry: str, said: str) -> None:
    """A year that its source does not name, save the one beside it; an end that is in the scope only."""
    more = f"registers:\n  TOP: {{title: top, of: rank, source: s, status: confirmed, entries: {{high: {{{entry}}}}}}}\n"
    lines = [line for line in found(words=WORDS.replace("facts:\n", f"{more}facts:\n")) if line.startswith("said-otherwise")]
    assert [line.partition(" ")[2].partition(" ")[2] for line in lines] == ([said] if said else [])


def test_a_number_that_is_smaller_than_the_text_says_is_found() -> None:
    """Also where it is too small to be told from the other numbers of a text."""
    words = WORDS.replace("facts:\n", "facts:\n  x.people: {type: count, title: {en: people, zh: 人数}}\n")
    law = LAW.replace("cite: one, says: one", "cite: one, says: From 1_000 people on.").replace(
        "when: [{x.rank: high}]", "when: [{x.rank: high}, {x.people: {at_least: 900}}]"
    )
    assert "said-otherwise law.yaml:9 `says` of `art-1` says `1_000`, and the provision says `900`" in found(
        words=words, law=law
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in sources().items():
        (tmp_path / Path(name).name).write_bytes(text)
    return tmp_path


ACME = """\
organisation: acme
title: {en: Acme, zh: 本公司}
accepts:
  - {id: here, country: AA, subjects: [matter], by: me, because: {en: a reason, zh: 理由}, from: 2026-01-01, until: 2026-11-23}
  - {id: there, country: AA, subjects: [matter], by: me, because: a reason, from: 2026-01-01, until: 2026-11-24}
must_be_shown: [x.seen]
"""
MATTER = """\
vocabulary: acme
facts:
  x.seen: {type: yes/no, title: {en: it is seen, zh: 已见}}
values:
  country: {title: country, values: [AA]}
subjects:
  matter: {title: {en: matter, zh: 事项}, when: {x.here: yes}}
more_values:
  side: {third: {under: right}, other-right: {under: right, rest: yes}}
"""
SIDE = """\
vocabulary: sides
values:
  side: {title: side, values: {left: {}, right: {}}}
facts:
  x.side: {type: side, title: {en: side, zh: 边}}
"""


def test_what_an_organisation_says_is_looked_through_too() -> None:
    """An acceptance that is over, a reason without Chinese, an added value that nothing tests; what must be shown counts as used."""
    bundle = engine.load_sources(
        {**sources(), "p/sides.yaml": SIDE.encode(), "acme/acme.yaml": ACME.encode(), "acme/words.yaml": MATTER.encode()}
    )
    found = {f"{d.code} {d.at.file}:{d.at.line} {d.message}" for d in engine.lint(bundle, DAY) if d.at.file.startswith("acme")}
    assert found == {
        "stale acme/acme.yaml:4 the acceptance `here` ended on 2026-11-23",
        "untranslated acme/acme.yaml:5 the reason of `there` has no Chinese",
        "unused-word acme/words.yaml:5 `country`: no fact has values of this set",
        "unused-word acme/words.yaml:9 no rule tests the value `third` of `side`, and no test sends it",
    }


def test_the_command_ends_with_one_where_there_is_a_finding(folder: Path) -> None:
    """Nothing to mend is 0, a finding 1, and a code may be left out."""
    run = CliRunner().invoke
    assert run(app, ["lint", str(folder), "--as-of", "2026-11-24"]).exit_code == 0
    late = run(app, ["lint", str(folder), "--as-of", "2026-11-25"])
    assert late.exit_code == 1
    assert "warning[stale]" in late.output
    assert "stale: 1" in late.output
    assert run(app, ["lint", str(folder), "--as-of", "2026-11-25", "--without", "stale"]).exit_code == 0


def test_the_command_speaks_to_programs(folder: Path) -> None:
    """JSON and SARIF carry the same findings; what is used wrongly is 2."""
    run = CliRunner().invoke
    told = json.loads(run(app, ["lint", str(folder), "--as-of", "2027-01-01", "--json"]).stdout)
    assert [finding["code"] for finding in told["findings"]] == ["stale"]
    sarif = json.loads(run(app, ["lint", str(folder), "--as-of", "2027-01-01", "--format", "sarif"]).stdout)
    assert [result["ruleId"] for result in sarif["runs"][0]["results"]] == ["stale"]
    for wrong in (["--without", "nonsense"], ["--as-of", "tomorrow"], ["--format", "xml"]):
        assert run(app, ["lint", str(folder), *wrong]).exit_code == 2


def test_the_command_reports_one_folder_of_several(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """`--only` leaves out what is found elsewhere, so that an organisation sees its own."""
    own = tmp_path_factory.mktemp("ours") / "acme"
    own.mkdir()
    (own / "acme.yaml").write_text("organisation: acme\ntitle: Acme\n")
    done = CliRunner().invoke(app, ["lint", str(folder), str(own), "--only", "acme/", "--json"])
    listed = json.loads(done.stdout)["findings"]
    assert (done.exit_code, [(each["code"], each["file"]) for each in listed]) == (1, [("untranslated", "acme/acme.yaml")])


def test_an_unsure_review_beside_requirements_does_not_say_whether_the_law_reaches() -> None:
    """If the doubt is whether the law reaches, `reach_in_doubt` says so; then nothing is found."""
    review = (
        "  - {id: art-3, title: {en: three, zh: 三}, cite: three, says: three, source: three, status: unsure,\n"
        "     when: [{x.rank: low}], review: {en: look, zh: 看}}\n"
    )
    said = "reach-not-said law.yaml:13 `art-3` is an unsure review beside requirements, which it leaves certain"
    assert [line for line in found(law=LAW + review) if line.startswith("reach-not-said")] == [said]
    doubt = "reach_in_doubt: {when: {x.rank: low}, cite: three, says: {en: it was not read, zh: 未读}}\nrules:"
    assert not [line for line in found(law=(LAW + review).replace("rules:", doubt)) if line.startswith("reach-not-said")]


def test_an_acceptance_of_what_is_covered_is_found() -> None:
    """An organisation looks after what the law covers already; of what the law does not cover, nothing is said."""
    words = WORDS.replace("zh: 甲}}", "zh: 甲}, countries: [AA], covers: {ranked: {from: 2020-02-01, by: [aa.law]}}}")
    words = words.replace(
        "values:\n", "values:\n  country: {title: {en: country, zh: 国}, values: {AA: {title: {en: Aland, zh: 甲}}}}\n", 1
    )
    words += (
        "subjects:\n  ranked: {title: {en: ranked, zh: 有级}, when: {x.rank: high}}\n"
        "  here: {title: {en: here, zh: 在此}, when: {x.here: yes}}\n"
    )
    house = (
        "organisation: acme\ntitle: {en: Acme, zh: 甲}\naccepts:\n"
        "  - {id: one, country: AA, subjects: [SUBJECT], by: counsel, because: {en: read, zh: 已读}, from: 2026-01-01, until: 2026-12-31}\n"
    )
    for subject, codes in (("ranked", ["accepted-covered"]), ("here", [])):
        lines = found(words=words, house=house.replace("SUBJECT", subject))
        assert [line.split()[0] for line in lines if line.startswith("accepted-covered")] == codes
