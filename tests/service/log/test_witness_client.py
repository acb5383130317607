"""Witnesses: this service as one, those of its own log, and one that is a file. What was put back or forked is found by each."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from service.log import witness_client
from service.log.key_changes import continue_log
from service.log.proofs import log_tree
from service.log.store import Store
from service.log.witness_client import Witness, Witnesses, WitnessFailed, last_cosigned, last_given, with_cosignatures
from service.log.witness_server import WitnessServer
from service.server.app import create_app
from service.service import Service
from service.settings import SettingRefused
from service.store.database import DatabaseRefused
from service.store.log_key import key_file, witness_key
from service.store.tables import cosignature, tree_leaf, witnessed
from service.store.writer import NotRecorded
from service.telemetry import log_lines
from service.transparency.ed25519 import PrivateKey
from service.transparency.signed_note import Note, SignatureType, SignerKey, VerifierKey, signatures_by
from service.transparency.witness import SIZE_TYPE, AddCheckpoint
from tests.service.cli.test_log import run
from tests.service.conftest import BOTH_DATABASES, Lines
from tests.service.log.test_key_changes import Machine, record
from tests.service.log.test_store import append, entry

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """The machine of a log with one record."""
    made = Machine(str(tmp_path / "own.db"), key_file(tmp_path / "own.db"), None)
    record(made, 1)
    return made


def key_of(machine: Machine) -> VerifierKey:
    with machine.alone() as database:
        return VerifierKey.parse(database.log_key().verifier.text())


@pytest.fixture
def witness(service: Service, machine: Machine) -> Iterator[TestClient]:
    """Another service, which is a witness of that log."""
    cosigning = WitnessServer((key_of(machine),), witness_key(service.store.database.key_path))
    other = replace(service, cosigning=cosigning)
    with TestClient(create_app(service.settings, other), base_url="http://127.0.0.1:8080") as client:
        yield client


def witnesses(store: Store, witness: TestClient, lines: Lines, at: datetime = NOW) -> Witnesses:
    """The witness, as that of an open log."""
    key = witness.app.state.service.cosigning.signer.verifier  # type: ignore[attr-defined]

    def post(address: str, body: bytes) -> tuple[int, str, bytes]:
        answer = witness.post(address.removeprefix("http://127.0.0.1:8080"), content=body)
        return answer.status_code, answer.headers["content-type"], answer.content

    one = Witness(key, "http://127.0.0.1:8080")
    return Witnesses((one,), store, log_lines.logger(lines), lambda: at, post)


def sizes(store: Store) -> tuple[int, int | None]:
    """The size of the checkpoint of now if it is cosigned, else 0; and that of the last cosigned one."""
    with log_tree(store.database) as tree:
        now, last = with_cosignatures(tree), last_cosigned(tree)
    size, size_of_last = (None if each is None else int(each.text.split("\n")[1]) for each in (now, last))
    return (size or 0) if len(now.signatures) > 1 else 0, size_of_last


@BOTH_DATABASES
def test_another_service_cosigns_each_checkpoint_that_goes_on_from_the_last(witness, machine, lines, tmp_path):
    """It keeps size and root with a leaf of its own. The log shows the cosignatures, and they are verified offline."""
    with machine.open() as store:
        asked = witnesses(store, witness, lines)
        asked.check()
        for number in (2, 3):
            append(store, entry(number))
            assert sizes(store)[0] == 0
            # What the first call kept is too young for another question.
            later = witnesses(store, witness, lines, NOW.replace(minute=number))
            asyncio.run(later.ask(asked.witnesses[0]))
            assert sizes(store) == (number + 1, number + 1)
        append(store, entry(4))
        assert sizes(store) == (0, 4)
        with store.database.looking(1) as connection:
            [given] = last_given(connection, asked.witnesses)
        assert given == (asked.witnesses[0].verifier.name, 1, NOW.replace(minute=3))
        with log_tree(store.database) as tree:
            (tmp_path / "note").write_bytes(last_cosigned(tree).to_bytes())  # type: ignore[union-attr]
    assert not lines.events("witness_failed")
    with witness.app.state.service.store.database.reading.connect() as connection:
        [row] = connection.execute(sa.select(witnessed)).all()
        cosigned = sa.select(tree_leaf.c.leaf).where(tree_leaf.c.kind == "cosigned").order_by(tree_leaf.c.index)
        leaves = connection.execute(cosigned).scalars().all()
    assert (row.origin, row.size) == (key_of(machine).name, 4)
    assert [json.loads(leaf)["size"] for leaf in leaves] == [2, 3, 4]
    (tmp_path / "log.key").write_text(key_of(machine).text())
    (tmp_path / "witness.key").write_text(asked.witnesses[0].verifier.text() + "\n")
    verified = ("log", "verify", "--checkpoint", str(tmp_path / "note"), "--key", str(tmp_path / "log.key"), "--witness-key")
    assert run(machine.url, *verified, str(tmp_path / "witness.key"))[0] == 0
    code, _, errors = run(machine.url, *verified, str(tmp_path / "log.key"))
    assert (code, "none for cosignatures" in errors) == (2, True)


@BOTH_DATABASES
def test_a_witness_finds_an_older_database_and_one_that_went_another_way(witness, machine, lines, tmp_path):
    """Where the last checkpoint beside the key was put back too. A start refuses, and a running service records nothing more."""
    older, forked = (machine.replica(tmp_path / name) for name in ("older", "forked"))
    record(machine, 2, 3)
    with machine.open() as store:
        witnesses(store, witness, lines).check()
    record(forked, *range(5, 9))
    for copy, finding in (
        (older, "the log has 2 leaves, and its witness .* cosigned 4: an older database was put back; .*log continue"),
        (forked, "the log of 6 leaves does not go on from the one that its witness .* cosigned"),
    ):
        with copy.open() as store:
            asked = witnesses(store, witness, lines)
            with pytest.raises(DatabaseRefused, match=finding):
                asked.check()
            asyncio.run(asked.ask(asked.witnesses[0]))
            assert lines.events("log_put_back")
            with pytest.raises(NotRecorded, match="its witness"):
                append(store, entry(100))


def sent(machine: Machine, old: int) -> AddCheckpoint:
    """The request to a witness from the log as it is."""
    with machine.alone() as database, log_tree(database) as tree:
        return witness_client.request_since(tree, old)


def test_what_a_witness_refuses(witness, machine, tmp_path):
    """With the statuses of the specification; nothing is kept of it."""
    request = sent(machine, 0)
    assert witness.post("/add-checkpoint", content=b"junk").status_code == 400
    unknown = replace(request.note, text=request.note.text.replace("fifthfactor/log", "fifthfactor/other"))
    assert witness.post("/add-checkpoint", content=AddCheckpoint(0, (), unknown).to_bytes()).status_code == 404
    forged = replace(request.note, text=request.note.text.replace("\n2\n", "\n3\n"))
    assert witness.post("/add-checkpoint", content=AddCheckpoint(0, (), forged).to_bytes()).status_code == 403
    assert witness.post("/add-checkpoint", content=request.to_bytes()).status_code == 200
    record(machine, 2, 3)
    late = witness.post("/add-checkpoint", content=sent(machine, 1).to_bytes())
    assert (late.status_code, late.headers["content-type"], late.text) == (409, SIZE_TYPE, "2\n")
    wrong = replace(sent(machine, 2), proof=(b"x" * 32,) * 2)
    assert witness.post("/add-checkpoint", content=wrong.to_bytes()).status_code == 422
    with witness.app.state.service.store.database.reading.connect() as connection:
        assert connection.execute(sa.select(witnessed.c.size)).scalar_one() == 2


def test_a_service_that_is_no_witness_says_so(client, machine):
    """And its own log has no cosigned checkpoint."""
    assert client.post("/add-checkpoint", content=sent(machine, 0).to_bytes()).status_code == 404
    assert client.get("/checkpoint/witnessed").status_code == 404


def test_a_witness_that_fails_holds_nothing_up(witness, machine, lines):
    """Its failure is a log line. A redirect is not followed, and a long answer is not read."""
    for answered, reason in (
        ((500, "text/plain", b""), "answered with the status 500"),
        ((200, "text/plain", b"junk\n"), "did not answer as it should"),
        ((409, SIZE_TYPE, b"1\n"), "named another size each time"),
    ):
        with machine.open() as store:
            asked = replace(witnesses(store, witness, lines), post=lambda *_, answered=answered: answered)
            asked.check()
            asyncio.run(asked.ask(asked.witnesses[0]))
            assert reason in lines.events("witness_failed")[-1]["reason"]
            append(store, entry(len(lines.events("witness_failed")) + 1))
    assert len(lines.events("witness_failed")) == 3  # each is told once

    def served(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/long":
            return httpx.Response(200, content=b"x" * 70_000)
        return httpx.Response(307, headers={"Location": "http://127.0.0.1/secret"})

    def through(path: str) -> Any:
        return witness_client._posted(httpx.Client(transport=httpx.MockTransport(served)), f"http://witness{path}", b"")

    assert through("/away")[0] == 307
    with pytest.raises(WitnessFailed, match="answers more than 64 KiB"):
        through("/long")
    with pytest.raises(WitnessFailed, match="does not answer"):
        witness_client.post("http://127.0.0.1:1/add-checkpoint", b"")


def test_a_witness_whose_log_was_continued_gets_another_key(machine):
    """It may have forgotten what it cosigned; the cosignatures of its own log are over the old name."""
    first = witness_key(machine.key)
    with machine.alone() as database, database.writing.begin() as connection:
        row = {"witness": "w", "size": 1, "root": b"r", "line": "l", "at": "2026"}
        connection.execute(sa.insert(cosignature).values(row))
    with machine.alone() as database:
        continue_log(database, "put back", "tester")
        with database.reading.connect() as connection:
            assert connection.execute(sa.select(cosignature)).all() == []
    assert witness_key(machine.key).verifier != first.verifier


def test_two_services_that_are_each_other_s_witnesses_come_to_rest(witness, machine, lines):
    """A tree that has grown by leaves of a witness only is not sent."""
    with machine.open() as store:
        asked = witnesses(store, witness, lines)
        asyncio.run(asked.ask(asked.witnesses[0]))
        later = replace(asked, clock=lambda: NOW.replace(minute=30))
        with store.database.transaction() as transaction:
            cosigning = WitnessServer((key_of(machine),), witness_key(machine.key))
            cosigning.answer_in(transaction, sent(machine, 0), "2026-11-27", 0)
        asyncio.run(later.ask(asked.witnesses[0]))
        with store.database.reading.connect() as connection:
            assert connection.execute(sa.select(cosignature.c.size)).scalar_one() == 2
        append(store, entry(2))
        asyncio.run(later.ask(asked.witnesses[0]))
        assert sizes(store) == (4, 4)


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("junk", "no witness: the text of a key"),
        ("{log} https://w.example", "no witness: the verifier key of a witness is one for cosignatures"),
        ("{witness} http://w.example", "no witness: give an https:// address"),
        ("{witness}", "no witness: give an https:// address"),
        (
            "{witness} https://w.example",
            "names this service as its own witness, .*whose memory others keep",
        ),
        (
            "{other} https://w.example\n{same} https://x.example",
            "has one witness twice, as `w.example` and `x.example`: they have the same",
        ),
        ("{other} https://w.example\n{other} https://x.example", "has one witness twice, as `w.example` and `w.example`"),
    ],
)
def test_a_file_of_witnesses_is_read_strictly(machine, tmp_path, lines, line, finding):
    """Each line is a verifier key for cosignatures and an address. No two have one key, and none is this service."""
    file, private = tmp_path / "witnesses", PrivateKey.generated()
    other, same = (SignerKey(f"{name}.example", SignatureType.COSIGNATURE, private).verifier.text() for name in "wx")
    own = witness_key(machine.key).verifier.text()
    file.write_text("# comment\n\n" + line.format(log=key_of(machine).text(), witness=own, other=other, same=same))
    with machine.open() as store, pytest.raises(SettingRefused, match=finding):
        Witnesses.open(file, store, log_lines.logger(lines), lambda: NOW)
    with machine.alone() as database, pytest.raises(SettingRefused, match="cannot be read"):
        WitnessServer.open(tmp_path / "nowhere", database)
    with machine.alone() as database, pytest.raises(SettingRefused, match="no verifier key of a log"):
        WitnessServer.open(file, database)


def test_a_witness_that_is_a_file_cosigns_what_is_carried_to_it(machine, tmp_path):
    """Nothing but the request, the file and the key of the log. A log that was put back is not cosigned."""
    state, request, key = tmp_path / "state", tmp_path / "request", tmp_path / "log.key"
    older = machine.replica(tmp_path / "older")
    key.write_text(run(machine.url, "log", "checkpoint", "--verifier-key")[1])
    cosign = ("log", "witness", str(request), "--state", str(state), "--key", str(key))
    verifier = VerifierKey.parse(run("", "log", "witness", "--state", str(state))[1].strip())
    assert state.stat().st_mode & 0o077 == 0
    for since, number in ((0, 2), (2, 3)):
        request.write_text(run(machine.url, "log", "checkpoint", "--since", str(since))[1])
        code, cosigned, _ = run("", *cosign)
        assert code == 0
        assert len(signatures_by(Note.parse(cosigned.encode()), [verifier, key_of(machine)])) == 2
        record(machine, number)
    code, _, errors = run("", *cosign)  # the second time
    assert (code, "it has cosigned 3 leaves: ask with `fifthfactor log checkpoint --since 3`" in errors) == (1, True)
    assert run(older.url, "log", "checkpoint", "--since", "3")[0] == 2
    record(older, *range(10, 20))
    request.write_text(run(older.url, "log", "checkpoint", "--since", "3")[1])
    code, _, errors = run("", *cosign)
    assert (code, "does not lead to both roots" in errors) == (1, True)
    state.write_text("{}")
    assert run("", *cosign)[0] == 2
    assert run("", "log", "witness", str(request), "--state", str(state))[0] == 2
