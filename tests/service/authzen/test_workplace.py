"""Another domain on the same service: what its bundle says is what is answered, with entities from the store."""

from typing import Any

import pytest

import engine
from tests.service.authzen.conftest import SUB, WORKPLACE, Ask, Memory, question, records

GET = {"name": "read", "properties": {"method": "GET"}}
POST = {"name": "read", "properties": {"method": "POST"}}


def test_its_authors_tests_hold() -> None:
    """The bundle is sound, without a warning, and the tests beside its policies pass."""
    bundle = engine.load(WORKPLACE)
    assert bundle.warnings == ()
    results = list(engine.run(bundle))
    assert len(results) > 25
    assert [result for result in results if result.problems] == []


@pytest.mark.parametrize(
    ("subject", "action", "resource", "permitted"),
    [
        ("user:bo", POST, "document:doc-1", True),  # the owner, by whatever method
        ("user:bo", "write", "document:doc-1", True),
        ("user:bo", "delete", "document:doc-1", True),
        ("user:ada", GET, "document:doc-1", True),  # of the same department
        ("user:ada", POST, "document:doc-1", False),  # not by that method
        ("user:ada", "read", "document:doc-1", False),  # nobody knows by which
        ("user:ada", "write", "document:doc-1", False),
        ("user:cy", GET, "document:doc-1", False),  # of no department that is known
        ("user:cy", GET, "document:doc-2", True),  # tagged as public
        ("user:ada", GET, "document:doc-3", False),  # neither is its department known
        ("user:cy", GET, "document:doc-3", True),
        ("user:ada", GET, "document:doc-13", False),  # the owner, and sealed
        ("user:ada", "write", "document:doc-13", False),
        ("user:bo", "share", "document:doc-1", True),
        ("user:nobody", GET, "document:doc-1", False),
        ("user:nobody", GET, "document:doc-2", True),
        ("user:bo", GET, "document:doc-99", False),  # of which nothing is known
    ],
)
def test_documents(decide: Ask, subject: str, action: Any, resource: str, permitted: bool) -> None:
    """Owner, department, tags, the action's property and one concrete id, all from what is stored."""
    assert decide(subject, action, resource) is permitted


def test_nothing_is_equal_to_nothing(decide: Ask) -> None:
    """Two departments of which nothing is known are not the same, however they are left out."""
    assert not decide("user:cy", GET, "document:doc-3", {}, {"owner": "ada"})
    assert not decide("user:cy", GET, "document:doc-3", {"department": "unknown"}, {"owner": "ada", "department": "unknown"})
    assert decide("user:cy", GET, "document:doc-3", {"department": "x"}, {"owner": "ada", "department": "x"})


def test_an_entity_answers_to_each_of_its_ids(decide: Ask) -> None:
    """Subject, resource and owner may each be called by any id, stored or sent; the type keeps ids apart."""
    for subject in ("user:bo", "user:bo@example.com", "user:employee-7"):
        for resource in ("document:doc-1", "document:archive/1", "document:doc-2"):
            assert decide(subject, "write", resource), (subject, resource)
    assert decide("user:ada@example.com", "write", "document:doc-9", None, {"owner": "ada"})
    assert decide("user:ada", "write", "document:doc-9", None, {"owner": "ada@example.com"})
    assert not decide("user:doc-1", "write", "document:doc-1")


def test_a_rule_for_one_id_cannot_be_evaded_by_another(decide: Ask, entities: Memory) -> None:
    """What is barred by its first id is barred by the others too."""
    entities.ids["document", "copy-of-13"] = "doc-13"
    assert not decide("user:ada", "write", "document:copy-of-13")


def test_what_is_sent_cannot_take_back_what_is_stored(decide: Ask) -> None:
    """Attribute by attribute: the stricter of both counts, and what is not sent stays as it is stored."""
    assert not decide("user:ada", GET, "document:doc-1", {"department": "legal"}, {"department": "sales"})
    assert not decide("user:ada", GET, "document:doc-1", {"department": "sales"})
    assert decide("user:cy", GET, "document:doc-1", {"department": "legal"})
    assert not decide("user:bo", "write", "document:doc-1", None, {"owner": "cy"})
    assert not decide("user:cy", GET, "document:doc-2", None, {"tags": []})
    assert decide("user:ada", GET, "document:doc-1", None, {"tags": []})


