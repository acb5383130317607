"""
The whole outcome of each lane is that of the reference, with coverage, reach, signatures and what travelled, whatever lanes lie beside it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

import engine
from engine.backends.bitset import Bitset
from engine.backends.lanes import Lanes, lane_program, standing_slots, thresholds
from engine.backends.lanes.family_totals import Family, added_up, totals
from engine.backends.lanes.lane_cases import Cases, alone, side_by_side, variants
from engine.backends.lanes.lane_outcomes import LaneOutcomes
from engine.backends.lanes.lane_program import lower
from engine.backends.lanes.lane_runner import LaneRunner
from engine.backends.lanes.slots import FALSE, NO, Pair, Slots
from engine.backends.lanes.worst_levels import WorstCode
from engine.backends.reference import Reference
from engine.backends.reference.three_values import KnownFacts
from engine.deciding.carried_conditions import (
    outcome_with_conditions,
    raise_bounds,
    stated_conditions,
    travelling_provisions,
    weigh_conditions,
)
from engine.deciding.combine import Combiner, Outcome
from engine.exchange import Exchange
from engine.rules import State, Truth
from engine.values import Missing, Range, SetOf, Value
from engine.values.outcome_levels import Bounds, Level
from engine.verdict import Engine
from tests.engine.backends import agreement
from tests.engine.backends.random_bundles import AS_OF, Maker, read

BUNDLES, EXCHANGES = 20, 20
EVERY = 40  # of the exchanges that the bundled policies are tested with
DAY = date(2026, 11, 24)
NOTHING = Bounds(Level.NOT_APPLICABLE, Level.NOT_APPLICABLE)


@dataclass(frozen=True)
class Decided:
    """An exchange with what is signed off, and what the reference and the combiner make of it."""

    exchange: Exchange
    day: date
    signed: frozenset[str]
    outcome: Outcome
    beneath: Bounds


def runner(bundle: engine.Bundle) -> LaneRunner:
    return LaneRunner.of(bundle.rules, bundle.vocabulary, bundle.coherence.never, bundle.settings)


def decided(
    bundle: engine.Bundle, reference: Engine, combiner: Combiner, exchange: Exchange, day: date, signed: frozenset[str]
) -> Decided:
    """What the decision point makes of an exchange, by the reference."""
    verdict = reference.evaluate(exchange, day, signed)
    if spoken_for := combiner.spoken_for(exchange, verdict, day, signed):
        verdict = reference.evaluate(exchange, day, signed | spoken_for)
    outcome = combiner.outcome(exchange, verdict, day, signed)
    all_signed = outcome.coverage.spoken_for(outcome.coverage.signable)
    if all_signed and outcome.bounds.high.refused:
        verdict = reference.evaluate(exchange, day, signed | all_signed)
    return Decided(exchange, day, signed, outcome, combiner.beneath(verdict, outcome))


def random_cases(seed: int) -> tuple[engine.Bundle, list[Decided]]:
    """A random bundle, and random exchanges on it, some with a register and signatures."""
    maker = Maker(seed)
    bundle = maker.bundle()
    reference, combiner, chance = Reference(bundle.rules), Combiner(bundle), random.Random(seed)
    found = []
    for number in range(EXCHANGES):
        plain = maker.exchange()
        sent = agreement.with_register(maker, bundle, plain) if number % 2 else plain
        signed = frozenset(name for name in agreement.signatures(chance, bundle) if not name.startswith("covered/"))
        day = AS_OF if number % 5 else date(2025, 12, 31)
        found.append(decided(bundle, reference, combiner, read(bundle, sent), day, signed))
    return bundle, found


def together(cases: Sequence[Decided]) -> Any:
    """Cases side by side, a lane each."""
    signed: dict[str, int] = {}
    for lane, case in enumerate(cases):
        for name in case.signed:
            signed[name] = signed.get(name, 0) | 1 << lane
    return side_by_side([(case.exchange, case.day) for case in cases], signed)


def differences(run: LaneRunner, cases: Sequence[Decided]) -> Iterator[str]:
    """What lanes say differently of some cases."""
    outcomes = run.decide(together(cases))
    for lane, case in enumerate(cases):
        found = {name: levels.of(lane) for name, levels in outcomes.jurisdictions.items()}
        found = {name: bounds for name, bounds in found.items() if bounds.high}
        for name, mine, theirs in (
            ("overall", outcomes.overall.of(lane), case.outcome.bounds),
            ("beneath", outcomes.beneath.of(lane), case.beneath),
            ("jurisdictions", found, case.outcome.jurisdictions),
            ("permitted", bool(outcomes.permitted >> lane & 1), case.outcome.permits),
        ):
            if mine != theirs:
                yield f"{name} of {case.exchange.document}, signed {sorted(case.signed)}: {mine} / {theirs}"


def test_the_whole_outcome_of_each_lane_is_that_of_the_reference() -> None:
    """Random exchanges on random bundles, on two days side by side: the same bounds, with coverage and signatures in them."""
    for seed in range(BUNDLES):
        bundle, cases = random_cases(seed)
        assert not list(differences(runner(bundle), cases)), seed


def test_bounds_that_are_not_those_of_an_exchange_are_found() -> None:
    """Of all that lanes are told, exactly those of which one bound is another, a jurisdiction is left out, or one is added."""
    seen = 0
    for seed in range(6):
        bundle, every = random_cases(seed)
        cases = [case for case in every if not case.signed and not case.exchange.disputed]
        pdp = engine.PDP(bundle, "reference")
        exchanges = [(case.exchange, case.day) for case in cases]
        told = [{"": case.outcome.bounds, **case.outcome.jurisdictions} for case in cases]
        assert not pdp.differing(exchanges, told), seed
        changed = {}
        for place, bounds in enumerate(told):
            name = [*sorted(bounds), "ZZ"][place % (len(bounds) + 1)]
            other = Bounds(Level.NOT_APPLICABLE, bounds[name].high) if name in bounds else Bounds(Level.REVIEW, Level.REVIEW)
            if other != bounds.get(name) and place % 3:
                changed[place] = bounds | {name: other}
            elif name and bounds.get(name, other).high and place % 3 == 1:
                changed[place] = {each: of for each, of in bounds.items() if each != name}
        assert pdp.differing(exchanges, [changed.get(place, each) for place, each in enumerate(told)]) == sorted(changed), seed
        seen += len(changed)
    assert seen > 10


def worst(run: LaneRunner, cases: Cases, public: str = "") -> list[Level]:
    """The worst of each lane."""
    found = run.worst(cases, public)
    return [found.of(lane) for lane in range(cases.count)]


def highest(outcomes: LaneOutcomes) -> list[Level]:
    """The upper end of the bounds of each lane; without law that certainly speaks there is no permit."""
    bounds = map(outcomes.overall.of, range(outcomes.count))
    return [each.high if each.high.refused or each.low else Level.NOT_APPLICABLE for each in bounds]


def unlike(seed: int) -> list[tuple[Level, Level]]:
    """Lanes of a random bundle of which the worst is not the upper end of their bounds."""
    maker = Maker(seed)
    bundle, chance = maker.bundle(), random.Random(seed)
    run = runner(bundle)
    found: list[tuple[Level, Level]] = []
    for _ in range(EXCHANGES // 2):
        exchange = read(bundle, maker.exchange())
        names = [*exchange.values]
        coded = run.coded(exchange.values, AS_OF, 12)
        other = {
            name: ((lanes, Missing.UNKNOWN),)
            for name in names
            if (lanes := sum(1 << lane for lane in range(12) if chance.random() < 0.3))
        }
        cases = replace(coded, other=other, named={("relies", way): 0xFF for way in exchange.relies_on})
        both = zip(worst(run, cases), highest(run.decide(cases)), strict=True)
        found += [(one, two) for one, two in both if one is not two]
        uncoded = worst(run, replace(cases, coded=None))
        assert uncoded == worst(run, cases)
    return found


def test_the_worst_of_each_lane_is_the_upper_end_of_its_bounds() -> None:
    """Also where what stays is coded once, and some lanes rely on no way."""
    assert not [each for seed in range(BUNDLES // 2) for each in unlike(seed)]


def test_law_that_is_not_run_where_it_may_apply_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: no law may apply anywhere."""
    monkeypatch.setattr(WorstCode, "_gate", lambda *_: FALSE)
    assert any(unlike(seed) for seed in range(BUNDLES))


