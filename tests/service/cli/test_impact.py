"""`fifthfactor impact`: over a log and over tables, in text, Markdown and JSON, how it ends, and what it has when it is stopped."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from arro3.io import read_parquet
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result
from uuid_utils import uuid7

import engine
from service.cli.main import app
from service.log import coded_blocks
from service.log.leaf import with_personal_values
from service.log.store import Stored
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store.tables import coded_block
from service.tables import coded_log
from service.tables.coded_log import CodedLog, _Block
from service.telemetry import log_lines
from tests.service.cli.differing_bundles import OLD, WORDS, folder
from tests.service.conftest import BOTH_DATABASES
from tests.service.written_records import put


@dataclass(frozen=True)
class Recorded:
    """A service with a log, and the ids of its records."""

    service: Service
    database: str
    ids: Sequence[str]

    @property
    def over(self) -> tuple[str, ...]:
        """The arguments for an impact over the log."""
        return "--over", "log", "--database", self.database


def impact(*arguments: object) -> Result:
    """`fifthfactor impact` in this process."""
    return CliRunner().invoke(app, ["impact", *map(str, arguments)])


def report(*arguments: object) -> engine.Impact:
    """The JSON of a run that did what it was asked."""
    done = impact(*arguments, "--format", "json")
    assert done.exit_code == 0, done.output
    return engine.Impact.model_validate_json(done.stdout)


def exchange(people: object, **more: Any) -> dict[str, Any]:
    """An exchange from Aland to Celand."""
    data = {"people": people, "kinds": ["report"]}
    return {"exporter": {"country": "AA"}, "recipient": {"country": "CC"}, "data": data, **more}


@pytest.fixture
def rows(here: Path) -> Path:
    """Forty rows that are permitted more, in two months, ten that stay, one that nobody reads, and one that is no JSON."""
    told = [exchange(20_000, exporter={"country": "AA", "id": f"p{n}"}, as_of=f"2025-0{n % 2 + 1}-01") for n in range(40)]
    told += [exchange(5, as_of="2025-03-01")] * 10 + [exchange(5, as_of="2025-03-01", nonsense=1)]
    (here / "rows.jsonl").write_text("\n".join(map(json.dumps, told)) + "\n{broken\n")
    return here / "rows.jsonl"


def test_rows_of_a_table_are_counted_by_how_they_move(rows: Path) -> None:
    """Pairs of outcomes, jurisdictions, instruments and months, and groups with an example; what nobody reads is named."""
    found = report("old", "new", "--over", rows)
    assert found.complete
    assert (found.rows, found.moved, found.unread, found.troubled) == (52, 40, 2, 0)
    assert [(each.direction, each.old, each.new, each.rows) for each in found.outcomes] == [
        ("permits more", "requirements unmet", "permitted", 40)
    ]
    counted = (found.jurisdictions, found.instruments, found.months)
    assert [[(each.name, each.rows) for each in one] for one in counted] == [
        [("AA", 40)],
        [("a.law", 40)],
        [("2025-01", 20), ("2025-02", 20)],
    ]
    assert [(each.month, each.rows, each.example) for each in found.groups] == [
        ("2025-01", 20, "rows.jsonl#1"),
        ("2025-02", 20, "rows.jsonl#2"),
    ]
    assert [(each.row, each.problem) for each in found.unread_rows] == [
        ("rows.jsonl#51", "/nonsense (unknown-fact)"),
        ("rows.jsonl#52", "/ (not-json)"),
    ]


def test_rows_that_differ_in_ids_that_neither_side_reads_are_decided_once(here: Path) -> None:
    """Unless one of the sides reads them: then each is an exchange of its own."""
    with (here / "rows.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["exporter.id", "exporter.country", "recipient.country", "data.people", "as_of"])
        table.writerows([[f"p{number}", "AA", "CC", 20_000, "2025-01-01"] for number in range(30)])
    alike = report("old", "new", "--over", "rows.csv")
    assert (alike.rows, alike.distinct, alike.moved) == (30, 1, 30)
    law = OLD["law.yaml"].replace("data.people: {at_least: 10 thousand}", "exporter.id: p7")
    assert law != OLD["law.yaml"]
    folder(here / "reads", {**OLD, "law.yaml": law})
    read = report("old", "reads", "--over", "rows.csv")
    assert (read.rows, read.distinct, read.moved) == (30, 30, 29)


def test_a_day_that_is_none_is_refused_and_never_another_day(here: Path) -> None:
    """Beside rows of real days, on two of which the same comes out."""
    told = [exchange(20_000, as_of=day) for day in ("2025-01-01", "2025-01-02", "soon")]
    (here / "rows.jsonl").write_text("\n".join(map(json.dumps, told)))
    found = report("old", "new", "--over", "rows.jsonl")
    assert (found.rows, found.distinct, found.moved, found.unread) == (3, 1, 2, 1)
    assert [each.row for each in found.unread_rows] == ["rows.jsonl#3"]


def test_the_columns_of_a_table_may_be_mapped(here: Path) -> None:
    """By the mapping that `decide` takes; a column that states nothing is refused with what to do."""
    (here / "map.yaml").write_text(
        "map: {from: exporter.country, to: recipient.country, many: data.people}\nconstants: {data.kinds: [report]}\nkey: id\n"
    )
    (here / "rows.csv").write_text("id,from,to,many\nx-1,AA,CC,20000\nx-2,AA,CC,3\n")
    found = report("old", "new", "--over", "rows.csv", "--map", "map.yaml", "--as-of", "2025-05-01")
    assert [(each.example, each.month, each.rows) for each in found.groups] == [("x-1", "2025-05", 1)]
    done = impact("old", "new", "--over", "rows.csv")
    assert done.exit_code == 2
    assert "columns state nothing" in done.stderr


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ((), 0),
        (("--fail-on", "permits-more"), 1),
        (("--fail-on", "any-outcome"), 1),
        (("--fail-on", "permits-less"), 0),
    ],
)
def test_it_ends_with_1_where_rows_move_as_named(rows: Path, options: Sequence[str], status: int) -> None:
    """Also in Markdown and in text, whose report is the same."""
    for form in ("text", "markdown", "json"):
        assert impact("old", "new", "--over", rows, "--format", form, *options).exit_code == status
    back = impact("new", "old", "--over", rows, "--fail-on", "permits-less")
    assert back.exit_code == 1


def test_the_text_and_the_markdown_tell_the_groups(rows: Path) -> None:
    """The summary, the largest group, and how many smaller ones there are; no value of a row."""
    text = impact("old", "new", "--over", rows, "--show", "1").stdout
    assert "40 of 50 rows move" in text
    assert "          20  requirements unmet → permitted, permits more; AA: a.law; 2025-01\n" in text
    assert "such as rows.jsonl#1\n" in text
    assert "… and 1 smaller group\n" in text
    assert "2 rows not compared, since neither side can read them." in text
    written = impact("old", "new", "--over", rows, "--format", "markdown").stdout
    assert "| requirements unmet | permitted | **permits more** | 40 |" in written
    row = "| 20 | requirements unmet | permitted | **permits more** | AA: a.law | 2025-02 | `rows.jsonl#2` |  |"
    assert row in written
    assert written.rstrip().endswith("Engineering research, not legal advice.")


def test_the_groups_are_written_as_a_table(rows: Path, here: Path) -> None:
    """A row of Parquet for each, with lists as JSON; any other format is refused before a row is read."""
    found = report("old", "new", "--over", rows, "-o", "groups.parquet")
    table = read_parquet(here / "groups.parquet").read_all()
    columns = {name: table.column(name).to_pylist() for name in table.schema.names}
    assert columns["rows"] == [each.rows for each in found.groups] == [20, 20]
    assert columns["month"] == ["2025-01", "2025-02"]
    assert columns["jurisdictions"] == ['["AA"]'] * 2
    assert columns["example"] == ["rows.jsonl#1", "rows.jsonl#2"]
    done = impact("old", "new", "--over", "nowhere.jsonl", "-o", "groups.csv")
    assert (done.exit_code, done.stderr) == (
        2,
        "error: the groups are written as Parquet; name a file like groups.parquet\n",
    )


def test_what_the_new_door_refuses_is_told_apart(here: Path) -> None:
    """It moves to an outcome of its own, which permits less."""
    folder(here / "without", {**OLD, "words.yaml": WORDS.replace("  data.made_on: {type: date, title: day it was made}\n", "")})
    sent = exchange(5)
    sent["data"]["made_on"] = "2024-01-01"
    (here / "rows.jsonl").write_text(json.dumps(sent) + "\n")
    done = impact("old", "without", "--over", "rows.jsonl", "--fail-on", "permits-less")
    assert done.exit_code == 1
    assert "1 row refused at the door of the new policies." in done.stdout


def test_one_meaning_moves_nothing(rows: Path, here: Path) -> None:
    """Then no row is read, and nothing fails."""
    folder(here / "laid-out", {**OLD, "law.yaml": "# a comment\n" + OLD["law.yaml"]})
    done = impact("old", "laid-out", "--over", "nowhere.jsonl", "--fail-on", "any-outcome")
    assert done.exit_code == 0
    assert "Both mean the same: no row moves." in done.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_command_that_is_stopped_reports_what_it_has(rows: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """What was compared is counted, the report says that it is not all, and the end is of the signal, whatever `--fail-on` says."""
    take = engine.ImpactComparison.take

    def take_and_stop(comparison: engine.ImpactComparison, batch: Sequence[engine.ImpactRow]) -> None:
        os.kill(os.getpid(), number)
        take(comparison, batch)

    monkeypatch.setattr(engine, "IMPACT_BATCH", 3)
    monkeypatch.setattr(engine.ImpactComparison, "take", take_and_stop)
    before = signal.getsignal(number)
    done = impact("old", "new", "--over", rows, "--format", "json", "--fail-on", "permits-more")
    assert done.exit_code == 128 + number
    assert "stopped after 3 rows, of which this is the report: a table is compared from the beginning each time" in done.stderr
    found = json.loads(done.stdout)
    assert (found["complete"], found["rows"], found["moved"]) == (False, 3, 3)
    assert signal.getsignal(number) == before


def test_where_the_engines_differ_from_the_program_it_fails(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that the engines decide otherwise is not known to be harmless."""
    make = engine.ImpactComparison.__init__

    def make_otherwise(comparison: engine.ImpactComparison, *given: Any) -> None:
        make(comparison, *given)
        comparison.pdps[1].judge = comparison.pdps[0].judge  # type: ignore[method-assign]

    monkeypatch.setattr(engine.ImpactComparison, "__init__", make_otherwise)
    done = impact("old", "new", "--over", rows, "--fail-on", "permits-more")
    assert done.exit_code == 1
    assert "40 rows on which engines failed or differ: let a person look at them." in done.stdout
    assert "rows.jsonl#1: the program of many exchanges and the engines differ" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--over", "nowhere.jsonl"), "there is no file or folder nowhere.jsonl"),
        (("--over", "log", "--database", "nowhere.db"), "nowhere.db` does not exist"),
        (("--over", "log", "--as-of", "2025-01-01"), "each record of a log has its day"),
        (("--over", "rows.jsonl", "--since", "2025-01-01"), "belong to `--over log`"),
        (("--over", "rows.jsonl", "--fail-on", "rain"), "there is no reason to fail `rain`"),
        (("--over", "rows.jsonl", "--format", "html"), "there is no format `html`"),
        (("--over", "none.jsonl", "--fail-on", "permits-more"), "there is no row to compare"),
    ],
)
def test_what_cannot_be_done_is_told_and_ends_with_2(rows: Path, here: Path, arguments: Sequence[str], words: str) -> None:
    """One sentence on standard error, and nothing on standard output."""
    (here / "none.jsonl").write_text("")
    done = impact("old", "new", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr


@pytest.fixture
def log(here: Path, database: str) -> Iterator[Recorded]:
    """The log of a running service: six exchanges of two kinds between parties of their own."""
    settings = Settings(watch=False, policies=here / "old", database=database)
    service = Service.open(settings, say=log_lines.logger(StringIO()))
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        ids = []
        for number, people in enumerate((5, 50_000) * 3):
            sent = exchange(people, exporter={"id": f"person-{number}", "country": "AA"}, as_of=f"2024-06-0{number + 1}")
            answer = client.post("/v1/evaluate", json=sent)
            assert answer.status_code == 200, answer.text
            ids.append(answer.json()["id"])
        yield Recorded(service, database, ids)


def coded(log: Recorded) -> str:
    """All that lies coded beside the log."""
    with log.service.store.database.reading.connect() as connection:
        held = connection.execute(sa.select(coded_block.c.content)).scalars()
        return "".join(zlib.decompress(each).decode() for each in held)


@BOTH_DATABASES
def test_the_records_of_a_log_are_compared_on_their_day(log: Recorded) -> None:
    """On SQLite and on PostgreSQL; a time is kept to, parties that nothing reads make no difference, and nothing is recorded."""
    found = report("old", "new", *log.over)
    assert (found.rows, found.distinct, found.moved, found.unread, found.troubled) == (6, 2, 3, 0, 0)
    assert [(each.month, each.rows, each.example) for each in found.groups] == [("2024-06", 3, log.ids[1])]
    assert "person-" not in impact("old", "new", *log.over).output
    assert impact("old", "new", *log.over, "--fail-on", "permits-more").exit_code == 1
    assert report("old", "new", *log.over, "--until", "2020-01-01").rows == 0
    assert report("old", "new", *log.over, "--since", "2020-01-01").rows == 6
    assert asyncio.run(log.service.store.probe()) == 6


def test_what_was_coded_once_is_not_read_again(log: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run finds the same without the records; one more record is coded with its block."""
    first = report("old", "new", *log.over)
    read: list[int] = []
    code = CodedLog._code

    def noted(log: CodedLog, stored: Stored, *more: Any) -> None:
        read.append(stored.sequence)
        code(log, stored, *more)

    monkeypatch.setattr(CodedLog, "_code", noted)
    assert report("old", "new", *log.over) == first
    assert read == []
    again = log.service.store.read(log.ids[0])
    assert again is not None
    put(log.service, with_personal_values(again.entry.leaf, again.entry.openings) | {"id": str(uuid7())}, ["/exporter/id"])
    assert report("old", "new", *log.over).rows == 7
    assert read == list(range(7))


@BOTH_DATABASES
def test_after_an_erasure_nothing_of_the_exchange_is_left_beside_the_log(log: Recorded) -> None:
    """Its block goes with it; what is coded next is without the value, and says how many such records there are."""
    report("old", "new", *log.over)
    assert "person-3" in coded(log)
    assert asyncio.run(log.service.store.erase(log.ids[3])) == 1
    assert coded(log) == ""
    found = impact("old", "new", *log.over)
    assert "1 row without the personal values that were erased." in found.stdout
    assert "person-2" in coded(log)
    assert "person-3" not in coded(log)


def test_what_is_erased_while_it_is_coded_is_not_kept(log: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """The erasure comes between reading the records and keeping what they state."""
    content = _Block.content

    def erase_first(block: _Block) -> bytes:
        assert asyncio.run(log.service.store.erase(log.ids[3])) in (0, 1)
        return content(block)

    monkeypatch.setattr(_Block, "content", erase_first)
    assert report("old", "new", *log.over).moved == 3
    assert coded(log) == ""


def test_a_log_is_divided_and_a_command_that_is_stopped_goes_on(
    log: Recorded, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By one process and by two the same is found; after SIGTERM the next command does only what is left, and removes its file."""
    whole = report("old", "new", *log.over)
    for module in (coded_blocks, coded_log):
        monkeypatch.setattr(module, "BLOCK", 2)
    parts = report("old", "new", *log.over, "--processes", "2")
    assert (parts.groups, parts.outcomes, parts.rows) == (whole.groups, whole.outcomes, 6)
    resuming = ("old", "new", *log.over, "--processes", "1", "--resume", "state", "--format", "json")
    take = engine.ImpactComparison.take

    def take_and_stop(comparison: engine.ImpactComparison, batch: Sequence[engine.ImpactRow]) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        take(comparison, batch)

    with monkeypatch.context() as patch:
        patch.setattr(engine.ImpactComparison, "take", take_and_stop)
        done = impact(*resuming)
    assert done.exit_code == 143
    assert "stopped after 2 rows, of which this is the report: the same command goes on from there" in done.stderr
    assert (json.loads(done.stdout)["complete"], json.loads(done.stdout)["rows"]) == (False, 2)
    done = impact(*resuming)
    assert (done.exit_code, done.stderr) == (0, "2 rows were compared before\n")
    assert engine.Impact.model_validate_json(done.stdout).groups == whole.groups
    assert not (here / "state").exists()


def test_help_shows_examples() -> None:
    """Lines to copy."""
    assert impact("--help").stdout.count("Example: fifthfactor impact") == 3
