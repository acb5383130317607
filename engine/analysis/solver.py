"""
The solver: clauses and assumptions go in, a model or a proof that there is none comes out. The only module that knows PySAT and CaDiCaL.

Source: A. Biere and others, CaDiCaL 1.9; A. Ignatiev and others, PySAT (SAT 2018).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec

MISSING = "the solver is not installed; `pip install 'fifthfactor[analyse]'` adds it"
ENGINE = "cadical195"


class SolverMissing(ModuleNotFoundError):
    """The package of the extra `analyse` is missing; the message says how to add it."""


def need_solver() -> None:
    """Raises SolverMissing where the package of the extra `analyse` is not installed."""
    if find_spec("pysat") is None:
        raise SolverMissing(MISSING)


class ClauseSolver:
    """One solver that clauses are added to; what it has learnt stays for the next question."""

    def __init__(self) -> None:
        need_solver()
        from pysat.solvers import Solver

        self._solver = Solver(name=ENGINE)
        self._added = 0

    def add_new(self, clauses: Sequence[Sequence[int]]) -> None:
        """Add those of some growing clauses that were not added before."""
        for clause in clauses[self._added :]:
            self._solver.add_clause(clause)
        self._added = len(clauses)

    def add(self, clause: Iterable[int]) -> None:
        """Add a clause beside them."""
        self._solver.add_clause(list(clause))

    def model(self, assumptions: Sequence[int]) -> Callable[[int], bool] | None:
        """Whether each literal holds in a model in which all assumptions do; None where there is none."""
        if not self._solver.solve(assumptions=list(assumptions)):
            return None
        found: Sequence[int] = self._solver.get_model()
        # A variable that no clause names is left out, and may be either.
        return lambda literal: (abs(literal) <= len(found) and found[abs(literal) - 1] > 0) is (literal > 0)

    def holding(self, assumptions: Sequence[int]) -> bytearray | None:
        """The same of every variable by its number, as 0 or 1, to be kept."""
        if not self._solver.solve(assumptions=list(assumptions)):
            return None
        return bytearray([0, *[each > 0 for each in self._solver.get_model()]])

    def core(self) -> tuple[int, ...]:
        """Of the assumptions of a question without a model, some that already have none together."""
        return tuple(self._solver.get_core() or ())
