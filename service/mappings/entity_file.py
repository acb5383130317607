"""
Entities of a file, as the register would have them: to try a mapping at a desk, without a service and its database.

The file is one that the register imports. An id finds an entity as it does there: by its id, by an alias, or as one that looks like it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import engine
from service.mappings.entity_store import EntityNotValid, StoredEntity
from service.mappings.registered_entities import stored_entity
from service.register.entity import EntityToWrite


class FileEntities:
    """The entities of some files."""

    def __init__(self, entries: Sequence[EntityToWrite] = ()) -> None:
        self._entries = entries
        self._named = {(each.kind, engine.id_form(name)): each for each in entries for name in (each.id, *each.content.aliases)}

    def find(self, kind: str, id: str, day: date) -> StoredEntity | None:
        """The entity of this kind with this id, or with one that looks like it. Raises EntityNotValid."""
        found = self._named.get((kind, engine.id_form(id)))
        alike: tuple[str, ...] = ()
        if found is None:
            folded = engine.folded_id(id)
            alike = tuple(name for of, name in self._named if of == kind and engine.folded_id(name) == folded)
            looks = {each.id: each for each in (self._named[kind, name] for name in alike)}
            if len(looks) > 1:
                raise EntityNotValid(f"the {kind} `{id}` may be any of {', '.join(looks)}")
            found = next(iter(looks.values()), None)
        if found is None:
            return None
        content, on = found.content, day.isoformat()
        if (content.valid_from or on) > on or (content.valid_until or on) < on:
            raise EntityNotValid(f"the {kind} `{id}` is not valid on {on}")
        return replace(stored_entity(kind, found.id, content, 1), alike=alike)

    def list(self, kind: str, after: str, limit: int, day: date) -> Sequence[StoredEntity]:
        """At most `limit` entities of a kind, in the order of their ids, beginning after the id `after`."""
        ids = sorted(each.id for each in self._entries if each.kind == kind and each.id > after)
        found = [self.find(kind, id, day) for id in ids[:limit]]
        return [each for each in found if each is not None]
