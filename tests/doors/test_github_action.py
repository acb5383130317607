"""
The GitHub Action of `action.yml`: its file against GitHub's schema, and the shell of its steps, run as a runner does in a repository.

The comment is written to a server of these tests, which answers as GitHub's API does.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests.doors.installed_offline import ROOT, environment
from tests.pages import blocks
from tests.service.conftest import POLICIES

PAGE = "policies/docs/in-your-repository.md"
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS = ACTION["runs"]["steps"]
_INPUT = re.compile(r"\$\{\{ inputs\.([\w-]+) \}\}")
PERSONS = 130  # comments of persons, more than a page has
CASES = """\
test: cn.test
as_of: 2026-11-24
exchange:
  exporter.country: CN
  recipient.country: US

cases:
  - case: Twelve thousand people are looked at
    change: {data.people: 12 thousand}
    expect:
      outcome: review
      because: [art-1]
  - case: Five hundred are not
    change: {data.people: 500}
    expect:
      outcome: permitted
      silent: [art-1]
"""


class GitHub:
    """Keeps the comments of one pull request."""

    def __init__(self) -> None:
        person, mark = {"type": "User"}, "<!-- fifthfactor diff -->"
        self.comments: list[dict[str, Any]] = [
            {"id": number, "body": f"{mark} I write this too." if number == 1 else "Looks good.", "user": person}
            for number in range(1, PERSONS + 1)
        ]
        self.asked: list[tuple[str, str, str]] = []
        github = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                github.asked.append((self.command, self.path, self.headers["Authorization"]))
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or "null")
                if self.command == "POST":
                    github.comments.append({"id": len(github.comments) + 1, "user": {"type": "Bot"}, **sent})
                elif self.command == "PATCH":
                    github.comments[int(self.path.rpartition("/")[2]) - 1] |= sent
                page = int(parse_qs(urlsplit(self.path).query).get("page", ["1"])[0])
                some = github.comments[100 * (page - 1) : 100 * page]
                body = json.dumps(some if self.command == "GET" else github.comments[-1]).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = answer  # the names that the server looks for

            def log_message(self, format: str, *arguments: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


class Runner:
    """Runs the steps of the action in a repository, one after the other, each as a shell of its own."""

    def __init__(self, folder: Path, github: GitHub) -> None:
        self.repository = folder / "repository"
        self.work = folder / "temp" / "fifthfactor"
        self.summary = folder / "summary.md"
        self._environment = environment(
            RUNNER_TEMP=str(folder / "temp"),
            GITHUB_ACTION_PATH=str(ROOT),
            GITHUB_STEP_SUMMARY=str(self.summary),
            GITHUB_API_URL=github.address,
            GITHUB_REPOSITORY="globex/policies",
        )
        (folder / "temp").mkdir()
        shutil.copytree(POLICIES, self.repository / "policies")
        (self.repository / "policies" / "rules.test.yaml").write_text(CASES)
        self.git("init", "--quiet")
        self.commit("first")

    def git(self, *arguments: str) -> str:
        """What git prints."""
        command = ["git", *arguments]
        return subprocess.run(
            command, cwd=self.repository, env=self._environment, capture_output=True, text=True, check=True
        ).stdout

    def commit(self, message: str) -> None:
        """Commit what lies there."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def run(self, *left_out: str, **inputs: str) -> tuple[int, str]:
        """The exit code of the last step, and what all of them print; a step that fails ends the run, as on a runner."""
        given = {name: str(each.get("default", "")) for name, each in ACTION["inputs"].items()}
        given |= {
            "token": "secret",
            "number": "",
            "base": "",
            **{name.replace("_", "-"): value for name, value in inputs.items()},
        }
        printed, status = "", 0
        if "install" in left_out:
            (self.work / "failed").write_text("")
        for step in STEPS:
            if "run" not in step or step["name"] in left_out:
                continue
            assert "${{" not in step["run"], "an input is never put into the text of a shell"
            told = {name: _INPUT.sub(lambda at: given[at[1]], value) for name, value in step.get("env", {}).items()}
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=self.repository,
                env={**self._environment, **told},
                capture_output=True,
                text=True,
                check=False,
            )
            printed += f"--- {step['name']}\n{done.stdout}{done.stderr}"
            status = done.returncode
            if status:
                break
        return status, printed


