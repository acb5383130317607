"""
Maps an access request to the exchange that it asks about, by the part `authzen` of the vocabulary.

What the store has of an entity is what the register says of it: the engine compares it with the attributes that are sent (semantics 1.8).
An attribute that the vocabulary does not map states nothing: facts that are not stated are unknown, and unknown facts permit nothing. A
property of subject, action or resource that may mean a fact is refused; the answer names what else states nothing (semantics 1.9). A
stored value that does not fit the vocabulary is not stated either, and neither are stored values that contradict each other; an attribute
cannot take their place. A sent value that does not fit is refused at its place in the request.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from typing import Any

import engine
from service.authzen.entity_store import KnownEntities, StoredEntity
from service.authzen.requests import SUPPORTED, Evaluation, refusal
from service.problems import PLACES_SHOWN, ProblemPlace, no_such

AS_OF = "as_of"
CARRIED: engine.Path = ("carried",)
RELIES_ON: engine.Path = ("relies_on",)
DOCUMENTS = ("evidence", "claims")
MOST_OF_A_NAME = 80  # characters of an attribute's name in a sentence and in a pointer
MOST_IGNORED = 20  # attributes that an answer names


class NotNamed(Exception):
    """The request names a type or an action that the vocabulary does not have, so the answer is no. `str()` says which."""


@dataclass(slots=True)
class _Entity:
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
        return {**found, "states": _nested(self.states)}


@dataclass(slots=True)
class _Stated:
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
    entities: dict[str, _Entity] = field(default_factory=dict)
    alone: dict[engine.Path, Any] = field(default_factory=dict)
    unusable: set[engine.Path] = field(default_factory=set)
    wrong: list[ProblemPlace] = field(default_factory=list)

    def send(self, path: engine.Path, value: Any, pointer: str) -> None:
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
                detail = f"gives another value for `{'.'.join(place)}` than `{before[1]}`"
                self.wrong.append(ProblemPlace(pointer=pointer, code="wrong-value", detail=detail))

    def store(self, entity: _Entity, path: engine.Path, value: Any) -> None:
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

    def settle(self) -> None:
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

    def document(self) -> dict[str, Any]:
        found = _nested({path: value for path, (value, _) in self.sent.items()})
        register = {key: entity.document() for key, entity in self.entities.items()}
        return {**found, engine.REGISTER: register} if register else found


class AccessMapping:
    """Reads access requests as exchanges of one bundle. Make one per bundle."""

    def __init__(self, bundle: engine.Bundle, text: engine.AuthZenText) -> None:
        self._bundle = bundle
        self._text = text
        self._places = engine.Places(bundle.vocabulary)
        self._recipient = bundle.vocabulary.recipient

    @property
    def actions(self) -> Sequence[str]:
        """The names of all actions."""
        return tuple(self._text.actions)

    def subject_kind(self, type: str) -> str | None:
        """The store's kind for subjects of a type; None where there is no such type."""
        return _kind(self._text.subjects, type)

    def resource_kind(self, type: str) -> str | None:
        """The store's kind for resources of a type; None where there is no such type."""
        return _kind(self._text.resources, type)

    def day(self, asked: Evaluation, today: date) -> date:
        """The day of the law and of the store: the day that the context states, or today."""
        for name, place in self._text.context.facts.items():
            sent = asked.context.get(name) if place == AS_OF else None
            if isinstance(sent, str):
                try:
                    return date.fromisoformat(sent)
                except ValueError:
                    pass  # reading the exchange refuses this later
        return today

    def exchange(self, asked: Evaluation, known: KnownEntities, today: date, reads: bool = False) -> engine.Exchange:
        """
        The exchange that the request asks about. Raises NotNamed; RequestRefused where an attribute does not fit its fact.

        `reads`: who asks may read the register, so that an id which only looks like one of the register is refused.
        """
        subject = self._text.subjects.get(asked.subject.type)
        action = self._text.actions.get(asked.action.name)
        resource = self._text.resources.get(asked.resource.type)
        if subject is None:
            raise NotNamed(no_such("type of subject", asked.subject.type, self._text.subjects))
        if action is None:
            raise NotNamed(no_such("action", asked.action.name, self._text.actions))
        if resource is None:
            raise NotNamed(no_such("type of resource", asked.resource.type, self._text.resources))
        stated, at = _Stated(self._places, self.day(asked, today), known, reads, self._recipient), asked.at
        stated.wrong += self._misspelt(asked)
        self._entity(stated, subject, asked.subject.type, asked.subject.id, asked.subject.properties, f"{at}/subject")
        self._entity(stated, resource, asked.resource.type, asked.resource.id, asked.resource.properties, f"{at}/resource")
        if action.name is not None:
            stated.send(self._path(action.name), asked.action.name, f"{at}/action/name")
        self._send(stated, action, asked.action.properties, f"{at}/action/properties")
        self._context(stated, asked.context, f"{at}/context")
        self._named_by_facts(stated)
        return self._read(stated)

    def ignored(self, asked: Evaluation) -> tuple[str, ...]:
        """Pointers to the attributes of a request that state nothing, as many as an answer names. Types and action are known."""
        found = (
            f"{asked.at}{at}/{_step(name[:MOST_OF_A_NAME])}"
            for text, attributes, at in self._texts(asked)
            for name in attributes
            if self._path_of(text, name) is None
        )
        return tuple(islice(found, MOST_IGNORED))

    def _misspelt(self, asked: Evaluation) -> Iterator[ProblemPlace]:
        """The properties of subject, action and resource that state nothing and may mean a fact which the request can state."""
        texts = self._texts(asked)
        for text, properties, at in texts[:3]:
            for name in properties:
                near = self._places.nearest(name) if self._path_of(text, name) is None else ()
                meant = [(fact, where) for fact in near if (where := _stated_by(fact, texts))]
                if meant:
                    told = " or ".join(f"`{fact}`, which `{where}` states" for fact, where in meant)
                    detail = f"no attribute here is called `{name[:MOST_OF_A_NAME]}`; did you mean {told}?"
                    yield ProblemPlace(
                        pointer=f"{asked.at}{at}/{_step(name[:MOST_OF_A_NAME])}", code="unknown-fact", detail=detail
                    )

    def _texts(self, asked: Evaluation) -> list[tuple[engine.AttributesText, Mapping[str, Any], str]]:
        """The parts of a request with attributes: how each is read, what is sent, the pointer to it. Types and action are known."""
        context = self._text.context
        found: list[tuple[engine.AttributesText, Mapping[str, Any], str]] = [
            (self._text.subjects[asked.subject.type], asked.subject.properties, "/subject/properties"),
            (self._text.actions[asked.action.name], asked.action.properties, "/action/properties"),
            (self._text.resources[asked.resource.type], asked.resource.properties, "/resource/properties"),
        ]
        besides = {*context.entities, *SUPPORTED}
        found.append((context, {name: each for name, each in asked.context.items() if name not in besides}, "/context"))
        for name, entity in context.entities.items():
            sent = asked.context.get(name)
            properties = sent.get("properties") if isinstance(sent, dict) else None
            found.append((entity, properties if isinstance(properties, dict) else {}, f"/context/{_step(name)}/properties"))
        return found

    def _context(self, stated: _Stated, context: Mapping[str, Any], where: str) -> None:
        text = self._text.context
        self._send(stated, text, {name: value for name, value in context.items() if name not in text.entities}, where)
        for name, entity in text.entities.items():
            if name not in context:
                continue
            at = f"{where}/{_step(name)}"
            sent = {"id": context[name]} if isinstance(context[name], str) else context[name]
            properties = sent.get("properties", {}) if isinstance(sent, dict) else None
            if not isinstance(properties, dict) or not isinstance(sent.get("id", ""), str) or sent.get("id", name) == "":
                detail = 'must be an id, or {"id": …, "properties": {…}}'
                stated.wrong.append(ProblemPlace(pointer=at, code="wrong-type", detail=detail))
            elif "id" in sent:
                self._entity(stated, entity, name, sent["id"], properties, at)
            else:
                self._send(stated, entity, properties, f"{at}/properties")

    def _entity(
        self,
        stated: _Stated,
        text: engine.EntityText,
        type: str,
        id: str,
        properties: Mapping[str, Any],
        at: str,
    ) -> None:
        """State an entity: its type, its first id and its properties, and beside them what the store has of it."""
        if id in engine.EVERYONE and text.id is not None and self._path(text.id)[0] == self._recipient:
            stated.send(self._path(text.id), id, f"{at}/id")
            self._send(stated, text, properties, f"{at}/properties")
            return
        found = self._stored(stated, text, type, id, text.id or at.rpartition("/")[2], f"{at}/id")
        if text.type is not None:
            stated.send(self._path(text.type), type, f"{at}/type")
        if text.id is not None:
            stated.send(self._path(text.id), found.id if found and not found.alike else id, f"{at}/id")
        self._send(stated, text, properties, f"{at}/properties")

    def _stored(self, stated: _Stated, text: engine.EntityText, type: str, id: str, name: str, at: str) -> StoredEntity | None:
        """
        What the store has of an entity, which the exchange has under a name: that of the fact that states its id, if there is one.

        `at` is the pointer to the id.
        """
        kind = text.entity or type
        found = stated.known.find(kind, id, stated.day)
        if found is None and text.id is None:
            return None
        if found is not None and found.alike and stated.reads:
            meant = " or ".join(f"`{each}`" for each in found.alike)
            detail = (
                f"`{id[:MOST_OF_A_NAME]}` is not in the register and looks like {meant}, which is; send the one that is meant"
            )
            stated.wrong.append(ProblemPlace(pointer=at, code="looks-like", detail=detail))
        entity = stated.entities.setdefault(name, _Entity(kind, found, found.id if found and text.id is None else ""))
        if found is not None and found.alike and text.id is not None:
            entity.states[self._path(text.id)] = found.id
        for path, value, _ in self._attributes(stated, text, found.properties if found else {}):
            stated.store(entity, path, value)
        return found

    def _named_by_facts(self, stated: _Stated) -> None:
        """An id that an attribute states is looked up as if its entity were named."""
        kinds = (self._text.subjects, self._text.resources, self._text.context.entities)
        for type, text in ((type, text) for texts in kinds for type, text in texts.items()):
            if text.id is not None and text.id not in stated.entities:
                sent, at = stated.sent.get(self._path(text.id), (None, ""))
                if isinstance(sent, str) and self._of_one_kind(text.id):
                    self._stored(stated, text, type, sent, text.id, at)

    def _of_one_kind(self, fact: str) -> bool:
        """Whether only entities of one kind have the id that a fact states."""
        kinds = (self._text.subjects, self._text.resources, self._text.context.entities)
        return len({text.entity or type for texts in kinds for type, text in texts.items() if text.id == fact}) == 1

    def _send(self, stated: _Stated, text: engine.AttributesText, values: Mapping[str, Any], at: str) -> None:
        for path, value, name in self._attributes(stated, text, values):
            stated.send(path, value, f"{at}/{_step(name)}")

    def _attributes(
        self, stated: _Stated, text: engine.AttributesText, values: Mapping[str, Any]
    ) -> Iterator[tuple[engine.Path, Any, str]]:
        """For each attribute that states something: the place to state it, the value to state, and its name."""
        for name, value in values.items():
            path = self._path_of(text, name)
            if path is not None:
                yield path, self._first(stated, text.names[name], value) if name in text.names else value, name

    def _path_of(self, text: engine.AttributesText, name: str) -> engine.Path | None:
        """The place that an attribute states; None where it states nothing."""
        place = text.facts.get(name)
        # A fact that is mapped from another name may still be stated by its own name, as the store does.
        if place is None and text.under is not None and "." not in name:
            own = {getattr(text, key, None) for key in ("type", "id", "name")}
            place = f"{text.under}.{name}" if f"{text.under}.{name}" not in own else None
        return None if place is None else self._places.path(place)

    def _first(self, stated: _Stated, type: str, value: Any) -> Any:
        """The id of an entity, or a list of ids. Each becomes the entity's first id if the store has the entity."""
        text = self._text.subjects.get(type) or self._text.resources[type]
        match value:
            case str():
                found = stated.known.find(text.entity or type, value, stated.day)
                return found.id if found and not found.alike else value
            case list():
                return [self._first(stated, type, each) if isinstance(each, str) else each for each in value]
        return value

    def _path(self, place: str) -> engine.Path:
        path = self._places.path(place)
        assert path is not None, "`check` has made sure"
        return path

    def _read(self, stated: _Stated) -> engine.Exchange:
        """The exchange without stored values that do not fit. Raises RequestRefused where a sent value does not fit."""
        while True:
            stated.settle()
            if stated.wrong:
                raise refusal(stated.wrong)
            try:
                return engine.accept_exchange(self._bundle, stated.document())
            except engine.ExchangeRefused as refused:
                problems = refused.problems
            # What is stored and contradicts what was sent is never left out: the sender would choose which of the two counts.
            unfit = [each for each in problems if each.code != engine.INCOHERENT]
            bad = {
                self._places.whole(path)
                for key, entity in stated.entities.items()
                for path in entity.states
                for each in unfit
                if _leads(each.pointer, (engine.REGISTER, key, "states", *path))
            }
            # Conditions that came with the data are never left out, since more might be permitted without them.
            if not bad:
                raise refusal([self._place(each, stated) for each in _hiding(problems)[:PLACES_SHOWN]])
            stated.unusable |= bad

    def _place(self, problem: engine.ExchangeProblem, stated: _Stated) -> ProblemPlace:
        """A problem of the exchange, with its place in the request."""
        for path, (_, pointer) in stated.sent.items():
            if _leads(problem.pointer, path):
                return ProblemPlace(pointer=pointer, code=problem.code, detail=problem.detail)
        return ProblemPlace(pointer="", code=problem.code, detail=problem.detail)


