"""
Two tables of the same columns, row by row: the rows that are expected go in and those that are there, and each that differs comes out.

The expected rows lie in a temporary SQLite database. The others are copied beside them, so that one database compares both, whatever
kind the other one is and whatever somebody wrote into it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa

_AT_ONCE = 1_000
_NOT_TOLD = frozenset({"alias", "value"})  # columns of keys: they may be personal

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RowFault:
    """
    A row that is not what the leaves say. `expected` is None for a row that must not be there.

    `columns` are those with another value; they are empty for a row that is missing or must not be there. The sentence tells the key
    and no other value, and of the key nothing personal.
    """

    table: sa.Table
    key: Values
    expected: Values | None
    found: bool
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = ", ".join(f"{name} {str(value)[:80]}" for name, value in self.key.items() if name not in _NOT_TOLD)
        row = f"`{self.table.name}` ({place})"
        if not self.found:
            return f"the row {row} is missing"
        if self.expected is None:
            return f"no leaf made the row {row}"
        return f"the leaves say otherwise than the row {row} in {', '.join(f'`{name}`' for name in self.columns)}"


def rows_of(connection: sa.Connection, table: sa.Table, *where: sa.ColumnElement[bool]) -> Iterator[tuple[Any, ...]]:
    """The rows of a table as they are, in no order, whatever the types of their values."""
    chosen = sa.select(*(sa.type_coerce(each, sa.types.NULLTYPE).label(each.name) for each in table.columns)).where(*where)
    for row in connection.execute(chosen.execution_options(yield_per=_AT_ONCE)):
        yield tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def compared(
    rows: sa.Connection, table: sa.Table, found: Iterable[tuple[Any, ...]], left_out: frozenset[str] = frozenset()
) -> Iterator[RowFault]:
    """
    The rows that differ. `rows` is the temporary database, where `table` has the expected rows; `left_out` are columns not compared.
    """
    keys = [column.name for column in table.primary_key]
    names = [column.name for column in table.columns]
    others = [name for name in names if name not in keys and name not in left_out]
    ours, theirs = f'main."{table.name}"', f'main."found {table.name}"'
    _copy(rows, table, theirs, found)
    same = " AND ".join(f'e."{name}" = f."{name}"' for name in keys)
    told = ", ".join(f'e."{name}"' for name in names)
    for row in rows.exec_driver_sql(f"SELECT {told} FROM {ours} e WHERE NOT EXISTS (SELECT 1 FROM {theirs} f WHERE {same})"):
        expected = dict(zip(names, row, strict=True))
        yield RowFault(table, {name: expected[name] for name in keys}, expected, found=False)
    key = ", ".join(f'f."{name}"' for name in keys)
    for row in rows.exec_driver_sql(f"SELECT {key} FROM {theirs} f WHERE NOT EXISTS (SELECT 1 FROM {ours} e WHERE {same})"):
        yield RowFault(table, dict(zip(keys, row, strict=True)), None, found=True)
    if others:
        marks = ", ".join(f'e."{name}" IS NOT f."{name}"' for name in others)
        different = " OR ".join(f'e."{name}" IS NOT f."{name}"' for name in others)
        for row in rows.exec_driver_sql(f"SELECT {told}, {marks} FROM {ours} e JOIN {theirs} f ON {same} WHERE {different}"):
            expected = dict(zip(names, row[: len(names)], strict=True))
            columns = tuple(name for name, marked in zip(others, row[len(names) :], strict=True) if marked)
            yield RowFault(table, {name: expected[name] for name in keys}, expected, True, columns)
    rows.exec_driver_sql(f"DROP TABLE {theirs}")


def _copy(rows: sa.Connection, table: sa.Table, copy: str, found: Iterable[tuple[Any, ...]]) -> None:
    columns = ", ".join(f'"{column.name}" {column.type.compile(rows.dialect)}' for column in table.columns)
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
    rows.exec_driver_sql(f"CREATE TABLE {copy} ({columns})")
    insertion = f"INSERT INTO {copy} VALUES ({', '.join('?' for _ in table.columns)})"
    remaining = iter(found)
    while some := list(islice(remaining, _AT_ONCE)):
        rows.exec_driver_sql(insertion, some)
    rows.exec_driver_sql(f'CREATE INDEX main."by key of {table.name}" ON "found {table.name}" ({keys})')
