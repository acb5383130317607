"""The log on disk: numbering, durability, failure, erasure, and who may open it."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import BuiltinFunctionType
from typing import Any

import pytest
import sqlalchemy as sa

from service.log.leaf import Opening, SealedRecord, seal
from service.log.store import Store
from service.log.tree_verification import tree_faults
from service.settings import SettingRefused
from service.settings.settings_sources import settings_from
from service.store import database as database_module
from service.store import log_key, log_tree
from service.store.database import Database, DatabaseRefused
from service.store.upgrade import open_present
from service.store.writer import LogBusy, NotRecorded
from tests.service import unsynced
from tests.service.conftest import BOTH_DATABASES
from tests.service.database_files import database_files

SECRET = "a value that nobody may find again"


def entry(number: int, **request: str) -> SealedRecord:
    """A small record; `personal` is its personal value, if given."""
    pointers = ["/personal"] if "personal" in request else []
    return seal({"id": f"id-{number}", "request": request, "decision": {"number": number}}, pointers)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """An open store, on either database."""
    with Store.open(database) as store:
        yield store


@pytest.fixture
def in_file(tmp_path: Path) -> Iterator[Store]:
    """An open store in a file, for what only a file has."""
    with Store.open(tmp_path / "log.db") as store:
        yield store


def append(store: Store, *entries: SealedRecord) -> list[int]:
    """Append all at once, from one event loop."""

    async def together() -> list[int]:
        return await asyncio.gather(*map(store.append, entries))

    return asyncio.run(together())


def sound(store: Store) -> int:
    """Check every record and the numbering from outside; how many there are."""
    stored = list(store.scan())
    with store.database.reading.connect() as connection:
        assert not list(tree_faults(connection, store.database.log_key()))
    assert [each.sequence for each in stored] == list(range(len(stored)))
    assert not [fault for each in stored for fault in each.faults()]
    return len(stored)


@BOTH_DATABASES
def test_numbers_are_dense_from_zero_in_the_order_of_asking(store):
    """The writer gives 0, 1, 2 … over several commits."""
    assert append(store, *map(entry, range(5))) == [0, 1, 2, 3, 4]
    assert append(store, *map(entry, range(5, 8))) == [5, 6, 7]
    assert sound(store) == 8


@BOTH_DATABASES
def test_what_was_appended_is_read_back(store):
    """Leaf, hash and openings as they were."""
    before = entry(1, personal=SECRET)
    append(store, before)
    stored = store.read("id-1")
    assert stored is not None
    assert (stored.sequence, stored.entry) == (0, before)
    assert store.read("id-2") is None


@BOTH_DATABASES
def test_records_that_wait_share_a_commit(store):
    """A hundred at once take far fewer than a hundred commits."""
    append(store, *map(entry, range(100)))
    assert store.records == 100
    assert store.writer.counts.commits < 20


@BOTH_DATABASES
def test_records_from_several_threads_are_numbered_once(store):
    """Each thread with a loop of its own; no number twice, none left out."""
    numbers: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: numbers.extend(append(store, *map(entry, range(n * 50, n * 50 + 50)))))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(200))
    assert sound(store) == 200


@BOTH_DATABASES
def test_an_answer_waits_for_the_commit(store, monkeypatch):
    """As long as the commit has not returned, `append` has not either."""
    may_commit = threading.Event()
    write = store.writer._write

    def slowly(jobs):
        may_commit.wait(60)
        return write(jobs)

    monkeypatch.setattr(store.writer, "_write", slowly)

    async def watch() -> None:
        asked = asyncio.create_task(store.append(entry(1)))
        await asyncio.sleep(0.1)
        assert not asked.done()
        assert store.read("id-1") is None
        may_commit.set()
        assert await asked == 0
        assert store.read("id-1") is not None

    asyncio.run(watch())


def test_the_disk_is_waited_for(tmp_path, monkeypatch):
    """The writing connection runs with the write-ahead log and full synchronisation."""
    monkeypatch.setattr(database_module, "_WRITER_PRAGMAS", unsynced.AS_WRITTEN)
    with Store.open(tmp_path / "log.db") as in_file:
        append(in_file, entry(1))
        writing: Any = in_file.writer._connection
        raw = writing.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert raw.execute("PRAGMA synchronous").fetchone() == (2,)
        assert raw.execute("PRAGMA secure_delete").fetchone() == (1,)


def test_a_process_that_is_to_wait_for_the_disk_does(monkeypatch):
    """Servers that the tests kill run as they always do."""
    monkeypatch.setattr(os, "fsync", os.fsync)
    monkeypatch.setattr(database_module, "_WRITER_PRAGMAS", ())
    unsynced.end()
    assert os.fsync is unsynced.FSYNC
    assert isinstance(os.fsync, BuiltinFunctionType)
    assert database_module._WRITER_PRAGMAS == unsynced.AS_WRITTEN


@BOTH_DATABASES
def test_a_failed_write_is_no_record_and_later_ones_work(store):
    """The error reaches those who wait; the next record gets the number that the failed one did not."""
    append(store, entry(1))
    with pytest.raises(NotRecorded, match=r"(?i)unique"):
        append(store, entry(1))
    assert append(store, entry(2)) == [1]
    assert store.writer.counts.failures == 1
    assert sound(store) == 2


@BOTH_DATABASES
def test_a_failed_commit_records_none_of_its_group(store):
    """A group stands or falls as a whole, so that no answer can leave for a part of it."""
    append(store, entry(1))

    async def group():
        return await asyncio.gather(*map(store.append, [entry(2), entry(1), entry(3)]), return_exceptions=True)

    assert all(isinstance(each, NotRecorded) for each in asyncio.run(group()))
    assert sound(store) == 1


@BOTH_DATABASES
def test_a_reader_takes_no_tree_that_is_sealed_and_not_committed(store, monkeypatch):
    """Whose commit then fails: the service would refuse everything, since its log seems to have lost leaves."""
    append(store, entry(1))
    committed = leaves(store)
    real = log_tree.is_still_sealed

    def seal_meanwhile(connection, last):
        found = real(connection, last)
        monkeypatch.setattr(database_module, "is_still_sealed", real)
        with suppress(ZeroDivisionError), store.database.writing.connect() as other, other.begin():
            with store.database.growing(other) as growth:
                growth.note("test", {})
            raise ZeroDivisionError  # after the seal, before the commit
        return found

    monkeypatch.setattr(database_module, "is_still_sealed", seal_meanwhile)
    assert leaves(store) == committed
    assert leaves(store) == committed
    assert append(store, entry(2)) == [1]
    assert sound(store) == 2


def leaves(store: Store) -> int:
    """How many leaves the tree has, for somebody who reads."""
    with store.database.reading.connect() as connection:
        return store.database.sealed(connection)[0].size


def test_a_database_that_another_program_holds_is_a_failed_write(in_file, monkeypatch):
    """A lock by a foreign program ends in an error after a while, not in a wait without end."""
    monkeypatch.setattr("service.store.database.LOCK_WAIT_SECONDS", 0.1)
    append(in_file, entry(1))
    in_file.writer._disconnect()  # the writer is idle; its next connection waits the shorter time
    foreign = sqlite3.connect(in_file.database.path, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    with pytest.raises(NotRecorded, match="locked"):
        append(in_file, entry(2))
    foreign.execute("ROLLBACK")
    assert append(in_file, entry(2)) == [1]


def test_a_full_disk_is_a_failed_write(in_file):
    """A database that may not grow refuses, says why, and works again when there is room."""
    append(in_file, entry(1))
    in_file.writer._connection.connection.dbapi_connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(NotRecorded, match="full"):
        append(in_file, seal({"id": "large", "request": {}, "decision": {"text": "x" * 100_000}}, []))
    assert append(in_file, entry(2)) == [1]


@pytest.mark.parametrize("happens", [Path.unlink, lambda path: path.rename(path.with_name("elsewhere.db"))])
def test_a_database_that_is_gone_takes_no_more_records(in_file, happens):
    """Writes into a file that no name leads to would be lost; they are refused."""
    append(in_file, entry(1))
    happens(in_file.database.path)
    with pytest.raises(NotRecorded):
        append(in_file, entry(2))


def test_a_full_queue_refuses(tmp_path, monkeypatch):
    """Over the bound there is an error at once, and those who wait are served."""
    with Store.open(tmp_path / "log.db", queue_limit=3) as store:
        writing, may_write = threading.Event(), threading.Event()
        write = store.writer._write

        def slowly(jobs):
            writing.set()
            may_write.wait(60)
            return write(jobs)

        monkeypatch.setattr(store.writer, "_write", slowly)

        async def flood() -> list[object]:
            first = asyncio.create_task(store.append(entry(0)))
            await asyncio.to_thread(writing.wait, 60)  # the writer has it now
            others = [asyncio.create_task(store.append(entry(number))) for number in range(1, 6)]
            await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
            may_write.set()
            return await asyncio.gather(first, *others, return_exceptions=True)

        results = asyncio.run(flood())
        assert results[:4] == [0, 1, 2, 3]
        assert all(isinstance(each, LogBusy) for each in results[4:])


def test_closing_writes_what_waits(tmp_path):
    """Everything taken before the end is in the log; everything after it is refused."""
    store = Store.open(tmp_path / "log.db")

    async def ask_and_close() -> tuple[list[int], str]:
        asked = [asyncio.create_task(store.append(entry(number))) for number in range(50)]
        await asyncio.sleep(0)
        await asyncio.to_thread(store.close)
        with pytest.raises(NotRecorded) as refused:
            await store.append(entry(99))
        return await asyncio.gather(*asked), str(refused.value)

    assert asyncio.run(ask_and_close()) == (list(range(50)), "the log is closed")
    store.close()
    assert not list(tmp_path.glob("*-wal"))
    with Store.open(tmp_path / "log.db") as again:
        assert sound(again) == 50
        assert append(again, entry(50)) == [50]


def test_whoever_still_reads_at_the_end_leaves_no_write_ahead_log(tmp_path, monkeypatch):
    """They are waited for, and nobody begins to read any more. Otherwise a copy of the file would lack the last records."""
    monkeypatch.setattr(database_module, "LAST_READ_SECONDS", 60.0)
    store = Store.open(tmp_path / "log.db")
    append(store, *map(entry, range(3)))
    reads, closing = threading.Event(), threading.Event()

    def read() -> None:
        with store.database.reading.connect() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM record").fetchall()
            reads.set()
            closing.wait(60)

    reader = threading.Thread(target=read)
    reader.start()
    assert reads.wait(60)
    threading.Timer(0.05, closing.set).start()
    store.close()
    reader.join()
    with pytest.raises(sa.exc.OperationalError, match="closed"), store.database.reading.connect():
        pass
    assert not [*tmp_path.glob("*-wal"), *tmp_path.glob("*-shm")]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@BOTH_DATABASES
def test_a_writer_that_dies_leaves_nobody_waiting(store, monkeypatch):
    """Whatever ends the writer thread, those who wait get an error, and so do all later ones."""

    def die(jobs):
        raise SystemExit

    monkeypatch.setattr(store.writer, "_write", die)
    with pytest.raises(NotRecorded):
        append(store, entry(1))
    store.writer._thread.join(60)
    with pytest.raises(NotRecorded, match="closed"):
        append(store, entry(2))


@BOTH_DATABASES
def test_a_caller_that_has_gone_is_no_trouble(store):
    """A cancelled request's record is written all the same; the others get their numbers."""

    async def leave():
        gone = asyncio.create_task(store.append(entry(1)))
        await asyncio.sleep(0)
        gone.cancel()
        return await store.append(entry(2))

    assert asyncio.run(leave()) == 1
    assert sound(store) == 2


