"""
The whole decision, as one versioned document: what the command line, plans and the pages show. Callers get the answer (`engine.answer`).

It begins with `proceed` and `answer`; the rest says why, what is missing, what is owed, and what the data factor account holds
(semantics 4.8). It never shows the value of a fact marked personal; `personal` stands in its place.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import ConfigDict, Field

from engine.decision.change_schema import HorizonPart, RemediesPart, WaysPart
from engine.decision.coverage_schema import (
    CoveragePart,
)
from engine.decision.decision_part import BoundsPart, LevelWord, Outcome, Part, TruthWord
from engine.decision.factor_schema import (
    FactorPart,
)

SCHEMA = "fifthfactor/decision/1"


class InstrumentPart(Part):
    """What one instrument makes of the exchange by itself; `instrument` is the id of its policy."""

    instrument: str
    title: str
    outcome: Outcome
    bounds: BoundsPart


class JurisdictionPart(Part):
    """The outcome under the law of one jurisdiction, and of each instrument that weighs in it, the strictest first."""

    jurisdiction: str
    title: str
    outcome: Outcome
    bounds: BoundsPart
    instruments: list[InstrumentPart] = []


class ElsewherePart(Part):
    """
    The jurisdictions that only facts which are not given could bring in, and all of it in a line.

    `fact` is the one that tells of most of them, with its question, where one does and the outcome is open.
    """

    places: list[str]
    says: str
    fact: str | None = None
    question: str | None = None


class EvidencePart(Part):
    """One test of a provision, and the fact that it tests. `value` is as sent, null if nothing was sent, "personal" if withheld."""

    fact: str
    test: str
    value: Any = None
    truth: TruthWord


class ReasonPart(Part):
    """
    A provision that applies, or may apply. `standing` is "certain" or "possible". `mark` says how sure the authors are of the
    provision: confirmed, from-memory or unsure.
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
    """A provision that would apply without an exemption. A doubtful exemption lifts nothing; it opens a review."""

    provision: str
    by: list[str]
    certain: bool
    doubtful: bool


class RequirementPart(Part):
    """A requirement of a provision that applies: its state, how to meet it, and the provisions that meet it or require it."""

    requirement: str
    title: str
    state: Literal["met", "unmet", "unknown", "doubtful"]
    how: str
    met_by: list[str] = []
    required_by: list[str] = []


class DutyPart(Part):
    """A duty that is owed. `due` is its last day, if that is known."""

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
    """
    One law compels what another refuses, or (`kind` "notice") a lane is open while the exchange may not go ahead.

    `provisions` begins with the one that compels, then come those that refuse. If one of the two only may, `certain` is false, and `asks`
    is the fact that decides; its question is at the end of the text.
    """

    kind: Literal["conflict", "notice"]
    text: str
    provisions: list[str]
    certain: bool = True
    asks: str | None = None


class QuestionPart(Part):
    """
    A fact or a document to find out. `narrows` are values that were sent and say too little; `values` then are what they may mean.

    A question of the type "group" stands for all `facts`, the first of which is `fact`: `none` is what an exchange states where there is
    nothing of them, by place. Where there is some, each of them is asked by itself.
    """

    fact: str
    question: str
    type: str
    values: list[str] = []
    narrows: list[str] = []
    facts: list[str] = []
    none: dict[str, Any] = {}


class MissingPart(Part):
    """Facts to find out. `settles` is true if every possible answer settles the outcome; the answers were evaluated to verify it."""

    facts: list[QuestionPart]
    settles: bool


class EnginePart(Part):
    """The engines that decided. If two disagree, `agreed` is false and the outcome is never a permit."""

    version: str
    mode: str
    engines: list[str]
    agreed: bool
    disagreement: list[str] = []


class DigestsPart(Part):
    meaning: str
    source: str


class BundlePart(DigestsPart):
    """The policies that decided. `folders` has the digest of each folder by itself, and is present only if there are two to eight."""

    folders: dict[str, str] | None = None


class SignaturePart(Part):
    """A further signature under an approval that several persons give, with its own last day."""

    sign_off: str
    by: str
    until: date


