"""Every operation, parameter and member of an answer in the OpenAPI document is in both clients, or is left out for a reason."""

import inspect
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Literal

import httpx
import pytest

from service.api.openapi import examples
from service.client import AsyncClient, Client, Malformed, answer_parts, shapes
from service.client.attempts import JSON, Came
from tests.service.client.left_out import IN_DOCUMENT, MEMBERS, OPERATIONS, PARAMETERS, PARTLY
from tests.service.client.operations import CLIENTS, Comparison, Document, Made, made, methods

ABOUT_ANOTHER = re.compile("another|not the requested|that were sent|for each")


@pytest.fixture(scope="module")
def document(server):
    """The document as the service gives it."""
    return Document(httpx.get(f"{server.address}/openapi.json", trust_env=False, timeout=60).json())


@pytest.fixture(scope="module", params=CLIENTS)
def held(request, document):
    """By operation, what each method of a client makes of it."""
    found: dict[str, list[Made]] = defaultdict(list)
    client = CLIENTS[request.param]("http://localhost")
    for name in methods(type(client)):
        requests = list(made(client, name))
        assert requests, f"{name} asks for nothing"
        for each in requests:
            found[document.operation(each.request)].append(each)
    return found


def accounted(found: Iterable[str], left_out: Mapping[str, tuple[str, ...]]) -> None:
    """What is found to be missing is what is left out; each for a reason, and once."""
    entries = [each for several in left_out.values() for each in several]
    assert all(reason.strip() for reason in left_out), "a reason is empty"
    assert sorted(set(entries)) == sorted(entries), "an entry stands twice"
    general = {each.removeprefix("*/"): each for each in entries if each.startswith("*/")}
    missing = {each if each in entries else general.get(each.partition("/")[2], each) for each in found}
    assert sorted(missing - set(entries)) == [], "no method has it: add it, or name it in left_out.py with a reason"
    assert sorted(set(entries) - missing) == [], "left_out.py names what a method has, or what is no more"


def test_both_clients_have_the_same_methods():
    """With the same parameters and descriptions, and no other."""
    one, other = ({name: getattr(client, name) for name in methods(client)} for client in (Client, AsyncClient))
    assert one.keys() == other.keys()
    for name, method in one.items():
        assert inspect.signature(method).parameters == inspect.signature(other[name]).parameters
        assert method.__doc__ == other[name].__doc__
        assert method.__doc__, name


def test_every_operation_has_a_method(document, held):
    """Or a reason why it has none."""
    accounted(document.operations.keys() - held.keys(), OPERATIONS)


def test_every_parameter_can_be_sent(document, held):
    """Of the query, of the headers, and each member of a body; and none is sent that the document does not have."""
    missing = set()
    for name, several in held.items():
        sent = set().union(*(each.names for each in several))
        assert sent - {"Idempotency-Key"} <= document.parameters(name), name
        missing |= {f"{name}/{each}" for each in document.parameters(name) - sent}
        if schema := document.body(name):
            unsent = ({*document.unsent(schema, json.loads(each.request.body), name)} for each in several)
            missing |= set.intersection(*unsent)
    accounted(missing, PARAMETERS)


def test_every_member_of_an_answer_is_read(document, held):
    """Each by its name and its type, down to the words that it may be."""
    missing: dict[str, Any] = {}
    faults = []
    for name, several in held.items():
        schema = document.answer(name)
        lacks = []
        for each in (each for each in several if each.method not in PARTLY):
            compared = Comparison(document)
            if schema and each.gives is not bytes:
                compared.of(each.gives, document.item(schema, each.listed) if each.listed else schema, each.method)
                if each.listed:
                    others = document.resolved(schema)["properties"].keys() - {each.listed, "next", "schema"}
                    compared.missing |= {f"{name}/{other}": None for other in others}
            lacks.append(compared.missing)
            faults += compared.faults
        missing |= {each: lacks[0][each] for each in set.intersection(*map(set, lacks))}
    assert faults == []
    accounted(missing, MEMBERS)
    assert [each for each in MEMBERS[IN_DOCUMENT] if not shapes.whole_fields(missing[each])] == []


def test_the_examples_of_the_document_can_be_read(held):
    """Each as it was recorded from the service. That it is about something else than what was asked is found after it was read."""
    read, unread = set(), []
    for name, several in held.items():
        example = examples().get(name, {}).get("answer")
        for each in (each for each in several if each.request.takes == JSON and isinstance(example, dict)):
            try:
                each.request.read(Came(200, JSON, None, "same", json.dumps(example).encode()))
            except Malformed as other:
                unread.append((name, str(other)))
            read.add(name)
    assert len(read) > 60
    assert [why for why in unread if not ABOUT_ANOTHER.search(why[1])] == []


def test_what_is_read_in_part_is_a_method_with_a_reason(held):
    """That is still there, and beside another method for the same operation."""
    for name, reason in PARTLY.items():
        (beside,) = (
            {each.method for each in several} for several in held.values() if name in {each.method for each in several}
        )
        assert len(beside - PARTLY.keys()) == 1
        assert reason


def test_these_tests_see_what_is_missing(document):
    """A word more, a type, null, a member that is only on one side; a reason that is empty, and an entry that is no longer needed."""
    for type_, schema in (
        (Literal["a"], {"type": "string", "enum": ["a", "b"]}),
        (date, {"type": "string", "format": "date-time"}),
        (datetime, {"type": "string", "format": "date"}),
        (str, {"type": "string", "enum": ["a"]}),
        (int, {"type": "string"}),
        (int, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (answer_parts.Choice, {"type": "object", "properties": {"value": {"type": "string"}}, "required": ["value"]}),
        (answer_parts.Choice, {"anyOf": [{"type": "null"}]}),
        (tuple[int, ...], {"type": "object"}),
    ):
        compared = Comparison(document)
        compared.of(type_, schema, "here")
        assert compared.faults, type_
    text = {"type": "string"}
    whole = {
        "type": "object",
        "properties": dict.fromkeys(("value", "title", "more"), text),
        "required": ["value", "title"],
    }
    compared = Comparison(document)
    compared.of(answer_parts.Choice, whole, "here")
    assert (compared.faults, [*compared.missing]) == ([], ["Choice/more"])
    assert [*document.unsent(whole, {"value": "a"}, "here")] == ["here/title", "here/more"]
    for left_out in ({}, {" ": ("a/b",)}, {"one": ("a/b",), "two": ("a/b",)}, {"one": ("a/b", "a/c")}, {"one": ("a/b", "*/d")}):
        with pytest.raises(AssertionError):
            accounted({"a/b"}, left_out)
    accounted({"a/b", "c/d"}, {"one": ("a/b", "*/d")})
