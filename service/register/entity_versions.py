"""
The rows of the register: every version of each entity.

INVARIANT (nothing is changed in place): a change is a new version, and so is a withdrawal. Only an erasure changes rows. Of each
version it leaves the kind, the number, when the version was recorded, and by whom.

A version speaks for every day from its `valid_from` on, until a later version does. So the version that speaks for a day is the newest
whose `valid_from` is not after that day. Its state and its `valid_until` say whether the entity may be named on that day. An older
version does not come back when a newer one ends.

A name answers in the one form of ids (semantics 1.9). What only looks like a name does not answer to it: `looks_like` finds what it may
be taken for.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

import engine
from service.log import kept_answers, saved_searches, tree_leaves
from service.log.tree_leaves import LogEvent
from service.problems import ProblemPlace, RequestRefused
from service.register.entity import Content, EntityRefused, EntityToWrite, Version, is_id
from service.store.database import Database
from service.store.moments import now_text
from service.store.row_seals import ENTITY, SealBroken, changing, check
from service.store.tables import entity, entity_alias, entity_spelling, leaf_opening

MOST_ENTRIES = 10_000
MOST_ALIKE = 3  # names that a refusal proposes
_AT_ONCE = 400  # ids in one query

_NOTHING = Content()


class VersionConflict(RequestRefused):
    """The entity is not at the version that the writer has seen."""

    def __init__(self) -> None:
        super().__init__("changed-meanwhile", "read the entity again; its ETag is its version")


class NotHeld(RequestRefused):
    """No such entity is in the register, or it is withdrawn already; or nothing is stated of it for a day."""

    def __init__(self, day: date | None = None) -> None:
        super().__init__("not-found", "the register has no entity with this id" + ("" if day is None else " for this day"))


@dataclass(frozen=True, slots=True)
class Condition:
    """
    What must hold before a write. `versions`: the entity is at one of these; `held`: the register holds it; `absent`: it does not.
    """

    versions: frozenset[int] | None = None
    held: bool = False
    absent: bool = False

    def check(self, now: Version | None) -> None:
        """Raises Changed if the condition is not met."""
        there = now is not None and now.state == "held"
        if (self.held and not there) or (self.absent and there):
            raise VersionConflict
        if self.versions is not None and (now is None or now.version not in self.versions):
            raise VersionConflict


ALWAYS = Condition()


# --- reading, on any connection ------------------------------------------------------------------------------------------


def newest(connection: sa.Connection, kind: str, name: str) -> Version | None:
    """The newest version of the entity that answers to a name, its id or an alias."""
    return _first(connection, _NEWEST, kind, name)


def known_as(connection: sa.Connection, kind: str, name: str) -> str:
    """The id under which the register has an entity of this name; the name where it has none."""
    version = newest(connection, kind, name)
    return name if version is None or version.state == "erased" else version.id


def speaking(connection: sa.Connection, kind: str, name: str, day: str) -> Version | None:
    """The version that speaks for a day, of the entity that answers to a name; None if there is none."""
    return _first(connection, _SPEAKING, kind, name, day=day)


def speaking_or_later(connection: sa.Connection, kind: str, name: str, day: str) -> Version | None:
    """The same, or the newest version if each of them speaks only for later days; None if there is no such entity."""
    return _first(connection, _SPEAKING_OR_LATER, kind, name, day=day)


def first_leaf(connection: sa.Connection, kind: str, id: str) -> int:
    """
    The number of the leaf by which an entity came into the register, since its id was last erased.

    Whether this was before something else is said by the leaves: moments are those of clocks, which may be wrong.
    """
    mine = sa.select(sa.func.min(leaf_opening.c.leaf)).where(leaf_opening.c.subject == _subject(kind, id))
    first: int | None = connection.execute(mine).scalar()
    return -1 if first is None else first


def looks_like(connection: sa.Connection, kind: str, name: str) -> Sequence[str]:
    """The names of the register for which a name may be taken that is none of them: by case, or by letters that look alike."""
    return connection.execute(_ALIKE, {"kind": kind, "folded": engine.folded_id(name)}).scalars().all()


def history(
    connection: sa.Connection, kind: str, name: str, before: int | None = None, limit: int | None = None
) -> Sequence[Version]:
    """The versions of the entity that answers to a name, newest first: all, or at most `limit` of those `before` one."""
    query = _OF_A_NAME if before is None else _OF_A_NAME.where(entity.c.version < before)
    rows: Sequence[Any] = ()
    for each in _forms(name):
        if not rows and (rows := connection.execute(query.limit(limit), {"kind": kind, "name": each}).all()):
            _check(connection, kind, each, rows[0].id)
    return [version_of_row(row) for row in rows]


def list_entities(
    connection: sa.Connection, kind: str | None, after: tuple[str, str], limit: int, day: str | None = None
) -> Sequence[Version]:
    """
    At most `limit` entities that are held, in the order of their kinds and ids, after a kind and an id.

    With a `day`: those that may be named on it, each in the version that speaks for it. Without: each in its newest version.
    """
    other = entity.alias("other")
    last = (
        sa.select(sa.func.max(other.c.version))
        .where(other.c.kind == entity.c.kind, other.c.id == entity.c.id)
        .correlate(entity)
    )
    if day is not None:
        last = last.where(sa.or_(other.c.valid_from.is_(None), other.c.valid_from <= day))
    query = sa.select(entity).where(entity.c.state == "held", entity.c.version == last.scalar_subquery())
    query = query.where(
        sa.or_(entity.c.kind > after[0], sa.and_(entity.c.kind == after[0], entity.c.id > after[1]))
        if kind is None
        else sa.and_(entity.c.kind == kind, entity.c.id > after[1])
    )
    if day is not None:
        query = query.where(sa.or_(entity.c.valid_until.is_(None), entity.c.valid_until >= day))
    return [version_of_row(row) for row in connection.execute(query.order_by(entity.c.kind, entity.c.id).limit(limit))]


def every_entity(connection: sa.Connection, kind: str | None, day: str | None = None) -> Iterator[Version]:
    """Every entity that is held, as `list_entities` gives them."""
    after = ("", "")
    while found := list_entities(connection, kind, after, _AT_ONCE, day):
        yield from found
        after = (found[-1].kind, found[-1].id)


# --- writing, inside work of the writer ----------------------------------------------------------------------------------


def write(
    transaction: sa.Connection,
    database: Database,
    entries: Sequence[EntityToWrite],
    at: str,
    by: str,
    condition: Condition = ALWAYS,
) -> list[tuple[Version, bool]]:
    """
    Write entities, all or none. Returns the version of each, and whether it is new: unchanged content makes no new version, unless it was
    stated when exchanges had an earlier shape.

    Raises Changed, and Wrong if an id or an alias belongs to another entity already.
    """
    entries = [replace(entry, id=engine.id_form(entry.id)) for entry in entries]
    ids: dict[str, set[str]] = {}
    for entry in entries:
        ids.setdefault(entry.kind, set()).update((entry.id, *entry.content.aliases))
    held = {(each.kind, each.id): each for each in _newest_of(transaction, ids)}
    owners = {(kind, alias): id for kind, alias, id in _aliases_of(transaction, ids)}
    alike = _alike(transaction, ids)
    answering: dict[tuple[str, str], list[str]] = {}
    for (kind, alias), id in owners.items():
        answering.setdefault((kind, id), []).append(alias)
    written: list[tuple[Version, bool]] = []
    wrong: list[ProblemPlace] = []
    seen: set[tuple[str, str]] = set()
    for entry in entries:
        key = (entry.kind, entry.id)
        before = held.get(key)
        condition.check(before)
        wrong += _taken(entry, seen, held, owners)
        wrong += _alike_taken(entry, before is None, owners, alike)
        for name in (entry.id, *entry.content.aliases):
            alike.setdefault((entry.kind, engine.folded_id(name)), {}).setdefault(name, entry.id)
        seen.add(key)
        said_now = before is not None and before.state == "held" and before.shape == len(engine.EXCHANGE_SHAPES)
        if before is not None and said_now and before.content == entry.content:
            written.append((before, False))
            continue
        version = Version(entry.kind, entry.id, before.version + 1 if before else 1, "held", entry.content, at, by)
        written.append((version, True))
        held[key] = version
        for alias in answering.pop(key, ()):
            del owners[entry.kind, alias]
        for alias in entry.content.aliases:
            owners.setdefault((entry.kind, alias), entry.id)
    if wrong:
        raise EntityRefused(wrong)
    new = [version for version, is_new in written if is_new]
    changed: dict[str, list[str]] = {}
    for version in new:
        changed.setdefault(version.kind, []).append(version.id)
    with ExitStack() as sealing:
        for kind, some in changed.items():
            sealing.enter_context(changing(transaction, ENTITY, *some, within=(kind,)))
        database.insert(transaction, entity, [_row(version) for version in new])
        tree_leaves.append(transaction, *map(_happening, new))
    for version in new:
        if version.version > 1:
            _forget_names(transaction, version.kind, version.id)
    aliases = [(each.kind, alias, each.id) for each in new for alias in each.content.aliases]
    database.insert(transaction, entity_alias, aliases)
    names = [(each.kind, each.id, each.id) for each in new] + aliases
    database.insert(transaction, entity_spelling, [(kind, engine.folded_id(name), name, id) for kind, name, id in names])
    return written


def withdraw(
    transaction: sa.Connection, database: Database, kind: str, name: str, at: str, by: str, condition: Condition = ALWAYS
) -> Version:
    """
    Withdraw an entity: its new version states nothing, for every day. Its names stay taken.

    Raises NotHeld, Changed.
    """
    before = newest(transaction, kind, name)
    if before is None or before.state != "held":
        raise NotHeld
    condition.check(before)
    gone = Version(kind, before.id, before.version + 1, "withdrawn", _NOTHING, at, by)
    with changing(transaction, ENTITY, gone.id, within=(kind,)):
        database.insert(transaction, entity, [_row(gone)])
        tree_leaves.append(transaction, _happening(gone))
    return gone


def erase(transaction: sa.Connection, kind: str, name: str, by: str, condition: Condition = ALWAYS) -> Sequence[Version]:
    """
    Erase the content of every version of an entity, and its names. The rows get a new, random id.

    What is hidden in leaves under one of its names, and what is kept for retries and names it, goes too.
    The caller must report to the writer that values were erased. Raises NotHeld, Changed.
    """
    versions = history(transaction, kind, name)
    if not versions or versions[0].state == "erased":
        raise NotHeld
    condition.check(versions[0])
    new = f"erased-{uuid4()}"
    nothing = _row(replace(versions[0], id=new, state="erased", content=_NOTHING))
    columns = {
        column.name: value
        for column, value in zip(entity.columns, nothing, strict=True)
        if column.name not in ("kind", "version", "recorded_at", "recorded_by")
    }
    columns["shape"] = None
    with changing(transaction, ENTITY, versions[0].id, new, within=(kind,)):
        transaction.execute(sa.update(entity).where(entity.c.kind == kind, entity.c.id == versions[0].id).values(columns))
    names = _forget_names(transaction, kind, versions[0].id)
    kept_answers.forget_naming(transaction, names)
    saved_searches.forget(transaction, names)
    at = now_text()
    openings = [each for name in names for each in tree_leaves.erase(transaction, _subject(kind, name), at)]
    of: dict[str, Any] = {"of": "entity", "entity_kind": kind, "id": new}
    tree_leaves.append(transaction, *tree_leaves.erased(of, at, by, (), openings))
    return history(transaction, kind, new)


# --- leaves --------------------------------------------------------------------------------------------------------------


def _happening(version: Version) -> LogEvent:
    """A new version as a leaf. Its id and its content are erased with the entity."""
    names = [column.name for column in entity.columns]
    row = dict(zip(names, _row(version), strict=True))
    shown = ("kind", "version", "state", "recorded_at", "recorded_by", "id")
    content = {name: value for name, value in row.items() if name not in shown}
    members = {"entity_kind": version.kind, "version": version.version, "state": version.state}
    hidden = {"id": version.id, "content": content, "by": version.recorded_by}
    erased_with_it = frozenset({"id", "content"})
    return LogEvent("register", version.recorded_at, members, hidden, _subject(version.kind, version.id), erased_with_it)


def _subject(kind: str, id: str) -> str:
    return f"entity/{kind}/{id}"


# --- rows ----------------------------------------------------------------------------------------------------------------


def _of_a_name() -> sa.Select[Any]:
    """The versions of the entity that answers to a name, newest first."""
    kind, name = sa.bindparam("kind", type_=sa.String), sa.bindparam("name", type_=sa.String)
    id = sa.select(entity_alias.c.id).where(entity_alias.c.kind == kind, entity_alias.c.alias == name).scalar_subquery()
    query = sa.select(entity).where(entity.c.kind == kind, entity.c.id == sa.func.coalesce(id, name))
    return query.order_by(entity.c.version.desc())


# Made once: every exchange with an id looks it up, and to make a statement takes longer than to run it.
_OF_A_NAME = _of_a_name()
_NEWEST = _OF_A_NAME.limit(1)
_ALIKE = (
    sa.select(entity_spelling.c.name)
    .where(entity_spelling.c.kind == sa.bindparam("kind"), entity_spelling.c.folded == sa.bindparam("folded"))
    .order_by(entity_spelling.c.name)
    .limit(MOST_ALIKE)
)
_ALIASES = (
    sa.select(entity.c.aliases)
    .where(entity.c.kind == sa.bindparam("kind"), entity.c.id == sa.bindparam("id"), entity.c.state == "held")
    .order_by(entity.c.version.desc())
    .limit(1)
)
_begun = sa.or_(entity.c.valid_from.is_(None), entity.c.valid_from <= sa.bindparam("day", type_=sa.String))
_SPEAKING = _NEWEST.where(_begun)
_SPEAKING_OR_LATER = _NEWEST.order_by(None).order_by(sa.case((_begun, 1), else_=0).desc(), entity.c.version.desc())


def _first(connection: sa.Connection, query: sa.Select[Any], kind: str, name: str, **day: str) -> Version | None:
    for each in _forms(name):
        row = connection.execute(query, {"kind": kind, "name": each, **day}).one_or_none()
        if row is not None:
            _check(connection, kind, each, row.id)
            return version_of_row(row)
    return None


def _check(connection: sa.Connection, kind: str, name: str, id: str) -> None:
    """Raises SealBroken where an entity has not its seal, or answers to a name that is none of its own."""
    check(connection, ENTITY, [id], within=(kind,))
    if name != id:
        aliases = connection.execute(_ALIASES, {"kind": kind, "id": id}).scalar_one_or_none()
        if name not in json.loads(aliases or "[]"):
            raise SealBroken(f"the alias `{name[:80]}`")


def _forms(name: str) -> Iterator[str]:
    """A name in the form in which ids are compared; nothing where it is none."""
    return filter(is_id, [engine.id_form(name)])


def _newest_of(connection: sa.Connection, ids: dict[str, set[str]]) -> Iterator[Version]:
    other = entity.alias("other")
    last = sa.select(sa.func.max(other.c.version)).where(other.c.kind == entity.c.kind, other.c.id == entity.c.id)
    for kind, some in _in_parts(ids):
        query = sa.select(entity).where(entity.c.kind == kind, entity.c.id.in_(some))
        for row in connection.execute(query.where(entity.c.version == last.correlate(entity).scalar_subquery())):
            yield version_of_row(row)


def _aliases_of(connection: sa.Connection, ids: dict[str, set[str]]) -> Iterator[tuple[str, str, str]]:
    """The aliases among some names, and the aliases of the entities among these names."""
    for kind, some in _in_parts(ids):
        query = sa.select(entity_alias).where(entity_alias.c.kind == kind)
        for row in connection.execute(query.where(sa.or_(entity_alias.c.alias.in_(some), entity_alias.c.id.in_(some)))):
            yield row.kind, row.alias, row.id


def _in_parts(ids: dict[str, set[str]]) -> Iterator[tuple[str, list[str]]]:
    for kind, names in ids.items():
        every = sorted(names)
        for at in range(0, len(every), _AT_ONCE):
            yield kind, every[at : at + _AT_ONCE]


def _taken(
    entry: EntityToWrite, seen: set[tuple[str, str]], held: dict[tuple[str, str], Version], owners: dict[tuple[str, str], str]
) -> Iterator[ProblemPlace]:
    """The places where a name of an entity is taken."""
    if (entry.kind, entry.id) in seen:
        yield ProblemPlace(pointer=f"{entry.place}/id", code="id-taken", detail="stands twice among the entities sent")
    elif owners.get((entry.kind, entry.id), entry.id) != entry.id:
        yield ProblemPlace(
            pointer=f"{entry.place}/id", code="id-taken", detail="this is an alias of another entity; change that entity"
        )
    for number, alias in enumerate(entry.content.aliases):
        at = f"{entry.place}/aliases/{number}"
        if alias == entry.id:
            yield ProblemPlace(pointer=at, code="id-taken", detail="is the entity's own id")
        elif (entry.kind, alias) in held or owners.get((entry.kind, alias), entry.id) != entry.id:
            yield ProblemPlace(pointer=at, code="id-taken", detail="another entity has this id")


def _alike(connection: sa.Connection, ids: dict[str, set[str]]) -> dict[tuple[str, str], dict[str, str]]:
    """The names of the register that look like some names: by kind and folded name, each with the id of its entity."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    folded = {kind: set(map(engine.folded_id, names)) for kind, names in ids.items()}
    for kind, some in _in_parts(folded):
        query = sa.select(entity_spelling).where(entity_spelling.c.kind == kind, entity_spelling.c.folded.in_(some))
        for row in connection.execute(query):
            found.setdefault((row.kind, row.folded), {})[row.name] = row.id
    return found


