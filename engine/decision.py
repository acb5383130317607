"""
The decision: what a caller is told, as one versioned document.

It leads with `proceed` and `answer`; the rest says why, what is missing, what is owed, and what the data factor account holds
(semantics 4.8). A value of a fact marked personal is never in it: its place says `personal`.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA = "fifthfactor/decision/1"

LevelWord = Literal[
    "not_applicable", "permitted", "permitted_with_obligations", "requirements_unmet", "review", "prohibited"
]  # fmt: skip
Outcome = Literal[
    "not_applicable", "permitted", "permitted_with_obligations", "requirements_unmet", "review", "prohibited", "undetermined"
]  # fmt: skip
TruthWord = Literal["yes", "no", "unknown"]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BoundsPart(Part):
    """The mildest and the strictest level the outcome may have, whatever the unknown facts are."""

    lowest: LevelWord
    highest: LevelWord


class JurisdictionPart(Part):
    """What one jurisdiction says."""

    jurisdiction: str
    title: str
    outcome: Outcome
    bounds: BoundsPart


class EvidencePart(Part):
    """A test of a provision and the fact it met. `value` is as sent, null where nothing was sent, "personal" where it is withheld."""

    fact: str
    test: str
    value: Any = None
    truth: TruthWord


class ReasonPart(Part):
    """
    A provision that stands, or may. `standing` is "certain" or "possible". `mark` is how sure the provision itself is: confirmed,
    from-memory or unsure.
    """

    provision: str
    citation: str
    instrument: str
    jurisdiction: str
    force: str
    mark: str
    effect: str
    title: str
    says: str
    message: str = ""
    requires: list[str] = []
    standing: Literal["certain", "possible"]
    evidence: list[EvidencePart] = []
    source: str
    at: str


class BeatenPart(Part):
    """A provision that would stand but for an exemption. A doubtful exemption lifts nothing and opens a review."""

    provision: str
    by: list[str]
    certain: bool
    doubtful: bool


class RequirementPart(Part):
    """A requirement that a standing provision asks for, how it stands, what would meet it."""

    requirement: str
    title: str
    state: Literal["met", "unmet", "unknown", "doubtful"]
    how: str
    met_by: list[str] = []
    required_by: list[str] = []


class DutyPart(Part):
    """Something owed. `due` is the last day, where it is known."""

    duty: str
    who: str
    citation: str = ""
    under: str
    certain: bool
    due: date | None = None
    overdue: TruthWord
    keep: str = ""
    arises: Literal["exchange", "refusal"]


class AdvicePart(Part):
    provision: str
    citation: str
    force: str
    mark: str
    advice: str
    lane: str = ""


class ConflictPart(Part):
    """Two sovereigns that contradict each other, or a lane that meets a bar (`kind` "notice")."""

    kind: Literal["conflict", "notice"]
    text: str
    provisions: list[str]


class QuestionPart(Part):
    fact: str
    question: str
    type: str
    values: list[str] = []


class MissingPart(Part):
    """Facts to find out. `settles`: whatever the answers are, the outcome is then known (verified by evaluating them)."""

    facts: list[QuestionPart]
    settles: bool


class NotModelledPart(Part):
    """A country or subject matter that the bundle has no policies for. `reviewed`: it weighs on the outcome."""

    country: str
    subject: str
    touched_as: list[str]
    certain: bool
    reviewed: bool


class CoveragePart(Part):
    jurisdictions: list[str]
    not_modelled: list[NotModelledPart] = []
    notes: list[str] = []


class FactorLinePart(Part):
    title: str
    fact: str
    value: Any = None


class LanePart(Part):
    """A lane of facilitation: open, possible (facts are missing), or closed, with what would open it."""

    lane: str
    title: str
    state: Literal["open", "possible", "closed"]
    provision: str
    citation: str
    force: str
    mark: str
    opens_when: list[str] = []
    closed_by: list[str] = []


class FactorPart(Part):
    """The data factor account: rights, grade, registration, valuation, price, benefit split, and the lanes."""

    account: dict[str, dict[str, FactorLinePart]]
    lanes: list[LanePart] = []


class EnginePart(Part):
    """Which engines decided. Where two disagree, `agreed` is false and the outcome is never a permit."""

    version: str
    mode: str
    engines: list[str]
    agreed: bool
    disagreement: list[str] = []


class DigestsPart(Part):
    meaning: str
    source: str


class SignedOffPart(Part):
    """
    An approval that the decision rests on. `accepts` "review": the provision's review is put away; "lift": what the provision lifts
    only in doubt counts as lifted. `until` is its last day.
    """

    provision: str
    accepts: Literal["review", "lift"]
    sign_off: str
    by: str
    until: date


class Decision(Part):
    """
    The decision on one exchange under the law of one day. `carried` is there only where conditions came with the data, `signed_off`
    only where it rests on approvals.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        title="Decision",
        json_schema_extra={"$id": "urn:fifthfactor:decision:1"},
    )

    schema_: Literal["fifthfactor/decision/1"] = Field("fifthfactor/decision/1", alias="schema")
    id: str
    proceed: bool
    answer: str
    outcome: Outcome
    bounds: BoundsPart
    beneath: BoundsPart
    as_of: date
    hypothetical: bool
    jurisdictions: list[JurisdictionPart]
    reasons: list[ReasonPart]
    beaten: list[BeatenPart] = []
    requirements: list[RequirementPart] = []
    duties: list[DutyPart] = []
    advice: list[AdvicePart] = []
    conflicts: list[ConflictPart] = []
    missing: list[MissingPart] = []
    coverage: CoveragePart
    factor: FactorPart
    bundle: DigestsPart
    engine: EnginePart
    carried: list[CarriedPart] | None = None
    signed_off: list[SignedOffPart] | None = None
    remedies: RemediesPart | None = None
    holds_until: HorizonPart | None = None
    trace: TracePart | None = None


