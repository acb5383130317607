"""A folder that a stopped process holds: whoever needs it waits for a bounded time, and says who holds it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from service.log.store import Store
from service.receipts import file_lock
from service.receipts.file_lock import LockHeld
from service.store.database import DatabaseRefused
from service.store.durable_file import alone_in
from service.store.log_key import LogRefused
from tests.service.conftest import eventually
from tests.service.log.test_store import append, entry, sound

HOLDS = (
    "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
)


@contextmanager
def holding(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds a folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        try:
            yield other
        finally:
            other.kill()


def stop(other: subprocess.Popen[str]) -> None:
    """Stop a process as SIGSTOP does, and wait until it is."""
    other.send_signal(signal.SIGSTOP)
    eventually(lambda: Path(f"/proc/{other.pid}/stat").read_text().split()[2] == "T")


def test_who_holds_a_folder_is_said_and_for_how_long(tmp_path):
    """With what to do if the process is stopped; when it lets go, the folder is free."""
    with holding(tmp_path) as other:
        with pytest.raises(LockHeld) as held, alone_in(tmp_path, seconds=0.1):
            pass
        assert held.value.strerror == f"the process {other.pid} has held the folder `{tmp_path}` for more than 0.1 seconds"
        stop(other)
        with (
            pytest.raises(LockHeld, match=rf", and is stopped: let it go on with `kill -CONT {other.pid}`"),
            alone_in(tmp_path, seconds=0.1),
        ):
            pass
    with alone_in(tmp_path, seconds=0.1):
        pass


def test_a_kernel_that_tells_no_holder_is_no_error(tmp_path, monkeypatch):
    """As in a container whose processes have numbers of their own."""
    monkeypatch.setattr(file_lock, "_LOCKS", tmp_path / "none")
    with (
        holding(tmp_path),
        pytest.raises(LockHeld, match="another process has held the folder"),
        alone_in(tmp_path, seconds=0.1),
    ):
        pass


def test_no_start_and_no_end_of_a_service_waits_for_ever_for_a_stopped_process(tmp_path, monkeypatch):
    """A start ends with the sentence. A log that is open records on, and keeps its checkpoint once the process goes on."""
    monkeypatch.setattr(file_lock, "HELD_SECONDS", 0.2)
    path = tmp_path / "log.db"
    with Store.open(path) as store:
        append(store, entry(1))
    failures: list[str] = []
    with closing(Store.open(path)) as store, holding(tmp_path) as other:
        store.writer.on_failure = failures.append
        stop(other)
        append(store, entry(2))
        eventually(lambda: failures)
        assert f"cannot be kept: the process {other.pid} has held the folder" in failures[0]
        with pytest.raises((DatabaseRefused, LogRefused), match=f"the process {other.pid} has held the folder"):
            Store.open(path)
        other.kill()
        append(store, entry(3))
    with Store.open(path) as store:
        assert sound(store) == 3