def test_the_bundled_policies_come_out_as_bitset_has_them() -> None:
    """Exchanges that the policies are tested with, each on its day, side by side; the same for the public by a program of their own."""
    bundle = engine.load(engine.bundled_policies())
    sent = list(dict.fromkeys(trial.raw for trial in engine.trials(bundle, bundle) if trial.raw))[::EVERY]
    published = [json.dumps({**json.loads(raw), "recipient": "the public"}).encode() for raw in sent]
    for public, every in ((False, sent), (True, published)):
        mine = [engine.parse_exchange(bundle, raw) for raw in every if accepted(bundle, raw)]
        assert len(mine) > len(every) / 2
        own = bundle.of_everyone() if public else bundle
        bitset, combiner = Bitset(own.rules), Combiner(own)
        cases = [decided(own, bitset, combiner, each, each.as_of or DAY, frozenset()) for each in mine]
        carried = {lane for lane, case in enumerate(cases) if case.exchange.carried}
        run = runner(own)
        outcomes = run.decide(together(cases), mine[0].everyone)
        assert worst(run, together(cases), mine[0].everyone) == highest(outcomes)
        for lane, case in enumerate(cases):
            if lane not in carried:  # the outcomes of these have conditions in them that a judgement adds
                assert (outcomes.overall.of(lane), outcomes.beneath.of(lane)) == (case.outcome.bounds, case.beneath)


