"""
The engines agree, and knowing more never makes a permit into a refusal: on random bundles and exchanges.

A difference found here becomes a case in `cases/`. `make fuzz` runs the same for longer; FUZZ_PAIRS says how long.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

import engine
from engine.backends import reference
from engine.backends.bitset import Bitset, fact_masks, standing_and_levels, terms, value_tests
from engine.backends.durable import Durable, exchange_encoding, messages, outcome, standing, strata_tables, value_answers
from engine.backends.reference import Reference, levels, standing_rules, three_values
from engine.rules import Atom, Calendar, Truth
from engine.values import Amount, Disputed, Range, SetOf
from engine.values.outcome_levels import Level
from engine.verdict import Masks
from tests import chance
from tests.engine.backends import agreement
from tests.engine.backends.random_bundles import AS_OF, Maker, read

EXCHANGES, COMPLETED = 100, 25  # of each bundle
PLANTED_BUNDLES, PLANTED_EXCHANGES = 200, 20  # the first disagreement ends it; the bundles change with the language


def test_the_random_exchanges_reach_every_level() -> None:
    """The generator is no use where all is alike: each level and undetermined bounds occur."""
    seen: set[tuple[Level, Level]] = set()
    for seed in range(60):
        maker = Maker(seed)
        bundle = maker.bundle()
        reference = Reference(bundle.rules)
        for _ in range(30):
            bounds = reference.evaluate(read(bundle, maker.exchange()), AS_OF).jurisdictions.values()
            seen |= {(b.low, b.high) for b in bounds}
        if {low for low, high in seen if low is high} == set(Level) and len([1 for low, high in seen if low is not high]) >= 8:
            return
    pytest.fail(f"only {seen} occurred")


def _flip(result: int) -> int:
    return {value_answers.MAYBE: value_answers.FALSE}.get(result, result)


def _maybe_is_no(self: value_answers.ValueAnswer, exchange: engine.Exchange, day: date) -> int:
    answer = ANSWER(self, exchange, day)
    return value_answers.FALSE if answer == value_answers.MAYBE else answer


def _all_sure(*args: Any) -> tuple[str, int]:
    text, _ = WRITTEN(*args)
    return text, 0


def _unbeaten(_: standing.ExemptionStrata, certain: int, possible: int, *__: int) -> tuple[Masks, Masks]:
    return Masks(possible, certain), Masks(0, 0)


def _of_any_unit(found: tuple[Any, ...], value: Any, against: Any) -> tuple[Any, ...]:
    sums = isinstance(value, Amount) and isinstance(against, Amount)
    return (value.amount, value.amount, against.amount, against.amount) if sums else found


def _as_written(found: Any, atom: Atom) -> Any:
    operand = atom.operands[0]
    return Decimal(operand.written.split()[0]) if isinstance(operand, Amount) and operand.written else found


def _childless(_: value_answers.ValueAnswer, sent: str, word: str) -> int:
    return value_answers.TRUE if sent == word else value_answers.FALSE


def _stated(coder: exchange_encoding.Coder) -> exchange_encoding.Coder:
    return lambda exchange, day: coder(exchange.as_stated(), day)


def _surely(answer: int) -> int:
    return value_answers.FALSE if answer == value_answers.MAYBE else answer


def _weekdays(calendar: Calendar) -> tuple[int, ...]:
    known = range(calendar.known_from.toordinal(), calendar.known_until.toordinal() + 1)
    return tuple(day for day in known if date.fromordinal(day).weekday() not in calendar.weekend)


def _no_if_unknown(truth: Truth) -> Truth:
    return Truth.NO if truth is Truth.UNKNOWN else truth


def _low_only(value: Any, cuts: Any) -> Any:
    return PLACES(Range(value.low, value.low), cuts) if hasattr(value, "low") else value


def _low_ends(ends: Any) -> Any:
    return ends and (ends[0], ends[0], ends[2], ends[2])


def _any_document(atom: Any) -> Truth:
    return Truth.YES if atom.op == "counts" else Truth.UNKNOWN


def _lift_all(self: standing_and_levels.BitsetStrata, possible: int, certain: int) -> None:
    for number, victims in self.table.victims.items():
        if certain >> number & 1:
            possible &= ~victims
            certain &= ~victims
    self.stands, self.doubted = Masks(possible, certain), Masks(0, 0)


READ = value_tests.AtomReader.truth
PLACES = fact_masks._places
ENDS = three_values.ends
VALUE_ENDS = value_tests.ends
POINT = exchange_encoding._point
ANSWER = value_answers.ValueAnswer.__call__
WRITTEN = messages._written
EITHER = three_values.KnownFacts.either
RUN = standing.ExemptionStrata.run
DAYS_OVER = value_answers.days_over
MEANS = value_answers.ValueAnswer._means
HOLDING = value_tests.AtomReader._holding
OF_SETS = three_values.of_sets
FAULTS: dict[str, tuple[object, str, object]] = {
    "an unknown fact is read as false": (value_answers.ValueAnswer, "__call__", _maybe_is_no),
    "`at least` leaves its own number out": (exchange_encoding, "UPWARD", ("more_than",)),
    "a child no longer names its parent": (value_answers.ValueAnswer, "_names", _childless),
    "a document counts though it has expired": (exchange_encoding, "_field", lambda *_, **__: value_answers.TRUE),
    "what may be so, and what it may deny, is certain": (messages, "_written", _all_sure),
    "a beaten rule stands": (standing.ExemptionStrata, "_stand", _unbeaten),
    "an overdue duty is forgotten": (outcome.DurableStrata, "_late", lambda *_: Truth.NO),
    "a doubtful exemption lifts": (outcome.DurableStrata, "_doubtful", lambda *_: strata_tables.NOTHING),
    "all of needs only one": (outcome, "min", max),
    "a period ends a working day later": (outcome, "days_over", lambda c, n, *on: DAYS_OVER(c, n + 1, *on)),
    "a day that no calendar knows is free": (value_answers, "days_over", lambda *args: _surely(DAYS_OVER(*args))),
    "a holiday is worked": (value_answers, "_days_worked", lambda calendar: _weekdays(calendar)),
    "a day of the year never passes": (outcome.DurableStrata, "_passed", lambda *_: False),
    "two words that may differ are the same": (value_answers.ValueAnswer, "_closer", lambda self, word: {word}),
    "a word that may be among others is among them": (
        value_answers.ValueAnswer,
        "_means",
        lambda self, word, other: min(value_answers.TRUE, 2 * MEANS(self, word, other)),
    ),
    "a document of a day to come is compared": (
        value_answers.ValueAnswer,
        "_other",
        lambda self, x, _: self._told(x, self.atom.other),
    ),
    "bitset reads an unknown fact as false": (value_tests.AtomReader, "truth", lambda *args: _no_if_unknown(READ(*args))),
    "bitset takes the end of a range for all of it": (fact_masks, "_places", lambda value, cuts: _low_only(value, cuts)),
    "bitset lets what expired count": (
        value_tests.AtomReader,
        "of_document",
        lambda self, atom, document, day: _any_document(atom),
    ),
    "bitset drops the negated tests of a term": (terms.TermUse, "failing", property(lambda _: 0, lambda *_: None)),
    "bitset lets a lifted exemption lift": (
        standing_and_levels.BitsetStrata,
        "stand",
        lambda self, possible, certain: _lift_all(self, possible, certain),
    ),
    "bitset takes a doubtful ground for a sure one": (
        standing_and_levels.BitsetStrata,
        "_lift",
        lambda self, number: (self.stands.truth(number), Truth.NO),
    ),
    "bitset forgets what is overdue": (standing_and_levels.BitsetStrata, "overdue", lambda *_: Truth.NO),
    "bitset relies on the first way whatever is late": (
        standing_and_levels.BitsetStrata,
        "_relied_on",
        lambda _, ways: next(((w.certain, w.possible) for w in ways), (frozenset(), frozenset())),
    ),
    "bitset weighs a possible bar as a certain one": (standing_and_levels, "NOTHING", Level.PERMITTED),
    "durable takes what is stated for what is disputed": (
        exchange_encoding,
        "_by_either",
        lambda _, coder, *__: _stated(coder),
    ),
    "bitset takes what is stated for what is disputed": (
        fact_masks.FactTests,
        "between",
        lambda self, value, *more: self.pair(value.stated, *more),
    ),
    "bitset leaves what is disputed out of totals": (
        value_tests,
        "_span",
        lambda value: value.stated if isinstance(value, Disputed) else value,
    ),
    "the reference takes what is registered for what is disputed": (
        three_values.KnownFacts,
        "either",
        lambda self, fact, disputed: EITHER(self, fact, Disputed(disputed.registered, disputed.registered)),
    ),
    "bitset takes all of a set for some of it": (
        value_tests.AtomReader,
        "_holding",
        lambda self, atom, value, other: HOLDING(self, replace(atom, op="has"), value, other),
    ),
    "the reference counts an old document": (three_values.KnownFacts, "counts", lambda *_: Truth.YES),
    "the reference lets doubt lift": (standing_rules, "lifts", lambda _, stands, *__: standing_rules.Lifted(stands, Truth.NO)),
    "the reference lets a signature take the place of a fact": (
        reference,
        "certain_review",
        lambda rule, _: rule.effect == "review",
    ),
    "durable lets no signature lift": (
        standing.ExemptionStrata,
        "run",
        lambda self, certain, possible, _: RUN(self, certain, possible),
    ),
    "the reference owes nothing": (levels.RuleWeight, "level", lambda *_: levels.PERMITTED),
    "the reference takes an open set for all of itself": (
        three_values,
        "of_sets",
        lambda op, sent, other, values: OF_SETS(op, sent, SetOf(other.members), values),
    ),
    "the reference adds up the first amount alone": (three_values, "sum_of", lambda amounts: amounts[0]),
    "bitset compares amounts of any two units": (value_tests, "ends", lambda *args: _of_any_unit(VALUE_ENDS(*args), *args)),
    "durable takes the unit for the base unit": (exchange_encoding, "_point", lambda atom: _as_written(POINT(atom), atom)),
    "the reference compares a range by its low end": (three_values, "ends", lambda *args: _low_ends(ENDS(*args))),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in one stratum of one engine shows as a disagreement within a thousand pairs."""
    where, name, planted = FAULTS[fault]
    monkeypatch.setattr(where, name, planted, raising=False)
    place: str = where.__name__ if isinstance(where, ModuleType) else where.__module__
    # The others need not be asked: one side of the disagreement is the engine with the fault.
    monkeypatch.setattr(agreement, "ENGINES", (Reference, Durable if ".durable" in place else Bitset))
    monkeypatch.setattr(agreement, "shrunk", lambda *_: "")
    for seed in range(PLANTED_BUNDLES):
        try:
            if agreement.one_bundle(seed, PLANTED_EXCHANGES, 0).wrong:
                return
        except (ValueError, KeyError):
            return  # the fault makes an engine fail, which is no permit either
    pytest.fail(f"{PLANTED_BUNDLES * PLANTED_EXCHANGES:,} pairs did not show that {fault}")


