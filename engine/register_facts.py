"""
What the register says of the entities that an exchange names, beside what the sender states (semantics 1.8).

What the sender states and what each entity states go in; one value for each fact comes out, with the facts whose value is the register's.
Where the two contradict each other, the fact is disputed: it is open between both values. A value that only says less contradicts
nothing, and a document that the sender presents counts as presented. What is registered of an entity that an id only looks like is open:
the fact is as if disputed (semantics 1.9).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.values import Amount, AmountRange, Disputed, Document, Missing, Range, SetOf, Value, ValueSet

IN_REGISTER = ".registered"  # the end of a name: of the fact whether an id is in the register, which only the register states
REGISTERED, COUNTED = "registered", "counted"  # where a value is from, if it is not stated
SHOWN = "shown"  # of a document or claim: somebody checked its bytes, or a signature on it


@dataclass(frozen=True, slots=True)
class RegisteredEntity:
    """
    What the register states of one entity, by fact; `version` is the version of the entity that states it, if that is known.

    `kind` is the kind under which the register has it, "" if that is not known. `also` are its other names, where a document is for one.
    `alike`: the id that was sent only looks like its own, so nobody knows whether it is meant (semantics 1.9).
    """

    kind: str
    version: int | None
    states: Mapping[str, Value]
    also: tuple[str, ...] = ()
    alike: bool = False


def join_facts(
    stated: Mapping[str, Value], registered: Mapping[str, Value], sets: Mapping[str, ValueSet | None]
) -> tuple[dict[str, Value], dict[str, str]]:
    """The value of each fact that is stated or registered, and the sources of those that are the register's."""
    values, sources = dict(stated), {}
    for fact, theirs in registered.items():
        mine = stated.get(fact, Missing.LEFT_OUT)
        if isinstance(mine, Document) and mine.state == "shown":
            continue
        if isinstance(mine, Missing) or says_less(mine, theirs, sets.get(fact)):
            if mine is not Missing.UNKNOWN or theirs is not Missing.UNKNOWN:
                values[fact], sources[fact] = theirs, REGISTERED
        elif not says_less(theirs, mine, sets.get(fact)):
            values[fact] = Disputed(mine, theirs)
    return values, sources


def with_known_ids(
    values: Mapping[str, Value], register: Mapping[str, RegisteredEntity | None], fields: Mapping[str, str]
) -> dict[str, Value]:
    """
    The documents that are for an entity by another of its names, as documents for its id. Source: semantics 2.3.

    `fields` has by field of a document the fact of the exchange that must lie within it.
    """
    found: dict[str, Value] = {}
    for fact, entity in register.items():
        id = values.get(fact)
        names = [name for name, measured in fields.items() if measured == fact]
        if entity is None or entity.alike or not entity.also or not names or not isinstance(id, str):
            continue
        for document, value in {**values, **found}.items():
            for name in names:
                limit = value.fields.get(name) if isinstance(value, Document) else None
                if isinstance(value, Document) and isinstance(limit, SetOf) and not limit.members.isdisjoint(entity.also):
                    value = Document(value.state, {**value.fields, name: SetOf(limit.members | {id}, limit.open)})
                    found[document] = value
    return found


def doubt_facts(values: Mapping[str, Value], alike: Mapping[str, Value]) -> dict[str, Value]:
    """
    The value of each fact where some are registered of an entity that may not be the one that is meant (semantics 1.9).

    Each such fact is open between what it is without the entity and what it is by it. What is presented counts as presented.
    """
    found = dict(values)
    for fact, theirs in alike.items():
        mine = values.get(fact, Missing.LEFT_OUT)
        presented = isinstance(mine, Document) and mine.state == "shown"
        if mine != theirs and not presented:
            found[fact] = Disputed(mine.stated if isinstance(mine, Disputed) else mine, theirs)
    return found


def says_less(wide: Value, narrow: Value, values: ValueSet | None) -> bool:
    """Whether a value says the same as another, or less than it without contradicting it (semantics 2.4, 2.5, 2.8)."""
    match wide, narrow:
        case Missing(), _:
            return True
        case Range(), Range():
            ends = narrow.high is not None and (wide.high is None or narrow.high <= wide.high)
            return wide.low <= narrow.low and (ends or wide.high is None)
        case AmountRange(), Amount() | AmountRange() if wide.unit == narrow.unit:
            low, high = (narrow.amount, narrow.amount) if isinstance(narrow, Amount) else (narrow.low, narrow.high)
            return wide.low <= low and (wide.high is None or (high is not None and high <= wide.high))
        case SetOf(open=True), SetOf():
            return all(any(_says_less(each, other, values) for other in narrow.members) for each in wide.members)
        case str(), str():
            return _says_less(wide, narrow, values)
    return wide == narrow


def _says_less(wide: str, narrow: str, values: ValueSet | None) -> bool:
    """Whether a value is another, or one that it lies under and that leaves open which of them it is."""
    return wide == narrow or (values is not None and wide not in values.exact and wide in values.ancestors(narrow))
