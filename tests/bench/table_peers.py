"""
Ten simple rules over the same made-up table: our tables, and the same rules written by hand for Polars and for DuckDB.

A number of rows in, rows a second out. A null is an unknown fact, so each rule may certainly hold, possibly hold or not hold; the result
of a row is the strictest level that certainly and that possibly stands. All must give the same for each row before they are timed. Ours
says of each row also what stands, what is not met, what is missing and the coverage; the others give the two levels alone.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from datetime import date
from functools import reduce
from importlib import import_module
from operator import or_
from typing import Any, TypeAlias

import numpy as np
from arro3.core import Array, DataType, Field, RecordBatch, Schema, Table
from numpy.typing import NDArray

import engine
from engine.tables import TableDecider, TableMapping
from engine.values.outcome_levels import Level
from tests.bench.figures import line

DAY = date(2026, 11, 24)
UNKNOWN = 0.1  # of the cells
ROUNDS = 3
COUNTRIES = ("CN", "DE", "FR", "IT", "JP", "KR", "RU", "US", "KE", "BR")
EUROPE = ("DE", "FR", "IT")
TRUSTED = (*EUROPE, "JP", "KR")
WORDS = {
    "recipient.kind": ("company", "state", "university"),
    "data.sector": ("health", "finance", "mapping", "weather"),
    "purpose.kind": ("research", "training", "marketing"),
}
FLAGS = ("data.personal", "data.sensitive", "data.anonymised", "terms.onward", "terms.paid")
LEVELS = (Level.PERMITTED, Level.PERMITTED_WITH_OBLIGATIONS, Level.REVIEW, Level.PROHIBITED)

VOCABULARY = f"""
vocabulary: ten-rules
values:
  country: {{title: country, values: {{{", ".join(f"{each}: {each}" for each in COUNTRIES)}}}}}
  recipient: {{title: recipient, values: [{", ".join(WORDS["recipient.kind"])}]}}
  sector: {{title: sector, values: [{", ".join(WORDS["data.sector"])}]}}
  purpose: {{title: purpose, values: [{", ".join(WORDS["purpose.kind"])}]}}
  act: {{title: act, values: [provide]}}
facts:
  act.kind: {{type: act, title: act}}
  exporter.country: {{type: country, title: country}}
  recipient.country: {{type: country, title: country of the recipient}}
  recipient.kind: {{type: recipient, title: kind of recipient}}
  data.sector: {{type: sector, title: sector}}
  purpose.kind: {{type: purpose, title: purpose}}
  data.people: {{type: count, title: people}}
  data.personal: {{type: yes/no, title: personal}}
  data.sensitive: {{type: yes/no, title: sensitive}}
  data.anonymised: {{type: yes/no, title: anonymised}}
  terms.onward: {{type: yes/no, title: onward}}
  terms.paid: {{type: yes/no, title: paid}}
jurisdictions:
  XX: {{title: somewhere}}
"""
RULES = """
- when: {exporter.country: CN, data.sector: mapping, recipient.country: {not: CN}}
  prohibit: Maps stay.
- when: {recipient.kind: state, data.sensitive: yes}
  prohibit: No state receives what is sensitive.
- when: {data.people: {at_least: 100_000}}
  review: Many people.
- when: {exporter.country: CN, data.sensitive: yes, data.people: {at_least: 10_000}}
  review: Many people in what is sensitive.
- when: {purpose.kind: marketing, data.sensitive: yes}
  unless: [{data.anonymised: yes}]
  prohibit: Nothing sensitive for marketing.
- when: {exporter.country: [DE, FR, IT], recipient.country: {not: [DE, FR, IT, JP, KR]}, data.personal: yes}
  review: Outside.
- when: {data.personal: yes, data.anonymised: no}
  oblige: {duty: Tell the people., who: exporter}
- when: {terms.onward: yes, recipient.country: {not: [DE, FR, IT, JP, KR]}}
  review: Onward.
- when: {exporter.country: US, recipient.country: [CN, RU], data.sector: [health, finance], data.people: {at_least: 1_000}}
  prohibit: Not to these.
- when: {terms.paid: yes, purpose.kind: training}
  oblige: {duty: Share the income., who: recipient}
