"""
What may stand at a place of a document: a file as it is being written goes in, with a line and a column; words and keys come out.

The schemas of `schemas` know what may stand where, and the tree knows the path to a place. Here they meet. To propose something, a word is
put at the cursor, first as a key and then as a value, and the file is read with it, or else its part up to the cursor.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from engine.policy_language import tree
from engine.policy_language.diagnostic import Findings, Span

Schema: TypeAlias = Mapping[str, Any]
TreePath: TypeAlias = tuple[str | int, ...]
Shape: TypeAlias = Literal["object", "array", "scalar"]

CURSOR = "zzcursorzz"  # no word of an author
_WORD = re.compile(r"[\w./#-]*")
_WORD_BEFORE = re.compile(r"[\w./#-]*$")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|#.*")
_CLOSING = {"{": "}", "[": "]"}


@dataclass(frozen=True, slots=True)
class WrittenWord:
    """A key or a value in a tree, with the path to it: of a key, to what stands under it."""

    path: TreePath
    scalar: tree.Scalar
    is_key: bool

    @property
    def at(self) -> Span:
        return self.scalar.span


@dataclass(frozen=True, slots=True)
class Proposal:
    """A word or key that may stand at a place: `names` are the kinds of name that it may be, `title` and `told` what it means."""

    word: str
    is_key: bool
    title: str = ""
    told: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenPlace:
    """
    Where a word may stand: `line`, `start` and `end` are what it takes the place of, from 1; `proposals` the words that fit.

    `names` are the kinds of name that fit beside them, such as a definition of the file itself. `root` is the tree with the cursor in it.
    """

    line: int
    start: int
    end: int
    path: TreePath
    proposals: tuple[Proposal, ...]
    names: frozenset[str]
    root: tree.Node


class SchemaWalk:
    """One schema, followed along the paths of trees."""

    def __init__(self, schema: Schema) -> None:
        self.root = schema
        self.defs: Mapping[str, Schema] = schema.get("$defs", {})
        self._known: dict[tuple[TreePath, Shape | None], list[Schema]] = {}

    def along(self, root: tree.Node, path: TreePath) -> list[Schema]:
        """The schemas, without references and choices, of what stands at a path."""
        # A step says which shape it is a step of. So the path and the shape at its end decide, whatever else the file holds.
        key = tuple(step if isinstance(step, str) else 0 for step in path), _shape(tree.locate(root, path)[0])
        if key not in self._known:
            self._known[key] = self._flat([self.root], root, path)
        return self._known[key]

    def names_of(self, root: tree.Node, word: WrittenWord) -> frozenset[str]:
        """The kinds of name that a word may be where it stands."""
        if word.is_key:
            above = self.along(root, word.path[:-1])
            return frozenset(kind for each in above for kind in each.get("x-keys", ()))
        here = self.along(root, word.path)
        listed = [each for each in here if word.scalar.text in map(str, each.get("enum", ()))]
        return frozenset(kind for each in listed or here for kind in each.get("x-names", ()))

    def told(self, root: tree.Node, word: WrittenWord) -> str:
        """What the schema says of a key, or of a value that it lists."""
        if word.is_key:
            above = self.along(root, word.path[:-1])
            inner = [each["properties"][word.scalar.text] for each in above if word.scalar.text in each.get("properties", {})]
            said = [text for each in inner for text in (each.get("title", ""), each.get("description", "")) if text]
            return "\n\n".join(dict.fromkeys(said))
        titles = [_titles(each).get(word.scalar.text, "") for each in self.along(root, word.path)]
        return next((each for each in titles if each), "")

    def keys(self, root: tree.Node, path: TreePath, present: Collection[str] = ()) -> Iterator[Proposal]:
        """The keys that may still stand in the mapping at a path."""
        for each in self._flat([self.root], root, path, open_=True):
            named = tuple(each.get("x-keys", ()))
            for key, inner in each.get("properties", {}).items():
                if key not in present:
                    yield Proposal(key, True, inner.get("title", ""), inner.get("description", ""), named)

    def words(self, root: tree.Node, path: TreePath) -> Iterator[Proposal]:
        """The values that may stand at a path."""
        for each in self._flat([self.root], root, path, open_=True):
            titles = _titles(each)
            words = [each["const"]] if "const" in each else each.get("enum", ())
            for word in dict.fromkeys(word for word in words if isinstance(word, str)):
                yield Proposal(word, False, titles.get(word, ""), each.get("description", ""), tuple(each.get("x-names", ())))

    def names(self, root: tree.Node, path: TreePath) -> frozenset[str]:
        """The kinds of name that a value at a path may be."""
        return frozenset(kind for each in self._flat([self.root], root, path, open_=True) for kind in each.get("x-names", ()))

    def _flat(self, schemas: list[Schema], node: tree.Node | None, path: TreePath, open_: bool = False) -> list[Schema]:
        """`open_`: what stands at the end of the path is only being written, and may take any shape."""
        for step in path:
            below = [inner for each in self._chosen(schemas, _shape(node)) for inner in _under(each, step)]
            schemas, node = below, _child(node, step)
        return list(self._chosen(schemas, None if open_ else _shape(node)))

    def _chosen(self, schemas: list[Schema], shape: Shape | None) -> Iterator[Schema]:
        for schema in schemas:
            yield from self._choices(schema, shape)

    def _choices(self, schema: Schema, shape: Shape | None) -> Iterator[Schema]:
        if "$ref" in schema:
            target = self.defs[schema["$ref"].rpartition("/")[2]]
            yield from self._choices({**target, **{key: inner for key, inner in schema.items() if key != "$ref"}}, shape)
            return
        rest = {key: inner for key, inner in schema.items() if key not in ("if", "then", "else", "anyOf")}
        inherited: Schema = {key: rest[key] for key in ("title", "description", "x-names", "x-keys") if key in rest}
        if rest.keys() - inherited.keys():
            yield rest
        tested = schema.get("if", {}).get("type")
        sure = shape is not None and tested is not None
        branches = ["then" if shape == tested else "else"] if sure else ["then", "else"]
        inner = [schema[branch] for branch in branches if branch in schema]
        if not ("if" in schema and sure):
            inner += [each for each in schema.get("anyOf", ()) if each]
        for each in inner:
            yield from self._choices({**inherited, **each}, shape)


def words_of(root: tree.Node) -> Iterator[WrittenWord]:
    """Every key and every single value of a tree, in the order of the file."""
    todo: list[tuple[TreePath, tree.Node]] = [((), root)]
    while todo:
        path, node = todo.pop()
        match node:
            case tree.Scalar():
                yield WrittenWord(path, node, False)
            case tree.Sequence(items=items):
                todo += [((*path, number), item) for number, item in reversed(list(enumerate(items)))]
            case tree.Mapping(entries=entries):
                yield from (WrittenWord((*path, key.text), key, True) for key, _ in entries)
                todo += [((*path, key.text), value) for key, value in reversed(entries)]


def word_at(root: tree.Node, line: int, column: int) -> WrittenWord | None:
    """The word in which a place lies, counted from 1; also right behind its last letter."""
    here = [each for each in words_of(root) if each.at.line == line]
    return next((each for each in here if each.at.column <= column <= each.at.column + each.at.length), None)


def open_place(schema: Schema, text: str, line: int, column: int) -> OpenPlace | None:
    """What may stand where the cursor is, from 1; None where nothing is proposed."""
    lines = text.splitlines()
    lines += [""] * (line - len(lines))
    whole = lines[line - 1]
    before = _WORD_BEFORE.search(whole[: column - 1])
    after = _WORD.match(whole, column - 1)
    assert before is not None and after is not None
    start, end = before.start() + 1, after.end() + 1
    walk = SchemaWalk(schema)
    proposals: dict[tuple[str, bool], Proposal] = {}
    names: set[str] = set()
    found: tuple[TreePath, tree.Node] | None = None
    for root in _readings(lines, line, whole[: start - 1], whole[end - 1 :]):
        at = next((each for each in words_of(root) if each.scalar.text == CURSOR), None)
        if at is None:
            continue
        if at.is_key:
            mapping = tree.locate(root, at.path[:-1])[0]
            present = {key.text for key, _ in mapping.entries} if isinstance(mapping, tree.Mapping) else set()
            fits = list(walk.keys(root, at.path[:-1], present))
        else:
            fits = list(walk.words(root, at.path))
            names |= walk.names(root, at.path)
        for each in fits:
            proposals.setdefault((each.word, each.is_key), each)
        found = found or (at.path, root)
    return OpenPlace(line, start, end, found[0], tuple(proposals.values()), frozenset(names), found[1]) if found else None


def _readings(lines: list[str], line: int, before: str, after: str) -> Iterator[tree.Node]:
    """The file with the cursor as a key, and with the cursor as a value. What cannot be read whole is read up to the cursor."""
    is_key = re.match(r"\s*:(\s|$)", after) is not None
    closed = "".join(reversed([_CLOSING[each] for each in _open_brackets(before)]))
    for word in (CURSOR,) if is_key else (f"{CURSOR}: ", CURSOR):
        for rest in ([after, *lines[line:]], [closed]):
            text = "\n".join([*lines[: line - 1], before + word + rest[0], *rest[1:]])
            findings = Findings()
            root = tree.read("", text.encode(), findings)
            if root is not None:
                yield root
                break


def _open_brackets(before: str) -> list[str]:
    """The flow collections that are open at the end of a line's beginning."""
    found: list[str] = []
    for each in _QUOTED.sub("", before):
        if each in _CLOSING:
            found.append(each)
        elif each in _CLOSING.values() and found:
            found.pop()
    return found


def _under(schema: Schema, step: str | int) -> Iterator[Schema]:
    """What a schema without choices says of one step below it."""
    others = schema.get("additionalProperties")
    inner = schema.get("items") if isinstance(step, int) else schema.get("properties", {}).get(step, others)
    if isinstance(inner, Mapping):
        yield inner


def _child(node: tree.Node | None, step: str | int) -> tree.Node | None:
    if isinstance(node, tree.Mapping):
        return node.get(str(step))
    if isinstance(node, tree.Sequence) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return None


def _shape(node: tree.Node | None) -> Shape | None:
    match node:
        case tree.Mapping():
            return "object"
        case tree.Sequence():
            return "array"
        case tree.Scalar():
            return "scalar"
    return None


def _titles(schema: Schema) -> dict[str, str]:
    """The titles of the words that a schema lists."""
    words = [each for each in schema.get("enum", ()) if isinstance(each, str)]
    return (
        dict(zip(words, schema.get("enumDescriptions", ()), strict=False)) if len(words) == len(schema.get("enum", ())) else {}
    )
