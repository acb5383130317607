"""
The documents authors write, as pydantic models: policy, vocabulary, organisation, test.

Their JSON Schemas come from here. A model says which keys a document has. `vocabulary` and `check` decide what the words mean; they
work on the located tree, so every finding has its place. Conditions stay as written.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from engine.diagnostic import Findings, did_you_mean
from engine.multilingual import Words
from engine.policy_language.tree import Mapping, Node, locate, plain
from engine.values import BadValue, read_date

Id = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9]+([.-][a-zA-Z0-9]+)*$", max_length=80)]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]
YesNo = Literal["yes", "no"]
TruthWord = Literal["yes", "no", "unknown"]


def _day(text: object) -> date:
    """A day as authors write it; pydantic would take seconds since 1970 and times of day as well."""
    try:
        return read_date(str(text))
    except BadValue as bad:
        raise PydanticCustomError("date_parsing", "{m}", {"m": str(bad)}) from None


Day = Annotated[date, PlainValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Force = Literal["law", "order", "norm", "contract", "soft", "aspiration"]
Status = Literal["confirmed", "from-memory", "unsure"]
Condition = Any


class DocumentText(BaseModel):
    """A document that authors write: closed keys, frozen once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Text(DocumentText):
    """One text by language; a text without a language is English."""

    en: Prose
    zh: Prose | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"en": value} if isinstance(value, str) else value

    @property
    def words(self) -> Words:
        """The same text, without the model."""
        return Words(self.en, self.zh or "")

    def in_(self, lang: str) -> str:
        """The text in a language; English stands in where there is no Chinese."""
        return self.words.in_(lang)


class Window(DocumentText):
    """From one day until another, both inclusive; one of the two may be left out."""

    from_: Day | None = Field(None, alias="from")
    until: Day | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Window:
        if self.from_ is None and self.until is None:
            raise ValueError("a period needs `from`, `until` or both")
        if self.from_ and self.until and self.until < self.from_:
            raise ValueError("`until` lies before `from`, so the period is empty")
        return self


Windows = Annotated[list[Window], Field(min_length=1)]


class DutyText(DocumentText):
    """
    A duty (semantics 3.6).

    `due` is `{within: 10 working days in CN, after: evidence.cn-standard-contract.dated}`, `{on: 1 March, after: FACT}`,
    `{on: 2026-03-01}`, or `{earliest_of: […]}` with two or more of these.
    """

    duty: Text
    who: Prose
    cite: Text | None = None
    due: dict[str, Any] | None = None
    done_when: Condition | None = None
    overdue: Literal["permitted_with_obligations", "requirements_unmet", "review", "prohibited"] = "review"
    keep: Prose | None = None
    arises: Literal["exchange", "refusal"] = "exchange"


class Reviewed(DocumentText):
    """The role of the person who checked the provision against its source, and the day."""

    by: Prose
    on: Day


class TravelsText(DocumentText):
    """
    A condition that travels with the data to later legs. `when` is what a later leg must meet, `else` its outcome if it does not.

    A text alone is a condition that cannot be tested.
    """

    condition: Text
    when: Condition = None
    else_: Literal["review", "prohibited"] = Field("review", alias="else")

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, value: Any) -> Any:
        by_language = isinstance(value, dict) and not value.keys().isdisjoint(Text.model_fields)
        return {"condition": value} if isinstance(value, str) or by_language else value


class RuleText(DocumentText):
    """One provision. It has one effect, and `exempts` may be added."""

    id: Id
    title: Text
    cite: Text
    says: Text
    source: Prose
    status: Status
    reviewed: Reviewed | None = None
    verify_by: Day | None = None
    in_force: Window | Windows | None = None
    when: Condition = None
    unless: list[Condition] | None = None
    prohibit: Text | None = None
    require: Any | None = None
    satisfies: str | list[str] | None = None
    oblige: DutyText | None = None
    review: Text | None = None
    advise: Text | None = None
    compels: Text | None = None
    allows: Literal["yes"] | None = None
    exempts: list[str] | None = None
    lane: str | None = None
    duties: list[DutyText] | None = None
    travels: TravelsText | None = None


