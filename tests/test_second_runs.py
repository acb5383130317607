"""A test that fails by chance has a second run, which is shown; one that fails twice, one of the engine, and a fourth fail the run."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TESTS = """
from pathlib import Path

import pytest


@pytest.mark.parametrize("number", range({}))
def test_that_fails_at_first(number):
    before = Path(__file__).with_name(f"run-{{number}}")
    if not before.exists():
        before.touch()
        print("what it printed")
        raise ConnectionResetError("the other side was gone")


@pytest.mark.skipif({} == 0, reason="not wanted")
def test_that_always_fails():
    raise ValueError("wrong as before")
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_test_of_the_service_that_fails_once_is_forgiven_and_shown(tmp_path: Path, workers: int) -> None:
    """The traceback of its first run stands at the end, and what it printed."""
    code, told = run(tmp_path, "tests/service", 1, 0, workers)
    shown = told.partition("1 run twice, at most 3 may be: look for the reason")[2]
    assert "test_that_fails_at_first[0]" in shown
    assert "ConnectionResetError: the other side was gone" in shown
    assert "what it printed" in shown
    assert "1 passed, 1 skipped, 1 rerun" in told
    assert code == 0


def test_three_are_forgiven_and_four_are_not(tmp_path: Path) -> None:
    """Then it is no chance any more."""
    assert run(tmp_path / "three", "tests/service", 3, 0)[0] == 0
    code, told = run(tmp_path / "four", "tests/service", 4, 0)
    assert "4 run twice, at most 3 may be" in told
    assert code == 1


def test_a_test_that_fails_twice_has_failed(tmp_path: Path) -> None:
    """Nothing of it is forgiven."""
    code, told = run(tmp_path, "tests/service", 0, 1)
    assert "1 failed" in told
    assert "ValueError: wrong as before" in told
    assert code == 1


@pytest.mark.parametrize("folder", ["tests/engine/backends", "tests/promises"])
def test_the_engine_and_the_promises_have_one_run(tmp_path: Path, folder: str) -> None:
    """They depend on nothing else that the machine does."""
    code, told = run(tmp_path, folder, 1, 0)
    assert "1 failed" in told
    assert "run twice" not in told
    assert code == 1


def run(root: Path, folder: str, once: int, always: int, workers: int = 1) -> tuple[int, str]:
    """The exit code and the output of a run of so many tests that fail at first, and of one that always does."""
    (root / folder).mkdir(parents=True)
    (root / folder / "test_chance.py").write_text(TESTS.format(once, always))
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", str(ROOT / "pyproject.toml")]
    command += ["--rootdir", str(root), "--workers", str(workers), str(root)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    return ended.returncode, ended.stdout + ended.stderr
