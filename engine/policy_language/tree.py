"""
YAML text in, located tree out: every key and value keeps its file, line and column. Comments are listed separately.

Only this module reads YAML that others wrote. Scalars stay text: the vocabulary gives them types, so `NO` is Norway. The traps of YAML
are refused here, each at its place: tags, anchors and aliases, duplicate keys, several documents, and files that are not UTF-8, too large
or too deep.

INVARIANT (what is read is what is seen): YAML ends a line, and a comment with it, at characters at which most editors and reviews of
changes show no line end; and some characters turn the letters around them round. A text with one of them is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from engine.policy_language.diagnostic import Diagnostic, Findings, Span
from engine.policy_language.text_mistakes import text_mistake

MAX_BYTES = 1 << 20
MAX_DEPTH = 24
MAX_NODES = 200_000
_CORE_TAGS = ("!", None)
_COMMAS = re.compile(r"\d{1,3}(?:,\d{3})+", re.ASCII)
_CUT, _THREE = re.compile(r"\d{1,3}(?:_\d{3})*", re.ASCII), re.compile(r"\d{3}", re.ASCII)
_COMMENT_OR_BREAK = re.compile(r"(#[^\r\n\x85\u2028\u2029]*)|\r\n|[\r\n\x85\u2028\u2029]")

# Line ends that few programs show, and marks that turn letters round. A `\r` alone is neither a line end of Unix nor one of Windows.
_HIDDEN = re.compile("\r(?!\n)|[\x85\u2028\u2029\u202a-\u202e\u2066-\u2069]")

# The C parser is iterative, so depth cannot overflow it. It exists only if PyYAML was built with libyaml.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text with its place. `quoted` distinguishes `"no"` from `no`."""

    text: str
    span: Span
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Mapping:
    entries: tuple[tuple[Scalar, Node], ...]
    span: Span

    def get(self, key: str) -> Node | None:
        """The value under `key`, or None."""
        return next((value for name, value in self.entries if name.text == key), None)

    def key(self, key: str) -> Scalar | None:
        """The key itself with its place, or None."""
        return next((name for name, _ in self.entries if name.text == key), None)


Node: TypeAlias = Scalar | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, from its `#` to the end of its line; `brackets` counts the flow collections open around it."""

    text: str
    span: Span
    brackets: int


class _Refused(Exception):
    """The file cannot be read further; the finding is already recorded."""


def read(file: str, data: bytes, findings: Findings) -> Node | None:
    """
    Read one YAML document.

    `file` is the name that findings carry. Returns None if the file is empty or cannot be read. If it cannot be read, or a part of it is
    refused, `findings` says why.
    """
    start = Span(file, 1, 1)
    if len(data) > MAX_BYTES:
        findings.error(start, "file-too-large", f"the file has {len(data):,} bytes, more than {MAX_BYTES:,}", help="split it")
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        findings.error(Span(file, line, 1), "not-utf-8", "the file is not UTF-8 text", help="save it as UTF-8")
        return None
    if hidden := _HIDDEN.search(text):
        bol = text.rfind("\n", 0, hidden.start()) + 1
        at = Span(file, text.count("\n", 0, hidden.start()) + 1, hidden.start() - bol + 1)
        what = f"the character U+{ord(hidden[0]):04X} here"
        said = "turns letters round" if hidden[0] > "\u2029" else "ends the line, where many programs show no end"
        findings.error(at, "hidden-character", f"{what} {said}", help="delete it; write what follows in a line of its own")
        return None
    try:
        return _Reader(file, text, findings).document()
    except yaml.YAMLError as error:
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        marks = (getattr(error, name, None) for name in ("problem_mark", "context_mark"))
        stopped, began = ((mark.line, mark.column) if mark else None for mark in marks)
        cause = text_mistake(text, problem, stopped, began)
        at = Span(file, cause.line, cause.column, cause.length)
        findings.error(at, "not-yaml", cause.message, help=cause.help)
    except _Refused:
        pass
    return None


class TreeCache:
    """`read` for files that are read again and again: the tree of a file whose bytes are the same is not made anew."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[bytes, Node | None, tuple[Diagnostic, ...]]] = {}

    def read(self, file: str, data: bytes, findings: Findings) -> Node | None:
        """As the function of this name."""
        known = self._known.get(file)
        if known is None or known[0] != data:
            own = Findings()
            known = self._known[file] = (data, read(file, data, own), own.all)
        findings.add(known[2])
        return known[1]