class InstrumentText(DocumentText):
    """The legal text that the policy expresses: its issuer, its number and its force."""

    issuer: Prose
    number: Prose | None = None
    force: Force


class NotReachedText(DocumentText):
    """Where the law of a country leaves data alone that were collected or are stored there, or are about its people (semantics 4.3)."""

    when: Condition
    cite: Text
    says: Text


class PolicyText(DocumentText):
    """
    One policy. It expresses one instrument, in one file.

    `otherwise` is the outcome where the policy applies and none of its rules stands (semantics 4.2).
    """

    model_config = ConfigDict(
        json_schema_extra={
            "$id": "urn:fifthfactor:policy:1",
            "examples": [
                {
                    "policy": "xx.export",
                    "title": {"en": "An example law on exports"},
                    "jurisdiction": "CN",
                    "instrument": {"issuer": "An example ministry", "number": "No. 1", "force": "law"},
                    "in_force": {"from": "2024-03-22"},
                    "applies": {"exporter.country": "CN"},
                    "rules": [
                        {
                            "id": "art-1",
                            "title": "Personal data need a standard contract",
                            "cite": "Art. 1",
                            "says": "Whoever sends personal data abroad concludes the standard contract.",
                            "source": "an example",
                            "status": "unsure",
                            "when": {"data.personal": "yes"},
                            "require": "cn.standard-contract",
                        }
                    ],
                }
            ],
        }
    )

    policy: Id
    title: Text
    jurisdiction: str
    instrument: InstrumentText
    in_force: Window | Windows
    applies: Condition
    otherwise: Literal["prohibited", "review"] | None = None
    not_reached: Annotated[list[NotReachedText], Field(min_length=1)] | None = None
    define: dict[str, Condition] = {}
    rules: list[RuleText] = Field(min_length=1)


class FactText(DocumentText):
    """
    A fact of an exchange. `by` makes it a family: one fact for each value of a value set.

    `lies_in` belongs to a fact that names a place inside a country: it is the fact that names the country.
    `from: register` says where the fact is usually from; with `register-only`, an exchange that states it is refused.
    `some` marks a set that is never empty (semantics 1.7). `change: upwards` lets a remedy move an ordered value up, never down.
    """

    type: str
    title: Text
    ask: Text | None = None
    dpv: str | None = None
    change: Literal["yes", "upwards", "no"] = "no"
    some: YesNo = "no"
    personal: YesNo = "no"
    from_: Literal["register", "register-only"] | None = Field(None, alias="from")
    by: str | None = None
    lies_in: str | None = None


class ValueText(DocumentText):
    """
    A value. `rest` says that it is none of the other values under those that it lies under (semantics 2.5).

    `also` are other spellings, for suggestions only. `in` is the country in which a place lies (semantics 1.6). `nothing` says that no
    other value applies, `everything` that all others do.
    """

    title: Text | None = None
    also: list[Prose] = []
    under: str | list[str] | None = None
    in_: str | None = Field(None, alias="in")
    exact: YesNo = "no"
    rest: YesNo = "no"
    nothing: YesNo = "no"
    everything: YesNo = "no"
    dpv: str | None = None


class ValueSetText(DocumentText):
    """
    `values` is a list, or a mapping if values have titles, other spellings, or lie `under` or `in` others.

    A set of places lies `inside` the set of the countries. The places of the `complete` countries leave out no spot of them.
    `open` belonged to semantics 1, where such a set took any text. The values of the set that is named by `includes` are values of this
    one too.
    """

    title: Text
    includes: str | None = None
    ordered: YesNo = "no"
    open: YesNo = "no"
    inside: str | None = None
    complete: list[str] = []
    values: list[str] | dict[str, ValueText | str]


class MoreValueText(DocumentText):
    """A value that is added to a set defined elsewhere; to every rule that does not name it, it is the value that it lies under."""

    title: Text | None = None
    under: str
    rest: YesNo = "no"
    dpv: str | None = None


