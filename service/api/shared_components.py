"""
What an OpenAPI document repeats, said once: the document goes in, and comes out smaller with the same meaning.

Refusals and parameters that several operations have become components; so do the types of the facts of an exchange. Titles that only say
the name of a member again are left out.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from service.problems import MEDIA_TYPE

Schema = dict[str, Any]


def with_named_types(exchange: Schema, types: Mapping[str, str]) -> Schema:
    """The schema of an exchange with a definition of each type of fact; `types` has by fact the name of its type. Changes the schema."""
    parts: dict[str, Schema] = exchange.setdefault("$defs", {})
    named: dict[str, Schema] = {}

    def share(inner: Schema, under: str) -> None:
        for name, member in inner.get("properties", {}).items():
            fact = f"{under}.{name}".lstrip(".")
            if fact not in types:
                for shape in member.get("anyOf", [member]):  # the facts of a recipient, or the public
                    share(parts.get(shape.get("$ref", "").rpartition("/")[2], shape), fact)
                continue
            own = {word: member[word] for word in ("title", "description") if word in member}
            of_type = {word: value for word, value in member.items() if word not in own}
            key = types[fact].replace(" ", "_").replace("/", "_")
            if named.setdefault(key, of_type) == of_type:  # a fact that takes less than its type keeps its own
                inner["properties"][name] = {"$ref": f"#/$defs/{key}", **own}

    share(exchange, "")
    parts |= named
    return exchange


def share(document: dict[str, Any]) -> None:
    """Move into the components what operations repeat, and drop titles that say nothing. Changes the document."""
    components = document["components"]
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    _drop_titles(components["schemas"])
    _drop_titles(document["paths"])
    parameters = Counter(_text(each) for operation in operations for each in operation.get("parameters", ()))
    refusals = Counter(_text(each) for operation in operations for each in _refusals(operation).values())
    shared: dict[str, dict[str, Any]] = {"parameters": {}, "responses": {}}
    for operation in operations:
        if "parameters" in operation:
            operation["parameters"] = [
                _moved(shared, "parameters", each["name"], each) if parameters[_text(each)] > 1 else each
                for each in operation["parameters"]
            ]
        for status, each in _refusals(operation).items():
            if refusals[_text(each)] > 1:
                kinds = ".".join(each["content"][MEDIA_TYPE]["examples"])
                operation["responses"][status] = _moved(shared, "responses", kinds, each)
    components |= shared


def _refusals(operation: Mapping[str, Any]) -> dict[str, Any]:
    """The answers of an operation that are problems and nothing else, by their status."""
    return {status: each for status, each in operation["responses"].items() if list(each.get("content", ())) == [MEDIA_TYPE]}


def _moved(shared: dict[str, dict[str, Any]], kind: str, name: str, what: dict[str, Any]) -> dict[str, Any]:
    """A reference to what is shared under a name, or under the next one that is free."""
    for each in _names(name):
        if shared[kind].setdefault(each, what) == what:
            return {"$ref": f"#/components/{kind}/{each}"}
    raise AssertionError


def _names(name: str) -> Iterator[str]:
    yield name
    number = 1
    while True:
        number += 1
        yield f"{name}-{number}"


def _drop_titles(value: Any) -> None:
    """Titles that pydantic made from the names of members."""
    if isinstance(value, list):
        for each in value:
            _drop_titles(each)
    elif isinstance(value, dict):
        members = value.get("properties")
        for name, member in members.items() if isinstance(members, dict) else ():
            if isinstance(member, dict) and member.get("title") == name.replace("_", " ").title():
                del member["title"]
        for key, each in value.items():
            if key not in ("example", "examples"):  # what is sent and answered, as it is
                _drop_titles(each)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
