"""
The trace of a decision: how every definition, rule and requirement reads.
"""

from __future__ import annotations

from engine.decision import TRUTH_WORDS, TracedPart, TracePart
from engine.explaining.case import Case


def trace(case: Case) -> TracePart:
    """The truth value of every definition and every rule, in the order in which they are decided."""
    verdict = case.verdict
    rules = [
        TracedPart(
            rule=rule.key,
            holds=TRUTH_WORDS[verdict.holds.truth(number)],
            stands=TRUTH_WORDS[verdict.stands.truth(number)],
            doubted=TRUTH_WORDS[verdict.doubted.truth(number)],
        )
        for number, rule in enumerate(verdict.rules)
    ]
    requirements = {n: " or ".join(s.name.lower() for s in sorted(states)) for n, states in verdict.requirements.items()}
    definitions = {key: TRUTH_WORDS[truth] for key, truth in verdict.defined.items()}
    return TracePart(definitions=definitions, rules=rules, requirements=requirements)