# --- who may open it -------------------------------------------------------------------------------------------------


@BOTH_DATABASES
def test_several_writers_share_one_numbering(database):
    """Two stores in this process and one in another write at once; no number twice, none left out."""
    program = (
        "import asyncio, sys; from pathlib import Path\n"
        "from tests.service.log.test_store import append, entry; from service.log.store import Store\n"
        "with Store.open(sys.argv[1], log_key=Path(sys.argv[2])) as store:\n"
        "    for number in range(20): append(store, entry(2000 + number))"
    )
    command = [sys.executable, "-c", program, database, str(log_key.OF_A_SERVER)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with Store.open(database) as one, Store.open(database) as two:
        numbers: list[int] = []

        def write(store: Store, base: int) -> None:
            for number in range(20):
                numbers.extend(append(store, entry(base + 2 * number), entry(base + 2 * number + 1)))

        with subprocess.Popen(command, env=environment) as other:
            threads = [threading.Thread(target=write, args=each) for each in ((one, 0), (two, 1000))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert other.returncode == 0
        assert len(set(numbers)) == 80
        assert sound(one) == 100


@BOTH_DATABASES
def test_what_was_closed_is_opened_again(database):
    """Open, close, open again."""
    for number in range(3):
        with Store.open(database) as store:
            assert append(store, entry(number)) == [number]


@BOTH_DATABASES
def test_a_database_of_a_newer_version_is_refused(database):
    """Its numbers and shapes are not ours to touch; nothing is changed."""
    Store.open(database).close()
    rows = Database.open(database)
    with rows.writing.begin() as connection:
        before = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '99.0.0'")
    with pytest.raises(DatabaseRefused, match="written by a newer Fifth Factor"):
        Store.open(database)
    with rows.writing.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{before}'")
    rows.close()
    Store.open(database).close()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: path.write_bytes(b"not a database, but long enough to look at" * 100), "not a database"),
        (lambda path: sqlite3.connect(path).execute("CREATE TABLE mine (x)").connection.close(), "not a log of Fifth"),
        (Path.mkdir, "Is a directory"),
    ],
)
def test_a_file_that_is_no_log_is_refused_and_kept(tmp_path, make, sentence):
    """Another program's file is named in a sentence and left as it is."""
    path = tmp_path / "log.db"
    make(path)
    with pytest.raises(DatabaseRefused, match=sentence) as refused:
        Store.open(path)
    assert "\n" not in str(refused.value)
    with pytest.raises(DatabaseRefused, match=sentence):
        Store.open(path)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:some@hunter2@127.0.0.1:1/log",  # an `@` of a password has to be written %40
        "postgresql:/me:hunter2@127.0.0.1/log",
        "postgresql:me:hunter2@127.0.0.1/",
        "postgres:///me:hunter2@127.0.0.1:x/log",
        "postgresql://me:hunter2@127.0.0.1:1/log?sslmode=bogus&password=hunter2",
    ],
)
def test_no_sentence_about_a_database_says_its_password(url, tmp_path, monkeypatch):
    """However wrong its address is."""
    monkeypatch.chdir(tmp_path)
    for use in (
        Store.open,
        open_present,
        lambda url: settings_from({"FIFTHFACTOR_DATABASE": url}) and Store.open(url),
    ):
        with pytest.raises((DatabaseRefused, SettingRefused)) as refused:
            use(url)
        assert "hunter2" not in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_does_not_exist_is_a_sentence(tmp_path):
    """The operator reads which database and why."""
    with pytest.raises(DatabaseRefused, match="No such file or directory"):
        Store.open(tmp_path / "nowhere" / "log.db")


