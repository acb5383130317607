"""
pre-commit runs the hooks of `.pre-commit-hooks.yaml` in a repository of policies: installed by it, and called as it calls them.

The settings of that repository are those that `policies/docs/in-your-repository.md` shows.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

import pytest

import engine
from tests.doors.installed_offline import ROOT, environment
from tests.engine.tables.small_policies import bundle
from tests.pages import blocks

PAGE = "policies/docs/in-your-repository.md"
VERSION = f"v{tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']['version']}"
SHOWN = next(block.text for block in blocks(PAGE) if ".pre-commit-config.yaml" in block.text)


class Repository:
    """A repository of policies that uses the hooks of this checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "house"
        self.folder.mkdir()
        self._environment = environment(PRE_COMMIT_HOME=str(folder / "home"))
        hooks = folder / "hooks"
        self.run("git", "clone", "--quiet", "--shared", str(ROOT), str(hooks))
        shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks)  # as it lies here, also if it is not committed
        self.run("git", "-C", str(hooks), "commit", "--quiet", "--allow-empty", "--all", "--message", "hooks")
        revision = self.run("git", "-C", str(hooks), "rev-parse", "HEAD").strip()
        self.run("git", "init", "--quiet")
        begun = engine.first_house(bundle(), "globex", "Globex Group", "Globex集团", date(2026, 12, 1), ".schemas")
        for name, content in begun.items():
            (self.folder / "globex" / name).parent.mkdir(exist_ok=True)
            (self.folder / "globex" / name).write_bytes(content)
        shown = SHOWN.replace("https://git.example.com/fifthfactor", str(hooks)).replace(VERSION, revision)
        self.run("bash", "-ec", shown)
        self.run("git", "add", "--all")

    def run(self, *command: str, ends: int = 0, **more: str) -> str:
        """What a command prints."""
        whole = {**self._environment, **more}
        done = subprocess.run(command, cwd=self.folder, env=whole, capture_output=True, text=True, check=False)
        assert done.returncode == ends, done.stdout + done.stderr
        return done.stdout

    def pre_commit(self, *arguments: str, ends: int = 0, **more: str) -> str:
        """What pre-commit prints."""
        return self.run(sys.executable, "-m", "pre_commit", *arguments, ends=ends, **more)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """One for all: its hooks are installed once."""
    return Repository(tmp_path_factory.mktemp("hooks"))


def test_the_page_names_this_version() -> None:
    """Of the hooks and of the action."""
    shown = [block.text for block in blocks(PAGE)]
    assert all(VERSION in text for text in shown)


def test_the_file_of_hooks_is_one() -> None:
    """By pre-commit's own check."""
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", ".pre-commit-hooks.yaml"]
    subprocess.run(command, cwd=ROOT, env=environment(), check=True)


def test_the_hooks_pass_where_policies_are_sound(repository: Repository) -> None:
    """All four, on the policies that `new house` begins with."""
    printed = repository.pre_commit("run", "--all-files")
    for name in ("check policies", "test policies", "lay out policies", "lint policies"):
        assert f"{name}..." in printed
    assert printed.count("Passed") == 4


def test_the_hooks_stop_a_commit_of_policies_that_are_not_sound(repository: Repository) -> None:
    """By what `check` finds, at its line; what is not laid out is laid out."""
    rules = repository.folder / "globex" / "rules.yaml"
    sound = rules.read_text()
    rules.write_text(sound.replace("recipient.role: processor", "recipient.rol:   processor"))
    repository.run("git", "add", "--all")
    printed = repository.pre_commit("run", ends=1, SKIP="fifthfactor-test,fifthfactor-lint")
    assert "an exchange has no fact `recipient.rol`" in printed
    assert "--> globex/rules.yaml:" in printed
    assert "files were modified by this hook" in printed
    assert "recipient.rol: processor" in rules.read_text()
    assert "Passed" not in printed
    rules.write_text(sound)


def test_a_commit_without_policies_asks_nothing(repository: Repository) -> None:
    """A change of another file runs no hook."""
    repository.run("git", "add", "--all")
    repository.run("git", "commit", "--quiet", "--message", "policies")
    (repository.folder / "README.md").write_text("Our policies.\n")
    repository.run("git", "add", "--all")
    printed = repository.pre_commit("run")
    assert printed.count("Skipped") == 4
