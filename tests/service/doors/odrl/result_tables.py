"""The tables of results on the page of the evaluator, from the fixtures."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from service.doors.odrl import turtle
from service.doors.odrl.evaluation import suite
from tests.service.conftest import ROOT

FIXTURES = ROOT / "tests" / "service" / "doors" / "fixtures"
SUITE = FIXTURES / "odrl-test-suite" / "data"
EXAMPLES = FIXTURES / "formal-semantics" / "examples"
DESCRIPTION = "http://purl.org/dc/terms/description"


def suite_rows() -> Iterator[tuple[str, ...]]:
    """A row for each policy of the test suite: its cases, the states that their reports name, and how many come out."""
    cases = suite.cases(SUITE)
    for policy, of in groupby(cases, key=lambda each: each.policy):
        compared = [suite.run(each) for each in of]
        numbers = [each.name[:3] for each in compared]
        states = sum(len(each.expected) for each in compared)
        different = sum(len(each.differences) for each in compared)
        yield (
            _description(policy),
            numbers[0] if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}",
            f"{sum(each.agrees('activationState') for each in compared)} of {len(compared)}",
            f"{states - different:,} of {states:,}",
            str(sum(each.missing_nodes for each in compared) or ""),
        )


def example_rows() -> Iterator[tuple[str, ...]]:
    """A row for each evaluation of the draft, with what differs."""
    for each in map(suite.run, suite.cases(EXAMPLES)):
        states = len(each.expected)
        yield each.name, f"{states - len(each.differences)} of {states}", "; ".join(each.differences)


def _description(policy: Path) -> str:
    said = turtle.triples(policy.read_bytes())
    return next(each.object.text for each in said if each.predicate == DESCRIPTION)