def test_only_its_owner_reads_it(in_file):
    """It holds personal values, so nobody else may."""
    append(in_file, entry(1))
    for path in database_files(in_file.database.path):
        with suppress(FileNotFoundError):  # the checkpoint is renamed at any time
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_path_of_odd_characters_is_that_file(tmp_path):
    """`?`, `#` and `%` mean something in an SQLite address, and nothing here."""
    path = tmp_path / "a?b#c%20d 数.db"
    with Store.open(path) as store:
        append(store, entry(1))
        assert sound(store) == 1
    assert path.exists()


# --- erasure ---------------------------------------------------------------------------------------------------------


def test_erasure_keeps_leaf_and_hash_and_leaves_no_trace(in_file):
    """Value and salt are gone from the rows and from the files; the record verifies as before."""
    append(in_file, entry(1, personal=SECRET), entry(2, personal="another"))
    before = in_file.read("id-1")
    assert any(SECRET.encode() in bytes for bytes in database_files(in_file.database.path).values())
    assert asyncio.run(in_file.erase("id-1")) == 1
    after = in_file.read("id-1")
    assert before
    assert after
    assert (after.entry.leaf, after.entry.leaf_hash) == (before.entry.leaf, before.entry.leaf_hash)
    assert after.entry.openings[0] == Opening("/personal", None, None)
    assert after.entry.openings[1:] == before.entry.openings[1:]  # of the request and the decision as wholes
    assert after.faults() == ()
    salt = before.entry.openings[0].salt
    assert salt
    for path, bytes in database_files(in_file.database.path).items():
        assert SECRET.encode() not in bytes, path
        assert salt not in bytes, path
    assert in_file.read("id-2").entry.openings[0].value == b'"another"'