class SignedOffPart(Part):
    """
    An approval that the decision rests on. With `accepts` "review", the provision no longer asks for a review. With "lift", what the
    provision lifts only in doubt counts as lifted. With "reaches", a law that may reach the exporter counts as reaching it. With "reach" or
    "gap", `provision` is `reach/COUNTRY/SUBJECT` or `gap/COUNTRY/SUBJECT`, a law that may reach the data or was not read. `until` is the
    last day of the approval. Where two persons had to sign, `also` has the other signature, and `until` is the earlier of both last days.
    """

    provision: str
    accepts: Literal["review", "lift", "reach", "reaches", "gap"]
    sign_off: str
    by: str
    until: date
    also: list[SignaturePart] | None = Field(default=None, exclude_if=lambda also: also is None)


class StatementPart(Part):
    """
    A statement on which a permit rests, where it is from, and the worst outcome that may come without it alone.

    `fact` is a fact, `evidence.KIND`, `claims.KIND`, `relies_on`, or a provision that a person signed off. `without` is a permit where the
    statement matters only together with others. `source` is "stated" by the sender, "registered" in the register of parties and data,
    "counted" in the ledger, "signed" by a person, "accepted" in the organisation's policies, or "shown": somebody checked the document.
    `ordinary` is true of a fact by which nothing was lifted and that counts nothing: an answer has only the number of these.
    """

    fact: str
    source: Literal["stated", "registered", "shown", "counted", "signed", "accepted"]
    without: LevelWord
    ordinary: bool = False


class DisputedPart(Part):
    """
    A fact that the register states otherwise than the sender. The stricter of both values counts.

    `entity` is the fact that states the id of the entity in the register, `kind` its kind there, and `version` the version that states it.
    A personal value is "personal".
    """

    fact: str
    stated: Any = None
    registered: Any = None
    entity: str
    kind: str = ""
    version: int | None = None


class TracedPart(Part):
    """One rule: whether its condition holds, whether the rule stands after exemptions, and whether a doubtful exemption reaches it."""

    rule: str
    holds: TruthWord
    stands: TruthWord
    doubted: TruthWord


class TracePart(Part):
    """How every definition, rule and requirement was decided, including those that do not affect the outcome."""

    definitions: dict[str, TruthWord]
    rules: list[TracedPart]
    requirements: dict[str, str]


class CarriedPart(Part):
    """
    A condition that came with the data; `from` names the earlier leg or exchange. `state` is "observe" if nothing can be tested.
    Otherwise `state` says whether this exchange meets the condition: "met", "violated" or "unknown". If it is unknown, `asks` names the
    facts to find out. `else` is the outcome of a violation. `certain` says whether the condition travels for certain.
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


class Decision(Part):
    """
    The decision on one exchange under the law of one day.

    `carried` is present only if conditions came with the data, `disputed` only if the register contradicts what was stated, `signed_off`
    only if the decision rests on approvals. `withheld` is present, and true, if the reasons rest on the register and the caller may not
    read it: then only the outcome, the duties and the questions are given. `rests_on` is present only in a permit; `exact` says that each
    statement in it was verified by itself. `must_be_shown` names what was stated and did not count, because the organisation's policies
    want it shown.
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
    elsewhere: ElsewherePart | None = None
    reasons: list[ReasonPart]
    beaten: list[BeatenPart] = []
    requirements: list[RequirementPart] = []
    duties: list[DutyPart] = []
    advice: list[AdvicePart] = []
    conflicts: list[ConflictPart] = []
    missing: list[MissingPart] = []
    coverage: CoveragePart
    factor: FactorPart
    bundle: BundlePart
    engine: EnginePart
    carried: list[CarriedPart] | None = None
    disputed: list[DisputedPart] | None = None
    withheld: Literal[True] | None = None
    signed_off: list[SignedOffPart] | None = None
    rests_on: list[StatementPart] | None = None
    exact: Literal[True] | None = None
    must_be_shown: list[str] | None = None
    remedies: RemediesPart | None = None
    ways: list[WaysPart] | None = None
    holds_until: HorizonPart | None = None
    trace: TracePart | None = None
