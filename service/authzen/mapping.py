"""
Maps an access request to the exchange that it asks about, by the part `authzen` of the vocabulary.

Properties from the store are stated too; an attribute in the request replaces the stored one. An attribute that the vocabulary does
not map states nothing: facts that are not stated are unknown, and unknown facts permit nothing. A stored value that does not fit the
vocabulary is not stated either. A sent value that does not fit is refused at its place in the request.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import engine
from service.authzen.entity_store import Known
from service.authzen.requests import Evaluation, refusal
from service.problems import PLACES_SHOWN, ProblemPlace

AS_OF = "as_of"
CARRIED: engine.Path = ("carried",)


class NotNamed(Exception):
    """The request names a type or an action that the vocabulary does not have, so the answer is no. `str()` says which."""


@dataclass(slots=True)
class _Stated:
    """
    The values at each place of the exchange, as known on a day.

    `sent` has values of the request, each with the JSON Pointer of its attribute. `stored` has values of the store.
    """

    places: engine.Places
    day: date
    known: Known
    sent: dict[engine.Path, tuple[Any, str]] = field(default_factory=dict)
    stored: dict[engine.Path, Any] = field(default_factory=dict)
    wrong: list[ProblemPlace] = field(default_factory=list)
    contested: set[engine.Path] = field(default_factory=set)

    def send(self, path: engine.Path, value: Any, pointer: str) -> None:
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

    def store(self, path: engine.Path, value: Any) -> None:
        try:
            found = list(self.places.put(path, value))
        except engine.NotAnObject:
            return
        for place, each in found:
            before = self.stored.setdefault(place, each)
            if place == CARRIED:
                # Conditions from all sources are combined. A value that is not a list of them is kept, and is refused later.
                self.stored[place] = _both(before, each)
            elif _spelt(before) != _spelt(each):
                self.contested.add(place)

    def settle(self) -> None:
        """Sent values replace stored ones. Where the store contradicts itself, it states nothing."""
        # A request cannot remove conditions that came with the data; it can only add conditions.
        if CARRIED in self.stored and CARRIED in self.sent:
            sent, pointer = self.sent[CARRIED]
            self.sent[CARRIED] = _both(sent, self.stored[CARRIED]), pointer
        left_out = {self.places.whole(place) for place in (*self.sent, *self.contested)}
        self.stored = {place: value for place, value in self.stored.items() if self.places.whole(place) not in left_out}

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for path, value in (*self.stored.items(), *((path, value) for path, (value, _) in self.sent.items())):
            here = found
            for step in path[:-1]:
                here = here.setdefault(step, {})
            here[path[-1]] = value
        return found


class AccessMapping:
    """Reads access requests as exchanges of one bundle. Make one per bundle."""

    def __init__(self, bundle: engine.Bundle, text: engine.AuthZenText) -> None:
        self._bundle = bundle
        self._text = text
        self._places = engine.Places(bundle.vocabulary)

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

    def exchange(self, asked: Evaluation, known: Known, today: date) -> engine.Exchange:
        """The exchange that the request asks about. Raises NotNamed; RequestRefused where an attribute does not fit its fact."""
        subject = self._text.subjects.get(asked.subject.type)
        action = self._text.actions.get(asked.action.name)
        resource = self._text.resources.get(asked.resource.type)
        if subject is None:
            raise NotNamed(f"there is no type of subject `{asked.subject.type}`")
        if action is None:
            raise NotNamed(f"there is no action `{asked.action.name}`")
        if resource is None:
            raise NotNamed(f"there is no type of resource `{asked.resource.type}`")
        stated, at = _Stated(self._places, self.day(asked, today), known), asked.at
        self._entity(stated, subject, asked.subject.type, asked.subject.id, asked.subject.properties, f"{at}/subject")
        self._entity(stated, resource, asked.resource.type, asked.resource.id, asked.resource.properties, f"{at}/resource")
        if action.name is not None:
            stated.send(self._path(action.name), asked.action.name, f"{at}/action/name")
        self._send(stated, action, asked.action.properties, f"{at}/action/properties")
        self._context(stated, asked.context, f"{at}/context")
        if stated.wrong:
            raise refusal(stated.wrong)
        stated.settle()
        return self._read(stated)

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
        """State an entity: its type, its first id and its properties. Sent properties come before stored ones."""
        found = stated.known.find(text.entity or type, id, stated.day)
        if text.type is not None:
            stated.send(self._path(text.type), type, f"{at}/type")
        if text.id is not None:
            stated.send(self._path(text.id), found.id if found else id, f"{at}/id")
        self._send(stated, text, properties, f"{at}/properties")
        if found:
            more = {
                name: value
                for name, value in found.properties.items()
                if name not in properties or text.facts.get(name) == CARRIED[0]
            }
            for path, value, _ in self._attributes(stated, text, more):
                stated.store(path, value)

    def _send(self, stated: _Stated, text: engine.AttributesText, values: Mapping[str, Any], at: str) -> None:
        for path, value, name in self._attributes(stated, text, values):
            stated.send(path, value, f"{at}/{_step(name)}")

    def _attributes(
        self, stated: _Stated, text: engine.AttributesText, values: Mapping[str, Any]
    ) -> Iterator[tuple[engine.Path, Any, str]]:
        """For each attribute: the place to state it, the value to state, and its name."""
        own = {place for place in (getattr(text, key, None) for key in ("type", "id", "name")) if place is not None}
        for name, value in values.items():
            place = text.facts.get(name)
            # A fact that is mapped from another name may still be stated by its own name, as the store does.
            if place is None and text.under is not None and "." not in name and f"{text.under}.{name}" not in own:
                place = f"{text.under}.{name}"
            path = self._places.path(place) if place is not None else None
            if path is not None:
                yield path, self._first(stated, text.names[name], value) if name in text.names else value, name

    def _first(self, stated: _Stated, type: str, value: Any) -> Any:
        """The id of an entity, or a list of ids. Each becomes the entity's first id if the store has the entity."""
        text = self._text.subjects.get(type) or self._text.resources[type]
        match value:
            case str():
                found = stated.known.find(text.entity or type, value, stated.day)
                return found.id if found else value
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
            try:
                raw = json.dumps(stated.document()).encode()
                return engine.parse_exchange(self._bundle, raw)
            except engine.ExchangeRefused as refused:
                problems = refused.problems
            # What is stored and contradicts what was sent is never left out: the sender would choose which of the two counts.
            unfit = [each for each in problems if each.code != engine.INCOHERENT]
            bad = {path for path in stated.stored for each in unfit if _leads(each.pointer, path)}
            # Conditions that came with the data are never left out, since more might be permitted without them.
            if not bad or CARRIED in bad:
                raise refusal([self._place(each, stated) for each in problems[:PLACES_SHOWN]])
            # A family is left out as a whole: with `rest: 0`, a member that is left out would count as zero.
            wholes = {self._places.whole(path) for path in bad}
            stated.stored = {path: value for path, value in stated.stored.items() if self._places.whole(path) not in wholes}

    def _place(self, problem: engine.ExchangeProblem, stated: _Stated) -> ProblemPlace:
        """A problem of the exchange, with its place in the request."""
        for path, (_, pointer) in stated.sent.items():
            if _leads(problem.pointer, path):
                return ProblemPlace(pointer=pointer, code=problem.code, detail=problem.detail)
        detail = problem.detail
        if problem.code == engine.INCOHERENT:
            detail = f"the register states `{problem.pointer[1:].replace('/', '.')}`: {detail}"
        return ProblemPlace(pointer="", code=problem.code, detail=detail)


def _kind(types: Mapping[str, engine.EntityText], type: str) -> str | None:
    return (types[type].entity or type) if type in types else None


def _both(before: Any, more: Any) -> Any:
    """The members of two lists, each once. If one value is not a list, that value."""
    if isinstance(before, list) and isinstance(more, list):
        return [*before, *(each for each in more if each not in before)]
    return more if isinstance(before, list) else before


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
