"""
The words of the policy language: facts, values, registers, documents, requirements, jurisdictions, and what they mean.

Several located trees in, one Vocabulary out. Everything here is content that an organisation may extend in YAML; Python names
no fact, country or law. `check` lowers the conditions in it (subjects, touches).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, get_args

from engine.books.grants import BookFacts
from engine.diagnostic import Findings, Span, did_you_mean
from engine.languages import CHINESE, ENGLISH, Language
from engine.multilingual import NO_WORDS, Words
from engine.policy_language.authzen_text import AuthZenText
from engine.policy_language.book_facts import read_books
from engine.policy_language.document_text import Status, Text
from engine.policy_language.ledger_text import PromiseText, SettlementText, StatisticsText, TransferRegisterText
from engine.policy_language.organisation import Acceptance, Organisation, SwitchedOff
from engine.policy_language.read_document import read_parts
from engine.policy_language.tree import Node, locate
from engine.policy_language.vocabulary_text import (
    ONCE,
    CalendarText,
    CoherenceText,
    CounterText,
    EntityKindText,
    FactText,
    JurisdictionText,
    KindText,
    LaneText,
    MoreValueText,
    RegisterText,
    RequirementText,
    SubjectText,
    TouchText,
    ValueSetText,
    ValueText,
    VocabularyText,
)
from engine.rules import RegisterEntry
from engine.values import MAX_TEXT, SetOf, Type, Value, ValueSet

PRIMITIVES = ("yes/no", "count", "ratio", "money", "date", "duration", "id")
DOCUMENT_FIELDS = {
    "dated": Type("date"),
    "filed": Type("date"),
    "expires": Type("date"),
    "covers": Type("yes/no"),
    "people": Type("count"),
    "hash": Type("id"),
    "attested_by": Type("id"),
}
# Who attested a document may be a natural person, unless the vocabulary says that only an institution attests such documents.
PERSONAL_FIELDS = frozenset({"attested_by"})
DOCUMENT_GROUPS = ("evidence", "claims")
RESERVED = ("evidence", "claims", "relies_on", "carried", "named", "register", "as_of", "schema")
MAX_FACTS = 180  # that a caller can be asked for (semantics 7.4); a family is one
STATUSES = get_args(Status)  # from sure to unsure
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")  # as date.weekday() numbers them
MOST_YEARS = 100  # of a calendar: its days are counted one by one
CALENDAR = re.compile(r"[A-Z]{2}")
UNSENDABLE = ("unknown", "left out")  # words that say there is no value


@dataclass(frozen=True, slots=True)
class Fact:
    """
    One fact, or one member of a family. `counts` names the fact of this exchange that a counter includes; `member` is the name
    of a member inside its family. `register_only`: no sender may state it, only the register. Of a fact that names a place, `lies_in` is
    the fact that names its country. `some` marks a set that is never empty, `upwards` an ordered fact that changes only to a later value.
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
    organisations: tuple[Organisation, ...] = ()
    computed: Mapping[str, Mapping[str, ComputedLine]] = field(default_factory=dict)  # by part of the account
    transfer_registers: Mapping[str, TransferRegisterText] = field(default_factory=dict)

    @property
    def accepts(self) -> tuple[Acceptance, ...]:
        """What organisations say is looked after elsewhere."""
        return tuple(each for organisation in self.organisations for each in organisation.accepts)

    @property
    def switched_off(self) -> tuple[SwitchedOff, ...]:
        """The jurisdictions and policies that organisations have switched off."""
        return tuple(each for organisation in self.organisations for each in organisation.switched_off)

    @property
    def must_be_shown(self) -> frozenset[str]:
        """Facts, kinds of documents (`evidence.KIND`) and claims that count only where they are not merely stated."""
        return frozenset(name for organisation in self.organisations for name in organisation.must_be_shown)

    def personal_fields(self, document: str) -> frozenset[str]:
        """The fields of a document, like `evidence.KIND`, that may name a natural person."""
        group, _, kind = document.partition(".")
        text = self.kinds.get(group, {}).get(kind)
        return frozenset() if text is not None and text.institution == "yes" else PERSONAL_FIELDS

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
            return self.facts[self.families[head][0]].type
        group, _, rest = name.partition(".")
        if group in DOCUMENT_GROUPS:
            kind, _, field = rest.rpartition(".")
            if kind in self.kinds[group]:
                return DOCUMENT_FIELDS.get(field)
        return None

    def names(self) -> Iterator[str]:
        """Every name a condition may test, for suggestions."""
        yield from self.facts
        yield from (f"{family}.total" for family in self.families)
        yield from DOCUMENT_GROUPS
        for group in DOCUMENT_GROUPS:
            yield from (f"{group}.{kind}.{field}" for kind in self.kinds[group] for field in DOCUMENT_FIELDS)

    def title(self, name: str) -> Text:
        """The title of a fact, a document's field, or the name itself."""
        if name in self.facts:
            return self.facts[name].title
        group, _, rest = name.partition(".")
        if group in DOCUMENT_GROUPS and rest:
            kind, _, field = rest.rpartition(".")
            known = self.kinds[group].get(kind or field)
            if known:
                return _titled(known.title, lambda language, title: language.field(title, field)) if kind else known.title
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
    return kind if fact.partition(".")[0] in DOCUMENT_GROUPS and field in DOCUMENT_FIELDS else fact


