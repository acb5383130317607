"""
The long run of random agreement begins with the session and is waited for by its test, which comes last.

Its children are nice, so that the other tests have what they need of the processors, and take the rest.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).parent.parent
LAST = "test_the_engines_agree_and_are_safe"
RUN = pytest.StashKey[tuple["subprocess.Popen[bytes]", IO[bytes]]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The test that waits comes last."""
    items.sort(key=lambda item: item.name == LAST)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the run where its test is among those to be run."""
    if not session.config.option.collectonly and any(item.name == LAST for item in session.items):
        told = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the session ends
        command = [sys.executable, "-m", "tests.backends.agreement", "--first", "0", "--nice", "10"]
        session.config.stash[RUN] = (subprocess.Popen(command, cwd=ROOT, stdout=told, stderr=told), told)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the run with the session, however that ends."""
    if RUN in session.config.stash:
        run, told = session.config.stash[RUN]
        run.terminate()
        run.wait()
        told.close()


@pytest.fixture
def agreement_run(request: pytest.FixtureRequest) -> tuple[int, str]:
    """The status of the long run and what it printed, once it has ended."""
    run, told = request.config.stash[RUN]
    status = run.wait()
    told.seek(0)
    return status, told.read().decode()