class EntryText(DocumentText):
    """One entry of a register; a period that is empty is refused."""

    from_: Day | None = Field(None, alias="from")
    until: Day | None = None
    scope: Prose | None = None
    source: Prose | None = None
    status: Status | None = None

    @model_validator(mode="after")
    def _ordered(self) -> EntryText:
        if self.from_ and self.until and self.until < self.from_:
            raise ValueError("`until` lies before `from`, so the period is empty")
        return self


class RegisterText(DocumentText):
    """A dated list of values of one set; `source` and `status` apply to every entry without its own."""

    title: Text
    of: str
    source: Prose
    status: Status
    entries: list[str] | dict[str, EntryText]


class CalendarText(DocumentText):
    """
    A calendar of working days: `holidays` are not worked, `workdays` are worked although they fall on a weekend.

    Nothing is known of days outside `known_from` and `known_until`. `library` is the name of the place in the package
    `holidays`, from which `fifthfactor calendars` writes the days.
    """

    title: Text
    source: Prose
    status: Status
    weekend: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]]
    known_from: Day
    known_until: Day
    library: Prose | None = None
    holidays: list[Day] = []
    workdays: list[Day] = []

    @model_validator(mode="after")
    def _ordered(self) -> CalendarText:
        if self.known_until < self.known_from:
            raise ValueError("`known_until` lies before `known_from`, so no day is known")
        return self


class KindText(DocumentText):
    """A kind of document, or of claim: what it is and how to ask for it; with `institution: yes` only an institution attests it."""

    title: Text
    ask: Text | None = None
    institution: YesNo = "no"


class RequirementText(DocumentText):
    title: Text
    how: Text
    jurisdiction: str
    duties: list[DutyText] = []


class CounterText(DocumentText):
    """
    What is counted, per whom, in which window, where, and what is left out.

    A counter of money names the fact in whose `currency` the sum is: what is in another currency leaves the sum open above.
    """

    counts: str
    per: list[str]
    window: Prose
    currency: str | None = None
    where: Condition = None
    leaves_out: list[str] = []
    note: Prose | None = None

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        # Digests of what a counter means are made from its text. Without a currency it reads as before there were currencies.
        yield from (each for each in super().__repr_args__() if each != ("currency", None))


class EntityKindText(DocumentText):
    """A kind of entities of the register, beside parties and assets: the fact `KIND.id` names one, and it states these facts."""

    title: Text
    states: Annotated[list[str], Field(min_length=1)]


class BookLimitsText(DocumentText):
    """The facts that limit a grant."""

    purposes: str
    territory: str
    term: str


class BookMarksText(DocumentText):
    """The facts that say whether a grant is exclusive, and whether it may be passed on."""

    exclusive: str
    onward: str


class BookText(DocumentText):
    """
    A book of rights: what a commitment writes into it, and which facts it fills in a later exchange.

    `of` is the asset. Each right in `granted` goes `by` one party `to` another, `within` limits. `fills` maps a fact to what the book says
    of it: `held`, `beyond`, `bound` or `encumbered`. `proof` is the document that shows what the book does not have.
    """

    title: Text
    of: str
    granted: str
    by: str
    to: str
    within: BookLimitsText
    marks: BookMarksText
    fills: dict[str, Literal["held", "beyond", "bound", "encumbered"]]
    proof: str


class PromiseText(DocumentText):
    """What a party promises by an exchange: until which day, who to whom, what shows that it is kept, and which fact counts the overdue."""

    title: Text
    due: str
    by: str
    to: str
    terms: dict[str, str] = {}
    evidence: Annotated[list[str], Field(min_length=1)]
    fills: str
    beside: str
    note: Prose | None = None


class CoverText(DocumentText):
    """
    What a jurisdiction's policies say of one subject matter.

    `by` names the policies that speak of it, or single provisions (`POLICY/RULE`). Without `partly`, the subject matter is covered from
    the day `from`; with it, it is spoken of and not covered. A day alone is `from`.
    """

    from_: Day | None = Field(None, alias="from")
    partly: YesNo = "no"
    by: list[str] = []

    @model_validator(mode="before")
    @classmethod
    def _day_alone(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, str | date) else value

    @model_validator(mode="after")
    def _whole_or_partly(self) -> CoverText:
        if (self.from_ is None) == (self.partly == "no"):
            raise ValueError("say from which day the subject matter is covered (`from`), or that it is not (`partly: yes`)")
        return self


