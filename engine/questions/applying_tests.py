"""
The tests of policies that may apply, by the fact that they test.

A bundle's conditions go in, each with the policy that it belongs to; for some policies that may apply, the tests on a fact come out. They
are gathered for one fact when it is asked for, because a question looks at a few of a hundred facts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import chain

from engine.rules import Atom

ALWAYS = ""  # in place of a policy: conditions that rest on no policy's `applies`

Runs = list[tuple[str, tuple[Atom, ...]]]  # the tests of a fact in the order of the conditions, with the policy of each run


def by_fact(conditions: Iterable[tuple[str, Iterable[Atom]]], facts: Callable[[Atom], Iterable[str]]) -> dict[str, Runs]:
    """The tests of some conditions, each with its policy, by fact. `facts` gives the facts that a test is about."""
    found: dict[str, list[tuple[str, dict[Atom, None]]]] = {}
    for policy, tests in conditions:
        for atom in tests:
            for fact in facts(atom):
                runs = found.setdefault(fact, [])
                if not runs or runs[-1][0] != policy:
                    runs.append((policy, {}))
                runs[-1][1][atom] = None
    return {fact: [(policy, tuple(tests)) for policy, tests in runs] for fact, runs in found.items()}


class ApplyingTests:
    """The tests of some policies, and those that rest on none."""

    __slots__ = ("_policies", "_runs")

    def __init__(self, runs: Mapping[str, Runs], policies: Collection[str]) -> None:
        self._runs = runs
        self._policies = policies

    def get(self, fact: str, default: Collection[Atom] = ()) -> Collection[Atom]:
        """The tests on a fact, each once, in the order of the conditions; `default` where there is none."""
        policies = self._policies
        runs = (tests for policy, tests in self._runs.get(fact, ()) if not policy or policy in policies)
        return tuple(dict.fromkeys(chain.from_iterable(runs))) or default

    def __contains__(self, fact: str) -> bool:
        return any(not policy or policy in self._policies for policy, _ in self._runs.get(fact, ()))
