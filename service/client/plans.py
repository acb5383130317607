"""Reads the decision on a plan, or says why it cannot be read; a permit of which a part does not permit is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from .answers import OUTCOMES, PERMITTING
from .errors import Malformed
from .shapes import member

SCHEMA = "fifthfactor/plan-decision/1"


@dataclass(frozen=True, slots=True)
class PlannedLeg:
    """One leg of a plan. `document` is the whole decision on it; `after` is the leg before it, "" where there is none."""

    leg: str
    after: str
    proceed: bool
    outcome: str
    sentence: str = field(repr=False)
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """
    The decision on a plan. It is not recorded and cannot be committed: evaluate each leg before it happens.

    `proceed` is true only if every leg may go ahead and nothing that the legs do together stands against it. `document` is the whole
    decision, with what the legs do together; `service/docs/plans.md` explains it.
    """

    proceed: bool
    outcome: str
    id: str
    sentence: str = field(repr=False)
    as_of: date
    legs: tuple[PlannedLeg, ...]
    document: Mapping[str, Any] = field(repr=False, compare=False)

    def __bool__(self) -> bool:
        """Raises TypeError: a plan is there even for a refusal, so `if plan:` would permit everything."""
        raise TypeError("a plan is neither true nor false: use `.proceed`")


def plan(read: Mapping[str, Any], sent: int) -> Plan:
    """The decision on a plan of so many legs. Raises Malformed."""
    if read.get("schema") != SCHEMA or read.get("recorded") is not False:
        raise Malformed(f"the answer is not a `{SCHEMA}`")
    legs = tuple(map(_leg, member(read, "legs", tuple[Mapping[str, Any], ...])))
    proceed, outcome = member(read, "proceed", bool), member(read, "outcome", str)
    if len(legs) != sent or outcome not in OUTCOMES:
        raise Malformed("the answer has not one decision for each leg, or no readable `outcome`")
    stands = (read.get(name) for name in ("wholes", "contradictions", "unlinked"))
    permits = outcome in PERMITTING and read.get("hypothetical") is False and all(leg.proceed for leg in legs)
    if proceed and (not permits or any(stands)):
        raise Malformed("the answer says `proceed`, but its other parts contradict this")
    return Plan(
        proceed=proceed,
        outcome=outcome,
        id=member(read, "id", str),
        sentence=member(read, "answer", str),
        as_of=member(read, "as_of", date),
        legs=legs,
        document=read,
    )


def _leg(read: Mapping[str, Any]) -> PlannedLeg:
    decision = member(read, "decision", Mapping[str, Any])
    proceed, outcome = member(decision, "proceed", bool), member(decision, "outcome", str)
    if proceed and outcome not in PERMITTING:
        raise Malformed("a leg of the answer says `proceed`, but its outcome contradicts this")
    sentence = member(decision, "answer", str)
    return PlannedLeg(member(read, "leg", str), member(read, "after", str, ""), proceed, outcome, sentence, decision)
