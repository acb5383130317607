"""`fifthfactor database drill`: what a backup of a live database is worth, on both databases, and what it finds."""

import asyncio
import errno
import json
import os
import shutil
import signal
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from service.audit import restore_drill
from service.log.store import Store
from service.store.database import DatabaseRefused
from service.store.log_key import key_file
from tests.service import ready_process
from tests.service.cli.test_database import command, database_command, postgresql_program, with_records
from tests.service.conftest import BOTH_DATABASES, ROOT, body, eventually, running, without_settings
from tests.service.database_files import database_files
from tests.service.load import Load, during, post
from tests.service.log.test_store import append, entry
from tests.service.server.test_server import ask, sound

REQUEST = post("/v1/evaluate", body())
PROGRAMS = str(Path(postgresql_program("pg_dump")).parent)


def drilled(database: str | Path, *options: str, **environment: str) -> tuple[int, dict[str, Any], str]:
    """The exit code, the report, and what was said on standard error."""
    code, output, errors = database_command(
        "drill", "--database", str(database), "--programs", PROGRAMS, "--json", *options, **environment
    )
    return code, json.loads(output or "{}"), errors


OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def databases_of(server: str) -> set[str]:
    """The names of all databases of a server."""
    with psycopg.connect(server) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


@BOTH_DATABASES
def test_a_live_database_is_drilled_while_it_is_written_to(database, tmp_path):
    """The copy verifies, the live log begins with its tree, exchanges are decided again, what is lost is told, nothing is left."""
    copies = tmp_path / "copies"
    copies.mkdir()
    said = []
    before = databases_of(database) if "://" in database else set()
    with running(database, "--workers", "2", folder=tmp_path) as server:
        load = Load(server.port, [REQUEST], 4, pause=0.02)

        async def drill() -> None:
            await asyncio.to_thread(eventually, lambda: len(load.asked) > 20)
            said.append(await asyncio.to_thread(drilled, database, "--deep", "--folder", str(copies)))

        during(load, drill)
        assert server.stop() == 0
    assert load.statuses.keys() == {200}
    [(code, report, errors)] = said
    assert (code, errors, report["faults"], report["sound"]) == (0, "", [], True)
    assert 20 < report["records"] < len(sound(database))
    assert report["records"] < report["leaves"] <= report["live_leaves"]  # perhaps nothing was written between the two looks
    assert report["lost"] > 0
    assert set(report["decided_again"].values()) == {"bytes"}
    assert len(report["decided_again"]) == 3
    assert list(report["seconds"]) == ["backup", "restore", "verify", "compare", "deep", "decide"]
    assert report["backup_bytes"] > 0
    assert list(copies.iterdir()) == []
    if before:
        assert databases_of(database) == before


@BOTH_DATABASES
def test_nothing_is_written_to_the_live_database(database, tmp_path, tables):
    """Not a byte of its rows is another afterwards, and neither are its key and its checkpoint."""
    with running(database, folder=tmp_path) as server:
        ask(server, "POST", "/v1/evaluate", body())
        server.stop()

    def state() -> object:
        if "://" in database:
            with psycopg.connect(database, autocommit=True) as connection:
                # Whoever was connected tells what it changed when it ends, which may be a moment after the service has ended.
                eventually(lambda: connection.execute(OTHERS).fetchone() == (0,))
                return connection.execute(
                    "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables ORDER BY 1"
                ).fetchall()
        return database_files(database)

    before = state()
    code, report, _ = drilled(database)
    assert (code, report["records"], report["lost"]) == (0, 1, 0)
    assert report["root"] == report["live_root"]
    assert state() == before


def test_what_is_kept_can_be_used(tmp_path):
    """With `--keep` the restored file is there, and a service goes on from it once its log is continued."""
    database = tmp_path / "log.db"
    with_records(database)
    code, output, _ = database_command("drill", "--database", str(database), "--keep", "--folder", str(tmp_path))
    assert code == 0
    [folder] = tmp_path.glob("fifthfactor-drill-*")
    assert sorted(each.name for each in folder.iterdir()) == ["backup.db", "restored.db"]
    assert f"  kept: {folder}\n" in output
    shutil.copy(key_file(database), key_file(folder / "restored.db"))
    assert command("log", "continue", "--reason", "a drill", "--database", str(folder / "restored.db"))[0] == 0


