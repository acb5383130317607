"""
Saved searches of the log: the parameters of an address, under a name, each for the caller who saved it.

They are no part of the log: they are in no leaf, and nothing rests on them. A search that quotes a value is deleted when the value is
erased, since a party's id may be personal.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from uuid_utils import uuid7

from service.limits import SAVED_SEARCHES_OF_ONE
from service.store.tables import saved_search

MOST_NAME = 100  # characters
_FEW_LETTERS = 3


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
    """Delete the searches of all callers that quote one of some texts, in their name too, and in whatever spelling."""
    erased = {form for each in texts if (form := _form(each))}
    if not erased:
        return
    columns = (saved_search.c.id, saved_search.c.name, saved_search.c.parameters)
    for row in transaction.execute(sa.select(*columns)).all():
        parameters = json.loads(row.parameters)
        part = _form(str(parameters.get("text", "")))
        said = [_form(row.name), *map(_form, _texts(parameters))]
        if any((part and part in each) or any(_quotes(text, each) for text in said) for each in erased):
            transaction.execute(sa.delete(saved_search).where(saved_search.c.id == row.id))


def _texts(parameters: Mapping[str, Any]) -> Iterator[str]:
    """The values of parameters as texts; one may come several times."""
    for value in parameters.values():
        yield from map(str, value if isinstance(value, list | tuple) else (value,))


def _form(text: str) -> str:
    """A text as it is compared: what looks alike in another width or case is the same."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _quotes(text: str, erased: str) -> bool:
    """Whether a text is an erased one, or has it as words of its own. A very short one would be found everywhere."""
    if text == erased:
        return True
    return len(erased) >= _FEW_LETTERS and re.search(rf"(?<!\w){re.escape(erased)}(?!\w)", text) is not None
