"""
`make fuzz`: random tests share out the time, a number of seconds in, a table of what each tried out.

Each test has a weight, and when it begins it gets that part of the time which nobody has yet: what one leaves is for those that follow.

- A random test that `make test` knows too (Hypothesis, and the mark `random`, of weight 3) is run round after round with other seeds, once
  at least. They come first.
- The long runs (`fuzz(weight=20)`) are next, the heaviest first. Their loops ask `tests.chance` how long they may go on.
- What tries fixed cases (`fuzz`) comes last. Those of a module that no time is left for are not tried.
"""

from __future__ import annotations

import functools
import math
import os
import secrets
import time
from collections.abc import Callable, Generator, Sequence
from multiprocessing.sharedctypes import RawArray
from types import SimpleNamespace
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import is_hypothesis_test
from hypothesis import seed as with_seed

from tests import chance

FIXED = 0.3  # weight
ROUNDS = 50  # of a test that is run again and again
FIGURES = "what was left to chance"  # a property of a report
_DONE = -1.0


class TimeShares:
    """The times of all tests of a run, known to every process that was forked since."""

    def __init__(self, weights: Sequence[float], groups: Sequence[object], deadline: float, workers: int) -> None:
        """
        Tests in their order, those of a group one after the other in one process.

        The deadline is by the monotonic clock, and infinite if each may run to its end.
        """
        self._weights, self._groups, self._deadline, self._workers = weights, groups, deadline, workers
        self._ends = RawArray("d", len(weights))  # of a test that runs; 0 of one that has not begun
        self._groups_end: dict[object, float] = {}  # of those that this process has begun

    @property
    def over(self) -> bool:
        """Whether nothing is left."""
        return time.monotonic() >= self._deadline

    def begin(self, number: int) -> tuple[float, float]:
        """When a test that begins now ends, and when its group does."""
        if math.isinf(self._deadline):
            return math.inf, math.inf
        now = time.monotonic()
        given = sum(max(0.0, ends - now) for ends in self._ends)
        left = max(0.0, self._deadline - now)
        waiting = [each for each, ends in enumerate(self._ends) if ends == 0]
        beside = [each for each in waiting if self._groups[each] == self._groups[number]]
        group = sum(self._weights[each] for each in beside)
        one = min(max(0.0, left * self._workers - given) / sum(self._weights[each] for each in waiting), left / group)
        self._ends[number] = now + one * self._weights[number]
        return self._ends[number], self._groups_end.setdefault(self._groups[number], now + one * group)

    def end(self, number: int) -> None:
        """Give back what a test has not used."""
        self._ends[number] = _DONE


