"""
The pages of one group: an address and a function of it go in, a route comes out, as for an operation (`service.api.router`).

The function takes a context by the door that it names, the page that is asked for, and a connection, and gives the page. An address that
cannot be read, also one that a use case refuses as malformed, is answered with the page that says so.
"""

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from service.api.forms import Fields, fields_of
from service.api.page_answers import html, language, wrong_address
from service.api.page_filters import filters
from service.api.router import Call, Function, Handler, Operation, door_of, enter, service_of, takes_connection
from service.callers.context import Context
from service.console.pages import missing_page
from service.console.reader import PageReader
from service.problems import RequestRefused

Shower = Callable[[Any, "PageCall"], Coroutine[Any, Any, Response]]


@dataclass
class PageCall(Call[None]):
    """A page that is asked for, and its reader; and the fields of the form that is sent, if one is."""

    reader: PageReader
    fields: Fields = field(default_factory=dict, kw_only=True)

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
    """
    The pages of one group. `what` a refusal names where the database does not answer; `missing` is the page for what is not there, where
    the group has one.
    """

    def __init__(self, what: str = "log", missing: Callable[[PageReader], Response] | None = None) -> None:
        self.what = what
        self.missing = missing
        self.routes: list[Operation] = []

    def put_on(self, app: FastAPI) -> None:
        """Put the routes on an application."""
        app.router.routes.extend(self.routes)

    def get(self, path: str) -> Callable[[Function], Function]:
        """A page that reads. A function that is `async` takes no connection; another one need not take one."""

        def add(function: Function) -> Function:
            self._add("GET", path, function, self.answering(function))
            return function

        return add

    def answering(self, function: Callable[..., Any]) -> Handler:
        """What answers with such a page, for a route that is not of this group."""
        show = function if inspect.iscoroutinefunction(function) else self._in_thread(function)

        async def handle(context: Context, page: PageCall) -> Response:
            try:
                shown: Response = await show(context, page)
                return shown
            except RequestRefused as refused:
                if refused.kind == "not-found" and self.missing is not None:
                    return self.missing(page.reader)
                if refused.kind != "bad-request":
                    raise
                return wrong_address(page.reader)

        return _entered(function, handle)

    def post(self, path: str, limit: int | None) -> Callable[[Function], Function]:
        """
        What the form of a page does, at its address. The function is `async` and takes a context and the page, with its `fields`.

        `limit` are the bytes that the form may have; without it the function reads the body by itself, and checks that a page sent it.
        """

        def add(function: Function) -> Function:
            async def handle(context: Context, page: PageCall) -> Response:
                if limit is not None:
                    page.fields = await fields_of(page.service, page.request, context.caller, limit)
                shown: Response = await function(context, page)
                return shown

            self._add("POST", path, function, _entered(function, handle))
            return function

        return add

    def _in_thread(self, function: Callable[..., Response]) -> Shower:
        connected = takes_connection(function)

        def read(context: Context, page: PageCall) -> Response:
            if not connected:
                return function(context, page)
            return page.service.read(lambda connection: function(context, page, connection), self.what)

        async def show(context: Context, page: PageCall) -> Response:
            return await run_in_threadpool(read, context, page)

        return show

    def _add(self, method: str, path: str, function: Callable[..., Any], handler: Handler) -> None:
        handler.__name__, handler.__module__ = function.__name__, function.__module__
        self.routes.append(Operation.of(path, handler, door_of(function), methods=[method], include_in_schema=False))


def _entered(function: Callable[..., Any], handle: Shower) -> Handler:
    """What lets a caller in by the door of a function, and handles the page."""
    door = door_of(function)

    async def handler(request: Request) -> Response:
        service = service_of(request)
        context = enter(door, request, service)
        reader = PageReader(context.live.bundle, language(request))
        return await handle(context, PageCall(request, service, None, reader))

    return handler