class JurisdictionText(DocumentText):
    """Which countries a jurisdiction covers, and for which subject matters by which policies."""

    title: Text
    countries: list[str] | str = []
    covers: dict[str, CoverText] = {}
    note: Text | None = None


class SubjectText(DocumentText):
    """A subject matter of data: when they are of it, or `other_than` another subject matter, of which they are not."""

    title: Text
    when: Condition = None
    other_than: str | None = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> SubjectText:
        if (self.when is None) == (self.other_than is None):
            raise ValueError("a subject matter has `when`, or else `other_than`")
        return self


class TouchText(DocumentText):
    """A fact that names a country which the exchange touches, and the role of that country."""

    fact: str
    as_: Literal["exporter", "recipient", "people", "collection", "storage", "access"] = Field(alias="as")
    when: Condition = None


class CoherenceText(DocumentText):
    """
    What cannot be true together (semantics 1.5): an exchange of which `never` is certainly true is refused.

    `unless_said` is what makes it possible after all. It counts only where the exchange certainly says so.
    """

    never: Condition
    unless_said: Condition = None
    says: Text


class FactorLineText(DocumentText):
    title: Text
    fact: str
    take: Literal["all", "highest"] = "all"
    beside: YesNo = "no"


class ComputedLineText(DocumentText):
    """A line that is computed from a fact, or from two sums of money."""

    title: Text
    take: Literal["ratio", "limit", "highest", "validity", "total"]
    of: str
    to: str | None = None

    @model_validator(mode="after")
    def _two_sums(self) -> ComputedLineText:
        if (self.take in ("ratio", "limit")) != (self.to is not None):
            raise ValueError("`ratio` and `limit` compare two sums of money: name the second one as `to`, and only for them")
        return self


class FactorPartText(DocumentText):
    title: Text
    lines: dict[str, FactorLineText]
    computes: dict[str, ComputedLineText] = {}


class SettlementText(DocumentText):
    """
    How the price of an exchange becomes money that is payable, named once for all files.

    `price` is a fact of type money, `shares` a family of ratios by the role of who benefits. `parties` maps a role to the fact that names
    its parties, an id or a set of ids. `free` maps a fact to the value with which nothing is payable.
    """

    price: str
    shares: str
    parties: dict[str, str] = {}
    free: dict[str, str] = {}


class StatisticsText(DocumentText):
    """
    Which facts the statistics of committed exchanges are made of.

    By `source` and `destination`, `venue`, `grade`, `sector` and `kind` exchanges are told apart; of a `grade` the highest counts. The
    others are added up. What is left out is not told.
    """

    source: str | None = None
    destination: str | None = None
    venue: str | None = None
    grade: str | None = None
    sector: str | None = None
    kind: str | None = None
    people: str | None = None
    price: str | None = None
    source_country_share: str | None = None
    public_share: str | None = None
    exclusive: str | None = None
    supplier: str | None = None
    recipient: str | None = None


class LaneText(DocumentText):
    title: Text


class TransferColumnText(DocumentText):
    """
    A column of a register of transfers, with the place in the law that asks for it.

    `from` is what a committed exchange shows in it: facts, families, documents, `grounds.REQUIREMENT` for the ways by which a requirement
    was met, or a member of RECORDED.
    """

    title: Text
    cite: Text
    status: Status
    from_: Annotated[str | Annotated[list[str], Field(min_length=1)], Field(alias="from")]

    @property
    def sources(self) -> tuple[str, ...]:
        """What the column shows, in its order."""
        return (self.from_,) if isinstance(self.from_, str) else tuple(self.from_)


class KeptElsewhereText(DocumentText):
    """What the law asks to be recorded too, and no exchange states, so that it is kept elsewhere."""

    title: Text
    cite: Text
    status: Status


