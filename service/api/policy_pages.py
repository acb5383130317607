"""
`GET /policies` and the pages under it: the policies that decide, what they cover, the pairs of
exchanges that show what they do, their tests, their versions, what moves between two of
these, and what the shadow would change; for a person with a browser. `POST /policies/{policy}/-/tests` runs the cases of one policy.
Nothing here changes anything.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import sqlalchemy as sa
from fastapi import Response

from service.api import paging
from service.api.forms import first as first_of
from service.api.page_answers import html, wrong_address
from service.api.page_router import PageCall, Pages
from service.api.parameters import whole, word
from service.callers.context import Context, EvaluatingAll, ReadingAll
from service.console import policy_pages
from service.console.policy_library import library_of
from service.drafts import form_token
from service.policies import kept_bundles
from service.policies.case_runs import CaseRuns
from service.policies.kept_bundles import StoredBundle
from service.policies.kept_differences import KeptDifferences
from service.policies.paired_exchanges import pairs_of
from service.policies.shadow import differences, outcome_moves
from service.problems import KINDS, RequestRefused
from service.service import Service

VERSIONS = 25  # on a page
CHOICES = 100  # of versions to compare
SHADOW_ROWS = 40
IMPACT_SECONDS = 5.0  # for comparing records
IMPACT_LASTS = 600.0  # seconds: the log grows
FIRST = whole("first", "the number of the first row")

_MOST_FORM = 4 * 1024

pages = Pages()


class RunningCases(EvaluatingAll, scope="evaluate", of_party=False, also=("read",)):
    """Has the cases of a policy run, and reads what they say."""


@pages.get("/policies")
def policies(context: ReadingAll, page: PageCall) -> Response:
    """The policies that decide."""
    library = library_of(context.live)
    sent = page.filters("jurisdiction", "text", "first")
    first = FIRST.of(sent) or 0
    word("jurisdiction", "the law", sorted({each.jurisdiction for each in library.policies.values()})).of(sent)
    sent.pop("first", None)
    return html(policy_pages.list_page(library, sent, first, page.reader))


@pages.get("/policies/coverage")
def coverage(context: ReadingAll, page: PageCall) -> Response:
    """What they cover."""
    page.filters()
    return html(policy_pages.coverage_page(library_of(context.live), page.reader))


@pages.get("/policies/frameworks")
def frameworks(context: ReadingAll, page: PageCall) -> Response:
    """What each system does: two exchanges whose answers differ because of it."""
    first = FIRST.of(page.filters("first")) or 0
    token = _token(page.service, context)
    return html(policy_pages.pairs_page(library_of(context.live), pairs_of(context.live), first, token, page.reader))


@pages.get("/policies/versions")
def versions(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """Those that decided at any time."""
    first = FIRST.of(page.filters("first")) or 0
    found, digests = kept_bundles.list_bundles(connection), context.live.digests
    shown = found[first : first + VERSIONS]
    live = digests.source, digests.meaning
    return html(policy_pages.versions_page(shown, len(found), first, VERSIONS, live, found[:CHOICES], page.reader))


@pages.get("/policies/difference")
def difference(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """What differs between two of them; it takes long, and is made beside."""
    return _of_two(context, page, connection, _compared, policy_pages.difference_page)


@pages.get("/policies/impact")
def impact(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """How many of the newest records would come out differently under another of them; it is made beside too."""
    return _of_two(context, page, connection, _moved, policy_pages.impact_page)


@pages.get("/policies/shadow")
def shadow(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """What other policies beside them would decide otherwise."""
    sent, beside = page.filters("cursor"), page.service.shadow
    listing = paging.Listing[Any]("shadow page", "decisions", (int,), SHADOW_ROWS, SHADOW_ROWS)
    rows, following = listing.page(
        sent, lambda before, limit: differences(connection, beside.digests, before, limit) if beside else ((), None)
    )
    moves = list(outcome_moves(connection, beside.digests)) if beside else ()
    return html(policy_pages.shadow_page(beside, moves, rows, "cursor" in sent, following, page.reader))


@pages.get("/policies/{policy}/-/tests")
def tests(context: ReadingAll, page: PageCall) -> Response:
    """The cases of a policy."""
    first, token = FIRST.of(page.filters("first")) or 0, _token(page.service, context)
    library = library_of(context.live)
    return _or_missing(policy_pages.tests_page(library, page.path["policy"], first, token, page.reader), page)


@pages.post("/policies/{policy}/-/tests", limit=_MOST_FORM)
async def run(context: RunningCases, page: PageCall) -> Response:
    """Runs the cases of one file."""
    try:
        page.filters()
        number = FIRST.of({"first": first_of(page.fields, "first") or "0"}) or 0
    except RequestRefused:
        return wrong_address(page.reader)
    return await asyncio.to_thread(partial(_run, context, page, number))


@pages.get("/policies/{policy}/{provision}")
def provision(context: ReadingAll, page: PageCall) -> Response:
    """A provision of a policy."""
    page.filters()
    policy, provision = page.path["policy"], page.path["provision"]
    return _or_missing(policy_pages.provision_page(library_of(context.live), policy, provision, page.reader), page)


@pages.get("/policies/{policy}")
def policy(context: ReadingAll, page: PageCall) -> Response:
    """A policy, and its provisions."""
    first = FIRST.of(page.filters("first")) or 0
    return _or_missing(policy_pages.policy_page(library_of(context.live), page.path["policy"], first, page.reader), page)


def _run(context: RunningCases, page: PageCall, number: int) -> Response:
    live, policy = context.live, page.path["policy"]
    library, token = library_of(live), _token(page.service, context)
    if not 0 <= number < len(library.cases(policy)):
        return _or_missing(None, page)
    try:
        found = page.shared(_runs).run(live, policy, number)
    except RequestRefused as busy:
        shown = policy_pages.tests_page(library, policy, 0, token, page.reader, wrong=busy.detail)
        return html(shown or "", KINDS[busy.kind][0])
    return _or_missing(policy_pages.tests_page(library, policy, 0, token, page.reader, found), page)


def _of_two(
    context: ReadingAll,
    page: PageCall,
    connection: sa.Connection,
    comparisons: Callable[[Service], KeptDifferences],
    shown: Callable[..., str],
) -> Response:
    """A page of two versions, as far as what it shows is found."""
    sent = page.filters("old", "new")
    by_name = {f"{each.source}-{each.meaning}": each for each in kept_bundles.list_bundles(connection)}
    old, new = (by_name.get(sent.get(side, "")) for side in ("old", "new"))
    if old is None or new is None:
        raise page.wrong()
    comparison = page.shared(comparisons).of(_digests(old), _digests(new), context.now.date())
    status = 202 if comparison.state in ("running", "waiting") else 200
    return html(shown(comparison, sent, old, new, page.reader), status)


def _moved(service: Service) -> KeptDifferences:
    address = str(service.settings.database)
    return KeptDifferences(address, "service.tables.impact_process", IMPACT_SECONDS, IMPACT_LASTS)


def _compared(service: Service) -> KeptDifferences:
    return KeptDifferences(str(service.settings.database))


def _runs(service: Service) -> CaseRuns:
    return CaseRuns()


def _or_missing(shown: str | None, page: PageCall) -> Response:
    words = page.reader.words.policies
    return page.missing(words["not_found"], words["not_found_text"]) if shown is None else html(shown)


def _token(service: Service, context: Context) -> str:
    """The token for the form that runs cases; "" for whoever may not ask for decisions."""
    return form_token.token(service, context.caller.id) if "evaluate" in context.caller.scopes else ""


def _digests(bundle: StoredBundle) -> tuple[str, str]:
    return bundle.source, bundle.meaning
