"""`GET /ledger/promised`: what was promised for the people of each country, for a person with a browser. Nothing here changes anything."""

import sqlalchemy as sa
from fastapi import Response

from service.api.page_answers import html
from service.api.page_router import PageCall, Pages
from service.api.promises import PARTY, TO
from service.callers.context import ReadingAll
from service.console.promise_pages import promised_page
from service.ledger import promise_countries
from service.problems import RequestRefused

pages = Pages("ledger")


@pages.get("/ledger/promised")
def promised(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """A line for each promise and country, of all parties or of those that the address names."""
    sent = page.filters("party", "to")
    try:
        found = promise_countries.by_country(context, PARTY.of(sent), TO.of(sent), connection)
    except RequestRefused as refused:
        if refused.kind != "bad-request" or sent:
            raise
        found = None
    return html(promised_page(sent, found, page.reader))
