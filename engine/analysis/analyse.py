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
from engine.analysis.known import told_apart
from engine.analysis.steps import steps
from engine.analysis.unmet_requirements import unmet_requirements
from engine.bundle import Bundle

PARTS: dict[str, tuple[Callable[[AnalysedBundle], Iterator[Finding]], frozenset[str]]] = {
    "provisions": (
        dead_provisions,
        frozenset({"never-stands", "past-only", "always-exempted", "never-lifts", "always-overdue"}),
    ),
    "conditions": (idle_conditions, frozenset({"always-holds", "never-holds"})),
    "pairs of provisions": (implied_provisions, frozenset({"implied", "same-provision"})),
    "requirements": (unmet_requirements, frozenset({"cannot-be-met", "always-met", "demanded-and-forbidden"})),
    "flows": (dead_flows, frozenset({"nothing-goes-free", "nothing-speaks"})),
    "steps": (steps, frozenset({"steps-gap", "steps-overlap"})),
}
"""What is looked at, with the codes that it gives. What never stands is found first, and always, since nothing else is said of it."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """
    The findings, and beside them those that were neither proven nor confirmed, and how many an author knows. `witnesses` were confirmed by
    the engines, `open` ones were not found; `refused` counts the exchanges that the engines did not confirm on the
    way; `questions` counts what was asked, `solved` what the solver was asked.
    """

    findings: tuple[Finding, ...]
    not_shown: tuple[Finding, ...]
    known: int
    witnesses: int
    open: int
    refused: int
    questions: int
    solved: int


def analyse(
    bundle: Bundle,
    today: date,
    *,
    only: Collection[str] = (),
    file: str = "",
    progress: Callable[[str], None] = lambda part: None,
) -> Analysis:
    """
    Everything that is found in files whose name contains `file`, or only what has one of some codes.

    What an author knows is left out, and what she says to know and is not found is a finding (`known_findings`), where all codes are
    looked for. `progress` is told what is looked at. Raises SolverMissing.
    """
    progress("formula")
    analysed = AnalysedBundle(bundle, today, file)
    found: list[Finding] = []
    for number, (part, (look, codes)) in enumerate(PARTS.items()):
        if number == 0 or not only or not codes.isdisjoint(only):
            progress(part)
            found += look(analysed)
    kept, known = told_apart(analysed, [each for each in found if not only or each.code in only], whole=not only)
    kept.sort(key=lambda each: each.order)
    return Analysis(
        tuple(each for each in kept if each.state != "open"),
        tuple(each for each in kept if each.state == "open"),
        known,
        analysed.confirmed,
        analysed.open,
        analysed.refused,
        analysed.asked.questions,
        analysed.asked.solved,
    )
