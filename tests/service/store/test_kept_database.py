"""
Databases that earlier versions made, with every kind of row: this version upgrades each, verifies it and decides its records again.

`RECORD=1 pytest tests/service/store/test_kept_database.py` makes the file of this version anew; right only until it is out.
"""

import json
import os
import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from starlette.testclient import TestClient

import engine
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store import log_key
from service.store.kept_checkpoint import KeptCheckpoint
from service.store.tables import metadata
from service.store.upgrade import existing
from service.telemetry import log_lines
from tests.service.audit.test_deep_verification import filled
from tests.service.cli.test_log import run
from tests.service.conftest import EXCHANGE, POLICIES, Lines
from tests.service.console.test_links import PAGE
from tests.service.tables.small_manifest import MANIFEST

__all__ = ["filled"]

KEPT = [
    Path(__file__).with_name(f"database-{version}.tar.gz")
    for version in ("0.12.0", "0.13.0", "0.14.0", "0.15.0", "0.16.0", "0.17.0", "0.18.0", "1.0.0")
]
ADDED_TO = KEPT[6:]  # since 0.18.0 an upgrade only adds
PROMISED = KEPT[7:]  # since 1.0.0 a kind of leaf keeps its members
NEWEST = Path(__file__).with_name(f"database-{engine.__version__}.tar.gz")
MOST_BYTES = 300_000
HELD = [
    "asset_entry",
    "benefit",
    "bundle",
    "caller",
    "commitment",
    "document",
    "document_confirmation",
    "entity",
    "flow",
    "movement",
    "opening",
    "person",
    "personal",
    "promise",
    "record",
    "review_case",
    "review_note",
    "right_line",
    "right_opening",
    "settlement",
    "sign_off",
    "watch_event",
]
HELD_SINCE_1 = ["session", "sink_cursor"]


@pytest.fixture(scope="module")
def fuller(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with what else is easily had: a session, a receipt, a run over a table, a sink, and a key of the log that was replaced."""
    folder = tmp_path_factory.mktemp("fuller")
    for file in filled.parent.glob("log.db*"):
        shutil.copy(file, folder)
    url = str(folder / "log.db")
    code, key, said = run(url, "keys", "create", "--name", "desk", *(f"--scope={each}" for each in ("evaluate", "read")))
    assert code == 0, said
    headers = {"authorization": f"Bearer {key.split()[-1]}"}
    settings = Settings(watch=False, watch_commitments=False, policies=POLICIES, database=url, mode="bitset")
    service = Service.open(settings, say=log_lines.logger(Lines()))
    with closing(service), TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        decided = client.post("/v1/evaluate", json=EXCHANGE, headers=headers).raise_for_status().json()["id"]
        client.get(f"/v1/decisions/{decided}/receipt", headers=headers).raise_for_status()
        client.post("/v1/runs", json=MANIFEST, headers=headers).raise_for_status()
        token = client.get("/sign-in", headers=PAGE).text.partition('name="token" value="')[2][:64]
        signed_in = {"token": token, "key": headers["authorization"].removeprefix("Bearer ")}
        assert client.post("/sign-in", data=signed_in, headers=PAGE, follow_redirects=False).status_code == 303
        form = PAGE | {"origin": "http://127.0.0.1:8080", "content-type": "application/x-www-form-urlencoded"}
        token = client.get("/log", headers=PAGE).text.partition('name="token" value="')[2][:64]
        assert client.post("/sign-out", content=f"token={token}", headers=form, follow_redirects=False).status_code == 303
    sinks = folder / "sinks.yaml"
    sinks.write_text(f"- name: files\n  kind: files\n  folder: {folder}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIFTHFACTOR_SINKS", str(sinks))
        assert run(url, "events", "move", "files", "--from", "now")[0] == 0
    for command in (["log", "reindex"], ["log", "rotate-key"]):
        code, _, said = run(url, *command)
        assert code == 0, said
    return Path(url)


def keep(fuller: Path) -> None:
    """Pack a copy of a database, its key and the last checkpoint."""
    small = fuller.with_name("small.db")
    with closing(sqlite3.connect(fuller)) as connection:
        connection.execute("VACUUM INTO ?", (str(small),))
    key = log_key.key_file(fuller)
    named = {small: "log.db", key: "log.db.log-key", KeptCheckpoint(key).path: "log.db.log-key.checkpoint"}
    with tarfile.open(NEWEST, "w:gz", compresslevel=9) as packed:
        for file, name in named.items():
            packed.add(file, name, filter=lambda info: info.replace(uid=0, gid=0, uname="", gname="", deep=False))


@pytest.fixture(scope="module", params=KEPT, ids=lambda each: each.name)
def archive(request: pytest.FixtureRequest) -> Path:
    """Each file; that of this version is made anew if that is asked for."""
    if os.environ.get("RECORD") and request.param == NEWEST:
        keep(request.getfixturevalue("fuller"))
    kept: Path = request.param
    return kept


@pytest.fixture
def kept(archive: Path, tmp_path: Path) -> str:
    """A copy of the database."""
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    return str(tmp_path / "log.db")


def test_it_is_upgraded_verified_and_decided_again(kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As any later version has to: its tables are those of now, each row is as the leaves say, each record means the same."""
    monkeypatch.setattr(engine, "__version__", "99.0.0")
    assert run(kept, "database", "upgrade")[0] == 0
    with existing(kept) as database, database.reading.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata) == []
    code, shown, said = run(kept, "log", "verify", "--deep")
    assert (code, "no faults" in shown) == (0, True), shown + said
    code, shown, said = run(kept, "replay", "--all", "--json", "--processes", "1")
    found = json.loads(shown)
    assert (code, found["holds"], found["findings"]) == (0, True, []), shown + said
    assert {name for name, number in found["counts"].items() if number} <= {"bytes", "meaning", "without-erased", "erased"}


