"""The pages for three in the morning: their commands mend what is broken here on purpose, and what they name is there."""

import asyncio
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from starlette.testclient import TestClient

from service.log.store import Store
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store.database import DatabaseRefused
from service.store.log_key import key_file
from tests.pages import ROOT, blocks, text_of
from tests.service import ready_process
from tests.service.conftest import POLICIES, body, copied
from tests.service.databases import PostgreSQL

FIRST, SECOND = "service/docs/emergencies.md", "service/docs/log-in-doubt.md"
PARTY = {"facts": {"country": "US"}, "attested_by": "the register of companies", "valid_from": "2020-01-01"}


def commands(page: str, first: str, kind: str = "sh night") -> str:
    """The commands of the block of a page in which some words come first."""
    return next(block.text for block in blocks(page) if block.kind == kind and first in block.text)


class Night:
    """A service whose database can be broken, and somebody who types what a page shows."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.database = folder, folder / "fifthfactor.db"
        self._programs = folder / "programs"
        self._programs.mkdir()
        for name, text in {
            "fifthfactor": f'exec {sys.executable} -m service.cli "$@"',
            "systemctl": "exit 0",  # the service is not running here
            "journalctl": "echo '{}'",
        }.items():
            (self._programs / name).write_text(f"#!/bin/sh\n{text}\n")
            (self._programs / name).chmod(0o755)

    def answers(self, times: int = 1) -> list[int]:
        """Start the service, and ask it some times. Raises DatabaseRefused where it does not start."""
        settings = Settings(watch=False, policies=POLICIES, database=str(self.database))
        with closing(Service.open(settings)) as service:
            client = TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080")
            if not times:
                assert client.put("/v1/parties/lab-of-dr-smith", json=PARTY).status_code == 201
            headers = {"content-type": "application/json"}
            return [client.post("/v1/evaluate", content=body(), headers=headers).status_code for _ in range(times)]

    def change(self, statement: str) -> None:
        """Change rows by other means than the service."""
        with closing(sqlite3.connect(self.database)) as raw, raw:
            raw.execute(statement)

    def type(self, text: str) -> str:
        """What a block of commands prints, each of which ends well."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FIFTHFACTOR_")}
        environment = {
            **kept,
            "PATH": f"{self._programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "FIFTHFACTOR_DATABASE": str(self.database),
        }
        done = subprocess.run(["bash", "-ec", text], cwd=self.folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def night(tmp_path: Path, tables: Path) -> Iterator[Night]:
    """A log with a party in its register and some records."""
    copied(tables, tmp_path)
    (tmp_path / tables.name).rename(tmp_path / "fifthfactor.db")
    for each in tmp_path.glob(f"{tables.name}.*"):
        each.rename(tmp_path / each.name.replace(tables.name, "fifthfactor.db"))
    found = Night(tmp_path)
    found.answers(0)
    assert found.answers(3) == [200] * 3
    with ready_process.installed(found._programs / "fifthfactor", found._programs / "python-of-night"):
        yield found


def test_rows_with_a_broken_seal_are_kept_as_evidence_and_put_right(night: Night) -> None:
    """The evidence has the database and the findings and no key; after the repair everything is answered again."""
    night.change("UPDATE entity SET facts = replace(facts, 'US', 'DE')")
    assert night.answers() == [503]
    night.type(commands(SECOND, "systemctl stop fifthfactor\nmkdir evidence"))
    evidence = night.folder / "evidence"
    assert {"fifthfactor.db", "findings", "lines"} <= {each.name for each in evidence.iterdir()}
    assert not list(evidence.glob("*.log-key"))
    assert "findings: 1" in (evidence / "findings").read_text() or "the row `entity`" in (evidence / "findings").read_text()
    night.type(commands(SECOND, "fifthfactor log repair"))
    assert night.answers() == [200]


def test_a_backup_is_restored_and_a_new_name_is_given_out(night: Night) -> None:
    """Until then no service starts on it; afterwards the file has the new verifier key."""
    night.type("fifthfactor database backup monday.db")
    assert night.answers(4) == [200] * 4
    for suffix in ("-wal", "-shm"):
        Path(f"{night.database}{suffix}").unlink(missing_ok=True)
    shutil.copy(night.folder / "monday.db", night.database)
    with pytest.raises(DatabaseRefused, match="its last checkpoint"):
        night.answers()
    said = night.type(commands(SECOND, "cp monday.db fifthfactor.db"))
    assert "leaves of the log before are lost" in said
    assert night.answers() == [200]
    assert (night.folder / "log.key").read_text().startswith("fifthfactor/log/")


def test_without_the_key_and_its_copy_the_log_goes_on_by_another_name(night: Night) -> None:
    """No start before; the old name is gone."""
    key_file(night.database).unlink()
    with pytest.raises(DatabaseRefused, match="is missing: put it back"):
        night.answers()
    night.type(commands(SECOND, "--lost-key"))
    assert night.answers() == [200]


def test_the_secret_of_the_counters_comes_back_from_a_backup(night: Night) -> None:
    """As a start without it says."""
    night.type("fifthfactor database backup monday.db")
    night.change("UPDATE about SET value = '00' WHERE name = 'sealed_ledger_secret'")
    with pytest.raises(DatabaseRefused, match="put the row `sealed_ledger_secret` of `about` back"):
        night.answers()
    with closing(sqlite3.connect(night.database, isolation_level=None)) as raw:
        for each in commands(SECOND, "ATTACH", "sql night").replace("monday.db", f"{night.folder}/monday.db").split(";\n"):
            raw.execute(each)
    assert night.answers() == [200]


def test_the_commands_that_only_look_end_well(night: Night) -> None:
    """Each of those that change nothing; a day in the name of the checkpoint."""
    night.type(commands(SECOND, "fifthfactor log checkpoint >"))
    assert (night.folder / f"checkpoint-{datetime.now(UTC):%Y-%m-%d}").exists() or list(night.folder.glob("checkpoint-*"))
    assert "there are no sinks" in night.type(commands(FIRST, "fifthfactor events sinks"))
    assert "each verified" in night.type(commands(FIRST, "database backup whole.db"))
    assert "0 faults" in night.type(commands(FIRST, "fifthfactor doctor"))


def test_who_holds_the_lock_of_a_server_is_found_and_ended(postgresql: PostgreSQL) -> None:
    """By the two statements of the page: another program's open transaction comes first, and ours is not among them."""
    url = postgresql.new()
    ask, end = re.findall(r'psql -c "([^"]+)"', commands(FIRST, "psql -c", "sh postgresql"))
    with psycopg.connect(url) as holder, closing(Store.open(url)) as store:
        holder.execute("SELECT next FROM head WHERE name = 'record' FOR UPDATE")
        with psycopg.connect(url, autocommit=True, application_name="fifthfactor") as shell:
            found = shell.execute(ask).fetchall()
            assert found[0][0] == holder.info.backend_pid
            assert shell.execute(end.replace("4711", str(found[0][0]))).fetchall() == [(True,)]
        assert asyncio.run(store.probe()) == 0
        holder.close()
    postgresql.give_back(url)


NAMED: dict[str, Callable[[], str]] = {
    r"\bFifthFactor[A-Z]\w+": lambda: (ROOT / "service/deploy/monitoring/rules.yaml").read_text(),
    r"\bfifthfactor_\w+": lambda: text_of("service/docs/metrics.md"),
    r"`((?:log|read|sink|witness|certificate|upgrade|worker)_\w+)`": lambda: text_of("service/docs/log-lines.md"),
}


@pytest.mark.parametrize("pattern", NAMED)
@pytest.mark.parametrize("page", [FIRST, SECOND])
def test_every_alert_metric_and_line_that_is_named_is_there(page: str, pattern: str) -> None:
    """In the rules of the alerts, on the page of metrics, and on that of the log lines."""
    known = NAMED[pattern]()
    assert {each for each in re.findall(pattern, text_of(page)) if each not in known} == set()
