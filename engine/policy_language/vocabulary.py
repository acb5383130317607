"""
The words of the policy language, checked: facts, values, registers, documents, requirements, jurisdictions.

Everything here is content that an organisation may extend in YAML; Python names no fact, country or law. `vocabulary_files` makes it.
`check` lowers the conditions in it (subjects, touches).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from engine.books.grants import BookFacts
from engine.languages import LANGUAGES, Language
from engine.policy_language.authzen_text import AuthZenText
from engine.policy_language.coverage_text import ROLES, JurisdictionText, SubjectText, TouchText
from engine.policy_language.diagnostic import Span
from engine.policy_language.document_text import Text
from engine.policy_language.everyday_text import PresetText
from engine.policy_language.fact_text import UnitText
from engine.policy_language.ledger_text import PromiseText, SettlementText, SharesText, StatisticsText, TransferRegisterText
from engine.policy_language.organisation import Acceptance, Organisation, SwitchedOff
from engine.policy_language.phrases import PhraseText
from engine.policy_language.tree import Node
from engine.policy_language.vocabulary_text import (
    CalendarText,
    CoherenceText,
    CounterText,
    EntityKindText,
    GroupText,
    KindText,
    LaneText,
    PlansText,
    RequirementText,
)
from engine.rules import Measure, RegisterEntry
from engine.values import SetOf, Type, Value, ValueSet
from engine.values.multilingual import NO_WORDS, Words

QUANTITY = "quantity"
PRIMITIVES = ("yes/no", "count", "ratio", "money", QUANTITY, "date", "duration", "id")
DOCUMENT_FIELDS = {
    "dated": Type("date"),
    "filed": Type("date"),
    "expires": Type("date"),
    "covers": Type("yes/no"),
    "people": Type("count"),
    "hash": Type("id"),
    "attested_by": Type("id"),
}
# In these a document may state what it covers (semantics 1.3); the vocabulary says which fact of the exchange lies within each.
MEASURED_FIELDS = ("people", "for", "purposes", "data")
FIELD_NAMES = frozenset((*DOCUMENT_FIELDS, *MEASURED_FIELDS))
# Who attested a document may be a natural person, unless the vocabulary says that only an institution attests such documents.
PERSONAL_FIELDS = frozenset({"attested_by"})
DOCUMENT_GROUPS = ("evidence", "claims")
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")  # as date.weekday() numbers them


@dataclass(frozen=True, slots=True)
class Follows:
    """What a fact of yes or no follows from: it `reads` so where the set `fact` has `value`, and the other way round (semantics 2.1)."""

    fact: str
    value: str
    reads: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """
    One fact, or one member of a family. `counts` names the fact of this exchange that a counter includes; `member` is the name
    of a member inside its family. `register_only`: no sender may state it, only the register. Of a fact that names a place, `lies_in` is
    the fact that names its country. `some` marks a set that is never empty, in place of which `plain` is sent; `upwards` an ordered fact
    that changes only to a later value. What a law leaves `free` may depend on a fact that `frees`, and on no other. A sign-off is bound to
    one that `binds` even where it was left out. A fact that `follows` from another is never asked. A remedy that moves the fact to a value
    changes what that value `brings` as well. One that stays `open_of_public` is open where the recipient is the public.
    """

    name: str
    type: Type
    title: Text
    ask: Text | None
    change: bool
    personal: bool
    family: str = ""
    counts: str = ""
    dpv: str = ""
    member: Words = NO_WORDS
    lies_in: str = ""
    register_only: bool = False
    some: bool = False
    upwards: bool = False
    frees: bool = field(default=False, repr=False)
    binds: bool = field(default=False, repr=False)
    follows: Follows | None = field(default=None, repr=False)
    plain: str = field(default="", repr=False)
    open_of_public: bool = field(default=False, repr=False)
    brings: Mapping[str, Mapping[str, Value]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def none(self) -> Any:
        """What an exchange states where there is nothing of it, as JSON; None where no such value says so."""
        nothing = self.type.values.nothing if self.type.values else ""
        if self.type.many:
            word = self.plain or nothing
            return [word] if word else None if self.some else []
        return {"count": 0, "ratio": "0"}.get(self.type.kind, nothing or None)

    def can_be(self, value: Value) -> bool:
        """Whether a sender may state this value: a set that is not empty where it must not be, and "nothing applies" alone."""
        if not isinstance(value, SetOf):
            return True
        nothing = self.type.values.nothing if self.type.values else ""
        empty = not value.members and not value.open
        return not (empty and self.some) and (nothing not in value.members or len(value.members) == 1)


@dataclass(frozen=True, slots=True)
class Register:
    title: Text
    of: ValueSet
    source: str
    status: str
    entries: Mapping[str, tuple[RegisterEntry, ...]]


@dataclass(frozen=True, slots=True)
class FactorLine:
    """A line of stated facts; one that stands `beside` others does not make its part appear."""

    title: Text
    fact: str
    highest: bool
    beside: bool = field(default=False, repr=False)  # not printed, since the digest of an older bundle has lines without it


@dataclass(frozen=True)
class ComputedLine:
    """What is computed: the way, and the one or two facts that it is computed from."""

    title: Text
    take: str
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Vocabulary:
    """All the words, resolved. Facts include each member of each family; `families` maps a family to its members."""

    facts: Mapping[str, Fact]
    families: Mapping[str, tuple[str, ...]]
    family_titles: Mapping[str, Text]
    values: Mapping[str, ValueSet]
    units: Mapping[str, UnitText]
    registers: Mapping[str, Register]
    calendars: Mapping[str, CalendarText]
    kinds: Mapping[str, Mapping[str, KindText]]
    requirements: Mapping[str, RequirementText]
    counters: Mapping[str, CounterText]
    books: Mapping[str, BookFacts]
    entities: Mapping[str, EntityKindText]
    promises: Mapping[str, PromiseText]
    jurisdictions: Mapping[str, JurisdictionText]
    subjects: Mapping[str, SubjectText]
    touches: tuple[TouchText, ...]
    coherence: Mapping[str, CoherenceText]
    lanes: Mapping[str, LaneText]
    factor: Mapping[str, tuple[Text, Mapping[str, FactorLine]]]
    nodes: Mapping[tuple[str, str], Node]
    spans: Mapping[tuple[str, str], Span]  # where each word's name stands
    statistics: StatisticsText | None = None
    authzen: AuthZenText | None = None
    settlement: SettlementText | None = None
    plans: PlansText | None = None
    organisations: tuple[Organisation, ...] = ()
    computed: Mapping[str, Mapping[str, ComputedLine]] = field(default_factory=dict)  # by part of the account
    transfer_registers: Mapping[str, TransferRegisterText] = field(default_factory=dict)
    questions: Mapping[str, GroupText] = field(default_factory=dict)  # that stand for several facts
    measures: Mapping[str, str] = field(default_factory=dict)  # by field of a document, the fact that must lie within it
    presets: Mapping[str, PresetText] = field(default_factory=dict)
    phrases: Mapping[str, PhraseText] = field(default_factory=dict)  # not printed: what they mean stands in each use
    ids: Mapping[str, Mapping[str, RegisterEntry]] = field(default_factory=dict)  # lists of ids with dates, by name
    said: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # what people call facts, groups, documents and registers
    shares: Mapping[str, SharesText] = field(
        default_factory=dict
    )  # what a ledger fills in of its committed exchanges, by family

    @property
    def recipient(self) -> str:
        """The group of the facts of a recipient, "" where other facts stand among them, or none is known."""
        groups = {role: {touch.fact.partition(".")[0] for touch in self.touches if touch.as_ == role} for role in ROLES}
        mine = groups.pop("recipient")
        return next(iter(mine)) if len(mine) == 1 and all(mine.isdisjoint(each) for each in groups.values()) else ""

    @property
    def accepts(self) -> tuple[Acceptance, ...]:
        """What organisations say is looked after elsewhere."""
        return tuple(each for organisation in self.organisations for each in organisation.accepts)

    @property
    def switched_off(self) -> tuple[SwitchedOff, ...]:
        """The jurisdictions and policies that organisations have switched off."""
        return tuple(each for organisation in self.organisations for each in organisation.switched_off)

    def is_off(self, policy: str, jurisdiction: str) -> bool:
        """Whether an organisation has switched this policy off (semantics 4.3)."""
        return any(off.covers(policy, jurisdiction) for off in self.switched_off)

    @property
    def must_be_shown(self) -> frozenset[str]:
        """
        Facts, kinds of documents (`evidence.KIND`) and claims that count only where they are not merely stated.

        What a fact follows from stands for it.
        """
        named = (name for organisation in self.organisations for name in organisation.must_be_shown)
        return frozenset(follows.fact if (follows := self.followed(name)) else name for name in named)

    def personal_fields(self, document: str) -> frozenset[str]:
        """The fields of a document, like `evidence.KIND`, that may name a natural person."""
        group, _, kind = document.partition(".")
        text = self.kinds.get(group, {}).get(kind)
        return self._personal_measures | (frozenset() if text is not None and text.institution == "yes" else PERSONAL_FIELDS)

    @cached_property
    def _personal_measures(self) -> frozenset[str]:
        """The fields that name what a personal fact names."""
        return frozenset(name for name, fact in self.measures.items() if fact in self.facts and self.facts[fact].personal)

    @cached_property
    def fields(self) -> Mapping[str, Type]:
        """The fields of a document with their types: those of every document, and those in which it states what it covers."""
        types = {name: type for name, fact in self.measures.items() if (type := self.type_of(fact)) is not None}
        many = {name: Type(type.kind, type.kind != "count", type.values, type.units) for name, type in types.items()}
        return {**DOCUMENT_FIELDS, **many}

    def measures_of(self, document: str) -> tuple[Measure, ...]:
        """What a kind of document, like `evidence.KIND`, may state that it covers."""
        group, _, kind = document.partition(".")
        must = self.kinds[group][kind].must_say
        found = []
        for name, fact in self.measures.items():
            type, family = self.type_of(fact), fact.removesuffix(".total")
            stated = self.families[family] if fact not in self.facts and family in self.families else (fact,)
            if type is not None:
                found.append(Measure(name, fact, stated, name in must, type.values))
        return tuple(found)

    @cached_property
    def placed(self) -> tuple[Fact, ...]:
        """The facts that name a place inside a country."""
        return tuple(fact for fact in self.facts.values() if fact.lies_in)

    def astray(self, value: Callable[[str], object]) -> list[Fact]:
        """The facts that name a place which does not lie in the country that is stated for it (semantics 1.6)."""
        return [
            fact
            for fact in self.placed
            if isinstance(place := value(fact.name), str)
            and isinstance(country := value(fact.lies_in), str)
            and fact.type.values
            and not fact.type.values.may_lie(place, country)
        ]

    def type_of(self, name: str) -> Type | None:
        """The type of a fact, of a family's `total`, or of a document's field; None where there is no such fact."""
        if name in self.facts:
            return self.facts[name].type
        head, _, last = name.rpartition(".")
        if last == "total" and head in self.families:
            types = {self.facts[member].type for member in self.families[head]}
            return types.pop() if len(types) == 1 else None  # what is measured in several units has no total
        group, _, rest = name.partition(".")
        if group in DOCUMENT_GROUPS:
            kind, _, field = rest.rpartition(".")
            if kind in self.kinds[group]:
                return self.fields.get(field)
        return None

    def followed(self, name: str) -> Follows | None:
        """What a fact follows from, if it does."""
        fact = self.facts.get(name)
        return fact.follows if fact else None

    def names(self) -> Iterator[str]:
        """Every name a condition may test, for suggestions."""
        yield from self.facts
        yield from (total for family in self.families if self.type_of(total := f"{family}.total"))
        yield from DOCUMENT_GROUPS
        for group in DOCUMENT_GROUPS:
            yield from (f"{group}.{kind}.{field}" for kind in self.kinds[group] for field in self.fields)

    def title(self, name: str) -> Text:
        """The title of a fact, a document's field, or the name itself."""
        if name in self.facts:
            return self.facts[name].title
        group, _, rest = name.partition(".")
        if group in DOCUMENT_GROUPS and rest:
            kind, _, field = rest.rpartition(".")
            known = self.kinds[group].get(kind or field)
            if known:
                return titled(known.title, lambda language, title: language.field(title, field)) if kind else known.title
        return Text(en=name.replace(".", " ").replace("_", " "), zh=None)

    def countries(self, jurisdiction: JurisdictionText, day: date) -> frozenset[str]:
        """The country codes a jurisdiction covers on a day: written out, or a register's."""
        if isinstance(jurisdiction.countries, str):
            entries = self.registers[jurisdiction.countries].entries
            return frozenset(code for code, windows in entries.items() if any(w.on(day) for w in windows))
        return frozenset(jurisdiction.countries)


def stated_in(fact: str) -> str:
    """What an exchange states a fact in: for a field of a document the document, otherwise the fact itself."""
    kind, _, field = fact.rpartition(".")
    return kind if fact.partition(".")[0] in DOCUMENT_GROUPS and field in FIELD_NAMES else fact


def titled(title: Text, say: Callable[[Language, str], str]) -> Text:
    """A text made from a title, in each language that the title has."""
    return Text(**{code: say(language, text) for code, language in LANGUAGES.items() if (text := getattr(title, code))})
