"""`fifthfactor test` on the command line: which cases run, what it tells of them, and what it writes."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

import engine
from service.cli.main import app
from tests.service.cli.test_stopping import stopped_in

FEWER = ("at_least: 10 thousand", "at_least: 100 thousand")  # of whom the law asks a contract
FAILING = ["Ten thousand people need a contract", "A contract is shown", "Elsewhere nobody knows how many"]


@pytest.fixture(autouse=True)
def _one_process(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    """No processes are forked, and what failed last is kept in the folder of the test."""
    monkeypatch.setattr("service.cli.processes.os.cpu_count", lambda: 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "cache"))
    monkeypatch.setenv("COLUMNS", "200")


def run(*arguments: str) -> Result:
    """A command in this process."""
    return CliRunner().invoke(app, arguments)


def changed(file: Path, old: str, new: str) -> None:
    """A file of policies is edited."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_case_that_fails_says_why(here: Path) -> None:
    """As text and as JSON: the condition, how it reads, its line and its value."""
    changed(here / "old" / "law.yaml", *FEWER)
    done = run("test", "old")
    assert done.exit_code == 1
    assert done.stdout.startswith("failed old/law.test.yaml:11 Ten thousand people need a contract\n    outcome is permitted")
    assert "      `a.law/art-1` does not stand (old/law.yaml:14)\n" in done.stdout
    assert "      no      old/law.yaml:22  at least 100,000 people [data.people: 10 thousand]" in done.stdout
    told = json.loads(run("test", "old", "--json").stdout)
    failed = [each for each in told if each["problems"]]
    assert [each["case"] for each in failed] == FAILING
    (reason,) = failed[0]["why"][0]
    assert reason["says"] == "`a.law/art-1` does not stand"
    assert reason["tests"] == [
        {
            "truth": "no",
            "at": "old/law.yaml:22",
            "test": "at least 100,000 people",
            "value": "data.people: 10 thousand",
            "define": "",
        }
    ]
    ((open_,),) = failed[2]["why"]
    assert open_["says"] == "`a.law/art-1` may stand and requires a.contract"
    assert [(each["truth"], each["value"]) for each in open_["tests"]] == [("unknown", "data.people: {at_least: 20 thousand}")]


def test_what_many_failed_cases_turn_on_is_said_once(here: Path) -> None:
    """At the end; of few cases, or of cases that have little in common, nothing is."""
    law = here / "old" / "law.yaml"
    changed(law, *FEWER)
    assert "failed cases turn on" not in run("test", "old").stdout
    changed(law, "exporter.country: AA\n", "exporter.country: BB\n")
    lines = run("test", "old").stdout.splitlines()
    assert lines[-3].endswith(" failed cases turn on old/law.yaml:7  the exporter is in Beland [exporter.country: AA]")


def test_a_case_is_named_by_its_file_and_its_sentence(here: Path) -> None:
    """Alone, for its conditions, and to be explained; by its line, too. What is misspelt is said."""
    name = "old/law.test.yaml::A contract is shown"
    done = run("test", "old", name)
    assert (done.exit_code, done.stdout) == (0, "1 passed, 0 failed\n")
    assert run("test", "old", "law::14").stdout == done.stdout
    whole = run("test", "old", "--why", "few people")
    assert whole.exit_code == 0
    assert whole.stdout.startswith("passed old/law.test.yaml:9 A few people need nothing\n  outcome: permitted\n")
    told = json.loads(run("test", "old", "--why", "law::Images are looked", "--json").stdout)
    assert told[0]["expected"][0]["why"][0]["says"] == "`a.law/art-2` stands"
    explained = run("explain", name, "--policies", "old")
    assert "as of 2024-06-01" in explained.stdout
    assert "A contract is one" in explained.stdout
    wrong = run("test", "old", "law::A contract is shwn")
    assert (wrong.exit_code, "did you mean `A contract is shown`" in wrong.stderr) == (2, True)
    wrong = run("explain", "law::need", "--policies", "old")
    assert (wrong.exit_code, "may be any of: line " in wrong.stderr) == (2, True)
    assert "there is no test file `lwa`" in run("test", "old", "lwa::x").stderr
    assert "is not among the policies; name its folder" in run("test", "old", "new/law.test.yaml::x").stderr
    assert run("test", "old", name, "--coverage").exit_code == 2


def test_what_failed_last_runs_again_until_it_passes(here: Path) -> None:
    """Only that; where nothing failed, all. What was not run stays."""
    assert "nothing failed last" in run("test", "old", "--failed").stdout
    changed(here / "old" / "law.yaml", *FEWER)
    assert run("test", "old").stdout.endswith("4 passed, 3 failed\n")
    assert run("test", "old", f"law::{FAILING[0]}").exit_code == 1
    assert run("test", "old", "--failed").stdout.endswith("0 passed, 3 failed\n")
    changed(here / "old" / "law.yaml", *reversed(FEWER))
    assert run("test", "old", "--failed").stdout.endswith("3 passed, 0 failed\n")
    assert run("test", "old", "--failed").stdout.endswith("7 passed, 0 failed\n")
    assert list((here / "cache").rglob("*.json")) == []
    (here / "cache" / "fifthfactor").rmdir()
    (here / "cache").rmdir()
    (here / "cache").write_text("no folder")
    assert run("test", "old").exit_code == 0


