"""The parts of a decision that are searched where a caller asks: remedies, ways to a requirement, until when the outcome holds."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import ConfigDict, Field

from engine.decision.decision_part import Outcome, Part


def _nothing(value: Any) -> bool:
    return value is None


class ChangePart(Part):
    """
    One thing to change: a fact, or a document to obtain (`fact` is then `evidence.KIND`). `from` and `to` are written as in an exchange;
    `from` is null if nothing was sent. `do` is the change as a sentence. `how` says how to meet the requirement that the change meets.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    fact: str
    from_: Any = Field(None, alias="from")
    to: Any
    do: str
    how: str = ""


class RemedyPart(Part):
    """Changes that together let the exchange go ahead; deciding it again verified this. `duties` are then owed, or may be owed."""

    changes: list[ChangePart]
    outcome: Literal["permitted", "permitted_with_obligations"]
    duties: list[str] = []


class RemediesPart(Part):
    """
    What would let a refused exchange go ahead: fewest changes first, documents before facts. No remedy contains another.

    `searched` is "all" if every combination of ways was tried or ruled out, "partly" if it was cut short. Ways are those to what is not
    met and out of what prohibits, and what would end a rule otherwise; a fact without a value may complete them. Where the parties and the
    data are is changed once at most, and together with other ways only where nothing else was found. The search ends once five remedies
    are found and none can be smaller. A claim is proposed only where nothing else was found.
    """

    remedies: list[RemedyPart] = []
    searched: Literal["all", "partly"]


class NeedPart(Part):
    """
    What a way needs: a test of a fact, of a document (`evidence.KIND`) or of a claim (`claims.KIND`), or several parts, all of them or any.

    `state` says whether the exchange has it, lacks it or leaves it unknown. `issued_by` says who makes or issues a document, `filed_with`
    where it is filed.
    """

    fact: str | None = Field(default=None, exclude_if=_nothing)
    says: str | None = Field(default=None, exclude_if=_nothing)
    state: Literal["have", "lack", "unknown"] | None = Field(default=None, exclude_if=_nothing)
    issued_by: str | None = Field(default=None, exclude_if=_nothing)
    filed_with: str | None = Field(default=None, exclude_if=_nothing)
    all_of: list[NeedPart] | None = Field(default=None, exclude_if=_nothing)
    any_of: list[NeedPart] | None = Field(default=None, exclude_if=_nothing)


class MeansPart(Part):
    """
    One way: a ground, an excuse from the requirement, or an exemption from the provision. `lacks` and `unknown` count what is lacking and
    what is unknown in its shortest alternative. A `doubtful` one leaves a review. It is `to_yes` only if the whole exchange, decided again
    with it, is permitted.
    """

    way: str
    kind: Literal["ground", "excuse", "exemption"]
    title: str
    citation: str
    mark: str
    doubtful: bool
    lacks: int
    unknown: int
    to_yes: bool
    needs: NeedPart | None = None


class WaysPart(Part):
    """
    The ways to a requirement that is not met, those that lack least first; without a `requirement`, those out of a prohibition.

    `under` are the provisions that ask for it or prohibit. `left_out` counts the ways that other facts exclude; if there is no way left,
    `says` says so.
    """

    requirement: str | None = None
    title: str
    how: str = ""
    under: list[str]
    ways: list[MeansPart]
    left_out: int = 0
    says: str = ""


class HorizonPart(Part):
    """
    The last day on which the same facts still have the same outcome; null if the outcome does not change within ten years.

    `then` is the outcome on the day after. `because` says what changes on that day; `provisions` are those that begin or cease to
    apply. If `searched` is "partly", the outcome holds at least until `holds_until`; later days were not searched.
    """

    holds_until: date | None = None
    then: Outcome | None = None
    because: list[str] = []
    provisions: list[str] = []
    searched: Literal["all", "partly"]
