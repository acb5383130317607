"""What a change of the register, of a provision or of the policies would touch, by `fifthfactor exposure`."""

import asyncio
import csv
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from service.cli import processes
from service.ledger import exposure
from tests.service.cli.test_log import run
from tests.service.conftest import BOTH_DATABASES
from tests.service.ledger.desk import POLICIES, Desk, desk, opened

__all__ = ["desk", "opened"]


def exposed(database: str, *options: str) -> Any:
    """What the command says as JSON, in this process."""
    code, output, said = run(database, "exposure", "--json", "--processes", "1", *options)
    assert code == 0, said
    return json.loads(output)


def touched(found: Any) -> list[tuple[str, list[str]]]:
    """The commitments that are touched, and how."""
    return [(each["commitment"], each["how"]) for each in found["commitments"]]


def other_policies(folder: Path, old: str, new: str) -> Path:
    """A folder with the policies of these tests, of which one thing is changed."""
    for file in POLICIES.glob("*.yaml"):
        (folder / file.name).write_text(file.read_text().replace(old, new))
    return folder


def test_an_entry_of_the_register_touches_what_names_it(desk: Desk, database: str) -> None:
    """With the version that was used, or by the id alone; neither what was withdrawn nor what names others."""
    desk.client.put("/v1/parties/clinic", json={"facts": {"country": "CN"}, "aliases": ["clinic-old"]})
    desk.client.put("/v1/assets/scans", json={"facts": {"data": {"staff": False}}})
    first = desk.commit(10, named={"data": "scans"})
    desk.client.put("/v1/parties/clinic", json={"facts": {"country": "CN"}, "aliases": ["clinic-old"], "note": "moved"})
    second = desk.commit(20)
    other = desk.commit(30, "practice", recipient__id="clinic")
    desk.post(f"/v1/commitments/{desk.commit(40)['id']}/withdraw", {"reason": "no"})
    gone = desk.commit(50, "someone")
    asyncio.run(desk.service.store.erase(gone["evaluation"]))
    found = exposed(database, "--entity", "party/clinic-old")
    assert found["change"] == {"entity": {"kind": "party", "id": "clinic"}}
    assert (found["looked"], found["touched"], found["complete"]) == (4, 3, True)
    assert touched(found) == [
        (first["id"], ["exporter, version 1"]),
        (second["id"], ["exporter, version 2"]),
        (other["id"], ["recipient, version 2"]),
    ]
    assert found["erased"] == [gone["id"]]
    assert found["parties"] == {"clinic": 3, "lab": 2, "practice": 1}
    assert found["assets"] == {"scans": 1}
    year = {"counter": "counts.year", "commitments": 3, "at_most": 60, "keys": 2}
    assert found["counters"]["counts.year.ordinary"] == year
    alone = exposed(database, "--entity", "party/lab")
    assert touched(alone)[0] == (first["id"], ["recipient, by its id alone"])
    assert touched(exposed(database, "--entity", "asset/scans")) == [(first["id"], ["data, version 1"])]
    code, said, _ = run(database, "exposure", "--entity", "party/clinic", "--show", "2", "--processes", "1")
    assert code == 0
    assert said.startswith("3 of 4 running commitments rest on the party `clinic` of the register, or name it\n")
    assert "Parties: 3\n  clinic (3 commitments)\n  lab (2 commitments)\n  … and 1 more\n" in said
    assert "counts.year.ordinary: 3 commitments for 2 keys, at most 60 in all" in said
    assert f"1 commitment cannot be told, since values were erased: {gone['id']}\n" in said


@BOTH_DATABASES
def test_a_provision_touches_what_rests_on_it(desk: Desk, database: str) -> None:
    """Whether it stands or only may; a name that no policy has is a mistake."""
    stands = desk.commit(2_000, data__staff=True)
    perhaps = desk.commit(20, data__staff="unknown")
    desk.commit(30)
    assert touched(exposed(database, "--provision", "cn.test/staff")) == [
        (stands["id"], ["stands"]),
        (perhaps["id"], ["may stand"]),
    ]
    assert exposed(database, "--provision", "cn.test/many")["touched"] == 0
    code, _, said = run(database, "exposure", "--provision", "cn.test/staf")
    assert (code, "cn.test/staff" in said) == (2, True)


