"""
Two tables of the same columns, row by row: the rows that are expected go in and those that are there, and each that differs comes out.

The expected rows lie in a temporary SQLite database. The others are copied beside them, so that one database compares both, whatever
kind the other one is and whatever somebody wrote into it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

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
    for row in connection.execute(_untyped(table).where(*where)):
        yield tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def with_rows(connection: sa.Connection, tables: tuple[sa.Table, ...]) -> frozenset[sa.Table]:
    """Those of some tables that have any row: of most logs few have, and the others need not be read one by one."""
    held = connection.execute(_any_row(tables)).one()
    return frozenset(each for each, holds in zip(tables, held, strict=True) if holds)


@cache
def _any_row(tables: tuple[sa.Table, ...]) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(*(sa.exists(sa.select(sa.literal(1)).select_from(each)).label(each.name) for each in tables))


def compared(
    rows: sa.Connection, table: sa.Table, found: Iterable[tuple[Any, ...]], left_out: frozenset[str] = frozenset()
) -> Iterator[RowFault]:
    """
    The rows that differ. `rows` is the temporary database, where `table` has the expected rows; `left_out` are columns not compared.
    """
    keys = [column.name for column in table.primary_key]
    names = [column.name for column in table.columns]
    others = [name for name in names if name not in keys and name not in left_out]
    asked = _Statements.of(table, tuple(others))
    remaining = iter(found)
    first = next(remaining, None)
    if first is None:  # most tables of most logs
        for row in rows.exec_driver_sql(asked.expected):
            expected = dict(zip(names, row, strict=True))
            yield RowFault(table, {name: expected[name] for name in keys}, expected, found=False)
        return
    rows.exec_driver_sql(asked.table)
    remaining = chain((first,), remaining)
    while some := list(islice(remaining, _AT_ONCE)):
        rows.exec_driver_sql(asked.insertion, some)
    rows.exec_driver_sql(asked.index)
    for row in rows.exec_driver_sql(asked.missing):
        expected = dict(zip(names, row, strict=True))
        yield RowFault(table, {name: expected[name] for name in keys}, expected, found=False)
    for row in rows.exec_driver_sql(asked.unexpected):
        yield RowFault(table, dict(zip(keys, row, strict=True)), None, found=True)
    if others:
        for row in rows.exec_driver_sql(asked.different):
            expected = dict(zip(names, row[: len(names)], strict=True))
            columns = tuple(name for name, marked in zip(others, row[len(names) :], strict=True) if marked)
            yield RowFault(table, {name: expected[name] for name in keys}, expected, True, columns)
    rows.exec_driver_sql(asked.end)


@dataclass(frozen=True, slots=True)
class _Statements:
    """What the temporary database is asked for one table: they are the same in every comparison."""

    expected: str
    table: str
    insertion: str
    index: str
    missing: str
    unexpected: str
    different: str
    end: str

    @classmethod
    @cache
    def of(cls, table: sa.Table, others: tuple[str, ...]) -> Self:
        """Those for a table of which these columns are compared, beside the key."""
        dialect = sqlite.dialect()
        keys = [column.name for column in table.primary_key]
        ours, theirs = f'main."{table.name}"', f'main."found {table.name}"'
        same = " AND ".join(f'e."{name}" = f."{name}"' for name in keys)
        told = ", ".join(f'e."{column.name}"' for column in table.columns)
        key = ", ".join(f'f."{name}"' for name in keys)
        marks = ", ".join(f'e."{name}" IS NOT f."{name}"' for name in others)
        different = " OR ".join(f'e."{name}" IS NOT f."{name}"' for name in others)
        columns = ", ".join(f'"{column.name}" {column.type.compile(dialect)}' for column in table.columns)
        indexed = ", ".join(f'"{name}"' for name in keys)
        return cls(
            expected=f"SELECT {told} FROM {ours} e",
            table=f"CREATE TABLE {theirs} ({columns})",
            insertion=f"INSERT INTO {theirs} VALUES ({', '.join('?' for _ in table.columns)})",
            index=f'CREATE INDEX main."by key of {table.name}" ON "found {table.name}" ({indexed})',
            missing=f"SELECT {told} FROM {ours} e WHERE NOT EXISTS (SELECT 1 FROM {theirs} f WHERE {same})",
            unexpected=f"SELECT {key} FROM {theirs} f WHERE NOT EXISTS (SELECT 1 FROM {ours} e WHERE {same})",
            different=f"SELECT {told}, {marks} FROM {ours} e JOIN {theirs} f ON {same} WHERE {different}",
            end=f"DROP TABLE {theirs}",
        )


@cache
def _untyped(table: sa.Table) -> sa.Select[*tuple[Any, ...]]:
    """The values of a table's columns as the driver gives them."""
    chosen = sa.select(*(sa.type_coerce(each, sa.types.NULLTYPE).label(each.name) for each in table.columns))
    return chosen.execution_options(yield_per=_AT_ONCE)
