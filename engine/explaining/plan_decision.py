"""The decision on a plan, as one versioned document: that on each of its legs, and what they do together (semantics 4.14)."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import ConfigDict, Field

from engine.decision import BoundsPart, CarriedPart, Decision, HorizonPart, Outcome, Part, QuestionPart


class LegPart(Part):
    """
    One leg of a plan. `carried` lists the conditions from earlier legs. The decision on the leg counts them too: its own `carried`
    lists them together with the conditions that the sender stated.
    """

    leg: str
    after: str = ""
    carried: list[CarriedPart] = []
    decision: Decision


class WholePart(Part):
    """
    What the first leg's exporter does by a later leg, as one exchange, where it may not go ahead or where facts decide.

    `against` are the provisions of the first exporter's law that stand against it, or may, and `reach/COUNTRY/SUBJECT` for the reach of a
    law. `asks` is the next question, None if nothing can be asked.
    """

    first: str
    leg: str
    outcome: Outcome
    bounds: BoundsPart
    against: list[str]
    says: str
    asks: QuestionPart | None = None


class ContradictionPart(Part):
    """What a leg states otherwise than the leg before it: more people, other places, or another role of the party between them."""

    leg: str
    before: str
    kind: Literal["people", "places", "party", "whole"]
    fact: str
    says: str


class UnlinkedPart(Part):
    """A leg whose exporter may be the recipient of another leg, `of`, and that does not say whether its data came from there."""

    leg: str
    of: str = Field(description="the leg by which they may have come")
    question: str


class PlanStatementPart(Part):
    """A statement of a leg by which its data are not those that an earlier leg brought. A plan that is permitted rests on it."""

    leg: str
    fact: str
    source: Literal["stated", "registered", "shown", "counted", "signed", "accepted"]


class PlanDecision(Part):
    """
    The decision on a plan. It is as strict as its strictest leg, its strictest whole (`wholes`), and a review where legs contradict each
    other (`contradictions`), which nobody may sign off; it is open where a leg does not say whether its data came by another (`unlinked`).
    `rests_on`, only of a permit, are statements beside those of the legs. `holds_until` ends when the outcome of any leg or whole changes;
    its `then` is the outcome of the plan. No part of a plan is `recorded`: each leg is evaluated by itself before it happens.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, title="PlanDecision", json_schema_extra={"$id": "urn:fifthfactor:plan-decision:1"}
    )

    schema_: Literal["fifthfactor/plan-decision/1"] = Field("fifthfactor/plan-decision/1", alias="schema")
    id: str
    proceed: bool
    answer: str
    outcome: Outcome
    bounds: BoundsPart
    as_of: date
    hypothetical: bool
    recorded: Literal[False] = Field(
        default=False, description="false: nothing of a plan is in a record, and no leg can be committed by it"
    )
    legs: list[LegPart]
    wholes: list[WholePart] = []
    contradictions: list[ContradictionPart] = []
    unlinked: list[UnlinkedPart] = []
    rests_on: list[PlanStatementPart] | None = None
    holds_until: HorizonPart | None = None
