"""
The facts that the register may state under the loaded vocabulary, and how they enter an exchange.

An exchange has an exporter, a recipient and its data; the first two are parties, the last is an asset. A party's facts are written
without the role: a party has a fact `NAME` if `exporter.NAME` or `recipient.NAME` is a fact. An asset states facts as an exchange does:
those of the group `data`, and of the groups that the vocabulary's factor account reads, except the groups of the parties. An entity of a
kind that the vocabulary declares states the facts that are named there, and an exchange names it by the fact `KIND.id`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

import engine
from service.policies.live import Live
from service.problems import ProblemPlace
from service.register.entity import ASSET, PARTY, Content, EntityToWrite, pointer_step

DATA = "data"
PARTY_ROLES = ("exporter", "recipient")
ROLES: Mapping[str, str] = {"exporter": PARTY, "recipient": PARTY, DATA: ASSET}
DOCUMENTS = ("evidence", "claims")
OF_ASSETS = ("title", "holder", "hash")

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EntityStatement:
    """Something that an entity states: its path in an exchange, the path of the whole that it is a part of, and the value."""

    path: Path
    whole: Path
    value: Any


class StatableFacts:
    """The facts that entities may state under one bundle. `stating` makes it once for each bundle."""

    def __init__(self, bundle: engine.Bundle) -> None:
        self._bundle = bundle
        vocabulary = bundle.vocabulary
        # The path of each fact, with the path of the whole that it is a part of: its family, or else itself.
        self._facts: dict[Path, Path] = {}
        for fact in vocabulary.facts.values():
            self._facts[_path(fact.name)] = _path(fact.family or fact.name)
        for family in vocabulary.families:
            self._facts[_path(f"{family}.rest")] = _path(family)
        read = {line.fact.partition(".")[0] for _, lines in vocabulary.factor.values() for line in lines.values()}
        groups = {path[0] for path in self._facts}
        self._asset_groups = sorted(((read & groups) | {DATA}) - set(PARTY_ROLES))
        # By kind: the paths that such an entity may state, and the beginnings of these paths.
        self._known: dict[str, frozenset[Path]] = {
            PARTY: frozenset(path[1:] for path in self._facts if path[0] in PARTY_ROLES),
            ASSET: frozenset(path for path in self._facts if path[0] in self._asset_groups),
            **{kind: frozenset(map(_path, text.states)) for kind, text in vocabulary.entities.items()},
        }
        self._inner = {kind: {path[:n] for path in paths for n in range(1, len(path))} for kind, paths in self._known.items()}
        self._types = {_path(fact.name): fact.type for fact in vocabulary.facts.values()}
        for family, members in vocabulary.families.items():
            self._types[_path(f"{family}.rest")] = self._types[_path(members[0])]
        # The kind of each role that an exchange has; an entity of a declared kind has its kind as its role.
        self.kinds = {role: kind for role, kind in ROLES.items() if role in groups} | {
            kind: kind for kind in vocabulary.entities
        }
        self.roles = tuple(self.kinds)

    def declares(self, kind: str) -> bool:
        """Whether entities of a kind state facts of the vocabulary; those of any other kind have properties of any name."""
        return kind in self._known

    def has_id(self, role: str) -> bool:
        """Whether an exchange has a fact `ROLE.id`."""
        return (role, "id") in self._facts

    def type_of(self, kind: str, path: Path) -> tuple[str, bool] | None:
        """The vocabulary's type of a fact, and whether it may have several values; None if the vocabulary does not have the fact."""
        places = [(role, *path) for role in PARTY_ROLES] if kind == PARTY else [path]
        for place in places:
            if place in self._types and self.declares(kind):
                return self._types[place].kind, self._types[place].many
        return None

    def places(self, entry: EntityToWrite) -> list[ProblemPlace]:
        """The places where an entity does not fit the vocabulary."""
        content = entry.content
        found: dict[tuple[str, str], ProblemPlace] = {}
        if entry.kind not in (PARTY, ASSET):
            for name in (*DOCUMENTS, "travels"):
                if getattr(content, name):
                    detail = "only parties and assets have this"
                    found[name, ""] = ProblemPlace(pointer=f"{entry.place}/{name}", code="wrong-value", detail=detail)
        for name in OF_ASSETS if entry.kind != ASSET else ():
            if getattr(content, name):
                place = ProblemPlace(pointer=f"{entry.place}/{name}", code="wrong-value", detail="only assets have this")
                found[name, ""] = place
        if (found and entry.kind not in (PARTY, ASSET)) or not self.declares(entry.kind):
            return list(found.values())
        found |= {(each.pointer, each.code): each for each in self.strange(entry)}
        if entry.kind == PARTY and content.travels:
            detail = "conditions travel with data, not with a party"
            found["/travels", ""] = ProblemPlace(pointer=f"{entry.place}/travels", code="wrong-value", detail=detail)
        for role in [role for role, kind in self.kinds.items() if kind == entry.kind] or [DATA]:
            for problem in self._refused(role, content):
                pointer = f"{entry.place}{_place_of(problem.pointer, entry.kind)}"
                found.setdefault(
                    (pointer, problem.code), ProblemPlace(pointer=pointer, code=problem.code, detail=problem.detail)
                )
        return list(found.values())

    def stated(self, role: str, content: Content) -> Iterator[EntityStatement]:
        """What an entity states in a role, without the facts that only the other role has."""
        kind = self.kinds.get(role) or ROLES[role]
        for path, value in self.flat(kind, content.facts):
            place = (role, *path) if kind == PARTY else path
            if path in self._known[kind] and place in self._facts:
                yield EntityStatement(place, self._facts[place], value)
        for group in DOCUMENTS:
            for name, document in getattr(content, group).items():
                yield EntityStatement((group, name), (group, name), document)

    def strange(self, entry: EntityToWrite) -> Iterator[ProblemPlace]:
        """The facts of an entity that the vocabulary does not have, or that such an entity may not state."""
        known = self._known[entry.kind]
        own = {PARTY: ("id",), ASSET: (DATA, "id")}.get(entry.kind, (entry.kind, "id"))
        for path, _ in self.flat(entry.kind, entry.content.facts):
            pointer, name = f"{entry.place}/facts{_pointer(path)}", ".".join(path)[:120]
            if path == own:
                yield ProblemPlace(pointer=pointer, code="own-id", detail=f"is the id of the {entry.kind}; leave it out")
            elif path in known:
                continue
            elif path in self._inner[entry.kind]:
                yield ProblemPlace(pointer=pointer, code="wrong-type", detail="must be an object")
            elif entry.kind == ASSET and path[0] not in self._asset_groups:
                groups = ", ".join(f"`{group}`" for group in self._asset_groups)
                detail = f"an asset cannot state `{name}`; it states facts of {groups}"
                yield ProblemPlace(pointer=pointer, code="unknown-fact", detail=detail)
            else:
                near = engine.did_you_mean(name, sorted(".".join(each) for each in known))
                whose = {PARTY: "a party has", ASSET: "an asset has"}.get(
                    entry.kind, f"an entity of the kind `{entry.kind}` states"
                )
                detail = f"{whose} no fact `{name}`; {near}".rstrip("; ")
                yield ProblemPlace(pointer=pointer, code="unknown-fact", detail=detail)

    def flat(self, kind: str, facts: Mapping[str, Any], before: Path = ()) -> Iterator[tuple[Path, Any]]:
        """Facts one by one, each with its path as it is written. Of an unknown group only the outermost path is given."""
        known, inner = self._known.get(kind, frozenset()), self._inner.get(kind, set())
        for name, value in facts.items():
            path = (*before, name)
            if path in inner and path not in known and isinstance(value, dict):
                yield from self.flat(kind, value, path)
            else:
                yield path, value

    def _refused(self, role: str, content: Content) -> Sequence[engine.ExchangeProblem]:
        """The problems that the engine finds in everything that is stated in a role."""
        states: dict[str, Any] = {}
        for each in self.stated(role, content):
            engine.put_at(states, each.path, each.value)
        document: dict[str, Any] = {engine.REGISTER: {role: {"states": states}}}
        if content.travels:
            document["carried"] = carried(content)
        try:
            engine.accept_exchange(self._bundle, document)
        except engine.ExchangeRefused as refused:
            at = f"/{engine.REGISTER}/{role}/states"
            return [replace(each, pointer=each.pointer.removeprefix(at)) for each in refused.problems]
        return ()


@lru_cache(maxsize=2)
def stating(live: Live) -> StatableFacts:
    """The facts that entities may state under the live policies."""
    return StatableFacts(live.bundle)


def carried(content: Content) -> list[dict[str, str]]:
    """The conditions that travel with an asset, as an exchange states them."""
    return [{"provision": each.provision, "from": each.from_} for each in content.travels]


def _path(name: str) -> Path:
    return tuple(name.split("."))


def _pointer(path: Path) -> str:
    return "".join(f"/{pointer_step(step)}" for step in path)


def _place_of(pointer: str, kind: str) -> str:
    """The place in an entity that belongs to a place in an exchange."""
    group, _, rest = pointer[1:].partition("/")
    match group:
        case "evidence" | "claims":
            return pointer
        case "carried":
            return f"/travels/{rest}" if rest else "/travels"
        case _ if kind == PARTY:
            return f"/facts/{rest}"
    return f"/facts{pointer}"
