"""`fifthfactor analyse`: findings as text, JSON and SARIF; it ends with 1 on new ones, and with 2 where the solver is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Log
from typer.testing import CliRunner

import engine
from engine.analysis import solver
from service.cli.main import app
from tests.engine.analysis.planted import edited, planted, sound

FAULT = next(each for each in planted("faults.yaml", "faults") if each.id == "overlapping-steps")


def analyse(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["analyse", *arguments])
    return done.exit_code, done.output


def written(folder: Path, sources: dict[str, bytes]) -> str:
    """A folder with the files of a bundle."""
    (folder / "small").mkdir()
    for name, data in sources.items():
        (folder / name).write_bytes(data)
    return str(folder / "small")


def test_sound_policies_have_no_new_finding(tmp_path: Path) -> None:
    """It ends with 0 and says how many witnesses there were."""
    status, said = analyse(written(tmp_path, sound(True)))
    assert (status, said.splitlines()) == (0, ["no new finding", "witnesses: 0 confirmed, 0 open, 0 refused"])


def test_a_finding_is_printed_with_its_line_and_a_witness_that_is_decided(tmp_path: Path) -> None:
    """Text names the place and the exchange, JSON has both; the exchange goes into `evaluate` as it is."""
    folder = written(tmp_path, edited(FAULT))
    status, said = analyse(folder, "--as-of", "2026-11-30")
    assert status == 1
    assert "warning[steps-overlap]: `aa.exports/few` and `aa.exports/some` are steps of `data.people` that overlap" in said
    assert "small/exports.yaml:" in said
    assert "   = witness: {" in said
    status, said = analyse(folder, "--json", "--as-of", "2026-11-30", "--lang", "zh")
    (found,) = json.loads(said)["findings"]
    assert (status, found["code"], found["state"], found["place"]) == (1, "steps-overlap", "confirmed", "aa.exports/few")
    assert "重叠" in found["message"]
    file = tmp_path / "exchange.json"
    file.write_text(json.dumps(found["witness"]))
    done = CliRunner().invoke(app, ["evaluate", str(file), "--policies", folder, "--json"])
    assert done.exit_code in (0, 1), done.output


def test_a_witness_is_proposed_as_a_case_that_passes_when_it_is_pasted(tmp_path: Path) -> None:
    """Beside a test file as one more case of it, else as a file; JSON has the same, and text without cases says how to get them."""
    folder = written(tmp_path, edited(FAULT))
    day = ("--as-of", "2026-11-30")
    assert analyse(folder, *day)[1].splitlines()[-1] == "1 case to paste into tests: --cases"
    whole = analyse(folder, *day, "--cases")[1].partition("# a new file\n")[2]
    test = tmp_path / "small" / "exports.test.yaml"
    test.write_text(whole)
    status, said = analyse(folder, *day, "--cases")
    case = said.partition("\n# small/exports.test.yaml\n")[2]
    assert (status, case.count("- case:")) == (1, 1)
    (found,) = json.loads(analyse(folder, *day, "--json")[1])["findings"]
    assert (found["into"], found["case"].strip()) == ("small/exports.test.yaml", case.strip())
    test.write_text(whole + case.replace('- case: "', '- case: "Again: '))
    done = CliRunner().invoke(app, ["test", folder])
    assert (done.exit_code, "2 passed, 0 failed" in done.output) == (0, True), done.output
    (tmp_path / FAULT.file).write_bytes(sound(True)[FAULT.file])  # without the fault it comes out otherwise
    assert CliRunner().invoke(app, ["test", folder]).exit_code == 1


def test_findings_are_a_log_for_code_review(tmp_path: Path) -> None:
    """The log of SARIF has every code of the analysis as a rule, and the finding as a warning."""
    _, said = analyse(written(tmp_path, edited(FAULT)), "--format", "sarif")
    document = json.loads(said)
    Log.model_validate(document)
    (run,) = document["runs"]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == set(engine.FINDINGS)
    assert [(each["ruleId"], each["level"]) for each in run["results"]] == [("steps-overlap", "warning")]


def test_only_what_is_asked_for_is_looked_for(tmp_path: Path) -> None:
    """By code and by file; a code that there is not is refused with the nearest one, and so is a file that there is not."""
    folder = written(tmp_path, edited(FAULT))
    assert analyse(folder, "--only", "never-stands")[0] == 0
    status, said = analyse(folder, "--file", "other")
    assert (status, "no file of the policies has `other` in its name" in said) == (2, True)
    status, said = analyse(folder, "--only", "never-stand")
    assert (status, "did you mean `never-stands`" in said) == (2, True)


def test_without_the_solver_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with 2, and never looks at less instead."""
    monkeypatch.setattr(solver, "find_spec", lambda name: None)
    status, said = analyse(written(tmp_path, sound(True)))
    assert (status, "pip install 'fifthfactor[analyse]'" in said) == (2, True)


def test_check_may_report_what_the_analysis_finds(tmp_path: Path) -> None:
    """Beside its own findings, in the files that are named; it then ends with 1."""
    folder = written(tmp_path, edited(FAULT))
    runner = CliRunner()
    assert runner.invoke(app, ["check", folder]).exit_code == 0
    assert runner.invoke(app, ["check", folder, "--analyse", "other"]).exit_code == 2
    done = runner.invoke(app, ["check", folder, "--analyse", "exports"])
    assert (done.exit_code, "warning[steps-overlap]" in done.output) == (1, True)
