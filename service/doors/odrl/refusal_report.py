"""
What is answered in the place of a policy where an exchange may not proceed: what would let it, and never an offer.

A connector accepts an offer without a person. So a refused exchange has no policy at all: this document has no `@type` and no permission,
and no program can take it for one.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from pydantic import Field

import engine
from service.api.operations import Shown
from service.decisions.standing_permits import RefusedExchange

SAYS = "no policy is written of an exchange that may not proceed; what would let it is listed here"


class OdrlReport(Shown):
    """Why no policy is written of a decision, and what would let its exchange proceed."""

    schema_: Literal["fifthfactor/odrl-report/1"] = Field(default="fifthfactor/odrl-report/1", alias="schema")
    says: str = Field(description="that there is no policy")
    decision: str = Field(description="the id of the decision")
    as_of: date = Field(description="the day whose law decided")
    hypothetical: bool = Field(description="whether that day was not the day of the decision; then nothing may proceed by it")
    outcome: str = Field(description="the outcome of the decision")
    bounds: engine.BoundsPart = Field(description="the mildest and the strictest outcome that the unknown facts leave possible")
    answer: str = Field(description="the decision in a sentence")
    unmet: list[engine.UnmetPart] = Field(description="what is required and not shown, as the answer has it")
    ways: list[engine.WaysPart] = Field(
        description="for each requirement that is not met, the ways to meet it; and those out of a prohibition"
    )
    remedies: engine.RemediesPart | None = Field(
        default=None, description="changes that let the exchange proceed: deciding it again verified each"
    )
    reviews: list[engine.BesidePart] = Field(description="what a person must look at")
    questions: list[engine.AskedPart] = Field(description="the facts to find out next")
    gaps: list[engine.GapPart] = Field(description="law that does not speak of the exchange, or was not read")


def report(refused: RefusedExchange) -> dict[str, Any]:
    """The report on an exchange that may not proceed, as JSON; its parts are as the answer and the explanation have them."""
    answer: Mapping[str, Any] = refused.record["decision"]
    explained = refused.explanation
    return {
        "schema": "fifthfactor/odrl-report/1",
        "says": SAYS,
        "decision": refused.record["id"],
        **{name: answer[name] for name in ("as_of", "hypothetical", "outcome", "bounds", "answer")},
        "unmet": answer.get("unmet") or [],
        "ways": explained.get("ways") or [],
        **({"remedies": explained["remedies"]} if explained.get("remedies") else {}),
        "reviews": answer.get("besides") or [],
        "questions": answer.get("questions") or [],
        "gaps": answer.get("gaps") or [],
    }
