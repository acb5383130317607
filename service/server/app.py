"""
The application: settings in, an ASGI application out.

The endpoints are in `api/`, one module per group; this file puts them behind the gate and turns their refusals into
problem documents.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from service.api import (
    acceptance_pages,
    acceptances,
    account_pages,
    accounts,
    add_checkpoint,
    agreement_pages,
    agreements,
    ask,
    authzen,
    batch,
    benefit_pages,
    benefits,
    bundles,
    caller_info,
    case_drafts,
    commitments,
    compliance_documents,
    counters,
    decision_pages,
    decisions,
    docs,
    document_pages,
    documents,
    drafts,
    evaluate,
    events,
    explanation,
    facts,
    health,
    income_reports,
    keys,
    ledger_pages,
    log_pages,
    metrics,
    openapi,
    page_data,
    persons,
    plans,
    policy_pages,
    presets,
    promise_pages,
    promises,
    proofs,
    provisions,
    receipts,
    recipients,
    register,
    register_pages,
    reports,
    review_pages,
    reviews,
    rights,
    rights_pages,
    runs,
    schemas,
    shadow,
    sign_in,
    sign_off,
    start,
    statistics,
    statistics_pages,
    story_pages,
    style,
    tree,
    watch,
    withdrawals,
    workbench,
)
from service.api.page_answers import html, language
from service.api.page_router import Pages
from service.api.parameters import Checked, wrong
from service.api.router import Router
from service.api.shapes import Shapes
from service.callers.entrance import Entrance, is_page, takes_html
from service.console.reader import PageReader
from service.console.sign_in_pages import not_allowed_page
from service.decisions.idempotency import purge_now_and_then
from service.decisions.review_case_backfill import take_in_earlier_cases
from service.doors.dpv import endpoints as dpv_endpoints
from service.doors.ext_authz import gateway_checks
from service.doors.odrl import contract_upload, decided_contracts, read_contracts, written_contracts
from service.doors.opa import data_api
from service.drafts.draft_store import purge_drafts_now_and_then
from service.mappings.entity_store import Entities
from service.mappings.registered_entities import EntityRegister
from service.outbox import sink_settings
from service.outbox.deliveries import SinkDeliveries
from service.problems import Kind, RequestRefused, plain
from service.server import service_figures
from service.server.compression import Compression
from service.server.gate import Gate
from service.service import Service
from service.settings import Settings
from service.watch.daily_rounds import run_rounds

API_VERSION = "1"
DESCRIPTION = (
    "Decides proposed cross-border exchanges of data against policies written in YAML, and records every decision. "
    "The policies are engineering research; the decisions are not legal advice."
)
_REFUSED_BY_STATUS: dict[int, tuple[Kind, str]] = {
    404: ("not-found", "there is no endpoint at this address"),
    405: ("method-not-allowed", "the header `Allow` lists the methods that this address accepts"),
}


def preload() -> None:
    """Load what FastAPI loads with its first route: five megabytes, which processes that are forked afterwards share."""

    def nothing() -> int:
        return 0

    FastAPI(openapi_url=None, docs_url=None, redoc_url=None).add_api_route("/", nothing)


def create_app(settings: Settings, service: Service | None = None, entities: Entities | None = None) -> FastAPI:
    """
    The application for these settings, or for a service that is already open. `entities` are those that access requests may name.

    The application closes the service when its lifespan ends. Raises engine.BundleRefused, SettingRefused and DatabaseRefused.
    """
    service = service or Service.open(settings)
    deliveries = SinkDeliveries(service, sink_settings.read(settings.sinks))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        beside = (purge_now_and_then, purge_drafts_now_and_then, take_in_earlier_cases)
        working = [asyncio.create_task(each(service)) for each in beside]
        async with service.running(), service.metrics.sharing(), run_rounds(service), deliveries.running():
            yield
        for each in working:
            each.cancel()
        await asyncio.to_thread(service.close)

    app = FastAPI(
        title="Fifth Factor",
        version=API_VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url=None,  # served by api/openapi.py, with the schema of the loaded vocabulary in it
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # This would send exception messages, which may quote a value, to the collector of traces.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    service_figures.register(service)
    deliveries.register(service.metrics)
    app.state.service = service
    app.state.shared = {}  # what the routes make of the service once, see api/router.py
    app.router.route_class = Checked
    groups = (
        accounts.router,  # before the register, whose paths take an id with slashes
        batch,
        plans.router,
        drafts.router,
        recipients.router,
        commitments.router,
        counters.router,
        benefits.router,
        statistics.router,
        income_reports.router,
        promises.router,
        decisions.router,
        dpv_endpoints.router,
        explanation.router,
        compliance_documents.router,
        read_contracts.router,
        decided_contracts.router,
        written_contracts.router,
        agreements.router,
        rights.router,
        acceptance_pages.pages,  # before the pages of one review, whose paths take any name
        review_pages.pages,
        acceptances.router,
        reviews.router,
        sign_off.router,
        documents.router,
        document_pages.pages,  # before the pages of one decision, whose paths take any name
        style,  # the same
        log_pages.pages,  # the same
        decision_pages.pages,
        contract_upload.pages,  # before a draft's, whose paths take any name
        ask.pages,
        reports.pages,
        register.router,
        ledger_pages.pages,
        agreement_pages.pages,
        rights_pages.pages,
        benefit_pages.pages,
        promise_pages.pages,
        account_pages.pages,
        statistics_pages.pages,
        bundles.router,
        shadow.router,
        facts.router,
        dpv_endpoints.reading,
        presets.router,
        provisions.router,
        case_drafts.router,
        keys.router,
        caller_info,
        persons.router,
        health,
        metrics.router,
        proofs.router,
        runs.router,
        tree,  # after the entries, whose address is under that of the tiles
        receipts.router,
        withdrawals,
        data_api.router,
        events.router,
        watch.router,
        page_data,  # after the operations, and before the pages whose paths take any name
        register_pages.pages,
        policy_pages.pages,
        workbench.pages,
        story_pages.pages,
        add_checkpoint,
        start,
        sign_in,
    )
    # Routes are tried in their order, and most calls evaluate.
    evaluate.add(app, service)
    authzen.add(app, service, entities or EntityRegister(service.store.database))
    gateway_checks.add(app, service)
    for group in groups:
        if isinstance(group, Router | Pages):
            group.put_on(app)
        else:
            group.add(app, service)
    shapes = Shapes()
    schemas.add(app, service, shapes)
    docs.add(app, service, openapi.add(app, service, shapes))
    app.add_middleware(Compression)
    app.add_middleware(
        Gate, service=service, entrance=Entrance(service.settings, service.keys, service.tokens, service.sessions)
    )
    app.add_exception_handler(RequestRefused, _refused)
    app.add_exception_handler(HTTPException, _by_status)
    app.add_exception_handler(RequestValidationError, _malformed)
    return app


async def _refused(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, RequestRefused)
    request.scope["refused"] = refused.kind
    if refused.kind == "forbidden" and is_page(request.scope) and takes_html(request.scope):
        reader = PageReader(request.app.state.service.live.bundle, language(request))
        return html(not_allowed_page(refused.detail, reader), 403)
    return refused.response(request.scope["path"], request.scope["request_id"])


async def _by_status(request: Request, raised: Exception) -> Response:
    assert isinstance(raised, HTTPException)
    path, request_id = request.scope["path"], request.scope["request_id"]
    headers = raised.headers
    if raised.status_code == 405:
        headers = {**(headers or {}), "Allow": _allowed(request)}
    if known := _REFUSED_BY_STATUS.get(raised.status_code):
        request.scope["refused"] = known[0]
        return RequestRefused(*known, headers=headers).response(path, request_id)
    return plain(raised.status_code, path, request_id, raised.headers)


def _allowed(request: Request) -> str:
    """The methods of all routes of an address. The router itself names only those of the first route."""
    routes = [each for each in request.app.router.routes if each.matches(request.scope)[0] is not Match.NONE]
    return ", ".join(sorted({method for each in routes for method in getattr(each, "methods", None) or ()}))


async def _malformed(request: Request, raised: Exception) -> Response:
    assert isinstance(raised, RequestValidationError)
    first = raised.errors()[0]
    where, name = first["loc"][0], str(first["loc"][-1])
    detail = f"`{name}` in the {where} does not have the documented form: {first['msg'][:1].lower()}{first['msg'][1:]}"
    return await _refused(request, wrong(name, detail) if where == "query" else RequestRefused("bad-request", detail))
