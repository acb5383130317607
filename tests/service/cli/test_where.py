"""`fifthfactor where`: what it prints, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import engine.tables.filter_sql
from service.cli.main import app
from tests.engine.tables.small_policies import DAY
from tests.service.tables.small_tables import policies

MAPPING = b"map: {kind: data.categories}\nconstants: {exporter.country: CN, data.personal: no}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the small policies and a mapping."""
    policies(tmp_path / "policies")
    (tmp_path / "mapping.yaml").write_bytes(MAPPING)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def where(*options: str) -> Result:
    common = ("mapping.yaml", "--policies", "policies", "--as-of", DAY.isoformat())
    return CliRunner().invoke(app, ["where", *common, *options])


def test_it_prints_the_condition_and_says_what_does_not_pass(here: Path) -> None:
    """The condition alone goes to standard output."""
    done = where("--column", "counts.people", "--column", "data.share", "--dialect", "postgres")
    assert done.exit_code == 0
    assert done.stdout.startswith("\"kind\" IN ('health', 'weather')\nAND (")
    assert '"counts.people" BETWEEN 0 AND 999' in done.stdout
    assert "of 30 combinations of cells" in done.stderr
    assert "`data.share`: every cell that is not empty cannot be told in SQL" in done.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--column", "data.peeple"), "`data.peeple`"),
        (("--dialect", "oracle"), "duckdb"),
        (("--policies", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_asked_ends_with_2(here: Path, options: tuple[str, ...], says: str) -> None:
    """It says what to do."""
    done = where(*options)
    assert done.exit_code == 2
    assert says in done.stderr


def test_without_the_extra_it_says_what_to_install(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package that writes SQL is one of its own."""
    monkeypatch.setattr(engine.tables.filter_sql, "find_spec", lambda name: None)
    done = where()
    assert done.exit_code == 2
    assert "pip install 'fifthfactor[sql,tables]'" in done.stderr
