"""An older database that was put back, a copy that takes over, a key that is rotated or lost: found, refused, continued, verified."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.audit.deep_verification import DeepVerification
from service.log.key_changes import continue_log, rotate_key
from service.log.proofs import log_tree
from service.log.store import Store
from service.log.tree_verification import tree_faults
from service.log.verification import put_back
from service.store import log_key
from service.store.database import Database, DatabaseRefused
from service.store.kept_checkpoint import KeptCheckpoint, LogPutBack
from service.store.log_identity import LogIdentity, LogNotNamed, identities, rotation_leaf
from service.store.log_key import LogKey, key_file
from service.store.log_tree import growth_of
from service.store.tables import head, leaf_opening, tree_leaf
from service.store.writer import NotRecorded
from service.transparency.checkpoint import Checkpoint, open_checkpoint
from service.transparency.ed25519 import PrivateKey
from service.transparency.merkle_tree import Frontier
from service.transparency.signed_note import Note, VerifierKey, signatures_by
from tests.service.cli.test_log import run
from tests.service.conftest import BOTH_DATABASES, eventually
from tests.service.databases import PostgreSQL
from tests.service.log.test_store import append, entry


@dataclass
class Machine:
    """A database and the key of its log, as one machine has them."""

    url: str
    key: Path
    server: PostgreSQL | None

    def open(self) -> Store:
        return Store.open(self.url, log_key=self.key)

    def alone(self) -> Any:
        """The database without a writer."""
        return closing(Database.open(self.url, self.key))

    @property
    def checkpoint(self) -> Path:
        return KeptCheckpoint(self.key).path

    def replica(self, folder: Path) -> "Machine":
        """Another machine with a copy of the database as it is now, and of the key. Nobody is connected to the database."""
        folder.mkdir()
        if self.server:
            return Machine(self.server.copy(self.url), Path(shutil.copy(self.key, folder)), self.server)
        copy = shutil.copy(self.url, folder)
        return Machine(str(copy), Path(shutil.copy(self.key, key_file(Path(copy)))), None)

    def knows(self, other: "Machine") -> None:
        """Copy the last checkpoint that the other machine kept."""
        shutil.copy(other.checkpoint, self.checkpoint)

    def faults(self, *kept: Checkpoint) -> list[str]:
        """What verifying the log finds."""
        with self.alone() as database, database.reading.connect() as connection:
            found = list(tree_faults(connection, database.log_key(), kept))
            rows = DeepVerification(connection, database).findings()
            return found + [each.fault for each in put_back(database, connection)] + list(map(str, rows))

    def kept(self) -> Checkpoint:
        """The checkpoint in the file."""
        return Checkpoint.parse(Note.parse(self.checkpoint.read_bytes()).text)


@pytest.fixture
def machine(database: str, request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A machine with an empty log."""
    if "://" in database:
        yield Machine(database, log_key.OF_A_SERVER, request.getfixturevalue("postgresql"))
    else:
        yield Machine(database, key_file(Path(database)), None)


def record(machine: Machine, *numbers: int) -> None:
    """Record something, and close."""
    with machine.open() as store:
        append(store, *map(entry, numbers))


@BOTH_DATABASES
def test_an_older_copy_that_takes_over_is_refused_and_continues_under_another_name(machine, tmp_path):
    """It knows the last checkpoint. Two trees of one size are never signed under one name, and the old leaves are verified."""
    record(machine, 1, 2)
    second = machine.replica(tmp_path / "second")
    record(machine, 3)
    second.knows(machine)
    before = second.checkpoint.read_bytes()
    with pytest.raises(
        DatabaseRefused, match=r"the log has 3 leaves, and its last checkpoint .* has 4: .*`fifthfactor log continue"
    ):
        second.open()
    with pytest.raises(DatabaseRefused, match="has 4"), second.alone() as database:
        rotate_key(database, "tester")
    assert second.checkpoint.read_bytes() == before
    assert ["its last checkpoint" in each for each in second.faults()] == [True]

    lost = second.kept()
    with second.alone() as database:
        done = continue_log(database, "the first machine burnt", "tester")
    assert (done.found, done.kept) == (3, lost)
    record(second, 4)
    assert second.faults() == []
    assert second.kept().size == 5
    assert second.kept().origin != lost.origin
    assert second.faults(lost) == [
        "the checkpoint has 4 leaves, and the log was continued under another name from 3 leaves: 1 are lost"
    ]
    with second.open() as store, store.database.reading.connect() as connection:
        [first, now] = identities(connection, store.database.sealed(connection)[0])
        leaf = connection.execute(sa.select(tree_leaf.c.leaf).where(tree_leaf.c.index == 3)).scalar_one()
        reason = connection.execute(sa.select(leaf_opening.c.value).where(leaf_opening.c.name == "reason")).scalar_one()
    assert (first.origin, now.first, now.kept) == (lost.origin, 3, lost)
    assert json.loads(reason) == "the first machine burnt"
    assert b"burnt" not in leaf

    # The first machine comes back, and still is the log of the first name. Neither takes the other's database.
    record(machine, 5)
    assert machine.kept().origin == lost.origin
    third = second.replica(tmp_path / "third")
    shutil.copy(machine.key, third.key)
    with pytest.raises(DatabaseRefused, match="does not have the seal of the log's key"):
        third.open()


