"""
`GET /ledger`, `/ledger/commitments/{id}`, `/ledger/counters` and `…/{counter}/{key}`: commitments and counters for a person with a browser.
Nothing here changes anything.
"""

import re
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from fastapi import Response

import engine
from service.api import paging
from service.api.benefits import FROM, UNTIL
from service.api.commitments import EXPORTER, REFERENCE, STAGE, STATE
from service.api.page_answers import html
from service.api.page_router import PageCall, Pages
from service.api.parameters import text, word
from service.callers.caller_names import caller_names
from service.callers.context import ReadingAll
from service.console import commitment_pages, counter_pages
from service.console.commitment_pages import CommitmentShown
from service.console.policy_library import library_of
from service.ledger import (
    benefit_lines,
    commitment_list,
    commitment_search,
    counter_standings,
    income_reports,
    promise_list,
    rights_readings,
)
from service.ledger.benefit_lines import BenefitFilter
from service.ledger.commitment_list import CommitmentsWanted
from service.ledger.commitment_search import CommitmentFilter, CommitmentRow
from service.ledger.counter_standings import CounterStanding, CounterStandings
from service.ledger.income_reports import IncomeReports
from service.ledger.rights_readings import RightsQuery
from service.log.public_recipients import public_recipients
from service.log.record_views import record_json
from service.log.store import find as find_one
from service.problems import RequestRefused
from service.watch import events

ROWS = 40  # on a page
COUNTERS = 25
LINES = 40  # of each kind, of one commitment
MOVEMENTS = 25

_ID = re.compile(r"[!-~]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_RECIPIENT = text("recipient", "the recipient's id")

pages = Pages("ledger")


@pages.get("/ledger")
def listing(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """The newest commitments that the filters of the address leave."""
    counters = [each.name for each in context.live.counting.counters]
    sent = page.filters("exporter", "recipient", "reference", "state", "stage", "from", "until", "counter", "cursor")
    counter = word("counter", "the name of the counter", counters).of(sent)
    of_rows = CommitmentsWanted(EXPORTER.of(sent), STATE.of(sent), STAGE.of(sent), REFERENCE.of(sent))
    wanted = CommitmentFilter(of_rows, _RECIPIENT.of(sent), FROM.of(sent), UNTIL.of(sent), counter)
    found, following = paging.Listing[CommitmentRow]("ledger page", "commitments", (int,), ROWS, ROWS).page(
        sent, lambda before, limit: commitment_search.page(context, wanted, before, limit, connection), (wanted,)
    )
    later = sent.pop("cursor", None) is not None
    entries = [each.entry for each in found if each.entry is not None]
    unnamed = [each.id for each in entries if each.recipient is None and each.recipient_country is None]
    public = public_recipients(connection, unnamed, context.live.bundle.vocabulary.recipient)
    return html(commitment_pages.list_page(found, sent, later, following, counters, replace(page.reader, public=public)))


@pages.get("/ledger/commitments/{id}")
def commitment(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """A commitment, with what it moved and made payable, its rights and its promises."""
    page.filters()
    id, words = page.path["id"], page.reader.words.ledger
    made = commitment_list.read(connection, id) if _ID.fullmatch(id) else None
    if made is None:
        return page.missing(words["not_found"], words["not_found_text"])
    stored = find_one(connection, made.evaluation)
    settled = commitment_search.settled(connection, id)
    rights = RightsQuery(on=context.today, source=id, history=True, limit=LINES)
    shown = CommitmentShown(
        made=made,
        kept=None if stored is None else record_json(stored),
        moved=counter_standings.moved_by(connection, id, LINES),
        rights=rights_readings.page(context, rights, connection)[0],
        promises=promise_list.of_commitment(context, id, LINES, connection),
        settled=settled,
        fees=_fees(context, settled, connection),
        payable=benefit_lines.lines(context, BenefitFilter(commitment=id), None, LINES, connection)[0],
        watched=events.page(connection, -1, LINES, commitment=id),
        callers=caller_names(connection, (each.by for each in made.events)),
    )
    return html(commitment_pages.commitment_page(shown, context.live, replace(page.reader, callers=shown.callers)))


def _fees(context: ReadingAll, settled: Any | None, connection: sa.Connection) -> IncomeReports | None:
    """The newest reports of a commitment whose price follows from reports, and the first days without one; None of any other."""
    if settled is None or settled.state != "not-reported":
        return None
    try:
        found = income_reports.reports(context, settled.commitment, connection)
    except RequestRefused:  # the policies can no longer read its exchange
        return None
    return found.model_copy(update={"reports": found.reports[-LINES:], "not_reported": found.not_reported[:LINES]})


@pages.get("/ledger/counters")
def counters(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """The counters that were moved last."""
    page.filters()
    found, whole = page.shared(CounterStandings).recent(connection)
    return html(counter_pages.counters_page(found, None, context.live, whole, False, None, page.reader))


@pages.get("/ledger/counters/{name}")
def one_counter(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """The keys of a counter; or the one whose facts the address names."""
    name, standings = page.path["name"], page.shared(CounterStandings)
    counter = _counter(context, name)
    if counter is None:
        return _unknown(page)
    sent = page.filters("cursor", *counter.per)
    if facts := {fact: value for fact, value in sent.items() if fact != "cursor"}:
        if len(facts) < len(sent) or set(facts) != set(counter.per):
            raise page.wrong()
        return _shown(context, page, standings.of(connection, name, facts), {}, connection)
    found, following = paging.Listing[CounterStanding]("counter page", "counters", (str,), COUNTERS, COUNTERS).page(
        sent, lambda after, limit: standings.page(connection, counter, after or "", limit), (name,)
    )
    return html(counter_pages.counters_page(found, counter, context.live, False, "cursor" in sent, following, page.reader))


@pages.get("/ledger/counters/{name}/{key}")
def one_key(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """A counter of one key, which the address names by its hash."""
    counter, key = _counter(context, page.path["name"]), page.path["key"]
    if counter is None or not _HASH.fullmatch(key):
        return _unknown(page)
    sent = page.filters("fact")
    return _shown(context, page, page.shared(CounterStandings).one(connection, counter, key), sent, connection)


def _shown(
    context: ReadingAll, page: PageCall, found: CounterStanding | None, sent: dict[str, str], connection: sa.Connection
) -> Response:
    """The page of one counter, with its days and what moved it."""
    if found is None:
        return _unknown(page)
    standings = page.shared(CounterStandings)
    days, movements = standings.days(connection, found), standings.movements(connection, found, MOVEMENTS)
    return html(counter_pages.counter_page(found, days, movements, sent, library_of(context.live), page.reader))


def _counter(context: ReadingAll, name: str) -> engine.Counter | None:
    return next((each for each in context.live.counting.counters if each.name == name), None)


def _unknown(page: PageCall) -> Response:
    words = page.reader.words.ledger
    return page.missing(words["unknown_counter"], words["unknown_counter_text"])
