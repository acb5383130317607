"""
The clauses allow what the semantics say, and a second solver answers alike.

Every exchange, as it was read, is fixed as assumptions: then the literals of all tests, of what stands, of all levels and of each
instrument by itself are what the engines make of it.
Where the clauses leave something free, that is one of the models. So what no model has, no exchange has.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

import pytest
import z3

import engine
from engine.analysis import Example, Formula, OpenQuestion, Proof, Prover, WitnessDecider, WitnessVerdict, word_choices
from engine.analysis.gates import Gates
from engine.analysis.instrument_moves import InstrumentLevels
from engine.backends.bitset import Bitset
from engine.backends.reference import three_values
from engine.bundle import Bundle
from engine.deciding.combine import Combiner
from engine.deciding.instruments import Instruments
from engine.exchange import Exchange
from engine.rules import Atom, Truth
from engine.values.outcome_levels import Level
from engine.verdict import numbers
from tests.chance import ending, seed, share, some, tried
from tests.engine.analysis.fixed_exchanges import literals
from tests.engine.analysis.planted import sound
from tests.engine.backends.random_bundles import AS_OF, Maker, read

SENT, QUESTIONS = 40, 100  # everyday exchanges, and questions on a law
LEVELS = tuple(Level)[1:]
DAY = date(2026, 11, 24)


class Fixed:
    """Compares a formula with what the engines make of exchanges: whether a model has it, and whether every model has."""

    def __init__(self, bundle: Bundle, public: bool = False) -> None:
        self.formula = Formula.of(bundle, public)
        self.prover = Prover(self.formula, WitnessDecider(bundle))
        self.rules = self.formula.bundle.rules
        self.engine, self.combiner = Bitset(self.rules), Combiner(self.formula.bundle)
        places = (None, *self.formula.program.whole.jurisdictions)
        self.levels = {name: [self.formula.level(level, name) for level in LEVELS] for name in places}
        self.stands = [self.formula.stands(rule.key) for rule in self.rules.rules]
        tests = (test for test in self.formula.program.tests if isinstance(test, Atom))
        self.tests = {test: self.formula.condition(test) for test in tests}
        levels = InstrumentLevels(self.formula)
        self.instruments = {name: levels.of(name) for name in {rule.provision.policy: None for rule in self.rules.rules}}
        self.states = {name: self.formula.states(name) for name in self.rules.requirements}

    def agrees(self, exchange: Exchange, day: date) -> bool:
        """Whether the clauses allow what the engines make of an exchange; whether they allow the exchange is asked first."""
        fixed = literals(self.formula, exchange, day)
        assert self.prover.possible(fixed), exchange.document
        return self.prover.possible([*fixed, *self._decided(exchange, day)])

    def _decided(self, exchange: Exchange, day: date) -> Iterator[int]:
        known = three_values.KnownFacts(self.rules, exchange, day)
        for test, (must, may) in self.tests.items():
            truth = known.test(test)
            yield must if truth is Truth.YES else -must
            yield may if truth is not Truth.NO else -may
        verdict = self.engine.evaluate(exchange, day)
        outcome = self.combiner.outcome(exchange, verdict, day)
        for name, pairs in self.levels.items():
            if exchange.carried:
                continue  # the conditions of these are in the literals, and a judgement adds them to an outcome
            bounds = outcome.bounds if name is None else outcome.jurisdictions.get(name)
            for level, (must, may) in zip(LEVELS, pairs, strict=True):
                yield must if bounds and bounds.low >= level else -must
                yield may if bounds and bounds.high >= level else -may
        possible, certain = (list(numbers(each)) for each in verdict.stands)
        alone = Instruments(self.rules.rules).of(verdict, possible, frozenset(certain))
        for name, ends in self.instruments.items():
            for level, (must, may) in ends.items():
                yield must if name in alone and alone[name].low >= level else -must
                yield may if name in alone and alone[name].high >= level else -may
        for number, (must, may) in enumerate(self.stands):
            truth = verdict.stands.truth(number)
            yield must if truth is Truth.YES else -must
            yield may if truth is not Truth.NO else -may
        for name, states in self.states.items():
            for state, literal in enumerate(states[:3]):
                yield literal if state in verdict.requirements[name] else -literal


def unlike(seed: int, exchanges: int = 12) -> list[str]:
    """The exchanges of a random bundle of which the clauses do not allow what the engines make of them."""
    maker = Maker(seed)
    bundle = maker.bundle()
    fixed, found = Fixed(bundle), []
    for _ in range(exchanges):
        exchange = read(bundle, maker.exchange())
        if not exchange.everyone and not exchange.disputed and not fixed.agrees(exchange, AS_OF):
            found.append(json.dumps(exchange.document))
    return found


def bundled(bundle: Bundle, sent: Sequence[tuple[dict[str, Any], date | None]]) -> None:
    """Compare exchanges under the bundled policies, for one recipient and for the public."""
    formulas = {public: Fixed(bundle, public) for public in (False, True)}
    seen, number = Counter[bool](), 0
    for each, day in some(sent, SENT):
        number += 1
        for public, fixed in formulas.items():
            document = each | ({"recipient": "the public"} if public else {})
            exchange = _accepted(bundle, document)
            if exchange is not None and bool(exchange.everyone) is public and not exchange.disputed:
                assert fixed.agrees(exchange, day or exchange.as_of or DAY), document
                seen[public] += 1
    assert min(seen[public] for public in formulas) > number / 2


def _without_one(document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The same without one of its facts."""
    group = chance.choice([name for name, value in document.items() if isinstance(value, dict)])
    lost = chance.choice([*document[group]])
    return document | {group: {name: value for name, value in document[group].items() if name != lost}}


