"""
A vocabulary as authors write it: facts and their values, documents, requirements, counters, jurisdictions.

`vocabulary` decides what it means.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Field, model_validator

from engine.policy_language.authzen_text import AuthZenText
from engine.policy_language.document_text import Condition, Day, DocumentText, DutyText, Id, Prose, Status, Text, YesNo
from engine.policy_language.everyday_text import PresetText, SaidText
from engine.policy_language.ledger_text import BookText, PromiseText, SettlementText, StatisticsText, TransferRegisterText

Measured = Literal["people", "for", "purposes", "data"]
Role = Literal["exporter", "recipient", "people", "collection", "storage", "access"]
ROLES: tuple[str, ...] = get_args(Role)  # of the countries that an exchange touches, in the order in which they are told (4.8)


class FollowsText(DocumentText):
    """What a fact of yes or no follows from: whether a set, which is another fact, has a value."""

    fact: str
    yes_where_it_has: str | None = None
    no_where_it_has: str | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> FollowsText:
        if (self.yes_where_it_has is None) == (self.no_where_it_has is None):
            raise ValueError("say one of `yes_where_it_has` and `no_where_it_has`")
        return self


class FactText(DocumentText):
    """
    A fact of an exchange. `by` makes it a family: one fact for each value of a value set.

    `lies_in` belongs to a fact that names a place inside a country: it is the fact that names the country.
    `from: register` says where the fact is usually from; with `register-only`, an exchange that states it is refused.
    `binds` marks a fact to which a sign-off is bound even where it was left out (4.6).
    `frees` marks a fact on which it may depend whether a law leaves data free (semantics 4.3). `some` marks a set that is never empty
    (1.7), and `plain` the value that is sent in place of none. `change: upwards` lets a remedy move an ordered value up, never down. What
    is no longer so at a value, a remedy that moves to it changes as well (`brings`, by value and fact). A fact that `follows` from another
    is not asked (2.1). `public: open` marks a fact of the recipient that stays open where the recipient is the public (1.2).
    """

    type: str
    title: Text
    ask: Text | None = None
    dpv: str | None = None
    change: Literal["yes", "upwards", "no"] = "no"
    some: YesNo = "no"
    plain: str | None = None
    brings: dict[str, dict[str, str]] = {}
    personal: YesNo = "no"
    from_: Literal["register", "register-only"] | None = Field(None, alias="from")
    by: str | None = None
    lies_in: str | None = None
    frees: YesNo = "no"
    binds: YesNo = "no"
    follows: FollowsText | None = None
    public: Literal["open"] | None = None

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        # Digests are made from this text. What neither frees nor binds reads as before there were these marks.
        unread = (("frees", "no"), ("binds", "no"), ("binds", "yes"))
        yield from (
            each for each in super().__repr_args__() if each not in unread and each[0] not in ("plain", "brings", "public")
        )


class ValueText(DocumentText):
    """
    A value. `rest` says that it is none of the other values under those that it lies under (semantics 2.5).

    `also` are other spellings, for suggestions only. `in` is the country in which a place lies (semantics 1.6). `nothing` says that no
    other value applies, `everything` that all others do. `since` is the shape of exchanges that first knows the value: what was said in
    an earlier one leaves it open (2.1).
    """

    title: Text | None = None
    also: list[Prose] = []
    under: str | list[str] | None = None
    in_: str | None = Field(None, alias="in")
    exact: YesNo = "no"
    rest: YesNo = "no"
    nothing: YesNo = "no"
    everything: YesNo = "no"
    since: int | None = None
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
    since: int | None = None
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
    """
    A kind of document, or of claim: what it is and how to ask for it; with `institution: yes` only an institution attests it.

    `must_say` names what such a document has to state of what it covers (semantics 1.3); if it does not, it is asked. What a company
    calls the document is `called`, the title otherwise; `issued_by` says who makes or issues it, `filed_with` where it is filed.
    """

    title: Text
    ask: Text | None = None
    institution: YesNo = "no"
    must_say: list[Measured] = []
    called: Text | None = None
    issued_by: Text | None = None
    filed_with: Text | None = None

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        # Digests are made from this text. A kind that need not say anything, or has no other words, reads as before there were these keys.
        unread: tuple[tuple[str, Any], ...] = (("must_say", []), ("called", None), ("issued_by", None), ("filed_with", None))
        yield from (each for each in super().__repr_args__() if each not in unread)


class MeasuresText(DocumentText):
    """
    The facts that lie within what a document states: how many people, for which recipients, for which purposes, which data sets.

    Source: semantics 2.3.
    """

    people: str | None = None
    for_: str | None = Field(None, alias="for")
    purposes: str | None = None
    data: str | None = None


class ClaimText(KindText):
    """A kind of claim. `needs` is what no law would drop where the claim lifts (semantics 4.12), or `always`: there is nothing."""

    needs: Condition = None

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        # Digests are made from this text, and from the definition that `needs` becomes.
        yield from (each for each in super().__repr_args__() if each[0] != "needs")


class RequirementText(DocumentText):
    title: Text
    how: Text
    jurisdiction: str
    duties: list[DutyText] = []


class CounterText(DocumentText):
    """
    What is counted, per whom, in which window, where, and what is left out.

    A counter of money names the fact in whose `currency` the sum is: what is in another currency leaves the sum open above. A counter of
    different people may name the fact by which an exchange says that it has the `same` people as an earlier data set, and the kind of
    evidence that is a `record` of how many different people there are. `kept` is a fact that is yes where a ledger keeps the counter, and
    no without one: so a rule may ask for a count only there.
    """

    counts: str
    per: list[str]
    window: Prose
    currency: str | None = None
    same: str | None = None
    record: str | None = None
    kept: str | None = None
    where: Condition = None
    leaves_out: list[str] = []
    note: Prose | None = None

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        # Digests are made from its text. Without a currency it reads as before there were currencies, and so with the others.
        added = (("currency", None), ("same", None), ("record", None), ("kept", None))
        yield from (each for each in super().__repr_args__() if each not in added)


class EntityKindText(DocumentText):
    """A kind of entities of the register, beside parties and assets: the fact `KIND.id` names one, and it states these facts."""

    title: Text
    states: Annotated[list[str], Field(min_length=1)]


class AlsoText(DocumentText):
    """A second subject matter under which data of a cell stand, with a source of its own."""

    subject: str
    source: Prose


class CoverText(DocumentText):
    """
    What was read of a jurisdiction's law on one subject matter: one cell of the coverage (semantics 4.3).

    `by` names the policies that speak of it, or single provisions (`POLICY/RULE`). Without `partly`, the subject matter is covered from
    the day `from`; with it, it is spoken of and not covered. A day alone is `from`. `under` names the wider subject matter whose law
    governs it, and `also` another one for data that are not of the wider one. `free: yes` says that no rule on sending it abroad is known
    beyond what everybody is asked; `when` is what is asked. `unread` names a law that was not read, alone or beside policies that cover the
    subject matter `partly`. These three say what was `read`, where (`source`) and when.
    """

    from_: Day | None = Field(None, alias="from")
    partly: YesNo = "no"
    by: list[str] = []
    under: str | None = None
    also: AlsoText | None = None
    free: YesNo = "no"
    when: Condition = None
    unread: Text | None = None
    read: Prose | None = None
    source: Prose | None = None
    read_on: Day | None = None
    status: Status | None = None
    verify_by: Day | None = None

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


class JurisdictionText(DocumentText):
    """Which countries a jurisdiction covers, and for which subject matters by which policies."""

    title: Text
    countries: list[str] | str = []
    covers: dict[str, CoverText] = {}
    note: Text | None = None


class SubjectText(DocumentText):
    """
    A subject matter of data: when they are of it, or `other_than` another subject matter, of which they are not; or both.

    `only_in` names the jurisdictions whose law knows it. What is `guarded` is never free, never under another subject matter, and
    nobody accepts it or signs it off.
    """

    title: Text
    when: Condition = None
    other_than: str | None = None
    only_in: list[str] = []
    guarded: YesNo = "no"

    @model_validator(mode="after")
    def _some_of_the_two(self) -> SubjectText:
        if self.when is None and self.other_than is None:
            raise ValueError("a subject matter has `when`, or `other_than`, or both")
        return self


class TouchText(DocumentText):
    """A fact that names a country which the exchange touches, and the role of that country."""

    fact: str
    as_: Role = Field(alias="as")
    when: Condition = None


class GroupText(DocumentText):
    """
    A question that stands for several facts or families, of each of which there may be nothing: then one answer, none, states them all.

    Source: semantics 4.5.
    """

    ask: Text
    facts: Annotated[list[str], Field(min_length=1)]


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


class LaneText(DocumentText):
    title: Text


class PlansText(DocumentText):
    """
    How a leg of a plan is compared with the legs before it (semantics 4.14).

    `derived` is the fact that says how the data derive from what came, `data` the one that names them. `aggregated` has the values that
    data have to have so that an aggregate is other data. `people` and `places` may not be more or others than came. `party` has, by each
    fact of a recipient, the same fact of the exporter that it becomes. Rules that test one of `asks` are asked of the whole, whatever
    they do.
    """

    derived: str
    data: str
    aggregated: dict[str, str]
    people: str
    places: list[str]
    party: dict[str, str]
    asks: list[str]


DERIVED = ("same", "aggregated", "other")  # how data derive from what came
ONCE = ("settlement", "statistics", "authzen", "measures", "plans")  # the sections of a vocabulary that are in one file only


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
    claims: dict[str, ClaimText] = {}
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
    questions: dict[Id, GroupText] = {}
    factor: dict[str, FactorPartText] = {}
    transfer_registers: dict[Id, TransferRegisterText] = {}
    statistics: StatisticsText | None = None
    authzen: AuthZenText | None = None
    settlement: SettlementText | None = None
    measures: MeasuresText | None = None
    plans: PlansText | None = None
    words: dict[str, dict[str, SaidText]] = {}
    presets: dict[Id, PresetText] = {}
