"""A run: what lies beside an output, that a broken one goes on, and that division, order and format never matter."""

from __future__ import annotations

import json
import os
import random
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from arro3.core import RecordBatchReader
from arro3.io import read_csv, read_ipc_stream, read_parquet, write_ipc_stream, write_parquet

from engine.tables import ColumnsRefused, DecidedRows, OneByOne, TableDecider
from engine.tables.lane_columns import WideOutcomes
from engine.tables.outcome_columns import TextColumn
from service.tables import TableRefused
from service.tables.manifest import RunManifest, read_manifest
from service.tables.run import _PartWriter
from service.tables.run_state import RunState
from service.tables.run_verification import run_faults
from service.tables.table_input import file_digest
from tests.engine.tables.small_policies import DAY
from tests.service import ready_process
from tests.service.conftest import eventually, without_settings
from tests.service.tables.small_tables import MAPPING, NAMES, judged, outcomes, policies, rows, run, write_csv

ROWS = rows(300)


def test_each_row_comes_to_what_it_comes_to_by_itself(tmp_path: Path) -> None:
    """In the order of the rows, none dropped; the counts are in the manifest."""
    manifest = run(write_csv(tmp_path / "in.csv", ROWS), tmp_path / "out.jsonl")
    found = outcomes(tmp_path / "out.jsonl")
    assert list(found) == [row[0] for row in ROWS]
    assert found == {row[0]: judged(row) for row in ROWS}
    assert manifest.outcomes == {word: list(found.values()).count(word) for word in sorted(set(found.values()))}
    assert len(manifest.outcomes) >= 5
    assert read_manifest(tmp_path / "out.manifest.json") == manifest
    assert manifest.log is None
    assert not (tmp_path / "out.unfinished").exists()


def test_problems_are_in_a_side_file_with_what_the_door_proposes(tmp_path: Path) -> None:
    """Each with its part, its number and its key; the row stays in the output and never may proceed."""
    manifest = run(write_csv(tmp_path / "in.csv", ROWS), tmp_path / "out.jsonl")
    problems = [json.loads(line) for line in (tmp_path / "out.problems.jsonl").read_text("utf-8").splitlines()]
    told = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    refused = [each for each in told if each["outcome"] == "problem"]
    assert [each["key"] for each in problems] == [each["key"] for each in refused]
    assert not any(each["proceed"] for each in refused)
    assert manifest.problems == len(problems) > 10
    german = next(each for each in problems if ROWS[each["row"] - 1][1] == "Germny")
    assert "did you mean `DE` (Germany)?" in german["problems"][0]["detail"]
    assert german["problems"][0]["pointer"] == "/exporter/country"


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl", "arrows"])
def test_every_format_has_the_same_rows(tmp_path: Path, suffix: str) -> None:
    """One root, whatever the format, and the output leads to it."""
    manifest = run(write_csv(tmp_path / "in.csv", ROWS), tmp_path / f"out.{suffix}", chunk=70)
    assert list(run_faults(manifest, tmp_path)) == []
    assert manifest.tree.root == run(write_csv(tmp_path / "in.csv", ROWS), tmp_path / "other.jsonl").tree.root


def test_every_format_can_be_decided(tmp_path: Path) -> None:
    """Parquet, Arrow, CSV and JSON lines of the same rows come to one root."""
    write_csv(tmp_path / "in.csv", ROWS)
    from arro3.core import DataType, Field, Schema

    schema = Schema([Field(name, DataType.utf8()) for name in NAMES])

    def table() -> RecordBatchReader:
        return read_csv(tmp_path / "in.csv", schema, has_header=True)

    write_parquet(table(), tmp_path / "in.parquet")
    write_ipc_stream(table(), tmp_path / "in.arrows")
    with (tmp_path / "in.jsonl").open("w", encoding="utf-8") as file:
        for row in ROWS:
            file.write(json.dumps({name: cell for name, cell in zip(NAMES, row, strict=True) if cell}) + "\n")
    roots = {
        form: run(tmp_path / f"in.{form}", tmp_path / f"{form}.jsonl").tree.root
        for form in ("csv", "parquet", "arrows", "jsonl")
    }
    assert len(set(roots.values())) == 1, roots


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_division_order_and_chunks_never_matter(tmp_path: Path, seed: int) -> None:
    """Rows that have a key lead to one root, however they are ordered, divided and taken."""
    chance = random.Random(seed)
    whole = run(write_csv(tmp_path / "in.csv", ROWS), tmp_path / "out.parquet")
    shuffled = chance.sample(ROWS, len(ROWS))
    cuts = sorted(chance.sample(range(1, len(ROWS)), 4))
    parts = tmp_path / "parts"
    parts.mkdir()
    for number, (first, last) in enumerate(zip([0, *cuts], [*cuts, len(ROWS)], strict=True)):
        write_csv(parts / f"part-{number}.csv", shuffled[first:last])
    divided = run(parts, tmp_path / "decided", chunk=chance.randint(1, 99), form=chance.choice(["csv", "parquet"]))
    assert divided.tree.root == whole.tree.root
    assert divided.outcomes == whole.outcomes
    assert len(divided.parts) == 5
    assert list(run_faults(divided, tmp_path / "decided")) == []


