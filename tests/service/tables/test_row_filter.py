"""
The rows that a condition of SQL lets pass are those that may proceed: in PostgreSQL, each row decided both ways.

`make test-tables` does the same in DuckDB (`tests/tables/test_filter_in_duckdb.py`).
"""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from engine.tables import write_sql
from tests.service.databases import PostgreSQL
from tests.service.tables.filtered_tables import FilteredTable, every_table, held


@pytest.mark.parametrize("table", every_table(), ids=lambda each: each.name)
def test_a_row_passes_if_and_only_if_it_may_proceed(table: FilteredTable, postgresql: PostgreSQL) -> None:
    """Cells of every kind, those of no class, and empty ones."""
    found = table.filter()
    with psycopg.connect(postgresql.address) as connection:
        columns = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in table.columns.items()]
        connection.execute(sql.SQL("CREATE TEMP TABLE rows (number int, {})").format(sql.SQL(", ").join(columns)))
        places = sql.SQL(", ").join([sql.Placeholder()] * (1 + len(columns)))
        with connection.cursor() as cursor:
            cursor.executemany(
                sql.SQL("INSERT INTO rows VALUES ({})").format(places), [(n, *r) for n, r in enumerate(table.rows)]
            )
        passed = connection.execute(f"SELECT number FROM rows WHERE {write_sql(found, 'postgres')}").fetchall()
    held(table, {number for (number,) in passed})
