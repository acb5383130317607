"""
What can be proven about policies: a formula of a bundle, and questions to it.

See README.md beside this module for what goes in and out, and for what is exact and what is free.
"""

from engine.analysis.formula import Formula, FormulaDraft, formulas
from engine.analysis.instrument_moves import InstrumentMove
from engine.analysis.outcome_moves import OutcomeMoves, OutcomePair
from engine.analysis.prover import Example, OpenQuestion, Proof, ProofAnswer, Prover, WitnessDecider, WitnessVerdict
from engine.analysis.solver import SolverMissing, need_solver

__all__ = [
    "Example",
    "Formula",
    "FormulaDraft",
    "InstrumentMove",
    "OpenQuestion",
    "OutcomeMoves",
    "OutcomePair",
    "Proof",
    "ProofAnswer",
    "Prover",
    "SolverMissing",
    "WitnessDecider",
    "WitnessVerdict",
    "formulas",
    "need_solver",
]