class RandomTests:
    """A plugin that runs each test for its share of the time, and prints what it tried."""

    def __init__(self, config: pytest.Config) -> None:
        """With what the environment and the options say."""
        self._seconds = float(os.environ.get(chance.SECONDS, "inf"))
        self._workers: int = config.option.workers
        self._figures: dict[str, dict[str, Any]] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None]:
        """What is tried again and again is chosen by `-m fuzz` too."""
        for item in items:
            if _repeated(item):
                item.add_marker("fuzz")
        yield
        items.sort(key=lambda each: (not _repeated(each), -_weight(each)))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The time begins, and is shared out among those that are left."""
        self._began = time.monotonic()
        self._places = {item: number for number, item in enumerate(session.items)}
        weights, groups = [_weight(each) for each in session.items], [(each.path, _weight(each)) for each in session.items]
        self._shares = TimeShares(weights, groups, self._began + self._seconds, self._workers)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run a test once, or round after round until one fails or its share is over; the last round is what is reported."""
        began, place = time.monotonic(), self._places[item]
        first = int(os.environ.get(chance.FIRST_SEED) or secrets.randbelow(999_000_000) + 1_000_000)
        ends, group_ends = self._shares.begin(place)
        attempt = chance.Attempt(ends, first)
        chance.begin(attempt)
        if self._shares.over or (began >= group_ends and _weight(item) == FIXED):
            item.add_marker(pytest.mark.skip("the time was over before its turn came"))
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        repeated = _repeated(item)
        for number in range(ROUNDS if repeated else 1):
            attempt.seed = first + number
            reports = _round(item)
            if not all(each.passed for each in reports) or time.monotonic() >= attempt.ends:
                attempt.whole &= not repeated or number == ROUNDS - 1
                break
        self._shares.end(place)
        ended = pytest.CallInfo.from_call(lambda: item.session._setupstate.teardown_exact(nextitem), "teardown")
        if ended.excinfo is not None:
            reports.append(pytest.TestReport.from_item_and_call(item, ended))
        told = next((each for each in reports if not each.passed), reports[min(1, len(reports) - 1)])
        figures = {
            "rounds": number + 1,
            "tried": attempt.tried,
            "least": attempt.least,
            "whole": attempt.whole,
            "first": first if attempt.drawn else None,
            "last": attempt.seed,
            "seconds": time.monotonic() - began,
        }
        told.user_properties.append((FIGURES, figures))
        if told.failed and attempt.drawn:
            again = f"{chance.FIRST_SEED}={attempt.seed} .venv/bin/pytest -m fuzz '{item.nodeid}'"
            told.sections.append(("To repeat it", again))
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the figures."""
        for name, value in report.user_properties:
            if name == FIGURES:
                assert isinstance(value, dict)
                skipped = report.longrepr[2] if report.skipped and isinstance(report.longrepr, tuple) else ""
                self._figures[report.nodeid] = {**value, "outcome": report.outcome, "skipped": skipped}

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """With `-v`, what a test tried stands beside its name, and the seed with which it failed."""
        figures = dict(report.user_properties).get(FIGURES)
        if report.when != "call" or report.skipped or not isinstance(figures, dict):
            return None
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        word = "PASSED" if report.passed else f"FAILED (seed {figures['last']})"
        told = f"{word} {_number(figures)} in {figures['seconds']:.0f} s; {minutes}:{seconds:02} gone"
        return report.outcome, "." if report.passed else "F", told

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The table; tests without chance are counted in one line for each function."""
        gone, cores = time.monotonic() - self._began, self._workers
        terminalreporter.write_sep("=", f"random tests: {gone:.0f} of {self._seconds:.0f} seconds, {cores} at a time")
        terminalreporter.write_line("| test | examples | seconds | how it ended | seed |\n|---|---:|---:|---|---:|")
        for name, each in sorted(_rows(self._figures).items()):
            seed = "" if each["first"] is None or each["outcome"] == "skipped" else each["first"]
            terminalreporter.write_line(f"| `{name}` | {_number(each)} | {each['seconds']:.0f} | {_ended(each)} | {seed} |")


def _repeated(item: pytest.Item) -> bool:
    return item.get_closest_marker("random") is not None or is_hypothesis_test(getattr(item, "obj", None))


def _weight(item: pytest.Item) -> float:
    given = [float(mark.kwargs["weight"]) for mark in item.iter_markers() if "weight" in mark.kwargs]
    return max(given, default=3.0 if _repeated(item) else FIXED)


def _round(item: pytest.Item) -> list[pytest.TestReport]:
    """A test from its setup to its teardown; what its module shares stays for the next round."""
    test: Any = getattr(item, "obj", None)
    if is_hypothesis_test(test):
        with_seed(chance.seed(0))(test)
        inner = test.hypothesis.inner_test
        if not hasattr(inner, "counted"):
            test.hypothesis.inner_test = _counted(inner)
    following: Any = SimpleNamespace(listchain=lambda: item.listchain()[:-1])
    return runtestprotocol(item, log=False, nextitem=following)


def _counted(inner: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(inner)
    def counting(*args: Any, **kwargs: Any) -> Any:
        found = inner(*args, **kwargs)
        chance.tried(1, 0)
        return found

    vars(counting)["counted"] = True
    return counting


def _rows(figures: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The figures by the names of tests, those of one function as one where nothing was left to chance and all ended alike."""
    rows: dict[str, dict[str, Any]] = {}
    for name, each in figures.items():
        short = name.removeprefix("tests/")
        if each["first"] is None and not each["tried"]:
            short = f"{short.partition('[')[0]}{'' if _ended(each) == 'whole' else ': ' + _ended(each)}"
        before = rows.get(short, {**each, "seconds": 0.0, "tried": 0})
        rows[short] = {**each, "seconds": before["seconds"] + each["seconds"], "tried": before["tried"] + (each["tried"] or 1)}
    return rows


def _number(figures: dict[str, Any]) -> str:
    rounds = f" in {figures['rounds']} rounds" if figures["rounds"] > 1 else ""
    return f"{figures['tried'] or figures['rounds']:,}{rounds}"


def _ended(figures: dict[str, Any]) -> str:
    if figures["outcome"] == "failed":
        return "FAILED"
    if figures["outcome"] == "skipped":
        return f"not tried: {figures['skipped'].removeprefix('Skipped: ')}"
    if figures["tried"] < figures["least"]:
        return f"stopped before the {figures['least']:,} of `make test`"
    return "whole" if figures["whole"] else "stopped"
