"""
What schemas are made of: a word, a type or some schemas go in, one schema comes out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from engine.authoring.hints import OPERATORS
from engine.values import SPELLINGS

Schema: TypeAlias = dict[str, Any]

TEXT: Schema = {"type": ["string", "number", "boolean"]}
# `true` and `false` are accepted too, but editors do not propose them.
YES_NO: Schema = {"anyOf": [{"enum": ["yes", "no"]}, {"type": ["boolean", "string"], "pattern": "^(true|false)$"}]}
_CORE_NUMBER = re.compile(r"[-+]?(\d+|\d*\.\d+|\d+\.)([eE][-+]?\d+)?", re.ASCII)
MOST_NAMED = 20  # the most words that an editor lists where one is wrong


def shape_name(model: str) -> str:
    """What an editor calls a model: `RuleText` is a rule."""
    return (model.removesuffix("Text") or model).lower()


def ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{key_of(name)}"}


def key_of(name: str) -> str:
    """A name as it may stand in a reference."""
    return name.replace(" ", "-").replace("/", "--")


def titled(text: str) -> Schema:
    return {"title": text}


def told(text: str) -> Schema:
    """What an editor shows: as plain text, and with its marks for editors that know Markdown."""
    return {"description": text, "markdownDescription": text} if text else {}


def naming(*kinds: str) -> Schema:
    return {"x-names": list(kinds)}


def keyed(*kinds: str) -> Schema:
    return {"x-keys": list(kinds)}


def operator_told(word: str) -> Schema:
    return told(OPERATORS[word])


def closed(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def needed(properties: Mapping[str, Schema]) -> Schema:
    return closed(properties) | {"required": list(properties)}


def some_of(properties: Mapping[str, Schema]) -> Schema:
    return closed(properties) | {"minProperties": 1}


def one_key(properties: Mapping[str, Schema]) -> Schema:
    return some_of(properties) | {"maxProperties": 1}


def list_of(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1}


def by_shape(scalar: Schema, *, list: Schema | None = None, mapping: Schema | None = None) -> Schema:
    """
    The schema for the shape that a value has, so that an error is about that shape; with `anyOf` alone it would not be.

    Editors propose no values from `else`. They take them from the `anyOf`, which every value fits.
    """
    rest = scalar if list is None else {"if": {"type": "array"}, "then": list, "else": scalar}
    whole = rest if mapping is None else {"if": {"type": "object"}, "then": mapping, "else": rest}
    return {**whole, "anyOf": [scalar, {}]}


def one_or_more(item: Schema) -> Schema:
    return by_shape(item, list=list_of(item))


def or_new(known: Schema) -> Schema:
    return {"anyOf": [known, TEXT]}


def each_of(titles: Mapping[str, str], schema: Schema) -> dict[str, Schema]:
    return {name: schema | titled(title) for name, title in titles.items()}


def titles_of(texts: Mapping[str, Any]) -> dict[str, str]:
    return {name: text.title.en for name, text in texts.items()}


def one_of(words: Iterable[str], titles: Mapping[str, str] | None = None, what: str = "") -> Schema:
    """
    One of some words, each in the types that an editor reads it as; without words, nothing fits.

    With `what` and many words, the error for a wrong word does not list them: it names only `what` they are.
    """
    listed = [(each, (titles or {}).get(word, "")) for word in words for each in typed_word(word)]
    if not listed:
        return {"not": {}}
    described = {"enumDescriptions": [title for _, title in listed]} if any(title for _, title in listed) else {}
    told = {"errorMessage": f"there is no such {what}"} if what and len(listed) > MOST_NAMED else {}
    return {"enum": [each for each, _ in listed], **described, **told}


def typed_word(word: str) -> list[Any]:
    """A word, and what YAML's core schema makes of it."""
    if word.lower() in ("true", "false"):
        return [word, word.lower() == "true"]
    return [word, float(word)] if _CORE_NUMBER.fullmatch(word) else [word]


def spelt(kind: str, example: str, number: str = "", pattern: str = "") -> Schema:
    """A text spelt in one way, that of its kind unless another `pattern` is given; where `number` is given, a number too."""
    types = {"type": [number, "string"], "minimum": 0} if number else {"type": "string"}
    return {**types, "pattern": f"^(?:{pattern or SPELLINGS[kind]})$", "errorMessage": f"write it like {example}"}


DAY = spelt("date", "`2024-03-22`")


def plain_schema(schema: Any) -> Any:
    """A model's schema without what pydantic says of Python: titles made of names, defaults, `null` for what is left out."""
    match schema:
        case list():
            return [plain_schema(each) for each in schema if each != {"type": "null"}]
        case {"type": "string", "format": "date"}:
            return DAY
        case {"type": "string", **rest} if "enum" not in rest and "const" not in rest:
            return TEXT | {key: value for key, value in rest.items() if key in ("pattern", "minLength", "maxLength")}
        case {"anyOf": [only, {"type": "null"}]}:
            return plain_schema(only)
        case dict():
            kept = {key: inner for key, inner in schema.items() if key not in ("title", "default", "$id", "examples")}
            if "$ref" in kept:
                return ref(shape_name(kept["$ref"].rpartition("/")[2]))
            return {
                key: {name: plain_schema(each) for name, each in inner.items()}
                if key in ("properties", "$defs")
                else plain_schema(inner)
                for key, inner in kept.items()
            }
    return schema


def used_defs(root: Schema, defs: Mapping[str, Schema]) -> dict[str, Schema]:
    """The definitions that a schema refers to, directly or through others."""
    found: dict[str, Schema] = {}
    named = {key_of(name): schema for name, schema in defs.items()}
    todo = list(references(root))
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = named[name]
            todo += references(named[name])
    return dict(sorted(found.items()))


def references(schema: Any) -> Iterable[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for inner in schema.values():
            yield from references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from references(inner)