class TracedPart(Part):
    """How one rule stands: whether its condition holds, whether it stands, whether a doubtful exemption reaches it."""

    rule: str
    holds: TruthWord
    stands: TruthWord
    doubted: TruthWord


class TracePart(Part):
    """Everything that was decided on the way: each definition, rule and requirement, those too that come to nothing."""

    definitions: dict[str, TruthWord]
    rules: list[TracedPart]
    requirements: dict[str, str]


class ChangePart(Part):
    """
    One thing to change: a fact, or a document to obtain (`fact` is then `evidence.KIND`). `from` and `to` are as in an exchange, `from`
    is null where nothing was sent; `do` says it in a sentence, `how` how the requirement it meets is met.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    fact: str
    from_: Any = Field(None, alias="from")
    to: Any
    do: str
    how: str = ""


class RemedyPart(Part):
    """Changes that together let the exchange go ahead, verified by deciding it again; `duties` are then owed, or may be."""

    changes: list[ChangePart]
    outcome: Literal["permitted", "permitted_with_obligations"]
    duties: list[str] = []


class RemediesPart(Part):
    """
    What would let a refused exchange go ahead, fewest changes first, documents before facts; none holds another.

    `searched`: "all" where every set of up to three changes was tried or ruled out, and longer lists of documents where no shorter
    one does, until five remedies were found; "partly" where the search was cut short.
    """

    remedies: list[RemedyPart] = []
    searched: Literal["all", "partly"]


class HorizonPart(Part):
    """
    The last day until which the same facts come to the same outcome; null where nothing ends it within ten years.

    `then` is the outcome of the day after; `because` what changes on it, `provisions` those that stand otherwise. Where `searched` is
    "partly" the outcome holds at least until that day, and what comes then was not looked at.
    """

    holds_until: date | None = None
    then: Outcome | None = None
    because: list[str] = []
    provisions: list[str] = []
    searched: Literal["all", "partly"]


class CarriedPart(Part):
    """
    A condition that came with the data from an earlier leg or exchange, `from`. `state`: "observe" where nothing can be tested;
    else whether this one meets it: "met", "violated", or "unknown", and then `asks` names the facts to find out. `else` is what
    a violation comes to. `certain`: whether it travels for certain.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: str = Field(alias="from")
    provision: str
    instrument: str
    citation: str
    mark: str
    condition: str
    state: Literal["observe", "met", "unknown", "violated"]
    else_: LevelWord | None = Field(None, alias="else")
    asks: list[str] = []
    certain: bool


Decision.model_rebuild()


class LegPart(Part):
    """
    One leg of a plan. `carried` is what came from the legs before it, and is in the decision as well, beside what the sender stated: in
    its outcome, its answer and its own `carried`.
    """

    leg: str
    after: str = ""
    carried: list[CarriedPart] = []
    decision: Decision


class PlanDecision(Part):
    """
    The decision on a plan: it may go ahead where every leg may, and is as strict as its strictest leg. `holds_until` ends where the
    outcome of any leg does; its `then` is the plan's.
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
    legs: list[LegPart]
    holds_until: HorizonPart | None = None
