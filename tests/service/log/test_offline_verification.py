"""What is carried to somebody who verifies: the log as a folder of tiles, and an export with proofs. Any changed byte is found."""

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.log.key_changes import continue_log, rotate_key
from service.log.leaf import seal
from service.log.store import Store
from service.store.log_key import key_file
from service.store.log_tree import growth_of
from tests.service.cli.test_log import run
from tests.service.log.test_key_changes import Machine, record
from tests.service.log.test_store import append, entry

LEAF = b'{"kind":"test","schema":"fifthfactor/leaf/1"}'
NOWHERE = "/nowhere/log.db"  # verifying needs no database


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """The machine of a log with some records and over a tile of other leaves."""
    made = Machine(str(tmp_path / "own.db"), key_file(tmp_path / "own.db"), None)
    with made.open() as store:
        append(store, entry(1, personal="Wang Fang"), entry(2, personal="Li Na"), entry(3))
        asyncio.run(store.do(lambda transaction: [growth_of(transaction).append("test", LEAF) for _ in range(560)]))
        append(store, entry(4), seal({"schema": "x", "id": "long", "request": {}, "decision": {}, "more": "x" * 70_000}, ()))
        asyncio.run(store.erase("id-1"))
    return made


def kept_of(machine: Machine, folder: Path, name: str) -> tuple[str, str]:
    """The checkpoint of now and the verifier key, as files."""
    (folder / f"{name}.checkpoint").write_text(run(machine.url, "log", "checkpoint")[1])
    (folder / f"{name}.key").write_text(run(machine.url, "log", "checkpoint", "--verifier-key")[1])
    return str(folder / f"{name}.checkpoint"), str(folder / f"{name}.key")


def tampered(file: Path, verify: Callable[[], tuple[int, str, str]], places: int, rest: random.Random) -> None:
    """Change a byte here and there, each time one; each is found."""
    whole = file.read_bytes()
    for _ in range(places):
        at = rest.randrange(len(whole))
        changed = bytearray(whole)
        changed[at] ^= 1 << rest.randrange(8)
        file.write_bytes(changed)
        code, text, errors = verify()
        assert code == 1, (file.name, at, text, errors)
    file.write_bytes(whole)
    assert verify()[0] == 0


def test_a_folder_of_tiles_is_verified_with_the_key_of_the_log_alone(machine, tmp_path):
    """Also with a key that was rotated since, and with a checkpoint that was kept. Another key is refused."""
    monday, old_key = kept_of(machine, tmp_path, "monday")
    with machine.alone() as database:
        rotate_key(database, "tester")
    record(machine, 5)
    machine.key.with_name(machine.key.name + ".before").unlink()
    record(machine, 6)
    _, new_key = kept_of(machine, tmp_path, "tuesday")
    tiles = tmp_path / "tiles"
    code, text, _ = run(machine.url, "log", "export", "--tiles", str(tiles))
    assert (code, text) == (0, f"570 leaves in `{tiles}`\n")
    names = sorted(str(each.relative_to(tiles)) for each in tiles.rglob("*") if each.is_file())
    entries = [f"tile/entries/{name}" for name in ("000", "001", "002.p/58")]
    assert names == ["checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/58", "tile/1/000.p/2", *entries]
    for key in (old_key, new_key):
        assert run(NOWHERE, "log", "verify", str(tiles), "--key", key)[:2] == (0, "570 leaves, no faults\n")
    assert run(NOWHERE, "log", "verify", str(tiles), "--key", old_key, "--checkpoint", monday)[0] == 0
    assert not [each for each in tiles.rglob("*") if each.is_file() and b"Wang Fang" in each.read_bytes()]

    other = Machine(str(tmp_path / "other.db"), key_file(tmp_path / "other.db"), None)
    record(other, 1)
    stranger, strange_key = kept_of(other, tmp_path, "stranger")
    code, text, _ = run(NOWHERE, "log", "verify", str(tiles), "--key", strange_key)
    assert (code, "the log never had this key" in text) == (1, True)
    code, text, _ = run(NOWHERE, "log", "verify", str(tiles), "--key", strange_key, "--checkpoint", stranger)
    assert "which is no name of this log" in text
    for wrong in (("--checkpoint", monday), (), ("--key", monday), ("--key", old_key, "--database", machine.url)):
        assert run(NOWHERE, "log", "verify", str(tiles), *wrong)[0] == 2

    rest = random.Random(1)
    for name in names:
        tampered(tiles / name, lambda: run(NOWHERE, "log", "verify", str(tiles), "--key", old_key), 6, rest)
    (tiles / "tile/0/000").unlink()
    code, text, _ = run(NOWHERE, "log", "verify", str(tiles), "--key", old_key, "--json")
    assert (code, json.loads(text)["faults"]) == (1, ["it cannot be read to the end: `000`: No such file or directory"])
    assert run(machine.url, "log", "export", "--tiles", str(tiles))[0] == 2


