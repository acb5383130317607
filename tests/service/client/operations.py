"""
What a client can send and read of each operation: every method is called with every argument that it takes, and nothing is sent.

`Comparison` has the dataclass of an answer beside its schema in the OpenAPI document, member by member.
"""

import inspect
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl, urlsplit

from service.client import AsyncClient, Client, answers, plans, shapes
from service.client.attempts import JSON, Call, Came
from service.client.pages import Pages

WHOLE: dict[str, Any] = {"sample": 1}  # what a caller writes by herself, like an exchange: it has whatever the document says
SAMPLES: dict[Any, Any] = {str: "a", Decimal: Decimal(1), bytes: b"{}", date: date(2026, 1, 1), bool: True, int: 1}
# What is not sent together with the other arguments, as calls of their own.
APART: dict[str, tuple[dict[str, Any], ...]] = {
    "approve": ({"provisions": ()}, {"requirement": ""}),
    "refuse": ({"provisions": ()}, {"requirement": ""}),
    "checkpoint": ({"witnessed": False}, {}),
    **{f"put_{one}": ({"version": 0}, {}) for one in ("party", "asset", "entity")},
    "counter": ({"per": {"per": "a"}},),  # the document has a parameter `per` for parameters of any name
}
WHOLES: tuple[dict[str, Any], ...] = (WHOLE, {})  # and bytes that are JSON already
# Classes that are read by a function of their own, which has a value for each member that may be left out.
READ_BY_HAND = (answers.Answer, plans.Plan, plans.PlannedLeg)
PLAIN: dict[Any, tuple[str, tuple[str | None, ...]]] = {
    str: ("string", (None, "date")),
    Decimal: ("string", (None,)),
    date: ("string", (None, "date")),
    datetime: ("string", (None, "date-time")),
    bool: ("boolean", (None,)),
    int: ("integer", (None,)),
}
# Lists that are not in pages, by the member that has the items.
LISTED = {
    "presets": "presets",
    "evaluate_batch": "results",
    "recipients": "results",
    "benefits_not_divided": "not_divided",
    "benefits_not_reported": "not_reported",
    "promises_by_country": "countries",
}


class Asked(BaseException):
    """In place of sending: the call, or the pages of a list."""

    def __init__(self, what: Any) -> None:
        super().__init__()
        self.what = what


class _Silent:
    def _call(self, call: Any) -> Any:
        raise Asked(call)

    _each = _call

    def _listen(self, stream: Any) -> Any:
        raise Asked(stream.call())


class _Blocking(_Silent, Client): ...


class _Waiting(_Silent, AsyncClient): ...


CLIENTS: dict[str, Any] = {"sync": _Blocking, "async": _Waiting}
OWN = {"close", "aclose"}  # of the client itself


@dataclass(frozen=True)
class Made:
    """A request that a method makes, and the type of what it gives for the answer, or of an item of a list."""

    method: str
    request: Call[Any]
    gives: Any
    listed: str | None  # the member of the answer that has the items

    @property
    def names(self) -> set[str]:
        """The parameters of the query and the headers."""
        headers = {*self.request.headers} | ({"Idempotency-Key"} if self.request.method != "GET" else set())
        return {name for name, _ in parse_qsl(urlsplit(self.request.path).query)} | headers


def methods(client: type) -> list[str]:
    """The methods of a client, by name."""
    return [name for name, _ in inspect.getmembers(client, inspect.isfunction) if name[0] != "_" and name not in OWN]


def made(client: Client | AsyncClient, name: str) -> Iterator[Made]:
    """The requests that a method of one of CLIENTS makes when it is given everything; of a list, the second page."""
    method = getattr(client, name)
    types = get_type_hints(method)
    gives = types.pop("return")
    listed = LISTED.get(name)
    while get_origin(gives) in (tuple, list, Iterator, AsyncIterator, Union, UnionType):
        gives = get_args(gives)[0]
    for others in APART.get(name, ({},)):
        given = dict(chain.from_iterable(_samples(each, types[each]) for each in inspect.signature(method).parameters))
        try:
            waiting = method(**{**given, **others})
            if inspect.iscoroutine(waiting):
                waiting.send(None)
        except Asked as asked:
            found = asked.what
            if isinstance(found, Pages):
                listed = found.name
                found.call().read(Came(200, JSON, None, None, json.dumps({found.name: [], "next": "c"}).encode()))
                found = found.call()
            yield Made(name, found, gives, listed)


def _samples(name: str, type_: Any) -> list[tuple[str, Any]]:
    if get_origin(type_) is not None and get_args(type_) and hasattr(get_args(type_)[0], "__total__"):  # Unpack[TypedDict]
        return [(each, _sample(of)) for each, of in get_type_hints(get_args(type_)[0]).items()]
    return [(name, _sample(type_))]


def _sample(type_: Any) -> Any:
    of, inner = get_origin(type_), get_args(type_)
    if of in (Union, UnionType):
        return _sample(inner[0])
    if of is Literal:
        return inner[0]
    if of is Mapping:
        return WHOLE
    if of is tuple:
        return tuple(map(_sample, inner))
    return SAMPLES[type_] if of is None else [_sample(inner[0])]