def test_conditions_that_came_with_the_data_are_in_the_outcome() -> None:
    """Random bundles have none that travel, so the bundled policies' are laid on their own exchanges, by the judgement's own function."""
    bundle = engine.load(engine.bundled_policies())
    run, bitset, combiner = runner(bundle), Bitset(bundle.rules), Combiner(bundle)
    travels = travelling_provisions(bundle.rules)
    sent = list(dict.fromkeys(trial.raw for trial in engine.trials(bundle, bundle) if trial.raw))
    seen = set()
    for number, provision in enumerate(travels):
        raw = next(raw for raw in sent[7 * number :] if accepted(bundle, raw))
        exchange = replace(engine.parse_exchange(bundle, raw), carried=((provision, "an earlier leg"),))
        if exchange.everyone:
            continue
        case = decided(bundle, bitset, combiner, exchange, DAY, frozenset())
        laid = weigh_conditions(stated_conditions(exchange, travels), [bitset.evaluate(exchange, DAY)])
        wanted = outcome_with_conditions(case.outcome, laid)
        beneath = raise_bounds(case.beneath, laid, case.outcome.bounds.low >= Level.PERMITTED)
        outcomes = run.decide(alone(exchange, DAY))
        assert (outcomes.overall.of(0), outcomes.beneath.of(0)) == (wanted.bounds, beneath)
        found = {name: levels.of(0) for name, levels in outcomes.jurisdictions.items()}
        assert {name: bounds for name, bounds in found.items() if bounds.high} == wanted.jurisdictions
        seen.add((laid[0].truth, wanted.bounds == case.outcome.bounds))
    assert len(seen) > 2


def accepted(bundle: engine.Bundle, raw: bytes) -> bool:
    """Whether the vocabulary accepts an exchange."""
    try:
        engine.parse_exchange(bundle, raw)
    except engine.ExchangeRefused:
        return False
    return True


def test_order_number_and_neighbours_of_lanes_do_not_matter() -> None:
    """A lane comes out alike by itself, in another order, and in any division."""
    for seed in range(8):
        bundle, cases = random_cases(seed)
        run, chance = runner(bundle), random.Random(seed)
        mixed = chance.sample(cases, len(cases))
        cut = chance.randrange(1, len(cases))
        for some in (mixed, cases[:cut], cases[cut:], *([each] for each in cases[:5])):
            assert not list(differences(run, some)), seed


def test_a_variant_of_an_exchange_comes_out_as_if_it_had_been_sent() -> None:
    """Each fact left out, and each made unknown, a lane each."""
    for seed in range(8):
        bundle, cases = random_cases(seed)
        run, reference, combiner = runner(bundle), Reference(bundle.rules), Combiner(bundle)
        for case in cases[:3]:
            gone = (Missing.UNKNOWN, Missing.LEFT_OUT)
            changes = [{name: value} for name in case.exchange.values for value in gone]
            outcomes = run.decide(variants(case.exchange, case.day, changes))
            for lane, change in enumerate(({}, *changes)):
                other = case.exchange.with_values(change)
                assert (
                    outcomes.overall.of(lane)
                    == decided(bundle, reference, combiner, other, case.day, frozenset()).outcome.bounds
                )


