"""What the tests of the service share: an exchange, the application in this process, and a server in one of its own."""

import gc
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import httpx._config as httpx_config
import httpx._transports.default as httpx_transports
import pytest
from starlette.testclient import TestClient

from service.audit.deep_verification import DeepVerification, snapshot
from service.callers import openid_provider, tokens
from service.log.store import Store
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store import row_seals
from service.store.database import file_of
from service.store.log_key import key_file
from service.store.upgrade import existing
from service.telemetry import log_lines
from tests.service import archives_once, commands_once, patience, ready_process, routes_on_demand, statements_once, unsynced
from tests.service.databases import KINDS, PostgreSQL

ROOT = Path(__file__).parents[2]
POLICIES = Path(__file__).parent / "bundle" / "policies"

routes_on_demand.on_demand()
statements_once.once()
commands_once.once()
archives_once.once()
unsynced.begin()
patience.begin()

# Whoever asks a server of this machine trusts whom the others trust: to read all authorities takes longer than most requests.
vars(httpx_transports)["create_ssl_context"] = cache(httpx.create_ssl_context)

# What httpx waits by itself, and who signs in for an issuer, is for machines that do little else.
for each in ("connect", "read", "write", "pool"):
    setattr(httpx_config.DEFAULT_TIMEOUT_CONFIG, each, 60.0)
vars(tokens).update(FETCH_SECONDS=30, WAIT_SECONDS=60)
vars(openid_provider).update(CALL_SECONDS=30, WAIT_SECONDS=60)

# Policies that are loaded again are searched for cycles with all else. Here that would be the bundled policies too, for a second.
gc.unfreeze = lambda: None

# Three personal values, of which none may be found in a leaf or in a log line.
PERSONAL = {
    "/evidence/cn-standard-contract/attested_by": "Wang Fang, notary",
    "/exporter/id": "practice-of-dr-li-na",
    "/recipient/id": "lab-of-dr-smith",
}
EXCHANGE: dict[str, Any] = {
    "as_of": "2024-06-01",
    "exporter": {"id": "practice-of-dr-li-na", "country": "CN"},
    "recipient": {"id": "lab-of-dr-smith", "country": "US"},
    "data": {"people": 12000},
    "evidence": {"cn-standard-contract": {"dated": "2024-05-01", "covers": True, "attested_by": "Wang Fang, notary"}},
}

# A server of these tests turns nobody away because a busy machine lets it write late; one of a test about that has its own value.
BUSY = {"FIFTHFACTOR_SHED_SECONDS": "60"}

# For a test of what the databases may do differently. Such tests run every statement of the service on both of them.
BOTH_DATABASES = pytest.mark.parametrize("database", KINDS, indirect=True)


def body(**changes: Any) -> bytes:
    """The exchange as bytes, with some of its parts changed."""
    return json.dumps({**EXCHANGE, **changes}).encode()


