"""Ten rules written by hand for Polars and DuckDB say of each row what our tables say."""

from __future__ import annotations

import pytest

from tests.bench import table_peers


def test_three_libraries_agree_on_ten_rules(capsys: pytest.CaptureFixture[str]) -> None:
    """The comparison ends unless all give each row the same levels; then it has a rate for each."""
    pytest.importorskip("polars")
    pytest.importorskip("duckdb")
    table_peers.main(3_000)
    told = capsys.readouterr().out.splitlines()
    assert [row.split("  ")[1].strip() for row in told[1:]] == ["tables, ten rules", "Polars, by hand", "DuckDB, by hand"]


def test_a_wrong_level_ends_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule written otherwise for one library is found before anything is timed."""
    pytest.importorskip("polars")
    pytest.importorskip("duckdb")
    monkeypatch.setattr(table_peers, "SQL", table_peers.SQL.replace('"data.people" >= 100000', '"data.people" > 200000'))
    with pytest.raises(SystemExit, match="DuckDB, by hand says otherwise of"):
        table_peers.main(3_000)
