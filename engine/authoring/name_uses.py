"""
Where names are defined and used: the files of authors go in, each place of a name comes out.

A name is what authors call something: a fact, a definition, a rule. The schemas say which kind of name a word is where it stands; a file
says which policy it is of, so a rule or a definition may be named there without its policy. Files that cannot be read have no names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from engine.authoring.schema_places import Schema, SchemaWalk, WrittenWord, word_at, words_of
from engine.bundle import KINDS, Bundle, TreeReader
from engine.policy_language import tree
from engine.policy_language.diagnostic import Findings, Span
from engine.policy_language.vocabulary import DOCUMENT_GROUPS

# What the sections of a vocabulary name. A set of values names its values too.
SECTIONS = {
    "facts": "fact",
    "evidence": "evidence",
    "claims": "claims",
    "requirements": "requirement",
    "registers": "register",
    "jurisdictions": "jurisdiction",
    "subjects": "subject",
    "lanes": "lane",
    "phrases": "phrase",
}
OF_POLICY = ("definition", "rule", "group")  # these are POLICY/NAME, and NAME within their policy
VALUE = "value of "
_KIND = re.compile(rf"^({'|'.join(KINDS)}):(?:\s|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Name:
    """
    What is named: `kind` is one of those of `SECTIONS`, of `OF_POLICY`, `policy` or `value of SET`; `id` is whole.

    A definition that the policies of a jurisdiction share is JURISDICTION/NAME.
    """

    kind: str
    id: str

    @property
    def last(self) -> str:
        """The name as its own policy writes it."""
        return self.id.rpartition("/")[2] if self.kind in OF_POLICY else self.id


@dataclass(frozen=True, slots=True)
class NameUse:
    """A place at which a name stands, without the rest of its word. `path` leads to it; `defines`: it is the place of its definition."""

    name: Name
    at: Span
    path: tuple[str | int, ...]
    defines: bool


class NamePlaces:
    """The names in some files, as `schemas` of `editor_schemas` know them."""

    def __init__(self, bundle: Bundle, schemas: Mapping[str, Schema], sources: Mapping[str, bytes], read: TreeReader) -> None:
        self.words = bundle.vocabulary
        self.policies = {rule.provision.policy: rule.provision.jurisdiction for rule in bundle.rules.rules}
        self.forms = bundle.forms
        self.walks = {kind: SchemaWalk(schemas[kind]) for kind in KINDS}
        self.sources = sources
        self.read = read

    def at(self, file: str, line: int, column: int) -> NameUse | None:
        """The name at a place, counted from 1."""
        root = self._tree(file)
        word = word_at(root, line, column) if root is not None else None
        return self._use(file, root, word) if root is not None and word is not None else None

    def told(self, file: str, line: int, column: int) -> tuple[str, Span] | None:
        """What the schema says of the key or value at a place."""
        root = self._tree(file)
        word = word_at(root, line, column) if root is not None else None
        kind = kind_of(root)
        if root is None or word is None or not kind:
            return None
        said = self.walks[kind].told(root, word)
        return (said, word.at) if said else None

    def uses(self, *names: Name) -> Iterator[NameUse]:
        """Every place of some names in the files, where they are defined among them."""
        wanted = set(names)
        for file, data in self.sources.items():
            near = [name for name in names if name.last.encode() in data]
            root = self._tree(file) if near else None
            if root is None:
                continue
            policy = policy_of(root)
            homes = (policy, *self.forms.shared)
            within = [each for each in near if each.kind in OF_POLICY and each.id.rpartition("/")[0] in homes]
            near = within + [each for each in near if each.id.encode() in data]
            last = {each.last for each in near if each.kind in OF_POLICY}
            parts = [each.id for each in near if each.kind not in OF_POLICY]
            for word in words_of(root) if near else ():
                text = word.scalar.text
                if text.rpartition("/")[2] in last or any(each in text for each in parts):
                    use = self._use(file, root, word)
                    if use is not None and use.name in wanted:
                        yield use

    def definitions(self, file: str) -> Iterator[NameUse]:
        """The places at which a file defines names, in its order."""
        root = self._tree(file)
        for word in words_of(root) if root is not None else ():
            found = _defined(root, word) if root is not None else None
            if found is not None:
                yield NameUse(found, word.at, word.path, True)

    def defined(self, name: Name) -> Span | None:
        """Where a name is defined."""
        for file, data in self.sources.items():
            if name.last.encode() in data and kind_of(self._tree(file)) != "test":
                found = next((use.at for use in self.definitions(file) if use.name == name), None)
                if found is not None:
                    return found
        return None

    def _tree(self, file: str) -> tree.Node | None:
        return self.read(file, self.sources[file], Findings()) if file in self.sources else None

    def _use(self, file: str, root: tree.Node, word: WrittenWord) -> NameUse | None:
        defined = _defined(root, word)
        if defined is not None:
            return NameUse(defined, word.at, word.path, True)
        kind = kind_of(root)
        if not kind:
            return None
        for each in sorted(self.walks[kind].names_of(root, word)):
            found = self._named(each, word.scalar.text, root)
            if found is not None:
                name, start, length = found
                at = word.at
                column = at.column + start + word.scalar.quoted
                return NameUse(name, Span(at.file, at.line, column, length), word.path, False)
        return None

    def _named(self, kind: str, text: str, root: tree.Node) -> tuple[Name, int, int] | None:
        """The name that a word of this kind is, and which part of the word it is."""
        group, _, rest = text.partition(".")
        if kind == "fact" and group in DOCUMENT_GROUPS and rest:
            known = self.words.kinds[group]
            named = next((each for each in (rest, rest.rpartition(".")[0]) if each in known), "")
            return (Name(group, named), len(group) + 1, len(named)) if named else None
        if kind == "fact":
            return (Name(kind, text), 0, len(text)) if self.words.type_of(text) else None
        if kind == "requirement" and text not in self.words.requirements:
            return None
        listed: dict[str, Collection[str]] = {"policy": self.policies, "phrase": self.words.phrases, "lane": self.words.lanes}
        if text not in listed.get(kind, (text,)):
            return None
        if kind in OF_POLICY:
            owner, slash, last = text.rpartition("/")
            home = self._home(kind, owner if slash else policy_of(root), last, root)
            return (Name(kind, f"{home}/{last}"), len(owner) + len(slash), len(last)) if home else None
        return Name(kind, text), 0, len(text)

    def _home(self, kind: str, owner: str, last: str, root: tree.Node) -> str:
        """Where a name of a policy is defined: there, or in its jurisdiction; empty where it is no name of this kind."""
        own = owner == policy_of(root) and kind_of(root) == "policy"
        if kind == "group":
            return owner if f"{owner}/{last}" in self.forms.groups or (own and _has(root, "groups", last)) else ""
        named = root.get("jurisdiction") if own and isinstance(root, tree.Mapping) else None
        jurisdiction = named.text if isinstance(named, tree.Scalar) else self.policies.get(owner, "")
        shared = kind == "definition" and last in self.forms.shared.get(jurisdiction, ())
        return jurisdiction if shared else owner


def _has(root: tree.Node, section: str, name: str) -> bool:
    """Whether a section of a file has an entry."""
    found = root.get(section) if isinstance(root, tree.Mapping) else None
    return isinstance(found, tree.Mapping) and found.get(name) is not None


def names_defined(root: tree.Node) -> Iterator[Name]:
    """The names that a file defines, in its order."""
    for word in words_of(root):
        found = _defined(root, word)
        if found is not None:
            yield found


def kind_of(root: tree.Node | None) -> str:
    """The kind of a document, such as `policy`; empty where it is none yet."""
    return next((kind for kind in KINDS if isinstance(root, tree.Mapping) and root.get(kind) is not None), "")


def kind_of_text(text: str) -> str:
    """The kind of a document that may not be readable yet: that of its first key of a kind."""
    found = _KIND.search(text)
    return found.group(1) if found else ""


def policy_of(root: tree.Node) -> str:
    """The policy that a file is or tests; empty for any other file."""
    named = root.get("policy") or root.get("test") if isinstance(root, tree.Mapping) else None
    return named.text if isinstance(named, tree.Scalar) else ""


def _defined(root: tree.Node, word: WrittenWord) -> Name | None:
    """The name that a word defines where it stands."""
    text = word.scalar.text
    match kind_of(root), word.path, word.is_key:
        case "policy", ("policy",), False:
            return Name("policy", text)
        case "policy", ("define", _), True:
            return Name("definition", f"{policy_of(root)}/{text}")
        case "policy", ("rules", int(), "id") | ("rules", int(), "cells", int(), "id"), False:
            return Name("rule", f"{policy_of(root)}/{text}")
        case "policy", ("groups", _), True:
            return Name("group", f"{policy_of(root)}/{text}")
        case "vocabulary", ("jurisdictions", str(jurisdiction), "define", _), True:
            return Name("definition", f"{jurisdiction}/{text}")
        case "vocabulary", (str(section), _), True if section in SECTIONS:
            return Name(SECTIONS[section], text)
        case "vocabulary", ("values", str(values), "values", _), True:
            return Name(f"{VALUE}{values}", text)
        case "vocabulary", ("values", str(values), "values", int()), False:
            return Name(f"{VALUE}{values}", text)
        case "vocabulary", ("more_values", str(values), _), True:
            return Name(f"{VALUE}{values}", text)
    return None