def as_recorded(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer as its record has it: without its explanation, and without until when it may be kept."""
    return {name: part for name, part in answer.items() if name not in ("explanation", "keep_until")}


class Lines(StringIO):
    """A log in memory, read back as events."""

    def events(self, name: str) -> list[dict[str, Any]]:
        """The events of one name."""
        return [line for line in map(json.loads, self.getvalue().splitlines()) if line["event"] == name]


@pytest.fixture
def lines() -> Lines:
    """Where the service of this test writes its log lines."""
    return Lines()


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path, tables: Path) -> Iterator[str]:
    """The address of a new database of its own: SQLite, and for a test of both also PostgreSQL."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield copied(tables, tmp_path)
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    url = server.new()
    yield url
    server.give_back(url)


def copied(tables: Path, folder: Path) -> str:
    """A copy of a database file and of the key beside it."""
    shutil.copy(key_file(tables), key_file(folder / tables.name))
    return str(shutil.copy(tables, folder / tables.name))


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with nothing in its tables, to be copied: making them takes longer than most tests."""
    made = tmp_path_factory.mktemp("tables") / "log.db"
    Store.open(made).close()
    small_pages(made)
    return made


def small_pages(file: Path) -> None:
    """
    Give a closed database pages of 4 KiB, an eighth of what the service asks for.

    Each table and index has one at least, and each test copies them all.
    """
    with closing(sqlite3.connect(file)) as connection:
        for statement in ("PRAGMA journal_mode = DELETE", "PRAGMA page_size = 4096", "VACUUM", "PRAGMA journal_mode = WAL"):
            connection.execute(statement)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real PostgreSQL server for the tests of this process."""
    with PostgreSQL.running() as server:
        yield server


def unlike_the_leaves(database: str) -> list[str]:
    """What deep verification finds in a database."""
    with existing(database) as opened, snapshot(opened) as connection:
        return [str(each) for each in DeepVerification(connection, opened).findings()]


# What records of a test may have used that no leaf says: tests put policies in the place of those that decide, which a service never does
# without a leaf, and one lets it decide as an earlier version did.
OTHERWISE: list[str] = []


@pytest.fixture
def audited(database: str) -> Iterator[list[str]]:
    """At the end of the test, when its services are closed, each row says what the leaves of the log say, except those listed here."""
    different: list[str] = []
    OTHERWISE[:] = ["its policies"]
    yield different
    assert [each for each in unlike_the_leaves(database) if not each.endswith(tuple(OTHERWISE))] == different


def sealed_again(service: Service) -> None:
    """Seal rows that a test wrote beside the service, as the service would have sealed them."""
    with service.store.database.transaction() as transaction:
        row_seals.seal_again(transaction, service.store.database.log_key())


@pytest.fixture
def service(database: str, lines: Lines) -> Iterator[Service]:
    """An open service with a database of its own."""
    opened = Service.open(Settings(watch=False, policies=POLICIES, database=database), say=log_lines.logger(lines))
    yield opened
    opened.close()


@pytest.fixture
def in_file(tmp_path: Path, lines: Lines, tables: Path) -> Iterator[Service]:
    """An open service whose database is a file, for what only a file can have happen to it."""
    copied(tables, tmp_path)
    opened = Service.open(
        Settings(watch=False, policies=POLICIES, database=str(tmp_path / "log.db")), say=log_lines.logger(lines)
    )
    yield opened
    opened.close()


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    """The application in this process."""
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        yield client


@pytest.fixture
def evaluate(client: TestClient) -> Callable[..., Any]:
    """Send an exchange; the answer's response."""

    def send(content: bytes = b"", **headers: str) -> Any:
        return client.post("/v1/evaluate", content=content or body(), headers={"content-type": "application/json", **headers})

    return send


def without_settings() -> dict[str, str]:
    """The environment of this process, in which nothing is set for the service, and the project can be imported."""
    kept = "FIFTHFACTOR_LOG_KEY"  # of the tests' own server of PostgreSQL
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FIFTHFACTOR_") or name == kept}
    return inherited | {"PYTHONPATH": os.pathsep.join(filter(None, [inherited.get("PYTHONPATH"), str(ROOT)]))}


class Server:
    """
    A real server: `fifthfactor serve` in a process of its own, on a free port.

    `fresh`: one that imports everything itself. `module`: a fresh one, started by this module.
    """

    def __init__(
        self,
        database: Path | str,
        *options: str,
        environment: dict[str, str] | None = None,
        folder: Path | None = None,
        policies: bool = True,
        fresh: bool = False,
        module: str = "",
    ) -> None:
        command = ["serve", "--port", "0", "--database", str(database)]
        if policies and "--policies" not in options:
            command += ["--policies", str(POLICIES)]
        folder = folder or (file_of(str(database)) or Path("here")).parent
        wanted = {**BUSY, **without_settings(), **(environment or {})}
        reads, writes = os.pipe()
        self._errors = os.fdopen(reads)
        self.process = self._start([*command, *options], folder, wanted, writes, module or ("service.cli" if fresh else ""))
        os.close(writes)
        self.log: list[str] = []
        self.address = ""
        self._started = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @staticmethod
    def _start(
        command: list[str], folder: Path, environment: dict[str, str], errors: int, module: str
    ) -> ready_process.Process | subprocess.Popen[bytes]:
        if module:
            program = [sys.executable, "-m", module, *command]
            return subprocess.Popen(
                program, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, cwd=folder, env=environment
            )
        with Path(os.devnull).open("wb") as nothing:
            return ready_process.start(*command, folder=folder, environment=environment, output=nothing.fileno(), errors=errors)

    def _read(self) -> None:
        for line in self._errors:
            self.log.append(line)
            if not self.address and '"event": "started"' in line:
                self.address = json.loads(line)["address"]
                self._started.set()
        self._started.set()

    def wait(self, seconds: float = 180) -> "Server":
        """Wait until it listens."""
        assert self._started.wait(seconds), "the server did not start"
        assert self.address, "".join(self.log)
        return self

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.address.rpartition(":")[2])

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(120)
        self._reader.join(120)
        return code

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of one name so far. The last one of a process that was killed may be a piece of a line."""
        return [
            event
            for event in map(json.loads, (line for line in list(self.log) if line.startswith("{") and line.endswith("\n")))
            if event["event"] == name
        ]


@contextmanager
def running(database: Path | str, *options: str, **more: Any) -> Iterator[Server]:
    """A server that listens, and is gone afterwards."""
    server = Server(database, *options, **more)
    try:
        yield server.wait()
    except BaseException:
        print("".join(server.log[-40:]))  # shown beside the failure
        raise
    finally:
        server.stop(signal.SIGKILL)


@pytest.fixture
def server(tmp_path: Path, database: str) -> Iterator[Server]:
    """A real server with a database of its own."""
    with running(database, folder=tmp_path) as server:
        yield server


def eventually(holds: Callable[[], object], seconds: float = 120) -> None:
    """Wait until something holds. It is asked less and less often, up to five times a second: what is waited for needs the processor."""
    until, pause = time.monotonic() + seconds, 0.01
    while not holds():
        assert time.monotonic() < until, "it did not come to hold"
        time.sleep(pause)
        pause = min(pause * 1.2, 0.2)
