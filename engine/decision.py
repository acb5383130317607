"""
The whole decision, as one versioned document: what the command line, plans and the pages show. Callers get the answer (`engine.answer`).

It begins with `proceed` and `answer`; the rest says why, what is missing, what is owed, and what the data factor account holds
(semantics 4.8). It never shows the value of a fact marked personal; `personal` stands in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.books.settlement import SettlementState
from engine.rules import Truth

SCHEMA = "fifthfactor/decision/1"

LevelWord = Literal[
    "not_applicable", "permitted", "permitted_with_obligations", "requirements_unmet", "review", "prohibited"
]  # fmt: skip
Outcome = Literal[
    "not_applicable", "permitted", "permitted_with_obligations", "requirements_unmet", "review", "prohibited", "undetermined"
]  # fmt: skip
TruthWord = Literal["yes", "no", "unknown"]
TRUTH_WORDS: Mapping[Truth, TruthWord] = MappingProxyType({Truth.NO: "no", Truth.UNKNOWN: "unknown", Truth.YES: "yes"})


def _nothing(value: Any) -> bool:
    return value is None


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BoundsPart(Part):
    """The mildest and the strictest outcome that are possible while facts are unknown."""

    lowest: LevelWord
    highest: LevelWord


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


class NotModelledPart(Part):
    """
    A country or subject matter for which the bundle has no policies. `reviewed` is true if it opens a review.

    `why` is "not_modelled", "unread" (the law that `law` names was not read) or "doubtful" (what was read is in doubt). `read` and `source`
    are what was read, and where; `covered_from` is the day from which it is covered. `sign_off` are the names under which a person who
    has read the law may sign it off for this exchange, and `says` is all of it in a line.
    """

    country: str
    subject: str
    touched_as: list[str]
    certain: bool
    reviewed: bool
    why: Literal["not_modelled", "unread", "doubtful"] = "not_modelled"
    says: str = ""
    law: str = ""
    read: str = ""
    source: str = ""
    covered_from: date | None = None
    sign_off: list[str] = []


class ReachPart(Part):
    """
    Data that are a country's to judge, whoever sends them, although none of its policies applies; that is reviewed.

    `sign_off` is the name under which a person may sign it off for this exchange, null where it is not certain.
    """

    country: str
    subject: str
    certain: bool
    sign_off: str | None = None


class NotReachedPart(Part):
    """A subject matter that the law of a touched jurisdiction leaves alone; `says` is the reason that a policy gives, if one does."""

    jurisdiction: str
    subject: str
    policy: str = ""
    citation: str = ""
    says: str = ""


class AcceptedPart(Part):
    """A subject matter of a country that an organisation says is looked after elsewhere. The decision rests on it."""

    country: str
    subject: str
    acceptance: str
    organisation: str
    by: str
    because: str
    until: date


class SwitchedOffPart(Part):
    """A jurisdiction, or one policy, that an organisation has switched off; its law counts as not modelled."""

    organisation: str
    jurisdiction: str = ""
    policy: str = ""
    by: str
    because: str


class StandsOnPart(Part):
    """
    What was read of a jurisdiction's law on a subject matter, where this settles it for the exchange.

    `by` are the policies that speak of it; or it is `under` wider subject matters, or `free`. `read`, `source`, `read_on` and `status` say
    what was read, where and when, and how sure it is.
    """

    jurisdiction: str
    subject: str
    by: list[str] = []
    under: list[str] = []
    free: bool = False
    read: str = ""
    source: str = ""
    read_on: date | None = None
    status: str = ""


class CoveragePart(Part):
    jurisdictions: list[str]
    stands_on: list[StandsOnPart] = []
    not_modelled: list[NotModelledPart] = []
    reach: list[ReachPart] = []
    not_reached: list[NotReachedPart] = []
    accepted: list[AcceptedPart] = []
    switched_off: list[SwitchedOffPart] = []
    notes: list[str] = []


class FactorLinePart(Part):
    title: str
    fact: str
    value: Any = None


class LanePart(Part):
    """A lane of facilitation. It is open, possible (facts are missing) or closed; `opens_when` says what would open it."""

    lane: str
    title: str
    state: Literal["open", "possible", "closed"]
    provision: str
    citation: str
    force: str
    mark: str
    opens_when: list[str] = []
    closed_by: list[str] = []


class SettlementLinePart(Part):
    """
    What is payable to one party for its role, or to the role's account where the role names no party: then there is no `party`.

    `share` is the share of the whole role. A party's id is shown as "personal" where the vocabulary says that it may name a person; by an
    agreement it is "exporter", or a key within this answer. `role` is left out where the agreement says none, and `kind` of a plain share.
    """

    role: str | None = None
    title: str
    share: str
    kind: Literal["commission", "component", "upward"] | None = None
    party: str | None = None
    amount: str


class UpwardLinePart(SettlementLinePart):
    """What a payer passes on of its `base` by an agreement. `payer` is "exporter" or a key; `step` is the step that pays it, from 0."""

    agreement: str
    step: int
    payer: str
    base: str


class SettlementPart(Part):
    """
    How the price, before tax, is divided among those who benefit. The amounts of `lines` add up to the price exactly; what is paid further
    up, out of what its payer gets, stands in `upward`. `exceeding` are agreements by which a payer would pay more than that.

    `state` is "settled", "nothing-payable", or the reason why there are no amounts; `says` is the same in a sentence. `unit` is the
    smallest amount of the currency (ISO 4217).
    """

    state: SettlementState
    says: str
    price: str | None = None
    currency: str | None = None
    unit: str | None = None
    lines: list[SettlementLinePart] = []
    upward: list[UpwardLinePart] = []
    exceeding: list[str] = []


class ComputedLinePart(Part):
    """
    Something that was computed from `facts`. `says` tells it in a sentence.

    `value` is its value; a number is decimal text. There is none where nothing could be computed, and `says` tells why.
    """

    name: str
    title: str
    facts: list[str] = []
    value: Any = None
    state: str | None = None
    says: str


class ComputedPart(Part):
    """A group of what was computed."""

    title: str
    lines: list[ComputedLinePart]


class FactorPart(Part):
    """
    The data factor account: what the exchange states, apart from what is computed from it, and the lanes.

    `account` has the stated facts, by part and line: rights, grade, registration, valuation, price, benefit split. `computed` has what
    follows from facts, by group. A line without a value, a part without a line and a group without a line are not there. `settlement` is
    there where the exchange speaks of a price or of shares.
    """

    account: dict[str, dict[str, FactorLinePart]]
    computed: dict[str, ComputedPart] = {}
    lanes: list[LanePart] = []
    settlement: SettlementPart | None = None


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


Decision.model_rebuild()
