"""
The rulesets of durable-rules as a person reads them: each with what its rules derive and what their tests ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.backends.durable.exchange_encoding import TestMeaning
from engine.backends.durable.network import Network, PropertyTest
from engine.verdict import numbers


@dataclass(frozen=True, slots=True)
class AskedTest:
    """A test of durable-rules, and what it asks: about an exchange, or about what was derived before."""

    test: PropertyTest
    about: TestMeaning | str


@dataclass(frozen=True, slots=True)
class ListedRule:
    """A rule of durable-rules. Where all `tests` hold it derives `derives`: names of provisions, definitions and requirements."""

    name: str
    derives: tuple[str, ...]
    tests: tuple[AskedTest, ...]


@dataclass(frozen=True, slots=True)
class ListedRuleset:
    """
    A ruleset of durable-rules.

    It is asked where one of `policies` may apply; where there are none, always. `definition` is the JSON that it was made from.
    """

    name: str
    policies: tuple[str, ...]
    rules: tuple[ListedRule, ...]
    definition: str


def list_rulesets(
    network: Network,
    policies: tuple[str, ...],
    derives: Callable[[int], Iterable[str]],
    about: Callable[[PropertyTest], TestMeaning | str],
) -> list[ListedRuleset]:
    """The rulesets of a network. `derives` gives the names of a head by the number of its bit, `about` says what a test asks."""
    return [
        ListedRuleset(
            ruleset.name,
            policies,
            tuple(
                ListedRule(
                    rule,
                    tuple(name for head in numbers(ruleset.derives(rule)) for name in derives(head)),
                    tuple(AskedTest(test, about(test)) for test in term),
                )
                for rule, term in ruleset.rules.items()
            ),
            ruleset.definition,
        )
        for ruleset in network.rulesets
    ]