def _alike_taken(
    entry: EntityToWrite, new: bool, owners: dict[tuple[str, str], str], alike: dict[tuple[str, str], dict[str, str]]
) -> Iterator[ProblemPlace]:
    """The places where a new name looks like a name of another entity: nobody could tell the two apart, and they would count as one."""
    names = [("id", entry.id)] if new else []
    aliases = ((f"aliases/{number}", alias) for number, alias in enumerate(entry.content.aliases))
    names += [(at, alias) for at, alias in aliases if (entry.kind, alias) not in owners]
    for at, name in names:
        found = alike.get((entry.kind, engine.folded_id(name)), {})
        others = [each for each, id in found.items() if id != entry.id]
        if others and name not in found:
            detail = f"looks like `{others[0]}`, which the register has; make it an alias of that entity, or give another id"
            yield ProblemPlace(pointer=f"{entry.place}/{at}", code="id-alike", detail=detail)


def _forget_names(transaction: sa.Connection, kind: str, id: str) -> list[str]:
    """Free the names of an entity; returns them, its id first."""
    mine = sa.select(entity_alias.c.alias).where(entity_alias.c.kind == kind, entity_alias.c.id == id)
    aliases = transaction.execute(mine.order_by(entity_alias.c.alias)).scalars().all()
    for table in (entity_alias, entity_spelling):
        transaction.execute(sa.delete(table).where(table.c.kind == kind, table.c.id == id))
    return [id, *(each for each in aliases if each != id)]