def test_the_sample_is_explained_by_the_ordinary_engines(tmp_path: Path) -> None:
    """At most so many rows of each outcome, the same ones however the rows are divided, each with its short answer."""
    run(write_csv(tmp_path / "in.csv", ROWS), tmp_path / "out.jsonl", explain=2)
    told = [json.loads(line) for line in (tmp_path / "out.explained.jsonl").read_text("utf-8").splitlines()]
    found = outcomes(tmp_path / "out.jsonl")
    words = sorted({*found.values()} - {"problem"})
    assert [found[each["key"]] for each in told] == [word for word in words for _ in range(2)]
    assert all(each["answer"]["outcome"] == found[each["key"]] and each["answer"]["answer"] for each in told)
    parts = tmp_path / "parts"
    parts.mkdir()
    for at in range(0, 300, 60):
        write_csv(parts / f"{at}.csv", ROWS[::-1][at : at + 60])
    run(parts, tmp_path / "decided", explain=2)
    divided = map(json.loads, (tmp_path / "decided" / "_explained.jsonl").read_text("utf-8").splitlines())
    assert [each["key"] for each in divided] == [each["key"] for each in told]


@pytest.mark.parametrize(("program", "decider", "name"), [("ordinary", OneByOne, "decide"), ("lanes", WideOutcomes, "columns")])
def test_an_engine_that_differs_on_the_sample_is_a_fault_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, decider: type[Any], name: str
) -> None:
    """Whoever decides rows must come to what the ordinary engines come to."""
    honest = getattr(decider, name)

    def lying(self: Any, *given: Any) -> Any:
        found = honest(self, *given)
        if isinstance(found, list):
            return [replace(each, outcome="permitted") if each.outcome == "prohibited" else each for each in found]
        words, codes = found.texts["outcome"]
        told = TextColumn(["permitted" if word == "prohibited" else word for word in words], codes)
        return replace(found, texts={**found.texts, "outcome": told})

    monkeypatch.setattr(decider, name, lying)
    manifest = run(write_csv(tmp_path / "in.csv", ROWS), tmp_path / "out.jsonl", explain=50, program=program)
    assert manifest.faults.engines_differ
    assert manifest.faults.any


def test_a_key_that_occurs_twice_is_a_problem_of_the_run(tmp_path: Path) -> None:
    """And so is a row without one."""
    twice = [*ROWS[:5], ROWS[2], ("", *ROWS[3][1:])]
    manifest = run(write_csv(tmp_path / "in.csv", twice), tmp_path / "out.jsonl")
    assert manifest.faults.keys_twice == ["n-2"]
    assert manifest.faults.keys_twice_count == 1
    assert manifest.faults.rows_without_key == 1
    assert manifest.rows == 7


