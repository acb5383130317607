"""
The answer: what every caller gets of a decision, as one short versioned document, and the explanation that is one step away.

An answer has at most 4 KiB, whatever was sent. Each of its lists begins with what is strictest; `more` counts what a list leaves out
(semantics 4.8). What `rests_on` leaves out, `also_rests_on` names as long as there is room; `more` also counts the `ordinary_facts`. An
answer never shows the value of a fact marked personal.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import ConfigDict, Field

from engine.decision import (
    AdvicePart,
    BeatenPart,
    BoundsPart,
    CarriedPart,
    ConflictPart,
    CoveragePart,
    DigestsPart,
    DisputedPart,
    DutyPart,
    ElsewherePart,
    FactorPart,
    HorizonPart,
    JurisdictionPart,
    MissingPart,
    Outcome,
    Part,
    ReasonPart,
    RemediesPart,
    RequirementPart,
    SignedOffPart,
    StatementPart,
    TracePart,
    TruthWord,
    WaysPart,
)

SCHEMA = "fifthfactor/decision/2"
EXPLANATION = "fifthfactor/explanation/1"
MOST_BYTES = 4_096


class InstrumentLine(Part):
    """What one instrument makes of the exchange by itself; `instrument` is the id of its policy."""

    instrument: str
    title: str
    outcome: Outcome


class JurisdictionLine(Part):
    """
    The outcome under the law of one jurisdiction, and of the instruments that weigh in it; `more` of them are left out.

    `bounds` are present only where they are apart.
    """

    jurisdiction: str
    title: str
    outcome: Outcome
    bounds: BoundsPart | None = None
    instruments: list[InstrumentLine] = []
    more: int = 0


class ElsewhereLine(Part):
    """How many jurisdictions only facts that are not given could bring in, and in a line which, with the question on `fact`."""

    count: int
    says: str
    fact: str | None = None


class NeedLine(Part):
    """
    What a way needs: a document, a claim, or a fact that is not so yet. `says` has a document by what a company calls it.

    `issued_by` says who makes or issues a document that is lacking, `filed_with` where it is filed.
    """

    fact: str
    says: str
    state: Literal["have", "lack", "unknown"]
    issued_by: str | None = None
    filed_with: str | None = None


class MeansLine(Part):
    """
    One way to meet a requirement: the provision that is its ground, or that lifts it. `more` of its needs are left out.

    A `doubtful` way leaves a review.
    """

    way: str
    title: str
    citation: str
    doubtful: bool = False
    needs: list[NeedLine]
    more: int = 0


class WayPart(Part):
    """
    A requirement: its title, and how to meet it. `by` are the first of the ways by which it can be met, those that lack least first, and
    then stand in place of `how`;
    `more` are left out.
    """

    requirement: str
    title: str
    how: str = ""
    by: list[MeansLine] = []
    more: int = 0


class UnmetPart(Part):
    """
    Something required and not shown. One of the `ways` is enough; of a way every requirement is needed.

    `under` are the provisions that ask for it.
    """

    under: list[str]
    ways: list[list[WayPart]]


class BesidePart(Part):
    """
    What a person must look at beside a stricter outcome, and beside the gaps that are reviewed.

    `sign_off` is the name under which she may approve it, if she may.
    """

    says: str
    sign_off: str | None = None


class OwedPart(Part):
    """A duty that is owed, or may be. `due` is its last day, if that is known."""

    duty: str
    who: str
    certain: bool = True
    due: date | None = None
    overdue: TruthWord = "no"


class ChoicePart(Part):
    value: str
    title: str


class AskedPart(Part):
    """
    A question. `values` are the answers to choose from, the first ones if there are many; `more` are left out, and `/v1/facts` lists all.

    `narrows` are values that were sent and say too little; `values` then are what they may mean. A question of the type "group" stands for
    several facts, the first of which is `fact`: `none` is what an exchange states where there is nothing of them, by place.
    """

    fact: str
    question: str
    type: str
    values: list[ChoicePart] = []
    more: int = 0
    narrows: list[str] = []
    none: dict[str, Any] | None = None


class BesidesPossible(Part):
    """How many reviews may stand beside a stricter outcome, and what to find out about the first of them: a fact, and its question."""

    count: int
    fact: str | None = None
    question: str | None = None


class GapPart(Part):
    """
    Law that does not speak of the exchange; `reviewed` is true if this raises the outcome to a review, or may.

    `why`: "not_modelled" (there are no policies), "unread" (the law that `law` names was not read), "doubtful" (what was read is in
    doubt), "reach" (none of the policies applies, though the data are that country's to judge), "not_reached" (the law leaves the data
    alone), "accepted" (an organisation looks after it elsewhere), "switched_off" (by one). `sign_off` is the name under which whoever has
    read the law may sign it off for this exchange.
    """

    place: str
    subject: str
    why: Literal["not_modelled", "unread", "doubtful", "reach", "not_reached", "accepted", "switched_off"]
    reviewed: bool
    law: str | None = None
    sign_off: str | None = None


class SettledPart(Part):
    """A subject matter of a country's law that a permit stands on: it is `under` wider subject matters, or free (`under` is empty)."""

    place: str
    subject: str
    under: list[str] = []
    status: str


