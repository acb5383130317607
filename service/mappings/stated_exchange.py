"""
An exchange that is put together from the parts of a request, with what the register has of the entities that the request names.

Values go in, each with its place in the exchange and the pointer to where it was sent; an exchange comes out, or a refusal at these
pointers. What the store has of an entity is what the register says of it: the engine compares it with what is sent (semantics 1.8). A
stored value that does not fit the vocabulary is not stated, and neither are stored values that contradict each other; what is sent cannot
take their place. A sent value that does not fit is refused at its place in the request.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import engine
from service.mappings.entity_store import KnownEntities, StoredEntity
from service.problems import PLACES_SHOWN, ProblemPlace, RequestRefused

CARRIED: engine.Path = ("carried",)
RELIES_ON: engine.Path = ("relies_on",)
DOCUMENTS = ("evidence", "claims")
UNKNOWN = "unknown"  # as an id it names nobody: it says that the id is not known (semantics 1.2)
MOST_OF_A_NAME = 80  # characters of a name in a sentence and in a pointer

Attributes = Callable[[Mapping[str, Any]], Iterable[tuple[engine.Path, Any]]]
Refusal = Callable[[Sequence[ProblemPlace]], RequestRefused]


@dataclass(slots=True)
class StatedEntity:
    """An entity that the request names: its kind, what the store has, and the stored values by place. `id` is "" if a fact states it."""

    kind: str
    found: StoredEntity | None
    id: str = ""
    states: dict[engine.Path, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The entity as an exchange has it under `register`."""
        if self.found is None:
            return {"kind": self.kind, "known": False}
        found: dict[str, Any] = {"kind": self.kind}
        if self.found.version is not None:
            found["version"] = self.found.version
        if self.id:
            found["id"] = self.id
        if self.found.alike:
            found["alike"] = True
        return {**found, "states": engine.nested(self.states)}


