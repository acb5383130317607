"""
An exchange about which much is not known, asked and answered until it is settled.

The exchange is that of `policies/cross-border/hong-kong.test.yaml`, which three sovereigns may have a say in. A script says what the
exporter would answer to whatever is asked; each round the first question of the first list is answered, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise, product
from typing import Any

import pytest

import engine
from engine.authoring.testing import build
from engine.deciding.combine import Outcome
from engine.decision import BoundsPart, Decision
from engine.exchange import Exchange
from engine.policy_language.case_text import TestText
from engine.policy_language.diagnostic import Findings
from engine.policy_language.read_document import read_model
from engine.values.outcome_levels import Bounds, Level

DAY = date(2026, 11, 24)
STORY = "cross-border/hong-kong.test.yaml"
SHOWN = {"dated": "2026-10-05", "covers": "yes"}
MOST_ROUNDS = 20

# What would be answered: no American, no critical operator, 4,000 people this year, a destination that was assessed.
HARMLESS: dict[str, Any] = {
    "data.grades": ["general"],
    "data.people_in": ["CN", "DE"],
    "data.us_people.health": 0,
    "exporter.cn_ciio": "no",
    "exporter.targets": ["CN", "DE"],
    "act.us_directed": "no",
    "counts.cn.sensitive": 4_000,
    "counts.cn_all.sensitive": 4_000,
    "counts.us.health": 1_000,
    "evidence.eu-transfer-impact-assessment": SHOWN | {"purposes": ["research"]},
}
AMERICANS: dict[str, Any] = {
    "data.people_in": ["CN", "DE", "US"],
    "data.us_people.health": 900,
    "act.us_directed": "yes",
    "counts.us.health": 11_000,
}
UNSAFE: dict[str, Any] = {
    "data.grades": ["important"],
    "exporter.cn_ciio": "yes",
    "exporter.targets": [],
    "counts.cn.sensitive": 11_000,
    "counts.cn_all.sensitive": 11_000,
    "evidence.eu-transfer-impact-assessment": "none",
}


@dataclass(frozen=True, slots=True)
class Journey:
    """A script, the outcome it ends in, and the facts that are asked for on the way."""

    script: Mapping[str, Any]
    outcome: str
    asked: tuple[str, ...]


JOURNEYS = {
    "with nobody American in it, it may go ahead with duties": Journey(
        HARMLESS,
        "permitted_with_obligations",
        (
            "data.people_in",
            "data.grades",
            "exporter.cn_ciio",
            "counts.cn.sensitive",
            "exporter.targets",
            "evidence.eu-transfer-impact-assessment",
            "counts.cn_all.sensitive",
        ),
    ),
    "with Americans in it and New York deciding, it is prohibited": Journey(
        {**HARMLESS, **AMERICANS},
        "prohibited",
        (
            "data.people_in",
            "data.grades",
            "data.us_people.health",
            "act.us_directed",
            "exporter.cn_ciio",
            "counts.cn.sensitive",
            "counts.us.health",
        ),
    ),
    "with Americans in it and Shanghai deciding, a person looks": Journey(
        {**HARMLESS, **AMERICANS, "act.us_directed": "no"},
        "review",
        (
            "data.people_in",
            "data.grades",
            "data.us_people.health",
            "act.us_directed",
            "exporter.cn_ciio",
            "counts.cn.sensitive",
            "exporter.targets",
            "evidence.eu-transfer-impact-assessment",
        ),
    ),
    "a critical operator lacks the assessment": Journey(
        {**HARMLESS, "exporter.cn_ciio": "yes"},
        "requirements_unmet",
        ("data.people_in", "data.grades", "exporter.cn_ciio"),
    ),
    "with 11,000 people this year the assessment is lacking": Journey(
        {**HARMLESS, "counts.cn.sensitive": 11_000, "counts.cn_all.sensitive": 11_000},
        "requirements_unmet",
        ("data.people_in", "data.grades", "exporter.cn_ciio", "counts.cn.sensitive"),
    ),
    "with the destination not assessed the ground is lacking": Journey(
        {**HARMLESS, "evidence.eu-transfer-impact-assessment": "none"},
        "requirements_unmet",
        (
            "data.people_in",
            "data.grades",
            "exporter.cn_ciio",
            "counts.cn.sensitive",
            "exporter.targets",
            "evidence.eu-transfer-impact-assessment",
        ),
    ),
}


@pytest.fixture(scope="module")
def bundled() -> engine.Bundle:
    """The bundled policies, as they stand."""
    return engine.load(engine.bundled_policies())


@pytest.fixture(scope="module")
def checked(bundled: engine.Bundle) -> engine.PDP:
    """Two engines, compared at every decision."""
    return engine.PDP(bundled)


@pytest.fixture(scope="module")
def reference(bundled: engine.Bundle) -> engine.PDP:
    """The meaning of the language, which shares nothing with the other two but the rules."""
    return engine.PDP(bundled, "reference")


@dataclass(frozen=True, slots=True)
class Step:
    """What is known at a step, and what is decided on it."""

    facts: Mapping[str, Any]
    exchange: Exchange
    decision: Decision

    @property
    def question(self) -> str:
        """The fact that is asked for next."""
        return self.decision.missing[0].facts[0].fact


def checked_off(pdp: engine.PDP, exchange: Exchange) -> bool:
    """Whether no fact that is not known can change the outcome."""
    return not pdp.outcome(exchange, DAY).open


def steps(pdp: engine.PDP, facts: Mapping[str, Any], script: Mapping[str, Any]) -> Iterator[Step]:
    """The decisions from the exchange as it is to the one that settles it."""
    for _ in range(MOST_ROUNDS):
        exchange = build(pdp.bundle, dict(facts))
        step = Step(facts, exchange, pdp.decide(exchange, as_of=DAY, today=DAY, id="journey"))
        yield step
        if checked_off(pdp, exchange):
            return
        facts = {**facts, step.question: script[step.question]}
    pytest.fail(f"not settled after {MOST_ROUNDS} answers")


@pytest.fixture(scope="module")
def taken(checked: engine.PDP) -> Mapping[str, list[Step]]:
    """The steps of every journey."""
    node = next(node for file, node in checked.bundle.tests if file.endswith(STORY))
    text = read_model(TestText, node, Findings())
    assert text is not None
    return {name: list(steps(checked, text.exchange, journey.script)) for name, journey in JOURNEYS.items()}


def span(bounds: BoundsPart) -> tuple[Level, Level]:
    by_word = {level.word: level for level in Level}
    return by_word[bounds.lowest], by_word[bounds.highest]


def spans(decision: Decision) -> dict[str, tuple[Level, Level]]:
    """The bounds overall, under the empty name, and of each jurisdiction that says anything."""
    return {"": span(decision.bounds), **{part.jurisdiction: span(part.bounds) for part in decision.jurisdictions}}


def answered(pdp: engine.PDP, step: Step, facts: Iterable[str]) -> Iterator[tuple[dict[str, Any], Outcome]]:
    """Each combination of the answers that some script has for these facts, and the outcome with them."""
    facts = list(facts)
    for answers in product(*map(pool, facts)):
        told = dict(zip(facts, answers, strict=True))
        yield told, pdp.outcome(build(pdp.bundle, {**step.facts, **told}), DAY)


def pool(fact: str) -> list[Any]:
    """Every answer that some script has for a fact."""
    known = [script[fact] for script in (HARMLESS, AMERICANS, UNSAFE) if fact in script]
    return [answer for place, answer in enumerate(known) if answer not in known[:place]]


@pytest.mark.parametrize("name", JOURNEYS)
def test_the_questions_end_in_an_outcome(taken: Mapping[str, list[Step]], name: str) -> None:
    """One question after another settles the exchange, in as many rounds as there are facts that matter on that way."""
    journey, last = JOURNEYS[name], taken[name][-1].decision
    assert tuple(step.question for step in taken[name][:-1]) == journey.asked
    assert (last.outcome, last.missing) == (journey.outcome, [])
    proceeds = [step.decision.proceed for step in taken[name]]
    assert proceeds == [*[False] * len(journey.asked), journey.outcome.startswith("permitted")]


@pytest.mark.parametrize("name", JOURNEYS)
def test_no_answer_widens_the_bounds(taken: Mapping[str, list[Step]], name: str) -> None:
    """Each answer narrows the bounds or leaves them, overall and of each jurisdiction, until they meet."""
    told = [spans(step.decision) for step in taken[name]]
    silent = (Level.NOT_APPLICABLE, Level.NOT_APPLICABLE)
    for before, after in pairwise(told):
        assert after.keys() <= before.keys(), "a jurisdiction that had no say has one after an answer"
        for who, (low, high) in before.items():
            assert low <= after.get(who, silent)[0] <= after.get(who, silent)[1] <= high
    assert told[0][""] == (Level.PERMITTED_WITH_OBLIGATIONS, Level.PROHIBITED)
    assert told[-1][""][0] is told[-1][""][1]


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_list_that_is_said_to_settle_settles(checked: engine.PDP, taken: Mapping[str, list[Step]], name: str) -> None:
    """Whichever of the answers known here are given to such a list, the outcome is no longer open."""
    for step in taken[name]:
        for part in step.decision.missing:
            for told, outcome in answered(checked, step, (q.fact for q in part.facts)) if part.settles else ():
                assert not outcome.open, told


def test_some_list_is_said_to_settle(taken: Mapping[str, list[Step]]) -> None:
    """The promise is made on ways that end in a permit and on ways that do not, so that it is tried there."""
    promised = {
        JOURNEYS[name].outcome
        for name, found in taken.items()
        if any(part.settles for step in found for part in step.decision.missing)
    }
    assert promised >= {"permitted_with_obligations", "requirements_unmet"}


@pytest.mark.parametrize("name", JOURNEYS)
def test_what_is_settled_stays_settled(checked: engine.PDP, taken: Mapping[str, list[Step]], name: str) -> None:
    """What was never asked changes nothing any more, however it is answered."""
    left = [fact for fact in HARMLESS if fact not in JOURNEYS[name].asked]
    for told, outcome in answered(checked, taken[name][-1], left):
        assert outcome.word == JOURNEYS[name].outcome, told


@pytest.mark.parametrize("name", JOURNEYS)
def test_the_engines_agree_at_every_step(reference: engine.PDP, taken: Mapping[str, list[Step]], name: str) -> None:
    """The two engines that are compared say the same, and so does the reference by itself."""
    for step in taken[name]:
        assert step.decision.engine.agreed
        assert step.decision.engine.engines == ["bitset", "durable"]
        alone = reference.outcome(step.exchange, DAY)
        assert {"": alone.bounds, **alone.jurisdictions} == {
            who: Bounds(low, high) for who, (low, high) in spans(step.decision).items()
        }
