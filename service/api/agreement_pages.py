"""`GET /ledger/agreements`: who has a share in what an asset earns, for a person with a browser. Nothing here changes anything."""

import sqlalchemy as sa
from fastapi import Response

from service.api import paging
from service.api.page_answers import ROWS, html
from service.api.page_router import PageCall, Pages
from service.api.rights import ASSET, KNOWN, ON
from service.callers.context import ReadingAll
from service.console.agreement_pages import agreements_page
from service.ledger import agreement_readings
from service.ledger.agreement_readings import AgreementPart, AgreementQuery

_AGREEMENTS = paging.Listing[AgreementPart]("agreement page", "agreements", (str,), ROWS, ROWS)

pages = Pages("ledger")


@pages.get("/ledger/agreements")
def agreements(context: ReadingAll, page: PageCall, connection: sa.Connection) -> Response:
    """The agreements on the asset that an address names; the form alone where it names none."""
    sent = page.filters("asset", "on", "known", "cursor")
    asset, asked = ASSET.of(sent), AgreementQuery(ON.of(sent) or context.today, KNOWN.of(sent))
    shown = {**{name: value for name, value in sent.items() if name != "cursor"}, "on": asked.on.isoformat()}
    if asset is None:
        return html(agreements_page(shown, (), None, page.reader))
    found, following = _AGREEMENTS.page(
        sent,
        lambda after, limit: agreement_readings.page(context, asset, asked, after, limit, connection),
        (asset, asked),
    )
    return html(agreements_page(shown, [each.model_dump(mode="json") for each in found], following, page.reader))
