"""
The register as the store of access requests: parties, data assets and other kinds, by their ids, on a day.

The properties of an entity are what the register states of it: facts by their names, documents under `evidence` and `claims`, and the
conditions that came with an asset under `carried`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from service.mappings.entity_store import EntityNotValid, StoredEntity
from service.register import entity_versions
from service.register.entity import ASSET, Content, Version
from service.register.stated_facts import DATA, carried
from service.store.database import Database


class EntityRegister:
    """The entities of the register."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, kind: str, id: str, day: date) -> StoredEntity | None:
        """
        The entity of this kind with this id, or with one that looks like it. An erased entity is unknown.

        Raises Gone, also where the id may be taken for several entities.
        """
        on = day.isoformat()
        alike: Sequence[str] = ()
        with self._database.reading.connect() as connection:
            version = entity_versions.speaking_or_later(connection, kind, id, on)
            if version is None or version.state == "erased":
                alike = entity_versions.looks_like(connection, kind, id)
                found = [entity_versions.speaking_or_later(connection, kind, each, on) for each in alike]
                versions = {each.id: each for each in found if each is not None}
                if not versions:
                    return None
                if len(versions) > 1:
                    raise EntityNotValid(f"the {kind} `{id}` is not valid on {on}")
                (version,) = versions.values()
        content = version.content
        if version.state != "held" or (content.valid_from or on) > on or (content.valid_until or on) < on:
            raise EntityNotValid(f"the {kind} `{id}` is not valid on {on}")
        return replace(_of(version), alike=tuple(alike))

    def list(self, kind: str, after: str, limit: int, day: date) -> Sequence[StoredEntity]:
        """Entities of a kind, in the order of their ids."""
        with self._database.reading.connect() as connection:
            return [
                _of(each) for each in entity_versions.list_entities(connection, kind, (kind, after), limit, day.isoformat())
            ]


def _of(version: Version) -> StoredEntity:
    return stored_entity(version.kind, version.id, version.content, version.version)


def stored_entity(kind: str, id: str, content: Content, version: int) -> StoredEntity:
    """An entity of the register as a request names it: the properties are what the register states of it."""
    # An asset's facts are in groups; its own group is `data`. A party's facts have no group.
    own = content.facts.get(DATA, {}) if kind == ASSET else {}
    properties = {**(own if isinstance(own, dict) else {}), **content.facts}
    documents = {"evidence": content.evidence, "claims": content.claims, "carried": carried(content)}
    stated = {**properties, **{name: said for name, said in documents.items() if said}}
    return StoredEntity(id, stated, version)
