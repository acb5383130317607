"""`decide --commit`: rows that may proceed are committed in their order, each by itself, once for its key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from service.callers.caller import Caller
from service.callers.context import Committing
from service.cli.database_access import open_service
from service.cli.main import app
from service.decisions.commitment_writer import CommitmentWriter, WithdrawSent
from service.store.tables import commitment, record
from service.store.upgrade import existing
from service.tables import committed_rows
from service.tables.manifest import read_manifest
from tests.service.conftest import copied
from tests.service.tables.small_tables import policies, write_csv

NAMES = ("number", "exporter.id", "exporter.country", "data.personal", "data.categories", "data.people", "evidence.contract")
CONTRACT = json.dumps({"dated": "2024-01-01", "covers": True})


def row(number: str, people: str = "300", kind: str = "weather", exporter: str = "a") -> tuple[str, ...]:
    return (number, exporter, "CN", "yes", kind, people, CONTRACT)


@pytest.fixture
def here(tmp_path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with policies and an empty log whose ledger is complete since a day."""
    policies(tmp_path / "policies")
    copied(tables, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIFTHFACTOR_LEDGER_SINCE", "2020-01-01")
    return tmp_path


def commit(rows: Sequence[Sequence[str]], *options: str) -> Result:
    write_csv(Path("in.csv"), rows, NAMES)
    common = ("--policies", "policies", "--explain", "0", "--database", "log.db", "--commit")
    return CliRunner().invoke(app, ["decide", "in.csv", "-o", "out.jsonl", *common, *(options or ("--key", "number"))])


def told() -> dict[str, dict[str, Any]]:
    """The side file, by key."""
    return {each["key"]: each for each in map(json.loads, Path("out.committed.jsonl").read_text("utf-8").splitlines())}


def counted(table: sa.Table) -> int:
    with existing("log.db", None) as opened, opened.reading.connect() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def test_a_threshold_is_exact_at_the_row(here: Path) -> None:
    """At the beginning each row is far below a thousand people; the fourth may not be, once three are committed, and the fifth is small."""
    done = commit([row("1"), row("2"), row("3"), row("4"), row("5", "50"), row("6", kind="genetic"), row("7", exporter="b")])
    assert done.exit_code == 1, done.stderr
    found = told()
    assert [key for key, each in found.items() if "commitment" in each] == ["1", "2", "3", "5", "7"]
    assert found["4"]["outcome"] == "undetermined"  # as many as 1,200, if none of them is the same person
    assert "6" not in found  # the table did not let it proceed
    assert counted(commitment) == 5
    assert "5 committed, 1 not" in done.stderr
    manifest = read_manifest(here / "out.manifest.json")
    assert manifest.commits is not None
    assert (manifest.commits.committed, manifest.commits.refused) == (5, 1)
    done = CliRunner().invoke(app, ["log", "verify", "--deep", "--database", "log.db"])
    assert done.exit_code == 0, done.stdout + done.stderr


def test_a_key_is_committed_once(here: Path) -> None:
    """The same run again gives the same commitments, and writes nothing; the key of another exchange is refused."""
    rows = [row("1"), row("2")]
    assert commit(rows).exit_code == 0
    first, records = told(), counted(record)
    assert commit(rows).exit_code == 0
    assert told() == first
    assert counted(record) == records
    assert commit([row("1", "301")]).exit_code == 1
    assert told()["1"]["refused"] == "key-twice"
    assert counted(commitment) == 2


def test_a_row_that_was_not_permitted_may_be_tried_again(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept of it for its key: once what was committed before is withdrawn, the same row is committed."""
    monkeypatch.setattr(committed_rows, "AT_ONCE", 1)  # the second row is decided after the first is committed
    done = commit([row("1", "600"), row("2", "600")])
    assert done.exit_code == 1, done.stderr
    first = told()
    assert "commitment" in first["1"]
    assert first["2"]["outcome"] == "undetermined"
    with open_service("log.db", [here / "policies"], watch=False) as service:
        writer = CommitmentWriter(service)
        context = service.context(Committing, Caller("test", frozenset({"commit"})), "")
        sent = WithdrawSent(reason="it did not happen")
        asyncio.run(service.store.do(lambda transaction: writer.withdraw(context, first["1"]["commitment"], sent, transaction)))
    commit([row("2", "600")])
    assert "commitment" in told()["2"]


def test_a_row_of_another_day_is_not_committed(here: Path) -> None:
    """It may be permitted on its day, and proceeds on none but today."""
    done = commit([row("1")], "--key", "number", "--as-of", "2025-06-01")
    assert done.exit_code == 0, done.stderr
    assert told() == {}
    assert counted(commitment) == 0


@pytest.mark.parametrize(("options", "says"), [((), "--database"), (("--database", "log.db"), "--key")])
def test_what_is_missing_is_named(here: Path, options: tuple[str, ...], says: str) -> None:
    """Without a ledger or a key nothing is decided."""
    write_csv(here / "in.csv", [row("1")], NAMES)
    done = CliRunner().invoke(app, ["decide", "in.csv", "-o", "out.jsonl", "--policies", "policies", "--commit", *options])
    assert done.exit_code == 2
    assert says in done.stderr
    assert not (here / "out.jsonl").exists()
