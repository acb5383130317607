"""
What an editor knows of tables and steps: the schema of a policy without them goes in, the same with them comes out.

A cell is a rule with a place, so its schema is made of that of a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.authoring.hints import of_keys
from engine.policy_language.axes import ABOVE, AT, IN, OTHERS, STEPPED
from engine.policy_language.document_text import DocumentText
from engine.policy_language.policy_text import CellText, StepsText, TableText
from engine.policy_language.rule_tables import CELLS, EMPTY, OWN, STEPS, TABLE
from engine.values import Type

Schema = dict[str, Any]
Ref = Callable[[str], Schema]

_VALUED = ("value", "yes/no")


def with_tables(policy: Schema, facts: Mapping[str, Type], registers: Mapping[str, Iterable[str]], ref: Ref) -> Schema:
    """The schema of a policy in which an entry of `rules` may be a table or steps. `registers` are those of each value set, by its name."""
    defs: dict[str, Schema] = dict(policy["$defs"])
    rule = defs["rule"]["properties"]
    shared = {key: schema for key, schema in rule.items() if key not in OWN}
    axes = {name: type for name, type in facts.items() if type.kind in (*STEPPED, *_VALUED)}
    stepped = [name for name, type in axes.items() if type.kind in STEPPED]
    parts = {name: _part(type, registers, ref) for name, type in axes.items()}
    boxes = {name: _or_list(part) for name, part in parts.items()}
    box = {"type": "object", "properties": boxes, "additionalProperties": False, "minProperties": 1, "x-keys": ["fact"]}
    number = {"type": ["string", "number"]}
    places: dict[str, dict[str, Schema]] = {STEPS: {AT: number, ABOVE: number}, TABLE: {AT: _or_list(box)}}
    heads: dict[str, dict[str, Schema]] = {
        STEPS: {STEPS: {"enum": stepped, "x-names": ["fact"]}},
        TABLE: {
            TABLE: {
                "type": "object",
                "properties": {name: {"type": "array", "items": part, "minItems": 2} for name, part in parts.items()},
                "additionalProperties": False,
                "minProperties": 1,
                "x-keys": ["fact"],
            }
        },
    }
    texts: dict[str, type[DocumentText]] = {STEPS: StepsText, TABLE: TableText}
    for word, text in texts.items():
        cell = f"cell of {word}"
        mine = places[word] | {EMPTY: {"type": "string", "minLength": 1}}
        whole = {**_told(mine, of_keys(CellText)), **rule}
        defs[ref(cell)["$ref"].rpartition("/")[2]] = {
            "type": "object",
            "properties": whole,
            "additionalProperties": False,
            "if": {"required": [EMPTY]},
            "else": {"required": list(OWN)},
        }
        cells = {CELLS: {"type": "array", "items": ref(cell), "minItems": 2}}
        defs[word] = {
            "type": "object",
            "properties": {**_told({**heads[word], **cells}, of_keys(text)), **shared},
            "additionalProperties": False,
            "required": [word, CELLS],
        }
    rules = policy["properties"]["rules"]
    entry = {"if": {"required": [TABLE]}, "then": ref(TABLE), "else": rules["items"]}
    items = {"if": {"required": [STEPS]}, "then": ref(STEPS), "else": entry}
    properties = {**policy["properties"], "rules": {**rules, "items": items}}
    return {**policy, "properties": properties, "$defs": dict(sorted(defs.items()))}


def _part(type: Type, registers: Mapping[str, Iterable[str]], ref: Ref) -> Schema:
    """One part of an axis: a number or a value, and the mapping that may stand in its place."""
    value = ref(f"value {type.one.name}")
    if type.kind in STEPPED:
        return {"anyOf": [value, _one(ABOVE, value)]}
    known = list(registers.get(type.values.name, ())) if type.values else []
    register = [_one(IN, {"enum": known})] if known else []
    return {"anyOf": [value, {"const": OTHERS}, *register]}


def _one(key: str, value: Schema) -> Schema:
    return {"type": "object", "properties": {key: value}, "additionalProperties": False, "required": [key]}


def _or_list(item: Schema) -> Schema:
    return {"if": {"type": "array"}, "then": {"type": "array", "items": item, "minItems": 1}, "else": item}


def _told(schemas: Mapping[str, Schema], hints: Mapping[str, str]) -> dict[str, Schema]:
    return {key: schema | {"description": hints[key], "markdownDescription": hints[key]} for key, schema in schemas.items()}