# The kinds of the facts that statistics use for something else than to tell exchanges apart.
STATISTICS_KINDS = {
    "people": "count",
    "price": "money",
    "source_country_share": "ratio",
    "public_share": "ratio",
    "exclusive": "yes/no",
    "supplier": "id",
    "recipient": "id",
}
SECTIONS = (
    "facts", "values", "registers", "calendars", "evidence", "claims", "requirements", "counters", "books", "entities",
    "promises", "jurisdictions", "subjects", "coherence", "lanes", "factor", "transfer_registers",
)  # fmt: skip


_COMPUTED_OF = {
    "ratio": "name a sum of money",
    "limit": "name a sum of money",
    "highest": "name a set of ordered values",
    "validity": "name a kind of evidence, as `evidence.KIND`",
    "total": "name a family of ratios",
}


def load(trees: list[Node], findings: Findings) -> Vocabulary:
    """Join vocabulary files into one vocabulary; an error or a word defined twice is a finding."""
    merged: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    nodes: dict[tuple[str, str], Node] = {}
    spans: dict[tuple[str, str], Span] = {}
    more: dict[str, dict[str, MoreValueText]] = {}
    touches: list[tuple[TouchText, Node]] = []
    read: dict[str, Span] = {}
    once: dict[str, Any] = dict.fromkeys(ONCE)
    for tree in trees:
        text = read_parts(VocabularyText, tree, findings)
        if text is None:
            continue
        at = locate(tree, ("vocabulary",))[0].span
        if text.vocabulary in read:
            said = f"the vocabulary `{text.vocabulary}` is written twice"
            findings.error(at, "duplicate-id", said, f"first at {read[text.vocabulary]}", "give each its own name")
            continue
        read[text.vocabulary] = at
        touches += [(touch, locate(tree, ("touches", number))[0]) for number, touch in enumerate(text.touches)]
        for section in SECTIONS:
            for name, entry in getattr(text, section).items():
                node, span = locate(tree, (section, name))
                if name in merged[section]:
                    first = spans[section, name]
                    findings.error(
                        span, "duplicate-id", f"`{name}` is defined twice", f"first at {first}", "keep one of the two"
                    )
                    continue
                merged[section][name] = entry
                nodes[section, name], spans[section, name] = node, span
        for name, values in text.more_values.items():
            spans.setdefault(("more_values", name), locate(tree, ("more_values", name))[1])
            for value, added in values.items():
                span = locate(tree, ("more_values", name, value))[1]
                if value in more.setdefault(name, {}):
                    first = spans["more_values", f"{name}/{value}"]
                    findings.error(
                        span, "duplicate-id", f"`{value}` is added twice", f"first at {first}", "keep one of the two"
                    )
                    continue
                more[name][value], spans["more_values", f"{name}/{value}"] = added, span
        for section in ONCE:
            if getattr(text, section) is None:
                continue
            node, span = locate(tree, (section,))
            if once[section] is None:
                once[section], nodes[section, ""], spans[section, ""] = getattr(text, section), node, span
            else:
                said = f"`{section}` is written twice"
                findings.error(span, "duplicate-id", said, f"first at {spans[section, '']}", "keep one of the two")
    # Sorted by content, so that their numbers do not depend on the names of files.
    touches.sort(key=lambda each: repr(each[0]))
    nodes |= {("touches", str(number)): node for number, (_, node) in enumerate(touches)}
    parts: dict[str, Any] = {**merged, "vocabulary": "all", "touches": [touch for touch, _ in touches], **once}
    whole = VocabularyText.model_construct(**parts)
    return _Builder(whole, more, nodes, spans, findings).build()


