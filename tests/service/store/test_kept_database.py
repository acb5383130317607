"""
Databases that earlier versions made, with every kind of row: this version upgrades each, verifies it and decides its records again.

`RECORD=1 pytest tests/service/store/test_kept_database.py` makes the file of this version anew; right only until it is out.
"""

import json
import os
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import engine
from service.store import log_key
from service.store.kept_checkpoint import KeptCheckpoint
from service.store.tables import metadata
from service.store.upgrade import existing
from tests.service.audit.test_deep_verification import filled
from tests.service.cli.test_log import run

__all__ = ["filled"]

KEPT = [
    Path(__file__).with_name(f"database-{version}.tar.gz")
    for version in ("0.12.0", "0.13.0", "0.14.0", "0.15.0", "0.16.0", "0.17.0", "0.18.0")
]
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


def keep(filled: Path) -> None:
    """Pack a copy of a database, its key and the last checkpoint."""
    small = filled.with_name("small.db")
    with closing(sqlite3.connect(filled)) as connection:
        connection.execute("VACUUM INTO ?", (str(small),))
    key = log_key.key_file(filled)
    named = {small: "log.db", key: "log.db.log-key", KeptCheckpoint(key).path: "log.db.log-key.checkpoint"}
    with tarfile.open(NEWEST, "w:gz", compresslevel=9) as packed:
        for file, name in named.items():
            packed.add(file, name, filter=lambda info: info.replace(uid=0, gid=0, uname="", gname="", deep=False))


@pytest.fixture(scope="module", params=KEPT, ids=lambda each: each.name)
def archive(request: pytest.FixtureRequest) -> Path:
    """Each file; that of this version is made anew if that is asked for."""
    if os.environ.get("RECORD") and request.param == NEWEST:
        keep(request.getfixturevalue("filled"))
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


def test_it_has_rows_of_every_kind_and_is_small(kept: str, archive: Path) -> None:
    """Decisions, commitments, what was promised and paid, sign-offs, rights, the register, documents, keys and the watch."""
    assert archive.stat().st_size < MOST_BYTES
    with closing(sqlite3.connect(kept)) as connection:
        assert [name for name in HELD if connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone() is None] == []