def test_results_are_written_as_junit_xml(here: Path) -> None:
    """A case is a case of the suite of its file; one that failed says why."""
    changed(here / "old" / "law.yaml", *FEWER)
    assert run("test", "old", "--junit", "results.xml").exit_code == 1
    (suite,) = ElementTree.parse(here / "results.xml").getroot()
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("old/law.test.yaml", "7", "3")
    failed = [case for case in suite if len(case)]
    assert [case.get("name") for case in failed] == FAILING
    assert (failed[0].get("classname"), failed[0].get("line")) == ("a.law", "11")
    assert "at least 100,000 people" in (failed[0][0].text or "")


def test_what_tests_do_not_reach_is_told(here: Path) -> None:
    """Of provisions, conditions and outcomes, by policy; as text, JSON and Cobertura XML."""
    changed(here / "old" / "law.yaml", "    review: Look at the images.\n", "    prohibit: No images.\n")
    changed(here / "old" / "law.test.yaml", "data.kinds: [image]", "data.kinds: [report]")
    done = run("test", "old", "--coverage", "--cobertura", "reached.xml")
    assert done.exit_code == 1
    shares = "7 cases; provisions: 2 of 3 stand, 3 of 3 do not, 0 of 3 may stand; conditions: 5 of 7 are yes, 4 of 7 no, 0 of 5 unknown"
    assert f"a.law: {shares}\n" in done.stdout
    told = json.loads(run("test", "old", "--coverage", "--json").stdout)
    (law,) = told["coverage"]
    assert law["cases"] == 7
    provisions = {each["name"]: each for each in law["provisions"]}
    assert provisions["a.law/art-1"] == {
        "name": "a.law/art-1",
        "at": "old/law.yaml:14",
        "yes": True,
        "unknown": False,
        "no": True,
    }
    assert provisions["a.law/art-2"]["yes"] is False
    assert "    old/law.yaml:35 never stands: a.law/art-2\n" in done.stdout
    assert "    never reached: prohibited\n" in done.stdout
    (image,) = [each for each in law["conditions"] if each["at"] == "old/law.yaml:43"]
    assert (image["yes"], image["no"]) == (False, True)
    assert f"    {image['at']} never yes: {image['name']}\n" in done.stdout
    assert law["outcomes"] == {"requirements_unmet": True, "prohibited": False}
    lines = {line.get("number"): line for line in ElementTree.parse(here / "reached.xml").iter("line")}
    assert (lines["35"].get("hits"), lines["35"].get("condition-coverage")) == ("0", "33% (1/3)")
    assert lines["14"].get("hits") == "1"


def test_tests_of_what_changes_run_again(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a changed policy and those in a changed file; where words change, all. A mistake ends nothing."""
    cases = (here / "old" / "law.test.yaml").read_text()
    (here / "old" / "other.test.yaml").write_text(cases.replace("test: a.law", "test: a.other").partition("  - case: Ten")[0])
    law, words = here / "old" / "law.yaml", here / "old" / "words.yaml"
    steps: list[Callable[[], None]] = [
        lambda: changed(law, *FEWER),
        lambda: changed(law, "id: art-2", "idd: art-2"),
        lambda: changed(law, "idd: art-2", "id: art-2"),
        lambda: changed(here / "old" / "other.test.yaml", "A few", "Few"),
        lambda: changed(words, "title: people}", "title: persons}"),
    ]

    def edit(_seconds: float) -> None:
        if not steps:
            raise KeyboardInterrupt
        steps.pop(0)()

    monkeypatch.setattr(time, "sleep", edit)
    done = run("test", "old", "--watch")
    assert done.exit_code == 130
    ends = [line for line in done.stdout.splitlines() if "passed" in line or "not sound" in line or "no test" in line]
    assert ends == [
        "8 passed, 0 failed",
        "4 passed, 3 failed",
        "the policies are not sound; correct them first (`fifthfactor check`)",
        "no test is of what changed; `fifthfactor test` runs all",
        "1 passed, 0 failed",
        "5 passed, 3 failed",
    ]


def test_check_finds_what_is_wrong_in_tests(here: Path) -> None:
    """At its line, with what was meant; the policies stay sound."""
    assert run("check", "old").exit_code == 0
    changed(here / "old" / "law.test.yaml", "recipient.country: BB", "recipient.contry: BB")
    done = run("check", "old")
    assert done.exit_code == 1
    assert "--> old/law.test.yaml:5:3" in done.stdout
    assert "did you mean `recipient.country`" in done.stdout
    assert done.stdout.splitlines()[-2].startswith("sound: ")
    assert done.stdout.endswith("1 finding in 1 file of tests\n")
    told = json.loads(run("check", "old", "--json").stdout)
    assert (told["sound"], told["findings"][0]["line"]) == (False, 5)


def test_watching_ends_with_a_signal_during_a_run(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As without watching: what ran is told, and nothing is waited for."""
    monkeypatch.setattr(engine, "run", stopped_in(engine.run, signal.SIGINT))
    (here / "old" / "more.test.yaml").write_text((here / "old" / "law.test.yaml").read_text())
    done = run("test", "old", "--watch")
    assert (done.exit_code, "waiting for changes" in done.stdout) == (130, False)
    assert done.stderr.startswith("stopped after 1 of 2 test files")
