"""
Every route finds out who asks by its context: a door with a scope and a view of parties. What has none is listed.
"""

import pytest
import sqlalchemy as sa
from fastapi import Response
from fastapi.routing import APIRoute

from service.api.router import Call, Operation, Router
from service.callers.caller import LOCAL, Caller
from service.callers.context import Administering, Context, Reading, ReadingAll
from service.callers.entrance import is_public
from service.problems import RequestRefused
from service.server.app import create_app
from service.service import Service

# For whoever asks, known or not (`is_public`), and so without a context.
OPEN = {"add_checkpoint", "docs", "health", "openapi", "schemas", "sign_in", "start", "style", "tree", "withdrawals"}
# `Plain`, since a decision may not get slower: they begin with `caller_of`.
FAST = {"access_requests", "authzen", "batch", "evaluate"}
# For whoever has a key, whatever its scopes: it is told of itself alone.
OF_ITSELF = {"caller_info"}


def _module(route: APIRoute) -> str:
    return route.endpoint.__module__.removeprefix("service.api.")


def test_every_route_has_a_door(service: Service) -> None:
    """By its context; the three lists name exactly the modules whose routes have none."""
    routes = [each for each in create_app(service.settings, service).router.routes if isinstance(each, APIRoute)]
    without = {each.path: _module(each) for each in routes if not isinstance(each, Operation)}
    assert set(without.values()) == OPEN | FAST | OF_ITSELF
    assert all(is_public(path) for path, module in without.items() if module in OPEN)


def test_a_door_names_what_the_documentation_says(service: Service) -> None:
    """The scope in the documentation is that of the door."""
    for each in create_app(service.settings, service).router.routes:
        if isinstance(each, Operation) and each.include_in_schema:
            assert (each.openapi_extra or {})["security"] == [{"bearer": [each.door.scope]}], each.path


def test_a_route_without_a_context_is_refused_when_it_is_written() -> None:
    """A function that takes no context, or one without a door, becomes no route."""
    router = Router("ledger")

    def nobody(call: Call[None], connection: sa.Connection) -> Response:
        return Response()

    def anybody(context: Context, call: Call[None], connection: sa.Connection) -> Response:
        return Response()

    def nothing() -> Response:
        return Response()

    for function in (nobody, anybody, nothing):
        with pytest.raises(TypeError, match="takes no context first"):
            router.get("/x", "x", "X")(function)
    assert router.routes == []


def test_what_writes_in_one_transaction_can_be_repeated() -> None:
    """Its answer is kept with what it writes; only a function that is `async` may do otherwise."""
    router = Router("ledger")

    def write(context: Administering, call: Call[None], transaction: sa.Connection) -> Response:
        return Response()

    with pytest.raises(TypeError, match="can be repeated"):
        router.post("/x", "x", "X", repeatable=False)(write)
    router.post("/x", "x", "X")(write)
    assert [each.door for each in router.routes] == [Administering]


def test_no_context_is_made_past_its_door(service: Service) -> None:
    """Not without a door, not without its scope, and not for a party where the door does not say how parties are kept apart."""
    with pytest.raises(TypeError):
        service.context(Context, LOCAL, "")
    reader, of_party = Caller("key:1", frozenset({"read"})), Caller("key:2", frozenset({"read"}), "acme")
    assert service.context(Reading, of_party, "").party == "acme"
    assert service.context(Reading, reader, "").party is None
    assert service.context(ReadingAll, reader, "").party is None
    for door, caller in ((Administering, reader), (ReadingAll, of_party)):
        with pytest.raises(RequestRefused) as refused:
            service.context(door, caller, "")
        assert refused.value.kind == "forbidden"
