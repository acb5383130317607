"""
Looking through the register: filters go in, entities come out, a page at a time; one entity; and its versions, newest first.

`find` gives each entity in its newest version. It looks for a text in ids and in other ids, not in what is stated. The rows are walked in
the order of their primary key: a page without a text reads little more than it shows, and one of a text ends early.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from service.callers.context import ReadingAll
from service.register import entity_versions
from service.register.entity import State, Version
from service.register.entity_versions import NotHeld, version_of_row
from service.store.tables import entity, entity_alias

MOST_WORDS = 8  # of a text; others are not looked for
MOST_KINDS = 40
WALKED = 25_000  # versions of entities in which a page looks for a text

Place = tuple[str, str]  # a kind and an id


@dataclass(frozen=True, slots=True)
class EntityFilter:
    """What is looked for: entities of a kind, with every word of a text in an id of theirs, in a state; None for any."""

    kind: str | None = None
    text: str | None = None
    state: State | None = "held"


def find(
    context: ReadingAll, wanted: EntityFilter, after: Place | None, limit: int, connection: sa.Connection
) -> tuple[list[Version], Place | None]:
    """
    At most `limit` entities in the order of their kinds and ids, after a kind and an id; each in its newest version. And the place to go on
    after, None at the end.

    A text is looked for in `WALKED` rows at most: such a page may have fewer entities, or none, and still not be the last.
    """
    place = sa.tuple_(entity.c.kind, entity.c.id)
    within = [place > sa.tuple_(*map(sa.literal, after or ("", "")))]
    if wanted.kind is not None:
        within.append(entity.c.kind == wanted.kind)
    words = (wanted.text or "").split()[:MOST_WORDS]
    end: Place | None = None
    if words:
        walked = (
            sa.select(entity.c.kind, entity.c.id).where(*within).order_by(entity.c.kind, entity.c.id).offset(WALKED).limit(1)
        )
        row = connection.execute(walked).one_or_none()
        if row is not None:
            end = (row.kind, row.id)
            within.append(place <= sa.tuple_(*map(sa.literal, end)))
    other = entity.alias("other")
    last = sa.select(sa.func.max(other.c.version)).where(other.c.kind == entity.c.kind, other.c.id == entity.c.id)
    query = sa.select(entity).where(*within)
    for word in words:
        aliases = sa.select(entity_alias.c.kind, entity_alias.c.id).where(entity_alias.c.alias.icontains(word, autoescape=True))
        query = query.where(sa.or_(entity.c.id.icontains(word, autoescape=True), place.in_(aliases)))
    if wanted.state is not None:
        query = query.where(entity.c.state == wanted.state)
    query = query.where(entity.c.version == last.correlate(entity).scalar_subquery())
    rows = connection.execute(query.order_by(entity.c.kind, entity.c.id).limit(limit + 1)).all()
    found = [version_of_row(row) for row in rows[:limit]]
    return found, (found[-1].kind, found[-1].id) if len(rows) > limit else end


def kinds(context: ReadingAll, connection: sa.Connection) -> list[str]:
    """The kinds that the register has entities of, the first of them; each is one step in the index."""
    found: list[str] = []
    while len(found) < MOST_KINDS:
        following = sa.select(sa.func.min(entity.c.kind))
        if found:
            following = following.where(entity.c.kind > found[-1])
        kind = connection.execute(following).scalar_one()
        if kind is None:
            break
        found.append(kind)
    return found


def one(context: ReadingAll, kind: str, name: str, day: date | None, connection: sa.Connection) -> Version:
    """The entity that answers to a name: in its newest version, or in the one that speaks for a day. Raises NotHeld."""
    if day is None:
        found = entity_versions.newest(connection, kind, name)
    else:
        found = entity_versions.speaking(connection, kind, name, day.isoformat())
    if found is None:
        raise NotHeld(day)
    return found


def history(
    context: ReadingAll, kind: str, name: str, before: int | None, limit: int, connection: sa.Connection
) -> tuple[Sequence[Version], int | None]:
    """
    At most `limit` versions of the entity that answers to a name, newest first; `before` a version, if it is given. And the version to go
    on before, None at the end. Raises NotHeld where there are none.
    """
    found = entity_versions.history(connection, kind, name, before, limit + 1)
    if not found:
        raise NotHeld
    return found[:limit], found[limit - 1].version if len(found) > limit else None


def version(context: ReadingAll, kind: str, name: str, number: int, connection: sa.Connection) -> Version:
    """One version of the entity that answers to a name. Raises NotHeld."""
    found = entity_versions.history(connection, kind, name, number + 1, 1)
    if not found or found[0].version != number:
        raise NotHeld
    return found[0]


def page(
    context: ReadingAll, kind: str, day: date | None, after: str | None, limit: int, connection: sa.Connection
) -> tuple[Sequence[Version], str | None]:
    """At most `limit` entities of a kind that are held, in the order of their ids, and the id to go on after (`entity_versions.listed`)."""
    on = None if day is None else day.isoformat()
    found = entity_versions.list_entities(connection, kind, (kind, after or ""), limit + 1, on)
    return found[:limit], found[limit - 1].id if len(found) > limit else None
