"""
`GET /policies` and the pages under it: the policies that decide, what they cover, their tests, their versions, and what the shadow would
change; for a person with a browser. `POST /policies/{policy}/-/tests` runs the cases of one policy. Nothing here changes anything.
"""

import asyncio

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response

from service.api import paging
from service.api.forms import fields_of
from service.api.forms import first as first_of
from service.api.page_answers import html, language, wrong_address
from service.api.page_filters import filters, one_of, whole_number
from service.api.sent import Plain
from service.callers.caller import Caller, caller_of
from service.console import policy_pages
from service.console.pages import missing_page
from service.console.policy_library import library_of
from service.console.policy_wording import POLICY_WORDS
from service.console.reader import PageReader
from service.drafts import form_token
from service.policies import kept
from service.policies.case_runs import CaseRuns
from service.policies.kept import Kept
from service.policies.kept_differences import KeptDifferences
from service.policies.shadow import differences, moved
from service.problems import KINDS, RequestRefused
from service.service import Service

VERSIONS = 25  # on a page
CHOICES = 100  # of versions to compare
SHADOW_ROWS = 40

_MOST_FORM = 4 * 1024


def add(app: FastAPI, service: Service) -> None:
    """Put the pages on the application."""
    compared, runs = KeptDifferences(str(service.settings.database)), CaseRuns()

    # These are not `async`: reading waits for the disk or for a file of policies, so each call runs in a thread.
    @app.get("/policies", include_in_schema=False)
    def policies(request: Request) -> Response:
        caller_of(request.scope, "read")
        library, reader = library_of(service.live), PageReader(service.live.bundle, language(request))
        try:
            sent = filters(request, ("jurisdiction", "text", "first"))
            first = whole_number(sent.pop("first", None)) or 0
            one_of(sent.get("jurisdiction"), {each.jurisdiction for each in library.policies.values()})
        except ValueError:
            return wrong_address(reader)
        return html(policy_pages.list_page(library, sent, first, reader))

    @app.get("/policies/coverage", include_in_schema=False)
    def coverage(request: Request) -> Response:
        caller_of(request.scope, "read")
        reader = PageReader(service.live.bundle, language(request))
        try:
            filters(request, ())
        except ValueError:
            return wrong_address(reader)
        return html(policy_pages.coverage_page(library_of(service.live), reader))

    @app.get("/policies/versions", include_in_schema=False)
    def versions(request: Request) -> Response:
        caller_of(request.scope, "read")
        reader = PageReader(service.live.bundle, language(request))
        try:
            first = whole_number(filters(request, ("first",)).get("first")) or 0
        except ValueError:
            return wrong_address(reader)
        found = service.read(kept.listed)
        live = service.live.digests.source, service.live.digests.meaning
        shown = found[first : first + VERSIONS]
        return html(policy_pages.versions_page(shown, len(found), first, VERSIONS, live, found[:CHOICES], reader))

    @app.get("/policies/difference", include_in_schema=False)
    def difference(request: Request) -> Response:
        caller_of(request.scope, "read")
        reader = PageReader(service.live.bundle, language(request))
        try:
            sent = filters(request, ("old", "new"))
        except ValueError:
            return wrong_address(reader)
        by_name = {f"{each.source}-{each.meaning}": each for each in service.read(kept.listed)}
        old, new = (by_name.get(sent.get(side, "")) for side in ("old", "new"))
        if old is None or new is None:
            return wrong_address(reader)
        today = service.clock().date()
        comparison = compared.of(_digests(old), _digests(new), today)
        status = 202 if comparison.state in ("running", "waiting") else 200
        return html(policy_pages.difference_page(comparison, sent, old, new, reader), status)

    @app.get("/policies/shadow", include_in_schema=False)
    def shadow(request: Request) -> Response:
        caller_of(request.scope, "read")
        reader = PageReader(service.live.bundle, language(request))
        beside = service.shadow
        try:
            cursor = filters(request, ("cursor",)).get("cursor")
            place = paging.Asked(SHADOW_ROWS, cursor).after("shadow page", int)
        except (ValueError, RequestRefused):
            return wrong_address(reader)
        if beside is None:
            return html(policy_pages.shadow_page(None, (), (), False, None, reader))
        digests, before = beside.digests, None if place is None else place[0]

        def look(connection: sa.Connection) -> tuple[list[sa.Row[tuple[object, ...]]], list[sa.Row[tuple[object, ...]]]]:
            return list(differences(connection, digests, before, SHADOW_ROWS + 1)), list(moved(connection, digests))

        rows, moves = service.read(look)
        following = paging.written("shadow page", rows[SHADOW_ROWS - 1].sequence) if len(rows) > SHADOW_ROWS else None
        return html(policy_pages.shadow_page(beside, moves, rows[:SHADOW_ROWS], cursor is not None, following, reader))

    @app.get("/policies/{policy}/-/tests", include_in_schema=False)
    def tests(policy: str, request: Request) -> Response:
        caller = caller_of(request.scope, "read")
        reader = PageReader(service.live.bundle, language(request))
        try:
            first = whole_number(filters(request, ("first",)).get("first")) or 0
        except ValueError:
            return wrong_address(reader)
        token = _token(service, caller)
        return _or_missing(policy_pages.tests_page(library_of(service.live), policy, first, token, reader), reader)

    async def run(request: Request) -> Response:
        caller_of(request.scope, "read")
        caller = caller_of(request.scope, "evaluate")
        live, policy = service.live, request.path_params["policy"]
        reader = PageReader(live.bundle, language(request))
        sent = await fields_of(service, request, caller, _MOST_FORM)
        try:
            filters(request, ())
            number = whole_number(first_of(sent, "first")) or 0
        except ValueError:
            return wrong_address(reader)

        def answer() -> Response:
            library, token = library_of(live), _token(service, caller)
            if not 0 <= number < len(library.cases(policy)):
                return _or_missing(None, reader)
            try:
                found = runs.run(live, policy, number)
            except RequestRefused as busy:
                page = policy_pages.tests_page(library, policy, 0, token, reader, wrong=busy.detail)
                return html(page or "", KINDS[busy.kind][0])
            return _or_missing(policy_pages.tests_page(library, policy, 0, token, reader, found), reader)

        return await asyncio.to_thread(answer)

    app.router.add_api_route(
        "/policies/{policy}/-/tests", run, methods=["POST"], include_in_schema=False, route_class_override=Plain
    )

    @app.get("/policies/{policy}/{provision}", include_in_schema=False)
    def provision(policy: str, provision: str, request: Request) -> Response:
        caller_of(request.scope, "read")
        reader = PageReader(service.live.bundle, language(request))
        try:
            filters(request, ())
        except ValueError:
            return wrong_address(reader)
        return _or_missing(policy_pages.provision_page(library_of(service.live), policy, provision, reader), reader)

    @app.get("/policies/{policy}", include_in_schema=False)
    def policy(policy: str, request: Request) -> Response:
        caller_of(request.scope, "read")
        reader = PageReader(service.live.bundle, language(request))
        try:
            first = whole_number(filters(request, ("first",)).get("first")) or 0
        except ValueError:
            return wrong_address(reader)
        return _or_missing(policy_pages.policy_page(library_of(service.live), policy, first, reader), reader)


def _or_missing(page: str | None, reader: PageReader) -> Response:
    words = POLICY_WORDS[reader.lang]
    return html(missing_page(reader, words["not_found"], words["not_found_text"]), 404) if page is None else html(page)


def _token(service: Service, caller: Caller) -> str:
    """The token for the form that runs cases; "" for whoever may not ask for decisions."""
    return form_token.token(service, caller.id) if "evaluate" in caller.scopes else ""


def _digests(bundle: Kept) -> tuple[str, str]:
    return bundle.source, bundle.meaning
