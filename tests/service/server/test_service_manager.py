"""The manager of services is told once that the service answers, and no sooner."""

import os
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.server.service_manager import NOTIFY_SOCKET, tell_ready
from tests.service.conftest import running


@pytest.fixture(params=["file", "name without a file"])
def manager(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A socket as systemd waits at, named in the environment."""
    name = str(tmp_path / "notify") if request.param == "file" else f"@notify-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as waiting:
        waiting.bind(name.replace("@", "\0", 1))
        waiting.settimeout(60)
        monkeypatch.setenv(NOTIFY_SOCKET, name)
        yield waiting


def test_the_manager_is_told(manager: socket.socket) -> None:
    """In one datagram, at a path and at a name without a file."""
    assert tell_ready()
    assert manager.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "nowhere", "/no/such/file", "@no-such-name"])
def test_without_a_manager_nothing_happens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most services have none; one that has gone is not the service's concern."""
    monkeypatch.setenv(NOTIFY_SOCKET, address)
    assert not tell_ready()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_who_is_told_may_ask_at_once(workers: str, tmp_path: Path) -> None:
    """With one process and with workers, who are not the process that the manager started."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as waiting:
        waiting.bind(str(tmp_path / "notify"))
        waiting.settimeout(60)
        told = {NOTIFY_SOCKET: str(tmp_path / "notify")}
        with running(tmp_path / "log.db", "--workers", workers, environment=told) as server:
            assert waiting.recv(100) == b"READY=1"
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/readyz", timeout=60) as answer:
                assert answer.status == 200
            waiting.settimeout(0)
            with pytest.raises(BlockingIOError):
                waiting.recv(100)
