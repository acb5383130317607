"""
What a caller changes in the register: an entity that is sent, a name or a file of entities goes in, versions come out.

The rows and their rules are `service.register.entity_versions`.
"""

from collections.abc import Sequence
from typing import Self

import sqlalchemy as sa
from pydantic import BaseModel

import engine
from service.callers.context import Administering
from service.problems import RequestRefused
from service.register import entity_versions
from service.register.entity import MOST_BYTES, WRONG_ID, EntityRefused, EntityToWrite, Version, is_id, read_content
from service.register.entity_versions import Condition
from service.register.stated_facts import stating
from service.store.database import Database
from service.store.moments import moment_text
from service.store.writer import Writer


class Imported(BaseModel, frozen=True):
    """The result of an import: how many entities are new, changed or unchanged."""

    created: int
    changed: int
    unchanged: int

    @classmethod
    def of(cls, written: Sequence[tuple[Version, bool]]) -> Self:
        """The result of a write."""
        created = sum(1 for version, is_new in written if is_new and version.version == 1)
        changed = sum(1 for version, is_new in written if is_new and version.version > 1)
        return cls(created=created, changed=changed, unchanged=len(written) - created - changed)


def read(context: Administering, kind: str, id: str, raw: bytes) -> EntityToWrite:
    """The entity that a body states, if the loaded vocabulary knows what it states. Raises Wrong, and RequestRefused for the id."""
    if not is_id(id):
        raise RequestRefused("bad-request", f"an id {WRONG_ID}")
    try:
        content = read_content(engine.read_object(raw, MOST_BYTES, "register entry"))
    except engine.ExchangeRefused as refused:
        raise EntityRefused.of(refused) from None
    entity = EntityToWrite(kind, id, content)
    if places := stating(context.live).places(entity):
        raise EntityRefused(places)
    return entity


def write(
    context: Administering, entity: EntityToWrite, condition: Condition, database: Database, transaction: sa.Connection
) -> tuple[Version, bool]:
    """The version of an entity that a caller writes, and whether it is new. Raises Changed, Wrong."""
    at, by = moment_text(context.now), context.caller.id
    [(version, new)] = entity_versions.write(transaction, database, [entity], at, by, condition)
    return version, new


def withdraw(
    context: Administering, kind: str, name: str, condition: Condition, database: Database, transaction: sa.Connection
) -> Sequence[Version]:
    """Withdraw an entity: its new version states nothing. Gives all its versions, newest first. Raises NotHeld, Changed."""
    at, by = moment_text(context.now), context.caller.id
    entity_versions.withdraw(transaction, database, kind, name, at, by, condition)
    return entity_versions.history(transaction, kind, name)


def erase(
    context: Administering, kind: str, name: str, condition: Condition, writer: Writer, transaction: sa.Connection
) -> Sequence[Version]:
    """Erase all that is stated of an entity, and its names. Gives all its versions, newest first. Raises NotHeld, Changed."""
    writer.erased()
    return entity_versions.erase(transaction, kind, name, context.caller.id, condition)


def import_entities(
    context: Administering, entities: Sequence[EntityToWrite], database: Database, transaction: sa.Connection
) -> Imported:
    """Write the entities of a file, all or none. Raises Wrong."""
    at, by = moment_text(context.now), context.caller.id
    return Imported.of(entity_versions.write(transaction, database, entities, at, by))
