"""
A vocabulary as authors write it: facts and their values, documents, requirements, counters, jurisdictions.

`vocabulary` decides what it means.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from engine.policy_language.authzen_text import AuthZenText
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
from engine.policy_language.known_findings import KnownText
from engine.policy_language.ledger_text import (
    BookText,
    PromiseText,
    SettlementText,
    SharesText,
    StatisticsText,
    TransferRegisterText,
)
from engine.policy_language.phrases import PhraseText
from engine.policy_language.reach_text import ReachedText, ReachText

Measured = Literal["people", "for", "purposes", "data"]
Role = Literal["exporter", "recipient", "people", "collection", "storage", "access"]
ROLES: tuple[str, ...] = get_args(Role)  # of the countries that an exchange touches, in the order in which they are told (4.8)


class FollowsText(DocumentText):
    """What a fact of yes or no follows from: whether a set, which is another fact, has a value."""

    fact: str
    """A fact that is a set of values, and is asked."""
    yes_where_it_has: str | None = None
    """The value with which the set makes this fact yes; without it the fact is no."""
    no_where_it_has: str | None = None
    """The value with which the set makes this fact no; without it the fact is yes."""

    @model_validator(mode="after")
    def _one_of_two(self) -> FollowsText:
        if (self.yes_where_it_has is None) == (self.no_where_it_has is None):
            raise ValueError("say one of `yes_where_it_has` and `no_where_it_has`")
        return self


class FactText(DocumentText):
    """A fact of an exchange. `by` makes it a family: one fact for each value of a value set (semantics 1.7, 2.1, 4.3, 4.6)."""

    type: str
    """Its type: one of the basic types, a value set, or `set of` one."""
    title: Text
    """What it is called."""
    ask: Text | None = None
    """The question that the exporter is asked to find it out."""
    dpv: str | None = None
    """The term of the Data Privacy Vocabulary that says of data or an exchange that this is so."""
    change: Literal["yes", "upwards", "no"] = "no"
    """Whether the exporter can change it, so that a remedy may change it; `upwards`: only to a later value of its ordered set."""
    some: YesNo = "no"
    """Whether the set is never empty: `[]` is then refused."""
    plain: str | None = None
    """The value that is sent in place of `[]` where nothing out of the ordinary applies; the refusal names it."""
    brings: dict[str, dict[str, str]] = {}
    """What a remedy that moves to a value changes as well, by value and fact, since it cannot be so there."""
    personal: YesNo = "no"
    """Whether its value may be personal. A personal value is kept apart from the record."""
    from_: Literal["register", "register-only"] | None = Field(None, alias="from")
    """`register`: an organisation's own register may state it. `register-only`: nobody else may."""
    by: str | None = None
    """A value set; the fact is then a family, with one fact for each value."""
    units: list[str] | dict[str, list[str]] = []
    """Of a quantity, the base units that it is measured in, for each member of a family; without them, any unit will do."""
    lies_in: str | None = None
    """The fact names a place: the fact that names its country."""
    frees: YesNo = "no"
    """`yes`: whether a law leaves data free may depend on it (`free:` in coverage)."""
    binds: YesNo = "no"
    """`yes`: a sign-off is bound to it even where it was left out, as to ids and countries."""
    follows: FollowsText | None = None
    """The set that it follows from. It is then never asked, and stating it otherwise than the set is refused."""
    public: Literal["open"] | None = None
    """`open`: of a fact of the recipient, that it stays open and is not asked where the recipient is the public."""

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        # Digests are made from this text. What neither frees nor binds reads as before there were these marks.
        unread = (("frees", "no"), ("binds", "no"), ("binds", "yes"))
        yield from (
            each
            for each in super().__repr_args__()
            if each not in unread and each[0] not in ("plain", "brings", "public", "units")
        )


class UnitText(DocumentText):
    """A unit of quantities: a base unit, or so many `times` the base unit that it is a unit `of` (semantics 1.2)."""

    title: Text
    """What it is called."""
    of: str | None = None
    """The base unit that it is turned into; without it, this is a base unit."""
    times: Annotated[str, StringConstraints(pattern=r"^([1-9]\d{0,29}(\.\d{1,12})?|0\.\d{0,11}[1-9])$")] = "1"
    """How many of the base unit it is, as a decimal number."""
    also: list[Prose] = []
    """Other spellings, in any language. A sender who writes one of them is told of this unit."""

    @model_validator(mode="after")
    def _of_a_base(self) -> UnitText:
        if (self.of is None) == ("times" in self.model_fields_set):
            raise ValueError("`of` and `times` go together; a base unit has neither")
        return self


