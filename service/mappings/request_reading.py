"""
Reads what a program asks as an exchange, by a mapping: its input as JSON goes in; an exchange, or why there is none to decide, comes out.

The mapping says which places of the input name the operation. An operation that it does not name is refused: it is not known whether
data move. What a place states is a fact like one that a caller sends itself. A place that is not in the input, or is `null`, states
nothing, and an unknown fact permits nothing. A word that the mapping does not translate, an id in parts that could be cut in two ways,
and a path that two servers may read differently are refused at their places.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NoReturn

import engine
from service.mappings.entity_store import KnownEntities
from service.mappings.stated_exchange import DOCUMENTS, MOST_OF_A_NAME, AssembledExchange, Attributes, Refusal, pointer_step
from service.problems import ProblemPlace, RequestRefused, refused_at
from service.register.entity import ASSET, PARTY, is_id
from service.register.stated_facts import StatableFacts

# Parts of a path that one server reads as another path than the next: written or encoded in a way that some of them undo.
_DOUBTFUL = re.compile(r"[%\\;?#\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_WHOLE = re.compile(r"[0-9]{1,15}")
_ANSWERS = {"yes": True, "true": True, "no": False, "false": False}
_NOTHING = object()
MOST_NAMED = 6  # operations and words that a refusal lists


@dataclass(frozen=True, slots=True)
class ReadStatement:
    """What a place of the input states: the fact, its value as JSON, and the pointer to it; "" where the mapping itself states it."""

    fact: str
    value: Any
    pointer: str


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """
    What a program asks: the operation as the mapping names it, and the exchange; None where the operation moves no data (`why_not`).

    `statements` are what the input and the mapping state, `by_client` the facts among them that a client of the program can set.
    """

    operation: str
    exchange: engine.Exchange | None
    why_not: str
    statements: tuple[ReadStatement, ...] = ()
    by_client: tuple[str, ...] = ()
    entities: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def refusal(places: Sequence[ProblemPlace]) -> RequestRefused:
    """The refusal of what a program asks, at its places in the body."""
    return refused_at("mapping-refused", places)


class RequestReading:
    """Reads what a program asks by one mapping of a bundle. `at` is the pointer to the input in the body."""

    def __init__(
        self,
        bundle: engine.Bundle,
        states: StatableFacts,
        mapping: engine.RequestMapping,
        at: str = "",
        refused: Refusal = refusal,
    ) -> None:
        self._bundle = bundle
        self._states = states
        self._text = mapping.text
        self._name = mapping.name
        self._at = at
        self._refused = refused
        self._places = engine.Places(bundle.vocabulary)
        self._groups = frozenset(name.partition(".")[0] for name in self._places.names())
        self._patterns = sorted(map(engine.pattern, mapping.text.operations), key=lambda each: each.order)

    def read(self, sent: Mapping[str, Any], known: KnownEntities, today: date, reads: bool) -> ReadRequest:
        """
        What the input asks. Raises RequestRefused; EntityNotValid where it names an entity that is not valid today.

        `reads`: who asks may read the register, so that an id which only looks like one of the register is refused.
        """
        pattern, steps = self._operation(sent)
        said = self._text.operations[pattern.name]
        if said.decided is None:
            assert said.moves_no_data is not None, "the model has one of the two"
            return ReadRequest(pattern.name, None, said.moves_no_data.en)
        stated = AssembledExchange(self._places, today, known, reads, self._bundle.vocabulary.recipient)
        read = _InputReading(self._bundle, self._states, stated, sent, steps, self._at, self._path_place(sent), self._groups)
        read.all([self._text, said.decided])
        exchange = stated.read(self._bundle, self._refused)
        statements = tuple(ReadStatement(".".join(path), value, at) for path, (value, at) in stated.sent.items())
        client = {fact for fact, places in read.origins.items() if not places.isdisjoint(self._text.from_client)}
        by_client = tuple(sorted(each.fact for each in statements if not client.isdisjoint(_and_above(each.fact))))
        entities = {key: entity.document() for key, entity in stated.entities.items()}
        return ReadRequest(pattern.name, exchange, "", statements, by_client, entities)

    def _operation(self, sent: Mapping[str, Any]) -> tuple[engine.OperationPattern, Mapping[str, str]]:
        """The operation that is asked for, with the named steps of its path. Raises RequestRefused."""
        words = [self._word(sent, place) for place in engine.operation_places(self._text)]
        for each in self._patterns:
            steps = each.match(words)
            if steps is not None:
                return each, steps
        asked = " ".join(words)[:MOST_OF_A_NAME]
        named = ", ".join(f"`{each}`" for each in list(self._text.operations)[:MOST_NAMED])
        more = " and more" if len(self._text.operations) > MOST_NAMED else ""
        meant = engine.did_you_mean(asked, self._text.operations) or f"it names {named}{more}"
        said = f"the mapping `{self._name}` names no operation `{asked}`"
        self._refuse(engine.operation_places(self._text)[-1], "unknown-operation", f"{said}; {meant}")

    def _path_place(self, sent: Mapping[str, Any]) -> str:
        """The place of the path that the operation names, where it names one."""
        places = engine.operation_places(self._text)
        return next((each for each in places if str(value_at(sent, each)).startswith("/")), "")

    def _word(self, sent: Mapping[str, Any], place: str) -> str:
        """What a place says of the operation. Raises RequestRefused."""
        found = value_at(sent, place)
        if found is _NOTHING:
            self._refuse(place, "missing", "says which operation is asked for, and is missing")
        if not isinstance(found, str) or not found:
            self._refuse(place, "wrong-type", "says which operation is asked for, and must be a text")
        if found.startswith("/") and (problem := path_problem(found)):
            self._refuse(place, "wrong-value", problem)
        return found

    def _refuse(self, place: str, code: str, detail: str) -> NoReturn:
        raise self._refused([ProblemPlace(pointer=self._at + place, code=code, detail=detail)])


def unread(text: engine.RequestMappingText, operation: str, sent: Mapping[str, Any]) -> Iterator[str]:
    """Pointers to what an input has that nothing of a mapping reads for an operation."""
    decided = text.operations[operation].decided
    readings = [text, decided] if decided is not None else []
    known = {*engine.operation_places(text), *(place for each in readings for _, place in engine.places_of(each))}

    def below(value: Any, pointer: str) -> Iterator[str]:
        if pointer in known:
            return
        inner = value.items() if isinstance(value, dict) else ()
        if not inner:
            yield pointer
        for name, each in inner:
            yield from below(each, f"{pointer}/{pointer_step(name)}")

    for name, value in sent.items():
        yield from below(value, f"/{pointer_step(name)}")


def absent(text: engine.RequestMappingText, operation: str, sent: Mapping[str, Any]) -> list[str]:
    """Pointers of a mapping that lead to nothing in an input, or to `null`, so that they state nothing for an operation."""
    readings = [text, *filter(None, [text.operations[operation].decided])]
    whole = engine.RequestReadingText(
        facts={place: said for each in readings for place, said in each.facts.items()},
        entities={name: said for each in readings for name, said in each.entities.items()},
    )
    places = dict.fromkeys(place for _, place in engine.places_of(whole) if not engine.path_name(place))
    return [place for place in places if value_at(sent, place) is _NOTHING]


def path_problem(path: str) -> str:
    """Why two servers may read a path differently, in a sentence; "" where none may."""
    steps = path[1:].split("/")
    if found := _DOUBTFUL.search(path):
        return f"has {found.group()!r}, which two servers may read differently; send a path of plain steps without a query"
    if any(step in ("", ".", "..") for step in steps[:-1]) or steps[-1] in (".", ".."):
        return "has a step that is empty or made of dots, which two servers may read differently; send a plain path"
    return ""


def value_at(document: Any, pointer: str) -> Any:
    """What a JSON Pointer leads to in a document; a mark of its own where there is nothing, or `null`."""
    here = document
    for step in engine.pointer_steps(pointer):
        match here:
            case dict() if step in here:
                here = here[step]
            case list() if step.isascii() and step.isdecimal() and str(int(step[:6])) == step and int(step) < len(here):
                here = here[int(step)]
            case _:
                return _NOTHING
    return _NOTHING if here is None else here


class _InputReading:
    """
    One input, as it states facts. `steps` are the named steps of the path, `at` the pointer to the input in the body, `path` the place of
    the path in it.

    `groups` are the first steps of all facts. `origins` has the places of the input that state a fact, a family or a group, by its name.
    """

    def __init__(
        self,
        bundle: engine.Bundle,
        states: StatableFacts,
        stated: AssembledExchange,
        sent: Mapping[str, Any],
        steps: Mapping[str, str],
        at: str,
        path: str,
        groups: frozenset[str],
    ) -> None:
        self._bundle = bundle
        self._stated = stated
        self._sent = sent
        self._steps = steps
        self._at = at
        self._path_place = path
        self._kinds = states.kinds
        self._groups = groups
        self.origins: dict[str, set[str]] = {}

    def all(self, readings: Sequence[engine.RequestReadingText]) -> None:
        """State everything that some readings say; a later one takes the place of an earlier one where both name the same."""
        constants = {fact: value for each in readings for fact, value in each.constants.items()}
        facts = {place: said for each in readings for place, said in each.facts.items()}
        entities = {name: said for each in readings for name, said in each.entities.items()}
        document = self._bundle.mapped_exchange(constants)
        for fact in constants:
            self._stated.send(self._path(fact), _inside(document, self._path(fact)), "")
        for place, said in facts.items():
            self._fact(place, said)
        for name, entity in entities.items():
            self._entity(name, entity)
        self._named_by_facts()

    def _fact(self, place: str, said: str | engine.TranslatedText) -> None:
        value = self._value(place)
        if value is _NOTHING:
            return
        pointer = self._pointer(place)
        if isinstance(said, str):
            self._send(said, _as_stated(self._bundle, said, value), place)
            return
        words = value if isinstance(value, list) else [value]
        translated = [self._translated(said, word, pointer) for word in words]
        if _NOTHING in translated:
            return
        type = self._bundle.vocabulary.type_of(said.fact)
        if type is not None and type.many:
            values = [each for found in translated for each in (found if isinstance(found, list) else [found])]
            self._send(said.fact, list(dict.fromkeys(values)), place)
        elif len(translated) == 1:
            self._send(said.fact, translated[0], place)
        else:
            self._wrong(pointer, "wrong-type", f"must be one word, which states `{said.fact}`, and not {len(words)} values")

    def _translated(self, said: engine.TranslatedText, word: Any, pointer: str) -> Any:
        spelt = json.dumps(word) if isinstance(word, bool | int) else word
        if not isinstance(spelt, str):
            self._wrong(pointer, "wrong-type", f"must be a word that states `{said.fact}`")
        elif spelt not in said.values:
            known = ", ".join(f"`{each}`" for each in list(said.values)[:MOST_NAMED])
            detail = f"the mapping does not say which `{said.fact}` it means by `{spelt[:MOST_OF_A_NAME]}`; it knows {known}"
            self._wrong(pointer, "wrong-value", detail)
        else:
            return _inside(self._bundle.mapped_exchange({said.fact: said.values[spelt]}), self._path(said.fact))
        return _NOTHING

    def _entity(self, name: str, said: engine.RequestEntityText) -> None:
        id, pointer = (said.constant, "") if said.constant is not None else self._id(said)
        if id is None:
            return
        states = self._path(said.id) if said.id is not None else None
        if states is not None and id in engine.EVERYONE and states[0] == self._stated.recipient:
            self._stated.send(states, id, pointer)
            return
        if not is_id(id):
            self._wrong(pointer, "wrong-value", f"`{id[:MOST_OF_A_NAME]}` cannot be an id")
            return
        found = self._stated.look_up(said.entity, id, pointer, said.id or name, states, self._attributes(said))
        if states is not None:
            self._stated.send(states, found.id if found and not found.alike else id, pointer)

    def _id(self, said: engine.RequestEntityText) -> tuple[str | None, str]:
        """The id of an entity, and the pointer to it or to its last part; None where it is not there, or wrong."""
        places = [said.at] if isinstance(said.at, str) else said.at or []
        values = [self._value(place) for place in places]
        pointer = self._pointer(places[-1])
        if said.id is not None:
            self.origins.setdefault(said.id, set()).update(places)
        if _NOTHING in values:
            return None, pointer
        for place, value in zip(places, values, strict=True):
            at = self._pointer(place)
            if not isinstance(value, str) or not value:
                self._wrong(at, "wrong-type", "must be a text: the id of one entity, or a part of it")
                return None, at
            if len(places) > 1 and said.join in value:
                detail = (
                    f"has `{said.join}` in it, which stands between the parts of the id, so the id could be cut in two ways"
                )
                self._wrong(at, "wrong-value", detail)
                return None, at
        return said.join.join(values), pointer

    def _attributes(self, said: engine.RequestEntityText) -> Attributes:
        """
        What the stored properties of an entity state.

        INVARIANT: what a party, an asset or an entity of a declared kind states in the register, it states in each request that names it.
        """
        role = said.id.partition(".")[0] if said.id else ""

        def own(name: str) -> str | None:
            if said.entity == PARTY:
                return name if name in DOCUMENTS else f"{role}.{name}" if role and "." not in name and name != "id" else None
            return name if (said.entity == ASSET or said.entity in self._kinds) and name in self._groups else None

        def attributes(properties: Mapping[str, Any]) -> Iterator[tuple[engine.Path, Any]]:
            for name, value in properties.items():
                for place in (own(name), said.facts.get(name)):
                    path = self._stated.places.path(place) if place is not None else None
                    if path is not None:
                        yield path, value

        return attributes

    def _named_by_facts(self) -> None:
        """An id that a fact states, also one of another entity of the register, is looked up as if its entity were named."""
        for role, kind in self._kinds.items():
            key = f"{role}.id"
            path = self._stated.places.path(key)
            if path is None or key in self._stated.entities:
                continue
            id, pointer = self._stated.sent.get(path, (None, ""))
            if id is None:
                registered = [entity.states[path] for entity in self._stated.entities.values() if path in entity.states]
                id = registered[0] if len(registered) == 1 else None
            if isinstance(id, str) and is_id(id):
                named = engine.RequestEntityText(entity=kind, constant=id, id=key)
                found = self._stated.look_up(kind, id, pointer, key, path, self._attributes(named))
                if found and not found.alike:
                    self._call_by(path, found.id)

    def _call_by(self, path: engine.Path, id: str) -> None:
        """Give an entity its first id wherever another of its ids is stated."""
        if path in self._stated.sent:
            self._stated.sent[path] = id, self._stated.sent[path][1]
        for entity in self._stated.entities.values():
            if path in entity.states:
                entity.states[path] = id

    def _send(self, fact: str, value: Any, place: str) -> None:
        self.origins.setdefault(fact, set()).add(place)
        self._stated.send(self._path(fact), value, self._pointer(place))

    def _value(self, place: str) -> Any:
        name = engine.path_name(place)
        return self._steps.get(name, _NOTHING) if name else value_at(self._sent, place)

    def _pointer(self, place: str) -> str:
        """The pointer to a place in the body; to the path for a step of it."""
        return self._at + (self._path_place if engine.path_name(place) else place)

    def _path(self, fact: str) -> engine.Path:
        path = self._stated.places.path(fact)
        assert path is not None, "`check` has made sure"
        return path

    def _wrong(self, pointer: str, code: str, detail: str) -> None:
        self._stated.wrong.append(ProblemPlace(pointer=pointer, code=code, detail=detail))


def _as_stated(bundle: engine.Bundle, fact: str, value: Any) -> Any:
    """A value that a program sends, as an exchange has it: a header is always a text, also where it is a number or an answer."""
    type = bundle.vocabulary.type_of(fact)
    if type is None or not isinstance(value, str):
        return value
    if type.many:
        return [value]
    if type.kind == "yes/no":
        return _ANSWERS.get(value, value)
    return int(value) if type.kind == "count" and _WHOLE.fullmatch(value) else value


def _and_above(fact: str) -> Iterator[str]:
    """A fact, and the names of the families and groups that it is in."""
    steps = fact.split(".")
    return (".".join(steps[:number]) for number in range(1, len(steps) + 1))


def _inside(document: Mapping[str, Any], path: Iterable[str]) -> Any:
    here: Any = document
    for step in path:
        here = here[step]
    return here