def test_a_log_that_went_another_way_is_refused(machine, tmp_path):
    """It is longer than the last checkpoint, and does not begin with its tree."""
    record(machine, 1)
    second = machine.replica(tmp_path / "second")
    record(machine, 2)
    record(second, *range(3, 8))
    second.knows(machine)
    with pytest.raises(DatabaseRefused, match="does not begin with the tree of its last checkpoint"):
        second.open()


@BOTH_DATABASES
def test_the_last_checkpoint_is_kept_within_a_second_and_before_it_is_given_out(machine, monkeypatch):
    """Also while the service runs; and a smaller one never replaces it."""
    with machine.open() as store:
        append(store, entry(1))
        eventually(lambda: machine.checkpoint.exists() and machine.kept().size == 2)
        monkeypatch.setattr("service.store.kept_checkpoint.EVERY_SECONDS", 1e6)
        with log_tree(store.database) as smaller:
            append(store, entry(2))
            with log_tree(store.database) as tree:
                tree.checkpoint()
            assert machine.kept().size == 3
            KeptCheckpoint(machine.key).keep(smaller.key, smaller.sealed.frontier)
        assert machine.kept().size == 3
        append(store, entry(3))
    assert machine.kept().size == 4


def test_a_checkpoint_that_cannot_be_kept_is_not_given_out(machine, monkeypatch):
    """Recording goes on, and the failure is reported."""
    with machine.open() as store:
        reported: list[str] = []
        store.writer.on_failure = reported.append

        def full(path: Path, content: bytes) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("service.store.kept_checkpoint.put", full)
        append(store, entry(1))
        eventually(lambda: reported)
        assert "No space left" in reported[0]
        with log_tree(store.database) as tree, pytest.raises(log_key.LogRefused, match="No space left"):
            tree.checkpoint()
        monkeypatch.undo()


@pytest.mark.parametrize("content", [b"", b"x\n1\n" + b"A" * 43 + b"=\n\n\xe2\x80\x94 x " + b"AAAAAAA=" + b"\n"])
def test_a_last_checkpoint_that_is_none_of_this_log_is_refused(machine, content):
    """Whoever put it there shall say what for."""
    record(machine, 1)
    machine.checkpoint.write_bytes(content)
    with pytest.raises(DatabaseRefused, match=r"the last checkpoint `.*` is no(t one of this log|ne)"):
        machine.open()
    assert ["the last checkpoint" in each for each in machine.faults()] == [True]


@BOTH_DATABASES
def test_a_database_that_is_put_back_under_a_running_service_takes_no_record(machine):
    """The process remembers how large the tree was."""
    with machine.open() as store:
        with store.database.reading.connect() as connection:
            row = connection.execute(sa.select(head).where(head.c.name == "leaf")).one()
        asyncio.run(store.do(lambda transaction: growth_of(transaction).append("test", b"{}")))
        with log_tree(store.database) as tree:
            assert tree.sealed.size == 2
        with store.database.writing.begin() as connection:
            connection.execute(sa.delete(tree_leaf).where(tree_leaf.c.index == 1))
            connection.execute(sa.update(head).where(head.c.name == "leaf").values(row._asdict()))
        with pytest.raises(NotRecorded, match="the log had 2 leaves and has 1"):
            append(store, entry(1))


def leaves(store: Store, number: int, told: str) -> None:
    """Append so many leaves, in one transaction."""

    def work(transaction: sa.Connection) -> None:
        for each in range(number):
            growth_of(transaction).note("test", {"told": f"{told} {each}"})

    asyncio.run(store.do(work))


