"""
What callers are called: ids go in, as records and rows have them; names for a reader come out.

A person is called by her name, a key by the name that it got, or by its owner's. Whoever was erased has no name, and neither has whoever
the database does not know.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from service.callers.known_persons import PREFIX
from service.callers.person import Person
from service.store.tables import caller, person

KEY = "key:"
MOST = 400  # callers that are looked up for a page


@dataclass(frozen=True, slots=True)
class CallerName:
    """The name of a caller, and whether it is a key's that belongs to nobody."""

    name: str
    is_key: bool


def caller_names(connection: sa.Connection, ids: Iterable[str | None]) -> Mapping[str, CallerName]:
    """The names of the callers that have one, by id."""
    wanted = list(dict.fromkeys(id for id in ids if id))[:MOST]
    keys = [id.removeprefix(KEY) for id in wanted if id.startswith(KEY)]
    persons = [id.removeprefix(PREFIX) for id in wanted if id.startswith(PREFIX)]
    found: dict[str, CallerName] = {}
    if keys:
        joined = caller.outerjoin(person, caller.c.person == person.c.id)
        of_key = (caller.c.id, caller.c.name.label("key"), caller.c.person.label("owner"))
        known = sa.select(*of_key, person.c.issuer, person.c.subject, person.c.name)
        for row in connection.execute(known.select_from(joined).where(caller.c.id.in_(keys))):
            if row.owner is None:
                found[f"{KEY}{row.id}"] = CallerName(row.key, True)
            elif row.issuer is not None:
                found[f"{KEY}{row.id}"] = _of_person(row)
    if persons:
        signed_in = sa.select(person).where(person.c.id.in_(persons), person.c.issuer.is_not(None))
        found |= {f"{PREFIX}{row.id}": _of_person(row) for row in connection.execute(signed_in)}
    return found


def _of_person(row: Any) -> CallerName:
    return CallerName(Person(row.issuer, row.subject, row.name).shown, False)