class TransferRegisterText(DocumentText):
    """
    A register of transfers that a law asks to be kept: which committed exchanges it takes, and its columns.

    It takes an exchange where one of the provisions in `takes` stands. `keep` is how long it is kept, where the law says so.
    """

    title: Text
    jurisdiction: str
    cite: Text
    says: Text
    source: Prose
    status: Status
    reviewed: Reviewed | None = None
    verify_by: Day | None = None
    in_force: Window
    kept_by: Text
    keep: Prose | None = None
    takes: Annotated[list[str], Field(min_length=1)]
    columns: Annotated[dict[Id, TransferColumnText], Field(min_length=1)]
    elsewhere: list[KeptElsewhereText] = []


class AttributesText(DocumentText):
    """
    Which attribute of an access request (AuthZEN) states which fact.

    `facts` maps an attribute's name to a place in the exchange: a fact, a family, a group of facts such as `evidence`, or `as_of`. With
    `under`, every other attribute states the fact of the same name in that group. `names` maps each attribute whose values are ids of
    entities to the type of these entities.
    """

    under: str | None = None
    facts: dict[str, str] = {}
    names: dict[str, str] = {}


class EntityText(AttributesText):
    """
    One type of subject or resource.

    `entity` is its name in the register, if that is not the name of the type. `type` and `id` are the facts that the type and the id of
    an entity state.
    """

    entity: str | None = None
    type: str | None = None
    id: str | None = None


class ActionText(AttributesText):
    """One action. `name` is the fact that its name states."""

    name: str | None = None


class ContextText(AttributesText):
    """The context of a request; `entities` are those of its attributes that stand for a stored entity."""

    entities: dict[str, EntityText] = {}


class AuthZenText(DocumentText):
    """
    How access requests (AuthZEN Authorization API 1.0) are read as exchanges.

    A type of subject or resource, or an action, that is not named here is never permitted.
    """

    subjects: Annotated[dict[str, EntityText], Field(min_length=1)]
    actions: Annotated[dict[str, ActionText], Field(min_length=1)]
    resources: Annotated[dict[str, EntityText], Field(min_length=1)]
    context: ContextText = ContextText()


# What a column of a register of transfers may show of the record of a commitment, as `record.NAME`.
RECORDED = ("day", "ended")

ONCE = ("settlement", "statistics", "authzen")  # the sections of a vocabulary that are in one file only


class VocabularyText(DocumentText):
    """
    The words that policies are written in. Several files together make one vocabulary.

    `semantics` is the version of the semantics that the bundle is written for; one file names it for all (semantics 5.5).
    """

    model_config = ConfigDict(
        json_schema_extra={
            "$id": "urn:fifthfactor:vocabulary:1",
            "examples": [
                {
                    "vocabulary": "more",
                    "values": {"colour": {"title": "colour", "values": ["blue", "red"]}},
                    "facts": {"data.colour": {"type": "colour", "title": "colour", "ask": "Which colour?"}},
                    "evidence": {"xx-licence": {"title": "licence", "ask": "Is there a licence?"}},
                }
            ],
        }
    )

    vocabulary: Id
    semantics: int | None = None
    facts: dict[str, FactText] = {}
    values: dict[str, ValueSetText] = {}
    more_values: dict[str, dict[str, MoreValueText]] = {}
    registers: dict[str, RegisterText] = {}
    calendars: dict[str, CalendarText] = {}
    evidence: dict[str, KindText] = {}
    claims: dict[str, KindText] = {}
    requirements: dict[str, RequirementText] = {}
    counters: dict[str, CounterText] = {}
    books: dict[str, BookText] = {}
    entities: dict[Id, EntityKindText] = {}
    promises: dict[str, PromiseText] = {}
    jurisdictions: dict[str, JurisdictionText] = {}
    subjects: dict[str, SubjectText] = {}
    touches: list[TouchText] = []
    coherence: dict[str, CoherenceText] = {}
    lanes: dict[str, LaneText] = {}
    factor: dict[str, FactorPartText] = {}
    transfer_registers: dict[Id, TransferRegisterText] = {}
    statistics: StatisticsText | None = None
    authzen: AuthZenText | None = None
    settlement: SettlementText | None = None


class AcceptanceText(DocumentText):
    """A subject matter of a country that the organisation says is looked after elsewhere, for at most 366 days."""

    id: Id
    country: str | Annotated[list[str], Field(min_length=1)]
    subjects: Annotated[list[str], Field(min_length=1)]
    by: Text
    because: Text
    from_: Day = Field(alias="from")
    until: Day


