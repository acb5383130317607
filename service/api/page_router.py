"""
The pages of one group that read: an address and a function of it go in, a route comes out, as for an operation (`service.api.router`).

The function takes a context by the door that it names, the page that is asked for, and a connection, and gives the page. An address that
cannot be read, also one that a use case refuses as malformed, is answered with the page that says so.
"""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from service.api.console import html, language, wrong_address
from service.api.page_filters import filters
from service.api.router import Call, Function, Operation, door_of, enter, service_of
from service.console.pages import missing_page
from service.console.reader import PageReader
from service.problems import RequestRefused


@dataclass
class PageCall(Call[None]):
    """A page that is asked for, and its reader."""

    reader: PageReader

    def filters(self, *known: str) -> dict[str, str]:
        """The filters in the address, without its language and without those that a form left empty. Raises RequestRefused."""
        try:
            return filters(self.request, known)
        except ValueError:
            raise self.wrong() from None

    def wrong(self) -> RequestRefused:
        """The refusal of an address that cannot be read."""
        return RequestRefused("bad-request", "the page has no such address")

    def missing(self, title: str, text: str) -> Response:
        """The page for what is not there."""
        return html(missing_page(self.reader, title, text), 404)


class Pages:
    """The pages of one group. `what` a refusal names where the database does not answer."""

    def __init__(self, what: str = "log") -> None:
        self.what = what
        self.routes: list[Operation] = []

    def put_on(self, app: FastAPI) -> None:
        """Put the routes on an application."""
        app.router.routes.extend(self.routes)

    def get(self, path: str) -> Callable[[Function], Function]:
        """A page that reads."""

        def add(function: Function) -> Function:
            door = door_of(function)

            async def handler(request: Request) -> Response:
                service = service_of(request)
                context = enter(door, request, service)
                page = PageCall(request, service, None, PageReader(context.live.bundle, language(request)))

                def look(connection: sa.Connection) -> Response:
                    shown: Response = function(context, page, connection)
                    return shown

                def read() -> Response:
                    try:
                        return service.read(look, self.what)
                    except RequestRefused as refused:
                        if refused.kind != "bad-request":
                            raise
                        return wrong_address(page.reader)

                return await run_in_threadpool(read)

            handler.__name__, handler.__module__ = function.__name__, function.__module__
            self.routes.append(Operation.of(path, handler, door, methods=["GET"], include_in_schema=False))
            return function

        return add
