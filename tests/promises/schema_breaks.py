"""
What breaks between two JSON Schemas, seen by a program that was written for the first: sentences come out, none if nothing breaks.

What a program sends must go on being taken: nothing becomes required, no member, type or value is taken away, no limit gets tighter.
What it receives must go on being what it knows: no member goes, none that was always there may be missing, no type or value comes in.
New values of `code`, and new kinds of events, may come in, as may new members; none of their values goes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Direction = Literal["sent", "received"]
Schema = Mapping[str, Any]
_GROWING = ("/code", "/events/*/kind")  # where members end whose values are a list that grows
_UPPER = ("maxLength", "maxItems", "maximum", "exclusiveMaximum", "maxProperties")
_LOWER = ("minLength", "minItems", "minimum", "exclusiveMinimum", "minProperties")


@dataclass(slots=True)
class SchemaBreaks:
    """Compares schemas of two documents, whose shared schemas are `before` and `after`, by name."""

    before: Mapping[str, Schema]
    after: Mapping[str, Schema]
    _seen: set[tuple[str, str, Direction]] = field(default_factory=set)

    def between(self, was: Schema, now: Schema, at: str, direction: Direction) -> Iterator[str]:
        """What breaks at a place between two schemas."""
        names = was.get("$ref", ""), now.get("$ref", "")
        if all(names):
            if (*names, direction) in self._seen:
                return
            self._seen.add((*names, direction))
        was, now = _resolved(was, self.before), _resolved(now, self.after)
        older, newer = _branches(was, self.before), _branches(now, self.after)
        if len(older) == len(newer) == 1:
            yield from self._plain(older[0], newer[0], at, direction)
            return
        kept, others = (older, newer) if direction == "sent" else (newer, older)
        for each in kept:
            pairs = (((each, other) if direction == "sent" else (other, each)) for other in others)
            if not any(not list(self._fresh().between(*pair, at, direction)) for pair in pairs):
                said = "is no longer taken" if direction == "sent" else "is new in what is received"
                yield f"{at}: a form ({_kind_of(each)}) {said}"

    def _fresh(self) -> "SchemaBreaks":
        return SchemaBreaks(self.before, self.after, set(self._seen))

    def _plain(self, was: Schema, now: Schema, at: str, direction: Direction) -> Iterator[str]:
        types = _types(was), _types(now)
        if direction == "sent" and not _covers(types[1], types[0]):
            yield f"{at}: was {_said(types[0])}, only {_said(types[1])} is taken"
        if direction == "received" and not _covers(types[0], types[1]):
            yield f"{at}: was {_said(types[0])}, may be {_said(types[1])}"
        yield from _values(was, now, at, direction)
        if direction == "sent":
            yield from _limits(was, now, at)
            if was.get("default") != now.get("default"):
                yield f"{at}: was {was.get('default', 'not set')} if it was left out, is {now.get('default', 'not set')}"
        elif was.get("format") != now.get("format"):
            yield f"{at}: format was {was.get('format', 'not set')}, is {now.get('format', 'not set')}"
        yield from self._members(was, now, at, direction)
        if isinstance(was.get("items"), dict) and isinstance(now.get("items"), dict):
            yield from self.between(was["items"], now["items"], f"{at}/*", direction)
        extra = was.get("additionalProperties"), now.get("additionalProperties")
        if isinstance(extra[0], dict) and isinstance(extra[1], dict):
            yield from self.between(extra[0], extra[1], f"{at}/(any)", direction)
        elif direction == "sent" and extra[1] is False and extra[0] is not False and "object" in types[0]:
            yield f"{at}: other members are no longer taken"

    def _members(self, was: Schema, now: Schema, at: str, direction: Direction) -> Iterator[str]:
        older, newer = was.get("properties", {}), now.get("properties", {})
        for name, schema in older.items():
            if name in newer:
                yield from self.between(schema, newer[name], f"{at}/{name}", direction)
            else:
                yield f"{at}/{name}: is gone"
        required = set(was.get("required", ())), set(now.get("required", ()))
        if direction == "sent":
            yield from (f"{at}/{name}: has become required" for name in sorted(required[1] - required[0]))
        else:
            yield from (f"{at}/{name}: may be missing now" for name in sorted((required[0] - required[1]) & set(newer)))


def _resolved(schema: Schema, shared: Mapping[str, Schema]) -> Schema:
    while "$ref" in schema:
        schema = {**shared[schema["$ref"].rpartition("/")[2]], **{key: each for key, each in schema.items() if key != "$ref"}}
    return schema


def _branches(schema: Schema, shared: Mapping[str, Schema]) -> list[Schema]:
    found = [each for key in ("anyOf", "oneOf") for each in schema.get(key, ())]
    if not found:
        return [schema]
    rest = {key: each for key, each in schema.items() if key not in ("anyOf", "oneOf")}
    return [branch for each in found for branch in _branches({**rest, **_resolved(each, shared)}, shared)]


def _types(schema: Schema) -> frozenset[str]:
    """The types of a schema; empty if it may be anything."""
    said = schema.get("type", ())
    if not said:
        values = schema.get("enum", [schema["const"]] if "const" in schema else [])
        names = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
        said = [names[type(each)] for each in values]
    return frozenset([said] if isinstance(said, str) else said)


def _covers(wide: frozenset[str], narrow: frozenset[str]) -> bool:
    widened = wide | {"integer"} if "number" in wide else wide
    return not wide or (bool(narrow) and narrow <= widened)


def _values(was: Schema, now: Schema, at: str, direction: Direction) -> Iterator[str]:
    older, newer = (each.get("enum", [each["const"]] if "const" in each else None) for each in (was, now))
    if direction == "sent" and newer is not None:
        gone = "anything" if older is None else ", ".join(sorted(repr(each) for each in older if each not in newer))
        if gone:
            yield f"{at}: no longer takes {gone}"
    grows = at.endswith(_GROWING)
    if direction == "received" and older is not None and not grows:
        new = "anything" if newer is None else ", ".join(sorted(repr(each) for each in newer if each not in older))
        if new:
            yield f"{at}: may be {new}"
    if direction == "received" and older and newer and grows:
        yield from (f"{at}: is never {each!r} any more" for each in older if each not in newer)


def _limits(was: Schema, now: Schema, at: str) -> Iterator[str]:
    for names, tighter in ((_UPPER, lambda old, new: new < old), (_LOWER, lambda old, new: new > old)):
        for name in names:
            if name in now and (name not in was or tighter(was[name], now[name])) and now[name] != _NOTHING.get(name):
                yield f"{at}: {name} was {was.get(name, 'not set')}, is {now[name]}"
    for name in ("pattern", "format"):
        if name in now and now[name] != was.get(name):
            yield f"{at}: {name} was {was.get(name, 'not set')}, is {now[name]}"


_NOTHING: Mapping[str, int] = {"minLength": 0, "minItems": 0, "minProperties": 0}


def _kind_of(schema: Schema) -> str:
    return str(schema.get("title") or schema.get("const") or _said(_types(schema)))


def _said(types: frozenset[str]) -> str:
    return " or ".join(sorted(types)) or "anything"