def test_its_records_are_found_and_shown(kept: str) -> None:
    """The newest ones, with their proofs."""
    assert run(kept, "database", "upgrade")[0] == 0
    code, shown, said = run(kept, "log", "search", "--limit", "5", "--json")
    found = [json.loads(line) for line in shown.splitlines()]
    assert (code, len(found)) == (0, 5), said
    for each in found:
        code, shown, said = run(kept, "log", "show", each["id"], "--json")
        assert code == 0, said
        assert json.loads(shown)["record"]["decision"]["outcome"] == each["outcome"]


@pytest.mark.parametrize("archive", ADDED_TO, indirect=True, ids=lambda each: each.name)
def test_an_upgrade_only_adds(kept: str) -> None:
    """So that workers of the version before go on: no table and no column goes or is another, and a new column may be null."""
    before = columns(kept)
    assert run(kept, "database", "upgrade")[0] == 0
    after = columns(kept)
    assert {table for table in before if table not in after} == set()
    for table, was in before.items():
        assert {name: after[table].get(name) for name in was} == was, table
        assert {name for name in after[table].keys() - was.keys() if after[table][name][1]} == set(), table


def columns(file: str) -> dict[str, dict[str, tuple[str, int]]]:
    """Of each table, each column with its type and whether it must be given."""
    with closing(sqlite3.connect(file)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            table: {name: (type, must) for _, name, type, must, *_ in connection.execute(f"PRAGMA table_info({table})")}
            for table in tables
        }


@pytest.mark.parametrize("archive", PROMISED, indirect=True, ids=lambda each: each.name)
def test_a_leaf_that_is_written_now_has_the_members_that_it_had(kept: str, fuller: Path) -> None:
    """Those of each kind of leaf that the version wrote."""
    then, now = members(kept), members(str(fuller))
    assert {kind: sorted(names - now.get(kind, set())) for kind, names in then.items() if names - now.get(kind, set())} == {}
    assert len(then) > 43


def members(file: str) -> dict[str, set[str]]:
    """Of each kind of leaf, all members that one has; those of a record too."""
    found: dict[str, set[str]] = {}
    with closing(sqlite3.connect(file)) as connection:
        for kind, leaf in connection.execute("SELECT kind, leaf FROM tree_leaf UNION ALL SELECT 'record', leaf FROM record"):
            found.setdefault(kind, set()).update(json.loads(leaf))
    return found


def test_it_has_rows_of_every_kind_and_is_small(kept: str, archive: Path) -> None:
    """Decisions, commitments, what was promised and paid, sign-offs, rights, the register, documents, keys and the watch."""
    assert archive.stat().st_size < MOST_BYTES
    held = [*HELD, *(HELD_SINCE_1 if archive in PROMISED else ())]
    with closing(sqlite3.connect(kept)) as connection:
        assert [name for name in held if connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone() is None] == []