def _accepted(bundle: Bundle, document: dict[str, object]) -> Exchange | None:
    try:
        return engine.accept_exchange(bundle, document)
    except engine.ExchangeRefused:
        return None


def test_random_exchanges_have_the_outcome_that_the_clauses_allow() -> None:
    """Every type, operator and effect of the language, with facts left out, unknown, ranges, open sets, documents in every state."""
    rare = (11, 18, 25)  # overdue for certain in one instrument; doubted for certain, or perhaps
    assert not [each for seed in (*range(10), *rare) for each in unlike(seed)]


def test_exchanges_of_the_bundled_policies_have_the_outcome_that_the_clauses_allow() -> None:
    """The law itself, which takes a second to encode: its everyday exchanges, whole and without one fact, for one recipient and all."""
    bundle = engine.load(engine.bundled_policies())
    chance, sent = random.Random(1), list[tuple[dict[str, Any], date | None]]()
    for preset in bundle.presets()[: SENT // 2]:
        everyday = dict(preset.exchange)
        sent += [(everyday, None), (_without_one(everyday, chance), None)]
    bundled(bundle, sent)


@pytest.mark.fuzz(weight=5)
def test_all_exchanges_of_the_bundled_policies_do() -> None:
    """The same of the exchanges of all tests."""
    bundle = engine.load(engine.bundled_policies())
    sent = dict.fromkeys((trial.raw, trial.as_of) for trial in engine.trials(bundle, bundle) if trial.raw)
    bundled(bundle, [(json.loads(raw), day) for raw, day in sent])


@pytest.mark.fuzz(weight=5)
def test_many_random_exchanges_do() -> None:
    """The same on bundles that were not tried before."""
    first = seed(0)
    assert not [each for number in some(range(first, first + 300), 13) for each in unlike(number, 20)]


def test_an_encoding_that_allows_too_little_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: what a sent value may turn out to be is taken to be certain."""
    monkeypatch.setattr(word_choices, "names", lambda *args: Truth.YES if three_values.names(*args) else Truth.NO)
    assert any(unlike(seed) for seed in range(10))


def second(gates: Gates) -> z3.Solver:
    """Z3 on the same clauses."""
    solver = z3.Solver()
    names = [None, *(z3.Bool(str(number)) for number in range(1, gates.size + 1))]
    for clause in gates.clauses:
        solver.add(z3.Or([names[each] if each > 0 else z3.Not(names[-each]) for each in clause]))
    return solver


def alike(bundle: Bundle, seed: int, questions: int, least: int) -> set[bool]:
    """The answers of both solvers to random questions, which are the same. A question that Z3 has no time for is the last."""
    formula, chance, found = Formula.of(bundle), random.Random(seed), set()
    prover = Prover(formula, WitnessDecider(bundle))
    rules = [literal for rule in formula.bundle.rules.rules for literal in formula.stands(rule.key)]
    levels = [literal for level in LEVELS for literal in formula.level(level)]
    assert prover.possible([])
    solver = second(formula.gates)
    for _ in some(range(questions), least):
        left = share()
        if left is not None:
            solver.set("timeout", math.ceil(left * 1000))
        chosen = [chance.choice((1, -1)) * each for each in (*chance.sample(rules, 3), *chance.sample(levels, 2))]
        asked = [formula.accepted, *chosen]
        first = prover.possible(chosen)
        told = solver.check([z3.Bool(str(each)) if each > 0 else z3.Not(z3.Bool(str(-each))) for each in asked])
        if left is not None and told == z3.unknown:
            tried(0, least, wanted=1)
            break
        assert told == (z3.sat if first else z3.unsat)
        found.add(first)
    return found


def test_a_second_solver_gives_the_same_answers() -> None:
    """CaDiCaL and Z3 on two hundred random questions over the clauses of the small law and of a random one."""
    for bundle in (engine.load_sources(sound(small=True)), Maker(3).bundle()):
        assert alike(bundle, 1, QUESTIONS, QUESTIONS) == {True, False}


@pytest.mark.fuzz(weight=5)
def test_a_second_solver_gives_the_same_answers_on_the_law() -> None:
    """The same on a thousand questions over the bundled policies."""
    assert alike(engine.load(engine.bundled_policies()), seed(0), 1_000, 20) == {True, False}


@pytest.mark.fuzz(weight=5)
def test_a_second_solver_gives_the_same_answers_on_random_laws() -> None:
    """The same on two thousand questions over random laws."""
    first = seed(0)
    for number in range(first, first + 40):
        if time.monotonic() >= ending():
            tried(0, 0, wanted=1)
            break
        alike(Maker(number).bundle(), number, 50, 1)


def standing(rule: str) -> Callable[[WitnessVerdict], bool]:
    """Whether a rule stands in an exchange."""
    return lambda found: found.stands(rule) is Truth.YES


def test_what_stands_is_shown_and_what_cannot_is_proven() -> None:
    """Of a rule that may stand, an exchange in which it does; that it stands and does not is proven to be impossible."""
    bundle = engine.load_sources(sound(small=True))
    formula = Formula.of(bundle)
    prover = Prover(formula, WitnessDecider(bundle))
    for rule in bundle.rules.rules:
        must, may = formula.stands(rule.key)
        answer = prover.ask([must], standing(rule.key))
        assert not isinstance(answer, OpenQuestion)
        if isinstance(answer, Example):
            exchange = engine.accept_exchange(bundle, dict(answer.exchange))
            assert exchange.as_of == answer.verdict.day
            assert engine.PDP(bundle, "reference").judge(exchange, as_of=answer.verdict.day).verdicts["reference"]
        assert isinstance(prover.ask([must, -may], lambda found: True), Proof)
