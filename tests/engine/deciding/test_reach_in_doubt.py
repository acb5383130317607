"""
A law of which it is in doubt whether it reaches an exchange: what it requires is a review, and nothing else of it is (semantics 4.3).
"""

from __future__ import annotations

import json
from typing import Any

from engine.deciding.judgement import Judgement
from engine.rules import State
from tests.engine.deciding.ice import BY, DAY, judged, rule, span, world

NAME = "aq.law/reach-in-doubt"
NEED: dict[str, Any] = {"act__label": "need"}
RULES = rule("need", "when: {act.label: need}, require: aq.permit")
RULES += rule("ground", "when: [{evidence: {has: permit}}], satisfies: aq.permit")
RULES += rule("seal", "when: {act.sealed: yes}, review: the seal is looked at")
HEAD = "reach_in_doubt: {when: {act.hurry: yes}, cite: Art. 9, says: how far it reaches was not read}\n"
WORLD = world(f"krill: {BY}", RULES, HEAD)


def answered(found: Judgement) -> Any:
    """The answer to a judged exchange, as JSON."""
    return json.loads(WORLD.deciders["checked"].answer(found, today=DAY, id="1").json())


def test_what_is_required_is_a_review_while_the_reach_is_in_doubt() -> None:
    """The permit is not shown, and yet nothing is unmet for certain: a person must look at it."""
    found = judged(WORLD, act__hurry="yes", **NEED)
    assert (found.outcome.word, span(found)) == ("review", "review")
    assert found.verdict.requirements["aq.permit"] == {State.UNMET}
    assert answered(found)["outcome"] == "review"


def test_where_the_reach_is_certain_it_is_unmet() -> None:
    """The same exchange without what casts the doubt."""
    found = judged(WORLD, act__hurry="no", **NEED)
    assert (found.outcome.word, found.signable) == ("requirements_unmet", ())


def test_while_it_is_not_known_whether_the_reach_is_in_doubt_both_are_possible() -> None:
    """The bounds are a review and an unmet requirement, of which the word is the review."""
    found = judged(WORLD, act__hurry="unknown", **NEED)
    assert (found.outcome.word, span(found)) == ("review", "review to requirements_unmet")
    assert NAME not in found.signable


def test_who_signs_says_that_the_law_reaches() -> None:
    """Then the requirement stands and is unmet; once it is met, the law's own floor permits. `beneath` reads it so."""
    open_ = judged(WORLD, act__hurry="yes", **NEED)
    assert (open_.signable, open_.beneath.high.word) == ((NAME,), "requirements_unmet")
    signed = judged(WORLD, [NAME], act__hurry="yes", **NEED)
    assert (signed.outcome.word, [part.accepts for part in signed.signed_off]) == ("requirements_unmet", ["reaches"])
    shown = {"evidence__permit": {"dated": "2026-06-01", "covers": "yes"}}
    assert judged(WORLD, [NAME], act__hurry="yes", **NEED, **shown).outcome.word == "permitted"


def test_a_requirement_that_is_met_is_not_in_doubt() -> None:
    """Whether the law reaches does not matter to who does what it asks, nor to whom it asks nothing."""
    shown = {"evidence__permit": {"dated": "2026-06-01", "covers": "yes"}}
    assert judged(WORLD, act__hurry="yes", **NEED, **shown).outcome.word == "permitted"
    assert judged(WORLD, act__hurry="yes", act__label="plain").outcome.word == "permitted"


def test_a_prohibition_is_not_in_doubt() -> None:
    """Only what is required is doubted."""
    assert judged(WORLD, act__hurry="yes", act__label="bar").outcome.word == "prohibited"


def test_a_review_beside_an_unmet_requirement_is_named_besides() -> None:
    """What is certainly required is said first; the review of the seal is named beside it, with the name to sign it under."""
    found = judged(WORLD, act__sealed="yes", **NEED)
    assert (found.outcome.word, found.signable) == ("requirements_unmet", ("aq.law/seal",))
    [beside] = answered(found)["besides"]
    assert beside["sign_off"] == "aq.law/seal"
    assert "seal is looked at" in beside["says"]
    assert "besides" not in answered(judged(WORLD, **NEED))


def test_a_review_that_only_may_stand_beside_it_is_counted() -> None:
    """It is not named: it is counted, with the question that tells."""
    found = answered(judged(WORLD, act__sealed="unknown", **NEED))
    assert (found["outcome"], found["besides_possible"]["count"]) == ("requirements_unmet", 1)
    assert found["besides_possible"]["fact"] == "act.sealed"
    assert "besides" not in found