class Document:
    """The operations of an OpenAPI document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self.operations: dict[str, tuple[str, str, Any]] = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        }

    def operation(self, request: Call[Any]) -> str:
        """The operation of a request. The template with the fewest parts that vary is meant."""
        path = urlsplit(request.path).path
        found = [
            (template.count("{"), name)
            for name, (method, template, _) in self.operations.items()
            if method == request.method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
        ]
        _, name = min(found)
        return name

    def resolved(self, schema: Mapping[str, Any]) -> Any:
        """A schema behind its reference."""
        while "$ref" in schema:
            found: Any = self._document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step.replace("~1", "/").replace("~0", "~")]
            schema = found
        return self.resolved(schema["anyOf"][0]) if len(schema.get("anyOf", ())) == 1 else schema

    def parameters(self, name: str) -> set[str]:
        """The parameters of an operation that are not in its path."""
        found = map(self.resolved, self.operations[name][2].get("parameters", ()))
        return {each["name"] for each in found if each["in"] != "path"}

    def body(self, name: str) -> Any:
        """The schema of what an operation is sent as JSON; None for other bytes."""
        content = self.resolved(self.operations[name][2].get("requestBody", {})).get("content", {})
        return content.get(JSON, {}).get("schema")

    def answer(self, name: str) -> Any:
        """The schema of what an operation answers as JSON; None for other bytes."""
        answers = self.operations[name][2]["responses"]
        good = self.resolved(next(answers[status] for status in ("200", "201", "202") if status in answers))
        return good.get("content", {}).get(JSON, {}).get("schema")

    def item(self, schema: Any, listed: str) -> Any:
        """The schema of an item of a list."""
        item = self.resolved(self.resolved(self.resolved(schema)["properties"][listed])["items"])
        for each in map(self.resolved, item.get("anyOf", ())):  # a batch has decisions and problems
            if "decision" in each["properties"]:
                return each["properties"]["decision"]
        return item

    def unsent(self, schema: Any, sent: Any, where: str) -> Iterator[str]:
        """The members of a body that were not sent."""
        schema = self.resolved(schema)
        if isinstance(sent, list | tuple) and schema.get("type") == "array" and sent:
            yield from self.unsent(schema["items"], sent[0], where)
        if isinstance(sent, dict) and sent not in WHOLES:
            for name, inner in schema.get("properties", {}).items():
                if name not in sent:
                    yield f"{where}/{name}"
                else:
                    yield from self.unsent(inner, sent[name], f"{where}/{name}")


class Comparison:
    """Dataclasses beside schemas: `missing` are members that a dataclass has not, `faults` what it would read wrongly."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._seen: set[tuple[Any, int]] = set()
        self.missing: dict[str, Any] = {}  # with the dataclass that has it not
        self.faults: list[str] = []

    def of(self, type_: Any, schema: Any, where: str) -> None:
        """Compare a type with a schema."""
        of, inner = get_origin(type_), get_args(type_)
        if type_ is Any or type_ is dict or of is dict:
            return
        if of in (Union, UnionType):
            (some,) = (each for each in inner if each is not NoneType)
            self.of(some, without_null(self._document.resolved(schema)), where)
            return
        schema = self._document.resolved(schema)
        if is_dataclass(type_):
            for each in map(self._document.resolved, schema.get("anyOf", [schema])):
                if each.get("type") == "null":
                    self.faults.append(f"{where}: may be null")
                else:
                    self._members(type_, each, where)
        elif of is Mapping and schema.get("anyOf"):  # what is told differs by the type of the event
            for each in schema["anyOf"]:
                self.of(type_, each, where)
        elif of is tuple and schema.get("type") == "array":
            self.of(inner[0], schema["items"], where)
        elif of is Mapping and schema.get("type") == "object":
            more = schema.get("additionalProperties")
            self.of(inner[1], more if isinstance(more, dict) else {}, where) if inner[1] is not Any else None
        elif not self._plain(type_, schema):
            self.faults.append(f"{where}: {type_} for {str(schema)[:200]}")

    def _members(self, type_: Any, schema: Any, where: str) -> None:
        if (type_, id(schema)) in self._seen:
            return
        self._seen.add((type_, id(schema)))
        mine = {each.name: each for each in shapes.members(type_)}
        given = {name: each for name, each in schema.get("properties", {}).items() if name != "schema"}
        self.missing |= {f"{type_.__name__}/{name}": type_ for name in given.keys() - mine.keys()}
        by_hand = type_ in READ_BY_HAND
        self.faults += [f"{where}/{name}: the document has it not" for name in mine.keys() - given.keys()]
        for name in mine.keys() & given.keys():
            needed = name in schema.get("required", ())
            if mine[name].needed != needed and not by_hand:
                self.faults.append(f"{where}/{name}: needed on one side")
            theirs = self._document.resolved(given[name])
            self.of(mine[name].type, without_null(theirs) if by_hand and not needed else theirs, f"{where}/{name}")

    def _plain(self, type_: Any, schema: Any) -> bool:
        several = [self._document.resolved(each) for each in schema.get("anyOf", [schema])]
        return all(_alike(type_, each, strict=len(several) == 1) for each in several)


def _alike(type_: Any, schema: Mapping[str, Any], *, strict: bool) -> bool:
    words = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if get_origin(type_) is Literal:  # or declared as a text, of which only such ones are sent
        return schema.get("type") == "string" and set(words or get_args(type_)) == set(get_args(type_))
    kind, formats = PLAIN.get(type_, ("", ()))
    return schema.get("type") == kind and schema.get("format") in formats and not (strict and words)


def without_null(schema: Any) -> Any:
    """A schema that is already behind its reference, without null."""
    some = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    return {**schema, "anyOf": some} if some else schema
