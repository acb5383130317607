"""
Exchanges that name who is who by id: `{"named": {"exporter": "clinic-7", "data": "asset-9"}, …}`.

Goes in: such a body, and the register. Comes out: the exchange with the facts of the register in it, as it is decided and recorded, and
which version of each entity these came from. What the body says beats the register, fact by fact; a family of facts and a document are
said as one. Nothing is left out in silence: what the register states and the vocabulary no longer has refuses the exchange.
"""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
    """An exchange with what it names in it; `register` is the member of its record: by role, which version was used."""

    exchange: engine.Exchange
    register: Mapping[str, Any]


@dataclass(slots=True)
class _Merging:
    """A body that becomes an exchange. `sources` says of each place that was filled from the register, in which role."""

    document: dict[str, Any]
    sources: dict[str, str] = field(default_factory=dict)
    problems: list[engine.ExchangeProblem] = field(default_factory=list)

    def wrong(self, pointer: str, code: str, detail: str) -> None:
        self.problems.append(engine.ExchangeProblem(pointer, code, detail))


def might_name(raw: bytes) -> bool:
    """Whether a body may name somebody; a quick look, which never says no to one that does as JSON is usually written."""
    # Where the key is written with escapes the body is read as it stands, and refused: an exchange has no fact `named`.
    return b'"named"' in raw


def read(live: Live, raw: bytes, connect: sa.Engine, today: date) -> Named:
    """
    The exchange in a body that may name parties and data; `today` is the day of one that names no day.

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
    # What is recorded must be an exchange that could have been sent, or nobody could decide it again.
    if len(json.dumps(merging.document, ensure_ascii=False).encode()) > engine.MAX_BYTES:
        merging.wrong("", "too-large", f"with what the register states, the exchange has more than {engine.MAX_BYTES:,} bytes")
    if merging.problems:
        raise engine.ExchangeRefused(tuple(merging.problems))
    try:
        exchange = engine.accept_exchange(live.bundle, merging.document)
    except engine.ExchangeRefused as refused:
        raise engine.ExchangeRefused(tuple(_placed(each, names, merging.sources) for each in refused.problems)) from None
    # An id may be personal, and then it is not to stand in a leaf in clear: the request has it, where the vocabulary has a fact for it.
    register = {
        role: {"version": version.version} if states.has_id(role) else {"id": version.id, "version": version.version}
        for role, version in found.items()
    }
    return Named(exchange, register)


def stands(connection: sa.Connection, role: str, id: str, version: int, used: datetime, day: date) -> bool:
    """Whether the version that was `used` for a role at some moment still speaks for a day, and its entity may be named on it."""
    now = entity_versions.speaking(connection, ROLES[role], id, day.isoformat())
    if now is None or now.state != "held" or now.version != version:
        return False
    # What is erased gives its id back, and the numbers of versions begin anew.
    if datetime.fromisoformat(now.recorded_at) > used:
        return False
    return now.content.valid_until is None or now.content.valid_until >= day.isoformat()


def schema(exchange: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a body, from that of an exchange: it may name who is who."""
    roles = [role for role in ROLES if role in exchange.get("properties", {})]
    name = {"type": "string", "minLength": 1, "maxLength": MOST_OF_AN_ID}
    named = {
        "title": "who is who, by an id in the register, whose facts and documents then count where the exchange does not say other",
        "type": "object",
        "properties": dict.fromkeys(roles, name),
        "additionalProperties": False,
    }
    return {**exchange, "properties": {**exchange.get("properties", {}), NAMED: named}}


def _names(sent: Any, states: Stating, merging: _Merging) -> Iterator[tuple[str, str]]:
    """Which role is given to which name."""
    if not isinstance(sent, dict):
        merging.wrong("/named", "wrong-type", 'must be an object like {"exporter": "clinic-7", "data": "asset-9"}')
        return
    for role, name in sent.items():
        at = f"/named/{pointer_step(role)}"
        if role not in states.roles:
            roles = ", ".join(f"`{each}`" for each in states.roles)
            merging.wrong(at, "unknown-key", f"nobody is named as `{role[:40]}`; there are {roles}")
        elif not isinstance(name, str):
            merging.wrong(at, "wrong-type", "must be an id in the register")
        else:
            yield role, name


