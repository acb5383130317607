"""Reads the decision on a plan, or says why it cannot be read; a permit of which a part does not permit is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any

from .answer_parts import Outcome
from .answers import PERMITTING
from .errors import Malformed
from .reasons import Carried
from .shapes import WHOLE, Named, member

SCHEMA = "fifthfactor/plan-decision/1"


@dataclass(frozen=True, slots=True)
class PlannedLeg:
    """
    One leg of a plan. `document` is the whole decision on it; `after` is the leg before it, "" where there is none; `carried` are the
    conditions that came with the data from there.
    """

    leg: str
    after: str
    proceed: Annotated[bool, Named(None)]
    outcome: Annotated[Outcome, Named(None)]
    sentence: Annotated[str, Named(None)] = field(repr=False)
    document: Annotated[Mapping[str, Any], Named("decision")] = field(repr=False, compare=False)
    carried: tuple[Carried, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """
    The decision on a plan. It is not recorded and cannot be committed: evaluate each leg before it happens.

    `proceed` is true only if every leg may go ahead and nothing that the legs do together stands against it. `document` is the whole
    decision, with what the legs do together; `service/docs/plans.md` explains it.
    """

    proceed: bool
    outcome: Outcome
    id: str
    sentence: Annotated[str, Named("answer")] = field(repr=False)
    as_of: date
    legs: tuple[PlannedLeg, ...]
    document: Annotated[Mapping[str, Any], WHOLE] = field(repr=False, compare=False)

    def __bool__(self) -> bool:
        """Raises TypeError: a plan is there even for a refusal, so `if plan:` would permit everything."""
        raise TypeError("a plan is neither true nor false: use `.proceed`")


def plan(read: Mapping[str, Any], sent: int) -> Plan:
    """The decision on a plan of so many legs. Raises Malformed."""
    if read.get("schema") != SCHEMA or read.get("recorded") is not False:
        raise Malformed(f"the answer is not a `{SCHEMA}`")
    legs = tuple(map(_leg, member(read, "legs", tuple[Mapping[str, Any], ...])))
    proceed, outcome = member(read, "proceed", bool), member(read, "outcome", Outcome)
    if len(legs) != sent:
        raise Malformed("the answer has not one decision for each leg")
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
    proceed, outcome = member(decision, "proceed", bool), member(decision, "outcome", Outcome)
    if proceed and outcome not in PERMITTING:
        raise Malformed("a leg of the answer says `proceed`, but its outcome contradicts this")
    sentence = member(decision, "answer", str)
    carried = member(read, "carried", tuple[Carried, ...], ())
    return PlannedLeg(member(read, "leg", str), member(read, "after", str, ""), proceed, outcome, sentence, decision, carried)