def test_the_rows_that_may_have_been_changed_are_named(tmp_path: Path) -> None:
    """By their keys, as closely as the manifest tells; a row that was removed has no key any more."""
    manifest = run(write_csv(tmp_path / "in.csv", ROWS), tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text("utf-8").splitlines(keepends=True)

    def fault(changed: list[str], manifest: RunManifest = manifest) -> str:
        (tmp_path / "out.csv").write_text("".join(changed), "utf-8")
        return next(each for each in run_faults(manifest, tmp_path) if "root" in each)

    at = next(number for number, line in enumerate(lines) if "undetermined" in line)
    key = lines[at].split(",")[1]
    changed = [*lines[:at], lines[at].replace("undetermined", "permitted"), *lines[at + 1 :]]
    assert f"look at `{key}`" in fault(changed)
    assert "look at `n-new`" in fault([*lines, lines[at].replace(key, "n-new")])
    assert "one was removed, and none is left beside it" in fault([*lines[:at], *lines[at + 1 :]])
    assert "`n-9`" not in fault(changed)
    earlier = manifest.model_copy(update={"tree": manifest.tree.model_copy(update={"heads": None})})
    assert fault(changed, earlier).endswith("a row was changed, added or removed")


def test_the_manifest_counts_distinct_rows_and_what_is_missing(tmp_path: Path) -> None:
    """As the rows of the output have it."""
    manifest = run(
        write_csv(tmp_path / "in.csv", [(f"{number}", *row[1:]) for number, row in enumerate(ROWS * 9)]), tmp_path / "out.jsonl"
    )
    told = [json.loads(line)["missing"] for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert manifest.missing == dict(sorted(Counter(fact for each in told for fact in each).items()))
    assert manifest.missing["exporter.country"] > 100
    assert manifest.distinct == len({row[1:] for row in ROWS})
    assert run(tmp_path / "in.csv", tmp_path / "out.jsonl", chunk=300).distinct == 9 * manifest.distinct


def test_a_broken_run_goes_on_with_the_next_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was decided is not decided again, and the manifest is the same as without the break."""
    parts = tmp_path / "parts"
    parts.mkdir()
    for at in range(3):
        write_csv(parts / f"{at}.csv", ROWS[100 * at : 100 * at + 100])
    decided: list[str] = []
    honest = TableDecider.chunks

    def breaking(self: TableDecider, chunks: object, part: str = "") -> object:
        if part == "2.csv" and not decided[2:]:
            raise KeyboardInterrupt
        decided.append(part)
        return honest(self, chunks, part)  # type: ignore[arg-type]

    monkeypatch.setattr(TableDecider, "chunks", breaking)
    with pytest.raises(KeyboardInterrupt):
        run(parts, tmp_path / "out", explain=3)
    assert not (tmp_path / "out" / "_manifest.json").exists()
    decided.append("again")
    manifest = run(parts, tmp_path / "out", explain=3)
    assert decided == ["0.csv", "1.csv", "again", "2.csv"]
    monkeypatch.setattr(TableDecider, "chunks", honest)
    assert manifest == run(parts, tmp_path / "whole", explain=3)
    for name in ("_explained.jsonl", "_problems.jsonl", "0.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_part_that_changed_is_decided_again_and_other_settings_do_not_go_on(tmp_path: Path) -> None:
    """The input and the output of a part that is done are compared with what they were."""
    parts = tmp_path / "parts"
    parts.mkdir()
    write_csv(parts / "0.csv", ROWS[:50])
    (parts / "1.csv").write_text("no_such_column\n1\n")
    with pytest.raises(ColumnsRefused):
        run(parts, tmp_path / "out")
    state = RunState(tmp_path / "out" / "_unfinished")
    assert state.done(0, file_digest(parts / "0.csv"), tmp_path / "out" / "0.csv") is not None
    with pytest.raises(TableRefused, match="--restart"):
        run(parts, tmp_path / "out", mode="reference")
    write_csv(parts / "0.csv", ROWS[50:90])
    write_csv(parts / "1.csv", ROWS[90:100])
    manifest = run(parts, tmp_path / "out")
    assert [each.rows for each in manifest.parts] == [40, 10]
    assert list(run_faults(manifest, tmp_path / "out")) == []


def test_a_run_that_is_killed_goes_on(tmp_path: Path) -> None:
    """SIGKILL in the middle of the last part; what was whole before stays as it is."""
    parts = tmp_path / "parts"
    parts.mkdir()
    write_csv(parts / "0.csv", ROWS[:100])
    write_csv(parts / "1.csv", ROWS[100:200])
    long = [(f"m-{number}", *row[1:4], str(number), row[5]) for number in range(500) for row in ROWS]
    write_csv(parts / "2.csv", [(f"{row[0]}-{at}", *row[1:]) for at, row in enumerate(long)])
    (tmp_path / "mapping.yaml").write_bytes(MAPPING)
    command = [
        *("decide", "parts", "-o", "out", "--map", "mapping.yaml"),
        *("--policies", str(policies(tmp_path / "policies")), "--explain", "0", "--as-of", DAY.isoformat()),
    ]
    with Path(os.devnull).open("wb") as nothing:
        process = ready_process.start(
            *command, folder=tmp_path, environment=without_settings(), output=nothing.fileno(), errors=nothing.fileno()
        )
    eventually(lambda: (tmp_path / "out" / "_unfinished" / "000001.json").exists(), seconds=60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out" / "2.csv").exists()
    before = [(tmp_path / "out" / name).stat().st_mtime_ns for name in ("0.csv", "1.csv")]
    write_csv(parts / "2.csv", ROWS[200:])
    status, _, said = ready_process.run(*command, folder=tmp_path, environment=without_settings())
    assert status == 1, said
    assert [(tmp_path / "out" / name).stat().st_mtime_ns for name in ("0.csv", "1.csv")] == before
    manifest = read_manifest(tmp_path / "out" / "_manifest.json")
    assert list(run_faults(manifest, tmp_path / "out")) == []
    assert manifest.rows == 300
    assert "300 rows" in said


@pytest.mark.parametrize("killed", [False, True])
def test_four_processes_come_to_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool) -> None:
    """Also where one of them is killed in the middle of a part: what it left is decided by the first."""
    parts = tmp_path / "parts"
    parts.mkdir()
    for number in range(6):
        write_csv(parts / f"{number}.csv", ROWS[number::6])
    here, marks = os.getpid(), tmp_path / "marks"
    marks.mkdir()
    kept = _PartWriter._keep

    def worked() -> set[int]:
        return {int(each.name.partition("-")[0]) for each in marks.iterdir()}

    def keep(written: _PartWriter, decided: DecidedRows) -> None:
        kept(written, decided)
        (marks / f"{os.getpid()}-{written.rows}").touch()
        if os.getpid() != here:  # on a busy machine three could be done with all parts before the fourth begins
            eventually(lambda: len(worked() - {here}) == 4)
        if killed and os.getpid() != here and decided.keys[0] == ROWS[1 + 6 * 20][0]:  # the third chunk of the second part
            os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(_PartWriter, "_keep", keep)
    manifest = run(parts, tmp_path / "out", processes=4, chunk=10)
    assert len(worked() - {here}) == 4
    assert (here in worked()) is killed
    one = run(write_csv(tmp_path / "one.csv", ROWS), tmp_path / "one.jsonl")
    assert (manifest.tree, manifest.rows, manifest.outcomes) == (one.tree, one.rows, one.outcomes)
    assert list(run_faults(manifest, tmp_path / "out")) == []


def test_lines_that_cannot_be_read_stay_rows(tmp_path: Path) -> None:
    """Of JSON lines and of CSV: what is no JSON, no UTF-8, too short."""
    (tmp_path / "in.jsonl").write_bytes(
        b'{"exporter.country": "DE"}\n{"a": \n\n[1]\n{"exporter.country": "\xff"}\n{"x": 1, "x": 2}\n'
    )
    manifest = run(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert manifest.outcomes == {"not_applicable": 1, "problem": 4}
    (tmp_path / "in.csv").write_bytes(
        b'\xef\xbb\xbfnumber,exporter.country,kind\na,DE,weather\nb,DE\nc,\xff,weather\nd,"DE"x,weather\ne,DE,weather\n'
    )
    manifest = run(tmp_path / "in.csv", tmp_path / "out.jsonl")
    assert manifest.outcomes == {"not_applicable": 2, "problem": 3}


def test_what_is_no_table_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """A file of another kind, a name that tells no format, an empty folder, a file that ends too early."""
    (tmp_path / "in.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "corrupt.parquet").write_bytes(b"PAR1" + b"\x00" * 40 + b"\x10\x00\x00\x00PAR1")
    (tmp_path / "in.arrows").write_bytes(b"\xff\xff\xff\xff\x10")
    (tmp_path / "in.doc").write_bytes(b"")
    (tmp_path / "in.csv").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    for name, said in (
        ("in.parquet", "is not parquet"),
        ("corrupt.parquet", "is not parquet"),
        ("in.arrows", "is not arrow"),
        ("in.doc", "--from"),
        ("in.csv", "is not CSV"),
        ("empty", "has no files"),
        ("none.csv", "there is no file"),
    ):
        with pytest.raises(TableRefused, match=said):
            run(tmp_path / name, tmp_path / "out.jsonl")


@pytest.mark.parametrize("suffix", ["parquet", "arrows", "jsonl"])
def test_what_fails_while_rows_are_written_is_told_as_it_is(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line without an end in the middle of a file, and an interruption; no half of an output is left."""
    monkeypatch.setattr("service.tables.table_input.MAX_LINE", 1_000)
    (tmp_path / "in.jsonl").write_text('{"exporter.country": "DE"}\n' * 20 + "x" * 2_000 + "\n")
    with pytest.raises(TableRefused, match=r"line 21 of in\.jsonl has more than"):
        run(tmp_path / "in.jsonl", tmp_path / f"out.{suffix}", chunk=5)
    monkeypatch.setattr("service.tables.run.row_entry", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run(write_csv(tmp_path / "in.csv", ROWS), tmp_path / f"out.{suffix}")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in.csv", "in.jsonl"]


def test_an_output_is_never_an_input_nor_that_of_two_parts(tmp_path: Path) -> None:
    """A table is not written over itself."""
    parts = tmp_path / "parts"
    parts.mkdir()
    write_csv(parts / "a.csv", ROWS[:3])
    before = (parts / "a.csv").read_bytes()
    with pytest.raises(TableRefused, match="name another output"):
        run(parts / "a.csv", parts / "a.csv")
    with pytest.raises(TableRefused, match="name another output"):
        run(parts, parts)
    (parts / "a.jsonl").write_text("{}\n")
    with pytest.raises(TableRefused, match=r"`a\.csv` and `a\.jsonl` would both be decided into"):
        run(parts, tmp_path / "out", form="csv")
    assert (parts / "a.csv").read_bytes() == before


def test_a_table_without_rows_is_a_run_without_rows(tmp_path: Path) -> None:
    """With all columns, and a root over nothing."""
    manifest = run(write_csv(tmp_path / "in.csv", []), tmp_path / "out.parquet")
    assert manifest.rows == 0
    assert list(run_faults(manifest, tmp_path)) == []
    assert read_parquet(tmp_path / "out.parquet").schema.names[:4] == ["row", "key", "as_of", "outcome"]


def test_counters_summed_over_the_table_go_through_all_parts(tmp_path: Path) -> None:
    """In the order of the parts' names; the manifest says so."""
    names = ("number", "exporter.country", "exporter.id", "data.people", "data.personal", "kind", "evidence.contract")
    contract = '{"dated": "2024-01-01", "covers": true}'
    parts = tmp_path / "parts"
    parts.mkdir()
    for at in range(3):
        write_csv(parts / f"{at}.csv", [(str(at), "CN", "a", "400", "yes", "weather", contract)], names)
    manifest = run(parts, tmp_path / "out", form="jsonl", counters="summed", counters_are="summed")
    assert [outcomes(tmp_path / "out" / f"{at}.jsonl")[str(at)] for at in range(3)] == [
        "permitted",
        "permitted",
        "undetermined",
    ]
    assert manifest.decided_by.counters == "summed"
    assert not (tmp_path / "out" / "_unfinished").exists()


def test_what_is_of_one_moment_is_not_gone_on_with(tmp_path: Path) -> None:
    """A part that was decided by another state of a register, or by other sums, is decided again."""
    parts = tmp_path / "parts"
    parts.mkdir()
    write_csv(parts / "0.csv", ROWS[:50])
    (parts / "1.csv").write_text("no_such_column\n1\n")
    for more in ({"counters": "summed", "counters_are": "summed"}, {"register": lambda document, day: document}):
        with pytest.raises(ColumnsRefused):
            run(parts, tmp_path / "out", **more)
        assert not (tmp_path / "out" / "_unfinished").exists()


def test_a_stream_of_arrow_is_read_as_written(tmp_path: Path) -> None:
    """The columns of an output in Arrow."""
    run(write_csv(tmp_path / "in.csv", ROWS), tmp_path / "out.arrows", chunk=40)
    found = read_ipc_stream(tmp_path / "out.arrows").read_all()
    assert found.num_rows == 300
    assert [each for chunk in found.column("key").chunks for each in chunk.to_pylist()] == [row[0] for row in ROWS]
