"""
What durable-rules is given, to be read: every ruleset with what its rules derive and what their tests ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.backends.durable.encode import Meaning
from engine.backends.durable.network import Network, Test
from engine.verdict import numbers


@dataclass(frozen=True, slots=True)
class AskedTest:
    """A test as durable-rules is given it, and what it asks: of an exchange, or of what was derived before."""

    test: Test
    about: Meaning | str


@dataclass(frozen=True, slots=True)
class ListedRule:
    """A rule of durable-rules: what it derives, in the names of provisions, definitions and requirements, where all tests hold."""

    name: str
    derives: tuple[str, ...]
    tests: tuple[AskedTest, ...]


@dataclass(frozen=True, slots=True)
class ListedRuleset:
    """A ruleset; asked where one of `policies` may apply, without any always. `definition` is the very JSON it was made of."""

    name: str
    policies: tuple[str, ...]
    rules: tuple[ListedRule, ...]
    definition: str


def listed(
    network: Network, policies: tuple[str, ...], derives: Callable[[int], Iterable[str]], about: Callable[[Test], Meaning | str]
) -> list[ListedRuleset]:
    """The rulesets of a network. `derives` names a head by its bit's number, `about` says what a test asks."""
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
