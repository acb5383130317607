"""
What a sink asked for by name: its members and what a reading opened go in, the further members of an event's data come out.

A member that an event does not have, or whose value was erased, is not there.

INVARIANT (one name, one value): a group of facts or a document is no value. So no id and no person is sent under the name of what holds it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.log.leaf import SealedRecord, commitments_in, with_personal_values
from service.outbox.event_members import FACT
from service.outbox.stream_event import EventClass

_ENDS = frozenset({"at_least", "at_most"})
_OF_RECORDS = ("exporter", "recipient", "caller")
_OF_LEAVES: Mapping[EventClass, Mapping[str, str]] = {
    "commitment": {"caller": "by", "reason": "reason", "evidence": "evidence"},
    "watch": {"because": "because", "changes": "changes"},
}


def of_record(members: Sequence[str], known: Mapping[str, str | None], opened: SealedRecord | None) -> dict[str, Any]:
    """Of a decision. `opened` is its record with what was not erased, where a member needs it."""
    found: dict[str, Any] = {name: known[name] for name in _OF_RECORDS if name in members and known[name] is not None}
    if opened is None:
        return found
    document = with_personal_values(opened.leaf, opened.openings)
    if "exchange" in members:
        found["exchange"] = document["request"]
    if "answer" in members:
        found["answer"] = document["decision"]
    facts = {name: value for name in members if name.startswith(FACT) for value in _at(document["request"], name)}
    return {**found, **({"facts": facts} if facts else {})}


def of_leaf(members: Sequence[str], kind: EventClass, opened: Mapping[str, Any]) -> dict[str, Any]:
    """Of what happened to a commitment or was told of it; `opened` are the hidden members of its leaf that were not erased."""
    names = _OF_LEAVES[kind]
    return {name: opened[at] for name, at in names.items() if name in members and opened.get(at) is not None}


def _at(request: Mapping[str, Any], name: str) -> Iterable[Any]:
    """The value of a fact; none where it was not stated or was erased, or the name is that of a group."""
    value: Any = request
    for step in name.removeprefix(FACT).split("."):
        if not isinstance(value, Mapping) or step not in value:
            return
        value = value[step]
    if not any(commitments_in(value)) and not _is_group(value):
        yield value


def _is_group(value: Any) -> bool:
    """Whether something has values with names of their own. The two ends of a range are one value."""
    if isinstance(value, list):
        return any(map(_is_group, value))
    return isinstance(value, Mapping) and not value.keys() <= _ENDS
