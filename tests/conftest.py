"""
What all tests share: the bundled policies are read once a process, and the run of random agreement goes on beside the tests.

That run begins with the session and is waited for by its test, which comes last. Its children are nice, so that the other tests have
what they need of the processors, and take the rest. Where tests are shared out among workers, the process that shares them out starts
it, and the worker that gets the test finds it by its folder.
"""

from __future__ import annotations

import gc
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from tests import read_once
from tests.chance import BUNDLES, COMPLETED, EXCHANGES, FUZZ
from tests.read_once import FOLDER
from tests.second_runs import SecondRuns
from tests.service import ready_doors
from tests.service.ready_doors import READY
from tests.time_shares import RandomTests
from tests.workers import Workers

ROOT = Path(__file__).parent.parent
LAST = "test_the_engines_agree_and_are_safe"
LONG = (  # the longest first: who takes it last is left alone with it
    "test_readmes", "test_openapi", "test_changed_for_a_moment", "test_races", "test_first_question", "test_deep_verification",
    "test_round_trip", "test_agent_tools", "test_agreement", "test_links", "test_container", "test_interface", "test_site", "test_docs",
    "test_judgement", "test_departures", "test_lanes", "test_ledger", "test_journey", "test_review", "test_described", "test_answer",
    "test_transfer_registers", "test_bench", "test_browsing", "test_console", "test_every_requirement", "test_false_statements",
    "test_impact", "test_kills", "test_overload", "test_readme", "test_reloading", "test_remedies", "test_rests_on",
    "test_rests_on_random", "test_sessions", "test_sign_in", "test_sign_off", "test_sign_off_scope",
)  # fmt: skip
RUN = pytest.StashKey["subprocess.Popen[bytes]"]()
SHUT = pytest.StashKey[Callable[[], None]]()
PROCESSOR = "seconds of the processor"  # a property of each report
SPENT = pytest.StashKey[float]()
MANY_TESTS = 2_000  # so many surely need the bundled policies

read_once.begin()

# Tests make applications and policies and drop them. Left at 700 new objects, looking for cycles is a fifth of their work.
gc.set_threshold(50_000, 20, 10)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--folders`: the table of `tests/README.md`. `--workers`: so many processes share out the tests."""
    parser.addoption("--workers", type=int, default=1, help="How many processes run the tests.")
    parser.addoption("--folders", action="store_true", help="At the end, print how long the tests of each folder took.")


def pytest_configure(config: pytest.Config) -> None:
    """
    Random tests try the same examples each time; `make fuzz` tries others, and more (`tests.time_shares`).

    Hypothesis also tries values that stand in the code. It reads every module that is imported for them, which takes seconds, and what it
    tries then depends on what was imported. So it does that in `make fuzz` only.
    """
    if config.option.markexpr == "fuzz":
        os.environ[FUZZ] = "1"
        config.pluginmanager.register(RandomTests(config), "random-tests")
    else:
        config.pluginmanager.register(SecondRuns(), "second-runs")
        assert callable(providers._get_local_constants)
        providers._get_local_constants = Constants
    at_random = FUZZ in os.environ
    settings.register_profile(
        "tests",
        derandomize=not at_random,
        database=None,
        # How fast an example is, and how fast it is made, depends on what else the machine does.
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first, so that no worker is left alone with it at the end; the test that waits comes last."""
    place = {stem: number for number, stem in enumerate(LONG)}
    items.sort(key=lambda item: (item.name == LAST, place.get(item.path.stem, len(LONG))))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the run while the tests are collected, where all of them are asked for."""
    config = session.config
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS and not (config.option.keyword or config.option.collectonly):
        _start(session)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the run where its test is among those to be run."""
    if not session.config.option.collectonly and FOLDER not in os.environ and any(item.name == LAST for item in session.items):
        _start(session)


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Share the tests out among workers, if several are wanted. They share the process that servers are copied from, too."""
    number = min(session.config.option.workers, len(session.items))
    if number < 2 or session.config.option.collectonly or session.testsfailed:
        return None
    folder, begin = ready_doors.opened()
    os.environ[READY] = str(folder)
    if len(session.items) > MANY_TESTS:
        read_once.read_bundled()
    workers = Workers(session, number)
    session.config.stash[SHUT] = begin()
    workers.follow()
    return True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End with the session what it began, however that ends."""
    if SHUT in session.config.stash:
        session.config.stash[SHUT]()
        del os.environ[READY]
    if RUN in session.config.stash:
        with suppress(ProcessLookupError):
            os.killpg(session.config.stash[RUN].pid, signal.SIGTERM)
        session.config.stash[RUN].wait()
        shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Each report has what the processor did since the one before, in this process and in those that it started and that have ended."""
    report = yield
    spent = sum(os.times()[:4])
    report.user_properties.append((PROCESSOR, spent - item.config.stash.get(SPENT, spent)))
    item.config.stash[SPENT] = spent
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How long the tests of each folder took, those that took longest first."""
    if not terminalreporter.config.option.folders:
        return
    folders: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0])
    for report in (
        each for reports in terminalreporter.stats.values() for each in reports if isinstance(each, pytest.TestReport)
    ):
        for folder in ("all tests", "/".join(report.nodeid.partition("::")[0].split("/")[1:-1][:2]) or "tests"):
            processor = sum(float(str(value)) for name, value in report.user_properties if name == PROCESSOR)
            took = (report.when == "call", report.duration, processor)
            folders[folder] = [before + more for before, more in zip(folders[folder], took, strict=True)]
    terminalreporter.write_sep("=", "seconds by folder")
    terminalreporter.write_line(
        "The processor's seconds leave out servers that go on, browsers and databases: they end after their tests."
    )
    terminalreporter.write_line("| tests | number | seconds of the clock | of the processor |\n|---|---:|---:|---:|")
    for folder, (number, clock, processor) in sorted(folders.items(), key=lambda each: -each[1][1]):
        terminalreporter.write_line(f"| `{folder}` | {number:,.0f} | {clock:.0f} | {processor:.0f} |")


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """
    What a command keeps of its run is in a folder of the tests, and not among what the commands of whoever runs the tests kept.

    Installers find what they loaded before.
    """
    before = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    with pytest.MonkeyPatch.context() as patch:
        for name, folder in (("UV_CACHE_DIR", "uv"), ("PIP_CACHE_DIR", "pip")):
            patch.setenv(name, os.environ.get(name) or str(before / folder))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def little_to_search() -> None:
    """What other tests left is not looked through where a test searches for cycles: with the bundled policies that takes a second."""
    gc.freeze()


@pytest.fixture
def agreement_run() -> tuple[int, str]:
    """The status of the long run and what it printed, once it has ended."""
    folder = Path(os.environ[FOLDER])
    while not (folder / "status").exists():
        time.sleep(0.2)
    return int((folder / "status").read_text()), (folder / "told").read_text()


def _start(session: pytest.Session) -> None:
    folder = Path(tempfile.mkdtemp(prefix="agreement-"))
    os.environ[FOLDER] = str(folder)
    options = ("--first", 0, "--bundles", BUNDLES, "--exchanges", EXCHANGES, "--completed", COMPLETED, "--nice", 10)
    command = shlex.join([sys.executable, "-m", "tests.engine.backends.agreement", *map(str, options)])
    script = f"{command} > told 2>&1; echo $? > status.part; mv status.part status"
    session.config.stash[RUN] = subprocess.Popen(
        ["sh", "-c", script], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True
    )
