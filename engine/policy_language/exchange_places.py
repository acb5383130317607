"""
The places of an exchange: where its document holds values, and which places a name leads to.

A place is a fact, a member of a family or its `rest`, a kind of evidence or claim, `as_of`, `relies_on` or `carried`. The name of a
family or of a group leads to all places under it. This module is for code that makes exchanges from other documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, TypeAlias

from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary
from engine.rules import AS_OF
from engine.values.document_facts import put_at
from engine.values.id_spellings import Spellings

Path: TypeAlias = tuple[str, ...]
Tree: TypeAlias = Mapping[str, Any]  # a key's value is another tree, or None where the document holds a value


class NotAnObject(ValueError):
    """A single value was given for a name that leads to several places. `path` is the path of that value."""

    def __init__(self, path: Path) -> None:
        super().__init__("must be an object")
        self.path = path


class Places:
    """The places of the exchanges of one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._facts = tuple(vocabulary.facts)
        self._said = vocabulary.said
        self._tree: dict[str, Any] = {AS_OF: None, "relies_on": None, "carried": None}
        families = vocabulary.families
        for name in (*vocabulary.facts, *(f"{family}.rest" for family in families)):
            put_at(self._tree, name.split("."), None)
        for group in DOCUMENT_GROUPS:
            self._tree[group] = dict.fromkeys(vocabulary.kinds[group])
        self._families = {tuple(family.split(".")) for family in families}

    def names(self) -> Iterator[str]:
        """Every name that leads to a place, for suggestions."""

        def under(tree: Tree, before: str) -> Iterator[str]:
            for key, inner in tree.items():
                yield before + key
                if inner is not None:
                    yield from under(inner, f"{before}{key}.")

        return under(self._tree, "")

    def nearest(self, name: str) -> tuple[str, ...]:
        """At most three facts that a name without its group may mean, in any spelling (semantics 1.6)."""
        return self._spellings.nearest(name)

    @cached_property
    def _spellings(self) -> Spellings[str]:
        return Spellings({fact: (fact.rpartition(".")[2], *self._said.get(fact, ())) for fact in self._facts})

    def path(self, name: str) -> Path | None:
        """The steps of a name; None where it leads nowhere. The name of a kind of document may hold dots."""
        group, _, kind = name.partition(".")
        path = (group, kind) if group in DOCUMENT_GROUPS and kind else tuple(name.split("."))
        here: Tree | None = self._tree
        for step in path:
            if here is None or step not in here:
                return None
            here = here[step]
        return path

    def one(self, path: Path) -> bool:
        """Whether a path leads to one place."""
        return self._below(path) is None

    def put(self, path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
        """
        Put a value at a path, place by place. Keys that lead to no place are skipped, except inside a family: an unknown member is kept,
        and the exchange is then refused because of it.

        Raises NotAnObject if a single value is given for several places.
        """
        yield from self._put(self._below(path), path, value)

    def whole(self, path: Path) -> Path:
        """The path that is stated as a whole: the family of a member, otherwise the place itself."""
        return path[:-1] if path[:-1] in self._families else path

    def _below(self, path: Path) -> Tree | None:
        here: Any = self._tree
        for step in path:
            here = here[step]
        below: Tree | None = here
        return below

    def _put(self, tree: Tree | None, path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
        if tree is None:
            yield path, value
            return
        if not isinstance(value, dict):
            raise NotAnObject(path)
        for key, inner in value.items():
            # INVARIANT (a count is zero only if the sender says so): `rest: 0` closes a family, so no member may be lost.
            if key in tree or path in self._families:
                yield from self._put(tree.get(key), (*path, key), inner)