@BOTH_DATABASES
def test_erasing_twice_or_nothing_is_no_trouble(store):
    """The count says what was there to erase."""
    append(store, entry(1, personal=SECRET), entry(2))
    assert [asyncio.run(store.erase(id)) for id in ("id-1", "id-1", "id-2", "id-3")] == [1, 0, 0, 0]


def test_a_reader_in_the_way_delays_the_last_trace_only(in_file):
    """While somebody reads, old pages stay in the write-ahead log; the next commit after that empties it."""
    append(in_file, entry(1, personal=SECRET))
    reader = sqlite3.connect(in_file.database.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM personal").fetchall()
    asyncio.run(in_file.erase("id-1"))
    reader.execute("ROLLBACK")
    reader.close()
    append(in_file, entry(2))
    for path, bytes in database_files(in_file.database.path).items():
        assert SECRET.encode() not in bytes, path


@BOTH_DATABASES
def test_a_probe_writes_and_counts(store):
    """It returns only after its own commit."""
    append(store, entry(1), entry(2))
    commits = store.writer.counts.commits
    assert asyncio.run(store.probe()) == 2
    assert store.writer.counts.commits == commits + 1
    assert sound(store) == 2


def test_the_rows_are_what_the_page_on_the_database_says(in_file):
    """Other tools read them: these tables, these columns."""
    append(in_file, entry(1, personal=SECRET))
    with sqlite3.connect(in_file.database.path) as database:
        (leaf,) = database.execute("SELECT leaf FROM record WHERE sequence = 0").fetchone()
        values = {name: json.loads(value) for name, value in database.execute("SELECT pointer, value FROM personal")}
    held = {name: json.loads(leaf)[name].keys() for name in ("request", "decision")}
    assert held == {"request": {"commitment"}, "decision": {"commitment"}}
    assert values.keys() == {"/personal", "request", "decision"}
    assert (values["/personal"], values["decision"]) == (SECRET, {"number": 1})
    assert values["request"]["personal"].keys() == {"commitment"}
