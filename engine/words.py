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

_OPERATORS = {
    "is": "is",
    "in": "is in",
    "has": "includes",
    "only": "is only",
    "at_least": "is at least",
    "at_most": "is at most",
    "more_than": "is more than",
    "less_than": "is less than",
    "within": "is within the last",
    "older_than": "is older than",
}


def title(vocabulary: Vocabulary, fact: str) -> str:
    """A fact's title in English."""
    if fact == AS_OF:
        return "the date"
    if fact.endswith(".total") and fact not in vocabulary.facts:
        family = vocabulary.families[fact.removesuffix(".total")]
        return f"{vocabulary.facts[family[0]].title.en.partition(':')[0]} in all"
    return vocabulary.title(fact).en


def phrase(vocabulary: Vocabulary, atom: Atom, negated: bool = False) -> str:
    """One test in words; `negated` says what would make it fail."""
    name = title(vocabulary, atom.fact)
    if atom.op == "counts":
        kind = "is shown" if atom.fact.startswith("evidence") else "is relied on and shown"
        return f"{name} {kind if not negated else 'is not shown'}"
    if atom.register:
        target = vocabulary.registers[atom.register].title.en
    else:
        titles = atom.type.values.titles if atom.type.values else {}
        words = [titles.get(o, o) if isinstance(o, str) else spell(o) for o in atom.operands]
        target = " or ".join(words) if atom.operands != (AS_OF,) else "the day of the exchange"
    operator = _OPERATORS[atom.op]
    if atom.type.kind == "date" and atom.op in ("at_least", "at_most"):
        operator = "is on or after" if atom.op == "at_least" else "is on or before"
    return f"{name}: not ({operator} {target})" if negated else f"{name} {operator} {target}"


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


def tests(bundle: Bundle, condition: Condition, seen: frozenset[str] = frozenset()) -> Iterator[Atom]:
    """Every atom a condition rests on, through the definitions it names; the order is the author's."""
    match condition:
        case Atom():
            yield condition
        case All(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from tests(bundle, part, seen)
        case Not(part=part):
            yield from tests(bundle, part, seen)
        case Defined(key=key) if key not in seen:
            yield from tests(bundle, bundle.rules.definitions[key], seen | {key})


def unmet_tests(bundle: Bundle, condition: Condition, judge: Callable[[Condition], Truth]) -> list[str]:
    """What would have to hold for a condition to be met and does not yet, in words; an alternative is one entry."""

    def walk(part: Condition, wanted: bool) -> list[str]:
        if judge(part) is (Truth.YES if wanted else Truth.NO):
            return []
        match part:
            case Atom(fact=fact):
                return [] if fact == AS_OF else [phrase(bundle.vocabulary, part, negated=not wanted)]
            case Not(part=inner):
                return walk(inner, not wanted)
            case Defined(key=key):
                return walk(bundle.rules.definitions[key], wanted)
            case All(parts=parts) | AnyOf(parts=parts):
                options = [walk(inner, wanted) for inner in parts]
                if isinstance(part, All) is wanted:
                    return [text for option in options for text in option]
                ways = list(dict.fromkeys(" and ".join(option) for option in options if option))
                return [ways[0] if len(ways) == 1 else "either " + ", or ".join(ways)] if ways else []

    return list(dict.fromkeys(walk(condition, True)))
