"""
The two engines agree, and knowing more never makes a permit into a refusal: on random bundles and exchanges.

A difference found here becomes a case in `cases/`. `make fuzz` runs the same for longer; FUZZ_BUNDLES says how long.
"""

from __future__ import annotations

import json
import os
from datetime import date

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


def stale(seed: int, exchanges: int) -> list[str]:
    """Where the shortcut for questions differs from evaluating anew; empty is right."""
    maker = Maker(seed)
    bundle = maker.bundle()
    reference = Reference(bundle.rules)
    found: list[str] = []
    for _ in range(exchanges):
        before, other = read(bundle, maker.exchange()), read(bundle, maker.exchange())
        facts = maker.some(sorted(other.values), 3)
        told = before.with_values({fact: other.values[fact] for fact in facts})
        quick = reference.again(reference.evaluate(before, AS_OF), told, AS_OF, facts)
        found += quick.differences(reference.evaluate(told, AS_OF))
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


def test_questions_are_evaluated_as_if_anew() -> None:
    """Evaluating again with a few facts changed gives what evaluating the changed exchange gives."""
    assert [s for seed in range(2000, 2020) for s in stale(seed, 20)] == []


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


def _maybe_is_no(self: encode._Answer, exchange: engine.Exchange, day: date) -> int:
    answer = ANSWER(self, exchange, day)
    return encode.FALSE if answer == encode.MAYBE else answer


def _own_pass(used: durable_program.Used, mine: set[int], _: set[int]) -> dict[str, int]:
    return {prop: int((head in mine) is positive) for prop, head, positive in used}


def _childless(_: encode._Answer, sent: str, word: str) -> int:
    return encode.TRUE if sent == word else encode.FALSE


ANSWER = encode._Answer.__call__
FAULTS: dict[str, tuple[object, str, object]] = {
    "an unknown fact is read as false": (encode._Answer, "__call__", _maybe_is_no),
    "`at least` leaves its own number out": (encode, "UPWARD", ("more_than",)),
    "a child no longer names its parent": (encode._Answer, "_names", _childless),
    "a document counts though it has expired": (encode, "_field", lambda *_, **__: encode.TRUE),
    "a negation reads its own pass": (durable_program, "_message", _own_pass),
    "an overdue duty is forgotten": (outcome.Strata, "_late", lambda *_: Truth.NO),
    "a doubtful exemption lifts": (outcome.Strata, "_doubtful", lambda *_: outcome.NOTHING),
    "all of needs only one": (outcome, "min", max),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in one stratum of one engine shows as a disagreement within a few thousand pairs."""
    where, name, planted = FAULTS[fault]
    monkeypatch.setattr(where, name, planted, raising=False)
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
