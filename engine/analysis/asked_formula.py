"""
A formula that is asked many questions: whether some literals can hold together in an exchange that the door accepts.

What was found possible once is kept: most questions are answered by an exchange that an earlier one found, and no solver is asked. What is
asked is asked of complete exchanges, which is enough for findings on one bundle, since what stands certainly on part of an exchange stands
on the whole of it (2.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.analysis.formula import Formula, Reading
from engine.analysis.gates import TRUE
from engine.analysis.solver import ClauseSolver
from engine.rules import Condition

MODELS = 2_000  # that are kept at most


class AskedFormula:
    """One formula with its solver. `questions` counts what was asked, `solved` what the solver was asked."""

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        self.gates = formula.gates
        self.exchange = formula.exchange
        self.questions = self.solved = 0
        self._solver = ClauseSolver()
        for rule in formula.bundle.rules.rules:  # what is asked of all: gates that are older than the models are read from these
            formula.holds(rule.key), formula.stands(rule.key)
        for each in (formula.exchange.complete, formula.accepted, formula.plain):
            self._solver.add((each,))
        self._models: list[bytearray] = []  # of each variable, whether it holds
        self._seen: dict[int, tuple[int, int]] = {}  # of a literal: in which of the first so many models it holds
        self._conditions: dict[Condition, Reading] = {}
        self._core: tuple[int, ...] = ()
        self._finished = 0  # so many inputs
        self._top = self._read = 0  # the last variable that a clause names, of so many clauses

    def condition(self, condition: Condition) -> Reading:
        """How a condition reads, in literals."""
        found = self._conditions.get(condition)
        if found is None:
            found = self._conditions[condition] = self.formula.condition(condition)
        return found

    def possible(self, *literals: int) -> bool:
        """Whether some complete exchange that the door accepts has all of some literals."""
        self.questions += 1
        wanted = [each for each in dict.fromkeys(literals) if each != TRUE]
        if any(each == -TRUE or -each in wanted for each in wanted):
            self._core = tuple(wanted)
            return False
        held = (1 << len(self._models)) - 1
        for each in wanted:
            held &= self._held(each)
            if not held:
                break
        return bool(held) or self.model(wanted) is not None

    def model(self, literals: Iterable[int]) -> Callable[[int], bool] | None:
        """An exchange that has all of some literals, as a model; None where there is none."""
        self.solved += 1
        if self._finished != len(self.gates.inputs):  # what is new hangs together with what is known
            self.exchange.finish()
            self._finished = len(self.gates.inputs)
        self._solver.add_new(self.gates.clauses)
        found = self._solver.model(list(literals))
        if found is None:
            self._core = self._solver.core()
        elif len(self._models) < MODELS:
            self._models.append(self._compact(found))
        return found

    @property
    def core(self) -> tuple[int, ...]:
        """Of the literals of the last question that had no answer, some that already exclude one another."""
        return self._core

    def _held(self, literal: int) -> int:
        """In which of the models that are known a literal holds, as bits."""
        bits, number = self._seen.get(literal, (0, 0))
        if number < len(self._models):
            for place in range(number, len(self._models)):
                if self._in(self._models[place], literal):
                    bits |= 1 << place
            self._seen[literal] = bits, len(self._models)
        return bits

    def _in(self, model: bytearray, literal: int) -> bool | None:
        """
        Whether a literal holds in a model; a gate that is younger than the model is worked out. None of an input that is younger: of it
        nothing is known.
        """
        variable = abs(literal)
        if variable < len(model):
            return bool(model[variable]) is (literal > 0)
        parts = self.gates.parts.get(variable)
        if parts is None:
            return None
        held = [self._in(model, each) for each in parts]
        found = False if False in held else None if None in held else True
        return None if found is None else found is (literal > 0)

    def _compact(self, holds: Callable[[int], bool]) -> bytearray:
        clauses = self.gates.clauses
        self._top = max(self._top, max((abs(each) for clause in clauses[self._read :] for each in clause), default=0))
        self._read = len(clauses)
        return bytearray([0, *map(holds, range(1, self._top + 1))])
