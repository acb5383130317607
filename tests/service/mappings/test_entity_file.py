"""Entities of a file are found as the register finds them."""

from __future__ import annotations

import json
from datetime import date

import pytest
from starlette.testclient import TestClient

from service.mappings.entity_file import FileEntities
from service.mappings.entity_store import EntityNotValid, StoredEntity
from service.mappings.registered_entities import EntityRegister
from service.register.import_export import gather_entities, read
from service.register.stated_facts import StatableFacts
from service.service import Service

DAY = date(2026, 12, 1)
ENTITIES = [
    {"kind": "party", "id": "lab-5", "aliases": ["91310000MA1K35EX0Y"], "facts": {"country": "KE"}},
    {"kind": "party", "id": "clinic-7", "facts": {"country": "CN"}, "valid_until": "2026-11-30"},
    {"kind": "user", "id": "alice", "facts": {"party": "lab-5"}},
    {"kind": "asset", "id": "contacts", "facts": {}},
]
ASKED = [
    ("party", "lab-5"),
    ("party", "91310000MA1K35EX0Y"),
    ("party", "LAB-5"),
    ("party", " lab-5"),
    ("party", "lab-6"),
    ("party", "alice"),
    ("user", "alice"),
    ("user", "al\u0456ce"),
    ("asset", "contacts"),
    ("party", "clinic-7"),
]


@pytest.mark.parametrize(("kind", "id"), ASKED)
def test_a_file_answers_as_the_register_does(client: TestClient, service: Service, kind: str, id: str) -> None:
    """By id, by alias, and with the names that an id only looks like; what is not valid on the day is told apart from what is unknown."""
    raw = json.dumps({"schema": "fifthfactor/register/1", "entities": ENTITIES}).encode()
    imported = client.post("/v1/register/import", content=raw, headers={"content-type": "application/json"})
    assert imported.status_code == 200, imported.text
    stores = (
        EntityRegister(service.store.database),
        FileEntities(gather_entities(read(raw, "json", StatableFacts(service.live.bundle)))),
    )

    def found(store: EntityRegister | FileEntities) -> StoredEntity | str | None:
        try:
            return store.find(kind, id, DAY)
        except EntityNotValid as reason:
            return str(reason)

    assert found(stores[0]) == found(stores[1])


def test_the_entities_of_a_kind_come_in_the_order_of_their_ids(service: Service) -> None:
    """As many as are asked for, after an id."""
    raw = json.dumps({"entities": [{"kind": "user", "id": f"u{n}", "facts": {}} for n in (3, 1, 2)]}).encode()
    entities = FileEntities(gather_entities(read(raw, "json", StatableFacts(service.live.bundle))))
    assert [each.id for each in entities.list("user", "", 2, DAY)] == ["u1", "u2"]
    assert [each.id for each in entities.list("user", "u2", 2, DAY)] == ["u3"]
