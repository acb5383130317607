"""
Beginning in one's own words: what a person types goes in, the places where it can be said come out, and an exchange with those she ticks.

Nothing is stated by a word. A set that she states stays open, so that its other members are asked.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import engine
from service.drafts.answers import with_fact

MOST_WORDS = 8  # that are looked for
MOST_PLACES = 8  # where one word can be said, on a page
_BETWEEN = re.compile(r"[,;，；、\n]+")


def meanings_of(bundle: engine.Bundle, text: str) -> list[tuple[str, list[engine.WordPlace]]]:
    """Each word or group of words between commas, with the values that say it, each in a fact."""
    words = [each.strip() for each in _BETWEEN.split(text) if each.strip()]
    return [
        (word, [each for each in bundle.words.places(word) if each.value][:MOST_PLACES])
        for word in dict.fromkeys(words[:MOST_WORDS])
    ]


def name_of(said: engine.WordPlace) -> str:
    """How a form names a place with a value."""
    return f"{said.fact} {said.value}"


def with_ticked(bundle: engine.Bundle, ticked: Iterable[str]) -> dict[str, Any]:
    """The exchange that states what is ticked. What is no fact, or no value of it, is not stated; nor is a second value of one fact."""
    values: dict[str, list[str]] = {}
    for each in ticked:
        fact, _, value = each.partition(" ")
        type = bundle.vocabulary.type_of(fact)
        if fact == bundle.vocabulary.recipient and value in engine.EVERYONE:
            values[fact] = [value]
        elif fact in bundle.vocabulary.facts and type is not None and type.values is not None and value in type.values.lineage:
            values.setdefault(fact, []).append(value)
    document: dict[str, Any] = {}
    for fact, found in values.items():
        type = bundle.vocabulary.type_of(fact)
        document = with_fact(document, fact, _opened(found) if type is not None and type.many else found[0])
    return document


def _opened(found: Sequence[str]) -> list[str]:
    return [*dict.fromkeys(found), "unknown"]
