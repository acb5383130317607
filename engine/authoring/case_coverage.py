"""
What the tests of a policy reach: the judgements of its cases go in; which provision never stands, which condition is never yes, never no
or never unknown, and which outcome never comes, come out.

A policy is covered by its own test files. A condition counts at each of its places in the policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from engine.authoring.case_reasons import LEVELS
from engine.bundle import Bundle
from engine.deciding.instruments import Instruments
from engine.deciding.judgement import Judgement
from engine.explaining.phrasebook import Phrasebook
from engine.rules import AS_OF, Atom, Truth, atoms
from engine.values.outcome_levels import Level, outcome_word

TRUTHS = tuple(truth.name.lower() for truth in sorted(Truth, reverse=True))


class CoveredPlace(NamedTuple):
    """A provision, or a condition in words, with its place, and how it never reads in a test; `of` says how it may read."""

    name: str
    at: str
    never: tuple[str, ...]
    of: tuple[str, ...] = TRUTHS


class PolicyCoverage(NamedTuple):
    """What the cases of one policy reach. `outcomes` are those that its provisions may come to by themselves, `never` those not reached."""

    policy: str
    cases: int
    provisions: tuple[CoveredPlace, ...]
    conditions: tuple[CoveredPlace, ...]
    outcomes: tuple[str, ...]
    never: tuple[str, ...]


class CaseCoverage:
    """
    Collects what cases reach. `reached` can be sent from one process to another, and joined.

    Its keys are a policy and: "" for the number of its cases, the id of a provision, the number of a condition, or an outcome. Of
    provisions and conditions it has the truth values as bits.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self.reached: dict[tuple[str, str | int], int] = {}

    def add(self, policy: str, judgement: Judgement) -> None:
        """Count what a case of a policy's tests reaches."""
        verdict = judgement.verdict
        own = [number for number, rule in enumerate(verdict.rules) if rule.provision.policy == policy]
        self.reached[policy, ""] = self.reached.get((policy, ""), 0) + 1
        standing: dict[str, Truth] = {}
        for number in own:
            id = verdict.rules[number].provision.id
            standing[id] = max(standing.get(id, Truth.NO), verdict.stands.truth(number))
        for id, truth in standing.items():
            self._note(policy, id, 1 << truth)
        certain = {number for number in own if verdict.stands.truth(number) is Truth.YES}
        among = [number for number in own if verdict.stands.truth(number) is not Truth.NO]
        for bounds in self._instruments.of(verdict, among, certain).values():
            self._note(policy, outcome_word(bounds), 1)
        if not judgement.exchange.everyone:  # whose rules have other conditions
            for number, alike in enumerate(self._conditions.get(policy, ())):
                for atom in alike:
                    self._note(policy, number, 1 << judgement.reading(atom))

    def join(self, reached: Mapping[tuple[str, str | int], int]) -> None:
        """Add what was reached elsewhere."""
        for (policy, key), found in reached.items():
            if key == "":
                self.reached[policy, key] = self.reached.get((policy, key), 0) + found
            else:
                self._note(policy, key, found)

    def policies(self) -> Iterator[PolicyCoverage]:
        """What was reached of each policy of which a case was added."""
        book, rules = Phrasebook(self._bundle), self._bundle.rules.rules
        for policy in sorted({policy for policy, _ in self.reached}):
            own = [rule for rule in rules if rule.provision.policy == policy]
            if not own:
                continue
            places = {rule.provision.id: f"{rule.provision.file}:{rule.provision.line}" for rule in own}
            conditions = (
                CoveredPlace(
                    book.phrase(alike[0]),
                    alike[0].at,
                    self._never(policy, number, alike[0].fact != AS_OF),
                    TRUTHS if alike[0].fact != AS_OF else ("yes", "no"),
                )
                for number, alike in enumerate(self._conditions.get(policy, ()))
            )
            outcomes = [level.word for level in Level if level in {LEVELS.get(rule.effect) for rule in own}]
            yield PolicyCoverage(
                policy,
                self.reached[policy, ""],
                tuple(CoveredPlace(id, at, self._never(policy, id)) for id, at in places.items()),
                tuple(conditions),
                tuple(outcomes),
                tuple(word for word in outcomes if (policy, word) not in self.reached),
            )

    def _note(self, policy: str, key: str | int, bits: int) -> None:
        self.reached[policy, key] = self.reached.get((policy, key), 0) | bits

    def _never(self, policy: str, key: str | int, may_be_unknown: bool = True) -> tuple[str, ...]:
        bits = self.reached.get((policy, key), 0)
        never = [truth for truth in sorted(Truth, reverse=True) if not bits >> truth & 1]
        return tuple(truth.name.lower() for truth in never if may_be_unknown or truth is not Truth.UNKNOWN)

    @cached_property
    def _instruments(self) -> Instruments:
        return Instruments(self._bundle.rules.rules)

    @cached_property
    def _conditions(self) -> dict[str, list[list[Atom]]]:
        """The tests of each policy in the order of their places; what became several rules or definitions is one test."""
        found: dict[str, dict[tuple[object, ...], list[Atom]]] = {}
        rules = self._bundle.rules
        named = [(key.partition("/")[0].partition("#")[0], condition) for key, condition in rules.definitions.items()]
        for policy, condition in [*((rule.provision.policy, rule.condition) for rule in rules.rules), *named]:
            for atom in atoms(condition):
                if atom.at:
                    file, _, line = atom.at.rpartition(":")
                    key = (file, int(line), atom.fact, atom.op, atom.operands, atom.register, atom.other)
                    found.setdefault(policy, {}).setdefault(key, []).append(atom)
        return {
            policy: [alike for _, alike in sorted(tests.items(), key=lambda each: each[0][:2])]
            for policy, tests in found.items()
        }
