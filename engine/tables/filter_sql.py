"""
A filter of rows as SQL: the condition of a `WHERE` goes out, in the dialect of a database. It needs the extra `sql`.

The condition has AND, OR, IN, BETWEEN, IS NULL and nothing that a null could turn round, so that a cell of no class lets no row pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

from engine.tables.extra import ExtraMissing
from engine.tables.row_filter import CellClass, FilterBranch, RowFilter

DIALECTS = ("duckdb", "postgres")
MISSING = "the package that writes SQL is not installed; `pip install 'fifthfactor[sql,tables]'` adds it"

Condition: TypeAlias = Any  # `sqlglot.exp.Expression`


def write_sql(found: RowFilter, dialect: str) -> str:
    """
    The condition; FALSE where no row may proceed.

    Raises ValueError for a dialect that is none of DIALECTS, ExtraMissing where the package that writes SQL is not installed.
    """
    if dialect not in DIALECTS:
        raise ValueError(f"a dialect is {' or '.join(DIALECTS)}, not `{dialect}`")
    if find_spec("sqlglot") is None:
        raise ExtraMissing(MISSING)
    exp = import_module("sqlglot.expressions")
    condition = _Conditions(exp).of(found.branch) if found.branch else exp.false()
    return str(condition.sql(dialect=dialect, pretty=True))


class _Conditions:
    """Writes branches with the expressions of sqlglot, which is read when it is first wanted."""

    def __init__(self, exp: Any) -> None:
        self._exp = exp

    def of(self, branch: FilterBranch) -> Condition:
        exp, ways = self._exp, []
        for classes, rest in branch.ways:
            cells = exp.or_(*self._cells(branch.column.name, classes))
            ways.append(exp.and_(cells, self.of(rest)) if rest else cells)
        return exp.or_(*ways)

    def _cells(self, name: str, classes: Sequence[CellClass]) -> Iterator[Condition]:
        """What the cell of a column may be."""
        exp = self._exp
        column = exp.column(name, quoted=True)
        if any(each.empty for each in classes):
            yield column.is_(exp.null())
        if words := [word for each in classes for word in each.words]:
            yield column.isin(*map(exp.Literal.string, words))
        for each in classes:
            if isinstance(each.cell, bool):
                yield column.eq(exp.true() if each.cell else exp.false())
        ranges = [(exp.Literal.number(low), exp.Literal.number(high)) for low, high in _joined(classes)]
        if ranges:
            whole = column.eq(exp.Floor(this=column.copy()))
            yield exp.and_(exp.or_(*(column.between(low, high) for low, high in ranges)), whole)


def _joined(classes: Sequence[CellClass]) -> Sequence[tuple[int, int]]:
    """The ranges of numbers, of which none touches the next one."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(each.numbers for each in classes if each.numbers):
        if found and low == found[-1][1] + 1:
            found[-1] = found[-1][0], high
        else:
            found.append((low, high))
    return found
