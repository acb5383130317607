"""Tables of rows to be filtered, with cells of every kind: each is decided by the filter, and by the ordinary engines."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import engine
from engine.tables import CodedChunk, OneByOne, RowFilter, TableDecider, TableMapping, filter_rows, read_mapping
from engine.tables.arrow import of_values
from tests.engine.tables.small_policies import DAY, bundle

COUNT = 400


@dataclass(frozen=True)
class FilteredTable:
    """A table: its columns with their kinds in SQL, its rows, and what all of them state."""

    name: str
    bundle: engine.Bundle
    day: date
    mapping: TableMapping
    columns: Mapping[str, str]
    rows: Sequence[tuple[Any, ...]]

    def filter(self) -> RowFilter:
        return filter_rows(self.bundle, list(self.columns), self.mapping, self.day)


def proceeding(table: FilteredTable) -> set[int]:
    """The numbers of the rows that may proceed, as the ordinary engines decide them one by one."""
    cells = [of_values(column) for column in zip(*table.rows, strict=True)]
    decider = TableDecider(
        table.bundle,
        as_of=table.day,
        today=table.day,
        mapping=table.mapping,
        decider=OneByOne(table.bundle),
        program="ordinary",
    )
    [rows] = decider.chunks([CodedChunk(list(table.columns), cells, len(table.rows))])
    return {number for number, may in enumerate(rows.batch.column("proceed").to_pylist()) if may}


def held(table: FilteredTable, passed: set[int]) -> None:
    """Hold the rows that a condition let pass to those that may proceed: none too many, and too few only by cells that none can tell."""
    may = proceeding(table)
    assert passed
    assert passed <= may
    assert len(may) < len(table.rows)
    beyond = {table.rows[number] for number in may - passed}
    assert all(row[4:] != (None,) or "," in str(row[2]) for row in beyond)
    assert bool(beyond) == (len(table.columns) > len(SMALL))


def every_table() -> list[FilteredTable]:
    return [cells_of_every_kind(), cells_that_cannot_be_told(), flows_from_germany()]


SMALL = {"exporter.country": "varchar", "data.personal": "boolean", "kind": "varchar", "counts.people": "bigint"}


@cache
def cells_of_every_kind() -> FilteredTable:
    """The small policies; half of the rows are of the one country that any law speaks of."""
    chance = random.Random(1)
    cells = (
        ("CN", "CN", "CN", "DE", "Germny", "unknown", None),
        (False, False, False, True, None),
        ("weather", "health", "it's \\ sun", "genetic", "unknown", None),
        (0, 1, 500, 999, 1_000, 1_001, 2**60, -1, None),
    )
    mapping = read_mapping(
        bundle(),
        "mapping.yaml",
        b"""
map: {kind: {fact: data.categories, values: {"it's \\\\ sun": weather}}}
constants: {recipient.country: US, exporter.id: one}
""",
    )
    rows = [tuple(map(chance.choice, cells)) for _ in range(COUNT)]
    return FilteredTable("cells of every kind", bundle(), DAY, mapping, SMALL, rows)


@cache
def cells_that_cannot_be_told() -> FilteredTable:
    """The same with a document in each row, and with several values in a cell."""
    chance = random.Random(2)
    table = cells_of_every_kind()
    shown = '{"dated":"2024-01-01","covers":true}'
    rows = [
        (
            *row[:1],
            chance.choice([True, False]),
            chance.choice([row[2], '["health","weather"]']),
            *row[3:],
            chance.choice([shown, None]),
        )
        for row in table.rows
    ]
    columns = {**SMALL, "evidence.contract": "varchar"}
    return FilteredTable("cells that cannot be told", table.bundle, DAY, table.mapping, columns, rows)


@cache
def flows_from_germany() -> FilteredTable:
    """The bundled policies: contacts of customers to a company in any country."""
    law = engine.load(engine.bundled_policies())
    shown = {"covers": True, "dated": "2026-10-01"}
    constants = {
        "exporter.country": "DE", "exporter.kind": "company", "exporter.role": "controller", "exporter.sectors": ["commerce"],
        "exporter.targets": ["DE"], "purpose.is": ["service-provision"], "recipient.carve_outs": [], "recipient.kind": "company",
        "recipient.listed_on": [], "recipient.relation": "unrelated", "recipient.role": "controller", "recipient.under": ["pipeda"],
        "act.bars": [], "act.frequency": "repeated", "act.kind": "provide", "act.public_power": False, "act.security_concern": False,
        "act.trigger": "own", "data.categories": ["contact"], "data.collected_in": ["DE"], "data.controls": [],
        "data.few_people": False, "data.grades": [], "data.kind": "dataset", "data.lawful_source": True,
        "data.people": {"ordinary": 500, "sensitive": 0}, "data.people_can_consent": True, "data.people_in": ["DE"],
        "data.state": "identified", "data.stored_in": ["DE"], "safeguards.basis": ["legitimate-interest"], "safeguards.measures": [],
        "evidence.eu-transfer-notice": shown, "evidence.eu-transfer-record": shown,
    }  # fmt: skip
    countries = [each for each in law.vocabulary.facts["recipient.country"].type.values.values if each < "D"]  # type: ignore[union-attr]
    rows = [(country, personal) for country in (*countries, "unknown", None) for personal in (True, None)]
    columns = {"recipient.country": "varchar", "data.personal": "boolean"}
    return FilteredTable("flows from Germany", law, date(2026, 11, 24), TableMapping(constants=constants), columns, rows)
