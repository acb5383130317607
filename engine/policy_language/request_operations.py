"""
The places and the operations of a mapping: their spelling goes in, what they lead to comes out.

A place is a JSON Pointer (RFC 6901) into what the program sends, or `path.NAME`: a step of the path that the operation names as `{NAME}`.
An operation is some words with single spaces; a word that begins with `/` is a path, and the steps `{NAME}` of it stand for any step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from engine.policy_language.mapping_text import RequestMappingText, RequestReadingText

PATH_STEP = "path."
_POINTER = re.compile(r"(?:/(?:[^/~]|~[01])*)+")
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]*")
_STEP = re.compile(r"\{([a-zA-Z][a-zA-Z0-9_-]*)\}")
# What a path of an operation may hold beside `{NAME}`: what stays itself in an address (RFC 3986).
_LITERAL = re.compile(r"[A-Za-z0-9._~@:,+=$-]+")
Steps: TypeAlias = tuple[str, ...]


def is_pointer(place: str) -> bool:
    """Whether a text is a JSON Pointer to a member."""
    return _POINTER.fullmatch(place) is not None


def pointer_steps(pointer: str) -> Steps:
    """The steps of a JSON Pointer."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/"))


def path_name(place: str) -> str:
    """NAME of a place `path.NAME`; empty for any other text."""
    name = place.removeprefix(PATH_STEP)
    return name if place.startswith(PATH_STEP) and _NAME.fullmatch(name) else ""


@dataclass(frozen=True, slots=True)
class OperationPattern:
    """An operation as a mapping names it: its words, of which one may be a path with open steps."""

    name: str
    words: Steps

    @property
    def open_steps(self) -> Steps:
        """The names of the open steps, in their order."""
        steps = (step for word in self.words if word.startswith("/") for step in word[1:].split("/"))
        return tuple(found.group(1) for step in steps if (found := _STEP.fullmatch(step)))

    @property
    def shape(self) -> str:
        """The operation without the names of its open steps: two of one shape read the same requests."""
        return " ".join(_STEP.sub("{}", word) if word.startswith("/") else word for word in self.words)

    def problem(self, parts: int) -> str:
        """What is wrong with the name of an operation that `parts` places say; empty if nothing is."""
        if len(self.words) != parts or not all(self.words):
            return f"has {len(self.words)} word{'s' * (len(self.words) != 1)}, and `operation` names {parts} place{'s' * (parts > 1)}"
        for word in self.words:
            for step in word[1:].split("/") if word.startswith("/") and word != "/" else ():
                if not _STEP.fullmatch(step) and (not _LITERAL.fullmatch(step) or step in (".", "..")):
                    return f"has the step `{step}`, which is neither plain text nor `{{NAME}}`"
        if len(set(self.open_steps)) < len(self.open_steps):
            return "names two steps alike"
        return ""

    def match(self, words: Sequence[str]) -> Mapping[str, str] | None:
        """The values of the open steps, if some words are this operation. A path has been read by `path_steps` before."""
        if len(words) != len(self.words):
            return None
        found: dict[str, str] = {}
        for mine, theirs in zip(self.words, words, strict=True):
            if not mine.startswith("/"):
                if mine != theirs:
                    return None
                continue
            ours, sent = mine[1:].split("/"), theirs[1:].split("/")
            if not theirs.startswith("/") or len(ours) != len(sent):
                return None
            for step, value in zip(ours, sent, strict=True):
                named = _STEP.fullmatch(step)
                if named is None and step != value:
                    return None
                if named is not None:
                    if not value:
                        return None
                    found[named.group(1)] = value
        return found

    def crossing(self, other: OperationPattern) -> str:
        """The shape of the requests that both read, if each has a plain step where the other's is open; "" where there are none."""
        if len(self.words) != len(other.words):
            return ""
        met, plainer = [], set()
        for mine, theirs in zip(map(_steps, self.words), map(_steps, other.words), strict=True):
            if len(mine) != len(theirs):
                return ""
            both = []
            for step, another in zip(mine, theirs, strict=True):
                open_here, open_there = _STEP.fullmatch(step) is not None, _STEP.fullmatch(another) is not None
                if not open_here and not open_there and step != another:
                    return ""
                if open_here != open_there:
                    plainer.add(open_there)
                both.append("{}" if open_here and open_there else another if open_here else step)
            met.append("/".join(both))
        return " ".join(met) if len(plainer) == 2 else ""

    @property
    def order(self) -> tuple[tuple[bool, ...], str]:
        """Of two that read one request, the first in this order counts: the one with a plain step where the other's is open."""
        steps = [step for word in self.words for step in (word[1:].split("/") if word.startswith("/") else [word])]
        return tuple(_STEP.fullmatch(step) is not None for step in steps), self.name


def _steps(word: str) -> list[str]:
    """The steps of a word that is a path, of which the first is empty; any other word is one step."""
    return word.split("/") if word.startswith("/") else [word]


def pattern(name: str) -> OperationPattern:
    """An operation by its name."""
    return OperationPattern(name, tuple(name.split(" ")))


def places_of(reading: RequestReadingText) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The places that a reading names, each with the path in the document to where it is written."""
    for place in reading.facts:
        yield ("facts", place), place
    for name, entity in reading.entities.items():
        if isinstance(entity.at, str):
            yield ("entities", name, "at"), entity.at
        for number, place in enumerate(entity.at if isinstance(entity.at, list) else ()):
            yield ("entities", name, "at", number), place


def operation_places(text: RequestMappingText) -> tuple[str, ...]:
    """The places that say which operation is asked for."""
    return (text.operation,) if isinstance(text.operation, str) else tuple(text.operation)
