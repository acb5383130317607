"""
Exchanges whose parties and data the register knows: by name (`{"named": {"exporter": "clinic-7"}, …}`), or by their ids (`exporter.id`).

Input: a body, and the register. Output: the exchange with what the register says of each entity under `register`, as it is decided and
recorded. The engine compares it with what the sender states (semantics 1.8). No fact is dropped in silence: if the vocabulary no longer has
a fact that the register states, the exchange is refused. Conditions that travel with an asset are always added to `carried`.

An id that is not in the register and looks like one that is gets a refusal that says so, if the caller may read the register. For others
it may or may not be that entity: what the register says of it is open (semantics 1.9).
"""

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import sqlalchemy as sa

import engine
from service.policies.live import Live
from service.register import entity_versions
from service.register.entity import MOST_OF_AN_ID, EntityToWrite, Version, is_id, pointer_step
from service.register.stated_facts import ROLES, StatableFacts, carried, stating

NAMED = "named"
LOOKS_LIKE = "looks-like"  # the code of the refusal of an id that only looks like one of the register


@dataclass(frozen=True, slots=True)
class _Name:
    """What the body says of an entity: its role, its id or alias, and the pointer to it."""

    role: str
    name: str
    at: str


@dataclass(slots=True)
class _Merging:
    """
    A body that becomes an exchange. `reader`: the caller may read the register, so a problem may tell what is in it.

    `sources` has the pointer of each place that the register filled, with the name of the entity.
    """

    document: dict[str, Any]
    reader: bool
    register: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, _Name] = field(default_factory=dict)
    aliases: dict[str, list[str]] = field(default_factory=dict)  # of the entities, by the key of each in `register`
    problems: list[engine.ExchangeProblem] = field(default_factory=list)

    def wrong(self, pointer: str, code: str, detail: str) -> None:
        self.problems.append(engine.ExchangeProblem(pointer, code, detail))

    def wrong_entity(self, name: _Name, code: str, detail: str, hidden: str) -> None:
        """A problem with an entity; `hidden` says it to a caller who may not read the register."""
        self.wrong(name.at, code, detail if self.reader else hidden)


@dataclass(frozen=True, slots=True)
class Body:
    """The body of an exchange with what the register says, not yet accepted by the engine."""

    live: Live
    document: dict[str, Any]
    _merging: _Merging

    def accept(self) -> engine.Exchange:
        """The exchange. Raises engine.ExchangeRefused with every problem, at its place in the body."""
        merging = self._merging
        if merging.problems:
            raise engine.ExchangeRefused(tuple(merging.problems))
        try:
            return engine.accept_exchange(self.live.bundle, self.document)
        except engine.ExchangeRefused as refused:
            if not merging.sources:
                raise
            raise engine.ExchangeRefused(tuple(_placed(each, merging) for each in _told(refused.problems, merging))) from None

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with what the body names."""
        return not self._merging.problems


def read(
    live: Live,
    raw: bytes,
    database: sa.Engine | sa.Connection,
    today: date,
    reader: bool,
    held: Callable[[str, str], bool] = lambda kind, id: True,
) -> Body:
    """
    A body with what the register says; its day is `today` if the body gives none.

    `reader`: the caller may read the register. `held` may say of the kind and the name of an entity that the register never had it, so
    that it is not looked up. Raises engine.ExchangeRefused where it is not JSON.
    """
    document = engine.read_object(raw, engine.MAX_BYTES)
    states = stating(live)
    merging = _Merging({name: value for name, value in document.items() if name != NAMED}, reader)
    # INVARIANT (one source): what an exchange says of the register is from the register, what it says of the books from the books, and
    # what it says of shares from the ledger.
    for member, source in ((engine.REGISTER, "its register"), (engine.BOOKS, "its books"), (engine.SHARES, "its ledger")):
        if merging.document.pop(member, None) is not None:
            merging.wrong(f"/{member}", "unknown-key", f"the service fills this in from {source}; leave it out")
    names = [*_names(document[NAMED], states, merging)] if NAMED in document else []
    named = {each.role for each in names}
    names += [each for each in _ids(document, states) if each.role not in named]
    if not names and not merging.problems:
        return Body(live, merging.document, merging)
    merging.document = copy.deepcopy(merging.document)
    day = document.get("as_of", today.isoformat())
    if not isinstance(day, str) or not _is_day(day):
        day = today.isoformat()  # the reader of exchanges refuses it
    with database.connect() if isinstance(database, sa.Engine) else nullcontext(database) as connection:
        for each in names:
            kind = states.kinds[each.role]
            looking = connection if held(kind, each.name) else None
            version, alike = _found(looking, kind, each, day, each.role in named, merging)
            if version is not None:
                _fill(states, each, version, merging, alike)
            elif states.has_id(each.role):
                merging.register[f"{each.role}.id"] = {"kind": kind, "known": False}
    if merging.register:
        _name_as_documents_do(merging)
        merging.document[engine.REGISTER] = merging.register
    # A recorded exchange must be one that can be read again, or nobody could decide it again.
    if len(json.dumps(merging.document, ensure_ascii=False).encode()) > engine.MAX_BYTES:
        merging.wrong("", "too-large", f"with the facts of the register, the exchange has more than {engine.MAX_BYTES:,} bytes")
    return Body(live, merging.document, merging)


def stands(connection: sa.Connection, kind: str, id: str, version: int, leaf: int, day: date) -> bool:
    """Whether the version used of an entity still speaks for a day, and the entity may be named on it; `leaf` is that of the record."""
    now = entity_versions.speaking(connection, kind, id, day.isoformat())
    if now is None or now.state != "held" or now.version != version:
        return False
    # An erasure frees the id. The next entity with this id counts its versions from 1 again.
    if entity_versions.first_leaf(connection, kind, now.id) > leaf:
        return False
    return now.content.valid_until is None or now.content.valid_until >= day.isoformat()


def schema(exchange: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a body that may name entities, made from the schema of an exchange."""
    roles = [role for role in ROLES if role in exchange.get("properties", {})]
    name = {"type": "string", "minLength": 1, "maxLength": MOST_OF_AN_ID}
    named = {
        "title": "ids in the register, by role; what the register says of them counts",
        "type": "object",
        "properties": dict.fromkeys(roles, name),
        "additionalProperties": False,
    }
    return {**exchange, "properties": {**exchange.get("properties", {}), NAMED: named}}


