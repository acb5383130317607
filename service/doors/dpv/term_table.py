"""
What the terms of the Data Privacy Vocabulary mean here: a bundle goes in, its values and documents by term come out, and the other way.

The names are those of the vocabulary (`dpv:`, `dpv_broader:`) and of the mapping whose door is `dpv`. A term that means the same, or that
the mapping names, is read as our value. Another is read as the value of the nearest broader term, which then may not be all that is
meant. A term is never read as a value that means less.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import engine
from service.problems import RequestRefused

DOOR = "dpv"
OURS = "urn:fifthfactor:"  # the names of values for which DPV has none
LOCATIONS = "https://w3id.org/dpv/loc#"  # DPV's names of countries, by their ISO 3166 codes
MOST_SUGGESTED = 20  # names of one document for which similar ones are looked up; each takes milliseconds
LONGEST_SUGGESTED = 80
PREFIXES: Mapping[str, str] = {**engine.DPV_NAMESPACES, "loc": LOCATIONS}


@dataclass(frozen=True, slots=True)
class MeantValue:
    """The value that a term is read as; `whole`: it is all that the term means."""

    value: Any
    whole: bool


@dataclass(frozen=True, slots=True)
class PropertyPath:
    """The way from a record to what states facts: one or two steps, the last of which may be the class of a thing."""

    steps: tuple[str, ...]
    text: engine.TermText

    @property
    def facts(self) -> tuple[str, ...]:
        """The facts that are stated there, the first of them by everything that stands there."""
        return (self.text.fact or "", *self.text.also)


class DpvTable:
    """The terms of one bundle. Raises RequestRefused where its policies do not say how they are read."""

    def __init__(self, bundle: engine.Bundle) -> None:
        found = [each for each in bundle.mappings.values() if each.door == DOOR]
        if not found:
            raise RequestRefused("not-found", "the policies have no mapping for the door `dpv`; add one under `mappings/`")
        self.bundle = bundle
        self.mapping = found[0]
        self.texts: Mapping[str, engine.TermText] = self.mapping.text.terms  # type: ignore[union-attr]
        self._suggested: dict[str, str] = {}

    @cached_property
    def paths(self) -> tuple[PropertyPath, ...]:
        """Every path that states facts, in the order of the mapping."""
        return tuple(
            PropertyPath(tuple(name.split("/")), text)
            for name, text in self.texts.items()
            if text.fact and (term := engine.dpv_terms().get(name.split("/")[0])) is not None and term.is_property
        )

    @cached_property
    def parts(self) -> frozenset[str]:
        """The properties that lead to a part of a record."""
        return frozenset(name for name, text in self.texts.items() if text.part == "yes")

    def short(self, iri: str) -> str:
        """The short name of a term of DPV, as `dpv:hasPurpose`; a name of another vocabulary in full."""
        for prefix, namespace in PREFIXES.items():
            if iri.startswith(namespace):
                return f"{prefix}:{iri.removeprefix(namespace)}"
        return iri

    def is_dpv(self, short: str) -> bool:
        """Whether a short name is one of the vocabulary's, whether or not it has this term."""
        return short.partition(":")[0] in engine.DPV_NAMESPACES and "//" not in short

    def suggestion(self, short: str) -> str:
        """Which terms a name that the vocabulary does not have may be meant as, in a sentence; "" from the twenty-first name on."""
        if short not in self._suggested:
            if len(self._suggested) >= MOST_SUGGESTED or len(short) > LONGEST_SUGGESTED:
                return ""
            self._suggested[short] = engine.did_you_mean(short, engine.dpv_terms())
        return self._suggested[short]

    def why_no_fact(self, short: str, lang: str) -> str:
        """Why a term, or the nearest broader one of which this is said, is no fact; "" where the mapping does not say."""
        for each in (short, *_upwards(short)):
            text = self.texts.get(each)
            if text is not None and text.no_fact is not None:
                return text.no_fact.in_(lang)
        return ""

    def read(self, path: PropertyPath, fact: str, short: str) -> MeantValue | None:
        """The value of a fact that a term is read as at the end of a path; None where it is not understood."""
        explicit = path.text.values if fact == path.text.fact else {}
        yes = self.bundle.vocabulary.facts[fact].dpv if fact in self.bundle.vocabulary.facts else ""
        if yes:
            return self._yes_or_no(fact, yes, short)
        if found := self._of_term(fact, explicit, short) or self._own(fact, short):
            return MeantValue(found[0], True)
        if short in self.texts and self.texts[short].no_fact is not None:
            return None
        seen: set[str] = set()
        level = [short]
        while level:
            level = [above for each in level for above in _broader(each) if above not in seen]
            seen |= set(level)
            if any(each in self.texts and self.texts[each].no_fact is not None for each in level):
                return None
            values = {value: None for each in level for value in self._of_term(fact, explicit, each)}
            if values:
                return MeantValue(next(iter(values)), False) if len(values) == 1 else None
        return None

    def is_general(self, fact: str, short: str) -> bool:
        """Whether a term says only of which kind the values of a fact are, like `dpv:Purpose`."""
        values = self.bundle.vocabulary.facts[fact].type.values
        return values is not None and any(short in (*_upwards(each), *_kinds(each)) for each in self._terms_of(fact))

    def means_more(self, fact: str, short: str) -> bool:
        """Whether a term is one that values of a fact are written as, and that means more than each."""
        values = self.bundle.vocabulary.facts[fact].type.values
        return values is not None and short in values.dpv_broader.values()

    def term_of(self, fact: str, value: str) -> tuple[str, bool] | None:
        """The term that a value is written as, and whether it means the same; None where DPV has none."""
        values = self.bundle.vocabulary.facts[fact].type.values
        if values is None or value not in values.lineage:
            return None
        for each in (value, *_above(values, value)):
            if each in values.dpv:
                return values.dpv[each], each == value
            if each in values.dpv_broader:
                return values.dpv_broader[each], False
        return None

    @cached_property
    def documents(self) -> Mapping[str, tuple[tuple[str, bool], ...]]:
        """The kinds of documents and claims by term, each with whether it means the same."""
        found: dict[str, list[tuple[str, bool]]] = {}
        for group, kinds in self.bundle.vocabulary.kinds.items():
            for kind, text in kinds.items():
                if term := text.dpv or text.dpv_broader:
                    found.setdefault(term, []).append((f"{group}.{kind}", bool(text.dpv)))
        return {term: tuple(each) for term, each in found.items()}

    @cached_property
    def grounds(self) -> Mapping[str, str]:
        """The term of the ground that each provision rests on, by the provision's key."""
        return {key: name for name, text in self.texts.items() for key in text.provisions}

    def implied_by(self, property: str) -> str:
        """The class of what a property leads to, as its name says: `dpv:hasDataController` leads to a `dpv:DataController`; "" if none."""
        prefix, _, local = property.partition(":")
        name = f"{prefix}:{local.removeprefix('has')}"
        return name if local.startswith("has") and name in engine.dpv_terms() else ""

    def leads_to(self, property: str) -> tuple[str, ...]:
        """A property and the broader ones, the nearest first."""
        return (property, *_upwards(property))

    def most_narrow(self, classes: Iterable[str]) -> tuple[str, ...]:
        """The classes of a thing without those that another of them says already."""
        every = tuple(dict.fromkeys(classes))
        above = {up for each in every for up in (*_upwards(each), *_kinds(each))}
        return tuple(each for each in every if each not in above)

    def _of_term(self, fact: str, explicit: Mapping[str, Any], term: str) -> tuple[Any, ...]:
        """The values of a fact that a term means by itself; none where it means several, of which none is above the others."""
        if term in explicit:
            said = explicit[term]
            return tuple(said) if isinstance(said, list) else (said,)
        values = self.bundle.vocabulary.facts[fact].type.values
        if values is None:
            return ()
        same = [value for value, each in values.dpv.items() if each == term]
        widest = [value for value in same if all(value in values.lineage[other] for other in same)]
        return tuple(widest[:1])

    def _own(self, fact: str, short: str) -> tuple[str, ...]:
        """The value whose name is one of this project's, as `urn:fifthfactor:purpose:trade`."""
        values = self.bundle.vocabulary.facts[fact].type.values
        if values is None or not short.startswith(f"{OURS}{values.name}:"):
            return ()
        value = short.removeprefix(f"{OURS}{values.name}:")
        return (value,) if value in values.lineage else ()

    def _yes_or_no(self, fact: str, yes: str, short: str) -> MeantValue | None:
        every = (short, *_upwards(short), *(kind for each in (short, *_upwards(short)) for kind in _kinds(each)))
        no = {
            term
            for text in self.texts.values()
            if text.fact == fact
            for term, value in text.values.items()
            if value in (False, "no")
        }
        said = {each == yes for each in every if each == yes or each in no}
        return MeantValue(said.pop(), True) if len(said) == 1 else None

    def _terms_of(self, fact: str) -> Iterator[str]:
        values = self.bundle.vocabulary.facts[fact].type.values
        if values is not None:
            yield from values.dpv.values()
            yield from values.dpv_broader.values()


def _above(values: engine.ValueSet, value: str) -> Iterator[str]:
    """What a value lies under, the nearest first."""
    yield from sorted(values.lineage[value] - {value}, key=lambda each: -len(values.lineage[each]))


def _broader(short: str) -> Sequence[str]:
    term = engine.dpv_terms().get(short)
    return term.broader if term else ()


def _kinds(short: str) -> Sequence[str]:
    term = engine.dpv_terms().get(short)
    return term.kinds if term else ()


def _upwards(short: str) -> tuple[str, ...]:
    """Every broader term, the nearest first."""
    found: dict[str, None] = {}
    level = list(_broader(short))
    while level:
        found |= dict.fromkeys(level)
        level = [above for each in level for above in _broader(each) if above not in found]
    return tuple(found)