class SwitchedOffText(DocumentText):
    """A jurisdiction or a policy that does not count for this organisation; what it covered is not modelled."""

    jurisdiction: str | None = None
    policy: str | None = None
    because: Text
    by: Text


class OrganisationText(DocumentText):
    """An organisation that has rules beside the law. Everything else in the same folder is its own too."""

    model_config = ConfigDict(
        json_schema_extra={
            "$id": "urn:fifthfactor:organisation:1",
            "examples": [
                {
                    "organisation": "acme",
                    "title": "Acme Group",
                    "accepts": [
                        {
                            "id": "us-personal",
                            "country": "US",
                            "subjects": ["personal"],
                            "by": "General Counsel",
                            "because": "State law is reviewed by counsel in the United States.",
                            "from": "2026-01-01",
                            "until": "2026-12-31",
                        }
                    ],
                    "must_be_shown": ["evidence.cn-standard-contract"],
                    "switched_off": [
                        {"policy": "us.padfa", "by": "General Counsel", "because": "No company of the group is a data broker."}
                    ],
                }
            ],
        }
    )

    organisation: Id
    title: Text
    accepts: list[AcceptanceText] = []
    must_be_shown: list[str] = []
    switched_off: list[SwitchedOffText] = []


class DutyOnDay(DocumentText):
    """A duty that a case expects, in its words, with its last day."""

    duty: str
    due: Day


class Expectation(DocumentText):
    """What a case expects of the decision; only what is written is compared."""

    outcome: str | None = None
    proceed: YesNo | None = None
    jurisdictions: dict[str, str] = {}
    instruments: dict[str, str] = {}
    applies: dict[str, TruthWord] = {}
    because: list[str] | None = None
    silent: list[str] | None = None
    beaten: list[str] | None = None
    requirements: dict[str, str] = {}
    duties: list[str | DutyOnDay] | None = None
    overdue: list[str] | None = None
    missing: list[str] | None = None
    not_modelled: list[str] | None = None
    conflicts: list[str] | None = None
    lanes: dict[str, Literal["open", "closed", "possible"]] = {}
    factor: dict[str, Any] = {}
    rests_on: list[str] | None = None
    define: dict[str, TruthWord] = {}

    @model_validator(mode="after")
    def _something(self) -> Expectation:
        # An empty list is an expectation only where the list is whole: `duties: []` says that there is none.
        whole = (self.duties, self.overdue, self.missing, self.not_modelled, self.conflicts)
        if all(each is None for each in whole) and not any(dict(self).values()):
            raise ValueError("the case expects nothing; name what it shows, such as a rule under `because`")
        return self


class CaseText(DocumentText):
    case: Prose
    as_of: Day | None = None
    change: dict[str, Any] = {}
    expect: Expectation


class TestText(DocumentText):
    """A base exchange and cases that change it. In `change`, the text `left out` removes a fact."""

    __test__ = False  # not a pytest class
    model_config = ConfigDict(
        json_schema_extra={
            "$id": "urn:fifthfactor:test:1",
            "examples": [
                {
                    "test": "xx.export",
                    "as_of": "2026-11-24",
                    "exchange": {"exporter.country": "CN", "data.personal": "yes"},
                    "cases": [{"case": "Personal data need a contract", "expect": {"because": ["art-1"]}}],
                }
            ],
        }
    )

    test: Id
    as_of: Day
    exchange: dict[str, Any] = {}
    cases: list[CaseText] = Field(min_length=1)


M = TypeVar("M", bound=DocumentText)


def read_model(model: type[M], node: Node, findings: Findings) -> M | None:
    """Read a tree as `model`. Each error becomes a finding at its place, and the result is None."""
    try:
        return model.model_validate(plain(node))
    except ValidationError as failed:
        errors = failed.errors(include_url=False, include_input=False)
        for number, error in enumerate(errors):
            # If no member of a union fits, each member reports an error; only the member with the right shape says what is wrong.
            branch = error["type"].endswith("_type") and error["loc"] and not _is_step(node, error["loc"])
            rivals = errors[:number] if all(e["type"].endswith("_type") for e in errors) else errors
            if not (branch and any(e is not error and e["loc"][: len(error["loc"]) - 1] == error["loc"][:-1] for e in rivals)):
                _report(model, node, error, findings)
        return None


