"""A long command that is stopped ends its part, says what it has and how to go on, and ends with 143 or 130."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result

import engine
from service.cli.main import app
from service.cli.stopping import stoppable
from service.decisions.log_replay import LogReplay
from service.log.store import scan
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.tables.row_tree import row_entry
from service.telemetry import log_lines

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


def stopped_in(call: Callable[..., Any], number: int) -> Callable[..., Any]:
    """A function during whose first call a signal comes."""
    still = [number]

    def stopped(*given: Any, **named: Any) -> Any:
        if still:
            os.kill(os.getpid(), still.pop())
        return call(*given, **named)

    return stopped


def run(*arguments: str) -> Result:
    """A command in this process."""
    return CliRunner().invoke(app, arguments)


@SIGNALS
def test_parts_end_with_the_one_in_which_the_signal_came(number: int) -> None:
    """Whoever makes the parts is told that nobody wants more; a second signal ends at once; then signals do what they did."""
    done: list[str] = []

    def parts() -> Iterator[int]:
        try:
            yield from range(5)
        finally:
            done.append("closed")

    before = signal.getsignal(number)
    with stoppable() as stopping:
        for part in stopping.until(parts()):
            done.append(str(part))
            if part == 1:
                os.kill(os.getpid(), number)
        assert done == ["0", "1", "closed"]
        assert stopping.told("after 2 parts", "begin anew") == 128 + number
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before


@SIGNALS
def test_tests_of_policies_say_how_many_files_were_tried(here: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """With what the cases of the first file came to."""
    text = (here / "old" / "law.test.yaml").read_text()
    (here / "old" / "more.test.yaml").write_text(text.replace("cases:", "# more of them\ncases:"))
    monkeypatch.setattr("service.cli.processes.os.cpu_count", lambda: 1)
    monkeypatch.setattr(engine, "run", stopped_in(engine.run, number))
    done = run("test", "old")
    assert done.exit_code == 128 + number, done.output
    assert " passed, 0 failed" in done.stdout
    assert done.stderr.startswith(
        "stopped after 1 of 2 test files: the same command begins anew; `--only NAME` runs some files"
    )


def test_a_table_says_how_many_rows_were_decided(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No half of a part is left, and the same command decides the rest."""
    (here / "rows").mkdir()
    for part in ("a", "b"):
        (here / "rows" / f"{part}.csv").write_text("exporter.country,data.people\nAA,5\nAA,6\n")
    command = ("decide", "rows", "-o", "out", "--policies", "old", "--explain", "0")
    with monkeypatch.context() as patch:
        patch.setattr("service.tables.run.row_entry", stopped_in(row_entry, signal.SIGTERM))
        done = run(*command)
    assert (done.exit_code, done.stderr) == (
        143,
        "stopped after 2 rows: the same command begins with the part that it had not finished\n",
    )
    assert not (here / "out" / "a.csv").exists()
    done = run(*command)
    assert done.exit_code == 0, done.output
    assert "4 rows" in done.stderr


@pytest.fixture
def log(here: Path) -> str:
    """The log of a service with three records."""
    settings = Settings(watch=False, policies=here / "old", database=here / "log.db")
    service = Service.open(settings, say=log_lines.logger(StringIO()))
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        for people in (5, 6, 7):
            sent = {"exporter": {"country": "AA"}, "data": {"people": people}, "as_of": "2024-06-01"}
            assert client.post("/v1/evaluate", json=sent).status_code == 200
    return str(here / "log.db")


def test_a_replay_says_where_to_go_on(log: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And goes on there."""
    monkeypatch.setattr("service.decisions.log_replay.PART", 1)
    with monkeypatch.context() as patch:
        patch.setattr(LogReplay, "part", stopped_in(LogReplay.part, signal.SIGTERM))
        done = run("replay", "--all", "--database", log, "--processes", "1")
    assert (done.exit_code, done.stderr) == (143, "stopped after 1 of 3 records: go on with --after 0\n")
    assert "1 record replayed" in done.stdout
    assert "2 records replayed" in run("replay", "--all", "--database", log, "--after", "0").stdout


def test_a_verification_says_that_nothing_is_known(log: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of a log that is sound says nothing of the log."""
    monkeypatch.setattr("service.log.verification.scan", stopped_in(scan, signal.SIGTERM))
    done = run("log", "verify", "--deep", "--database", log)
    assert done.exit_code == 143, done.output
    assert "nothing is known of the whole log; the same command begins anew" in done.stderr
    assert "fault" not in done.stdout
