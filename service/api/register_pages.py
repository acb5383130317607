"""`GET /register` and `GET /register/{kind}/{id}`: the register for a person with a browser. Nothing here changes anything."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import get_args

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response

from service.api import paging
from service.api.page_answers import ROWS, html, language, wrong_address
from service.api.page_filters import filters, one_of, whole_number
from service.callers.caller import caller_of
from service.callers.caller_names import CallerName, caller_names
from service.console import entity_pages
from service.console.pages import missing_page
from service.console.reader import PageReader
from service.problems import RequestRefused
from service.register import entity_search
from service.register.entity import State, Version, is_id, is_kind
from service.register.entity_search import EntityFilter
from service.register.entity_versions import newest
from service.register.stated_facts import stating
from service.service import Service

VERSIONS = 10  # of an entity on a page
ANY_STATE = "any"


def add(app: FastAPI, service: Service) -> None:
    """Put the pages on the application."""

    # These are not `async`: reading waits for the disk, so each call runs in a thread.
    @app.get("/register", include_in_schema=False)
    def entities(request: Request) -> Response:
        caller_of(request.scope, "read")
        live = service.live
        reader = PageReader(live.bundle, language(request))
        try:
            sent = filters(request, ("kind", "text", "state", "cursor"))
            cursor = sent.pop("cursor", None)
            wanted = _wanted(sent)
            place = paging.Asked(ROWS, cursor).after("register page", str, str, filters=(wanted,)) or ["", ""]
        except (ValueError, RequestRefused):
            return wrong_address(reader)
        (found, after), kinds = service.read(
            lambda connection: (
                entity_search.find(connection, wanted, (place[0], place[1]), ROWS),
                entity_search.kinds(connection),
            ),
            "register",
        )
        following = None if after is None else paging.written("register page", *after, filters=(wanted,))
        return html(entity_pages.list_page(found, kinds, sent, cursor is not None, following, stating(live), reader))

    @app.get("/register/{kind}/{id:path}", include_in_schema=False)
    def entity(kind: str, id: str, request: Request) -> Response:
        caller_of(request.scope, "read")
        live = service.live
        reader = PageReader(live.bundle, language(request))
        try:
            sent = filters(request, ("version", "before"))
            number, before = whole_number(sent.get("version"), 1), whole_number(sent.get("before"), 1)
        except ValueError:
            return wrong_address(reader)
        words = reader.words.register
        if not (is_kind(kind) and is_id(id)):
            return html(missing_page(reader, words["not_found"], words["not_found_text"]), 404)

        def look(
            connection: sa.Connection,
        ) -> tuple[Version | None, Sequence[Version], Sequence[Version], Mapping[str, CallerName]]:
            one = entity_search.versions(connection, kind, id, None if number is None else number + 1, 1)
            history = entity_search.versions(connection, kind, id, before, VERSIONS + 1)
            names = caller_names(connection, (each.recorded_by for each in (*one, *history)))
            return newest(connection, kind, id), one, history, names

        latest, one, history, names = service.read(look, "register")
        if latest is None or not one or (number is not None and one[0].version != number):
            return html(missing_page(reader, words["not_found"], words["not_found_text"]), 404)
        named = replace(reader, callers=names)
        return html(entity_pages.entity_page(latest, one[0], history, VERSIONS, sent, stating(live), named))


def _wanted(sent: dict[str, str]) -> EntityFilter:
    """The filter of an address. Raises ValueError."""
    kind, state = sent.get("kind"), one_of(sent.get("state"), (*get_args(State), ANY_STATE))
    if kind is not None and not is_kind(kind):
        raise ValueError("no kind")
    states: dict[str | None, State | None] = {None: "held", ANY_STATE: None, **{each: each for each in get_args(State)}}
    return EntityFilter(kind, sent.get("text"), states[state])
