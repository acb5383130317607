"""Random tests share out the time of `make fuzz`: none goes on for long, each says what it tried, and what it finds still fails."""

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import chance
from tests.time_shares import TimeShares

ROOT = Path(__file__).parent.parent
TESTS = """
import random
import time

import pytest
from hypothesis import given, strategies as st

from tests import chance


@pytest.mark.fuzz(weight=6)
def test_that_is_soon_over():
    assert len(list(chance.some(range(5), 5))) == 5


@pytest.mark.fuzz(weight=6)
def test_too_few():
    chance.tried(3, 10, wanted=1_000)


@pytest.mark.random
def test_of_rounds():
    draw = random.Random(chance.seed(7))
    for _ in chance.examples(10):
        time.sleep(0.001 * draw.random())


@pytest.mark.fuzz(weight=4)
@pytest.mark.parametrize("fault", [None, 30])
def test_of_a_loop(fault):
    for each in chance.some(range(20_000), 20):
        time.sleep(0.001)
        assert fault is None or each % fault


@pytest.mark.fuzz(weight=5)
@given(st.integers(0, 10**6))
def test_of_hypothesis(number):
    time.sleep(0.001)


@given(st.integers(0, 10**6))
def test_with_a_planted_fault(number):
    assert number < 1000


def test_no_random_one():
    assert list(chance.some([1, 2, 3], 1)) == [1, 2, 3]
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_every_random_test_has_its_share_and_a_line_of_figures(tmp_path: Path, workers: int) -> None:
    """Rounds, loops and faults, alone or with others beside; in seconds."""
    told, seconds = fuzzed(tmp_path, workers, "5", "-k", "not planted")
    assert seconds < 90
    rows = {cells[1].strip("`").rpartition("::")[2]: cells[2:] for cells in table(told)}
    found = {name: cells[2] for name, cells in rows.items() if name != "test_of_rounds"}
    assert found == {
        "test_of_hypothesis": "stopped",
        "test_of_a_loop[None]": "stopped",
        "test_of_a_loop[30]": "FAILED",
        "test_that_is_soon_over": "whole",
        "test_too_few": "stopped before the 10 of `make test`",
    }
    tried, _, rounds, _ = rows["test_of_rounds"][0].split()
    assert int(tried) == 10 * int(rounds) <= 500
    assert int(rows["test_of_hypothesis"][0].split()[0].replace(",", "")) >= 100
    assert rows["test_that_is_soon_over"][0] == "5"
    assert "1 failed, 5 passed" in told


def test_the_seed_that_is_told_repeats_what_failed(tmp_path: Path) -> None:
    """What Hypothesis found fails with its smallest example, and again in the first round with the same seed."""
    told, _ = fuzzed(tmp_path, 1, "60", "-k", "planted")
    assert "Failing test case: test_with_a_planted_fault(" in told
    assert "number=1000" in told
    (again,) = {line for line in told.splitlines() if line.startswith(f"{chance.FIRST_SEED}=")}
    seed = again.split()[0].partition("=")[2]
    repeated, _ = fuzzed(tmp_path, 1, "60", "-k", "planted", seed=seed)
    (row,) = table(repeated)
    assert row[4:6] == ["FAILED", seed]


def test_what_a_test_leaves_is_given_to_those_that_follow() -> None:
    """Two workers for a hundred seconds and four tests of equal weight have fifty each; where one uses nothing, the others have more."""
    shares = TimeShares([1, 1, 1, 1], ["a", "b", "c", "d"], time.monotonic() + 100, 2)
    assert left(shares, 0) == pytest.approx(50, abs=1)
    shares.end(0)
    assert left(shares, 1) == pytest.approx(200 / 3, abs=1)
    assert left(shares, 2) == pytest.approx(200 / 3, abs=1)
    shares.end(1)
    shares.end(2)
    assert left(shares, 3) == pytest.approx(100, abs=1)


def test_a_weight_counts_and_a_group_leaves_time_for_all_of_it() -> None:
    """A group is one process's, so that each of its two tests has half of the time at most, however little there is beside."""
    shares = TimeShares([1, 3], ["a", "b"], time.monotonic() + 100, 1)
    assert left(shares, 0) == pytest.approx(25, abs=1)
    shares = TimeShares([1, 1], ["a", "a"], time.monotonic() + 100, 2)
    ends, group_ends = (each - time.monotonic() for each in shares.begin(0))
    assert ends == pytest.approx(50, abs=1)
    assert group_ends == pytest.approx(100, abs=1)


def test_without_a_time_each_runs_to_its_end() -> None:
    """As one test does that is run by itself."""
    assert TimeShares([1, 1], ["a", "b"], math.inf, 1).begin(0) == (math.inf, math.inf)


def test_in_make_test_nothing_is_left_out() -> None:
    """The seed is the one that is written down, and every example in its order."""
    assert chance.FUZZ not in os.environ
    assert chance.seed(7) == 7
    assert list(chance.examples(3)) == [0, 1, 2]
    assert list(chance.some([3, 1, 2], 1)) == [3, 1, 2]
    assert chance.share() is None


def left(shares: TimeShares, number: int) -> float:
    return shares.begin(number)[0] - time.monotonic()


def fuzzed(folder: Path, workers: int, seconds: str, *options: str, seed: str = "") -> tuple[str, float]:
    """What `make fuzz` prints on tests of a folder, and how long it takes."""
    (folder / "test_random.py").write_text(TESTS)
    environment = {**os.environ, chance.SECONDS: seconds, chance.FIRST_SEED: seed}
    command = [sys.executable, "-m", "pytest", "-m", "fuzz", "-p", "tests.conftest", "-c", str(ROOT / "pyproject.toml")]
    command += ["--rootdir", str(folder), "--workers", str(workers), *options, str(folder)]
    began = time.monotonic()
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment, timeout=120)
    return run.stdout + run.stderr, time.monotonic() - began


def table(told: str) -> list[list[str]]:
    """The rows of the table that was printed."""
    lines = [line for line in told.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.split("|")] for line in lines]
