"""`GET /register` and `GET /register/{kind}/{id}`: the register for a person with a browser. Nothing here changes anything."""

from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

import sqlalchemy as sa
from fastapi import Response

from service.api import paging
from service.api.page_answers import ROWS, html
from service.api.page_router import PageCall, Pages
from service.api.parameters import whole, word
from service.callers.caller_names import caller_names
from service.callers.context import ReadingAll
from service.console import entity_pages
from service.register import alike_assets, entity_search
from service.register.entity import ASSET, State, Version, is_id, is_kind
from service.register.entity_search import EntityFilter
from service.register.entity_versions import NotHeld
from service.register.stated_facts import stating

VERSIONS = 10  # of an entity on a page
VERSION = whole("version", "the number of a version", least=1)
BEFORE = whole("before", "only versions before this one", least=1)
STATES: Mapping[str, State | None] = {**{each: each for each in get_args(State)}, "any": None}
STATE = word("state", "the state of the entities; those that are held, if it is left out", [*STATES])

pages = Pages("register")


@pages.get("/register")
def entities(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """The entities that the filters of the address leave."""
    sent = page.filters("kind", "text", "state", "cursor")
    kind = sent.get("kind")
    if kind is not None and not is_kind(kind):
        raise page.wrong()
    wanted = EntityFilter(kind, sent.get("text"), STATES[STATE.of(sent) or "held"])
    found, following = paging.Listing[Version]("register page", "entities", (str, str), ROWS, ROWS).page(
        sent, lambda after, limit: entity_search.find(context, wanted, after, limit, connection), (wanted,)
    )
    later, kinds = sent.pop("cursor", None) is not None, entity_search.kinds(context, connection)
    return html(entity_pages.list_page(found, kinds, sent, later, following, stating(context.live), page.reader))


@pages.get("/register/{kind}/{id:path}")
def entity(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """A version of an entity, the newest if the address names none, and the history of the entity."""
    kind, id, sent = page.path["kind"], page.path["id"], page.filters("version", "before")
    number, before = VERSION.of(sent), BEFORE.of(sent)
    try:
        if not (is_kind(kind) and is_id(id)):
            raise NotHeld
        latest = entity_search.one(context, kind, id, None, connection)
        shown = latest if number is None else entity_search.version(context, kind, id, number, connection)
        history, _ = entity_search.history(context, kind, id, before, VERSIONS + 1, connection)
    except NotHeld:
        words = page.reader.words.register
        return page.missing(words["not_found"], words["not_found_text"])
    alike = alike_assets.alike_to(context, id, connection) if kind == ASSET else ()
    named = replace(page.reader, callers=caller_names(connection, (each.recorded_by for each in (shown, *history))))
    return html(entity_pages.entity_page(latest, shown, history, VERSIONS, alike, sent, stating(context.live), named))