@pytest.mark.parametrize("more", [1, 2, 300])  # as many leaves as the other has, more, and more than a tile holds
def test_a_copy_that_went_another_way_and_is_put_under_a_running_service_takes_no_record(machine, tmp_path, more):
    """It has the seal of the same key, and is no smaller. Neither the service signs it, nor the next start, and what is known stays."""
    record(machine, 1)
    forked = machine.replica(tmp_path / "forked")
    with machine.open() as store:
        leaves(store, 1, "here")
        with log_tree(store.database) as tree:
            tree.checkpoint()
        known = machine.kept()
        with forked.open() as other:
            leaves(other, more, "there")
        with closing(sqlite3.connect(forked.url)) as there, closing(sqlite3.connect(machine.url)) as here:
            there.backup(here)
        with pytest.raises(NotRecorded, match=f"the log of {2 + more} leaves does not go on from the 3 that it had: another"):
            append(store, entry(2))
        with pytest.raises(LogPutBack, match="does not go on"), log_tree(store.database):
            pass
    assert machine.kept() == known
    with pytest.raises(DatabaseRefused, match="does not begin with the tree of its last checkpoint"):
        machine.open()


@BOTH_DATABASES
@pytest.mark.parametrize("more", [1, 300])
def test_a_process_goes_on_from_what_another_one_wrote(machine, more):
    """Within a tile and beyond it."""
    with machine.open() as store, machine.open() as other:
        for round in range(3):
            leaves(store, 1, f"here {round}")
            leaves(other, more, f"there {round}")
        append(store, entry(1))
        with log_tree(store.database) as tree:
            assert tree.sealed.size == 1 + 3 * (1 + more) + 1
            assert list(tree_faults(tree.connection, tree.key, ())) == []


def signed_by(note: Note, *keys: VerifierKey) -> list[bool]:
    """Which of the keys signed the note."""
    return [bool(signatures_by(note, [key])) for key in keys]


@BOTH_DATABASES
def test_a_rotated_key_signs_from_then_on_and_the_one_before_too_while_it_is_there(machine):
    """The name of the log stays; a process that runs goes on with the new key; the tree is verified over both."""
    with machine.open() as store:
        append(store, entry(1))
        old = store.database.log_key()
        with machine.alone() as database:
            verifier = rotate_key(database, "tester")
        append(store, entry(2))
        with log_tree(store.database) as tree:
            note = tree.checkpoint()
        assert verifier.name == old.origin
        assert signed_by(note, old.verifier, verifier) == [True, True]
        assert open_checkpoint(note, old.origin, [verifier])[0].size == 4
        with machine.alone() as database, pytest.raises(DatabaseRefused, match=r"still in .*\.before`: move it away"):
            rotate_key(database, "tester")
    assert machine.faults() == []
    machine.key.with_name(machine.key.name + ".before").unlink()
    with machine.open() as store, log_tree(store.database) as tree:
        assert signed_by(tree.checkpoint(), old.verifier, verifier) == [False, True]
        with machine.alone() as database:
            third = rotate_key(database, "tester")
    assert machine.faults() == []
    with machine.alone() as database, database.reading.connect() as connection:
        found = identities(connection, database.sealed(connection)[0])
    assert [each.verifier for each in found] == [old.verifier, verifier, third]


def test_a_machine_that_gets_the_rotated_key_knows_its_last_checkpoint_by_the_one_before(machine):
    """The leaves say that both are keys of the log."""
    record(machine, 1)
    kept = machine.checkpoint.read_bytes()
    with machine.alone() as database:
        rotate_key(database, "tester")
    machine.key.with_name(machine.key.name + ".before").unlink()
    machine.checkpoint.write_bytes(kept)
    record(machine, 2)
    assert machine.faults() == []


@pytest.mark.parametrize("change", ["rotate", "continue"])
def test_a_change_of_the_key_that_was_interrupted_is_finished_by_the_next_start(machine, monkeypatch, change):
    """Between its commit and the naming of the key; before its commit nothing has changed."""
    record(machine, 1)
    for number, interrupted in enumerate(("service.store.log_tree.Growth.seal_by", "service.store.log_key.accept"), 4):
        with monkeypatch.context() as patched, machine.alone() as database:
            patched.setattr(interrupted, lambda *_: (_ for _ in ()).throw(OSError(5, "interrupted")))
            with pytest.raises(DatabaseRefused, match=r"interrupted|OSError"):
                rotate_key(database, "tester") if change == "rotate" else continue_log(database, "why", "tester")
        before = machine.key.read_bytes()
        record(machine, number)
        assert (machine.key.read_bytes() == before) is ("seal_by" in interrupted)
        assert machine.faults() == []
    record(machine, 3)
    assert machine.faults() == []


