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
     when: [{evidence: {has: paper}}], satisfies: aa.paper}
"""
TESTS = """\
test: aa.law
as_of: 2026-11-24
exchange: {x.here: yes, x.rank: high}
cases:
  - {case: nothing shown, expect: {because: [art-1], silent: [art-2]}}
  - {case: shown, change: {x.rank: low, evidence.paper: {dated: 2026-01-01, covers: yes}}, expect: {because: [art-2], silent: [art-1]}}
"""


def sources(words: str = WORDS, law: str = LAW, tests: str = TESTS) -> dict[str, bytes]:
    return {"p/words.yaml": words.encode(), "p/law.yaml": law.encode(), "p/law.test.yaml": tests.encode()}


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
        ("facts:\n", "`x.idle`: no rule, counter or account reads the fact"),
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
  side: {third: {under: right}}
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