def test_what_a_lane_has_beside_its_bounds_is_that_of_the_reference() -> None:
    """Rules that stand, requirements, duties, definitions, and what law is silent on or settles, of exchanges side by side."""
    for seed in range(12):
        bundle, cases = random_cases(seed)
        reference = Reference(bundle.rules)
        outcomes = runner(bundle).decide(together(cases))
        for lane, case in enumerate(cases):
            verdict, covered = reference.evaluate(case.exchange, case.day, case.signed), case.outcome.coverage
            for number, both in enumerate(outcomes.standing):
                assert truth(both, lane) is verdict.stands.truth(number)
            for name, states in outcomes.requirements.items():
                assert {
                    state for state, lanes in zip(State, states[:3], strict=True) if lanes >> lane & 1
                } == verdict.requirements[name]
            assert {key: found for key, both in outcomes.owed.items() if (found := truth(both, lane))} == verdict.owed
            assert {key: truth(both, lane) for key, both in outcomes.defined.items()} == dict(verdict.defined)
            silences = {(each.place, each.subject): False for each in covered.silences}
            silences |= {(each.place, each.subject): True for each in covered.silences if each.certain}
            assert {
                key: bool(must >> lane & 1) for key, (must, may) in outcomes.silences.items() if may >> lane & 1
            } == silences
            assert {key for key, lanes in outcomes.settled.items() if lanes >> lane & 1} == set(covered.stands_on)
            conflicts = {(each.rule.key, each.jurisdiction): each.certain for each in case.outcome.conflicts}
            assert {
                key: bool(must >> lane & 1) for key, (must, may) in outcomes.conflicts.items() if may >> lane & 1
            } == conflicts


def truth(both: tuple[int, int], lane: int) -> Truth:
    """How something reads in a lane."""
    return Truth((both[0] >> lane & 1) + (both[1] >> lane & 1))


def test_a_lane_that_cannot_be_true_is_told() -> None:
    """Each entry of the coherence refuses the lanes that the door refuses by it."""
    found: set[bool] = set()
    for seed in range(12):
        bundle, cases = random_cases(seed)
        run = runner(bundle)
        for case in cases[:4]:
            values = [each.exchange.values for each in cases]
            changes = [{name: other[name]} for other in values for name in other if name in case.exchange.values][:40]
            outcomes = run.decide(variants(case.exchange, case.day, changes))
            says = {never.id: never.says for never in bundle.coherence.never}
            for lane, change in enumerate(({}, *changes)):
                told = {each.says for each in bundle.coherence.contradictions(case.exchange.with_values(change))}
                refused = {says[name] for name, lanes in outcomes.incoherent.items() if lanes >> lane & 1}
                assert refused == told & set(says.values())
                found.add(bool(refused))
    assert found == {True, False}


def test_the_program_is_data_with_a_digest() -> None:
    """The same bundle gives the same program; another trust, another one."""
    bundle = Maker(3).bundle()
    first, again = (lower(bundle.rules, bundle.vocabulary, bundle.coherence.never, bundle.settings) for _ in range(2))
    assert first.digest == again.digest
    assert {kind for kind, _, _ in first.code} <= {"no", "yes", "in", "and", "or", "not"}
    assert lower(Maker(4).bundle().rules, None).digest != first.digest


def _swapped(self: Slots, pair: Pair) -> Pair:
    return Pair(self.neither(pair.must), self.neither(pair.may))


def _lost_lane(self: Slots, *slots: int) -> int:
    return EITHER(self, *slots[:2])


def _late(slots: Slots, rules: Any, links: Any, holds: Any, signed: Any) -> Any:
    return STAND(slots, rules, type(links)({}, links.excusers, links.grounds, links.duties), holds, signed)


