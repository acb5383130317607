"""
`GET /log` and `GET /log/{id}`: the decision log for a person with a browser. Nothing here changes anything.

The pages are HTML and one style sheet; the policy they are sent with lets in nothing else, no script least of all.
"""

from urllib.parse import parse_qsl

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response

from service import signing
from service.api.decisions import kept
from service.callers import caller_of
from service.console.pages import STYLE, Reader, decision_page, missing_page
from service.console.wording import WORDS
from service.problems import Refused
from service.service import Service

POLICY = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_MOST_PARAMETERS = 30


def add(app: FastAPI, service: Service) -> None:
    """Put the pages on the application."""

    @app.get("/log/style.css", include_in_schema=False)
    async def style() -> Response:
        return Response(STYLE, media_type="text/css", headers={"Cache-Control": "max-age=300"})

    # Not `async`: reading waits for the disk, so they get a thread.
    @app.get("/log/{id}", include_in_schema=False)
    def decision(id: str, request: Request) -> Response:
        caller_of(request.scope, "read")
        reader = Reader(service.live.bundle, language(request))
        try:
            stored = service.store.read(id)
            if stored is None:
                words = WORDS[reader.lang]
                return _html(missing_page(reader, words["not_found"], words["not_found_text"]), 404)
            with service.store.database.reading.connect() as connection:
                sign_offs = [each.model_dump(mode="json") for each in signing.given(connection, id)]
        except sa.exc.SQLAlchemyError:
            raise Refused("not-ready", "the log cannot be read", headers={"Retry-After": "1"}) from None
        return _html(decision_page(kept(stored), sign_offs, reader))


def language(request: Request) -> str:
    """The language that the address asks for; what is no language is English."""
    asked = dict(parse_qsl(request.scope["query_string"].decode("latin-1"), max_num_fields=None))
    return asked.get("lang", "") if asked.get("lang", "") in WORDS else "en"


def _html(page: str, status: int = 200) -> Response:
    return Response(page, status, media_type="text/html", headers={"Content-Security-Policy": POLICY})
