"""
What the analysis finds in a bundle: a bundle and a day go in, findings in file order come out, with what was asked and confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date

from engine.analysis.analysed_bundle import AnalysedBundle
from engine.analysis.dead_flows import dead_flows
from engine.analysis.dead_provisions import dead_provisions
from engine.analysis.finding import Finding
from engine.analysis.idle_conditions import idle_conditions
from engine.analysis.implied_provisions import implied_provisions
from engine.analysis.steps import steps
from engine.analysis.unmet_requirements import unmet_requirements
from engine.bundle import Bundle

PARTS: dict[str, Callable[[AnalysedBundle], Iterator[Finding]]] = {
    "provisions": dead_provisions,
    "conditions": idle_conditions,
    "pairs of provisions": implied_provisions,
    "requirements": unmet_requirements,
    "flows": dead_flows,
    "steps": steps,
}
"""What is looked at, in this order; what never stands is found first."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """
    The findings, and those of them that were neither proven nor confirmed. `witnesses` were confirmed by the engines, `open` ones were not
    found; `questions` counts what was asked, `solved` what the solver was asked.
    """

    findings: tuple[Finding, ...]
    not_shown: tuple[Finding, ...]
    witnesses: int
    open: int
    questions: int
    solved: int


def analyse(
    bundle: Bundle, today: date, only: Collection[str] = (), progress: Callable[[str], None] = lambda part: None
) -> Analysis:
    """Everything that is found, or only what has one of some codes. `progress` is told what is looked at. Raises SolverMissing."""
    progress("formula")
    analysed = AnalysedBundle(bundle, today)
    found: list[Finding] = []
    for part, look in PARTS.items():
        progress(part)
        found += look(analysed)
    kept = sorted((each for each in found if not only or each.code in only), key=lambda each: each.order)
    return Analysis(
        tuple(each for each in kept if each.state != "open"),
        tuple(each for each in kept if each.state == "open"),
        analysed.confirmed,
        analysed.open,
        analysed.asked.questions,
        analysed.asked.solved,
    )