EITHER, STAND = Slots.either, standing_slots.stand
FAULTS: dict[str, tuple[object, str, Callable[..., Any]]] = {
    "a pair is swapped": (Slots, "inverse", _swapped),
    "a lane is lost": (Slots, "either", _lost_lane),
    "an exemption comes too late": (lane_program, "stand", _late),
    "a doubtful exemption lifts": (
        standing_slots,
        "lifts",
        lambda slots, rule, stands, doubted, signed: standing_slots.LiftSlots(stands, NO),
    ),
    "what is overdue is forgotten": (
        thresholds.Thresholds,
        "level",
        lambda *_: thresholds.Ends(thresholds.row(Level.PERMITTED), thresholds.row(Level.PERMITTED)),
    ),
    "a floor is given though law is silent": (
        thresholds.Thresholds,
        "on_floor",
        lambda self, ends, covered, permits: ends,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_of_the_program_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in the lowering shows as another outcome or another verdict."""
    where, name, planted = FAULTS[fault]
    monkeypatch.setattr(where, name, planted)
    for seed in range(BUNDLES):
        bundle, cases = random_cases(seed)
        reference, lanes = Reference(bundle.rules), Lanes(bundle.rules)
        if any(differences(runner(bundle), cases)):
            return
        if not all(
            reference.evaluate(each.exchange, each.day).agrees(lanes.evaluate(each.exchange, each.day)) for each in cases
        ):
            return
    pytest.fail(f"nothing showed that {fault}")


def test_one_lane_is_one_exchange() -> None:
    """An exchange alone has one lane, and nothing outside it."""
    bundle, cases = random_cases(1)
    outcomes = runner(bundle).decide(alone(cases[1].exchange, cases[1].day, cases[1].signed))
    rows = [
        *outcomes.overall.low,
        *outcomes.overall.high,
        *(row for each in outcomes.jurisdictions.values() for row in each.low),
    ]
    assert outcomes.count == 1
    assert set(rows) <= {0, 1}


def test_lanes_are_told_apart_by_several_values() -> None:
    """By combinations where there are few, and lane by lane where there are many; both find every lane once, with its own values."""
    chance = random.Random(7)
    for count, kinds in ((40, 2), (40, 30), (300, 250)):
        own = [[str(chance.randrange(kinds)) for _ in range(count)] for _ in range(3)]
        other = {
            name: [(sum(1 << lane for lane in range(count) if mine[lane] == value), value) for value in sorted(set(mine[:-5]))]
            for name, mine in zip("abc", own, strict=True)
        }
        cases = Cases(count, {"a": "left"}, other, {DAY: (1 << count) - 1})
        within = chance.getrandbits(count)
        told = {lane: values for lanes, values in cases.together("abc", within) for lane in range(count) if lanes >> lane & 1}
        wanted = {
            lane: tuple(
                next((value for lanes, value in other[name] if lanes >> lane & 1), cases.base.get(name, Missing.LEFT_OUT))
                for name in "abc"
            )
            for lane in range(count)
            if within >> lane & 1
        }
        assert told == wanted
        assert sum(lanes.bit_count() for lanes, _ in cases.together("abc", within)) == within.bit_count()


def test_a_total_is_as_good_as_added_up_up_to_what_tests_compare_it_with() -> None:
    """Members that are left out, ranges and open ends, one by one and in lanes: as the reference adds them up."""
    chance = random.Random(3)
    numbers = [Range(Decimal(low), high) for low in (0, 3, 90) for high in (None, Decimal(95), Decimal(200))]
    values: list[Value] = [Missing.LEFT_OUT, Missing.UNKNOWN, *numbers]
    for how in ("distinct", "sum"):
        family = Family(how, ("a", "b", "c"), Decimal(101))
        rows = [tuple(chance.choice(values) for _ in range(3)) for _ in range(60)]
        other = {
            name: [(sum(1 << lane for lane, row in enumerate(rows) if row[place] is value), value) for value in values]
            for place, name in enumerate("abc")
        }
        cases = Cases(len(rows), {}, other, {DAY: (1 << len(rows)) - 1})
        found = {lane: total for lanes, total in totals(family, cases) for lane in range(len(rows)) if lanes >> lane & 1}
        rules = replace(Maker(1).bundle().rules, families={"total": (how, ("a", "b", "c"))})
        for lane, row in enumerate(rows):
            exchange = Exchange({}, dict(zip("abc", row, strict=True)))
            wanted = KnownFacts(rules, exchange, DAY).total("total")
            assert isinstance(wanted, Range)
            high = None if wanted.high is None else min(wanted.high, family.enough)
            assert found[lane] == added_up(family, row) == Range(min(wanted.low, family.enough), high)


def test_days_between_two_turns_answer_alike() -> None:
    """Of every group of tests that turns on certain days only: on the first day, the last day and one between two turns."""
    made, chance = engine.load(engine.bundled_policies()), random.Random(3)
    coder = engine.PDP(made, "bitset").lanes.coder
    groups = [group for groups in coder._alone.values() for group in groups if group.dated and group.turns]
    assert len(groups) > 5
    assert [len(group.turns or ()) > 100 for group in coder._of_the_day] == [True]
    for group in (*groups, *coder._of_the_day):
        turns = group.turns or ()
        many = {name: made.vocabulary.facts[name].type.many for name in group.sources}
        told = [
            Exchange({}, {name: SetOf(frozenset([country])) if sets else country for name, sets in many.items()})
            for country in ("US", "JP")
        ]
        for begins, ends in chance.sample(list(pairwise(turns)), min(len(turns) - 1, 12)):
            last = ends - timedelta(days=1)
            between = begins + (last - begins) // 2
            for exchange in told:
                assert coder._read(group, exchange, begins) == coder._read(group, exchange, between)
                assert coder._read(group, exchange, between) == coder._read(group, exchange, last)
