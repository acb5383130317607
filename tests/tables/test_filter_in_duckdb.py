"""
The rows that a condition of SQL lets pass are those that may proceed: in DuckDB, each row decided both ways.
"""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from engine.tables import write_sql
from tests.service.tables.filtered_tables import FilteredTable, every_table, held

pytestmark = pytest.mark.skipif(find_spec("duckdb") is None, reason="DuckDB is not installed: `make test-tables`")


@pytest.mark.parametrize("table", every_table(), ids=lambda each: each.name)
def test_a_row_passes_if_and_only_if_it_may_proceed(table: FilteredTable) -> None:
    """Cells of every kind, those of no class, and empty ones."""
    import duckdb

    connection = duckdb.connect()
    columns = ", ".join(f'"{name}" {kind}' for name, kind in table.columns.items())
    connection.execute(f"CREATE TABLE rows (number int, {columns})")
    places = ", ".join("?" * (1 + len(table.columns)))
    connection.executemany(f"INSERT INTO rows VALUES ({places})", [(number, *row) for number, row in enumerate(table.rows)])
    passed = connection.execute(f"SELECT number FROM rows WHERE {write_sql(table.filter(), 'duckdb')}").fetchall()
    held(table, {number for (number,) in passed})