class ValueText(DocumentText):
    """A value (semantics 1.6, 2.1, 2.5)."""

    title: Text | None = None
    """What it is called."""
    also: list[Prose] = []
    """Other spellings, in any language. A sender who writes one of them is told of this value."""
    under: str | list[str] | None = None
    """The value, or values, that it is a kind of."""
    in_: str | None = Field(None, alias="in")
    """The country in which this place lies."""
    exact: YesNo = "no"
    """Whether this value, when it is sent, means none of the values under it."""
    rest: YesNo = "no"
    """Whether this value means none of the other values that lie under the same one."""
    nothing: YesNo = "no"
    """Whether this value says that no other of its set applies; in a set it stands alone."""
    everything: YesNo = "no"
    """Whether this value says that all others of its set apply; in a set it stands alone."""
    since: int | None = None
    """The shape of exchanges that first knows the value, like 2; a set that was stated in an earlier one is open."""
    dpv: str | None = None
    """The term of the Data Privacy Vocabulary that means the same, like `pd:Health`."""
    dpv_broader: str | None = None
    """Where no term means the same: one that means more. It is written for this value, and never read as it."""


class ValueSetText(DocumentText):
    """A set of values."""

    title: Text
    """What it is called."""
    includes: str | None = None
    """A value set whose values are values of this one too."""
    ordered: YesNo = "no"
    """Whether the values are ranked, the lowest first."""
    open: YesNo = "no"
    """Gone: in semantics 1 such a set took any text. List every value."""
    inside: str | None = None
    """The values are places: the value set of the countries in which they lie."""
    complete: list[str] = []
    """The countries of which these are all the places, so that everybody there is in one of them."""
    values: list[str] | dict[str, ValueText | str]
    """A list, or a mapping of each value to its title or to what it lies `under`."""


class MoreValueText(DocumentText):
    """A value that is added to a set defined elsewhere; to every rule that does not name it, it is the value that it lies under."""

    title: Text | None = None
    """What it is called."""
    under: str
    """The value of the set that it is a kind of; rules that do not name it read it as that value."""
    rest: YesNo = "no"
    """Whether this value means none of the other values that are added under the same one."""
    since: int | None = None
    """The shape of exchanges that first knows the value, like 2; a set that was stated in an earlier one is open."""
    dpv: str | None = None
    """The term of the Data Privacy Vocabulary that means the same, like `pd:Health`."""
    dpv_broader: str | None = None
    """Where no term means the same: one that means more. It is written for this value, and never read as it."""


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


class AlsoText(DocumentText):
    """A second subject matter under which data of a cell stand, with a source of its own."""

    subject: str
    """The subject matter."""
    source: Prose
    """Where it was read that such data stand under it."""


