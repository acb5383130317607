"""The tests of policies that may apply, by fact."""

from __future__ import annotations

import random

import engine
from engine.deciding.judgement import Laws
from engine.questions.applying_tests import ApplyingTests
from engine.questions.next_questions import ABOUT_DATA, Questions


def test_the_tests_of_a_fact_are_those_of_the_policies_that_may_apply() -> None:
    """Whatever policies may apply: each test once, in the order of the conditions; and nothing of another policy."""
    bundle = engine.load(engine.bundled_policies())
    questions = Questions(bundle, Laws(bundle.rules.rules))
    duties = [duty.done_when for duty in bundle.duties.values() if duty.done_when]
    facts = sorted(questions._runs)
    chance = random.Random(1)
    for _ in range(5):
        policies = {policy for policy in questions.laws.names if chance.random() < 0.2}
        conditions = [rule.condition for rule in bundle.rules.rules if rule.provision.policy in policies]
        conditions += [each for key, each in bundle.rules.definitions.items() if key.startswith(ABOUT_DATA)]
        tests = dict.fromkeys(atom for condition in (*conditions, *duties) for atom in questions.tests(condition))
        found = ApplyingTests(questions._runs, policies)
        for fact in facts:
            meant = tuple(atom for atom in tests if fact in questions.book.facts(atom))
            assert found.get(fact) == meant
            assert (fact in found) is bool(meant)
    assert found.get("no.such.fact") == ()
