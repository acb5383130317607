"""
A test of processes, sockets and databases that fails is run once more: failed tests in, at most three forgiven, each shown.

Such a test meets what else the machine does. One of ten thousand that fails by chance would say that all is wrong, so it gets a second
run. The traceback of the first is printed at the end under its own heading: a fault of the service can hide there, and somebody has to look
for it. Where more than three tests passed only so, the run has failed.

Tests of the engine and of the promises get none, and neither do those of `make fuzz`. Random tests try the same examples again.
"""

from __future__ import annotations

import pytest

NONE = ("tests/engine", "tests/promises")
MOST = 3
ONCE_MORE = pytest.mark.flaky(reruns=1)


class SecondRuns:
    """A plugin of a session."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Mark the tests that may have a second run."""
        folders = [config.rootpath / each for each in NONE]
        for item in items:
            if not any(item.path.is_relative_to(each) for each in folders):
                item.add_marker(ONCE_MORE)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Too many are a failure."""
        if exitstatus == pytest.ExitCode.OK and len(_again(session.config)) > MOST:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Why each failed at first."""
        again = _again(terminalreporter.config)
        if not again:
            return
        terminalreporter.write_sep("=", f"{len(again)} run twice, at most {MOST} may be: look for the reason")
        for report in again:
            terminalreporter.write_sep("_", report.nodeid)
            terminalreporter.write_line(report.longreprtext)
            for title, text in report.sections:
                terminalreporter.write_sep("-", title)
                terminalreporter.write_line(text)


def _again(config: pytest.Config) -> list[pytest.TestReport]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return list(reporter.stats.get("rerun", [])) if reporter else []
