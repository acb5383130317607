"""`fifthfactor decide` and `log verify --run`: how they end, what they say, and what they need."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import engine.tables.extra
from service.cli.main import app
from tests.engine.tables.small_policies import DAY
from tests.service import ready_process
from tests.service.conftest import without_settings
from tests.service.tables.small_tables import MAPPING, NAMES, outcomes, policies, rows, write_csv

SOUND = [row for row in rows(60) if row[1] != "Germny" and row[2] != "no"][:20]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the small policies, a mapping and a table."""
    policies(tmp_path / "policies")
    (tmp_path / "mapping.yaml").write_bytes(MAPPING)
    write_csv(tmp_path / "in.csv", SOUND)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def decide(*options: str, table: str = "in.csv", output: str = "out.jsonl") -> Result:
    common = ("--map", "mapping.yaml", "--policies", "policies", "--as-of", DAY.isoformat(), "--explain", "0")
    return CliRunner().invoke(app, ["decide", table, "-o", output, *common, *options])


def test_it_ends_with_0_where_every_row_was_decided(here: Path) -> None:
    """The counts, the manifest and that the run is in no log are told on standard error."""
    done = decide()
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    assert "20 rows: " in done.stderr
    assert "the manifest is out.manifest.json; the run is in no log" in done.stderr
    assert not Path("out.problems.jsonl").exists()
    assert len(outcomes(here / "out.jsonl")) == 20


def test_several_processes_for_one_file_are_said_to_be_one(here: Path) -> None:
    """It is decided all the same; a folder is divided, and nothing is said."""
    done = decide("--processes", "2")
    assert done.exit_code == 0
    assert "in.csv is one file, which one process decides; --processes divides the parts of a folder" in done.stderr
    (here / "parts").mkdir()
    (here / "in.csv").rename(here / "parts" / "in.csv")
    assert "one process" not in decide("--processes", "2", table="parts", output="decided").stderr


def test_it_ends_with_1_where_a_row_has_a_problem_unless_problems_are_allowed(here: Path) -> None:
    """The side file is named; with `--allow-problems` the rows are told all the same."""
    write_csv(here / "in.csv", [*SOUND, ("bad", "Germny", "", "", "", "")])
    for options, status in (((), 1), (("--allow-problems",), 0)):
        done = decide(*options)
        assert done.exit_code == status
        assert "rows that cannot be read, and never may proceed: 1, in out.problems.jsonl" in done.stderr


def test_a_key_that_occurs_twice_ends_with_1_whatever_is_allowed(here: Path) -> None:
    """No proof could say which row it is about."""
    write_csv(here / "in.csv", [*SOUND, SOUND[0]])
    done = decide("--allow-problems")
    assert done.exit_code == 1
    assert f"keys that occur twice: 1, such as `{SOUND[0][0]}`" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--map", "no.yaml"), "cannot read no.yaml"),
        (("--mode", "fast"), "there is no mode `fast`"),
        (("--to", "xlsx"), "there is no format `xlsx`"),
        (("--counters", "guessed"), "there is no way to count `guessed`"),
        (("--as-of", "soon"), "`soon` is not a date"),
        (("--key", "name"), "`name`: the key, and the table has no such column"),
    ],
)
def test_it_ends_with_2_where_it_is_used_wrongly(here: Path, options: tuple[str, ...], said: str) -> None:
    """In one sentence, with nothing written."""
    done = decide(*options)
    assert done.exit_code == 2
    assert said in done.stderr
    assert sorted(each.name for each in here.iterdir()) == ["in.csv", "mapping.yaml", "policies"]


def test_a_column_that_states_nothing_and_a_mapping_that_is_wrong_end_with_2(here: Path) -> None:
    """Each column is named with what it may mean, each mistake of the mapping with its line."""
    write_csv(here / "in.csv", [], ("exporter.contry", "recipient.contry", "number", "kind"))
    done = decide()
    assert done.exit_code == 2
    assert "did you mean `exporter.country`?" in done.stderr
    assert "did you mean `recipient.country`?" in done.stderr
    assert "ignore" in done.stderr
    (here / "mapping.yaml").write_text("map:\n  kind: data.categorys\n")
    done = decide()
    assert done.exit_code == 2
    assert "mapping.yaml:2:" in done.stderr
    assert "did you mean `data.categories`?" in done.stderr


