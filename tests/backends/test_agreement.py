"""
The two engines agree, and knowing more never makes a permit into a refusal: on random bundles and exchanges.

A difference found here becomes a case in `cases/`. `make fuzz` runs the same for longer; FUZZ_BUNDLES says how long.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

import engine
from engine.backends.durable import Durable, encode, outcome
from engine.backends.durable import program as durable_program
from engine.backends.reference import Reference
from engine.rules import Level, Truth
from tests.backends.random_bundles import AS_OF, Maker, completed, read

PLANTED_PAIRS = 1_500


def disagreements(seed: int, exchanges: int) -> list[str]:
    """What the engines say differently on one random bundle; empty is agreement."""
    maker = Maker(seed)
    bundle = maker.bundle()
    reference, durable = Reference(bundle.rules), Durable(bundle.rules)
    found = []
    for _ in range(exchanges):
        sent = maker.exchange()
        exchange = read(bundle, sent)
        differences = reference.evaluate(exchange, AS_OF).differences(durable.evaluate(exchange, AS_OF))
        if differences:
            found.append(f"seed {seed}: {differences[0]} on {json.dumps(sent)}")
    return found


def unsafe(seed: int, exchanges: int) -> list[str]:
    """Completions whose bounds leave those of the exchange they complete; empty is safe (semantics 4.10)."""
    maker = Maker(seed)
    bundle = maker.bundle()
    reference = Reference(bundle.rules)
    found = []
    for _ in range(exchanges):
        sent = maker.exchange()
        before = reference.evaluate(read(bundle, sent), AS_OF).jurisdictions
        for _ in range(2):
            full = completed(maker, sent)
            after = reference.evaluate(read(bundle, full), AS_OF).jurisdictions
            for name, bounds in before.items():
                if after[name].low < bounds.low or after[name].high > bounds.high:
                    found.append(f"seed {seed}: {name} {bounds} became {after[name]}: {json.dumps(sent)} as {json.dumps(full)}")
    return found


@pytest.mark.parametrize("block", range(6))
def test_the_engines_agree(block: int) -> None:
    """Reference and durable give one verdict, field by field, on 10 bundles of 30 exchanges a block."""
    assert [d for seed in range(block * 10, block * 10 + 10) for d in disagreements(seed, 30)] == []


@pytest.mark.parametrize("block", range(3))
def test_more_facts_never_leave_the_bounds(block: int) -> None:
    """Whatever the unknown facts turn out to be, the outcome stays inside the bounds that were given."""
    assert [u for seed in range(1000 + block * 10, 1010 + block * 10) for u in unsafe(seed, 15)] == []


def test_the_random_exchanges_reach_every_level() -> None:
    """The generator is no use where all is alike: each level and undetermined bounds occur."""
    seen: set[tuple[Level, Level]] = set()
    for seed in range(30):
        maker = Maker(seed)
        bundle = maker.bundle()
        reference = Reference(bundle.rules)
        for _ in range(30):
            bounds = reference.evaluate(read(bundle, maker.exchange()), AS_OF).jurisdictions.values()
            seen |= {(b.low, b.high) for b in bounds}
    assert {low for low, high in seen if low is high} == set(Level)
    assert len({(low, high) for low, high in seen if low is not high}) >= 8


def _flip(result: int) -> int:
    return {encode.MAYBE: encode.FALSE}.get(result, result)


FAULTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "an unknown fact is read as false": lambda patch: patch.setattr(encode._Answer, "__call__", _wrapped(encode._Answer.__call__, _flip)),
    "`at least` leaves its own number out": lambda patch: patch.setattr(encode, "UPWARD", ("more_than",)),
    "a child no longer names its parent": lambda patch: patch.setattr(encode._Answer, "_names", lambda self, sent, word: encode.TRUE if sent == word else encode.FALSE),
    "a document counts though it has expired": lambda patch: patch.setattr(encode, "_field", lambda *a, **k: encode.TRUE),
    "a negation reads its own pass": lambda patch: patch.setattr(durable_program, "_message", lambda used, mine, _: {prop: int((head in mine) is positive) for prop, head, positive in used}),
    "an overdue duty is forgotten": lambda patch: patch.setattr(outcome.Strata, "_late", lambda self, duty: Truth.NO),
    "a doubtful exemption lifts": lambda patch: patch.setattr(outcome.Strata, "_doubtful", lambda self, own: outcome.NOTHING),
    "all of needs only one": lambda patch: patch.setattr(outcome, "min", max, raising=False),
}  # fmt: skip


def _wrapped(function: Callable[..., int], change: Callable[[int], int]) -> Callable[..., int]:
    return lambda *args: change(function(*args))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in one stratum of one engine shows as a disagreement within a few thousand pairs."""
    FAULTS[fault](monkeypatch)
    for seed in range(PLANTED_PAIRS // 20):
        try:
            if disagreements(seed, 20):
                return
        except (ValueError, KeyError):
            return  # the fault makes the engine fail, which is no permit either
    pytest.fail(f"{PLANTED_PAIRS} pairs did not show that {fault}")


@pytest.mark.fuzz
def test_the_engines_agree_for_long() -> None:
    """Many bundles, each 100 exchanges; the first difference ends the run."""
    for seed in range(10_000, 10_000 + int(os.environ.get("FUZZ_BUNDLES", "1000"))):
        assert disagreements(seed, 100) == []
        assert unsafe(seed, 10) == []


def test_a_refused_bundle_says_why_in_every_case() -> None:
    """The generator's own bundles load, so a refusal in the other tests is never swallowed."""
    with pytest.raises(engine.BundleRefused, match="no policy"):
        engine.load_sources({"a.yaml": b"vocabulary: a\n"})
