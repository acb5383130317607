"""The gate of a table: which rows may not leave, by name, with their outcomes and reasons; nothing passes undecided."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema, Table

from engine.tables import ColumnsRefused, HeldRows, RowGate, TableMapping
from engine.tables.row_gate import MOST_FACTS
from service.client import MayNotLeave, may_leave
from tests.engine.tables.small_policies import DAY, bundle

BUNDLE = bundle()
GATE = RowGate(BUNDLE, today=lambda: DAY)
PERMITTED = {"exporter.country": "CN", "data.personal": "no", "data.categories": "weather", "counts.people": "5"}
PROHIBITED = {**PERMITTED, "data.personal": "yes", "data.categories": "genetic"}


def table(*rows: dict[str, str]) -> Table:
    """A table of texts with a column for each name."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    schema = Schema([Field(name, DataType.utf8(), nullable=True) for name in names])
    columns = [Array([row.get(name) for row in rows], DataType.utf8()) for name in names]
    return Table.from_batches([RecordBatch.from_arrays(columns, schema=schema)])


def test_a_table_whose_rows_all_may_leave_holds_none() -> None:
    """And counts its rows."""
    assert GATE.held(table(PERMITTED, PERMITTED)) == HeldRows(2, 0, ())


def test_rows_that_may_not_leave_are_named_with_outcome_and_reasons() -> None:
    """A prohibition by what stands, an open row by what is not known, a row that cannot be read by its problems."""
    rows = [
        {"order": "o-1", **PERMITTED},
        {"order": "o-2", **PROHIBITED},
        {"order": "o-3", **PERMITTED, "exporter.country": "unknown", "data.personal": "yes"},
        {"order": "o-4", **PERMITTED, "exporter.country": "Atlantis"},
        {"order": "o-5", **PERMITTED, "exporter.country": "DE"},
    ]
    found = GATE.held(table(*rows), "order")
    assert (found.of, found.held) == (5, 4)
    told = {row.name: (row.outcome, " | ".join(row.reasons)) for row in found.rows}
    assert told["o-2"][0] == "prohibited"
    assert "what stands: xx.law/genes, xx.law/people" in told["o-2"][1]
    assert told["o-3"][0] == "undetermined"
    assert "not known: " in told["o-3"][1]
    assert told["o-4"][0] == "problem"
    assert "/exporter/country: `Atlantis` is not one of" in told["o-4"][1]
    assert told["o-5"][0] == "not_applicable"


def test_as_many_rows_are_named_as_are_wanted() -> None:
    """The first ones; all are counted."""
    found = GATE.held(table(*[PROHIBITED] * 7), most=3)
    assert (found.of, found.held, [row.name for row in found.rows]) == (7, 7, ["1", "2", "3"])


def test_a_row_of_another_day_may_not_leave() -> None:
    """A permit is of today; the day that the gate asks for anew each time."""
    days = iter((DAY, DAY + timedelta(days=1)))
    gate = RowGate(BUNDLE, today=lambda: next(days))
    yesterday = table({**PERMITTED, "as_of": DAY.isoformat()})
    assert gate.held(yesterday).held == 0
    (row,) = gate.held(yesterday).rows
    assert f"its day is {DAY}, and not today" in row.reasons


def test_a_mapping_says_what_columns_state() -> None:
    """As for every table; and the gate's key goes before that of the mapping."""
    rows = table({"nr": "7", "order": "o-7", "note": "x", **PROHIBITED})
    gate = RowGate(BUNDLE, today=lambda: DAY, mapping=TableMapping(key="nr", ignored=frozenset({"order", "note"})))
    assert [row.name for row in gate.held(rows).rows] == ["7"]
    other = RowGate(BUNDLE, today=lambda: DAY, mapping=TableMapping(key="nr", ignored=frozenset({"nr", "note"})))
    assert [row.name for row in other.held(rows, "order").rows] == ["o-7"]


def test_rows_may_be_added_up() -> None:
    """Each row alone may leave; together they may reach a threshold, and the row with which they may is named."""
    rows = [{**PERMITTED, "data.personal": "yes", "exporter.id": "a", "recipient.id": str(each)} for each in range(3)]
    rows = [{**row, "data.people": "400", "evidence.contract": '{"dated": "2026-01-01", "covers": true}'} for row in rows]
    for row in rows:
        del row["counts.people"]
    alone = [{**row, "counts.people": "400"} for row in rows]
    assert GATE.held(table(*alone)).held == 0
    summing = RowGate(BUNDLE, today=lambda: DAY, counters="summed")
    assert [(row.name, row.outcome) for row in summing.held(table(*rows)).rows] == [("3", "undetermined")]


def test_many_facts_are_counted_and_not_all_named() -> None:
    """A reason has a bound."""
    (row,) = GATE.held(table({"exporter.country": "unknown"})).rows
    assert all(reason.count(",") < MOST_FACTS for reason in row.reasons)


@pytest.mark.parametrize("wrong", [None, "rows", [PERMITTED], {"exporter.country": ["CN"]}])
def test_what_is_no_table_is_refused(wrong: Any) -> None:
    """Nothing is decided of it."""
    with pytest.raises(TypeError, match="a table in memory"):
        GATE.held(wrong)


def test_a_stream_that_can_be_read_once_is_refused() -> None:
    """Deciding would use it up."""
    whole = table(PERMITTED)
    with pytest.raises(TypeError, match="not RecordBatchReader"):
        GATE.held(RecordBatchReader.from_batches(whole.schema, whole.to_batches()))


def test_a_column_that_states_nothing_is_refused() -> None:
    """A misspelt fact is not overlooked."""
    with pytest.raises(ColumnsRefused, match=r"exporter\.contry"):
        GATE.held(table({"exporter.contry": "CN"}))


def test_a_table_that_hides_rows_is_refused() -> None:
    """As many rows are decided as leave."""

    class Longer:
        def __init__(self, of: Table) -> None:
            self._of = of

        def __len__(self) -> int:
            return 2

        def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
            return self._of.__arrow_c_stream__(requested_schema)

    with pytest.raises(ValueError, match="has 2 rows, but 1 were read"):
        GATE.held(Longer(table(PERMITTED)))


def test_a_decorated_step_passes_its_table_or_stops() -> None:
    """By the decorator of the client, before the step runs or after."""
    good, bad = table({"order": "o-1", **PERMITTED}), table({"order": "o-1", **PERMITTED}, {"order": "o-2", **PROHIBITED})

    @may_leave(tables=GATE, key="order")
    def flows(wanted: Table) -> Table:
        return wanted

    sent: list[Table] = []

    @may_leave(tables=GATE, key="order", exchange=lambda flows: flows)
    def send(flows: Table) -> None:
        sent.append(flows)

    assert flows(good) is good
    send(good)
    for step in (flows, send):
        with pytest.raises(MayNotLeave, match=r"1 of 2 rows may not leave\n  o-2: prohibited: what stands: xx\.law/genes"):
            step(bad)
    assert sent == [good]


def test_the_day_is_a_day() -> None:
    """`date.today` is what a pipeline gives."""
    assert RowGate(BUNDLE, today=date.today).held(table(PERMITTED)).of == 1
