"""
Conditions and values in words: the small change of explanations.

Goes from atoms to phrases ("sensitive personal data: at least 10,000"), and finds the tests that keep a rule from standing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from engine.bundle import Bundle
from engine.exchange import Exchange
from engine.rules import AS_OF, All, AnyOf, Atom, Condition, Defined, Not, Truth
from engine.values import Document, Missing, spell, to_json
from engine.vocabulary import DOCUMENT_GROUPS, PERSONAL_FIELDS, Vocabulary

# How a test reads where it holds, and where it does not.
_OPERATORS = {
    "is": ("is", "is not"),
    "in": ("is in", "is not in"),
    "has": ("includes", "does not include"),
    "only": ("is only", "is not only"),
    "at_least": ("is at least", "is less than"),
    "at_most": ("is at most", "is more than"),
    "more_than": ("is more than", "is at most"),
    "less_than": ("is less than", "is at least"),
    "within": ("is within the last", "is not within the last"),
    "older_than": ("is older than", "is not older than"),
}
_DATE_OPERATORS = {"at_least": ("is on or after", "is before"), "at_most": ("is on or before", "is after")}


class Phrasebook:
    """The words of one bundle's conditions, each made once. The bundle keeps the atoms alive, so identity is their key."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._phrases: dict[tuple[int, bool], str] = {}

    def phrase(self, atom: Atom, negated: bool = False) -> str:
        """One test in words; `negated` says what would make it fail."""
        key = (id(atom), negated)
        if key not in self._phrases:
            self._phrases[key] = _phrase(self.bundle.vocabulary, atom, negated)
        return self._phrases[key]

    def bearing(self, condition: Condition, judge: Callable[[Condition], Truth]) -> Iterator[Atom]:
        """The tests that make a condition read as it does: of alternatives that hold, those that do; of what is open, the open."""
        truth = judge(condition)
        match condition:
            case Atom():
                yield condition
            case Not(part=part):
                yield from self.bearing(part, judge)
            case Defined(key=key):
                yield from self.bearing(self.bundle.rules.definitions[key], judge)
            case All(parts=parts) | AnyOf(parts=parts):
                for part in parts:
                    if judge(part) is truth:
                        yield from self.bearing(part, judge)

    def place(self, name: str) -> str:
        """The title of a jurisdiction, or of a country that no jurisdiction covers."""
        text = self.bundle.vocabulary.jurisdictions.get(name)
        countries = self.bundle.vocabulary.values.get("country")
        return text.title.en if text else countries.titles.get(name, name) if countries else name

    def unmet(self, condition: Condition, judge: Callable[[Condition], Truth]) -> list[str]:
        """What would have to hold for a condition to be met and does not yet, in words; an alternative is one entry."""

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
                    ways = list(dict.fromkeys(" and ".join(option) for option in options if option))
                    return [ways[0] if len(ways) == 1 else "either " + ", or ".join(ways)] if ways else []

        return list(dict.fromkeys(walk(condition, True)))


def _title(vocabulary: Vocabulary, fact: str) -> str:
    """A fact's title in English."""
    if fact == AS_OF:
        return "the date"
    if fact.endswith(".total") and fact not in vocabulary.facts:
        family = vocabulary.families[fact.removesuffix(".total")]
        return f"{vocabulary.facts[family[0]].title.en.partition(':')[0]} in all"
    return vocabulary.title(fact).en


def _phrase(vocabulary: Vocabulary, atom: Atom, negated: bool) -> str:
    name = _title(vocabulary, atom.fact)
    if atom.op == "counts":
        kind = "shown" if atom.fact.startswith("evidence") else "relied on and shown"
        return f"{name} is {'not ' if negated else ''}{kind}"
    if atom.other and atom.op == "is":
        return f"{name} is {'not ' if negated else ''}the same as {_title(vocabulary, atom.other)}"
    if atom.type.kind == "yes/no":
        return f"{name}: {spell(atom.operands[0] is not negated)}"
    if atom.register:
        target = vocabulary.registers[atom.register].title.en
    elif atom.other:
        target = _title(vocabulary, atom.other)
    else:
        titles = atom.type.values.titles if atom.type.values else {}
        words = [titles.get(o, o) if isinstance(o, str) else spell(o) for o in atom.operands]
        target = " or ".join(words) if atom.operands != (AS_OF,) else "the day of the exchange"
    operators = _DATE_OPERATORS if atom.type.kind == "date" and atom.op in _DATE_OPERATORS else _OPERATORS
    return f"{name} {operators[atom.op][negated]} {target}"


def shown(vocabulary: Vocabulary, exchange: Exchange, fact: str, as_of: date) -> Any:
    """The value a test met, as JSON; "personal" where the fact is marked so."""
    if fact == AS_OF:
        return as_of.isoformat()
    if fact in exchange.values or fact in vocabulary.facts:
        value = exchange.value(fact)
        if fact in vocabulary.facts and vocabulary.facts[fact].personal and not isinstance(value, Missing):
            return "personal"
        if isinstance(value, Document):
            public = {name: inner for name, inner in value.fields.items() if name not in PERSONAL_FIELDS}
            return to_json(Document(value.state, public))
        return to_json(value)
    if fact.split(".")[0] in DOCUMENT_GROUPS and fact.rpartition(".")[2] not in PERSONAL_FIELDS:
        return to_json(exchange.value(fact))
    return None