class CameWithPart(Part):
    """A condition that came with the data; `state` is "observe" if nothing can be tested."""

    provision: str
    condition: str
    state: Literal["observe", "met", "unknown", "violated"]


class OpenLanePart(Part):
    """A lane of facilitation that is open."""

    lane: str
    title: str


class EngineLine(Part):
    """The engines that decided. If two disagree, `agreed` is false, the outcome is never a permit, and the first places are given."""

    version: str
    semantics: int
    mode: str
    agreed: bool
    disagreement: list[str] = []


class Explanation(Part):
    """
    The parts of the explanation that were asked for.

    `reasons` are the provisions that stand for certain; `possible` those that may stand, which `possible_count` counts. `rests_on` has
    every statement that a permit rests on, `rests_on_exactly` those of which each was verified to matter by itself.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, title="Explanation", json_schema_extra={"$id": "urn:fifthfactor:explanation:1"}
    )

    schema_: Literal["fifthfactor/explanation/1"] = Field("fifthfactor/explanation/1", alias="schema")
    id: str
    lang: str
    jurisdictions: list[JurisdictionPart] | None = None
    elsewhere: ElsewherePart | None = None
    reasons: list[ReasonPart] | None = None
    possible_count: int | None = None
    beaten: list[BeatenPart] | None = None
    advice: list[AdvicePart] | None = None
    conflicts: list[ConflictPart] | None = None
    carried: list[CarriedPart] | None = None
    disputed: list[DisputedPart] | None = None
    signed_off: list[SignedOffPart] | None = None
    must_be_shown: list[str] | None = None
    possible: list[ReasonPart] | None = None
    requirements: list[RequirementPart] | None = None
    duties: list[DutyPart] | None = None
    coverage: CoveragePart | None = None
    factor: FactorPart | None = None
    questions: list[MissingPart] | None = None
    rests_on: list[StatementPart] | None = None
    rests_on_exactly: list[StatementPart] | None = None
    remedies: RemediesPart | None = None
    ways: list[WaysPart] | None = None
    holds_until: HorizonPart | None = None
    trace: TracePart | None = None


class Answer(Part):
    """
    The answer to one exchange under the law of one day.

    `proceed` is true only for a permit that is not hypothetical. `items` are the things that a refusal is of, where there are more than
    three; `answer` names the first three. `jurisdictions` are those of the places that the exchange names, and
    others that certainly apply; `elsewhere` counts the rest. `beneath` are the bounds without the reviews that a person may sign off,
    where these are other bounds. `besides` are the certain reviews beside a stricter outcome, and `besides_possible` counts those that may
    stand there. `questions` are the next ones to answer. `rests_on`, `also_rests_on` (names of what `rests_on` leaves out) and `stands_on`
    are present only in a permit, `carried` only if conditions came with the data, `disputed` only if the register contradicts what was
    stated, `signed_off` only if the decision rests on approvals. `must_be_shown` names what was stated and did not count. `withheld` is
    present, and true, if the reasons rest on the register and the caller may not read it. `verdict` is a digest of all that was decided:
    of rules, requirements and bounds.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, title="Answer", json_schema_extra={"$id": "urn:fifthfactor:decision:2"}
    )

    schema_: Literal["fifthfactor/decision/2"] = Field("fifthfactor/decision/2", alias="schema")
    id: str
    proceed: bool
    answer: str
    items: list[str] | None = None
    outcome: Outcome
    bounds: BoundsPart
    beneath: BoundsPart | None = None
    as_of: date
    hypothetical: bool
    jurisdictions: list[JurisdictionLine]
    elsewhere: ElsewhereLine | None = None
    unmet: list[UnmetPart] = []
    besides: list[BesidePart] | None = None
    besides_possible: BesidesPossible | None = None
    owed: list[OwedPart] = []
    questions: list[AskedPart] = []
    rests_on: list[StatementPart] | None = None
    also_rests_on: list[str] | None = None
    stands_on: list[SettledPart] | None = None
    conflicts: list[str] = []
    gaps: list[GapPart] = []
    lanes: list[OpenLanePart] = []
    carried: list[CameWithPart] | None = None
    disputed: list[DisputedPart] | None = None
    signed_off: list[SignedOffPart] | None = None
    must_be_shown: list[str] | None = None
    more: dict[str, int] = {}
    withheld: Literal[True] | None = None
    bundle: DigestsPart
    engine: EngineLine
    verdict: str | None = None
    explanation: Explanation | None = None