def _hiding(problems: Sequence[engine.ExchangeProblem]) -> list[engine.ExchangeProblem]:
    """The problems; where what was sent contradicts what is stored, without the sentence that would say what is stored."""
    stored = {each.words for each in problems if each.code == engine.INCOHERENT and _leads(each.pointer, (engine.REGISTER,))}
    detail = "cannot be true together with what the register states"
    return [replace(each, detail=detail) if each.words in stored else each for each in problems]


def _stated_by(fact: str, texts: Sequence[tuple[engine.AttributesText, Mapping[str, Any], str]]) -> str:
    """The pointer to the attribute of a request that states a fact, or a group with it; empty where none does."""
    for text, _, at in texts:
        own = {getattr(text, key, None) for key in ("type", "id", "name")}
        for name, place in text.facts.items():
            if fact == place or fact.startswith(f"{place}."):
                return f"{at}/{_step(name)}"
        if text.under is not None and fact.startswith(f"{text.under}.") and fact not in own:
            return f"{at}/{fact.removeprefix(f'{text.under}.').replace('.', '/')}"
    return ""


def _kind(types: Mapping[str, engine.EntityText], type: str) -> str | None:
    return (types[type].entity or type) if type in types else None


def _both(before: Any, more: Any) -> Any:
    """The members of two lists, each once. If one value is not a list, that value."""
    if isinstance(before, list) and isinstance(more, list):
        return [*before, *(each for each in more if each not in before)]
    return more if isinstance(before, list) else before


def _nested(values: Mapping[engine.Path, Any]) -> dict[str, Any]:
    """Values by place, as a document."""
    found: dict[str, Any] = {}
    for path, value in values.items():
        here = found
        for step in path[:-1]:
            here = here.setdefault(step, {})
        here[path[-1]] = value
    return found


def _spelt(value: Any) -> str:
    """A value as JSON text, so that `true` and `1` differ."""
    return json.dumps(value, sort_keys=True)


def _step(name: str) -> str:
    """A name as a step of a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _leads(pointer: str, path: engine.Path) -> bool:
    """Whether a JSON Pointer into an exchange leads to a place or to a value inside it."""
    place = "".join(f"/{_step(step)}" for step in path)
    return pointer == place or pointer.startswith(f"{place}/")