def read_parts(model: type[M], node: Node, findings: Findings) -> M | None:
    """Read a tree of sections with named entries. An entry with an error becomes a finding and is left out; the others are read."""
    whole = read_model(model, node, findings)
    sections = plain(node)
    if whole is not None or not isinstance(sections, dict):
        return whole
    try:
        model.model_validate(sections)
    except ValidationError as failed:
        for error in failed.errors(include_url=False, include_input=False):
            section = sections.get(str(error["loc"][0])) if error["loc"] else None
            if isinstance(section, dict) and len(error["loc"]) > 1 and error["loc"][0] not in ONCE:  # read whole
                section.pop(error["loc"][1], None)
            elif error["loc"]:
                sections.pop(str(error["loc"][0]), None)
    try:
        return model.model_validate(sections)
    except ValidationError:
        return None  # every error is already a finding


def _is_step(root: Node, path: tuple[str | int, ...]) -> bool:
    """Whether the last step of `path` is a key or place of the tree, not the name of a union's member."""
    parent, _ = locate(root, path[:-1])
    last = path[-1]
    return isinstance(last, int) or (isinstance(parent, Mapping) and parent.get(last) is not None)


def _report(model: type[DocumentText], root: Node, error: Any, findings: Findings) -> None:
    path = tuple(error["loc"])
    where, span = locate(root, path)
    # A last step that names a member of a union is not a word of the author.
    named = path[:-1] if len(path) > 1 and not _is_step(root, path) and error["type"].endswith("_type") else path
    last = str(named[-1]) if named else ""
    match error["type"]:
        case "missing":
            findings.error(span, "missing-key", f"`{last}` is missing here", help=f"add `{last}:`")
        case "extra_forbidden":
            keys = _keys(model, path[:-1])
            help = did_you_mean(last, keys) or (f"the keys here are {', '.join(f'`{k}`' for k in keys)}" if keys else "")
            findings.error(span, "unknown-key", f"there is no key `{last}` here", "not a key", help)
        case "string_type" | "dict_type" | "list_type" | "model_type" | "model_attributes_type":
            kinds = {"string_type": "text", "list_type": "a list"}
            findings.error(where.span, "wrong-shape", f"`{last}` must be {kinds.get(error['type'], 'a mapping')}")
        case "value_error":
            findings.error(where.span, "bad-value", str(error["ctx"]["error"]))
        case "literal_error":
            said = plain(where)
            expected = str(error["ctx"]["expected"]).replace("'", "`")
            place = bool(named) and isinstance(named[-1], int)  # an entry of a list has no key
            message = f"`{said}` is not {expected}" if place else f"`{last}` must be {expected}, not `{said}`"
            findings.error(where.span, "bad-value", message)
        case "date_from_datetime_parsing" | "date_parsing" | "date_type":
            findings.error(where.span, "bad-date", f"`{plain(where)}` is not a date", help="write it like `2024-03-22`")
        case "string_pattern_mismatch":
            findings.error(
                where.span,
                "bad-id",
                f"`{plain(where)}` is not a name",
                help="use letters, digits, `.` and `-`, like `cn.order-16`",
            )
        case _:
            message = error["msg"][0].lower() + error["msg"][1:]
            findings.error(where.span, "bad-value", f"`{last}`: {message}" if last else message)


def _keys(model: type[DocumentText], path: tuple[int | str, ...]) -> list[str]:
    """The keys of the model that stands at `path` below `model`."""
    here: Any = model
    for step in path:
        found = None
        for candidate in _models(here):
            for name, item in candidate.model_fields.items():
                if step in (name, item.alias):
                    found = item.annotation
        if found is not None:
            here = found
    return sorted({item.alias or name for candidate in _models(here) for name, item in candidate.model_fields.items()})


def _models(annotation: Any) -> list[type[DocumentText]]:
    if isinstance(annotation, type) and issubclass(annotation, DocumentText):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]
