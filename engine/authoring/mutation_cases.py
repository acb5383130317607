"""
Whether the authors' tests notice a mutant: whether any case comes out differently under the changed rules.

The cases of the changed policy are heard first, and those of other policies only where none of these notices. Each step is taken only
where it is needed. A changed condition must read differently on a case; then the part of the law that the change reaches is evaluated;
where that part comes out differently, the whole. A decision is made only where the case expects something that no verdict shows.
Verdicts come from the reference, which is the meaning.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from functools import cached_property

from engine.authoring.mutation import APPLIES, Mutant
from engine.authoring.testing import PreparedCase, departures, plain_departures, prepare, suite_of
from engine.backends.reference import Reference
from engine.backends.reference.three_values import NO, KnownFacts, RuleSetReading, Test, truth
from engine.bundle import Bundle
from engine.deciding.combine import COVERAGE, Combiner
from engine.pdp import PDP
from engine.rules import Atom, Condition, RuleSet, Truth, definitions_named
from engine.verdict import Verdict


class MutationTester:
    """
    The cases of a bundle, and whether they notice a mutant.

    `own` are the cases of the policies whose mutants are judged. A case that fails without any change defends nothing, so first call
    `problem` with each of them. Raises ValueError with the first of them that cannot be decided.
    """

    def __init__(self, bundle: Bundle, policies: Collection[str]) -> None:
        self._bundle = bundle
        self._reference = Reference(bundle.rules)
        self._combiner = Combiner(bundle)
        self._reach = ChangeReach.of(bundle.rules)
        self._suites = {file: suite_of(node) for file, node in bundle.tests}
        self._heard: dict[str, list[UnchangedCase]] = {}
        self.own = [each.case for file in self._suites if self._suites[file] in policies for each in self._witnesses(file)]

    def problem(self, case: PreparedCase) -> str:
        """The place of a case and how it fails without any change; "" where it passes."""
        found = next(departures(self._bundle, self._pdp, case), "")
        return f"{case.file}:{case.line}: {found}" if found else ""

    def notices(self, mutant: Mutant) -> bool:
        """
        Whether any case comes out differently.

        Raises ValueError where a case of another policy cannot be decided, or notices but fails without any change too.
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

    def _witnesses(self, file: str) -> list[UnchangedCase]:
        if file not in self._heard:
            self._heard[file] = [UnchangedCase(case, self._reference) for case in prepare(self._bundle, file)]
        return self._heard[file]

    def _first_to_notice(self, change: Change, files: Iterable[str]) -> PreparedCase | None:
        """A case in some files that notices. Cases that need only a verdict come first, because a decision takes longer."""
        moved: list[PreparedCase] = []
        for witness in (each for file in files for each in self._witnesses(file)):
            if not witness.reads_otherwise(change) or not witness.moves(change):
                continue
            case, verdict = witness.case, witness.under(change)
            if case.exchange.disputed:
                moved.append(case)  # its outcome follows from several verdicts
                continue
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
class ChangeReach:
    """
    What a change reaches. `users` has for each definition the keys of the definitions and rules that rest on it, directly or through
    others. `linked` has for each rule and requirement all that exemptions, grounds and needs link it with, directly or through others.
    """

    users: Mapping[str, Set[str]]
    linked: Mapping[str, Set[str]]

    @classmethod
    def of(cls, rules: RuleSet) -> ChangeReach:
        users: dict[str, set[str]] = {key: set() for key in rules.definitions}
        rests: dict[str, set[str]] = {}
        for key, condition in (*rules.definitions.items(), *((rule.key, rule.condition) for rule in rules.rules)):
            # Definitions come in an order in which each uses only earlier ones.
            rests[key] = {name for used in definitions_named(condition) for name in (used, *rests[used])}
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

    `owners` are the keys of what was changed; `touched` has these and the keys of all that rests on them. `parted`: a verdict on the
    part shows every rule, floor and definition by which an outcome could move.
    """

    owners: Set[str]
    touched: Set[str]
    before: Reference
    after: Reference
    part_before: Reference
    part_after: Reference
    parted: bool

    @classmethod
    def of(cls, mutant: Mutant, before: Reference, reach: ChangeReach) -> Change:
        touched = mutant.owners.union(*(reach.users.get(key, ()) for key in mutant.owners))
        linked = touched.union(*(reach.linked.get(key, ()) for key in touched))
        return cls(
            mutant.owners,
            touched,
            before,
            Reference(mutant.rules),
            Reference(_part(before.rules, linked)),
            Reference(_part(mutant.rules, linked)),
            parted=not any(key.startswith(COVERAGE) for key in touched) and _ends_of_duties(before.rules).isdisjoint(touched),
        )


def _ends_of_duties(rules: RuleSet) -> Set[str]:
    """The definitions by which duties are done: no rule's condition shows them."""
    return {key for duty in rules.duties().values() if duty.done_when for key in definitions_named(duty.done_when)}


def _part(rules: RuleSet, keys: Set[str]) -> RuleSet:
    """Some rules and requirements of a rule set, and the floors by which a changed policy speaks."""
    return replace(
        rules,
        rules=tuple(rule for rule in rules.rules if rule.key in keys),
        requirements={name: requirement for name, requirement in rules.requirements.items() if name in keys},
        floors=tuple(floor for floor in rules.floors if any(key in keys for spoken in floor.spoken for key in spoken.by)),
    )


class UnchangedCase:
    """
    A case, and its verdict without any change.

    Each test and each definition is read once, when it is first needed. After a change, only what the change can touch is read again.
    """

    def __init__(self, case: PreparedCase, reference: Reference) -> None:
        self.case = case
        self._reference = reference
        self._known = KnownFacts(reference.rules, case.exchange, case.as_of)
        self._read: dict[Atom, Truth] = {}
        self._defined = _ChangedDefinitions(reference.rules.definitions, self._test)

    def reads_otherwise(self, change: Change) -> bool:
        """
        Whether anything that was changed reads differently on the case.

        An owner whose changed condition reads as before does not count. An owner whose condition was not changed counts where the
        condition may hold, for something else of the owner was changed.
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
        """
        Whether anything may come out differently.

        It may where the part that the change reaches does, where the part does not show enough, and where the case expects how a
        definition reads, or whether a policy applies.
        """
        if not change.parted or self.case.expect.define:
            return True
        defined = _ChangedDefinitions(change.after.rules.definitions, self._test, self._defined, change.touched)
        applying = {f"{policy}{APPLIES}" for policy in self.case.applying} & change.touched
        if any(defined[key] is not self._defined[key] for key in applying):
            return True
        was, now = (
            reference.follows(self._known, RuleSetReading(reference.rules, self._test, read), self._holds(reference, read))
            for reference, read in ((change.part_before, self._defined), (change.part_after, defined))
        )
        return not now.agrees(was)

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict under the rules as they are."""
        reads = RuleSetReading(self._reference.rules, self._test, self._defined.all)
        return self._reference.follows(self._known, reads, self._held)

    def under(self, change: Change) -> Verdict:
        """The verdict under the changed rules."""
        defined = _ChangedDefinitions(change.after.rules.definitions, self._test, self._defined, change.touched).all
        conditions = {key: condition for key, condition in change.after.conditions.items() if key in change.touched}
        holds = self._held | {key: truth(condition, self._test, defined) for key, condition in conditions.items()}
        return change.after.follows(self._known, RuleSetReading(change.after.rules, self._test, defined), holds)

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
    """How definitions read. Each is worked out when it is first needed; one that a change does not touch reads as before."""

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
