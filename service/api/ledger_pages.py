"""
`GET /ledger`, `/ledger/commitments/{id}`, `/ledger/counters` and `…/{counter}/{key}`: commitments and counters for a person with a browser.
Nothing here changes anything.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response

import engine
from service.api import paging
from service.api.console import html, language, wrong_address
from service.api.page_filters import day, filters, one_of
from service.callers.caller import caller_of
from service.callers.caller_names import caller_names
from service.console import commitment_pages, counter_pages
from service.console.commitment_pages import CommitmentShown
from service.console.ledger_wording import LEDGER_WORDS
from service.console.pages import missing_page
from service.console.policy_library import library_of
from service.console.reader import PageReader
from service.ledger import commitment_search, counter_standings
from service.ledger.benefit_statement import BenefitFilter, BenefitStatement
from service.ledger.book import Book
from service.ledger.commitment_search import CommitmentFilter
from service.ledger.committing import Ledger, State
from service.ledger.counter_standings import CounterMovement, CounterStanding, CounterStandings, DayOfCounter
from service.ledger.promise_list import PromiseList
from service.ledger.rights_readings import RightsAsked, RightsReadings
from service.log.shown import kept
from service.log.store import find as find_one
from service.problems import RequestRefused
from service.service import Service
from service.watch import events

ROWS = 40  # on a page
COUNTERS = 25
LINES = 40  # of each kind, of one commitment
MOVEMENTS = 25

_ID = re.compile(r"[!-~]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")


def add(app: FastAPI, service: Service) -> None:
    """Put the pages on the application."""
    book, ledger, promises, rights = Book(), Ledger(service), PromiseList(service), RightsReadings(service)
    statement, standings = BenefitStatement(), CounterStandings(service)

    # These are not `async`: reading waits for the disk, so each call runs in a thread.
    @app.get("/ledger", include_in_schema=False)
    def commitments(request: Request) -> Response:
        caller_of(request.scope, "read")
        live = service.live
        reader = PageReader(live.bundle, language(request))
        counters = [each.name for each in live.counting.counters]
        try:
            sent = filters(request, ("exporter", "recipient", "state", "from", "until", "counter", "cursor"))
            cursor = sent.pop("cursor", None)
            wanted = _wanted(sent, counters)
            place = paging.Asked(ROWS, cursor).after("ledger page", int, filters=(wanted,))
        except (ValueError, RequestRefused):
            return wrong_address(reader)
        before = None if place is None else place[0]
        found = service.read(lambda connection: commitment_search.find(connection, book, wanted, before, ROWS + 1), "ledger")
        following = paging.written("ledger page", found[ROWS - 1].sequence, filters=(wanted,)) if len(found) > ROWS else None
        return html(commitment_pages.list_page(found[:ROWS], sent, cursor is not None, following, counters, reader))

    @app.get("/ledger/commitments/{id}", include_in_schema=False)
    def commitment(id: str, request: Request) -> Response:
        caller_of(request.scope, "read")
        live = service.live
        reader = PageReader(live.bundle, language(request))
        words = LEDGER_WORDS[reader.lang]
        try:
            filters(request, ())
        except ValueError:
            return wrong_address(reader)

        def look(connection: sa.Connection) -> CommitmentShown | None:
            made = ledger.read(connection, id)
            if made is None:
                return None
            stored = find_one(connection, made.evaluation)
            asked = RightsAsked(on=rights.today, source=id, history=True, limit=LINES)
            return CommitmentShown(
                made=made,
                kept=None if stored is None else kept(stored),
                moved=counter_standings.moved_by(connection, id, LINES),
                rights=rights.page(connection, asked)[0],
                promises=promises.of_commitment(connection, id, LINES),
                settled=commitment_search.settled(connection, id),
                payable=statement.lines(connection, BenefitFilter(commitment=id), -1, LINES)[0],
                watched=events.page(connection, -1, LINES, commitment=id),
                callers=caller_names(connection, (each.by for each in made.events)),
            )

        shown = service.read(look, "ledger") if _ID.fullmatch(id) else None
        if shown is None:
            return html(missing_page(reader, words["not_found"], words["not_found_text"]), 404)
        return html(commitment_pages.commitment_page(shown, live, replace(reader, callers=shown.callers)))

    @app.get("/ledger/counters", include_in_schema=False)
    def counters(request: Request) -> Response:
        caller_of(request.scope, "read")
        live = service.live
        reader = PageReader(live.bundle, language(request))
        try:
            filters(request, ())
        except ValueError:
            return wrong_address(reader)
        found, whole = service.read(standings.recent, "ledger")
        return html(counter_pages.counters_page(found, None, live, whole, False, None, reader))

    @app.get("/ledger/counters/{name}", include_in_schema=False)
    def one_counter(name: str, request: Request) -> Response:
        caller_of(request.scope, "read")
        live = service.live
        reader = PageReader(live.bundle, language(request))
        counter = _counter(live.counting, name)
        if counter is None:
            return _unknown(reader)
        try:
            sent = filters(request, ("cursor", *counter.per))
            cursor = sent.pop("cursor", None)
            if sent:
                if cursor is not None or set(sent) != set(counter.per):
                    return wrong_address(reader)
                return _shown(standings, service, reader, lambda connection: standings.of(connection, name, sent), {})
            place = paging.Asked(COUNTERS, cursor).after("counter page", str, filters=(name,))
        except (ValueError, RequestRefused):
            return wrong_address(reader)
        after = "" if place is None else place[0]
        found, following = service.read(lambda connection: standings.page(connection, counter, after, COUNTERS), "ledger")
        written = None if following is None else paging.written("counter page", following, filters=(name,))
        return html(counter_pages.counters_page(found, counter, live, False, cursor is not None, written, reader))

    @app.get("/ledger/counters/{name}/{key}", include_in_schema=False)
    def counter(name: str, key: str, request: Request) -> Response:
        caller_of(request.scope, "read")
        live = service.live
        reader = PageReader(live.bundle, language(request))
        known = _counter(live.counting, name)
        if known is None or not _HASH.fullmatch(key):
            return _unknown(reader)
        try:
            sent = filters(request, ("fact",))
        except ValueError:
            return wrong_address(reader)
        return _shown(standings, service, reader, lambda connection: standings.one(connection, known, key), sent)


def _shown(
    standings: CounterStandings,
    service: Service,
    reader: PageReader,
    find: Callable[[sa.Connection], CounterStanding | None],
    sent: dict[str, str],
) -> Response:
    """The page of a counter that `find` finds. Raises RequestRefused."""

    def look(connection: sa.Connection) -> tuple[CounterStanding, list[DayOfCounter], list[CounterMovement]] | None:
        found = find(connection)
        if found is None:
            return None
        return found, standings.days(connection, found), standings.movements(connection, found, MOVEMENTS)

    read = service.read(look, "ledger")
    if read is None:
        return _unknown(reader)
    found, days, movements = read
    return html(counter_pages.counter_page(found, days, movements, sent, library_of(service.live), reader))


def _wanted(sent: dict[str, str], counters: list[str]) -> CommitmentFilter:
    """The filter of an address. Raises ValueError."""
    state = next((each for each in get_args(State) if each == one_of(sent.get("state"), get_args(State))), None)
    return CommitmentFilter(
        exporter=sent.get("exporter"),
        recipient=sent.get("recipient"),
        state=state,
        first=day(sent.get("from")),
        last=day(sent.get("until")),
        counter=one_of(sent.get("counter"), counters),
    )


def _counter(counting: engine.Counting, name: str) -> engine.Counter | None:
    return next((each for each in counting.counters if each.name == name), None)


def _unknown(reader: PageReader) -> Response:
    words = LEDGER_WORDS[reader.lang]
    return html(missing_page(reader, words["unknown_counter"], words["unknown_counter_text"]), 404)
