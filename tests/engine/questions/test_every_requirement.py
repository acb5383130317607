"""
Every requirement of the bundled policies: of an exchange that lacks exactly it, the first way that is listed makes it met.

The exchanges are those of the policies' own tests. Where one lacks other requirements too, these are met first, by their own ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import NamedTuple

import pytest

import engine
from engine.deciding.judgement import Judgement
from engine.questions.remedies import Remedies
from engine.questions.taken_ways import TakenWays
from engine.questions.ways import Way, lacking
from engine.rules import Rule, State

MOST_OTHERS = 8  # requirements that are met before
MET, DOUBTFUL = frozenset((State.MET,)), frozenset((State.DOUBTFUL,))
# Requirements whose grounds are all unsure: a way to one leaves it to a person.
IN_DOUBT = {"eu.re-use-abroad", "eu.confidentiality-arrangement", "id.storage-in-indonesia", "kz.transfer-ground"}
# Requirements to which no way was taken, and why.
WITHOUT = {
    "eu.health-data-location": "its grounds say where the data are stored, and nobody is told to move the data",
    "contract.settled-benefit": "the ledger closes it, or facts of the book that nobody states",
    "cn.principal-mandate": "each exchange that lacks it lacks a right to operate the data too, and all ways to that are unsure",
    "contract.terms-passed-on": "no provision requires it; its grounds have the conditions that come with the data of a contract",
}


class Shown(NamedTuple):
    """A way that was taken, what was stated for it, and the states of the requirement afterwards; without states it is not owed."""

    way: str
    stated: tuple[str, ...]
    states: frozenset[State]


class Bench:
    """The bundled policies, and what takes their ways."""

    def __init__(self) -> None:
        self.bundle = engine.load(engine.bundled_policies())
        self.pdp = engine.PDP(self.bundle, "bitset")
        self.remedies = Remedies(self.bundle)
        self.ways = self.remedies.ways
        self.rules = self.bundle.rules.rules
        self.trials = cache(self._trials)

    def shown(self, requirement: str) -> Shown | None:
        """The first way to a requirement, in the first exchange that lacks it and has a sure way; None if none has a way."""
        doubtful = None
        for file in self._files(requirement):
            for exchange, day in self.trials(file):
                alone = self._alone(requirement, exchange, day)
                found = self._first(requirement, alone) if alone is not None else None
                if found is not None and found.states != DOUBTFUL:
                    return found
                doubtful = doubtful or found
        return doubtful

    def _files(self, requirement: str) -> dict[str, None]:
        """The tests of the policies that ask for a requirement, then of those that meet it."""
        asking = [rule for rule in self.rules if rule.need and requirement in rule.need.requirements()]
        meeting = [rule for rule in self.rules if requirement in (*rule.satisfies, *rule.excuses)]
        return dict.fromkeys(rule.provision.file.replace(".yaml", ".test.yaml") for rule in (*asking, *meeting))

    def _trials(self, file: str) -> list[tuple[engine.Exchange, date]]:
        return list(self._read(file))

    def _read(self, file: str) -> Iterator[tuple[engine.Exchange, date]]:
        for trial in engine.trials(self.bundle, self.bundle, file):
            if trial.raw and trial.as_of:
                try:
                    yield engine.parse_exchange(self.bundle, trial.raw), trial.as_of
                except engine.ExchangeRefused:
                    continue  # it states what only the register may state

    def _alone(self, requirement: str, exchange: engine.Exchange, day: date) -> Judgement | None:
        """An exchange that lacks exactly a requirement: the other rules that ask for something are met by the ways to it."""
        for _ in range(MOST_OTHERS):
            judgement = self.pdp.judge(exchange, as_of=day)
            wanting = lacking(judgement)
            if requirement not in wanting:
                return None
            asking = {rule.key for rule in wanting[requirement]}
            others = [(name, under) for name, under in wanting.items() if not asking & {rule.key for rule in under}]
            if not others:
                return judgement
            taken = self._taken(judgement, *others[0])
            if taken is None:
                return None
            exchange = taken[1]
        return None

    def _first(self, requirement: str, judgement: Judgement) -> Shown | None:
        under = lacking(judgement)[requirement]
        taken = self._taken(judgement, requirement, under)
        if taken is None:
            return None
        way, changed, stated = taken
        after = self.pdp.judge(changed, as_of=judgement.as_of)
        states = after.verdict.requirements[requirement] if requirement in lacking(after) else MET
        return Shown(way.rule.provision.id, stated, states)

    def _taken(
        self, judgement: Judgement, requirement: str, under: list[Rule]
    ) -> tuple[Way, engine.Exchange, tuple[str, ...]] | None:
        """The first way that is listed and lacks something, and the exchange with it."""
        exchange, ends, levers = judgement.exchange, self.remedies.ends, self.remedies.levers
        taking = TakenWays(ends, levers, exchange, judgement.as_of, judgement.verdict.truth, claims=True)
        for way in self.ways.reading(judgement).to(requirement, under):
            alternatives = taking.holding(way.node)
            if alternatives and alternatives[0]:
                answers = taking.changes(alternatives[0])
                return way, exchange.with_values(answers), tuple(answers)
        return None


@pytest.fixture(scope="module")
def found() -> dict[str, Shown | None]:
    bench = Bench()
    return {name: bench.shown(name) for name in bench.bundle.rules.requirements}


def test_the_first_way_that_is_listed_meets_its_requirement(found: dict[str, Shown | None]) -> None:
    """No way that was taken left its requirement as it was."""
    taken = {name: shown.states for name, shown in found.items() if shown is not None}
    assert {name for name, states in taken.items() if states == DOUBTFUL} == IN_DOUBT
    assert [name for name, states in taken.items() if states != MET and name not in IN_DOUBT] == []


def test_every_requirement_has_a_way_that_was_taken(found: dict[str, Shown | None]) -> None:
    """Those without one are listed with the reason, so that they cannot become more; 110 of 117 are met, four are left to a person."""
    assert {name for name, shown in found.items() if shown is None} == WITHOUT.keys()
    assert len([shown for shown in found.values() if shown is not None and shown.states == MET]) >= 110
