"""
Exchanges that name entities of the register by id: `{"named": {"exporter": "clinic-7", "data": "asset-9"}, …}`.

Input: such a body, and the register. Output: the exchange with the register's facts filled in, as it is decided and recorded, and the
version of each entity that was used. A fact in the body overrides the register's; a family of facts is overridden as one, and so is a
document. No fact is dropped in silence: if the vocabulary no longer has a fact that the register states, the exchange is refused.
"""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

import engine
from service.policies.live import Live
from service.register import entity_versions
from service.register.entity import MOST_OF_AN_ID, EntityToWrite, Version, is_id, pointer_step
from service.register.stated_facts import ROLES, Path, Stating, carried, put, stating

NAMED = "named"


@dataclass(frozen=True, slots=True)
class Named:
    """An exchange with the facts of the entities that it names. `register` is a member of the record: the version used, by role."""

    exchange: engine.Exchange
    register: Mapping[str, Any]


@dataclass(slots=True)
class _Merging:
    """A body that becomes an exchange. `sources` has the pointer of each place that the register filled, with the role."""

    document: dict[str, Any]
    sources: dict[str, str] = field(default_factory=dict)
    problems: list[engine.ExchangeProblem] = field(default_factory=list)

    def wrong(self, pointer: str, code: str, detail: str) -> None:
        self.problems.append(engine.ExchangeProblem(pointer, code, detail))


def might_name(raw: bytes) -> bool:
    """Whether a body may name entities: a quick look for the key `named` as it is usually written."""
    # A key written with escapes is overlooked. Such a body is read as a plain exchange and refused: no fact is called `named`.
    return b'"named"' in raw


def read(live: Live, raw: bytes, connect: sa.Engine, today: date) -> Named:
    """
    The exchange in a body that may name parties and data; its day is `today` if the body gives none.

    Raises engine.ExchangeRefused with every problem, at its place in the body.
    """
    document = engine.read_object(raw, engine.MAX_BYTES)
    if NAMED not in document:
        return Named(engine.accept_exchange(live.bundle, document), {})
    states = stating(live)
    merging = _Merging({name: copy.deepcopy(value) for name, value in document.items() if name != NAMED})
    names = dict(_names(document[NAMED], states, merging))
    day = document.get("as_of", today.isoformat())
    if not isinstance(day, str) or not _is_day(day):
        day = today.isoformat()  # the reader of exchanges refuses it
    with connect.connect() as connection:
        found = dict(_found(connection, names, day, merging))
    for role, version in found.items():
        _fill(states, role, names[role], version, merging)
    # A recorded exchange must be one that a caller could send, or nobody could decide it again.
    if len(json.dumps(merging.document, ensure_ascii=False).encode()) > engine.MAX_BYTES:
        merging.wrong("", "too-large", f"with the facts of the register, the exchange has more than {engine.MAX_BYTES:,} bytes")
    if merging.problems:
        raise engine.ExchangeRefused(tuple(merging.problems))
    try:
        exchange = engine.accept_exchange(live.bundle, merging.document)
    except engine.ExchangeRefused as refused:
        raise engine.ExchangeRefused(tuple(_placed(each, names, merging.sources) for each in refused.problems)) from None
    # An id may be personal, and must then not be readable in a leaf. So it is in the request only, if the vocabulary has a fact for it.
    register = {
        role: {"version": version.version} if states.has_id(role) else {"id": version.id, "version": version.version}
        for role, version in found.items()
    }
    return Named(exchange, register)


def stands(connection: sa.Connection, role: str, id: str, version: int, used: datetime, day: date) -> bool:
    """Whether the version used for a role, at the moment `used`, still speaks for a day, and its entity may be named on that day."""
    now = entity_versions.speaking(connection, ROLES[role], id, day.isoformat())
    if now is None or now.state != "held" or now.version != version:
        return False
    # An erasure frees the id. The next entity with this id counts its versions from 1 again.
    if datetime.fromisoformat(now.recorded_at) > used:
        return False
    return now.content.valid_until is None or now.content.valid_until >= day.isoformat()


