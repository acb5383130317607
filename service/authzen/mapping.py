"""
Maps an access request to the exchange that it asks about, by the part `authzen` of the vocabulary.

`service.mappings.stated_exchange` has the values and what the store has of the entities. An attribute that the vocabulary does not map
states nothing: facts that are not stated are unknown, and unknown facts permit nothing. A property of subject, action or resource that may
mean a fact is refused; the answer names what else states nothing (semantics 1.9).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any

import engine
from service.authzen.requests import SUPPORTED, Evaluation, refusal
from service.mappings.entity_store import KnownEntities, StoredEntity
from service.mappings.stated_exchange import MOST_OF_A_NAME, AssembledExchange, pointer_step
from service.problems import ProblemPlace, no_such

AS_OF = "as_of"
MOST_IGNORED = 20  # attributes that an answer names


class NotNamed(Exception):
    """The request names a type or an action that the vocabulary does not have, so the answer is no. `str()` says which."""


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
        stated, at = AssembledExchange(self._places, self.day(asked, today), known, reads, self._recipient), asked.at
        stated.wrong += self._misspelt(asked)
        self._entity(stated, subject, asked.subject.type, asked.subject.id, asked.subject.properties, f"{at}/subject")
        self._entity(stated, resource, asked.resource.type, asked.resource.id, asked.resource.properties, f"{at}/resource")
        if action.name is not None:
            stated.send(self._path(action.name), asked.action.name, f"{at}/action/name")
        self._send(stated, action, asked.action.properties, f"{at}/action/properties")
        self._context(stated, asked.context, f"{at}/context")
        self._named_by_facts(stated)
        return stated.read(self._bundle, refusal)

    def ignored(self, asked: Evaluation) -> tuple[str, ...]:
        """Pointers to the attributes of a request that state nothing, as many as an answer names. Types and action are known."""
        found = (
            f"{asked.at}{at}/{pointer_step(name[:MOST_OF_A_NAME])}"
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
                        pointer=f"{asked.at}{at}/{pointer_step(name[:MOST_OF_A_NAME])}", code="unknown-fact", detail=detail
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
            found.append(
                (entity, properties if isinstance(properties, dict) else {}, f"/context/{pointer_step(name)}/properties")
            )
        return found

    def _context(self, stated: AssembledExchange, context: Mapping[str, Any], where: str) -> None:
        text = self._text.context
        self._send(stated, text, {name: value for name, value in context.items() if name not in text.entities}, where)
        for name, entity in text.entities.items():
            if name not in context:
                continue
            at = f"{where}/{pointer_step(name)}"
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
        stated: AssembledExchange,
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

    def _stored(
        self, stated: AssembledExchange, text: engine.EntityText, type: str, id: str, name: str, at: str
    ) -> StoredEntity | None:
        """
        What the store has of an entity, which the exchange has under a name: that of the fact that states its id, if there is one.

        `at` is the pointer to the id.
        """
        states = self._path(text.id) if text.id is not None else None
        return stated.look_up(
            text.entity or type,
            id,
            at,
            name,
            states,
            lambda properties: ((path, value) for path, value, _ in self._attributes(stated, text, properties)),
        )

    def _named_by_facts(self, stated: AssembledExchange) -> None:
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

    def _send(self, stated: AssembledExchange, text: engine.AttributesText, values: Mapping[str, Any], at: str) -> None:
        for path, value, name in self._attributes(stated, text, values):
            stated.send(path, value, f"{at}/{pointer_step(name)}")

    def _attributes(
        self, stated: AssembledExchange, text: engine.AttributesText, values: Mapping[str, Any]
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

    def _first(self, stated: AssembledExchange, type: str, value: Any) -> Any:
        """The id of an entity, or a list of ids. Each becomes the entity's first id if the store has the entity."""
        text = self._text.subjects.get(type) or self._text.resources[type]
        match value:
            case str():
                return stated.first_id(text.entity or type, value)
            case list():
                return [self._first(stated, type, each) if isinstance(each, str) else each for each in value]
        return value

    def _path(self, place: str) -> engine.Path:
        path = self._places.path(place)
        assert path is not None, "`check` has made sure"
        return path


def _stated_by(fact: str, texts: Sequence[tuple[engine.AttributesText, Mapping[str, Any], str]]) -> str:
    """The pointer to the attribute of a request that states a fact, or a group with it; empty where none does."""
    for text, _, at in texts:
        own = {getattr(text, key, None) for key in ("type", "id", "name")}
        for name, place in text.facts.items():
            if fact == place or fact.startswith(f"{place}."):
                return f"{at}/{pointer_step(name)}"
        if text.under is not None and fact.startswith(f"{text.under}.") and fact not in own:
            return f"{at}/{fact.removeprefix(f'{text.under}.').replace('.', '/')}"
    return ""


def _kind(types: Mapping[str, engine.EntityText], type: str) -> str | None:
    return (types[type].entity or type) if type in types else None