_encode: Callable[[Any], str] = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False
).encode


def _row(version: Version) -> tuple[Any, ...]:
    content = version.content
    return (
        version.kind,
        version.id,
        version.version,
        version.state,
        content.valid_from,
        content.valid_until,
        _encode(content.aliases),
        _encode(content.facts),
        _encode({"evidence": content.evidence, "claims": content.claims}),
        _encode([{"provision": each.provision, "from": each.from_} for each in content.travels]),
        content.attested_by,
        content.note,
        version.recorded_at,
        version.recorded_by,
        version.shape,
        content.title,
        content.holder,
        content.hash,
    )


def version_of_row(row: Any) -> Version:
    """A version from its row."""
    content = Content(
        aliases=json.loads(row.aliases),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        facts=json.loads(row.facts),
        **json.loads(row.documents),
        travels=json.loads(row.travels),
        attested_by=row.attested_by,
        note=row.note,
        title=row.title,
        holder=row.holder,
        hash=row.hash,
    )
    return Version(row.kind, row.id, row.version, row.state, content, row.recorded_at, row.recorded_by, row.shape or 1)


def entries_of(versions: Iterable[Version]) -> list[EntityToWrite]:
    """The entities that must be written to get these versions again."""
    return [EntityToWrite(version.kind, version.id, version.content) for version in versions]
