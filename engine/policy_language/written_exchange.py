"""
An exchange as authors write it: dotted facts with `yes`, `100 thousand` and `1 million` go in, the JSON that a caller would send comes out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary
from engine.values import read_number

LEFT_OUT = "left out"  # removes a fact, where one text changes another


def exchange_json(vocabulary: Vocabulary, flat: Mapping[str, Any]) -> dict[str, Any]:
    """
    The JSON of an exchange, from dotted facts. Raises BadValue where a number is none.

    Where the recipient is the public, it takes the place of what is stated of one.
    """
    nested: dict[str, Any] = {}
    everyone = vocabulary.recipient if flat.get(vocabulary.recipient, LEFT_OUT) != LEFT_OUT else None
    for name, value in flat.items():
        if value == LEFT_OUT or (everyone and name.startswith(f"{everyone}.")):
            continue
        path = name.split(".")
        if path[0] in DOCUMENT_GROUPS and len(path) > 1:
            # A kind's name may hold dots in future vocabularies; a document is one value.
            path = [path[0], ".".join(path[1:])]
        here = nested
        for step in path[:-1]:
            here = here.setdefault(step, {})
        here[path[-1]] = _json(vocabulary, name, value)
    return nested


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
