"""The masks of `bitset`: how facts that are left out are grouped, and what is remembered, changes no answer."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from engine.backends.bitset import Bitset, fact_masks
from engine.backends.reference import Reference
from tests.engine.backends.random_bundles import AS_OF, Maker, read


@pytest.mark.parametrize("wide", [1, 4])
def test_facts_that_are_left_out_may_be_looked_up_together(wide: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In groups, or in groups of groups: every verdict is that of the reference; few classes are remembered."""
    monkeypatch.setattr(fact_masks, "WIDE", wide)
    monkeypatch.setattr(fact_masks, "REMEMBERED", 3)
    found: list[object] = []
    looked_up = 0
    for seed in range(6):
        maker, draw = Maker(seed), random.Random(seed)
        bundle = maker.bundle()
        bitset, reference = Bitset(bundle.rules), Reference(bundle.rules)
        for _ in range(15):
            exchange, day = read(bundle, maker.exchange()), AS_OF + timedelta(days=draw.choice((-400, 0, 1)))
            found += reference.evaluate(exchange, day).differences(bitset.evaluate(exchange, day))
        looked_up += sum(len(today.wide) for today in bitset._facts._days.values())
        assert len(bitset._facts._alike) <= 3
    assert found == []
    assert (looked_up > 0) is (wide == 1)
