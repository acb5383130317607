"""
Facts in the document of an exchange, which is JSON: read by their names, and put there.

A fact `exporter.country` is the member `country` of the object `exporter`. The document is not checked here: a step that leads to no
object leads to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def fact_at(document: Any, fact: str) -> Any:
    """What a document states of a fact or a family; None where it states nothing."""
    for step in fact.split("."):
        document = document.get(step) if isinstance(document, (dict, Mapping)) else None  # dict first: that is quicker
    return document


def with_fact_set(document: Mapping[str, Any], fact: str, value: Any) -> dict[str, Any]:
    """A copy of the document with a fact set, or without the fact where the value is None."""
    head, _, rest = fact.partition(".")
    if rest:
        inner = document.get(head, {})
        return {**document, head: with_fact_set(inner if isinstance(inner, Mapping) else {}, rest, value)}
    if value is None:
        return {key: each for key, each in document.items() if key != head}
    return {**document, head: value}


def with_facts_set(document: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the document with some facts set, none of them to None. Every object that changes is copied once."""
    whole = dict(document)
    copied: dict[str, dict[str, Any]] = {"": whole}
    for fact, value in values.items():
        path, _, last = fact.rpartition(".")
        here = copied.get(path)
        if here is None:
            here, under = whole, ""
            for step in path.split("."):
                under = f"{under}.{step}" if under else step
                inner = copied.get(under)
                if inner is None:
                    sent = here.get(step)
                    inner = copied[under] = here[step] = dict(sent) if isinstance(sent, Mapping) else {}
                here = inner
        here[last] = value
    return whole


def put_at(document: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Put a value into a document at a path, whose steps must be objects or missing."""
    for step in path[:-1]:
        document = document.setdefault(step, {})
    document[path[-1]] = value


def nested(values: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
    """Values by their paths as the document that has them there."""
    found: dict[str, Any] = {}
    for path, value in values.items():
        put_at(found, path, value)
    return found
