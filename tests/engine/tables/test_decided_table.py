"""A table decided in memory: what comes out for each row, and that nothing but the row decides it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema, Table

import engine
from engine.tables import (
    CodedChunk,
    ColumnsRefused,
    FactColumn,
    TableDecider,
    TableMapping,
    decide,
    fact_names,
    of_objects,
    of_texts,
)
from tests.engine.tables.small_policies import DAY, bundle

BUNDLE = bundle()


def texts(**columns: list[str | None]) -> Table:
    """A table of texts; `__` in a name is a dot."""
    names = [name.replace("__", ".") for name in columns]
    schema = Schema([Field(name, DataType.utf8(), nullable=True) for name in names])
    return Table.from_batches(
        [RecordBatch.from_arrays([Array(each, DataType.utf8()) for each in columns.values()], schema=schema)]
    )


def column(decided: Any, name: str) -> list[Any]:
    return [value for chunk in decided.table.column(name).chunks for value in chunk.to_pylist()]


def test_each_row_has_its_outcome_with_what_stands_and_what_is_unmet() -> None:
    """In the order of the rows, as many as went in; what is not known leaves the outcome open."""
    table = texts(
        exporter__country=["CN", "CN", "CN", "DE", None],
        data__personal=["yes", "true", "no", "yes", "unknown"],
        data__categories=["weather", '["weather","genetic"]', "health", "health", "weather"],
        evidence__contract=['{"dated": "2026-01-01", "covers": true}', "none", None, None, None],
        counts__people=["5", "5", "5", "5", "5"],
    )
    found = decide(BUNDLE, table, as_of=DAY, today=DAY)
    assert len(found) == 5
    assert column(found, "outcome") == ["permitted", "prohibited", "permitted", "not_applicable", "undetermined"]
    assert column(found, "low") == ["permitted", "prohibited", "permitted", "not_applicable", "not_applicable"]
    assert column(found, "high") == ["permitted", "prohibited", "permitted", "not_applicable", "requirements_unmet"]
    assert column(found, "proceed") == [True, False, True, False, False]
    assert json.loads(column(found, "jurisdictions")[0]) == {"XX": ["permitted", "permitted"]}
    assert json.loads(column(found, "stands")[1]) == ["xx.law/genes", "xx.law/people"]
    assert json.loads(column(found, "may_stand")[4]) == ["xx.law/people"]
    assert [json.loads(each) for each in column(found, "unmet")] == [[], ["xx.contract"], [], [], []]
    assert json.loads(column(found, "missing")[4]) == ["exporter.country", "data.personal"]
    assert column(found, "row") == [1, 2, 3, 4, 5]
    assert set(column(found, "as_of")) == {DAY}
    assert found.counts == {"permitted": 2, "prohibited": 1, "not_applicable": 1, "undetermined": 1}


@pytest.mark.parametrize("wanted", ["evidence.contract", "data.categories"])
def test_what_must_be_shown_and_is_merely_stated_permits_no_row(wanted: str) -> None:
    """As of an exchange by itself: a document is not shown, a fact is unknown (semantics 4.11)."""
    demands = f"organisation: acme\ntitle: Acme\nmust_be_shown: [{wanted}]\n".encode()
    demanding = engine.load_sources({**BUNDLE.sources, "acme.yaml": demands}, BUNDLE.settings)
    table = texts(
        exporter__country=["CN"],
        data__personal=["yes"],
        data__categories=["weather"],
        evidence__contract=['{"dated": "2026-01-01", "covers": true}'],
        counts__people=["5"],
    )
    assert column(decide(BUNDLE, table, as_of=DAY, today=DAY), "proceed") == [True]
    assert column(decide(demanding, table, as_of=DAY, today=DAY), "proceed") == [False]


def test_a_value_that_cannot_be_read_is_a_problem_of_its_row_with_what_the_door_proposes() -> None:
    """The row stays, and never may proceed; so does one that contradicts itself."""
    found = decide(
        BUNDLE,
        texts(
            exporter__country=["Germny", "CN", "DE"],
            data__personal=["yes", "no", "yes"],
            data__people=["3", "3", "three"],
        ),
        as_of=DAY,
    )
    assert column(found, "outcome") == ["problem", "problem", "problem"]
    assert column(found, "low") == [None, None, None]
    assert column(found, "proceed") == [False, False, False]
    assert column(found, "problems") == [1, 2, 1]
    told = {each.row: [(one.pointer, one.code) for one in each.problems] for each in found.problems}
    assert told == {
        1: [("/exporter/country", "wrong-value")],
        2: [("/data/personal", "incoherent"), ("/data/people", "incoherent")],
        3: [("/data/people", "wrong-value")],
    }
    assert "did you mean `DE` (Germany)?" in found.problems[0].problems[0].detail


def test_a_misspelt_column_is_refused_before_the_first_row() -> None:
    """It would be a fact that nobody states."""
    with pytest.raises(ColumnsRefused, match=r"did you mean `exporter\.country`"):
        decide(BUNDLE, texts(exporter__contry=["CN"]), as_of=DAY)


def test_what_is_no_table_is_refused() -> None:
    """A list of rows has no columns."""
    with pytest.raises(TypeError, match="Arrow"):
        decide(BUNDLE, [{"exporter.country": "CN"}], as_of=DAY)  # type: ignore[arg-type]


def test_a_column_may_state_the_day_and_a_row_may_proceed_only_today() -> None:
    """Another day is hypothetical (semantics 1.4); a row whose day is empty or no day is a problem."""
    table = texts(exporter__country=["CN"] * 4, data__personal=["no"] * 4, on=["2026-11-24", "2026-11-23", None, "soon"])
    found = decide(BUNDLE, table, as_of="on", today=DAY)
    assert column(found, "outcome") == ["undetermined", "undetermined", "problem", "problem"]
    assert column(found, "as_of") == [DAY, DAY - timedelta(1), None, None]
    named = Table.from_arrays([table.column(at) for at in range(3)], names=[*table.schema.names[:-1], "as_of"])
    for program in ("lanes", "ordinary"):  # another day than that of the run is not taken for the day that cannot be read
        found = decide(BUNDLE, named, as_of=DAY, today=DAY, program=program)
        assert column(found, "outcome") == ["undetermined", "undetermined", "undetermined", "problem"]
        assert column(found, "as_of") == [DAY, DAY - timedelta(1), DAY, None]
    table = texts(
        exporter__country=["CN"] * 2,
        data__personal=["no"] * 2,
        data__categories=["weather"] * 2,
        counts__people=["0"] * 2,
        on=["2026-11-24", "2026-11-23"],
    )
    assert column(decide(BUNDLE, table, as_of="on", today=DAY), "proceed") == [True, False]
    assert column(decide(BUNDLE, table, as_of="on"), "proceed") == [False, False]
    assert column(decide(BUNDLE, table.select([*table.schema.names[:-1]]), as_of=DAY), "proceed") == [False, False]


def test_typed_columns_come_to_the_same_as_texts() -> None:
    """Whole numbers, yes/no, days and lists as Arrow has them; a null is left out."""
    names = ["exporter.country", "data.personal", "data.people", "data.collected"]
    arrays = [
        Array(["CN", "CN"], DataType.utf8()),
        Array([True, None], DataType.bool()),
        Array([30, None], DataType.int64()),
        Array([19_000, None], DataType.int32()).cast(DataType.date32()),
    ]
    schema = Schema([Field(name, each.type, nullable=True) for name, each in zip(names, arrays, strict=True)])
    typed = decide(BUNDLE, RecordBatch.from_arrays(arrays, schema=schema), as_of=DAY)  # type: ignore[arg-type]
    written = texts(
        exporter__country=["CN", "CN"],
        data__personal=["yes", None],
        data__people=["30", ""],
        data__collected=["2022-01-08", None],
    )
    other = decide(BUNDLE, written, as_of=DAY)
    assert column(typed, "outcome") == ["undetermined", "undetermined"]
    assert "data.collected" not in column(typed, "missing")[0]
    for name in typed.table.schema.names:
        assert column(typed, name) == column(other, name)


def test_a_table_without_rows_has_all_columns() -> None:
    """Whoever joins it finds them."""
    schema = Schema([Field("exporter.country", DataType.utf8())])
    found = decide(BUNDLE, RecordBatchReader.from_batches(schema, []), as_of=DAY)
    assert len(found) == 0
    assert found.table.schema.names == decide(BUNDLE, texts(exporter__country=["CN"]), as_of=DAY).table.schema.names


def test_equal_rows_are_decided_once() -> None:
    """Within a chunk, and between chunks as far as is remembered."""
    asked: list[int] = []

    class Counting(engine.tables.OneByOne):
        def decide(self, documents: Any, days: Any, today: Any, *more: Any) -> Any:
            asked.append(len(documents))
            return super().decide(documents, days, today, *more)

    table = texts(exporter__country=["CN", "DE", "CN", "CN", "DE", "US"])
    found = decide(BUNDLE, table, as_of=DAY, decider=Counting(BUNDLE), program="ordinary", chunk=3)
    assert asked == [2, 1]
    assert column(found, "outcome") == ["undetermined", "not_applicable"] + ["undetermined"] * 2 + ["not_applicable"] * 2


def test_objects_may_be_exchanges_as_they_are_and_an_unknown_member_is_a_problem_of_its_row() -> None:
    """Nested or with dots, beside each other; and what two of them state is a problem."""
    rows: list[Any] = [
        {"exporter": {"country": "DE"}, "data": {"personal": True}},
        {"exporter.country": "DE", "data": {"personal": True}},
        {"exporter": {"contry": "DE"}},
        {"exporter": {"country": "DE"}, "exporter.country": "CN"},
        engine.ExchangeProblem("", "not-json", "no"),
    ]
    [found] = TableDecider(BUNDLE, as_of=DAY).chunks([of_objects(rows)])
    words = [found.outcome(place).outcome for place in range(5)]
    assert words == ["not_applicable", "not_applicable", "problem", "problem", "problem"]
    assert [found.outcome(place).problems[0].code for place in (2, 3, 4)] == ["unknown-fact", "two-values", "not-json"]
    assert found.outcome(0) is found.outcome(0)


def test_facts_in_objects_stand_side_by_side_where_nothing_else_does() -> None:
    """Then each is read once. What is no fact, states nothing or stands there twice stays as it is, and the door says what it is."""
    rows: list[Any] = [
        {"exporter": {"country": "DE", "id": "a"}, "evidence": {"contract": {"dated": "2024-01-01"}}},
        {"exporter": {"contry": "DE"}},
        {"exporter": {"country": None}},
        {"exporter": {"country": "DE"}, "exporter.country": "CN"},
        {"exporter": {}},
    ]
    found = of_objects(rows, fact_names(BUNDLE))
    assert found.names == ["exporter.country", "exporter.id", "evidence.contract", "exporter"]
    assert list(found.columns[3].values) == [{"contry": "DE"}, {"country": None}, {"country": "DE"}, {}]
    [decided] = TableDecider(BUNDLE, as_of=DAY).chunks([found])
    told = [[problem.code for problem in decided.outcome(place).problems] for place in range(5)]
    assert told == [[], ["unknown-fact"], ["wrong-value"], ["two-values"], []]


def test_a_row_with_another_number_of_cells_is_a_problem() -> None:
    """Nobody guesses which cell is missing."""
    [found] = TableDecider(BUNDLE, as_of=DAY).chunks([of_texts(["exporter.country", "data.personal"], [["DE", "yes"], ["DE"]])])
    assert [found.outcome(place).outcome for place in range(2)] == ["not_applicable", "problem"]


def test_the_key_is_a_column_or_the_part_and_the_number() -> None:
    """A row without a key is named by its part and number, and told."""
    mapping = TableMapping(key="number")
    chunk = of_texts(["number", "exporter.country"], [["a", "DE"], ["", "DE"]])
    [found] = TableDecider(BUNDLE, as_of=DAY, mapping=mapping).chunks([chunk], "p.csv")
    assert list(found.keys) == ["a", "p.csv#2"]
    assert found.without_key == [1]
    [found] = TableDecider(BUNDLE, as_of=DAY).chunks([of_texts(["exporter.country"], [["DE"]] * 2)], "p.csv")
    assert list(found.keys) == ["p.csv#1", "p.csv#2"]


def test_a_register_is_asked_for_each_distinct_row() -> None:
    """What it says stands beside what the row states; what it refuses is the row's problem."""

    def register(document: Any, day: Any) -> Any:
        if document["exporter"]["id"] == "look-alike":
            raise engine.ExchangeRefused((engine.ExchangeProblem("/exporter/id", "looks-like", "send the one that is meant"),))
        states = {"kind": "party", "version": 1, "states": {"exporter": {"country": "DE"}}}
        return {**document, "register": {"exporter.id": states}}

    found = decide(BUNDLE, texts(exporter__id=["a", "look-alike"]), as_of=DAY, register=register)
    assert column(found, "outcome") == ["not_applicable", "problem"]


