"""The command `fifthfactor register`, on a real database: what is taken in comes out again, and what is wrong is told at its place."""

import json

import pytest
from typer.testing import CliRunner

from service.cli.main import app
from tests.service.conftest import BOTH_DATABASES
from tests.service.register.conftest import POLICIES

TABLE = "kind,id,facts.country,facts.lists\nparty,clinic-7,CN,\nparty,lab-2,US,red; blue\n"


@pytest.fixture
def run(database):
    """Run a command on the database; its exit code, and what it printed."""

    def command(*words, policies=True):
        more = ["--policies", str(POLICIES)] if policies else []
        done = CliRunner().invoke(app, ["register", *map(str, words), "--database", database, *more])
        return done.exit_code, done.stdout, done.stderr

    return command


def test_what_is_imported_is_listed_shown_and_exported(run, tmp_path):
    """In both formats; again, it changes nothing."""
    (tmp_path / "parties.csv").write_text(TABLE)
    assert run("import", tmp_path / "parties.csv") == (0, "2 new, 0 changed, 0 as they were\n", "")
    code, listed, _ = run("list", policies=False)
    assert code == 0
    assert [line.split()[1] for line in listed.splitlines()] == ["clinic-7", "lab-2"]
    assert json.loads(run("show", "lab-2", policies=False)[1])["facts"] == {"country": "US", "lists": ["red", "blue"]}
    assert run("show", "lab-3", policies=False)[0] == 1
    for form in ("csv", "json"):
        exported = tmp_path / f"exported.{form}"
        exported.write_text(run("export", "--format", form)[1])
        assert run("import", exported) == (0, "0 new, 0 changed, 2 as they were\n", "")
    assert len(json.loads(run("show", "lab-2", "--history", policies=False)[1])) == 1


@BOTH_DATABASES
def test_what_is_wrong_is_told_and_nothing_is_taken_in(run, tmp_path):
    """With the line and the column; another file, another ending and another day are used wrongly."""
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(TABLE + "party,hospital,XX,\n")
    code, _, told = run("import", wrong)
    assert (code, told.startswith(f"{wrong}:/4/facts/country: ")) == (1, True), told
    assert run("list", policies=False)[1] == ""
    assert run("import", tmp_path / "nowhere.csv")[0] == 2
    assert run("import", tmp_path / "register.xlsx")[0] == 2
    assert run("list", "--as-of", "1.1.2024", policies=False)[0] == 2
