"""
A table comes to what each row comes to by itself: the exchanges of the policies' own tests, as columns, against the engines row by row.

In any order, in chunks of any size, divided into any parts, as texts, as objects and as Arrow.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import pytest
from arro3.core import Array, DataType, Field, RecordBatch, Schema

import engine
from engine.tables import RowOutcome, TableDecider, fact_names, of_batch, of_objects, of_texts
from engine.tables.column_mapping import FactPlaces
from engine.tables.outcomes import OutcomeReader

DAY = date(2026, 11, 24)
FILES = ("order-16", "court-order", "uk-gdpr", "padfa")
ROWS = 160
BAD = {"exporter": {"country": "Germny"}, "recipient": {"country": "US"}}


@cache
def bundle() -> engine.Bundle:
    return engine.load(engine.bundled_policies())


@cache
def exchanges() -> list[dict[str, Any]]:
    """Exchanges of some tests, each once, some of them twice, and one that the door refuses."""
    found = {}
    for file in FILES:
        for trial in engine.trials(bundle(), bundle(), file):
            document = json.loads(trial.raw) if trial.raw else {engine.REGISTER: None}
            document.pop("as_of", None)
            if engine.REGISTER not in document and engine.BOOKS not in document:
                found[json.dumps(document, sort_keys=True)] = document
    chance = random.Random(7)
    chosen = chance.sample(list(found.values()), ROWS)
    return [*chosen, BAD, *(_named(each, chance) for each in chosen[:40])]


def _named(document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The same exchange, between parties and of data with other names: in most rows nothing reads who they are."""
    for fact in ("exporter.id", "recipient.id", "data.id"):
        if isinstance(document.get(fact.partition(".")[0], {}), dict):
            document = engine.with_fact_set(document, fact, chance.choice(["a", "b", "r-1", "unknown", "x" * 300]))
    return document


@cache
def row_by_row(mode: str, most: int = 1_000) -> list[RowOutcome]:
    """Each exchange decided by itself, without anything of tables but the reading of a judgement."""
    pdp = engine.PDP(bundle(), mode)
    found = []
    for document in exchanges()[:most]:
        try:
            exchange = engine.accept_exchange(bundle(), document)
        except engine.ExchangeRefused as refused:
            found.append(RowOutcome(as_of=DAY, outcome="problem", problems=refused.problems))
            continue
        judgement = pdp.judge(exchange, as_of=DAY)
        found.append(reader(exchange.everyone).read(judgement, DAY))
        assert found[-1].outcome == judgement.outcome.word
        assert found[-1].proceed == judgement.proceeds(DAY)
    return found


@cache
def reader(everyone: str) -> OutcomeReader:
    return OutcomeReader(bundle().of_everyone() if everyone else bundle())


def flat(document: Mapping[str, Any], under: str = "") -> dict[str, Any]:
    """An exchange as columns: each fact by its name, documents and ranges as they are."""
    names = FactPlaces(bundle()).names
    found: dict[str, Any] = {}
    for name, value in document.items():
        whole = f"{under}{name}"
        if not isinstance(value, dict) or (whole in names and "." in whole):
            found[whole] = value
        else:
            found |= flat(value, f"{whole}.")
    return found