class _Reader:
    def __init__(self, file: str, text: str, findings: Findings) -> None:
        self.file = file
        self.findings = findings
        self.next: Callable[[], Any] = _LOADER(text).get_event  # None after the last one
        self.nodes = 0

    def span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        line, column = start.line, start.column
        length = end.column - column if end.line == line else 1
        return Span(self.file, line + 1, column + 1, length if length > 1 else 1)

    def refuse(self, event: Any, code: str, message: str, help: str) -> None:
        self.findings.error(self.span(event), code, message, help=help)
        raise _Refused

    def document(self) -> Node | None:
        root: Node | None = None
        while (event := self.next()) is not None:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self.refuse(
                        event, "several-documents", "the file holds a second document", "write one document in each file"
                    )
                root = self.node(self.next(), 0)
        return root

    def node(self, event: Any, depth: int) -> Node:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            self.refuse(
                event,
                "too-deep",
                f"the file is nested deeper than {MAX_DEPTH} levels or holds more than {MAX_NODES:,} values",
                "nest less, or split the file",
            )
        if event.anchor is not None:  # an alias has one too
            self.refuse(event, "alias", "anchors (`&`) and aliases (`*`) are not allowed", "write the text in full")
        if event.tag is not None and event.tag not in _CORE_TAGS:
            self.refuse(
                event,
                "tag",
                f"tags (`{event.tag}`) are not allowed",
                "remove the tag; the vocabulary gives the value its type",
            )
        if event.__class__ is yaml.ScalarEvent:
            text, style = event.value, event.style
            if "," in text and not style and _COMMAS.fullmatch(text):
                help = f"write `{text.replace(',', '_')}`, or with a word, such as `100 thousand`"
                said = f"`{text}` has a comma, which ends a number where it stands in braces"
                self.findings.warn(self.span(event), "comma-in-number", said, help=help)
            return Scalar(text, self.span(event), style in ("'", '"'))
        if event.__class__ is yaml.SequenceStartEvent:
            items = []
            while (inner := self.next()).__class__ is not yaml.SequenceEndEvent:
                items.append(self.node(inner, depth + 1))
            return Sequence(tuple(items), self.span(event))
        return self.mapping(event, depth)

    def mapping(self, event: Any, depth: int) -> Mapping:
        entries: dict[str, tuple[Scalar, Node]] = {}
        last = ""
        while (inner := self.next()).__class__ is not yaml.MappingEndEvent:
            key = self.node(inner, depth + 1)
            value = self.node(self.next(), depth + 1)
            if not isinstance(key, Scalar):
                self.findings.error(key.span, "bad-key", "a key must be a plain word", help="write `key: value`")
            elif event.flow_style and _is_cut(entries.get(last), key, value):
                before = entries[last][1]
                assert isinstance(before, Scalar)
                entries[last] = (entries[last][0], Scalar(f"{before.text}_{key.text}", before.span))
                said = f"the comma ends the number here: `{before.text},{key.text}` in braces is two values"
                self.findings.error(before.span, "comma-in-number", said, help=f"write `{before.text}_{key.text}`")
            elif key.text in entries:
                first = entries[key.text][0].span.line
                self.findings.error(
                    key.span,
                    "duplicate-key",
                    f"`{key.text}` appears twice here",
                    f"first on line {first}",
                    "keep one of the two",
                )
            else:
                entries[key.text] = (key, value)
                last = key.text
        return Mapping(tuple(entries.values()), self.span(event))


def _is_cut(before: tuple[Scalar, Node] | None, key: Scalar, value: Node) -> bool:
    """Whether a key in braces is what a comma cut off the number before it."""
    if before is None or not isinstance(before[1], Scalar) or before[1].quoted or key.quoted:
        return False
    empty = isinstance(value, Scalar) and not value.text and not value.quoted
    return empty and _THREE.fullmatch(key.text) is not None and _CUT.fullmatch(before[1].text) is not None


def comments(file: str, data: bytes) -> tuple[Comment, ...]:
    """The comments of a document that `read` has accepted, in file order."""
    text = data.decode("utf-8")
    found: list[Comment] = []
    brackets = 0
    here: Any = yaml.Mark(file, 0, 0, 0, None, 0)
    for token in yaml.scan(text, Loader=_LOADER):
        # Between two tokens there are only white space and comments. Only the first line of a block scalar has a comment inside a token.
        _comments_in(file, text, here, token.start_mark.index, brackets, found)
        here = token.end_mark
        if isinstance(token, yaml.ScalarToken) and token.style in ("|", ">"):
            head = text.find("\n", token.start_mark.index)
            _comments_in(file, text, token.start_mark, head if head >= 0 else len(text), brackets, found)
        brackets += isinstance(token, yaml.FlowSequenceStartToken | yaml.FlowMappingStartToken)
        brackets -= isinstance(token, yaml.FlowSequenceEndToken | yaml.FlowMappingEndToken)
    return tuple(found)


def _comments_in(file: str, text: str, start: Any, end: int, brackets: int, found: list[Comment]) -> None:
    """The comments between a mark and an index into the text."""
    line, bol = start.line, start.index - start.column
    for match in _COMMENT_OR_BREAK.finditer(text, start.index, end):
        if match.group(1) is None:
            line, bol = line + 1, match.end()
        else:
            span = Span(file, line + 1, match.start() - bol + 1, len(match.group()))
            found.append(Comment(match.group().rstrip(), span, brackets))


def plain(node: Node | None) -> Any:
    """The tree as dicts, lists and strings, for the models. Positions are found again by `locate`."""
    match node:
        case Scalar(text=text):
            return text
        case Sequence(items=items):
            return [plain(item) for item in items]
        case Mapping(entries=entries):
            return {key.text: plain(value) for key, value in entries}
    return None


def repeated(items: Iterable[Node]) -> Iterator[Span]:
    """Where what stands in a list stands in it before."""
    seen = []
    for item in items:
        if plain(item) in seen:
            yield item.span
        seen.append(plain(item))


def key_named(node: Node, name: str) -> Scalar | None:
    """The first key of this name in a tree."""
    match node:
        case Mapping(entries=entries):
            return next((key for key, _ in entries if key.text == name), None) or next(
                (found for _, value in entries if (found := key_named(value, name))), None
            )
        case Sequence(items=items):
            return next((found for item in items if (found := key_named(item, name))), None)
    return None


def locate(node: Node, path: tuple[str | int, ...]) -> tuple[Node, Span]:
    """
    The deepest existing node along `path`, and the span to point at: the key's span if the last step is a key.
    """
    span = node.span
    for step in path:
        if isinstance(node, Mapping) and (value := node.get(str(step))) is not None:
            key = node.key(str(step))
            node, span = value, key.span if key else span
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            span = node.span
        # A step that is not a key (the name of a union's member in a model's error path) is skipped.
    return node, span
