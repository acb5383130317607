"""
The pages of the operations: the OpenAPI document goes in; a list of its operations, and one operation with its bodies, come out as HTML.

They have no scripts, and are of the frame of all pages. What a page leaves out of a body, the document has.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.console.markdown_text import html_of
from service.console.pages import rendered
from service.console.reader import PageReader

DOCS = "/docs"
MOST_EXAMPLE = 6_000  # characters of an example
_MOST_VALUES = 12  # of an enumeration
_METHODS = ("get", "put", "post", "delete", "patch")
_NOTHING_SAID = "Successful Response"  # by FastAPI, where a route does not describe its answer
_COMPONENTS = "#/components/"


@dataclass(frozen=True, slots=True)
class Member:
    """A parameter, or a member of a body: its name, where it is sent, its type in words, and what it says."""

    name: str
    place: str
    type: str
    about: str
    required: bool


@dataclass(frozen=True, slots=True)
class Body:
    """A body that is sent or answered: its media type, its members, and an example as text, cut if it is `long`."""

    media_type: str
    members: tuple[Member, ...]
    example: str
    long: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation answers with under a status, with its body if that is not a refusal."""

    status: str
    about: str
    body: Body | None


@dataclass(frozen=True, slots=True)
class ShownOperation:
    """An operation as its page shows it."""

    name: str
    tag: str
    method: str
    path: str
    summary: str
    about: str
    scopes: tuple[str, ...]
    parameters: tuple[Member, ...]
    body: Body | None
    answers: tuple[Answer, ...]

    @property
    def refusals(self) -> tuple[Answer, ...]:
        return tuple(each for each in self.answers if each.status >= "4")

    @property
    def results(self) -> tuple[Answer, ...]:
        return tuple(each for each in self.answers if each.status < "4")


@dataclass(frozen=True, slots=True)
class Operations:
    """All operations by name, in the order of the document, and what their tags are about."""

    about: str
    tags: Mapping[str, str]
    by_name: Mapping[str, ShownOperation]


def operations_of(document: Mapping[str, Any]) -> Operations:
    """The operations of an OpenAPI document."""
    reading = _Reading(document)
    found = {each.name: each for each in reading.operations()}
    tags = {each["name"]: each.get("description", "") for each in document.get("tags", ())}
    return Operations(document["info"].get("description", ""), tags, found)


def operations_page(found: Operations, reader: PageReader) -> str:
    """The list of all operations, by tag."""
    by_tag = {tag: [each for each in found.by_name.values() if each.tag == tag] for tag in found.tags}
    return rendered(
        "operations.html",
        reader,
        DOCS,
        w=reader.words.operations,
        about=found.about,
        tags=[(tag, found.tags[tag], some) for tag, some in by_tag.items() if some],
        count=len(found.by_name),
    )


def operation_page(operation: ShownOperation, address: str, reader: PageReader) -> str:
    """The page of one operation; `address` is that of the service, for the command that calls it."""
    return rendered(
        "operation.html",
        reader,
        f"{DOCS}/{operation.name}",
        w=reader.words.operations,
        told=html_of,
        operation=operation,
        command=_command(operation, address),
    )


def _command(operation: ShownOperation, address: str) -> str:
    """A command that calls an operation, with its example."""
    lines = [f"curl -s {'' if operation.method == 'GET' else f'-X {operation.method} '}'{address}{operation.path}'"]
    if operation.scopes:
        lines.append('-H "Authorization: Bearer $KEY"')
    body = operation.body
    if body:
        lines.append(f"-H 'Content-Type: {body.media_type}'")
        lines.append("--data @body.json" if body.media_type.endswith("json") else "--data-binary @body")
    return " \\\n  ".join(lines)


class _Reading:
    """Reads the operations of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def operations(self) -> Iterator[ShownOperation]:
        for path, methods in self._document["paths"].items():
            for method in _METHODS:
                if method in methods:
                    yield self._operation(path, method, methods[method])

    def _operation(self, path: str, method: str, written: Mapping[str, Any]) -> ShownOperation:
        scopes = [scope for each in written.get("security", ()) for some in each.values() for scope in some]
        sent = next(iter(self._resolved(written.get("requestBody", {})).get("content", {}).items()), None)
        return ShownOperation(
            name=written["operationId"],
            tag=written["tags"][0],
            method=method.upper(),
            path=path,
            summary=written.get("summary", ""),
            about=written.get("description", ""),
            scopes=tuple(scopes),
            parameters=tuple(self._parameter(self._resolved(each)) for each in written.get("parameters", ())),
            body=None if sent is None else self._body(*sent),
            answers=tuple(self._answer(status, self._resolved(each)) for status, each in sorted(written["responses"].items())),
        )

    def _parameter(self, written: Mapping[str, Any]) -> Member:
        about = written.get("description", "")
        return Member(
            written["name"], written["in"], self._type(written.get("schema", {})), about, bool(written.get("required"))
        )

    def _answer(self, status: str, written: Mapping[str, Any]) -> Answer:
        sent = next(iter(written.get("content", {}).items()), None)
        shown = sent is not None and status < "4"
        about = written.get("description", "")
        return Answer(status, "" if about == _NOTHING_SAID else about, self._body(*sent) if sent and shown else None)

    def _body(self, media_type: str, content: Mapping[str, Any]) -> Body:
        example = content.get("example")
        text = (
            example
            if isinstance(example, str)
            else ""
            if example is None
            else json.dumps(example, indent=2, ensure_ascii=False)
        )
        return Body(
            media_type,
            tuple(self._members(content.get("schema", {}))),
            text[:MOST_EXAMPLE],
            len(text) > MOST_EXAMPLE,
        )

    def _members(self, schema: Mapping[str, Any]) -> Iterator[Member]:
        resolved = self._resolved(schema)
        required = resolved.get("required", ())
        for name, inner in resolved.get("properties", {}).items():
            about = inner.get("description") or self._resolved(inner).get("description", "")
            yield Member(name, "", self._type(inner), about, name in required)

    def _type(self, schema: Mapping[str, Any]) -> str:
        """The type of a value in a few words."""
        match self._resolved(schema):
            case {"enum": [*values]}:
                some = ", ".join(map(str, values[:_MOST_VALUES]))
                return f"{some}, …" if len(values) > _MOST_VALUES else some
            case {"const": value}:
                return str(value)
            case {"anyOf": [*kinds]} | {"oneOf": [*kinds]}:
                told = dict.fromkeys(self._type(each) for each in kinds if each != {"type": "null"})
                return ", or ".join(told)
            case {"type": "array", "items": items}:
                return f"list of {self._type(items)}"
            case {"type": [*kinds]}:
                return ", or ".join(each for each in kinds if each != "null")
            case {"type": str(kind), "format": str(form)}:
                return f"{kind}, {form}"
            case {"type": str(kind)}:
                return kind
        return "any"

    def _resolved(self, written: Mapping[str, Any]) -> Mapping[str, Any]:
        """A part of the document, where a reference stands what it leads to."""
        for _ in range(8):  # a reference may lead to another; none of ours leads back
            reference = written.get("$ref", "")
            if not reference.startswith(_COMPONENTS):
                break
            kind, _, name = reference.removeprefix(_COMPONENTS).partition("/")
            written = self._document["components"][kind][name]
        return written
