"""
Requests to the endpoints that decide: the body, as bytes up to a limit, and what the query asks of the answer.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable
from functools import lru_cache
from typing import Any, TypeVar

from fastapi import Request, Response
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

import engine
from service.api.parameters import Checked, parameter, single, wrong
from service.decisions.answer_options import AnswerOptions
from service.problems import RequestRefused, wrong_members

Sent = TypeVar("Sent", bound=BaseModel)

BODY_SECONDS = 30  # a slow caller holds a place that other callers need

ALL = "all"  # parts of an explanation

RECEIPT = "receipt"  # beside the parts, where an answer may have it


def _include(more: str, *others: str) -> dict[str, Any]:
    words = [*engine.PARTS, ALL, *others]
    return parameter(
        "include",
        f"parts of the explanation that the answer is to have, separated by commas; `all` is each of them{more}",
        {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string", "enum": words}},
        style="form",
        explode=False,
    )


INCLUDE = _include("")
INCLUDE_RECEIPT = _include(". `receipt` adds the receipt of the decision, for a caller with the scope `read` too", RECEIPT)
LANG = parameter(
    "lang",
    "the language of the sentences in the answer",
    {"type": "string", "enum": list(engine.LANGUAGES), "default": AnswerOptions().lang},
)
PARAMETERS = [INCLUDE, LANG]


class Plain(Checked):
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


async def body(request: Request, limit: int, kind: str | None = "application/json") -> bytes:
    """
    The whole body, of at most `limit` bytes, sent as plain JSON or another `kind`; None is any.

    Raises RequestRefused, ClientDisconnect.
    """
    headers = dict(reversed(request.scope["headers"]))
    if kind is not None:
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


def asked(request: Request) -> AnswerOptions:
    """The options in the query of a request. Raises RequestRefused."""
    values = single(request)
    return AnswerOptions(parts(values.get("include")), language(values.get("lang", AnswerOptions().lang)))


def asked_with_receipt(request: Request) -> tuple[AnswerOptions, bool]:
    """The options in the query of a request that may ask for a receipt, and whether it does. Raises RequestRefused."""
    values = single(request)
    named = _named(values.get("include"), RECEIPT)
    told = AnswerOptions(_parts(named), language(values.get("lang", AnswerOptions().lang)))
    return told, RECEIPT in named


def parts(include: str | None) -> frozenset[str]:
    """The parts of an explanation that a parameter names. Raises RequestRefused."""
    return _parts(_named(include))


def _parts(named: Collection[str]) -> frozenset[str]:
    return frozenset(engine.PARTS if ALL in named else [each for each in named if each != RECEIPT])


def _named(include: str | None, *others: str) -> list[str]:
    named, words = [] if include is None else include.split(","), (*engine.PARTS, ALL, *others)
    for each in named:
        if each not in words:
            known = f"`include` takes {_listed(words)}, separated by commas, not `{each[:40]}`"
            raise wrong("include", "; ".join(filter(None, (known, engine.did_you_mean(each[:40], words)))))
    if len(set(named)) < len(named):
        raise wrong("include", "`include` has a value twice")
    return named


def language(lang: str) -> str:
    """A language that sentences can be in. Raises RequestRefused."""
    if lang not in engine.LANGUAGES:
        raise wrong("lang", f"`lang` takes {_listed(engine.LANGUAGES)}, not `{lang[:40]}`")
    return lang


def _listed(choices: Iterable[str]) -> str:
    return ", ".join(f"`{each}`" for each in choices)


def read_body(raw: bytes, model: type[Sent]) -> Sent:
    """A body of a model. Raises RequestRefused."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as refused:
        raise RequestRefused("bad-request", "the body is not as described", errors=wrong_members(refused, model)) from None