class CoverText(DocumentText):
    """What was read of a jurisdiction's law on one subject matter: one cell of the coverage (semantics 4.3). A day alone is `from`."""

    from_: Day | None = Field(None, alias="from")
    """The first day from which it is covered in full."""
    partly: YesNo = "no"
    """`yes` if policies speak of it and it is not covered in full: what they leave alone is still reviewed."""
    by: list[str] = []
    """The laws and orders that speak of it: policies, or single provisions (`POLICY/RULE`)."""
    under: str | None = None
    """The wider subject matter whose law governs it, where nothing was found beside that law on sending it abroad."""
    also: AlsoText | None = None
    """A second subject matter that governs data which are not of the wider one, with a source of its own."""
    free: YesNo = "no"
    """`yes` if no rule on sending it abroad is known beyond what everybody is asked."""
    when: Condition = None
    """What everybody is asked; where it does not hold, a person looks at it."""
    unread: Text | None = None
    """A law by its name, which was not read. Beside `partly: yes` it is the law that the policies leave alone."""
    read: Prose | None = None
    """What was read, in your own words."""
    source: Prose | None = None
    """Where it was read: which document, of whom, of which day."""
    read_on: Day | None = None
    """The day on which it was read."""
    status: Status | None = None
    """How sure it is: `confirmed` (read in a source), `from-memory`, or `unsure`."""
    verify_by: Day | None = None
    """The day by which somebody should read it again."""
    known: KnownText | Annotated[list[KnownText], Field(min_length=1)] | None = Field(None, repr=False)
    """What `fifthfactor analyse` finds of it and the author knows: a finding, why, and until when; one or a list."""

    @model_validator(mode="before")
    @classmethod
    def _day_alone(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, str | date) else value

    @model_validator(mode="after")
    def _one_of_four(self) -> CoverText:
        kinds = [name for name in ("by", "under", "unread") if getattr(self, name)] + (["free"] if self.free == "yes" else [])
        if self.partly == "yes" and kinds == ["by", "unread"]:
            kinds = ["by"]  # what the policies leave alone is a law that was not read
        if len(kinds) > 1:
            raise ValueError(f"`{kinds[0]}` and `{kinds[1]}` do not go together: say one of `by`, `under`, `free`, `unread`")
        if self.kind == "by":
            if (self.from_ is None) == (self.partly == "no"):
                raise ValueError("say from which day the subject matter is covered (`from`), or that it is not (`partly: yes`)")
        elif self.partly == "yes":
            raise ValueError("`partly` belongs to `by`")
        if (self.kind != "by" or self.unread) and None in (self.read, self.source, self.read_on, self.status, self.verify_by):
            raise ValueError("say what was read: `read`, `source`, `read_on`, `status` and `verify_by`")
        if self.also is not None and self.under is None:
            raise ValueError("`also` belongs to `under`")
        if self.when is not None and self.free == "no":
            raise ValueError("`when` belongs to `free: yes`")
        return self

    @property
    def kind(self) -> Literal["by", "under", "free", "unread"]:
        return "under" if self.under else "free" if self.free == "yes" else "unread" if self.unread and not self.by else "by"

    @property
    def wider(self) -> tuple[str, ...]:
        """The subject matters whose law governs it."""
        return tuple(name for name in (self.under, self.also.subject if self.also else None) if name)

    def in_doubt(self, trust: str) -> bool:
        """Whether nobody may rely on a cell that settles something, where `trust` is the lowest mark that is relied on."""
        doubtful = self.status == "unsure" or (self.status == "from-memory" and trust == "confirmed")
        return self.kind in ("under", "free") and doubtful

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        # Digests of what coverage means are made from its text. A cell of policies reads as before there were other cells.
        args = tuple(super().__repr_args__())
        yield from args[:3] if self.kind == "by" and not self.unread else args


class ReadingText(DocumentText):
    """What every cell of a jurisdiction says that tells what was read and does not say it itself."""

    read_on: Day | None = None
    """The day on which it was read."""
    verify_by: Day | None = None
    """The day by which somebody should read it again."""


class JurisdictionText(DocumentText):
    """Which countries a jurisdiction covers, and for which subject matters by which policies."""

    title: Text
    """What it is called."""
    countries: list[str] | str = []
    """The countries it covers: a list, or the name of a register."""
    defaults: ReadingText | None = Field(None, repr=False)
    """What every cell that tells what was `read` says, unless it says it itself: `read_on` and `verify_by`."""
    covers: dict[str, CoverText] = {}
    """The subject matters it covers, each with its first day and the policies that speak of it."""
    reach: ReachText | None = Field(None, repr=False)
    """What was read of its law's reach over exporters abroad. It becomes the policy `JURISDICTION.reach`."""
    define: dict[Id, Condition] = Field({}, repr=False)
    """Conditions that several of its policies use. Each that uses the name alone has the definition as its own."""
    note: Text | None = None
    """Which parts of its law are not modelled."""


class SubjectText(DocumentText):
    """A subject matter of data."""

    title: Text
    """What it is called."""
    when: Condition = None
    """When the data are of this subject matter."""
    other_than: str | None = None
    """Another subject matter: the data are of this one where they are not of that one."""
    only_in: list[str] = []
    """The jurisdictions whose law knows it; elsewhere nobody is asked about it."""
    guarded: YesNo = "no"
    """`yes`: it is never free nor under another one, and nobody accepts it or signs it off."""

    @model_validator(mode="after")
    def _some_of_the_two(self) -> SubjectText:
        if self.when is None and self.other_than is None:
            raise ValueError("a subject matter has `when`, or `other_than`, or both")
        return self


class TouchText(DocumentText):
    """A fact that names a country which the exchange touches, and the role of that country."""

    fact: str
    """A fact that names countries."""
    as_: Role = Field(alias="as")
    """The role in which the exchange touches them."""
    when: Condition = None
    """When the fact counts; by default, always."""


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
