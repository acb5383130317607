"""
Assets that may be the same: an asset goes in, the others that have its hash, or its holder and a like title, come out.

It tells and refuses nothing: a set may be listed twice for a reason. A holder that is not stated may be the same one. Titles are alike when
they differ little after they were folded like ids, without spaces and signs (`difflib`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

import sqlalchemy as sa

import engine
from service.callers.context import Administering, ReadingAll
from service.register import entity_versions
from service.register.entity import ASSET, Content, EntityToWrite, Version
from service.register.entity_versions import NotHeld, version_of_row
from service.store.tables import entity

MOST = 50  # assets that are told
MOST_TITLES = 20_000  # of about the same length, among which a like one is looked for
LEAST = 0.85  # of `difflib`, from 0 to 1: one letter of seven


@dataclass(frozen=True, slots=True)
class AlikeAsset:
    """An asset that may be the same, and by what."""

    version: Version
    by: Literal["hash", "title"]

    def document(self) -> dict[str, Any]:
        """The asset as it is answered."""
        return {**self.version.document(), "alike": self.by}


def alike_to(context: ReadingAll, name: str, connection: sa.Connection) -> list[AlikeAsset]:
    """The assets that may be the one that answers to a name: first those with its hash, then the nearest titles. Raises NotHeld."""
    version = entity_versions.newest(connection, ASSET, name)
    if version is None:
        raise NotHeld
    return list(_found(connection, version.id, version.content))


def notice(context: Administering, sent: EntityToWrite, connection: sa.Connection) -> str | None:
    """A sentence where assets of the register may be the one that is written; None where none may, or for who does not read it."""
    if sent.kind != ASSET or not context.caller.reads:
        return None
    id = engine.id_form(sent.id)
    found = [each.by for each in _found(connection, id, sent.content)]
    if not found:
        return None
    told = f"{found.count('hash')} with the same hash, {found.count('title')} with a like title"
    return f"The register has other assets that may be this one: {told}. `GET /v1/assets?like=` and this id lists them."


def _found(connection: sa.Connection, id: str, content: Content) -> Iterator[AlikeAsset]:
    same = () if content.hash is None else _rows(connection, id, entity.c.hash == content.hash)
    told = {row.id for row in same}
    yield from (AlikeAsset(version_of_row(row), "hash") for row in same)
    own = _folded(content.title or "")
    if not own:
        return
    near: list[sa.ColumnElement[bool]] = [
        entity.c.title.is_not(None),
        sa.func.length(entity.c.title).between(len(own) // 2, 2 * len(own) + 8),
    ]
    if content.holder is not None:
        near.append(sa.or_(entity.c.holder.is_(None), entity.c.holder == content.holder))
    titles = sa.select(entity.c.id, entity.c.title).where(*_held(id), *near).limit(MOST_TITLES)
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(own)
    ratios = {}
    for row in connection.execute(titles):
        matcher.set_seq1(_folded(row.title))
        if row.id not in told and matcher.real_quick_ratio() >= LEAST and matcher.quick_ratio() >= LEAST:
            ratios[row.id] = matcher.ratio()
    nearest = sorted((each for each in ratios if ratios[each] >= LEAST), key=lambda each: (-ratios[each], each))
    found = {row.id: row for row in _rows(connection, id, entity.c.id.in_(nearest[: MOST - len(told)]))}
    yield from (AlikeAsset(version_of_row(found[each]), "title") for each in nearest if each in found)


def _rows(connection: sa.Connection, id: str, *where: sa.ColumnElement[bool]) -> list[Any]:
    query = sa.select(entity).where(*_held(id), *where).order_by(entity.c.id).limit(MOST)
    return list(connection.execute(query))


def _held(id: str) -> list[sa.ColumnElement[bool]]:
    """The other assets that are held, in their newest versions."""
    other = entity.alias("other")
    last = sa.select(sa.func.max(other.c.version)).where(other.c.kind == entity.c.kind, other.c.id == entity.c.id)
    newest = entity.c.version == last.correlate(entity).scalar_subquery()
    return [entity.c.kind == ASSET, entity.c.state == "held", entity.c.id != id, newest]


def _folded(title: str) -> str:
    return "".join(filter(str.isalnum, engine.folded_id(title)))
