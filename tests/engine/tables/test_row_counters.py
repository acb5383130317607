"""Counters summed over a table: what rows before add, and that what is not known leaves no upper end."""

from __future__ import annotations

from typing import Any

from engine.tables import TableDecider, of_objects
from tests.engine.tables.small_policies import DAY, bundle

BUNDLE = bundle()


def outcomes(rows: list[dict[str, Any]], counters: str = "summed", chunk: int = 100) -> list[str]:
    base = {"exporter.country": "CN", "data.personal": False, "data.categories": ["weather"], "data.people": 0}
    full = [{**base, **each} for each in rows]
    decider = TableDecider(BUNDLE, as_of=DAY, counters=counters)
    chunks = [of_objects(full[at : at + chunk]) for at in range(0, len(full), chunk)]
    return [each.outcome(place).outcome for each in decider.chunks(chunks) for place in range(len(each))]


def people(exporter: str | None, count: int, **more: Any) -> dict[str, Any]:
    named = {} if exporter is None else {"exporter.id": exporter}
    contract = {"evidence.contract": {"dated": "2024-01-01", "covers": True}}
    return {"data.people": count, "data.personal": True, **contract, **named, **more}


def test_the_row_that_crosses_the_threshold_is_not_permitted() -> None:
    """Four hundred, and four hundred, and four hundred: of whom some may be the same, so it is open and not certain."""
    found = outcomes([people("a", 400)] * 3)
    assert found == ["permitted", "permitted", "undetermined"]
    assert outcomes([people("a", 400)] * 3, chunk=1) == found
    assert outcomes([people("a", 1_000)]) == ["prohibited"]


def test_each_key_counts_for_itself() -> None:
    """And ids that look alike count as one (semantics 1.9)."""
    assert outcomes([people("a", 600), people("b", 600)]) == ["permitted", "permitted"]
    assert outcomes([people("a", 600), people("A", 600)]) == ["permitted", "undetermined"]


def test_a_row_that_does_not_say_by_whom_it_counts_has_no_upper_end() -> None:
    """And it may belong to every key after it."""
    assert outcomes([people(None, 10)]) == ["undetermined"]
    assert outcomes([people(None, 600), people("a", 600)]) == ["undetermined", "undetermined"]


def test_rows_out_of_the_window_count_no_more() -> None:
    """The window is that of the row's own day."""
    old = people("a", 600, as_of="2025-01-01")
    assert outcomes([old, people("a", 600)]) == ["permitted", "permitted"]
    assert outcomes([{**old, "as_of": "2026-01-01"}, people("a", 600)]) == ["permitted", "undetermined"]


def test_what_a_row_states_only_raises_the_sum() -> None:
    """A stated count below the sum changes nothing; one above it counts."""
    assert outcomes([people("a", 600), people("a", 600, **{"counts.people": 600})])[1] == "undetermined"
    assert outcomes([people("a", 10, **{"counts.people": 2_000})]) == ["prohibited"]


def test_stated_counters_are_taken_row_by_row() -> None:
    """Then the order never matters."""
    rows = [people("a", 600, **{"counts.people": 700}), people("a", 600, **{"counts.people": 700})]
    assert outcomes(rows, "stated") == ["permitted", "permitted"]