def test_what_is_stored_and_fits_nothing_states_nothing(decide: Ask, entities: Memory) -> None:
    """A stored value that the vocabulary refuses is as if nothing were stored; the rest counts."""
    stored = dict(entities.entities["document", "doc-1"].properties) | {"department": 7, "tags": "public", "more": [1]}
    entities.entities["document", "doc-1"] = type(entities.entities["document", "doc-1"])("doc-1", stored)
    assert not decide("user:ada", GET, "document:doc-1")
    assert decide("user:bo", GET, "document:doc-1")


def test_a_property_cannot_say_what_type_and_id_say(decide: Ask) -> None:
    """A document does not become a record by saying so, nor the sealed one another."""
    assert not decide("user:ada", "write", "document:doc-13", None, {"id": "doc-1", "type": "record", "owner": "ada"})


@pytest.mark.parametrize(
    ("subject", "action", "resource", "subject_properties", "resource_properties", "permitted"),
    [
        ("alice", "read", "record-1", None, None, True),
        ("alice", "write", "record-1", None, None, True),
        ("bob", "read", "record-1", None, None, True),
        ("bob", "write", "record-1", None, None, False),
        ("alice", "write", "record-2", None, {"status": "archived"}, False),
        ("bob", "write", "record-2", {"role": "admin"}, {"status": "archived"}, True),
        ("alice", {"name": "delete", "properties": {"soft": True}}, "record-1", None, None, True),
        ("alice", {"name": "delete", "properties": {"soft": False}}, "record-1", None, None, False),
        ("alice", GET, "record-1", {"department": "Sales", "role": "manager"}, {"status": "active", "owner": "bob"}, True),
        ("alice", "delete", "record-1", None, None, False),
    ],
)
def test_the_certification_scenario(
    decide: Ask, subject: str, action: Any, resource: str, subject_properties: Any, resource_properties: Any, permitted: bool
) -> None:
    """The decisions that the certification scenario of AuthZEN 1.0 fixes, with a context and without."""
    asked = (f"user:{subject}", action, f"record:{resource}", subject_properties, resource_properties)
    assert decide(*asked) is permitted
    assert decide(*asked, context={"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"}) is permitted


@pytest.mark.parametrize(
    ("subject", "action", "resource", "owner", "permitted"),
    [
        (SUB, "can_read_user", "user:beth@the-smiths.com", None, True),
        (SUB, "can_read_todos", "todo:todo-1", None, True),
        (SUB, "can_create_todo", "todo:new", None, True),
        (SUB, "can_update_todo", "todo:7240", "morty@the-citadel.com", True),
        (SUB, "can_update_todo", "todo:7240", SUB, True),
        (SUB, "can_update_todo", "todo:7240", "rick@the-citadel.com", False),
        (SUB, "can_update_todo", "todo:todo-1", None, True),
        (SUB, "can_update_todo", "todo:todo-2", None, False),
        (SUB, "can_delete_todo", "todo:todo-1", None, True),
        ("sub-rick", "can_update_todo", "todo:todo-1", None, True),
        ("sub-rick", "can_delete_todo", "todo:todo-1", None, True),
        ("sub-beth", "can_create_todo", "todo:new", None, False),
        ("sub-beth", "can_update_todo", "todo:7240", "beth@the-smiths.com", False),
        ("sub-beth", "can_read_todos", "todo:todo-1", None, True),
        ("sub-nobody", "can_read_todos", "todo:todo-1", None, False),
    ],
)
def test_the_todo_scenario(decide: Ask, subject: str, action: str, resource: str, owner: str | None, permitted: bool) -> None:
    """Roles are a list that holds a value, and a user is known by more ids than one."""
    assert decide(f"user:{subject}", action, resource, None, {"ownerID": owner} if owner else None) is permitted


def test_what_has_no_name_is_not_permitted(decide: Ask, client: Any) -> None:
    """A type or an action that the vocabulary does not name is denied, with a reason, and nothing is decided or recorded."""
    before = records(client)
    for subject, action, resource in (
        ("robot:r2", "read", "record:record-1"),
        ("user:alice", "burn", "record:record-1"),
        ("user:alice", "read", "spaceship:s1"),
    ):
        answer = client.post("/access/v1/evaluation", json=question(subject, action, resource)).json()
        assert answer["decision"] is False
        assert "decision_id" not in answer["context"]
        assert "there is no" in answer["context"]["reason_admin"]["403"]
    assert records(client) == before
