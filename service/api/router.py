"""
The routes of one group: an address and a function of it go in, a route that does all that is the same everywhere comes out.

The function takes first a context (`service.callers.context`), by the door that it names: this checks the caller's scope and whether it may
belong to a party, before anything else is read. Then it takes the call, and

- of what reads, a connection if it takes a third argument: it runs in a thread, since it waits for the disk;
- of what writes, the writer's transaction, which holds the kept answer for its `Idempotency-Key` too. The context has the moment and the
  policies of the transaction. It is short;
- nothing more if it is `async`: it then waits, reads and writes by itself, with `Call.once` or with the service.

It gives the model of the answer, as its return annotation says, or a whole answer. Routes are made once a process, whatever number of
applications it has: the service is that of the application which the request came to.
"""

import inspect
import json
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import UnionType
from typing import Any, Generic, Self, TypeVar, get_args, get_type_hints

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool

from service.api.operations import Tag, json_body, operation, schema_of
from service.api.paging import Page
from service.api.parameters import AnyParameter, CheckedPage, Parameter, single
from service.api.request_bodies import Plain, body
from service.callers.caller import known_caller
from service.callers.context import Context
from service.decisions.idempotency import KeptAnswer, once
from service.problems import Kind, RequestRefused, wrong_members
from service.service import Service
from service.telemetry.log_lines import note

LIMIT = 16 * 1024  # bytes of a body

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

Door = TypeVar("Door", bound=Context)
Body = TypeVar("Body", bound=BaseModel)
Sent = TypeVar("Sent")
Shared = TypeVar("Shared")
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass
class Call(Generic[Sent]):
    """
    One request: what its address, its query and its body say. The body is `sent`, and `raw` as it came; where none is taken, it is None.
    """

    request: Request
    service: Service
    sent: Sent
    raw: bytes = field(default=b"", kw_only=True)
    noted: dict[str, Any] = field(default_factory=dict, kw_only=True)
    records: range = field(default=range(0), kw_only=True)

    @property
    def path(self) -> Mapping[str, str]:
        """What the address has in the places of its names."""
        return self.request.path_params

    @property
    def query(self) -> dict[str, str]:
        """The value of each parameter, which are those that the operation declares."""
        return single(self.request)

    def note(self, **more: Any) -> None:
        """Put something into the log line of the request, if it is the one that does the work and no retry."""
        self.noted.update(more)

    def erased_with(self, sequence: int) -> None:
        """The answer has values of a record, by its number: what is kept of it for a retry is erased with them."""
        self.records = range(sequence, sequence + 1)

    def context(self, door: type[Door]) -> Door:
        """Who asks, let in by a door, at this moment. Raises RequestRefused."""
        return enter(door, self.request, self.service)

    def shared(self, kind: Callable[[Service], Shared]) -> Shared:
        """What the application has one of, made of its service at the first use."""
        return shared(self.request, kind, self.service)

    async def once(self, context: Context, work: Callable[[sa.Connection], KeptAnswer]) -> Response:
        """See `service.decisions.idempotency.once`."""
        return await once(self.service, self.request, context.caller, self.raw, work)


class Operation(Plain):
    """A route of a `Router`. `door` is how its callers come in; what was `given` to make it makes it at another address too."""

    door: type[Context]
    given: Mapping[str, Any]

    @classmethod
    def of(cls, path: str, handler: Handler, door: type[Context], **given: Any) -> Self:
        """A route whose handler lets its callers in by a door."""
        made = cls(path, handler, **given)
        made.door, made.given = door, given
        return made

    def at(self, address: str) -> "OperationPage":
        """The same at the address of a page, where a session opens it; it is in no documentation."""
        return OperationPage.of(address, self.endpoint, self.door, **{**self.given, "include_in_schema": False})


class OperationPage(CheckedPage, Operation):
    """An operation at the address of a page, which has the same query."""


class Router:
    """
    The operations of one group of the documentation. `what` a refusal names where the database does not answer.
    """

    def __init__(self, tag: Tag, what: str = "log") -> None:
        self.tag = tag
        self.what = what
        self.routes: list[Operation] = []

    def put_on(self, app: FastAPI) -> None:
        """Put the routes on an application."""
        app.router.routes.extend(self.routes)

    def get(self, path: str, name: str, summary: str, *kinds: Kind, **more: Any) -> Callable[[Function], Function]:
        """An operation that reads; see `add`."""
        return self.add("GET", path, name, summary, *kinds, **more)

    def post(
        self, path: str, name: str, summary: str, *kinds: Kind, repeatable: bool = True, **more: Any
    ) -> Callable[[Function], Function]:
        """An operation that writes; see `add`. Only an `async` one may be not `repeatable`."""
        return self.add("POST", path, name, summary, *kinds, repeatable=repeatable, **more)

    def add(
        self,
        method: str,
        path: str,
        name: str,
        summary: str,
        *kinds: Kind,
        parameters: Iterable[AnyParameter] = (),
        body: type[BaseModel] | Mapping[str, Any] | None = None,
        limit: int = LIMIT,
        status: int = 200,
        nulls: bool = False,
        writes: bool = False,
        repeatable: bool = False,
        answers: Mapping[int, Mapping[str, Any]] | None = None,
        **more: Any,
    ) -> Callable[[Function], Function]:
        """
        An operation, described as `service.api.operations.operation` says.

        `body` is the model of what is sent; or only its content by media type, which an `async` function reads by itself. `nulls`: members
        of the answer without a value are written as null, and not left out. `more` are arguments of the route.
        """
        model = body if isinstance(body, type) else None

        def put(function: Function) -> Function:
            door = door_of(function)
            if not (repeatable or method == "GET" or inspect.iscoroutinefunction(function)):
                raise TypeError(f"`{function.__qualname__}` writes in one transaction, so it can be repeated")
            described = operation(
                name,
                self.tag,
                summary,
                *kinds,
                needs=door.scope,
                parameters=[each.documented if isinstance(each, Parameter) else each for each in parameters],
                body=json_body(schema_of(body)) if isinstance(body, type) else body,
                writes=writes,
                repeatable=repeatable,
                answers=answers,
            )
            if method == "GET" and not inspect.iscoroutinefunction(function):
                handler = _reading(function, door, self.what, nulls)
            else:
                handler = _writing(function, door, model, limit, status, nulls)
            handler.__name__, handler.__doc__, handler.__module__ = function.__name__, function.__doc__, function.__module__
            given = {"methods": [method], "status_code": status, "response_model": _answer_of(function), **described, **more}
            self.routes.append(Operation.of(path, handler, door, **given))
            return function

        return put


