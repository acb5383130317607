"""The entities that the exchange of a record names: a record with its personal values goes in, and each of them comes out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import engine
from service.register.stated_facts import ROLES


@dataclass(frozen=True, slots=True)
class NamedEntity:
    """An entity that an exchange names: its role and kind, its id (None if it was erased), and the version used, None if none was."""

    role: str
    kind: str
    id: str | None
    version: int | None


def named_in(record: Mapping[str, Any]) -> Iterator[NamedEntity]:
    """The entities that the exchange of a record names, whether or not the register had them."""
    request = record["request"]
    registered = request.get(engine.REGISTER, {})
    for name, entity in registered.items():
        role = name.partition(".")[0]
        yield NamedEntity(role, entity["kind"], entity.get("id") or _id(request, role), entity.get("version"))
    for role, kind in ROLES.items():
        if f"{role}.id" in registered or role in registered:
            continue
        sent = request.get(role)
        if isinstance(sent, dict) and sent.get("id", "unknown") != "unknown":
            yield NamedEntity(role, kind, _id(request, role), None)


def _id(request: Mapping[str, Any], role: str) -> str | None:
    """The id that a request states in a role; None where it is erased."""
    group = request.get(role)
    id = group.get("id") if isinstance(group, dict) else None
    return id if isinstance(id, str) else None