def schema(exchange: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a body that may name entities, made from the schema of an exchange."""
    roles = [role for role in ROLES if role in exchange.get("properties", {})]
    name = {"type": "string", "minLength": 1, "maxLength": MOST_OF_AN_ID}
    named = {
        "title": "ids in the register, by role; the facts and documents of the register count unless the exchange says otherwise",
        "type": "object",
        "properties": dict.fromkeys(roles, name),
        "additionalProperties": False,
    }
    return {**exchange, "properties": {**exchange.get("properties", {}), NAMED: named}}


def _names(sent: Any, states: Stating, merging: _Merging) -> Iterator[tuple[str, str]]:
    """Each role with the name that is given for it."""
    if not isinstance(sent, dict):
        merging.wrong("/named", "wrong-type", 'must be an object like {"exporter": "clinic-7", "data": "asset-9"}')
        return
    for role, name in sent.items():
        at = f"/named/{pointer_step(role)}"
        if role not in states.roles:
            roles = ", ".join(f"`{each}`" for each in states.roles)
            merging.wrong(at, "unknown-key", f"`{role[:40]}` is not a role; the roles are {roles}")
        elif not isinstance(name, str):
            merging.wrong(at, "wrong-type", "must be an id in the register")
        else:
            yield role, name


def _found(connection: sa.Connection, names: Mapping[str, str], day: str, merging: _Merging) -> Iterator[tuple[str, Version]]:
    """The version that speaks for the day, of each entity that is named."""
    for role, name in names.items():
        kind, at = ROLES[role], f"/named/{role}"
        version = entity_versions.speaking(connection, kind, name, day)
        if version is None or version.state == "erased":
            if entity_versions.newest(connection, kind, name) is None:
                shown = f"`{name}`" if is_id(name) else "with this id"
                merging.wrong(at, "unknown-entity", f"the register has no {kind} {shown}")
            else:
                merging.wrong(
                    at, "entity-not-yet-valid", f"the register states nothing of `{name}` for {day}, only for later days"
                )
        elif version.state == "withdrawn":
            merging.wrong(at, "entity-withdrawn", f"`{name}` was withdrawn from the register")
        elif version.content.valid_until is not None and version.content.valid_until < day:
            until = version.content.valid_until
            merging.wrong(at, "entity-expired", f"`{name}` may be named until {until}, but the day of the exchange is {day}")
        else:
            yield role, version


def _fill(states: Stating, role: str, name: str, version: Version, merging: _Merging) -> None:
    """Fill in what an entity states, wherever the body says nothing."""
    at = f"/named/{role}"
    for strange in states.strange(EntityToWrite(version.kind, version.id, version.content)):
        fact = strange.pointer.removeprefix("/facts/").replace("/", ".")
        merging.wrong(at, strange.code, f"the register states `{fact}` of `{name}`: {strange.detail}")
    if states.has_id(role):
        _identify(role, name, version.id, merging)
    # This is checked before anything is filled in, so that one member of a family does not hide the next.
    stated = [each for each in states.stated(role, version.content) if not _says(merging, each.whole)]
    for each in stated:
        pointer = _pointer(each.path)
        before = merging.sources.get(pointer)
        if before is not None:
            if _value(merging.document, each.path) != each.value:
                what = f"{each.path[0]} `{each.path[-1]}`"
                merging.wrong(
                    at,
                    "two-documents",
                    f"the register has {what} for both the {before} and the {role}; send the one that counts",
                )
            continue
        put(merging.document, each.path, each.value)
        merging.sources[pointer] = role
    for travelling in carried(version.content):
        sent = merging.document.setdefault("carried", [])
        if isinstance(sent, list) and travelling not in sent:
            merging.sources[f"/carried/{len(sent)}"] = role
            sent.append(travelling)


def _identify(role: str, name: str, id: str, merging: _Merging) -> None:
    """Fill in the id of an entity. A body that states another id contradicts itself."""
    group = merging.document.setdefault(role, {})
    if not isinstance(group, dict):
        return  # the reader of exchanges refuses it
    if group.get("id", id) not in (id, name):
        merging.wrong(f"/{role}/id", "other-entity", f"is not `{name}`, which is named as the {role}; leave one of the two out")
    group["id"] = id


def _says(merging: _Merging, path: Path) -> bool:
    """Whether the body itself says something at a place, or has a value other than an object on the way there."""
    here: Any = merging.document
    for end, step in enumerate(path, 1):
        if not isinstance(here, dict):
            return True
        if step not in here:
            return False
        here = here[step]
        if end == len(path):
            pointer = _pointer(path)
            return not any(source == pointer or source.startswith(f"{pointer}/") for source in merging.sources)
    return True


def _value(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def _placed(problem: engine.ExchangeProblem, names: Mapping[str, str], sources: Mapping[str, str]) -> engine.ExchangeProblem:
    """A problem with the exchange, at its place in the body. For a value from the register this is the place of the name."""
    for pointer, role in sources.items():
        if problem.pointer == pointer or problem.pointer.startswith(f"{pointer}/"):
            what = problem.pointer[1:].replace("/", ".")
            said = f"the register states `{what}` of `{names[role]}`: "
            words = replace(problem.words, en=f"{said}{problem.words.en}") if problem.words else problem.words
            return engine.ExchangeProblem(f"/named/{role}", problem.code, f"{said}{problem.detail}", words)
    return problem


def _pointer(path: Sequence[str]) -> str:
    return "".join(f"/{pointer_step(step)}" for step in path)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