def unknown(connection: sa.Connection, kind: str, id: str) -> bool:
    """Whether the register has nothing of an entity, on any day."""
    newest = entity_versions.newest(connection, kind, id)
    return newest is None or newest.state == "erased"


def _names(sent: Any, states: StatableFacts, merging: _Merging) -> Iterator[_Name]:
    """What the body names, by role."""
    if not isinstance(sent, dict):
        merging.wrong("/named", "wrong-type", 'must be an object like {"exporter": "clinic-7", "data": "asset-9"}')
        return
    for role, name in sent.items():
        at = f"/named/{pointer_step(role)}"
        if role not in ROLES or role not in states.roles:
            roles = ", ".join(f"`{each}`" for each in states.roles if each in ROLES)
            merging.wrong(at, "unknown-key", f"`{role[:40]}` is not a role; the roles are {roles}")
        elif not isinstance(name, str) or "\x00" in name:
            merging.wrong(at, "wrong-type", "must be an id in the register")
        else:
            yield _Name(role, name, at)


def _ids(document: Mapping[str, Any], states: StatableFacts) -> Iterator[_Name]:
    """The ids that the body states, by role."""
    for role in states.roles:
        group = document.get(role)
        id = group.get("id") if isinstance(group, dict) and states.has_id(role) else None
        if isinstance(id, str) and id != "unknown" and "\x00" not in id:  # the reader of exchanges refuses it
            yield _Name(role, id, f"/{role}/id")


def _found(
    connection: sa.Connection | None, kind: str, name: _Name, day: str, named: bool, merging: _Merging
) -> tuple[Version | None, bool]:
    """
    The version that speaks for the day, of an entity, and whether the id only looks like a name of it (`_alike`).

    None where the register does not have the entity, or it may not be named. Without a connection the register is known not to have it.
    """
    id = name.name
    version = entity_versions.speaking_or_later(connection, kind, id, day) if connection else None
    if version is not None and version.state != "erased":
        return _that_may_be_named(version, name, day, merging), False
    if not named:  # an id that the register does not have stays an id
        return (_alike(connection, kind, name, day, merging), True) if connection else (None, False)
    shown = f"`{id}`" if is_id(id) else "with this id"
    looks = entity_versions.looks_like(connection, kind, id) if connection and merging.reader else ()
    meant = f"; did you mean {_several(looks)}?" if looks else ""
    merging.wrong(name.at, "unknown-entity", f"the register has no {kind} {shown}{meant}")
    return None, False


def _alike(connection: sa.Connection, kind: str, name: _Name, day: str, merging: _Merging) -> Version | None:
    """
    The version that speaks for the day, of the entity of which an id only looks like a name; None where there is none.

    A caller who may read the register is refused instead, and so is an id that may be taken for several entities.
    """
    looks = entity_versions.looks_like(connection, kind, name.name)
    if not looks:
        return None
    versions = {each.id: each for look in looks if (each := entity_versions.speaking_or_later(connection, kind, look, day))}
    if merging.reader or len(versions) != 1:
        said = (
            f"`{name.name[:80]}` is not in the register and looks like {_several(looks)}, which is; send the one that is meant"
        )
        merging.wrong_entity(name, LOOKS_LIKE, said, _not_named(name))
        return None
    return _that_may_be_named(next(iter(versions.values())), name, day, merging)


def _that_may_be_named(version: Version, name: _Name, day: str, merging: _Merging) -> Version | None:
    """The version, if the entity may be named on the day."""
    id, hidden = name.name, _not_named(name)
    if version.content.valid_from is not None and version.content.valid_from > day:
        said = f"the register states nothing of `{id}` for {day}, only for later days"
        merging.wrong_entity(name, "entity-not-yet-valid", said, hidden)
        return None
    if version.state == "withdrawn":
        merging.wrong_entity(name, "entity-withdrawn", f"`{id}` was withdrawn from the register", hidden)
        return None
    until = version.content.valid_until
    if until is not None and until < day:
        said = f"`{id}` may be named until {until}, but the day of the exchange is {day}"
        merging.wrong_entity(name, "entity-expired", said, hidden)
        return None
    return version


