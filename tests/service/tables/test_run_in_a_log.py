"""With a database a run is one leaf of its log, and its rows may take what the register and the ledger said at one moment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from service.cli.main import app
from service.store.tables import record, tree_leaf
from service.store.upgrade import existing
from service.tables.manifest import read_manifest
from tests.service.conftest import copied, unlike_the_leaves
from tests.service.tables.small_tables import NAMES, outcomes, policies, rows, write_csv

SOUND = [row for row in rows(60) if row[1] != "Germny" and row[2] != "no"][:20]
LEDGER = ("number", "exporter.id", "exporter.country", "data.personal", "data.categories", "data.people")


@pytest.fixture
def here(tmp_path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with policies, a table and an empty log."""
    policies(tmp_path / "policies")
    write_csv(tmp_path / "in.csv", SOUND, tuple("data.categories" if name == "kind" else name for name in NAMES))
    copied(tables, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def decide(*options: str) -> Result:
    common = ("--policies", "policies", "--key", "number", "--explain", "2", "--database", "log.db")
    return CliRunner().invoke(app, ["decide", "in.csv", "-o", "out.jsonl", *common, *options])


def test_a_run_is_one_leaf_and_no_row_is_recorded(here: Path) -> None:
    """The leaf has the digest of the manifest; the log verifies, and so does the run against it."""
    done = decide()
    assert done.exit_code == 0, done.stderr
    manifest = read_manifest(here / "out.manifest.json")
    assert manifest.log is not None
    assert f"the run is leaf {manifest.log.leaf}" in done.stderr
    with existing("log.db", None) as opened, opened.reading.connect() as connection:
        [leaf] = connection.execute(sa.select(tree_leaf.c.leaf).where(tree_leaf.c.kind == "table-run")).scalars()
        assert connection.execute(sa.select(sa.func.count()).select_from(record)).scalar() == 0
    told = json.loads(leaf)
    assert told["root"] == manifest.tree.root
    assert told["rows"] == 20
    assert told["counters"] == "stated"
    assert unlike_the_leaves("log.db") == []
    for options in (
        ["log", "verify", "--deep", "--database", "log.db"],
        ["log", "verify", "--run", "out.manifest.json", "--database", "log.db"],
    ):
        done = CliRunner().invoke(app, options)
        assert done.exit_code == 0, done.stdout + done.stderr
    assert "of the log" in done.stdout


def test_a_manifest_that_was_changed_is_not_that_of_the_leaf(here: Path) -> None:
    """Another day, another leaf, none at all: each is a fault against the database."""
    assert decide().exit_code == 0
    path = here / "out.manifest.json"
    whole = json.loads(path.read_bytes())
    verify = ["log", "verify", "--run", "out.manifest.json", "--database", "log.db"]
    for changed in (
        {"decided_by": {**whole["decided_by"], "as_of": "2020-01-01"}},
        {"log": {**whole["log"], "leaf": 0}},
        {"log": {**whole["log"], "leaf": 10_000}},
        {"log": None},
    ):
        path.write_text(json.dumps({**whole, **changed}))
        done = CliRunner().invoke(app, verify)
        assert done.exit_code == 1, changed
    path.write_text(json.dumps(whole))
    assert CliRunner().invoke(app, verify).exit_code == 0


def test_rows_take_what_the_register_says(here: Path) -> None:
    """An id that is registered fills its facts; one that only looks like it is a problem of its row; the manifest names the register."""
    entities = {"schema": "fifthfactor/register/1", "entities": [{"kind": "party", "id": "clinic", "facts": {"country": "DE"}}]}
    (here / "entities.json").write_text(json.dumps(entities))
    done = CliRunner().invoke(app, ["register", "import", "entities.json", "--database", "log.db", "--policies", "policies"])
    assert done.exit_code == 0, done.stderr
    write_csv(here / "in.csv", [("1", "clinic"), ("2", "Clinic"), ("3", "other")], ("number", "exporter.id"))
    assert decide().exit_code == 0
    assert set(outcomes(here / "out.jsonl").values()) == {"undetermined"}
    assert decide("--register").exit_code == 1
    assert outcomes(here / "out.jsonl") == {"1": "not_applicable", "2": "problem", "3": "undetermined"}
    manifest = read_manifest(here / "out.manifest.json")
    assert manifest.log is not None
    assert manifest.decided_by.register_of == manifest.log.origin
    assert manifest.faults.any is False


def test_rows_take_the_counters_of_the_ledger(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that is complete since a day has nothing of this exporter, so what the row itself adds is all."""
    monkeypatch.setenv("FIFTHFACTOR_LEDGER_SINCE", "2020-01-01")
    write_csv(here / "in.csv", [("1", "a", "CN", "no", "weather", ""), ("2", "", "CN", "no", "weather", "")], LEDGER)
    assert decide().exit_code == 0
    assert outcomes(here / "out.jsonl") == {"1": "undetermined", "2": "undetermined"}
    write_csv(here / "in.csv", [("1", "a", "CN", "yes", "weather", "5"), ("2", "", "CN", "yes", "weather", "5")], LEDGER)
    done = decide("--counters", "snapshot")
    assert done.exit_code == 0, done.stderr
    assert outcomes(here / "out.jsonl") == {"1": "requirements_unmet", "2": "undetermined"}
    assert read_manifest(here / "out.manifest.json").decided_by.counters == "snapshot"


@pytest.mark.parametrize("options", [("--register",), ("--counters", "snapshot")])
def test_what_is_of_a_database_needs_one(here: Path, options: tuple[str, ...]) -> None:
    """Nobody guesses which."""
    done = CliRunner().invoke(app, ["decide", "in.csv", "-o", "out.jsonl", "--policies", "policies", *options])
    assert done.exit_code == 2
    assert "--database" in done.stderr