@dataclass(slots=True)
class AssembledExchange:
    """
    The values at each place of the exchange, as known on a day. `reads`: who asks may read what the store has.

    `recipient` is the group of facts in whose place the public may be stated: as an id, or as a country.

    `sent` has values of the request, each with the JSON Pointer of its attribute. `entities` have values of the store, by the fact that
    states the id. `alone` has stored values of places that hold no fact. `unusable` are the places of which the store says nothing usable.
    """

    places: engine.Places
    day: date
    known: KnownEntities
    reads: bool
    recipient: str
    sent: dict[engine.Path, tuple[Any, str]] = field(default_factory=dict)
    entities: dict[str, StatedEntity] = field(default_factory=dict)
    alone: dict[engine.Path, Any] = field(default_factory=dict)
    unusable: set[engine.Path] = field(default_factory=set)
    wrong: list[ProblemPlace] = field(default_factory=list)

    def send(self, path: engine.Path, value: Any, pointer: str) -> None:
        """State a value of the request."""
        if self.recipient and path[0] == self.recipient and isinstance(value, str) and value in engine.EVERYONE:
            self.sent.setdefault((self.recipient,), (value, pointer))
            return
        try:
            found = list(self.places.put(path, value))
        except engine.NotAnObject as bad:
            under = "".join(f"/{step}" for step in bad.path[len(path) :])
            self.wrong.append(ProblemPlace(pointer=pointer + under, code="wrong-type", detail=str(bad)))
            return
        for place, each in found:
            before = self.sent.setdefault(place, (each, pointer))
            if _spelt(before[0]) != _spelt(each):
                other = f"`{before[1]}`" if before[1] else "what is the same in each request"
                detail = f"gives another value for `{'.'.join(place)}` than {other}"
                self.wrong.append(ProblemPlace(pointer=pointer, code="wrong-value", detail=detail))

    def look_up(
        self, kind: str, id: str, at: str, key: str, states: engine.Path | None, attributes: Attributes
    ) -> StoredEntity | None:
        """
        What the store has of an entity, which the exchange has under a key: that of the fact that states its id, if there is one.

        `at` is the pointer to the id, `states` the place of the fact that states it, `attributes` what the stored properties state.
        """
        if states is not None and id == UNKNOWN:
            return None
        found = self.known.find(kind, id, self.day)
        if found is None and states is None:
            return None
        if found is not None and found.alike and self.reads:
            meant = " or ".join(f"`{each}`" for each in found.alike)
            detail = (
                f"`{id[:MOST_OF_A_NAME]}` is not in the register and looks like {meant}, which is; send the one that is meant"
            )
            self.wrong.append(ProblemPlace(pointer=at, code="looks-like", detail=detail))
        entity = self.entities.setdefault(key, StatedEntity(kind, found, found.id if found and states is None else ""))
        if found is not None and found.alike and states is not None:
            entity.states[states] = found.id
        for path, value in attributes(found.properties if found else {}):
            self.store(entity, path, value)
        return found

    def first_id(self, kind: str, id: str) -> str:
        """The first id of an entity of the store; the id itself where the store does not have it."""
        found = self.known.find(kind, id, self.day)
        return found.id if found and not found.alike else id

    def store(self, entity: StatedEntity, path: engine.Path, value: Any) -> None:
        """State a value that the store has of an entity."""
        try:
            found = list(self.places.put(path, value))
        except engine.NotAnObject:
            self.unusable.add(self.places.whole(path))
            return
        for place, each in found:
            if place in (CARRIED, RELIES_ON):
                # Conditions from all sources are combined. A value that is not a list of them is kept, and is refused later.
                self.alone[place] = _both(self.alone[place], each) if place in self.alone else each
                continue
            stored = [other.states[place] for other in self.entities.values() if place in other.states]
            if any(_spelt(other) != _spelt(each) for other in stored):
                self.unusable.add(self.places.whole(place))
            entity.states.setdefault(place, each)

    def read(self, bundle: engine.Bundle, refusal: Refusal) -> engine.Exchange:
        """The exchange without stored values that do not fit. Raises what `refusal` makes where a sent value does not fit."""
        while True:
            self._settle()
            if self.wrong:
                raise refusal(self.wrong)
            try:
                return engine.accept_exchange(bundle, self.document())
            except engine.ExchangeRefused as refused:
                problems = refused.problems
            # What is stored and contradicts what was sent is never left out: the sender would choose which of the two counts.
            unfit = [each for each in problems if each.code != engine.INCOHERENT]
            bad = {
                self.places.whole(path)
                for key, entity in self.entities.items()
                for path in entity.states
                for each in unfit
                if _leads(each.pointer, (engine.REGISTER, key, "states", *path))
            }
            # Conditions that came with the data are never left out, since more might be permitted without them.
            if not bad:
                raise refusal([self._place(each) for each in _hiding(problems)[:PLACES_SHOWN]])
            self.unusable |= bad

    def document(self) -> dict[str, Any]:
        """The exchange as JSON."""
        found = engine.nested({path: value for path, (value, _) in self.sent.items()})
        register = {key: entity.document() for key, entity in self.entities.items()}
        return {**found, engine.REGISTER: register} if register else found

    def _settle(self) -> None:
        """Add stored conditions to those sent, and leave out what the store does not say usably."""
        for place, value in self.alone.items():
            sent, pointer = self.sent.setdefault(place, (value, ""))
            if place == CARRIED:
                # A request cannot remove conditions that came with the data; it can only add conditions.
                self.sent[place] = _both(sent, value), pointer
        for entity in self.entities.values():
            # A family is left out as a whole: with `rest: 0`, a member that is left out would count as zero.
            entity.states = {p: each for p, each in entity.states.items() if self.places.whole(p) not in self.unusable}
        public, _ = self.sent.get((self.recipient,), ("", ""))
        for place, (value, pointer) in self.sent.items():
            if public and place[0] == self.recipient and len(place) > 1:
                detail = f"states something of one party, and the recipient is {public}; leave one of the two out"
                self.wrong.append(ProblemPlace(pointer=pointer, code="wrong-value", detail=detail))
            presented = place[0] in DOCUMENTS and isinstance(value, dict)
            if self.places.whole(place) in self.unusable and not presented:
                detail = f"the register does not say usably what `{'.'.join(place)}` is, so a request cannot state it"
                self.wrong.append(ProblemPlace(pointer=pointer, code="register-unusable", detail=detail))

    def _place(self, problem: engine.ExchangeProblem) -> ProblemPlace:
        """A problem of the exchange, with its place in the request."""
        for path, (_, pointer) in self.sent.items():
            if _leads(problem.pointer, path):
                return ProblemPlace(pointer=pointer, code=problem.code, detail=problem.detail)
        return ProblemPlace(pointer="", code=problem.code, detail=problem.detail)


def pointer_step(name: str) -> str:
    """A name as a step of a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _hiding(problems: Sequence[engine.ExchangeProblem]) -> list[engine.ExchangeProblem]:
    """The problems; where what was sent contradicts what is stored, without the sentence that would say what is stored."""
    stored = {each.words for each in problems if each.code == engine.INCOHERENT and _leads(each.pointer, (engine.REGISTER,))}
    detail = "cannot be true together with what the register states"
    return [replace(each, detail=detail) if each.words in stored else each for each in problems]


def _both(before: Any, more: Any) -> Any:
    """The members of two lists, each once. If one value is not a list, that value."""
    if isinstance(before, list) and isinstance(more, list):
        return [*before, *(each for each in more if each not in before)]
    return more if isinstance(before, list) else before


def _spelt(value: Any) -> str:
    """A value as JSON text, so that `true` and `1` differ."""
    return json.dumps(value, sort_keys=True)


def _leads(pointer: str, path: engine.Path) -> bool:
    """Whether a JSON Pointer into an exchange leads to a place or to a value inside it."""
    place = "".join(f"/{pointer_step(step)}" for step in path)
    return pointer == place or pointer.startswith(f"{place}/")