def test_more_values_than_are_remembered_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered is dropped between chunks, and a row never takes another's outcome."""
    monkeypatch.setattr("engine.tables.distinct_rows.MOST_VALUES", 3)
    rows = [{"exporter.id": str(n), "exporter.country": "CN" if n % 3 else "DE"} for n in range(40)]
    chunks: list[CodedChunk] = [of_objects(rows[at : at + 4]) for at in range(0, 40, 4)]
    found = [each.outcome(at).outcome for each in TableDecider(BUNDLE, as_of=DAY).chunks(chunks) for at in range(4)]
    assert found == ["undetermined" if n % 3 else "not_applicable" for n in range(40)]


def test_a_column_that_two_mappings_state_is_refused() -> None:
    """The name of a column is a fact, and another column is mapped to it."""
    mapping = TableMapping((FactColumn("sender", "exporter.country"),))
    with pytest.raises(ColumnsRefused, match="both state"):
        decide(BUNDLE, texts(sender=["DE"], exporter__country=["CN"]), as_of=DAY, mapping=mapping)


def test_no_row_says_what_a_register_or_a_book_says() -> None:
    """Whoever writes a table cannot speak for the register."""
    states = {"exporter.id": {"kind": "party", "version": 1, "states": {"exporter": {"country": "DE"}}}}
    rows: list[Any] = [{"exporter": {"id": "a"}, "register": states}, {"exporter": {"id": "a"}, "books": {}}]
    [found] = TableDecider(BUNDLE, as_of=DAY).chunks([of_objects(rows)])
    assert [found.outcome(place).outcome for place in range(2)] == ["problem", "problem"]
    for name in ("register", "books"):
        with pytest.raises(ColumnsRefused):
            decide(BUNDLE, texts(**{each: [json.dumps(states), None] for each in (name,)}), as_of=DAY)


