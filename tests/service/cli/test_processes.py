"""Work that is divided among processes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service.cli.processes import in_processes
from tests.service.conftest import ROOT, eventually

WORK = """
import os, time
from pathlib import Path
from service.cli.processes import in_processes

def work(number):
    Path({folder!r}, str(os.getpid())).touch()
    time.sleep(60)

list(in_processes(work, range(9), processes=2))
"""


def test_results_come_in_the_order_of_the_items() -> None:
    """Whichever process is done first, and with any number of processes."""
    for processes in (1, 3):
        assert list(in_processes(lambda number: number * number, range(20), processes=processes)) == [n * n for n in range(20)]


def test_whoever_leaves_early_waits_for_no_further_item(tmp_path: Path) -> None:
    """The items that are left are passed over, however many they are, and the next work finds its own."""

    def work(number: int) -> int:
        (tmp_path / str(number)).touch()
        time.sleep(0.001)  # all of them would take seconds, though nobody may be told for a while that they are not wanted
        return number

    for _ in range(4):
        results = in_processes(work, range(10_000), processes=2)
        assert [next(results), next(results)] == [0, 1]
        results.close()  # type: ignore[attr-defined]
    assert len(list(tmp_path.iterdir())) < 10_000
    assert list(in_processes(lambda number: -number, range(5), processes=2)) == [0, -1, -2, -3, -4]


@pytest.mark.parametrize("chunk", [1, 7])
def test_an_item_that_fails_ends_the_work_without_the_others(tmp_path: Path, chunk: int) -> None:
    """Its error comes out, the items that are left are passed over, and the next work finds its own."""

    def work(number: int) -> int:
        (tmp_path / str(number)).touch()
        if number == 20:
            raise ValueError("no twenty")
        time.sleep(0.001)  # as above
        return number

    for _ in range(4):
        with pytest.raises(ValueError, match="no twenty"):
            list(in_processes(work, range(10_000), chunk, processes=2))
    assert len(list(tmp_path.iterdir())) < 10_000
    assert list(in_processes(lambda number: -number, range(5), processes=2)) == [0, -1, -2, -3, -4]


def test_work_that_is_let_go_late_leaves_the_next_alone() -> None:
    """An exception may hold the first until the second has begun."""

    def slowly(number: int) -> int:
        time.sleep(0.01)
        return -number

    first = in_processes(lambda number: number, range(100), processes=2)
    assert next(first) == 0
    second = in_processes(slowly, range(100), processes=2)
    assert next(second) == 0
    first.close()  # type: ignore[attr-defined]
    assert list(second) == [-number for number in range(1, 100)]


def test_a_command_that_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    """Those that work for it end by themselves."""
    command = subprocess.Popen([sys.executable, "-c", WORK.format(folder=str(tmp_path))], cwd=ROOT)
    eventually(lambda: len(list(tmp_path.iterdir())) == 2)
    workers = [Path("/proc", file.name) for file in tmp_path.iterdir()]
    assert all(each.exists() for each in workers)
    command.send_signal(signal.SIGKILL)
    command.wait()
    eventually(lambda: not any(each.exists() for each in workers))
