"""
Tables: many exchanges at once, with Arrow in and out. The second door of the engine; it needs the extra `tables`.

`decide` decides a table in memory. `TableDecider` decides one that is larger than memory, some rows at a time.
"""

from __future__ import annotations

from engine.tables.extra import need_extra

need_extra()

from engine.tables.arrow import ArrowStream, batches, slices  # noqa: E402
from engine.tables.coded_chunk import CodedChunk, of_batch, of_objects, of_texts  # noqa: E402
from engine.tables.column_mapping import (  # noqa: E402
    ColumnsRefused,
    FactColumn,
    FactPlaces,
    MappingRefused,
    TableMapping,
    fact_names,
    read_mapping,
)
from engine.tables.decided_table import DecidedTable, decide  # noqa: E402
from engine.tables.filter_sql import DIALECTS, write_sql  # noqa: E402
from engine.tables.one_by_one import CounterSource, OneByOne, RowDecider  # noqa: E402
from engine.tables.outcome_columns import OutcomeColumns, row_digests  # noqa: E402
from engine.tables.outcomes import CELLS, LISTS, PROBLEM, RowOutcome, cell_text, outcome_digest  # noqa: E402
from engine.tables.row_filter import FilterRefused, RowFilter, filter_rows  # noqa: E402
from engine.tables.row_gate import HeldRow, HeldRows, RowGate  # noqa: E402
from engine.tables.table_decider import CHUNK, DecidedRows, Register, TableDecider, no_rows  # noqa: E402
from engine.tables.unread_ids import UnreadIds  # noqa: E402

__all__ = [
    "CELLS",
    "CHUNK",
    "DIALECTS",
    "LISTS",
    "PROBLEM",
    "ArrowStream",
    "CodedChunk",
    "ColumnsRefused",
    "CounterSource",
    "DecidedRows",
    "DecidedTable",
    "FactColumn",
    "FactPlaces",
    "FilterRefused",
    "HeldRow",
    "HeldRows",
    "MappingRefused",
    "OneByOne",
    "OutcomeColumns",
    "Register",
    "RowDecider",
    "RowFilter",
    "RowGate",
    "RowOutcome",
    "TableDecider",
    "TableMapping",
    "UnreadIds",
    "batches",
    "cell_text",
    "decide",
    "fact_names",
    "filter_rows",
    "no_rows",
    "of_batch",
    "of_objects",
    "of_texts",
    "outcome_digest",
    "read_mapping",
    "row_digests",
    "slices",
    "write_sql",
]
