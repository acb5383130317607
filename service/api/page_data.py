"""
What pages link to as JSON, CSV or text, at addresses of pages: a session opens pages only, and never `/v1`.

Each address here is served by the function of an operation under `/v1`: the same scope, the same query, the same content and bounds, and
the same limits of a caller who belongs to a party. Only reading is served so. No page leads to `/v1`.
"""

from collections.abc import Iterable, Mapping

from fastapi import FastAPI
from fastapi.routing import APIRoute

from service.api.parameters import CheckedPage
from service.api.router import Operation
from service.service import Service

# The address of a page, and the operation whose function answers there.
ADDRESSES: Mapping[str, str] = {
    "/log/{id}/record": "/v1/decisions/{id}",
    "/log/{id}/explanation": "/v1/decisions/{id}/explanation",
    "/log/{id}/proof": "/v1/decisions/{id}/proof",
    "/log/{id}/receipt": "/v1/decisions/{id}/receipt",
    "/log/{id}/compliance-documents/{name}": "/v1/decisions/{id}/compliance-documents/{name}",
    "/log/{id}/sign-offs": "/v1/decisions/{id}/sign-offs",
    "/ledger/commitments": "/v1/commitments",
    "/ledger/commitments/{id}/record": "/v1/commitments/{id}",
    "/ledger/benefits/lines": "/v1/ledger/benefits",
    "/ledger/benefits/balances": "/v1/ledger/benefits/balances",
    "/ledger/statistics/cells": "/v1/statistics",
    "/ledger/accounts/classes": "/v1/ledger/accounts",
    "/ledger/promises": "/v1/ledger/promises",
    "/ledger/promised/lines": "/v1/ledger/promises/countries",
    "/ledger/events": "/v1/watch/events",
    "/policies/versions/{digest}": "/v1/bundles/{digest}",
    "/register/-/parties/{id:entity}": "/v1/parties/{id:entity}",
    "/register/-/assets/{id:entity}": "/v1/assets/{id:entity}",
    "/register/-/entities/{kind}/{id:entity}": "/v1/entities/{kind}/{id:entity}",
}


def add(app: FastAPI, service: Service) -> None:
    """Put the addresses on the application, after the operations, and before the pages whose paths take any name."""
    for address, path in ADDRESSES.items():
        found = _reading(app.router.routes, path)
        if isinstance(found, Operation):
            app.router.routes.append(found.at(address))
            continue
        app.router.add_api_route(
            address,
            found.endpoint,
            methods=["GET"],
            response_model=found.response_model,
            response_class=found.response_class,
            openapi_extra=found.openapi_extra,
            include_in_schema=False,
            route_class_override=CheckedPage,
        )


def _reading(routes: Iterable[object], path: str) -> APIRoute:
    """The route of an operation that reads. Raises LookupError where there is none: an address without it is a fault of ours."""
    for each in routes:
        if isinstance(each, APIRoute) and each.path == path and "GET" in (each.methods or ()):
            return each
    raise LookupError(f"no operation reads {path}")