def test_rows_that_differ_in_ids_alone_are_decided_once_where_nothing_reads_them() -> None:
    """Each keeps the exchange that it states; an id that the door refuses, and one that is unknown, is told apart."""
    asked: list[Any] = []

    class Noting(engine.tables.OneByOne):
        def decide(self, documents: Any, days: Any, today: Any, *more: Any) -> Any:
            asked.extend(documents)
            return super().decide(documents, days, today, *more)

    names = ["a", "b", "unknown", "x" * 300, "worldwide", "", "c", "x" * 300]
    chunks = [of_texts(["exporter.id", "exporter.country"], [[name, "DE"] for name in names])] * 2
    first, second = TableDecider(BUNDLE, as_of=DAY, decider=Noting(BUNDLE), program="ordinary").chunks(chunks)
    assert sorted(each["exporter"].get("id", "") for each in asked) == ["", "a", "unknown", "worldwide", "x" * 300]
    for found in (first, second):
        assert [found.outcome(place).outcome for place in range(8)] == [
            *("not_applicable", "not_applicable", "not_applicable", "problem", "not_applicable"),
            *("not_applicable", "not_applicable", "problem"),
        ]
        assert [found.exchange(place)["exporter"].get("id", "") for place in range(8)] == names


def test_an_id_that_a_document_is_for_is_read() -> None:
    """One row presents a document for one recipient; the same id decides nothing where none does."""
    contract = {"dated": "2024-01-01", "covers": True, "for": ["a"]}
    base = {"exporter.country": "CN", "data.personal": True, "data.categories": ["weather"], "counts.people": 5}
    rows = [
        {**base, "recipient.id": name, **({"evidence.contract": contract} if shown else {})}
        for shown in (False, True)
        for name in ("a", "b")
    ]
    for chunk in (1, 2, 4):
        chunks = [of_objects(rows[at : at + chunk]) for at in range(0, 4, chunk)]
        found = [each.outcome(at).outcome for each in TableDecider(BUNDLE, as_of=DAY).chunks(chunks) for at in range(chunk)]
        assert found == ["requirements_unmet", "requirements_unmet", "permitted", "requirements_unmet"]


def test_the_ids_of_a_ledger_are_all_read() -> None:
    """Where a register is asked, two ids are two rows."""
    asked: list[str] = []

    def register(document: Any, day: Any) -> Any:
        asked.append(document["exporter"]["id"])
        return document

    decide(BUNDLE, texts(exporter__id=["a", "b", "a"]), as_of=DAY, register=register)
    assert sorted(asked) == ["a", "b"]