def _fill(states: StatableFacts, name: _Name, version: Version, merging: _Merging, alike: bool) -> None:
    """Add what the register says of an entity; if the id that was sent is only `alike`, its own id among it."""
    for strange in states.strange(EntityToWrite(version.kind, version.id, version.content)):
        fact = strange.pointer.removeprefix("/facts/").replace("/", ".")
        said = f"the register states `{fact}` of `{name.name}`: {strange.detail}"
        merging.wrong_entity(name, strange.code, said, _hidden(name))
    entity: dict[str, Any] = {"kind": version.kind, "version": version.version, "states": {}}
    if version.shape < len(engine.EXCHANGE_SHAPES):
        entity["schema"] = engine.EXCHANGE_SHAPES[version.shape - 1]
    if alike:
        entity["alike"] = True
    if states.has_id(name.role) and alike:
        engine.put_at(entity["states"], (name.role, "id"), version.id)
    elif states.has_id(name.role):
        _identify(name, version.id, merging)
    else:
        # An id may be personal, and must then not be readable in a leaf. So it is here only if the vocabulary has no fact for it.
        entity["id"] = version.id
    for each in states.stated(name.role, version.content):
        engine.put_at(entity["states"], each.path, each.value)
    key = f"{name.role}.id" if states.has_id(name.role) else name.role
    merging.register[key] = entity
    merging.aliases[key] = version.content.aliases
    merging.sources[f"/{engine.REGISTER}/{pointer_step(key)}"] = name
    for travelling in carried(version.content):
        sent = merging.document.setdefault("carried", [])
        if isinstance(sent, list) and travelling not in sent:
            merging.sources[f"/carried/{len(sent)}"] = name
            sent.append(travelling)


def _name_as_documents_do(merging: _Merging) -> None:
    """Add to each entity those of its other names for which a document is. No other name is told: it may be personal."""
    states = [entity.get("states", {}) for entity in merging.register.values()]
    groups = [part.get(group) for part in (merging.document, *states) for group in ("evidence", "claims")]
    documents = [each for group in groups if isinstance(group, dict) for each in group.values() if isinstance(each, dict)]
    lists = [value for document in documents for value in document.values() if isinstance(value, list)]
    said = {each for value in lists for each in value if isinstance(each, str)}
    for key, aliases in merging.aliases.items():
        if also := sorted(said.intersection(aliases)):
            merging.register[key]["also"] = also


def _identify(name: _Name, id: str, merging: _Merging) -> None:
    """Fill in the id of an entity. A body that states another id contradicts itself."""
    group = merging.document.setdefault(name.role, {})
    if not isinstance(group, dict):
        if group in engine.EVERYONE:
            merging.wrong(name.at, "other-entity", f"the {name.role} is {group} already; leave one of the two out")
        return  # the reader of exchanges refuses anything else
    if group.get("id", id) not in (id, name.name):
        said = f"is not `{name.name}`, which is named as the {name.role}; leave one of the two out"
        merging.wrong(f"/{name.role}/id", "other-entity", said)
    group["id"] = id


def _told(problems: tuple[engine.ExchangeProblem, ...], merging: _Merging) -> Iterator[engine.ExchangeProblem]:
    """The problems, for a caller who may not read the register without those that show by what else a registered value is wrong."""
    of_register = {each.words for each in problems if any(_is_at(each.pointer, place) for place in merging.sources)}
    for each in problems:
        if (
            merging.reader
            or not each.words
            or each.words not in of_register
            or any(_is_at(each.pointer, place) for place in merging.sources)
        ):
            yield each


def _is_at(pointer: str, place: str) -> bool:
    return pointer == place or pointer.startswith(f"{place}/")


def _placed(problem: engine.ExchangeProblem, merging: _Merging) -> engine.ExchangeProblem:
    """A problem with the exchange, at its place in the body. For a value from the register this is the place of the name."""
    for pointer, name in merging.sources.items():
        if _is_at(problem.pointer, pointer):
            if not merging.reader:
                return engine.ExchangeProblem(name.at, problem.code, _hidden(name))
            what = problem.pointer.removeprefix(pointer).removeprefix("/states")[1:] or problem.pointer[1:]
            said = f"the register states `{what.replace('/', '.')}` of `{name.name}`: "
            words = replace(problem.words, en=f"{said}{problem.words.en}") if problem.words else problem.words
            return engine.ExchangeProblem(name.at, problem.code, f"{said}{problem.detail}", words)
    return problem


def _several(names: Sequence[str]) -> str:
    return " or ".join(f"`{each}`" for each in names)


def _not_named(name: _Name) -> str:
    return f"`{name.name[:80]}` may not be named on the day of the exchange"


def _hidden(name: _Name) -> str:
    return f"what the register states of `{name.name[:80]}` does not fit; callers with the scope `read` see what it is"


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