def test_a_backup_that_is_there_already_is_drilled(tmp_path):
    """What was recorded since is lost; and the backup of another log is told from one of this log."""
    database, backup, other = tmp_path / "log.db", tmp_path / "monday.db", tmp_path / "other.db"
    with running(database) as server:
        ask(server, "POST", "/v1/evaluate", body())
        assert database_command("backup", str(backup), "--database", str(database))[0] == 0
        for _ in range(3):
            ask(server, "POST", "/v1/evaluate", body())
        code, report, _ = drilled(database, "--backup", str(backup))
    assert (code, report["records"], report["lost"]) == (0, 1, 3)
    with_records(other)
    code, report, _ = drilled(other, "--backup", str(backup))
    assert code == 1
    assert any("seal of the log's key" in each for each in report["faults"])
    assert any("it is a copy of another log" in each for each in report["faults"])


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("DELETE FROM personal; DELETE FROM record WHERE sequence = 1", "there is no record of this number"),
        ("UPDATE record SET leaf_hash = leaf WHERE sequence = 1", "record 1: "),
        ("UPDATE head SET seal = x'00' WHERE name = 'leaf'", "seal"),
    ],
)
def test_a_copy_that_is_not_sound_is_found(tmp_path, statement, finding):
    """A record that is missing or was changed, a seal that is another one: exit code 1."""
    database, backup = tmp_path / "log.db", tmp_path / "copy.db"
    with_records(database)
    assert database_command("backup", str(backup), "--database", str(database))[0] == 0
    with sqlite3.connect(backup) as tampering:
        tampering.executescript(statement)
    code, report, _ = drilled(database, "--backup", str(backup))
    assert code == 1
    assert finding in " ".join(report["faults"])


def test_a_checkpoint_that_somebody_else_signed_is_found(tmp_path):
    """The file beside the key has another log's checkpoint."""
    database, other = tmp_path / "log.db", tmp_path / "other.db"
    for each in (database, other):
        with_records(each)
    shutil.copy(f"{key_file(other)}.checkpoint", f"{key_file(database)}.checkpoint")
    code, report, _ = drilled(database)
    assert code == 1
    assert "the last checkpoint" in report["faults"][0]


@pytest.mark.parametrize(
    ("prepare", "options", "sentence"),
    [
        ("key", (), "without it no restored log can go on"),
        ("", ("--backup", "nowhere.db"), "the backup `nowhere.db` does not exist"),
        ("", ("--folder", "nowhere"), "no copy can be made in `nowhere`"),
        ("", ("--into", "{database}"), "exists already: a backup is restored into an empty place"),
        ("database", (), "does not exist"),
    ],
)
def test_what_cannot_be_drilled_is_said(tmp_path, prepare, options, sentence):
    """Without a key, a backup or a place: exit code 2, and a sentence that says what to do."""
    database = tmp_path / "log.db"
    with_records(database)
    if prepare == "key":
        key_file(database).unlink()
    elif prepare:
        database = tmp_path / "none.db"
    options = tuple(each.format(database=database) for each in options)
    code, report, errors = drilled(database, *options)
    assert (code, report) == (2, {})
    assert sentence in errors


def test_programs_that_are_older_than_the_server_are_named(postgresql, tmp_path):
    """And so is a server on which no database can be made, or a place that is not empty. The password is in no argument and no message."""
    database = postgresql.new()
    older = tmp_path / "bin"
    older.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (older / name).write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
        (older / name).chmod(0o755)
    code, _, errors = database_command("drill", "--database", database, "--programs", str(older))
    assert code == 2
    assert "install `postgresql-client-" in errors
    for place in (database, postgresql.new()):
        code, _, errors = database_command("drill", "--database", database, "--programs", PROGRAMS, "--into", place)
        assert code == 2
        assert "--into" in errors
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE ROLE drilling LOGIN PASSWORD 'secret-of-the-drill' IN ROLE pg_read_all_data")
    try:
        as_other = (
            sa.make_url(database).set(username="drilling", password="secret-of-the-drill").render_as_string(hide_password=False)
        )
        code, output, errors = database_command("drill", "--database", as_other, "--programs", PROGRAMS)
        assert (code, output) == (2, "")
        assert "give the user the right CREATEDB" in errors
        assert "secret-of-the-drill" not in errors
    finally:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("DROP ROLE drilling")


