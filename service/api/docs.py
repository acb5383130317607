"""
`GET /docs`: the operations as pages: a list, and each with its parameters, its bodies and an example. Anybody may read them.

They are read from the OpenAPI document and have no scripts. We refused a page on which operations can be tried: Swagger UI is two megabytes
of script, reads the whole document at each visit, and stands outside the frame and the languages of the other pages. A page has the command
instead. Callers who cannot use a command line would change our mind.
"""

import json
from collections.abc import Callable
from functools import lru_cache

from fastapi import FastAPI, Request, Response

from service.api.page_answers import html, language
from service.console.operation_pages import DOCS, Operations, operation_page, operations_of, operations_page
from service.console.reader import PageReader
from service.policies.live import Live
from service.problems import RequestRefused
from service.service import Service


def add(app: FastAPI, service: Service, document: Callable[[Live], str]) -> None:
    """Put the pages on the application. `document` gives the OpenAPI document as JSON."""

    @lru_cache(maxsize=1)
    def read(live: Live) -> Operations:
        return operations_of(json.loads(document(live)))

    # These are not `async`: the first call makes the document.
    @app.get(DOCS, include_in_schema=False)
    def docs(request: Request) -> Response:
        live = service.live
        return html(operations_page(read(live), PageReader(live.bundle, language(request))))

    @app.get(f"{DOCS}/{{name}}", include_in_schema=False)
    def one(name: str, request: Request) -> Response:
        live = service.live
        found = read(live).by_name.get(name)
        if found is None:
            raise RequestRefused("not-found", "there is no operation of this name; `/docs` lists all of them")
        return html(operation_page(found, str(request.base_url).rstrip("/"), PageReader(live.bundle, language(request))))