@pytest.fixture(scope="module")
def github() -> Iterator[GitHub]:
    """One for the run of this file."""
    github = GitHub()
    yield github
    github.close()


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory, github: GitHub) -> Runner:
    """One for all: the program is installed once."""
    return Runner(tmp_path_factory.mktemp("runner"), github)


def test_the_files_are_what_github_reads(tmp_path: Path) -> None:
    """The action, and the workflow that the page shows, by GitHub's schemas."""
    shown = next(block.text for block in blocks(PAGE) if ".github/workflows" in block.text)
    subprocess.run(["bash", "-ec", shown], cwd=tmp_path, check=True)
    workflow = tmp_path / ".github" / "workflows" / "policies.yml"
    for schema, file in (("github-actions", ROOT / "action.yml"), ("github-workflows", workflow)):
        command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(file)]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    (use,) = [
        step for step in yaml.safe_load(workflow.read_text())["jobs"]["policies"]["steps"] if "fifthfactor" in step["uses"]
    ]
    assert use["with"].keys() <= ACTION["inputs"].keys()


def test_the_page_has_each_input() -> None:
    """With what it is."""
    page = (ROOT / PAGE).read_text()
    assert [name for name in ACTION["inputs"] if f"| `{name}` |" not in page] == []


def test_a_change_that_permits_nothing_more_passes_with_a_comment(runner: Runner, github: GitHub) -> None:
    """The program is installed, everything passes, SARIF lies ready, and the comment says what the change does."""
    rules = runner.repository / "policies" / "rules.yaml"
    rules.write_text(rules.read_text().replace("10 thousand", "8 thousand"))
    runner.commit("stricter")
    status, printed = runner.run(base="HEAD~1", number="7")
    assert status == 0, printed
    assert "2 passed, 0 failed" in printed
    for name in ("check", "analyse"):
        found = json.loads((runner.work / "sarif" / f"{name}.sarif").read_text())
        assert found["version"] == "2.1.0"
    *persons, ours = github.comments
    assert len(persons) == PERSONS
    assert ours["body"].startswith("<!-- fifthfactor diff -->\n## Policies: ")
    assert "10,000 → 8,000" in ours["body"]
    assert "10,000 → 8,000" in runner.summary.read_text()
    assert github.asked[-1] == ("POST", "/repos/globex/policies/issues/7/comments", "Bearer secret")


def test_a_change_that_permits_more_fails_and_changes_the_comment(runner: Runner, github: GitHub) -> None:
    """A test fails too; the steps after it run all the same, and the last one names both."""
    rules = runner.repository / "policies" / "rules.yaml"
    rules.write_text(rules.read_text().replace("8 thousand", "100 thousand"))
    runner.commit("laxer")
    status, printed = runner.run("install", base="HEAD~1", number="7")
    assert status == 1, printed
    assert "::error::not as it should be: diff test" in printed
    assert "1 passed, 1 failed" in printed
    assert len(github.comments) == PERSONS + 1
    assert "**More is permitted: the exchanges below show it.**" in github.comments[-1]["body"]
    assert github.asked[-1][:2] == ("PATCH", f"/repos/globex/policies/issues/comments/{PERSONS + 1}")
    assert github.comments[0]["body"].endswith("I write this too.")


def test_policies_that_are_not_sound_fail_with_their_findings(runner: Runner, github: GitHub) -> None:
    """The findings are in the SARIF; nothing is compared without a base, and there is no comment without a number."""
    rules = runner.repository / "policies" / "rules.yaml"
    sound = rules.read_text()
    rules.write_text(sound.replace("data.people:", "data.poeple:"))
    asked = len(github.asked)
    status, printed = runner.run("install")
    rules.write_text(sound)
    assert status == 1, printed
    assert "::error::not as it should be: analyse check test" in printed
    assert "did you mean `data.people`" in (runner.work / "sarif" / "check.sarif").read_text()
    assert not (runner.work / "sarif" / "analyse.sarif").exists()
    assert len(github.asked) == asked