def door_of(function: Callable[..., Any]) -> type[Context]:
    """The door by which the callers of a function come in. Raises TypeError where it takes no context first."""
    first = get_type_hints(function).get(next(iter(inspect.signature(function).parameters), ""))
    if not (isinstance(first, type) and issubclass(first, Context) and first is not Context):
        raise TypeError(f"`{function.__qualname__}` takes no context first, so nobody's scope and party would be checked")
    return first


def takes_connection(function: Callable[..., Any]) -> bool:
    """Whether a function that reads takes a connection besides its context and the call."""
    return len(inspect.signature(function).parameters) > 2


def enter(door: type[Door], request: Request, service: Service) -> Door:
    """Who makes a request, let in by a door. Raises RequestRefused."""
    return service.context(door, known_caller(request.scope), request.scope["request_id"])


def service_of(request: Request) -> Service:
    """The service of the application that a request came to."""
    found: Service = request.scope["app"].state.service
    return found


def shared(request: Request, kind: Callable[[Service], Shared], service: Service) -> Shared:
    """What an application has one of, made of its service at the first use."""
    made: dict[Any, Any] = request.scope["app"].state.shared
    if kind not in made:
        made.setdefault(kind, kind(service))
    found: Shared = made[kind]
    return found


def written(document: BaseModel, *, nulls: bool = False) -> bytes:
    """The bytes of an answer; members without a value are left out, if not `nulls`."""
    if nulls or not isinstance(document, Page):
        return document.model_dump_json(by_alias=True, exclude_none=not nulls).encode()
    shown = document.model_dump(mode="json", by_alias=True, exclude_none=True)
    return json.dumps({**shown, "next": shown.get("next")}, ensure_ascii=False).encode()


def answer(found: BaseModel | Response, status: int = 200, *, nulls: bool = False) -> Response:
    """The answer with a model; whatever is an answer already is sent as it is."""
    if isinstance(found, Response):
        return found
    return Response(written(found, nulls=nulls), status, media_type="application/json")


def _answer_of(function: Callable[..., Any]) -> Any:
    """The model of a function's answer, by its annotation: what it may give besides an answer as a whole."""
    given = get_type_hints(function).get("return")
    models = [each for each in (get_args(given) if isinstance(given, UnionType) else (given,)) if _is_model(each)]
    return models[0] if models else None


def _is_model(given: Any) -> bool:
    return isinstance(given, type) and issubclass(given, BaseModel)


def _reading(function: Callable[..., Any], door: type[Context], what: str, nulls: bool) -> Handler:
    connected = takes_connection(function)

    async def handler(request: Request) -> Response:
        service = service_of(request)
        context, call = enter(door, request, service), Call(request, service, None)

        def read() -> Response:
            work = partial(function, context, call)
            return answer(service.read(work, what) if connected else work(), nulls=nulls)

        return await run_in_threadpool(read)

    return handler


def _writing(
    function: Callable[..., Any], door: type[Context], model: type[BaseModel] | None, limit: int, status: int, nulls: bool
) -> Handler:
    async def handler(request: Request) -> Response:
        service = service_of(request)
        context = enter(door, request, service)
        call: Call[Any] = Call(request, service, None)
        if model is not None:
            call.raw, call.sent = await read_sent(request, model, limit)
        if inspect.iscoroutinefunction(function):
            return answer(await function(context, call), status, nulls=nulls)

        def work(transaction: sa.Connection) -> KeptAnswer:
            found = function(enter(door, request, service), call, transaction)
            if isinstance(found, KeptAnswer):
                return found
            made = written(found, nulls=nulls)
            return KeptAnswer(made, status, records=call.records, after=lambda: note(request.scope, **call.noted))

        return await call.once(context, work)

    return handler


async def read_sent(request: Request, model: type[Body], limit: int = LIMIT) -> tuple[bytes, Body]:
    """The body as bytes, and its content, read strictly as JSON. Raises RequestRefused."""
    raw = await body(request, limit)
    try:
        return raw, model.model_validate_json(raw)
    except ValidationError as failed:
        places = wrong_members(failed, model)
    raise RequestRefused("bad-request", "the body does not have the documented shape", errors=places)
