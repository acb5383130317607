"""
What is in a database beside the tables of this version: a connection goes in, a sentence for each part comes out.

A trigger, a rule or a view can say something else than the rows do, or change rows when the service writes. So a start refuses those that
act on the tables (`acting_parts`), and `log verify --deep` names them, and tables and columns that are not ours (`foreign_parts`).
"""

from collections.abc import Iterator

import sqlalchemy as sa

from service.store.tables import metadata

_OURS = frozenset({*metadata.tables, "alembic_version"})
_SQLITE = "SELECT type, name, tbl_name FROM sqlite_master WHERE type IN ('table', 'view', 'trigger') ORDER BY type, name"
_SQLITE_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
_POSTGRESQL_TABLES = """
SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relpersistence <> 't' AND pg_table_is_visible(oid)
  AND relnamespace <> 'pg_catalog'::regnamespace
"""
_NAMED = "(" + ", ".join(f"'{name}'" for name in sorted(metadata.tables)) + ")"
_SQLITE_COLUMNS = f"""
SELECT sqlite_master.name, found.name FROM sqlite_master JOIN pragma_table_xinfo(sqlite_master.name) AS found
  WHERE sqlite_master.type = 'table' AND sqlite_master.name IN {_NAMED}
"""
_OF_SCHEMA = "relnamespace = current_schema()::regnamespace"
_POSTGRESQL = f"""
SELECT CASE WHEN relkind IN ('v', 'm') THEN 'view' ELSE 'table' END, relname, relname
  FROM pg_class WHERE {_OF_SCHEMA} AND relkind IN ('r', 'p', 'f', 'v', 'm')
UNION ALL SELECT 'trigger', tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
  WHERE {_OF_SCHEMA} AND NOT tgisinternal
UNION ALL SELECT 'rule', rulename, relname FROM pg_rewrite JOIN pg_class ON pg_class.oid = ev_class
  WHERE {_OF_SCHEMA} AND relkind IN ('r', 'p')
UNION ALL SELECT 'policy', polname, relname FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid WHERE {_OF_SCHEMA}
ORDER BY 1, 2
"""
_POSTGRESQL_COLUMNS = f"""
SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
  WHERE {_OF_SCHEMA} AND relname IN {_NAMED} AND attnum > 0 AND NOT attisdropped
"""


def acting_parts(connection: sa.Connection) -> list[str]:
    """The triggers, rules and views that can act on our tables, each as a few words."""
    return [
        f"the {type} `{name[:80]}` on the table `{table}`"
        if type != "view"
        else f"the view `{name[:80]}` in the place of a table"
        for type, name, table in _parts(connection)
        if type != "table" and table in _OURS
    ]


def foreign_parts(connection: sa.Connection) -> Iterator[str]:
    """A sentence for each part of the database that is not ours, and for each table or column that it lacks."""
    tables = set()
    for type, name, table in _parts(connection):
        if type == "table" and name in _OURS:
            tables.add(name)
        elif not (type == "table" and name.startswith("sqlite_")):
            yield f"the {type} `{name[:80]}`{'' if type in ('table', 'view') else f' on the table `{table[:80]}`'} is not ours"
    for name in sorted(_OURS - tables):
        yield f"the table `{name}` is missing"
    columns: dict[str, set[str]] = {}
    asked = _SQLITE_COLUMNS if connection.dialect.name == "sqlite" else _POSTGRESQL_COLUMNS
    for name, column in connection.exec_driver_sql(asked).fetchall():
        columns.setdefault(name, set()).add(column)
    for name, described in sorted(metadata.tables.items()):
        if name not in tables:
            continue
        found = columns.get(name, set())
        ours = {column.name for column in described.columns}
        for column in sorted(found - ours):
            yield f"the column `{column[:80]}` of the table `{name}` is not ours"
        for column in sorted(ours - found):
            yield f"the column `{column}` of the table `{name}` is missing"


def tables_of(connection: sa.Connection) -> frozenset[str]:
    """The names of the tables of a database, whosever they are. Each start asks, so it asks no more than this."""
    asked = _SQLITE_TABLES if connection.dialect.name == "sqlite" else _POSTGRESQL_TABLES
    return frozenset(connection.exec_driver_sql(asked).scalars())


def _parts(connection: sa.Connection) -> list[tuple[str, str, str]]:
    """The kind and the name of each part, and the table that it belongs to."""
    asked = _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL
    return [(str(type), str(name), str(table)) for type, name, table in connection.exec_driver_sql(asked)]