def test_nobody_follows_to_a_key_that_the_lost_one_did_not_sign(machine, tmp_path):
    """A log that was continued without its key needs its new verifier key."""
    _, old_key = kept_of(machine, tmp_path, "old")
    machine.key.unlink()
    with machine.alone() as database:
        continue_log(database, "lost", "tester", lost_key=True)
    _, new_key = kept_of(machine, tmp_path, "new")
    tiles = str(tmp_path / "tiles")
    assert run(machine.url, "log", "export", "--tiles", tiles)[0] == 0
    assert run(NOWHERE, "log", "verify", tiles, "--key", new_key)[0] == 0
    code, text, _ = run(NOWHERE, "log", "verify", tiles, "--key", old_key)
    assert (code, "is not signed by this key, nor by one that leads back to it" in text) == (1, True)


def proven(machine: Machine, file: Path, *options: str) -> list[dict[str, Any]]:
    """The lines of an export with proofs."""
    assert run(machine.url, "log", "export", "--proofs", "--output", str(file), *options)[0] == 0
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_an_export_with_proofs_is_verified_with_the_key_of_the_log_alone(machine, tmp_path):
    """Record by record; and no line was added, taken away or moved. What was erased stays proven."""
    monday, key = kept_of(machine, tmp_path, "monday")
    file = tmp_path / "all.jsonl"
    lines = proven(machine, file)
    assert [each["record"]["id"] for each in lines[:-1]] == ["long", "id-4", "id-3", "id-2", "id-1"]

    def verify(*options: str) -> tuple[int, str, str]:
        return run(NOWHERE, "log", "verify", str(file), "--key", key, *options)

    assert verify()[:2] == (0, "5 records, no faults\n")
    assert verify("--checkpoint", monday)[0] == 0
    rest = random.Random(2)
    tampered(file, verify, 60, rest)
    whole = file.read_text().splitlines(keepends=True)
    for changed, finding in (
        (whole[1:], "the lines are not those that were sealed"),
        ([whole[1], whole[0], *whole[2:]], "the lines are not those that were sealed"),
        ([*whole, whole[0]], "line 7: it is after the seal"),
        (whole[:-1], "the export has no seal at its end"),
        ([whole[0].replace("long", "lung", 1), *whole[1:]], "line 1: the record does not have its leaf hash"),
        (
            [whole[0], whole[1].replace('"sequence": 3', '"sequence": 9'), *whole[2:]],
            "the lines are not those that were sealed",
        ),
    ):
        file.write_text("".join(changed))
        code, text, _ = verify()
        assert (code, finding in text) == (1, True), text
    assert run(NOWHERE, "log", "verify", str(tmp_path / "nothing"), "--key", key)[0] == 2


def test_the_proofs_of_an_export_lead_to_the_checkpoint_that_is_asked_for(machine, tmp_path):
    """Such as one that a witness cosigned. A record that is newer has no proof, and another checkpoint is another one."""
    monday, key = kept_of(machine, tmp_path, "monday")
    record(machine, 7)
    tuesday, _ = kept_of(machine, tmp_path, "tuesday")
    request, cosigned, witness = (tmp_path / name for name in ("request", "cosigned", "witness.key"))
    request.write_text(run(machine.url, "log", "checkpoint", "--since", "0")[1])
    state = ("--state", str(tmp_path / "state"))
    cosigned.write_text(run(NOWHERE, "log", "witness", str(request), *state, "--key", key)[1])
    witness.write_text(run(NOWHERE, "log", "witness", *state)[1])
    file = tmp_path / "some.jsonl"
    verify = ("log", "verify", str(file), "--key", key)

    lines = proven(machine, file, "--checkpoint", monday)
    assert [each["log"]["proof"] is None for each in lines[:-1]] == [True, False, False, False, False, False]
    code, _, errors = run(NOWHERE, *verify, "--checkpoint", monday)
    assert (code, "1 of the records have no proof" in errors) == (0, True)
    code, text, _ = run(NOWHERE, *verify, "--checkpoint", tuesday)
    assert (code, "`log export --proofs --checkpoint` makes proofs from that one" in text) == (1, True)
    code, text, _ = run(NOWHERE, *verify, "--witness-key", str(witness))
    assert (code, "of the trusted witnesses cosigned" in text) == (1, True)

    proven(machine, file, "--checkpoint", str(cosigned))
    assert run(NOWHERE, *verify, "--witness-key", str(witness))[0] == 0
    assert run(NOWHERE, *verify, "--checkpoint", str(cosigned), "--witness-key", str(witness))[0] == 0
    other = Machine(str(tmp_path / "other.db"), key_file(tmp_path / "other.db"), None)
    record(other, *range(20))
    stranger, _ = kept_of(other, tmp_path, "stranger")
    export = ("log", "export", "--proofs", "--checkpoint", stranger)
    code, _, errors = run(machine.url, *export)
    assert (code, "does not begin with the tree of this checkpoint" in errors) == (2, True)


def test_an_export_that_is_not_asked_for_as_it_can_be(machine, tmp_path):
    """Each with a sentence."""
    for options in (
        ("--checkpoint", "x"),
        ("--tiles", str(tmp_path / "t"), "--proofs"),
        ("--tiles", str(tmp_path / "t"), "--since", "2026-01-01"),
        ("--proofs", "--checkpoint", str(machine.key)),
    ):
        assert run(machine.url, "log", "export", *options)[0] == 2
    with Store.open(machine.url):
        assert run(NOWHERE, "log", "verify", machine.url)[0] == 0  # a database may be named as a place, too
