"""A table in memory decided whole: whatever exports Arrow goes in, and a table that exports Arrow comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from arro3.core import Table

from engine.bundle import Bundle
from engine.exchange_input.exchange_problems import ExchangeProblem
from engine.tables import arrow
from engine.tables.arrow import ArrowStream
from engine.tables.column_mapping import TableMapping
from engine.tables.one_by_one import CounterSource, RowDecider
from engine.tables.table_decider import CHUNK, DecidedRows, Register, TableDecider, no_rows


@dataclass(frozen=True, slots=True)
class RowProblems:
    """What the door refused of a row: its number, its key, and each problem."""

    row: int
    key: str
    problems: Sequence[ExchangeProblem]


@dataclass(frozen=True, slots=True)
class DecidedTable:
    """
    The outcome of each row, in the order of the rows. pandas, Polars, DuckDB and PyArrow read it as it is (`__arrow_c_stream__`).

    `problems` has the rows that the door refused; their outcome is `problem`, and they never may proceed.
    """

    table: Table
    problems: Sequence[RowProblems]
    counts: dict[str, int]

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return self.table.num_rows


def decide(
    bundle: Bundle,
    table: ArrowStream,
    *,
    as_of: date | str,
    today: date | None = None,
    counters: str | CounterSource = "stated",
    register: Register | None = None,
    mapping: TableMapping | None = None,
    decider: RowDecider | None = None,
    program: str = "lanes",
    chunk: int = CHUNK,
) -> DecidedTable:
    """
    Decide each row of a table; the table that comes out has as many rows, in the same order.

    The columns are named by facts (`exporter.country`), or `mapping` says what they state. See TableDecider for the rest. Raises
    ColumnsRefused where a column states nothing, TypeError where `table` does not export Arrow.
    """
    deciding = TableDecider(
        bundle,
        as_of=as_of,
        today=today,
        counters=counters,
        register=register,
        mapping=mapping,
        decider=decider,
        program=program,
    )
    found = list(deciding.table(table, chunk=chunk)) or [no_rows()]
    counts: dict[str, int] = {}
    for each in found:
        for word, number in each.counts().items():
            counts[word] = counts.get(word, 0) + number
    return DecidedTable(
        arrow.table_of([each.batch for each in found], found[0].batch.schema),
        [each for rows in found for each in problems_of(rows)],
        counts,
    )


def problems_of(rows: DecidedRows) -> list[RowProblems]:
    """What the door refused of some rows."""
    return [RowProblems(rows.first + place, rows.keys[place], rows.outcome(place).problems) for place in rows.problem_rows()]
