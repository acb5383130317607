"""PostgreSQL keeps what was erased until the table is vacuumed: the service asks for it wherever it erases something."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from service.callers import known_persons
from service.callers.person import Person
from service.service import Service
from tests.service.conftest import body

NOW = datetime(2026, 12, 1, tzinfo=UTC)
# The size of the tree, which counts; numbers of words; moments at which sessions ended.
WITHOUT_VALUES = {"head", "entry", "entry_term", "session"}


def a_record(client: Any, service: Service) -> None:
    """Erase the values of a record."""
    id = client.post("/v1/evaluate", content=body(), headers={"content-type": "application/json"}).json()["id"]
    client.portal.call(service.store.erase, id)


def an_entity(client: Any, service: Service) -> None:
    """Erase an entity of the register."""
    client.put("/v1/parties/lab-5", json={"aliases": ["the-lab"], "facts": {}})
    assert client.delete("/v1/parties/lab-5?erase=true").status_code == 200


def a_person(client: Any, service: Service) -> None:
    """Erase a person."""
    lin = Person("https://id.example.org", "lin-7", "Lin Yue")
    writer = service.store.writer
    portal = client.portal
    assert portal is not None
    id = portal.call(service.store.do, lambda work: known_persons.known(work, lin, NOW))
    assert portal.call(service.store.do, lambda work: known_persons.forget(writer, work, id, "local", NOW))


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("erased", [a_record, an_entity, a_person])
def test_each_table_from_which_something_is_erased_is_vacuumed(
    client: Any, service: Service, erased: Callable[[Any, Service], None]
) -> None:
    """Whatever an erasure empties or deletes, in whichever table."""
    said: list[str] = []
    sa.event.listen(service.store.database.writing, "before_cursor_execute", lambda *told: said.append(told[2]))
    erased(client, service)
    changed = {name for each in said for name in re.findall(r"^(?:UPDATE|DELETE FROM) \"?(\w+)", each)}
    vacuumed = {name for each in said if each.startswith("VACUUM ") for name in each.removeprefix("VACUUM ").split(", ")}
    assert changed - WITHOUT_VALUES
    assert changed - WITHOUT_VALUES - vacuumed == set()
