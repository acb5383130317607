"""`GET /ledger/rights`: the rights in an asset or of a party, for a person with a browser. Nothing here changes anything."""

from dataclasses import replace

import sqlalchemy as sa
from fastapi import Response

from service.api import paging
from service.api.page_answers import ROWS, html
from service.api.page_router import PageCall, Pages
from service.api.rights import ASSET, HISTORY, KNOWN, ON, PARTY
from service.callers.context import ReadingAll
from service.console.rights_chart import rights_page
from service.ledger import rights_readings
from service.ledger.rights_readings import RightsLinePart, RightsQuery

_LINES = paging.Listing[RightsLinePart]("rights", "lines", (str, str, int), ROWS, ROWS)

pages = Pages("ledger")


@pages.get("/ledger/rights")
def rights(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """The lines that an address asks for; the form alone where it names neither an asset nor a party."""
    sent = page.filters("asset", "party", "on", "known", "history", "cursor")
    asked = RightsQuery(
        ON.of(sent) or context.today, ASSET.of(sent), PARTY.of(sent), known=KNOWN.of(sent), history=HISTORY.of(sent) == "true"
    )
    shown = {**{name: value for name, value in sent.items() if name != "cursor"}, "on": asked.on.isoformat()}
    if asked.asset is None and asked.party is None:
        return html(rights_page(shown, (), None, page.reader))
    found, following = _LINES.page(
        sent, lambda after, limit: rights_readings.page(context, replace(asked, after=after, limit=limit), connection)
    )
    return html(rights_page(shown, [each.model_dump(mode="json") for each in found], following, page.reader))
