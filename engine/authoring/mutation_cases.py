"""
Whether the authors' tests notice a mutant: whether any case comes out differently under the changed rules.

All cases of the bundle are decided beside one another, a lane each, once. A mutant is written into the same slots
(`engine.backends.lanes.changed_verdicts`), so only what it moves is run again. Most expectations read a verdict, and lanes show them
(`expected_lanes`). Where an expectation reads the outcome, the reference decides the case; where it reads a whole decision, the engines
do. A case that fails without any change defends nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TypeAlias

from engine.authoring.case_departures import departures, plain_departures
from engine.authoring.expected_lanes import ExpectedLanes
from engine.authoring.mutation import Mutant
from engine.authoring.prepared_case import PreparedCase
from engine.authoring.testing import cases
from engine.backends.lanes.changed_verdicts import ChangedVerdicts, VerdictMove
from engine.backends.lanes.fact_classes import Coder
from engine.backends.lanes.lane_cases import members, side_by_side
from engine.backends.reference import Reference
from engine.bundle import Bundle
from engine.deciding.combine import Combiner, Outcome
from engine.deciding.disputed_facts import choices
from engine.deciding.rests_on import shown_only
from engine.exchange import Exchange
from engine.explaining.phrasebook import Phrasebook
from engine.pdp import PDP
from engine.rules import RegisterEntry, RuleSet
from engine.verdict import Verdict

Entries: TypeAlias = dict[str, tuple[RegisterEntry, ...]]


class MutationTester:
    """
    The cases of a bundle, and whether they notice some mutants.

    `own` are the cases of the policies that are changed. Each has to pass without any change, so first call `problem` with each of them.
    """

    def __init__(self, bundle: Bundle, mutants: Sequence[Mutant]) -> None:
        self._bundle = bundle
        policies = {mutant.policy for mutant in mutants}
        every = list(cases(bundle))
        self.own = [case for case in every if case.suite in policies]
        self._public = [case for case in every if case.exchange.everyone]
        self._cases = [case for case in every if not case.exchange.everyone]
        self._own = sum(1 << number for number, case in enumerate(self._cases) if case.suite in policies)
        self._sound = {id(case): case.suite in policies for case in every if case.suite in policies}
        self._combiner = Combiner(bundle)
        self._unchanged = ChangedVerdicts(bundle.rules)
        self._renamed = changed_registers(bundle.rules, mutants)
        for mutant in mutants:
            self._unchanged.expect(mutant.rules, self._renames(mutant))
        self._expected = ExpectedLanes(self._cases, self._unchanged, Phrasebook(bundle))
        self._run()

    def problem(self, case: PreparedCase) -> str:
        """The place of a case and how it fails without any change; "" where it passes."""
        found = next(departures(self._bundle, self._pdp, case), "")
        return f"{case.file}:{case.line}: {found}" if found else ""

    def notices(self, mutant: Mutant) -> bool:
        """Whether any case comes out differently."""
        moved = self._moved(mutant)
        redated = _redated(self._bundle.rules, mutant.rules)
        try:
            return self._noticed(mutant, moved, redated)
        finally:
            self._unchanged.slots.forget(self._size)
            del self._values[self._size :]

    def _moved(self, mutant: Mutant) -> list[VerdictMove]:
        """What a mutant moves of the verdicts; the lanes of its slots are worked out."""
        moved = self._unchanged.changed(mutant.rules, self._renames(mutant))
        run(self._unchanged.slots.code, self._values, self._every)
        return moved

    def _noticed(self, mutant: Mutant, moved: Sequence[VerdictMove], redated: Sequence[str]) -> bool:
        surely, by_outcome, by_decision = self._expected.departing(moved, redated, self._values)
        if any(map(self._passes, self._of(surely))):
            return True
        by_decision |= self._disputed(moved)
        bundle = replace(self._bundle, rules=mutant.rules, duties=mutant.rules.duties())
        reference = Reference(mutant.rules)
        for case in self._of(by_outcome & ~by_decision):
            exchange = self._read(case)
            verdict = reference.evaluate(exchange, case.as_of)
            outcome = self._combiner.outcome(exchange, verdict, case.as_of)
            if departs(case, verdict, outcome) and self._passes(case):
                return True
        moved_public = self._public if moved or redated else []
        waiting = [*self._of(by_decision), *moved_public]
        if not waiting:
            return False
        pdp = PDP(bundle, "bitset")
        return any(any(departures(bundle, pdp, case)) and self._passes(case) for case in waiting)

    def _passes(self, case: PreparedCase) -> bool:
        """Whether a case passes without any change."""
        if id(case) not in self._sound:
            self._sound[id(case)] = not self.problem(case)
        return self._sound[id(case)]

    def _of(self, lanes: int) -> Iterator[PreparedCase]:
        """The cases of some lanes, those of the changed policies first."""
        for some in (lanes & self._own, lanes & ~self._own):
            yield from (self._cases[lane] for lane in members(some))

    def _disputed(self, moved: Sequence[VerdictMove]) -> int:
        """The lanes of cases with disputed facts of which something moves under some choice of their values."""
        apart, found = 0, 0
        for each in moved:
            for one, other in zip(each.before, each.after, strict=True):
                apart |= self._values[one] ^ self._values[other]
        for lane, those in self._choices.items():
            found |= 1 << lane if apart & those else 0
        return found

    def _read(self, case: PreparedCase) -> Exchange:
        """The exchange of a case as the engines read it."""
        exchange, shown = case.exchange.shown_on(case.as_of), self._bundle.vocabulary.must_be_shown
        return shown_only(exchange, shown) if shown else exchange

    def _run(self) -> None:
        """Decide all cases without any change, and read the tests that mutants have beside."""
        lanes = [(self._read(case), case.as_of) for case in self._cases]
        self._choices: dict[int, int] = {}
        for lane, (exchange, day) in enumerate(tuple(lanes)):
            if exchange.disputed:
                chosen = list(choices(exchange))
                self._choices[lane] = ((1 << len(chosen)) - 1) << len(lanes)
                lanes += [(each, day) for each in chosen]
        slots = self._unchanged.slots
        registers = dict(self._bundle.rules.registers) | dict(self._renamed.values())
        rules = replace(self._bundle.rules, registers=registers)
        coder = Coder(rules, self._unchanged)
        given = coder.code(side_by_side(lanes))
        self._every = (1 << len(lanes)) - 1
        self._values: list[int] = []
        self._size = len(slots.code)
        run(slots.code, self._values, self._every, {slot: given[place] for slot, place in coder.place.items()})

    def _renames(self, mutant: Mutant) -> Mapping[str, str]:
        """The names under which the registers of a mutant are read that are not those of the bundle."""
        if mutant.rules.registers is self._bundle.rules.registers:
            return {}
        names = {name: self._renamed.get(id(entries)) for name, entries in mutant.rules.registers.items()}
        return {name: renamed[0] for name, renamed in names.items() if renamed}

    @cached_property
    def _pdp(self) -> PDP:
        return PDP(self._bundle, "bitset")


def run(code: Sequence[tuple[str, int, int]], values: list[int], every: int, given: Mapping[int, int] | None = None) -> None:
    """Work out the lanes of the slots that have none yet."""
    for slot in range(len(values), len(code)):
        kind, one, other = code[slot]
        match kind:
            case "and":
                values.append(values[one] & values[other])
            case "or":
                values.append(values[one] | values[other])
            case "not":
                values.append(every ^ values[one])
            case "in":
                values.append((given or {})[slot])
            case _:
                values.append(every if kind == "yes" else 0)


def changed_registers(rules: RuleSet, mutants: Sequence[Mutant]) -> dict[int, tuple[str, Entries]]:
    """The registers that mutants change, by their identity, each with a name of its own."""
    return {
        id(entries): (f"{name}~{number}", entries)
        for number, mutant in enumerate(mutants)
        if mutant.rules.registers is not rules.registers
        for name, entries in mutant.rules.registers.items()
        if entries is not rules.registers[name]
    }


def departs(case: PreparedCase, verdict: Verdict, outcome: Outcome) -> bool:
    """Whether a verdict and its outcome show that a case does not come out as it expects."""
    expect = case.expect
    if any(plain_departures(case, verdict, outcome)) or (expect.proceed and (expect.proceed == "yes") is not outcome.permits):
        return True
    if expect.not_modelled is None:
        return False
    gaps = (gap for gap in outcome.coverage.gaps if gap.certain)
    return {gap.country if not gap.subject else f"{gap.country}:{gap.subject}" for gap in gaps} != set(expect.not_modelled)


def _redated(before: RuleSet, after: RuleSet) -> list[str]:
    """The duties whose last day is another."""
    was = before.duties()
    return [key for key, duty in after.duties().items() if duty.due != was[key].due]
