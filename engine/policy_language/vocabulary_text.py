"""
A vocabulary as authors write it: the facts, the documents, requirements and counters, the jurisdictions, and what belongs to them.

`vocabulary` decides what it means.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from engine.policy_language.authzen_text import AuthZenText
from engine.policy_language.coverage_text import JurisdictionText, SubjectText, TouchText
from engine.policy_language.document_text import (
    Condition,
    Day,
    DocumentText,
    DutyText,
    FileText,
    Id,
    Prose,
    Status,
    Text,
    YesNo,
)
from engine.policy_language.everyday_text import PresetText, SaidText
from engine.policy_language.fact_text import FactText, MoreValueText, UnitText, ValueSetText
from engine.policy_language.ledger_text import (
    BookText,
    PromiseText,
    SettlementText,
    SharesText,
    StatisticsText,
    TransferRegisterText,
)
from engine.policy_language.phrases import PhraseText
from engine.policy_language.reach_text import ReachedText

Measured = Literal["people", "for", "purposes", "data"]


class EntryText(DocumentText):
    """One entry of a register; a period that is empty is refused."""

    from_: Day | None = Field(None, alias="from")
    """The first day, inclusive. Without it, there is no first day."""
    until: Day | None = None
    """The last day, inclusive. Without it, there is no last day."""
    scope: Prose | None = None
    """How far the entry goes, in words."""
    source: Prose | None = None
    """Where it was read: the text itself, or a work that quotes it, with its date."""
    status: Status | None = None
    """How sure it is: `confirmed` (read in a source), `from-memory`, or `unsure`."""

    @model_validator(mode="after")
    def _ordered(self) -> EntryText:
        if self.from_ and self.until and self.until < self.from_:
            raise ValueError("`until` lies before `from`, so the period is empty")
        return self


class RegisterText(DocumentText):
    """A dated list of values of one set, or of ids; `source` and `status` apply to every entry without its own."""

    title: Text
    """What it is called."""
    of: str
    """The value set whose values it lists, or `id`."""
    source: Prose
    """Where it was read: the text itself, or a work that quotes it, with its date."""
    status: Status
    """How sure it is: `confirmed` (read in a source), `from-memory`, or `unsure`."""
    entries: list[str] | dict[str, EntryText]
    """A list of values or ids, or a mapping of each to the days between which it is listed."""


class CalendarText(DocumentText):
    """A calendar of working days. Nothing is known of days outside `known_from` and `known_until` (semantics 2.9)."""

    title: Text
    """What it is called."""
    source: Prose
    """Where it was read: the text itself, or a work that quotes it, with its date."""
    status: Status
    """How sure it is: `confirmed` (read in a source), `from-memory`, or `unsure`."""
    weekend: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]]
    """The days of the week that are not worked."""
    known_from: Day
    """The first day that is known."""
    known_until: Day
    """The last day that is known. What depends on a later day is unknown."""
    library: Prose | None = None
    """The name of the place in the package `holidays`, for `fifthfactor calendars`."""
    holidays: list[Day] = []
    """The days that are not worked."""
    workdays: list[Day] = []
    """The days of a weekend that are worked."""

    @model_validator(mode="after")
    def _ordered(self) -> CalendarText:
        if self.known_until < self.known_from:
            raise ValueError("`known_until` lies before `known_from`, so no day is known")
        return self


class KindText(DocumentText):
    """A kind of document, or of claim: what it is and how to ask for it (semantics 1.3)."""

    title: Text
    """What it is called."""
    ask: Text | None = None
    """The question that the exporter is asked to find it out."""
    institution: YesNo = "no"
    """`yes` where only an institution attests such a document or claim, so that its name is no personal data and is shown"""
    must_say: list[Measured] = []
    """What such a document or claim has to state of what it covers; one that does not is asked for it."""
    called: Text | None = None
    """What a company calls such a document or claim, where the title is longer."""
    issued_by: Text | None = None
    """Who makes or issues such a document or claim."""
    filed_with: Text | None = None
    """Where such a document or claim is filed."""
    dpv: str | None = None
    """The term of the Data Privacy Vocabulary that means the same, like `eu-gdpr:A46-2-b`."""
    dpv_broader: str | None = None
    """Where no term means the same: one that means more. It is written for this kind, and never read as it."""

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        # Digests are made from this text. A kind that need not say anything, or has no other words, reads as before there were these keys.
        unread: tuple[tuple[str, Any], ...] = (("must_say", []), ("called", None), ("issued_by", None), ("filed_with", None))
        foreign = ("dpv", "dpv_broader")
        yield from (each for each in super().__repr_args__() if each not in unread and each[0] not in foreign)


class MeasuresText(DocumentText):
    """
    The facts that lie within what a document states: how many people, for which recipients, for which purposes, which data sets.

    Source: semantics 2.3.
    """

    people: str | None = None
    """The count that `people` of a document bounds: how many people it covers."""
    for_: str | None = Field(None, alias="for")
    """The id that `for` of a document lists: for which recipients it is."""
    purposes: str | None = None
    """The fact that `purposes` of a document lists; a purpose covers those under it."""
    data: str | None = None
    """The id that `data` of a document lists: which data sets it covers."""


class ClaimText(KindText):
    """A kind of claim. `needs` is what no law would drop where the claim lifts (semantics 4.12), or `always`: there is nothing."""

    needs: Condition = None
    """What no law would drop where the claim lifts: a condition of facts, or `always` if there is nothing."""

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        # Digests are made from this text, and from the definition that `needs` becomes.
        yield from (each for each in super().__repr_args__() if each[0] != "needs")


class RequirementText(DocumentText):
    title: Text
    """What it is called."""
    how: Text
    """How to meet it."""
    jurisdiction: str
    """Whose law it is: a jurisdiction of the vocabulary."""
    duties: list[DutyText] = []
    """The duties that come with relying on it."""


class CounterText(DocumentText):
    """
    What is counted, per whom, in which window, where, and what is left out.

    A counter of money names the fact in whose `currency` the sum is: what is in another currency leaves the sum open above. A counter of
    different people may name the fact by which an exchange says that it has the `same` people as an earlier data set, and the kind of
    evidence that is a `record` of how many different people there are. `kept` is a fact that is yes where a ledger keeps the counter, and
    no without one: so a rule may ask for a count only there.
    """

    counts: str
    """The fact that is counted; `distinct` before it counts each person once."""
    per: list[str]
    """The facts by whose values the counts are kept apart."""
    window: Prose
    """`calendar year in UTC`, `preceding 12 months`, or `period of KIND`: that which the register has of an entity."""
    currency: str | None = None
    """Of a counter of money: the fact in whose currency the sum is."""
    same: str | None = None
    """The fact by which an exchange says that it has the people of an earlier data set."""
    record: str | None = None
    """The kind of evidence that shows how many different people there are."""
    kept: str | None = None
    """The fact that is yes where a ledger keeps the counter for the exchange, and no without one."""
    where: Condition = None
    """Which exchanges count; by default, all do."""
    leaves_out: list[str] = []
    """Rules: an exchange for which one of them stands does not count."""
    note: Prose | None = None
    """What else a reader should know about the count."""

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        # Digests are made from its text. Without a currency it reads as before there were currencies, and so with the others.
        added = (("currency", None), ("same", None), ("record", None), ("kept", None))
        yield from (each for each in super().__repr_args__() if each not in added)


class EntityKindText(DocumentText):
    """A kind of entities of the register, beside parties and assets: the fact `KIND.id` names one, and it states these facts."""

    title: Text
    """What it is called."""
    states: Annotated[list[str], Field(min_length=1)]
    """The facts of an exchange that such an entity states."""


class GroupText(DocumentText):
    """
    A question that stands for several facts or families, of each of which there may be nothing: then one answer, none, states them all.

    Source: semantics 4.5.
    """

    ask: Text
    """The question whether there is any of it."""
    facts: Annotated[list[str], Field(min_length=1)]
    """The facts and families of facts that it stands for; of each a value says that there is nothing."""


class CoherenceText(DocumentText):
    """What cannot be true together (semantics 1.5)."""

    never: Condition
    """What cannot be true together; an exchange of which it is certainly true is refused."""
    unless_said: Condition = None
    """What makes it possible after all; it counts only where the exchange certainly says so."""
    says: Text
    """Why it cannot be so, in a sentence that the sender reads."""


class FactorLineText(DocumentText):
    title: Text
    """What it is called."""
    fact: str
    """The fact that the line shows."""
    take: Literal["all", "highest"] = "all"
    """`all` of its values, or the `highest`."""
    beside: YesNo = "no"
    """`yes`: the line alone does not make its part appear."""


class ComputedLineText(DocumentText):
    """A line that is computed from a fact, or from two sums of money."""

    title: Text
    """What it is called."""
    take: Literal["ratio", "limit", "highest", "validity", "total"]
    """A `ratio` of two sums of money, a `limit` on one, the `highest` value, the `validity` of a document, a `total`."""
    of: str
    """The fact, the family of ratios, or `evidence.KIND`."""
    to: str | None = None
    """The other sum of money, for `ratio` and `limit`."""

    @model_validator(mode="after")
    def _two_sums(self) -> ComputedLineText:
        if (self.take in ("ratio", "limit")) != (self.to is not None):
            raise ValueError("`ratio` and `limit` compare two sums of money: name the second one as `to`, and only for them")
        return self


class FactorPartText(DocumentText):
    title: Text
    """What it is called."""
    lines: dict[str, FactorLineText]
    """The lines of this part of the account, as stated."""
    computes: dict[str, ComputedLineText] = {}
    """What is computed for this part, apart from what is stated."""


class LaneText(DocumentText):
    title: Text
    """What it is called."""


class PlansText(DocumentText):
    """How a leg of a plan is compared with the legs before it (semantics 4.14)."""

    derived: str
    """The fact that says how the data derive from what came: `same`, `aggregated` or `other`."""
    data: str
    """The fact that names the data."""
    aggregated: dict[str, str]
    """Values that data must have so that an aggregate counts as other data."""
    people: str
    """The count of people that may not be more than came: a fact, or a family."""
    places: list[str]
    """The sets of countries that may not have others than came."""
    party: dict[str, str]
    """By each fact of a recipient, the same fact of the exporter that it becomes."""
    asks: list[str]
    """Rules that test one of these facts are asked of the whole, whatever they do."""


DERIVED = ("same", "aggregated", "other")  # how data derive from what came
# The sections of a vocabulary that are in one file only.
ONCE = ("settlement", "statistics", "authzen", "measures", "plans", "reached_from_abroad")


class VocabularyText(FileText):
    """The words that policies are written in. Several files together make one vocabulary (semantics 5.5)."""

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
    """The name of this file. Several files together are one vocabulary."""
    semantics: int | None = None
    """The version of the semantics that the policies are written for; one file names it for all."""
    facts: dict[str, FactText] = {}
    """What an exchange may state, as `group.fact`."""
    values: dict[str, ValueSetText] = {}
    """The sets of values that facts take."""
    more_values: dict[str, dict[str, MoreValueText]] = {}
    """Values added to sets that are defined elsewhere, each under a value of its set."""
    units: dict[Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9/-]{0,31}$")], UnitText] = {}
    """The units that quantities are stated in. There are no others."""
    registers: dict[str, RegisterText] = {}
    """Dated lists of values."""
    calendars: dict[str, CalendarText] = {}
    """Working days by place."""
    evidence: dict[str, KindText] = {}
    """The kinds of documents that can be shown."""
    claims: dict[str, ClaimText] = {}
    """The kinds of reasons that an exporter can rely on."""
    requirements: dict[str, RequirementText] = {}
    """What rules may require, how to meet it, and what is then owed."""
    counters: dict[str, CounterText] = {}
    """What is counted over time. Each counter has a fact of the same name."""
    books: dict[str, BookText] = {}
    """What was granted to whom, and which facts follow from it."""
    entities: dict[Id, EntityKindText] = {}
    """Kinds of entities of the register, beside parties and assets. An exchange names one by the fact `KIND.id`."""
    promises: dict[str, PromiseText] = {}
    """What parties promise by exchanges, until a last day, and what shows that it was kept."""
    shares: dict[str, SharesText] = {}
    """Shares of what a ledger has committed. Each has a family of facts of the same name, which the ledger fills."""
    jurisdictions: dict[str, JurisdictionText] = {}
    """Which countries and subject matters each jurisdiction covers, and from when."""
    subjects: dict[str, SubjectText] = {}
    """The subject matters of data, each with the condition that shows it."""
    touches: list[TouchText] = []
    """Which facts name a country that an exchange touches, and in which role."""
    phrases: dict[str, PhraseText] = {}
    """Conditions that are said once, for a value that each use names."""
    coherence: dict[str, CoherenceText] = {}
    """What cannot be true together, whatever the law."""
    lanes: dict[str, LaneText] = {}
    """Names for the ways that advice opens."""
    questions: dict[Id, GroupText] = {}
    """Questions that stand for several facts: where there is nothing of them, one answer states them all."""
    factor: dict[str, FactorPartText] = {}
    """The account of the data as a factor of production, part by part."""
    transfer_registers: dict[Id, TransferRegisterText] = {}
    """The registers of transfers that laws ask to be kept, with the columns of each."""
    statistics: StatisticsText | None = None
    """Which facts the statistics of committed exchanges are made of; in one file only."""
    authzen: AuthZenText | None = None
    """How access requests (AuthZEN) are read as exchanges; in one file only."""
    settlement: SettlementText | None = None
    """How a price becomes money that is payable to those who benefit; in one file only."""
    measures: MeasuresText | None = None
    """Which fact must lie within what a document states that it covers; in one file only."""
    plans: PlansText | None = None
    """How the legs of a plan are compared; in one file only."""
    reached_from_abroad: ReachedText | None = None
    """What the `reach` of every jurisdiction becomes; in one file only."""
    words: dict[str, dict[str, SaidText]] = {}
    """What people call something, by what it is (a value set, `facts`, `evidence` or `claims`) and its name."""
    presets: dict[Id, PresetText] = {}
    """Everyday exchanges to begin with: the facts that are nearly always so, to be confirmed."""