"""

Levels: TypeAlias = tuple[NDArray[np.int8], NDArray[np.int8]]  # of each row, what certainly and what possibly stands, by LEVELS


def main(rows: int) -> None:
    """Compare over so many rows; the libraries use the threads that their variables of the environment allow."""
    table = made_table(rows)
    contenders = {"tables, ten rules": ours(table), "Polars, by hand": by_polars(table), "DuckDB, by hand": by_duckdb(table)}
    found = {name: decide() for name, decide in contenders.items()}
    expected = found["tables, ten rules"]
    for name, levels in found.items():
        wrong = np.flatnonzero((levels[0] != expected[0]) | (levels[1] != expected[1]))
        if len(wrong):
            sys.exit(f"{name} says otherwise of {len(wrong):,} rows, first of row {wrong[0]}")
    line(
        f"{rows:,} rows in {len(table.schema.names)} columns, a tenth unknown, {distinct(table):.0%} different",
        "rows a second",
        "threads",
    )
    threads = os.environ.get("POLARS_MAX_THREADS", "all")
    for name, decide in contenders.items():
        spent = min(_spent(decide) for _ in range(ROUNDS))
        line(f"  {name}", f"{rows / spent:,.0f}", "1" if name.startswith("tables") else threads)


def _spent(decide: Callable[[], Levels]) -> float:
    start = time.process_time()
    decide()
    return time.process_time() - start


def made_table(rows: int) -> Table:
    """Random rows, the same for the same number."""
    chance = np.random.default_rng(20261124)

    def some(values: tuple[Any, ...] | NDArray[Any], type: DataType) -> Array:
        chosen = np.asarray(values, dtype=object)[chance.integers(len(values), size=rows)]
        chosen[chance.random(rows) < UNKNOWN] = None
        return Array(chosen.tolist(), type)

    people = (10 ** chance.uniform(0, 6, size=rows)).astype(np.int64)
    columns: dict[str, Array] = {name: some(COUNTRIES, DataType.utf8()) for name in ("exporter.country", "recipient.country")}
    columns |= {name: some(values, DataType.utf8()) for name, values in WORDS.items()}
    columns["data.people"] = Array(
        [None if lost else count for lost, count in zip(chance.random(rows) < UNKNOWN, people.tolist(), strict=True)],
        DataType.int64(),
    )
    columns |= {name: some((True, False), DataType.bool()) for name in FLAGS}
    schema = Schema([Field(name, column.type) for name, column in columns.items()])
    return Table.from_batches([RecordBatch.from_arrays(list(columns.values()), schema=schema)])


def distinct(table: Table) -> float:
    """The share of rows that are different."""
    frame: Any = import_module("polars").DataFrame(table)
    return float(frame.n_unique() / max(len(frame), 1))


def bundle() -> engine.Bundle:
    """The ten rules as policies of ours."""
    head = "policy: xx.ten\ntitle: Ten rules\njurisdiction: XX\ninstrument: {issuer: nobody, number: none, force: law}\n"
    head += "in_force: {from: 2020-01-01}\napplies: {act.kind: provide}\nrules:\n"
    texts = RULES.strip().split("\n- ")
    said = [
        f"  - id: rule-{number}\n    title: rule {number}\n    cite: Art. {number}\n"
        + "    says: So.\n    source: none\n    status: confirmed\n"
        + "".join(f"    {row.strip()}\n" for row in text.removeprefix("- ").splitlines())
        for number, text in enumerate(texts, 1)
    ]
    return engine.load_sources({"ten/vocabulary.yaml": VOCABULARY.encode(), "ten/law.yaml": (head + "".join(said)).encode()})


def ours(table: Table) -> Callable[[], Levels]:
    """Our tables, with a program that is made for each run."""
    ten = bundle()
    number = {level.word: place for place, level in enumerate(LEVELS)} | {Level.NOT_APPLICABLE.word: 0}

    def decide() -> Levels:
        decider = TableDecider(ten, as_of=DAY, mapping=TableMapping(constants={"act.kind": "provide"}))  # remembers no row
        low: list[NDArray[np.int8]] = []
        high: list[NDArray[np.int8]] = []
        for found in decider.table(table):
            batch = found.batch
            for name, kept in (("low", low), ("high", high)):
                kept.append(np.array([number[word] for word in batch[name].to_pylist()], dtype=np.int8))
        return np.concatenate(low), np.concatenate(high)

    return decide


def by_polars(table: Table) -> Callable[[], Levels]:
    """The ten rules as expressions of Polars, whose null is neither yes nor no."""
    pl: Any = import_module("polars")
    frame = pl.DataFrame(table)
    col = pl.col
    sensitive, personal, people = col("data.sensitive"), col("data.personal"), col("data.people")
    abroad = ~col("recipient.country").is_in(TRUSTED)
    prohibited = [
        (col("exporter.country") == "CN") & (col("data.sector") == "mapping") & (col("recipient.country") != "CN"),
        (col("recipient.kind") == "state") & sensitive,
        (col("purpose.kind") == "marketing") & sensitive & ~col("data.anonymised"),
        (col("exporter.country") == "US")
        & col("recipient.country").is_in(("CN", "RU"))
        & col("data.sector").is_in(("health", "finance"))
        & (people >= 1_000),
    ]
    review = [
        people >= 100_000,
        (col("exporter.country") == "CN") & sensitive & (people >= 10_000),
        col("exporter.country").is_in(EUROPE) & abroad & personal,
        col("terms.onward") & abroad,
    ]
    duties = [personal & ~col("data.anonymised"), col("terms.paid") & (col("purpose.kind") == "training")]
    kinds: Mapping[int, Any] = {3: reduce(or_, prohibited), 2: reduce(or_, review), 1: reduce(or_, duties)}

    def level(unknown: bool) -> Any:
        found = pl.lit(0, dtype=pl.Int8)
        for number, holds in sorted(kinds.items()):
            found = pl.when(holds.fill_null(unknown)).then(pl.lit(number, dtype=pl.Int8)).otherwise(found)
        return found

    def decide() -> Levels:
        done = frame.lazy().select(low=level(False), high=level(True)).collect()
        return done["low"].to_numpy(), done["high"].to_numpy()

    return decide


SQL = """
WITH held AS (
  SELECT
    ("exporter.country" = 'CN' AND "data.sector" = 'mapping' AND "recipient.country" <> 'CN')
      OR ("recipient.kind" = 'state' AND "data.sensitive")
      OR ("purpose.kind" = 'marketing' AND "data.sensitive" AND NOT "data.anonymised")
      OR ("exporter.country" = 'US' AND "recipient.country" IN ('CN', 'RU') AND "data.sector" IN ('health', 'finance')
          AND "data.people" >= 1000) AS prohibited,
    "data.people" >= 100000
      OR ("exporter.country" = 'CN' AND "data.sensitive" AND "data.people" >= 10000)
      OR ("exporter.country" IN ('DE', 'FR', 'IT') AND "recipient.country" NOT IN ('DE', 'FR', 'IT', 'JP', 'KR')
          AND "data.personal")
      OR ("terms.onward" AND "recipient.country" NOT IN ('DE', 'FR', 'IT', 'JP', 'KR')) AS review,
    ("data.personal" AND NOT "data.anonymised") OR ("terms.paid" AND "purpose.kind" = 'training') AS duty
  FROM made
)
SELECT
  (CASE WHEN prohibited THEN 3 WHEN review THEN 2 WHEN duty THEN 1 ELSE 0 END)::TINYINT AS low,
  (CASE WHEN prohibited IS NOT FALSE THEN 3 WHEN review IS NOT FALSE THEN 2 WHEN duty IS NOT FALSE THEN 1 ELSE 0 END)::TINYINT AS high
FROM held
"""


def by_duckdb(table: Table) -> Callable[[], Levels]:
    """The ten rules as SQL, in a table that DuckDB holds."""
    connection: Any = import_module("duckdb").connect()
    connection.execute(f"SET threads TO {os.environ.get('POLARS_MAX_THREADS', os.cpu_count() or 1)}")
    connection.register("stated", table)
    connection.execute("CREATE TABLE made AS SELECT * FROM stated")

    def decide() -> Levels:
        done = connection.execute(SQL).fetchnumpy()
        return done["low"], done["high"]

    return decide
