"""
The stored entities that access requests name: by type and id, with the properties of each.

Properties have the same names as in a request. One entity may have several ids; facts state the first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class StoredEntity:
    """
    A stored entity: its first id, its properties as JSON values, and the version that states them, if the store counts versions.

    `alike` are the names of the store for which the id may be taken that was asked for; nothing if that id is its own (semantics 1.9).
    """

    id: str
    properties: Mapping[str, Any]
    version: int | None = None
    alike: tuple[str, ...] = ()


class EntityNotValid(Exception):
    """
    A stored entity is not valid on the day: it is withdrawn, not valid yet, or no longer valid. `str()` names the entity.

    It differs from an unknown entity: to go on without it would lose its prohibitions, such as conditions that came with the data.
    """


class Entities(Protocol):
    """A store of entities and their properties on a day. Any thread may call it."""

    def find(self, kind: str, id: str, day: date) -> StoredEntity | None:
        """The entity of this kind with this id, or with one that looks like it; None where it is unknown. Raises Gone."""

    def list(self, kind: str, after: str, limit: int, day: date) -> Sequence[StoredEntity]:
        """At most `limit` entities of a kind, each once, in the order of their first ids, beginning after the id `after`."""


class KnownEntities:
    """The store as one request sees it. Each entity is looked up once, so that all parts of the request see the same."""

    def __init__(self, entities: Entities) -> None:
        self._entities = entities
        self._found: dict[tuple[str, str, date], StoredEntity | None] = {}

    def find(self, kind: str, id: str, day: date) -> StoredEntity | None:
        """The entity of this kind with this id, or with one that looks like it."""
        key = kind, id, day
        if key not in self._found:
            self._found[key] = self._entities.find(kind, id, day)
        return self._found[key]

    def list(self, kind: str, after: str, limit: int, day: date) -> Sequence[StoredEntity]:
        """The stored entities of a kind."""
        found = self._entities.list(kind, after, limit, day)
        self._found.update({(kind, each.id, day): each for each in found})
        return found
