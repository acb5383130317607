"""A database file that is gone or damaged beside what belongs to it: nothing is begun anew or thrown away, and a sentence helps."""

import json
import resource
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from service.cli.main import app
from service.log.store import Store
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store.database import Database, DatabaseRefused
from service.store.log_key import key_file
from service.telemetry import log_lines
from tests.service.conftest import POLICIES, Lines, body, eventually, running
from tests.service.log.test_store import append, entry, sound
from tests.service.server.test_server import ask

JSON = {"content-type": "application/json"}


def killed(folder: Path) -> Path:
    """A database whose process was killed: its last records are in the write-ahead log only."""
    path = folder / "log.db"
    with running(path, folder=folder) as server:
        for _ in range(3):
            assert ask(server, "POST", "/v1/evaluate", body())[0] == 200
        server.stop(signal.SIGKILL)
    assert Path(f"{path}-wal").stat().st_size > 0
    return path


@pytest.mark.parametrize("empty", [False, True])
def test_the_last_writes_of_a_database_that_is_gone_are_kept(tmp_path, empty):
    """SQLite would delete them. Whoever starts or asks is told, nothing is made, and with the file everything is there again."""
    path = killed(tmp_path)
    away = path.rename(tmp_path / "away.db")
    if empty:
        path.touch()
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    with pytest.raises(
        DatabaseRefused, match=r"is missing or empty, and .*log\.db-wal` has its last writes: put the database back"
    ):
        Store.open(path)
    done = CliRunner().invoke(app, ["doctor", "--without-policies", "--json", "--database", str(path)])
    assert "database-missing" in {each["code"] for each in json.loads(done.stdout)["findings"]}
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before
    away.rename(path)
    with Store.open(path) as store:
        assert sound(store) == 3


def test_beside_the_key_of_a_log_no_other_is_begun(tmp_path):
    """Where the disk of the database is not mounted, or its name is another: no file is made. Without the key a new log begins."""
    path = tmp_path / "log.db"
    with Store.open(path) as store:
        append(store, entry(1))
    path.unlink()
    with pytest.raises(DatabaseRefused, match=r"is missing, and .*log-key` of its log is there: put the database back"):
        Store.open(path)
    assert not path.exists()
    for each in (key_file(path), Database.open(str(tmp_path / "x.db"), None).kept.path, tmp_path / "log.db.log-key.checkpoint"):
        each.unlink(missing_ok=True)
    Store.open(path).close()


def page_of(path: Path, index: str) -> tuple[int, int]:
    """Where the first page of an index begins in the file, and how many bytes it has."""
    with closing(sqlite3.connect(path)) as raw:
        (root,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (index,)).fetchone()
        (size,) = raw.execute("PRAGMA page_size").fetchone()
    return (root - 1) * size, size


def test_what_cannot_be_read_is_no_permit_and_a_line_says_why(tmp_path, tables, lines: Lines):
    """A page of the register is damaged. The copy of a backup has it whole again, since no record was hurt."""
    path = Path(shutil.copy(tables, tmp_path / "log.db"))
    shutil.copy(key_file(tables), key_file(path))
    settings = Settings(watch=False, policies=POLICIES, database=str(path))
    with closing(Service.open(settings)) as service:
        client = TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080")
        assert client.post("/v1/evaluate", content=body(), headers=JSON).status_code == 200
    at, size = page_of(path, "sqlite_autoindex_entity_1")
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes(range(256)) * (size // 256))
    with closing(Service.open(settings, say=log_lines.logger(lines))) as service:
        client = TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080")
        for _ in range(3):
            answer = client.post("/v1/evaluate", content=body(), headers=JSON)
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:fifthfactor:problem:not-ready")
    assert [each["reason"] for each in lines.events("read_failed")] == ["database disk image is malformed"]
    copy = tmp_path / "copy.db"
    assert CliRunner().invoke(app, ["database", "backup", str(copy), "--database", str(path)]).exit_code == 0
    copy.rename(path)
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    with closing(Service.open(settings)) as service:
        client = TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080")
        assert client.post("/v1/evaluate", content=body(), headers=JSON).status_code == 200


def test_a_disk_that_fills_up_and_is_emptied(tmp_path):
    """The files of the service may not grow, then they may: refused, then answered, without a start. Every answer is in the log."""
    path = tmp_path / "log.db"
    with running(path, folder=tmp_path) as server:
        pid, written = server.process.pid, Path(f"{path}-wal")
        answered = {json.loads(ask(server, "POST", "/v1/evaluate", body())[1])["id"]}
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (written.stat().st_size + 100_000, resource.RLIM_INFINITY))
        for _ in range(50):
            status, content = ask(server, "POST", "/v1/evaluate", body())
            if status != 200:
                break
            answered.add(json.loads(content)["id"])
        assert (status, json.loads(content)["type"]) == (503, "urn:fifthfactor:problem:not-recorded")
        assert ask(server, "GET", "/readyz")[0] == 503
        eventually(lambda: server.events("log_failed"))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert ask(server, "GET", "/readyz")[0] == 200
        answered.add(json.loads(ask(server, "POST", "/v1/evaluate", body())[1])["id"])
        assert server.stop() == 0
    with Store.open(path) as store:
        assert {each.entry.id for each in store.scan()} == answered
        assert sound(store) == len(answered)