@BOTH_DATABASES
def test_a_log_whose_key_is_lost_is_continued(machine, tmp_path):
    """Nobody can say who did it, and the leaf says so. With the key there, or with a tree that is not sound, it is refused."""
    record(machine, 1)

    def go_on() -> Any:
        with machine.alone() as database:
            return continue_log(database, "lost", "tester", lost_key=True)

    with pytest.raises(DatabaseRefused, match="continue without `--lost-key`"):
        go_on()
    machine.key.unlink()
    with machine.alone() as database, pytest.raises(DatabaseRefused, match="is missing: put it back"):
        continue_log(database, "lost", "tester")
    with machine.alone() as database, database.writing.begin() as connection:
        changed = connection.execute(sa.select(leaf_opening.c.value)).first()
        assert changed is None
        connection.execute(sa.update(tree_leaf).values(kind="other"))
    with pytest.raises(DatabaseRefused, match="only if its tree is sound: leaf 0"):
        go_on()
    with machine.alone() as database, database.writing.begin() as connection:
        connection.execute(sa.update(tree_leaf).values(kind="log"))
    kept = machine.kept()
    done = go_on()
    assert (done.found, done.kept) == (2, kept)
    record(machine, 2)
    assert machine.faults(kept) == []
    with machine.alone() as database, database.reading.connect() as connection:
        leaf = connection.execute(sa.select(tree_leaf.c.leaf).where(tree_leaf.c.index == 2)).scalar_one()
    assert json.loads(leaf)["key_lost"] is True


def test_leaves_that_name_the_log_are_held_against_those_before_them():
    """Another tree, another name, no signature by the key before."""
    old, new = LogKey.of(PrivateKey.generated()), PrivateKey.generated()
    tree = Frontier().appended([b"x" * 32])
    first = LogIdentity.of_first(json.dumps({"origin": old.origin, "public_key": old.private.public.raw.hex()}).encode())
    sound = rotation_leaf(old, LogKey.of(new, old.origin), tree)
    assert first.next("key-rotated", json.dumps(sound).encode(), tree).public == new.public
    for wrong, finding in (
        ({"signature": "00" * 64}, "is not signed by the key before it"),
        ({"public_key": old.private.public.raw.hex()}, "is not signed by the key before it"),
        ({"size": 7}, "names another tree"),
        ({"origin": "other"}, "gives the log another name"),
        ({"public_key": "7"}, "does not say who the log is"),
    ):
        with pytest.raises(LogNotNamed, match=finding):
            first.next("key-rotated", json.dumps({**sound, **wrong}).encode(), tree)
    with pytest.raises(LogNotNamed, match="does not say who the log is"):
        first.next("log", json.dumps(sound).encode(), tree)


def test_the_key_is_rotated_and_the_log_continued_at_a_terminal(tmp_path):
    """The new verifier key is printed, and the reason is asked for."""
    machine = Machine(str(tmp_path / "log.db"), key_file(tmp_path / "log.db"), None)
    record(machine, 1)
    first = run(machine.url, "log", "checkpoint", "--verifier-key")[1]
    code, text, errors = run(machine.url, "log", "rotate-key")
    assert (code, text) == (0, run(machine.url, "log", "checkpoint", "--verifier-key")[1])
    assert text.partition("+")[0] == first.partition("+")[0]
    assert '"action": "log-key-rotated"' in errors
    code, _, errors = run(machine.url, "log", "continue", "--reason", "why")
    assert (code, "move it away first" in errors) == (2, True)
    machine.key.with_name(machine.key.name + ".before").unlink()
    assert run(machine.url, "log", "continue", "--reason", " ")[0] == 2
    code, text, _ = run(machine.url, "log", "continue", "--reason", "why")
    assert (code, text.partition("+")[0] == first.partition("+")[0]) == (0, False)
    assert run(machine.url, "log", "verify")[0] == 0
    assert run(str(tmp_path / "nowhere.db"), "log", "continue", "--reason", "why")[0] == 2
