"""
Whether the authors' tests notice a mutant: whether any case comes out otherwise under the changed rules.

The cases of the policy that was changed are heard first, those of others only where none of its own notices. A case is evaluated only
where a condition that was changed reads otherwise on it, and whole only where the part of the law that the change reaches comes out
otherwise; it is decided only where its expectation is of something that no verdict shows. Nothing is worked out before it is needed.
Verdicts are the reference's, which is the meaning.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from functools import cached_property

from engine.authoring.mutation import Mutant
from engine.authoring.testing import Prepared, departures, plain_departures, prepare, suite_of
from engine.backends.reference import Reference
from engine.backends.reference.three_values import NO, KnownFacts, Reads, Test, truth
from engine.bundle import Bundle
from engine.deciding.combine import COVERAGE, Combiner
from engine.pdp import PDP
from engine.rules import Atom, Condition, RuleSet, Truth, named
from engine.verdict import Verdict


class Court:
    """
    The cases of a bundle, and whether they notice a mutant.

    `own` are the cases of some policies, the ones whose mutants are judged. A case that fails without any change defends nothing, so ask
    `problem` of each of them before. Raises ValueError with the first of them that cannot be decided.
    """

    def __init__(self, bundle: Bundle, policies: Collection[str]) -> None:
        self._bundle = bundle
        self._reference = Reference(bundle.rules)
        self._combiner = Combiner(bundle)
        self._reach = Reach.of(bundle.rules)
        self._suites = {file: suite_of(node) for file, node in bundle.tests}
        self._heard: dict[str, list[Witness]] = {}
        self.own = [each.case for file in self._suites if self._suites[file] in policies for each in self._witnesses(file)]

    def problem(self, case: Prepared) -> str:
        """Where a case stands and in what it fails without any change, "" where it passes."""
        found = next(departures(self._bundle, self._pdp, case), "")
        return f"{case.file}:{case.line}: {found}" if found else ""

    def notices(self, mutant: Mutant) -> bool:
        """
        Whether any case comes out otherwise.

        Raises ValueError where another policy's case cannot be decided, or is the one that notices and fails without any change.
        """
        own = [file for file, suite in self._suites.items() if suite == mutant.policy]
        change = Change.of(mutant, self._reference, self._reach)
        if self._first_to_notice(change, own):
            return True
        other = self._first_to_notice(change, [file for file in self._suites if file not in own])
        if other and (problem := self.problem(other)):
            raise ValueError(problem)
        return other is not None

    @cached_property
    def _pdp(self) -> PDP:
        return PDP(self._bundle, "bitset")

    def _witnesses(self, file: str) -> list[Witness]:
        if file not in self._heard:
            self._heard[file] = [Witness(case, self._reference) for case in prepare(self._bundle, file)]
        return self._heard[file]

    def _first_to_notice(self, change: Change, files: Iterable[str]) -> Prepared | None:
        """Of the cases in some files, those first whose expectation a verdict shows: a decision takes longer."""
        moved: list[Prepared] = []
        for witness in (each for file in files for each in self._witnesses(file)):
            if not witness.reads_otherwise(change) or not witness.moves(change):
                continue
            case, verdict = witness.case, witness.under(change)
            if any(plain_departures(case, verdict, self._combiner.outcome(case.exchange, verdict, case.as_of))):
                return case
            if case.told and not verdict.agrees(witness.verdict):
                moved.append(case)
        if not moved:
            return None
        rules = change.after.rules
        bundle = replace(self._bundle, rules=rules, duties=rules.duties())
        pdp = PDP(bundle, "bitset")
        return next((case for case in moved if any(departures(bundle, pdp, case))), None)


@dataclass(frozen=True, slots=True)
class Reach:
    """
    What a change reaches. `users` are, for each definition, the keys of the definitions and rules that rest on it, through others as well;
    `linked` are, for each rule and requirement, all that exemptions, grounds and needs link it with, through others as well.
    """

    users: Mapping[str, Set[str]]
    linked: Mapping[str, Set[str]]

    @classmethod
    def of(cls, rules: RuleSet) -> Reach:
        users: dict[str, set[str]] = {key: set() for key in rules.definitions}
        rests: dict[str, set[str]] = {}
        for key, condition in (*rules.definitions.items(), *((rule.key, rule.condition) for rule in rules.rules)):
            # Definitions come in an order in which each uses only earlier ones.
            rests[key] = {name for used in named(condition) for name in (used, *rests[used])}
            for name in rests[key]:
                users[name].add(key)
        linked: dict[str, set[str]] = {}
        for rule in rules.rules:
            needs = rule.need.requirements() if rule.need else ()
            together = {rule.key, *rule.exempts, *rule.excuses, *rule.satisfies, *needs}
            together.update(*(linked.get(name, ()) for name in tuple(together)))
            linked.update(dict.fromkeys(together, together))
        return cls(users, linked)


@dataclass(frozen=True, slots=True)
class Change:
    """
    A mutant, ready to be tried: the rules before and after, whole and only the part that the change reaches.

    `owners` are the keys of what was changed, `touched` of these and all that rest on them. `parted` is whether a verdict on the part
    tells of every rule, floor and definition that an outcome could move by.
    """

    owners: Set[str]
    touched: Set[str]
    before: Reference
    after: Reference
    part_before: Reference
    part_after: Reference
    parted: bool

    @classmethod
    def of(cls, mutant: Mutant, before: Reference, reach: Reach) -> Change:
        touched = mutant.owners.union(*(reach.users.get(key, ()) for key in mutant.owners))
        linked = touched.union(*(reach.linked.get(key, ()) for key in touched))
        return cls(
            mutant.owners,
            touched,
            before,
            Reference(mutant.rules),
            Reference(_part(before.rules, linked)),
            Reference(_part(mutant.rules, linked)),
            parted=not any(key.startswith(COVERAGE) for key in touched),
        )


def _part(rules: RuleSet, keys: Set[str]) -> RuleSet:
    """Some rules and requirements of a rule set, and the floors that rest on some of its definitions."""
    return replace(
        rules,
        rules=tuple(rule for rule in rules.rules if rule.key in keys),
        requirements={name: requirement for name, requirement in rules.requirements.items() if name in keys},
        floors=tuple(floor for floor in rules.floors if not keys.isdisjoint(named(floor.condition))),
    )


class Witness:
    """
    A case, and what it says without any change.

    What a change cannot touch is not read twice: each test is read once, and each definition once, when it is first asked for.
    """

    def __init__(self, case: Prepared, reference: Reference) -> None:
        self.case = case
        self._reference = reference
        self._known = KnownFacts(reference.rules, case.exchange, case.as_of)
        self._read: dict[Atom, Truth] = {}
        self._defined = _ChangedDefinitions(reference.rules.definitions, self._test)

    def reads_otherwise(self, change: Change) -> bool:
        """
        Whether anything that was changed reads otherwise. An owner whose condition reads as before tells nothing; but where the
        condition is the same and may hold, something else of the owner was changed.
        """
        for key in change.owners:
            if key in change.after.rules.definitions:
                if self._truth(change.after.rules.definitions[key]) is not self._defined[key]:
                    return True
            elif key in change.after.conditions:
                before, after = change.before.conditions[key], change.after.conditions[key]
                reads = self._truth(after)
                if reads is not NO if after is before else reads is not self._truth(before):
                    return True
        return False

    def moves(self, change: Change) -> bool:
        """Whether anything may come out otherwise for that: what the change reaches does, or the case expects how a definition reads."""
        if not change.parted or self.case.expect.define:
            return True
        defined = _ChangedDefinitions(change.after.rules.definitions, self._test, self._defined, change.touched)
        was, now = (
            reference.follows(self._known, Reads(reference.rules, self._test, read), self._holds(reference, read))
            for reference, read in ((change.part_before, self._defined), (change.part_after, defined))
        )
        return not now.agrees(was)

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict under the rules as they are."""
        reads = Reads(self._reference.rules, self._test, self._defined.all)
        return self._reference.follows(self._known, reads, self._held)

    def under(self, change: Change) -> Verdict:
        """The verdict under the changed rules."""
        defined = _ChangedDefinitions(change.after.rules.definitions, self._test, self._defined, change.touched).all
        conditions = {key: condition for key, condition in change.after.conditions.items() if key in change.touched}
        holds = self._held | {key: truth(condition, self._test, defined) for key, condition in conditions.items()}
        return change.after.follows(self._known, Reads(change.after.rules, self._test, defined), holds)

    @cached_property
    def _held(self) -> dict[str, Truth]:
        return self._holds(self._reference, self._defined)

    def _holds(self, reference: Reference, defined: Mapping[str, Truth]) -> dict[str, Truth]:
        return {key: truth(condition, self._test, defined) for key, condition in reference.conditions.items()}

    def _truth(self, condition: Condition) -> Truth:
        return truth(condition, self._test, self._defined)

    def _test(self, atom: Atom) -> Truth:
        if atom not in self._read:
            self._read[atom] = self._known.test(atom)
        return self._read[atom]


class _ChangedDefinitions(dict[str, Truth]):
    """How definitions read, each worked out when it is first asked for; those that a change does not touch read as they did before."""

    def __init__(
        self,
        conditions: Mapping[str, Condition],
        test: Test,
        before: Mapping[str, Truth] | None = None,
        touched: Set[str] = frozenset(),
    ) -> None:
        super().__init__()
        self._conditions = conditions
        self._own_test = test
        self._before = before
        self._touched = touched

    def __missing__(self, key: str) -> Truth:
        if self._before is not None and key not in self._touched:
            return self._before[key]
        self[key] = reads = truth(self._conditions[key], self._own_test, self)
        return reads

    @property
    def all(self) -> dict[str, Truth]:
        return {key: self[key] for key in self._conditions}
