"""
The parties of an exchange and the categories of its data: names by which a log of decisions is searched.

The vocabulary says which facts hold them: `touches:` names the countries of exporter and recipient, the fact `id` beside such a fact
says who they are, and the sets that `subjects:` tests hold the categories of data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.bundle import Bundle
from engine.exchange import Exchange
from engine.rules import Truth, tests
from engine.values import SetOf, either
from engine.values.document_facts import fact_at
from engine.verdict import Definitions

UNKNOWN = "unknown"  # what a document says of an id that nobody knows
PARTIES = ("exporter", "recipient")
KINDS = (*PARTIES, *(f"{role}_country" for role in PARTIES))


class SearchTerms:
    """Finds the parties and the categories of exchanges under one bundle."""

    def __init__(self, bundle: Bundle) -> None:
        vocabulary, definitions = bundle.vocabulary, bundle.rules.definitions
        facts = vocabulary.facts
        self._words = bundle.words
        self._countries = tuple(
            (f"{touch.as_}_country", touch.fact)
            for touch in vocabulary.touches
            if touch.as_ in PARTIES and touch.fact in facts and not facts[touch.fact].personal
        )
        beside = ((touch.as_, f"{touch.fact.rpartition('.')[0]}.id") for touch in vocabulary.touches if touch.as_ in PARTIES)
        self._parties = tuple((role, fact) for role, fact in beside if fact in facts)
        self._subjects = tuple(vocabulary.subjects)
        self._about = tuple(f"subject/{name}" for name in vocabulary.subjects)
        tested = (atom.fact for key in self._about for atom in tests(definitions[key], definitions))
        self._sets = tuple(
            name for name in dict.fromkeys(tested) if name in facts and facts[name].type.many and not facts[name].personal
        )

    def called(self, kind: str, word: str) -> tuple[str, ...]:
        """The names of a kind, "category" or a country, that a word means: itself, and what people call so; `payroll` is `employee`."""
        facts = self._sets if kind == "category" else [fact for name, fact in self._countries if name == kind]
        said = self._words.values_of(word) if facts else {}
        return tuple(dict.fromkeys([word, *(value for fact in facts for value in said.get(fact, ()))]))

    def parties(self, document: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        """The ids of the parties that an exchange's document states, "exporter" and "recipient", which may be personal."""
        found: dict[str, tuple[str, ...]] = dict.fromkeys(PARTIES, ())
        for kind, fact in self._parties:
            value = fact_at(document, fact)
            found[kind] = (value,) if isinstance(value, str) and value != UNKNOWN else ()
        return found

    def of(self, exchange: Exchange, defined: Definitions) -> dict[str, tuple[str, ...]]:
        """
        The names by kind: "exporter" and "recipient" (ids, which may be personal), "exporter_country" and "recipient_country",
        "exporter_at" and "recipient_at" (JSON Pointers to these ids), and
        "category" (each subject matter that the data certainly belong to, and the members of the sets).

        `defined` are a verdict's definitions. A kind is empty where nothing is known of it.
        """
        values = exchange.values
        # As they are spelt in the record, where the index is made again from.
        found: dict[str, tuple[str, ...]] = {**dict.fromkeys(KINDS, ()), **self.parties(exchange.document)}
        for kind, fact in self._countries:
            if fact in values:
                found[kind] = tuple(dict.fromkeys([value for value in either(values[fact]) if isinstance(value, str)]))
        for kind, fact in self._parties:
            found[f"{kind}_at"] = (f"/{fact.replace('.', '/')}",) if found[kind] else ()
        said = zip(self._subjects, defined.several(self._about), strict=True)
        categories = dict.fromkeys([name for name, truth in said if truth is Truth.YES])
        for fact in self._sets:
            for value in either(values[fact]) if fact in values else ():
                if isinstance(value, SetOf):
                    categories |= dict.fromkeys(sorted(value.members))
        found["category"] = tuple(categories)
        return found
