"""
A formula that is asked many questions: whether some literals can hold together in an exchange that the door accepts.

What was found possible once is kept: most questions are answered by an exchange that an earlier one found, and no solver is asked. Most are
asked of complete exchanges, which is enough for findings on one bundle, since what stands certainly on part of an exchange stands on the
whole of it (2.1).
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.analysis.formula import Formula
from engine.analysis.gates import TRUE
from engine.analysis.solver import ClauseSolver
from engine.backends.lanes.slots import Pair
from engine.rules import Condition, Rule
from engine.values.outcome_levels import Level

MODELS = 1_000  # that are kept at most


class AskedFormula:
    """
    One formula with its solver, and the rules that are asked about.

    `questions` counts what was asked, `solved` what the solver was asked.
    """

    def __init__(self, formula: Formula, rules: Sequence[Rule]) -> None:
        self.formula = formula
        self.gates = formula.gates
        self.exchange = formula.exchange
        self.questions = self.solved = 0
        self._solver = ClauseSolver()
        for (
            rule
        ) in formula.bundle.rules.rules:  # what is asked of all: gates that are older than the models are read from these
            formula.holds(rule.key), formula.stands(rule.key)
        for name in formula.bundle.vocabulary.jurisdictions:
            formula.level(Level.PERMITTED, name), formula.level(Level.REVIEW, name)
        for name in formula.bundle.rules.requirements:
            formula.states(name)
        # What only a register says, or what came with the data, is said of exchanges too; so they need not be plain.
        self._solver.add((formula.accepted,))
        self._models: list[bytearray] = []  # of each variable, whether it holds
        self._young: list[dict[int, bool | None]] = []  # of each model, the gates that are younger
        self._seen: dict[int, tuple[int, int]] = {}  # of a literal: in which of the first so many models it holds
        self._conditions: dict[Condition, Pair] = {}
        self._core: tuple[int, ...] = ()
        self._finished = 0  # so many inputs

    def condition(self, condition: Condition) -> Pair:
        """How a condition reads, in literals."""
        found = self._conditions.get(condition)
        if found is None:
            found = self._conditions[condition] = self.formula.condition(condition)
        return found

    def possible(self, *literals: int, partial: bool = False) -> bool:
        """Whether some exchange that the door accepts has all of some literals: a complete one, or one that may leave something out."""
        self.questions += 1
        if not partial:
            literals = (self.exchange.complete, *literals)
        wanted = [each for each in dict.fromkeys(literals) if each != TRUE]
        if any(each == -TRUE or -each in wanted for each in wanted):
            self._core = tuple(wanted)
            return False
        held = (1 << len(self._models)) - 1
        for each in wanted:
            held &= self._held(each)
            if not held:
                break
        return bool(held) or self._model(wanted)

    def _model(self, literals: list[int]) -> bool:
        """Whether the solver finds an exchange that has all of some literals; it is kept."""
        self.solved += 1
        if self._finished != len(self.gates.inputs):  # what is new hangs together with what is known
            self.exchange.finish()
            self._finished = len(self.gates.inputs)
        self._solver.add_new(self.gates.clauses)
        found = self._solver.holding(literals)
        if found is None:
            self._core = self._solver.core()
        elif len(self._models) < MODELS:
            self._models.append(found)
            self._young.append({})
        return found is not None

    @property
    def core(self) -> tuple[int, ...]:
        """Of the literals of the last question that had no answer, some that already exclude one another."""
        return self._core

    def _held(self, literal: int) -> int:
        """In which of the models that are known a literal holds, as bits."""
        bits, number = self._seen.get(literal, (0, 0))
        if number < len(self._models):
            for place in range(number, len(self._models)):
                if self._in(place, literal):
                    bits |= 1 << place
            self._seen[literal] = bits, len(self._models)
        return bits

    def _in(self, number: int, literal: int) -> bool | None:
        """
        Whether a literal holds in the model of a number; a gate that is younger than the model is worked out. None of an input that is
        younger: of it nothing is known.
        """
        model, variable = self._models[number], abs(literal)
        if variable < len(model):
            return bool(model[variable]) is (literal > 0)
        young = self._young[number]
        if variable not in young:
            held = [self._in(number, each) for each in self.gates.parts.get(variable, ())]
            unknown = variable not in self.gates.parts or (None in held and False not in held)
            young[variable] = None if unknown else False not in held
        found = young[variable]
        return None if found is None else found is (literal > 0)
