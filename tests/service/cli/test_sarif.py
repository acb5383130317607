"""`fifthfactor check --format`: the same findings as text, as JSON and as SARIF 2.1.0 for code review."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Log
from typer.testing import CliRunner

import engine
from service.cli.main import app

SERVICE_POLICIES = Path(__file__).parent.parent / "bundle" / "policies"


def check(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["check", *arguments])
    return done.exit_code, done.output


def sarif(*arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the one run, after the whole log was read by models made of the published schema, which know all its keys."""
    status, said = check("--format", "sarif", *arguments)
    document = json.loads(said)
    Log.model_validate(document)
    (run,) = document["runs"]
    return status, run


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with policies in a folder with a space; the command runs in it."""
    shutil.copytree(SERVICE_POLICIES, tmp_path / "our law" / "policies")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def misspell(repository: Path, wrong: str = "exporter.contry: CN") -> tuple[Path, int, int]:
    """Put a finding into the policies: its file, line and column."""
    file = repository / "our law" / "policies" / "rules.yaml"
    text = file.read_text()
    assert text.count("exporter.country: CN") == 1
    file.write_text(text.replace("exporter.country: CN", wrong))
    before = text.partition("exporter.country: CN")[0].split("\n")
    return file, len(before), len(before[-1]) + 1


def test_sound_policies_give_a_log_without_results(repository: Path) -> None:
    """Every code is there as a rule with its explanation, and the run succeeded."""
    status, run = sarif("our law/policies")
    assert status == 0
    assert run["results"] == []
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 0}]
    rules = {rule["id"]: rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"]}
    assert rules == engine.CODES


def test_a_finding_stands_at_its_place_from_the_root_of_the_repository(repository: Path) -> None:
    """Address, line, columns, level and the sentence; the columns count characters, the last one excluded."""
    _, line, column = misspell(repository)
    status, run = sarif("our law/policies")
    assert status == 1
    assert run["columnKind"] == "unicodeCodePoints"
    result = next(result for result in run["results"] if result["ruleId"] == "unknown-fact")
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "unknown-fact"
    assert result["level"] == "error"
    assert result["message"]["text"].startswith(
        "an exchange has no fact `exporter.contry`; not in the vocabulary; did you mean"
    )
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "our%20law/policies/rules.yaml", "uriBaseId": "%SRCROOT%"}
    end = column + len("exporter.contry")
    assert place["region"] == {"startLine": line, "startColumn": column, "endLine": line, "endColumn": end}


def test_a_file_outside_the_folder_has_an_address_of_its_own(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From another folder, a file is named whole."""
    file, *_ = misspell(repository)
    elsewhere = repository / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    _, run = sarif(str(file.parent))
    assert {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]} == {
        file.as_uri()
    }


def test_warnings_are_warnings_and_fail_only_where_that_is_asked(repository: Path) -> None:
    """A number without separators is a warning; `--strict` changes the exit code, not the level."""
    misspell(repository, "data.people: {at_least: 100000}")
    for strict, expected in ((), 0), (("--strict",), 1):
        status, run = sarif("our law/policies", *strict)
        assert status == expected
        assert {(result["ruleId"], result["level"]) for result in run["results"]} == {("bare-number", "warning")}


def test_the_formats_tell_the_same(repository: Path) -> None:
    """`--json` is short for `--format json`; text, JSON and SARIF have the same findings and exit code."""
    misspell(repository)
    status, run = sarif("our law/policies")
    codes = sorted(result["ruleId"] for result in run["results"])
    short, long = check("our law/policies", "--json"), check("our law/policies", "--format", "json")
    assert short == long
    assert (short[0], sorted(finding["code"] for finding in json.loads(short[1])["findings"])) == (status, codes)
    plain = check("our law/policies")
    assert plain[0] == status
    assert plain[1].count("error[") == len(codes)


def test_a_format_that_nobody_knows_is_wrong_use() -> None:
    """It ends with 2 and names those there are."""
    assert check("--format", "xml") == (2, "error: there is no format `xml`; use one of text, json, sarif\n")