def _found(connection: sa.Connection, names: Mapping[str, str], day: str, merging: _Merging) -> Iterator[tuple[str, Version]]:
    """The version that speaks for the day, of everybody who is named."""
    for role, name in names.items():
        kind, at = ROLES[role], f"/named/{role}"
        version = entity_versions.speaking(connection, kind, name, day)
        if version is None or version.state == "erased":
            if entity_versions.newest(connection, kind, name) is None:
                shown = f"`{name}`" if is_id(name) else "such an id"
                merging.wrong(at, "unknown-entity", f"the register has no {kind} {shown}")
            else:
                merging.wrong(
                    at, "entity-not-yet-valid", f"the register says nothing of `{name}` for {day}, only for later days"
                )
        elif version.state == "withdrawn":
            merging.wrong(at, "entity-withdrawn", f"`{name}` was withdrawn from the register")
        elif version.content.valid_until is not None and version.content.valid_until < day:
            until = version.content.valid_until
            merging.wrong(at, "entity-expired", f"`{name}` may be named until {until}, and the exchange is of {day}")
        else:
            yield role, version


def _fill(states: Stating, role: str, name: str, version: Version, merging: _Merging) -> None:
    """Put what an entity states into the document, where that says nothing."""
    at = f"/named/{role}"
    for strange in states.strange(EntityToWrite(version.kind, version.id, version.content)):
        fact = strange.pointer.removeprefix("/facts/").replace("/", ".")
        merging.wrong(at, strange.code, f"of `{name}` the register states `{fact}`, and {strange.detail}")
    if states.has_id(role):
        _identify(role, name, version.id, merging)
    # Looked at before anything is filled in, so that one member of a family does not hide the next.
    stated = [each for each in states.stated(role, version.content) if not _says(merging, each.whole)]
    for each in stated:
        pointer = _pointer(each.path)
        before = merging.sources.get(pointer)
        if before is not None:
            if _value(merging.document, each.path) != each.value:
                what = f"{each.path[0]} `{each.path[-1]}`"
                merging.wrong(at, "two-documents", f"both the {before} and the {role} bring {what}; send the one that counts")
            continue
        put(merging.document, each.path, each.value)
        merging.sources[pointer] = role
    for travelling in carried(version.content):
        sent = merging.document.setdefault("carried", [])
        if isinstance(sent, list) and travelling not in sent:
            merging.sources[f"/carried/{len(sent)}"] = role
            sent.append(travelling)


def _identify(role: str, name: str, id: str, merging: _Merging) -> None:
    """The fact that says who it is. A body that says somebody else contradicts itself."""
    group = merging.document.setdefault(role, {})
    if not isinstance(group, dict):
        return  # the reader of exchanges refuses it
    if group.get("id", id) not in (id, name):
        merging.wrong(f"/{role}/id", "other-entity", f"is not `{name}`, who is named as the {role}; leave one of the two out")
    group["id"] = id


def _says(merging: _Merging, path: Path) -> bool:
    """Whether the body itself says something at a place, be it that its way there is no object."""
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
    """A problem with the exchange, at its place in the body: that of the name, where the register said it."""
    for pointer, role in sources.items():
        if problem.pointer == pointer or problem.pointer.startswith(f"{pointer}/"):
            what = problem.pointer[1:].replace("/", ".")
            return engine.ExchangeProblem(
                f"/named/{role}", problem.code, f"of `{names[role]}` the register states `{what}`: {problem.detail}"
            )
    return problem


def _pointer(path: Sequence[str]) -> str:
    return "".join(f"/{pointer_step(step)}" for step in path)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
