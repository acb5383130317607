"""Rows in words come out as the same exchanges in integers, and as the reference has them, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest

from engine.backends.lanes.lane_cases import Cases, side_by_side, value_key
from engine.backends.lanes.lane_runner import LaneRunner
from engine.exchange import Exchange
from engine.tables import lane_words
from engine.tables.lane_words import ValueColumn, in_columns, rows_of, wide
from engine.values import Missing, Value
from tests.engine.backends.test_lanes import Decided, differences, random_cases, runner


def table(exchanges: Sequence[tuple[Exchange, date]]) -> Cases:
    """Exchanges as columns of coded values, some on another day."""
    values: dict[str, list[Value]] = {}
    numbers: dict[str, dict[object, int]] = {}
    codes: dict[str, np.ndarray] = {}
    for row, (exchange, _) in enumerate(exchanges):
        for name, value in exchange.values.items():
            known = numbers.setdefault(name, {})
            if name not in codes:
                values[name], codes[name] = [], np.full(len(exchanges), -1, dtype=np.int32)
            key = value_key(value)
            if key not in known:
                known[key] = len(values[name])
                values[name].append(value)
            codes[name][row] = known[key]
    for name, mine in codes.items():
        if (mine == -1).any():
            mine[mine == -1] = len(values[name])
            values[name].append(Missing.LEFT_OUT)
    days = list(dict.fromkeys(day for _, day in exchanges))
    day_codes = np.array([days.index(day) for _, day in exchanges])
    every = wide(np.ones(len(exchanges), dtype=np.bool_))
    return in_columns(
        every, len(exchanges), {}, {name: ValueColumn(values[name], codes[name]) for name in codes}, days, day_codes
    )


def unsigned(cases: Sequence[Decided]) -> list[Decided]:
    """The cases without signatures, which a table has not, and without ways that are named."""
    return [each for each in cases if not each.signed and not each.exchange.relies_on]


@pytest.mark.parametrize("seed", range(12))
def test_rows_come_out_as_the_reference_has_them(seed: int) -> None:
    """Random exchanges on random bundles, many times over, so that rows fill several words and end within one."""
    bundle, cases = random_cases(seed)
    cases = unsigned(cases)
    ints = runner(bundle)
    words = LaneRunner(bundle.rules, bundle.vocabulary, ints.program, lane_words.function)
    rows = (cases * 9)[:131]
    assert not list(differences(ints, cases))
    exchanges = [(each.exchange, each.day) for each in rows]
    found, wanted = words.decide(table(exchanges)), ints.decide(side_by_side(exchanges))
    for lane in range(len(rows)):
        assert found.overall.of(lane) == wanted.overall.of(lane)
        assert found.beneath.of(lane) == wanted.beneath.of(lane)
    assert rows_of(found.permitted, len(rows)).tolist() == [bool(wanted.permitted >> lane & 1) for lane in range(len(rows))]
    assert rows_of(found.refused, len(rows)).tolist() == [bool(wanted.refused >> lane & 1) for lane in range(len(rows))]
    for (must, may), (certain, possible) in zip(found.standing, wanted.standing, strict=True):
        assert rows_of(must, len(rows)).tolist() == [bool(certain >> lane & 1) for lane in range(len(rows))]
        assert rows_of(may, len(rows)).tolist() == [bool(possible >> lane & 1) for lane in range(len(rows))]


def test_what_was_found_stays_when_another_chunk_is_decided() -> None:
    """A run has registers of its own for what it gives, whatever is run after it."""
    bundle, cases = random_cases(2)
    first, second = ([(each.exchange, each.day) for each in some] for some in (cases[:10], cases[10:20]))
    words = LaneRunner(bundle.rules, bundle.vocabulary, runner(bundle).program, lane_words.function)
    found = words.decide(table(first))
    before = [rows_of(lanes, 10).tolist() for lanes in found.bounds]
    words.decide(table(second))
    assert [rows_of(lanes, 10).tolist() for lanes in found.bounds] == before


def test_a_register_is_lost_when_it_is_used_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: what is read once more is taken to be read no more."""
    monkeypatch.setattr(lane_words, "count_uses", lambda code, slots, wanted, places: dict.fromkeys(slots, 1))
    bundle, cases = random_cases(1)
    rows = [(each.exchange, each.day) for each in unsigned(cases)]
    ints = runner(bundle)
    words = LaneRunner(bundle.rules, bundle.vocabulary, ints.program, lane_words.function)
    found, wanted = words.decide(table(rows)), ints.decide(side_by_side(rows))
    assert any(found.overall.of(lane) != wanted.overall.of(lane) for lane in range(len(rows)))


def test_sets_in_words_combine_as_integers_do() -> None:
    """With each other and with no lane; a set of another kind is refused."""
    rows = np.arange(100) % 3 == 0
    some, every = wide(rows), wide(np.ones(100, dtype=np.bool_))
    assert rows_of(every ^ some, 100).tolist() == (~rows).tolist()
    assert rows_of(some | 0, 100).tolist() == rows_of(0 | some, 100).tolist() == rows.tolist()
    assert (some & 0, bool(some & (every ^ some)), some >> 99 & 1, some >> 98 & 1) == (0, False, 1, 0)
    with pytest.raises(TypeError, match="another run"):
        some | 3