def test_other_policies_touch_what_would_come_out_otherwise(desk: Desk, database: str, tmp_path: Path) -> None:
    """From one outcome to another, and by which provision; on a day, with the counts of the record."""
    small, large = desk.commit(10), desk.commit(60)
    erased = desk.commit(70, "someone")
    asyncio.run(desk.service.store.erase(erased["evaluation"]))
    folder = other_policies(tmp_path, "{at_least: 1 thousand}", "{at_least: 50}")
    found = exposed(database, "--policies", str(folder), "--as-of", "2026-11-26")
    [move] = found["moves"]
    assert (move["from"], move["to"], move["commitments"]) == ("permitted", "prohibited", 1)
    assert list(move["causes"]) == ["cn.test/many stands"]
    assert [each["commitment"] for each in found["commitments"]] == [large["id"]]
    assert small["id"] not in json.dumps(found)
    assert (found["looked"], found["erased"], found["recounted"]) == (3, [erased["id"]], {})
    assert found["counters"]["counts.year.ordinary"]["at_most"] == 60
    before = exposed(database, "--policies", str(folder), "--as-of", "2023-12-01")
    assert (before["moves"], before["noted"]) == ([], {"not-permitted-already": 2})
    code, said, _ = run(database, "exposure", "--policies", str(folder), "--as-of", "2026-11-26", "--processes", "1")
    assert (code, "1  permitted → prohibited\n            cn.test/many stands (1)" in said) == (0, True)
    code, said, _ = run(database, "exposure", "--policies", str(POLICIES))
    assert (code, "Both policies mean the same" in said) == (0, True)


def test_a_counter_that_would_mean_something_else_is_named(desk: Desk, database: str, tmp_path: Path) -> None:
    """What adds to it would have to be counted again; an exchange that the others cannot read is refused."""
    desk.commit(10)
    folder = other_policies(tmp_path, "preceding 7 days", "preceding 9 days")
    assert exposed(database, "--policies", str(folder), "--as-of", "2026-11-26")["recounted"] == {"counts.week": 1}
    folder = other_policies(tmp_path, "data.staff", "data.workers")
    [move] = exposed(database, "--policies", str(folder), "--as-of", "2026-11-26")["moves"]
    assert (move["from"], move["to"]) == ("permitted", "refused")


def test_what_was_interrupted_goes_on(desk: Desk, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the file with what is done, also where its last line was cut off; then the file is gone."""
    made = [desk.commit(10, f"clinic-{number}")["id"] for number in range(5)]
    monkeypatch.setattr(exposure, "PART", 2)
    whole = exposed(database, "--entity", "party/lab")
    assert [each["commitment"] for each in whole["commitments"]] == made
    looked: list[tuple[int, int]] = []

    def interrupted(work: Any, items: Any, **_: Any) -> Any:
        for item in items:
            os.kill(os.getpid(), signal.SIGINT)
            yield work(item)

    def counted(work: Any, items: Any, **_: Any) -> Any:
        looked.extend(items)
        return map(work, items)

    state, table = tmp_path / "state", tmp_path / "touched.jsonl"
    options = ("--entity", "party/lab", "--resume", str(state), "--output", str(table), "--format", "jsonl")
    monkeypatch.setattr(processes, "in_processes", interrupted)
    code, _, said = run(database, "exposure", *options)
    assert (code, said) == (
        130,
        "stopped after 2 commitments, of which this is the report: the same command goes on from there\n",
    )
    assert state.stat().st_mode & 0o077 == 0
    other = run(database, "exposure", "--entity", "party/other", "--resume", str(state), "--output", str(table))
    assert (other[0], "is of other work" in other[2], len(table.read_text().splitlines())) == (2, True, 2)
    with state.open("ab") as file:
        file.write(b'{"last": 9, "loo')
    monkeypatch.setattr(processes, "in_processes", counted)
    assert exposed(database, *options) == whole
    assert (len(looked), state.exists()) == (2, False)
    assert [json.loads(line)["commitment"] for line in table.read_text().splitlines()] == made


def test_several_processes_find_what_one_finds(
    desk: Desk, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And every touched commitment is written to a table."""
    made = desk.commit(10)
    for number in range(6):
        desk.commit(1, f"clinic-{number}")
    monkeypatch.setattr(exposure, "PART", 2)
    options = ("--entity", "party/lab", "--output", str(tmp_path / "touched.csv"))
    assert exposed(database, *options, "--processes", "2") == exposed(database, *options)
    with (tmp_path / "touched.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert (len(rows), rows[0]["commitment"], rows[0]["parties"]) == (7, made["id"], "clinic; lab")
    assert rows[0]["adds"] == "counts.week 1; counts.year.ordinary 10"


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--entity", "party/a", "--provision", "b"),
        ("--entity", "clinic"),
        ("--entity", "ship/a"),
        ("--entity", "party/a", "--as-of", "2026-01-01"),
        ("--policies", str(POLICIES)),
    ],
)
def test_a_question_that_is_asked_wrongly_says_how(database: str, options: tuple[str, ...]) -> None:
    """One change, named as it is named here; and other policies only beside present ones."""
    code, _, said = run(database, "exposure", *options)
    assert (code, said.startswith("error: ")) == (2, True), said
