"""
The entities that access requests speak of, as they are stored: by type and id, with what is known of each.

What is known are properties, named as a request would name them. One entity may answer to several ids; the first is the one that
facts state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class StoredEntity:
    """A stored entity: its first id, and its properties as JSON values."""

    id: str
    properties: Mapping[str, Any]


class Gone(Exception):
    """
    An entity is stored, and not to be spoken of on the day: withdrawn, not valid yet, or no longer. `str()` says which.

    It is not the same as one that nobody knows: with it goes what it forbids, conditions that came with the data for one.
    """


class Entities(Protocol):
    """Where entities are stored, with what is said of them on a day. Called from any thread."""

    def find(self, kind: str, id: str, day: date) -> StoredEntity | None:
        """The entity of this kind that answers to this id; None where nobody knows it. Raises Gone."""

    def list(self, kind: str, after: str, limit: int, day: date) -> Sequence[StoredEntity]:
        """At most so many entities of a kind whose first ids come after one, each once, in the order of these ids."""


class Nothing:
    """A store without entities."""

    def find(self, kind: str, id: str, day: date) -> StoredEntity | None:
        return None

    def list(self, kind: str, after: str, limit: int, day: date) -> Sequence[StoredEntity]:
        return ()


class Known:
    """What one request finds in the store: each entity is looked up once, so that all its parts see the same."""

    def __init__(self, entities: Entities) -> None:
        self._entities = entities
        self._found: dict[tuple[str, str, date], StoredEntity | None] = {}

    def find(self, kind: str, id: str, day: date) -> StoredEntity | None:
        """The entity of this kind that answers to this id."""
        key = kind, id, day
        if key not in self._found:
            self._found[key] = self._entities.find(kind, id, day)
        return self._found[key]

    def list(self, kind: str, after: str, limit: int, day: date) -> Sequence[StoredEntity]:
        """Entities of a kind, as they are stored."""
        found = self._entities.list(kind, after, limit, day)
        self._found.update({(kind, each.id, day): each for each in found})
        return found
