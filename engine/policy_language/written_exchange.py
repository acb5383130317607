"""
An exchange as authors write it: dotted facts with `yes`, `100 thousand` and `1 million` go in, the JSON that a caller would send comes out;
and the other way round.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary
from engine.values import read_number
from engine.values.document_facts import nested

LEFT_OUT = "left out"  # removes a fact, where one text changes another
_PLAIN = re.compile(r"(?!- )[\w+./-](?:[\w +./-]*[\w+./-])?")  # what YAML reads as a text without quotes, in brackets too
_SENTENCE = re.compile(r"\w(?:(?!: | #).)*[^\s:]")  # the same of a value that stands alone on its line
_SCALES = ((1_000_000, "million"), (1_000, "thousand"))


def exchange_json(vocabulary: Vocabulary, flat: Mapping[str, Any]) -> dict[str, Any]:
    """
    The JSON of an exchange, from dotted facts. Raises BadValue where a number is none.

    Where the recipient is the public, it takes the place of what is stated of one.
    """
    stated: dict[tuple[str, ...], Any] = {}
    everyone = vocabulary.recipient if flat.get(vocabulary.recipient, LEFT_OUT) != LEFT_OUT else None
    for name, value in flat.items():
        if value == LEFT_OUT or (everyone and name.startswith(f"{everyone}.")):
            continue
        stated[path_of(name)] = _json(vocabulary, name, value)
    return nested(stated)


def path_of(name: str) -> tuple[str, ...]:
    """The path of a fact or a document in the JSON of an exchange; a document is one value, whatever dots its kind has."""
    group, dot, kind = name.partition(".")
    return (group, kind) if dot and group in DOCUMENT_GROUPS else tuple(name.split("."))


def _json(vocabulary: Vocabulary, name: str, value: Any) -> Any:
    """An author's text as the JSON a caller would send."""
    group = name.partition(".")[0]
    if group in DOCUMENT_GROUPS and isinstance(value, dict):
        types = {field: type for field, type in vocabulary.fields.items() if not type.many}
        return {field: _typed(types[field].kind, inner) if field in types else inner for field, inner in value.items()}
    type = vocabulary.type_of(name)
    if type is None and name.endswith(".rest"):
        return _typed(vocabulary.facts[vocabulary.families[name.removesuffix(".rest")][0]].type.kind, value)
    return _typed(type.kind, value) if type and not type.many else value


def _typed(kind: str, value: Any) -> Any:
    if value == "unknown":
        return value
    if kind == "yes/no" and value in ("yes", "no", "true", "false"):
        return value in ("yes", "true")
    if kind == "count" and isinstance(value, str):
        return int(read_number(value, whole=True))
    if kind == "count" and isinstance(value, dict):
        return {end: int(read_number(number, whole=True)) for end, number in value.items()}
    return value


def dotted_facts(vocabulary: Vocabulary, document: Mapping[str, Any], path: tuple[str, ...] = ()) -> dict[str, Any]:
    """The facts and documents that the JSON of an exchange states, by their dotted names, each with its value as JSON."""
    found: dict[str, Any] = {}
    for key, value in document.items():
        here = (*path, key)
        name = ".".join(here)
        whole = name in vocabulary.facts or key == "rest" or (here[0] in DOCUMENT_GROUPS and len(here) == 2)
        found |= {name: value} if whole or not isinstance(value, Mapping) else dotted_facts(vocabulary, value, here)
    return found


def written_value(value: Any) -> str:
    """A value, as JSON, in an author's YAML on one line. The order of a list says nothing, so lists are sorted."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            scale, word = next(((s, w) for s, w in _SCALES if value and value % s == 0), (1, ""))
            return f"{value // scale} {word}" if word else f"{value:_}" if value > 9_999 else str(value)
        case Mapping():
            return "{" + ", ".join(f"{written_text(key, _PLAIN)}: {written_value(inner)}" for key, inner in value.items()) + "}"
        case list() | tuple():
            return f"[{', '.join(sorted(map(written_value, value)))}]"
        case None:
            return "none"
    return written_text(str(value), _PLAIN)


def written_text(text: str, plain: re.Pattern[str] = _SENTENCE) -> str:
    """A text on one line of YAML, in quotes where it needs them."""
    return text if plain.fullmatch(text) else json.dumps(text, ensure_ascii=False)
