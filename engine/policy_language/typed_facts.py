"""The facts of a vocabulary with their types, and the members of each family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from engine.policy_language.diagnostic import Span, did_you_mean
from engine.policy_language.document_text import Text
from engine.policy_language.fact_text import FactText, FollowsText
from engine.policy_language.tree import locate
from engine.policy_language.unit_table import read_units
from engine.policy_language.vocabulary import PRIMITIVES, QUANTITY, Fact, Follows, titled
from engine.policy_language.written_vocabulary import WrittenVocabulary
from engine.values import BadValue, Type, Units, Value, ValueSet
from engine.values.multilingual import NO_WORDS, Words

RESERVED = ("evidence", "claims", "relies_on", "carried", "named", "register", "as_of", "schema")
MAX_FACTS = 180  # that a caller can be asked for (semantics 7.4); a family is one


class TypedFacts:
    """The facts of one vocabulary, read from its words and its value sets."""

    def __init__(self, words: WrittenVocabulary, values: Mapping[str, ValueSet]) -> None:
        self.words = words
        self.values = values
        self.units = read_units(words)
        self._parts: dict[tuple[str, ...], Units] = {}  # of the table, by their base units

    def read(self) -> tuple[dict[str, Fact], dict[str, tuple[str, ...]]]:
        """Each fact by its name, and the names of the members of each family."""
        counters = {name: text.counts.removeprefix("distinct ") for name, text in self.words.text.counters.items()}
        facts: dict[str, Fact] = {}
        families: dict[str, tuple[str, ...]] = {}
        for name, text in self.words.text.facts.items():
            span = self.words.spans["facts", name]
            type = self.type(text.type, span)
            if name.split(".")[0] in RESERVED or "." not in name:
                self.words.findings.error(
                    span,
                    "bad-id",
                    f"`{name}` cannot be the name of a fact",
                    help="name it `group.fact`, like `recipient.country`",
                )
            if type is None:
                continue
            self.fits(name, text, type)
            if text.by and text.by not in self.values:
                self.words.findings.error(
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
                    member, self.measured(name, suffix[1:], text, type), title, text.ask, text.change != "no", text.personal == "yes",
                    name if text.by else "", counters[name] + suffix if name in counters else "", text.dpv or "", part,
                    text.lies_in or "", text.from_ == "register-only",
                    text.some == "yes", text.change == "upwards", text.frees == "yes", text.binds == "yes",
                    _follows(text.follows) if text.follows else None, text.plain or "",
                    open_of_public=text.public == "open",
                )  # fmt: skip
        for name, text in self.words.text.facts.items():
            if text.brings and name in facts:
                facts[name] = replace(facts[name], brings=self.brought(name, text, facts))
        for name in self.words.text.facts:
            outer = next((other for other in self.words.text.facts if name.startswith(f"{other}.")), None)
            if outer:
                message = f"`{name}` lies inside the fact `{outer}`"
                self.words.findings.error(
                    self.words.spans["facts", name], "bad-id", message, help="a fact holds a value, not other facts; rename one"
                )
        asked = [n for n, text in self.words.text.facts.items() if text.from_ != "register-only" and text.follows is None]
        if len(asked) > MAX_FACTS:
            self.words.findings.warn(
                next(iter(self.words.spans.values())),
                "too-many-facts",
                f"the vocabulary has more than {MAX_FACTS} facts that a caller can be asked for",
                help="merge some",
            )
        self.places_named(facts)
        self.followed(facts)
        return facts, families

    def type(self, text: str, span: Span) -> Type | None:
        many = text.startswith("set of ")
        base = text.removeprefix("set of ")
        if base in self.values:
            return Type("value", many, self.values[base])
        if base in PRIMITIVES and (not many or base == "id") and (base != QUANTITY or self.units.table):
            return Type(base, many, units=self.units if base == QUANTITY else None)
        help = did_you_mean(base, [*PRIMITIVES, *self.values])
        self.words.findings.error(span, "unknown-type", f"there is no type `{text}`", "not a type or value set", help)
        return None

    def measured(self, name: str, member: str, text: FactText, type: Type) -> Type:
        """The type of a fact, or of a member of a family, with the units that it is measured in. Reports what is no base unit."""
        bases = text.units.get(member, []) if isinstance(text.units, dict) else text.units
        if not bases:
            return type
        wrong = next((each for each in bases if each not in self.units.bases), None)
        if type.kind != QUANTITY or wrong is not None:
            at = locate(self.words.nodes["facts", name], ("units",))[0].span
            said = (
                f"`{name}` is of type `{type.name}`, which has no units" if wrong is None else f"`{wrong}` is not a base unit"
            )
            help = "drop `units`" if type.kind != QUANTITY else did_you_mean(str(wrong), self.units.bases)
            self.words.findings.error(at, "unknown-unit", said, help=help or "name base units of the vocabulary")
            return type
        units = self._parts.setdefault(tuple(bases), self.units.of(bases))
        return replace(type, units=units)

    def fits(self, name: str, text: FactText, type: Type) -> None:
        """Report `some` on what is no set, `plain` that is none of its values, and `change: upwards` on what has no ranks."""
        if text.some == "yes" and not type.many:
            at = locate(self.words.nodes["facts", name], ("some",))[0].span
            said = f"`{name}` is of type `{type.name}`, which is no set"
            self.words.findings.error(at, "ill-typed", said, help="drop `some`, or write `set of …`")
        if text.plain is not None and (text.some == "no" or not type.values or text.plain not in type.values.values):
            at = locate(self.words.nodes["facts", name], ("plain",))[0].span
            said = f"`{text.plain}` cannot be sent in place of an empty `{name}`"
            help = "name a value of the set, and mark the fact with `some: yes`"
            self.words.findings.error(at, "unknown-value", said, help=help)
        if text.change == "upwards" and (type.many or not (type.values and type.values.rank)):
            at = locate(self.words.nodes["facts", name], ("change",))[0].span
            said = f"`{name}` is of type `{type.name}`, whose values are not ranked"
            self.words.findings.error(
                at, "ill-typed", said, help="write `change: yes`, or mark the value set with `ordered: yes`"
            )

    def brought(self, name: str, text: FactText, facts: Mapping[str, Fact]) -> dict[str, dict[str, Value]]:
        """What values of a fact bring, by value and fact. Reports values and facts that there are not."""
        at = locate(self.words.nodes["facts", name], ("brings",))[0].span
        found: dict[str, dict[str, Value]] = {}
        for value, brought in text.brings.items():
            for other, word in brought.items():
                known = facts.get(other)
                try:
                    if known is None or known.type.many or known.type.kind not in ("yes/no", "value"):
                        raise BadValue(f"`{other}` is no fact of one word", "name a fact that is yes or no, or of a value set")
                    facts[name].type.read(value)
                    found.setdefault(value, {})[other] = cast(Value, known.type.read(word))
                except BadValue as bad:
                    self.words.findings.error(at, "bad-value", str(bad), help=bad.help)
        return found

    def places_named(self, facts: Mapping[str, Fact]) -> None:
        """Report facts that name a place but not the fact of its country, and the other way round."""
        for fact in facts.values():
            at = self.words.spans["facts", fact.family or fact.name]
            around = fact.type.values.inside if fact.type.values else ""
            there = facts.get(fact.lies_in)
            if not around:
                if fact.lies_in:
                    said = f"`{fact.name}` is of type `{fact.type.name}`, which has no places"
                    self.words.findings.error(at, "ill-typed", said, help="drop `lies_in`")
            elif fact.type.many or not fact.lies_in:
                said = f"`{fact.name}` names places, but not in which country"
                help = f"make it of type `{fact.type.name.removeprefix('set of ')}`, and add `lies_in:` with the fact of the country"
                self.words.findings.error(at, "missing-key", said, help=help)
            elif there is None:
                help = did_you_mean(fact.lies_in, facts)
                self.words.findings.error(at, "unknown-fact", f"an exchange has no fact `{fact.lies_in}`", help=help)
            elif there.type.name != around:
                said = f"`{there.name}` is of type `{there.type.name}`, but the places of `{fact.name}` lie in a `{around}`"
                self.words.findings.error(at, "ill-typed", said, help=f"name a fact of type `{around}`")

    def followed(self, facts: Mapping[str, Fact]) -> None:
        """Report each fact that follows from what is no set of values, from a value that the set has not, or that is asked."""
        for fact in facts.values():
            if fact.follows is None:
                continue
            text = self.words.text.facts[fact.family or fact.name]
            at = locate(self.words.nodes["facts", fact.family or fact.name], ("follows",))[0].span
            source, value = facts.get(fact.follows.fact), fact.follows.value
            if source is None:
                help = did_you_mean(fact.follows.fact, facts)
                self.words.findings.error(at, "unknown-fact", f"an exchange has no fact `{fact.follows.fact}`", help=help)
            elif not source.type.many or source.type.values is None or source.register_only:
                said = f"`{fact.name}` follows from `{source.name}`, which is of type `{source.type.name}`"
                self.words.findings.error(
                    at, "ill-typed", said, help="name a fact that is a set of values and that a sender states"
                )
            elif value not in source.type.values.values:
                help = did_you_mean(value, source.type.values.values)
                said = f"`{source.name}` has no value `{value}`"
                self.words.findings.error(at, "unknown-value", said, help=help)
            if fact.type.kind != "yes/no":
                said = f"`{fact.name}` is of type `{fact.type.name}`, and only yes or no follows from a set"
                self.words.findings.error(at, "ill-typed", said, help="make it of type `yes/no`")
            if text.by or text.ask or text.from_ or text.change != "no" or "yes" in (text.frees, text.binds):
                said = f"`{fact.name}` follows from another fact, so nobody asks, registers or changes it"
                self.words.findings.error(at, "ill-typed", said, help="drop `by`, `ask`, `from`, `change`, `frees` and `binds`")


def _follows(text: FollowsText) -> Follows:
    return Follows(text.fact, text.yes_where_it_has or text.no_where_it_has or "", text.yes_where_it_has is not None)


def _of_member(title: Text, member: Words) -> Text:
    return titled(title, lambda language, family: language.member(family, member.in_(language.code)))
