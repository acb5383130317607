"""
Saved searches of the log: the parameters of an address, under a name, each for the caller who saved it.

They are no part of the log: they are in no leaf, and nothing rests on them. A search that quotes a value is deleted when the value is
erased, since a party's id may be personal.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from uuid_utils import uuid7

from service.limits import SAVED_SEARCHES_OF_ONE
from service.store.tables import saved_search

MOST_NAME = 100  # characters


class SearchRefused(ValueError):
    """The search cannot be saved: its name is empty or too long, or the caller has too many."""


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search under a name; `parameters` are those of the address of the list."""

    id: str
    name: str
    parameters: Mapping[str, Any]


def of_caller(connection: sa.Connection, caller: str) -> list[SavedSearch]:
    """The searches that a caller saved, by name."""
    rows = sa.select(saved_search).where(saved_search.c.caller == caller).order_by(saved_search.c.name)
    return [SavedSearch(row.id, row.name, json.loads(row.parameters)) for row in connection.execute(rows)]


def save(transaction: sa.Connection, caller: str, name: str, parameters: Mapping[str, Any], at: str) -> None:
    """Save a search. One that the caller saved under the same name is replaced. Raises SearchRefused."""
    name = " ".join(name.split())
    if not (0 < len(name) <= MOST_NAME and name.isprintable()):
        raise SearchRefused
    transaction.execute(sa.delete(saved_search).where(saved_search.c.caller == caller, saved_search.c.name == name))
    count = sa.select(sa.func.count()).select_from(saved_search).where(saved_search.c.caller == caller)
    if transaction.execute(count).scalar_one() >= SAVED_SEARCHES_OF_ONE:
        raise SearchRefused
    row = {
        "id": str(uuid7()),
        "caller": caller,
        "name": name,
        "parameters": json.dumps(parameters, ensure_ascii=False),
        "saved_at": at,
    }
    transaction.execute(sa.insert(saved_search), row)


def delete(transaction: sa.Connection, caller: str, id: str) -> None:
    """Delete a search of a caller, if there is one with this id."""
    if "\x00" in id:  # PostgreSQL has no such text
        return
    transaction.execute(sa.delete(saved_search).where(saved_search.c.caller == caller, saved_search.c.id == id))


def forget(transaction: sa.Connection, texts: Collection[str]) -> None:
    """Delete the searches of all callers that quote one of some texts."""
    erased = frozenset(texts)
    for row in transaction.execute(sa.select(saved_search.c.id, saved_search.c.parameters)).all():
        parameters = json.loads(row.parameters)
        part: str = parameters.get("text", "").lower()
        quoted = part and any(part in each.lower() for each in erased)
        if quoted or erased.intersection(map(str, parameters.values())):
            transaction.execute(sa.delete(saved_search).where(saved_search.c.id == row.id))