def test_a_disagreement_is_shrunk_to_what_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shown of a disagreement is a few rules and facts that still disagree."""
    monkeypatch.setattr(standing_and_levels.BitsetStrata, "overdue", lambda *_: Truth.NO)
    found = next(
        text for seed in range(PLANTED_BUNDLES) for text in agreement.one_bundle(seed, PLANTED_EXCHANGES, 0).wrong[:1] if text
    )
    smallest = found.partition("\n")[2]
    assert 1 <= smallest.count("- id: r") <= 3, smallest
    assert "overdue" in found


@pytest.mark.fuzz(weight=20)
def test_the_engines_agree_for_long() -> None:
    """Many bundles, each 100 exchanges; the first difference ends the run."""
    pairs = int(os.environ.get("FUZZ_PAIRS", "1000000"))
    first = chance.seed(1_000_000)
    print(f"agreement of the engines, from the seed {first}", flush=True)
    report = agreement.run(first, pairs // EXCHANGES, EXCHANGES, COMPLETED, ends=chance.ending())
    chance.tried(report.pairs, chance.BUNDLES * chance.EXCHANGES, wanted=pairs)
    print(f"{report.pairs:,} pairs, {report.completions:,} completions")
    assert (report.wrong, report.unsafe) == ((), ())


def test_a_refused_bundle_says_why_in_every_case() -> None:
    """The generator's own bundles load, so a refusal in the other tests is never swallowed."""
    with pytest.raises(engine.BundleRefused, match="no policy"):
        engine.load_sources({"a.yaml": b"vocabulary: a\n"})