@pytest.mark.parametrize("programs", [PROGRAMS, "one that fails"])
def test_nothing_is_left_in_the_database_that_was_named_to_restore_into(postgresql, tmp_path, programs):
    """It may be on another server, and the log has personal values. So the next drill finds it empty, too; with `--keep` it is not."""
    into, database = postgresql.new(empty=True), postgresql.new()
    with Store.open(database) as store:
        append(store, entry(0))
    if programs != PROGRAMS:
        programs = tmp_path / "bin"
        programs.mkdir()
        for name, ends in (("pg_dump", ""), ("pg_restore", "; exit 3")):
            (programs / name).write_text(f"#!/bin/sh\n'{PROGRAMS}/{name}' \"$@\"{ends}\n")
            (programs / name).chmod(0o755)
    options = ("--database", database, "--programs", str(programs), "--folder", str(tmp_path), "--into", into)

    def tables() -> int:
        with psycopg.connect(into) as connection:
            return len(connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public'").fetchall())

    for _ in range(2):
        assert database_command("drill", *options)[0] == (0 if programs == PROGRAMS else 2)
        assert tables() == 0
    if programs == PROGRAMS:
        assert database_command("drill", *options, "--keep")[0] == 0
        assert tables() > 0


def test_a_copy_that_breaks_off_leaves_no_piece_where_it_was_to_be_restored(tmp_path, monkeypatch):
    """As on a disk that is full."""
    database, place = tmp_path / "log.db", tmp_path / "restored.db"
    with_records(database)

    def full(source, target, size):
        target.write(source.read(10_000))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(DatabaseRefused, match="No space left"):
        restore_drill.drill(str(database), None, restore_drill.DrillOptions(tmp_path, into=str(place)))
    assert not place.exists()


def test_a_password_among_the_parameters_of_an_address_is_in_no_argument_and_no_message(postgresql, tmp_path):
    """Who lists the processes of a machine sees the arguments of PostgreSQL's programs."""
    secret = "secret-of-the-drill"
    database, programs, said = postgresql.new(), tmp_path / "bin", tmp_path / "said"
    programs.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (programs / name).write_text(
            f"#!/bin/sh\necho \"$@\" >> '{said}'\necho \"$PGPASSWORD\" >> '{said}.password'\nexec '{PROGRAMS}/{name}' \"$@\"\n"
        )
        (programs / name).chmod(0o755)
    with Store.open(database) as store:
        append(store, entry(0))
    before = databases_of(database)
    address = sa.make_url(database).update_query_dict({"password": secret}).render_as_string(hide_password=False)
    options = ("--database", address, "--programs", str(programs), "--folder", str(tmp_path), "--keep")
    code, output, errors = database_command("drill", *options)
    [kept] = databases_of(database) - before
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(kept)))
    assert (code, errors) == (0, "")
    assert kept in output
    assert secret not in output + said.read_text()
    assert f"{secret}\n{secret}\n" in said.with_name("said.password").read_text()


def test_a_drill_that_is_stopped_leaves_nothing(tmp_path):
    """SIGTERM while it works: 143, and no copy is left."""
    database, copies = tmp_path / "log.db", tmp_path / "copies"
    copies.mkdir()
    with_records(database, 2_000)
    with (tmp_path / "said").open("wb") as said:
        process = ready_process.start(
            "database", "drill", "--database", str(database), "--folder", str(copies),
            folder=ROOT, environment=without_settings(), output=said.fileno(), errors=said.fileno(),
        )  # fmt: skip
        eventually(lambda: list(copies.iterdir()) or process.poll() is not None)
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
    assert code in (0, 143)
    assert list(copies.iterdir()) == []
