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
        looked_up += len(bitset._facts._wide)
        assert len(bitset._facts._alike) <= 3
    assert found == []
    assert (looked_up > 0) is (wide == 1)


def differences_over_days(seeds: range) -> list[str]:
    """Where an engine that has decided an exchange on one day differs from the reference on another."""
    found: list[str] = []
    for seed in seeds:
        maker, draw = Maker(seed), random.Random(seed)
        bundle = maker.bundle()
        bitset, reference = Bitset(bundle.rules), Reference(bundle.rules)
        for _ in range(5):
            exchange = read(bundle, maker.exchange())
            for days in draw.sample((-4000, -400, -1, 0, 1, 400), 3):
                day = AS_OF + timedelta(days=days)
                found += reference.evaluate(exchange, day).differences(bitset.evaluate(exchange, day))
    return found


def test_what_reads_otherwise_on_another_day_is_read_again() -> None:
    """Classes that last are those of facts that every day tests alike; the age of a document is not among them."""
    assert differences_over_days(range(12)) == []


def test_a_class_that_is_kept_too_long_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is no use unless it finds a document that counts for ever."""
    monkeypatch.setattr(fact_masks.FactTests, "of_a_day", property(lambda _: False))
    assert differences_over_days(range(12))