def test_a_folder_goes_into_a_folder_and_a_file_into_a_file(here: Path) -> None:
    """Anything else is a mistake that would mix what belongs apart."""
    (here / "parts").mkdir()
    write_csv(here / "parts" / "1.csv", SOUND)
    assert decide(table="parts", output="in.csv").exit_code == 2
    assert decide(table="parts", output="-").exit_code == 2
    assert decide(output="parts").exit_code == 2
    assert decide("--to", "parquet", table="parts", output="out").exit_code == 0
    assert sorted(each.name for each in (here / "out").iterdir()) == ["1.parquet", "_manifest.json"]


def test_pipes_take_and_give_every_format(here: Path) -> None:
    """Each tells by its first bytes what it is; only rows go to standard output."""
    assert decide(output="out.csv").exit_code == 0
    expected = (here / "out.csv").read_bytes()
    common = ["--map", "mapping.yaml", "--policies", "policies", "--as-of", DAY.isoformat(), "--explain", "0"]
    command = ["decide", "-", "-o", "-", *common]
    run = partial(ready_process.run, folder=here, environment=without_settings())
    status, printed, said = run(*command, given=(here / "in.csv").read_bytes())
    assert (status, printed.encode()) == (0, expected), said
    lines = "".join(
        json.dumps({name: cell for name, cell in zip(NAMES, row, strict=True) if cell}) + "\n" for row in SOUND
    ).encode()
    _, printed, said = run(*command, "--to", "csv", given=lines)
    assert printed.encode() == expected, said
    assert not (here / "decisions.unfinished").exists()
    assert (here / "decisions.manifest.json").exists()


def test_without_the_extra_it_says_what_to_install(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And ends with 2; every other command runs as before."""
    monkeypatch.setattr(engine.tables.extra, "find_spec", lambda name: None)
    for name in [
        each for each in sys.modules if each == "engine.tables" or each.startswith(("service.tables", "engine.tables."))
    ]:
        if name != "engine.tables.extra":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(engine, "tables")
    done = decide()
    assert done.exit_code == 2
    assert "pip install 'fifthfactor[tables]'" in done.stderr
    done = CliRunner().invoke(app, ["log", "verify", "--run", "out.manifest.json"])
    assert done.exit_code == 2
    assert "pip install 'fifthfactor[tables]'" in done.stderr


def test_a_run_and_a_row_of_it_are_verified(here: Path) -> None:
    """The run by its manifest and output, the row by its proof and the manifest; a change is found."""
    assert decide(output="out.parquet").exit_code == 0
    verify = ["log", "verify", "--run", "out.manifest.json"]
    done = CliRunner().invoke(app, verify)
    assert done.exit_code == 0
    assert "20 rows, no faults" in done.stdout
    assert "the run is in no log" in done.stdout
    key = SOUND[3][0]
    done = CliRunner().invoke(app, [*verify, "--row", key])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["key"] == key
    Path("row.json").write_text(done.stdout)
    done = CliRunner().invoke(app, [*verify, "--row-proof", "row.json"])
    assert done.exit_code == 0
    assert f"the row `{key}` is one of the run" in done.stdout
    told = json.loads(Path("row.json").read_text())
    told["outcome"]["proceed"] = not told["outcome"]["proceed"]
    Path("row.json").write_text(json.dumps(told))
    assert CliRunner().invoke(app, [*verify, "--row-proof", "row.json"]).exit_code == 1
    assert CliRunner().invoke(app, [*verify, "--row", "no such row"]).exit_code == 2
    assert CliRunner().invoke(app, ["log", "verify", "--row", key]).exit_code == 2
    manifest = json.loads(Path("out.manifest.json").read_bytes())
    manifest["tree"]["root"] = "0" * 64
    Path("out.manifest.json").write_text(json.dumps(manifest))
    done = CliRunner().invoke(app, [*verify, "--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["sound"] is False


def test_today_is_that_of_the_service_with_the_same_settings(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not that of this machine: it is never the same day on both of these islands, and the rows are decided by the law of the one set."""
    days = []
    for island in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        monkeypatch.setenv("FIFTHFACTOR_ZONE", island)
        common = ("--map", "mapping.yaml", "--policies", "policies", "--explain", "0")
        done = CliRunner().invoke(app, ["decide", "in.csv", "-o", "today.jsonl", *common])
        assert done.exit_code == 0, done.stderr
        days.append({json.loads(line)["as_of"] for line in Path("today.jsonl").read_text().splitlines()})
    (east,), (west,) = days
    assert east > west