def text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def as_texts(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return columns, [[text(row[name]) if name in row else "" for name in columns] for row in rows]


def decided(form: str, rows: Sequence[Mapping[str, Any]], chunk: int, program: str = "lanes") -> list[RowOutcome]:
    """The rows decided as a table of a kind, some at once."""
    decider = TableDecider(bundle(), as_of=DAY, today=DAY, program=program)
    if form == "objects":
        facts = fact_names(bundle()) if program == "lanes" else frozenset()
        chunks = [of_objects(rows[at : at + chunk], facts) for at in range(0, len(rows), chunk)]
    else:
        names, cells = as_texts([flat(each) for each in rows])
        if form == "texts":
            chunks = [of_texts(names, cells[at : at + chunk]) for at in range(0, len(cells), chunk)]
        else:
            schema = Schema([Field(name, DataType.utf8(), nullable=True) for name in names])
            arrays = [Array([each or None for each in column], DataType.utf8()) for column in zip(*cells, strict=True)]
            whole = RecordBatch.from_arrays(arrays, schema=schema)
            chunks = [of_batch(whole.slice(at, min(chunk, len(cells) - at))) for at in range(0, len(cells), chunk)]
    return [each.outcome(place) for each in decider.chunks(chunks) for place in range(len(each))]


@pytest.mark.parametrize("form", ["objects", "texts", "arrow"])
@pytest.mark.parametrize("program", ["lanes", "ordinary"])
def test_a_table_comes_to_what_its_rows_come_to(form: str, program: str) -> None:
    """The same outcome, bounds, provisions, requirements, coverage and facts to find out, and the same problems."""
    chance = random.Random(f"{form} {program}")
    order = chance.sample(range(len(exchanges())), len(exchanges()))
    rows = [exchanges()[at] for at in order]
    expected = row_by_row("bitset")
    assert len({each.outcome for each in expected}) >= 6
    for place, found in zip(order, decided(form, rows, chance.randint(1, 90), program), strict=True):
        assert found == expected[place]


def test_lanes_come_to_the_same() -> None:
    """All that is in the columns, for every row; lanes decide most of them, and leave the others to the ordinary engines."""
    names, cells = as_texts([flat(each) for each in exchanges()])
    plain = [name for name in names if "." in name]
    keep = [
        at for at, row in enumerate(cells) if all(not text for name, text in zip(names, row, strict=True) if name not in plain)
    ]
    rows = [[text for name, text in zip(names, cells[at], strict=True) if name in plain] for at in keep]
    decider = TableDecider(bundle(), as_of=DAY, today=DAY, program="lanes")
    asked: list[int] = []
    ordinary = decider.decider.decide
    decider.decider.decide = lambda documents, *more: asked.append(len(documents)) or ordinary(documents, *more)  # type: ignore
    [found] = decider.chunks([of_texts(plain, rows)])
    expected = row_by_row("bitset")
    for place, at in enumerate(keep):
        assert found.outcome(place) == expected[at], exchanges()[at]
    assert sum(asked) < len(keep) / 4
    assert len(keep) > 100


def test_lanes_come_to_the_same_on_rows_put_together_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Mixtures of two exchanges, in which nothing, a tenth or a half is unknown: many contradict themselves, and most are open. Each is
    another, so that they come some at a time; each names the exchange that it states.
    """
    monkeypatch.setattr("engine.tables.table_decider.TOLD_AT_ONCE", 64)
    chance = random.Random(11)
    found = [each for each in map(flat, exchanges()) if "recipient" not in each]
    rows = []
    for at in range(200):
        one, other = chance.sample(found, 2)
        share = (0, 0.1, 0.5)[at % 3]
        mixed = {name: (other if chance.random() < 0.2 and name in other else one)[name] for name in one}
        rows.append({name: "unknown" if chance.random() < share and "." in name else value for name, value in mixed.items()})
    lanes, ordinary = (
        [(each.outcome(place), each.exchange(place)) for each in TableDecider(bundle(), as_of=DAY, today=DAY, program=program)
         .chunks([of_objects(rows)]) for place in range(len(each))]
        for program in ("lanes", "ordinary")
    )  # fmt: skip
    assert lanes == ordinary
    assert len({each.outcome for each, _ in ordinary}) >= 5


def test_the_reference_comes_to_the_same() -> None:
    """A sample of each run of the tests: the engine that is the meaning decides the rows of a table by itself."""
    found = decided("objects", exchanges()[:40], 40)
    assert found == row_by_row("reference", 40)


def test_division_into_parts_never_matters() -> None:
    """Each part by a decider of its own, or all by one."""
    chance = random.Random(3)
    cuts = sorted(chance.sample(range(1, len(exchanges())), 5))
    parts = [exchanges()[a:b] for a, b in zip([0, *cuts], [*cuts, len(exchanges())], strict=True)]
    assert [each for part in parts for each in decided("objects", part, 50)] == row_by_row("bitset")
