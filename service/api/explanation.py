"""
`GET /v1/decisions/{id}/explanation`: why a recorded decision is as it is, by part, in either language.

The exchange of the record is judged again, on its day and by its policies. While the engine is the same, the bytes are those that the
answer itself would have had.
"""

import json
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request, Response

import engine
from service.api import schemas
from service.api.sent import PARAMETERS, language, parts
from service.callers.caller import caller_of
from service.decisions.replay import CannotReplay, Replaying
from service.log.canonical_json import canonical
from service.problems import RequestRefused
from service.service import Service

BY_DEFAULT = ("reasons", "requirements", "duties", "coverage", "factor")
MOST_POSSIBLE = 500  # provisions of a page
_NUMBERS = {
    "first": ("which provision of `possible` a page begins with; the first is 0", 0),
    "limit": ("how many provisions of `possible` a page has", 1),
}
_EXPLAINED: list[dict[str, Any]] = [
    *PARAMETERS,
    *(
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": about,
            "schema": {"type": "integer", "minimum": least, **({"maximum": MOST_POSSIBLE} if name == "limit" else {})},
        }
        for name, (about, least) in _NUMBERS.items()
    ),
]


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""
    replaying = Replaying.shared(app, service)

    # This is not `async`: judging takes a while, so each call runs in a thread.
    @app.get(
        "/v1/decisions/{id}/explanation",
        summary="Explain a decision",
        openapi_extra={**schemas.needs("read"), "parameters": _EXPLAINED},
        response_model=engine.Explanation,
        responses=schemas.problems(400, 403, 404, 409, 503),
    )
    def explanation(id: str, request: Request) -> Response:
        """
        Explains a recorded decision: its reasons, requirements, duties, coverage and account, or the parts that `include` names.

        The header `Verdict` says whether this version comes to the recorded verdict: `same` or `other`; `unknown` for an older record.
        """
        caller_of(request.scope, "read")
        asked = _asked(request.scope["query_string"])
        include = parts(asked.get("include")) or BY_DEFAULT
        lang = language(asked["lang"]) if "lang" in asked else None
        try:
            again = replaying.reopened(service.stored(id))
            written = again.explanation(include, lang)
        except CannotReplay as cannot:
            raise RequestRefused("cannot-replay", str(cannot)) from None
        if asked.keys() & _NUMBERS:
            first, limit = (_number(asked, name) for name in _NUMBERS)
            document = json.loads(written)
            if "possible" in document:
                document["possible"] = document["possible"][first:][: limit or MOST_POSSIBLE]
            written = canonical(document).decode()
        verdict = {True: "same", False: "other", None: "unknown"}[again.same_verdict]
        return Response(written, media_type="application/json", headers={"Verdict": verdict})


def _asked(query: bytes) -> dict[str, str]:
    try:
        sent = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(query), max_num_fields=8)
    except ValueError:
        raise RequestRefused("bad-request", "write the query as parameters, like `?include=reasons&lang=en`") from None
    values = dict(sent)
    if len(values) < len(sent):
        raise RequestRefused("bad-request", "the query has a parameter twice")
    for name in values.keys() - {"include", "lang", *_NUMBERS}:
        known = ", ".join(f"`{each}`" for each in ("include", "lang", *_NUMBERS))
        raise RequestRefused("bad-request", f"there is no parameter `{name[:40]}`; there are {known}")
    return values


def _number(asked: dict[str, str], name: str) -> int:
    value, least = asked.get(name, "0"), _NUMBERS[name][1]
    if name in asked and not (value.isascii() and value.isdigit() and len(value) < 7 and int(value) >= least):
        raise RequestRefused("bad-request", f"`{name}` takes a whole number from {least} on")
    if name == "limit" and int(value) > MOST_POSSIBLE:
        raise RequestRefused("bad-request", f"`limit` takes a number up to {MOST_POSSIBLE}")
    return int(value)