class _Builder:
    def __init__(
        self,
        text: VocabularyText,
        more: dict[str, dict[str, MoreValueText]],
        nodes: dict[tuple[str, str], Node],
        spans: dict[tuple[str, str], Span],
        findings: Findings,
    ) -> None:
        self.text = text
        self.more = more
        self.nodes = nodes
        self.spans = spans
        self.findings = findings
        self.values: dict[str, ValueSet] = {}

    def build(self) -> Vocabulary:
        for name, text in self.text.values.items():
            self.values[name] = self.value_set(name, text)
        for name, text in self.text.values.items():
            self.places(name, text)
        for name in self.more.keys() - self.text.values.keys():
            help = did_you_mean(name, self.text.values) or "define a new set under `values:`"
            at = self.spans["more_values", name]
            self.findings.error(at, "unknown-value-set", f"there is no value set `{name}` to add to", help=help)
        facts, families = self.facts()
        self.places_named(facts)
        registers = {name: self.register(name, text) for name, text in self.text.registers.items()}
        for name, written in self.text.calendars.items():
            self.calendar(name, written)
        vocabulary = Vocabulary(
            facts=facts,
            families=families,
            family_titles={name: self.text.facts[name].title for name in families},
            values=self.values,
            registers={name: register for name, register in registers.items() if register},
            calendars=self.text.calendars,
            kinds={group: getattr(self.text, group) for group in DOCUMENT_GROUPS},
            requirements=self.text.requirements,
            counters=self.text.counters,
            books=read_books(self.text, self.spans, {name: fact.type for name, fact in facts.items()}, self.findings),
            entities=self.text.entities,
            promises=self.text.promises,
            jurisdictions=self.text.jurisdictions,
            subjects=self.text.subjects,
            touches=tuple(self.text.touches),
            coherence=self.text.coherence,
            lanes=self.text.lanes,
            factor={
                part: (
                    text.title,
                    {
                        n: FactorLine(line.title, line.fact, line.take == "highest", line.beside == "yes")
                        for n, line in text.lines.items()
                    },
                )
                for part, text in self.text.factor.items()
            },
            computed={
                part: {
                    n: ComputedLine(line.title, line.take, (line.of, *([line.to] if line.to else [])))
                    for n, line in text.computes.items()
                }
                for part, text in self.text.factor.items()
                if text.computes
            },
            nodes=self.nodes,
            spans=self.spans,
            statistics=self.text.statistics,
            authzen=self.text.authzen,
            settlement=self.text.settlement,
            transfer_registers=self.text.transfer_registers,
        )
        self.check_references(vocabulary)
        return vocabulary

    def computable(self, vocabulary: Vocabulary, take: str, fact: str) -> bool:
        """Whether the account can compute something of a fact, a kind of document or a family in a way."""
        if take == "total":
            members = vocabulary.families.get(fact, ())
            return bool(members) and all(vocabulary.facts[member].type.kind == "ratio" for member in members)
        if take == "validity":
            return fact.removeprefix("evidence.") in vocabulary.kinds["evidence"] and fact.startswith("evidence.")
        known = vocabulary.type_of(fact)
        if known is None:
            return False
        return known.kind == "money" if take in ("ratio", "limit") else bool(known.many and known.ordered)

    def value_set(self, name: str, text: ValueSetText) -> ValueSet:
        parents: dict[str, tuple[str, ...]] = {}
        exact, rest = set(), set()
        if text.open == "yes":
            said, help = f"`{name}` takes any text, so a misspelt value would count", "list every value, and drop `open: yes`"
            self.findings.error(self.spans["values", name], "free-text", said, help=help)
        nothing: list[str] = []
        titles = {}
        also = {}
        country = {}
        everything: list[str] = []
        written = self.written(name, text)
        for value in written:
            entry = written[value]
            if isinstance(entry, str):
                entry = ValueText(title=Text(en=entry, zh=None))
            under = entry.under or []
            parents[value] = (under,) if isinstance(under, str) else tuple(under)
            if len(parents[value]) > 1:
                said = f"`{value}` lies under {' and '.join(f'`{parent}`' for parent in parents[value])}"
                help = "keep the one that it is a kind of; a rule that means the other as well names both"
                self.findings.error(self.place_of(name, value), "two-parents", said, help=help)
            if entry.exact == "yes":
                exact.add(value)
            if entry.rest == "yes":
                rest.add(value)
            if entry.nothing == "yes":
                nothing.append(value)
            if entry.everything == "yes":
                everything.append(value)
            if entry.title:
                titles[value] = entry.title.words
            also[value] = [*entry.also, *self.within(name, value)]
            for spelling in entry.also:
                if spelling in written:
                    said = f"`{spelling}` is a value itself, so nobody writes it for `{value}`"
                    self.findings.error(self.place_of(name, value), "duplicate-id", said, help="drop it from `also`")
            if entry.in_:
                country[value] = entry.in_
        span = self.spans["values", name]
        for value, added in self.added(name, text):
            parents[value] = (added.under,)
            if added.rest == "yes":
                rest.add(value)
            if added.title:
                titles[value] = added.title.words
        for value in parents.keys() - set(written):  # what another file adds under a place lies in its country
            for place in [each for each in written if each in country and _lies_under(value, each, parents)]:
                country[value] = country[place]
        self.no_value_twice(("values", name), "values", text.values)
        for value, above in parents.items():
            at = self.place_of(name, value)
            if value in UNSENDABLE or not 0 < len(value) <= MAX_TEXT:
                self.findings.error(
                    at, "bad-id", f"an exchange cannot send `{value[:40]}`", "not a value", "give it another name"
                )
            for parent in above:
                if parent not in parents and parent not in self.more.get(name, ()):
                    self.findings.error(
                        span, "unknown-value", f"`{value}` lies under `{parent}`, which is not a value of `{name}`"
                    )
            if _lies_under(value, value, parents):
                self.findings.error(at, "cycle", f"`{value}` lies under itself", help="break the circle of `under`")
        if not any(_lies_under(value, value, parents) for value in parents):
            self.everything_can_be_said(name, parents, exact, rest)
        self.stand_alone(name, "nothing", "nothing applies", nothing, parents)
        self.stand_alone(name, "everything", "everything applies", everything, parents)
        return ValueSet(
            name,
            parents,
            ordered=text.ordered == "yes",
            exact=frozenset(exact),
            rest=frozenset(rest),
            titles=titles,
            title=text.title.en,
            also=also,
            inside=text.inside or "",
            country=country,
            complete=frozenset(text.complete),
            nothing=nothing[0] if nothing else "",
            everything=everything[0] if everything else "",
        )

    def written(self, name: str, text: ValueSetText) -> Mapping[str, ValueText | str]:
        """The values of a set as they are written, first those of the set that it includes."""
        own = text.values if isinstance(text.values, dict) else {value: ValueText() for value in text.values}
        if text.includes is None:
            return own
        included = self.text.values.get(text.includes)
        if included is None or included.includes is not None or included.ordered == "yes":
            said = f"`{text.includes}` is not a value set whose values another can have too"
            help = did_you_mean(text.includes, self.text.values)
            self.findings.error(self.spans["values", name], "unknown-value-set", said, help=help)
            return own
        theirs = included.values if isinstance(included.values, dict) else {value: ValueText() for value in included.values}
        for value in own.keys() & theirs.keys():
            said = f"`{value}` is a value of `{text.includes}` already"
            self.findings.error(self.place_of(name, value), "duplicate-id", said, help="keep one of the two")
        return {**theirs, **own}

    def stand_alone(
        self, name: str, key: str, says: str, marked: Sequence[str], parents: Mapping[str, tuple[str, ...]]
    ) -> None:
        """Report values that say that nothing, or everything, applies where they cannot."""
        for value in marked:
            at = locate(self.nodes["values", name], ("values", value, key))[0].span
            if value != marked[0]:
                said = f"`{marked[0]}` says already that {says}"
                self.findings.error(at, "bad-value", said, help=f"mark one value of a set with `{key}: yes`")
            elif parents[value] or any(value in above for above in parents.values()):
                said = f"`{value}` says that {says}, so it is no kind of another value, and none is a kind of it"
                self.findings.error(at, "bad-value", said, help=f"drop `under`, or `{key}`")

    def within(self, name: str, country: str) -> Iterator[str]:
        """The spellings of the places in a country: who writes one of them for the country means this one."""
        for text in self.text.values.values():
            for place, entry in text.values.items() if text.inside == name and isinstance(text.values, dict) else ():
                if isinstance(entry, ValueText) and entry.in_ == country:
                    titles = [each for each in (entry.title.en, entry.title.zh) if each] if entry.title else []
                    yield from (place, *titles, *entry.also)

    def places(self, name: str, text: ValueSetText) -> None:
        """Report places that lie nowhere, and countries in which not everybody could say where she is (semantics 1.6)."""
        values, at = self.values[name], self.spans["values", name]
        around = self.values.get(text.inside or "")
        if around is None:
            if text.inside:
                help = did_you_mean(text.inside, self.values)
                self.findings.error(at, "unknown-value-set", f"`inside: {text.inside}` is not a value set", help=help)
            elif values.country or values.complete:
                said = f"values of `{name}` lie in countries, but the set lies inside no set"
                self.findings.error(at, "missing-key", said, help="add `inside:` with the value set of the countries")
            return
        if values.rank:
            self.findings.error(at, "ill-typed", f"`{name}` has places, which have no order", help="drop `ordered`")
        if any(len(line) > 1 for line in around.lineage.values()):
            said = f"`{name}` lies inside `{around.name}`, in which values lie under others"
            self.findings.error(at, "ill-typed", said, help="places lie inside a set without `under`")
        for value, country in values.country.items():
            if country not in around.lineage:
                said = f"`{value}` lies in `{country}`, which is not a value of `{around.name}`"
                self.findings.error(self.place_of(name, value), "unknown-value", said, help=around.did_you_mean(country))
        for value, line in values.lineage.items():
            if any(values.country.get(above) != values.country.get(value) for above in line & values.lineage.keys()):
                said = f"`{value}` lies in another country than what it lies under"
                self.findings.error(self.place_of(name, value), "bad-value", said, help="correct `in` or `under`")
        inhabited = frozenset(values.country.values())
        for country in sorted(values.complete - inhabited):
            self.findings.error(
                at, "unknown-value", f"no value of `{name}` lies in `{country}`", help="drop it from `complete`"
            )
        if len(values.country) == len(values.values):
            for country in sorted(inhabited - values.complete):
                said = f"who is in `{country}`, but in none of its places, has nothing to say"
                help = "add a value without `in`, or name the country under `complete` if these are all its places"
                self.findings.error(at, "bad-value", said, help=help)

    def place_of(self, name: str, value: str) -> Span:
        """Where a value is written: in its set, or where another file adds it."""
        written = locate(self.nodes["values", name], ("values", value))[1]
        return self.spans.get(("more_values", f"{name}/{value}"), written)

    def places_named(self, facts: Mapping[str, Fact]) -> None:
        """Report facts that name a place but not the fact of its country, and the other way round."""
        for fact in facts.values():
            at = self.spans["facts", fact.family or fact.name]
            around = fact.type.values.inside if fact.type.values else ""
            there = facts.get(fact.lies_in)
            if not around:
                if fact.lies_in:
                    said = f"`{fact.name}` is of type `{fact.type.name}`, which has no places"
                    self.findings.error(at, "ill-typed", said, help="drop `lies_in`")
            elif fact.type.many or not fact.lies_in:
                said = f"`{fact.name}` names places, but not in which country"
                help = f"make it of type `{fact.type.name.removeprefix('set of ')}`, and add `lies_in:` with the fact of the country"
                self.findings.error(at, "missing-key", said, help=help)
            elif there is None:
                help = did_you_mean(fact.lies_in, facts)
                self.findings.error(at, "unknown-fact", f"an exchange has no fact `{fact.lies_in}`", help=help)
            elif there.type.name != around:
                said = f"`{there.name}` is of type `{there.type.name}`, but the places of `{fact.name}` lie in a `{around}`"
                self.findings.error(at, "ill-typed", said, help=f"name a fact of type `{around}`")

    def everything_can_be_said(
        self, name: str, parents: Mapping[str, tuple[str, ...]], exact: Collection[str], rest: Collection[str]
    ) -> None:
        """Report each value for which nobody can say that it is none of the values under it, and each that says so out of place."""
        under: dict[str, list[str]] = {}
        for value, above in parents.items():
            for parent in above:
                under.setdefault(parent, []).append(value)
        for value in parents:
            below = under.get(value, [])
            # What is missing below a value of the set is missing where values were added.
            added = bool(below) and below[0] in self.more.get(name, ())
            at = self.place_of(name, below[0] if added else value)
            saying = [each for each in below if each in rest]
            if value in rest and ((below and not added) or not parents[value]):
                why = "has values below it" if below else "lies under no other value"
                self.findings.error(at, "bad-rest", f"`{value}` is marked `rest` and {why}", help="drop `rest: yes`")
            elif value in exact and saying:
                said = f"`{value}` is exact, so it means none of the values below it, as `{saying[0]}` does"
                self.findings.error(at, "bad-rest", said, help=f"drop `exact: yes`, or drop `{saying[0]}`")
            elif len(saying) > 1:
                said = f"`{saying[0]}` and `{saying[1]}` both say that `{value}` is none of the others below it"
                self.findings.error(at, "bad-rest", said, help="keep one of the two")
            elif below and value not in exact and not saying:
                said = f"nobody can say `{value}` and none of {', '.join(f'`{each}`' for each in below[:4])}"
                help = f"add a value `under: {value}` with `rest: yes`" + (
                    "" if added else f", or mark `{value}` as `exact: yes`"
                )
                self.findings.error(at, "no-rest", said, "has values below it", help)

    def added(self, name: str, text: ValueSetText) -> Iterator[tuple[str, MoreValueText]]:
        """
        The values that other files add to a set; each that cannot be added is a finding.

        INVARIANT (to the law, an added value is the one that it lies under): that one has no narrower value in the set itself. So every
        test of the law reads the two alike, and none that was settled becomes lenient. A value beside the law's own, under none of them,
        would escape every list of them.
        """
        entries = text.values if isinstance(text.values, dict) else {}
        marked = {value: entry for value, entry in entries.items() if isinstance(entry, ValueText)}
        above = {value: entry.under or [] for value, entry in marked.items()}
        exact = {value for value, entry in marked.items() if "yes" in (entry.exact, entry.nothing)}
        broad = {parent for under in above.values() for parent in ([under] if isinstance(under, str) else under)}
        used = {touch.fact for touch in self.text.touches}
        fixed = ""
        if text.ordered == "yes":
            fixed = "is ordered, and a rank cannot be added"
        elif any(fact.by == name for fact in self.text.facts.values()):
            fixed = "names the members of a family, and a member cannot be added"
        elif any(self.text.facts[fact].type.removeprefix("set of ") == name for fact in used & self.text.facts.keys()):
            fixed = "names the countries that an exchange touches, and these are what coverage says"
        known = [*text.values, *self.more.get(name, {})]
        for value, added in self.more.get(name, {}).items():
            at = self.spans["more_values", f"{name}/{value}"]
            if fixed:
                self.findings.error(at, "fixed-set", f"`{name}` {fixed}", help="define a value set and a fact of your own")
            elif value in text.values:
                self.findings.error(
                    at, "duplicate-id", f"`{value}` is a value of `{name}` already", help="give yours another name"
                )
            elif added.under not in known:
                said = f"`{value}` lies under `{added.under}`, which is not a value of `{name}`"
                self.findings.error(at, "unknown-value", said, help=did_you_mean(added.under, known))
            elif added.under in exact | broad:
                why = "says that it is none that is narrower" if added.under in exact else "has narrower values"
                help = "put it under a value that may be narrower and has no narrower ones"
                self.findings.error(
                    at, "fixed-set", f"`{added.under}` {why}", f"nothing can be added under `{added.under}`", help
                )
            else:
                yield value, added

    def no_value_twice(self, where: tuple[str, str], key: str, written: Iterable[str]) -> None:
        """Report each value that a list names twice; a mapping cannot name one twice."""
        seen: set[str] = set()
        for number, value in enumerate(written):
            if value in seen:
                at = locate(self.nodes[where], (key, number))[0].span
                self.findings.error(at, "duplicate-id", f"`{value}` appears twice in `{where[1]}`", help="keep one of the two")
            seen.add(value)

    def type(self, text: str, span: Span) -> Type | None:
        many = text.startswith("set of ")
        base = text.removeprefix("set of ")
        if base in self.values:
            return Type("value", many, self.values[base])
        if base in PRIMITIVES and (not many or base == "id"):
            return Type(base, many)
        help = did_you_mean(base, [*PRIMITIVES, *self.values])
        self.findings.error(span, "unknown-type", f"there is no type `{text}`", "not a type or value set", help)
        return None

    def facts(self) -> tuple[dict[str, Fact], dict[str, tuple[str, ...]]]:
        counters = {name: text.counts.removeprefix("distinct ") for name, text in self.text.counters.items()}
        facts: dict[str, Fact] = {}
        families: dict[str, tuple[str, ...]] = {}
        for name, text in self.text.facts.items():
            span = self.spans["facts", name]
            type = self.type(text.type, span)
            if name.split(".")[0] in RESERVED or "." not in name:
                self.findings.error(
                    span,
                    "bad-id",
                    f"`{name}` cannot be the name of a fact",
                    help="name it `group.fact`, like `recipient.country`",
                )
            if type is None:
                continue
            self.fits(name, text, type)
            if text.by and text.by not in self.values:
                self.findings.error(
                    span,
                    "unknown-value-set",
                    f"`by: {text.by}` is not a value set",
                    help=did_you_mean(text.by, self.values),
                )
                continue
            members = [f"{name}.{value}" for value in self.values[text.by].values] if text.by else [name]
            if text.by:
                families[name] = tuple(members)
            for member in members:
                suffix = member.removeprefix(name)
                title, part = text.title, NO_WORDS
                if suffix and text.by:
                    part = self.values[text.by].titles.get(suffix[1:], Words(suffix[1:]))
                    title = _of_member(title, part)
                facts[member] = Fact(
                    member, type, title, text.ask, text.change != "no", text.personal == "yes",
                    name if text.by else "", counters[name] + suffix if name in counters else "", text.dpv or "", part,
                    text.lies_in or "", text.from_ == "register-only",
                    text.some == "yes", text.change == "upwards",
                )  # fmt: skip
        for name in self.text.facts:
            outer = next((other for other in self.text.facts if name.startswith(f"{other}.")), None)
            if outer:
                message = f"`{name}` lies inside the fact `{outer}`"
                self.findings.error(
                    self.spans["facts", name], "bad-id", message, help="a fact holds a value, not other facts; rename one"
                )
        asked = [name for name, text in self.text.facts.items() if text.from_ != "register-only"]
        if len(asked) > MAX_FACTS:
            self.findings.warn(
                next(iter(self.spans.values())),
                "too-many-facts",
                f"the vocabulary has more than {MAX_FACTS} facts that a caller can be asked for",
                help="merge some",
            )
        return facts, families

    def fits(self, name: str, text: FactText, type: Type) -> None:
        """Report `some` on what is no set, and `change: upwards` on what has no ranks."""
        if text.some == "yes" and not type.many:
            at = locate(self.nodes["facts", name], ("some",))[0].span
            said = f"`{name}` is of type `{type.name}`, which is no set"
            self.findings.error(at, "ill-typed", said, help="drop `some`, or write `set of …`")
        if text.change == "upwards" and (type.many or not (type.values and type.values.rank)):
            at = locate(self.nodes["facts", name], ("change",))[0].span
            said = f"`{name}` is of type `{type.name}`, whose values are not ranked"
            self.findings.error(at, "ill-typed", said, help="write `change: yes`, or mark the value set with `ordered: yes`")

    def register(self, name: str, text: RegisterText) -> Register | None:
        span = self.spans["registers", name]
        of = self.values.get(text.of)
        if of is None:
            self.findings.error(
                span,
                "unknown-value-set",
                f"`of: {text.of}` is not a value set",
                help=did_you_mean(text.of, self.values),
            )
            return None
        entries: dict[str, tuple[RegisterEntry, ...]] = {}
        written = text.entries
        self.no_value_twice(("registers", name), "entries", written)
        for value in written:
            if value not in of.lineage:
                at = locate(self.nodes["registers", name], ("entries", value))[1]
                self.findings.error(
                    at, "unknown-value", f"`{value}` is not a value of `{of.name}`", help=of.did_you_mean(value)
                )
            entry = written[value] if isinstance(written, dict) else None
            if entry and entry.status and STATUSES.index(entry.status) > STATUSES.index(text.status):
                self.findings.error(
                    locate(self.nodes["registers", name], ("entries", value))[1],
                    "doubt",
                    f"`{value}` is marked {entry.status}, less sure than its register",
                    help="move it to a register with that mark, and use that register in a rule with that mark",
                )
            entries[value] = (RegisterEntry(entry.from_ if entry else None, entry.until if entry else None),)
        return Register(text.title, of, text.source, text.status, entries)

    def calendar(self, name: str, text: CalendarText) -> None:
        """Report days that a calendar does not know, or that contradict one another."""
        node = self.nodes["calendars", name]
        if not CALENDAR.fullmatch(name):
            at = self.spans["calendars", name]
            self.findings.error(
                at, "bad-id", f"`{name}` cannot be the name of a calendar", help="use two capital letters, like `CN`"
            )
        if text.known_until.year - text.known_from.year > MOST_YEARS:
            at = self.spans["calendars", name]
            said = f"`{name}` covers more than {MOST_YEARS} years"
            self.findings.error(at, "bad-value", said, help="set an earlier `known_until`; holidays are announced year by year")
        seen: set[date] = set()
        for part, number, day in (
            *(("holidays", number, day) for number, day in enumerate(text.holidays)),
            *(("workdays", number, day) for number, day in enumerate(text.workdays)),
        ):
            at = locate(node, (part, number))[0].span
            if not text.known_from <= day <= text.known_until:
                said = f"`{day}` lies outside `known_from` and `known_until`"
                self.findings.error(at, "bad-value", said, help="change one of them, or drop the day")
            elif day in seen:
                self.findings.error(at, "duplicate-id", f"`{day}` appears twice in `{name}`", help="keep one of the two")
            elif part == "workdays" and WEEK[day.weekday()] not in text.weekend:
                said = f"`{day}` is a working day already: {day:%A} is not in `weekend`"
                self.findings.error(at, "bad-value", said, help="drop the day, or correct `weekend`")
            seen.add(day)

    def check_references(self, vocabulary: Vocabulary) -> None:
        def known(kind: str, name: str, names: Iterable[str], at: tuple[str, str], code: str) -> None:
            listed = list(names)
            if name not in listed:
                self.findings.error(self.spans[at], code, f"`{name}` is not a {kind}", help=did_you_mean(name, listed))

        for name, requirement in vocabulary.requirements.items():
            known(
                "jurisdiction",
                requirement.jurisdiction,
                vocabulary.jurisdictions,
                ("requirements", name),
                "unknown-jurisdiction",
            )
        for name, jurisdiction in vocabulary.jurisdictions.items():
            for subject in jurisdiction.covers:
                known("subject", subject, vocabulary.subjects, ("jurisdictions", name), "unknown-subject")
            if isinstance(jurisdiction.countries, str):
                known(
                    "register",
                    jurisdiction.countries,
                    vocabulary.registers,
                    ("jurisdictions", name),
                    "unknown-register",
                )
        countries = vocabulary.values.get("country")
        for name, jurisdiction in vocabulary.jurisdictions.items():
            for number, code in enumerate(jurisdiction.countries if isinstance(jurisdiction.countries, list) else ()):
                if countries and code not in countries.lineage:
                    at = locate(self.nodes["jurisdictions", name], ("countries", number))[0].span
                    self.findings.error(at, "unknown-value", f"`{code}` is not a country", help=countries.did_you_mean(code))
        for number, touch in enumerate(vocabulary.touches):
            fact = vocabulary.facts.get(touch.fact)
            if fact and fact.type.values is not countries:
                at = locate(self.nodes["touches", str(number)], ("fact",))[0].span
                self.findings.error(at, "ill-typed", f"`{touch.fact}` is of type `{fact.type.name}`, not a country")
            if touch.fact not in vocabulary.facts:
                at = locate(self.nodes["touches", str(number)], ("fact",))[0].span
                self.findings.error(
                    at,
                    "unknown-fact",
                    f"an exchange has no fact `{touch.fact}`",
                    help=did_you_mean(touch.fact, vocabulary.facts),
                )
        for part, (_, lines) in vocabulary.factor.items():
            for line in lines.values():
                if vocabulary.type_of(line.fact) is None and line.fact not in vocabulary.families:
                    at = self.spans["factor", part]
                    self.findings.error(
                        at,
                        "unknown-fact",
                        f"an exchange has no fact `{line.fact}`",
                        help=did_you_mean(line.fact, vocabulary.facts),
                    )
            for name, computed in vocabulary.computed.get(part, {}).items():
                if name in lines:
                    at = self.spans["factor", part]
                    self.findings.error(
                        at, "duplicate-id", f"`{part}` has a line `{name}` already", help="name what is computed otherwise"
                    )
                for source in computed.facts:
                    if not self.computable(vocabulary, computed.take, source):
                        self.findings.error(
                            self.spans["factor", part],
                            "ill-typed",
                            f"`{computed.take}` cannot be computed of `{source}`",
                            help=_COMPUTED_OF[computed.take],
                        )
        self.check_statistics(vocabulary)
        for name in self.text.counters:
            if name not in vocabulary.families and name not in vocabulary.facts:
                self.findings.error(
                    self.spans["counters", name],
                    "unknown-fact",
                    f"there is no fact with the name of the counter `{name}`",
                    help="add it under `facts:`",
                )

    def check_statistics(self, vocabulary: Vocabulary) -> None:
        """Check that each fact of the statistics is there, and of a type that they can use."""
        for use, fact in [] if self.text.statistics is None else self.text.statistics:
            if fact is None:
                continue
            at = locate(self.nodes["statistics", ""], (use,))[0].span
            members = vocabulary.families.get(fact, (fact,)) if use == "people" else (fact,)
            if members[0] not in vocabulary.facts:
                help = did_you_mean(fact, [*vocabulary.facts, *vocabulary.families])
                self.findings.error(at, "unknown-fact", f"an exchange has no fact `{fact}`", help=help)
                continue
            type = vocabulary.facts[members[0]].type
            kind = STATISTICS_KINDS.get(use, "value")
            if type.kind != kind or (type.many and use not in ("grade", "sector", "venue", "kind")):
                self.findings.error(at, "ill-typed", f"`{fact}` is of type `{type.name}`, which `{use}` cannot use")


def _of_member(title: Text, member: Words) -> Text:
    return _titled(title, lambda language, family: language.member(family, member.in_(language.code)))


def _titled(title: Text, say: Callable[[Language, str], str]) -> Text:
    """A text made from a title, in each language that the title has."""
    return Text(en=say(ENGLISH, title.en), zh=say(CHINESE, title.zh) if title.zh else None)


def _lies_under(value: str, above: str, parents: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether one value lies under another, by however many steps."""
    seen: set[str] = set()
    todo = list(parents.get(value, ()))
    while todo:
        parent = todo.pop()
        if parent not in seen:
            seen.add(parent)
            todo += parents.get(parent, ())
    return above in seen
