"""
Requests to the endpoints that decide: the body, as bytes up to a limit, and the query.

Both are read strictly. A parameter that the service does not know is refused, since the caller would read its absence in the
answer as a result.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

import engine
from service.decisions.decider import TellingAsked
from service.problems import RequestRefused

BODY_SECONDS = 30  # a slow caller holds a place that other callers need

_MOST_PARAMETERS = 8
ALL = "all"  # parts of an explanation

PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "include",
        "in": "query",
        "required": False,
        "description": "parts of the explanation that the answer is to have, separated by commas; `all` is each of them",
        "style": "form",
        "explode": False,
        "schema": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "string", "enum": [*engine.PARTS, ALL]},
        },
    },
    {
        "name": "lang",
        "in": "query",
        "required": False,
        "description": "the language of the sentences in the decision",
        "schema": {"type": "string", "enum": list(engine.LANGUAGES), "default": TellingAsked().lang},
    },
]


class Plain(APIRoute):
    """
    A route whose function gets the request and makes the response.

    FastAPI documents it like any other route and does nothing else, since its parameter reading takes as long as a short decision.
    """

    def __init__(self, path: str, endpoint: Callable[[Request], Coroutine[Any, Any, Response]], **more: Any) -> None:
        super().__init__(path, endpoint, **more)
        self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


async def body(request: Request, limit: int, kind: str = "application/json") -> bytes:
    """The whole body, of at most `limit` bytes, sent as plain JSON or another `kind`. Raises RequestRefused, ClientDisconnect."""
    headers = dict(reversed(request.scope["headers"]))
    _check_type(headers.get(b"content-type", b""), headers.get(b"content-encoding", b"identity"), kind)
    too_large = RequestRefused("body-too-large", f"a body may have at most {limit} bytes")
    declared = headers.get(b"content-length", b"0")
    # The length of the number is checked first, since Python refuses to read a number of 5,000 digits.
    if len(declared) > 15 or (declared.isdigit() and int(declared) > limit):
        raise too_large
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                pieces.append(message.get("body", b""))
                size += len(pieces[-1])
                if size > limit:
                    raise too_large
                if not message.get("more_body", False):
                    return b"".join(pieces)
    except TimeoutError:
        slow = f"a body must arrive within {BODY_SECONDS} seconds"
        raise RequestRefused("body-too-slow", slow, headers={"Connection": "close"}) from None


@lru_cache(maxsize=64)
def _check_type(content_type: bytes, encoding: bytes, wanted: str) -> None:
    kind, _, parameters = content_type.decode("latin-1").partition(";")
    if kind.strip().lower() != wanted:
        raise RequestRefused("unsupported-media-type", f"send the body as `Content-Type: {wanted}`")
    if parameters.strip().lower().replace('"', "") not in ("", "charset=utf-8"):
        raise RequestRefused("unsupported-media-type", "JSON is UTF-8; send the content type without other parameters")
    if encoding.strip().lower() != b"identity":
        raise RequestRefused("unsupported-media-type", "send the body without a content encoding")


@lru_cache(maxsize=256)
def asked(query: bytes) -> TellingAsked:
    """The options in the query of a request. Raises RequestRefused."""
    if not query:
        return TellingAsked()
    try:
        sent = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=_MOST_PARAMETERS)
        values = dict(sent)
    except ValueError:
        raise RequestRefused("bad-request", "write the query as parameters, like `?include=remedies&lang=en`") from None
    if len(values) < len(sent):
        raise RequestRefused("bad-request", "the query has a parameter twice")
    for name in values.keys() - {"include", "lang"}:
        raise RequestRefused("bad-request", f"there is no parameter `{name[:40]}`; there are `include` and `lang`")
    return TellingAsked(parts(values.get("include")), language(values.get("lang", TellingAsked().lang)))


def parts(include: str | None) -> frozenset[str]:
    """The parts of an explanation that a parameter names. Raises RequestRefused."""
    named = [] if include is None else include.split(",")
    for each in named:
        if each not in (*engine.PARTS, ALL):
            raise RequestRefused(
                "bad-request", f"`include` takes {_listed((*engine.PARTS, ALL))}, separated by commas, not `{each[:40]}`"
            )
    if len(set(named)) < len(named):
        raise RequestRefused("bad-request", "`include` has a value twice")
    return frozenset(engine.PARTS if ALL in named else named)


def language(lang: str) -> str:
    """A language that sentences can be in. Raises RequestRefused."""
    if lang not in engine.LANGUAGES:
        raise RequestRefused("bad-request", f"`lang` takes {_listed(engine.LANGUAGES)}, not `{lang[:40]}`")
    return lang


def _listed(choices: Iterable[str]) -> str:
    return ", ".join(f"`{each}`" for each in choices)
