"""
The answers with pages for a browser: a page goes in, the answer comes out, and the language in which an address asks for it.

The pages are HTML and one style sheet. Their content security policy forbids everything else, above all scripts. One page has a
script of the service, and a policy of its own (`service.api.workbench`).
"""

from fastapi import Request, Response

import engine
from service.console.pages import missing_page
from service.console.reader import PageReader

POLICY = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
ROWS = 50  # on a page


def wrong_address(reader: PageReader) -> Response:
    """The page for an address that cannot be read."""
    words = reader.words.pages
    return html(missing_page(reader, words["bad_filter"], words["bad_filter_text"]), 400)


def language(request: Request) -> str:
    """The language that the address asks for; English where there is no such language."""
    asked = request.query_params.get("lang", "")
    return asked if asked in engine.LANGUAGES else "en"


def html(page: str, status: int = 200) -> Response:
    """The answer with a page, and with the content policy of all pages."""
    headers = {
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "same-origin",  # without a referrer a browser would not say either from which origin a form comes
    }
    return Response(page, status, media_type="text/html", headers=headers)
