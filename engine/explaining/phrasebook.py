"""
The words of a bundle in one language: titles, values, conditions.

Turns tests into phrases ("the exporter is in China"), and finds the tests that keep a rule from standing. A phrase that is the same
in every decision of a language is made once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from engine.bundle import Bundle
from engine.deciding.coverage import Gap
from engine.deciding.statement_weights import RELIES_ON
from engine.exchange import Exchange
from engine.languages import ENGLISH, Language
from engine.policy_language.coverage_text import CoverText
from engine.policy_language.declared_coverage import REVIEWED
from engine.policy_language.document_text import Text
from engine.policy_language.public_recipient import TITLES
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary
from engine.register_facts import IN_REGISTER
from engine.rules import AS_OF, All, AnyOf, Atom, Condition, Defined, Duty, Not, Provision, Truth
from engine.values import (
    AmountRange,
    BadValue,
    Disputed,
    Document,
    Duration,
    Missing,
    Range,
    SetOf,
    Type,
    Value,
    either,
    read_duration,
    spell,
    to_json,
)
from engine.values.multilingual import Words


class Phrasebook:
    """The words of one bundle in one language. Phrases are kept by the identity of their atoms, which the bundle keeps alive."""

    def __init__(self, bundle: Bundle, language: Language = ENGLISH) -> None:
        self.bundle = bundle
        self.language = language
        self._phrases: dict[tuple[int, bool], str] = {}

    def text(self, words: Words | Text) -> str:
        """An author's text in this language, or in English where the author wrote no other."""
        return words.in_(self.language.code)

    def clause(self, words: Words | Text) -> str:
        """An author's text, for use inside a sentence."""
        return self.language.clause(self.text(words))

    def phrase(self, atom: Atom, negated: bool = False) -> str:
        """One test in words; `negated` gives the words for the opposite."""
        key = (id(atom), negated)
        if key not in self._phrases:
            self._phrases[key] = self._phrase(atom, negated)
        return self._phrases[key]

    def unmet(self, condition: Condition, judge: Callable[[Condition], Truth]) -> list[str]:
        """The tests that are missing for a condition to be met, in words; alternatives are one entry."""

        def walk(part: Condition, wanted: bool) -> list[str]:
            if judge(part) is (Truth.YES if wanted else Truth.NO):
                return []
            match part:
                case Atom(fact=fact):
                    return [] if fact == AS_OF else [self.phrase(part, negated=not wanted)]
                case Not(part=inner):
                    return walk(inner, not wanted)
                case Defined(key=key):
                    return walk(self.bundle.rules.definitions[key], wanted)
                case All(parts=parts) | AnyOf(parts=parts):
                    options = [walk(inner, wanted) for inner in parts]
                    if isinstance(part, All) is wanted:
                        return [text for option in options for text in option]
                    ways = list(dict.fromkeys(self.language.both(option) for option in options if option))
                    return [ways[0] if len(ways) == 1 else self.language.alternatives(ways)] if ways else []

        return list(dict.fromkeys(walk(condition, True)))

    # Titles

    def title(self, name: str) -> str:
        """The title of a fact, of a family's total, of a document or its field."""
        vocabulary = self.bundle.vocabulary
        if name == AS_OF:
            return self.language.today()
        if name.endswith(".total") and name not in vocabulary.facts:
            return self.language.total(self.text(vocabulary.family_titles[name.removesuffix(".total")]))
        return self.text(vocabulary.title(name))

    def statement(self, name: str) -> str:
        """A statement on which a permit rests: the title of a fact or a document, the id of a provision."""
        if name == RELIES_ON:
            return self.language.ways()
        family = name.removesuffix(".rest")
        if family != name and family in self.bundle.vocabulary.family_titles:
            return self.language.rest(self.text(self.bundle.vocabulary.family_titles[family]))
        return name if "/" in name else self.title(name)

    def place(self, name: str) -> str:
        """The title of a jurisdiction, or of a country that no jurisdiction covers."""
        known = self.bundle.vocabulary.jurisdictions.get(name)
        countries = self.bundle.vocabulary.values.get("country")
        return self.text(known.title) if known else self.text(countries.titles.get(name, Words(name))) if countries else name

    def law(self, name: str) -> str:
        """The law of a jurisdiction, for use inside a sentence; what belongs to no country is named by its title alone."""
        known = self.bundle.vocabulary.jurisdictions.get(name)
        return self.place(name) if known and not known.countries else self.language.law_of(self.place(name))

    def cell(self, jurisdiction: str, subject: str) -> CoverText | None:
        """What was read of a jurisdiction's law on a subject matter."""
        known = self.bundle.vocabulary.jurisdictions.get(jurisdiction)
        return known.covers.get(subject) if known else None

    def silent(self, gap: Gap) -> str:
        """Which law is silent, in a line: of which country, on what, and why."""
        say, cell = self.language, self.cell(gap.jurisdiction, gap.subject)
        subject = self.text(self.bundle.vocabulary.subjects[gap.subject].title) if gap.subject else ""
        match gap.kind:
            case "unread" if cell is not None and cell.unread is not None:
                return say.unread(self.place(gap.country), subject, self.text(cell.unread))
            case "doubtful":
                return say.read_in_doubt(self.place(gap.country), subject)
        since = cell.from_ if cell is not None and cell.kind == "by" and cell.partly == "no" else None
        return say.not_modelled(self.place(gap.country), subject, [role for role in gap.roles if role in REVIEWED], since)

    def source(self, provision: Provision) -> str:
        """The instrument of a provision, and the place in it."""
        return self.language.source(self.text(provision.instrument), self.text(provision.citation))

    def cited(self, text: str, *provisions: Provision) -> str:
        """A text and the provisions it comes from."""
        return self.language.cited(text, list(dict.fromkeys(map(self.source, provisions))))

    # Values

    def value(self, type: Type, value: Value | Decimal) -> str:
        """A value of a type, by its titles."""
        titles = type.values.titles if type.values else {}
        match value:
            case bool():
                return self.language.truth(value)
            case str():
                return self.text(titles[value]) if value in titles else value
            case date():
                return self.language.day(value)
            case Duration():
                return self.duration(value)
            case Range(low=low, high=high) if low != high:
                return self.language.span(low, high)
            case AmountRange(ends=(least, most)):
                return self.language.sums(least, most)
            case SetOf(members=members, open=open_):
                told = [self.text(titles.get(member, Words(member))) for member in sorted(members)]
                return self.language.joined([*told, *([self.language.others()] if open_ else [])]) or self.language.no_value(
                    True
                )
            case Disputed(stated=stated, registered=registered):
                return self.language.contradiction(self.value(type, stated), self.value(type, registered))
            case Missing():
                return self.language.no_value(known=False)
        return spell(value)

    def told(self, fact: str, value: Any) -> str:
        """The value of a fact, a document or a family, as a decision holds it, in words."""
        vocabulary, say = self.bundle.vocabulary, self.language
        type = vocabulary.type_of(fact)
        match value:
            case "personal":
                return say.withheld()
            case "unknown":
                return say.no_value(known=False)
            case str() if value in TITLES and fact == vocabulary.recipient:
                return self.text(TITLES[value])
            case "none" if type is None:
                return say.no_value(known=True)
            case list():
                members = [say.others() if member == "unknown" else self.told(fact, member) for member in value]
                return say.joined(members) or say.no_value(known=True)
            case {"at_least": int(low)}:
                return say.span(Decimal(low), Decimal(value["at_most"]) if "at_most" in value else None)
            case {"at_least": str(least)}:
                return say.sums(least, value.get("at_most"))
            case dict() if fact in vocabulary.families:
                told = [
                    say.pair(
                        say.other_members(alone=len(value) == 1)
                        if name == "rest"
                        else self.text(vocabulary.facts[f"{fact}.{name}"].member),
                        self.told(f"{fact}.{name}", inner),
                    )
                    for name, inner in value.items()
                ]
                return say.listed(told, more=0)
            case {"stated": stated, "registered": registered}:
                return say.contradiction(self.told(fact, stated), self.told(fact, registered))
            case dict():
                fields = [say.pair(say.field_name(name), self.told(f"{fact}.{name}", inner)) for name, inner in value.items()]
                return say.listed(fields, more=0)
            case str() if type and type.kind in ("date", "duration"):
                return self.value(type, type.read(value))
            case int() if not isinstance(value, bool):
                return spell(Decimal(value))
        return self.value(type, value) if type else str(value)

    def subject(self, name: str) -> str:
        """The title of a subject matter."""
        return self.text(self.bundle.vocabulary.subjects[name].title)

    def account(self, part: str) -> str:
        """The title of a part of the data factor account."""
        return self.text(self.bundle.vocabulary.factor[part][0])

    def duration(self, length: Duration) -> str:
        calendar = self.bundle.vocabulary.calendars.get(length.calendar)
        return self.language.duration(length, self.text(calendar.title) if calendar else "")

    def keep(self, duty: Duty) -> str:
        """How long the proof of a duty is kept: a length of time, or an author's words."""
        return self.length(duty.keep) if duty.keep else ""

    def length(self, text: str) -> str:
        """A length of time as an author wrote it, or the author's words where they are none."""
        try:
            return self.duration(read_duration(text))
        except BadValue:
            return text

    def _phrase(self, atom: Atom, negated: bool) -> str:
        say, name = self.language, self.title(atom.fact.removesuffix(IN_REGISTER))
        if atom.fact.endswith(IN_REGISTER):
            return say.in_register(name, atom.operands[0] is not negated)
        if atom.op in ("counts", "open"):
            return say.shown(name, not atom.fact.startswith("evidence"), negated)
        if atom.other and atom.op == "is":
            return say.same(name, self.title(atom.other), negated)
        if atom.other and atom.type.many:
            return say.of_sets(name, atom.op, self.title(atom.other), negated)
        if atom.type.kind == "yes/no":
            return say.yes_no(name, atom.operands[0] is not negated)
        if atom.register:
            targets = [self.text(self.bundle.vocabulary.registers[atom.register].title)]
        elif atom.other:
            targets = [self.title(atom.other)]
        elif atom.operands == (AS_OF,):
            targets = [say.that_day()]
        else:
            targets = [self.value(atom.type, operand) for operand in atom.operands]
        return say.test(name, atom.op, atom.type.kind, targets, negated, listed=bool(atom.register))


def _public(value: Value, personal: frozenset[str]) -> Value:
    """A value without the personal fields of a document."""
    if not isinstance(value, Document):
        return value
    return Document(value.state, {name: inner for name, inner in value.fields.items() if name not in personal})


def shown(vocabulary: Vocabulary, exchange: Exchange, fact: str, as_of: date) -> Any:
    """
    The value that a test read, as JSON; "personal" where the fact is marked as personal.

    The numbers of a ledger's shares stand in the record alone, from which they can be withheld.
    """
    if fact == AS_OF:
        return as_of.isoformat()
    if fact in exchange.values or fact in vocabulary.facts:
        if fact.rpartition(".")[0] in vocabulary.shares:
            return None
        value = exchange.value(fact)
        if fact in vocabulary.facts and vocabulary.facts[fact].personal and not isinstance(value, Missing):
            return "personal"
        public = [_public(each, vocabulary.personal_fields(fact)) for each in either(value)]
        return to_json(public[0] if len(public) == 1 else Disputed(*public))
    document, _, field = fact.rpartition(".")
    if fact.split(".")[0] in DOCUMENT_GROUPS and field not in vocabulary.personal_fields(document):
        return to_json(exchange.value(fact))
    return None
